#include "libos/base/Text.h"

#include <gtest/gtest.h>

TEST(Text, Numbers) {
    base::Text<128> text;
    text.decimal(-12).put(' ').decimal(INT64_MIN).put(' ').decimal(UINT64_MAX).put(' ').hex(0x2a, 4).put(' ').hex(0);
    EXPECT_EQ(text.view(), "-12 -9223372036854775808 18446744073709551615 002a 0");
    EXPECT_FALSE(text.truncated());
}

TEST(Text, CutsOffAndSaysSo) {
    base::Text<4> text;
    text.put("abcdef");
    EXPECT_EQ(text.view(), "abcd");
    EXPECT_TRUE(text.truncated());
}
