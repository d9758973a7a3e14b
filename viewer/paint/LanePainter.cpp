#include "viewer/paint/LanePainter.h"

#include "viewer/paint/Ruler.h"

#include <cmath>

namespace viewer {
namespace {

constexpr int min_label_width = 26;
constexpr size_t max_labels = 3000;
constexpr double grid_distance = 110;

} // namespace

LanePainter::LanePainter(QPainter& painter, const Scene& scene)
    : m_painter(painter)
    , m_scene(scene) {}

bool LanePainter::is_visible(int y, int height) const {
    int top = m_scene.y_of(y);
    return top + height > Geometry::header_height && top < m_scene.view.height();
}

QRgb LanePainter::background_of(size_t row) const {
    return (row % 2 == 0 ? m_scene.theme.lane : m_scene.theme.lane_odd).rgb();
}

void LanePainter::paint() {
    const QRect area = m_scene.tracks_area();
    if (area.isEmpty())
        return;
    m_painter.save();
    m_painter.setClipRect(QRect(0, area.y(), m_scene.view.width(), area.height()));
    SpanCanvas canvas(m_painter, area);
    m_scale = m_scene.view.scale().with_width(canvas.columns());
    paint_backgrounds(canvas);
    const auto& rows = m_scene.view.layout().lanes();
    for (size_t i = 0; i < rows.size(); ++i) {
        if (!is_visible(rows[i].y, rows[i].height))
            continue;
        const Lane& lane = m_scene.index.lanes()[rows[i].lane];
        for (const TrackRow& row : rows[i].tracks) {
            const LaneTrack& track = lane.tracks[row.track];
            if (track.role == TrackRole::Points)
                paint_points(canvas, track, row, background_of(i));
            else
                paint_track(canvas, track, row, background_of(i));
        }
    }
    canvas.finish();
    if (m_scene.theme.draws_text)
        paint_labels();
    paint_groups();
    paint_names();
    m_painter.restore();
}

void LanePainter::paint_backgrounds(SpanCanvas& canvas) {
    canvas.fill(0, 0, canvas.columns(), canvas.rows(), m_scene.theme.window.rgb());
    const auto& rows = m_scene.view.layout().lanes();
    auto row_of = [&](int y) {
        return static_cast<int>(std::lround((m_scene.y_of(y) - Geometry::header_height) * canvas.scale()));
    };
    const int hairline = std::max(1, static_cast<int>(canvas.scale()));
    for (size_t i = 0; i < rows.size(); ++i) {
        if (!is_visible(rows[i].y, rows[i].height))
            continue;
        canvas.fill(0, row_of(rows[i].y), canvas.columns(), row_of(rows[i].y + rows[i].height), background_of(i));
    }
    for (Time time : ticks_of(m_scene.view.scale(), grid_distance).times) {
        int x = static_cast<int>(m_scale.x_of(time));
        for (const LaneRow& row : rows) {
            if (is_visible(row.y, row.height))
                canvas.fill(x, row_of(row.y), x + hairline, row_of(row.y + row.height), m_scene.theme.grid.rgb());
        }
    }
    for (const LaneRow& row : rows) {
        int bottom = row_of(row.y + row.height);
        canvas.fill(0, bottom - hairline, canvas.columns(), bottom, m_scene.theme.line.rgb());
    }
}

void LanePainter::paint_track(SpanCanvas& canvas, const LaneTrack& track, const TrackRow& row, QRgb background) {
    layout_track(track.track, m_scale, m_spans);
    const int y0 = static_cast<int>(std::lround((m_scene.y_of(row.y) - Geometry::header_height) * canvas.scale()));
    const int y1 = y0 + static_cast<int>(std::lround(row.height * canvas.scale()));
    const bool has_labels = track.role == TrackRole::Running || track.role == TrackRole::Calls;
    for (const Span& span : m_spans) {
        QRgb color = m_scene.theme.fill(span.color);
        // A pixel with little in it is fainter, but never too faint to be found.
        if (span.count > 1 || span.x1 - span.x0 < 2)
            color = mixed(background, color, 0.3f + 0.7f * span.coverage);
        canvas.fill(span.x0, y0, span.x1, y1, color);
        if (span.x1 - span.x0 >= 4 && track.role != TrackRole::State)
            canvas.fill(span.x1 - 1, y0, span.x1, y1, mixed(background, color, 0.45f));
        double width = (span.x1 - span.x0) / canvas.scale();
        if (has_labels && width >= min_label_width && m_labels.size() < max_labels) {
            m_labels.push_back(
                {QRectF(Geometry::gutter_width + span.x0 / canvas.scale(), m_scene.y_of(row.y), width, row.height),
                 track.track.label(span.index), color, false});
        }
    }
}

void LanePainter::paint_points(SpanCanvas& canvas, const LaneTrack& track, const TrackRow& row, QRgb background) {
    layout_track(track.track, m_scale, m_spans);
    const int y0 = static_cast<int>(std::lround((m_scene.y_of(row.y) - Geometry::header_height) * canvas.scale()));
    const int y1 = y0 + static_cast<int>(std::lround(row.height * canvas.scale()));
    const int width = std::max(2, static_cast<int>(std::lround(2 * canvas.scale())));
    for (size_t i = 0; i < m_spans.size(); ++i) {
        const Span& span = m_spans[i];
        QRgb color = m_scene.theme.fill(span.color);
        int x = std::min(span.x0, canvas.columns() - width); // the trace's last event is at the very edge
        canvas.fill(x, y0, x + width, y1, span.count > 1 ? color : mixed(background, color, 0.85f));
        double next = i + 1 < m_spans.size() ? m_spans[i + 1].x0 : canvas.columns();
        double room = (next - span.x0) / canvas.scale() - 5;
        if (span.count == 1 && room >= min_label_width && m_labels.size() < max_labels) {
            m_labels.push_back(
                {QRectF(Geometry::gutter_width + span.x0 / canvas.scale() + 2, m_scene.y_of(row.y), room, row.height),
                 track.track.label(span.index), color, true});
        }
    }
}

void LanePainter::paint_labels() {
    m_painter.save();
    m_painter.setClipRect(m_scene.tracks_area());
    m_painter.setFont(m_scene.theme.small_font);
    const QFontMetricsF metrics(m_scene.theme.small_font, m_painter.device());
    for (const Label& label : m_labels) {
        QRectF area = label.area.adjusted(4, 0, -3, 0);
        QString text = QString::fromStdString(m_scene.index.labels().text(label.text));
        double width = metrics.horizontalAdvance(text);
        if (width > area.width()) {
            // A beginning of three letters tells something; less does not.
            if (label.is_point || area.width() < metrics.horizontalAdvance(QStringLiteral("www…")))
                continue;
            text = metrics.elidedText(text, Qt::ElideRight, area.width());
        }
        m_painter.setPen(label.is_point ? m_scene.theme.dim_text : Theme::text_on(label.background));
        m_painter.drawText(area, Qt::AlignLeft | Qt::AlignVCenter, text);
    }
    m_painter.restore();
}

void LanePainter::paint_groups() {
    const Theme& theme = m_scene.theme;
    for (const GroupRow& group : m_scene.view.layout().groups()) {
        if (!is_visible(group.y, group.height))
            continue;
        QRect area(0, m_scene.y_of(group.y), m_scene.view.width(), group.height);
        m_painter.fillRect(area, theme.group);
        if (!theme.draws_text)
            continue;
        m_painter.setFont(theme.small_font);
        m_painter.setPen(theme.dim_text);
        m_painter.drawText(area.adjusted(10, 2, 0, 0), Qt::AlignLeft | Qt::AlignVCenter,
                           QString::fromStdString(group.title).toUpper());
    }
}

void LanePainter::paint_names() {
    const Theme& theme = m_scene.theme;
    const auto& rows = m_scene.view.layout().lanes();
    for (const LaneRow& row : rows) {
        if (!is_visible(row.y, row.height))
            continue;
        const Lane& lane = m_scene.index.lanes()[row.lane];
        QRect area(0, m_scene.y_of(row.y), Geometry::gutter_width, row.height);
        bool is_selected = m_scene.view.selected && m_scene.view.selected->lane == row.lane;
        m_painter.fillRect(area,
                           is_selected ? QColor(mixed(theme.gutter.rgb(), theme.accent.rgb(), 0.18f)) : theme.gutter);
        m_painter.fillRect(QRect(area.x(), area.bottom(), area.width(), 1), theme.line);
        if (lane.color != Color::None)
            m_painter.fillRect(QRect(0, area.y(), 3, area.height() - 1), QColor(theme.fill(lane.color)));
        if (!theme.draws_text)
            continue;
        QRect text = area.adjusted(12, 0, -8, 0);
        bool has_room = row.height >= 34 && !lane.note.empty();
        QRect first = has_room ? QRect(text.x(), text.y() + (row.height - 32) / 2, text.width(), 17) : text;
        m_painter.setFont(theme.small_font);
        m_painter.setPen(theme.dim_text);
        QString share = share_text(lane);
        m_painter.drawText(first, Qt::AlignRight | Qt::AlignVCenter, share);
        int share_width = m_painter.fontMetrics().horizontalAdvance(share) + 8;
        if (has_room)
            m_painter.drawText(QRect(text.x(), first.bottom(), text.width(), 15), Qt::AlignLeft | Qt::AlignVCenter,
                               QString::fromStdString(lane.note));
        m_painter.setFont(lane.kind == Lane::Kind::Cpu ? theme.bold_font : theme.font);
        m_painter.setPen(theme.text);
        m_painter.drawText(first.adjusted(0, 0, -share_width, 0), Qt::AlignLeft | Qt::AlignVCenter,
                           m_painter.fontMetrics().elidedText(QString::fromStdString(lane.name), Qt::ElideMiddle,
                                                              first.width() - share_width));
    }
    m_painter.fillRect(QRect(Geometry::gutter_width - 1, Geometry::header_height, 1, m_scene.view.height()),
                       theme.line);
}

QString LanePainter::share_text(const Lane& lane) const {
    // Of a CPU: how busy it is in the view. Of a thread: how much of a CPU it has.
    const TimeRange visible = m_scene.view.visible().intersected(m_scene.index.whole());
    if (lane.tracks.empty() || visible.empty())
        return {};
    const Track& track = lane.tracks.front().track;
    Time busy = lane.kind == Lane::Kind::Cpu ? track.covered(visible) : track.covered_by_counted(visible);
    double percent = 100.0 * static_cast<double>(busy) / static_cast<double>(visible.length());
    if (percent > 0 && percent < 0.1)
        return QStringLiteral("<0.1 %");
    return QStringLiteral("%1 %").arg(percent, 0, 'f', percent < 10 ? 1 : 0);
}

} // namespace viewer
