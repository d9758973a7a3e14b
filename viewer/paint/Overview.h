#pragma once
// The overview: the whole trace's CPU use in one strip, with the visible part framed.

#include "viewer/paint/Scene.h"

#include <QPainter>

namespace viewer {

void paint_overview(QPainter& painter, const Scene& scene);

/// The time at `x` of the picture in the overview of `whole`.
Time overview_time_at(double x, int width, TimeRange whole);

} // namespace viewer
