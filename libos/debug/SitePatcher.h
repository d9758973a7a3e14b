#pragma once
// The probes' seam to text patching.

#include "probes/Registry.h"

namespace debug {

/// Boot: makes room for the image's sites.
probes::SitePatcher& initialize_site_patcher();

} // namespace debug
