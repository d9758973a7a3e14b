#include "tracer/instance/CommandLine.h"

#include <gtest/gtest.h>

#include <vector>

using tracer::encode_word;

TEST(CommandLine, EncodesWhatWouldNotArrive) {
    EXPECT_EQ(encode_word("plain/path-1.5,x=y:z"), "plain/path-1.5,x=y:z");
    EXPECT_EQ(encode_word("two words"), "two%20words");
    EXPECT_EQ(encode_word("50%"), "50%25");
    EXPECT_EQ(encode_word("tab\tline\n"), "tab%09line%0A");
    EXPECT_EQ(encode_word("\xc3\xa4\xff\x7f"), "%C3%A4%FF%7F");
    EXPECT_EQ(encode_word("\"it's\""), "%22it%27s%22");
}

TEST(CommandLine, AnEmptyArgumentIsAWord) {
    EXPECT_EQ(encode_word(""), "%00");
}

TEST(CommandLine, AnArgumentIsNeverTakenForTheKernels) {
    EXPECT_EQ(encode_word("--"), "%2D-");
    EXPECT_EQ(encode_word("---"), "---");
    EXPECT_EQ(encode_word("uniscope.wait=app"), "%75niscope.wait=app");
    EXPECT_EQ(encode_word("virtio_mmio.device=4K@0xfeb00000:5"), "%76irtio_mmio.device=4K@0xfeb00000:5");
}

TEST(CommandLine, KernelsWordsComeFirst) {
    const std::vector<std::string> kernel = {"uniscope.wait=boot", "uniscope.env.A=b%20c"};
    const std::vector<std::string> arguments = {"build/shop", "--rate", "", "a b"};
    EXPECT_EQ(tracer::make_command_line(kernel, arguments),
              "uniscope.wait=boot uniscope.env.A=b%20c -- build/shop --rate %00 a%20b");
    EXPECT_EQ(tracer::make_command_line({}, {}), "--");
}
