#pragma once
// The crash root: what lets the host make a core of a machine that cannot write one itself (probes/wire/Core.h).

namespace crash {

/// Boot, when all CPUs are known: fills the root in.
void publish_crash_root();

} // namespace crash
