#pragma once
// Contract header for hosted unit tests: nobody stops anything.

namespace arch {

inline void enter_no_stop() {}
inline void leave_no_stop() {}

class [[nodiscard]] NoStop {
public:
    NoStop() {}
    ~NoStop() {}
};

} // namespace arch
