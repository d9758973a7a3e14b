#include "tracer/instance/VsockChannels.h"

#include "tracer/link/VsockLink.h"

#include <algorithm>
#include <utility>

namespace tracer {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds first_pause{1};
constexpr milliseconds longest_pause{200};

} // namespace

VsockChannels::VsockChannels(asio::io_context& loop)
    : m_loop(loop)
    , m_slots{Slot(loop), Slot(loop), Slot(loop), Slot(loop), Slot(loop)} {}

Result<std::unique_ptr<VsockChannels>> VsockChannels::create(asio::io_context& loop, FileDescriptor front_end,
                                                             const std::filesystem::path& uds,
                                                             std::function<void(const std::string&)> say) {
    std::unique_ptr<VsockChannels> made(new VsockChannels(loop));
    vsock::VsockBackend::Options options;
    options.uds = uds;
    options.say = std::move(say);
    options.on_change = [&channels = *made] { channels.driver_changed(); };
    made->m_backend =
        TRY(vsock::VsockBackend::create(loop, vsock::GivenFrontEnd{std::move(front_end)}, std::move(options)));
    return made;
}

void VsockChannels::keep(ChannelName channel) {
    open(channel);
}

void VsockChannels::lost(ChannelName channel) {
    slot(channel).pause = milliseconds(0);
    try_later(channel);
}

void VsockChannels::open(ChannelName channel) {
    m_backend->connect(vsock_port(channel), [this, channel](Result<FileDescriptor> stream) {
        if (!stream) { // the guest is starting, or has gone
            try_later(channel);
            return;
        }
        slot(channel).pause = milliseconds(0);
        on_open(channel, Channel::create(m_loop, std::move(*stream)));
    });
}

void VsockChannels::try_later(ChannelName channel) {
    Slot& state = slot(channel);
    state.pause = std::clamp(state.pause * 2, first_pause, longest_pause);
    state.is_waiting = true;
    state.timer.expires_after(state.pause);
    state.timer.async_wait([this, channel, alive = std::weak_ptr(m_alive)](asio::error_code error) {
        if (!error && !alive.expired() && std::exchange(slot(channel).is_waiting, false))
            open(channel);
    });
}

void VsockChannels::driver_changed() {
    if (!m_backend->is_ready())
        return;
    for (const ChannelName channel : all_channels) {
        Slot& state = slot(channel);
        if (!std::exchange(state.is_waiting, false))
            continue;
        state.timer.cancel();
        state.pause = milliseconds(0);
        open(channel);
    }
}

} // namespace tracer
