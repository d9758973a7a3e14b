// What each client may do, packet by packet, in the stopped world and while it runs.

#include <gtest/gtest.h>

#include <set>

#include "gdbstub/AccessPolicy.h"
#include "gdbstub/command/Parser.h"
#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

/// One packet for each thing that a client can ask for, and who may. Written by hand, not from the stub's own table.
struct Case {
    std::string_view packet;
    Access minimum;
    bool reads_machine = false;
};
constexpr Case cases[] = {
    {"?", Access::Control},
    {"c", Access::Control},
    {"C05", Access::Control},
    {"s", Access::Control},
    {"S05", Access::Control},
    {"c10004", Access::Control},
    {"vCont;c", Access::Control},
    {"vCont;s:1;c", Access::Control},
    {"vCont;r10000,10008:1", Access::Control},
    {"vCont;t", Access::Control},
    {"vCont?", Access::Observe},
    {"k", Access::Control},
    {"vKill;1", Access::Control},
    {"D", Access::Observe},
    {"D;1", Access::Observe},
    {"g", Access::Observe, true},
    {"p10", Access::Observe, true},
    {"G00", Access::Control},
    {"P0=ffffffffffffffff", Access::Control},
    {"m10000,4", Access::Observe, true},
    {"x10000,4", Access::Observe, true},
    {"M10000,1:cc", Access::Control},
    {"X10000,1:z", Access::Control},
    {"X10000,0:", Access::Control},
    {"qCRC:10000,10", Access::Observe, true},
    {"qSearch:memory:10000;10;z", Access::Observe, true},
    {"Z0,10004,1", Access::Control},
    {"Z1,10004,1", Access::Control},
    {"Z2,10004,4", Access::Control},
    {"Z3,10004,4", Access::Control},
    {"Z4,10004,4", Access::Control},
    {"z0,10004,1", Access::Control},
    {"z2,10004,4", Access::Control},
    {"Hg1", Access::Observe, true},
    {"Hc1", Access::Observe, true},
    {"T1", Access::Observe, true},
    {"qC", Access::Observe, true},
    {"qfThreadInfo", Access::Observe, true},
    {"qsThreadInfo", Access::Observe, true},
    {"qThreadExtraInfo,1", Access::Observe, true},
    {"qGetTLSAddr:1,0,0", Access::Observe, true},
    {"qSupported:swbreak+", Access::Observe},
    {"qAttached", Access::Observe},
    {"QStartNoAckMode", Access::Observe},
    {"QPassSignals:e", Access::Observe},
    {"QProgramSignals:e", Access::Observe},
    {"QAllow:WriteMem:0", Access::Observe},
    {"QCatchSyscalls:1", Access::Control},
    {"qXfer:features:read:target.xml:0,100", Access::Observe, true},
    {"qXfer:threads:read::0,100", Access::Observe, true},
    {"qXfer:auxv:read::0,100", Access::Observe, true},
    {"qXfer:exec-file:read::0,100", Access::Observe, true},
    {"qXfer:siginfo:read::0,100", Access::Observe, true},
    {"qXfer:siginfo:write::0:z", Access::Control},
    {"qRcmd,68656c70", Access::Control},
    {"vFile:setfs:0", Access::Observe},
    {"vFile:open:2f656d707479,0,0", Access::Observe, true},
    {"vFile:open:2f656d707479,601,1a4", Access::Observe, true}, // answered by a refusal of its own
    {"vFile:close:0", Access::Observe, true},
    {"vFile:pread:0,10,0", Access::Observe, true},
    {"vFile:fstat:0", Access::Observe, true},
    {"vFile:stat:2f656d707479", Access::Observe, true},
    {"vFile:readlink:2f656d707479", Access::Observe, true},
    {"vFile:pwrite:0,0,z", Access::Control},
    {"vFile:unlink:2f656d707479", Access::Control},
    {"vMustReplyEmpty", Access::Observe},
    {"m", Access::Observe},
    {"!", Access::Observe},
    {"R00", Access::Observe}, // unknown, so nothing happens to it
};
constexpr Access all_access[] = {Access::Nothing, Access::Observe, Access::Control};

/// The link breaks, and somebody with control, who leaves at once, is the next: so a stopped world ends.
class LastClient final : public Transport {
public:
    base::Result<size_t> read(std::span<uint8_t> out) override {
        auto count = inner.read(out);
        if (!count && session->access() != Access::Control) {
            session->set_access(Access::Control);
            outlived = true;
        }
        return count;
    }
    base::Result<> write(std::span<const uint8_t> bytes) override { return inner.write(bytes); }

    ScriptedTransport inner;
    Session* session = nullptr;
    bool outlived = false;
};

struct Stub {
    explicit Stub(Access access)
        : session(target, transport, {receive, reply, points}) {
        transport.session = &session;
        session.set_access(access);
        before = target.memory;
    }
    /// In the stopped world, without acknowledgements of its own.
    const ResumePlan& ask_stopped(std::string_view packet) {
        transport.inner.input += framed(packet);
        return session.run_stopped({.thread = 1});
    }
    void ask_running(std::string_view packet) {
        for (char c : framed(packet))
            session.on_byte(static_cast<uint8_t>(c));
        session.serve_running();
    }
    std::string answer() {
        std::string_view text = transport.inner.output;
        size_t start = text.find('$');
        size_t end = text.find('#', start);
        std::string found = start == std::string_view::npos ? "" : unpacked(text.substr(start + 1, end - start - 1));
        transport.inner.output.clear();
        return found;
    }
    void expect_untouched() {
        EXPECT_EQ(target.memory, before);
        EXPECT_EQ(target.register_writes, 0U);
        EXPECT_TRUE(target.inserted_breakpoints.empty() && target.inserted_points.empty());
        EXPECT_TRUE(target.log.empty());
        EXPECT_EQ(target.stop_requests, 0U);
    }

    FakeTarget target;
    LastClient transport;
    std::array<uint8_t, 4096> receive, reply;
    std::array<PointRecord, 8> points;
    Session session;
    std::vector<uint8_t> before;
};

TEST(Access, EachKindOfPacketIsTried) {
    std::set<size_t> tried;
    for (const Case& one : cases)
        tried.insert(parse_command(one.packet).index());
    EXPECT_EQ(tried.size(), std::variant_size_v<Command>);
}

TEST(Access, TheStubsTableSaysTheSame) {
    for (const Case& one : cases)
        EXPECT_EQ(access_rule(parse_command(one.packet)).minimum, one.minimum) << one.packet;
}

TEST(Access, InTheStoppedWorld) {
    for (const Case& one : cases) {
        for (Access access : all_access) {
            SCOPED_TRACE(std::string(one.packet) + " with access " + std::to_string(static_cast<int>(access)));
            Stub stub(access);
            stub.target.may_kill = true;
            const ResumePlan& plan = stub.ask_stopped(one.packet);
            std::string answer = stub.answer();
            if (access < one.minimum) {
                EXPECT_EQ(answer, "E01");
                stub.expect_untouched();
            } else {
                EXPECT_NE(answer, "E01");
            }
            // Only who has control ends a stop.
            EXPECT_EQ(stub.transport.outlived, access != Access::Control);
            if (access != Access::Control) {
                stub.expect_untouched();
                EXPECT_EQ(plan.outcome, Outcome::Detached);
            }
        }
    }
}

TEST(Access, WhileTheWorldRuns) {
    for (bool live : {false, true}) {
        for (const Case& one : cases) {
            for (Access access : {Access::Nothing, Access::Observe}) {
                SCOPED_TRACE(std::string(one.packet) + " with access " + std::to_string(static_cast<int>(access)));
                Stub stub(access);
                stub.target.offers_live = live;
                stub.ask_running(one.packet);
                EXPECT_EQ(stub.target.service_requests, 1U);
                std::string answer = stub.answer();
                if (access < one.minimum)
                    EXPECT_EQ(answer, "E01");
                else if (one.reads_machine && !live)
                    EXPECT_EQ(answer, "E5f"); // EOPNOTSUPP
                else
                    EXPECT_TRUE(answer != "E01" && answer != "E5f") << answer;
                stub.expect_untouched();
                EXPECT_FALSE(stub.session.attached());
                EXPECT_FALSE(stub.session.stops_for_signal(11));
            }
        }
    }
}

TEST(Access, AnObserverReadsWhileTheWorldRuns) {
    Stub stub(Access::Observe);
    stub.target.offers_live = true;
    stub.ask_running("QStartNoAckMode");
    stub.answer();
    stub.ask_running("m10010,2");
    EXPECT_EQ(stub.answer(), "ebee");
    stub.ask_running("qfThreadInfo");
    EXPECT_EQ(stub.answer(), "m1,2,1f");
    stub.ask_running("qThreadExtraInfo,2");
    EXPECT_EQ(stub.answer(), "776f726b65723a2066757465782077616974");
    stub.ask_running("qXfer:threads:read::0,30");
    EXPECT_TRUE(stub.answer().starts_with("m<?xml"));
    stub.expect_untouched();
}

TEST(Access, RefusalsAreInWords) {
    Stub stub(Access::Observe);
    stub.ask_running("qSupported:error-message+");
    EXPECT_TRUE(stub.answer().starts_with("PacketSize="));
    stub.ask_running("M10000,1:cc");
    EXPECT_EQ(stub.answer(), "E.This client observes: it may not write, stop or resume. That needs the role operator.");
    stub.ask_running("m10000,1");
    EXPECT_NE(stub.answer().find("non-stop"), std::string::npos);
    stub.session.set_access(Access::Nothing);
    stub.ask_running("m10000,1");
    EXPECT_EQ(stub.answer(), "E01"); // the new client has not said that it reads sentences
}

TEST(Access, CtrlCOfAnObserverStopsNothing) {
    Stub stub(Access::Observe);
    stub.ask_running("qSupported:swbreak+");
    stub.session.on_byte(3);
    stub.session.serve_running();
    EXPECT_EQ(stub.target.stop_requests, 0U);
}

TEST(Access, SeveralPacketsInOnePieceAreAllAnswered) {
    Stub stub(Access::Observe);
    for (char c : "+" + framed("QStartNoAckMode") + framed("qAttached") + framed("vCont;c"))
        stub.session.on_byte(static_cast<uint8_t>(c));
    EXPECT_EQ(stub.target.service_requests, 1U);
    stub.session.serve_running();
    EXPECT_EQ(stub.transport.inner.output, "+" + framed("OK") + framed("1") + framed("E01"));
}

TEST(Access, ALostLinkWhileTheWorldRunsEndsNothing) {
    Stub stub(Access::Observe);
    stub.transport.inner.writes_left = 0;
    stub.ask_running("qAttached");
    stub.expect_untouched();
}

TEST(Access, BreakpointsThatAnOperatorLeftGoWithoutAStopThatAnObserverCouldNotEnd) {
    Stub stub(Access::Control);
    stub.transport.inner.input = framed("QStartNoAckMode") + framed("Z0,10004,1") + framed("vCont;c");
    EXPECT_EQ(stub.session.run_stopped({.thread = 1}).outcome, Outcome::Resume);
    ASSERT_EQ(stub.target.inserted_breakpoints.size(), 1U);
    stub.session.set_access(Access::Observe);
    const ResumePlan& plan = stub.session.run_stopped({.reason = StopReason::SoftwareBreakpoint, .thread = 1});
    EXPECT_EQ(plan.outcome, Outcome::Detached);
    EXPECT_FALSE(stub.transport.outlived);
    EXPECT_TRUE(stub.target.inserted_breakpoints.empty());
}

TEST(Access, TheAuditIsTold) {
    Stub stub(Access::Control);
    stub.transport.inner.input = framed("QStartNoAckMode") + framed("M10020,2:9090") + framed("M1fffff,2:9090") +
                                 framed("P0=ffffffffffffffff") + framed("Z0,10004,1") + framed("Z0,10004,1") +
                                 framed("Z2,10008,4") + framed("z0,10004,1") + framed("qRcmd,68656c70") + framed("D");
    stub.session.run_stopped({.thread = 1});
    stub.session.set_access(Access::Observe);
    stub.ask_running("vCont;c");
    stub.ask_running("D");
    using Lines = std::vector<std::string>;
    EXPECT_EQ(stub.target.audited,
              (Lines{"attached control", "wrote 65568 2", "registers 1", "Z0 65540", "Z2 65544", "z0 65540",
                     "monitor help", "left control", "attached observe", "refused observe resume", "left observe"}));
}

} // namespace
} // namespace gdbstub::test
