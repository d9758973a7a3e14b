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

/// One agent expression of a list, "X3,22ff27": its bytes in hexadecimal, at least one.
std::optional<std::string_view> parse_expression(Scanner& scanner);

/// The conditions and commands behind the kind of a Z packet. False if they are malformed.
bool parse_point_options(Scanner& scanner, ChangePoint& command);

/// The text behind "vFile:".
Command parse_file_operation(Scanner scanner);

/// The actions of a vCont packet, the text behind "vCont;". False if they are malformed or more than a plan holds.
bool parse_resume_actions(std::string_view actions_untrusted, ResumePlan& plan);

} // namespace gdbstub
