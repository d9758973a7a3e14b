#include "SampleIndex.h"
#include "WidgetTest.h"

#include "viewer/widgets/TimelineWidget.h"

#include <QWheelEvent>

namespace viewer {
namespace {

struct TimelineWidgetTest : WidgetTest {
    std::shared_ptr<const Index> index = sample_index();
    TimelineWidget widget;

    void SetUp() override {
        widget.resize(1000 + Geometry::gutter_width, 500);
        widget.set_index(index);
        widget.show();
        (void)QTest::qWaitForWindowExposed(&widget);
    }
    TimeRange visible() const { return widget.view().visible(); }
    void key(Qt::Key key) { QTest::keyClick(&widget, key); }
    void turn_wheel(QPoint delta, QPointF at, Qt::KeyboardModifiers modifiers = Qt::NoModifier) {
        QWheelEvent event(at, widget.mapToGlobal(at), QPoint(), delta, Qt::NoButton, modifiers, Qt::NoScrollPhase,
                          false);
        QApplication::sendEvent(&widget, &event);
    }
    void drag(QPoint from, QPoint to, Qt::KeyboardModifiers modifiers = Qt::NoModifier) {
        QTest::mousePress(&widget, Qt::LeftButton, modifiers, from);
        // QTest::mouseMove tells no buttons; a drag needs them.
        for (QPoint at : {(from + to) / 2, to}) {
            QMouseEvent move(QEvent::MouseMove, at, widget.mapToGlobal(at), Qt::NoButton, Qt::LeftButton, modifiers);
            QApplication::sendEvent(&widget, &move);
        }
        QTest::mouseRelease(&widget, Qt::LeftButton, modifiers, to);
    }
    /// Where the first track of a kind is, in the middle of its row.
    QPoint place(std::string_view lane, TrackRole role, Time time) const {
        for (const LaneRow& row : widget.view().layout().lanes()) {
            for (const TrackRow& track : row.tracks) {
                if (index->lanes()[row.lane].name == lane && index->lanes()[row.lane].tracks[track.track].role == role)
                    return {static_cast<int>(widget.view().x_of(time)),
                            Geometry::header_height + track.y + track.height / 2};
            }
        }
        ADD_FAILURE() << "no such track";
        return {};
    }
};

TEST_F(TimelineWidgetTest, zooms_and_pans_by_wasd) {
    const TimeRange all = visible();
    key(Qt::Key_W);
    const TimeRange zoomed = visible();
    EXPECT_LT(zoomed.length(), all.length());
    key(Qt::Key_D);
    EXPECT_GT(visible().begin, zoomed.begin);
    EXPECT_EQ(visible().length(), zoomed.length());
    key(Qt::Key_A);
    EXPECT_EQ(visible(), zoomed);
    key(Qt::Key_S);
    EXPECT_EQ(visible(), all);
}

TEST_F(TimelineWidgetTest, zooms_by_the_wheel_at_the_pointer) {
    const QPoint at = place("alice", TrackRole::State, 250'000);
    const Time before = widget.view().time_at(at.x());
    turn_wheel({0, 240}, at);
    EXPECT_LT(visible().length(), index->whole().length());
    EXPECT_NEAR(static_cast<double>(widget.view().time_at(at.x())), static_cast<double>(before), 1500);
    const TimeRange zoomed = visible();
    turn_wheel({0, -120}, at, Qt::ShiftModifier);
    EXPECT_GT(visible().begin, zoomed.begin);
    EXPECT_EQ(visible().length(), zoomed.length());
}

TEST_F(TimelineWidgetTest, pans_by_dragging) {
    key(Qt::Key_W);
    key(Qt::Key_W);
    const TimeRange before = visible();
    drag({600, 300}, {500, 300});
    EXPECT_GT(visible().begin, before.begin);
    EXPECT_FALSE(widget.view().selected);
}

TEST_F(TimelineWidgetTest, selects_by_a_click_and_nothing_beside) {
    QSignalSpy selected(&widget, &TimelineWidget::selection_changed);
    QTest::mouseClick(&widget, Qt::LeftButton, {}, place("alice", TrackRole::Calls, 200'000));
    ASSERT_TRUE(widget.view().selected);
    EXPECT_EQ(index->label(*widget.view().selected), "read");
    EXPECT_EQ(selected.size(), 1);
    QTest::mouseClick(&widget, Qt::LeftButton, {}, place("alice", TrackRole::Calls, 700'000));
    EXPECT_FALSE(widget.view().selected);
}

TEST_F(TimelineWidgetTest, hovers_without_a_click) {
    QTest::mouseMove(&widget, place("alice", TrackRole::Calls, 200'000));
    ASSERT_TRUE(widget.view().hovered);
    EXPECT_EQ(index->label(*widget.view().hovered), "read");
    EXPECT_FALSE(widget.view().selected);
}

TEST_F(TimelineWidgetTest, fits_the_selection_and_all_and_goes_back) {
    const TimeRange all = visible();
    QTest::mouseClick(&widget, Qt::LeftButton, {}, place("alice", TrackRole::Calls, 200'000));
    key(Qt::Key_F);
    EXPECT_EQ(visible(), (TimeRange{80'000, 320'000}));
    key(Qt::Key_Backspace);
    EXPECT_EQ(visible(), all);
    key(Qt::Key_W);
    key(Qt::Key_0);
    EXPECT_EQ(visible(), all);
    key(Qt::Key_W);
    key(Qt::Key_Home);
    EXPECT_EQ(visible(), all);
}

TEST_F(TimelineWidgetTest, marks_a_range_by_shift_drag) {
    QSignalSpy marked(&widget, &TimelineWidget::marked_changed);
    QPoint from = place("alice", TrackRole::State, 300'000);
    QPoint to = place("alice", TrackRole::State, 600'000);
    drag(to, from, Qt::ShiftModifier); // to the left works too
    ASSERT_TRUE(widget.view().marked);
    EXPECT_NEAR(static_cast<double>(widget.view().marked->begin), 300'000, 1100);
    EXPECT_NEAR(static_cast<double>(widget.view().marked->end), 600'000, 1100);
    EXPECT_EQ(marked.size(), 1);
    EXPECT_EQ(visible(), index->whole());
    key(Qt::Key_F);
    EXPECT_LT(visible().length(), 400'000);
    key(Qt::Key_Escape);
    EXPECT_FALSE(widget.view().marked);
}

TEST_F(TimelineWidgetTest, steps_through_a_row) {
    QTest::mouseClick(&widget, Qt::LeftButton, {}, place("bob", TrackRole::State, 100'000));
    key(Qt::Key_Period);
    ASSERT_TRUE(widget.view().selected);
    EXPECT_EQ(index->label(*widget.view().selected), "blocked");
    key(Qt::Key_Comma);
    EXPECT_EQ(index->label(*widget.view().selected), "running");
}

TEST_F(TimelineWidgetTest, goes_where_the_overview_is_clicked) {
    for (int i = 0; i < 5; ++i)
        key(Qt::Key_W);
    QTest::mouseClick(&widget, Qt::LeftButton, {}, QPoint(widget.width() - 2, 10));
    EXPECT_EQ(visible().end, index->whole().end);
}

TEST_F(TimelineWidgetTest, finds_by_name) {
    EXPECT_TRUE(widget.find(QStringLiteral("order"), false));
    ASSERT_TRUE(widget.view().selected);
    EXPECT_EQ(index->label(*widget.view().selected), "shop:order");
    EXPECT_FALSE(widget.find(QStringLiteral("no such thing"), false));
}

TEST_F(TimelineWidgetTest, does_nothing_wrong_without_a_trace) {
    widget.set_index(nullptr);
    for (Qt::Key k : {Qt::Key_W, Qt::Key_F, Qt::Key_0, Qt::Key_Period, Qt::Key_Backspace, Qt::Key_M})
        key(k);
    QTest::mouseClick(&widget, Qt::LeftButton, {}, QPoint(500, 200));
    turn_wheel({0, 120}, {500, 200});
    EXPECT_FALSE(widget.grab().isNull());
}

} // namespace
} // namespace viewer
