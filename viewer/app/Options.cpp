#include "viewer/app/Options.h"

#include <fmt/format.h>

#include <optional>

namespace viewer {
namespace {

std::expected<QSize, std::string> parse_size(const QString& text) {
    const QStringList parts = text.split(QLatin1Char('x'));
    bool width_is_number = false;
    bool height_is_number = true;
    int width = parts[0].toInt(&width_is_number);
    int height = parts.size() > 1 ? parts[1].toInt(&height_is_number) : 0;
    constexpr int smallest = 100;
    constexpr int largest = 32'000;
    if (parts.size() > 2 || !width_is_number || !height_is_number || width < smallest || width > largest ||
        (height != 0 && height < smallest) || height > largest)
        return std::unexpected(
            fmt::format("'{}' is not a size: write WIDTH or WIDTHxHEIGHT, each from {} to {} pixels.",
                        text.toStdString(), smallest, largest));
    return QSize(width, height);
}

} // namespace

std::expected<Options, std::string> Options::parse(const QStringList& arguments) {
    Options options;
    bool only_paths = false;
    for (qsizetype i = 0; i < arguments.size(); ++i) {
        QString name = arguments[i];
        if (only_paths || !name.startsWith(QLatin1Char('-'))) {
            if (!options.path.isEmpty())
                return std::unexpected(fmt::format("Only one trace can be opened: '{}' or '{}'?",
                                                   options.path.toStdString(), name.toStdString()));
            options.path = name;
            continue;
        }
        if (name == QLatin1String("--")) {
            only_paths = true;
            continue;
        }
        if (name == QLatin1String("--help") || name == QLatin1String("-h")) {
            options.wants_help = true;
            continue;
        }
        if (name == QLatin1String("--version")) {
            options.wants_version = true;
            continue;
        }
        if (name == QLatin1String("--light")) {
            options.is_light = true;
            continue;
        }
        if (name == QLatin1String("--dark")) {
            options.is_dark = true;
            continue;
        }
        // The others have a value: --name VALUE or --name=VALUE.
        std::optional<QString> value;
        if (qsizetype equals = name.indexOf(QLatin1Char('=')); equals > 0) {
            value = name.mid(equals + 1);
            name = name.left(equals);
        } else if (i + 1 < arguments.size()) {
            value = arguments[++i];
        }
        QString* place = name == QLatin1String("--render")  ? &options.render
                         : name == QLatin1String("--range") ? &options.range
                         : name == QLatin1String("--lanes") ? &options.lanes
                         : name == QLatin1String("--image") ? &options.image
                                                            : nullptr;
        const bool is_size = name == QLatin1String("--size");
        const bool is_scale = name == QLatin1String("--scale");
        if (!place && !is_size && !is_scale)
            return std::unexpected(fmt::format("There is no option {}: see --help.", name.toStdString()));
        if (!value || value->isEmpty())
            return std::unexpected(fmt::format("{} needs a value: see --help.", name.toStdString()));
        if (place) {
            *place = *value;
        } else if (is_size) {
            auto size = parse_size(*value);
            if (!size)
                return std::unexpected(size.error());
            options.size = *size;
        } else {
            bool is_number = false;
            options.scale = value->toDouble(&is_number);
            if (!is_number || !(options.scale >= 0.5 && options.scale <= 8))
                return std::unexpected(
                    fmt::format("'{}' is not a scale: write a number from 0.5 to 8.", value->toStdString()));
        }
    }
    if (options.is_light && options.is_dark)
        return std::unexpected("Light or dark? Give one of --light and --dark.");
    if (!options.render.isEmpty() && options.path.isEmpty() && !options.wants_help && !options.wants_version)
        return std::unexpected("Which trace is to be drawn? Write uniscope-viewer --render OUT.png TRACE.");
    return options;
}

std::string Options::help() {
    return R"(usage: uniscope-viewer [OPTIONS] [TRACE | CORE]

Shows a recorded trace (a directory that `uniscope record` made) as a timeline, or a crash's core: why, where, and the
timeline of the last events before it.

  --range A..B         show this part, counted from the trace's start: 1.2s..1.5s, 10ms.., ..800us
  --lanes PATTERN      show only these lanes: 'cpu 0, worker*, tid 12'
  --render OUT         write a picture, .png or .svg, instead of opening a window; needs no display
  --image PATH         the core's image, if it is not where the core says
  --size WxH, --size W the picture's size (1600; without H as high as the lanes need)
  --scale N            pixels of a .png to a logical pixel, 0.5 to 8 (1)
  --light, --dark      a picture is dark unless told; a window is as the desktop unless told
  --help, --version
)";
}

} // namespace viewer
