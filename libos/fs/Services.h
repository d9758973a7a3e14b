#pragma once
// What the file system needs from the rest of libos: the seams. The kernel implements them; unit tests bring fakes.

#include "libos/base/Reference.h"
#include "libos/base/Result.h"
#include "libos/base/Text.h"
#include "libos/memory/PageAllocator.h"
#include "libos/sched/WaitQueue.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace fs {

/// Linux's struct termios of the system call ABI (asm-generic/termbits.h); 36 bytes.
struct TerminalAttributes {
    uint32_t input_flags;
    uint32_t output_flags;
    uint32_t control_flags;
    uint32_t local_flags;
    uint8_t line;
    uint8_t control_characters[19];
};
static_assert(sizeof(TerminalAttributes) == 36);

struct TerminalSize {
    uint16_t rows;
    uint16_t columns;
    uint16_t width_pixels;
    uint16_t height_pixels;
};

/// The console behind /dev/console, /dev/tty and the standard streams. Line discipline (echo, canonical mode) is its
/// own. Called in thread context with no lock held, from several threads at a time.
class Console {
public:
    /// Writes all of it, waiting for room.
    virtual base::Result<> write(std::span<const std::byte> bytes) = 0;
    /// At least one byte, or 0 at the end of the input. Waits until `deadline`; past it Error::TimedOut. A deadline of
    /// 0 never waits: Error::Again.
    virtual base::Result<size_t> read(std::span<std::byte> to, sched::Deadline deadline) = 0;
    /// Bytes that read() would give without waiting, for poll and FIONREAD. The implementation calls
    /// fs::readiness_changed() when it becomes nonzero.
    virtual size_t readable_bytes() = 0;
    /// False makes isatty() false.
    virtual bool is_terminal() = 0;
    virtual TerminalAttributes attributes() = 0;
    virtual void set_attributes(const TerminalAttributes& attributes) = 0;
    virtual TerminalSize size() = 0;

protected:
    ~Console() = default;
};

class RandomSource {
public:
    virtual void fill(std::span<std::byte> to) = 0;

protected:
    ~RandomSource() = default;
};

/// Nanoseconds. Any context.
class Clock {
public:
    virtual int64_t realtime_nanoseconds() = 0;
    virtual uint64_t monotonic_nanoseconds() = 0;

protected:
    ~Clock() = default;
};

/// The generated text files. `fs` knows their names and places, the kernel their contents.
enum class ProcFile : uint8_t {
    SelfMaps,        // /proc/self/maps
    SelfSmaps,       // /proc/self/smaps
    SelfStat,        // /proc/self/stat
    SelfStatm,       // /proc/self/statm
    SelfStatus,      // /proc/self/status
    SelfCommandLine, // /proc/self/cmdline
    SelfEnvironment, // /proc/self/environ
    SelfCommand,     // /proc/self/comm
    SelfAuxiliary,   // /proc/self/auxv
    SelfLimits,      // /proc/self/limits
    CpuInfo,         // /proc/cpuinfo
    MemoryInfo,      // /proc/meminfo
    Stat,            // /proc/stat
    Uptime,          // /proc/uptime
    LoadAverage,     // /proc/loadavg
    Version,         // /proc/version
    CommandLine,     // /proc/cmdline
    OnlineCpus,      // /sys/devices/system/cpu/{online,possible,present}
    ClockSource,     // /sys/devices/system/clocksource/clocksource0/current_clocksource
    Count,           // how many there are
};

struct MemoryFigures {
    uint64_t total_bytes;
    uint64_t free_bytes;
};

/// Called in thread context with no lock of `fs` held.
class ProcSource {
public:
    /// The whole text of the file at this moment. When it does not fit, `text.truncated()` and it is called again with
    /// a larger buffer. Error::NoEntry: the open fails so.
    virtual base::Result<> generate(ProcFile file, base::TextBuilder& text) = 0;
    /// Absolute; stays valid and unchanged for the rest of the run.
    virtual std::string_view executable_path() = 0;
    virtual uint64_t process_id() = 0;
    virtual MemoryFigures memory() = 0;

protected:
    ~ProcSource() = default;
};

class Entry;
class Inode;
class OpenFile;

/// The families of socket addresses that the kernel has. Thread context, no lock of `fs` held.
class SocketSource {
public:
    /// socket(2): `type` without its flags; `flags` are the open file's. Error::AddressFamilyNotSupported,
    /// Error::SocketTypeNotSupported, Error::ProtocolNotSupported, Error::NoMemory.
    virtual base::Result<base::Reference<OpenFile>> create(int family, int type, int protocol, int flags) = 0;
    /// This instance's address for /dev/vsock. Error::NoSuchDevice: it has none.
    virtual base::Result<uint32_t> vsock_cid() = 0;

protected:
    ~SocketSource() = default;
};

/// The host's byte channels that are the app's own: /dev/virtio-ports/NAME, where Linux's udev puts them too. Thread
/// context, no lock of `fs` held.
class PortSource {
public:
    virtual unsigned count() = 0;
    /// Empty: there is none with this number. Stays valid and unchanged.
    virtual std::string_view name(unsigned number) = 0;
    /// Error::Busy: it is open already. Error::NoSuchDevice, Error::NoMemory.
    virtual base::Result<base::Reference<OpenFile>> open(unsigned number, base::Reference<Inode> inode,
                                                         base::Reference<Entry> entry, int flags) = 0;

protected:
    ~PortSource() = default;
};

struct Services {
    memory::PageAllocator& pages;
    Console& console;
    RandomSource& random;
    ProcSource& proc;
    Clock& clock;
    /// How many frames file data may take; more is ENOSPC, so that files never starve the app. 0: no limit.
    uint64_t data_page_limit = 0;
    SocketSource* sockets = nullptr; // none: no family is supported
    PortSource* ports = nullptr;     // none: there are none
};

} // namespace fs
