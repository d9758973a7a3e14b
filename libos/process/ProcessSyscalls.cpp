#include "libos/fs/FileSystem.h"
#include "libos/memory/PhysicalMemory.h"
#include "libos/memory/UserMemory.h"
#include "libos/process/Process.h"
#include "libos/process/Random.h"
#include "libos/process/Syscalls.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"

#include <cstring>

namespace process {

using base::Error;
using base::fail;

namespace {

constexpr uint64_t infinity = UINT64_MAX;
constexpr uint64_t stack_size = 8u << 20;

struct Limit {
    uint64_t current;
    uint64_t maximum;
};

base::Result<Limit> limit_of(int resource) {
    constexpr int stack = 3, core = 4, open_files = 7;
    if (resource < 0 || resource > 15)
        return fail(Error::Invalid);
    switch (resource) {
    case stack:
        return Limit{stack_size, infinity};
    case core:
        return Limit{infinity, infinity};
    case open_files:
        return Limit{1024, 1024};
    default:
        return Limit{infinity, infinity};
    }
}

} // namespace

Outcome sys_getpid(const Arguments&) {
    return process_id;
}

Outcome sys_uname(const Arguments& a) {
    struct Names {
        char field[6][65];
    };
    Names names{};
    const char* values[] = {"Linux", "uniscope", "6.1.0-uniscope", "#1 SMP Uniscope", "x86_64", "(none)"};
    for (size_t i = 0; i < 6; ++i)
        std::memcpy(names.field[i], values[i], __builtin_strlen(values[i]));
    TRY(memory::write_user(a.value[0], names));
    return 0;
}

Outcome sys_sysinfo(const Arguments& a) {
    struct Info {
        int64_t uptime;
        uint64_t loads[3];
        uint64_t total, free, shared, buffers, total_swap, free_swap;
        uint16_t processes;
        uint64_t total_high, free_high;
        uint32_t unit;
    };
    static_assert(sizeof(Info) == 112);
    auto& memory = memory::physical_memory();
    Info info{};
    info.uptime = static_cast<int64_t>(sched::boottime_ns() / 1'000'000'000);
    info.total = memory.total_pages() * 4096;
    info.free = memory.free_pages() * 4096;
    info.processes = static_cast<uint16_t>(sched::scheduler().app_thread_count());
    info.unit = 1;
    TRY(memory::write_user(a.value[0], info));
    return 0;
}

Outcome sys_prlimit64(const Arguments& a) {
    constexpr int open_files = 7;
    auto limit = TRY(limit_of(a.as_int(1)));
    if (a.value[2] != 0) {
        auto wanted = TRY(memory::read_user<Limit>(a.value[2]));
        if (wanted.current > wanted.maximum)
            return fail(Error::Invalid);
        if (wanted.maximum > limit.maximum)
            return fail(Error::NotPermitted);
        // The others are accepted and change nothing: there is one process, and the instance's memory is its limit.
        if (a.as_int(1) == open_files)
            fs::file_system().descriptors().set_limit(static_cast<unsigned>(wanted.current));
    }
    if (a.value[3] != 0)
        TRY(memory::write_user(a.value[3], limit));
    return 0;
}

Outcome sys_getrlimit(const Arguments& a) {
    TRY(memory::write_user(a.value[1], TRY(limit_of(a.as_int(0)))));
    return 0;
}

Outcome sys_getrandom(const Arguments& a) {
    uint64_t done = 0;
    while (done < a.value[1]) {
        std::byte bytes[256];
        size_t step = a.value[1] - done < sizeof(bytes) ? a.value[1] - done : sizeof(bytes);
        random_source().fill(std::span(bytes, step));
        TRY(memory::copy_to_user(a.value[0] + done, std::span(bytes, step)));
        done += step;
    }
    return done;
}

} // namespace process
