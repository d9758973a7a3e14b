// Formats: proc(5).
#include "libos/process/ProcFiles.h"

#include "libos/boot/Boot.h"
#include "libos/memory/AddressSpace.h"
#include "libos/memory/PhysicalMemory.h"
#include "libos/memory/UserMemory.h"
#include "libos/process/Process.h"
#include "libos/process/StartState.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"

#include <arch/CpuInfo.h>

namespace process {

namespace {

constexpr uint64_t page = 4096;

base::Result<> copy_app_range(base::TextBuilder& text, uint64_t start, uint64_t end) {
    while (start < end) {
        char piece[256];
        size_t step = end - start < sizeof(piece) ? end - start : sizeof(piece);
        TRY(memory::copy_from_user(std::as_writable_bytes(std::span(piece, step)), start));
        text.put(std::string_view(piece, step));
        start += step;
    }
    return {};
}

/// The main thread's name is the process', whoever asks; that one may have ended.
void put_name(base::TextBuilder& text) {
    sched::SpinLocker threads(sched::scheduler().lock());
    const auto* main = sched::scheduler().find(process_id);
    text.put(main != nullptr ? main->name_view() : sched::current_thread().name_view());
}

char state_letter() {
    return 'R';
}

void print_stat(base::TextBuilder& text) {
    auto& scheduler = sched::scheduler();
    text.decimal(process_id).put(" (");
    put_name(text);
    text.put(") ").put(state_letter());
    text.put(" 0 1 1 0 -1 4194304 0 0 0 0 ");
    text.decimal(sched::duration_ns(scheduler.exited_cpu_time()) / 10'000'000).put(" 0 0 0 20 0 ");
    text.decimal(scheduler.app_thread_count()).put(" 0 0 ");
    text.decimal(memory::address_space().mapped_bytes()).put(' ');
    text.decimal(memory::address_space().resident_pages()).put(" 18446744073709551615 ");
    text.put("1 1 ").decimal(start_state().stack_start);
    text.put(" 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
}

void print_status(base::TextBuilder& text) {
    text.put("Name:\t");
    put_name(text);
    text.put("\nUmask:\t0022\nState:\tR (running)\nTgid:\t1\n");
    text.put("Pid:\t1\nPPid:\t0\nTracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n");
    text.put("VmSize:\t").decimal(memory::address_space().mapped_bytes() / 1024).put(" kB\n");
    text.put("VmRSS:\t").decimal(memory::address_space().resident_pages() * page / 1024).put(" kB\n");
    text.put("Threads:\t").decimal(sched::scheduler().app_thread_count()).put('\n');
}

void print_memory_info(base::TextBuilder& text) {
    auto& memory = memory::physical_memory();
    text.put("MemTotal:       ").decimal(memory.total_pages() * 4).put(" kB\n");
    text.put("MemFree:        ").decimal(memory.free_pages() * 4).put(" kB\n");
    text.put("MemAvailable:   ").decimal(memory.free_pages() * 4).put(" kB\n");
}

void print_seconds(base::TextBuilder& text, uint64_t ns) {
    text.decimal(ns / 1'000'000'000).put('.').unsigned_decimal(ns / 10'000'000 % 100, 2);
}

class Source final : public fs::ProcSource {
public:
    base::Result<> generate(fs::ProcFile file, base::TextBuilder& text) override {
        const auto& start = start_state();
        switch (file) {
        case fs::ProcFile::SelfMaps:
        case fs::ProcFile::SelfSmaps:
            memory::address_space().print_maps(text);
            return {};
        case fs::ProcFile::SelfStat:
            print_stat(text);
            return {};
        case fs::ProcFile::SelfStatm:
            text.decimal(memory::address_space().mapped_bytes() / page).put(' ');
            text.decimal(memory::address_space().resident_pages()).put(" 0 0 0 0 0\n");
            return {};
        case fs::ProcFile::SelfStatus:
            print_status(text);
            return {};
        case fs::ProcFile::SelfCommandLine:
            return copy_app_range(text, start.arguments_start, start.arguments_end);
        case fs::ProcFile::SelfEnvironment:
            return copy_app_range(text, start.environment_start, start.environment_end);
        case fs::ProcFile::SelfCommand:
            put_name(text);
            text.put('\n');
            return {};
        case fs::ProcFile::SelfAuxiliary:
            return copy_app_range(text, start.auxiliary_start, start.auxiliary_end);
        case fs::ProcFile::CpuInfo:
            for (uint32_t i = 0; i < arch::cpu_count(); ++i)
                arch::print_cpu_info(text, i, sched::tsc_hz());
            return {};
        case fs::ProcFile::MemoryInfo:
            print_memory_info(text);
            return {};
        case fs::ProcFile::Uptime:
            print_seconds(text, sched::boottime_ns());
            text.put(" 0.00\n");
            return {};
        case fs::ProcFile::Version:
            text.put("Linux version 6.1.0-uniscope (uniscope)\n");
            return {};
        case fs::ProcFile::CommandLine:
            text.put(boot::raw_command_line()).put('\n');
            return {};
        case fs::ProcFile::OnlineCpus:
            text.put('0');
            if (arch::cpu_count() > 1)
                text.put('-').decimal(arch::cpu_count() - 1);
            text.put('\n');
            return {};
        case fs::ProcFile::ClockSource:
            text.put("tsc\n");
            return {};
        default:
            return base::fail(base::Error::NoEntry);
        }
    }

    std::string_view executable_path() override { return process::executable_path(); }
    uint64_t process_id() override { return process::process_id; }
    fs::MemoryFigures memory() override {
        auto& memory = memory::physical_memory();
        return {memory.total_pages() * page, memory.free_pages() * page};
    }
};

constinit Source g_source;

} // namespace

fs::ProcSource& proc_source() {
    return g_source;
}

} // namespace process
