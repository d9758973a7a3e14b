#pragma once
// Socket: an open file that is an end of a connection, or waits for some. Each family of addresses has a subclass; the
// options of SOL_SOCKET are here. Calls and locks as for OpenFile.

#include "libos/fs/OpenFile.h"
#include "libos/fs/SocketAbi.h"
#include "libos/sched/WaitQueue.h"

#include <atomic>
#include <cstring>
#include <span>
#include <type_traits>

namespace fs {

/// A socket address as system calls take and give it.
struct SocketAddress {
    std::byte bytes[abi::max_address] = {};
    uint32_t length = 0;

    std::span<const std::byte> view() const { return std::span(bytes).first(length); }
    template <typename T>
        requires std::is_trivially_copyable_v<T>
    void set(const T& address) {
        static_assert(sizeof(T) <= sizeof(bytes));
        std::memcpy(bytes, &address, sizeof(address));
        length = sizeof(address);
    }
};

/// What fstat sees of a socket.
class SocketInode final : public Inode {
public:
    static base::Result<base::Reference<SocketInode>> create();
    base::Result<base::Reference<OpenFile>> open(base::Reference<Entry> entry, int flags) override;

private:
    SocketInode()
        : Inode(FileType::Socket, 0777) {}
};

class Socket : public OpenFile {
public:
    base::Result<size_t> read(Transfer& to) final { return receive(to, 0); }
    base::Result<size_t> write(Transfer& from) final { return send(from, 0, false); }
    bool can_poll() const final { return true; }
    Socket* as_socket() final { return this; }

    virtual base::Result<> bind(std::span<const std::byte> address_untrusted) = 0;
    virtual base::Result<> connect(std::span<const std::byte> address_untrusted) = 0;
    virtual base::Result<> listen(int backlog) = 0;
    /// `flags` are the new socket's: O_NONBLOCK or none.
    virtual base::Result<base::Reference<OpenFile>> accept(int flags, SocketAddress& peer) = 0;
    virtual base::Result<> shut_down(int how) = 0;
    virtual base::Result<SocketAddress> local_address() = 0;
    virtual base::Result<SocketAddress> peer_address() = 0;
    /// `flags` of MSG_*. Error::BrokenPipe means a SIGPIPE, which MSG_NOSIGNAL keeps away: the caller's business.
    virtual base::Result<size_t> receive(Transfer& to, int flags) = 0;
    virtual base::Result<size_t> send(Transfer& from, int flags, bool has_address) = 0;

    /// Options. Error::NoProtocolOption for one that there is not, Error::Invalid for a value that is none.
    base::Result<> set_option(int level, int name, std::span<const std::byte> value_untrusted);
    /// The value's first bytes into `value`; how many.
    base::Result<size_t> get_option(int level, int name, std::span<std::byte> value);

protected:
    Socket(base::Reference<Inode> inode, int flags, int family, int type)
        : OpenFile(std::move(inode), nullptr, flags)
        , m_family(family)
        , m_type(type) {}

    /// Options of other levels than SOL_SOCKET.
    virtual base::Result<> set_own_option(int level, int name, std::span<const std::byte> value_untrusted);
    virtual base::Result<size_t> get_own_option(int level, int name, std::span<std::byte> value);
    virtual bool is_listening() = 0;
    /// SO_ERROR: the error that nobody has been told yet, 0 without one.
    virtual int take_error() = 0;

    bool would_block(int flags) const { return is_nonblocking() || (flags & abi::msg_dontwait) != 0; }
    /// When a call that begins now gives up, by SO_RCVTIMEO and SO_SNDTIMEO.
    sched::Deadline receive_deadline() const { return deadline_after(m_receive_timeout); }
    sched::Deadline send_deadline() const { return deadline_after(m_send_timeout); }
    size_t low_water() const { return m_low_water.load(std::memory_order_relaxed); }

    /// For options: a value from the app's bytes, Error::Invalid when they are too few; and the other way.
    template <typename T>
    static base::Result<T> value_of(std::span<const std::byte> bytes) {
        T value;
        if (bytes.size() < sizeof(value))
            return base::fail(base::Error::Invalid);
        std::memcpy(&value, bytes.data(), sizeof(value));
        return value;
    }
    template <typename T>
    static size_t put_value(std::span<std::byte> to, const T& value) {
        size_t length = to.size() < sizeof(value) ? to.size() : sizeof(value);
        std::memcpy(to.data(), &value, length);
        return length;
    }

private:
    static sched::Deadline deadline_after(const std::atomic<uint64_t>& timeout);
    static base::Result<> set_timeout(std::atomic<uint64_t>& timeout, std::span<const std::byte> value_untrusted);

    const int m_family;
    const int m_type;
    std::atomic<uint64_t> m_receive_timeout{sched::no_deadline}; // nanoseconds
    std::atomic<uint64_t> m_send_timeout{sched::no_deadline};
    std::atomic<uint32_t> m_flag_options{0}; // a bit each, by option number
    std::atomic<uint32_t> m_low_water{1};
    std::atomic<int> m_send_size{212992}; // Linux's defaults; nothing here depends on them
    std::atomic<int> m_receive_size{212992};
    std::atomic<int> m_linger{-1}; // seconds; negative: off
};

} // namespace fs
