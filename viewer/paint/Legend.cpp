#include "viewer/paint/Legend.h"

#include <array>

namespace viewer {
namespace {

struct Entry {
    Color color;
    const char* text;
};

constexpr std::array entries{
    Entry{Color::Running, "running"},     Entry{Color::Runnable, "waits for a CPU"}, Entry{Color::Blocked, "blocked"},
    Entry{Color::Interrupt, "interrupt"}, Entry{Color::PageFault, "page fault"},     Entry{Color::Lost, "events lost"},
};

} // namespace

void paint_legend(QPainter& painter, const Theme& theme, QRect area) {
    painter.save();
    painter.setClipRect(area);
    painter.fillRect(area, theme.gutter);
    painter.fillRect(QRect(area.x(), area.y(), area.width(), 1), theme.line);
    painter.setFont(theme.small_font);
    const QFontMetricsF metrics(theme.small_font, painter.device());
    double x = area.x() + 10;
    for (const Entry& entry : entries) {
        painter.fillRect(QRectF(x, area.center().y() - 4, 10, 10), QColor(theme.fill(entry.color)));
        x += 15;
        QString text = QString::fromLatin1(entry.text);
        double width = metrics.horizontalAdvance(text);
        if (theme.draws_text) {
            painter.setPen(theme.dim_text);
            painter.drawText(QRectF(x, area.y() + 1, width + 4, area.height()), Qt::AlignLeft | Qt::AlignVCenter, text);
        }
        x += width + 18;
    }
    if (theme.draws_text) {
        painter.drawText(QRectF(x, area.y() + 1, area.right() - x, area.height()), Qt::AlignLeft | Qt::AlignVCenter,
                         QStringLiteral("Threads, system calls and events have a hue by name"));
    }
    painter.restore();
}

} // namespace viewer
