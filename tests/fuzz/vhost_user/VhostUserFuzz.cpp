// What a front-end may send to a vhost-user backend: messages in any order, whole and torn, with any descriptors.
//
// The input is a row of messages, each {request, flags, descriptors, length, payload}. A request with its top bit set
// gets a payload that is nearly right, with one field from the input: ring states that a wrong message must not find
// unprepared are reached by a few bytes.

#include "tracer/vsock/VhostUserSession.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace {

using namespace tracer::vsock;
using tracer::FileDescriptor;
using Bytes = std::span<const uint8_t>;

constexpr uint64_t memory_size = 64 << 10;
/// Of one run: long ones find nothing that short ones do not. QEMU's first start takes 30.
constexpr int max_messages = 60;
constexpr uint64_t user_base = 0x7f00'0000'0000;

asio::io_context& loop() {
    static asio::io_context loop;
    return loop;
}

void settle() {
    do
        loop().restart();
    while (loop().poll() != 0);
}

/// Takes values off the front of the input; zeros when it has ended.
class Input {
public:
    explicit Input(Bytes bytes)
        : m_bytes(bytes) {}
    bool is_empty() const { return m_bytes.empty(); }
    template <typename T = uint8_t>
    T take() {
        T value{};
        const Bytes taken = take_bytes(sizeof value);
        std::memcpy(&value, taken.data(), taken.size());
        return value;
    }
    Bytes take_bytes(size_t size) {
        const Bytes taken = m_bytes.first(std::min(size, m_bytes.size()));
        m_bytes = m_bytes.subspan(taken.size());
        return taken;
    }

private:
    Bytes m_bytes;
};

/// Files of every kind that a message may bring, for all runs.
const std::array<int, 4>& files() {
    static const std::array<int, 4> files = [] {
        std::array<int, 4> made{memfd_create("memory", MFD_CLOEXEC), eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
                                open("/dev/zero", O_RDWR | O_CLOEXEC), eventfd(0, EFD_CLOEXEC)};
        if (ftruncate(made[0], memory_size) != 0)
            std::abort();
        return made;
    }();
    return files;
}

template <typename... Values>
std::vector<uint8_t> bytes_of(const Values&... values) {
    std::vector<uint8_t> bytes;
    const auto append = [&bytes](const auto& value) {
        const auto* at = reinterpret_cast<const uint8_t*>(&value);
        bytes.insert(bytes.end(), at, at + sizeof value);
    };
    (append(values), ...);
    return bytes;
}

/// The payload that QEMU would send, but for what the input adds to it.
std::vector<uint8_t> likely_payload(Request request, Input& input) {
    const uint32_t index = input.take() & 1;
    const auto odd = input.take<int8_t>();
    switch (request) {
    case Request::SetFeatures:
        return bytes_of(uint64_t{0x1'7000'0000} & ~(uint64_t{static_cast<uint8_t>(odd)} << 28));
    case Request::SetMemTable:
        return bytes_of(uint32_t{1}, uint32_t{0}, uint64_t{0}, memory_size + static_cast<uint64_t>(odd), user_base,
                        uint64_t{0});
    case Request::SetVringNum:
        return bytes_of(index, uint32_t{1} << (odd & 15));
    case Request::SetVringAddr: {
        const uint64_t at = user_base + (index << 14) + static_cast<uint64_t>(odd * 1024);
        return bytes_of(index, uint32_t{0}, at, at + 0x2000, at + 0x1000, uint64_t{0});
    }
    case Request::SetVringBase:
    case Request::GetVringBase:
    case Request::SetVringEnable:
        return bytes_of(index, static_cast<uint32_t>(odd & 1));
    case Request::SetVringKick:
    case Request::SetVringCall:
    case Request::SetVringErr:
        return bytes_of(uint64_t{index});
    case Request::GetConfig:
        return bytes_of(static_cast<uint32_t>(odd & 15), uint32_t{8}, uint32_t{0}, uint64_t{0});
    default:
        return {};
    }
}

void send_message(int socket, Input& input) {
    const uint8_t selector = input.take();
    const auto request = static_cast<Request>(selector & 0x7f);
    const uint8_t flags = input.take();
    const uint8_t with = input.take();
    std::vector<uint8_t> payload;
    if ((selector & 0x80) != 0)
        payload = likely_payload(request, input);
    else {
        const Bytes raw = input.take_bytes(input.take());
        payload.assign(raw.begin(), raw.end());
    }
    // A length that lies, now and then.
    const uint32_t size = static_cast<uint32_t>(payload.size()) + ((flags & 0x80) != 0 ? input.take<uint32_t>() : 0);
    const MessageHeader header{static_cast<uint32_t>(request), (flags & 0x0fu) ^ 1u, size};
    iovec parts[] = {{const_cast<MessageHeader*>(&header), sizeof header}, {payload.data(), payload.size()}};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(16 * sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    if (const size_t count = with & 15; count != 0) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        cmsghdr* rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(count * sizeof(int));
        for (size_t i = 0; i < count; ++i)
            std::memcpy(CMSG_DATA(rights) + i * sizeof(int), &files()[(with >> 4) & 3], sizeof(int));
    }
    (void)!sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    // A kick of the ring, if that is what the descriptor has become.
    const uint64_t one = 1;
    if ((with & 0x40) != 0)
        (void)!write(files()[1], &one, sizeof one);
}

void decode_one(Bytes data) {
    Input input(data);
    const auto header = input.take<MessageHeader>();
    std::vector<FileDescriptor> descriptors;
    for (uint32_t count = input.take() & 15; count != 0; --count)
        descriptors.emplace_back(-1);
    if (check_header(header))
        (void)decode(header, input.take_bytes(header.size), std::move(descriptors));
    (void)name_of_request(header.request);
}

/// Every reply is whole and answers something.
void check_replies(int socket) {
    MessageHeader header;
    while (recv(socket, &header, sizeof header, MSG_DONTWAIT) == static_cast<ssize_t>(sizeof header)) {
        std::array<uint8_t, max_payload_size> payload;
        if (header.flags != 5 || header.size > payload.size() ||
            (header.size != 0 &&
             recv(socket, payload.data(), header.size, MSG_DONTWAIT) != static_cast<ssize_t>(header.size)))
            std::abort();
    }
}

void drive_session(Bytes data) {
    VsockDevice* device_pointer = nullptr;
    PacketEngine engine(loop(), 3,
                        {.on_output = [&] { device_pointer->pump(); },
                         .open_host = [](uint32_t) { return tracer::fail("nobody listens"); }});
    VsockDevice device(loop(), engine, {.on_broken = [](const tracer::Error&) {}, .on_change = [] {}});
    device_pointer = &device;
    auto pair = tracer::socket_pair().value();
    std::unique_ptr<VhostUserSession> session;
    bool ended = false;
    session = std::make_unique<VhostUserSession>(loop(), std::move(pair.first), 3, device,
                                                 [&](const std::optional<tracer::Error>&) {
                                                     ended = true;
                                                     session.reset();
                                                 });
    Input input(data);
    for (int count = 0; count < max_messages && !input.is_empty() && !ended; ++count) {
        send_message(pair.second.get(), input);
        settle();
        check_replies(pair.second.get());
    }
    pair.second.reset();
    settle();
    uint64_t kicks = 0;
    (void)!read(files()[1], &kicks, sizeof kicks);
    if (!ended || device.is_running() || engine.connection_count() != 0)
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    decode_one({data, size});
    drive_session({data, size});
    settle();
    return 0;
}
