#include "tracer/image/Image.h"

#include <gtest/gtest.h>

#include <fstream>

using tracer::Image;

TEST(Image, ReadsThisProgram) {
    auto image = Image::open("/proc/self/exe");
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_NE(image->entry(), 0u);
    EXPECT_FALSE(image->pvh_entry());
    ASSERT_NE(image->find_section(".text"), nullptr);
    EXPECT_GT(image->find_section(".text")->bytes.size(), 100u);
    EXPECT_TRUE(image->find_symbol("main"));
    EXPECT_FALSE(image->find_symbol("no such symbol"));
}

TEST(Image, SaysWhyAProgramIsNoImage) {
    auto image = Image::open("/proc/self/exe");
    ASSERT_TRUE(image);
    const auto result = image->check_bootable();
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message.find("is not a Uniscope image"), std::string::npos);
    EXPECT_FALSE(result.error().hint.empty());
}

TEST(Image, RefusesWhatIsNoElfFile) {
    EXPECT_NE(Image::open("/nonexistent/image").error().message.find("No such file"), std::string::npos);
    EXPECT_NE(Image::open("/").error().message.find("is not a file"), std::string::npos);
    const std::string path = testing::TempDir() + "/not-an-elf";
    std::ofstream(path) << "hello";
    EXPECT_NE(Image::open(path).error().message.find("is not an ELF file"), std::string::npos);
    std::ofstream(path) << std::string("\x7f"
                                       "ELF\x02\x01\x01",
                                       7)
                        << std::string(40, '\xff');
    EXPECT_FALSE(Image::open(path));
}

TEST(Image, BuildIdIsHexadecimal) {
    const uint8_t bytes[] = {0x00, 0xab, 0x10};
    EXPECT_EQ(tracer::build_id_from_bytes(bytes), "00ab10");
}
