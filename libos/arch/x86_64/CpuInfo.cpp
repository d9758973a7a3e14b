#include "arch/CpuInfo.h"
#include "arch/Registers.h"

#include <cstring>

namespace arch {

namespace {

struct Feature {
    const char* name;
    uint32_t leaf;
    unsigned reg; ///< 1 ebx, 2 ecx, 3 edx
    unsigned bit;
};

// Intel SDM vol. 2, CPUID. Those that programs look for in /proc/cpuinfo.
constexpr Feature features[] = {
    {"fpu", 1, 3, 0},   {"tsc", 1, 3, 4},    {"cx8", 1, 3, 8},     {"cmov", 1, 3, 15},    {"mmx", 1, 3, 23},
    {"fxsr", 1, 3, 24}, {"sse", 1, 3, 25},   {"sse2", 1, 3, 26},   {"pni", 1, 2, 0},      {"ssse3", 1, 2, 9},
    {"fma", 1, 2, 12},  {"cx16", 1, 2, 13},  {"sse4_1", 1, 2, 19}, {"sse4_2", 1, 2, 20},  {"popcnt", 1, 2, 23},
    {"aes", 1, 2, 25},  {"xsave", 1, 2, 26}, {"avx", 1, 2, 28},    {"rdrand", 1, 2, 30},  {"bmi1", 7, 1, 3},
    {"avx2", 7, 1, 5},  {"bmi2", 7, 1, 8},   {"erms", 7, 1, 9},    {"avx512f", 7, 1, 16},
};

} // namespace

void print_cpu_info(base::TextBuilder& text, uint32_t index, uint64_t hz) {
    char vendor[13] = {};
    auto leaf0 = cpuid(0);
    std::memcpy(vendor, &leaf0.ebx, 4);
    std::memcpy(vendor + 4, &leaf0.edx, 4);
    std::memcpy(vendor + 8, &leaf0.ecx, 4);
    char model[49] = {};
    if (cpuid(0x80000000).eax >= 0x80000004) {
        for (uint32_t i = 0; i < 3; ++i) {
            auto part = cpuid(0x80000002 + i);
            std::memcpy(model + i * 16, &part, 16);
        }
    }
    text.put("processor\t: ").decimal(index).put("\nvendor_id\t: ").put(vendor).put("\nmodel name\t: ").put(model);
    text.put("\ncpu MHz\t\t: ")
        .decimal(hz / 1'000'000)
        .put('.')
        .unsigned_decimal(hz / 1000 % 1000, 3)
        .put("\nflags\t\t:");
    for (const auto& feature : features) {
        auto r = cpuid(feature.leaf);
        uint32_t value = feature.reg == 1 ? r.ebx : feature.reg == 2 ? r.ecx : r.edx;
        if ((value >> feature.bit & 1) != 0)
            text.put(' ').put(feature.name);
    }
    text.put("\n\n");
}

} // namespace arch
