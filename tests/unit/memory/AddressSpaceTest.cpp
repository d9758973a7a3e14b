#include "libos/memory/AddressSpace.h"
#include "libos/base/Text.h"
#include "libos/memory/PhysicalMemory.h"

#include <arch/PageTable.h>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <random>

namespace {

using base::Error;
using memory::Access;
using memory::AddressSpace;

constexpr uint64_t page = 4096;
constexpr memory::Protection read_write{.read = true, .write = true};
constexpr memory::Protection read_only{.read = true};

class AddressSpaceTest : public testing::Test {
protected:
    AddressSpaceTest() {
        arch::HostedMachine::instance().reset(16u << 20);
        // The one global allocator: its frames lie in this test's arena.
        auto& memory = memory::physical_memory();
        new (&memory) memory::PhysicalMemory;
        memory.add_region(1u << 20, 16u << 20);
        m_free_at_start = memory.free_pages();
    }

    ~AddressSpaceTest() override { space.release_all(); }

    uint64_t map(uint64_t pages, memory::Protection protection = read_write, uint64_t at = 0) {
        auto result = space.map(
            {.address = at, .length = pages * page, .protection = protection, .fixed = at != 0, .replace = true});
        EXPECT_TRUE(result.has_value());
        return result.value_or(0);
    }
    void touch(uint64_t address) { ASSERT_TRUE(space.resolve(address, Access::Write).has_value()); }
    std::string maps() const {
        static char buffer[65536];
        base::TextBuilder text(buffer);
        space.print_maps(text);
        return std::string(text.view());
    }
    uint64_t used_pages() const { return m_free_at_start - memory::physical_memory().free_pages(); }

    AddressSpace space;

private:
    uint64_t m_free_at_start;
};

Error error_of(const base::Result<>& result) {
    return result.has_value() ? Error{0} : result.error();
}

} // namespace

TEST_F(AddressSpaceTest, PagesComeWhenTouched) {
    uint64_t at = map(100);
    EXPECT_EQ(used_pages(), 0u);
    touch(at);
    touch(at + 99 * page);
    EXPECT_EQ(used_pages(), 2u);
    EXPECT_EQ(space.resident_pages(), 2u);
}

TEST_F(AddressSpaceTest, NothingIsMappedAtNullOrOutside) {
    uint64_t at = map(1);
    EXPECT_EQ(error_of(space.resolve(0, Access::Read)), Error::Fault);
    EXPECT_EQ(error_of(space.resolve(at + page, Access::Read)), Error::Fault);
    EXPECT_FALSE(space.map({.address = 0x1000, .length = page, .protection = read_write, .fixed = true}));
}

TEST_F(AddressSpaceTest, WritableAndExecutableIsRefused) {
    memory::Protection both{.read = true, .write = true, .execute = true};
    auto mapped = space.map({.length = page, .protection = both});
    ASSERT_FALSE(mapped.has_value());
    EXPECT_EQ(mapped.error(), Error::Access);
    uint64_t at = map(1);
    EXPECT_EQ(error_of(space.protect(at, page, both)), Error::Access);
}

TEST_F(AddressSpaceTest, ProtectionIsEnforcedAndContentsStay) {
    uint64_t at = map(3);
    touch(at + page);
    auto frame = arch::find_page(at + page)->frame;
    std::memset(arch::direct_map(frame), 0x5a, page);
    ASSERT_TRUE(space.protect(at + page, page, read_only));
    EXPECT_EQ(error_of(space.resolve(at + page, Access::Write)), Error::Access);
    EXPECT_TRUE(space.resolve(at + page, Access::Read));
    EXPECT_FALSE(arch::find_page(at + page)->flags.writable);
    ASSERT_TRUE(space.protect(at + page, page, {}));
    EXPECT_EQ(error_of(space.resolve(at + page, Access::Read)), Error::Access);
    ASSERT_TRUE(space.protect(at + page, page, read_write));
    EXPECT_TRUE(space.resolve(at + page, Access::Write));
    EXPECT_EQ(arch::find_page(at + page)->frame, frame);
    EXPECT_EQ(static_cast<unsigned char*>(arch::direct_map(frame))[17], 0x5a);
}

TEST_F(AddressSpaceTest, UnmapInTheMiddleSplitsAndFrees) {
    uint64_t at = map(4);
    for (int i = 0; i < 4; ++i)
        touch(at + i * page);
    ASSERT_TRUE(space.unmap(at + page, 2 * page));
    EXPECT_EQ(used_pages(), 2u);
    EXPECT_EQ(error_of(space.resolve(at + page, Access::Read)), Error::Fault);
    EXPECT_TRUE(space.resolve(at + 3 * page, Access::Read));
}

TEST_F(AddressSpaceTest, RunningOutIsAnError) {
    uint64_t at = map(8192);
    uint64_t i = 0;
    base::Result<> result;
    for (; i < 8192 && result; ++i)
        result = space.resolve(at + i * page, Access::Write);
    EXPECT_EQ(error_of(result), Error::NoMemory);
    ASSERT_TRUE(space.unmap(at, 8192 * page));
    EXPECT_EQ(used_pages(), 0u);
}

TEST_F(AddressSpaceTest, AFullPageTableLosesNoFrame) {
    uint64_t at = map(2);
    arch::HostedMachine::instance().map_budget = 0;
    EXPECT_EQ(error_of(space.resolve(at, Access::Write)), Error::NoMemory);
    EXPECT_EQ(used_pages(), 0u);
}

TEST_F(AddressSpaceTest, BreakGrowsAndShrinks) {
    space.set_heap_start(0x500000);
    EXPECT_EQ(space.set_break(0), 0x500000u);
    EXPECT_EQ(space.set_break(0x502345), 0x502345u);
    touch(0x501000);
    EXPECT_EQ(space.set_break(0x500800), 0x500800u);
    EXPECT_EQ(used_pages(), 0u);
    EXPECT_EQ(error_of(space.resolve(0x501000, Access::Read)), Error::Fault);
    map(1, read_write, 0x510000);
    EXPECT_EQ(space.set_break(0x520000), 0x500800u); // something is in the way
}

TEST_F(AddressSpaceTest, RemapMovesContents) {
    uint64_t at = map(2);
    touch(at);
    auto frame = arch::find_page(at)->frame;
    map(1, read_write, at + 2 * page); // in the way of growing in place
    EXPECT_FALSE(space.remap(at, 2 * page, 4 * page, false, false, 0));
    auto moved = space.remap(at, 2 * page, 4 * page, true, false, 0);
    ASSERT_TRUE(moved.has_value());
    EXPECT_NE(*moved, at);
    EXPECT_EQ(arch::find_page(*moved)->frame, frame);
    EXPECT_EQ(error_of(space.resolve(at, Access::Read)), Error::Fault);
    EXPECT_TRUE(space.resolve(*moved + 3 * page, Access::Write));
}

TEST_F(AddressSpaceTest, DiscardedPagesReadAsZero) {
    uint64_t at = map(1);
    touch(at);
    std::memset(arch::direct_map(arch::find_page(at)->frame), 0xff, page);
    ASSERT_TRUE(space.discard(at, page));
    touch(at);
    EXPECT_EQ(static_cast<unsigned char*>(arch::direct_map(arch::find_page(at)->frame))[0], 0);
}

TEST_F(AddressSpaceTest, TheLibosCannotBeMappedOver) {
    ASSERT_TRUE(space.reserve(0x40600000, 0x40700000, "{libos}"));
    EXPECT_FALSE(
        space.map({.address = 0x40600000, .length = page, .protection = read_write, .fixed = true, .replace = true}));
    EXPECT_FALSE(space.unmap(0x40600000, page));
    EXPECT_FALSE(space.protect(0x40600000, page, read_write));
    EXPECT_EQ(error_of(space.resolve(0x40600000, Access::Write)), Error::Access);
}

/// Random operations against a plain model of what each page allows.
TEST_F(AddressSpaceTest, AgreesWithAModelOverRandomOperations) {
    constexpr uint64_t base_address = 0x10000000;
    constexpr unsigned pages = 64;
    std::mt19937 random(7);
    std::map<unsigned, memory::Protection> model;
    for (int step = 0; step < 20000; ++step) {
        unsigned first = random() % pages;
        unsigned count = 1 + random() % (pages - first);
        uint64_t at = base_address + first * page;
        memory::Protection protection = random() % 3 == 0   ? memory::Protection{}
                                        : random() % 2 == 0 ? read_only
                                                            : read_write;
        switch (random() % 4) {
        case 0:
            map(count, protection, at);
            for (unsigned i = first; i < first + count; ++i)
                model[i] = protection;
            break;
        case 1:
            ASSERT_TRUE(space.unmap(at, count * page));
            for (unsigned i = first; i < first + count; ++i)
                model.erase(i);
            break;
        case 2: {
            bool all = true;
            for (unsigned i = first; i < first + count; ++i)
                all = all && model.contains(i);
            EXPECT_EQ(space.protect(at, count * page, protection).has_value(), all);
            for (unsigned i = first; all && i < first + count; ++i)
                model[i] = protection;
            break;
        }
        default: {
            bool writes = random() % 2 == 0;
            auto result = space.resolve(at, writes ? Access::Write : Access::Read);
            auto it = model.find(first);
            Error wanted = it == model.end()                                        ? Error::Fault
                           : (writes ? it->second.write : it->second.read) == false ? Error::Access
                                                                                    : Error{0};
            ASSERT_EQ(error_of(result), wanted) << maps();
            if (wanted == Error{0}) {
                EXPECT_EQ(arch::find_page(at)->flags.writable, it->second.write);
            }
        }
        }
    }
    ASSERT_TRUE(space.unmap(base_address, pages * page));
    EXPECT_EQ(used_pages(), 0u);
    EXPECT_EQ(maps(), "");
}
