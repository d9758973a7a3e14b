#include "tracer/instance/LaunchOptions.h"

#include "tracer/instance/CommandLine.h"

#include <fmt/format.h>

#include <charconv>

namespace tracer {

std::string_view name_of(Machine machine) {
    return machine == Machine::Q35 ? "q35" : "microvm";
}

std::string_view name_of(Accelerator accelerator) {
    switch (accelerator) {
    case Accelerator::Auto:
        return "auto";
    case Accelerator::Tcg:
        return "tcg";
    case Accelerator::Kvm:
        return "kvm";
    }
    return "";
}

std::string_view name_of(LinkKind link) {
    switch (link) {
    case LinkKind::VirtioSerial:
        return "virtio-serial";
    case LinkKind::Vsock:
        return "vsock";
    case LinkKind::Serial:
        break;
    }
    return "serial";
}

Result<Machine> parse_machine(std::string_view text) {
    if (text == "microvm")
        return Machine::Microvm;
    if (text == "q35")
        return Machine::Q35;
    return fail(fmt::format("there is no machine `{}`", text), "Use --machine microvm or --machine q35.");
}

Result<Accelerator> parse_accelerator(std::string_view text) {
    for (const Accelerator accelerator : {Accelerator::Auto, Accelerator::Tcg, Accelerator::Kvm})
        if (text == name_of(accelerator))
            return accelerator;
    return fail(fmt::format("there is no accelerator `{}`", text), "Use --accel auto, tcg or kvm.");
}

Result<LinkKind> parse_link(std::string_view text) {
    if (text == "auto")
        return LinkKind::VirtioSerial;
    for (const LinkKind link : {LinkKind::VirtioSerial, LinkKind::Vsock, LinkKind::Serial})
        if (text == name_of(link))
            return link;
    return fail(fmt::format("there is no link `{}`", text), "Use --link auto, virtio-serial, vsock or serial.");
}

Result<uint32_t> parse_memory_size(std::string_view text) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view suffix(end, static_cast<size_t>(text.data() + text.size() - end));
    uint64_t kib = 0;
    if (suffix == "K" || suffix == "k")
        kib = value;
    else if (suffix.empty() || suffix == "M" || suffix == "m")
        kib = value << 10;
    else if (suffix == "G" || suffix == "g")
        kib = value << 20;
    if (error != std::errc() || value > (1u << 30) || kib == 0)
        return fail(fmt::format("`{}` is no amount of memory", text), "Give it like 128M or 2G.");
    const uint64_t mib = (kib + 1023) >> 10;
    if (mib < 8 || mib > (1u << 20))
        return fail(fmt::format("an instance cannot have {} of memory", text), "Give it between 8M and 1024G.");
    return static_cast<uint32_t>(mib);
}

bool LaunchOptions::has_line(ChannelName channel) const {
    // A debugger at the first kernel instruction is served before there are drivers, by the second serial line.
    return link == LinkKind::VirtioSerial || channel == ChannelName::Console ||
           (channel == ChannelName::Gdb && wait == WaitFor::Boot && link != LinkKind::Serial);
}

std::vector<std::string> LaunchOptions::kernel_words() const {
    std::vector<std::string> words;
    if (!closed)
        words.emplace_back("uniscope.debug=open");
    if (link == LinkKind::Serial)
        words.emplace_back("uniscope.serial=mux");
    if (wait != WaitFor::Nothing)
        words.emplace_back(wait == WaitFor::Boot ? "uniscope.wait=boot" : "uniscope.wait=app");
    if (input != ConsoleInput::None)
        words.emplace_back(input == ConsoleInput::Pipe ? "uniscope.stdin=pipe" : "uniscope.stdin=terminal");
    if (realtime_ns > 0)
        words.push_back(fmt::format("uniscope.realtime={}", realtime_ns));
    for (const std::string& option : kernel_options)
        words.push_back("uniscope." + encode_word(option));
    for (const std::string& variable : environment)
        words.push_back("uniscope.env." + encode_word(variable));
    return words;
}

} // namespace tracer
