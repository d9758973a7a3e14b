#pragma once
// Interrupt controller of each CPU, its timer, inter-processor interrupts; and the I/O APIC. Contract header
// (InterruptController in spirit). Source: Intel SDM vol. 3, chapter 10; 82093AA data sheet for the I/O APIC.

#include <cstdint>

namespace arch {

enum Vector : uint8_t {
    first_device_vector = 0x30,
    last_device_vector = 0x9f,
    timer_vector = 0xe0,
    reschedule_vector = 0xe1,
    request_vector = 0xe2, ///< serve_cpu_requests()
    doze_vector = 0xf0,    ///< ends doze(); above all others, so that it alone can be let through
    spurious_vector = 0xff,
};

/// Maps the registers; boot CPU, once, after the page table is up.
bool initialize_apic_registers();
/// Switches this CPU's APIC on: LINT1 is NMI, so that a host can break into a CPU with interrupts off.
void initialize_local_apic();
uint32_t local_apic_id();
void end_of_interrupt();
void send_interrupt(uint32_t cpu_index, Vector vector);
void send_interrupt_to_others(Vector vector);
void send_nmi(uint32_t cpu_index);

/// The timer counts at this rate once; 0 stops it. One-shot: fires timer_vector.
void arm_timer(uint64_t nanoseconds);

/// Interrupts off, and they stay so: halts this CPU for this long, less when an NMI comes. Nothing else is taken; the
/// timer stands still. For a loop in the stopped world that has found nothing to do.
void doze(uint64_t nanoseconds);

/// Measures the TSC against the APIC timer, which QEMU and KVM run at 1 GHz; kvmclock is preferred where there is one.
/// Between the two calls, half a millisecond or more, this CPU does something else that needs no timer.
void begin_tsc_calibration();
uint64_t finish_tsc_calibration();

/// Starts the CPU with this APIC id at real-mode page `page` (address / 4096).
void start_cpu(uint32_t apic_id, uint8_t page);

/// Routes a global system interrupt to a vector on the boot CPU. False if no I/O APIC has this pin.
bool route_interrupt(uint32_t gsi, Vector vector, bool level_triggered, bool active_low);
/// Where a device writes its vector to interrupt this CPU (MSI). Intel SDM vol. 3, section 10.11.1.
uint64_t message_address(uint32_t cpu_index);
/// From ACPI's MADT.
void add_io_apic(uint64_t physical_address, uint32_t first_gsi);

} // namespace arch
