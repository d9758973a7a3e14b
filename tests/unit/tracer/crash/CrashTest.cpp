#include "tracer/analysis/SyntheticTrace.h"
#include "tracer/analysis/TraceLoader.h"
#include "tracer/arch/Registers.h"
#include "tracer/crash/CoreWriter.h"
#include "tracer/crash/CrashReport.h"
#include "tracer/crash/CrashTrace.h"
#include "tracer/crash/RewriteCore.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>

namespace crash {
namespace {

namespace fs = std::filesystem;

class Crash : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "uniscope-crash-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        m_directory = pattern;
    }
    void TearDown() override { fs::remove_all(m_directory); }

    void put(uint64_t address, std::span<const uint8_t> bytes) {
        for (size_t i = 0; i < bytes.size(); ++i)
            m_pages[(address + i) & ~uint64_t{4095}].resize(4096),
                m_pages[(address + i) & ~uint64_t{4095}][(address + i) & 4095] = bytes[i];
    }
    tracer::MemoryReader memory() {
        return [this](uint64_t address, std::span<uint8_t> to) {
            for (size_t i = 0; i < to.size(); ++i) {
                auto page = m_pages.find((address + i) & ~uint64_t{4095});
                if (page == m_pages.end())
                    return false;
                to[i] = page->second[(address + i) & 4095];
            }
            return true;
        };
    }

    fs::path m_directory;
    std::map<uint64_t, std::vector<uint8_t>> m_pages;
};

/// A core of the fixture that unwinding is tested with: it dumps its own registers and stack.
TEST_F(Crash, ShowNamesTheCulpritsStack) {
    FILE* pipe = popen(STACK_FIXTURE, "r");
    ASSERT_NE(pipe, nullptr);
    tracer::UnwindRegisters registers;
    uint64_t stack_address = 0;
    ASSERT_EQ(fread(registers.value.data(), 8, 17, pipe), 17u);
    ASSERT_EQ(fread(&stack_address, 8, 1, pipe), 1u);
    std::vector<uint8_t> stack(1 << 20);
    stack.resize(fread(stack.data(), 1, stack.size(), pipe));
    pclose(pipe);
    put(stack_address, stack);

    CoreContents contents;
    CoreThreadState culprit;
    culprit.tid = 7;
    culprit.signal = 11;
    culprit.info.tid = 7;
    culprit.info.system_call = wire::core_no_system_call;
    strcpy(culprit.info.name, "worker");
    auto& r = culprit.registers;
    r.rbx = registers.value[3], r.rbp = registers.value[6], r.rsp = registers.value[7], r.r12 = registers.value[12];
    r.r13 = registers.value[13], r.r14 = registers.value[14], r.r15 = registers.value[15], r.rip = registers.pc();
    contents.threads = {culprit};
    contents.reason.text = "read of 0x0, which is not mapped";
    contents.command = STACK_FIXTURE;
    uint64_t low = m_pages.begin()->first;
    contents.ranges = {{.address = low, .size = m_pages.rbegin()->first + 4096 - low, .flags = PF_R | PF_W}};
    fs::path path = m_directory / "a.core";
    auto written = write_core(path, contents, memory());
    ASSERT_TRUE(written) << written.error().message;

    auto core = CoreFile::open(path);
    ASSERT_TRUE(core) << core.error().message;
    EXPECT_EQ(core->threads().at(0).name(), "worker");
    auto symbolizer = tracer::Symbolizer::open(STACK_FIXTURE);
    auto cfi = tracer::CfiTable::open(STACK_FIXTURE);
    ASSERT_TRUE(symbolizer && cfi);
    auto report = make_crash_report(*core, *symbolizer, *cfi);
    auto text = to_text(report);
    EXPECT_TRUE(text.starts_with("read of 0x0, which is not mapped\n")) << text;
    EXPECT_NE(text.find("CULPRIT: thread 7 \"worker\" running on cpu 0"), std::string::npos) << text;
    EXPECT_NE(text.find("middle(int volatile*) at StackFixture.cpp:"), std::string::npos) << text;
    EXPECT_NE(text.find(" main at StackFixture.cpp:"), std::string::npos) << text;
    EXPECT_NE(text.find("\n=> "), std::string::npos) << text;
    EXPECT_EQ(to_json(report)["threads"][0]["name"], "worker");

    // gdb reads the same file.
    std::string command = std::string("gdb -batch -nx -ex bt ") + STACK_FIXTURE + " " + path.string() + " 2>&1";
    FILE* gdb = popen(command.c_str(), "r");
    std::string output(65536, '\0');
    output.resize(fread(output.data(), 1, output.size(), gdb));
    pclose(gdb);
    EXPECT_NE(output.find("in main () at "), std::string::npos) << output;
    EXPECT_NE(output.find("SIGSEGV"), std::string::npos) << output;
}

TEST_F(Crash, TheRingsBecomeATrace) {
    tracer::SyntheticTrace synthetic;
    for (int i = 0; i < 60; ++i)
        synthetic.sample(1000 + i, 0, 10, 0x401000);
    auto packets = synthetic.packets(0, 1024);
    ASSERT_EQ(packets.size(), 2u);
    wire::PacketHeader header;
    memcpy(&header, packets[1].data(), sizeof(header));
    uint64_t used = header.content_size / 8;
    header.content_size = header.timestamp_end = header.event_count = 0; // the machine died while it was open
    memcpy(packets[1].data(), &header, sizeof(header));
    static constexpr uint64_t ring = 0xffff'8000'0010'0000;
    put(ring, packets[1]); // the ring has wrapped: the newer one lies first
    put(ring + 1024, packets[0]);

    CoreContents contents;
    contents.threads.resize(1);
    contents.hello = tracer::SyntheticTrace::hello();
    contents.rings = {{.cpu = 0,
                       .sub_buffer_count = 2,
                       .address = ring,
                       .sub_buffer_size = 1024,
                       .current = 0,
                       .current_used = used,
                       .produced = 60,
                       .discarded = 0}};
    contents.ranges = {{.address = ring, .size = 4096, .flags = PF_R | PF_W}};
    fs::path path = m_directory / "a.core";
    ASSERT_TRUE(write_core(path, contents, memory()));
    auto core = CoreFile::open(path);
    ASSERT_TRUE(core);
    auto count = extract_trace(*core, synthetic.schema(), "shop", "/build/shop", m_directory / "a.trace");
    ASSERT_TRUE(count) << count.error().message;
    EXPECT_EQ(*count, 60u);
    auto timeline = tracer::load_timeline(m_directory / "a.trace");
    ASSERT_TRUE(timeline) << timeline.error().message;
    EXPECT_EQ(timeline->events().size(), 60u);
    EXPECT_EQ(timeline->lost_events(), 0u);
}

TEST_F(Crash, ErrorsAreSentences) {
    EXPECT_FALSE(CoreFile::open(m_directory / "missing"));
    auto image = CoreFile::open(STACK_FIXTURE);
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().message, std::string(STACK_FIXTURE) + " is not a core file for x86-64");
    std::ofstream(m_directory / "short") << "\x7f";
    EXPECT_FALSE(CoreFile::open(m_directory / "short"));
    EXPECT_FALSE(
        rewrite_core(m_directory / "short", STACK_FIXTURE, m_directory / "out", CoreOccasion::Failure, "hang"));
}

} // namespace
} // namespace crash
