#pragma once
// What lies over the lanes: debugger stops, lost events, the crash, the marked range, outlines of the hovered and the
// selected interval, and wake-up arrows to and from the selected one.

#include "viewer/paint/Scene.h"

#include <QPainter>

namespace viewer {

void paint_marks(QPainter& painter, const Scene& scene);

} // namespace viewer
