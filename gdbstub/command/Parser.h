#pragma once
// Layer 2: packets become commands. Pure functions of the packet.

#include <optional>
#include <string_view>

#include "gdbstub/command/Command.h"
#include "gdbstub/command/Scanner.h"

namespace gdbstub {

Command parse_command(std::string_view packet);

/// "-1", "0", "1f", and gdb's multiprocess form "p1.1f", where the process is always 1.
std::optional<ThreadSelector> parse_thread(Scanner& scanner);

/// The actions of a vCont packet, the text behind "vCont;". False if they are malformed or more than a plan holds.
bool parse_resume_actions(std::string_view actions_untrusted, ResumePlan& plan);

} // namespace gdbstub
