#include "libos/drivers/Power.h"
#include "tests/unit/drivers/AcpiImage.h"

#include <gtest/gtest.h>

namespace drivers::test {
namespace {

/// Remembers what was written to it.
class Latch final : public FakeRegisters {
public:
    uint32_t read(uint64_t, unsigned) override { return 0; }
    void write(uint64_t offset, uint32_t value, unsigned width) override { writes.push_back({offset, value, width}); }
    struct Write {
        uint64_t offset;
        uint32_t value;
        unsigned width;
        bool operator==(const Write&) const = default;
    };
    std::vector<Write> writes;
};

std::vector<std::byte> soft_off_package(std::initializer_list<int> aml) {
    std::vector<std::byte> bytes(60);
    for (char c : std::string_view("\x08_S5_"))
        bytes.push_back(static_cast<std::byte>(c));
    for (int byte : aml)
        bytes.push_back(static_cast<std::byte>(byte));
    return acpi_table("DSDT", bytes);
}

class PowerTest : public testing::Test {
public:
    PowerTest() { power.set_patience(0); }

    void boot(std::vector<std::byte> fadt, std::vector<std::byte> dsdt) {
        machine.put_firmware(0x2000, std::move(dsdt));
        put_integer(fadt, 40, 0x2000, 4);
        machine.put_firmware(0x1000, acpi_table("FACP", fadt));
        put_acpi_root(machine, 0xf0000, false, {0x1000});
        AcpiTables tables;
        ASSERT_TRUE(tables.initialize(machine, 0xf0000));
        power.discover(machine, tables);
    }

    FakeMachine machine;
    Latch latch;
    Power power;
};

TEST_F(PowerTest, WithoutTablesOnlyTheKeyboardControllerIsTried) {
    machine.attach_ports(0x64, 1, latch);
    power.discover(machine, AcpiTables{});
    EXPECT_FALSE(power.can_switch_off());
    power.try_off();
    EXPECT_TRUE(latch.writes.empty());
    power.try_reset();
    EXPECT_EQ(latch.writes, (std::vector<Latch::Write>{{0, 0xfe, 1}}));
}

TEST_F(PowerTest, WritesTheSleepTypeToPm1a) {
    machine.attach_ports(0x604, 2, latch);
    std::vector<std::byte> fadt(132);
    put_integer(fadt, 64, 0x604, 4);
    boot(fadt, soft_off_package({0x12, 0x06, 0x04, 0x0a, 0x07, 0x00, 0x00, 0x00}));
    EXPECT_TRUE(power.can_switch_off());
    power.try_off();
    EXPECT_EQ(latch.writes, (std::vector<Latch::Write>{{0, 0x3c00, 2}}));
}

TEST_F(PowerTest, UnderstandsZeroAndOneAndLongPackages) {
    machine.attach_ports(0x604, 2, latch);
    std::vector<std::byte> fadt(132);
    put_integer(fadt, 64, 0x604, 4);
    boot(fadt, soft_off_package({0x12, 0x06, 0x04, 0x00, 0x00, 0x00, 0x00}));
    power.try_off();
    boot(fadt, soft_off_package({0x12, 0x46, 0x00, 0x04, 0x01, 0x00, 0x00, 0x00}));
    power.try_off();
    EXPECT_EQ(latch.writes, (std::vector<Latch::Write>{{0, 0x2000, 2}, {0, 0x2400, 2}}));
}

TEST_F(PowerTest, CutOffPackageFallsBack) {
    machine.attach_ports(0x604, 2, latch);
    std::vector<std::byte> fadt(132);
    put_integer(fadt, 64, 0x604, 4);
    boot(fadt, soft_off_package({0x12, 0xc6}));
    power.try_off();
    EXPECT_EQ(latch.writes, (std::vector<Latch::Write>{{0, 0x2000, 2}}));
}

TEST_F(PowerTest, HardwareReducedMachineHasSleepControlAndReset) {
    machine.attach_memory(0xfea00200, 3, latch);
    std::vector<std::byte> fadt(268);
    put_integer(fadt, 112, 1u << 20 | 1u << 10, 4);
    put_integer(fadt, 116, 0, 1); // memory space
    put_integer(fadt, 120, 0xfea00202, 8);
    put_integer(fadt, 128, 0x42, 1);
    put_integer(fadt, 244, 0, 1);
    put_integer(fadt, 248, 0xfea00200, 8);
    boot(fadt, soft_off_package({0x12, 0x06, 0x04, 0x0a, 0x05, 0x00, 0x00, 0x00}));
    power.try_off();
    power.try_reset();
    EXPECT_EQ(latch.writes, (std::vector<Latch::Write>{{0, 0x34, 1}, {2, 0x42, 1}}));
}

} // namespace
} // namespace drivers::test
