#include "OffscreenApplication.h"
#include "SampleCrash.h"
#include "SampleIndex.h"

#include "viewer/paint/CrashPainter.h"
#include "viewer/paint/Render.h"

#include <QFile>
#include <QTemporaryDir>

#include <gtest/gtest.h>

namespace viewer {
namespace {

struct CrashPainterTest : testing::Test {
    OffscreenApplication application;
    QTemporaryDir directory;
    Document document{"core", sample_index(), sample_crash()};
    RenderOptions options{
        .range = document.index->whole(), .size = {1200, 0}, .scale = 1, .filter = {}, .theme = Theme::dark()};

    QByteArray svg() const {
        QString path = directory.filePath(QStringLiteral("crash.svg"));
        EXPECT_TRUE(render_file(document, options, path));
        QFile file(path);
        EXPECT_TRUE(file.open(QIODevice::ReadOnly));
        return file.readAll();
    }
};

TEST_F(CrashPainterTest, tells_why_where_and_what_the_others_did) {
    QByteArray text = svg();
    for (const char* word : {"write to 0x8", "bob", "Ledger::book", "Ledger.cpp:42", "(inlined)", "rip", "0x401170",
                             "alice", "blocked in futex", "__lll_lock_wait", "CPU 0"})
        EXPECT_TRUE(text.contains(word)) << word;
}

TEST_F(CrashPainterTest, is_drawn_above_the_timeline) {
    int alone = render_image({"core", nullptr, document.crash}, options).height();
    int timeline = render_image({"core", document.index, nullptr}, options).height();
    EXPECT_EQ(alone, CrashPainter::height_of(*document.crash));
    EXPECT_EQ(render_image(document, options).height(), alone + timeline);
    options.size.setHeight(700);
    EXPECT_EQ(render_image(document, options).height(), 700);
}

TEST_F(CrashPainterTest, copes_with_much_and_with_nothing) {
    document.crash = std::make_shared<const CrashReport>();
    EXPECT_FALSE(render_image(document, options).isNull());
    CrashReport much = *sample_crash();
    for (std::uint32_t i = 0; i < 500; ++i) {
        much.threads[1].frames.push_back({i, "recursion", "/a/b.cpp", i, false});
        much.threads[1].instructions.push_back({i, "nop", false});
        much.threads.push_back(much.threads[0]);
    }
    document.crash = std::make_shared<const CrashReport>(much);
    EXPECT_LT(CrashPainter::height_of(*document.crash), 1000);
    EXPECT_TRUE(svg().contains("more"));
    options.size = {100, 0};
    EXPECT_FALSE(render_image(document, options).isNull());
}

TEST(CrashFrame, has_a_place_if_its_file_is_known) {
    EXPECT_EQ(place_of({0, "f", "/a/b.cpp", 7, false}), "b.cpp:7");
    EXPECT_EQ(place_of({0, "f", "b.cpp", 0, false}), "b.cpp");
    EXPECT_EQ(place_of({0, "f", "", 7, false}), "");
}

} // namespace
} // namespace viewer
