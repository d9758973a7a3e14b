#include "libos/fs/Socket.h"

#include "libos/fs/FileSystem.h"

#include <algorithm>
#include <new>

namespace fs {

using base::Error;
using base::fail;
using base::Result;

namespace {

constexpr uint64_t second = 1'000'000'000;
constexpr int max_buffer_size = 425984; // twice rmem_max, as Linux counts

/// Options that are remembered and change nothing: what they are about does not exist here.
bool is_flag_option(int name) {
    switch (name) {
    case abi::so_debug:
    case abi::so_reuseaddr:
    case abi::so_dontroute:
    case abi::so_broadcast:
    case abi::so_keepalive:
    case abi::so_oobinline:
    case abi::so_reuseport:
        return true;
    default:
        return false;
    }
}

} // namespace

Result<base::Reference<SocketInode>> SocketInode::create() {
    auto* inode = new (std::nothrow) SocketInode;
    if (!inode)
        return fail(Error::NoMemory);
    return base::Reference<SocketInode>::adopt(inode);
}

Result<base::Reference<OpenFile>> SocketInode::open(base::Reference<Entry>, int) {
    return fail(Error::NoSuchDevice);
}

sched::Deadline Socket::deadline_after(const std::atomic<uint64_t>& timeout) {
    auto nanoseconds = timeout.load(std::memory_order_relaxed);
    auto now = services().clock.monotonic_nanoseconds();
    return nanoseconds < sched::no_deadline - now ? now + nanoseconds : sched::no_deadline;
}

Result<> Socket::set_timeout(std::atomic<uint64_t>& timeout, std::span<const std::byte> value_untrusted) {
    auto time = TRY(value_of<abi::timeval>(value_untrusted));
    if (time.tv_usec < 0 || time.tv_usec >= 1'000'000)
        return fail(Error::Domain);
    uint64_t nanoseconds = 0; // a negative time is over at once
    if (time.tv_sec >= 0) {
        auto seconds = static_cast<uint64_t>(time.tv_sec);
        nanoseconds = seconds * second + static_cast<uint64_t>(time.tv_usec) * 1000;
        if (seconds > sched::no_deadline / second - 1 || nanoseconds == 0)
            nanoseconds = sched::no_deadline;
    }
    timeout.store(nanoseconds, std::memory_order_relaxed);
    return {};
}

Result<> Socket::set_own_option(int, int, std::span<const std::byte>) {
    return fail(Error::NoProtocolOption);
}
Result<size_t> Socket::get_own_option(int, int, std::span<std::byte>) {
    return fail(Error::NoProtocolOption);
}

Result<> Socket::set_option(int level, int name, std::span<const std::byte> value_untrusted) {
    if (level != abi::sol_socket)
        return set_own_option(level, name, value_untrusted);
    if (is_flag_option(name)) {
        auto bit = uint32_t{1} << name;
        if (TRY(value_of<int32_t>(value_untrusted)) != 0)
            m_flag_options.fetch_or(bit, std::memory_order_relaxed);
        else
            m_flag_options.fetch_and(~bit, std::memory_order_relaxed);
        return {};
    }
    switch (name) {
    case abi::so_rcvtimeo:
    case abi::so_rcvtimeo_new:
        return set_timeout(m_receive_timeout, value_untrusted);
    case abi::so_sndtimeo:
    case abi::so_sndtimeo_new:
        return set_timeout(m_send_timeout, value_untrusted);
    case abi::so_sndbuf:
    case abi::so_rcvbuf: {
        auto value = std::clamp(TRY(value_of<int32_t>(value_untrusted)), 2304, max_buffer_size / 2);
        (name == abi::so_sndbuf ? m_send_size : m_receive_size).store(2 * value, std::memory_order_relaxed);
        return {};
    }
    case abi::so_rcvlowat: {
        auto value = TRY(value_of<int32_t>(value_untrusted));
        m_low_water.store(value < 0 ? INT32_MAX : std::max(static_cast<uint32_t>(value), uint32_t{1}),
                          std::memory_order_relaxed);
        return {};
    }
    case abi::so_linger: {
        auto value = TRY(value_of<abi::linger>(value_untrusted));
        m_linger.store(value.l_onoff != 0 ? value.l_linger : -1, std::memory_order_relaxed);
        return {};
    }
    case abi::so_priority:
        TRY(value_of<int32_t>(value_untrusted));
        return {};
    default:
        return fail(Error::NoProtocolOption);
    }
}

Result<size_t> Socket::get_option(int level, int name, std::span<std::byte> value) {
    if (level != abi::sol_socket)
        return get_own_option(level, name, value);
    if (is_flag_option(name)) {
        auto set = (m_flag_options.load(std::memory_order_relaxed) >> name & 1) != 0;
        return put_value<int32_t>(value, set ? 1 : 0);
    }
    auto time_of = [](const std::atomic<uint64_t>& timeout) {
        auto nanoseconds = timeout.load(std::memory_order_relaxed);
        if (nanoseconds == sched::no_deadline)
            return abi::timeval{};
        return abi::timeval{static_cast<int64_t>(nanoseconds / second),
                            static_cast<int64_t>(nanoseconds % second / 1000)};
    };
    switch (name) {
    case abi::so_type:
        return put_value<int32_t>(value, m_type);
    case abi::so_domain:
        return put_value<int32_t>(value, m_family);
    case abi::so_protocol:
    case abi::so_priority:
        return put_value<int32_t>(value, 0);
    case abi::so_error:
        return put_value<int32_t>(value, take_error());
    case abi::so_acceptconn:
        return put_value<int32_t>(value, is_listening() ? 1 : 0);
    case abi::so_rcvtimeo:
    case abi::so_rcvtimeo_new:
        return put_value(value, time_of(m_receive_timeout));
    case abi::so_sndtimeo:
    case abi::so_sndtimeo_new:
        return put_value(value, time_of(m_send_timeout));
    case abi::so_sndbuf:
        return put_value<int32_t>(value, m_send_size.load(std::memory_order_relaxed));
    case abi::so_rcvbuf:
        return put_value<int32_t>(value, m_receive_size.load(std::memory_order_relaxed));
    case abi::so_rcvlowat:
        return put_value<int32_t>(value, static_cast<int32_t>(m_low_water.load(std::memory_order_relaxed)));
    case abi::so_sndlowat:
        return put_value<int32_t>(value, 1);
    case abi::so_linger: {
        auto seconds = m_linger.load(std::memory_order_relaxed);
        return put_value(value, abi::linger{seconds >= 0 ? 1 : 0, std::max(seconds, 0)});
    }
    default:
        return fail(Error::NoProtocolOption);
    }
}

} // namespace fs
