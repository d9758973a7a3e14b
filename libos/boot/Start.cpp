// Second half of boot, in a kernel thread.
#include "libos/auth/Auth.h"
#include "libos/boot/Boot.h"
#include "libos/boot/Machine.h"
#include "libos/console/Console.h"
#include "libos/control/BuildId.h"
#include "libos/control/Control.h"
#include "libos/control/GateAudit.h"
#include "libos/crash/Crash.h"
#include "libos/crash/CrashRoot.h"
#include "libos/crash/Watchdog.h"
#include "libos/debug/Debugger.h"
#include "libos/debug/SitePatcher.h"
#include "libos/drivers/Devices.h"
#include "libos/fs/CpioReader.h"
#include "libos/fs/FileSystem.h"
#include "libos/links/Links.h"
#include "libos/memory/PhysicalMemory.h"
#include "libos/ports/Ports.h"
#include "libos/process/DebuggerFiles.h"
#include "libos/process/FaultInjection.h"
#include "libos/process/Machine.h"
#include "libos/process/MonitorCommands.h"
#include "libos/process/ProcFiles.h"
#include "libos/process/Process.h"
#include "libos/process/Random.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"
#include "libos/syscall/Dispatch.h"
#include "libos/trace/Tracer.h"
#include "libos/vsock/Vsock.h"

#include <algorithm>

namespace boot {

namespace {

class FileClock final : public fs::Clock {
public:
    int64_t realtime_nanoseconds() override { return static_cast<int64_t>(sched::realtime_ns()); }
    uint64_t monotonic_nanoseconds() override { return sched::monotonic_ns(); }
};
constinit FileClock g_file_clock;

void start_files() {
    auto& memory = memory::physical_memory();
    fs::Services services{memory,
                          console::device(),
                          process::random_source(),
                          process::proc_source(),
                          g_file_clock,
                          memory.total_pages() * 3 / 4,
                          vsock::sockets(),
                          ports::ports()};
    if (auto made = fs::initialize(services); !made) {
        base::Text<128> text;
        text.put("uniscope: the file system cannot be made: error ").decimal(static_cast<int>(made.error()));
        crash::panic(text.view());
    }
    if (!initrd().empty()) {
        if (auto populated = fs::file_system().populate(initrd()); !populated) {
            base::Text<128> text;
            text.put("uniscope: the root file system archive is ");
            text.put(populated.error() == base::Error::Invalid ? "broken" : "too large for the instance's memory");
            crash::panic(text.view());
        }
    }
}

/// The file's last version in the archive; it is not needed that the file system exists yet.
void enroll_keys_of_archive() {
    std::span<const std::byte> data;
    fs::CpioReader reader(initrd());
    for (auto record = reader.next(); record && *record; record = reader.next()) {
        if ((*record)->name == "etc/uniscope/authorized_keys")
            data = (*record)->data;
    }
    auto report = auth::enroll_file({reinterpret_cast<const char*>(data.data()), data.size()});
    base::Text<128> text;
    if (report.too_long)
        text.put("uniscope: authorized_keys is too long: no key of it is enrolled\n");
    else if (report.malformed != 0)
        text.put("uniscope: authorized_keys, line ").decimal(report.first_bad).put(": no key\n");
    else if (report.table_full)
        text.put("uniscope: authorized_keys has more keys than there is room for\n");
    console::log(0, text.view());
}

/// Who may debug and trace this instance: nobody, unless it was told.
[[gnu::noinline]] void close_gate() {
    const auto& line = command_line();
    auth::Options options{.key_words = std::span(line.keys).first(line.key_count)};
    auto id = control::build_id();
    std::copy_n(id.begin(), std::min(id.size(), options.build_id.size()), options.build_id.begin());
    if (unsigned bad = auth::configure(options); bad != 0) {
        base::Text<128> text;
        text.put("uniscope: words uniscope.key= that are no keys, or too many: ").decimal(bad).put("\n");
        console::log(0, text.view());
    }
    auth::gate().observer = &control::g_gate_audit;
    enroll_keys_of_archive();
}

/// The host's random numbers, for handshakes, and the thread that does their arithmetic.
[[gnu::noinline]] void prepare_handshakes() {
    std::byte bytes[auth::RandomPool::seed_size];
    if (auto* rng = process::devices().rng; rng != nullptr && auth::wants_entropy())
        auth::add_entropy(std::span(bytes).first(rng->fill(bytes, 100)));
    auth::start_worker();
}

[[noreturn]] void refuse_app(base::Error error) {
    base::Text<128> text;
    text.put("uniscope: the app cannot be loaded: error ").decimal(static_cast<int>(error));
    if (error == base::Error::Access)
        text.put(" (a segment is both writable and executable)");
    crash::panic(text.view());
}

} // namespace

void start(void*) {
    if (auto mapped = process::map_image(); !mapped)
        refuse_app(mapped.error());
    if (command_line().trace)
        trace::initialize({command_line().sub_buffer_size, command_line().sub_buffer_count},
                          debug::initialize_site_patcher());
    discover_machine();
    add_application_processors();
    const auto& line = command_line();
    if (line.debug_open)
        auth::open_to_all();
    else
        close_gate();
    links::initialize_serial(line.serial, auth::gate());
    if (line.wait != CommandLine::Wait::No)
        start_application_processors(); // whoever looks at the machine from its start sees all of it
    debug::initialize({.wait_at_app_entry = line.wait == CommandLine::Wait::App,
                       .wait_at_boot = line.wait == CommandLine::Wait::Boot,
                       .kill_allowed = line.kill_allowed,
                       .silence_limit_ns = line.deadman_seconds * 1'000'000'000,
                       .files = &process::debugger_files(),
                       .monitor = &process::monitor_commands()});
    process::initialize_machine(platform(), acpi_tables(), raw_command_line());
    if (!line.debug_open)
        prepare_handshakes();
    vsock::start(process::devices().socket, platform(), line.vsock_connections);
    ports::initialize(process::devices().console, memory::physical_memory());
    links::initialize(process::devices(), platform(), auth::gate());
    debug::start();
    control::start();
    trace::start();
    crash::set_watchdog_limit(line.watchdog_seconds * 1'000'000'000);
    crash::publish_crash_root();
    if (line.faults_allowed)
        process::allow_injected_faults();
    syscalls::initialize();
    start_files();
    console::start_input(command_line().input, platform());
    if (line.wait == CommandLine::Wait::App) {
        control::wait_until_greeted();
        console::log(1, "uniscope: the app's entry waits for a debugger\n");
    }
    if (auto started = process::start_app(command_line()); !started)
        refuse_app(started.error());
    // The app runs first: it need not wait for CPUs that it does not use yet.
    sched::scheduler().yield();
    start_application_processors();
}

} // namespace boot
