#pragma once
// What to start, as `uniscope run` was told.

#include "tracer/Result.h"
#include "tracer/auth/AuthenticatedLink.h"
#include "tracer/link/Link.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tracer {

enum class Machine { Microvm, Q35 };
enum class Accelerator { Auto, Tcg, Kvm };
/// What carries gdb, control, trace and crash; the console is on the first serial line, and with Serial so is the rest.
enum class LinkKind { VirtioSerial, Vsock, Serial };
enum class WaitFor { Nothing, App, Boot };
/// What is at the other end of the console: nobody, bytes that may end, or a person.
enum class ConsoleInput { None, Pipe, Terminal };

std::string_view name_of(Machine machine);
std::string_view name_of(Accelerator accelerator);
std::string_view name_of(LinkKind link);
Result<Machine> parse_machine(std::string_view text);
Result<Accelerator> parse_accelerator(std::string_view text);
/// `auto` is virtio-serial: no slower for what the tool does, and it asks nothing of the machine's memory.
Result<LinkKind> parse_link(std::string_view text);

/// "128M", "1G", "512" (MiB), "65536K" in MiB, rounded up.
Result<uint32_t> parse_memory_size(std::string_view text);

struct LaunchOptions {
    std::string name;                        ///< chosen by the registry
    std::filesystem::path image;             ///< absolute
    std::vector<std::string> arguments;      ///< argv[0], the image as it was typed, and on
    std::vector<std::string> environment;    ///< NAME=VALUE
    std::vector<std::string> kernel_options; ///< "loglevel=1", becomes the word uniscope.loglevel=1
    unsigned cpus = 1;
    uint32_t memory_mib = 128;
    Machine machine = Machine::Microvm;
    Accelerator accelerator = Accelerator::Auto;
    LinkKind link = LinkKind::VirtioSerial;
    WaitFor wait = WaitFor::Nothing;
    ConsoleInput input = ConsoleInput::None;
    int64_t realtime_ns = 0; ///< the host's clock at the start, since 1970; 0 leaves the guest to its own clock chip
    bool closed = false;     ///< without the word that opens its debug channels to whoever has their sockets
    LinkIdentity identity;   ///< who we are to it then
    std::optional<std::filesystem::path> rootfs;
    std::vector<std::string> qemu_arguments;

    /// Whether QEMU has a character device for the channel; the others go through one device, or the console's line.
    bool has_line(ChannelName channel) const;
    /// The kernel's words of the command line.
    std::vector<std::string> kernel_words() const;
};

} // namespace tracer
