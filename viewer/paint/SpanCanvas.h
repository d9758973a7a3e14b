#pragma once
// SpanCanvas: many small rectangles onto a QPainter, fast. On pixels (a window, a PNG) they are written into an image
// and drawn at once: a hundred times faster than as many fillRect(). On anything else (SVG, PDF) they stay rectangles,
// so that the picture stays sharp.
//
// Coordinates are the canvas' own columns and rows; scale() of them make a logical pixel.

#include <QImage>
#include <QPainter>
#include <QRect>

namespace viewer {

class SpanCanvas {
public:
    /// Covers `area` (logical pixels) of the painter's picture.
    SpanCanvas(QPainter& painter, QRect area);
    /// Draws what was filled, if that is still to be done.
    void finish();

    double scale() const { return m_scale; }
    int columns() const { return m_columns; }
    int rows() const { return m_rows; }

    /// [x0, x1) by [y0, y1), opaque; what is outside is cut.
    void fill(int x0, int y0, int x1, int y1, QRgb color);

private:
    QPainter& m_painter;
    QRect m_area;
    double m_scale = 1;
    int m_columns = 0;
    int m_rows = 0;
    QImage m_image;
};

} // namespace viewer
