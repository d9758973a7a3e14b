#include "tracer/link/FramedLine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <random>

namespace tracer {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds slice{50};
/// For the last words, when the line has ended or is given up.
constexpr milliseconds parting_time{2000};
constexpr milliseconds bye_time{200};

void set_blocking(int descriptor, bool blocking) {
    const int flags = fcntl(descriptor, F_GETFL);
    if (flags >= 0)
        fcntl(descriptor, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

} // namespace

serial::Time FramedLine::now() {
    const auto time = steady_clock::now().time_since_epoch();
    return static_cast<serial::Time>(std::chrono::duration_cast<microseconds>(time).count()) + 1;
}

serial::Link::Buffers FramedLine::make_buffers() {
    serial::Link::Buffers buffers;
    for (size_t i = 1; i < serial::channel_count; ++i) {
        buffers.send[i] = m_send_rings[i];
        buffers.receive[i] = m_receive_rings[i];
    }
    return buffers;
}

FramedLine::FramedLine(FileDescriptor line, std::string what)
    : m_what(std::move(what))
    , m_line(std::move(line))
    , m_wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
    , m_link(serial::SerialRole::Host, true, make_buffers(), m_text)
    , m_channels{FramedChannel(ChannelName::Console), FramedChannel(ChannelName::Gdb),
                 FramedChannel(ChannelName::Control), FramedChannel(ChannelName::Trace),
                 FramedChannel(ChannelName::Crash)} {
    set_blocking(m_line.get(), false);
    std::random_device random;
    m_link.start(uint64_t{random()} << 32 | random(), now());
    // No signal is this thread's: a line whose other end has gone must not end the process, either.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    m_thread = std::thread([this] { serve(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

FramedLine::~FramedLine() {
    stop(Stop::WithBye);
}

void FramedLine::stop(Stop how) {
    {
        const std::lock_guard lock(m_mutex);
        m_stop = how;
    }
    wake();
    if (m_thread.joinable())
        m_thread.join();
}

FileDescriptor FramedLine::release() {
    stop(Stop::Silently);
    set_blocking(m_line.get(), true);
    return std::move(m_line);
}

void FramedLine::wake() const {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(m_wake.get(), &one, sizeof one);
}

bool FramedLine::wait_until_up(const Patience& patience) {
    std::unique_lock lock(m_mutex);
    while (!m_link.is_up() && !m_ended && !patience.is_over())
        m_changed.wait_for(lock, std::min(patience.left(), slice));
    return m_link.is_up() && !m_ended;
}

Result<FileDescriptor> FramedLine::open(ChannelName name, const Patience& patience) {
    if (name != ChannelName::Console && !wait_until_up(patience)) {
        if (has_ended())
            return fail(fmt::format("{} has ended", m_what), "Is the machine running?");
        return fail(fmt::format("nobody at the other end of {} speaks the framed line", m_what),
                    "Either the guest still boots, or its command line has no `uniscope.serial=mux`.");
    }
    std::unique_lock lock(m_mutex);
    FramedChannel& wanted = channel(name);
    // Whoever had it has closed it, perhaps, and the thread has not noticed yet.
    while (wanted.is_open() && !m_ended && !patience.is_over())
        m_changed.wait_for(lock, std::min(patience.left(), slice));
    if (wanted.is_open())
        return fail(fmt::format("{} of {} is in use", name_of(name), m_what));
    if (m_ended)
        return fail(fmt::format("{} has ended", m_what), "Is the machine running?");
    auto opened = wanted.open();
    lock.unlock();
    wake();
    return opened;
}

bool FramedLine::has_ended() const {
    const std::lock_guard lock(m_mutex);
    return m_ended;
}

FramedLine::Statistics FramedLine::statistics() const {
    const std::lock_guard lock(m_mutex);
    return {m_link.statistics(), m_channels[static_cast<size_t>(ChannelName::Console)].dropped_text(),
            m_link.session()};
}

// --- The thread

void FramedLine::serve() {
    std::unique_lock lock(m_mutex);
    while (m_stop == Stop::No && !m_ended) {
        receive();
        for (auto& channel : m_channels) {
            channel.deliver(m_link);
            channel.collect(m_link);
        }
        send();
        note_session();
        m_changed.notify_all(); // a channel may be free again
        if (!m_ended)
            wait_for_events(lock);
    }
    if (m_stop == Stop::WithBye && !m_ended) {
        m_link.stop();
        const auto deadline = steady_clock::now() + bye_time;
        for (send(); !m_frame.empty() && !m_ended && steady_clock::now() < deadline; send()) {
            pollfd entry{m_line.get(), POLLOUT, 0};
            poll(&entry, 1, static_cast<int>(slice.count()));
        }
    }
    end_line();
}

void FramedLine::wait_for_events(std::unique_lock<std::mutex>& lock) {
    std::array<pollfd, 2 + all_channels.size()> entries;
    size_t count = 0;
    entries[count++] = {m_wake.get(), POLLIN, 0};
    entries[count++] = {m_line.get(), static_cast<short>(POLLIN | (m_frame.empty() ? 0 : POLLOUT)), 0};
    std::array<FramedChannel*, entries.size()> polled{};
    for (auto& channel : m_channels) {
        if (channel.wants_poll()) {
            polled[count] = &channel;
            entries[count++] = {channel.descriptor(), channel.events(m_link), 0};
        }
    }
    timespec wait{};
    const serial::Time deadline = m_link.deadline();
    const serial::Time time = now();
    // What is due waits for the line, if that takes nothing now.
    const microseconds left(m_frame.empty() ? std::min<serial::Time>(deadline > time ? deadline - time : 0, 1'000'000)
                                            : 1'000'000);
    wait.tv_sec = left.count() / 1'000'000;
    wait.tv_nsec = left.count() % 1'000'000 * 1000;
    lock.unlock();
    ppoll(entries.data(), count, &wait, nullptr);
    lock.lock();
    for (size_t i = 0; i < count; ++i)
        if (polled[i] != nullptr)
            polled[i]->note_events(entries[i].revents);
    uint64_t ignored = 0;
    if (entries[0].revents != 0) [[maybe_unused]]
        const ssize_t size = read(m_wake.get(), &ignored, sizeof ignored);
}

void FramedLine::receive() {
    std::array<uint8_t, 4096> buffer;
    // In turns with the rest, so that no window fills up meanwhile.
    const ssize_t count = read(m_line.get(), buffer.data(), buffer.size());
    if (count > 0)
        m_link.receive(std::span(buffer).first(static_cast<size_t>(count)), now());
    else if (count == 0 || (errno != EAGAIN && errno != EINTR))
        m_ended = true;
    note_session();
}

void FramedLine::send() {
    while (!m_ended) {
        if (m_frame.empty())
            m_frame = m_link.next_frame(now());
        if (m_frame.empty())
            return;
        const ssize_t count = write(m_line.get(), m_frame.data(), m_frame.size());
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EAGAIN)
            return;
        if (count <= 0)
            m_ended = true;
        else
            m_frame = m_frame.subspan(static_cast<size_t>(count));
    }
}

void FramedLine::note_session() {
    if (m_connection == m_link.connection())
        return;
    m_connection = m_link.connection();
    for (auto& channel : m_channels)
        channel.end_session();
}

/// What has arrived still reaches those who read it.
void FramedLine::end_line() {
    const auto deadline = steady_clock::now() + parting_time;
    for (bool more = m_ended; more && steady_clock::now() < deadline;) {
        std::array<pollfd, all_channels.size()> entries;
        size_t count = 0;
        more = false;
        for (auto& channel : m_channels) {
            channel.deliver(m_link);
            if (channel.is_open() && channel.has_undelivered())
                entries[count++] = {channel.descriptor(), POLLOUT, 0};
            more = more || count != 0;
        }
        if (count != 0)
            poll(entries.data(), count, static_cast<int>(slice.count()));
    }
    for (auto& channel : m_channels)
        channel.close();
    m_ended = true;
    m_changed.notify_all();
}

} // namespace tracer
