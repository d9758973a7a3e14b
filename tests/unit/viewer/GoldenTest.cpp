// Pictures that were looked at once and are compared since. Without letters, and with room for the rounding of another
// version of Qt. UNISCOPE_UPDATE_GOLDEN=1 writes them anew: look at them before you commit them.

#include "OffscreenApplication.h"
#include "SampleIndex.h"

#include "viewer/paint/Render.h"

#include <QFile>

#include <gtest/gtest.h>

namespace viewer {
namespace {

constexpr int channel_tolerance = 6;
constexpr double different_share = 0.002;

void compare(const QImage& picture, const char* name) {
    QString path = QStringLiteral(GOLDEN_DIR "/%1.png").arg(QString::fromLatin1(name));
    if (qEnvironmentVariableIsSet("UNISCOPE_UPDATE_GOLDEN")) {
        ASSERT_TRUE(picture.save(path));
        return;
    }
    QImage golden = QImage(path).convertToFormat(QImage::Format_RGB32);
    ASSERT_EQ(golden.size(), picture.size()) << path.toStdString();
    int different = 0;
    for (int y = 0; y < golden.height(); ++y) {
        for (int x = 0; x < golden.width(); ++x) {
            QRgb a = golden.pixel(x, y);
            QRgb b = picture.pixel(x, y);
            different += std::abs(qRed(a) - qRed(b)) > channel_tolerance ||
                         std::abs(qGreen(a) - qGreen(b)) > channel_tolerance ||
                         std::abs(qBlue(a) - qBlue(b)) > channel_tolerance;
        }
    }
    if (different > different_share * golden.width() * golden.height()) {
        QString actual = QStringLiteral("%1-actual.png").arg(QString::fromLatin1(name));
        (void)picture.save(actual);
        ADD_FAILURE() << different << " pixels differ from " << path.toStdString() << "; see " << actual.toStdString();
    }
}

RenderOptions options(const Index& index, Theme theme) {
    RenderOptions options;
    options.range = index.whole();
    options.size = {700, 0};
    options.theme = std::move(theme);
    options.theme.draws_text = false;
    return options;
}

struct GoldenTest : testing::Test {
    OffscreenApplication application;
};

TEST_F(GoldenTest, sample_in_the_dark) {
    auto index = sample_index();
    compare(render_image(document_of(index), options(*index, Theme::dark())), "sample-dark");
}

TEST_F(GoldenTest, sample_in_the_light) {
    auto index = sample_index();
    compare(render_image(document_of(index), options(*index, Theme::light())), "sample-light");
}

TEST_F(GoldenTest, stops_and_losses) {
    auto index = damaged_index();
    compare(render_image(document_of(index), options(*index, Theme::dark())), "stops-and-losses");
}

TEST_F(GoldenTest, busy_trace_from_afar) {
    auto index = busy_index(2, 6, 20'000'000);
    compare(render_image(document_of(index), options(*index, Theme::dark())), "busy-afar");
}

TEST_F(GoldenTest, busy_trace_from_near) {
    auto index = busy_index(2, 6, 20'000'000);
    RenderOptions near = options(*index, Theme::dark());
    near.range = {10'000'000, 10'200'000};
    compare(render_image(document_of(index), near), "busy-near");
}

} // namespace
} // namespace viewer
