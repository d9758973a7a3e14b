#pragma once
// What `uniscope crash show` says of a core, as values: the viewer shows the same.

#include "tracer/crash/CoreFile.h"
#include "tracer/crash/Disassembly.h"
#include "tracer/symbols/Symbolizer.h"
#include "tracer/symbols/Unwinder.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace crash {

/// One line of a stack: several share an address where functions were inlined.
struct CrashFrame {
    tracer::StackFrame frame;
    tracer::SourceFrame source;
};

struct CrashThread {
    CoreThreadState state;
    std::vector<CrashFrame> stack;
};

/// Owns nothing of the core but copies.
struct CrashReport {
    std::string core_path;
    std::string image_path;
    std::string build_id;
    std::string instance;
    std::string reason; ///< one sentence; "signal 11" if the core has none
    bool was_made_by_host = false;
    bool has_culprit = true;              ///< the first thread; false where somebody asked for the core
    std::vector<CrashThread> threads;     ///< the culprit first, or one that ran
    std::vector<Instruction> code;        ///< around the culprit's pc
    std::vector<std::string> last_events; ///< oldest first, a line each
    uint64_t lost_events = 0;
};

/// The core's memory, and what it leaves out of it from the image: code and constants.
tracer::MemoryReader memory_of(const CoreFile& core, const tracer::Image& image);

/// Stacks, registers, code. `image` must be the one that ran.
CrashReport make_crash_report(const CoreFile& core, tracer::Symbolizer& symbolizer, const tracer::CfiTable& cfi);

std::string to_text(const CrashReport& report);
nlohmann::json to_json(const CrashReport& report);

} // namespace crash
