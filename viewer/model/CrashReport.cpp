#include "viewer/model/CrashReport.h"

#include <fmt/format.h>

namespace viewer {

std::string place_of(const CrashFrame& frame) {
    if (frame.file.empty())
        return {};
    std::string name = frame.file.substr(frame.file.rfind('/') + 1);
    return frame.line == 0 ? name : fmt::format("{}:{}", name, frame.line);
}

} // namespace viewer
