#pragma once
// The console: kernel messages, and the app's standard streams behind fs::Console. It is the first UART, or a channel.

#include "libos/base/Text.h"
#include "libos/drivers/ByteChannel.h"
#include "libos/drivers/Platform.h"
#include "libos/drivers/Uart16550.h"
#include "libos/fs/Services.h"

#include <string_view>

namespace console {

/// Boot, before anything else may want to say something.
void initialize();
/// What the host has at the other end: nothing (reads give end of file), bytes that may end, or a person at a terminal.
enum class Input : uint8_t { None, Pipe, Terminal };

/// Boot: starts input as the host wants it.
void start_input(Input input, drivers::Platform& platform);
fs::Console& device();

/// Boot: the UART, for who carries the console's bytes from now on; and the channel that does. Its polled_write() is
/// for the crash report. It lives for ever.
drivers::Uart16550& uart();
void use(drivers::ByteChannel& channel);
/// Boot: the UART is somebody else's, and there is no console.
void give_up_uart();

/// How much the kernel says: 0 fatal reports only, 1 boot and exit, 2 debug.
void set_log_level(uint32_t level);

/// A kernel message at `level`. Any context but an NMI and the stopped world.
void log(uint32_t level, std::string_view text);

/// As much of `text` as there is room for now; returns how much. Context as for log().
size_t write_some(std::string_view text);

/// For the crash report, when nothing else runs any more: no lock, polled.
void write_polled(std::string_view text);

} // namespace console
