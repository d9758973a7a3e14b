#pragma once
// Registry: the probe sites of the image, found and switched by name.
//
// One for the whole image. It owns nothing: the tables are the image's sections, and what patches the text is the
// kernel's. assign_ids() runs once at boot, before any site is enabled. The other methods must not run at the same time
// as each other; the caller holds a lock or is the only one.

#include "libos/base/Result.h"
#include "probes/wire/Ctf.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace probes {

/// What changes the text of running code. The kernel's TextPatcher implements it.
class SitePatcher {
public:
    /// Makes every site a jump to its target (enabled) or a 5-byte nop again, for all CPUs. All sites or none.
    /// probes::site_code() gives the bytes.
    virtual base::Result<> patch(std::span<wire::SiteDescriptor* const> sites, bool enabled) = 0;

protected:
    ~SitePatcher() = default;
};

inline constexpr size_t site_size = 5;

struct SiteCode {
    uint8_t bytes[site_size];
};
/// The bytes at a site. The target is within 2 GiB: both are in the same image.
SiteCode site_code(const wire::SiteDescriptor& site, bool enabled);

class Registry {
public:
    constexpr Registry() = default;
    Registry(std::span<wire::EventDescriptor> events, std::span<wire::SiteDescriptor> sites)
        : m_events(events)
        , m_sites(sites) {}

    /// The tables of the image that this code is linked into.
    static Registry of_image();

    /// Gives every event its id (trace-format.md §4.2). Error::NotSupported when a descriptor is of another version of
    /// the format: an object compiled against another <uniscope/probe.h>.
    base::Result<> assign_ids();

    /// Enables or disables all sites of the events whose name matches; sites that are so already are left alone.
    /// Returns how many sites match. Error::NoEntry when no event matches, and the patcher's errors.
    base::Result<size_t> set_enabled(std::string_view pattern, bool enabled, SitePatcher& patcher);

    /// "kernel:sched_switch", or what matches() takes besides: "sched_*", "*", "shop:*". A `*` stands at the end only.
    static bool matches(const wire::EventDescriptor& event, std::string_view pattern);

    static std::string_view provider_of(const wire::EventDescriptor& event);
    static std::string_view name_of(const wire::EventDescriptor& event);

    struct EventStatus {
        size_t sites;
        size_t enabled;
    };
    EventStatus status_of(const wire::EventDescriptor& event) const;

    std::span<const wire::EventDescriptor> events() const { return m_events; }
    std::span<const wire::SiteDescriptor> sites() const { return m_sites; }

private:
    std::span<wire::EventDescriptor> m_events;
    std::span<wire::SiteDescriptor> m_sites;
};

} // namespace probes
