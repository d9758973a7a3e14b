#include "libos/memory/PhysicalMemory.h"

#include <arch/PageTable.h>
#include <cstring>
#include <gtest/gtest.h>
#include <set>

namespace {

class PhysicalMemoryTest : public testing::Test {
protected:
    PhysicalMemoryTest() { arch::HostedMachine::instance().reset(8u << 20); }
    memory::PhysicalMemory memory;
};

} // namespace

TEST_F(PhysicalMemoryTest, ReservedRangesAreNeverGivenOut) {
    memory.add_region(0, 1u << 20);
    memory.reserve(0, 0x8000);
    memory.reserve(0x40123, 0x41001);
    std::set<uint64_t> seen;
    while (auto frame = memory.allocate_zeroed_page()) {
        EXPECT_TRUE(seen.insert(*frame).second);
        EXPECT_GE(*frame, 0x8000u);
        EXPECT_TRUE(*frame < 0x40000 || *frame >= 0x42000);
    }
    EXPECT_EQ(seen.size(), 256u - 8 - 2);
    EXPECT_EQ(memory.free_pages(), 0u);
    EXPECT_EQ(memory.total_pages(), 256u);
    EXPECT_TRUE(memory.is_ram(0x40500)); // in use, and memory all the same
    EXPECT_FALSE(memory.is_ram(1u << 20));
}

TEST_F(PhysicalMemoryTest, FreedPagesComeBackZeroed) {
    memory.add_region(0x1000, 0x3000);
    auto frame = memory.allocate_zeroed_page();
    ASSERT_TRUE(frame);
    std::memset(memory.to_pointer(*frame), 0xaa, 4096);
    memory.free_page(*frame);
    auto again = memory.allocate_zeroed_page();
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, *frame);
    EXPECT_EQ(static_cast<unsigned char*>(memory.to_pointer(*again))[8], 0);
}

TEST_F(PhysicalMemoryTest, ContiguousRunsAreAligned) {
    memory.add_region(0x1000, 0x200000);
    uint64_t before = memory.free_pages();
    auto run = memory.allocate_contiguous(16, 0x10000);
    ASSERT_TRUE(run);
    EXPECT_EQ(*run % 0x10000, 0u);
    EXPECT_EQ(memory.free_pages(), before - 16);
    std::set<uint64_t> seen;
    while (auto frame = memory.allocate_zeroed_page()) {
        EXPECT_TRUE(*frame < *run || *frame >= *run + 16 * 4096);
        EXPECT_TRUE(seen.insert(*frame).second);
    }
    EXPECT_EQ(seen.size(), before - 16);
    EXPECT_FALSE(memory.allocate_contiguous(1));
}
