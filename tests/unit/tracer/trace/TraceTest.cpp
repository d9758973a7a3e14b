#include "tracer/analysis/SyntheticTrace.h"
#include "tracer/analysis/TraceLoader.h"
#include "tracer/trace/EventMerge.h"
#include "tracer/trace/TraceDirectory.h"
#include "tracer/trace/TraceWriter.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace tracer {
namespace {

namespace fs = std::filesystem;

class Trace : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "uniscope-trace-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        m_directory = pattern;
        m_path = m_directory / "a.trace";
    }
    void TearDown() override { fs::remove_all(m_directory); }

    struct Output {
        std::string text;
        size_t lines = 0;
        int status = 0;
    };
    /// What babeltrace2 prints, messages included.
    Output babeltrace() const {
        Output output;
        FILE* pipe = popen(("babeltrace2 --clock-cycles " + m_path.string() + " 2>&1").c_str(), "r");
        std::array<char, 4096> buffer;
        while (pipe && fgets(buffer.data(), buffer.size(), pipe)) {
            output.text += buffer.data();
            ++output.lines;
        }
        output.status = pipe ? pclose(pipe) : -1;
        return output;
    }

    fs::path m_directory;
    fs::path m_path;
};

SyntheticTrace with_all_field_kinds() {
    using enum FieldKind;
    SyntheticTrace trace;
    EventType type;
    type.name = "shop:order";
    type.add("event", Unsigned, 1).add("wide", Signed, 8).add("list", Unsigned, 2, 3).add("item", String, 32);
    type.add("hex", Address, 4).add("last", String, 16);
    trace.add_type(type);
    for (int i = 0; i < 200; ++i)
        trace.event(
            100 * i, 0, "shop:order",
            {{"event", 3}, {"wide", -i}, {"item", std::string(static_cast<size_t>(i % 7), 'x')}, {"last", "ab"}});
    return trace;
}

TEST_F(Trace, WhatWasWrittenIsRead) {
    auto synthetic = make_busy_trace(3, 7, 3'000'000);
    ASSERT_TRUE(synthetic.write(m_path));
    auto timeline = load_timeline(m_path);
    ASSERT_TRUE(timeline) << timeline.error().message;
    Timeline expected = synthetic.timeline();
    ASSERT_EQ(timeline->events().size(), expected.events().size());
    EXPECT_EQ(timeline->end(), expected.end());
    EXPECT_EQ(timeline->origin_ns(), expected.origin_ns());
    EXPECT_EQ(timeline->schema(), expected.schema());
    EXPECT_EQ(timeline->system_calls().size(), expected.system_calls().size());
    EXPECT_EQ(timeline->samples().ip, expected.samples().ip);
    EXPECT_EQ(timeline->lost_events(), 0u);
    for (size_t cpu = 0; cpu < 3; ++cpu)
        EXPECT_EQ(timeline->cpus()[cpu].running.size(), expected.cpus()[cpu].running.size());
}

TEST_F(Trace, BabeltraceReadsEveryEventWithoutAMessage) {
    auto synthetic = make_busy_trace(2, 5, 2'000'000);
    ASSERT_TRUE(synthetic.write(m_path));
    auto output = babeltrace();
    EXPECT_EQ(output.status, 0);
    EXPECT_EQ(output.lines, synthetic.events().size()) << output.text.substr(0, 2000);
    EXPECT_EQ(output.text.find("WARNING"), std::string::npos);
}

TEST_F(Trace, BabeltraceReadsAllFieldKinds) {
    auto synthetic = with_all_field_kinds();
    ASSERT_TRUE(synthetic.write(m_path, 1024));
    auto output = babeltrace();
    EXPECT_EQ(output.status, 0);
    EXPECT_EQ(output.lines, 200u) << output.text.substr(0, 2000);
    EXPECT_NE(output.text.find("}, { event = 3, wide = -3, list = [ [0] = 0, [1] = 0, [2] = 0 "
                               "], item = \"xxx\", hex = 0x0, last = \"ab\" }"),
              std::string::npos)
        << output.text.substr(0, 600);
    auto timeline = load_timeline(m_path);
    ASSERT_TRUE(timeline);
    EXPECT_EQ(timeline->fields_text(3), "event=3, wide=-3, list=[0, 0, 0], item=xxx, hex=0x0, last=ab");
}

TEST_F(Trace, BabeltraceAndTheTimelineAgreeOnTime) {
    SyntheticTrace synthetic;
    synthetic.switch_to(1'234'567, 0, 10);
    ASSERT_TRUE(synthetic.write(m_path));
    std::string command = "babeltrace2 --clock-seconds --clock-gmt " + m_path.string();
    FILE* pipe = popen(command.c_str(), "r");
    std::array<char, 256> line{};
    ASSERT_NE(fgets(line.data(), line.size(), pipe), nullptr);
    pclose(pipe);
    EXPECT_NE(std::string(line.data()).find("1700000000.001234567"), std::string::npos) << line.data();
    auto timeline = load_timeline(m_path);
    ASSERT_TRUE(timeline);
    EXPECT_EQ(timeline->origin_ns(), 1'700'000'000'001'234'567);
}

TEST_F(Trace, HolesAreTakenOutAndCounted) {
    SyntheticTrace synthetic;
    for (int i = 0; i < 40; ++i)
        synthetic.sample(1000 + i, 0, 10, 0x401000);
    auto packets = synthetic.packets(0, 512);
    // The third event of the second packet was reserved and never committed; its size with header is 24.
    uint64_t hole = wire::hole_header(24);
    memcpy(packets[1].data() + sizeof(wire::PacketHeader) + 2 * 24, &hole, sizeof(hole));
    auto writer = TraceWriter::create(m_path, make_recording_info(SyntheticTrace::hello(), "", ""), synthetic.schema());
    ASSERT_TRUE(writer);
    for (const auto& packet : packets)
        ASSERT_TRUE(writer->add_packet(packet));
    ASSERT_TRUE(writer->finish());
    EXPECT_EQ(writer->events_delivered(), 39u);
    EXPECT_EQ(writer->events_discarded(), 1u);
    auto timeline = load_timeline(m_path);
    ASSERT_TRUE(timeline);
    EXPECT_EQ(timeline->events().size(), 39u);
    EXPECT_EQ(timeline->lost_events(), 1u);
    ASSERT_EQ(timeline->losses().size(), 1u);
    auto output = babeltrace();
    EXPECT_EQ(output.status, 0);
    EXPECT_NE(output.text.find("Tracer discarded 1 event"), std::string::npos) << output.text.substr(0, 500);
}

TEST_F(Trace, AnOpenPacketOfADeadMachineIsClosed) {
    SyntheticTrace synthetic;
    for (int i = 0; i < 10; ++i)
        synthetic.sample(1000 + i, 0, 10, 0x401000);
    auto packet = synthetic.packets(0, 1024).at(0);
    wire::PacketHeader header;
    memcpy(&header, packet.data(), sizeof(header));
    header.content_size = header.timestamp_end = header.event_count = 0;
    memcpy(packet.data(), &header, sizeof(header));
    auto writer = TraceWriter::create(m_path, make_recording_info(SyntheticTrace::hello(), "", ""), synthetic.schema());
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->add_packet(packet));
    EXPECT_EQ(writer->events_delivered(), 0u); // a closed one is not taken for open
    ASSERT_TRUE(writer->add_sub_buffer(packet));
    EXPECT_EQ(writer->events_delivered(), 10u);
    auto output = babeltrace();
    EXPECT_EQ(output.status, 0);
    EXPECT_EQ(output.lines, 10u) << output.text;
}

TEST_F(Trace, LossBeforeTheRecordingIsNotItsLoss) {
    SyntheticTrace synthetic;
    for (int i = 0; i < 60; ++i)
        synthetic.sample(1000 + i, 0, 10, 0x401000);
    auto packets = synthetic.packets(0, 1024);
    ASSERT_EQ(packets.size(), 2u);
    for (size_t i = 0; i < 2; ++i) {
        wire::PacketHeader header;
        memcpy(&header, packets[i].data(), sizeof(header));
        header.events_discarded = 500 + 7 * i;
        memcpy(packets[i].data(), &header, sizeof(header));
    }
    auto writer = TraceWriter::create(m_path, make_recording_info(SyntheticTrace::hello(), "", ""), synthetic.schema());
    ASSERT_TRUE(writer);
    for (const auto& packet : packets)
        ASSERT_TRUE(writer->add_packet(packet));
    EXPECT_EQ(writer->events_discarded(), 7u);
    auto output = babeltrace();
    EXPECT_NE(output.text.find("Tracer discarded 7 events"), std::string::npos) << output.text.substr(0, 500);
}

TEST_F(Trace, PacketsOutOfOrderDoNotBreakReaders) {
    SyntheticTrace synthetic;
    for (int i = 0; i < 90; ++i)
        synthetic.sample(1000 + i, 0, 10, 0x401000);
    auto packets = synthetic.packets(0, 1024);
    ASSERT_EQ(packets.size(), 3u);
    std::swap(packets[0], packets[1]);
    auto writer = TraceWriter::create(m_path, make_recording_info(SyntheticTrace::hello(), "", ""), synthetic.schema());
    ASSERT_TRUE(writer);
    for (const auto& packet : packets)
        ASSERT_TRUE(writer->add_packet(packet));
    EXPECT_EQ(writer->events_delivered() + writer->events_discarded(), 90u);
    EXPECT_EQ(babeltrace().status, 0);
}

TEST_F(Trace, AKilledRecordersTraceIsReadAndRepaired) {
    auto synthetic = make_busy_trace(1, 2, 1'000'000);
    ASSERT_TRUE(synthetic.write(m_path));
    auto file = m_path / "cpu0";
    fs::resize_file(file, fs::file_size(file) - 11);
    EXPECT_NE(babeltrace().status, 0);
    auto timeline = load_timeline(m_path);
    ASSERT_TRUE(timeline) << timeline.error().message;
    EXPECT_LT(timeline->events().size(), synthetic.events().size());

    auto report = repair_trace(m_path);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_GT(report->cut_bytes, 0u);
    auto output = babeltrace();
    EXPECT_EQ(output.status, 0) << output.text.substr(0, 500);
    EXPECT_EQ(output.lines, timeline->events().size());
}

TEST_F(Trace, ADamagedPacketIsAnErrorAndChangesNothing) {
    auto synthetic = make_busy_trace(1, 2, 1'000'000);
    ASSERT_TRUE(synthetic.write(m_path));
    auto file = m_path / "cpu0";
    const auto size = fs::file_size(file);
    {
        std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
        stream.write("not magic", 9);
    }
    auto trace = TraceDirectory::open(m_path);
    ASSERT_FALSE(trace);
    EXPECT_NE(trace.error().message.find("from byte 0 on"), std::string::npos) << trace.error().message;
    EXPECT_FALSE(repair_trace(m_path));
    EXPECT_EQ(fs::file_size(file), size);
}

TEST_F(Trace, WhatIsBeingRecordedIsNotRepaired) {
    auto synthetic = make_busy_trace(1, 2, 1'000'000);
    {
        auto writer =
            TraceWriter::create(m_path, make_recording_info(SyntheticTrace::hello(), "", ""), synthetic.schema());
        ASSERT_TRUE(writer);
        auto report = repair_trace(m_path);
        ASSERT_FALSE(report);
        EXPECT_EQ(report.error().message, m_path.string() + " is still being recorded");
    }
    EXPECT_TRUE(repair_trace(m_path));
}

TEST_F(Trace, ErrorsAreSentences) {
    auto missing = load_timeline(m_path);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().message, m_path.string() + " is not a trace: a trace is a directory");
    fs::create_directory(m_path);
    auto empty = load_timeline(m_path);
    ASSERT_FALSE(empty);
    EXPECT_FALSE(empty.error().hint.empty());
    auto again = TraceWriter::create(m_path, {}, {});
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().message, m_path.string() + " exists already");
    fs::create_directory(m_path / "uniscope");
    std::ofstream(m_path / "uniscope" / "image.json") << "{";
    auto damaged = load_timeline(m_path);
    ASSERT_FALSE(damaged);
    EXPECT_NE(damaged.error().message.find("is damaged"), std::string::npos);
}

TEST(TraceClock, IsExactOverDays) {
    TraceClock clock(2'596'142'000, 1'000, 5'000'000'000);
    EXPECT_EQ(clock.realtime_ns(1'000), 5'000'000'000);
    EXPECT_EQ(clock.duration_ns(uint64_t{2'596'142'000} * 86'400 * 30), 86'400ll * 30 * 1'000'000'000);
    TraceClock nonsense(0, 0, 0);
    EXPECT_EQ(nonsense.duration_ns(7), 7);
}

} // namespace
} // namespace tracer
