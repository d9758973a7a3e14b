#include "tracer/vsock/VhostUserSession.h"

#include <fmt/format.h>

#include <cstring>

namespace tracer::vsock {

namespace {

constexpr uint64_t bit(unsigned number) {
    return uint64_t{1} << number;
}

// Virtual I/O Device 1.2, 6 "Reserved Feature Bits".
constexpr uint64_t indirect_feature = bit(28);
constexpr uint64_t event_index_feature = bit(29);
/// vhost-user's own, in the same word.
constexpr uint64_t protocol_features_feature = bit(30);
constexpr uint64_t version_1_feature = bit(32);
constexpr uint64_t offered_features =
    version_1_feature | protocol_features_feature | event_index_feature | indirect_feature;

// docs/interop/vhost-user of QEMU, "Protocol features".
constexpr uint64_t multiqueue_protocol = bit(0);
constexpr uint64_t reply_ack_protocol = bit(3);
constexpr uint64_t config_protocol = bit(9); // the device reads its context id by it
constexpr uint64_t reset_device_protocol = bit(13);
constexpr uint64_t offered_protocol_features =
    multiqueue_protocol | reply_ack_protocol | config_protocol | reset_device_protocol;

/// Messages that are answered before other work of the loop gets its turn.
constexpr int messages_per_turn = 16;

template <typename Value>
std::vector<uint8_t> bytes_of_value(const Value& value) {
    std::vector<uint8_t> bytes(sizeof value);
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
}

} // namespace

VhostUserSession::VhostUserSession(asio::io_context& loop, FileDescriptor socket, uint64_t guest_cid,
                                   VsockDevice& device, OnEnd on_end)
    : m_watch(loop, std::move(socket),
              {.on_readable = [this] { receive(); },
               .on_unusable = [this] { end(fail("the vhost-user socket cannot be waited for").error()); }})
    , m_socket(m_watch.get())
    , m_guest_cid(guest_cid)
    , m_device(device)
    , m_on_end(std::move(on_end)) {
    m_watch.await_readable();
}

VhostUserSession::~VhostUserSession() {
    m_device.forget();
}

void VhostUserSession::end(const std::optional<Error>& why) {
    // Its owner destroys the session, and with it this function.
    const OnEnd on_end = m_on_end;
    on_end(why);
}

void VhostUserSession::receive() {
    for (int count = 0; count < messages_per_turn; ++count) {
        auto received = m_socket.receive();
        if (!received)
            return end(received.error());
        if (m_socket.has_ended())
            return end(std::nullopt);
        if (!*received)
            break;
        if (const auto handled = handle((*received)->header, (*received)->command); !handled)
            return end(handled.error());
    }
    m_watch.await_readable();
}

Result<> VhostUserSession::handle(const MessageHeader& header, Command& command) {
    Answer answer = TRY(std::visit([this](auto& content) { return perform(content); }, command.content));
    if (answer.empty() && command.needs_reply)
        answer = bytes_of_value(uint64_t{0}); // it went well
    if (answer.empty())
        return {};
    return m_socket.reply(header, answer);
}

Result<VhostUserSession::Answer> VhostUserSession::perform(PlainCommand& command) {
    switch (command.request) {
    case Request::GetFeatures:
        return bytes_of_value(offered_features);
    case Request::GetProtocolFeatures:
        return bytes_of_value(offered_protocol_features);
    case Request::GetQueueNum:
        return bytes_of_value(uint64_t{ring_count});
    case Request::ResetDevice:
        m_device.reset();
        return Answer();
    default:
        return Answer(); // SetOwner; ResetOwner, which is to be ignored
    }
}

Result<VhostUserSession::Answer> VhostUserSession::perform(NumberCommand& command) {
    const bool protocol = command.request == Request::SetProtocolFeatures;
    const uint64_t unknown = command.value & ~(protocol ? offered_protocol_features : offered_features);
    if (unknown != 0)
        return fail(fmt::format("QEMU chose features that were not offered: {:#x}", unknown));
    if (!protocol)
        m_device.set_features((command.value & event_index_feature) != 0, (command.value & indirect_feature) != 0,
                              (command.value & protocol_features_feature) != 0);
    return Answer();
}

Result<VhostUserSession::Answer> VhostUserSession::perform(MemoryCommand& command) {
    m_device.set_memory(TRY(MemoryTable::create(command.entries)));
    return Answer();
}

Result<VhostUserSession::Answer> VhostUserSession::perform(RingCommand& command) {
    switch (command.request) {
    case Request::SetVringNum:
        m_device.set_ring_size(command.index, command.value);
        return Answer();
    case Request::SetVringBase:
        m_device.set_ring_base(command.index, static_cast<uint16_t>(command.value));
        return Answer();
    case Request::SetVringEnable:
        m_device.set_enabled(command.index, command.value != 0);
        return Answer();
    default: // GetVringBase
        const uint32_t state[2] = {command.index, m_device.stop_ring(command.index)};
        return bytes_of_value(state);
    }
}

Result<VhostUserSession::Answer> VhostUserSession::perform(RingAddressCommand& command) {
    m_device.set_ring_addresses(command.index, command.addresses);
    return Answer();
}

Result<VhostUserSession::Answer> VhostUserSession::perform(RingDescriptorCommand& command) {
    switch (command.request) {
    case Request::SetVringKick:
        TRY(m_device.set_kick(command.index, std::move(command.descriptor)));
        break;
    case Request::SetVringCall:
        TRY(m_device.set_call(command.index, std::move(command.descriptor)));
        break;
    default: // SetVringErr
        TRY(m_device.set_error(command.index, std::move(command.descriptor)));
    }
    return Answer();
}

Result<VhostUserSession::Answer> VhostUserSession::perform(ConfigCommand& command) {
    if (command.request == Request::SetConfig)
        return fail("QEMU wants to write the configuration of a vsock device, which has nothing to write");
    // Virtual I/O Device 1.2, 5.10.4: le64 guest_cid. What is beyond reads as zero.
    std::array<uint8_t, max_config_size> space{};
    std::memcpy(space.data(), &m_guest_cid, sizeof m_guest_cid);
    const uint32_t start[3] = {command.offset, command.size, 0};
    Answer answer = bytes_of_value(start);
    answer.insert(answer.end(), space.begin() + command.offset, space.begin() + command.offset + command.size);
    return answer;
}

} // namespace tracer::vsock
