// Frame times of the timeline, 1920 x 1080, on a long trace and on a short one.
// usage: viewer [--json] [MILLIONS OF INTERVALS]

#include "tracer/analysis/SyntheticTrace.h"
#include "tracer/analysis/TimelineBuilder.h"
#include "viewer/paint/TimelinePainter.h"

#include <QGuiApplication>
#include <QImage>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <random>

namespace viewer {
namespace {

using Clock = std::chrono::steady_clock;

double ms_since(Clock::time_point start) {
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// A busy trace over and over again: payloads are shared, so only the timeline itself takes memory.
std::shared_ptr<const tracer::Timeline> repeated_trace(size_t event_count) {
    constexpr Time period = 20'000'000;
    tracer::SyntheticTrace synthetic = tracer::make_busy_trace(4, 24, period);
    auto events = std::make_shared<std::vector<tracer::SyntheticTrace::Event>>(synthetic.events());
    tracer::TimelineBuilder builder(synthetic.schema());
    builder.keep(events);
    builder.reserve(event_count);
    Time shift = 0;
    for (size_t i = 0; i < event_count; ++i) {
        const auto& event = (*events)[i % events->size()];
        builder.add(event.time + shift, event.cpu, event.type, event.payload.data());
        if (i % events->size() == events->size() - 1)
            shift += events->back().time + 1;
    }
    return std::make_shared<const tracer::Timeline>(std::move(builder).finish());
}

std::uint64_t interval_count(const Index& index) {
    std::uint64_t sum = 0;
    for (const Lane& lane : index.lanes()) {
        for (const LaneTrack& track : lane.tracks)
            sum += track.track.size();
    }
    return sum;
}

struct Frames {
    std::vector<double> ms;
    double at(double share) {
        std::sort(ms.begin(), ms.end());
        return ms[static_cast<size_t>(share * static_cast<double>(ms.size() - 1))];
    }
};

Frames zoom_sweep(const Index& index) {
    QImage image(1920, 1080, QImage::Format_RGB32);
    const Theme theme = Theme::dark();
    std::mt19937 random(1);
    Frames frames;
    for (int step = 0; step < 300; ++step) {
        ViewState view(index, image.width(), image.height());
        Time length = std::max<Time>(index.whole().length() >> (step % 20), 1000);
        Time begin = static_cast<Time>(random()) * 4096 % std::max<Time>(1, index.whole().length() - length);
        view.show({begin, begin + length}, 0);
        QPainter painter(&image);
        auto start = Clock::now();
        paint_timeline(painter, index, view, theme);
        frames.ms.push_back(ms_since(start));
    }
    return frames;
}

double whole_frame(const Index& index) {
    QImage image(1920, 1080, QImage::Format_RGB32);
    Frames frames;
    for (int i = 0; i < 15; ++i) {
        QPainter painter(&image);
        auto start = Clock::now();
        paint_timeline(painter, index, ViewState(index, image.width(), image.height()), Theme::dark());
        frames.ms.push_back(ms_since(start));
    }
    return frames.at(0.5);
}

int run(bool wants_json, double millions) {
    auto timeline = repeated_trace(static_cast<size_t>(millions * 1e6));
    auto start = Clock::now();
    auto index = Index::build(timeline, "bench");
    double build_ms = ms_since(start);
    auto small = Index::build(repeated_trace(20'000), "bench");
    double whole = whole_frame(*index);
    double whole_small = whole_frame(*small);
    Frames frames = zoom_sweep(*index);
    std::uint64_t intervals = interval_count(*index);
    if (wants_json) {
        fmt::print(R"({{"bench":"viewer","ratios":{{"whole_frame_long_over_short":{:.3f}}},"figures":{{"intervals":{},)"
                   R"("frame_p50_ms":{:.2f},"frame_p99_ms":{:.2f},"whole_frame_ms":{:.2f},"index_build_ms":{:.0f}}}}})"
                   "\n",
                   whole / whole_small, intervals, frames.at(0.5), frames.at(0.99), whole, build_ms);
        return 0;
    }
    fmt::print("{} intervals, index built in {:.0f} ms\n", intervals, build_ms);
    fmt::print("frame over 20 zoom levels: p50 {:.2f} ms, p99 {:.2f} ms\n", frames.at(0.5), frames.at(0.99));
    fmt::print("whole trace: {:.2f} ms, {:.2f} times that of 20 thousand events\n", whole, whole / whole_small);
    return 0;
}

} // namespace
} // namespace viewer

int main(int argument_count, char** arguments) {
    qputenv("QT_QPA_PLATFORM", "offscreen");
    QGuiApplication application(argument_count, arguments);
    bool wants_json = false;
    double millions = 8; // events; an event makes a little more than one interval
    for (int i = 1; i < argument_count; ++i) {
        if (std::strcmp(arguments[i], "--json") == 0)
            wants_json = true;
        else
            millions = std::clamp(std::atof(arguments[i]), 0.1, 400.0);
    }
    return viewer::run(wants_json, millions);
}
