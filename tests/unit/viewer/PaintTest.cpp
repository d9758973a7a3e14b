#include "OffscreenApplication.h"
#include "SampleIndex.h"

#include "viewer/paint/TimelinePainter.h"

#include <QImage>
#include <QPicture>

#include <gtest/gtest.h>

namespace viewer {
namespace {

Theme wordless() {
    Theme theme = Theme::dark();
    theme.draws_text = false;
    return theme;
}

struct PaintTest : testing::Test {
    OffscreenApplication application;
    std::shared_ptr<const Index> index = sample_index();
    ViewState view{*index, 1000 + Geometry::gutter_width, 400};
    Theme theme = wordless();

    QImage paint(double scale = 1) {
        QImage image(static_cast<int>(view.width() * scale), static_cast<int>(view.height() * scale),
                     QImage::Format_RGB32);
        image.setDevicePixelRatio(scale);
        QPainter painter(&image);
        paint_timeline(painter, *index, view, theme);
        return image;
    }
    int y_of(std::uint32_t lane, std::uint32_t track) const {
        const TrackRow& row = view.layout().row_of(lane)->tracks[track];
        return Geometry::header_height + row.y + row.height / 2 - view.scroll();
    }
    int x_of(Time time) const { return static_cast<int>(view.x_of(time)); }
};

TEST_F(PaintTest, fills_every_interval_with_its_colour_and_nothing_between) {
    QImage image = paint();
    int checked = 0;
    for (const LaneRow& row : view.layout().lanes()) {
        const Lane& lane = index->lanes()[row.lane];
        for (std::uint32_t t = 0; t < lane.tracks.size(); ++t) {
            const Track& track = lane.tracks[t].track;
            if (lane.tracks[t].role == TrackRole::Points)
                continue;
            for (std::uint32_t i = 0; i < track.size(); ++i) {
                Time middle = (track.begin(i) + track.end(i)) / 2;
                EXPECT_EQ(image.pixel(x_of(middle), y_of(row.lane, t)), theme.fill(track.color(i)))
                    << lane.name << " " << t << " " << i;
                ++checked;
            }
        }
    }
    EXPECT_GE(checked, 9);
    // CPU 1 is idle from 400 to 520 µs.
    QRgb idle = image.pixel(x_of(460'000), y_of(1, 0));
    EXPECT_TRUE(idle == theme.lane.rgb() || idle == theme.lane_odd.rgb());
}

TEST_F(PaintTest, draws_the_same_on_pixels_and_as_vectors) {
    QPicture picture;
    QPainter recorder(&picture);
    paint_timeline(recorder, *index, view, theme);
    recorder.end();
    QImage replayed(view.width(), view.height(), QImage::Format_RGB32);
    QPainter player(&replayed);
    player.drawPicture(0, 0, picture);
    player.end();
    QImage direct = paint();
    int different = 0;
    for (int y = 0; y < view.height(); ++y) {
        for (int x = 0; x < view.width(); ++x)
            different += direct.pixel(x, y) != replayed.pixel(x, y);
    }
    EXPECT_LE(different, view.width() * view.height() / 200);
}

TEST_F(PaintTest, keeps_places_on_a_screen_with_more_pixels) {
    QImage once = paint(1);
    QImage twice = paint(2);
    for (Time time : {50'000, 200'000, 450'000, 700'000, 900'000}) {
        for (std::uint32_t lane = 0; lane < 4; ++lane) {
            EXPECT_EQ(once.pixel(x_of(time), y_of(lane, 0)), twice.pixel(2 * x_of(time), 2 * y_of(lane, 0)))
                << time << " lane " << lane;
        }
    }
}

TEST_F(PaintTest, outlines_the_selection) {
    QImage before = paint();
    view.selected = Pick{0, 0, 0};
    QImage after = paint();
    int x = x_of(index->track(*view.selected).end(0)) + 1;
    EXPECT_EQ(after.pixel(x, y_of(0, 0)), theme.accent.rgb());
    EXPECT_NE(before.pixel(x, y_of(0, 0)), theme.accent.rgb());
}

TEST_F(PaintTest, veils_the_marked_range) {
    QImage before = paint();
    view.marked = TimeRange{410'000, 510'000};
    QImage after = paint();
    EXPECT_EQ(before.pixel(x_of(300'000), y_of(1, 0)), after.pixel(x_of(300'000), y_of(1, 0)));
    EXPECT_NE(before.pixel(x_of(460'000), y_of(1, 0)), after.pixel(x_of(460'000), y_of(1, 0)));
}

TEST_F(PaintTest, draws_any_view_of_a_busy_trace) {
    index = busy_index(2, 8, 5'000'000);
    view = ViewState(*index, 700, 300);
    for (int step = 0; step < 40; ++step) {
        view.zoom(1.7, Geometry::gutter_width + (step * 37) % 500, step * 1000);
        view.pan(step % 2 == 0 ? 90 : -70, step * 1000 + 600);
        view.set_scroll(step * 10);
        EXPECT_FALSE(paint().isNull());
    }
}

TEST_F(PaintTest, draws_nothing_wrong_in_a_window_of_no_size) {
    for (int width : {1, 10, Geometry::gutter_width, Geometry::gutter_width + 1}) {
        view.resize(width, 1);
        EXPECT_FALSE(paint().isNull());
    }
}

} // namespace
} // namespace viewer
