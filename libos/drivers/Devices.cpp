#include "libos/drivers/Devices.h"

#include "libos/base/Text.h"
#include "libos/drivers/PciConfig.h"
#include "libos/drivers/VirtioPci.h"

#include <new>

namespace drivers {

namespace {

// QEMU's microvm, include/hw/i386/microvm.h and hw/i386/microvm.c.
constexpr PhysicalAddress microvm_slots = 0xfeb00000;
constexpr size_t microvm_slot_size = 512;

/// Reads an unsigned number, 0x for hexadecimal, off the front of `text`. Nothing without digits or on overflow.
std::optional<uint64_t> take_number(std::string_view& text) {
    unsigned base = 10;
    if (text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
        base = 16;
        text.remove_prefix(2);
    }
    uint64_t value = 0;
    size_t digits = 0;
    for (; digits < text.size(); ++digits) {
        char c = text[digits];
        unsigned digit;
        if (c >= '0' && c <= '9')
            digit = static_cast<unsigned>(c - '0');
        else if (base == 16 && (c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = static_cast<unsigned>((c | 0x20) - 'a' + 10);
        else
            break;
        if (__builtin_mul_overflow(value, uint64_t{base}, &value) || __builtin_add_overflow(value, digit, &value))
            return std::nullopt;
    }
    if (digits == 0)
        return std::nullopt;
    text.remove_prefix(digits);
    return value;
}

bool take(std::string_view& text, char c) {
    if (text.empty() || text[0] != c)
        return false;
    text.remove_prefix(1);
    return true;
}

/// Splits the next word off; empty at the end.
std::string_view take_word(std::string_view& text) {
    while (!text.empty() && text[0] == ' ')
        text.remove_prefix(1);
    size_t length = 0;
    while (length < text.size() && text[length] != ' ')
        ++length;
    std::string_view word = text;
    word.remove_suffix(text.size() - length);
    text.remove_prefix(length);
    return word;
}

/// How many I/O APICs the machine has: from the MADT (ACPI 6.5, 5.2.12), 0 without one.
unsigned count_io_apics(const AcpiTables& tables) {
    constexpr size_t entries_offset = 44;
    constexpr uint8_t io_apic = 1;
    auto madt = tables.find("APIC");
    unsigned count = 0;
    for (size_t offset = entries_offset; offset + 2 <= madt.size();) {
        auto length_untrusted = std::to_integer<size_t>(madt[offset + 1]);
        if (length_untrusted < 2)
            break;
        if (std::to_integer<uint8_t>(madt[offset]) == io_apic)
            ++count;
        offset += length_untrusted;
    }
    return count;
}

class Discovery {
public:
    explicit Discovery(Platform& platform)
        : m_platform(platform) {}

    void scan_pci() {
        constexpr uint8_t header_type_offset = 0x0e;
        constexpr uint8_t many_functions = 0x80;
        for (uint8_t device = 0; device < 32; ++device) {
            PciFunction first(device, 0);
            if (!first.is_present())
                continue;
            uint8_t functions = (first.read8(header_type_offset) & many_functions) != 0 ? 8 : 1;
            for (uint8_t function = 0; function < functions; ++function)
                try_transport<VirtioPci>(PciFunction(device, function));
        }
    }

    /// Returns whether the command line names any device.
    bool scan_command_line(std::string_view command_line) {
        bool any = false;
        for (auto word = take_word(command_line); !word.empty(); word = take_word(command_line)) {
            if (!word.starts_with(mmio_device_word))
                continue;
            any = true;
            word.remove_prefix(mmio_device_word.size());
            if (auto location = parse_mmio_device(word))
                try_transport<VirtioMmio>(*location);
            else
                m_platform.log("cannot read a virtio_mmio.device= word: SIZE@ADDRESS:LINE is what it should be");
        }
        return any;
    }

    void scan_microvm_slots(const AcpiTables& tables) {
        // Lines: behind the second I/O APIC where there is one, else the upper inputs of the only one; with acpi=off,
        // where the command line says it all, from 5 up.
        unsigned io_apics = count_io_apics(tables);
        unsigned first_line = io_apics > 1 ? 24 : io_apics == 1 ? 16 : 5;
        unsigned slots = io_apics > 1 ? 24 : 8;
        for (unsigned slot = 0; slot < slots; ++slot) {
            try_transport<VirtioMmio>(
                VirtioMmio::Location{microvm_slots + slot * microvm_slot_size, microvm_slot_size, first_line + slot});
        }
    }

    Devices found() const { return m_devices; }

private:
    template <typename Transport, typename Where>
    void try_transport(const Where& where) {
        auto* transport = new (std::nothrow) Transport;
        if (transport == nullptr)
            return;
        if (!transport->open(m_platform, where) || !start_driver(*transport))
            delete transport;
    }

    /// False: nobody wants the device, and nobody kept the transport.
    bool start_driver(VirtioTransport& transport) {
        switch (transport.device_type()) {
        case VirtioDeviceType::Console:
            if (m_devices.console != nullptr)
                return false;
            if (auto* console = new (std::nothrow) VirtioConsole(m_platform, transport, console_port_prefix)) {
                if (console->start())
                    m_devices.console = console;
                else
                    m_platform.log("virtio-serial: the device does not work");
                return true;
            }
            return false;
        case VirtioDeviceType::Entropy:
            if (m_devices.rng != nullptr)
                return false;
            if (auto* rng = new (std::nothrow) VirtioRng(m_platform, transport)) {
                if (rng->start())
                    m_devices.rng = rng;
                else
                    m_platform.log("virtio-rng: the device does not work");
                return true;
            }
            return false;
        case VirtioDeviceType::Socket:
            if (m_devices.socket != nullptr)
                return false;
            if (auto* socket = new (std::nothrow) VirtioSocket(m_platform, transport)) {
                if (socket->start())
                    m_devices.socket = socket;
                else
                    m_platform.log("virtio-vsock: the device does not work");
                return true;
            }
            return false;
        default:
            return false;
        }
    }

    Platform& m_platform;
    Devices m_devices;
};

} // namespace

std::optional<VirtioMmio::Location> parse_mmio_device(std::string_view value) {
    auto size = take_number(value);
    if (!size || *size > UINT32_MAX)
        return std::nullopt;
    if (take(value, 'K') || take(value, 'k'))
        *size <<= 10;
    else if (take(value, 'M') || take(value, 'm'))
        *size <<= 20;
    if (!take(value, '@'))
        return std::nullopt;
    auto address = take_number(value);
    if (!address || !take(value, ':'))
        return std::nullopt;
    auto line = take_number(value);
    if (!line || *line > UINT16_MAX || (!value.empty() && value[0] != ':'))
        return std::nullopt;
    return VirtioMmio::Location{*address, static_cast<size_t>(*size), static_cast<unsigned>(*line)};
}

Devices initialize(Platform& platform, const AcpiTables& tables, std::string_view command_line) {
    Discovery discovery(platform);
    if (has_pci_config_ports())
        discovery.scan_pci();
    else if (!discovery.scan_command_line(command_line))
        discovery.scan_microvm_slots(tables);
    return discovery.found();
}

} // namespace drivers
