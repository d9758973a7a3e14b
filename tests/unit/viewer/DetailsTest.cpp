#include "SampleIndex.h"

#include "viewer/model/Details.h"

#include <gtest/gtest.h>

namespace viewer {
namespace {

std::string text_of(const Details& details) {
    std::string text = details.title;
    for (const Detail& row : details.rows)
        text += "; " + row.name + " " + row.value;
    return text;
}

std::string details_text(const Index& index, std::string_view lane_name, TrackRole role, std::uint32_t i) {
    for (std::uint32_t lane = 0; lane < index.lanes().size(); ++lane) {
        if (index.lanes()[lane].name != lane_name)
            continue;
        for (std::uint32_t track = 0; track < index.lanes()[lane].tracks.size(); ++track) {
            if (index.lanes()[lane].tracks[track].role == role)
                return text_of(details_of(index, {lane, track, i}));
        }
    }
    return "nothing";
}

TEST(Details, tell_each_kind_of_interval) {
    auto index = sample_index();
    EXPECT_EQ(details_text(*index, "CPU 0", TrackRole::Running, 0), "alice; thread alice (tid 10); on CPU 0");
    EXPECT_EQ(details_text(*index, "CPU 1", TrackRole::Interrupts, 0), "irq 32; vector 32; on CPU 1");
    std::string call = details_text(*index, "alice", TrackRole::Calls, 0);
    EXPECT_TRUE(call.starts_with("read; thread alice (tid 10); result -1 ENOENT; nr 0")) << call;
    EXPECT_EQ(details_text(*index, "alice", TrackRole::Points, 0),
              "shop:order; thread alice (tid 10); on CPU 0; id 77");
    EXPECT_EQ(details_text(*index, "bob", TrackRole::State, 2),
              "runnable; thread bob (tid 11); because woken, waits for a CPU; woken by alice (tid 10)");
}

TEST(Details, name_error_numbers) {
    EXPECT_EQ(error_name(2), "ENOENT");
    EXPECT_EQ(error_name(0), "");
    EXPECT_EQ(error_name(4000), "");
    EXPECT_EQ(error_name(-1), "");
}

} // namespace
} // namespace viewer
