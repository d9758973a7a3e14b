// Packets of the real ring, with the metadata that the host makes from this executable's own tables, read by what users
// have: babeltrace2 reads the trace, gdb lists the probes.
#include "probes/KernelEvents.h"
#include "probes/wire/Packet.h"
#include "tests/unit/probes/HostedCpu.h"
#include "tests/unit/probes/ProbedCode.h"
#include "tests/unit/probes/ProbedTemplate.h"
#include "tracer/image/Image.h"
#include "tracer/trace/ImageSchema.h"
#include "tracer/trace/TraceWriter.h"

#include <gtest/gtest.h>

#include <ctime>
#include <filesystem>
#include <string>

namespace {

using probes_test::HostedCpu;
using probes_test::HostedPatcher;
using probes_test::HostedRing;

std::string output_of(const std::string& command) {
    FILE* pipe = popen(command.c_str(), "r");
    std::string output;
    char buffer[4096];
    while (size_t size = fread(buffer, 1, sizeof buffer, pipe))
        output.append(buffer, size);
    EXPECT_EQ(pclose(pipe), 0) << output;
    return output;
}

size_t count(const std::string& text, const std::string& part) {
    size_t found = 0;
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++found;
    return found;
}

/// Takes out "PART = N" with what follows it up to `end`: the packet's own counts, which babeltrace2 shows everywhere.
void remove_all(std::string& text, std::string_view part, std::string_view end) {
    for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at))
        text.erase(at, text.find(end, at + part.size()) - at);
}

class Readers : public testing::Test {
protected:
    Readers()
        : m_path(std::filesystem::temp_directory_path() / ("uniscope-readers-" + std::to_string(getpid()) + ".trace")) {
        std::filesystem::remove_all(m_path);
        EXPECT_TRUE(m_registry.assign_ids());
        EXPECT_TRUE(m_registry.set_enabled("*", true, m_patcher));
        auto opened = tracer::Image::open("/proc/self/exe");
        EXPECT_TRUE(opened);
        auto schema = tracer::read_schema(*opened);
        EXPECT_TRUE(schema);
        timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        wire::HelloMessage hello{};
        hello.cpu_count = 2;
        hello.tsc_hz = 2'500'000'000;
        hello.tsc_at_epoch_pair = probes_test::read_tsc();
        hello.realtime_ns = static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
        auto created = tracer::TraceWriter::create(m_path, tracer::make_recording_info(hello, "test", "test"), *schema);
        EXPECT_TRUE(created);
        m_writer.emplace(std::move(*created));
    }
    ~Readers() override {
        EXPECT_TRUE(m_registry.set_enabled("*", false, m_patcher));
        std::filesystem::remove_all(m_path);
    }

    void drain(HostedRing& ring) {
        while (auto packet = ring->front()) {
            auto* bytes = reinterpret_cast<const uint8_t*>(packet->bytes.data());
            EXPECT_TRUE(m_writer->add_packet({bytes, packet->bytes.size()}));
            ring->release();
        }
    }

    std::filesystem::path m_path;
    probes::Registry m_registry = probes::Registry::of_image();
    HostedPatcher m_patcher;
    std::optional<tracer::TraceWriter> m_writer;
    HostedCpu m_cpus[2];
    HostedRing m_rings[2] = {{m_cpus[0].block(), 4, 4096, probes::Mode::Streaming, probes_test::read_tsc, 0},
                             {m_cpus[1].block(), 4, 4096, probes::Mode::Streaming, probes_test::read_tsc, 1}};
};

TEST_F(Readers, Babeltrace2ReadsEveryEventAndNothingElse) {
    char one[16] = "one";
    char two[16] = "two";
    uint64_t arguments[6] = {3, 0x7fff'0000, 5, 0, 0, 0};
    int16_t three[3] = {1, -2, 3};
    using namespace probes::kernel;

    m_cpus[0].enter();
    statedump_start();
    statedump_process_state({one, 1, 20}, 1, 0, DumpedType::UserThread, DumpedMode::User, DumpedStatus::Running, 0);
    statedump_end();
    sched_switch({one, 1, 20}, ThreadState::Interruptible, {two, 2, 20});
    syscall_entry(257, true, arguments);
    syscall_exit(257, true, -2);
    syscall_entry(100'000, false, arguments);
    m_cpus[1].enter();
    irq_handler_entry(32, "timer");
    emit_texts("fixed\0\0", "a string", -7);
    emit_array(three, nullptr);
    emit_generic(uint8_t{200});
    emit_integers(-1, 255, -2, 65535, -3, 0xffffffff, INT64_MIN, UINT64_MAX);
    for (int i = 0; i < 2; ++i) {
        m_cpus[i].enter();
        EXPECT_TRUE(m_rings[i]->flush());
        drain(m_rings[i]);
    }
    EXPECT_TRUE(m_writer->finish());
    auto text = output_of("babeltrace2 " + m_path.string() + " 2>&1");
    EXPECT_EQ(count(text, "\n"), 12u) << text;
    remove_all(text, "events_produced = ", "cpu_id");
    remove_all(text, ", event_count = ", " }");
    for (const char* expected :
         {"sched_switch: { cpu_id = 0 }, { prev_comm = \"one\", prev_tid = 1, prev_prio = 20, prev_state = 1, "
          "next_comm = "
          "\"two\", next_tid = 2, next_prio = 20 }",
          "syscall_entry_openat: { cpu_id = 0 }, { nr = 257, arg0 = 0x3, arg1 = 0x7FFF0000, arg2 = 0x5,",
          "syscall_exit_openat: { cpu_id = 0 }, { nr = 257, ret = -2 }",
          "syscall_entry_unknown: { cpu_id = 0 }, { nr = 100000,",
          "lttng_statedump_process_state: { cpu_id = 0 }, { tid = 1, pid = 1, ppid = 0, name = \"one\",",
          "irq_handler_entry: { cpu_id = 1 }, { irq = 32, name = \"timer\" }",
          "c_app:texts: { cpu_id = 1 }, { fixed = \"fixed\", string = \"a string\", after = -7 }",
          "c_app:array: { cpu_id = 1 }, { three = [ [0] = 1, [1] = -2, [2] = 3 ], pointer = 0x0 }",
          "cxx_app:generic: { cpu_id = 1 }, { value = 200 }",
          "c_app:integers: { cpu_id = 1 }, { a = -1, b = 255, c = -2, d = 65535, e = -3, f = 4294967295, "
          "g = -9223372036854775808, h = 18446744073709551615 }"})
        EXPECT_NE(text.find(expected), std::string::npos) << expected << "\nin:\n" << text;
}

TEST_F(Readers, Babeltrace2ReportsTrueDiscardsAndNoMore) {
    m_cpus[0].enter();
    for (int round = 0; round < 5; ++round) {
        for (int i = 0; i < 1000; ++i)
            emit_int_and_u64(i, static_cast<uint64_t>(i));
        drain(m_rings[0]);
        emit_int_and_u64(-1, 0);
    }
    for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(m_rings[0]->flush());
        drain(m_rings[0]);
    }
    EXPECT_TRUE(m_writer->finish());
    auto totals = m_rings[0]->totals();
    EXPECT_EQ(totals.produced(), 5005u);
    EXPECT_GT(totals.discarded, 0u);

    auto events = output_of("babeltrace2 " + m_path.string() + " 2>/dev/null");
    EXPECT_EQ(count(events, "c_app:int_and_u64"), 5005 - totals.discarded);
    auto messages = output_of("babeltrace2 " + m_path.string() + " 2>&1 >/dev/null");
    static constexpr std::string_view report = "Tracer discarded ";
    uint64_t reported = 0;
    for (size_t at = messages.find(report); at != std::string::npos; at = messages.find(report, at + 1))
        reported += strtoull(messages.c_str() + at + report.size(), nullptr, 10);
    EXPECT_EQ(reported, totals.discarded) << messages;
}

TEST_F(Readers, GdbListsEverySite) {
    auto self = std::filesystem::read_symlink("/proc/self/exe").string();
    auto text = output_of("gdb -nx -batch -ex 'info probes stap' '" + self + "' 2>&1");
    EXPECT_EQ(count(text, "stap "), m_registry.sites().size()) << text;
    for (const auto& site : m_registry.sites()) {
        char address[32];
        snprintf(address, sizeof address, "0x%016llx", static_cast<unsigned long long>(site.address));
        EXPECT_NE(text.find(address), std::string::npos) << address;
    }
}

} // namespace
