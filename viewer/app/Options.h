#pragma once
// Options: the command line of uniscope-viewer.

#include <QSize>
#include <QString>
#include <QStringList>

#include <expected>
#include <string>

namespace viewer {

struct Options {
    QString path;   // of what to open; empty: a window without one
    QString render; // picture to write instead of opening a window
    QString range;  // as parse_time_range() reads it; empty: all
    QString image;  // of a core, if it is not where the core says
    QString lanes;  // as LaneFilter::pattern
    QSize size{1600, 0};
    double scale = 1;
    bool is_light = false;
    bool is_dark = false;
    bool wants_help = false;
    bool wants_version = false;

    /// `arguments` without the program's name. The error is a sentence.
    static std::expected<Options, std::string> parse(const QStringList& arguments);
    static std::string help();
};

} // namespace viewer
