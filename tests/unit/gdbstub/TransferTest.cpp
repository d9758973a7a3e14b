#include <gtest/gtest.h>

#include "gdbstub/arch/Registers.h"
#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

/// The whole object, read in pieces of `length`.
std::string whole(Bench& bench, const std::string& object, size_t length) {
    std::string text;
    for (;;) {
        char range[32];
        snprintf(range, sizeof(range), ":%zx,%zx", text.size(), length);
        std::string piece = bench.ask("qXfer:" + object + range);
        if (piece.empty() || (piece.front() != 'm' && piece.front() != 'l')) {
            ADD_FAILURE() << object << ": " << piece;
            return text;
        }
        text += piece.substr(1);
        if (piece.front() == 'l')
            return text;
        if (piece.size() == 1) {
            ADD_FAILURE() << object << ": an empty piece in the middle";
            return text;
        }
    }
}

size_t occurrences(std::string_view text, std::string_view what) {
    size_t count = 0;
    for (size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1))
        ++count;
    return count;
}

TEST(Transfer, PiecesOfEverySizeMakeTheSameDescription) {
    Bench bench;
    std::string description = whole(bench, "features:read:target.xml", 0x10000);
    EXPECT_EQ(whole(bench, "features:read:target.xml", 333), description);
    EXPECT_EQ(whole(bench, "features:read:target.xml", 4096), description);
    Bench small(2048);
    EXPECT_EQ(whole(small, "features:read:target.xml", 0x10000), description);
}

TEST(Transfer, TheDescriptionNamesEveryRegister) {
    Bench bench;
    std::string description = whole(bench, "features:read:target.xml", 4096);
    EXPECT_EQ(occurrences(description, "<reg "), arch::registers.size());
    for (const arch::Register& which : arch::registers)
        EXPECT_EQ(occurrences(description, "<reg name=\"" + std::string(which.name) + "\""), 1U) << which.name;
    EXPECT_EQ(occurrences(description, "<feature "), 5U);
    EXPECT_EQ(occurrences(description, "</feature>"), 5U);
    EXPECT_NE(description.find("<architecture>i386:x86-64</architecture>"), std::string::npos);
    EXPECT_NE(description.find("<osabi>GNU/Linux</osabi>"), std::string::npos);

    bench.target.has_avx = false;
    description = whole(bench, "features:read:target.xml", 4096);
    EXPECT_EQ(description.find("avx"), std::string::npos);
    EXPECT_EQ(occurrences(description, "<reg "), arch::registers.size() - 16);
}

TEST(Transfer, ThreadsHaveNamesStatesAndProcessors) {
    Bench bench;
    EXPECT_EQ(whole(bench, "threads:read:", 50), "<?xml version=\"1.0\"?>\n"
                                                 "<threads>\n"
                                                 "<thread id=\"1\" core=\"0\" name=\"main\">running</thread>\n"
                                                 "<thread id=\"2\" core=\"1\" name=\"worker\">futex wait</thread>\n"
                                                 "<thread id=\"1f\" name=\"&lt;odd&gt; &amp; &quot;name&quot;\">"
                                                 "sleeping</thread>\n"
                                                 "</threads>\n");
}

TEST(Transfer, OtherObjectsComeFromTheTarget) {
    Bench bench;
    EXPECT_EQ(whole(bench, "exec-file:read:1", 4), "/tmp/fake");
    std::string auxv = whole(bench, "auxv:read:", 7);
    EXPECT_EQ(auxv.size(), 32U);
    EXPECT_EQ(auxv.substr(0, 2), std::string("\x06\0", 2));
    std::string siginfo = whole(bench, "siginfo:read:", 100);
    EXPECT_EQ(siginfo.size(), 128U);
    EXPECT_EQ(siginfo.front(), 11);
}

TEST(Transfer, ASignalsInformationIsWritten) {
    Bench bench;
    EXPECT_EQ(bench.ask("qXfer:siginfo:write::7e:ab"), "2");
    EXPECT_EQ(whole(bench, "siginfo:read:", 128).substr(126), "ab");
    EXPECT_EQ(bench.ask("qXfer:siginfo:write::7f:ab"), "E16");
    EXPECT_EQ(bench.ask("qXfer:siginfo:write::ffffffffffffffff:ab"), "E16");
    EXPECT_EQ(bench.ask("qXfer:siginfo:write::80:"), "0");
    EXPECT_EQ(bench.ask("qXfer:siginfo:write:x:0:ab"), "E16");
    EXPECT_EQ(whole(bench, "siginfo:read:", 128).substr(126), "ab");
}

TEST(Transfer, ThreadsAreNamedWithTheirProcessToAClientThatKnowsProcesses) {
    Bench bench;
    bench.connect()
        .packet("qSupported:multiprocess+")
        .packet("QStartNoAckMode")
        .packet("qXfer:threads:read::0,40")
        .packet("qfThreadInfo")
        .packet("qC")
        .packet("Tp1.2");
    bench.packet("Hgp1.2").packet("qC").packet("vCont;c:p1.-1");
    bench.stop();
    bench.session.report_exit(3);
    auto replies = bench.replies();
    std::vector<std::string> last(replies.end() - 7, replies.end());
    EXPECT_EQ(last[0].substr(0, 50), "m<?xml version=\"1.0\"?>\n<threads>\n<thread id=\"p1.1\"");
    EXPECT_EQ(std::vector<std::string>(last.begin() + 1, last.end()),
              (std::vector<std::string>{"mp1.1,p1.2,p1.1f", "QCp1.1", "OK", "OK", "QCp1.1", "W03;process:1"}));
}

TEST(Transfer, WhatIsNotThereIsRefused) {
    Bench bench;
    EXPECT_EQ(bench.ask("qXfer:features:read:other.xml:0,100"), "E02");
    EXPECT_EQ(bench.ask("qXfer:threads:read:x:0,100"), "E02");
    EXPECT_EQ(bench.ask("qXfer:unheard-of:read::0,100"), "");
    EXPECT_EQ(bench.ask("qXfer:auxv:write::0:00"), "");
    EXPECT_EQ(bench.ask("qXfer:features:read:target.xml:ffffffffffffffff,ffffffffffffffff"), "l");
    bench.packet("Hg2").packet("qXfer:siginfo:read::0,100");
    bench.stop();
    EXPECT_EQ(bench.replies().back(), "E3d");
    bench.target.offers_optional_parts = false;
    EXPECT_EQ(bench.ask("qXfer:auxv:read::0,100"), "");
    EXPECT_EQ(bench.ask("qXfer:siginfo:read::0,100"), "");
}

} // namespace
} // namespace gdbstub::test
