#pragma once
// paint_timeline(): the whole picture of a timeline. Pure: the same index, view and theme give the same picture on a
// window, a PNG, an SVG or in a test. On one thread's QPainter at a time; a few milliseconds, whatever the trace's
// length (see SpanLayout.h).

#include "viewer/model/Index.h"
#include "viewer/model/ViewState.h"
#include "viewer/paint/Theme.h"

#include <QPainter>

namespace viewer {

void paint_timeline(QPainter& painter, const Index& index, const ViewState& view, const Theme& theme);

} // namespace viewer
