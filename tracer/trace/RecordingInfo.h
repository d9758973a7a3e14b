#pragma once
// What a recording says about itself besides its events: the sidecar `uniscope/image.json`.

#include "probes/wire/Channel.h"
#include "tracer/Result.h"
#include "tracer/trace/TraceClock.h"

#include <nlohmann/json_fwd.hpp>

#include <array>
#include <cstdint>
#include <string>

namespace tracer {

struct RecordingInfo {
    std::string instance;           ///< its name; may be empty
    std::string image_path;         ///< absolute
    std::string build_id;           ///< hexadecimal
    std::array<uint8_t, 16> uuid{}; ///< of this recording
    uint32_t cpu_count = 0;
    uint64_t tsc_hz = 0;
    uint64_t tsc_at_epoch_pair = 0; ///< TSC ...
    uint64_t realtime_ns = 0;       ///< ... and ns since 1970, read together
    bool was_snapshot = false;      ///< the flight recorder's last events, not a recording from here on
    bool is_complete = false;       ///< the recorder came to its end

    // Counts, known at the end. produced == delivered + discarded.
    uint64_t events_produced = 0;
    uint64_t events_delivered = 0;
    uint64_t events_discarded = 0;

    TraceClock clock() const { return {tsc_hz, tsc_at_epoch_pair, realtime_ns}; }
    bool operator==(const RecordingInfo&) const = default;
};

/// From what the instance said in its greeting; with a fresh uuid.
RecordingInfo make_recording_info(const wire::HelloMessage& hello, std::string instance, std::string image_path);

std::string to_string(const std::array<uint8_t, 16>& uuid);
nlohmann::json to_json(const RecordingInfo& info);
Result<RecordingInfo> recording_info_from_json(const nlohmann::json& json);

} // namespace tracer
