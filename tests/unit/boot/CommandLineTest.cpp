#include "libos/boot/CommandLine.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace {

struct Parsed {
    explicit Parsed(std::string_view source)
        : text(source.begin(), source.end()) {
        text.push_back(0);
        line = boot::parse_command_line(text);
    }
    std::vector<std::string> arguments() const {
        return {line.arguments.begin(), line.arguments.begin() + line.argument_count};
    }
    std::vector<char> text;
    boot::CommandLine line;
};

using Strings = std::vector<std::string>;

} // namespace

TEST(CommandLine, SplitsKernelWordsFromArguments) {
    Parsed p("uniscope.wait=app uniscope.env.A=b%20c -- /bin/app --flag uniscope.wait=boot x%2520y");
    EXPECT_EQ(p.line.wait, boot::CommandLine::Wait::App);
    EXPECT_EQ(p.arguments(), (Strings{"/bin/app", "--flag", "uniscope.wait=boot", "x%20y"}));
    ASSERT_EQ(p.line.environment_count, 1u);
    EXPECT_EQ(p.line.environment[0], "A=b c");
}

TEST(CommandLine, DeviceWordsNeverReachTheApp) {
    Parsed p("-- app a virtio_mmio.device=512@0xfeb00e00:12 virtio_mmio.device=512@0xfeb00c00:11");
    EXPECT_EQ(p.arguments(), (Strings{"app", "a"}));
    ASSERT_EQ(p.line.device_count, 2u);
    EXPECT_EQ(p.line.devices[1], "512@0xfeb00c00:11");
}

TEST(CommandLine, EncodedWordsAreNeverTheKernels) {
    Parsed p("-- app %76irtio_mmio.device=1 %2d%2d");
    EXPECT_EQ(p.arguments(), (Strings{"app", "virtio_mmio.device=1", "--"}));
}

TEST(CommandLine, WithoutSeparatorEverythingElseIsTheApps) {
    Parsed p("app uniscope.tick_hz=250 b");
    EXPECT_EQ(p.arguments(), (Strings{"app", "b"}));
    EXPECT_EQ(p.line.tick_hz, 250u);
}

TEST(CommandLine, WhoMayDebug) {
    Parsed p("uniscope.key=operator:AAA:alice uniscope.key=tracer%3aBBB -- app uniscope.debug=open");
    ASSERT_EQ(p.line.key_count, 2u);
    EXPECT_EQ(p.line.keys[0], "operator:AAA:alice");
    EXPECT_EQ(p.line.keys[1], "tracer:BBB");
    EXPECT_FALSE(p.line.debug_open); // the app's own word
    EXPECT_TRUE(Parsed("uniscope.debug=open -- app").line.debug_open);
    for (const char* word : {"uniscope.debug=OPEN", "uniscope.debug=opened", "uniscope.debug=", "uniscope.debug",
                             "uniscope.debug=open=no", "debug=open"})
        EXPECT_FALSE(Parsed(std::string(word) + " -- app").line.debug_open) << word;
}

TEST(CommandLine, TooManyKeysAreTold) {
    std::string words;
    for (int i = 0; i < 33; ++i)
        words += "uniscope.key=x ";
    Parsed p(words + "-- app");
    EXPECT_EQ(p.line.key_count, 32u);
    EXPECT_TRUE(p.line.truncated);
}

TEST(CommandLine, RingGeometry) {
    Parsed p("uniscope.ring=64Kx8 --");
    EXPECT_EQ(p.line.sub_buffer_size, 65536u);
    EXPECT_EQ(p.line.sub_buffer_count, 8u);
}

TEST(CommandLine, VsockConnections) {
    EXPECT_EQ(Parsed("app").line.vsock_connections, 1024u);
    EXPECT_EQ(Parsed("app uniscope.vsock_connections=7").line.vsock_connections, 7u);
    EXPECT_EQ(Parsed("app uniscope.vsock_connections=0").line.vsock_connections, 1024u);
    EXPECT_EQ(Parsed("app uniscope.vsock_connections=64K").line.vsock_connections, 65536u);
    EXPECT_EQ(Parsed("app uniscope.vsock_connections=65537").line.vsock_connections, 1024u);
}

TEST(CommandLine, UseOfTheFirstSerialLine) {
    EXPECT_EQ(Parsed("app").line.serial, links::SerialUse::Console);
    EXPECT_EQ(Parsed("uniscope.serial=gdb -- app").line.serial, links::SerialUse::Gdb);
    EXPECT_EQ(Parsed("uniscope.serial=mux -- app").line.serial, links::SerialUse::Mux);
    EXPECT_EQ(Parsed("uniscope.serial=mux-escaped -- app").line.serial, links::SerialUse::EscapedMux);
    EXPECT_EQ(Parsed("uniscope.serial=muxed -- app uniscope.serial=mux").line.serial, links::SerialUse::Console);
}

TEST(CommandLine, BrokenEscapesAndTooManyWords) {
    Parsed p("-- a%2 b%zz %");
    EXPECT_EQ(p.arguments(), (Strings{"a%2", "b%zz", "%"}));
    std::string many = "--";
    for (int i = 0; i < 300; ++i)
        many += " w";
    EXPECT_TRUE(Parsed(many).line.truncated);
}
