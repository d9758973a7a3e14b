#pragma once
// Scene: what every part of the picture is drawn from. Values and references, alive for one paint.

#include "viewer/model/Index.h"
#include "viewer/model/ViewState.h"
#include "viewer/paint/Theme.h"

#include <QRect>

namespace viewer {

struct Scene {
    const Index& index;
    const ViewState& view;
    const Theme& theme;

    /// Where the lanes' tracks are, right of the names and below the ruler.
    QRect tracks_area() const {
        return {Geometry::gutter_width, Geometry::header_height, std::max(0, view.width() - Geometry::gutter_width),
                std::max(0, view.height() - Geometry::header_height)};
    }
    /// Height in the picture of a place in the lane layout.
    int y_of(int layout_y) const { return Geometry::header_height + layout_y - view.scroll(); }
};

} // namespace viewer
