#include "libos/vsock/StreamSocket.h"

#include "libos/fs/FileSystem.h"

#include <algorithm>
#include <new>

namespace vsock {

using base::Error;
using base::fail;
using base::Result;
using fs::SleepLocker;
using fs::SocketAddress;
using fs::Transfer;
using State = Endpoint::State;
namespace abi = fs::abi;

namespace {

Result<abi::sockaddr_vm> address_of(std::span<const std::byte> bytes_untrusted) {
    abi::sockaddr_vm address;
    if (bytes_untrusted.size() < sizeof(address))
        return fail(Error::Invalid);
    std::memcpy(&address, bytes_untrusted.data(), sizeof(address));
    if (address.svm_family != abi::af_vsock || (address.svm_flags & ~abi::vmaddr_flag_to_host) != 0)
        return fail(Error::Invalid);
    return address;
}

SocketAddress make_address(uint32_t cid, uint32_t port) {
    SocketAddress result;
    result.set(abi::sockaddr_vm{abi::af_vsock, 0, port, cid, 0, {}});
    return result;
}

bool was_connected(State state) {
    return state == State::Established || state == State::Ended;
}

} // namespace

StreamSocket::StreamSocket(base::Reference<fs::Inode> inode, SocketFamily& family, int flags)
    : Socket(std::move(inode), flags, abi::af_vsock, abi::sock_stream)
    , m_family(family) {}

Result<base::Reference<fs::OpenFile>> StreamSocket::create(SocketFamily& family, int flags) {
    auto inode = TRY(fs::SocketInode::create());
    auto* socket = new (std::nothrow) StreamSocket(inode, family, flags);
    if (!socket)
        return fail(Error::NoMemory);
    return base::Reference<fs::OpenFile>::adopt(socket);
}

StreamSocket::~StreamSocket() {
    if (auto* own = endpoint())
        engine().close(*own);
}

Result<> StreamSocket::wait(Endpoint& endpoint, uint64_t seen, sched::Deadline deadline) {
    return endpoint.event.wait(seen, deadline);
}

// --- Addresses and connections

Result<> StreamSocket::bind(std::span<const std::byte> address_untrusted) {
    auto address = TRY(address_of(address_untrusted));
    SleepLocker locker(m_binding);
    if (endpoint())
        return fail(Error::Invalid);
    if (address.svm_cid != any_cid && address.svm_cid != engine().local_cid())
        return fail(Error::AddressNotAvailable);
    m_endpoint.store(TRY(engine().bind(address.svm_port)), std::memory_order_release);
    m_local_cid = address.svm_cid;
    return {};
}

Result<> StreamSocket::listen(int backlog) {
    SleepLocker locker(m_binding);
    if (!endpoint())
        return fail(Error::Invalid);
    return engine().listen(*endpoint(), static_cast<unsigned>(backlog));
}

Result<> StreamSocket::start_connect(uint32_t cid, uint32_t port) {
    SleepLocker locker(m_binding);
    if (!endpoint())
        m_endpoint.store(TRY(engine().bind(any_port)), std::memory_order_release);
    auto state = engine().status(*endpoint()).state;
    // What would be refused needs no memory.
    auto buffer = state == State::Bound ? TRY(m_family.make_buffer(m_buffer_size)) : ReceiveBuffer();
    return engine().connect(*endpoint(), cid, port, std::move(buffer));
}

Result<> StreamSocket::connect(std::span<const std::byte> address_untrusted) {
    auto address = TRY(address_of(address_untrusted));
    auto started = start_connect(address.svm_cid, address.svm_port);
    if (!started && (started.error() != Error::Already || is_nonblocking()))
        return started;
    auto& own = *endpoint();
    auto deadline = fs::services().clock.monotonic_nanoseconds() + m_connect_timeout;
    if (is_nonblocking()) {
        engine().limit_connect(own, deadline);
        return fail(Error::InProgress);
    }
    return wait_for_answer(own, deadline);
}

Result<> StreamSocket::wait_for_answer(Endpoint& own, sched::Deadline deadline) {
    while (true) {
        auto seen = own.event.count();
        auto state = engine().status(own).state;
        if (was_connected(state))
            return {};
        if (state != State::Connecting)
            return fail(engine().take_error(own).value_or(Error::ConnectionReset));
        if (auto waited = wait(own, seen, deadline); !waited)
            engine().abandon_connect(own, waited.error());
    }
}

Result<base::Reference<fs::OpenFile>> StreamSocket::accept(int flags, SocketAddress& peer) {
    auto* own = endpoint();
    if (!own || !is_listening())
        return fail(Error::Invalid);
    auto deadline = receive_deadline();
    Endpoint* accepted = nullptr;
    while (true) {
        auto seen = own->event.count();
        if ((accepted = engine().accept(*own)) != nullptr)
            break;
        if (is_nonblocking())
            return fail(Error::Again);
        auto waited = wait(*own, seen, deadline);
        if (!waited)
            return fail(waited.error() == Error::TimedOut ? Error::Again : waited.error());
    }
    auto file = create(m_family, abi::o_rdwr | flags);
    auto buffer = m_family.make_buffer(m_buffer_size);
    if (!file || !buffer) {
        engine().close(*accepted);
        return fail(!file ? file.error() : buffer.error());
    }
    engine().grant(*accepted, std::move(*buffer));
    auto& socket = static_cast<StreamSocket&>(**file);
    socket.m_local_cid = static_cast<uint32_t>(engine().local_cid());
    socket.m_buffer_size = m_buffer_size.load();
    socket.m_buffer_min = m_buffer_min.load();
    socket.m_buffer_max = m_buffer_max.load();
    socket.m_connect_timeout = m_connect_timeout.load();
    socket.m_endpoint.store(accepted, std::memory_order_release);
    auto status = engine().status(*accepted);
    peer = make_address(status.peer_cid, status.peer_port);
    return file;
}

Result<> StreamSocket::shut_down(int how) {
    if (how < abi::shut_rd || how > abi::shut_rdwr)
        return fail(Error::Invalid);
    if (!endpoint())
        return fail(Error::NotConnected);
    return engine().shut_down(*endpoint(), static_cast<uint8_t>(how + 1));
}

Result<SocketAddress> StreamSocket::local_address() {
    SleepLocker locker(m_binding);
    if (!endpoint())
        return make_address(any_cid, any_port);
    return make_address(m_local_cid, engine().status(*endpoint()).local_port);
}

Result<SocketAddress> StreamSocket::peer_address() {
    if (!endpoint())
        return fail(Error::NotConnected);
    auto status = engine().status(*endpoint());
    if (!was_connected(status.state))
        return fail(Error::NotConnected);
    return make_address(status.peer_cid, status.peer_port);
}

// --- Bytes

Result<bool> StreamSocket::take_received(Endpoint& own, Transfer& to, bool peek) {
    SleepLocker reader(m_reading);
    auto received = TRY(engine().received(own));
    auto before = to.moved();
    size_t taken = 0;
    Result<> result;
    while (taken < received.length && !to.done() && result) {
        auto put = to.put(own.buffer.run_at(received.position + taken, received.length - taken));
        if (!put)
            result = fail(put.error());
        taken = to.moved() - before; // of a failed one too
    }
    if (taken != 0 && !peek)
        engine().consume(own, taken);
    if (!result)
        return fail(result.error());
    return !received.at_end;
}

Result<size_t> StreamSocket::receive(Transfer& to, int flags) {
    auto* own = endpoint();
    if (!own || !was_connected(engine().status(*own).state))
        return fail(Error::NotConnected);
    if ((flags & abi::msg_oob) != 0)
        return fail(Error::NotSupported);
    auto deadline = receive_deadline();
    bool peek = (flags & abi::msg_peek) != 0;
    size_t wanted = (flags & abi::msg_waitall) != 0 ? to.remaining() : std::min(low_water(), to.remaining());
    while (true) {
        auto seen = own->event.count();
        auto more = take_received(*own, to, peek);
        if (!more)
            return bytes_moved(to, fail(more.error()));
        if (to.moved() >= wanted || (peek && to.moved() != 0))
            return to.moved();
        Result<> waited;
        if (!*more) {
            auto error = engine().take_error(*own);
            return bytes_moved(to, error ? Result<>(fail(*error)) : Result<>());
        }
        waited = would_block(flags) ? fail(Error::Again) : wait(*own, seen, deadline);
        if (!waited)
            return bytes_moved(to, fail(waited.error() == Error::TimedOut ? Error::Again : waited.error()));
    }
}

/// All of it, or as far as there are credit and room: Error::Again.
Result<> StreamSocket::send_available(Endpoint& own, Transfer& from) {
    SleepLocker writer(m_writing);
    while (!from.done()) {
        auto reservation = TRY(engine().begin_send(own, from.remaining()));
        auto before = from.moved();
        auto taken = from.take({reservation.buffer->memory, reservation.size});
        engine().finish_send(own, reservation, static_cast<uint32_t>(from.moved() - before));
        TRY(taken);
    }
    return {};
}

Result<size_t> StreamSocket::send(Transfer& from, int flags, bool has_address) {
    if ((flags & abi::msg_oob) != 0)
        return fail(Error::NotSupported);
    auto* own = endpoint();
    auto state = own ? engine().status(*own).state : State::Bound;
    if (has_address)
        return fail(was_connected(state) ? Error::IsConnected : Error::NotSupported);
    if (!was_connected(state))
        return fail(Error::NotConnected);
    auto deadline = send_deadline();
    while (true) {
        auto seen = own->event.count();
        auto sent = send_available(*own, from);
        if (!sent && sent.error() == Error::Again && !would_block(flags)) {
            sent = wait(*own, seen, deadline);
            if (sent)
                continue;
            if (sent.error() == Error::TimedOut)
                sent = fail(Error::Again);
        }
        return bytes_moved(from, sent);
    }
}

Result<uint64_t> StreamSocket::ioctl(uint32_t request, uint64_t argument) {
    if (request != abi::fionread)
        return fail(Error::NotTerminal);
    if (is_listening())
        return fail(Error::Invalid);
    auto received = endpoint() ? engine().status(*endpoint()).received : 0;
    TRY(memory::write_user(argument, static_cast<int32_t>(received)));
    return 0;
}

// --- Readiness

uint32_t StreamSocket::poll() {
    constexpr uint32_t readable = abi::pollin | abi::pollrdnorm;
    constexpr uint32_t writable = abi::pollout | abi::pollwrnorm;
    auto* own = endpoint();
    if (!own)
        return writable;
    auto status = engine().status(*own);
    uint32_t ready = status.has_error ? abi::pollerr : 0;
    if (status.shut == ShutBoth || (status.shut & status.peer_shut & ShutSend) != 0)
        ready |= abi::pollhup;
    if ((status.shut & ShutReceive) != 0 || (status.peer_shut & ShutSend) != 0)
        ready |= abi::pollrdhup | readable;
    switch (status.state) {
    case State::Listening:
        if (status.waiting != 0)
            ready |= readable;
        break;
    case State::Established:
        if (status.received >= low_water())
            ready |= readable;
        if (status.can_send && (status.shut & ShutSend) == 0)
            ready |= writable;
        break;
    case State::Connecting:
        break;
    default:
        // A write does not wait: it fails.
        if ((status.shut & ShutSend) == 0)
            ready |= writable;
        break;
    }
    return ready;
}

uint64_t StreamSocket::activity() const {
    auto* own = endpoint();
    return own ? own->event.count() : 0;
}

// --- Options

bool StreamSocket::is_listening() {
    auto* own = endpoint();
    return own && engine().status(*own).state == State::Listening;
}

int StreamSocket::take_error() {
    auto* own = endpoint();
    auto error = own ? engine().take_error(*own) : std::nullopt;
    return error ? static_cast<int>(*error) : 0;
}

Result<> StreamSocket::set_own_option(int level, int name, std::span<const std::byte> value_untrusted) {
    if (level != abi::af_vsock)
        return fail(Error::NoProtocolOption);
    switch (name) {
    case abi::so_vm_sockets_buffer_size:
    case abi::so_vm_sockets_buffer_min_size:
    case abi::so_vm_sockets_buffer_max_size: {
        auto size = TRY(value_of<uint64_t>(value_untrusted));
        if (name == abi::so_vm_sockets_buffer_min_size)
            m_buffer_min = size;
        else if (name == abi::so_vm_sockets_buffer_max_size)
            m_buffer_max = size;
        else
            m_buffer_size = size;
        m_buffer_size = std::max(std::min(m_buffer_size.load(), m_buffer_max.load()), m_buffer_min.load());
        return {};
    }
    case abi::so_vm_sockets_connect_timeout_old:
    case abi::so_vm_sockets_connect_timeout_new: {
        constexpr int64_t max_seconds = 1'000'000'000;
        auto time = TRY(value_of<abi::timeval>(value_untrusted));
        if (time.tv_sec < 0 || time.tv_sec > max_seconds || time.tv_usec < 0 || time.tv_usec >= 1'000'000)
            return fail(Error::Range);
        auto timeout = static_cast<uint64_t>(time.tv_sec * 1'000'000 + time.tv_usec) * 1000;
        m_connect_timeout = timeout != 0 ? timeout : default_connect_timeout;
        return {};
    }
    default:
        return fail(Error::NoProtocolOption);
    }
}

Result<size_t> StreamSocket::get_own_option(int level, int name, std::span<std::byte> value) {
    if (level != abi::af_vsock)
        return fail(Error::NoProtocolOption);
    auto put_whole = [&](const auto& option) -> Result<size_t> {
        if (value.size() < sizeof(option))
            return fail(Error::Invalid);
        return put_value(value, option);
    };
    switch (name) {
    case abi::so_vm_sockets_buffer_size:
        return put_whole(m_buffer_size.load());
    case abi::so_vm_sockets_buffer_min_size:
        return put_whole(m_buffer_min.load());
    case abi::so_vm_sockets_buffer_max_size:
        return put_whole(m_buffer_max.load());
    case abi::so_vm_sockets_connect_timeout_old:
    case abi::so_vm_sockets_connect_timeout_new: {
        auto timeout = m_connect_timeout.load();
        return put_whole(abi::timeval{static_cast<int64_t>(timeout / 1'000'000'000),
                                      static_cast<int64_t>(timeout % 1'000'000'000 / 1000)});
    }
    default:
        return fail(Error::NoProtocolOption);
    }
}

} // namespace vsock
