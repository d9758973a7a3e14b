#include "tracer/vsock/Watch.h"

namespace tracer::vsock {

Watch::Watch(asio::io_context& loop, FileDescriptor descriptor, Callbacks callbacks)
    : m_descriptor(descriptor.get()) {
    m_shared = std::make_shared<Shared>(loop, descriptor.release(), std::move(callbacks));
}

Watch::~Watch() {
    asio::error_code ignored;
    m_shared->descriptor.close(ignored);
}

FileDescriptor Watch::release() {
    return FileDescriptor(m_shared->descriptor.release());
}

void Watch::await(asio::posix::stream_descriptor::wait_type kind, bool Shared::* awaits,
                  std::function<void()> Callbacks::* callback) {
    if (std::exchange((*m_shared).*awaits, true))
        return;
    m_shared->descriptor.async_wait(kind, [shared = m_shared, awaits, callback](asio::error_code error) {
        (*shared).*awaits = false;
        // A wait that had already ended when the Watch went is delivered all the same, without an error.
        if (!shared->descriptor.is_open())
            return;
        const auto& call = error ? shared->callbacks.on_unusable : shared->callbacks.*callback;
        if (call)
            call();
    });
}

void Watch::await_readable() {
    await(asio::posix::stream_descriptor::wait_read, &Shared::awaits_readable, &Callbacks::on_readable);
}

void Watch::await_writable() {
    await(asio::posix::stream_descriptor::wait_write, &Shared::awaits_writable, &Callbacks::on_writable);
}

void Watch::await_hangup() {
    await(asio::posix::stream_descriptor::wait_error, &Shared::awaits_hangup, &Callbacks::on_hangup);
}

} // namespace tracer::vsock
