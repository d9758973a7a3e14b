#pragma once
// Making every CPU forget translations. Contract header.

namespace arch {

/// Flushes the whole TLB (global entries stay) of every other CPU and waits until each has done so. Called with
/// interrupts off or on, with no SpinLock held that another CPU may spin on with interrupts off. While it waits it
/// serves the requests of others, so two CPUs may call it at once. Parked or not yet started CPUs are not waited for:
/// they flush when they go on.
void shoot_down_tlbs();

} // namespace arch
