#include "viewer/widgets/TimelineWidget.h"

#include "viewer/model/Search.h"
#include "viewer/paint/Overview.h"
#include "viewer/paint/TimelinePainter.h"

#include <QApplication>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QWheelEvent>

#include <cmath>

namespace viewer {
namespace {

constexpr double key_zoom = 1.5;
constexpr double key_pan_share = 0.15;
constexpr double wheel_zoom_a_step = 1.25; // a step of a wheel is 120 eighths of a degree
constexpr double wheel_step = 120;

} // namespace

TimelineWidget::TimelineWidget(QWidget* parent)
    : QWidget(parent)
    , m_theme(Theme::from_palette(palette())) {
    setMouseTracking(true);
    setFocusPolicy(Qt::StrongFocus);
    setAttribute(Qt::WA_OpaquePaintEvent);
    setAccessibleName(tr("Timeline"));
    setAccessibleDescription(tr("Lanes of CPUs and threads over time. Press ? for the keys."));
    m_clock.start();
}

void TimelineWidget::set_index(std::shared_ptr<const Index> index) {
    m_index = std::move(index);
    m_view = m_index ? ViewState(*m_index, width(), height()) : ViewState();
    changed();
    Q_EMIT selection_changed();
    Q_EMIT marked_changed();
}

void TimelineWidget::set_filter(LaneFilter filter) {
    if (!m_index)
        return;
    m_view.set_filter(*m_index, std::move(filter));
    changed();
}

void TimelineWidget::show_range(TimeRange range) {
    m_view.show(range, now_ms());
    changed();
}

void TimelineWidget::select(std::optional<Pick> pick) {
    if (m_view.selected == pick)
        return;
    m_view.selected = pick;
    update();
    Q_EMIT selection_changed();
}

void TimelineWidget::reveal(Pick pick) {
    m_view.selected = pick;
    m_view.reveal(m_index->track(pick).range(pick.index), now_ms());
    m_view.scroll_to(pick.lane);
    changed();
    Q_EMIT selection_changed();
}

void TimelineWidget::reveal_event(std::uint32_t row) {
    const tracer::Timeline& timeline = m_index->timeline();
    const Time time = timeline.events().time[row];
    std::uint32_t lane = m_index->lane_of_thread(timeline.events().thread[row]);
    if (lane < m_index->lanes().size()) {
        const auto& tracks = m_index->lanes()[lane].tracks;
        for (std::uint32_t t = 0; t < tracks.size(); ++t) {
            const Track& track = tracks[t].track;
            std::uint32_t i = track.first_beginning_at(time);
            if (tracks[t].role != TrackRole::Points)
                continue;
            for (; i < track.size() && track.begin(i) == time; ++i) {
                if (track.source(i) == row) {
                    reveal({lane, t, i});
                    return;
                }
            }
        }
    }
    m_view.reveal({time, time + 1}, now_ms());
    m_view.scroll_to(lane);
    changed();
}

void TimelineWidget::scroll_to_thread(std::uint32_t tid) {
    if (!m_index)
        return;
    const auto& threads = m_index->timeline().threads();
    for (auto i = static_cast<tracer::ThreadIndex>(threads.size()); i-- > 0;) {
        if (threads[i].tid == tid) {
            m_view.scroll_to(m_index->lane_of_thread(i));
            changed();
            return;
        }
    }
}

bool TimelineWidget::find(const QString& text, bool backwards) {
    if (!m_index)
        return false;
    Time from = backwards ? m_view.visible().end : m_view.visible().begin;
    auto found = find_next(*m_index, m_view.layout(), text.toStdString(), m_view.selected, from, backwards);
    if (found)
        reveal(*found);
    return found.has_value();
}

void TimelineWidget::fit_all() {
    m_view.fit_all(now_ms());
    changed();
}

void TimelineWidget::fit_selection() {
    if (!m_index)
        return;
    m_view.fit_selection(*m_index, now_ms());
    changed();
}

void TimelineWidget::undo_zoom() {
    if (m_view.undo_zoom())
        changed();
}

void TimelineWidget::changed() {
    if (m_view.is_pointer_inside && m_index)
        m_view.hovered = m_view.pick(*m_index, m_view.hover_x, m_view.hover_y);
    update();
    Q_EMIT view_changed();
}

bool TimelineWidget::event(QEvent* event) {
    if (event->type() == QEvent::PaletteChange) {
        m_theme = Theme::from_palette(palette());
        update();
    }
    return QWidget::event(event);
}

void TimelineWidget::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    if (m_index)
        paint_timeline(painter, *m_index, m_view, m_theme);
    else
        painter.fillRect(rect(), m_theme.window);
}

void TimelineWidget::resizeEvent(QResizeEvent*) {
    m_view.resize(width(), height());
    changed();
}

void TimelineWidget::wheelEvent(QWheelEvent* event) {
    if (!m_index)
        return;
    const QPoint delta = event->angleDelta();
    const bool is_on_names = event->position().x() < Geometry::gutter_width;
    const Qt::KeyboardModifiers keys = event->modifiers();
    if (keys.testFlag(Qt::ShiftModifier) || std::abs(delta.x()) > std::abs(delta.y())) {
        // A touch pad's sideways move, or Shift with a wheel that only turns one way.
        double turn = delta.x() != 0 ? delta.x() : delta.y();
        m_view.pan(-turn, now_ms());
    } else if (keys.testFlag(Qt::AltModifier) || is_on_names) {
        m_view.set_scroll(m_view.scroll() - delta.y());
    } else {
        m_view.zoom(std::pow(wheel_zoom_a_step, delta.y() / wheel_step), event->position().x(), now_ms());
    }
    changed();
    event->accept();
}

void TimelineWidget::mousePressEvent(QMouseEvent* event) {
    setFocus(Qt::MouseFocusReason);
    if (!m_index)
        return;
    m_press = m_last = event->position();
    m_has_moved = false;
    const bool is_right_of_names = m_press.x() >= Geometry::gutter_width;
    if (event->button() == Qt::MiddleButton) {
        m_drag = Drag::Pan;
    } else if (event->button() == Qt::LeftButton && m_press.y() < Geometry::overview_height && is_right_of_names) {
        m_drag = Drag::Overview;
        drag_overview(m_press.x());
    } else if (event->button() == Qt::LeftButton && is_right_of_names &&
               (event->modifiers().testFlag(Qt::ShiftModifier) || m_press.y() < Geometry::header_height)) {
        m_drag = Drag::Mark;
        m_mark_start = m_view.time_at(m_press.x());
    } else if (event->button() == Qt::LeftButton) {
        m_drag = Drag::Pan;
    }
}

void TimelineWidget::mouseMoveEvent(QMouseEvent* event) {
    if (!m_index)
        return;
    const QPointF at = event->position();
    if ((at - m_press).manhattanLength() >= QApplication::startDragDistance() && m_drag != Drag::None)
        m_has_moved = true;
    if (m_has_moved) {
        switch (m_drag) {
        case Drag::Pan:
            setCursor(Qt::ClosedHandCursor);
            m_view.pan(m_last.x() - at.x(), now_ms());
            m_view.set_scroll(m_view.scroll() + static_cast<int>(std::lround(m_last.y() - at.y())));
            break;
        case Drag::Mark: {
            Time other = m_view.time_at(at.x());
            TimeRange range{std::min(m_mark_start, other), std::max(m_mark_start, other)};
            m_view.marked = range.intersected(m_view.whole());
            break;
        }
        case Drag::Overview:
            drag_overview(at.x());
            break;
        case Drag::None:
            break;
        }
        if (m_drag != Drag::Mark)
            changed();
        m_last = at;
    }
    hover(at);
}

void TimelineWidget::mouseReleaseEvent(QMouseEvent* event) {
    const Drag drag = m_drag;
    m_drag = Drag::None;
    unsetCursor();
    if (!m_index)
        return;
    if (drag == Drag::Mark) {
        if (!m_has_moved || (m_view.marked && m_view.marked->empty()))
            m_view.marked.reset();
        update();
        Q_EMIT marked_changed();
    } else if (drag == Drag::Pan && !m_has_moved && event->button() == Qt::LeftButton) {
        std::optional<Pick> pick = m_view.pick(*m_index, m_press.x(), m_press.y());
        if (!pick && m_view.marked) {
            m_view.marked.reset();
            Q_EMIT marked_changed();
        }
        select(pick);
        update();
    }
}

void TimelineWidget::mouseDoubleClickEvent(QMouseEvent* event) {
    if (!m_index || event->button() != Qt::LeftButton)
        return;
    select(m_view.pick(*m_index, event->position().x(), event->position().y()));
    if (m_view.selected)
        fit_selection();
}

void TimelineWidget::keyPressEvent(QKeyEvent* event) {
    if (!m_index || (event->modifiers() & (Qt::ControlModifier | Qt::AltModifier | Qt::MetaModifier))) {
        QWidget::keyPressEvent(event);
        return;
    }
    const double pan = m_view.scale().width() * key_pan_share;
    constexpr int scroll_step = 60;
    switch (event->key()) {
    case Qt::Key_W:
    case Qt::Key_Plus:
    case Qt::Key_Equal:
        m_view.zoom(key_zoom, pointer_or_center(), now_ms());
        break;
    case Qt::Key_S:
    case Qt::Key_Minus:
        m_view.zoom(1 / key_zoom, pointer_or_center(), now_ms());
        break;
    case Qt::Key_A:
    case Qt::Key_Left:
        m_view.pan(-pan, now_ms());
        break;
    case Qt::Key_D:
    case Qt::Key_Right:
        m_view.pan(pan, now_ms());
        break;
    case Qt::Key_Up:
        m_view.set_scroll(m_view.scroll() - scroll_step);
        break;
    case Qt::Key_Down:
        m_view.set_scroll(m_view.scroll() + scroll_step);
        break;
    case Qt::Key_PageUp:
        m_view.set_scroll(m_view.scroll() - (height() - Geometry::header_height));
        break;
    case Qt::Key_PageDown:
        m_view.set_scroll(m_view.scroll() + (height() - Geometry::header_height));
        break;
    case Qt::Key_F:
        m_view.fit_selection(*m_index, now_ms());
        break;
    case Qt::Key_0:
    case Qt::Key_Home:
        m_view.fit_all(now_ms());
        break;
    case Qt::Key_Backspace:
        m_view.undo_zoom();
        break;
    case Qt::Key_Period:
    case Qt::Key_Comma:
        m_view.select_neighbour(*m_index, event->key() == Qt::Key_Period ? 1 : -1, now_ms());
        Q_EMIT selection_changed();
        break;
    case Qt::Key_M:
        if (m_view.selected) {
            m_view.marked = m_index->track(*m_view.selected).range(m_view.selected->index);
            Q_EMIT marked_changed();
        }
        break;
    case Qt::Key_Escape:
        m_view.selected.reset();
        m_view.marked.reset();
        Q_EMIT selection_changed();
        Q_EMIT marked_changed();
        break;
    default:
        QWidget::keyPressEvent(event);
        return;
    }
    changed();
}

void TimelineWidget::leaveEvent(QEvent*) {
    m_view.is_pointer_inside = false;
    m_view.hovered.reset();
    update();
}

void TimelineWidget::hover(QPointF at) {
    m_view.is_pointer_inside = true;
    m_view.hover_x = at.x();
    m_view.hover_y = at.y();
    m_view.hovered = m_drag == Drag::None ? m_view.pick(*m_index, at.x(), at.y()) : std::nullopt;
    update();
}

void TimelineWidget::drag_overview(double x) {
    Time center = overview_time_at(x, width(), m_view.whole());
    Time length = m_view.visible().length();
    m_view.show({center - length / 2, center - length / 2 + length}, now_ms());
    changed();
}

double TimelineWidget::pointer_or_center() const {
    if (m_view.is_pointer_inside && m_view.hover_x >= Geometry::gutter_width)
        return m_view.hover_x;
    return Geometry::gutter_width + m_view.scale().width() / 2;
}

} // namespace viewer
