#include "viewer/paint/Marks.h"

#include "viewer/model/TimeText.h"

#include <QPainterPath>

#include <cmath>
#include <fmt/format.h>

namespace viewer {
namespace {

constexpr int top = Geometry::overview_height;

QRectF column_of(const Scene& scene, TimeRange range, double min_width) {
    double x0 = std::max(scene.view.x_of(range.begin), -10.0);
    double x1 = std::min(scene.view.x_of(range.end), scene.view.width() + 10.0);
    x1 = std::max(x1, x0 + min_width);
    return {x0, double(Geometry::header_height), x1 - x0, double(scene.view.height() - Geometry::header_height)};
}

/// Diagonal lines, as rectangles' worth of pen strokes: patterns of brushes differ between paint devices.
void hatch(QPainter& painter, const QRectF& area, const QColor& color) {
    painter.save();
    painter.setClipRect(area, Qt::IntersectClip);
    painter.setPen(QPen(color, 1));
    constexpr double distance = 8;
    // Lines keep their place in the picture, so that hatching does not crawl when it is cut differently.
    double first = std::floor((area.x() - area.height()) / distance) * distance;
    for (double x = first; x < area.right(); x += distance)
        painter.drawLine(QPointF(x, area.bottom()), QPointF(x + area.height(), area.top()));
    painter.restore();
}

/// A flag with text in the ruler, at `x`.
void flag(QPainter& painter, const Scene& scene, double x, const QColor& color, const QString& text) {
    painter.save();
    painter.setClipRect(QRect(Geometry::gutter_width, top, scene.view.width(), Geometry::ruler_height));
    const QFontMetricsF metrics(scene.theme.small_font, painter.device());
    double width = scene.theme.draws_text ? metrics.horizontalAdvance(text) + 10 : 10;
    QRectF area(std::clamp(x, double(Geometry::gutter_width),
                           std::max(double(Geometry::gutter_width), scene.view.width() - width)),
                top + 4, width, Geometry::ruler_height - 9);
    painter.fillRect(area, color);
    if (scene.theme.draws_text) {
        painter.setFont(scene.theme.small_font);
        painter.setPen(Theme::text_on(color.rgb()));
        painter.drawText(area, Qt::AlignCenter, text);
    }
    painter.restore();
}

void paint_stops(QPainter& painter, const Scene& scene) {
    for (const tracer::Mark& mark : scene.index.timeline().marks()) {
        TimeRange range{mark.begin, mark.end};
        if (mark.end < scene.view.visible().begin || mark.begin > scene.view.visible().end)
            continue;
        if (mark.kind == tracer::Mark::Kind::DebuggerStop) {
            QRectF area = column_of(scene, range, 3);
            QColor veil = scene.theme.window;
            veil.setAlpha(150);
            painter.fillRect(area, veil);
            QColor line = scene.theme.dim_text;
            line.setAlpha(120);
            hatch(painter, area, line);
            flag(painter, scene, area.x(), scene.theme.dim_text,
                 QStringLiteral("debugger, %1").arg(QString::fromStdString(duration_text(range.length()))));
            continue;
        }
        bool is_crash = mark.kind == tracer::Mark::Kind::Crash;
        QColor color = is_crash ? scene.theme.warning : scene.theme.accent;
        double x = std::min(scene.view.x_of(mark.begin), scene.view.width() - 2.0);
        painter.fillRect(QRectF(x, Geometry::header_height, 2, scene.view.height()), color);
        flag(painter, scene, x, color, QString::fromStdString(mark.text));
    }
}

void paint_losses(QPainter& painter, const Scene& scene) {
    for (const tracer::Loss& loss : scene.index.timeline().losses()) {
        TimeRange range{loss.begin, loss.end};
        if (range.end < scene.view.visible().begin || range.begin > scene.view.visible().end)
            continue;
        QRectF area = column_of(scene, range, 3);
        for (const LaneRow& row : scene.view.layout().lanes()) {
            const Lane& lane = scene.index.lanes()[row.lane];
            if (lane.kind != Lane::Kind::Cpu || lane.number != loss.cpu)
                continue;
            QRectF on_lane(area.x(), scene.y_of(row.y), area.width(), row.height - 1);
            QColor tint = scene.theme.warning;
            tint.setAlpha(70);
            painter.fillRect(on_lane, tint);
            hatch(painter, on_lane, scene.theme.warning);
        }
        flag(painter, scene, area.x(), scene.theme.warning,
             QString::fromStdString(fmt::format("{} lost on CPU {}", loss.count, loss.cpu)));
    }
}

std::optional<QRectF> area_of(const Scene& scene, Pick pick) {
    const LaneRow* row = scene.view.layout().row_of(pick.lane);
    if (!row)
        return std::nullopt;
    const TrackRow& track = row->tracks[pick.track];
    TimeRange range = scene.index.track(pick).range(pick.index);
    double x0 = std::max(scene.view.x_of(range.begin), Geometry::gutter_width - 10.0);
    double x1 = std::min(scene.view.x_of(range.end), scene.view.width() + 10.0);
    if (x1 < Geometry::gutter_width || x0 > scene.view.width())
        return std::nullopt;
    return QRectF(x0, scene.y_of(track.y), std::max(x1 - x0, 3.0), track.height);
}

void outline(QPainter& painter, const QRectF& area, const QColor& color, double width) {
    QPen pen(color, width);
    pen.setJoinStyle(Qt::MiterJoin);
    painter.setPen(pen);
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(area.adjusted(-width / 2, -width / 2, width / 2, width / 2));
}

/// From who woke the selected thread, if the selection is its waiting for a CPU or its run.
void paint_wakeup(QPainter& painter, const Scene& scene) {
    if (!scene.view.selected || scene.index.role(*scene.view.selected) != TrackRole::State)
        return;
    const Pick pick = *scene.view.selected;
    const tracer::ThreadIndex thread = scene.index.lanes()[pick.lane].number;
    const Time at = scene.index.interval(pick).begin;
    const tracer::Wakeups& wakeups = scene.index.timeline().wakeups();
    auto found = std::lower_bound(wakeups.time.begin(), wakeups.time.end(), at);
    for (; found != wakeups.time.end() && *found == at; ++found) {
        auto i = static_cast<size_t>(found - wakeups.time.begin());
        if (wakeups.thread[i] != thread || wakeups.waker[i] == tracer::no_thread)
            continue;
        const LaneRow* from = scene.view.layout().row_of(scene.index.lane_of_thread(wakeups.waker[i]));
        const LaneRow* to = scene.view.layout().row_of(pick.lane);
        if (!from || !to || from == to)
            return;
        double x = scene.view.x_of(at);
        double y0 = scene.y_of(from->tracks.front().y) + 4;
        double y1 = scene.y_of(to->tracks.front().y) + (y0 < scene.y_of(to->y) ? 0 : 8);
        painter.setPen(QPen(scene.theme.text, 1.5));
        painter.drawLine(QPointF(x, y0), QPointF(x, y1));
        double back = y0 < y1 ? -6 : 6;
        QPainterPath head(QPointF(x, y1));
        head.lineTo(x - 4, y1 + back);
        head.lineTo(x + 4, y1 + back);
        head.closeSubpath();
        painter.fillPath(head, scene.theme.text);
        painter.fillRect(QRectF(x - 3, y0 - 3, 6, 6), scene.theme.text);
    }
}

void paint_marked(QPainter& painter, const Scene& scene) {
    if (!scene.view.marked)
        return;
    QRectF area = column_of(scene, *scene.view.marked, 1);
    QColor veil = scene.theme.accent;
    veil.setAlpha(36);
    painter.fillRect(area, veil);
    painter.fillRect(QRectF(area.x(), top, 1, scene.view.height()), scene.theme.accent);
    painter.fillRect(QRectF(area.right(), top, 1, scene.view.height()), scene.theme.accent);
    flag(painter, scene, area.x(), scene.theme.accent,
         QString::fromStdString(duration_text(scene.view.marked->length())));
}

} // namespace

void paint_marks(QPainter& painter, const Scene& scene) {
    painter.save();
    painter.setClipRect(QRect(Geometry::gutter_width, top, scene.view.width(), scene.view.height()));
    paint_marked(painter, scene);
    painter.setClipRect(scene.tracks_area());
    if (scene.view.hovered) {
        if (auto area = area_of(scene, *scene.view.hovered))
            outline(painter, *area, scene.theme.text, 1);
    }
    if (scene.view.selected) {
        if (auto area = area_of(scene, *scene.view.selected)) {
            outline(painter, area->adjusted(-1, -1, 1, 1), scene.theme.window, 1);
            outline(painter, *area, scene.theme.accent, 2);
        }
    }
    paint_wakeup(painter, scene);
    paint_stops(painter, scene);
    paint_losses(painter, scene);
    if (scene.view.is_pointer_inside && scene.view.hover_x >= Geometry::gutter_width) {
        QColor line = scene.theme.text;
        line.setAlpha(60);
        painter.fillRect(QRectF(scene.view.hover_x, Geometry::header_height, 1, scene.view.height()), line);
    }
    painter.restore();
}

} // namespace viewer
