#include "libos/boot/Machine.h"

#include "libos/boot/Boot.h"
#include "libos/console/Console.h"
#include "libos/memory/PhysicalMemory.h"
#include "libos/sched/Clock.h"
#include "libos/trap/DeviceInterrupts.h"

#include <arch/CpuLocal.h>
#include <arch/LocalApic.h>
#include <arch/Mmio.h>
#include <arch/PageTable.h>

namespace boot {

namespace {

constinit drivers::AcpiTables g_tables;
constinit uint32_t g_processors[arch::max_cpus] = {};
constinit size_t g_processor_count = 0;

class MachinePlatform final : public drivers::Platform {
public:
    base::Result<volatile std::byte*> map_mmio(drivers::PhysicalAddress physical, size_t length) override {
        return static_cast<volatile std::byte*>(TRY(arch::map_mmio(physical, length)));
    }

    const std::byte* map_firmware(drivers::PhysicalAddress physical, size_t length) override {
        // Firmware's tables lie in reserved memory just above or below RAM, which the direct map may not cover.
        if (length > max_firmware_table || physical + length < physical)
            return nullptr;
        if (physical + length <= memory::physical_memory().end())
            return static_cast<const std::byte*>(arch::direct_map(physical));
        auto mapped = arch::map_mmio(physical, length);
        return mapped ? static_cast<const std::byte*>(*mapped) : nullptr;
    }

    memory::PageAllocator& pages() override { return memory::physical_memory(); }

    base::Result<> connect_interrupt(unsigned line, drivers::InterruptTrigger trigger,
                                     drivers::InterruptHandler handler, void* context) override {
        for (size_t i = 0; i < m_line_count; ++i) {
            if (m_lines[i].line == line)
                return trap::share_interrupt(m_lines[i].index, handler, context);
        }
        if (m_line_count == max_lines)
            return base::fail(base::Error::NoSpace);
        unsigned index = TRY(trap::add_interrupt("virtio", handler, context));
        if (!arch::route_interrupt(line, vector_of(index), trigger == drivers::InterruptTrigger::Level, false))
            return base::fail(base::Error::NoSuchDevice);
        m_lines[m_line_count++] = {line, index};
        return {};
    }

    base::Result<drivers::InterruptMessage> connect_message_interrupt(drivers::InterruptHandler handler,
                                                                      void* context) override {
        unsigned index = TRY(trap::add_interrupt("virtio", handler, context));
        return drivers::InterruptMessage{arch::message_address(0), vector_of(index)};
    }

    void log(std::string_view line) override {
        console::log(1, line);
        console::log(1, "\n");
    }
    uint64_t timestamp_hz() const override { return sched::tsc_hz(); }

private:
    static constexpr size_t max_lines = 32;
    static constexpr size_t max_firmware_table = 1 << 20;
    static arch::Vector vector_of(unsigned index) {
        return static_cast<arch::Vector>(arch::first_device_vector + index);
    }

    struct Line {
        unsigned line;
        unsigned index;
    };
    Line m_lines[max_lines] = {};
    size_t m_line_count = 0;
};

constinit MachinePlatform g_platform;

/// PVH loaders may leave the root pointer out: the BIOS area has it then. ACPI 6.5, section 5.2.5.1.
uint64_t find_root_pointer() {
    if (rsdp_address() != 0)
        return rsdp_address();
    for (uint64_t address = 0xe0000; address < 0x100000; address += 16) {
        if (__builtin_memcmp(arch::direct_map(address), "RSD PTR ", 8) == 0)
            return address;
    }
    return 0;
}

// ACPI 6.5, section 5.2.12: interrupt controller structures.
void read_madt(std::span<const std::byte> madt) {
    constexpr size_t header = 44;
    for (size_t at = header; at + 2 <= madt.size();) {
        auto type = static_cast<uint8_t>(madt[at]);
        auto length = static_cast<uint8_t>(madt[at + 1]);
        if (length < 2 || at + length > madt.size())
            break;
        auto entry = madt.subspan(at, length);
        if (type == 0) {
            auto id = drivers::table_field<uint8_t>(entry, 3);
            auto flags = drivers::table_field<uint32_t>(entry, 4);
            if (id && flags && (*flags & 1) != 0 && *id != arch::local_apic_id() && g_processor_count < arch::max_cpus)
                g_processors[g_processor_count++] = *id;
        } else if (type == 1) {
            auto address = drivers::table_field<uint32_t>(entry, 4);
            auto first = drivers::table_field<uint32_t>(entry, 8);
            if (address && first)
                arch::add_io_apic(*address, *first);
        }
        at += length;
    }
}

} // namespace

drivers::Platform& platform() {
    return g_platform;
}
const drivers::AcpiTables& acpi_tables() {
    return g_tables;
}

void discover_machine() {
    if (!g_tables.initialize(g_platform, find_root_pointer())) {
        constexpr uint64_t standard_io_apic = 0xfec00000;
        arch::add_io_apic(standard_io_apic, 0);
        return;
    }
    read_madt(g_tables.find("APIC"));
}

std::span<const uint32_t> application_processors() {
    return {g_processors, g_processor_count};
}

} // namespace boot
