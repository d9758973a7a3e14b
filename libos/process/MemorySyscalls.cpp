#include "libos/fs/FileSystem.h"
#include "libos/memory/AddressSpace.h"
#include "libos/process/Syscalls.h"
#include "libos/trace/Events.h"

#include <arch/Processor.h>

namespace process {

using base::Error;
using base::fail;

namespace {

// include/uapi/asm-generic/mman-common.h
constexpr uint64_t prot_read = 1, prot_write = 2, prot_exec = 4;
constexpr uint64_t map_shared = 1, map_private = 2, map_shared_validate = 3, map_fixed = 0x10, map_anonymous = 0x20,
                   map_populate = 0x8000, map_fixed_noreplace = 0x100000;

memory::Protection protection_of(uint64_t bits) {
    return {(bits & prot_read) != 0, (bits & prot_write) != 0, (bits & prot_exec) != 0};
}

} // namespace

Outcome sys_mmap(const Arguments& a) {
    uint64_t flags = a.value[3];
    uint64_t type = flags & 3;
    if (type == 0 || a.value[5] % arch::page_size != 0)
        return fail(Error::Invalid);
    memory::AddressSpace::Request request{.address = a.value[0],
                                          .length = a.value[1],
                                          .protection = protection_of(a.value[2]),
                                          .fixed = (flags & (map_fixed | map_fixed_noreplace)) != 0,
                                          .replace = (flags & map_fixed) != 0,
                                          .shared = type != map_private,
                                          .populate = (flags & map_populate) != 0,
                                          .offset = a.value[5]};
    static_assert(map_shared_validate == 3 && map_shared == 1);
    Outcome result = 0;
    if ((flags & map_anonymous) != 0) {
        request.offset = 0;
        result = memory::address_space().map(request);
    } else {
        auto file = TRY(fs::file_system().descriptors().get(a.as_int(4)));
        if (!file->is_readable() || (request.shared && request.protection.write && !file->is_writable()))
            return fail(Error::Access);
        request.inode = &file->inode();
        base::Text<256> name;
        if (file->entry())
            fs::file_system().path_of(*file->entry(), name);
        request.name = name.view();
        result = memory::address_space().map(request);
    }
    if (result)
        trace::mm_map(*result, request.length, a.value[2], flags);
    return result;
}

Outcome sys_munmap(const Arguments& a) {
    TRY(memory::address_space().unmap(a.value[0], a.value[1]));
    trace::mm_unmap(a.value[0], a.value[1]);
    return 0;
}

Outcome sys_mprotect(const Arguments& a) {
    TRY(memory::address_space().protect(a.value[0], a.value[1], protection_of(a.value[2])));
    return 0;
}

Outcome sys_mremap(const Arguments& a) {
    constexpr uint64_t may_move = 1, fixed = 2;
    if ((a.value[3] & ~(may_move | fixed)) != 0 || ((a.value[3] & fixed) != 0 && (a.value[3] & may_move) == 0))
        return fail(Error::Invalid);
    return memory::address_space().remap(a.value[0], a.value[1], a.value[2], (a.value[3] & may_move) != 0,
                                         (a.value[3] & fixed) != 0, a.value[4]);
}

Outcome sys_madvise(const Arguments& a) {
    constexpr int dont_need = 4;
    if (a.as_int(2) == dont_need)
        TRY(memory::address_space().discard(a.value[0], a.value[1]));
    return 0; // the others are hints
}

Outcome sys_msync(const Arguments&) {
    return 0;
} // files are memory: there is nothing to write back

Outcome sys_brk(const Arguments& a) {
    return memory::address_space().set_break(a.value[0]);
}

} // namespace process
