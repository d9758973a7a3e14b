#include "SampleIndex.h"

#include "viewer/model/ViewState.h"

#include <gtest/gtest.h>

namespace viewer {
namespace {

struct ViewStateTest : testing::Test {
    std::shared_ptr<const Index> index = sample_index();
    ViewState view{*index, 1000 + Geometry::gutter_width, 600};

    std::uint32_t lane(std::string_view name) const {
        for (std::uint32_t i = 0; i < index->lanes().size(); ++i) {
            if (index->lanes()[i].name == name)
                return i;
        }
        ADD_FAILURE() << "no lane " << name;
        return 0;
    }
    /// The middle of a track's row.
    double y_of(std::uint32_t lane, TrackRole role) const {
        for (const TrackRow& row : view.layout().row_of(lane)->tracks) {
            if (index->lanes()[lane].tracks[row.track].role == role)
                return Geometry::header_height + row.y + row.height / 2.0 - view.scroll();
        }
        ADD_FAILURE() << "no such track";
        return 0;
    }
};

TEST_F(ViewStateTest, shows_all_at_first) {
    EXPECT_EQ(view.visible(), index->whole());
}

TEST_F(ViewStateTest, picks_what_is_drawn_under_the_pointer) {
    std::uint32_t alice = lane("alice");
    auto pick = view.pick(*index, view.x_of(200'000), y_of(alice, TrackRole::Calls));
    ASSERT_TRUE(pick);
    EXPECT_EQ(pick->lane, alice);
    EXPECT_EQ(index->label(*pick), "read");
    EXPECT_FALSE(view.pick(*index, view.x_of(700'000), y_of(alice, TrackRole::Calls)));
    pick = view.pick(*index, view.x_of(700'000), y_of(alice, TrackRole::State));
    ASSERT_TRUE(pick);
    EXPECT_EQ(index->label(*pick), "running");
    EXPECT_FALSE(view.pick(*index, 5, y_of(alice, TrackRole::State)));
    EXPECT_FALSE(view.pick(*index, 500, 5));
}

TEST_F(ViewStateTest, picks_points_from_a_little_beside_them) {
    std::uint32_t alice = lane("alice");
    for (double off : {-3.0, 0.0, 3.0}) {
        auto pick = view.pick(*index, view.x_of(350'000) + off, y_of(alice, TrackRole::Points));
        ASSERT_TRUE(pick) << off;
        EXPECT_EQ(index->label(*pick), "shop:order");
    }
}

TEST_F(ViewStateTest, fits_the_selection_and_goes_back) {
    view.selected = view.pick(*index, view.x_of(200'000), y_of(lane("alice"), TrackRole::Calls));
    ASSERT_TRUE(view.selected);
    view.fit_selection(*index, 0);
    EXPECT_EQ(view.visible(), (TimeRange{80'000, 320'000}));
    EXPECT_TRUE(view.undo_zoom());
    EXPECT_EQ(view.visible(), index->whole());
    EXPECT_FALSE(view.undo_zoom());
}

TEST_F(ViewStateTest, fits_an_instant_and_a_marked_range) {
    view.marked = TimeRange{200'000, 300'000};
    view.fit_selection(*index, 0);
    EXPECT_EQ(view.visible(), (TimeRange{190'000, 310'000}));
    view.fit_all(10'000);
    view.selected = view.pick(*index, view.x_of(350'000), y_of(lane("alice"), TrackRole::Points));
    ASSERT_TRUE(view.selected);
    view.fit_selection(*index, 20'000);
    EXPECT_TRUE(view.visible().contains(350'000));
    EXPECT_LT(view.visible().length(), 2'000);
}

TEST_F(ViewStateTest, steps_to_neighbours_and_brings_them_into_view) {
    std::uint32_t bob = lane("bob");
    view.selected = view.pick(*index, view.x_of(100'000), y_of(bob, TrackRole::State));
    ASSERT_TRUE(view.selected);
    view.show({0, 200'000}, 0);
    view.select_neighbour(*index, 1, 10'000);
    EXPECT_EQ(index->label(*view.selected), "blocked");
    view.select_neighbour(*index, 1, 20'000);
    view.select_neighbour(*index, 1, 30'000);
    EXPECT_TRUE(view.visible().overlaps(index->track(*view.selected).range(view.selected->index)));
    view.select_neighbour(*index, -100, 40'000);
    EXPECT_EQ(index->label(*view.selected), "running");
}

TEST_F(ViewStateTest, scrolls_within_the_lanes) {
    view.resize(1000, 120);
    view.set_scroll(100'000);
    EXPECT_EQ(view.scroll(), view.max_scroll());
    view.scroll_to(0);
    EXPECT_LE(view.scroll(), view.layout().row_of(0)->y);
    view.set_filter(*index, {"cpu 0", {}});
    EXPECT_LE(view.scroll(), view.max_scroll());
}

} // namespace
} // namespace viewer
