#pragma once
// Watch: one descriptor on the event loop, and whom to tell when it can be used.

#include "tracer/link/Socket.h"

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>

namespace tracer::vsock {

/// Owns a descriptor. On the event loop's thread. Callbacks run from the loop, never from inside a call, and never
/// after the Watch is gone; they may destroy it.
class Watch {
public:
    struct Callbacks {
        std::function<void()> on_readable = {};
        std::function<void()> on_writable = {};
        /// Both directions of a socket have ended.
        std::function<void()> on_hangup = {};
        /// The descriptor is of a kind that cannot be waited for.
        std::function<void()> on_unusable = {};
    };

    Watch(asio::io_context& loop, FileDescriptor descriptor, Callbacks callbacks);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    int get() const { return m_descriptor; }
    /// Gives the descriptor away. No callback runs any more.
    FileDescriptor release();

    // Each asks for one call, however often it is asked before that call comes. What is already so counts.
    void await_readable();
    void await_writable();
    void await_hangup();

private:
    struct Shared {
        Shared(asio::io_context& loop, int descriptor_taken, Callbacks given)
            : descriptor(loop)
            , callbacks(std::move(given)) {
            asio::error_code error;
            descriptor.assign(descriptor_taken, error);
            if (error)
                FileDescriptor closed(descriptor_taken);
        }
        asio::posix::stream_descriptor descriptor;
        Callbacks callbacks; ///< stay alive while one of them runs
        bool awaits_readable = false;
        bool awaits_writable = false;
        bool awaits_hangup = false;
    };

    void await(asio::posix::stream_descriptor::wait_type kind, bool Shared::* awaits,
               std::function<void()> Callbacks::* callback);

    std::shared_ptr<Shared> m_shared;
    int m_descriptor;
};

} // namespace tracer::vsock
