#include "tracer/instance/QemuCommand.h"

#include "probes/wire/Channel.h"
#include "tracer/instance/CommandLine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace tracer {

Result<std::string> find_qemu() {
    constexpr std::string_view hint = "Install QEMU (Debian: apt install qemu-system-x86), or set UNISCOPE_QEMU to it.";
    if (const char* chosen = std::getenv("UNISCOPE_QEMU"); chosen && *chosen) {
        if (access(chosen, X_OK) == 0)
            return std::string(chosen);
        return fail(fmt::format("cannot run {}, which UNISCOPE_QEMU names", chosen), std::string(hint));
    }
    const char* path = std::getenv("PATH");
    std::istringstream directories(path ? path : "/usr/local/bin:/usr/bin:/bin");
    for (std::string directory; std::getline(directories, directory, ':');) {
        std::string candidate = directory + "/qemu-system-x86_64";
        if (access(candidate.c_str(), X_OK) == 0)
            return candidate;
    }
    return fail("there is no qemu-system-x86_64 on the PATH", std::string(hint));
}

namespace {

/// QEMU's option syntax doubles a comma inside a value.
std::string escape_commas(std::string_view text) {
    std::string escaped;
    for (const char letter : text)
        escaped += letter == ',' ? std::string(",,") : std::string(1, letter);
    return escaped;
}

/// Without KVM: where the CPU has the fast string instructions, guests copy by them, and QEMU's translator does that
/// byte by byte.
std::string_view cpu_model(Accelerator accelerator) {
    return accelerator == Accelerator::Tcg ? "max,-erms,-fsrm" : "max";
}

} // namespace

bool needs_line(const LaunchOptions& options, size_t line) {
    if (line == qmp_line)
        return true;
    if (line == vhost_user_line)
        return options.link == LinkKind::Vsock;
    return options.has_line(all_channels[line]);
}

std::vector<std::string> make_qemu_command(const std::string& qemu, const LaunchOptions& options,
                                           Accelerator accelerator, const std::filesystem::path& initrd,
                                           const QemuDescriptors& descriptors) {
    const bool microvm = options.machine == Machine::Microvm;
    const bool vsock = options.link == LinkKind::Vsock;
    std::vector<std::string> command = {
        qemu, "-name", "guest=" + escape_commas(options.name), "-nodefaults", "-no-user-config", "-display", "none",
        "-machine", fmt::format("{}{}", microvm ? "microvm,isa-serial=off" : "q35", vsock ? ",memory-backend=mem" : ""),
        "-accel", std::string(name_of(accelerator)), "-cpu", std::string(cpu_model(accelerator)), "-smp",
        std::to_string(options.cpus), "-m", fmt::format("{}M", options.memory_mib),
        // A triple fault leaves a machine whose memory can be dumped.
        "-action", "reboot=shutdown,shutdown=pause"};
    const auto add = [&command](const char* option, std::string value) {
        command.emplace_back(option);
        command.push_back(std::move(value));
    };
    const auto add_channel = [&add](std::string_view id, int descriptor) {
        add("-chardev", fmt::format("socket,id={},fd={}", id, descriptor));
    };
    for (const ChannelName channel : all_channels)
        if (options.has_line(channel))
            add_channel(name_of(channel), descriptors[static_cast<size_t>(channel)]);
    add_channel("qmp", descriptors[qmp_line]);
    add("-mon", "chardev=qmp,mode=control");
    if (microvm)
        add("-global", "virtio-mmio.force-legacy=false");
    // On q35 too: there a bare -serial pair would do the same.
    add("-device", "isa-serial,chardev=console,iobase=0x3f8,irq=4");
    // A debugger at the first kernel instruction is served before there are drivers; later a port is many times faster.
    if (options.wait == WaitFor::Boot && options.has_line(ChannelName::Gdb))
        add("-device", "isa-serial,chardev=gdb,iobase=0x2f8,irq=3");
    if (vsock) {
        // The device lies in the supervisor, which needs the guest's memory.
        add("-object", fmt::format("memory-backend-memfd,id=mem,size={}M,share=on", options.memory_mib));
        add_channel("vsock", descriptors[vhost_user_line]);
        add("-device", fmt::format("{},chardev=vsock", microvm ? "vhost-user-vsock-device" : "vhost-user-vsock-pci"));
    } else if (options.link == LinkKind::VirtioSerial) {
        add("-device", microvm ? "virtio-serial-device" : "virtio-serial-pci");
        add("-device", fmt::format("virtserialport,chardev=control,name={}", wire::control_port_name));
        if (options.wait != WaitFor::Boot)
            add("-device", fmt::format("virtserialport,chardev=gdb,name={}", wire::gdb_port_name));
        add("-device", fmt::format("virtserialport,chardev=trace,name={}", wire::trace_port_name));
        add("-device", fmt::format("virtserialport,chardev=crash,name={}", wire::crash_port_name));
    }
    add("-device", microvm ? "virtio-rng-device" : "virtio-rng-pci");
    add("-kernel", options.image.string());
    add("-append", make_command_line(options.kernel_words(), options.arguments));
    if (!initrd.empty())
        add("-initrd", initrd.string());
    command.insert(command.end(), options.qemu_arguments.begin(), options.qemu_arguments.end());
    return command;
}

} // namespace tracer
