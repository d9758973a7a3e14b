#include "libos/crash/CoreWriter.h"

#include "libos/base/Bits.h"
#include "libos/base/Elf.h"
#include "libos/control/Control.h"
#include "libos/crash/MemoryRuns.h"
#include "libos/debug/World.h"
#include "libos/links/Links.h"
#include "libos/process/Machine.h"
#include "libos/process/Process.h"
#include "libos/process/StartState.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"
#include "libos/trace/Rings.h"
#include "probes/wire/Channel.h"

#include <algorithm>
#include <arch/Crash.h>
#include <arch/PageTable.h>
#include <arch/Processor.h>
#include <cstring>

namespace crash {

namespace {

using sched::Thread;

constexpr uint32_t stall_ms = 3000;
constexpr uint64_t late_host_ns = 1'000'000'000;
constexpr uint64_t page = arch::page_size;

drivers::ByteChannel* g_channel = nullptr;

base::Result<> send_bytes(std::span<const std::byte> bytes) {
    return g_channel->polled_write(bytes, stall_ms);
}

base::Result<> send_header(wire::FrameType type, uint64_t length) {
    wire::FrameHeader header{wire::frame_magic, wire::channel_version, static_cast<uint16_t>(type), 0,
                             static_cast<uint32_t>(length)};
    return send_bytes(std::as_bytes(std::span(&header, 1)));
}

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
    return std::as_bytes(std::span(&value, 1));
}

/// The notes come twice: once to learn their size, once to send them.
class NoteSink {
public:
    explicit NoteSink(bool sends)
        : m_sends(sends) {}

    void begin(std::string_view name, uint32_t type, uint64_t description_size) {
        base::elf::NoteHeader header{static_cast<uint32_t>(name.size() + 1), static_cast<uint32_t>(description_size),
                                     type};
        put(bytes_of(header));
        put(std::as_bytes(std::span(name)));
        static constexpr std::byte zeros[8] = {};
        put(std::span(zeros).first(base::align_up(uint64_t{name.size() + 1}, 4) - name.size()));
        m_left = description_size;
    }
    void put(std::span<const std::byte> bytes) {
        m_size += bytes.size();
        if (m_sends && m_result)
            m_result = send_bytes(bytes);
    }
    void end() {
        static constexpr std::byte zeros[4] = {};
        put(std::span(zeros).first(base::align_up(m_left, 4) - m_left));
    }
    uint64_t size() const { return m_size; }
    base::Result<> result() const { return m_result; }

private:
    bool m_sends;
    uint64_t m_size = 0;
    uint64_t m_left = 0;
    base::Result<> m_result;
};

class Notes {
public:
    Notes(const Cause& cause, uint64_t trace_time)
        : m_cause(cause)
        , m_time(trace_time) {}

    void write(NoteSink& sink) const {
        if (m_cause.culprit != nullptr)
            write_thread(sink, *m_cause.culprit);
        write_process(sink);
        write_auxiliary(sink);
        for (Thread* t = sched::scheduler().first_thread(); t != nullptr; t = t->all_next) {
            if (t != m_cause.culprit)
                write_thread(sink, *t);
        }
        write_reason(sink);
        write_thread_table(sink);
        write_rings(sink);
        auto hello = control::hello();
        sink.begin(wire::core_note_name, static_cast<uint32_t>(wire::CoreNote::Hello), sizeof(hello));
        sink.put(bytes_of(hello));
        sink.end();
        write_cpus(sink);
    }

private:
    static constexpr std::string_view core_name = "CORE";

    wire::CoreRegisters registers_of(Thread& thread) const {
        if (&thread == m_cause.culprit && m_cause.frame != nullptr)
            return arch::core_registers(*m_cause.frame, thread.fs_base);
        if (auto* frame = debug::world().running_frame_of(thread))
            return arch::core_registers(*frame, thread.fs_base);
        return arch::core_registers_of_switch(thread.saved_stack_pointer(), thread.fs_base);
    }

    void write_thread(NoteSink& sink, Thread& thread) const {
        wire::CorePrStatus status{};
        status.pr_pid = static_cast<int32_t>(thread.tid);
        status.pr_ppid = 0;
        status.pr_pgrp = status.pr_sid = process::process_id;
        status.pr_reg = registers_of(thread);
        status.pr_fpvalid = thread.fpu_state != nullptr ? 1 : 0;
        if (&thread == m_cause.culprit)
            status.pr_cursig = static_cast<int16_t>(m_cause.signal),
            status.si_signo = static_cast<int32_t>(m_cause.signal);
        sink.begin(core_name, wire::nt_prstatus, sizeof(status));
        sink.put(bytes_of(status));
        sink.end();
        if (thread.fpu_state == nullptr)
            return;
        constexpr size_t fxsave_size = 512;
        sink.begin(core_name, wire::nt_fpregset, fxsave_size);
        sink.put({static_cast<const std::byte*>(thread.fpu_state), fxsave_size});
        sink.end();
    }

    void write_process(NoteSink& sink) const {
        wire::CorePrPsInfo info{};
        info.pr_sname = 'R';
        info.pr_pid = info.pr_pgrp = info.pr_sid = process::process_id;
        std::string_view path = process::executable_path();
        std::memcpy(info.pr_psargs, path.data(),
                    path.size() < sizeof(info.pr_psargs) - 1 ? path.size() : sizeof(info.pr_psargs) - 1);
        if (size_t slash = path.rfind('/'); slash != std::string_view::npos)
            path.remove_prefix(slash + 1);
        std::memcpy(info.pr_fname, path.data(),
                    path.size() < sizeof(info.pr_fname) - 1 ? path.size() : sizeof(info.pr_fname) - 1);
        sink.begin(core_name, wire::nt_prpsinfo, sizeof(info));
        sink.put(bytes_of(info));
        sink.end();
    }

    void write_auxiliary(NoteSink& sink) const {
        const auto& start = process::start_state();
        uint64_t size = start.auxiliary_end - start.auxiliary_start;
        auto mapping = arch::find_page(start.auxiliary_start);
        if (size == 0 || !mapping || start.auxiliary_start % page + size > page)
            return;
        sink.begin(core_name, wire::nt_auxv, size);
        sink.put(
            {static_cast<const std::byte*>(arch::direct_map(mapping->frame)) + start.auxiliary_start % page, size});
        sink.end();
    }

    void write_reason(NoteSink& sink) const {
        wire::CoreReason reason{};
        reason.version = wire::core_version;
        reason.origin = static_cast<uint32_t>(wire::CoreOrigin::Guest);
        reason.signal = m_cause.signal;
        reason.text_length = static_cast<uint32_t>(m_cause.text.size());
        reason.fault_address = m_cause.address;
        reason.trace_time = m_time;
        reason.flags = (m_cause.in_kernel ? uint32_t{wire::CoreReasonInKernel} : 0u) |
                       (m_cause.has_address ? uint32_t{wire::CoreReasonHasAddress} : 0u);
        sink.begin(wire::core_note_name, static_cast<uint32_t>(wire::CoreNote::Reason),
                   sizeof(reason) + m_cause.text.size());
        sink.put(bytes_of(reason));
        sink.put(std::as_bytes(std::span(m_cause.text)));
        sink.end();
    }

    template <typename Entry, typename Each>
    static void write_table(NoteSink& sink, wire::CoreNote type, uint32_t count, Each each) {
        wire::CoreTableHeader header{sizeof(Entry), count};
        sink.begin(wire::core_note_name, static_cast<uint32_t>(type), sizeof(header) + uint64_t{count} * sizeof(Entry));
        sink.put(bytes_of(header));
        each([&sink](const Entry& entry) { sink.put(bytes_of(entry)); });
        sink.end();
    }

    void write_thread_table(NoteSink& sink) const {
        uint32_t count = 0;
        for (Thread* t = sched::scheduler().first_thread(); t != nullptr; t = t->all_next)
            ++count;
        write_table<wire::CoreThread>(sink, wire::CoreNote::Threads, count, [](auto put) {
            for (Thread* t = sched::scheduler().first_thread(); t != nullptr; t = t->all_next) {
                t->update_record();
                auto entry = t->record.thread;
                if (!t->is_kernel() && t->app_frame().is_system_call() &&
                    t->state.load(std::memory_order_relaxed) == sched::ThreadState::Blocked)
                    entry.system_call = static_cast<uint32_t>(t->app_frame().system_call_number());
                put(entry);
            }
        });
    }

    void write_rings(NoteSink& sink) const {
        uint32_t count = 0;
        for (uint32_t cpu = 0; cpu < arch::cpu_count(); ++cpu)
            count += trace::ring_of_cpu(cpu).descriptor().magic == wire::ring_magic ? 1 : 0;
        write_table<wire::CoreRing>(sink, wire::CoreNote::Rings, count, [](auto put) {
            for (uint32_t cpu = 0; cpu < arch::cpu_count(); ++cpu) {
                if (trace::ring_of_cpu(cpu).descriptor().magic == wire::ring_magic)
                    put(trace::core_ring(cpu));
            }
        });
    }

    void write_cpus(NoteSink& sink) const {
        write_table<wire::CoreCpu>(sink, wire::CoreNote::Cpus, arch::cpu_count(), [](auto put) {
            for (uint32_t i = 0; i < arch::cpu_count(); ++i) {
                const auto* thread = arch::cpu(i).current;
                put(wire::CoreCpu{i, thread != nullptr ? thread->tid : 0, arch::cpu(i).last_tick,
                                  arch::page_table_root()});
            }
        });
    }

    const Cause& m_cause;
    uint64_t m_time;
};

base::Result<> send_page_run(const MemoryRun& run) {
    constexpr uint64_t pages_in_frame = 256;
    for (uint64_t done = 0; done < run.pages;) {
        uint64_t count = run.pages - done < pages_in_frame ? run.pages - done : pages_in_frame;
        TRY(send_header(wire::FrameType::CoreData, count * page));
        for (uint64_t i = 0; i < count; ++i) {
            auto mapping = arch::find_page(run.address + (done + i) * page);
            // Mapped when the run was collected, and nothing has run since.
            TRY(send_bytes({static_cast<const std::byte*>(arch::direct_map(mapping->frame)), page}));
        }
        done += count;
    }
    return {};
}

/// One with a host, `late` on the links on which the host comes when it finds the guest listening.
drivers::ByteChannel* find_connected(bool late) {
    for (const auto& link : links::all()) {
        auto* channel = link.channel(links::Channel::Crash);
        if (channel == nullptr || (late && !link.host_comes_late))
            continue;
        if (late)
            (void)channel->polled_flush(1); // learns of a host
        if (channel->is_host_connected())
            return channel;
    }
    return nullptr;
}

/// Else, where a host comes late, one that comes within a second: an instance may crash right after its start.
drivers::ByteChannel* find_channel() {
    if (auto* channel = find_connected(false))
        return channel;
    if (std::ranges::none_of(links::all(), &links::Link::host_comes_late))
        return nullptr;
    uint64_t deadline = sched::boottime_ns() + late_host_ns;
    while (sched::boottime_ns() < deadline) {
        if (auto* channel = find_connected(true))
            return channel;
    }
    return nullptr;
}

} // namespace

base::Result<> write_core(const Cause& cause) {
    g_channel = find_channel();
    if (g_channel == nullptr)
        return base::fail(base::Error::NoSuchDevice);
    auto runs = collect_memory_runs();
    uint64_t memory_size = 0;
    for (const auto& run : runs)
        memory_size += run.pages * page;

    Notes notes(cause, arch::timestamp());
    NoteSink sizes(false);
    notes.write(sizes);
    uint64_t headers = sizeof(base::elf::Header) + (runs.size() + 1) * sizeof(base::elf::ProgramHeader);
    uint64_t memory_offset = base::align_up(headers + sizes.size(), page);
    uint64_t padding = memory_offset - headers - sizes.size();

    wire::CoreBeginMessage begin{memory_offset + memory_size, cause.signal, static_cast<uint32_t>(cause.text.size())};
    TRY(send_header(wire::FrameType::CoreBegin, sizeof(begin) + cause.text.size()));
    TRY(send_bytes(bytes_of(begin)));
    TRY(send_bytes(std::as_bytes(std::span(cause.text))));

    TRY(send_header(wire::FrameType::CoreData, memory_offset));
    auto header = base::elf::core_header(static_cast<uint16_t>(runs.size() + 1));
    TRY(send_bytes(bytes_of(header)));
    base::elf::ProgramHeader note{};
    note.type = base::elf::note;
    note.offset = headers;
    note.file_size = sizes.size();
    note.alignment = 4;
    TRY(send_bytes(bytes_of(note)));
    uint64_t offset = memory_offset;
    for (const auto& run : runs) {
        base::elf::ProgramHeader load{base::elf::load,  run.flags,        offset, run.address, 0,
                                      run.pages * page, run.pages * page, page};
        TRY(send_bytes(bytes_of(load)));
        offset += run.pages * page;
    }
    NoteSink sender(true);
    notes.write(sender);
    TRY(sender.result());
    static constexpr std::byte zeros[64] = {};
    for (uint64_t left = padding; left != 0;) {
        uint64_t step = left < sizeof(zeros) ? left : sizeof(zeros);
        TRY(send_bytes(std::span(zeros).first(step)));
        left -= step;
    }
    for (const auto& run : runs)
        TRY(send_page_run(run));
    wire::CoreEndMessage end{memory_offset + memory_size};
    TRY(send_header(wire::FrameType::CoreEnd, sizeof(end)));
    TRY(send_bytes(bytes_of(end)));
    return g_channel->polled_flush(stall_ms);
}

} // namespace crash
