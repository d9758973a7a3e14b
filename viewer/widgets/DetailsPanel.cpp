#include "viewer/widgets/DetailsPanel.h"

#include "viewer/model/TimeText.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLocale>

#include <algorithm>

namespace viewer {
namespace {

// More than this are not compared: it would be felt.
constexpr std::uint32_t max_compared = 2'000'000;

} // namespace

DetailsPanel::DetailsPanel(QWidget* parent)
    : QTreeWidget(parent) {
    setColumnCount(2);
    setHeaderHidden(true);
    setRootIsDecorated(false);
    setAlternatingRowColors(true);
    setFrameShape(QFrame::NoFrame);
    setTextElideMode(Qt::ElideMiddle);
    header()->setSectionResizeMode(0, QHeaderView::ResizeToContents);
    setAccessibleName(tr("Details"));
    show_pick(std::nullopt);
}

void DetailsPanel::set_index(std::shared_ptr<const Index> index) {
    m_index = std::move(index);
    show_pick(std::nullopt);
}

void DetailsPanel::add(const QString& name, const QString& value) {
    auto* item = new QTreeWidgetItem(this, {name, value});
    item->setToolTip(1, value);
    item->setForeground(0, palette().brush(QPalette::PlaceholderText));
}

void DetailsPanel::show_details(const Details& details) {
    clear();
    auto* title = new QTreeWidgetItem(this, {QString::fromStdString(details.title)});
    title->setFirstColumnSpanned(true);
    QFont bold = font();
    bold.setBold(true);
    title->setFont(0, bold);
    add(tr("at"), QString::fromStdString(time_text(details.range.begin, 1)));
    if (details.range.begin != details.range.end) {
        add(tr("until"), QString::fromStdString(time_text(details.range.end, 1)));
        add(tr("lasts"), QString::fromStdString(duration_text(details.range.length())));
    }
    for (const Detail& row : details.rows)
        add(QString::fromStdString(row.name), QString::fromStdString(row.value));
}

void DetailsPanel::show_pick(std::optional<Pick> pick) {
    if (!pick || !m_index) {
        clear();
        auto* hint = new QTreeWidgetItem(this, {tr("Click something in the timeline.")});
        hint->setFirstColumnSpanned(true);
        hint->setForeground(0, palette().brush(QPalette::PlaceholderText));
        return;
    }
    show_details(details_of(*m_index, *pick));
    add_comparison(*pick);
}

void DetailsPanel::show_event(std::uint32_t row) {
    if (m_index)
        show_details(details_of_event(*m_index, row));
}

void DetailsPanel::add_comparison(Pick pick) {
    const Track& track = m_index->track(pick);
    if (m_index->role(pick) == TrackRole::Points || track.size() > max_compared)
        return;
    const std::uint32_t label = track.label(pick.index);
    const Time own = track.range(pick.index).length();
    std::vector<Time> lengths;
    for (std::uint32_t i = 0; i < track.size(); ++i) {
        if (track.label(i) == label)
            lengths.push_back(track.range(i).length());
    }
    if (lengths.size() < 2)
        return;
    std::sort(lengths.begin(), lengths.end());
    auto shorter = std::lower_bound(lengths.begin(), lengths.end(), own) - lengths.begin();
    auto* title = new QTreeWidgetItem(
        this,
        {tr("Among all %1 like it in this lane").arg(QLocale().toString(static_cast<qlonglong>(lengths.size())))});
    title->setFirstColumnSpanned(true);
    title->setForeground(0, palette().brush(QPalette::PlaceholderText));
    auto at = [&](double share) {
        return lengths[static_cast<size_t>(share * static_cast<double>(lengths.size() - 1))];
    };
    add(tr("longer than"),
        tr("%1 %").arg(100.0 * static_cast<double>(shorter) / static_cast<double>(lengths.size()), 0, 'f', 1));
    add(tr("median"), QString::fromStdString(duration_text(at(0.5))));
    add(tr("99 % within"), QString::fromStdString(duration_text(at(0.99))));
    add(tr("longest"), QString::fromStdString(duration_text(lengths.back())));
}

void DetailsPanel::keyPressEvent(QKeyEvent* event) {
    if (!event->matches(QKeySequence::Copy)) {
        QTreeWidget::keyPressEvent(event);
        return;
    }
    QStringList lines;
    for (int i = 0; i < topLevelItemCount(); ++i)
        lines << (topLevelItem(i)->text(0) + QLatin1Char('\t') + topLevelItem(i)->text(1)).trimmed();
    QGuiApplication::clipboard()->setText(lines.join(QLatin1Char('\n')));
}

} // namespace viewer
