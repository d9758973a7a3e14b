#include "viewer/paint/SpanCanvas.h"

#include <QPaintEngine>

#include <algorithm>
#include <cmath>

namespace viewer {

SpanCanvas::SpanCanvas(QPainter& painter, QRect area)
    : m_painter(painter)
    , m_area(area) {
    const QPaintEngine* engine = painter.paintEngine();
    bool has_pixels = engine && engine->type() == QPaintEngine::Raster;
    if (has_pixels)
        m_scale = painter.device()->devicePixelRatioF();
    m_columns = static_cast<int>(std::ceil(area.width() * m_scale));
    m_rows = static_cast<int>(std::ceil(area.height() * m_scale));
    if (has_pixels && m_columns > 0 && m_rows > 0) {
        m_image = QImage(m_columns, m_rows, QImage::Format_RGB32);
        m_image.setDevicePixelRatio(m_scale);
    }
}

void SpanCanvas::finish() {
    if (!m_image.isNull())
        m_painter.drawImage(m_area.topLeft(), m_image);
}

void SpanCanvas::fill(int x0, int y0, int x1, int y1, QRgb color) {
    x0 = std::max(x0, 0);
    y0 = std::max(y0, 0);
    x1 = std::min(x1, m_columns);
    y1 = std::min(y1, m_rows);
    if (x0 >= x1 || y0 >= y1)
        return;
    if (m_image.isNull()) {
        m_painter.fillRect(QRect(m_area.x() + x0, m_area.y() + y0, x1 - x0, y1 - y0), QColor(color));
        return;
    }
    for (int y = y0; y < y1; ++y) {
        QRgb* line = reinterpret_cast<QRgb*>(m_image.scanLine(y));
        std::fill(line + x0, line + x1, color);
    }
}

} // namespace viewer
