// From the first C++ function to the scheduler: memory, the CPU's tables, interrupt controller and clock; then a kernel
// thread goes on with what may wait (Start.cpp).
#include "libos/boot/Boot.h"
#include "libos/boot/StartInfo.h"
#include "libos/console/Console.h"
#include "libos/crash/Crash.h"
#include "libos/memory/AddressSpace.h"
#include "libos/memory/PhysicalMemory.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"

#include <arch/Fpu.h>
#include <arch/Image.h>
#include <arch/LocalApic.h>
#include <arch/PageTable.h>
#include <arch/Switch.h>
#include <arch/WallClock.h>
#include <cstring>

extern "C" std::byte g_boot_stack[];
extern "C" std::byte g_boot_stack_end[];

namespace boot {

namespace {

constinit arch::CpuLocal g_boot_cpu{};
constinit StartInfo g_start_info{};
constinit char g_command_line_text[8192] = {};
constinit CommandLine g_command_line;
constinit Module g_initrd{};

constexpr uint64_t low_memory_end = 0x100000; // firmware's, and the page that application processors start in

template <typename T>
const T* at(uint64_t physical) {
    return static_cast<const T*>(arch::direct_map(physical));
}

void take_start_info(uint64_t physical) {
    const auto* info = at<StartInfo>(physical);
    if (info->magic != start_info_magic)
        crash::panic("the boot loader gave no PVH start info");
    g_start_info = *info;
    if (info->command_line != 0) {
        const char* text = at<char>(info->command_line);
        size_t length = 0;
        while (length + 1 < sizeof(g_command_line_text) && text[length] != 0)
            ++length;
        std::memcpy(g_command_line_text, text, length);
    }
    if (info->module_count != 0)
        g_initrd = *at<Module>(info->modules);
}

void add_memory() {
    auto& memory = memory::physical_memory();
    const auto* map = at<MemoryMapEntry>(g_start_info.memory_map);
    for (uint32_t i = 0; i < g_start_info.memory_map_entries; ++i) {
        if (map[i].type == 1)
            memory.add_region(map[i].address, map[i].address + map[i].size);
    }
    memory.reserve(0, low_memory_end);
    // The app lies where it was linked, virtual = physical address; the libOS follows it.
    uint64_t image_start = __ehdr_start != nullptr ? reinterpret_cast<uint64_t>(__ehdr_start)
                                                   : arch::libos_image().start - arch::libos_offset;
    memory.reserve(image_start, arch::libos_image().end - arch::libos_offset);
    if (g_initrd.size != 0)
        memory.reserve(g_initrd.address, g_initrd.address + g_initrd.size);
}

base::Result<> map_libos() {
    auto map = [](const char* start, const char* end, arch::PageFlags flags) -> base::Result<> {
        flags.borrowed = true;
        for (auto address = reinterpret_cast<uint64_t>(start); address < reinterpret_cast<uint64_t>(end);
             address += 4096)
            TRY(arch::map_page(address, address - arch::libos_offset, flags));
        return {};
    };
    TRY(map(__libos_start, __libos_text_end, {.executable = true}));
    TRY(map(__libos_text_end, __libos_rodata_end, {}));
    return map(__libos_rodata_end, __libos_end, {.writable = true});
}

} // namespace

const CommandLine& command_line() {
    return g_command_line;
}
std::string_view raw_command_line() {
    return {reinterpret_cast<const char*>(arch::direct_map(g_start_info.command_line)),
            g_start_info.command_line != 0 ? strlen(at<char>(g_start_info.command_line)) : 0};
}
uint64_t rsdp_address() {
    return g_start_info.rsdp;
}
std::span<const std::byte> initrd() {
    return {at<std::byte>(g_initrd.address), g_initrd.size};
}

[[noreturn]] void run(uint64_t start_info) {
    // By the direct map: what lies on the CPU's stacks is told from the app's by its address (TrapFrame::from_app()).
    auto& boot_cpu = *static_cast<arch::CpuLocal*>(arch::direct_map(arch::physical_address_of(&g_boot_cpu)));
    arch::add_cpu(boot_cpu);
    arch::initialize_cpu(boot_cpu);
    arch::initialize_fpu(); // early: QEMU translates code anew when what the FPU may do changes
    boot_cpu.kernel_stack_top =
        reinterpret_cast<uint64_t>(arch::direct_map(arch::physical_address_of(g_boot_stack_end)));
    boot_cpu.kernel_stack_bottom =
        reinterpret_cast<uint64_t>(arch::direct_map(arch::physical_address_of(g_boot_stack)));
    console::initialize();
    take_start_info(start_info);
    g_command_line = parse_command_line(g_command_line_text);
    console::set_log_level(g_command_line.log_level);
    add_memory();

    auto& memory = memory::physical_memory();
    if (!arch::initialize_page_table(memory, memory.end()) || !map_libos())
        crash::panic("not enough memory to start");
    arch::load_page_table();
    if (!arch::initialize_apic_registers())
        crash::panic("not enough memory to start");
    arch::initialize_local_apic();
    boot_cpu.apic_id = arch::local_apic_id();
    boot_cpu.online = true;
    arch::begin_tsc_calibration();

    auto& scheduler = sched::scheduler();
    scheduler.set_tick_hz(g_command_line.tick_hz);
    if (!scheduler.initialize_cpu(boot_cpu))
        crash::panic("not enough memory to start");
    auto starter = sched::Thread::create_kernel("start", start, nullptr);
    if (!starter)
        crash::panic("not enough memory to start");
    sched::initialize_clock(arch::finish_tsc_calibration(),
                            g_command_line.realtime_ns != 0 ? g_command_line.realtime_ns : arch::wall_clock_ns());
    scheduler.start_first(**starter);
}

} // namespace boot

extern "C" [[noreturn]] void kernel_main(uint64_t start_info) {
    boot::run(start_info);
}
