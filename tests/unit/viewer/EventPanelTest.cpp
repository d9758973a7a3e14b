#include "SampleIndex.h"
#include "WidgetTest.h"

#include "viewer/widgets/EventListView.h"
#include "viewer/widgets/EventPanel.h"

#include <QLineEdit>
#include <QScrollBar>

namespace viewer {
namespace {

struct EventPanelTest : WidgetTest {
    EventPanel panel;

    void show(std::shared_ptr<const Index> index) {
        panel.resize(900, 300);
        panel.set_index(std::move(index));
        panel.show();
        (void)QTest::qWaitForWindowExposed(&panel);
    }
    void filter(const char* text) {
        QSignalSpy filtered(&panel, &EventPanel::filtered);
        panel.filter_box().setText(QString::fromLatin1(text));
        ASSERT_TRUE(wait_for(filtered));
    }
};

TEST_F(EventPanelTest, lists_every_event_and_what_a_filter_leaves) {
    auto index = sample_index();
    show(index);
    EXPECT_EQ(panel.list().line_count(), static_cast<std::int64_t>(index->timeline().events().size()));
    filter("shop:order");
    EXPECT_EQ(panel.list().line_count(), 2);
    filter("nothing like that");
    EXPECT_EQ(panel.list().line_count(), 0);
    EXPECT_FALSE(panel.grab().isNull());
    filter("");
    EXPECT_EQ(panel.list().line_count(), static_cast<std::int64_t>(index->timeline().events().size()));
}

TEST_F(EventPanelTest, drops_a_filter_that_was_overtaken) {
    show(busy_index(2, 8, 20'000'000));
    QSignalSpy filtered(&panel, &EventPanel::filtered);
    for (const char* text : {"s", "sc", "sch", "sched_switch"}) {
        panel.filter_box().setText(QString::fromLatin1(text));
        QTest::qWait(1);
    }
    ASSERT_TRUE(wait_for(filtered));
    QTest::qWait(300);
    EXPECT_EQ(filtered.size(), 1);
}

TEST_F(EventPanelTest, chooses_by_click_and_keys) {
    show(sample_index());
    QSignalSpy chosen(&panel.list(), &EventListView::row_chosen);
    QTest::mouseClick(panel.list().viewport(), Qt::LeftButton, {}, QPoint(200, 60));
    ASSERT_TRUE(panel.list().current_row());
    std::uint32_t row = *panel.list().current_row();
    QTest::keyClick(&panel.list(), Qt::Key_Down);
    EXPECT_EQ(panel.list().current_row(), row + 1);
    QTest::keyClick(&panel.list(), Qt::Key_Home);
    EXPECT_EQ(panel.list().current_row(), 0u);
    EXPECT_EQ(chosen.size(), 3);
}

TEST_F(EventPanelTest, scrolls_to_a_time_and_shows_only_what_is_visible) {
    auto index = busy_index(2, 8, 50'000'000);
    show(index);
    panel.list().scroll_to_time(25'000'000);
    auto top = static_cast<std::uint32_t>(panel.list().verticalScrollBar()->value());
    EXPECT_EQ(top, index->timeline().first_event_at(25'000'000));
    EXPECT_EQ(panel.list().text_of(top, 1).size(), 1);
    EXPECT_FALSE(panel.list().text_of(top, 4).isEmpty());
    EXPECT_FALSE(panel.grab().isNull());
}

} // namespace
} // namespace viewer
