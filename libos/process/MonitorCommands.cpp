// All is read in the stopped world. What is guarded by locks is read while nobody can hold one (World::is_at_rest()).
#include "libos/process/MonitorCommands.h"

#include "libos/base/Text.h"
#include "libos/debug/World.h"
#include "libos/fs/FileSystem.h"
#include "libos/memory/AddressSpace.h"
#include "libos/memory/PhysicalMemory.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"
#include "libos/trace/Tracer.h"
#include "probes/Registry.h"

#include <algorithm>

namespace process {

namespace {

using base::Error;
using gdbstub::Answer;
using gdbstub::MonitorOutput;
using gdbstub::refuse;

constexpr gdbstub::Refusal in_use{Error::Busy, "This is being changed where the program was stopped. Let it go on and "
                                               "stop it again."};

/// A table's row, column by column.
class Row {
public:
    Row& left(std::string_view text, size_t width) {
        m_text.put(text);
        return pad(text.size(), width);
    }
    Row& right(uint64_t number, size_t width) {
        base::Text<20> digits;
        digits.decimal(number);
        pad(digits.size(), width - 1);
        m_text.put(digits.view()).put(' ');
        return *this;
    }
    void end(MonitorOutput& output, std::string_view last = {}) {
        output.put(m_text.view()).put(last).put("\n");
        m_text.clear();
    }

private:
    Row& pad(size_t used, size_t width) {
        for (; used < width; ++used)
            m_text.put(' ');
        return *this;
    }
    base::Text<128> m_text;
};

Answer<> show_threads(MonitorOutput& output) {
    Row row;
    output.put("  tid name             state        cpu    ms on CPU\n");
    const auto* thread = sched::scheduler().first_thread();
    while (thread != nullptr && thread->all_next != nullptr) // the oldest
        thread = thread->all_next;
    for (; thread != nullptr; thread = thread->all_previous) {
        auto state = thread->state.load(std::memory_order_relaxed);
        bool waits = state == sched::ThreadState::Blocked && thread->wait_reason != sched::WaitReason::None;
        row.right(thread->tid, 6).left(thread->name_view(), 17);
        row.left(waits ? sched::to_string(thread->wait_reason) : sched::to_string(state), 10).right(thread->cpu, 7);
        row.right(sched::duration_ns(thread->cpu_time) / 1'000'000, 13);
        row.end(output, thread->is_kernel() ? "kernel" : "");
    }
    return {};
}

Answer<> show_memory(MonitorOutput& output) {
    if (!debug::world().is_at_rest())
        return std::unexpected(in_use);
    const auto& physical = memory::physical_memory();
    auto& space = memory::address_space();
    constexpr uint64_t page_kib = 4;
    Row row;
    row.left("machine", 16).right(physical.total_pages() * page_kib, 12).end(output, "KiB");
    row.left("  free", 16).right(physical.free_pages() * page_kib, 12).end(output, "KiB");
    row.left("app, mapped", 16).right(space.mapped_bytes() / 1024, 12).end(output, "KiB");
    row.left("  resident", 16).right(space.resident_pages() * page_kib, 12).end(output, "KiB");
    return {};
}

Answer<> show_files(MonitorOutput& output) {
    auto& files = fs::file_system();
    if (!debug::world().is_at_rest() || !files.is_at_rest())
        return std::unexpected(in_use);
    auto& descriptors = files.descriptors();
    Row row;
    output.put("   fd mode  path\n");
    for (int fd = descriptors.next_open(0); fd >= 0; fd = descriptors.next_open(fd + 1)) {
        auto file = descriptors.get(fd);
        if (!file)
            continue;
        base::Text<256> path;
        if ((*file)->entry())
            files.path_of(*(*file)->entry(), path);
        else
            path.put("(no name)");
        if (path.truncated())
            path.put("...");
        bool reads = (*file)->is_readable(), writes = (*file)->is_writable();
        row.right(static_cast<unsigned>(fd), 6).left(reads && writes ? "rw" : reads ? "r" : writes ? "w" : "-", 6);
        row.end(output, path.view());
    }
    return {};
}

Answer<> show_probes(MonitorOutput& output) {
    auto registry = probes::Registry::of_image();
    Row row;
    output.put("sites   on  event\n");
    for (const auto& event : registry.events()) {
        auto status = registry.status_of(event);
        row.right(status.sites, 6).right(status.enabled, 5).left("", 1).left(probes::Registry::provider_of(event), 0);
        row.left(":", 0).end(output, probes::Registry::name_of(event));
    }
    return {};
}

Answer<> show_trace(MonitorOutput& output) {
    auto totals = trace::totals();
    auto geometry = trace::geometry();
    Row row;
    output.put(trace::is_recording() ? "a recording runs\n" : "nobody records: the flight recorder is on\n");
    row.left("produced", 16).right(totals.produced, 16).end(output, "events");
    row.left("discarded", 16).right(totals.discarded, 16).end(output, "events");
    row.left("ring of a CPU", 16).right(geometry.sub_buffer_size * geometry.sub_buffer_count / 1024, 16);
    row.end(output, "KiB");
    return {};
}

struct Named {
    std::string_view name;
    std::string_view help;
    Answer<> (*show)(MonitorOutput& output);
};
constexpr Named commands[] = {
    {"threads", "threads               all threads, the kernel's too\n", show_threads},
    {"memory", "memory                the machine's, and what the app has of it\n", show_memory},
    {"files", "files                 what the app has open\n", show_files},
    {"probes", "probes                events, their sites, and how many of those are on\n", show_probes},
    {"trace", "trace                 events produced and discarded so far\n", show_trace},
};

class MonitorCommands final : public gdbstub::Monitor {
public:
    Answer<> execute(std::string_view command, MonitorOutput& output) override {
        if (command == "help") {
            for (const auto& known : commands)
                output.put(known.help);
            return {};
        }
        const auto* known = std::ranges::find(commands, command, &Named::name);
        if (known == std::end(commands))
            return refuse(Error::NoSystemCall);
        return known->show(output);
    }
};
constinit MonitorCommands g_commands;

} // namespace

gdbstub::Monitor& monitor_commands() {
    return g_commands;
}

} // namespace process
