#include "libos/debug/SitePatcher.h"

#include "libos/debug/TextPatcher.h"

#include <cstring>

namespace debug {

namespace {

class Patcher final : public probes::SitePatcher {
public:
    base::Result<> patch(std::span<wire::SiteDescriptor* const> sites, bool enabled) override {
        // In batches, since each costs the same handful of acknowledgements of all CPUs.
        constexpr size_t batch_size = 64;
        TextChange batch[batch_size];
        while (!sites.empty()) {
            size_t count = sites.size() < batch_size ? sites.size() : batch_size;
            for (size_t i = 0; i < count; ++i) {
                const auto& site = *sites[i];
                auto code = probes::site_code(site, enabled);
                batch[i].address = site.address;
                batch[i].size = probes::site_size;
                std::memcpy(batch[i].bytes, code.bytes, probes::site_size);
                // While the site changes, whoever comes by finds it off.
                batch[i].continue_at = site.address + probes::site_size;
            }
            TRY(text_patcher().change(std::span(batch).first(count)));
            sites = sites.subspan(count);
        }
        return {};
    }
};
constinit Patcher g_patcher;

} // namespace

probes::SitePatcher& initialize_site_patcher() {
    // Without memory for them changes are refused.
    (void)text_patcher().reserve_sites(probes::Registry::of_image().sites().size());
    return g_patcher;
}

} // namespace debug
