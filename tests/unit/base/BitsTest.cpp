#include "libos/base/Bits.h"

#include <gtest/gtest.h>

TEST(Bits, RangeFitsDoesNotOverflow) {
    EXPECT_TRUE(base::range_fits(0, 16, 16));
    EXPECT_FALSE(base::range_fits(1, 16, 16));
    EXPECT_FALSE(base::range_fits(8, UINT64_MAX - 4, 16));
    EXPECT_FALSE(base::range_fits(UINT64_MAX, 1, 16));
    EXPECT_TRUE(base::range_fits(16, 0, 16));
}

TEST(Bits, Alignment) {
    EXPECT_EQ(base::align_up(uint64_t{4097}, 4096), 8192u);
    EXPECT_EQ(base::align_up(uint64_t{4096}, 4096), 4096u);
    EXPECT_EQ(base::align_down(uint64_t{8191}, 4096), 4096u);
    EXPECT_FALSE(base::is_aligned(uint64_t{4097}, 2));
}
