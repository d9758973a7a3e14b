#include "probes/Registry.h"

#include <cstring>

namespace probes {

SiteCode site_code(const wire::SiteDescriptor& site, bool enabled) {
    if (!enabled)
        return {{0x0f, 0x1f, 0x44, 0x00, 0x00}}; // nopl 0(%rax,%rax,1)
    SiteCode code{{0xe9}};                       // jmp rel32, relative to the next instruction
    auto distance = static_cast<int32_t>(site.target - (site.address + site_size));
    std::memcpy(&code.bytes[1], &distance, sizeof distance);
    return code;
}

} // namespace probes
