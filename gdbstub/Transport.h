#pragma once
// Seam below the stub: the byte channel to gdb.

#include <cstddef>
#include <cstdint>
#include <span>

#include "libos/base/Result.h"

namespace gdbstub {

/// A byte channel in polled mode. The session calls it only from Session::run_stopped() and Session::report_exit(),
/// so with the world stopped and interrupts off: an implementation takes no lock that a stopped CPU may hold.
/// While the target runs, its owner pushes received bytes into Session::feed() instead, and nothing is written.
///
/// An error from read() or write() means that the peer is gone: it ends the session as a detach would.
class Transport {
public:
    /// Takes up to `out.size()` bytes that have arrived. 0 when there are none: never waits.
    virtual base::Result<size_t> read(std::span<uint8_t> out) = 0;

    /// Sends all of `bytes`, waiting as long as the peer takes to accept them.
    virtual base::Result<> write(std::span<const uint8_t> bytes) = 0;

    /// Called over and over while read() gives nothing: the place for a pause instruction, for servicing queues that
    /// the channel shares with others, for a test's sleep. Returns soon.
    virtual void idle() {}

protected:
    ~Transport() = default;
};

} // namespace gdbstub
