#include "viewer/paint/HoverCard.h"

#include "viewer/model/Details.h"
#include "viewer/model/TimeText.h"

#include <algorithm>

namespace viewer {
namespace {

constexpr int line_height = 16;
constexpr int padding = 9;
constexpr double max_value_width = 420;
constexpr size_t max_rows = 14;

} // namespace

void paint_hover_card(QPainter& painter, const Scene& scene) {
    const Theme& theme = scene.theme;
    if (!scene.view.hovered || !theme.draws_text)
        return;
    Details details = details_of(scene.index, *scene.view.hovered);
    std::vector<Detail> rows;
    const Time resolution = std::max<Time>(1, scene.view.visible().length() / 10'000);
    rows.push_back({"at", time_text(details.range.begin, resolution)});
    if (details.range.begin != details.range.end)
        rows.push_back({"lasts", duration_text(details.range.length())});
    rows.insert(rows.end(), details.rows.begin(), details.rows.end());
    if (rows.size() > max_rows) {
        rows.resize(max_rows);
        rows.push_back({"…", "click for all"});
    }

    const QFontMetricsF metrics(theme.font, painter.device());
    const QFontMetricsF bold(theme.bold_font, painter.device());
    double name_width = 0;
    double value_width = 0;
    for (const Detail& row : rows) {
        name_width = std::max(name_width, metrics.horizontalAdvance(QString::fromStdString(row.name)));
        value_width = std::max(value_width, metrics.horizontalAdvance(QString::fromStdString(row.value)));
    }
    value_width = std::min(value_width, max_value_width);
    const QString title = QString::fromStdString(details.title);
    double width = std::max(name_width + 12 + value_width, bold.horizontalAdvance(title)) + 2 * padding;
    double height = 2 * padding + line_height * static_cast<double>(rows.size() + 1) + 4;
    double x = scene.view.hover_x + 16;
    double y = scene.view.hover_y + 18;
    if (x + width > scene.view.width())
        x = std::max(4.0, scene.view.hover_x - width - 12);
    if (y + height > scene.view.height())
        y = std::max(4.0, scene.view.hover_y - height - 12);
    const QRectF area(std::floor(x), std::floor(y), std::ceil(width), std::ceil(height));
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(QColor(0, 0, 0, theme.is_dark ? 90 : 30));
    painter.drawRoundedRect(area.translated(0, 3).adjusted(-1, 0, 1, 1), 6, 6);
    painter.setPen(QPen(theme.is_dark ? theme.dim_text.darker(180) : theme.line, 1));
    painter.setBrush(theme.card);
    painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 5, 5);
    const Color color = scene.index.track(*scene.view.hovered).color(scene.view.hovered->index);
    painter.fillRect(QRectF(area.x() + 1, area.y() + 5, 3, area.height() - 10), QColor(theme.fill(color)));
    double line_y = area.y() + padding;
    const double text_x = area.x() + padding + 2;
    painter.setFont(theme.bold_font);
    painter.setPen(theme.text);
    painter.drawText(QRectF(text_x, line_y, area.width() - 2 * padding, line_height), Qt::AlignLeft | Qt::AlignVCenter,
                     title);
    line_y += line_height + 4;
    painter.setFont(theme.font);
    for (const Detail& row : rows) {
        painter.setPen(theme.dim_text);
        painter.drawText(QRectF(text_x, line_y, name_width + 4, line_height), Qt::AlignLeft | Qt::AlignVCenter,
                         QString::fromStdString(row.name));
        painter.setPen(theme.text);
        painter.drawText(QRectF(text_x + name_width + 12, line_y, value_width + 4, line_height),
                         Qt::AlignLeft | Qt::AlignVCenter,
                         metrics.elidedText(QString::fromStdString(row.value), Qt::ElideRight, value_width + 2));
        line_y += line_height;
    }
    painter.restore();
}

} // namespace viewer
