#include "viewer/widgets/EventListView.h"

#include "viewer/model/TimeText.h"
#include "viewer/paint/Theme.h"

#include <QFontDatabase>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>

#include <algorithm>
#include <array>

namespace viewer {
namespace {

constexpr std::array titles{"Time", "CPU", "Thread", "Event", "Fields"};
constexpr int padding = 8;

} // namespace

EventListView::EventListView(QWidget* parent)
    : QAbstractScrollArea(parent) {
    setFocusPolicy(Qt::StrongFocus);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOn);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setFrameShape(QFrame::NoFrame);
    setAccessibleName(tr("Events"));
    connect(verticalScrollBar(), &QScrollBar::valueChanged, viewport(), qOverload<>(&QWidget::update));
    measure_columns();
}

void EventListView::set_index(std::shared_ptr<const Index> index) {
    m_index = std::move(index);
    m_rows.reset();
    m_current.reset();
    measure_columns();
    update_scroll_bar();
    verticalScrollBar()->setValue(0);
    viewport()->update();
}

void EventListView::set_rows(std::optional<std::vector<std::uint32_t>> rows) {
    std::uint32_t top = line_count() > 0 ? row_at(verticalScrollBar()->value()) : 0;
    m_rows = std::move(rows);
    update_scroll_bar();
    verticalScrollBar()->setValue(static_cast<int>(line_of(m_current.value_or(top))));
    viewport()->update();
}

std::int64_t EventListView::line_count() const {
    if (!m_index)
        return 0;
    return static_cast<std::int64_t>(m_rows ? m_rows->size() : m_index->timeline().events().size());
}

std::uint32_t EventListView::row_at(std::int64_t line) const {
    line = std::clamp<std::int64_t>(line, 0, line_count() - 1);
    return m_rows ? (*m_rows)[static_cast<size_t>(line)] : static_cast<std::uint32_t>(line);
}

std::int64_t EventListView::line_of(std::uint32_t row) const {
    if (!m_rows)
        return row;
    return std::lower_bound(m_rows->begin(), m_rows->end(), row) - m_rows->begin();
}

int EventListView::line_height() const {
    return fontMetrics().height() + 4;
}

int EventListView::header_height() const {
    return line_height() + 2;
}

int EventListView::lines_a_page() const {
    return std::max(1, (viewport()->height() - header_height()) / line_height());
}

void EventListView::update_scroll_bar() {
    // A scroll bar counts in int: more than two thousand million lines would need steps of several.
    std::int64_t last = std::max<std::int64_t>(0, line_count() - lines_a_page());
    verticalScrollBar()->setRange(0, static_cast<int>(std::min<std::int64_t>(last, std::numeric_limits<int>::max())));
    verticalScrollBar()->setPageStep(lines_a_page());
}

void EventListView::scroll_to_time(Time time) {
    if (!m_index)
        return;
    auto row = static_cast<std::uint32_t>(m_index->timeline().first_event_at(time));
    verticalScrollBar()->setValue(static_cast<int>(line_of(row)));
}

void EventListView::set_current_row(std::uint32_t row) {
    m_current = row;
    std::int64_t line = line_of(row);
    std::int64_t top = verticalScrollBar()->value();
    if (line < top || line >= top + lines_a_page())
        verticalScrollBar()->setValue(static_cast<int>(std::max<std::int64_t>(0, line - lines_a_page() / 3)));
    viewport()->update();
}

QString EventListView::text_of(std::uint32_t row, int column) const {
    const tracer::Timeline& timeline = m_index->timeline();
    const tracer::Events& events = timeline.events();
    switch (column) {
    case 0:
        return QString::fromStdString(time_text(events.time[row], 1));
    case 1:
        return QString::number(events.cpu[row]);
    case 2:
        return QString::fromStdString(timeline.thread_label(events.thread[row]));
    case 3:
        return QString::fromStdString(timeline.event_type(row).name);
    case 4:
        return QString::fromStdString(timeline.fields_text(row));
    default:
        return {};
    }
}

void EventListView::measure_columns() {
    const QFontMetrics metrics = fontMetrics();
    auto width = [&](const char* sample) { return metrics.horizontalAdvance(QLatin1String(sample)) + 2 * padding; };
    const std::array widths{width("0000.000000000 s"), width("CPU 00"), width("a thread's name"),
                            width("a_long_event_name_here")};
    m_column_x = {0};
    for (int w : widths)
        m_column_x.push_back(m_column_x.back() + w);
}

void EventListView::paintEvent(QPaintEvent*) {
    QPainter painter(viewport());
    const QPalette& colors = palette();
    const Theme theme = Theme::from_palette(colors);
    const QRect area = viewport()->rect();
    painter.fillRect(area, colors.base());
    const QFontMetrics metrics = fontMetrics();
    auto cell = [&](size_t column, int y) {
        int right = column + 1 < m_column_x.size() ? m_column_x[column + 1] : area.width();
        return QRect(m_column_x[column] + padding, y, right - m_column_x[column] - padding - 4, line_height());
    };
    std::int64_t top = verticalScrollBar()->value();
    int y = header_height();
    for (std::int64_t line = top; line < line_count() && y < area.height(); ++line, y += line_height()) {
        const std::uint32_t row = row_at(line);
        const bool is_current = m_current == row;
        if (is_current)
            painter.fillRect(0, y, area.width(), line_height(), colors.highlight());
        else if (line % 2 == 1)
            painter.fillRect(0, y, area.width(), line_height(), colors.alternateBase());
        const std::uint16_t type = m_index->timeline().events().type[row];
        const Color color = color_of_name(m_index->timeline().schema().types()[type].name);
        painter.fillRect(m_column_x[3] + 1, y + 4, 3, line_height() - 8, QColor(theme.fill(color)));
        for (size_t column = 0; column < titles.size(); ++column) {
            bool is_dim = column == 1 || column == 4;
            painter.setPen(is_current ? colors.color(QPalette::HighlightedText)
                                      : (is_dim ? theme.dim_text : colors.color(QPalette::Text)));
            QRect place = cell(column, y);
            Qt::Alignment side = column == 0 ? Qt::AlignRight : Qt::AlignLeft;
            painter.drawText(place, static_cast<int>(side | Qt::AlignVCenter),
                             metrics.elidedText(text_of(row, static_cast<int>(column)), Qt::ElideRight, place.width()));
        }
    }
    painter.fillRect(0, 0, area.width(), header_height(), colors.window());
    painter.setPen(theme.dim_text);
    for (size_t column = 0; column < titles.size(); ++column) {
        Qt::Alignment side = column == 0 ? Qt::AlignRight : Qt::AlignLeft;
        painter.drawText(cell(column, 1), static_cast<int>(side | Qt::AlignVCenter), tr(titles[column]));
    }
    painter.fillRect(0, header_height() - 1, area.width(), 1, theme.line);
    if (m_index && line_count() == 0)
        painter.drawText(area, Qt::AlignCenter, tr("No event matches."));
}

void EventListView::resizeEvent(QResizeEvent*) {
    update_scroll_bar();
}

void EventListView::choose(std::int64_t line) {
    if (line_count() == 0)
        return;
    std::uint32_t row = row_at(line);
    set_current_row(row);
    Q_EMIT row_chosen(row);
}

void EventListView::mousePressEvent(QMouseEvent* event) {
    int y = static_cast<int>(event->position().y()) - header_height();
    std::int64_t line = verticalScrollBar()->value() + std::int64_t{y / line_height()};
    if (y >= 0 && line < line_count())
        choose(line);
}

void EventListView::keyPressEvent(QKeyEvent* event) {
    std::int64_t line = m_current ? line_of(*m_current) : verticalScrollBar()->value() - 1;
    switch (event->key()) {
    case Qt::Key_Up:
        choose(line - 1);
        break;
    case Qt::Key_Down:
        choose(line + 1);
        break;
    case Qt::Key_PageUp:
        choose(line - lines_a_page());
        break;
    case Qt::Key_PageDown:
        choose(line + lines_a_page());
        break;
    case Qt::Key_Home:
        choose(0);
        break;
    case Qt::Key_End:
        choose(line_count() - 1);
        break;
    default:
        QAbstractScrollArea::keyPressEvent(event);
    }
}

void EventListView::changeEvent(QEvent* event) {
    if (event->type() == QEvent::FontChange)
        measure_columns();
    QAbstractScrollArea::changeEvent(event);
}

} // namespace viewer
