#include "viewer/paint/Ruler.h"

#include "viewer/model/TimeText.h"

namespace viewer {
namespace {

constexpr double label_distance = 110;

} // namespace

Ticks ticks_of(const TimeScale& scale, double min_pixels) {
    Ticks ticks;
    const double wanted = scale.nanoseconds_per_pixel() * min_pixels;
    constexpr Time largest = 1'000'000'000'000'000'000;
    for (Time power = 1;; power *= 10) {
        bool found = false;
        for (Time factor : {1, 2, 5}) {
            ticks.step = power * factor;
            if (static_cast<double>(ticks.step) >= wanted) {
                found = true;
                break;
            }
        }
        if (found || power == largest)
            break;
    }
    const TimeRange visible = scale.visible();
    Time first = visible.begin / ticks.step * ticks.step;
    if (first < visible.begin)
        first += ticks.step;
    for (Time t = first; t <= visible.end && ticks.times.size() < 1000; t += ticks.step)
        ticks.times.push_back(t);
    return ticks;
}

void paint_ruler(QPainter& painter, const Scene& scene) {
    const Theme& theme = scene.theme;
    const QRect area(0, Geometry::overview_height, scene.view.width(), Geometry::ruler_height);
    painter.fillRect(area, theme.gutter);
    const Ticks ticks = ticks_of(scene.view.scale(), label_distance);
    painter.save();
    painter.setClipRect(area.adjusted(Geometry::gutter_width, 0, 0, 0));
    for (Time minor = (ticks.times.empty() ? scene.view.visible().begin : ticks.times.front()) - ticks.step;
         minor <= scene.view.visible().end; minor += std::max<Time>(ticks.step / 5, 1)) {
        double x = scene.view.x_of(minor);
        painter.fillRect(QRectF(x, area.bottom() - 3, 1, 4), theme.dim_text);
        if (ticks.step < 5)
            break;
    }
    painter.setFont(theme.small_font);
    for (Time time : ticks.times) {
        double x = scene.view.x_of(time);
        painter.fillRect(QRectF(x, area.bottom() - 8, 1, 9), theme.text);
        if (!theme.draws_text)
            continue;
        painter.setPen(theme.text);
        painter.drawText(QRectF(x + 4, area.y() + 3, label_distance, area.height() - 8),
                         Qt::AlignLeft | Qt::AlignVCenter, QString::fromStdString(time_text(time, ticks.step)));
    }
    painter.restore();
    if (theme.draws_text) {
        painter.setFont(theme.small_font);
        painter.setPen(theme.dim_text);
        painter.drawText(
            QRect(10, area.y(), Geometry::gutter_width - 20, area.height()), Qt::AlignLeft | Qt::AlignVCenter,
            QStringLiteral("%1 in view").arg(QString::fromStdString(duration_text(scene.view.visible().length()))));
    }
    painter.fillRect(QRect(area.x(), area.bottom(), area.width(), 1), theme.line);
}

} // namespace viewer
