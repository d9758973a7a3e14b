// uniscope-viewer: a window on a trace, or a picture of it.

#include "viewer/app/Options.h"
#include "viewer/model/Document.h"
#include "viewer/model/TimeText.h"
#include "viewer/paint/Render.h"
#include "viewer/widgets/MainWindow.h"
#include "viewer/widgets/TimelineWidget.h"

#include <QApplication>

#include <cstdio>
#include <fmt/format.h>

namespace viewer {
namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

int fail(std::string_view message, int status = exit_failed) {
    fmt::print(stderr, "uniscope-viewer: {}\n", message);
    return status;
}

int fail(const tracer::Error& error) {
    return fail(error.hint.empty() ? error.message + "." : fmt::format("{}.\n{}", error.message, error.hint));
}

/// Qt's warnings are for its developers; what a user must know is an error that comes back.
void only_severe_messages(QtMsgType type, const QMessageLogContext&, const QString& text) {
    if (type == QtCriticalMsg || type == QtFatalMsg)
        fmt::print(stderr, "{}\n", text.toStdString());
}

int render(const Options& options, int argument_count, char** arguments) {
    // No display is needed, or used if there is one: the picture is the same on every machine.
    qputenv("QT_QPA_PLATFORM", "offscreen");
    qInstallMessageHandler(only_severe_messages);
    QGuiApplication application(argument_count, arguments);
    auto document = Document::load(options.path.toStdString(), {}, options.image.toStdString());
    if (!document)
        return fail(document.error());
    std::expected<TimeRange, std::string> range = TimeRange{};
    if (document->index)
        range =
            parse_time_range(options.range.isEmpty() ? ".." : options.range.toStdString(), document->index->whole());
    if (!range)
        return fail(range.error(), exit_usage);
    RenderOptions picture{.range = *range,
                          .size = options.size,
                          .scale = options.scale,
                          .filter = {options.lanes.toStdString(), {}},
                          .theme = options.is_light ? Theme::light() : Theme::dark()};
    auto written = render_file(*document, picture, options.render);
    if (!written)
        return fail(written.error());
    fmt::print("{}\n", options.render.toStdString());
    return 0;
}

int show_window(const Options& options, int argument_count, char** arguments) {
    const bool has_display = qEnvironmentVariableIsSet("DISPLAY") || qEnvironmentVariableIsSet("WAYLAND_DISPLAY") ||
                             qEnvironmentVariableIsSet("QT_QPA_PLATFORM");
    if (!has_display)
        return fail("there is no display to open a window on.\nWrite a picture instead: uniscope-viewer --render "
                    "OUT.png TRACE.");
    QApplication application(argument_count, arguments);
    QApplication::setOrganizationName(QStringLiteral("uniscope"));
    QApplication::setApplicationName(QStringLiteral("uniscope-viewer"));
    if (options.is_light || options.is_dark) {
        QApplication::setStyle(QStringLiteral("Fusion")); // the one that takes every colour from the palette
        QApplication::setPalette((options.is_light ? Theme::light() : Theme::dark()).palette());
    }
    MainWindow window;
    if (!options.lanes.isEmpty())
        window.set_lane_pattern(options.lanes);
    if (!options.range.isEmpty()) {
        QObject::connect(&window, &MainWindow::document_shown, &window, [&] {
            if (!window.timeline().index())
                return;
            auto range = parse_time_range(options.range.toStdString(), window.timeline().index()->whole());
            if (range)
                window.show_range(*range);
            else
                fail(range.error());
        });
    }
    if (!options.path.isEmpty())
        window.open(options.path, options.image);
    window.show();
    return QApplication::exec();
}

int run(int argument_count, char** arguments) {
    QStringList words;
    for (int i = 1; i < argument_count; ++i)
        words << QString::fromLocal8Bit(arguments[i]);
    auto options = Options::parse(words);
    if (!options)
        return fail(options.error(), exit_usage);
    if (options->wants_help) {
        fmt::print("{}", Options::help());
        return 0;
    }
    if (options->wants_version) {
        fmt::print("uniscope-viewer {}\n", UNISCOPE_VERSION);
        return 0;
    }
    return options->render.isEmpty() ? show_window(*options, argument_count, arguments)
                                     : render(*options, argument_count, arguments);
}

} // namespace
} // namespace viewer

int main(int argument_count, char** arguments) {
    return viewer::run(argument_count, arguments);
}
