#pragma once
// The legend: what the colours mean.

#include "viewer/paint/Theme.h"

#include <QPainter>
#include <QRect>

namespace viewer {

/// One line of swatches and words in `area`, from the left.
void paint_legend(QPainter& painter, const Theme& theme, QRect area);

} // namespace viewer
