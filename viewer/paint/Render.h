#pragma once
// A document into a file, without a window: what `uniscope-viewer --render` and `./dev demo` call. A crash is drawn
// above the timeline of the events before it.

#include "viewer/model/Document.h"
#include "viewer/model/LaneFilter.h"
#include "viewer/paint/Theme.h"

#include <QImage>
#include <QSize>
#include <QString>

#include <expected>
#include <string>

namespace viewer {

struct RenderOptions {
    TimeRange range;
    /// Logical pixels; a height of 0 is as high as the contents need.
    QSize size{1600, 0};
    double scale = 1; // pixels of a PNG to a logical pixel
    LaneFilter filter;
    Theme theme = Theme::dark();
};

/// The picture itself.
QImage render_image(const Document& document, const RenderOptions& options);

/// Writes `path`: PNG or SVG by its end. The error is a sentence.
std::expected<void, std::string> render_file(const Document& document, const RenderOptions& options,
                                             const QString& path);

} // namespace viewer
