// docs/gdb-protocol.md is what the stub's own tables say.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "gdbstub/AccessPolicy.h"
#include "gdbstub/command/Packets.h"
#include "gdbstub/command/Parser.h"
#include "gdbstub/session/Transfer.h"
#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

std::string_view title_of(PacketGroup group) {
    switch (group) {
    case PacketGroup::Running:
        return "Stops and what comes after them";
    case PacketGroup::Registers:
        return "Registers";
    case PacketGroup::Memory:
        return "Memory";
    case PacketGroup::Points:
        return "Breakpoints and watchpoints";
    case PacketGroup::Threads:
        return "Threads";
    case PacketGroup::Session:
        return "The session";
    case PacketGroup::Objects:
        return "Objects and commands";
    case PacketGroup::Files:
        return "Files";
    }
    return "";
}

/// What a Markdown cell shows as it is.
std::string code(std::string_view text) {
    return "`" + std::string(text) + "`";
}

void write_packets(std::ostream& out) {
    auto group = static_cast<PacketGroup>(~0);
    for (const PacketDescription& packet : packet_descriptions) {
        if (packet.group != group) {
            group = packet.group;
            out << "\n## " << title_of(group) << "\n\n| packet | what it does, and its reply | observer | running |\n"
                << "|---|---|---|---|\n";
        }
        AccessRule rule = access_rule(parse_command(packet.example));
        out << "| " << code(packet.form) << " | " << packet.meaning << " | "
            << (rule.minimum == Access::Control ? "" : "yes") << " | "
            << (rule.reach == Reach::Session   ? "yes"
                : rule.reach == Reach::Reading ? "of a live target"
                                               : "")
            << " |\n";
    }
}

void write_features(std::ostream& out) {
    Bench bench;
    std::istringstream features(bench.ask("qSupported"));
    out << "\n## What `qSupported` answers\n\nOf a target that has every optional part; one that lacks some leaves out "
           "what belongs to it.\n\n";
    std::string feature;
    while (std::getline(features, feature, ';'))
        out << "- " << code(feature) << '\n';
    out << "\nWith memory for expressions also `ConditionalBreakpoints+` and `BreakpointCommands+`.\n";
    out << "\nOf the client's features `swbreak+`, `hwbreak+`, `error-message+` and `multiprocess+` change replies.\n";
    out << "\n## Objects of `qXfer`\n\n";
    for (const TransferObject& object : transfer_objects())
        out << "- " << code(object.name) << '\n';
}

std::string document() {
    std::ostringstream out;
    out << "# The packets of GDB's protocol that the stub knows\n\n"
           "Made from the stub's own tables ([Packets.h](../gdbstub/command/Packets.h), "
           "[AccessPolicy.h](../gdbstub/AccessPolicy.h)); a test keeps it so. Any other packet gets the empty reply, "
           "which means that it is not known. How the stub works is in [gdbstub.md](gdbstub.md).\n\n"
           "Words in capitals are arguments. Numbers are hexadecimal, paths and texts are hexadecimal digits, binary "
           "data is escaped. An error is `Exx`, or `E.` and a sentence for a client that knows `error-message`; "
           "`monitor why` repeats the last one.\n\n"
           "*observer*: also for a client that may only look. *running*: also while the machine runs, for a client "
           "that may not stop it; of a live target, if the target can be read meanwhile.\n";
    write_packets(out);
    write_features(out);
    return out.str();
}

TEST(ProtocolDocument, ShowsPacketsAsTheyAre) {
    for (const PacketDescription& packet : packet_descriptions) {
        Command command = parse_command(packet.example);
        EXPECT_FALSE(std::holds_alternative<Unknown>(command)) << packet.example;
        EXPECT_FALSE(std::holds_alternative<Malformed>(command)) << packet.example;
        std::string_view name = packet.name;
        EXPECT_TRUE(packet.example.starts_with(name) && packet.form.starts_with(name)) << packet.name;
        for (char c : {'|', '\n'})
            EXPECT_EQ(packet.meaning.find(c), std::string_view::npos) << packet.name;
    }
}

TEST(ProtocolDocument, IsCurrent) {
    std::ifstream file(UNISCOPE_SOURCE_DIR "/docs/gdb-protocol.md");
    std::string kept{std::istreambuf_iterator<char>(file), {}};
    std::string wanted = document();
    if (kept != wanted)
        std::ofstream("gdb-protocol.md") << wanted;
    EXPECT_TRUE(kept == wanted) << "docs/gdb-protocol.md is not what the stub knows. What it should be is in "
                                   "gdb-protocol.md of this test's folder: copy it.";
}

} // namespace
} // namespace gdbstub::test
