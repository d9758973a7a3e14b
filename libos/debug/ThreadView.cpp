#include "libos/debug/ThreadView.h"

#include "gdbstub/arch/Registers.h"
#include "libos/base/Elf.h"
#include "libos/sched/Scheduler.h"

#include <arch/Image.h>
#include <arch/PageTable.h>

namespace debug {

using gdbstub::Answer;
using gdbstub::refuse;
using sched::Thread;

Thread* oldest_thread() {
    Thread* last = sched::scheduler().first_thread();
    while (last != nullptr && last->all_next != nullptr)
        last = last->all_next;
    return last;
}

gdbstub::ThreadInfo describe(const Thread& thread) {
    gdbstub::ThreadInfo info;
    info.id = thread.tid;
    info.name = thread.name_view();
    auto state = thread.state.load(std::memory_order_relaxed);
    info.state = state == sched::ThreadState::Blocked && thread.wait_reason != sched::WaitReason::None
                     ? sched::to_string(thread.wait_reason)
                     : sched::to_string(state);
    info.cpu = static_cast<int>(thread.cpu);
    return info;
}

Answer<uint64_t> thread_local_address(const Thread& thread, uint64_t offset) {
    if (__ehdr_start == nullptr)
        return refuse(base::Error::NoEntry, "the image's headers are not in its memory");
    using namespace base::elf;
    auto image = reinterpret_cast<uint64_t>(__ehdr_start);
    const auto& header = *static_cast<const Header*>(arch::direct_map(image));
    const auto* segments = static_cast<const ProgramHeader*>(arch::direct_map(image + header.program_header_offset));
    for (unsigned i = 0; i < header.program_header_count; ++i) {
        if (segments[i].type == thread_local_storage_segment)
            return gdbstub::arch::static_tls_address(thread.fs_base, segments[i].memory_size, segments[i].alignment,
                                                     offset);
    }
    return refuse(base::Error::NoEntry, "the image has no thread-local storage");
}

} // namespace debug
