#include "OffscreenApplication.h"
#include "SampleIndex.h"

#include "viewer/paint/Render.h"

#include <QFile>
#include <QTemporaryDir>

#include <gtest/gtest.h>

namespace viewer {
namespace {

struct RenderTest : testing::Test {
    OffscreenApplication application;
    QTemporaryDir directory;
    std::shared_ptr<const Index> index = sample_index();
    RenderOptions options{.range = index->whole(), .size = {800, 0}, .scale = 1, .filter = {}, .theme = Theme::dark()};

    QString path(const char* name) const { return directory.filePath(QString::fromLatin1(name)); }
};

TEST_F(RenderTest, writes_a_png_as_high_as_the_lanes) {
    ASSERT_TRUE(render_file(document_of(index), options, path("a.png")));
    QImage image(path("a.png"));
    EXPECT_EQ(image.width(), 800);
    EXPECT_GT(image.height(), 200);
    EXPECT_LT(image.height(), 400);
}

TEST_F(RenderTest, writes_the_size_that_was_asked_for) {
    options.size = {500, 300};
    options.scale = 2;
    ASSERT_TRUE(render_file(document_of(index), options, path("a.png")));
    EXPECT_EQ(QImage(path("a.png")).size(), QSize(1000, 600));
}

TEST_F(RenderTest, writes_an_svg_with_shapes_and_words) {
    ASSERT_TRUE(render_file(document_of(index), options, path("a.svg")));
    QFile file(path("a.svg"));
    ASSERT_TRUE(file.open(QIODevice::ReadOnly));
    QByteArray text = file.readAll();
    EXPECT_TRUE(text.contains("<svg"));
    EXPECT_TRUE(text.contains("alice"));
    EXPECT_TRUE(text.contains("<rect"));
    EXPECT_FALSE(text.contains("<image"));
}

TEST_F(RenderTest, says_why_it_cannot_write) {
    auto result = render_file(document_of(index), options, path("a.jpeg"));
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().find(".png nor in .svg"), std::string::npos);
    result = render_file(document_of(index), options, path("no/such/folder/a.png"));
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().find("cannot be written"), std::string::npos);
    options.size = {800, 1'000'000};
    EXPECT_FALSE(render_file(document_of(index), options, path("a.png")));
    EXPECT_FALSE(QFile::exists(path("a.png")));
}

} // namespace
} // namespace viewer
