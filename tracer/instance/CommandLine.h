#pragma once
// The kernel command line of an instance (docs/channels.md): words for the kernel, `--`, then the app's arguments.

#include <span>
#include <string>
#include <string_view>

namespace tracer {

/// One word: every byte that is no visible ASCII character, `%`, and what would read as a word for the kernel, is
/// percent-encoded. An empty argument becomes `%00`, which ends a C string at once.
std::string encode_word(std::string_view text);

/// `kernel_words` are complete ("uniscope.wait=app", their values encoded); `arguments` begins with argv[0].
std::string make_command_line(std::span<const std::string> kernel_words, std::span<const std::string> arguments);

} // namespace tracer
