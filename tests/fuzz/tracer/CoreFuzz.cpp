// Any bytes at all as a core, and as a machine's dump: readers stay inside of them, and page tables that point to
// themselves come to an end.

#include "tracer/crash/CoreFile.h"
#include "tracer/crash/MachineDump.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    int fd = memfd_create("core", 0);
    if (fd < 0 || write(fd, data, size) != static_cast<ssize_t>(size))
        abort();
    std::string path = "/proc/self/fd/" + std::to_string(fd);
    std::array<uint8_t, 64> bytes;
    if (auto core = crash::CoreFile::open(path)) {
        for (const auto& thread : core->threads()) {
            (void)thread.name();
            (void)core->read(thread.registers.rsp, bytes);
        }
        for (const auto& segment : core->segments())
            (void)core->read(segment.address + segment.size - 32, bytes);
    }
    if (auto dump = crash::MachineDump::open(path)) {
        (void)dump->read(dump->cpus().front().registers.rip, bytes);
        (void)dump->mapped_ranges();
    }
    close(fd);
    return 0;
}
