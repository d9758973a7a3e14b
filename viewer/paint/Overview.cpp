#include "viewer/paint/Overview.h"

#include "viewer/model/TimeText.h"

#include <algorithm>

namespace viewer {
namespace {

TimeScale overview_scale(int width, TimeRange whole) {
    return {whole, width - Geometry::gutter_width - 1.0};
}

} // namespace

Time overview_time_at(double x, int width, TimeRange whole) {
    return overview_scale(width, whole).time_at(x - Geometry::gutter_width);
}

void paint_overview(QPainter& painter, const Scene& scene) {
    const Theme& theme = scene.theme;
    const QRect area(0, 0, scene.view.width(), Geometry::overview_height);
    painter.fillRect(area, theme.window);
    const QRect chart(Geometry::gutter_width, 5, area.width() - Geometry::gutter_width, area.height() - 9);
    if (chart.width() < 2)
        return;
    const std::vector<float>& use = scene.index.utilisation();
    const QRgb color = mixed(theme.window.rgb(), theme.fill(Color::Running), 0.75f);
    for (int x = 0; x < chart.width(); ++x) {
        size_t first = static_cast<size_t>(x) * use.size() / static_cast<size_t>(chart.width());
        size_t last = static_cast<size_t>(x + 1) * use.size() / static_cast<size_t>(chart.width());
        float sum = 0;
        size_t count = std::max<size_t>(last - first, 1);
        for (size_t i = first; i < first + count && i < use.size(); ++i)
            sum += use[i];
        float share = std::clamp(sum / static_cast<float>(count), 0.0f, 1.0f);
        int height = static_cast<int>(share * static_cast<float>(chart.height()) + (share > 0 ? 1.0f : 0.0f));
        painter.fillRect(chart.x() + x, chart.bottom() + 1 - height, 1, height, QColor(color));
    }
    const TimeScale scale = overview_scale(area.width(), scene.view.whole());
    const double x0 = chart.x() + scale.x_of(scene.view.visible().begin);
    const double x1 = std::max(chart.x() + scale.x_of(scene.view.visible().end), x0 + 3);
    QColor shade = theme.window;
    shade.setAlpha(170);
    painter.fillRect(QRectF(chart.x(), chart.y(), x0 - chart.x(), chart.height()), shade);
    painter.fillRect(QRectF(x1, chart.y(), chart.right() + 1 - x1, chart.height()), shade);
    painter.setPen(QPen(theme.accent, 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(QRectF(x0 + 0.5, chart.y() - 1.5, x1 - x0 - 1, chart.height() + 2));
    if (theme.draws_text) {
        QRect title(10, 4, Geometry::gutter_width - 20, 18);
        painter.setFont(theme.bold_font);
        painter.setPen(theme.text);
        QString name = QString::fromStdString(scene.index.title());
        painter.drawText(title, Qt::AlignLeft | Qt::AlignVCenter,
                         painter.fontMetrics().elidedText(name, Qt::ElideMiddle, title.width()));
        painter.setFont(theme.small_font);
        painter.setPen(theme.dim_text);
        painter.drawText(
            title.translated(0, 16), Qt::AlignLeft | Qt::AlignVCenter,
            QStringLiteral("%1 · CPU use").arg(QString::fromStdString(duration_text(scene.view.whole().length()))));
    }
    painter.fillRect(QRect(area.x(), area.bottom(), area.width(), 1), theme.line);
}

} // namespace viewer
