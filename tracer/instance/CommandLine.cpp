#include "tracer/instance/CommandLine.h"

#include <fmt/format.h>

namespace tracer {

std::string encode_word(std::string_view text) {
    if (text.empty())
        return "%00";
    // The kernel looks for its own words before it decodes: these must not look like one.
    const bool looks_special = text == "--" || text.starts_with("uniscope.") || text.starts_with("virtio_mmio.");
    std::string word;
    for (const char letter : text) {
        const bool first = word.empty();
        if (letter > ' ' && letter < '\x7f' && letter != '%' && letter != '"' && letter != '\'' &&
            !(first && looks_special))
            word += letter;
        else
            word += fmt::format("%{:02X}", static_cast<unsigned char>(letter));
    }
    return word;
}

std::string make_command_line(std::span<const std::string> kernel_words, std::span<const std::string> arguments) {
    std::string line;
    for (const std::string& word : kernel_words)
        line += word + ' ';
    line += "--";
    for (const std::string& argument : arguments)
        line += ' ' + encode_word(argument);
    return line;
}

} // namespace tracer
