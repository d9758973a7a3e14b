#include "gdbstub/command/Parser.h"

#include <gtest/gtest.h>

namespace gdbstub {
namespace {

template <typename T>
const T* parsed(std::string_view packet) {
    static Command command;
    command = parse_command(packet);
    return std::get_if<T>(&command);
}

TEST(Parser, ReadsMemoryPackets) {
    const auto* read = parsed<ReadMemory>("mffffffff81000000,40");
    ASSERT_NE(read, nullptr);
    EXPECT_EQ(read->address, 0xffffffff81000000);
    EXPECT_EQ(read->length_untrusted, 0x40U);
    EXPECT_EQ(read->encoding, Encoding::Hex);
    read = parsed<ReadMemory>("x10,0");
    ASSERT_NE(read, nullptr);
    EXPECT_EQ(read->encoding, Encoding::Binary);

    const auto* write = parsed<WriteMemory>("X10,3:a:b");
    ASSERT_NE(write, nullptr);
    EXPECT_EQ(write->data_untrusted, "a:b");
    EXPECT_EQ(write->encoding, Encoding::Binary);
}

TEST(Parser, RefusesMalformedPackets) {
    for (std::string_view packet : {"m",
                                    "m10",
                                    "m10,",
                                    "m,10",
                                    "m10,10x",
                                    "m10;4",
                                    "m10000000000000000,1",
                                    "x1",
                                    "M10,1",
                                    "M10",
                                    "X",
                                    "p",
                                    "pxx",
                                    "p1 ",
                                    "P",
                                    "P1",
                                    "P=1",
                                    "Z0",
                                    "Z0,1",
                                    "Z0,1,",
                                    "Z0,1,1;",
                                    "Z0,1,1;X",
                                    "Z0,1,1;X1",
                                    "Z0,1,1;X1,",
                                    "Z0,1,1;X0,",
                                    "Z0,1,1;X2,27",
                                    "Z0,1,1;X1,2g",
                                    "Z0,1,1;X1,271",
                                    "Z0,1,1;X10000,27",
                                    "Z0,1,1;Xffffffffffffffff,27",
                                    "Z0,1,1;X1,27;X1,27",
                                    "Z0,1,1;cmds:",
                                    "Z0,1,1;cmds:1",
                                    "Z0,1,1;cmds:1,",
                                    "Z0,1,1;cmds:X1,27",
                                    "Z0,1,1;cmds:0,X1,27;cmds:0,X1,27",
                                    "Z0,1,1;other:1",
                                    "z0,1,1;X1,27",
                                    "z,1,1",
                                    "H",
                                    "Hg",
                                    "Hgx",
                                    "Hg1x",
                                    "T",
                                    "T-",
                                    "cx",
                                    "C",
                                    "Cx",
                                    "C5;x",
                                    "S5;1x",
                                    "qCRC:1",
                                    "qCRC:1,",
                                    "qSearch:memory:1;2",
                                    "qThreadExtraInfo",
                                    "qThreadExtraInfo,x",
                                    "qGetTLSAddr:1,2",
                                    "qXfer",
                                    "qXfer:features",
                                    "qXfer:features:read:target.xml",
                                    "qXfer:features:read:target.xml:0",
                                    "qXfer:features:read:target.xml:0,",
                                    "Hg100000000",
                                    "Tffffffff",
                                    "Hgp2.1",
                                    "Hgp1.x"})
        EXPECT_NE(parsed<Malformed>(packet), nullptr) << packet;
}

TEST(Parser, ReadsConditionsAndCommands) {
    const auto* change = parsed<ChangePoint>("Z0,1234,1");
    ASSERT_NE(change, nullptr);
    EXPECT_TRUE(change->conditions.empty() && change->commands.empty());
    change = parsed<ChangePoint>("Z1,1234,1;X3,22ff27X1,27;cmds:1,X2,2827X1,27");
    ASSERT_NE(change, nullptr);
    EXPECT_EQ(change->conditions, "X3,22ff27X1,27");
    EXPECT_EQ(change->commands, "X2,2827X1,27");
    EXPECT_TRUE(change->persists);
    change = parsed<ChangePoint>("Z0,1234,1;cmds:0,X1,27");
    ASSERT_NE(change, nullptr);
    EXPECT_TRUE(change->conditions.empty());
    EXPECT_FALSE(change->persists);

    Scanner list("X3,22ff27X1,27");
    EXPECT_EQ(parse_expression(list), "22ff27");
    EXPECT_EQ(parse_expression(list), "27");
    EXPECT_TRUE(list.at_end());
    EXPECT_FALSE(parse_expression(list));
}

TEST(Parser, DoesNotKnowWhatItDoesNotKnow) {
    for (std::string_view packet :
         {"", "!", "vMustReplyEmpty", "vCtrlC", "vFile:chown:00,0", "qTStatus", "qSymbol::", "qOffsets", "QNonStop:1",
          "q", "Q", "v", "vContinue", "qSupportedX", "qXfer:auxv:write::0:00", "qSearch:registers:1;2;3", "\x80"})
        EXPECT_NE(parsed<Unknown>(packet), nullptr) << packet;
}

TEST(Parser, ReadsNamedPackets) {
    EXPECT_NE(parsed<QueryCurrentThread>("qC"), nullptr);
    EXPECT_NE(parsed<QueryChecksum>("qCRC:10,20"), nullptr);
    EXPECT_NE(parsed<QueryAttached>("qAttached"), nullptr);
    EXPECT_NE(parsed<QueryAttached>("qAttached:1"), nullptr);
    EXPECT_NE(parsed<QueryResumeActions>("vCont?"), nullptr);
    EXPECT_NE(parsed<QuerySupported>("qSupported"), nullptr);
    ASSERT_NE(parsed<QuerySupported>("qSupported:a+;b-"), nullptr);
    EXPECT_EQ(parsed<QuerySupported>("qSupported:a+;b-")->features, "a+;b-");
    ASSERT_NE(parsed<Resume>("vCont;c"), nullptr);
    EXPECT_EQ(parsed<Resume>("vCont;s:1;c")->actions_untrusted, "s:1;c");
    ASSERT_NE(parsed<Kill>("vKill;1"), nullptr);
    EXPECT_TRUE(parsed<Kill>("vKill;1")->wants_reply);
    EXPECT_FALSE(parsed<Kill>("k")->wants_reply);
    ASSERT_NE(parsed<Transfer>("qXfer:features:read:target.xml:ff,100"), nullptr);
    EXPECT_EQ(parsed<Transfer>("qXfer:features:read:target.xml:ff,100")->object, "features");
    EXPECT_EQ(parsed<Transfer>("qXfer:features:read:target.xml:ff,100")->annex, "target.xml");
    EXPECT_EQ(parsed<Transfer>("qXfer:features:read:target.xml:ff,100")->offset_untrusted, 0xffU);
    ASSERT_NE(parsed<SearchMemory>("qSearch:memory:10;20;a;b"), nullptr);
    EXPECT_EQ(parsed<SearchMemory>("qSearch:memory:10;20;a;b")->pattern, "a;b");
}

TEST(Parser, ReadsThreads) {
    auto thread = [](std::string_view text) {
        Scanner scanner(text);
        return parse_thread(scanner);
    };
    EXPECT_EQ(thread("-1")->kind, ThreadSelector::Kind::All);
    EXPECT_EQ(thread("0")->kind, ThreadSelector::Kind::Any);
    EXPECT_EQ(thread("1f")->id, 0x1fU);
    EXPECT_EQ(thread("p1.1f")->id, 0x1fU);
    EXPECT_EQ(thread("p1")->kind, ThreadSelector::Kind::All);
    EXPECT_EQ(thread("p1.-1")->kind, ThreadSelector::Kind::All);
    EXPECT_EQ(thread("p-1.-1")->kind, ThreadSelector::Kind::All);
    EXPECT_FALSE(thread("p2.1"));
}

TEST(Parser, ReadsSimpleResumption) {
    const auto* resume = parsed<ResumeSimply>("C0b;1000");
    ASSERT_NE(resume, nullptr);
    EXPECT_EQ(resume->kind, ResumeKind::Continue);
    EXPECT_EQ(resume->gdb_signal_untrusted, 11U);
    EXPECT_EQ(resume->new_pc, 0x1000U);
    resume = parsed<ResumeSimply>("s");
    ASSERT_NE(resume, nullptr);
    EXPECT_EQ(resume->kind, ResumeKind::Step);
    EXPECT_FALSE(resume->new_pc);
}

TEST(ResumeActions, TheFirstThatFitsAThreadCounts) {
    ResumePlan plan;
    ASSERT_TRUE(parse_resume_actions("r1000,1010:1;C1e:2;t:3;c", plan));
    ResumeAction range = plan.action_for(1);
    EXPECT_EQ(range.kind, ResumeKind::RangeStep);
    EXPECT_TRUE(range.keeps_stepping(0x1000));
    EXPECT_TRUE(range.keeps_stepping(0x100f));
    EXPECT_FALSE(range.keeps_stepping(0x1010));
    EXPECT_FALSE(range.keeps_stepping(0xfff));
    EXPECT_EQ(plan.action_for(2).signal, 10); // gdb's SIGUSR1 is 30, Linux' is 10
    EXPECT_EQ(plan.action_for(3).kind, ResumeKind::Stay);
    EXPECT_EQ(plan.action_for(4).kind, ResumeKind::Continue);
    EXPECT_FALSE(plan.is_plain_continue());
}

TEST(ResumeActions, ThreadsThatNothingMentionsStay) {
    ResumePlan plan;
    ASSERT_TRUE(parse_resume_actions("s:p1.2", plan));
    EXPECT_EQ(plan.action_for(1).kind, ResumeKind::Stay);
    EXPECT_EQ(plan.action_for(2).kind, ResumeKind::Step);
}

TEST(ResumeActions, APlainContinueIsSeen) {
    ResumePlan plan;
    ASSERT_TRUE(parse_resume_actions("c", plan));
    EXPECT_TRUE(plan.is_plain_continue());
    ASSERT_TRUE(parse_resume_actions("c:p1.-1", plan));
    EXPECT_TRUE(plan.is_plain_continue());
    ASSERT_TRUE(parse_resume_actions("C0b", plan));
    EXPECT_FALSE(plan.is_plain_continue());
}

TEST(ResumeActions, MalformedListsAreRefused) {
    ResumePlan plan;
    for (std::string_view text :
         {"", ";", "c;", "x", "C", "Cxx", "Cff", "r", "r1", "r1,", "r1,x", "s:", "s:0", "s:x", "s:1,c", "cc", "C8f"})
        EXPECT_FALSE(parse_resume_actions(text, plan)) << text;
}

TEST(ResumeActions, MoreThanAPlanHoldsAreRefused) {
    std::string text = "s:1";
    for (size_t i = 1; i < ResumePlan::capacity; ++i)
        text += ";s:1";
    ResumePlan plan;
    EXPECT_TRUE(parse_resume_actions(text, plan));
    EXPECT_FALSE(parse_resume_actions(text + ";c", plan));
}

} // namespace
} // namespace gdbstub
