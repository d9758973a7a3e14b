#pragma once
// The card beside the pointer: the whole name, when, how long, and the fields of what is hovered.

#include "viewer/paint/Scene.h"

#include <QPainter>

namespace viewer {

void paint_hover_card(QPainter& painter, const Scene& scene);

} // namespace viewer
