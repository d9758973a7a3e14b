#include "arch/LocalApic.h"
#include "arch/CpuLocal.h"
#include "arch/Mmio.h"
#include "arch/Processor.h"
#include "arch/Registers.h"

#include <cstddef>

/// For TrapEntry.S.
extern "C" {
[[gnu::visibility("hidden")]] constinit uint64_t end_of_interrupt_register = 0;
}

namespace arch {

namespace {

constinit uint64_t g_base = 0;

struct IoApic {
    uint64_t base;
    uint32_t first_gsi;
    uint32_t pins;
};
constinit IoApic g_io_apics[4] = {};
constinit size_t g_io_apic_count = 0;

enum Register : uint32_t {
    Id = 0x20,
    TaskPriority = 0x80,
    EndOfInterrupt = 0xb0,
    Spurious = 0xf0,
    CommandLow = 0x300,
    CommandHigh = 0x310,
    LvtTimer = 0x320,
    LvtLint0 = 0x350,
    LvtLint1 = 0x360,
    LvtError = 0x370,
    TimerInitial = 0x380,
    TimerCurrent = 0x390,
    TimerDivide = 0x3e0,
};

constexpr uint32_t masked = 1u << 16;
constexpr uint32_t below_doze_vector = (doze_vector & 0xf0) - 0x10; ///< a task priority that lets only its class pass
constexpr uint32_t deliver_nmi = 4u << 8;
constexpr uint32_t deliver_init = 5u << 8;
constexpr uint32_t deliver_startup = 6u << 8;
constexpr uint32_t assert_level = 1u << 14;
constexpr uint32_t all_others = 3u << 18;
constexpr uint32_t pending = 1u << 12;

uint32_t read(Register r) {
    return *reinterpret_cast<volatile uint32_t*>(g_base + r);
}
void write(Register r, uint32_t value) {
    *reinterpret_cast<volatile uint32_t*>(g_base + r) = value;
}

void command(uint32_t apic_id, uint32_t low) {
    while ((read(CommandLow) & pending) != 0)
        asm volatile("pause");
    if ((low & all_others) == 0)
        write(CommandHigh, apic_id << 24);
    write(CommandLow, low);
}

uint32_t io_apic_read(const IoApic& io, uint32_t index) {
    *reinterpret_cast<volatile uint32_t*>(io.base) = index;
    return *reinterpret_cast<volatile uint32_t*>(io.base + 0x10);
}
void io_apic_write(const IoApic& io, uint32_t index, uint32_t value) {
    *reinterpret_cast<volatile uint32_t*>(io.base) = index;
    *reinterpret_cast<volatile uint32_t*>(io.base + 0x10) = value;
}

} // namespace

bool initialize_apic_registers() {
    uint64_t physical = read_msr(msr::apic_base) & 0xffffff000;
    auto mapped = map_mmio(physical, 4096);
    if (!mapped)
        return false;
    g_base = reinterpret_cast<uint64_t>(*mapped);
    end_of_interrupt_register = g_base + EndOfInterrupt;
    return true;
}

void initialize_local_apic() {
    write(TaskPriority, 0);
    write(LvtLint0, masked);
    write(LvtLint1, deliver_nmi);
    write(LvtError, masked);
    write(LvtTimer, timer_vector);
    write(TimerDivide, 0xb); // by 1
    write(Spurious, 0x100 | spurious_vector);
}

uint32_t local_apic_id() {
    return read(Id) >> 24;
}
void end_of_interrupt() {
    write(EndOfInterrupt, 0);
}

void send_interrupt(uint32_t cpu_index, Vector vector) {
    command(cpu(cpu_index).apic_id, assert_level | vector);
}
void send_interrupt_to_others(Vector vector) {
    command(0, all_others | assert_level | vector);
}
void send_nmi(uint32_t cpu_index) {
    cpu(cpu_index).nmi_sent.store(timestamp(), std::memory_order_relaxed);
    command(cpu(cpu_index).apic_id, assert_level | deliver_nmi);
}
void take_put_off_stop() {
    this_cpu().stop_put_off = false;
    send_nmi(this_cpu().index);
}

void arm_timer(uint64_t nanoseconds) {
    // 1 GHz: see calibrate_tsc_hz().
    if (nanoseconds > UINT32_MAX)
        nanoseconds = UINT32_MAX;
    write(TimerInitial, static_cast<uint32_t>(nanoseconds));
}

void doze(uint64_t nanoseconds) {
    uint32_t left = read(TimerCurrent);
    write(TaskPriority, below_doze_vector);
    write(LvtTimer, doze_vector);
    write(TimerInitial, static_cast<uint32_t>(nanoseconds));
    // Interrupts are on from behind the instruction after sti: none gets between it and the halt.
    asm volatile("sti; hlt; cli" ::: "memory");
    write(LvtTimer, timer_vector);
    write(TimerInitial, left);
    write(TaskPriority, 0);
}

namespace {

/// A reading of the APIC costs a trap to the hypervisor: the TSC values right around it bound the error, and the pair
/// with the tightest bound of several is taken.
struct ClockSample {
    uint64_t tsc = 0;
    uint32_t apic = 0;
};

ClockSample take_clock_sample() {
    ClockSample best;
    uint64_t best_width = UINT64_MAX;
    for (int i = 0; i < 5; ++i) {
        uint64_t before = timestamp();
        uint32_t apic = read(TimerCurrent);
        uint64_t after = timestamp();
        if (after - before < best_width) {
            best_width = after - before;
            best = {before + (after - before) / 2, apic};
        }
    }
    return best;
}

constinit ClockSample g_calibration_start;
constinit uint32_t g_saved_timer = 0;

} // namespace

void begin_tsc_calibration() {
    g_saved_timer = read(LvtTimer);
    write(LvtTimer, masked | timer_vector);
    write(TimerInitial, UINT32_MAX);
    g_calibration_start = take_clock_sample();
}

uint64_t finish_tsc_calibration() {
    constexpr uint32_t window = 500'000; // ns: the samples' width bounds the error to about 0.1 %
    while (g_calibration_start.apic - read(TimerCurrent) < window)
        asm volatile("pause");
    ClockSample end = take_clock_sample();
    write(TimerInitial, 0);
    write(LvtTimer, g_saved_timer);
    uint64_t nanoseconds = g_calibration_start.apic - end.apic;
    return (end.tsc - g_calibration_start.tsc) * 1'000'000'000 / nanoseconds;
}

void start_cpu(uint32_t apic_id, uint8_t page) {
    command(apic_id, deliver_init | assert_level);
    command(apic_id, deliver_startup | assert_level | page);
}

uint64_t message_address(uint32_t cpu_index) {
    return 0xfee00000 | (uint64_t{cpu(cpu_index).apic_id} << 12);
}

void add_io_apic(uint64_t physical_address, uint32_t first_gsi) {
    if (g_io_apic_count == sizeof(g_io_apics) / sizeof(g_io_apics[0]))
        return;
    auto mapped = map_mmio(physical_address, 4096);
    if (!mapped)
        return;
    auto& io = g_io_apics[g_io_apic_count++];
    io = {reinterpret_cast<uint64_t>(*mapped), first_gsi, 0};
    io.pins = ((io_apic_read(io, 1) >> 16) & 0xff) + 1;
}

bool route_interrupt(uint32_t gsi, Vector vector, bool level_triggered, bool active_low) {
    for (size_t i = 0; i < g_io_apic_count; ++i) {
        const auto& io = g_io_apics[i];
        if (gsi < io.first_gsi || gsi - io.first_gsi >= io.pins)
            continue;
        uint32_t pin = gsi - io.first_gsi;
        io_apic_write(io, 0x11 + 2 * pin, cpu(0).apic_id << 24);
        io_apic_write(io, 0x10 + 2 * pin, vector | (level_triggered ? 1u << 15 : 0) | (active_low ? 1u << 13 : 0));
        return true;
    }
    return false;
}

} // namespace arch
