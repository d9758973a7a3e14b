#include "tracer/instance/AcceleratorProbe.h"

#include "tracer/instance/Directories.h"
#include "tracer/instance/Process.h"
#include "tracer/instance/Registry.h"
#include "tracer/link/Socket.h"

#include <fmt/format.h>
#include <fstream>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <string_view>

// tracer/arch/probe_image/EmbeddedProbeImage.S
extern "C" const char uniscope_probe_image[];
extern "C" const char uniscope_probe_image_end[];

namespace tracer {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds probe_timeout{5000};
constexpr std::string_view expected_line = "up\n";

/// What an answer holds for; another QEMU, kernel or machine asks again.
std::string cache_key(const std::string& qemu) {
    struct stat status{};
    stat(qemu.c_str(), &status);
    utsname system{};
    uname(&system);
    std::string model = "unknown";
    std::ifstream processors("/proc/cpuinfo");
    for (std::string line; std::getline(processors, line);)
        if (line.starts_with("model name")) {
            model = line.substr(line.find(':') + 1);
            break;
        }
    return fmt::format("{} {} {} {} {}", qemu, status.st_mtime, status.st_size, system.release, model);
}

/// How long the probe image took to its first line under KVM; nothing when that line never came.
Result<std::optional<milliseconds>> boot_probe(const std::string& qemu, const fs::path& directory) {
    const fs::path image = directory / fmt::format("probe-{}", getpid());
    const fs::path log = image.string() + ".log";
    std::ofstream(image, std::ios::binary).write(uniscope_probe_image, uniscope_probe_image_end - uniscope_probe_image);
    auto [ours, theirs] = TRY(socket_pair());
    const std::array inherited = {theirs.get()};
    const auto started = steady_clock::now();
    const auto child = spawn({qemu, "-nodefaults", "-no-user-config", "-display", "none", "-machine",
                              "microvm,isa-serial=off", "-accel", "kvm", "-cpu", "max", "-m", "64M", "-chardev",
                              fmt::format("socket,id=console,fd={}", theirs.get()), "-device",
                              "isa-serial,chardev=console,iobase=0x3f8,irq=4", "-kernel", image.string()},
                             inherited, log);
    theirs.reset();
    std::string text;
    const auto deadline = started + probe_timeout;
    while (child && text.find(expected_line) == std::string::npos) {
        const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
        if (left.count() <= 0)
            break;
        const auto bytes = receive_some(ours.get(), 4096, left);
        if (!bytes || bytes->empty())
            break;
        text.append(bytes->begin(), bytes->end());
    }
    const auto elapsed = std::chrono::duration_cast<milliseconds>(steady_clock::now() - started);
    if (child) {
        kill(*child, SIGKILL);
        waitpid(*child, nullptr, 0);
    }
    std::error_code ignored;
    fs::remove(image, ignored);
    fs::remove(log, ignored);
    if (text.find(expected_line) == std::string::npos)
        return std::nullopt;
    return elapsed;
}

} // namespace

Result<AcceleratorChoice> choose_accelerator(Accelerator wanted, const std::string& qemu) {
    if (wanted == Accelerator::Tcg)
        return AcceleratorChoice{Accelerator::Tcg, "TCG as asked"};
    const bool openable = access("/dev/kvm", R_OK | W_OK) == 0;
    const std::string problem = errno == ENOENT ? "there is no /dev/kvm" : "/dev/kvm is not open to this user";
    if (wanted == Accelerator::Kvm) {
        if (!openable)
            return fail(fmt::format("KVM cannot be used: {}", problem),
                        "Use --accel auto, or see that you may open /dev/kvm (Debian: group kvm).");
        return AcceleratorChoice{Accelerator::Kvm, "KVM as asked"};
    }
    if (!openable)
        return AcceleratorChoice{Accelerator::Tcg, "TCG: " + problem};

    const auto directory = cache_directory();
    const std::string key = cache_key(qemu);
    const fs::path cache = directory ? *directory / "accelerator.json" : fs::path();
    if (const auto kept = read_json(cache); kept && kept->value("key", nlohmann::json()) == key) {
        const bool usable = kept->value("usable", nlohmann::json()) == true;
        return AcceleratorChoice{usable ? Accelerator::Kvm : Accelerator::Tcg,
                                 usable ? "KVM, which was tried before"
                                        : "TCG: KVM was tried before and does not work"};
    }
    if (!directory)
        return AcceleratorChoice{Accelerator::Tcg, "TCG: no place to try KVM in"};
    const auto time = TRY(boot_probe(qemu, *directory));
    // A cache that cannot be written only costs the next run a probe.
    (void)write_json(cache, {{"key", key}, {"usable", time.has_value()}});
    if (time)
        return AcceleratorChoice{Accelerator::Kvm, fmt::format("KVM booted the probe image in {} ms", time->count())};
    return AcceleratorChoice{Accelerator::Tcg, fmt::format("TCG: KVM did not boot the probe image within {} s",
                                                           probe_timeout.count() / 1000)};
}

} // namespace tracer
