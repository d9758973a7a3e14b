// MC146818 real-time clock; registers: its data sheet, table 3. QEMU keeps UTC in it.
#include "arch/WallClock.h"
#include "arch/Io.h"

namespace arch {

namespace {

uint8_t read_register(uint8_t index) {
    port_write8(0x70, index);
    return port_read8(0x71);
}

/// Days since 1970-01-01; the year starts in March so that the leap day is its last.
constexpr int64_t days_from_civil(int64_t year, unsigned month, unsigned day) {
    year -= month <= 2;
    int64_t era = year / 400;
    auto year_of_era = static_cast<unsigned>(year - era * 400);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}
static_assert(days_from_civil(1970, 1, 1) == 0 && days_from_civil(2000, 3, 1) == 11017);

} // namespace

uint64_t wall_clock_ns() {
    constexpr uint8_t status_a = 0x0a, status_b = 0x0b, updating = 0x80, binary = 0x04;
    if (read_register(status_a) == 0xff)
        return 0; // no such device
    for (int attempt = 0; attempt < 100000 && (read_register(status_a) & updating) != 0; ++attempt) {
    }
    bool is_binary = (read_register(status_b) & binary) != 0;
    auto field = [is_binary](uint8_t index) -> unsigned {
        uint8_t value = read_register(index);
        return is_binary ? value : (value >> 4) * 10u + (value & 15u);
    };
    unsigned second = field(0), minute = field(2), hour = field(4), day = field(7), month = field(8), year = field(9);
    int64_t days = days_from_civil(2000 + static_cast<int64_t>(year), month, day);
    return (static_cast<uint64_t>(days) * 86400 + hour * 3600 + minute * 60 + second) * 1'000'000'000;
}

} // namespace arch
