#pragma once
// Settings: what shop.conf and the command line say; the command line wins.

#include <cstdint>
#include <stdexcept>
#include <string>

namespace shop {

/// The settings cannot be understood; what() says where and why.
class SettingsError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct Settings {
    int64_t workers = 3;
    int64_t queue = 64;     ///< orders that may wait
    int64_t rate = 200;     ///< orders that customers place in a second; 0: as fast as they are booked
    int64_t orders = 0;     ///< close after so many; 0: never
    int64_t seconds = 0;    ///< close after so long; 0: never
    int64_t statistics = 1; ///< seconds between two lines of statistics; 0: none
    std::string database = "shop.db";
};

inline constexpr const char* default_settings_file = "/etc/shop.conf";

inline constexpr const char* usage_text = R"(usage: shop [--config FILE] [--NAME VALUE ...]
  workers N       threads that book orders (3)
  queue N         orders that may wait (64)
  rate N          orders that customers place in a second; 0: as fast as they are booked (200)
  orders N        close after so many; 0: never (0)
  seconds N       close after so long; 0: never (0)
  statistics N    seconds between two lines of statistics; 0: none (1)
  database FILE   the books, an SQLite database (shop.db)
The same names stand in the settings file, /etc/shop.conf unless told, as lines 'name = value'.
)";

/// Reads the settings file (a missing default one is no error), then the arguments.
Settings read_settings(int argc, char** argv);

} // namespace shop
