#pragma once
// LanePainter: the lanes' tracks, the labels in them, and the names beside them.

#include "viewer/model/SpanLayout.h"
#include "viewer/paint/Scene.h"
#include "viewer/paint/SpanCanvas.h"

#include <QPainter>

#include <vector>

namespace viewer {

class LanePainter {
public:
    LanePainter(QPainter& painter, const Scene& scene);
    void paint();

private:
    struct Label {
        QRectF area;
        std::uint32_t text;
        QRgb background;
        bool is_point;
    };

    bool is_visible(int y, int height) const;
    void paint_backgrounds(SpanCanvas& canvas);
    void paint_track(SpanCanvas& canvas, const LaneTrack& track, const TrackRow& row, QRgb background);
    void paint_points(SpanCanvas& canvas, const LaneTrack& track, const TrackRow& row, QRgb background);
    void paint_labels();
    void paint_groups();
    void paint_names();
    QRgb background_of(size_t row) const;
    QString share_text(const Lane& lane) const;

    QPainter& m_painter;
    const Scene& m_scene;
    TimeScale m_scale; // in columns of the canvas
    std::vector<Span> m_spans;
    std::vector<Label> m_labels;
};

} // namespace viewer
