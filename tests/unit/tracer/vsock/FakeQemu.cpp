#include "tests/unit/tracer/vsock/FakeQemu.h"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>

namespace tracer::vsock::test {

using namespace std::chrono_literals;

bool run_until(asio::io_context& loop, const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= deadline)
            return false;
        loop.restart();
        loop.run_one_for(10ms);
    }
    return true;
}

void settle(asio::io_context& loop) {
    do
        loop.restart();
    while (loop.poll() != 0);
}

void FakeQemu::send(Request request, std::string_view payload, std::vector<int> descriptors, uint32_t flags) {
    const MessageHeader header{static_cast<uint32_t>(request), flags, static_cast<uint32_t>(payload.size())};
    iovec parts[] = {{const_cast<MessageHeader*>(&header), sizeof header},
                     {const_cast<char*>(payload.data()), payload.size()}};
    std::array<char, CMSG_SPACE(32 * sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    if (!descriptors.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
        cmsghdr* rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
        std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size() * sizeof(int));
    }
    (void)!sendmsg(m_socket.get(), &message, MSG_NOSIGNAL);
}

std::optional<std::string> FakeQemu::reply(Request request) {
    const auto has_bytes = [this] {
        pollfd entry{m_socket.get(), POLLIN, 0};
        return poll(&entry, 1, 0) > 0;
    };
    if (!run_until(m_loop, has_bytes))
        return std::nullopt;
    MessageHeader header;
    if (recv(m_socket.get(), &header, sizeof header, 0) != sizeof header)
        return std::nullopt;
    std::string payload(header.size, '\0');
    if (header.request != static_cast<uint32_t>(request) || header.flags != 5 ||
        (header.size != 0 &&
         recv(m_socket.get(), payload.data(), payload.size(), 0) != static_cast<ssize_t>(payload.size())))
        return std::nullopt;
    return payload;
}

bool FakeQemu::was_closed() {
    return run_until(m_loop, [this] {
        char byte;
        return recv(m_socket.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    });
}

void FakeQemu::send_calls() {
    for (uint64_t index = 0; index < 2; ++index) {
        m_calls[index] = make_event();
        send_value(Request::SetVringCall, index, {m_calls[index].get()});
    }
}

bool FakeQemu::realize() {
    send(Request::GetFeatures);
    if (reply_value<uint64_t>(Request::GetFeatures) != 0x1'7000'0000)
        return false;
    send(Request::GetProtocolFeatures);
    const auto protocol = reply_value<uint64_t>(Request::GetProtocolFeatures);
    if (!protocol || (*protocol & 0x209) != 0x209)
        return false;
    send_value(Request::SetProtocolFeatures, uint64_t{0x209});
    send(Request::GetQueueNum);
    if (reply_value<uint64_t>(Request::GetQueueNum) != 2)
        return false;
    send(Request::SetOwner);
    send(Request::GetFeatures);
    if (!reply(Request::GetFeatures))
        return false;
    for (uint64_t index = 0; index < 2; ++index) {
        m_calls[index] = make_event();
        m_errors[index] = make_event();
        send_value(Request::SetVringCall, index, {m_calls[index].get()});
        send_value(Request::SetVringErr, index, {m_errors[index].get()});
    }
    const uint32_t config[5] = {0, 8, 0, 0, 0};
    send_value(Request::GetConfig, config);
    const auto answer = reply(Request::GetConfig);
    uint64_t cid = 0;
    if (!answer || answer->size() != 20)
        return false;
    std::memcpy(&cid, answer->data() + 12, sizeof cid);
    return cid == FakeGuest::cid;
}

bool FakeQemu::start(uint16_t rx_base, uint16_t tx_base) {
    send_calls();
    send_value(Request::SetFeatures, features);
    struct {
        uint32_t count = 1;
        uint32_t padding = 0;
        MemoryRegion region;
    } table;
    table.region = m_guest.region();
    send_value(Request::SetMemTable, table, {m_guest.file_descriptor().get()}, 9);
    if (reply_value<uint64_t>(Request::SetMemTable) != 0)
        return false;
    for (uint32_t index = 0; index < 2; ++index) {
        const uint32_t size[2] = {index, DriverRing::size};
        send_value(Request::SetVringNum, size);
        const uint32_t base[2] = {index, index == 0 ? rx_base : tx_base};
        send_value(Request::SetVringBase, base);
        struct {
            uint32_t index, flags;
            RingAddresses addresses;
            uint64_t log;
        } address{index, 0, FakeGuest::ring_addresses(index), 0};
        send_value(Request::SetVringAddr, address);
        m_kicks[index] = make_event();
        send_value(Request::SetVringKick, uint64_t{index}, {m_kicks[index].get()});
    }
    for (uint32_t index = 0; index < 2; ++index) {
        const uint32_t enable[2] = {index, 1};
        send_value(Request::SetVringEnable, enable);
    }
    send_calls();
    settle(m_loop);
    return true;
}

bool FakeQemu::stop() {
    for (uint32_t index = 0; index < 2; ++index) {
        const uint32_t enable[2] = {index, 0};
        send_value(Request::SetVringEnable, enable);
    }
    for (uint32_t index = 0; index < 2; ++index) {
        const uint32_t state[2] = {index, 0};
        send_value(Request::GetVringBase, state);
        const auto base = reply_value<std::array<uint32_t, 2>>(Request::GetVringBase);
        if (!base || (*base)[0] != index)
            return false;
        bases[index] = static_cast<uint16_t>((*base)[1]);
    }
    send_calls();
    settle(m_loop);
    return true;
}

} // namespace tracer::vsock::test
