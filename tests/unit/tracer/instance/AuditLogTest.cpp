// What an instance says of its visitors, as lines of a file.

#include "tracer/instance/AuditLog.h"
#include "tests/unit/tracer/instance/TemporaryDirectory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

namespace tracer {
namespace {

using wire::AuditKind;

class AuditLogTest : public TemporaryDirectory {};

wire::AuditMessage message(AuditKind kind, uint64_t time, std::string_view text = {}) {
    wire::AuditMessage made{};
    made.sequence = made.realtime_ns = time;
    made.kind = static_cast<uint8_t>(kind);
    made.channel = static_cast<uint8_t>(wire::ChannelKind::Gdb);
    made.role = static_cast<uint8_t>(wire::Role::Operator);
    std::memcpy(made.text, text.data(), std::min(text.size(), sizeof made.text));
    return made;
}

TEST(AuditLog, EachKindHasAName) {
    for (uint8_t kind = 1; kind <= static_cast<uint8_t>(AuditKind::Monitor); ++kind) {
        const auto entry = to_json(message(static_cast<AuditKind>(kind), 1));
        EXPECT_NE(entry["event"], "unknown") << static_cast<int>(kind);
        EXPECT_EQ(entry["line"].get<std::string>().find("does not know"), std::string::npos);
    }
    EXPECT_EQ(to_json(message(static_cast<AuditKind>(12), 1))["event"], "unknown");
}

TEST_F(AuditLogTest, KeepsWhatIsNewAndOnlyThat) {
    const auto path = m_directory / "audit.log";
    AuditLog log(path, 0600);
    for (const uint64_t time : {1, 2, 3, 2, 3, 4}) // the instance tells a new connection what it has kept
        ASSERT_TRUE(log.append(message(AuditKind::DebuggerAttached, time)));
    AuditLog next(path, 0600); // of the supervisor after it
    for (const uint64_t time : {3, 4, 5})
        ASSERT_TRUE(next.append(message(AuditKind::DebuggerLeft, time)));
    std::ofstream(path, std::ios::app) << "{\"cut";
    const auto entries = read_audit_log(path).value();
    ASSERT_EQ(entries.size(), 5u);
    for (size_t i = 0; i < entries.size(); ++i)
        EXPECT_EQ(entries[i]["time_ns"], i + 1);
    EXPECT_EQ(entries[4]["event"], "debugger-left");
}

TEST_F(AuditLogTest, IsBounded) {
    const auto path = m_directory / "audit.log";
    AuditLog log(path, 0600);
    uint64_t time = 0;
    while (!std::filesystem::exists(path.string() + ".1")) {
        ASSERT_TRUE(log.append(message(AuditKind::Monitor, ++time, std::string(48, 'x'))));
        ASSERT_LT(time, 100'000u);
    }
    EXPECT_LT(std::filesystem::file_size(path), AuditLog::max_size);
    EXPECT_EQ(read_audit_log(path).value().back()["time_ns"], time);
}

TEST(AuditLog, WhatTheInstanceSaysIsShownAsText) {
    auto odd = message(AuditKind::Monitor, 7, "view\x1b[2J\n\xff kernel");
    EXPECT_EQ(describe_audit(odd), "monitor view?[2J?? kernel");
    std::memset(odd.text, 'x', sizeof odd.text);
    EXPECT_EQ(describe_audit(odd), "monitor " + std::string(48, 'x'));
    odd.kind = odd.channel = odd.role = odd.detail = 255;
    EXPECT_EQ(describe_audit(odd), "something that this tool does not know: 255");
    auto written = message(AuditKind::MemoryWritten, 1);
    written.address = 0x1000;
    written.length = 1;
    EXPECT_EQ(describe_audit(written), "wrote 1 byte at 0x1000");
    auto point = message(AuditKind::PointSet, 1);
    point.detail = 200;
    EXPECT_EQ(describe_audit(point), "set a point at 0x0");
}

} // namespace
} // namespace tracer
