#include "viewer/model/SpanLayout.h"

#include <cmath>

namespace viewer {
namespace {

constexpr double min_own_width = 2;

} // namespace

void layout_track(const Track& track, const TimeScale& scale, std::vector<Span>& out) {
    out.clear();
    const TimeRange visible = scale.visible();
    const int width = static_cast<int>(scale.width());
    const double ns_per_pixel = scale.nanoseconds_per_pixel();
    int next_column = 0;
    std::uint32_t i = track.first_ending_after(visible.begin);
    while (i < track.size() && track.begin(i) < visible.end) {
        // An interval that starts long before the view has a coordinate beyond int; clamp while it is a double.
        double x0 = std::max(scale.x_of(track.begin(i)), 0.0);
        double x1 = std::min(scale.x_of(track.end(i)), scale.width());
        if (x1 - x0 >= min_own_width) {
            out.push_back({.x0 = static_cast<int>(std::lround(x0)),
                           .x1 = std::max(static_cast<int>(std::lround(x1)), static_cast<int>(std::lround(x0)) + 1),
                           .index = i,
                           .count = 1,
                           .color = track.color(i),
                           .coverage = 1});
            ++i;
            continue;
        }
        // What was left over by snapping to a block belongs to the next column.
        int column = std::min(std::max(static_cast<int>(x0), next_column), width - 1);
        Time column_end = visible.begin + static_cast<Time>(std::ceil((column + 1) * ns_per_pixel));
        std::uint32_t next = std::max(track.first_beginning_at(column_end, i), i + 1);
        if (next - i > Mipmap::fan_out && column < width - 1)
            next = next / Mipmap::fan_out * Mipmap::fan_out;
        // The last one may reach far into the next columns: then it gets a span of its own.
        double last_length = static_cast<double>(track.end(next - 1) - track.begin(next - 1));
        if (next - i > 1 && last_length >= min_own_width * ns_per_pixel)
            --next;
        Summary summary = track.summary(i, next);
        out.push_back({.x0 = column,
                       .x1 = column + 1,
                       .index = summary.representative,
                       .count = summary.count,
                       .color = summary.color,
                       .coverage = static_cast<float>(
                           std::min(1.0, static_cast<double>(summary.busy) / std::max(ns_per_pixel, 1.0)))});
        next_column = column + 1;
        i = next;
    }
}

} // namespace viewer
