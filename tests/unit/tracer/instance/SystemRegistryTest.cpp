#include "tests/unit/tracer/instance/TemporaryDirectory.h"
#include "tracer/instance/Directories.h"
#include "tracer/instance/Registry.h"

#include <fmt/format.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>

using namespace tracer;

namespace {

class SystemRegistryTest : public TemporaryDirectory {
protected:
    void SetUp() override {
        TemporaryDirectory::SetUp();
        m_user = m_directory / "user";
        m_system = m_directory / "system";
        ASSERT_EQ(mkdir(m_user.c_str(), 0700), 0);
        make_system(03770);
        setenv("UNISCOPE_SYSTEM_REGISTRY", m_system.c_str(), 1);
    }
    void TearDown() override {
        unsetenv("UNISCOPE_SYSTEM_REGISTRY");
        chmod(m_system.c_str(), 0700);
        TemporaryDirectory::TearDown();
    }
    void make_system(mode_t mode) {
        mkdir(m_system.c_str(), 0700);
        ASSERT_EQ(chmod(m_system.c_str(), mode), 0);
    }
    Registry registry() const { return Registry({{m_user, Scope::User}, {m_system, Scope::System}}); }

    ClaimedName start(std::string_view name, Scope scope, const std::string& endpoint = "") {
        ClaimedName claimed = registry().claim(name, scope).value();
        InstanceFacts facts;
        facts.image = fmt::format("/{}/{}", name_of(scope), name);
        facts.endpoint = endpoint;
        EXPECT_TRUE(write_json(claimed.directory / "instance.json", to_json(facts), claimed.file_mode()));
        return claimed;
    }
    static mode_t mode_of(const std::filesystem::path& path) {
        struct stat status{};
        EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
        return status.st_mode & 07777;
    }
    /// The message of a directory that cannot be used.
    static std::string complaint() {
        const auto directory = system_directory();
        return directory ? "" : directory.error().message + "\n" + directory.error().hint;
    }

    std::filesystem::path m_user;
    std::filesystem::path m_system;
};

} // namespace

TEST_F(SystemRegistryTest, TheUsersOwnComesFirst) {
    const auto theirs = start("shop", Scope::System);
    EXPECT_EQ(registry().find("shop")->scope, Scope::System);
    const auto own = start("shop", Scope::User);
    EXPECT_EQ(registry().find("shop")->facts.image, "/user/shop");
    EXPECT_EQ(registry().find("system/shop")->facts.image, "/system/shop");
    EXPECT_EQ(registry().find("user/shop")->facts.image, "/user/shop");
    EXPECT_EQ(registry().find_every("shop").size(), 2u);
    EXPECT_EQ(registry().find_every("system/shop").size(), 1u);
    const auto all = registry().list().value();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].scope, Scope::User);
    EXPECT_EQ(all[1].scope, Scope::System);
    EXPECT_FALSE(registry().find("system/none"));
}

TEST_F(SystemRegistryTest, TheGroupMayConnectAndReadAndNotWrite) {
    const auto old_mask = umask(0077);
    const auto claimed = start("shop", Scope::System);
    const auto own = start("shop", Scope::User);
    umask(old_mask);
    EXPECT_EQ(mode_of(claimed.directory), 02750u);
    EXPECT_EQ(mode_of(claimed.directory / "lock"), 0640u);
    EXPECT_EQ(mode_of(claimed.directory / "instance.json"), 0640u);
    EXPECT_EQ(claimed.socket_mode(), 0660u);
    EXPECT_EQ(mode_of(own.directory), 0700u);
    EXPECT_EQ(mode_of(own.directory / "instance.json"), 0600u);
}

TEST_F(SystemRegistryTest, OnlyASafeDirectoryIsUsed) {
    EXPECT_EQ(complaint(), "");
    EXPECT_EQ(**system_directory(), m_system);
    make_system(03775);
    EXPECT_NE(complaint().find("is open to everybody"), std::string::npos) << complaint();
    make_system(02770);
    EXPECT_NE(complaint().find("sticky"), std::string::npos) << complaint();
    make_system(02750); // only root adds, the group looks
    EXPECT_EQ(complaint(), "");
    std::filesystem::remove(m_system);
    EXPECT_EQ(system_directory().value(), std::nullopt);
    std::filesystem::create_directory_symlink(m_user, m_system);
    EXPECT_NE(complaint().find("is not a directory"), std::string::npos) << complaint();
}

TEST_F(SystemRegistryTest, WhoIsNotInTheGroupIsTold) {
    ASSERT_EQ(chmod(m_directory.c_str(), 0755), 0);
    if (getuid() != 0) // for its owner, a directory without any permission is another group's
        make_system(0);
    const pid_t child = fork();
    if (child == 0) {
        if (getuid() == 0 && (setgroups(0, nullptr) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
            _exit(2);
        _exit(complaint().find("you are not in it") != std::string::npos ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST_F(SystemRegistryTest, WithoutOneTheSystemsNamesAreRefusedInWords) {
    const Registry own({{m_user, Scope::User}});
    const auto claimed = own.claim("shop", Scope::System);
    ASSERT_FALSE(claimed);
    EXPECT_NE(claimed.error().message.find("no system registry"), std::string::npos);
}

TEST_F(SystemRegistryTest, FilesInTheWayAreNotFollowed) {
    const auto claimed = start("shop", Scope::System);
    const auto victim = m_directory / "victim";
    write(victim, "precious");
    std::filesystem::create_symlink(victim, claimed.directory / "ending.json.new");
    EXPECT_TRUE(write_json(claimed.directory / "ending.json", {{"status", 1}}));
    EXPECT_EQ(read(victim), "precious");
    write(victim, R"({"image": "/stolen"})");
    std::filesystem::remove(claimed.directory / "instance.json");
    std::filesystem::create_symlink(victim, claimed.directory / "instance.json");
    EXPECT_FALSE(read_json(claimed.directory / "instance.json"));
    ASSERT_EQ(mkfifo((m_directory / "fifo").c_str(), 0600), 0);
    EXPECT_FALSE(read_json(m_directory / "fifo"));
}

TEST_F(SystemRegistryTest, AnAddedInstanceOutlivesItsSupervisor) {
    {
        start("shop", Scope::User, "vsock:3");
    }
    ASSERT_EQ(registry().list()->size(), 1u);
    const auto shop = registry().find("shop").value();
    EXPECT_FALSE(shop.alive);
    EXPECT_TRUE(shop.facts.is_added());
    EXPECT_TRUE(registry().find_alive("shop"));
    const auto again = registry().claim("shop");
    ASSERT_FALSE(again);
    EXPECT_NE(again.error().message.find("was added already, at vsock:3"), std::string::npos);
    {
        const auto served = registry().claim_unserved(shop);
        ASSERT_TRUE(served);
        EXPECT_TRUE(std::filesystem::exists(served->directory / "instance.json"));
        EXPECT_FALSE(registry().claim_unserved(shop));
        EXPECT_FALSE(registry().remove(shop)) << "it is served";
    }
    EXPECT_TRUE(registry().remove(shop));
    EXPECT_FALSE(registry().find("shop"));
    EXPECT_TRUE(registry().claim("shop"));
}
