#pragma once
// Color: what a colour means. Which shade that is on a dark or a light window is the paint library's business.

#include <cstdint>
#include <string_view>

namespace viewer {

/// The categorical hues are for names; the rest have one meaning everywhere.
enum class Color : std::uint8_t {
    None,
    Running,
    Runnable,
    Blocked,
    SystemCall,
    Interrupt,
    PageFault,
    Event,
    Lost,
    Dead,
    FirstHue,
    LastHue = FirstHue + 15,
};

inline constexpr unsigned color_count = static_cast<unsigned>(Color::LastHue) + 1;
inline constexpr unsigned hue_count = 16;

/// The same name has the same hue in every trace and on every machine (FNV-1a, 32 bits, folded).
constexpr Color color_of_name(std::string_view name) {
    std::uint32_t hash = 2166136261u;
    for (char c : name)
        hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
    hash ^= hash >> 16;
    hash ^= hash >> 8;
    return static_cast<Color>(static_cast<unsigned>(Color::FirstHue) + hash % hue_count);
}

constexpr Color hue(unsigned n) {
    return static_cast<Color>(static_cast<unsigned>(Color::FirstHue) + n % hue_count);
}

} // namespace viewer
