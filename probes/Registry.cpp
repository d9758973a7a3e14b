#include "probes/Registry.h"

extern "C" {
// Defined by the linker around the sections; weak, because a program without a probe has neither.
extern wire::EventDescriptor __start_uniscope_events[] __attribute__((weak, visibility("hidden")));
extern wire::EventDescriptor __stop_uniscope_events[] __attribute__((weak, visibility("hidden")));
extern wire::SiteDescriptor __start_uniscope_sites[] __attribute__((weak, visibility("hidden")));
extern wire::SiteDescriptor __stop_uniscope_sites[] __attribute__((weak, visibility("hidden")));
}

namespace probes {

namespace {

std::string_view text_at(uint64_t address) {
    return reinterpret_cast<const char*>(address);
}

bool matches_text(std::string_view text, std::string_view pattern) {
    if (pattern.ends_with('*'))
        return text.starts_with(std::string_view(pattern.data(), pattern.size() - 1));
    return text == pattern;
}

} // namespace

Registry Registry::of_image() {
    return {{__start_uniscope_events, __stop_uniscope_events}, {__start_uniscope_sites, __stop_uniscope_sites}};
}

base::Result<> Registry::assign_ids() {
    wire::IdAssigner ids;
    for (auto& event : m_events) {
        if (event.version != wire::trace_format_version)
            return base::fail(base::Error::NotSupported);
        event.id = ids.next(event.family_size);
    }
    return {};
}

base::Result<size_t> Registry::set_enabled(std::string_view pattern, bool enabled, SitePatcher& patcher) {
    wire::SiteDescriptor* batch[64];
    size_t batched = 0;
    size_t matching = 0;
    auto patch_batch = [&]() -> base::Result<> {
        TRY(patcher.patch({batch, batched}, enabled));
        for (size_t i = 0; i < batched; ++i)
            batch[i]->state = enabled ? 1 : 0;
        batched = 0;
        return {};
    };
    bool event_matches = false;
    for (const auto& event : m_events)
        event_matches |= matches(event, pattern);
    if (!event_matches)
        return base::fail(base::Error::NoEntry);

    for (auto& site : m_sites) {
        const auto& event = *reinterpret_cast<const wire::EventDescriptor*>(site.event);
        if (event.id == 0 || !matches(event, pattern))
            continue;
        ++matching;
        if ((site.state != 0) == enabled)
            continue;
        batch[batched++] = &site;
        if (batched == std::size(batch))
            TRY(patch_batch());
    }
    if (batched != 0)
        TRY(patch_batch());
    return matching;
}

bool Registry::matches(const wire::EventDescriptor& event, std::string_view pattern) {
    auto provider = provider_of(event);
    auto name = name_of(event);
    size_t colon = pattern.find(':');
    if (colon == std::string_view::npos)
        return pattern == "*" || (provider == "kernel" && matches_text(name, pattern));
    // Not substr(), which may throw.
    std::string_view wanted_provider(pattern.data(), colon);
    pattern.remove_prefix(colon + 1);
    return provider == wanted_provider && matches_text(name, pattern);
}

std::string_view Registry::provider_of(const wire::EventDescriptor& event) {
    return text_at(event.provider);
}
std::string_view Registry::name_of(const wire::EventDescriptor& event) {
    return text_at(event.name);
}

Registry::EventStatus Registry::status_of(const wire::EventDescriptor& event) const {
    EventStatus status{};
    for (const auto& site : m_sites) {
        if (site.event != reinterpret_cast<uint64_t>(&event))
            continue;
        ++status.sites;
        status.enabled += site.state != 0 ? 1 : 0;
    }
    return status;
}

} // namespace probes
