#include "tracer/vsock/VhostUserMessage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace tracer::vsock {

namespace {

struct Name {
    Request request;
    std::string_view name;
};
constexpr Name names[] = {
    {Request::GetFeatures, "GET_FEATURES"},
    {Request::SetFeatures, "SET_FEATURES"},
    {Request::SetOwner, "SET_OWNER"},
    {Request::ResetOwner, "RESET_OWNER"},
    {Request::SetMemTable, "SET_MEM_TABLE"},
    {Request::SetVringNum, "SET_VRING_NUM"},
    {Request::SetVringAddr, "SET_VRING_ADDR"},
    {Request::SetVringBase, "SET_VRING_BASE"},
    {Request::GetVringBase, "GET_VRING_BASE"},
    {Request::SetVringKick, "SET_VRING_KICK"},
    {Request::SetVringCall, "SET_VRING_CALL"},
    {Request::SetVringErr, "SET_VRING_ERR"},
    {Request::GetProtocolFeatures, "GET_PROTOCOL_FEATURES"},
    {Request::SetProtocolFeatures, "SET_PROTOCOL_FEATURES"},
    {Request::GetQueueNum, "GET_QUEUE_NUM"},
    {Request::SetVringEnable, "SET_VRING_ENABLE"},
    {Request::GetConfig, "GET_CONFIG"},
    {Request::SetConfig, "SET_CONFIG"},
    {Request::ResetDevice, "RESET_DEVICE"},
};

// Payloads.
struct RingState {
    uint32_t index;
    uint32_t value;
};
struct RingAddress {
    uint32_t index;
    uint32_t flags;
    uint64_t descriptors;
    uint64_t used;
    uint64_t available;
    uint64_t log;
};
struct MemoryTableStart {
    uint32_t count;
    uint32_t padding;
};
struct ConfigStart {
    uint32_t offset;
    uint32_t size;
    uint32_t flags;
};
static_assert(sizeof(RingAddress) == 40 && sizeof(MemoryRegion) == 32 && sizeof(ConfigStart) == 12);

constexpr uint64_t ring_index_mask = 0xff;
constexpr uint64_t no_descriptor_flag = 0x100;

/// Decodes the payload of one message.
class Decoder {
public:
    Decoder(const MessageHeader& header, std::span<const uint8_t> payload, std::vector<FileDescriptor>& descriptors)
        : m_header(header)
        , m_payload(payload)
        , m_descriptors(descriptors) {}

    Result<Command> decode() {
        const auto request = static_cast<Request>(m_header.request);
        switch (request) {
        case Request::GetFeatures:
        case Request::SetOwner:
        case Request::ResetOwner:
        case Request::GetProtocolFeatures:
        case Request::GetQueueNum:
        case Request::ResetDevice:
            // Some front-ends send zeros along.
            TRY(expect_descriptors(0));
            return Command{PlainCommand{request}};
        case Request::SetFeatures:
        case Request::SetProtocolFeatures:
            TRY(expect_descriptors(0));
            return Command{NumberCommand{request, TRY(whole<uint64_t>())}};
        case Request::SetMemTable:
            return memory();
        case Request::SetVringNum:
        case Request::SetVringBase:
        case Request::GetVringBase:
        case Request::SetVringEnable:
            return ring(request);
        case Request::SetVringAddr:
            return ring_addresses();
        case Request::SetVringKick:
        case Request::SetVringCall:
        case Request::SetVringErr:
            return ring_descriptor(request);
        case Request::GetConfig:
        case Request::SetConfig:
            return config(request);
        }
        return fail(fmt::format("QEMU sent the vhost-user message {}, which belongs to no feature that was offered",
                                name_of_request(m_header.request)));
    }

private:
    std::unexpected<Error> malformed(std::string_view what) const {
        return fail(
            fmt::format("QEMU sent a malformed {}: {}", name_of_request(m_header.request), what),
            "Update QEMU or this program; if the socket is right, please report this with the versions of both.");
    }

    Result<> expect_descriptors(size_t count) const {
        if (m_descriptors.size() != count)
            return malformed(fmt::format("it came with {} descriptors instead of {}", m_descriptors.size(), count));
        return {};
    }

    template <typename Payload>
    Payload start() const {
        Payload payload;
        std::memcpy(&payload, m_payload.data(), sizeof payload);
        return payload;
    }

    template <typename Payload>
    Result<Payload> whole() const {
        if (m_payload.size() != sizeof(Payload))
            return malformed(fmt::format("{} bytes instead of {}", m_payload.size(), sizeof(Payload)));
        return start<Payload>();
    }

    Result<uint32_t> check_index(uint64_t index_untrusted) const {
        if (index_untrusted >= ring_count)
            return malformed(fmt::format("there is no ring {}", index_untrusted));
        return static_cast<uint32_t>(index_untrusted);
    }

    Result<Command> ring(Request request) const {
        TRY(expect_descriptors(0));
        const auto state = TRY(whole<RingState>());
        const uint32_t index = TRY(check_index(state.index));
        if (request == Request::SetVringNum &&
            (state.value == 0 || state.value > max_ring_size || (state.value & (state.value - 1)) != 0))
            return malformed(
                fmt::format("a ring of {} entries; it must be a power of two up to {}", state.value, max_ring_size));
        if (request == Request::SetVringBase && state.value > 0xffff)
            return malformed(fmt::format("index {} is beyond 65535", state.value));
        if (request == Request::SetVringEnable && state.value > 1)
            return malformed(fmt::format("{} is neither 0 nor 1", state.value));
        return Command{RingCommand{request, index, state.value}};
    }

    Result<Command> ring_addresses() const {
        TRY(expect_descriptors(0));
        const auto address = TRY(whole<RingAddress>());
        return Command{RingAddressCommand{TRY(check_index(address.index)),
                                          {address.descriptors, address.used, address.available}}};
    }

    Result<Command> ring_descriptor(Request request) {
        const auto value = TRY(whole<uint64_t>());
        const uint32_t index = TRY(check_index(value & ring_index_mask));
        const bool without = (value & no_descriptor_flag) != 0;
        TRY(expect_descriptors(without ? 0 : 1));
        return Command{
            RingDescriptorCommand{request, index, without ? FileDescriptor() : std::move(m_descriptors.front())}};
    }

    Result<Command> memory() {
        if (m_payload.size() < sizeof(MemoryTableStart))
            return malformed(fmt::format("only {} bytes", m_payload.size()));
        const auto table = start<MemoryTableStart>();
        if (table.count == 0 || table.count > max_regions)
            return malformed(fmt::format("{} regions; 1 to {} can be", table.count, max_regions));
        // Some front-ends always send the whole array.
        if (m_payload.size() < sizeof table + table.count * sizeof(MemoryRegion))
            return malformed(fmt::format("{} bytes are too few for {} regions", m_payload.size(), table.count));
        TRY(expect_descriptors(table.count));
        MemoryCommand command;
        for (size_t i = 0; i < table.count; ++i) {
            MemoryRegion region;
            std::memcpy(&region, m_payload.data() + sizeof table + i * sizeof region, sizeof region);
            command.entries.push_back({region, std::move(m_descriptors[i])});
        }
        return Command{std::move(command)};
    }

    Result<Command> config(Request request) const {
        TRY(expect_descriptors(0));
        if (m_payload.size() < sizeof(ConfigStart))
            return malformed(fmt::format("only {} bytes", m_payload.size()));
        const auto config = start<ConfigStart>();
        if (config.size > max_config_size || config.offset > max_config_size - config.size)
            return malformed(fmt::format("{} bytes at {} are not in configuration space", config.size, config.offset));
        if (m_payload.size() != sizeof config + config.size)
            return malformed(fmt::format("{} bytes instead of {}", m_payload.size(), sizeof config + config.size));
        return Command{ConfigCommand{request, config.offset, config.size}};
    }

    const MessageHeader& m_header;
    std::span<const uint8_t> m_payload;
    std::vector<FileDescriptor>& m_descriptors;
};

} // namespace

Result<> check_header(const MessageHeader& header) {
    if ((header.flags & MessageHeader::version_mask) != MessageHeader::version)
        return fail(fmt::format("the vhost-user socket speaks version {} of the protocol, not 1",
                                header.flags & MessageHeader::version_mask),
                    "Is something other than QEMU's vhost-user chardev connected to it?");
    if ((header.flags & MessageHeader::reply_flag) != 0)
        return fail(fmt::format("QEMU sent a reply ({}) that nothing had asked for", name_of_request(header.request)));
    if (header.size > max_payload_size)
        return fail(fmt::format("QEMU sent a {} that claims {} bytes; {} is the most", name_of_request(header.request),
                                header.size, max_payload_size));
    return {};
}

Result<Command> decode(const MessageHeader& header, std::span<const uint8_t> payload,
                       std::vector<FileDescriptor> descriptors) {
    TRY(check_header(header));
    Command command = TRY(Decoder(header, payload, descriptors).decode());
    command.needs_reply = (header.flags & MessageHeader::need_reply_flag) != 0;
    return command;
}

std::string name_of_request(uint32_t request) {
    const auto found = std::ranges::find(names, static_cast<Request>(request), &Name::request);
    return found != std::end(names) ? std::string(found->name) : fmt::format("request {}", request);
}

} // namespace tracer::vsock
