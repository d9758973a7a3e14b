#include "tracer/instance/Registry.h"

#include "tests/unit/tracer/instance/TemporaryDirectory.h"

#include <ctime>

using namespace tracer;

namespace {

class RegistryTest : public TemporaryDirectory {
protected:
    void start(const ClaimedName& name) {
        InstanceFacts facts;
        facts.name = name.name;
        facts.image = "/images/" + name.name;
        facts.cpus = 2;
        ASSERT_TRUE(write_json(name.directory / "instance.json", to_json(facts)));
    }
    void end(const ClaimedName& name, int64_t when) {
        ASSERT_TRUE(write_json(name.directory / "ending.json", to_json(Ending{3, "exited", "", "", when})));
    }
    Registry registry() const { return Registry({{m_directory, Scope::User}}); }
};

} // namespace

TEST_F(RegistryTest, ANameIsTakenOnce) {
    auto claimed = registry().claim("shop");
    ASSERT_TRUE(claimed) << claimed.error().message;
    start(*claimed);
    const auto again = registry().claim("shop");
    ASSERT_FALSE(again);
    EXPECT_NE(again.error().message.find("running already"), std::string::npos);
    EXPECT_TRUE(registry().find_alive("shop"));
    EXPECT_EQ(registry().find("shop")->facts.cpus, 2u);
}

TEST_F(RegistryTest, AFinishedNameIsFreeAndRemembered) {
    {
        auto claimed = registry().claim("shop").value();
        start(claimed);
        end(claimed, std::time(nullptr));
    }
    const auto instance = registry().find("shop");
    ASSERT_TRUE(instance);
    EXPECT_FALSE(instance->alive);
    EXPECT_EQ(instance->ending->status, 3);
    EXPECT_NE(registry().find_alive("shop").error().message.find("has ended with status 3"), std::string::npos);
    auto again = registry().claim("shop");
    ASSERT_TRUE(again);
    EXPECT_FALSE(std::filesystem::exists(again->directory / "ending.json"));
}

TEST_F(RegistryTest, WhoWasKilledIsReaped) {
    {
        start(registry().claim("killed").value());
    }
    {
        auto old = registry().claim("old").value();
        start(old);
        end(old, std::time(nullptr) - Registry::keep_ended_seconds - 10);
    }
    auto alive = registry().claim("alive").value();
    start(alive);
    const auto instances = registry().list();
    ASSERT_TRUE(instances);
    ASSERT_EQ(instances->size(), 1u);
    EXPECT_EQ(instances->front().facts.name, "alive");
    EXPECT_FALSE(std::filesystem::exists(m_directory / "killed"));
    EXPECT_FALSE(std::filesystem::exists(m_directory / "old"));
}

TEST_F(RegistryTest, NamesComeFromTheImage) {
    auto first = registry().claim_for_image("/x/shop").value();
    auto second = registry().claim_for_image("/x/shop").value();
    auto odd = registry().claim_for_image("/x/a b?c").value();
    auto hidden = registry().claim_for_image("/x/.hidden").value();
    EXPECT_EQ(first.name, "shop");
    EXPECT_EQ(second.name, "shop-2");
    EXPECT_EQ(odd.name, "a-b-c");
    EXPECT_EQ(hidden.name, "instance");
}

TEST_F(RegistryTest, OddNamesAreRefused) {
    for (const char* name : {"", "..", "a/b", "-x", "a b", "\xc3\xa4"})
        EXPECT_FALSE(registry().claim(name)) << name;
    EXPECT_FALSE(registry().claim(std::string(49, 'a')));
    EXPECT_TRUE(is_valid_name("shop-2_b.c"));
}

TEST_F(RegistryTest, UnknownNamesGetTheListOfKnownOnes) {
    EXPECT_EQ(registry().find("x").error().hint, "Nothing runs. Start one: uniscope run IMAGE");
    auto alive = registry().claim("alive").value();
    start(alive);
    EXPECT_EQ(registry().find("../x").error().hint, "Running: alive");
}

TEST_F(RegistryTest, DamagedFilesAreNoInstances) {
    auto claimed = registry().claim("shop").value();
    write(claimed.directory / "instance.json", "{ not json");
    EXPECT_FALSE(registry().find("shop"));
    write(claimed.directory / "instance.json", R"({"name": 5, "cpus": "many", "pid": -1})");
    const auto instance = registry().find("shop");
    ASSERT_TRUE(instance);
    EXPECT_EQ(instance->facts.name, "shop");
    EXPECT_EQ(instance->facts.cpus, 0u);
}
