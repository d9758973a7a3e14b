#include "tracer/symbols/SymbolStore.h"

#include "tests/unit/tracer/instance/TemporaryDirectory.h"
#include "tracer/symbols/FindImage.h"

#include <fcntl.h>
#include <sys/stat.h>

using namespace tracer;

namespace fs = std::filesystem;

namespace {

/// Files with build ids of their own: the fixture, its id's last byte replaced.
class SymbolStoreTest : public TemporaryDirectory {
protected:
    void SetUp() override {
        TemporaryDirectory::SetUp();
        setenv("XDG_DATA_HOME", (m_directory / "data").c_str(), 1);
        unsetenv("DEBUGINFOD_URLS");
    }
    void TearDown() override {
        unsetenv("XDG_DATA_HOME");
        unsetenv("UNISCOPE_SYMBOLS_LIMIT");
        TemporaryDirectory::TearDown();
    }

    fs::path build(const std::string& name, char last_byte) {
        std::string bytes = read(STACK_FIXTURE);
        const Image original = Image::open(STACK_FIXTURE).value();
        std::string id;
        for (size_t i = 0; i < original.build_id().size(); i += 2)
            id += static_cast<char>(std::stoi(original.build_id().substr(i, 2), nullptr, 16));
        const size_t at = bytes.find(id);
        EXPECT_NE(at, std::string::npos);
        bytes[at + id.size() - 1] = last_byte;
        const fs::path path = m_directory / name;
        fs::remove(path);
        write(path, bytes);
        return path;
    }
    static Image open(const fs::path& path) { return Image::open(path).value(); }
    static void used_at(const fs::path& path, time_t time) {
        const timespec times[2] = {{time, 0}, {time, 0}};
        ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    }
    /// Blocks of one copy.
    static uint64_t size_of(const SymbolStore& store) { return store.list().front().size; }

    SymbolStore store(uint64_t limit = SymbolStore::default_limit) const { return {m_directory / "store", limit}; }
};

} // namespace

TEST_F(SymbolStoreTest, ACopyOutlivesTheFile) {
    const fs::path file = build("app", 1);
    const BuildId id = open(file).build_id();
    EXPECT_FALSE(store().find(id));
    const auto kept = store().add(open(file));
    ASSERT_TRUE(kept) << kept.error().message;
    // As gdb's debug-file-directory wants it.
    EXPECT_EQ(*kept, m_directory / "store/.build-id" / id.substr(0, 2) / (id.substr(2) + ".debug"));
    EXPECT_EQ(read(*kept), read(file));
    fs::remove(file);
    ASSERT_EQ(store().find(id), *kept);
    EXPECT_EQ(open(*kept).build_id(), id);
}

TEST_F(SymbolStoreTest, WhatIsDamagedIsNotFoundAndIsMadeAnew) {
    const fs::path file = build("app", 1);
    const Image image = open(file);
    const fs::path kept = store().add(image).value();
    write(kept, "rubbish");
    EXPECT_FALSE(store().find(image.build_id()));
    EXPECT_EQ(store().add(image), kept);
    EXPECT_TRUE(store().find(image.build_id()));
    EXPECT_FALSE(store().find("../../../etc/passwd"));
    EXPECT_FALSE(store().find(""));
}

TEST_F(SymbolStoreTest, TheLimitTakesWhatWasUsedLongestAgo) {
    const fs::path first = store().add(open(build("a", 1))).value();
    const fs::path second = store().add(open(build("b", 2))).value();
    used_at(first, 1000);
    used_at(second, 2000);
    const uint64_t size = size_of(store());
    ASSERT_TRUE(store().find(open(m_directory / "a").build_id())); // used just now
    const fs::path third = store(2 * size).add(open(build("c", 3))).value();
    EXPECT_TRUE(fs::exists(first));
    EXPECT_FALSE(fs::exists(second));
    EXPECT_TRUE(fs::exists(third));
    // What was just asked for stays, however small the limit.
    const fs::path fourth = store(1).add(open(build("d", 4))).value();
    EXPECT_TRUE(fs::exists(fourth));
    EXPECT_EQ(store().list().size(), 1u);
    EXPECT_EQ(store().prune(0), size);
    EXPECT_TRUE(store().list().empty());
}

TEST_F(SymbolStoreTest, ALinkIsGoodForAsLongAsTheFileIsThatBuild) {
    const fs::path file = build("app", 1);
    const BuildId id = open(file).build_id();
    ASSERT_TRUE(store().add_link(open(file)));
    ASSERT_TRUE(store().find(id));
    EXPECT_EQ(store().list().front().link, file);
    EXPECT_EQ(store().list().front().size, 0u);
    const Image first = open(file);
    build("app", 2);
    EXPECT_FALSE(store().find(id));
    EXPECT_EQ(store().prune(SymbolStore::default_limit), 0u);
    EXPECT_TRUE(store().list().empty());
    // A copy takes a link's place, and not the other way round.
    const Image second = open(file);
    ASSERT_TRUE(store().add_link(second));
    ASSERT_TRUE(store().add(second));
    ASSERT_TRUE(store().add_link(second));
    EXPECT_TRUE(store().list().front().link.empty());
    fs::remove(file);
    EXPECT_TRUE(store().find(second.build_id()));
}

TEST_F(SymbolStoreTest, AnImageIsFoundWhereItWasAndThenInTheStore) {
    const fs::path file = build("app", 1);
    const BuildId id = open(file).build_id();
    EXPECT_EQ(find_image(file, id), file);
    EXPECT_EQ(find_image(file, ""), file);
    ASSERT_TRUE(remember_image(open(file)));
    build("app", 2);
    const auto kept = find_image(file, id);
    ASSERT_TRUE(kept);
    EXPECT_EQ(open(*kept).build_id(), id);
    EXPECT_TRUE(kept->string().starts_with((m_directory / "data/uniscope/symbols").string()));
    EXPECT_EQ(find_image({}, id), *kept);
}

TEST_F(SymbolStoreTest, BothBuildIdsAreNamedWhenThereIsNone) {
    const fs::path file = build("app", 1);
    const BuildId id = open(file).build_id();
    const BuildId other = open(build("app", 2)).build_id();
    const auto found = find_image(file, id);
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().message.find(id), std::string::npos);
    EXPECT_NE(found.error().message.find(other), std::string::npos);
    EXPECT_NE(found.error().hint.find("--image PATH"), std::string::npos);
    EXPECT_NE(found.error().hint.find("no debuginfod server"), std::string::npos);
    EXPECT_NE(find_image({}, id).error().message.find(id), std::string::npos);
    EXPECT_FALSE(find_image({}, ""));
    EXPECT_FALSE(find_image(m_directory / "none", ""));
}

TEST_F(SymbolStoreTest, TheLimitIsTold) {
    EXPECT_EQ(SymbolStore::open()->limit(), SymbolStore::default_limit);
    setenv("UNISCOPE_SYMBOLS_LIMIT", "3M", 1);
    EXPECT_EQ(SymbolStore::open()->limit(), 3u << 20);
    for (const char* text : {"", "x", "5X", "-1", "1.5G", "99999999999999999999", "99999999999999G"})
        EXPECT_FALSE(parse_size(text)) << text;
    EXPECT_EQ(parse_size("2G"), 2ull << 30);
    EXPECT_EQ(parse_size("17"), 17u);
    EXPECT_EQ(parse_size("1K"), 1024u);
}
