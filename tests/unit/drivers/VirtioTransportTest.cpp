#include "libos/drivers/Devices.h"
#include "libos/drivers/VirtioMmio.h"
#include "libos/drivers/VirtioPci.h"
#include "tests/unit/drivers/AcpiImage.h"
#include "tests/unit/drivers/FakeVirtio.h"

#include <gtest/gtest.h>

namespace drivers::test {
namespace {

/// Answers each buffer with as many 'r' as fit.
class FakeRngDevice final : public FakeVirtioDevice {
public:
    FakeRngDevice() {
        type = 4;
        queues.resize(1);
    }
    void on_notify(uint16_t index) override {
        while (auto buffer = pop(index)) {
            auto room = buffer->writable.at(0);
            std::memset(room.data(), 'r', room.size());
            push(index, buffer->id, static_cast<uint32_t>(room.size()) + excess);
        }
    }
    uint32_t excess = 0;
};

constexpr PhysicalAddress mmio_address = 0xfeb00000;

std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(VirtioMmio, ReadsTheDevice) {
    FakeMachine machine;
    FakeSerialDevice device({}, 5);
    FakeVirtioMmio registers(device);
    machine.attach_memory(mmio_address, 512, registers);
    VirtioMmio transport;
    ASSERT_TRUE(transport.open(machine, {mmio_address, 512, 5}));
    EXPECT_EQ(transport.device_type(), VirtioDeviceType::Console);
    EXPECT_EQ(transport.read_config32(4), 5u);
    EXPECT_FALSE(transport.read_config32(256 - 2));
    EXPECT_EQ(transport.max_queue_size(2), 32);
    EXPECT_EQ(transport.max_queue_size(99), 0);
    EXPECT_EQ(virtio_negotiate(machine, transport, 2), virtio_feature_version_1 | 2);
    EXPECT_EQ(device.accepted, virtio_feature_version_1 | 2);
}

TEST(VirtioMmio, RefusesLegacyInWords) {
    FakeMachine machine;
    FakeRngDevice device;
    FakeVirtioMmio registers(device);
    registers.version = 1;
    machine.attach_memory(mmio_address, 512, registers);
    VirtioMmio transport;
    EXPECT_EQ(transport.open(machine, {mmio_address, 512, 5}), base::fail(base::Error::NotSupported));
    ASSERT_EQ(machine.lines.size(), 1u);
    EXPECT_NE(machine.lines[0].find("force-legacy=false"), std::string::npos);
}

TEST(VirtioMmio, AbsentAndEmptySlotsAreNoDevice) {
    FakeMachine machine;
    FakeRngDevice device;
    device.type = 0;
    FakeVirtioMmio registers(device);
    machine.attach_memory(mmio_address, 512, registers);
    VirtioMmio transport;
    EXPECT_EQ(transport.open(machine, {mmio_address, 512, 5}), base::fail(base::Error::NoSuchDevice));
    EXPECT_EQ(transport.open(machine, {mmio_address + 512, 512, 6}), base::fail(base::Error::NoSuchDevice));
    EXPECT_EQ(transport.open(machine, {mmio_address, 64, 6}), base::fail(base::Error::Invalid));
}

TEST(VirtioNegotiate, RefusesDevicesOfAnotherKind) {
    FakeMachine machine;
    FakeRngDevice device;
    FakeVirtioMmio registers(device);
    machine.attach_memory(mmio_address, 512, registers);
    VirtioMmio transport;
    ASSERT_TRUE(transport.open(machine, {mmio_address, 512, 5}));
    device.takes_features = false;
    EXPECT_FALSE(virtio_negotiate(machine, transport, 0));
    device.takes_features = true;
    device.features = 0;
    EXPECT_FALSE(virtio_negotiate(machine, transport, 0));
}

TEST(VirtioPci, WorksByMessages) {
    FakeMachine machine;
    FakeRngDevice device;
    FakeVirtioPci pci(machine, device);
    VirtioPci transport;
    ASSERT_TRUE(transport.open(machine, PciFunction(3, 0)));
    EXPECT_EQ(transport.device_type(), VirtioDeviceType::Entropy);
    EXPECT_EQ(pci.get<uint16_t>(0x04), 0x406);
    EXPECT_EQ(pci.get<uint32_t>(0x20), 0xc000000cu) << "BARs must be as firmware left them";
    ASSERT_TRUE(virtio_negotiate(machine, transport, 0));
    unsigned interrupts = 0;
    ASSERT_TRUE(transport.connect_interrupt([](void* count) { ++*static_cast<unsigned*>(count); }, &interrupts));
    device.interrupt();
    EXPECT_EQ(interrupts, 1u);
    VirtQueue queue;
    ASSERT_TRUE(virtio_add_queue(machine, transport, 0, queue));
    EXPECT_EQ(device.queues[0].vector, 0);
    BufferSegment segment{*machine.allocate_zeroed_page(), 64, true};
    ASSERT_TRUE(queue.add({&segment, 1}));
    transport.notify(0);
    EXPECT_EQ(queue.take_used()->written, 64u);
}

TEST(VirtioPci, TransitionalDevicesHaveTheirTypeInTheSubsystem) {
    FakeMachine machine;
    FakeRngDevice device;
    FakeVirtioPci pci(machine, device);
    pci.put<uint16_t>(0x02, 0x1005);
    pci.put<uint16_t>(0x2e, 4);
    VirtioPci transport;
    ASSERT_TRUE(transport.open(machine, PciFunction(3, 0)));
    EXPECT_EQ(transport.device_type(), VirtioDeviceType::Entropy);
}

TEST(VirtioPci, RefusesCapabilitiesOutsideTheirBar) {
    struct Change {
        uint8_t offset;
        uint32_t value;
    };
    // Common configuration: offset and length past the BAR, overflowing, empty, too short; a BAR that is not there.
    for (auto change : {Change{0x48, 0x3001}, Change{0x48, 0xfffffff0}, Change{0x4c, 0xffffffff}, Change{0x4c, 0},
                        Change{0x4c, 0x20}, Change{0x44, 0}, Change{0x44, 7}, Change{0x44, 5}}) {
        FakeMachine machine;
        FakeRngDevice device;
        FakeVirtioPci pci(machine, device);
        pci.put<uint32_t>(change.offset, change.value);
        VirtioPci transport;
        EXPECT_EQ(transport.open(machine, PciFunction(3, 0)), base::fail(base::Error::NotSupported));
        EXPECT_EQ(machine.lines.size(), 1u);
    }
}

TEST(VirtioPci, SurvivesALoopInTheCapabilityList) {
    FakeMachine machine;
    FakeRngDevice device;
    FakeVirtioPci pci(machine, device);
    pci.put<uint8_t>(0x41, 0x40);
    VirtioPci transport;
    EXPECT_FALSE(transport.open(machine, PciFunction(3, 0)));
}

TEST(VirtioPci, RefusesANotificationOutsideItsArea) {
    FakeMachine machine;
    FakeSerialDevice device({}, 4);
    FakeVirtioPci pci(machine, device);
    pci.put<uint32_t>(0x7c + 16, 0x10000);
    VirtioPci transport;
    ASSERT_TRUE(transport.open(machine, PciFunction(3, 0)));
    VirtQueue queue;
    EXPECT_EQ(virtio_add_queue(machine, transport, 2, queue), base::fail(base::Error::Io));
}

TEST(VirtioRng, FillsAndSurvivesLies) {
    FakeMachine machine;
    FakeRngDevice device;
    FakeVirtioMmio registers(device);
    machine.attach_memory(mmio_address, 512, registers);
    VirtioMmio transport;
    ASSERT_TRUE(transport.open(machine, {mmio_address, 512, 5}));
    VirtioRng rng(machine, transport);
    ASSERT_TRUE(rng.start());
    std::vector<std::byte> bytes(5000);
    EXPECT_EQ(rng.fill(bytes, 100), 5000u);
    EXPECT_EQ(text_of(bytes), std::string(5000, 'r'));
    device.excess = 1;
    EXPECT_EQ(rng.fill(bytes, 100), 0u);
    device.excess = 0;
    EXPECT_EQ(rng.fill(bytes, 100), 0u) << "a broken queue stays so";
}

/// Devices live for ever, which leak detection has to be told.
Devices find(FakeMachine& machine, const AcpiTables& tables, std::string_view command_line) {
    static auto& for_ever = *new std::vector<Devices>;
    return for_ever.emplace_back(initialize(machine, tables, command_line));
}

TEST(Devices, FindsPciDevices) {
    FakeMachine machine;
    FakeRngDevice device;
    FakeVirtioPci pci(machine, device);
    Devices found = find(machine, AcpiTables{}, "app");
    ASSERT_NE(found.rng, nullptr);
    EXPECT_EQ(found.console, nullptr);
    std::byte bytes[10];
    EXPECT_EQ(found.rng->fill(bytes, 10), 10u);
}

TEST(Devices, FindsWhatTheCommandLineNames) {
    FakeMachine machine;
    FakeRngDevice device;
    FakeVirtioMmio registers(device);
    machine.attach_memory(0xfeb00e00, 512, registers);
    Devices found = find(machine, AcpiTables{}, "app arg  virtio_mmio.device=512@0xfeb00e00:12");
    EXPECT_NE(found.rng, nullptr);
    EXPECT_EQ(find(machine, AcpiTables{}, "app virtio_mmio.device=nonsense").rng, nullptr);
    EXPECT_EQ(machine.lines.size(), 1u);
}

TEST(Devices, ProbesTheSlotsOfMicrovm) {
    FakeMachine machine;
    FakeSerialDevice device({});
    FakeVirtioMmio registers(device);
    device.raise = [&] { machine.raise(24 + 23); };
    machine.attach_memory(mmio_address + uint64_t{23} * 512, 512, registers);
    std::vector<std::byte> madt(44);
    for (int i = 0; i < 2; ++i) {
        madt.resize(madt.size() + 12);
        put_integer(madt, madt.size() - 12, 1, 1);
        put_integer(madt, madt.size() - 11, 12, 1);
    }
    machine.put_firmware(0x1000, acpi_table("APIC", madt));
    put_acpi_root(machine, 0xf0000, true, {0x1000});
    AcpiTables tables;
    ASSERT_TRUE(tables.initialize(machine, 0xf0000));
    Devices found = find(machine, tables, "app");
    ASSERT_NE(found.console, nullptr);
    device.interrupt();
    EXPECT_EQ(device.interrupt_status, 0u) << "the line is the second I/O APIC's";
}

TEST(ParseMmioDevice, TakesTheNotationOfLinux) {
    auto location = parse_mmio_device("4K@0xd0000000:7:3");
    ASSERT_TRUE(location);
    EXPECT_EQ(location->size, 4096u);
    EXPECT_EQ(location->address, 0xd0000000u);
    EXPECT_EQ(location->line, 7u);
    EXPECT_EQ(parse_mmio_device("512@4273996800:5")->address, 0xfec00400u);
    for (auto bad : {"", "512", "512@", "512@0x", "512@0x1000", "512@0x1000:", "512@0x1000:5x", "@0x1000:5",
                     "99999999999999999999@0:1", "512@0x10000000000000000:5", "512@0:70000"})
        EXPECT_FALSE(parse_mmio_device(bad)) << bad;
}

} // namespace
} // namespace drivers::test
