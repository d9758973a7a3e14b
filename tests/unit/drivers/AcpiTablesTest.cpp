#include "libos/drivers/AcpiTables.h"
#include "tests/unit/drivers/AcpiImage.h"

#include <gtest/gtest.h>

namespace drivers::test {
namespace {

constexpr PhysicalAddress root_pointer = 0xf0000;

TEST(AcpiTables, FindsTablesThroughBothRoots) {
    for (bool extended : {false, true}) {
        FakeMachine machine;
        machine.put_firmware(0x1000, acpi_table("APIC", std::vector<std::byte>(50)));
        machine.put_firmware(0x2000, acpi_table("HPET", {}));
        put_acpi_root(machine, root_pointer, extended, {0x1000, 0x2000});
        AcpiTables tables;
        ASSERT_TRUE(tables.initialize(machine, root_pointer));
        EXPECT_EQ(tables.find("APIC").size(), 50u);
        EXPECT_EQ(tables.find("HPET").size(), 36u);
        EXPECT_TRUE(tables.find("MCFG").empty());
        EXPECT_TRUE(tables.find("DSDT").empty());
    }
}

TEST(AcpiTables, NoOrBrokenRootIsNoDevice) {
    FakeMachine machine;
    AcpiTables tables;
    EXPECT_FALSE(tables.initialize(machine, 0));
    EXPECT_FALSE(tables.initialize(machine, root_pointer));
    machine.put_firmware(root_pointer, std::vector<std::byte>(36));
    EXPECT_FALSE(tables.initialize(machine, root_pointer));
    EXPECT_TRUE(tables.find("FACP").empty());
}

TEST(AcpiTables, SkipsTablesWithBadLengthOrChecksum) {
    FakeMachine machine;
    auto too_long = acpi_table("SSDT", {});
    put_integer(too_long, 4, 0xffffffff, 4);
    auto too_short = acpi_table("SSDT", {});
    put_integer(too_short, 4, 8, 4);
    auto bad_sum = acpi_table("SSDT", std::vector<std::byte>(40));
    bad_sum[39] = std::byte{1};
    machine.put_firmware(0x1000, too_long);
    machine.put_firmware(0x2000, too_short);
    machine.put_firmware(0x3000, bad_sum);
    machine.put_firmware(0x4000, acpi_table("SSDT", std::vector<std::byte>(44)));
    put_acpi_root(machine, root_pointer, true, {0, 0x1000, 0x2000, 0x3000, 0x9000, 0x4000});
    AcpiTables tables;
    ASSERT_TRUE(tables.initialize(machine, root_pointer));
    EXPECT_EQ(tables.find("SSDT").size(), 44u);
}

} // namespace
} // namespace drivers::test
