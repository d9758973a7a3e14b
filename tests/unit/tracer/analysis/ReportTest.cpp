#include "tracer/analysis/Report.h"
#include "tracer/analysis/ChromeExport.h"
#include "tracer/analysis/SyntheticTrace.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace tracer {
namespace {

/// Two workers on two CPUs, one of which blocks in futex, and a debugger stop of one second.
SyntheticTrace shop_like() {
    SyntheticTrace trace;
    trace.thread(10, "order taker");
    trace.thread(11, "bookkeeper");
    trace.switch_to(0, 0, 10);
    trace.switch_to(0, 1, 11);
    for (int i = 0; i < 10; ++i) {
        Time base = 1'000'000 * (i + 1);
        trace.system_call(base, base + 10'000 * (i + 1), 0, 1, i == 3 ? -32 : 12);
        trace.event(base + 300'000, 1, "syscall_entry", {{"nr", 202}});
        trace.switch_to(base + 310'000, 1, 0);
        trace.wake(base + 500'000, 0, 11);
        trace.switch_to(base + 500'000 + 1'000 * (i + 1), 1, 11);
        trace.event(base + 520'000, 1, "syscall_exit", {{"nr", 202}, {"ret", 0}});
        trace.sample(base + 600'000, 0, 10, 0x401000 + static_cast<uint64_t>(i % 2) * 0x10);
        trace.sample(base + 600'000, 1, i % 5 == 0 ? 0 : 11, 0x402000);
    }
    trace.event(12'000'000, 0, "debugger_stop", {{"tid", 10}, {"reason", 5}});
    trace.event(1'012'000'000, 0, "debugger_resume");
    trace.switch_to(1'013'000'000, 0, 0);
    trace.switch_to(1'013'000'000, 1, 0);
    return trace;
}

/// Compares with a file under tests/golden; UNISCOPE_UPDATE_GOLDEN=1 writes it anew.
void expect_golden(const std::string& text, const std::string& name) {
    std::string path = std::string(GOLDEN_DIRECTORY) + "/" + name;
    if (std::getenv("UNISCOPE_UPDATE_GOLDEN"))
        std::ofstream(path) << text;
    std::stringstream expected;
    expected << std::ifstream(path).rdbuf();
    EXPECT_EQ(text, expected.str()) << "UNISCOPE_UPDATE_GOLDEN=1 updates " << path;
}

TEST(Report, TextOfASyntheticTrace) {
    auto report = make_report(shop_like().timeline(), nullptr);
    expect_golden(to_text(report), "report.txt");
}

TEST(Report, NumbersAndJson) {
    auto report = make_report(shop_like().timeline(), nullptr);
    EXPECT_EQ(report.debugger_time, 1'000'000'000);
    EXPECT_EQ(report.duration, 13'000'000);
    ASSERT_EQ(report.system_calls.size(), 2u);
    EXPECT_EQ(report.system_calls[0].name, "futex");
    EXPECT_EQ(report.system_calls[1].latency.p50, 50'000);
    EXPECT_EQ(report.system_calls[1].latency.p99, 100'000);
    EXPECT_EQ(report.system_calls[1].errors, 1u);
    EXPECT_EQ(report.wakeup.count, 10u);
    EXPECT_EQ(report.wakeup.max, 10'000);
    EXPECT_EQ(report.samples, 18u);
    EXPECT_EQ(report.idle_samples, 2u);
    auto json = to_json(report);
    EXPECT_EQ(json["threads"][0]["name"], "order taker");
    EXPECT_EQ(json["system_calls"][0]["latency"]["count"], 10);
}

TEST(Report, AnEmptyAndABusyTraceDoNotFail) {
    EXPECT_FALSE(to_text(make_report(SyntheticTrace().timeline(), nullptr)).empty());
    EXPECT_FALSE(to_text(make_report(make_busy_trace(4, 40, 3'000'000).timeline(), nullptr), 3).empty());
}

TEST(Report, Percentiles) {
    EXPECT_EQ(latency_of({5}).p99, 5);
    auto latency = latency_of({4, 1, 3, 2});
    EXPECT_EQ(latency.p50, 2);
    EXPECT_EQ(latency.p90, 4);
    EXPECT_EQ(latency.total, 10);
    EXPECT_EQ(duration_text(1'234'567), "1.235 ms");
    EXPECT_EQ(duration_text(999), "999 ns");
    EXPECT_EQ(duration_text(83'000'000'000), "83.00 s");
}

TEST(ChromeExport, IsJsonWithASliceForEachRun) {
    auto synthetic = shop_like();
    std::FILE* file = std::tmpfile();
    ASSERT_TRUE(write_chrome_json(synthetic.timeline(), file));
    std::string text(static_cast<size_t>(std::ftell(file)), ' ');
    std::rewind(file);
    ASSERT_EQ(std::fread(text.data(), 1, text.size(), file), text.size());
    std::fclose(file);
    auto json = nlohmann::json::parse(text, nullptr, false);
    ASSERT_FALSE(json.is_discarded()) << text.substr(0, 1000);
    size_t runs = 0;
    size_t calls = 0;
    size_t marks = 0;
    for (const auto& entry : json["traceEvents"]) {
        runs += entry.value("cat", "") == "sched" ? 1 : 0;
        calls += entry.value("cat", "") == "syscall" ? 1 : 0;
        marks += entry.value("name", "") == "debugger_stop" ? 1 : 0;
        if (entry.value("cat", "") == "syscall" && entry["ts"] == 1000.0) {
            EXPECT_EQ(entry["args"]["result"], 12);
        }
    }
    EXPECT_EQ(runs, 12u);
    EXPECT_EQ(calls, 20u);
    EXPECT_EQ(marks, 1u);
}

} // namespace
} // namespace tracer
