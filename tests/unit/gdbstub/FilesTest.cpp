// vFile. GDB manual, "Host I/O Packets".

#include <gtest/gtest.h>

#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

using Replies = std::vector<std::string>;

std::string hex(std::string_view text) {
    std::string digits;
    for (char c : text) {
        char pair[3];
        snprintf(pair, sizeof(pair), "%02x", static_cast<unsigned char>(c));
        digits += pair;
    }
    return digits;
}

/// In one session; the last replies, one for each packet.
Replies ask_all(Bench& bench, std::initializer_list<std::string> packets) {
    bench.packet("QStartNoAckMode");
    for (const std::string& packet : packets)
        bench.packet(packet);
    bench.stop();
    Replies replies = bench.replies();
    EXPECT_EQ(replies.size(), packets.size() + 2);
    replies.erase(replies.begin(), replies.begin() + 2);
    return replies;
}

TEST(Files, AreOpenedReadAndClosed) {
    Bench bench;
    std::string open = "vFile:open:" + hex("/etc/motd") + ",0,0";
    EXPECT_EQ(ask_all(bench, {"vFile:setfs:0", open, "vFile:pread:0,100,0", "vFile:pread:0,3,6", "vFile:pread:0,100,a",
                              "vFile:close:0", "vFile:close:0"}),
              (Replies{"F0", "F0", "Fa;hello}$#*\n", "F3;$#*", "F0;", "F0", "F-1,9"}));
}

TEST(Files, LongOnesAreReadInPieces) {
    for (char filling : {'x', '}'}) { // the second one is escaped
        Bench bench(2048);
        std::string content(10000, filling);
        bench.target.file_contents["/long"] = content;
        bench.packet("QStartNoAckMode").packet("vFile:open:" + hex("/long") + ",0,0");
        for (int i = 0; i < 20; ++i)
            bench.packet("vFile:pread:0,2710," + [&] {
                char offset[20];
                snprintf(offset, sizeof(offset), "%x", i * 900);
                return std::string(offset);
            }());
        bench.stop();
        Replies replies = bench.replies();
        ASSERT_EQ(replies.size(), 23U);
        for (int i = 0; i < 20; ++i) {
            const std::string& reply = replies[static_cast<size_t>(i) + 3];
            size_t left = content.size() - std::min<size_t>(content.size(), static_cast<size_t>(i) * 900);
            size_t count = std::stoul(reply.substr(1), nullptr, 16);
            EXPECT_LE(count, left);
            EXPECT_EQ(count == 0, left == 0);
            EXPECT_GE(count, std::min<size_t>(left, 900));
            EXPECT_EQ(reply.substr(reply.find(';') + 1), std::string(count, filling));
        }
    }
}

TEST(Files, HaveAStatus) {
    std::string record = std::string("\0\0\0\1\0\0\0\2\0\0\x81\xa4\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0\6", 28) +
                         std::string("\0\0\0\0\0\0\0\x0a\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\0\x08", 24) +
                         std::string("\0\0\0\x09\0\0\0\x0a\0\0\0\x0b", 12);
    Bench bench;
    EXPECT_EQ(ask_all(bench, {"vFile:open:" + hex("/etc/motd") + ",0,0", "vFile:fstat:0", "vFile:fstat:1",
                              "vFile:stat:" + hex("/etc/motd"), "vFile:stat:" + hex("/nowhere")}),
              (Replies{"F0", "F40;" + record, "F-1,9", "F40;" + record, "F-1,2"}));
}

TEST(Files, LinksAreRead) {
    Bench bench;
    EXPECT_EQ(bench.ask("vFile:readlink:" + hex("/proc/1/exe")), "F9;/tmp/fake");
    EXPECT_EQ(bench.ask("vFile:readlink:" + hex("/etc/motd")), "F-1,16");
}

TEST(Files, WhatCannotBeIsRefused) {
    Bench bench;
    std::string path = hex("/empty");
    EXPECT_EQ(bench.ask("vFile:open:" + hex("/nowhere") + ",0,0"), "F-1,2");
    EXPECT_EQ(bench.ask("vFile:open:" + path + ",601,1a4"), "F-1,1e"); // to write
    EXPECT_EQ(bench.ask("vFile:pwrite:0,0,data"), "F-1,1e");
    EXPECT_EQ(bench.ask("vFile:unlink:" + path), "F-1,1e");
    for (const char* bad : {"", "2", "2f0061", "zz"})
        EXPECT_EQ(bench.ask("vFile:open:" + std::string(bad) + ",0,0"), "F-1,16") << bad;
    EXPECT_EQ(bench.ask("vFile:open:" + std::string(3000, '6') + ",0,0"), "F-1,2");
    EXPECT_EQ(Bench(2048).ask("vFile:open:" + std::string(2000, '6') + ",0,0"), "F-1,2");
    EXPECT_EQ(bench.ask("vFile:pread:ffffffffffffffff,1,0"), "F-1,9");
    EXPECT_EQ(bench.ask("vFile:pread:0,1,8000000000000000"), "F-1,16");
    for (const char* bad : {"open", "open:", "open:2f", "open:2f,0", "open:2f,0,0,0", "close:", "close:x", "pread:0,1",
                            "pread:0,1,0,0", "fstat:"})
        EXPECT_TRUE(bench.ask("vFile:" + std::string(bad)).starts_with("E16")) << bad;
    EXPECT_EQ(bench.ask("vFile:chown:0"), "");
}

TEST(Files, AreClosedWhenTheClientGoes) {
    Bench bench;
    bench.packet("QStartNoAckMode").packet("vFile:open:" + hex("/empty") + ",0,0").packet("D");
    bench.stop();
    EXPECT_TRUE(bench.target.open_paths.empty());

    // One whose going could not be told.
    bench.packet("QStartNoAckMode").packet("vFile:open:" + hex("/empty") + ",0,0").packet("vCont;c");
    bench.stop();
    EXPECT_EQ(bench.target.open_paths.size(), 1U);
    bench.session.set_access(Access::Control);
    bench.replies();
    EXPECT_EQ(ask_all(bench, {"vFile:fstat:0"}), (Replies{"F-1,9"}));
}

TEST(Files, AreNotWhereTheTargetHasNone) {
    Bench bench;
    bench.target.offers_optional_parts = false;
    for (const char* packet : {"setfs:0", "open:2f,0,0", "close:0", "pread:0,1,0", "fstat:0", "stat:2f", "readlink:2f",
                               "pwrite:0,0,z", "unlink:2f"})
        EXPECT_EQ(bench.ask("vFile:" + std::string(packet)), "") << packet;
}

} // namespace
} // namespace gdbstub::test
