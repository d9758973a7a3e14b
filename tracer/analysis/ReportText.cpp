// The report as text and as JSON.
#include "tracer/analysis/Report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <ctime>
#include <filesystem>

namespace tracer {

std::string duration_text(Time ns) {
    struct Unit {
        double factor;
        const char* name;
    };
    static constexpr Unit units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}};
    for (const auto& unit : units) {
        double value = static_cast<double>(ns) / unit.factor;
        if (value >= 1)
            return fmt::format("{:.{}f} {}", value, value < 10 ? 3 : value < 100 ? 2 : value < 1000 ? 1 : 0, unit.name);
    }
    return fmt::format("{} ns", ns);
}

static double percent(double part, double whole) {
    return whole > 0 ? 100 * part / whole : 0;
}

static std::string date_text(int64_t ns_since_1970) {
    time_t seconds = ns_since_1970 / 1'000'000'000;
    struct tm utc{};
    gmtime_r(&seconds, &utc);
    char text[64];
    return {text, strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &utc)};
}

/// At most `limit` characters (not bytes), the last one an ellipsis if some are left out.
static std::string shortened(const std::string& text, size_t limit) {
    size_t characters = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        bool begins_character = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
        if (begins_character && characters++ == limit)
            return text.substr(0, i) + "…";
    }
    return text;
}

namespace {

/// Collects the text; tables() limits their rows.
class Writer {
public:
    explicit Writer(size_t rows)
        : m_rows(rows) {}

    template <typename... Args>
    void line(fmt::format_string<Args...> format, Args&&... args) {
        fmt::format_to(std::back_inserter(m_text), format, std::forward<Args>(args)...);
        while (m_text.ends_with(' '))
            m_text.pop_back();
        m_text += '\n';
    }
    template <typename Rows, typename F>
    void table(const Rows& rows, F print_row) {
        for (size_t i = 0; i < std::min(rows.size(), m_rows); ++i)
            print_row(rows[i]);
        if (rows.size() > m_rows)
            line("  … and {} more (--top {} shows all)", rows.size() - m_rows, rows.size());
    }
    std::string take() { return std::move(m_text); }

private:
    size_t m_rows;
    std::string m_text;
};

} // namespace

static std::string latency_columns(const Latency& latency) {
    if (latency.count == 0)
        return fmt::format("{:>10} {:>10} {:>10} {:>10}", "-", "-", "-", "-");
    return fmt::format("{:>10} {:>10} {:>10} {:>10}", duration_text(latency.p50), duration_text(latency.p90),
                       duration_text(latency.p99), duration_text(latency.max));
}

static void write_head(Writer& out, const Report& report) {
    out.line("{}{} on {} CPU{}, {} events, {}", report.identity.instance.empty() ? "" : report.identity.instance + ": ",
             duration_text(report.duration), report.cpus.size(), report.cpus.size() == 1 ? "" : "s", report.events,
             report.lost_events == 0 ? "none lost" : fmt::format("{} LOST", report.lost_events));
    out.line("recorded {}{}", date_text(report.origin_ns),
             report.identity.image_path.empty() ? "" : ", image " + report.identity.image_path);
    if (report.debugger_time > 0)
        out.line("stopped in a debugger for {}, which is not counted below", duration_text(report.debugger_time));
    out.line("");
    out.line("{:<28} {:>10} {:>10} {:>12}", "CPUS", "busy", "switches", "lost events");
    for (const auto& cpu : report.cpus)
        out.line("  cpu {:<22} {:>8.1f} % {:>10} {:>12}", cpu.cpu,
                 percent(static_cast<double>(cpu.busy), static_cast<double>(cpu.seen)), cpu.switches, cpu.lost_events);
}

std::string to_text(const Report& report, size_t rows) {
    Writer out(rows);
    auto duration = static_cast<double>(report.duration);
    write_head(out, report);

    out.line("");
    out.line("{:<28} {:>10} {:>10} {:>12} {:>12} {:>12}", "THREADS", "CPU time", "of a CPU", "waited CPU", "blocked",
             "system calls");
    out.table(report.threads, [&](const ThreadReport& thread) {
        out.line("  {:<6} {:<19} {:>10} {:>8.1f} % {:>12} {:>12} {:>12}", thread.tid, shortened(thread.name, 19),
                 duration_text(thread.running), percent(static_cast<double>(thread.running), duration),
                 duration_text(thread.runnable), duration_text(thread.blocked), thread.system_calls);
    });

    out.line("");
    if (report.samples == 0) {
        out.line("HOT FUNCTIONS: no samples{}", report.idle_samples ? ", all CPUs were idle" : "");
    } else {
        out.line("{:<10} {:>8}  {}", "HOT", "samples",
                 report.has_symbols ? "function" : "address (give the image with --image to see functions)");
        out.table(report.functions, [&](const FunctionReport& function) {
            out.line(
                "  {:>6.1f} % {:>8}  {}{}",
                percent(static_cast<double>(function.samples), static_cast<double>(report.samples)), function.samples,
                shortened(function.function, 80),
                function.file.empty()
                    ? ""
                    : fmt::format("  {}:{}", std::filesystem::path(function.file).filename().string(), function.line));
        });
    }

    out.line("");
    out.line("{:<18} {:>9} {:>7} {:>10} {:>10} {:>10} {:>10} {:>10}", "SYSTEM CALLS", "count", "errors", "total", "p50",
             "p90", "p99", "max");
    out.table(report.system_calls, [&](const SystemCallReport& call) {
        out.line("  {:<16} {:>9} {:>7} {:>10} {}{}", shortened(call.name, 16), call.latency.count, call.errors,
                 duration_text(call.latency.total), latency_columns(call.latency),
                 call.unfinished == 0 ? "" : fmt::format("  ({} not returned)", call.unfinished));
    });

    out.line("");
    out.line("{:<28} {:>17} {:>10} {:>10} {:>10} {:>10}", "WAKEUP TO RUNNING", "count", "p50", "p90", "p99", "max");
    out.line("  {:<26} {:>17} {}", "all threads", report.wakeup.count, latency_columns(report.wakeup));
    auto woken = report.threads;
    std::erase_if(woken, [](const ThreadReport& thread) { return thread.wakeup.count == 0; });
    std::ranges::stable_sort(woken, std::greater<>(), [](const ThreadReport& thread) { return thread.wakeup.p99; });
    out.table(woken, [&](const ThreadReport& thread) {
        out.line("  {:<6} {:<19} {:>17} {}", thread.tid, shortened(thread.name, 19), thread.wakeup.count,
                 latency_columns(thread.wakeup));
    });
    return out.take();
}

static nlohmann::json to_json(const Latency& latency) {
    return {{"count", latency.count}, {"p50_ns", latency.p50}, {"p90_ns", latency.p90},
            {"p99_ns", latency.p99},  {"max_ns", latency.max}, {"total_ns", latency.total}};
}

nlohmann::json to_json(const Report& report) {
    nlohmann::json json = {
        {"instance", report.identity.instance},
        {"image", report.identity.image_path},
        {"build_id", report.identity.build_id},
        {"origin_ns", report.origin_ns},
        {"duration_ns", report.duration},
        {"debugger_ns", report.debugger_time},
        {"events", report.events},
        {"lost_events", report.lost_events},
        {"samples", report.samples},
        {"idle_samples", report.idle_samples},
        {"wakeup", to_json(report.wakeup)},
        {"cpus", nlohmann::json::array()},
        {"threads", nlohmann::json::array()},
        {"functions", nlohmann::json::array()},
        {"system_calls", nlohmann::json::array()},
    };
    for (const auto& cpu : report.cpus)
        json["cpus"].push_back({{"cpu", cpu.cpu},
                                {"busy_ns", cpu.busy},
                                {"seen_ns", cpu.seen},
                                {"switches", cpu.switches},
                                {"lost_events", cpu.lost_events}});
    for (const auto& thread : report.threads)
        json["threads"].push_back({{"tid", thread.tid},
                                   {"name", thread.name},
                                   {"kernel", thread.is_kernel},
                                   {"running_ns", thread.running},
                                   {"runnable_ns", thread.runnable},
                                   {"blocked_ns", thread.blocked},
                                   {"system_calls", thread.system_calls},
                                   {"wakeup", to_json(thread.wakeup)}});
    for (const auto& function : report.functions)
        json["functions"].push_back({{"function", function.function},
                                     {"file", function.file},
                                     {"line", function.line},
                                     {"samples", function.samples}});
    for (const auto& call : report.system_calls)
        json["system_calls"].push_back({{"name", call.name},
                                        {"latency", to_json(call.latency)},
                                        {"errors", call.errors},
                                        {"unfinished", call.unfinished}});
    return json;
}

} // namespace tracer
