#include "tracer/instance/ConsoleLog.h"

#include "tests/unit/tracer/instance/TemporaryDirectory.h"

namespace {

class ConsoleLogTest : public TemporaryDirectory {
protected:
    static std::span<const uint8_t> bytes(std::string_view text) {
        return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
    }
};

} // namespace

TEST_F(ConsoleLogTest, KeepsTheNewestPart) {
    const auto path = m_directory / "console.log";
    tracer::ConsoleLog log(path, 100);
    std::string all;
    for (int i = 0; i < 50; ++i) {
        const std::string line = "line " + std::to_string(i) + "\n";
        log.append(bytes(line));
        all += line;
    }
    const std::string kept = tracer::read_console_log(path).value();
    EXPECT_TRUE(all.ends_with(kept));
    EXPECT_GE(kept.size(), 100u);
    EXPECT_LE(kept.size(), 220u);
}

TEST_F(ConsoleLogTest, StartsAnew) {
    const auto path = m_directory / "console.log";
    {
        tracer::ConsoleLog(path).append(bytes("old"));
    }
    tracer::ConsoleLog(path).append(bytes("new"));
    EXPECT_EQ(tracer::read_console_log(path), "new");
    EXPECT_FALSE(tracer::read_console_log(m_directory / "nothing"));
}

TEST(LastLines, AreIndented) {
    EXPECT_EQ(tracer::last_lines("a\nb\nc\n", 2), "  b\n  c\n");
    EXPECT_EQ(tracer::last_lines("a", 2), "  a\n");
    EXPECT_EQ(tracer::last_lines("", 2), "");
}
