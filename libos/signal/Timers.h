#pragma once
// The app's timers on the machine's clocks: the glue between TimerTable and the signals.

#include "libos/signal/TimerTable.h"

namespace signal {

/// The timer's clock, now. Signal lock held. Error::NoSuchProcess: its thread has ended.
base::Result<uint64_t> now_of(const Timer& timer);

/// After a timer was set or removed, without the signal lock: the next interrupt comes in time.
void timers_changed();

} // namespace signal
