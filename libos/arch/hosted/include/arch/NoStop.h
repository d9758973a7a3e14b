#pragma once
// Contract header for hosted unit tests: nobody stops anything.

namespace arch {

inline void enter_no_stop() {}
inline void leave_no_stop() {}
inline void enter_spin_lock() {}
inline void leave_spin_lock() {}

class [[nodiscard]] NoStop {
public:
    NoStop() {}
    ~NoStop() {}
};

} // namespace arch
