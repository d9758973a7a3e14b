#pragma once
// The time ruler: ticks at round times.

#include "viewer/paint/Scene.h"

#include <QPainter>

#include <vector>

namespace viewer {

struct Ticks {
    Time step = 1;           // between labelled ticks: 1, 2 or 5 times a power of ten
    std::vector<Time> times; // labelled ones in view, in order
};

/// Ticks at least `min_pixels` apart.
Ticks ticks_of(const TimeScale& scale, double min_pixels);

void paint_ruler(QPainter& painter, const Scene& scene);

} // namespace viewer
