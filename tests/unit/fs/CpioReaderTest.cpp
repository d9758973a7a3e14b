#include "libos/fs/CpioReader.h"

#include "CpioImage.h"
#include "Kernel.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <random>

namespace {

using fs_test::call;
using fs_test::CpioImage;
using fs_test::Kernel;

TEST(CpioReader, ReadsRecords) {
    CpioImage image;
    image.add("./dir", S_IFDIR | 0755);
    image.add("/dir/file", S_IFREG | 0640, "hello");
    image.add(".", S_IFDIR | 0755);
    image.end();
    fs::CpioReader reader(image.bytes());
    auto record = reader.next();
    ASSERT_TRUE(record && *record);
    EXPECT_EQ((*record)->name, "dir");
    record = reader.next();
    ASSERT_TRUE(record && *record);
    EXPECT_EQ((*record)->name, "dir/file");
    EXPECT_EQ((*record)->mode, S_IFREG | 0640u);
    EXPECT_EQ((*record)->data.size(), 5u);
    record = reader.next();
    ASSERT_TRUE(record && *record);
    EXPECT_EQ((*record)->name, "");
    record = reader.next();
    ASSERT_TRUE(record);
    EXPECT_FALSE(*record);
}

TEST(CpioReader, RefusesEveryTruncation) {
    CpioImage image;
    image.add("file", S_IFREG | 0644, "contents");
    for (size_t size = 1; size < image.bytes().size(); ++size) {
        fs::CpioReader reader(image.bytes().first(size));
        auto record = reader.next();
        // Padding after the data may be missing, nothing else.
        EXPECT_EQ(record.has_value(), size >= 110 + 6 + 8) << size;
    }
}

class PopulateTest : public Kernel {};

TEST_F(PopulateTest, MakesTheTree) {
    CpioImage image;
    image.add(".", S_IFDIR | 0700);
    image.add("etc", S_IFDIR | 0711);
    image.add("etc/app.conf", S_IFREG | 0600, std::string(10000, 'x'));
    image.add("no/parents/listed", S_IFREG | 0644, "a");
    image.add("link", S_IFLNK | 0777, "etc/app.conf");
    image.add("dev/null", S_IFCHR | 0666);
    image.add_linked("one", "", 99);
    image.add_linked("two", "shared", 99);
    image.end();
    ASSERT_TRUE(fs::file_system().populate(image.bytes()));
    EXPECT_EQ(fs_test::read_file("/link"), std::string(10000, 'x'));
    EXPECT_EQ(fs_test::read_file("/no/parents/listed"), "a");
    EXPECT_EQ(fs_test::read_file("/one"), "shared");
    struct stat one = {};
    struct stat two = {};
    EXPECT_EQ(call(fs::sys_stat, "/one", &one), 0);
    EXPECT_EQ(call(fs::sys_stat, "/two", &two), 0);
    EXPECT_EQ(one.st_ino, two.st_ino);
    EXPECT_EQ(one.st_nlink, 2u);
    EXPECT_EQ(one.st_mtime, 1234);
    EXPECT_EQ(call(fs::sys_stat, "/etc", &one), 0);
    EXPECT_EQ(one.st_mode, S_IFDIR | 0711u);
}

TEST_F(PopulateTest, ReplacesFilesAndKeepsDirectories) {
    CpioImage image;
    image.add("a", S_IFREG | 0644, "old");
    image.add("a", S_IFREG | 0644, "new");
    image.end();
    ASSERT_TRUE(fs::file_system().populate(image.bytes()));
    EXPECT_EQ(fs_test::read_file("/a"), "new");
    CpioImage over_directory;
    over_directory.add("etc", S_IFREG | 0644, "x");
    EXPECT_EQ(fs::file_system().populate(over_directory.bytes()).error(), base::Error::IsDirectory);
}

TEST_F(PopulateTest, SurvivesDamage) {
    CpioImage image;
    image.add("dir", S_IFDIR | 0755);
    image.add("dir/file", S_IFREG | 0644, std::string(5000, 'x'));
    image.add("dir/link", S_IFLNK | 0777, "../dir/../dir");
    image.add_linked("one", "", 99);
    image.add("dir/link/more", S_IFREG | 0644, "y");
    image.add_linked("two", "shared", 99);
    image.end();
    std::mt19937 random(1);
    for (int i = 0; i < 2000; ++i) {
        std::vector<std::byte> bytes(image.bytes().begin(), image.bytes().end());
        for (auto count = random() % 4 + 1; count > 0; --count)
            bytes[random() % bytes.size()] = std::byte("0123456789abcdef/.\0"[random() % 20]);
        (void)fs::file_system().populate(bytes);
    }
}

TEST_F(PopulateTest, RunsOutOfPages) {
    CpioImage image;
    image.add("a", S_IFREG | 0644, std::string(1 << 20, 'x'));
    pages.left = 100;
    EXPECT_EQ(fs::file_system().populate(image.bytes()).error(), base::Error::NoSpace);
}

} // namespace
