#include "viewer/widgets/SummaryPanel.h"

#include "viewer/model/TimeText.h"

#include <QHeaderView>
#include <QLocale>

namespace viewer {
namespace {

constexpr size_t max_rows = 40;

QString duration(Time time) {
    return QString::fromStdString(duration_text(time));
}

QString percent(double share) {
    return QStringLiteral("%1 %").arg(100 * share, 0, 'f', 1);
}

} // namespace

SummaryPanel::SummaryPanel(QWidget* parent)
    : QTreeWidget(parent) {
    setColumnCount(3);
    setHeaderHidden(true);
    setAlternatingRowColors(true);
    setFrameShape(QFrame::NoFrame);
    setIndentation(12);
    header()->setStretchLastSection(true);
    header()->setSectionResizeMode(0, QHeaderView::ResizeToContents);
    header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
    setAccessibleName(tr("Summary of the marked range"));
    m_pool.setMaxThreadCount(1);
    show_range(std::nullopt);
}

SummaryPanel::~SummaryPanel() {
    m_pool.waitForDone();
}

void SummaryPanel::set_index(std::shared_ptr<const Index> index) {
    m_index = std::move(index);
    show_range(std::nullopt);
}

void SummaryPanel::show_range(std::optional<TimeRange> range) {
    const std::uint64_t generation = ++m_generation;
    if (!range || !m_index) {
        clear();
        auto* hint = new QTreeWidgetItem(this, {tr("Mark a range: drag with Shift, or in the ruler.")});
        hint->setFirstColumnSpanned(true);
        hint->setForeground(0, palette().brush(QPalette::PlaceholderText));
        return;
    }
    m_pool.clear(); // requests that have not begun
    m_pool.start([this, generation, range = *range, index = m_index] {
        RangeSummary summary = summarise(*index, range);
        QMetaObject::invokeMethod(
            this,
            [this, generation, summary = std::move(summary)] {
                if (generation == m_generation)
                    show_summary(summary);
            },
            Qt::QueuedConnection);
    });
}

QTreeWidgetItem* SummaryPanel::section(const QString& title) {
    auto* item = new QTreeWidgetItem(this, {title});
    QFont bold = font();
    bold.setBold(true);
    item->setFont(0, bold);
    item->setExpanded(true);
    return item;
}

void SummaryPanel::show_summary(const RangeSummary& summary) {
    clear();
    const QLocale locale;
    const auto length = static_cast<double>(std::max<Time>(summary.range.length(), 1));
    QTreeWidgetItem* range = section(tr("Range"));
    new QTreeWidgetItem(range, {tr("lasts"), duration(summary.range.length())});
    new QTreeWidgetItem(range, {tr("from"), QString::fromStdString(time_text(summary.range.begin, 1))});
    new QTreeWidgetItem(range, {tr("to"), QString::fromStdString(time_text(summary.range.end, 1))});
    new QTreeWidgetItem(range, {tr("events"), locale.toString(static_cast<qulonglong>(summary.events))});
    if (summary.lost > 0)
        new QTreeWidgetItem(range, {tr("lost events"), locale.toString(static_cast<qulonglong>(summary.lost))});
    if (summary.stopped > 0)
        new QTreeWidgetItem(range, {tr("held by debugger"), duration(summary.stopped)});

    QTreeWidgetItem* cpus = section(tr("CPU use"));
    size_t cpu = 0;
    for (const Lane& lane : m_index->lanes()) {
        if (lane.kind == Lane::Kind::Cpu)
            new QTreeWidgetItem(cpus, {QString::fromStdString(lane.name), percent(summary.cpu_use[cpu++])});
    }
    QTreeWidgetItem* threads = section(tr("Threads by CPU time"));
    for (size_t i = 0; i < std::min(summary.threads.size(), max_rows); ++i) {
        const ThreadShare& share = summary.threads[i];
        new QTreeWidgetItem(threads, {QString::fromStdString(m_index->timeline().thread_label(share.thread)),
                                      duration(share.running), percent(static_cast<double>(share.running) / length)});
    }
    QTreeWidgetItem* calls = section(tr("System calls by time"));
    for (size_t i = 0; i < std::min(summary.calls.size(), max_rows); ++i) {
        const CallShare& share = summary.calls[i];
        new QTreeWidgetItem(calls, {QString::fromStdString(share.name), duration(share.total),
                                    tr("%1 ×, median %2, longest %3")
                                        .arg(locale.toString(static_cast<qulonglong>(share.count)),
                                             duration(share.median), duration(share.longest))});
    }
    QTreeWidgetItem* types = section(tr("Events by number"));
    for (size_t i = 0; i < std::min(summary.types.size(), max_rows); ++i)
        new QTreeWidgetItem(types, {QString::fromStdString(summary.types[i].name),
                                    locale.toString(static_cast<qulonglong>(summary.types[i].count))});
    Q_EMIT summarised();
}

} // namespace viewer
