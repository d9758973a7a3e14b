#include "tracer/trace/RecordingInfo.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/random.h>

namespace tracer {

RecordingInfo make_recording_info(const wire::HelloMessage& hello, std::string instance, std::string image_path) {
    RecordingInfo info;
    info.instance = std::move(instance);
    info.image_path = std::move(image_path);
    for (uint8_t byte : hello.build_id)
        info.build_id += fmt::format("{:02x}", byte);
    (void)getrandom(info.uuid.data(), info.uuid.size(), 0);
    info.uuid[6] = static_cast<uint8_t>((info.uuid[6] & 0x0f) | 0x40); // RFC 4122 §4.4: version 4 ...
    info.uuid[8] = static_cast<uint8_t>((info.uuid[8] & 0x3f) | 0x80); // ... of variant 1
    info.cpu_count = hello.cpu_count;
    info.tsc_hz = hello.tsc_hz;
    info.tsc_at_epoch_pair = hello.tsc_at_epoch_pair;
    info.realtime_ns = hello.realtime_ns;
    return info;
}

std::string to_string(const std::array<uint8_t, 16>& uuid) {
    std::string text;
    for (size_t i = 0; i < uuid.size(); ++i)
        text += fmt::format("{}{:02x}", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
    return text;
}

static std::array<uint8_t, 16> uuid_from_text(const std::string& text) {
    std::array<uint8_t, 16> uuid{};
    size_t digits = 0;
    for (char c : text) {
        int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (value < 0 || digits >= 32)
            continue;
        auto& byte = uuid[digits++ / 2];
        byte = static_cast<uint8_t>(byte << 4 | value);
    }
    return uuid;
}

nlohmann::json to_json(const RecordingInfo& info) {
    return {
        {"version", 1},
        {"instance", info.instance},
        {"image", info.image_path},
        {"build_id", info.build_id},
        {"uuid", to_string(info.uuid)},
        {"cpu_count", info.cpu_count},
        {"clock", {{"tsc_hz", info.tsc_hz}, {"tsc", info.tsc_at_epoch_pair}, {"realtime_ns", info.realtime_ns}}},
        {"snapshot", info.was_snapshot},
        {"complete", info.is_complete},
        {"events",
         {{"produced", info.events_produced},
          {"delivered", info.events_delivered},
          {"discarded", info.events_discarded}}},
    };
}

Result<RecordingInfo> recording_info_from_json(const nlohmann::json& json) {
    try {
        if (json.value("version", 0) != 1)
            return fail("the trace's image.json has an unknown version", "a newer uniscope has recorded it");
        RecordingInfo info;
        info.instance = json.value("instance", "");
        info.image_path = json.value("image", "");
        info.build_id = json.value("build_id", "");
        info.uuid = uuid_from_text(json.value("uuid", ""));
        info.cpu_count = json.value("cpu_count", 0u);
        const auto& clock = json.at("clock");
        info.tsc_hz = clock.at("tsc_hz").get<uint64_t>();
        info.tsc_at_epoch_pair = clock.at("tsc").get<uint64_t>();
        info.realtime_ns = clock.at("realtime_ns").get<uint64_t>();
        info.was_snapshot = json.value("snapshot", false);
        info.is_complete = json.value("complete", false);
        if (auto events = json.find("events"); events != json.end()) {
            info.events_produced = events->value("produced", uint64_t{0});
            info.events_delivered = events->value("delivered", uint64_t{0});
            info.events_discarded = events->value("discarded", uint64_t{0});
        }
        return info;
    } catch (const nlohmann::json::exception& error) {
        return fail(fmt::format("the trace's image.json is damaged: {}", error.what()));
    }
}

} // namespace tracer
