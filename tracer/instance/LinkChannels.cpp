#include "tracer/instance/LinkChannels.h"

#include <asio/post.hpp>

#include <algorithm>

namespace tracer {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds first_pause{200};
/// One that lasted this long did not fail at once.
constexpr milliseconds good_while{2000};

} // namespace

LinkChannels::LinkChannels(asio::io_context& loop, std::unique_ptr<Link> link)
    : m_loop(loop)
    , m_link(std::move(link))
    , m_slots{Slot(loop), Slot(loop), Slot(loop), Slot(loop), Slot(loop)} {}

LinkChannels::~LinkChannels() {
    drop_all();
}

void LinkChannels::keep(ChannelName channel, bool steal) {
    Slot& state = slot(channel);
    state.steals = state.steals || (steal && !state.is_open);
    if (std::exchange(state.is_kept, true))
        return;
    state.pause = milliseconds(0);
    if (!state.is_opening && !state.is_open)
        open(channel);
}

void LinkChannels::drop(ChannelName channel) {
    Slot& state = slot(channel);
    state.is_kept = state.is_open = false;
    state.is_given_up = state.is_opening;
    state.timer.cancel();
    state.thread.request_stop();
}

void LinkChannels::drop_all() {
    for (const ChannelName channel : all_channels)
        drop(channel);
}

void LinkChannels::open(ChannelName channel) {
    Slot& state = slot(channel);
    state.is_opening = true;
    state.is_given_up = false;
    // The thread before it has posted its result, and ends.
    const bool steal = std::exchange(state.steals, false);
    state.thread = std::jthread([this, channel, steal](const std::stop_token& stop) {
        auto stream = m_link->open(channel, {.timeout = std::chrono::seconds(5), .steal = steal, .stop = stop});
        asio::post(m_loop,
                   [this, channel, result = std::move(stream)]() mutable { opened(channel, std::move(result)); });
    });
}

void LinkChannels::opened(ChannelName channel, Result<FileDescriptor> stream) {
    Slot& state = slot(channel);
    state.is_opening = false;
    if (!state.is_kept)
        return;
    if (std::exchange(state.is_given_up, false) && !stream) { // wanted again since
        open(channel);
        return;
    }
    if (!stream) {
        state.problem = stream.error();
        try_later(channel);
        if (on_failure)
            on_failure(channel, stream.error());
        return;
    }
    state.problem.reset();
    state.is_open = true;
    state.opened = steady_clock::now();
    on_open(channel, Channel::create(m_loop, std::move(*stream)));
}

void LinkChannels::lost(ChannelName channel) {
    Slot& state = slot(channel);
    if (!std::exchange(state.is_open, false) || !state.is_kept)
        return;
    state.problem = Error{"the other side closed the channel", ""};
    if (steady_clock::now() - state.opened > good_while)
        state.pause = milliseconds(0);
    try_later(channel);
}

void LinkChannels::try_later(ChannelName channel) {
    Slot& state = slot(channel);
    state.pause = std::clamp(state.pause * 2, first_pause, m_link->retry_pause());
    state.timer.expires_after(state.pause);
    state.timer.async_wait([this, channel](asio::error_code error) {
        Slot& waiting = slot(channel);
        if (!error && waiting.is_kept && !waiting.is_opening && !waiting.is_open)
            open(channel);
    });
}

} // namespace tracer
