#include "tracer/vsock/MemoryTable.h"

#include "tests/unit/tracer/vsock/FakeGuest.h"

#include <fcntl.h>
#include <gtest/gtest.h>

using namespace tracer::vsock;
using tracer::FileDescriptor;
using tracer::Result;

namespace {

constexpr uint64_t page = 4096;

class MemoryTableTest : public testing::Test {
protected:
    MemoryTableTest()
        : m_file(memfd_create("memory", MFD_CLOEXEC)) {
        if (ftruncate(m_file.get(), 4 * page) != 0)
            std::abort();
    }

    Result<MemoryTable> create(const std::vector<MemoryRegion>& regions) {
        std::vector<MemoryCommand::Entry> entries;
        entries.reserve(regions.size());
        for (const MemoryRegion& region : regions)
            entries.push_back({region, test::duplicate(m_file)});
        return MemoryTable::create(entries);
    }
    void write(uint64_t offset, std::string_view text) {
        ASSERT_EQ(pwrite(m_file.get(), text.data(), text.size(), static_cast<off_t>(offset)),
                  static_cast<ssize_t>(text.size()));
    }

    FileDescriptor m_file;
};

} // namespace

TEST_F(MemoryTableTest, TranslatesBothAddressSpaces) {
    write(2 * page + 10, "here");
    const auto table = create({{0x100000, 2 * page, 0x7f0000000000, page}});
    ASSERT_TRUE(table);
    const std::byte* seen = table->guest(0x100000 + page + 10, 4);
    ASSERT_NE(seen, nullptr);
    EXPECT_EQ(std::memcmp(seen, "here", 4), 0);
    EXPECT_EQ(table->user(0x7f0000000000 + page + 10, 4), seen);
    EXPECT_EQ(table->guest(0x7f0000000000, 1), nullptr) << "one space is not the other";
    EXPECT_EQ(table->user(0x100000, 1), nullptr);
}

TEST_F(MemoryTableTest, AWholeRangeOrNothing) {
    const auto table = create({{0x100000, page, 0x7f0000000000, 0}});
    ASSERT_TRUE(table);
    EXPECT_NE(table->guest(0x100000, page), nullptr);
    EXPECT_EQ(table->guest(0x100000, page + 1), nullptr);
    EXPECT_EQ(table->guest(0x100001, page), nullptr);
    EXPECT_EQ(table->guest(0xfffff, 1), nullptr);
    EXPECT_EQ(table->guest(0x100000 + page, 1), nullptr);
    EXPECT_EQ(table->guest(0x100800, UINT64_MAX), nullptr);
    EXPECT_EQ(table->guest(UINT64_MAX, 2), nullptr);
    EXPECT_EQ(table->user(0x7f0000000000 + page - 1, 2), nullptr);
    EXPECT_EQ(table->user(0x7f0000000000 + page - 1, UINT64_MAX), nullptr);
    std::vector<iovec> parts;
    for (const uint64_t size : {page + 1, UINT64_MAX, UINT64_MAX - 0x100000})
        EXPECT_FALSE(table->append_guest(0x100000, size, parts)) << size;
    EXPECT_TRUE(parts.empty());
    EXPECT_TRUE(table->append_guest(0x100000, 0, parts));
    EXPECT_TRUE(parts.empty());
}

TEST_F(MemoryTableTest, ARangeMayCrossRegionsThatAdjoin) {
    // In the guest's order: file page 2, file page 0; then a hole.
    const auto table =
        create({{page, page, 0x10000, 0}, {0, page, 0x20000, 2 * page}, {3 * page, page, 0x30000, page}});
    ASSERT_TRUE(table);
    std::vector<iovec> parts;
    ASSERT_TRUE(table->append_guest(page - 3, 8, parts));
    ASSERT_EQ(parts.size(), 2u);
    EXPECT_EQ(parts[0].iov_len, 3u);
    EXPECT_EQ(parts[1].iov_len, 5u);
    EXPECT_EQ(parts[0].iov_base, table->user(0x20000 + page - 3, 3));
    EXPECT_EQ(parts[1].iov_base, table->user(0x10000, 5));
    EXPECT_EQ(table->guest(page - 3, 8), nullptr) << "not in one piece";
    EXPECT_FALSE(table->append_guest(2 * page - 1, 2, parts));
    EXPECT_EQ(parts.size(), 2u) << "what was there is left alone";
    EXPECT_EQ(table->user(0x10000 + page - 1, 2), nullptr);
}

TEST_F(MemoryTableTest, RefusesImpossibleRegions) {
    EXPECT_FALSE(create({{0, 0, 0, 0}})) << "empty";
    EXPECT_FALSE(create({{UINT64_MAX - page + 2, page, 0, 0}})) << "guest addresses wrap around";
    EXPECT_FALSE(create({{0, page, UINT64_MAX - page + 2, 0}})) << "user addresses wrap around";
    EXPECT_FALSE(create({{0, page, 0, UINT64_MAX - page + 2}})) << "file offsets wrap around";
    EXPECT_FALSE(create({{0, 5 * page, 0, 0}})) << "longer than the file";
    EXPECT_FALSE(create({{0, page, 0, 4 * page}})) << "behind the file";
    EXPECT_FALSE(create({{0, UINT64_MAX, 0, 0}}));
    EXPECT_FALSE(create({{0, page, 0, 0}, {page - 1, page, 0x100000, 0}})) << "guest addresses overlap";
    EXPECT_FALSE(create({{0, page, 0, 0}, {page, page, page - 1, 0}})) << "user addresses overlap";
    EXPECT_TRUE(create({{0, page, 0, 0}, {page, page, page, 0}})) << "neighbours do not overlap";
}

TEST_F(MemoryTableTest, AnUnalignedOffsetIsMapped) {
    write(page + 100, "x");
    const auto table = create({{0, 200, 0, page + 100}});
    ASSERT_TRUE(table);
    EXPECT_EQ(static_cast<char>(*table->guest(0, 200)), 'x');
}

TEST_F(MemoryTableTest, OnlyFilesAreMemory) {
    std::vector<MemoryCommand::Entry> entries;
    entries.push_back({{0, page, 0, 0}, test::make_event()});
    EXPECT_FALSE(MemoryTable::create(entries));
    entries[0].file = FileDescriptor(open("/dev/zero", O_RDWR | O_CLOEXEC));
    EXPECT_FALSE(MemoryTable::create(entries));
    entries[0].file = FileDescriptor(open("/", O_RDONLY | O_CLOEXEC));
    EXPECT_FALSE(MemoryTable::create(entries));
    entries[0].file = FileDescriptor();
    EXPECT_FALSE(MemoryTable::create(entries));
}
