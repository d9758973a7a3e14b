#include "libos/auth/KeyRing.h"

#include <gtest/gtest.h>

#include <string>

namespace auth {
namespace {

// RFC 6979, A.2.5, in both forms.
constexpr std::string_view compressed = "A2D-1LolWp0xyWHrdMY1bWjASbiSO2H6bOZpYi5g8p-2";
constexpr std::string_view uncompressed =
    "BGD-1LolWp0xyWHrdMY1bWjASbiSO2H6bOZpYi5g8p-2eQP-EAi4vJmkGunpVii8ZPLxsgwtfp9Rd6PClNRGIpk";

/// Another key for each number.
std::string key(unsigned number) {
    std::string text(compressed);
    text[20] = static_cast<char>('A' + number % 26);
    text[21] = static_cast<char>('A' + number / 26);
    return text;
}

TEST(KeyRing, TakesAWordInEitherForm) {
    KeyRing one, other;
    ASSERT_TRUE(one.add_word("operator:" + std::string(compressed) + ":alice@example"));
    ASSERT_TRUE(other.add_word("operator:" + std::string(uncompressed)));
    ASSERT_EQ(one.keys().size(), 1U);
    EXPECT_EQ(one.keys()[0].role, wire::Role::Operator);
    EXPECT_EQ(one.keys()[0].name_view(), "alice@example");
    EXPECT_EQ(other.keys()[0].name_view(), "");
    EXPECT_EQ(one.keys()[0].id, other.keys()[0].id);
    EXPECT_EQ(one.keys()[0].key, other.keys()[0].key);
    EXPECT_EQ(one.find(one.keys()[0].id), &one.keys()[0]);
    EXPECT_EQ(one.find(KeyId{}), nullptr);
}

TEST(KeyRing, RefusesWhatIsNotExactlyAKey) {
    KeyRing ring;
    std::string good(compressed);
    std::string long_name(EnrolledKey::max_name + 1, 'n');
    for (const std::string& word :
         {std::string(), std::string(":"), std::string("::"), std::string("operator"), "operator:" + good + "=",
          "operator:" + good.substr(1), "operator:" + good + "A", "Operator:" + good, "root:" + good, ":" + good,
          " operator:" + good, "operator :" + good, "operator:" + good + ":a b", "operator:" + good + ":a\x01",
          "operator:" + good + ":" + long_name, "operator:" + good + ":caf\xc3\xa9", "operator:+" + good.substr(1),
          "operator:C" + good.substr(1), "operator:B" + std::string(uncompressed).substr(2),
          "operator:A" + std::string(uncompressed).substr(1),
          // Bits that no byte has: another text for the same key.
          "operator:" + std::string(uncompressed.substr(0, 86)) + "l"}) {
        EXPECT_EQ(ring.add_word(word), base::fail(base::Error::Invalid)) << word;
    }
    EXPECT_TRUE(ring.keys().empty());
}

TEST(KeyRing, AKeyThatIsThereTwiceHasTheLowerRole) {
    KeyRing ring;
    ASSERT_TRUE(ring.add_word("observer:" + key(1)));
    ASSERT_TRUE(ring.add_word("operator:" + key(1)));
    ASSERT_TRUE(ring.add_word("operator:" + key(2)));
    ASSERT_TRUE(ring.add_word("tracer:" + key(2)));
    ASSERT_EQ(ring.keys().size(), 2U);
    EXPECT_EQ(ring.keys()[0].role, wire::Role::Observer);
    EXPECT_EQ(ring.keys()[1].role, wire::Role::Tracer);
}

TEST(KeyRing, SaysWhenItIsFull) {
    KeyRing ring;
    for (unsigned i = 0; i < KeyRing::max_keys; ++i)
        ASSERT_TRUE(ring.add_word("tracer:" + key(i)));
    EXPECT_EQ(ring.add_word("tracer:" + key(99)), base::fail(base::Error::TableFull));
    EXPECT_TRUE(ring.add_word("tracer:" + key(3))); // there already
    auto report = ring.add_file("tracer " + key(98) + "\n");
    EXPECT_TRUE(report.table_full);
    EXPECT_EQ(report.added, 0U);
}

TEST(KeyRing, ReadsAFile) {
    KeyRing ring;
    auto report = ring.add_file("# who may look\n\n  tracer\t" + key(1) + "   night-shift\r\noperator " + key(2) +
                                "\n#operator " + key(3) + "\nnonsense\noperator " + key(4) + " two names\nobserver " +
                                key(5) + " last");
    EXPECT_EQ(report.added, 3U);
    EXPECT_EQ(report.malformed, 2U);
    EXPECT_EQ(report.first_bad, 6U);
    EXPECT_FALSE(report.too_long || report.table_full);
    ASSERT_EQ(ring.keys().size(), 3U);
    EXPECT_EQ(ring.keys()[0].name_view(), "night-shift");
    EXPECT_EQ(ring.keys()[0].role, wire::Role::Tracer);
    EXPECT_EQ(ring.keys()[2].name_view(), "last");
    EXPECT_EQ(ring.keys()[2].role, wire::Role::Observer);
}

TEST(KeyRing, TakesNothingOfAFileThatIsTooLong) {
    KeyRing ring;
    std::string text = "operator " + key(1) + "\n" + std::string(KeyRing::max_file_size, '\n');
    auto report = ring.add_file(text);
    EXPECT_TRUE(report.too_long);
    EXPECT_TRUE(ring.keys().empty());
    text.resize(KeyRing::max_file_size);
    EXPECT_EQ(ring.add_file(text).added, 1U);
}

} // namespace
} // namespace auth
