#include "viewer/paint/Render.h"

#include "viewer/paint/CrashPainter.h"
#include "viewer/paint/Legend.h"
#include "viewer/paint/TimelinePainter.h"

#include <QPainter>
#include <QSaveFile>
#include <QSvgGenerator>

#include <algorithm>
#include <fmt/format.h>

namespace viewer {
namespace {

constexpr int legend_height = 24;
constexpr int min_timeline_height = 120;
constexpr int max_pixels_a_side = 32'000;

/// What goes where: the crash, the timeline, the legend, from the top down.
class Picture {
public:
    Picture(const Document& document, const RenderOptions& options)
        : m_document(document)
        , m_options(options) {
        if (document.crash)
            m_crash_height = CrashPainter::height_of(*document.crash);
        if (!document.index)
            return;
        m_view = ViewState(*document.index, options.size.width(), 1);
        m_view.set_filter(*document.index, options.filter);
        int height = m_view.full_height();
        if (options.size.height() > 0)
            height = std::max(min_timeline_height, options.size.height() - m_crash_height - legend_height);
        m_view.resize(options.size.width(), height);
        m_view.show(options.range, 0);
    }

    QSize size() const {
        int timeline_height = m_document.index ? m_view.height() + legend_height : 0;
        int height = m_options.size.height() > 0 ? m_options.size.height() : m_crash_height + timeline_height;
        return {m_options.size.width(), height};
    }

    void paint(QPainter& painter) const {
        const int width = m_options.size.width();
        painter.fillRect(QRect(QPoint(0, 0), size()), m_options.theme.window);
        if (m_document.crash)
            CrashPainter(painter, *m_document.crash, m_options.theme).paint(QRect(0, 0, width, m_crash_height));
        if (!m_document.index)
            return;
        painter.translate(0, m_crash_height);
        paint_timeline(painter, *m_document.index, m_view, m_options.theme);
        paint_legend(painter, m_options.theme, QRect(0, m_view.height(), width, legend_height));
        painter.translate(0, -m_crash_height);
    }

private:
    const Document& m_document;
    const RenderOptions& m_options;
    ViewState m_view;
    int m_crash_height = 0;
};

} // namespace

QImage render_image(const Document& document, const RenderOptions& options) {
    const Picture picture(document, options);
    QImage image(picture.size() * options.scale, QImage::Format_RGB32);
    image.setDevicePixelRatio(options.scale);
    QPainter painter(&image);
    picture.paint(painter);
    return image;
}

std::expected<void, std::string> render_file(const Document& document, const RenderOptions& options,
                                             const QString& path) {
    const bool is_svg = path.endsWith(QLatin1String(".svg"), Qt::CaseInsensitive);
    if (!is_svg && !path.endsWith(QLatin1String(".png"), Qt::CaseInsensitive))
        return std::unexpected(fmt::format("{} ends neither in .png nor in .svg.", path.toStdString()));
    QSaveFile file(path);
    auto failed = [&] {
        return std::unexpected(
            fmt::format("{} cannot be written: {}.", path.toStdString(), file.errorString().toStdString()));
    };
    if (!file.open(QIODevice::WriteOnly))
        return failed();
    const Picture picture(document, options);
    const QSize pixels = picture.size() * options.scale;
    if (std::max(pixels.width(), pixels.height()) > max_pixels_a_side)
        return std::unexpected(fmt::format("The picture would have {} x {} pixels: show fewer lanes with --lanes or "
                                           "set --size.",
                                           pixels.width(), pixels.height()));
    if (is_svg) {
        QSvgGenerator generator;
        generator.setOutputDevice(&file);
        generator.setSize(picture.size());
        generator.setViewBox(QRect(QPoint(0, 0), picture.size()));
        generator.setTitle(QString::fromStdString(document.title));
        QPainter painter(&generator);
        picture.paint(painter);
        painter.end();
    } else if (!render_image(document, options).save(&file, "PNG")) {
        return failed();
    }
    if (!file.commit())
        return failed();
    return {};
}

} // namespace viewer
