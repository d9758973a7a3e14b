#include "tests/unit/tracer/instance/TemporaryDirectory.h"
#include "tracer/auth/Hash.h"
#include "tracer/auth/KeyStore.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace tracer {
namespace {

namespace fs = std::filesystem;

template <typename Array>
Array from_hex(std::string_view digits) {
    Array array{};
    for (size_t i = 0; i < array.size(); ++i)
        array[i] = static_cast<uint8_t>(std::stoi(std::string(digits.substr(2 * i, 2)), nullptr, 16));
    return array;
}

// RFC 6979, A.2.5.
constexpr std::string_view secret = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";

TEST(Key, SignsAsPublished) {
    const auto key = PrivateKey::from_scalar(from_hex<PrivateKey::Scalar>(secret));
    ASSERT_TRUE(key);
    EXPECT_EQ(key->public_key().text(), "A2D-1LolWp0xyWHrdMY1bWjASbiSO2H6bOZpYi5g8p-2");
    EXPECT_EQ(key->sign(sha256({span_of(std::string_view("sample"))})),
              from_hex<Signature>("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                                  "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"));
    EXPECT_EQ(key->sign(sha256({span_of(std::string_view("test"))})),
              from_hex<Signature>("f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
                                  "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"));
}

TEST(Key, IsInRange) {
    EXPECT_FALSE(PrivateKey::from_scalar({}));
    // FIPS 186-4, D.1.2.3.
    auto order = from_hex<PrivateKey::Scalar>("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    EXPECT_FALSE(PrivateKey::from_scalar(order));
    --order.back();
    EXPECT_TRUE(PrivateKey::from_scalar(order));
}

TEST(Key, BothSidesAgree) {
    const auto one = PrivateKey::make();
    const auto other = PrivateKey::make();
    ASSERT_TRUE(one && other);
    EXPECT_NE(one->public_key(), other->public_key());
    EXPECT_EQ(one->agree(other->point()).value(), other->agree(one->point()).value());
    Point wrong = other->point();
    wrong[40] ^= 1;
    EXPECT_FALSE(one->agree(wrong));
}

TEST(Key, TextsAreExact) {
    const std::string text = "A2D-1LolWp0xyWHrdMY1bWjASbiSO2H6bOZpYi5g8p-2";
    ASSERT_TRUE(PublicKey::parse(text));
    EXPECT_EQ(PublicKey::parse(text)->text(), text);
    for (const std::string& wrong : {std::string(), text.substr(1), text + "A", text + "=", "BA" + text.substr(2),
                                     "A2D+" + text.substr(4), "A2D " + text.substr(4)})
        EXPECT_FALSE(PublicKey::parse(wrong)) << wrong;
    for (size_t size = 0; size < 70; ++size) {
        std::vector<uint8_t> bytes(size), again(size);
        ASSERT_TRUE(fill_random(bytes));
        ASSERT_TRUE(decode_base64url(encode_base64url(bytes), again));
        EXPECT_EQ(bytes, again);
    }
    for (const auto role : {wire::Role::Tracer, wire::Role::Observer, wire::Role::Operator})
        EXPECT_EQ(parse_role(name_of(role)).value(), role);
    EXPECT_FALSE(parse_role("nobody"));
}

class Store : public TemporaryDirectory {
protected:
    KeyStore store() const { return KeyStore(m_directory); }
};

TEST_F(Store, KeepsKeys) {
    const auto made = store().make("alice@example");
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_TRUE(store().make("bob"));
    EXPECT_FALSE(store().make("bob"));
    const auto keys = store().list();
    ASSERT_TRUE(keys);
    ASSERT_EQ(keys->size(), 2U);
    EXPECT_EQ((*keys)[0].name, "alice@example");
    EXPECT_EQ((*keys)[0].key, made->key);
    EXPECT_EQ(store().load("alice@example")->public_key(), made->key);
    struct stat status{};
    ASSERT_EQ(stat(store().private_path("bob").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    EXPECT_EQ(read(store().public_path("alice@example")), made->key.text() + " alice@example\n");
}

TEST_F(Store, NamesAreNoPaths) {
    for (const char* name :
         {"", ".", "..", "../x", "a/b", ".hidden", "-f", "a b", "a\nb", "abcdefghijklmnopqrstuvwxyz012345"})
        EXPECT_FALSE(store().make(name)) << name;
    EXPECT_TRUE(fs::is_empty(m_directory));
}

TEST_F(Store, APrivateKeyThatOthersCanReadIsRefused) {
    ASSERT_TRUE(store().make("bob"));
    fs::permissions(store().private_path("bob"), fs::perms(0640));
    const auto key = store().load("bob");
    ASSERT_FALSE(key);
    EXPECT_NE(key.error().message.find("others can read"), std::string::npos);
}

TEST_F(Store, WhatIsNoKeyIsRefused) {
    for (const char* text : {"", "uniscope-private-key-1 ", "uniscope-private-key-2 AAAA", "hello",
                             "uniscope-private-key-1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}) {
        write(store().private_path("odd"), text);
        fs::permissions(store().private_path("odd"), fs::perms(0600));
        EXPECT_FALSE(store().load("odd")) << text;
    }
    EXPECT_FALSE(store().load("nobody"));
}

TEST_F(Store, AKeyIsNamedInThreeWays) {
    const auto made = store().make("bob").value();
    EXPECT_EQ(store().resolve("bob")->key, made.key);
    EXPECT_EQ(store().resolve(made.key.text())->key, made.key);
    const auto file = store().resolve(store().public_path("bob").string());
    ASSERT_TRUE(file);
    EXPECT_EQ(file->key, made.key);
    EXPECT_EQ(file->name, "bob");
    EXPECT_FALSE(store().resolve((m_directory / "missing.pub").string()));
    EXPECT_EQ(enrolling_word(made, wire::Role::Tracer), "uniscope.key=tracer:" + made.key.text() + ":bob");
    EXPECT_EQ(enrolling_word({"", made.key}, wire::Role::Observer), "uniscope.key=observer:" + made.key.text());
}

TEST_F(Store, EnrolsInARootFileSystem) {
    const auto bob = store().make("bob").value();
    const auto eve = store().make("eve").value();
    const fs::path root = m_directory / "root";
    EXPECT_FALSE(enroll_in_root(root, bob, wire::Role::Tracer));
    fs::create_directories(root / "etc/uniscope");
    const fs::path file = root / "etc/uniscope/authorized_keys";
    write(file, "# ours\noperator " + bob.key.text() + " old-name\ntracer " + bob.key.text() + "\n#tracer " +
                    bob.key.text() + "\n");
    EXPECT_TRUE(enroll_in_root(root, bob, wire::Role::Tracer).value());
    EXPECT_TRUE(enroll_in_root(root, eve, wire::Role::Observer).value());
    EXPECT_FALSE(enroll_in_root(root, eve, wire::Role::Observer).value());
    EXPECT_EQ(read(file), "# ours\n#tracer " + bob.key.text() + "\ntracer " + bob.key.text() + " bob\nobserver " +
                              eve.key.text() + " eve\n");
}

} // namespace
} // namespace tracer
