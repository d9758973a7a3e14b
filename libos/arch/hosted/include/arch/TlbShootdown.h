#pragma once
// Contract header for hosted unit tests: there is no TLB.

namespace arch {

inline void shoot_down_tlbs() {}

} // namespace arch
