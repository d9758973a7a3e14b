#include "SampleCrash.h"
#include "SampleIndex.h"
#include "WidgetTest.h"

#include "viewer/widgets/CrashPanel.h"
#include "viewer/widgets/MainWindow.h"
#include "viewer/widgets/TimelineWidget.h"

#include <QTreeWidget>

namespace viewer {
namespace {

struct CrashPanelTest : WidgetTest {};

TEST_F(CrashPanelTest, shows_the_culprit_first_and_any_thread_on_demand) {
    CrashPanel panel;
    QSignalSpy chosen(&panel, &CrashPanel::thread_chosen);
    panel.set_report(sample_crash());
    EXPECT_EQ(panel.threads().topLevelItemCount(), 2);
    EXPECT_EQ(panel.stack().topLevelItem(0)->text(2), QStringLiteral("Ledger.cpp:42"));
    EXPECT_EQ(panel.registers().topLevelItemCount(), 18);
    ASSERT_TRUE(panel.instructions().currentItem());
    EXPECT_EQ(panel.instructions().currentItem()->text(0), QStringLiteral("0x401170"));
    panel.choose_thread(0);
    EXPECT_EQ(panel.stack().topLevelItem(1)->text(1), QStringLiteral("__lll_lock_wait"));
    ASSERT_EQ(chosen.size(), 2);
    EXPECT_EQ(chosen[1][0].toUInt(), 10u);
    panel.set_report(nullptr);
    EXPECT_EQ(panel.threads().topLevelItemCount(), 0);
}

TEST_F(CrashPanelTest, is_in_the_window_of_a_core_only) {
    MainWindow window;
    window.show_document({"core", damaged_index(), sample_crash()});
    window.show();
    EXPECT_TRUE(window.crash().isVisible());
    EXPECT_EQ(window.message(), QString());
    window.show_document({"trace", sample_index(), nullptr});
    EXPECT_FALSE(window.crash().isVisible());
    window.show_document({"core", nullptr, sample_crash()});
    EXPECT_TRUE(window.message().contains(QStringLiteral("holds no trace")));
    EXPECT_FALSE(window.grab().isNull());
}

} // namespace
} // namespace viewer
