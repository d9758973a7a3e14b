#pragma once
// From what the tracer library knows about a core to what the viewer shows of it.

#include "tracer/crash/CrashReport.h"
#include "viewer/model/CrashReport.h"

namespace viewer {

CrashReport crash_report_of(const crash::CrashReport& report);

} // namespace viewer
