#pragma once
// The probes' seam to text patching.

#include "probes/Registry.h"

namespace debug {

probes::SitePatcher& site_patcher();

} // namespace debug
