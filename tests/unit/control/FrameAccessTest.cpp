// Every frame that there can be, with every role. What is expected is written by hand.

#include "libos/control/FrameAccess.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace control {
namespace {

using wire::FrameType;
using wire::Role;

constexpr FrameType for_tracers[] = {FrameType::QueryHello, FrameType::QueryStatus, FrameType::RecordStart,
                                     FrameType::RecordStop, FrameType::Snapshot,    FrameType::ProbeEnable};

TEST(FrameAccess, EveryTypeWithEveryRole) {
    for (unsigned number = 0; number <= 0xffff; ++number) {
        auto type = static_cast<FrameType>(number);
        bool is_for_tracers = std::ranges::find(for_tracers, type) != std::end(for_tracers);
        EXPECT_FALSE(may_request(Role::None, type)) << number;
        EXPECT_EQ(may_request(Role::Tracer, type), is_for_tracers) << number;
        EXPECT_EQ(may_request(Role::Observer, type), is_for_tracers) << number;
        EXPECT_TRUE(may_request(Role::Operator, type)) << number;
    }
}

/// A request that is new in wire::FrameType's host part is in nobody's reach but an operator's, until it has a row.
TEST(FrameAccess, EachRequestHasItsRow) {
    unsigned number = static_cast<unsigned>(FrameType::QueryHello);
    for (const FrameAccess& row : frame_access)
        EXPECT_EQ(static_cast<unsigned>(row.type), number++);
    EXPECT_EQ(number, static_cast<unsigned>(FrameType::Acknowledge) + 1);
}

} // namespace
} // namespace control
