// Conditions and commands of breakpoints: what Z packets bring, and what a thread that comes there is to do.

#include <gtest/gtest.h>

#include "gdbstub/packet/Hex.h"
#include "tests/unit/gdbstub/AgentBench.h"
#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

using agent::Opcode;
using Replies = std::vector<std::string>;

std::string hex(const Code& code) {
    std::string out;
    for (uint8_t byte : code)
        out += {hex_digit(byte >> 4), hex_digit(byte)};
    return out;
}

std::string number(uint64_t value) {
    char text[20];
    std::snprintf(text, sizeof(text), "%lx", value);
    return text;
}

std::string expression(const Code& code) {
    return "X" + number(code.size()) + "," + hex(code);
}

std::string insert(uint64_t address, const std::string& options = "") {
    return "Z0," + number(address) + ",1" + options;
}

const Code is_true = code(Opcode::Const8, 1, Opcode::End);
const Code is_false = code(Opcode::Const8, 0, Opcode::End);
const Code is_wrong = code(Opcode::Add, Opcode::End);
/// rax is 5.
const Code rax_is_five = code(Opcode::Reg, 0, 0, Opcode::Const8, 5, Opcode::Equal, Opcode::End);

std::string if_(const Code& condition) {
    return ";" + expression(condition);
}
std::string print(std::string_view text, bool persists = false) {
    return std::string(";cmds:") + (persists ? "1," : "0,") + expression(printf_code(text));
}

class Conditions : public testing::Test {
protected:
    Conditions() { bench.target.judge_by(bench.session); }

    /// The replies to these packets, in a client that then continues; always the same one, until detach().
    Replies answers(const std::vector<std::string>& packets) {
        if (!m_is_attached)
            bench.packet("QStartNoAckMode");
        for (const std::string& packet : packets)
            bench.packet(packet);
        bench.packet("vCont;c");
        bench.stop();
        Replies replies = bench.replies();
        // An acknowledgement and OK, or the stop that was awaited since the last time.
        replies.erase(replies.begin(), replies.begin() + (m_is_attached ? 1 : 2));
        m_is_attached = true;
        return replies;
    }

    void detach() {
        bench.packet("D");
        EXPECT_EQ(bench.stop().outcome, Outcome::Detached);
        bench.replies();
        m_is_attached = false;
    }

    /// What `monitor breakpoints` prints.
    std::string monitor(std::string_view command) {
        std::string text;
        for (const std::string& reply : answers({"qRcmd," + hex(Code(command.begin(), command.end()))}))
            if (reply.starts_with("O") && reply != "OK")
                for (size_t i = 0; i < reply.size() / 2; ++i)
                    text += static_cast<char>(hex_byte(std::string_view(reply).substr(1), i));
        return text;
    }

    Verdict judge(uint64_t address) { return bench.session.judge_breakpoint(address, context); }

    Bench bench;
    AgentBench context;

private:
    bool m_is_attached = false;
};

TEST_F(Conditions, AreOfferedByATargetThatPassesBreakpoints) {
    std::string offer = ";ConditionalBreakpoints+;BreakpointCommands+";
    EXPECT_NE(bench.ask("qSupported").find(offer), std::string::npos);
    Bench stops_always;
    EXPECT_EQ(stops_always.ask("qSupported").find("Conditional"), std::string::npos);
    EXPECT_EQ(stops_always.ask(insert(0x10004, if_(is_true))), "E5f");
    EXPECT_TRUE(stops_always.target.inserted_breakpoints.empty());
}

TEST_F(Conditions, OfWhatIsNotInsertedAreNotOurs) {
    answers({insert(0x10004), "Z2,10100,4"});
    EXPECT_EQ(judge(0x10008), Verdict::NotOurs);
    EXPECT_EQ(judge(0x10100), Verdict::NotOurs); // a watchpoint is no breakpoint
}

TEST_F(Conditions, SayWhetherToStop) {
    EXPECT_EQ(answers({insert(0x10004), insert(0x10008, if_(is_true)), insert(0x1000c, if_(is_false)),
                       "Z1,10010,1" + if_(rax_is_five)}),
              (Replies{"OK", "OK", "OK", "OK"}));
    EXPECT_EQ(judge(0x10004), Verdict::Stop);
    EXPECT_EQ(judge(0x10008), Verdict::Stop);
    EXPECT_EQ(judge(0x1000c), Verdict::GoOn);
    context.registers[0] = 5;
    EXPECT_EQ(judge(0x10010), Verdict::Stop);
    context.registers[0] = 6;
    EXPECT_EQ(judge(0x10010), Verdict::GoOn);
}

TEST_F(Conditions, OneThatIsTrueOfSeveralIsEnough) {
    auto all = [](std::initializer_list<Code> conditions) {
        std::string list = ";";
        for (const Code& condition : conditions)
            list += expression(condition);
        return list;
    };
    answers({insert(0x10004, all({is_false, is_true})), insert(0x10008, all({is_false, is_false, is_false}))});
    EXPECT_EQ(judge(0x10004), Verdict::Stop);
    EXPECT_EQ(judge(0x10008), Verdict::GoOn);
}

TEST_F(Conditions, OfSoftwareAndHardwareBreakpointsAtOneAddressAreAllAsked) {
    answers(
        {insert(0x10004, if_(is_false)), "Z1,10004,1" + if_(is_false), insert(0x10008, if_(is_false)), "Z1,10008,1"});
    EXPECT_EQ(judge(0x10004), Verdict::GoOn);
    EXPECT_EQ(judge(0x10008), Verdict::Stop);
}

TEST_F(Conditions, ThatCannotBeEvaluatedStopAndSayWhy) {
    answers({insert(0x10004, if_(is_wrong)), insert(0x10008, if_(is_wrong) + expression(is_false)),
             insert(0x1000c, if_(is_wrong) + expression(is_true))});
    EXPECT_EQ(judge(0x10004), Verdict::Stop);
    EXPECT_EQ(judge(0x10008), Verdict::Stop);
    EXPECT_EQ(monitor("why"), "The agent expression takes more from its stack than is on it.\n");
    EXPECT_EQ(judge(0x1000c), Verdict::Stop);
}

TEST_F(Conditions, CommandsRunAndTheThreadGoesOn) {
    answers({insert(0x10004, print("here")), insert(0x10008, if_(is_false) + print("not here")),
             insert(0x1000c, if_(is_true) + print("first") + expression(printf_code("second")))});
    EXPECT_EQ(judge(0x10004), Verdict::GoOn);
    EXPECT_EQ(judge(0x10008), Verdict::GoOn);
    EXPECT_EQ(judge(0x1000c), Verdict::GoOn);
    EXPECT_EQ(context.printed, (Replies{"here", "first", "second"}));
}

TEST_F(Conditions, CommandsThatFailStop) {
    answers({insert(0x10004, print("%f"))});
    EXPECT_EQ(judge(0x10004), Verdict::Stop);
    EXPECT_EQ(monitor("why"), "The format string has a conversion that the target cannot do.\n");
}

TEST_F(Conditions, AreReplacedByTheNextPacketForTheSamePoint) {
    answers({insert(0x10004, if_(is_false)), insert(0x10008, print("old"))});
    EXPECT_EQ(judge(0x10004), Verdict::GoOn);
    answers({insert(0x10004, if_(is_true)), insert(0x10008, if_(is_true) + print("new"))});
    EXPECT_EQ(judge(0x10004), Verdict::Stop);
    EXPECT_EQ(judge(0x10008), Verdict::GoOn);
    EXPECT_EQ(context.printed, Replies{"new"});
    answers({insert(0x10004, if_(is_false)), insert(0x10008)});
    EXPECT_EQ(judge(0x10004), Verdict::GoOn);
    EXPECT_EQ(judge(0x10008), Verdict::Stop);
    EXPECT_TRUE(bench.target.log.empty()); // inserted once
}

TEST_F(Conditions, ThatFindNoRoomAreRefusedAndNothingChanges) {
    // Each takes two bytes more than its code.
    Code long_one(150, static_cast<uint8_t>(Opcode::Const8));
    long_one[2] = static_cast<uint8_t>(Opcode::End);
    EXPECT_EQ(answers({insert(0x10004, if_(long_one)), insert(0x10008, if_(long_one))}), (Replies{"OK", "E1c"}));
    EXPECT_EQ(bench.target.inserted_breakpoints, std::set<uint64_t>{0x10004});
    EXPECT_EQ(monitor("why"), "There is no room left for the conditions and commands of this breakpoint.\n");
    Code too_long(bench.agent_code.size() - 1, static_cast<uint8_t>(Opcode::End));
    EXPECT_EQ(answers({insert(0x10004, if_(too_long))}), Replies{"E1c"});
    EXPECT_EQ(judge(0x10004), Verdict::Stop);
    EXPECT_EQ(answers({insert(0x10004, if_(Code(bench.agent_code.size() - 2, static_cast<uint8_t>(Opcode::End))))}),
              Replies{"OK"});
    EXPECT_EQ(answers({"z0,10004,1", insert(0x10008, if_(long_one))}), (Replies{"OK", "OK"}));
}

TEST_F(Conditions, ComeAndGoWithoutHolesInTheirPool) {
    // Five at a time, each with its own size and value, always one replaced: a hole would soon make it full.
    std::map<uint64_t, bool> expected;
    for (unsigned i = 0; i < 200; ++i) {
        uint64_t address = 0x10000 + i * 7 % 5;
        bool holds = i % 3 == 0;
        Code condition = holds ? is_true : is_false;
        condition.resize(condition.size() + i % 6 * 8);
        if (i % 4 == 0 && expected.contains(address)) {
            ASSERT_EQ(answers({"z0," + number(address) + ",1"}), Replies{"OK"});
            expected.erase(address);
        } else {
            ASSERT_EQ(answers({insert(address, if_(condition))}), Replies{"OK"}) << i;
            expected[address] = holds;
        }
        for (auto [at, stops] : expected)
            ASSERT_EQ(judge(at), stops ? Verdict::Stop : Verdict::GoOn) << i;
    }
}

TEST_F(Conditions, AreForBreakpointsOnly) {
    EXPECT_EQ(bench.ask("Z2,10100,4" + if_(is_true)), "E5f");
    EXPECT_TRUE(bench.target.inserted_points.empty());
}

TEST_F(Conditions, CommandsThatPersistGoOnWithoutAClient) {
    answers({insert(0x10004, print("here", true)), insert(0x10008, print("gone")), insert(0x1000c),
             insert(0x1000e, if_(is_wrong) + print("never", true))});
    EXPECT_FALSE(bench.session.has_points_left_behind());
    detach();
    EXPECT_FALSE(bench.session.attached());
    EXPECT_TRUE(bench.session.has_points_left_behind());
    EXPECT_EQ(bench.target.inserted_breakpoints, (std::set<uint64_t>{0x10004, 0x1000e}));
    EXPECT_EQ(judge(0x10004), Verdict::GoOn);
    EXPECT_EQ(judge(0x10008), Verdict::NotOurs);
    EXPECT_EQ(judge(0x1000e), Verdict::GoOn); // nobody is there to be told
    EXPECT_EQ(context.printed, Replies{"here"});
}

TEST_F(Conditions, LeftBehindBelongToTheClientThatInsertsThemAgain) {
    answers({insert(0x10004, print("old", true)), insert(0x10008, print("other", true))});
    detach();
    answers({insert(0x10004, if_(is_true))});
    EXPECT_EQ(judge(0x10004), Verdict::Stop);
    EXPECT_EQ(judge(0x10008), Verdict::GoOn);
    detach();
    EXPECT_EQ(bench.target.inserted_breakpoints, std::set<uint64_t>{0x10008});
    EXPECT_EQ(monitor("breakpoints clear"), "");
    EXPECT_TRUE(bench.target.inserted_breakpoints.empty());
    EXPECT_FALSE(bench.session.has_points_left_behind());
}

TEST_F(Conditions, LeftBehindSurviveAClientThatOnlyObserves) {
    answers({insert(0x10004, print("here", true)), insert(0x10008)});
    bench.session.set_access(Access::Observe);
    EXPECT_EQ(bench.stop().outcome, Outcome::Detached);
    EXPECT_EQ(bench.target.inserted_breakpoints, std::set<uint64_t>{0x10004});
    EXPECT_EQ(judge(0x10004), Verdict::GoOn);
}

TEST_F(Conditions, AreGoneWithTheProgram) {
    answers({insert(0x10004, print("here", true))});
    bench.session.report_exit(0);
    EXPECT_EQ(judge(0x10004), Verdict::NotOurs);
    EXPECT_FALSE(bench.session.has_points_left_behind());
}

TEST_F(Conditions, AreListedByTheMonitor) {
    EXPECT_EQ(monitor("breakpoints"), "There are no breakpoints in the target.\n");
    answers({insert(0x10004, if_(rax_is_five)), "Z2,10100,4", insert(0x10008, print("x", true)),
             insert(0x1000c, if_(is_wrong))});
    for (uint64_t rax : {4, 5, 6}) {
        context.registers[0] = rax;
        judge(0x10004);
    }
    judge(0x10008);
    judge(0x1000c);
    EXPECT_EQ(monitor("breakpoints"),
              "address             kind      conditions  commands  evaluated       hits\n"
              "0x0000000000010004  software           1         0          3          1\n"
              "0x0000000000010100  write   \n"
              "0x0000000000010008  software           0         1          1          1  persists\n"
              "0x000000000001000c  software           1         0          1          0\n"
              "    The agent expression takes more from its stack than is on it.\n");
}

TEST_F(Conditions, MakeTheMachineGoOn) {
    // The fake machine adds 1 to al again and again.
    bench.target.load(0x10040, {0x04, 0x01, 0xeb, 0xfc});
    bench.target.threads.resize(1);
    bench.target.threads[0].registers.rip = 0x10040;
    bench.target.threads[0].registers.rax = 0;
    answers({insert(0x10042, if_(rax_is_five)), insert(0x10040, print("."))});
    ResumePlan plan;
    ASSERT_TRUE(plan.add(ResumePlan::every_thread, {}));
    Halt halt = bench.target.run(plan, {}, 100);
    ASSERT_TRUE(halt.stop);
    EXPECT_EQ(halt.stop->reason, StopReason::SoftwareBreakpoint);
    EXPECT_EQ(bench.target.threads[0].registers.rax, 5U);
    EXPECT_EQ(bench.target.printed, ".....");
}

} // namespace
} // namespace gdbstub::test
