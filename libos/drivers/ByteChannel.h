#pragma once
// ByteChannel: one byte stream between this instance and its host, whatever carries it: a virtio-serial port, a
// connection of a vsock device, a channel of the framed serial line, a raw UART.
//
// Two ways of use, never both at once on one channel:
// - Normal: write_some(), write_pages(), read(), from threads and interrupt handlers of any CPU. Nothing waits: what
//   does not fit is refused, and the event handler says when it is worth trying again.
// - Stopped: the world is stopped, its leader is the only CPU that runs, interrupts are off. The leader calls
//   poll_stopped() instead of waiting for an interrupt, and then, if that succeeds, read() and write_some() as above.
//   No event handler is called until the world goes on (the interrupt that comes then calls it). A CPU is never stopped
//   while it holds a channel's lock (sched::NoStopLock), but for one that is gone (debug::World::missing()): then
//   poll_stopped() answers Error::Busy and nothing else may be called.
//   So nothing that such a lock is held for waits for another lock, but for a further NoStopLock.
// - Polled: polled_write() and its kin, after the world has stopped for good, on any stack. They wait, for as long as
//   they are told. So a channel that has to work in a crash is used by nothing else.
//
// The host's end may be closed (nothing is sent: Error::BrokenPipe) or not read from (Error::Again, polled
// Error::TimedOut). No call blocks for longer than it was given.

#include "libos/base/Result.h"
#include "libos/memory/PageAllocator.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace drivers {

class ByteChannel {
public:
    ByteChannel(const ByteChannel&) = delete;
    ByteChannel& operator=(const ByteChannel&) = delete;

    /// Whether somebody has the host's end open. A raw UART cannot tell and always says so. Any context.
    virtual bool is_host_connected() const = 0;
    /// Counts openings and closings of the host's end: what was written under another number may not have arrived, and
    /// what is read comes from another peer. Any context.
    virtual uint32_t connection() const = 0;

    /// Called when bytes arrived, room came back or the host's end changed; in interrupt context, without a lock. Wakes
    /// a thread, typically. Set once, before use.
    using EventHandler = void (*)(void* context);
    virtual void set_event_handler(EventHandler handler, void* context) = 0;

    /// Copies as much as fits now; returns how much, at least 1. Error::Again when full, Error::BrokenPipe without a
    /// host, Error::Io when the device broke.
    virtual base::Result<size_t> write_some(std::span<const std::byte> bytes) = 0;

    /// Sends physically contiguous memory, without copying where the device allows that. It belongs to the channel
    /// until `done` is called, once, from any context (this call included), without a lock. Errors as above; `done` is
    /// not called for an error, nor for what a broken device still has.
    using WriteDone = void (*)(void* context);
    virtual base::Result<> write_pages(memory::PhysicalAddress address, uint32_t length, WriteDone done,
                                       void* context) = 0;

    /// What has arrived, at most `out.size()` bytes; 0 when nothing has.
    virtual size_t read(std::span<std::byte> out) = 0;

    /// The leader of a stopped world: does what the device's interrupt would, but calls no event handler. Error::Busy:
    /// the channel cannot be used in this stop.
    virtual base::Result<> poll_stopped() = 0;

    /// All of `bytes`; gives up when the device takes nothing for `stall_ms`.
    virtual base::Result<> polled_write(std::span<const std::byte> bytes, uint32_t stall_ms) = 0;
    /// Where the device allows it, without copying: the memory must stay as it is until polled_flush().
    virtual base::Result<> polled_write_pages(memory::PhysicalAddress address, uint32_t length, uint32_t stall_ms) = 0;
    /// Until the device has taken all.
    virtual base::Result<> polled_flush(uint32_t stall_ms) = 0;
    virtual base::Result<size_t> polled_read(std::span<std::byte> out) = 0;

protected:
    constexpr ByteChannel() = default;
    ~ByteChannel() = default;
};

} // namespace drivers
