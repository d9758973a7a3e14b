#include "tracer/instance/Cpio.h"

#include "tests/unit/tracer/instance/TemporaryDirectory.h"

#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace {

class CpioTest : public TemporaryDirectory {
protected:
    void SetUp() override {
        TemporaryDirectory::SetUp();
        m_root = m_directory / "root";
        m_archive = m_directory / "archive";
        fs::create_directories(m_root / "etc/deep");
        write(m_root / "etc/config", "rate=5\n");
        write(m_root / "empty", "");
        write(m_root / "etc/deep/big", std::string(3'000'001, 'x'));
        fs::create_symlink("etc/config", m_root / "link");
        chmod((m_root / "etc/config").c_str(), 0640);
        chmod((m_root / "empty").c_str(), 0755);
    }

    /// Status of the system's cpio, run in the test's directory.
    int cpio(const std::string& arguments) const {
        return std::system(("cd " + m_directory.string() + " && cpio --quiet " + arguments).c_str());
    }

    fs::path m_root;
    fs::path m_archive;
};

} // namespace

TEST_F(CpioTest, TheSystemsCpioUnpacksIt) {
    const auto size = tracer::write_cpio(m_root, m_archive);
    ASSERT_TRUE(size) << size.error().message;
    EXPECT_EQ(*size, fs::file_size(m_archive));
    EXPECT_EQ(*size % 4, 0u);
    ASSERT_EQ(cpio("-t < archive > list"), 0);
    EXPECT_EQ(read(m_directory / "list"), ".\nempty\netc\netc/config\netc/deep\netc/deep/big\nlink\n");

    fs::create_directory(m_directory / "out");
    ASSERT_EQ(cpio("-idm -D out < archive"), 0);
    EXPECT_EQ(read(m_directory / "out/etc/config"), "rate=5\n");
    EXPECT_EQ(fs::file_size(m_directory / "out/etc/deep/big"), 3'000'001u);
    EXPECT_EQ(fs::file_size(m_directory / "out/empty"), 0u);
    EXPECT_EQ(fs::read_symlink(m_directory / "out/link"), "etc/config");
    struct stat status{};
    ASSERT_EQ(stat((m_directory / "out/etc/config").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0640u);
    ASSERT_EQ(stat((m_directory / "out/empty").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0755u);
}

TEST_F(CpioTest, RefusesWhatAnInstanceCannotHave) {
    ASSERT_EQ(mkfifo((m_root / "pipe").c_str(), 0600), 0);
    const auto result = tracer::write_cpio(m_root, m_archive);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message.find("pipe is neither"), std::string::npos) << result.error().message;
}

TEST_F(CpioTest, SaysWhatIsWrong) {
    EXPECT_NE(tracer::write_cpio(m_directory / "nothing", m_archive).error().message.find("not a directory"),
              std::string::npos);
    EXPECT_NE(tracer::write_cpio(m_root, "/dev/full").error().message.find("cannot write"), std::string::npos);
}
