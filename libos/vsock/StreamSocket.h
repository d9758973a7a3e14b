#pragma once
// StreamSocket: AF_VSOCK, SOCK_STREAM. What of its answers differs from one kernel to the next is as in Linux 6.1;
// vsock(7), socket(7), connect(2), accept(2).
//
// Bytes are copied from and to app memory without a SpinLock: one reader and one writer at a time. Neither waits for
// the peer with its lock held.

#include "libos/fs/Socket.h"
#include "libos/vsock/SocketFamily.h"

namespace vsock {

class StreamSocket final : public fs::Socket {
public:
    static base::Result<base::Reference<fs::OpenFile>> create(SocketFamily& family, int flags);
    ~StreamSocket() override;

    base::Result<> bind(std::span<const std::byte> address_untrusted) override;
    base::Result<> connect(std::span<const std::byte> address_untrusted) override;
    base::Result<> listen(int backlog) override;
    base::Result<base::Reference<fs::OpenFile>> accept(int flags, fs::SocketAddress& peer) override;
    base::Result<> shut_down(int how) override;
    base::Result<fs::SocketAddress> local_address() override;
    base::Result<fs::SocketAddress> peer_address() override;
    base::Result<size_t> receive(fs::Transfer& to, int flags) override;
    base::Result<size_t> send(fs::Transfer& from, int flags, bool has_address) override;
    base::Result<uint64_t> ioctl(uint32_t request, uint64_t argument) override;
    uint32_t poll() override;
    uint64_t activity() const override;

protected:
    base::Result<> set_own_option(int level, int name, std::span<const std::byte> value_untrusted) override;
    base::Result<size_t> get_own_option(int level, int name, std::span<std::byte> value) override;
    bool is_listening() override;
    int take_error() override;

private:
    StreamSocket(base::Reference<fs::Inode> inode, SocketFamily& family, int flags);

    Engine& engine() { return m_family.engine(); }
    Endpoint* endpoint() const { return m_endpoint.load(std::memory_order_acquire); }
    base::Result<> start_connect(uint32_t cid, uint32_t port);
    base::Result<> wait_for_answer(Endpoint& endpoint, sched::Deadline deadline);
    /// Moves what there is; whether more may come.
    base::Result<bool> take_received(Endpoint& endpoint, fs::Transfer& to, bool peek);
    base::Result<> send_available(Endpoint& endpoint, fs::Transfer& from);
    /// Until something happened to the endpoint after `seen`.
    static base::Result<> wait(Endpoint& endpoint, uint64_t seen, sched::Deadline deadline);

    SocketFamily& m_family;
    fs::SleepLock m_binding;
    std::atomic<Endpoint*> m_endpoint{nullptr}; // set once, under m_binding
    uint32_t m_local_cid = any_cid;             // as it was bound
    fs::SleepLock m_reading;
    fs::SleepLock m_writing;

    // Linux's defaults.
    std::atomic<uint64_t> m_buffer_size{256 * 1024};
    std::atomic<uint64_t> m_buffer_min{128};
    std::atomic<uint64_t> m_buffer_max{256 * 1024};
    static constexpr uint64_t default_connect_timeout = 2'000'000'000;
    std::atomic<uint64_t> m_connect_timeout{default_connect_timeout}; // nanoseconds
};

} // namespace vsock
