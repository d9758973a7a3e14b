#pragma once
// What the shop sells and who buys it. Orders are made from their number alone, so that any run that books the orders
// 1 to N ends with the same totals, whichever worker booked which.

#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>

namespace shop {

struct Article {
    std::string_view name;
    int64_t price_cents;
};

inline constexpr std::array articles{
    Article{"teapot", 2490},    Article{"cup", 590},   Article{"saucer", 390}, Article{"spoon", 290},
    Article{"tea, 100 g", 745}, Article{"sugar", 195}, Article{"tray", 1550},  Article{"cosy", 1190},
};

struct Order {
    int64_t id;
    size_t article; ///< index into `articles`
    int64_t quantity;
    std::chrono::steady_clock::time_point received;

    int64_t total_cents() const { return articles[article].price_cents * quantity; }
};

/// The order that customer number `id` places.
inline Order place_order(int64_t id) {
    // The steps of a multiplicative hash (Knuth, TAOCP 6.4): neighbouring numbers buy different things.
    uint64_t mixed = static_cast<uint64_t>(id) * 0x9e3779b97f4a7c15;
    return {id, mixed >> 32 & (articles.size() - 1), static_cast<int64_t>(1 + (mixed >> 56) % 5),
            std::chrono::steady_clock::now()};
}

} // namespace shop
