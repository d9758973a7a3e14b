#include "SampleIndex.h"
#include "WidgetTest.h"

#include "viewer/widgets/DetailsPanel.h"
#include "viewer/widgets/EventListView.h"
#include "viewer/widgets/EventPanel.h"
#include "viewer/widgets/LanesPanel.h"
#include "viewer/widgets/MainWindow.h"
#include "viewer/widgets/SummaryPanel.h"
#include "viewer/widgets/TimelineWidget.h"

#include <QLineEdit>
#include <QListWidget>
#include <QTemporaryDir>

namespace viewer {
namespace {

struct MainWindowTest : WidgetTest {
    QTemporaryDir directory;
    MainWindow window;

    QString write(const tracer::SyntheticTrace& trace) {
        QString path = directory.filePath(QStringLiteral("shop.trace"));
        EXPECT_TRUE(trace.write(path.toStdString()));
        return path;
    }
    void open(const QString& path) {
        QSignalSpy shown(&window, &MainWindow::document_shown);
        window.open(path);
        window.show();
        ASSERT_TRUE(wait_for(shown)) << window.message().toStdString();
    }
    static bool has_row(const QTreeWidget& tree, const char* name, const char* value) {
        for (QTreeWidgetItem* item : tree.findItems(QString::fromLatin1(name), Qt::MatchExactly | Qt::MatchRecursive)) {
            if (item->text(1).contains(QString::fromLatin1(value)))
                return true;
        }
        return false;
    }
};

TEST_F(MainWindowTest, opens_a_trace_on_a_worker_thread) {
    open(write(sample_trace()));
    EXPECT_EQ(window.message(), QString());
    EXPECT_EQ(window.windowTitle().toStdString(), "shop.trace – Uniscope");
    EXPECT_EQ(window.timeline().view().layout().lanes().size(), 4u);
    EXPECT_FALSE(window.grab().isNull());
}

TEST_F(MainWindowTest, says_in_words_what_cannot_be_opened) {
    for (const QString& path : {QStringLiteral("/no/such/trace"), directory.path()}) {
        QSignalSpy failed(&window, &MainWindow::load_failed);
        window.open(path);
        ASSERT_TRUE(wait_for(failed));
        EXPECT_TRUE(window.message().contains(QStringLiteral("cannot be opened"))) << window.message().toStdString();
    }
}

TEST_F(MainWindowTest, replaces_a_load_by_the_next) {
    QString path = write(tracer::make_busy_trace(2, 8, 50'000'000));
    window.open(path);
    open(path);
    EXPECT_EQ(window.message(), QString());
}

TEST_F(MainWindowTest, shows_the_details_of_a_selection) {
    open(write(sample_trace()));
    ASSERT_TRUE(window.timeline().find(QStringLiteral("read"), false));
    EXPECT_TRUE(has_row(window.details(), "result", "ENOENT"));
    EXPECT_TRUE(has_row(window.details(), "thread", "alice"));
}

TEST_F(MainWindowTest, goes_from_the_event_list_to_the_timeline) {
    open(write(sample_trace()));
    const auto& events = window.timeline().index()->timeline().events();
    for (std::uint32_t row = 0; row < events.size(); ++row) {
        if (window.timeline().index()->timeline().event_type(row).name == "shop:order") {
            Q_EMIT window.events().list().row_chosen(row);
            break;
        }
    }
    ASSERT_TRUE(window.timeline().view().selected);
    EXPECT_EQ(window.timeline().index()->label(*window.timeline().view().selected), "shop:order");
    EXPECT_TRUE(has_row(window.details(), "id", "77"));
}

TEST_F(MainWindowTest, hides_lanes_by_pattern_and_by_check_box) {
    open(write(sample_trace()));
    window.lanes().set_pattern(QStringLiteral("cpu"));
    EXPECT_EQ(window.timeline().view().layout().lanes().size(), 2u);
    window.lanes().list().item(0)->setCheckState(Qt::Unchecked);
    EXPECT_EQ(window.timeline().view().layout().lanes().size(), 1u);
    window.lanes().set_pattern(QString());
    EXPECT_EQ(window.timeline().view().layout().lanes().size(), 3u);
}

TEST_F(MainWindowTest, adds_up_a_marked_range) {
    open(write(sample_trace()));
    ASSERT_TRUE(window.timeline().find(QStringLiteral("read"), false));
    QSignalSpy summarised(&window.summary(), &SummaryPanel::summarised);
    QTest::keyClick(&window.timeline(), Qt::Key_M);
    ASSERT_TRUE(wait_for(summarised));
    EXPECT_TRUE(has_row(window.summary(), "lasts", "200.0"));
    EXPECT_TRUE(has_row(window.summary(), "alice", "200.0"));
}

TEST_F(MainWindowTest, finds_from_the_search_box) {
    open(write(sample_trace()));
    QTest::keyClick(&window.timeline(), Qt::Key_Slash);
    QTest::keyClicks(&window.search_box(), QStringLiteral("order"));
    QTest::keyClick(&window.search_box(), Qt::Key_Return);
    ASSERT_TRUE(window.timeline().view().selected);
}

} // namespace
} // namespace viewer
