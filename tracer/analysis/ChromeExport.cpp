#include "tracer/analysis/ChromeExport.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <unordered_set>

namespace tracer {

namespace {

constexpr int cpus_process = 0;
constexpr int threads_process = 1;

std::string json_text(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Chrome's unit is the microsecond, with decimals.
std::string microseconds(Time ns) {
    return fmt::format("{}.{:03}", ns / 1000, ns % 1000);
}

class Writer {
public:
    Writer(const Timeline& timeline, std::FILE* file)
        : m_timeline(timeline)
        , m_file(file) {
        choose_tracks();
    }

    bool write() {
        put("{\"displayTimeUnit\":\"ns\",\"otherData\":{\"image\":" + json_text(m_timeline.identity().image_path) +
            ",\"build_id\":" + json_text(m_timeline.identity().build_id) +
            fmt::format(",\"origin_ns\":\"{}\"", m_timeline.origin_ns()) + "},\n\"traceEvents\":[\n");
        names();
        cpu_tracks();
        thread_states();
        system_calls();
        events();
        wakeups();
        put("\n]}\n");
        return m_ok && std::fflush(m_file) == 0;
    }

private:
    void put(const std::string& text) {
        m_ok = m_ok && std::fwrite(text.data(), 1, text.size(), m_file) == text.size();
    }
    void entry(const std::string& body) {
        put(m_is_first ? "{" + body + "}" : ",\n{" + body + "}");
        m_is_first = false;
    }
    void slice(int process, uint32_t track, std::string_view name, std::string_view category, Time begin, Time end,
               const std::string& arguments) {
        entry(fmt::format(R"("ph":"X","pid":{},"tid":{},"name":{},"cat":"{}","ts":{},"dur":{},"args":{{{}}})", process,
                          track, json_text(name), category, microseconds(begin), microseconds(end - begin), arguments));
    }
    void name(std::string_view what, int process, uint32_t track, std::string_view text) {
        entry(fmt::format(R"("ph":"M","pid":{},"tid":{},"name":"{}","args":{{"name":{}}})", process, track, what,
                          json_text(text)));
    }

    void names() {
        name("process_name", cpus_process, 0, "CPUs");
        const auto& instance = m_timeline.identity().instance;
        name("process_name", threads_process, 0, instance.empty() ? "threads" : instance);
        for (const auto& cpu : m_timeline.cpus())
            name("thread_name", cpus_process, cpu.cpu, fmt::format("CPU {}", cpu.cpu));
        for (ThreadIndex i = 0; i < m_timeline.threads().size(); ++i)
            name("thread_name", threads_process, track(i), m_timeline.thread_label(i));
    }

    /// Threads have their tid, but a tid can come back: the later ones get numbers of their own.
    void choose_tracks() {
        std::unordered_set<uint32_t> used;
        for (const auto& thread : m_timeline.threads())
            m_tracks.push_back(used.insert(thread.tid).second ? thread.tid
                                                              : 1'000'000 + static_cast<uint32_t>(m_tracks.size()));
    }
    uint32_t track(ThreadIndex thread) const { return m_tracks[thread]; }

    void cpu_tracks() {
        for (const auto& cpu : m_timeline.cpus()) {
            for (size_t i = 0; i < cpu.running.size(); ++i) {
                ThreadIndex thread = cpu.running.value(i);
                if (thread != no_thread)
                    slice(cpus_process, cpu.cpu, m_timeline.thread_label(thread), "sched", cpu.running.begin(i),
                          cpu.running.end(i), fmt::format("\"tid\":{}", m_timeline.threads()[thread].tid));
            }
            for (size_t i = 0; i < cpu.interrupts.size(); ++i) {
                const auto& value = cpu.interrupts.value[i];
                bool is_fault = value.kind == InterruptKind::PageFault;
                slice(cpus_process, cpu.cpu, is_fault ? "page fault" : fmt::format("interrupt {}", value.detail), "irq",
                      cpu.interrupts.begin[i], cpu.interrupts.end[i],
                      is_fault ? fmt::format("\"address\":\"{:#x}\"", value.detail) : std::string());
            }
        }
    }

    void thread_states() {
        for (ThreadIndex thread = 0; thread < m_timeline.threads().size(); ++thread) {
            const auto& states = m_timeline.thread_lanes()[thread].states;
            uint32_t number = track(thread);
            for (size_t i = 0; i < states.size(); ++i) {
                const auto& step = states.value(i);
                if (step.state != ThreadState::Runnable && step.state != ThreadState::Blocked)
                    continue;
                // States overlap system calls without nesting in them, so they are asynchronous slices.
                std::string id = fmt::format("{}.{}", thread, i);
                for (const char* phase : {"b", "e"})
                    entry(fmt::format(R"("ph":"{}","cat":"state","id":"{}","pid":{},"tid":{},"name":"{}","ts":{})",
                                      phase, id, threads_process, number, to_string(step.state),
                                      microseconds(*phase == 'b' ? states.begin(i) : states.end(i))));
            }
        }
    }

    std::string arguments(size_t row) const {
        const EventType& type = m_timeline.event_type(row);
        auto payload = m_timeline.payload(row);
        std::string text;
        for (size_t i = 0; i < type.fields.size(); ++i)
            text += (text.empty() ? "" : ",") + json_text(type.fields[i].name) + ":" + json_text(type.text(i, payload));
        return text;
    }

    void system_calls() {
        const auto& calls = m_timeline.system_calls();
        for (size_t i = 0; i < calls.size(); ++i) {
            std::string text = calls.entry_row[i] == no_row ? std::string() : arguments(calls.entry_row[i]);
            if (calls.is_finished[i] != 0)
                text += fmt::format("{}\"result\":{}", text.empty() ? "" : ",", calls.result[i]);
            slice(threads_process, track(calls.thread[i]), system_call_name(calls.number[i]), "syscall", calls.begin[i],
                  calls.end[i], text);
        }
    }

    /// What no track shows yet: the app's own events, and the kernel's that are not about scheduling.
    void events() {
        const auto& events = m_timeline.events();
        for (size_t row = 0; row < events.size(); ++row) {
            std::string_view type = m_timeline.event_type(row).name;
            if (type.starts_with("sched_") || type.starts_with("syscall_") || type.starts_with("irq_handler_") ||
                type.starts_with("page_fault_") || type.starts_with("lttng_statedump_"))
                continue;
            bool is_idle = events.thread[row] == no_thread;
            entry(fmt::format(R"("ph":"i","s":"t","pid":{},"tid":{},"name":{},"cat":"event","ts":{},"args":{{{}}})",
                              is_idle ? cpus_process : threads_process,
                              is_idle ? events.cpu[row] : track(events.thread[row]), json_text(type),
                              microseconds(events.time[row]), arguments(row)));
        }
    }

    void wakeups() {
        const auto& wakeups = m_timeline.wakeups();
        for (size_t i = 0; i < wakeups.size(); ++i) {
            if (wakeups.waker[i] == no_thread)
                continue;
            for (const char* phase : {"s", "f"})
                entry(fmt::format(
                    R"("ph":"{}","bp":"e","cat":"wakeup","name":"wakeup","id":{},"pid":{},"tid":{},"ts":{})", phase, i,
                    threads_process, track(*phase == 's' ? wakeups.waker[i] : wakeups.thread[i]),
                    microseconds(wakeups.time[i])));
        }
    }

    const Timeline& m_timeline;
    std::FILE* m_file;
    std::vector<uint32_t> m_tracks;
    bool m_ok = true;
    bool m_is_first = true;
};

} // namespace

Result<> write_chrome_json(const Timeline& timeline, std::FILE* file) {
    if (!Writer(timeline, file).write())
        return fail_errno("cannot write the export", errno);
    return {};
}

} // namespace tracer
