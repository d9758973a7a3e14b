#include "libos/boot/CommandLine.h"

#include <optional>

namespace boot {

namespace {

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return std::nullopt;
}

/// %XX becomes its byte, in place; a broken escape stays as it is.
std::string_view decode(std::span<char> word) {
    size_t out = 0;
    for (size_t i = 0; i < word.size(); ++i) {
        if (word[i] == '%' && i + 2 < word.size() && hex_digit(word[i + 1]) && hex_digit(word[i + 2])) {
            word[out++] = static_cast<char>(*hex_digit(word[i + 1]) * 16 + *hex_digit(word[i + 2]));
            i += 2;
        } else {
            word[out++] = word[i];
        }
    }
    if (out < word.size())
        word[out] = 0;
    return {word.data(), out};
}

/// Decimal with an optional K or M; stops at the first other character.
uint64_t number(std::string_view text, size_t* used = nullptr) {
    uint64_t value = 0;
    size_t i = 0;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9' && value < (uint64_t{1} << 58); ++i)
        value = value * 10 + static_cast<uint64_t>(text[i] - '0');
    if (i < text.size() && text[i] == 'K')
        value <<= 10, ++i;
    else if (i < text.size() && text[i] == 'M')
        value <<= 20, ++i;
    if (used != nullptr)
        *used = i;
    return value;
}

template <size_t N>
void append(std::array<std::string_view, N>& list, size_t& count, std::string_view word, bool& truncated) {
    if (count == N)
        truncated = true;
    else
        list[count++] = word;
}

bool take(std::string_view& word, std::string_view prefix) {
    if (!word.starts_with(prefix))
        return false;
    word.remove_prefix(prefix.size());
    return true;
}

void kernel_word(CommandLine& line, std::string_view word) {
    if (word == "uniscope.wait=app") {
        line.wait = CommandLine::Wait::App;
    } else if (word == "uniscope.wait=boot") {
        line.wait = CommandLine::Wait::Boot;
    } else if (word == "uniscope.trace=off") {
        line.trace = false;
    } else if (word == "uniscope.debug=open") {
        line.debug_open = true;
    } else if (take(word, "uniscope.key=")) {
        append(line.keys, line.key_count, word, line.truncated);
    } else if (word == "uniscope.kill=allowed") {
        line.kill_allowed = true;
    } else if (word == "uniscope.faults=allowed") {
        line.faults_allowed = true;
    } else if (word == "uniscope.stdin=pipe") {
        line.input = console::Input::Pipe;
    } else if (word == "uniscope.stdin=terminal") {
        line.input = console::Input::Terminal;
    } else if (word == "uniscope.serial=gdb") {
        line.serial = links::SerialUse::Gdb;
    } else if (word == "uniscope.serial=mux") {
        line.serial = links::SerialUse::Mux;
    } else if (word == "uniscope.serial=mux-escaped") {
        line.serial = links::SerialUse::EscapedMux;
    } else if (take(word, "uniscope.env.")) {
        append(line.environment, line.environment_count, word, line.truncated);
    } else if (take(word, "uniscope.tick_hz=")) {
        uint64_t hz = number(word);
        if (hz >= 1 && hz <= 10000)
            line.tick_hz = static_cast<uint32_t>(hz);
    } else if (take(word, "uniscope.loglevel=")) {
        line.log_level = static_cast<uint32_t>(number(word));
    } else if (take(word, "uniscope.deadman=")) {
        line.deadman_seconds = number(word);
    } else if (take(word, "uniscope.watchdog=")) {
        line.watchdog_seconds = number(word);
    } else if (take(word, "uniscope.realtime=")) {
        line.realtime_ns = number(word);
    } else if (take(word, "uniscope.vsock_connections=")) {
        uint64_t count = number(word);
        if (count >= 1 && count <= 65536)
            line.vsock_connections = static_cast<uint32_t>(count);
    } else if (take(word, "uniscope.ring=")) {
        size_t used = 0;
        line.sub_buffer_size = number(word, &used);
        word.remove_prefix(used);
        if (take(word, "x"))
            line.sub_buffer_count = number(word);
    }
}

} // namespace

CommandLine parse_command_line(std::span<char> text) {
    CommandLine line;
    size_t length = 0;
    while (length < text.size() && text[length] != 0)
        ++length;

    // Without a `--`, every word that is not the kernel's is the app's.
    bool has_separator = false;
    for (size_t i = 0; i + 1 < length; ++i) {
        bool starts = i == 0 || text[i - 1] == ' ';
        bool ends = i + 2 == length || text[i + 2] == ' ';
        if (starts && ends && text[i] == '-' && text[i + 1] == '-') {
            has_separator = true;
            break;
        }
    }

    bool in_arguments = !has_separator;
    for (size_t at = 0; at < length;) {
        while (at < length && text[at] == ' ')
            ++at;
        size_t start = at;
        while (at < length && text[at] != ' ')
            ++at;
        if (start == at)
            break;
        auto raw = text.subspan(start, at - start);
        // The byte behind the word is a space, or the text's end: a terminator either way.
        if (at < text.size())
            text[at] = 0;
        ++at;
        std::string_view word(raw.data(), raw.size());
        if (word.starts_with("virtio_mmio.device=")) {
            word.remove_prefix(19);
            append(line.devices, line.device_count, word, line.truncated);
        } else if (!in_arguments && word == "--") {
            in_arguments = true;
        } else if (word.starts_with("uniscope.") && (!in_arguments || !has_separator)) {
            kernel_word(line, decode(raw));
        } else if (in_arguments) {
            append(line.arguments, line.argument_count, decode(raw), line.truncated);
        }
    }
    return line;
}

} // namespace boot
