#include "tracer/analysis/Report.h"
#include "tracer/analysis/SyntheticTrace.h"
#include "tracer/analysis/TraceLoader.h"
#include "tracer/trace/RecordingInfo.h"
#include "tracer/trace/TraceWriter.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cstring>
#include <filesystem>

namespace tracer {
namespace {

ThreadIndex find_thread(const Timeline& timeline, std::string_view name) {
    for (ThreadIndex i = 0; i < timeline.threads().size(); ++i)
        if (timeline.threads()[i].name == name)
            return i;
    return no_thread;
}

TEST(Timeline, CpuLaneHasWhoRanAndIdle) {
    SyntheticTrace trace;
    trace.thread(10, "a");
    trace.thread(11, "b");
    trace.switch_to(0, 0, 10);
    trace.switch_to(100, 0, 11);
    trace.switch_to(250, 0, 0);
    trace.switch_to(400, 0, 10);
    Timeline timeline = trace.timeline();

    ASSERT_EQ(timeline.cpus().size(), 1u);
    const auto& lane = timeline.cpus()[0].running;
    ASSERT_EQ(lane.size(), 4u);
    EXPECT_EQ(timeline.thread_label(lane.value(0)), "a");
    EXPECT_EQ(timeline.thread_label(lane.value(1)), "b");
    EXPECT_EQ(lane.begin(1), 100);
    EXPECT_EQ(lane.end(1), 250);
    EXPECT_EQ(timeline.thread_label(lane.value(2)), "idle");
    EXPECT_EQ(lane.first_ending_after(0), 0u);
    EXPECT_EQ(lane.first_ending_after(250), 2u);
    EXPECT_EQ(lane.first_ending_after(400), lane.size());
}

TEST(Timeline, ThreadLaneTellsBlockedRunnableAndTheSystemCall) {
    SyntheticTrace trace;
    trace.thread(10, "a");
    trace.switch_to(0, 0, 10);
    trace.event(50, 0, "syscall_entry", {{"nr", 202}, {"arg0", 0x1000}});
    trace.switch_to(60, 0, 0);
    trace.wake(200, 0, 10);
    trace.switch_to(230, 0, 10);
    trace.event(240, 0, "syscall_exit", {{"nr", 202}, {"ret", int64_t{-11}}});
    trace.switch_to(300, 0, 0, 0);
    Timeline timeline = trace.timeline();

    ThreadIndex a = find_thread(timeline, "a");
    ASSERT_NE(a, no_thread);
    const auto& states = timeline.thread_lanes()[a].states;
    std::vector<ThreadState> seen;
    for (size_t i = 0; i < states.size(); ++i)
        seen.push_back(states.value(i).state);
    using enum ThreadState;
    EXPECT_EQ(seen, (std::vector{Running, Running, Blocked, Runnable, Running, Running, Runnable}));
    EXPECT_EQ(states.value(2).system_call, 202u);
    EXPECT_TRUE(states.value(3).woken);
    EXPECT_FALSE(states.value(6).woken);

    const auto& calls = timeline.system_calls();
    ASSERT_EQ(calls.size(), 1u);
    EXPECT_EQ(calls.begin[0], 50);
    EXPECT_EQ(calls.end[0], 240);
    EXPECT_EQ(calls.result[0], -11);
    EXPECT_EQ(system_call_name(calls.number[0]), "futex");
    EXPECT_EQ(timeline.fields_text(calls.entry_row[0]),
              "nr=202, arg0=0x1000, arg1=0x0, arg2=0x0, arg3=0x0, arg4=0x0, arg5=0x0");
    ASSERT_EQ(timeline.wakeups().size(), 1u);
    EXPECT_EQ(timeline.wakeups().waker[0], no_thread);
    EXPECT_EQ(timeline.thread_lanes()[a].events.size(), 4u); // two switches away, entry, exit
}

TEST(Timeline, NothingIsMadeUpOfACpuWhoseRingWasOverwritten) {
    SyntheticTrace trace;
    trace.thread(10, "a");
    trace.thread(11, "b");
    for (Time time = 0; time < 3000; time += 100) // cpu 0 fills a packet before the others begin
        trace.event(time, 0, "tick_sample", {{"tid", 10}, {"ip", 1}});
    trace.switch_to(10, 1, 11);
    trace.switch_to(1000, 1, 0);
    trace.wake(1100, 1, 11); // it runs on cpu 0 perhaps
    trace.switch_to(3000, 0, 11);
    trace.switch_to(3100, 0, 0);
    auto first = trace.packets(0, 512);
    ASSERT_GT(first.size(), 2u);
    wire::PacketHeader kept;
    memcpy(&kept, first[1].data(), sizeof(kept));

    auto path = std::filesystem::temp_directory_path() / fmt::format("uniscope-overwritten-{}", getpid());
    auto info = make_recording_info(SyntheticTrace::hello(), "shop", "/build/shop");
    info.was_snapshot = true;
    auto writer = TraceWriter::create(path, std::move(info), trace.schema());
    ASSERT_TRUE(writer) << writer.error().message;
    for (size_t i = 1; i < first.size(); ++i)
        ASSERT_TRUE(writer->add_packet(first[i]));
    for (const auto& packet : trace.packets(1, 512))
        ASSERT_TRUE(writer->add_packet(packet));
    ASSERT_TRUE(writer->finish());
    auto timeline = load_timeline(path);
    std::filesystem::remove_all(path);
    ASSERT_TRUE(timeline) << timeline.error().message;

    Time origin = 10; // of the first event that is left
    Time seen = static_cast<Time>(kept.timestamp_begin) - origin;
    const auto& lane = timeline->cpus()[0].running;
    ASSERT_GE(lane.size(), 2u);
    EXPECT_EQ(lane.begin(0), seen);
    EXPECT_EQ(timeline->cpus()[1].running.begin(0), 0);
    const auto& states = timeline->thread_lanes()[find_thread(*timeline, "b")].states;
    for (size_t i = 0; i < states.size(); ++i)
        EXPECT_FALSE(states.value(i).state == ThreadState::Runnable && states.begin(i) < seen) << i;
    auto report = make_report(*timeline, nullptr);
    EXPECT_EQ(report.cpus[0].seen, timeline->end() - seen);
    EXPECT_EQ(report.cpus[1].seen, timeline->end());
}

TEST(Timeline, FirstSwitchTellsWhoRanBefore) {
    SyntheticTrace trace;
    trace.event(0, 0, "syscall_entry", {{"nr", 1}});
    trace.event(10, 0, "sched_switch", {{"prev_tid", 7}, {"prev_comm", "early"}, {"prev_state", 1}, {"next_tid", 0}});
    trace.event(20, 0, "tick_sample", {{"tid", 0}, {"ip", 1}});
    Timeline timeline = trace.timeline();
    EXPECT_EQ(timeline.thread_label(timeline.events().thread[0]), "early");
    EXPECT_EQ(timeline.thread_label(timeline.cpus()[0].running.value(0)), "early");
    EXPECT_EQ(timeline.events().thread[2], no_thread);
}

TEST(Timeline, AReusedTidIsAnotherThread) {
    SyntheticTrace trace;
    trace.thread(10, "first");
    trace.switch_to(0, 0, 10);
    trace.event(50, 0, "sched_process_exit", {{"tid", 10}});
    trace.switch_to(60, 0, 0, 16);
    trace.event(100, 0, "sched_process_fork", {{"child_tid", 10}, {"child_comm", "second"}});
    trace.thread(10, "second");
    trace.switch_to(120, 0, 10);
    trace.event(150, 0, "irq_handler_entry", {{"irq", 1}});
    Timeline timeline = trace.timeline();
    ASSERT_EQ(timeline.threads().size(), 2u);
    EXPECT_EQ(timeline.threads()[0].end, 50);
    EXPECT_EQ(timeline.threads()[1].start, 100);
    EXPECT_EQ(timeline.threads()[1].name, "second");
    EXPECT_EQ(timeline.threads()[1].end, never);
    EXPECT_EQ(timeline.cpus()[0].interrupts.end[0], timeline.end());
}

TEST(Timeline, DebuggerStopsAreSubtracted) {
    SyntheticTrace trace;
    trace.switch_to(0, 0, 10);
    trace.event(100, 0, "debugger_stop", {{"tid", 10}});
    trace.event(1'000'100, 0, "debugger_resume");
    trace.switch_to(1'000'200, 0, 0);
    Timeline timeline = trace.timeline();
    ASSERT_EQ(timeline.marks().size(), 1u);
    EXPECT_EQ(timeline.running_time(0, timeline.end()), 200);
    EXPECT_EQ(timeline.running_time(50, 1'000'000), 50);
}

TEST(Timeline, BusyTraceIsConsistent) {
    Timeline timeline = make_busy_trace(2, 6, 5'000'000).timeline();
    EXPECT_GT(timeline.events().size(), 1'000u);
    EXPECT_TRUE(std::is_sorted(timeline.events().time.begin(), timeline.events().time.end()));
    for (const auto& lane : timeline.cpus())
        EXPECT_TRUE(std::is_sorted(lane.running.begins().begin(), lane.running.begins().end()));
    for (const auto& lane : timeline.thread_lanes())
        EXPECT_TRUE(std::is_sorted(lane.states.begins().begin(), lane.states.begins().end()));
    EXPECT_GT(timeline.system_calls().size(), 100u);
    EXPECT_GT(timeline.samples().size(), 10u);
}

TEST(Schema, FieldsAreAlignedAndSurviveJson) {
    using enum FieldKind;
    Schema schema;
    EventType type;
    type.id = 3;
    type.name = "shop:order";
    type.add("small", Signed, 1).add("wide", Unsigned, 8).add("list", Unsigned, 2, 3).add("text", String, 0);
    type.add("after", Address, 4);
    EXPECT_EQ(type.fields[1].offset, 8u);
    EXPECT_EQ(type.fixed_size, 22u);
    ASSERT_TRUE(schema.add(type));
    ASSERT_FALSE(schema.add(type));

    std::vector<uint8_t> payload = {0xff, 0, 0, 0, 0, 0, 0,   0,   1,   0, 0, 0, 0,    0,    0, 0,
                                    1,    0, 2, 0, 3, 0, 'a', 'b', 'c', 0, 0, 0, 0x34, 0x12, 0, 0};
    EXPECT_EQ(type.payload_size(payload), 32u);
    EXPECT_EQ(type.text(0, payload), "-1");
    EXPECT_EQ(type.text(2, payload), "[1, 2, 3]");
    EXPECT_EQ(type.text(3, payload), "abc");
    EXPECT_EQ(type.text(4, payload), "0x1234");
    payload[25] = 'd';
    EXPECT_EQ(type.text(3, payload), "abcd");
    EXPECT_EQ(type.payload_size(std::span(payload).first(25)), std::nullopt);

    auto again = schema_from_json(to_json(schema));
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, schema);
}

} // namespace
} // namespace tracer
