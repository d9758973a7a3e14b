#pragma once
// Theme: the shades and fonts of a picture. A value; dark() and light() are complete, from_palette() picks the one that
// suits a window.

#include "viewer/model/Color.h"

#include <QColor>
#include <QFont>
#include <QPalette>

#include <array>

namespace viewer {

struct Theme {
    bool is_dark = true;
    QColor window;   // behind everything
    QColor lane;     // behind the tracks of a lane
    QColor lane_odd; // of every second one
    QColor gutter;   // behind the names
    QColor group;    // behind a group's title
    QColor line;     // separators
    QColor grid;     // vertical lines at the ruler's ticks
    QColor text;
    QColor dim_text;
    QColor accent;  // selection, marked range
    QColor warning; // lost events, crash
    QColor card;    // behind the hover card and the legend
    std::array<QRgb, color_count> fills{};

    QFont font;
    QFont small_font;
    QFont bold_font;
    /// Off for pictures that tests compare: everything but the letters is the same on each version of Qt.
    bool draws_text = true;

    static Theme dark();
    static Theme light();
    static Theme from_palette(const QPalette& palette);
    /// For the widgets around the picture.
    QPalette palette() const;

    QRgb fill(Color color) const { return fills[static_cast<unsigned>(color)]; }
    /// Black or white, whichever reads better on `background`.
    static QColor text_on(QRgb background);
};

/// `share` of `over` on `under`; both opaque.
QRgb mixed(QRgb under, QRgb over, float share);

} // namespace viewer
