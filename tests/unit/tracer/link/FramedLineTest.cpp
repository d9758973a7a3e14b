#include "tracer/link/FramedLine.h"

#include "probes/wire/Channel.h"
#include "tests/unit/tracer/link/FramedGuest.h"
#include "tracer/link/Frame.h"
#include "tracer/link/LineLink.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <random>

using namespace tracer;
using serial::SerialChannel;
using std::chrono::milliseconds;
using tracer::test::FramedGuest;

namespace {

constexpr std::pair<ChannelName, SerialChannel> channels[] = {{ChannelName::Console, SerialChannel::Console},
                                                              {ChannelName::Gdb, SerialChannel::Gdb},
                                                              {ChannelName::Control, SerialChannel::Control},
                                                              {ChannelName::Trace, SerialChannel::Trace},
                                                              {ChannelName::Crash, SerialChannel::Crash}};

Patience patience(milliseconds time = milliseconds(20'000)) {
    return Patience({.timeout = time, .stop = {}});
}

std::string some_bytes(size_t size) {
    std::string bytes(size, 0);
    for (size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<char>(i * 31 + i / 256);
    return bytes;
}

/// `size` bytes, or what came before the end of the stream.
std::string read_text(int descriptor, size_t size) {
    std::string text;
    while (text.size() < size) {
        pollfd entry{descriptor, POLLIN, 0};
        std::array<char, 4096> buffer;
        const ssize_t count = poll(&entry, 1, 20'000) == 1
                                  ? read(descriptor, buffer.data(), std::min(buffer.size(), size - text.size()))
                                  : 0;
        if (count <= 0)
            break;
        text.append(buffer.data(), static_cast<size_t>(count));
    }
    return text;
}

void write_text(int descriptor, std::string_view text) {
    ASSERT_TRUE(
        send_all(descriptor, {reinterpret_cast<const uint8_t*>(text.data()), text.size()}, milliseconds(20'000)));
}

template <typename Done>
bool eventually(Done done) {
    for (int i = 0; i < 20'000; ++i) {
        if (done())
            return true;
        std::this_thread::sleep_for(milliseconds(1));
    }
    return false;
}

std::string frame_of(size_t size) {
    const std::vector<uint8_t> body(size, 'x');
    const auto frame = encode_frame(wire::FrameType::TracePacket, 0, body);
    return {frame.begin(), frame.end()};
}

class FramedLineTest : public testing::Test {
public:
    FramedLineTest() {
        auto pair = socket_pair();
        line = std::make_unique<FramedLine>(std::move(pair->first), "the line");
        other_end = std::move(pair->second);
    }
    void start_guest() { guest = std::make_unique<FramedGuest>(std::move(other_end)); }
    FileDescriptor open(ChannelName channel) {
        auto opened = line->open(channel, patience());
        EXPECT_TRUE(opened) << opened.error().message;
        return opened ? std::move(*opened) : FileDescriptor();
    }

    FileDescriptor other_end;
    std::unique_ptr<FramedLine> line;
    std::unique_ptr<FramedGuest> guest;
};

TEST_F(FramedLineTest, EveryChannelBothWays) {
    start_guest();
    const std::string bytes = some_bytes(50'000);
    for (auto [channel, id] : channels) {
        const auto user = open(channel);
        guest->send(id, bytes);
        EXPECT_TRUE(read_text(user.get(), bytes.size()) == bytes);
        write_text(user.get(), bytes);
        EXPECT_TRUE(eventually([&] { return guest->received(id).size() == bytes.size(); }));
        EXPECT_TRUE(guest->received(id) == bytes);
    }
    EXPECT_EQ(line->statistics().link.frames_damaged, 0u);
    EXPECT_NE(line->statistics().session, 0u);
}

TEST_F(FramedLineTest, NothingIsWrongOnABadLine) {
    start_guest();
    guest->damage = [random = std::mt19937(3)](std::string_view bytes) mutable {
        std::string out;
        for (char byte : bytes) {
            const auto chance = random() % 100;
            if (chance == 0)
                continue;
            out += chance == 1 ? static_cast<char>(byte ^ 1 << random() % 8) : byte;
            if (chance == 2)
                out += byte;
        }
        return out;
    };
    const auto gdb = open(ChannelName::Gdb);
    const std::string bytes = some_bytes(2'000);
    for (int i = 0; i < 5; ++i) {
        guest->send(SerialChannel::Gdb, bytes);
        EXPECT_TRUE(read_text(gdb.get(), bytes.size()) == bytes);
    }
    EXPECT_GT(line->statistics().link.frames_damaged, 0u);
}

TEST_F(FramedLineTest, ALineWithoutFramesIsGivenBack) {
    EXPECT_FALSE(line->wait_until_up(patience(milliseconds(300))));
    const auto refused = line->open(ChannelName::Gdb, patience(milliseconds(50)));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("nobody at the other end"), std::string::npos) << refused.error().message;
    const FileDescriptor plain = line->release();
    // Hellos, which gdb's protocol ignores.
    std::array<char, 4096> hellos;
    const ssize_t size = recv(other_end.get(), hellos.data(), hellos.size(), 0);
    ASSERT_GT(size, 0);
    EXPECT_EQ(std::string(hellos.data(), static_cast<size_t>(size)).find_first_of("$#+-\x03"), std::string::npos);
    write_text(plain.get(), "$?#3f");
    EXPECT_EQ(read_text(other_end.get(), 5), "$?#3f");
    write_text(other_end.get(), "+$T05#b9");
    EXPECT_EQ(read_text(plain.get(), 8), "+$T05#b9");
}

TEST_F(FramedLineTest, TheConsoleIsThereBeforeAndBetweenSessions) {
    const auto console = open(ChannelName::Console);
    write_text(console.get(), "typed early\n");
    write_text(other_end.get(), "early boot\n");
    EXPECT_EQ(read_text(console.get(), 11), "early boot\n");
    start_guest();
    EXPECT_TRUE(eventually([&] { return guest->received(SerialChannel::Console) == "typed early\n"; }));
    guest->send(SerialChannel::Console, "in frames\n");
    EXPECT_EQ(read_text(console.get(), 10), "in frames\n");
    guest->say_in_clear("uniscope: a panic\n");
    EXPECT_EQ(read_text(console.get(), 18), "uniscope: a panic\n");
    guest->restart();
    guest->send(SerialChannel::Console, "again\n");
    EXPECT_EQ(read_text(console.get(), 6), "again\n");
    EXPECT_EQ(guest->text(), "");
}

TEST_F(FramedLineTest, AUserWhoReadsNothingHoldsNobodyUp) {
    start_guest();
    const auto trace = open(ChannelName::Trace);
    guest->send(SerialChannel::Trace, frame_of(900'000));
    const auto gdb = open(ChannelName::Gdb);
    for (int i = 0; i < 20; ++i) {
        guest->send(SerialChannel::Gdb, "$OK#9a");
        EXPECT_EQ(read_text(gdb.get(), 6), "$OK#9a");
    }
    EXPECT_TRUE(read_text(trace.get(), frame_of(900'000).size()) == frame_of(900'000));
}

TEST_F(FramedLineTest, AnotherGuestIsAnotherConnection) {
    start_guest();
    const auto gdb = open(ChannelName::Gdb);
    const auto control = open(ChannelName::Control);
    guest->restart();
    EXPECT_EQ(read_text(gdb.get(), 1), "");
    EXPECT_EQ(read_text(control.get(), 1), "");
    const auto again = open(ChannelName::Gdb);
    guest->send(SerialChannel::Gdb, "new");
    EXPECT_EQ(read_text(again.get(), 3), "new");
}

TEST_F(FramedLineTest, AChannelHasOneUserAndIsFreeAfterIt) {
    start_guest();
    auto gdb = open(ChannelName::Gdb);
    const auto second = line->open(ChannelName::Gdb, patience(milliseconds(100)));
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find("in use"), std::string::npos);
    // What it left behind still arrives.
    write_text(gdb.get(), some_bytes(5'000));
    gdb.reset();
    const auto next = open(ChannelName::Gdb);
    EXPECT_TRUE(eventually([&] { return guest->received(SerialChannel::Gdb) == some_bytes(5'000); }));
}

TEST_F(FramedLineTest, WhoComesInTheMiddleOfAFrameBeginsWithTheNext) {
    start_guest();
    auto trace = open(ChannelName::Trace);
    guest->send(SerialChannel::Trace, frame_of(3'000));
    EXPECT_EQ(read_text(trace.get(), 100), frame_of(3'000).substr(0, 100));
    const std::string frame = frame_of(2'000);
    guest->send(SerialChannel::Trace, frame.substr(0, 700));
    EXPECT_EQ(read_text(trace.get(), frame_of(3'000).size() - 100 + 700).size(), frame_of(3'000).size() + 600);
    trace.reset();
    trace = open(ChannelName::Trace);
    guest->send(SerialChannel::Trace, frame.substr(700) + frame_of(10));
    EXPECT_TRUE(read_text(trace.get(), frame_of(10).size()) == frame_of(10));
}

TEST_F(FramedLineTest, TheEndOfTheLineIsTheEndOfItsChannels) {
    start_guest();
    const auto console = open(ChannelName::Console);
    const auto gdb = open(ChannelName::Gdb);
    guest->send(SerialChannel::Console, "last words\n");
    guest->say_in_clear("");
    EXPECT_TRUE(eventually([&] { return wait_readable(console.get(), milliseconds(0)).value(); }));
    guest.reset();
    EXPECT_EQ(read_text(console.get(), 100), "last words\n");
    EXPECT_EQ(read_text(gdb.get(), 1), "");
    EXPECT_TRUE(eventually([&] { return line->has_ended(); }));
    const auto refused = line->open(ChannelName::Gdb, patience());
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("has ended"), std::string::npos);
}

TEST_F(FramedLineTest, LeavingTellsTheGuest) {
    start_guest();
    const auto gdb = open(ChannelName::Gdb);
    EXPECT_TRUE(eventually([&] { return guest->is_up(); }));
    line.reset();
    EXPECT_TRUE(eventually([&] { return !guest->is_up(); }));
    EXPECT_EQ(read_text(gdb.get(), 1), "");
}

/// A terminal's two ends: the master, and the name of the other.
std::pair<FileDescriptor, std::string> make_terminal() {
    FileDescriptor master(posix_openpt(O_RDWR | O_NOCTTY));
    EXPECT_EQ(grantpt(master.get()), 0);
    EXPECT_EQ(unlockpt(master.get()), 0);
    std::string name = ptsname(master.get());
    return {std::move(master), std::move(name)};
}

TEST(LineLink, FindsOutThatALineIsFramed) {
    auto [master, name] = make_terminal();
    const auto link = make_link(*parse_endpoint("serial:" + name));
    EXPECT_TRUE(link->has(ChannelName::Gdb));
    EXPECT_FALSE(link->has(ChannelName::Control));
    FramedGuest guest(std::move(master));
    const auto gdb = link->open(ChannelName::Gdb, {});
    ASSERT_TRUE(gdb) << gdb.error().message;
    EXPECT_TRUE(link->has(ChannelName::Control));
    const auto control = link->open(ChannelName::Control, {});
    ASSERT_TRUE(control) << control.error().message;
    guest.send(SerialChannel::Control, "control");
    guest.send(SerialChannel::Gdb, "gdb");
    EXPECT_EQ(read_text(control->get(), 7), "control");
    EXPECT_EQ(read_text(gdb->get(), 3), "gdb");
    EXPECT_GT(link->statistics()["frames_received"], 0);
}

TEST(LineLink, FindsOutThatALineIsNotFramed) {
    auto [master, name] = make_terminal();
    const auto link = make_link(*parse_endpoint("serial:" + name));
    const auto gdb = link->open(ChannelName::Gdb, {});
    ASSERT_TRUE(gdb) << gdb.error().message;
    EXPECT_FALSE(link->has(ChannelName::Control));
    EXPECT_TRUE(link->statistics().is_null());
    ASSERT_EQ(write(master.get(), "$T05#b9", 7), 7);
    EXPECT_EQ(read_text(gdb->get(), 7), "$T05#b9");
}

TEST(LineLink, OpensAgainALineThatHasEnded) {
    auto [first, first_name] = make_terminal();
    auto [second, second_name] = make_terminal();
    const std::filesystem::path name = std::filesystem::path(testing::TempDir()) / ("line-" + std::to_string(getpid()));
    std::filesystem::create_symlink(first_name, name);
    const auto link = make_link(*parse_endpoint("serial:" + name.string() + ",mux"));
    auto guest = std::make_unique<FramedGuest>(std::move(first));
    auto gdb = link->open(ChannelName::Gdb, {});
    ASSERT_TRUE(gdb) << gdb.error().message;
    guest.reset();
    EXPECT_EQ(read_text(gdb->get(), 1), "");
    std::filesystem::remove(name);
    std::filesystem::create_symlink(second_name, name);
    guest = std::make_unique<FramedGuest>(std::move(second));
    gdb = link->open(ChannelName::Gdb, {});
    EXPECT_TRUE(gdb) << gdb.error().message;
    std::filesystem::remove(name);
}

TEST(FrameBoundary, FindsEveryBoundaryHoweverTheStreamIsCut) {
    const std::string stream = frame_of(0) + frame_of(5) + frame_of(300);
    const std::vector<size_t> ends = {frame_of(0).size(), frame_of(0).size() + frame_of(5).size(), stream.size()};
    for (size_t piece : {size_t{1}, size_t{7}, size_t{16}, size_t{33}, stream.size()}) {
        FrameBoundary boundary;
        std::vector<size_t> found;
        for (size_t at = 0; at < stream.size();) {
            const auto bytes = std::string_view(stream).substr(at, piece);
            at += boundary.follow({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
            if (boundary.is_at_boundary())
                found.push_back(at);
        }
        EXPECT_EQ(found, ends);
    }
}

} // namespace
