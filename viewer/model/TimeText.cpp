#include "viewer/model/TimeText.h"

#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace viewer {
namespace {

struct Unit {
    std::string_view name;
    double nanoseconds;
};

constexpr std::array parse_units{Unit{"ns", 1}, Unit{"us", 1e3}, Unit{"µs", 1e3}, Unit{"ms", 1e6}, Unit{"s", 1e9}};

constexpr Unit unit_of(Time magnitude) {
    if (magnitude < 1000)
        return {"ns", 1};
    if (magnitude < 1'000'000)
        return {"µs", 1e3};
    if (magnitude < 1'000'000'000)
        return {"ms", 1e6};
    return {"s", 1e9};
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return text;
}

std::expected<Time, std::string> parse_time(std::string_view text) {
    double number = 0;
    auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || !std::isfinite(number))
        return std::unexpected(fmt::format("'{}' is not a time: write for example 1.2s, 350ms, 20us or 800ns.", text));
    std::string_view unit_name = trimmed(text.substr(static_cast<size_t>(rest - text.data())));
    if (unit_name.empty())
        unit_name = "s";
    for (const Unit& unit : parse_units) {
        if (unit.name != unit_name)
            continue;
        double nanoseconds = number * unit.nanoseconds;
        if (std::abs(nanoseconds) > 9e18)
            return std::unexpected(fmt::format("'{}' is longer than any trace.", text));
        return std::llround(nanoseconds);
    }
    return std::unexpected(fmt::format("'{}' is not a unit of time: use s, ms, us or ns.", unit_name));
}

} // namespace

std::string duration_text(Time duration) {
    if (duration < 0)
        return "-" + duration_text(-duration);
    if (duration >= 100'000'000'000) {
        Time seconds = (duration + 500'000'000) / 1'000'000'000;
        return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
    }
    Unit unit = unit_of(duration);
    double value = static_cast<double>(duration) / unit.nanoseconds;
    if (unit.nanoseconds == 1)
        return fmt::format("{} ns", duration);
    int decimals = value >= 100 ? 1 : value >= 10 ? 2 : 3;
    return fmt::format("{:.{}f} {}", value, decimals, unit.name);
}

std::string time_text(Time time, Time resolution) {
    Time magnitude = std::max(time < 0 ? -time : time, resolution);
    Unit unit = unit_of(magnitude);
    int decimals = 0;
    double step = std::max<double>(1, static_cast<double>(resolution)) / unit.nanoseconds;
    while (decimals < 9 && step < 0.999'999) {
        step *= 10;
        ++decimals;
    }
    return fmt::format("{:.{}f} {}", static_cast<double>(time) / unit.nanoseconds, decimals, unit.name);
}

std::expected<TimeRange, std::string> parse_time_range(std::string_view text, TimeRange whole) {
    size_t dots = text.find("..");
    if (dots == std::string_view::npos)
        return std::unexpected(fmt::format("'{}' is not a range: write START..END, for example 1.2s..1.5s.", text));
    std::string_view from = trimmed(text.substr(0, dots));
    std::string_view to = trimmed(text.substr(dots + 2));
    TimeRange range = whole;
    if (!from.empty()) {
        auto begin = parse_time(from);
        if (!begin)
            return std::unexpected(begin.error());
        range.begin = *begin;
    }
    if (!to.empty()) {
        auto end = parse_time(to);
        if (!end)
            return std::unexpected(end.error());
        range.end = *end;
    }
    if (range.begin >= whole.end || range.end <= whole.begin)
        return std::unexpected(
            fmt::format("The range {} is outside the trace, which lasts {}.", text, duration_text(whole.length())));
    if (range.begin >= range.end)
        return std::unexpected(fmt::format("The range {} is empty: it starts at {} and ends at {}.", text,
                                           duration_text(range.begin), duration_text(range.end)));
    return range;
}

} // namespace viewer
