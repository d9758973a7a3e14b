#include "viewer/app/Options.h"

#include <gtest/gtest.h>

namespace viewer {
namespace {

std::expected<Options, std::string> parse(const char* line) {
    return Options::parse(QString::fromLatin1(line).split(QLatin1Char(' '), Qt::SkipEmptyParts));
}

TEST(Options, are_read) {
    auto options = parse("--render out.svg --range 1s..2s --size 800x600 --scale=2 --lanes=cpu* --light shop.trace");
    ASSERT_TRUE(options) << options.error();
    EXPECT_EQ(options->render.toStdString(), "out.svg");
    EXPECT_EQ(options->range.toStdString(), "1s..2s");
    EXPECT_EQ(options->size, QSize(800, 600));
    EXPECT_EQ(options->scale, 2);
    EXPECT_EQ(options->lanes.toStdString(), "cpu*");
    EXPECT_TRUE(options->is_light);
    EXPECT_EQ(options->path.toStdString(), "shop.trace");
    EXPECT_EQ(parse("--size 900 x")->size, QSize(900, 0));
    EXPECT_EQ(parse("-- --odd-name")->path.toStdString(), "--odd-name");
    EXPECT_TRUE(parse("")->path.isEmpty());
    EXPECT_TRUE(parse("--help")->wants_help);
}

TEST(Options, say_what_is_wrong) {
    for (const char* line :
         {"--nothing", "--range", "--range=", "--size 1x1 t", "--size 800x t", "--size axb t", "--size 1x2x3 t",
          "--scale 0 t", "--scale nan t", "a b", "--render out.png", "-x", "--light --dark t"}) {
        auto options = parse(line);
        ASSERT_FALSE(options) << line;
        EXPECT_FALSE(options.error().empty());
    }
}

} // namespace
} // namespace viewer
