#include "libos/base/Result.h"

#include <gtest/gtest.h>

namespace {

base::Result<int> half_of(int value) {
    if (value % 2 != 0)
        return base::fail(base::Error::Invalid);
    return value / 2;
}

base::Result<int> quarter_of(int value) {
    return TRY(half_of(TRY(half_of(value))));
}

} // namespace

TEST(Result, TryYieldsTheValue) {
    EXPECT_EQ(quarter_of(12), 3);
}

TEST(Result, TryReturnsTheError) {
    auto result = quarter_of(6);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error(), base::Error::Invalid);
}
