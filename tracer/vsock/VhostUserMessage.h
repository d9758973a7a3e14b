#pragma once
// The vhost-user protocol's messages that a vsock device meets: cut into a header, and decoded.
// Format: docs/interop/vhost-user of QEMU, "Message Specification" and "Front-end message types".
//
// Pure: bytes and descriptors in, one Command or one sentence out. What comes from the front-end is untrusted; a
// Command has been checked as far as that is possible without knowing what came before.

#include "tracer/Result.h"
#include "tracer/link/Socket.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace tracer::vsock {

/// Only these are understood: the others belong to features that are not offered.
enum class Request : uint32_t {
    GetFeatures = 1,
    SetFeatures = 2,
    SetOwner = 3,
    ResetOwner = 4,
    SetMemTable = 5,
    SetVringNum = 8,
    SetVringAddr = 9,
    SetVringBase = 10,
    GetVringBase = 11,
    SetVringKick = 12,
    SetVringCall = 13,
    SetVringErr = 14,
    GetProtocolFeatures = 15,
    SetProtocolFeatures = 16,
    GetQueueNum = 17,
    SetVringEnable = 18,
    GetConfig = 24,
    SetConfig = 25,
    ResetDevice = 34,
};

struct MessageHeader {
    uint32_t request = 0;
    uint32_t flags = 0;
    uint32_t size = 0; ///< of the payload, bytes

    static constexpr uint32_t version_mask = 3;
    static constexpr uint32_t version = 1;
    static constexpr uint32_t reply_flag = 4;
    static constexpr uint32_t need_reply_flag = 8;
};
static_assert(sizeof(MessageHeader) == 12);

/// Queue 0 is rx (to the guest), 1 is tx; the event queue stays with the front-end.
inline constexpr uint32_t ring_count = 2;
/// The largest ring that is taken: a chain of one buffer then fits one readv (IOV_MAX).
inline constexpr uint32_t max_ring_size = 1024;
/// Regions of one memory table, and so descriptors of one message.
inline constexpr size_t max_regions = 8;
/// Bytes of configuration space that one message moves.
inline constexpr size_t max_config_size = 256;
/// The longest payload: configuration space with its header of 12 bytes; a full memory table has 264.
inline constexpr size_t max_payload_size = 12 + max_config_size;

/// A message without a payload.
struct PlainCommand {
    Request request;
};
/// SetFeatures, SetProtocolFeatures.
struct NumberCommand {
    Request request;
    uint64_t value;
};
struct MemoryRegion {
    uint64_t guest_address;
    uint64_t size;
    uint64_t user_address; ///< in the front-end's address space
    uint64_t file_offset;
};
struct MemoryCommand {
    struct Entry {
        MemoryRegion region;
        FileDescriptor file;
    };
    std::vector<Entry> entries;
};
/// SetVringNum, SetVringBase, GetVringBase (value unused), SetVringEnable.
struct RingCommand {
    Request request;
    uint32_t index;
    uint32_t value;
};
/// Addresses are the front-end's own (MemoryRegion::user_address).
struct RingAddresses {
    uint64_t descriptors = 0;
    uint64_t used = 0;
    uint64_t available = 0;
};
struct RingAddressCommand {
    uint32_t index;
    RingAddresses addresses;
};
/// SetVringKick, SetVringCall, SetVringErr. No descriptor: there is none to be used.
struct RingDescriptorCommand {
    Request request;
    uint32_t index;
    FileDescriptor descriptor;
};
/// GetConfig, SetConfig.
struct ConfigCommand {
    Request request;
    uint32_t offset;
    uint32_t size;
};

struct Command {
    std::variant<PlainCommand, NumberCommand, MemoryCommand, RingCommand, RingAddressCommand, RingDescriptorCommand,
                 ConfigCommand>
        content;
    bool needs_reply = false; ///< the front-end waits for an acknowledgement of a request that has no answer
};

/// Checks a header before its payload is read: version, length.
Result<> check_header(const MessageHeader& header_untrusted);

/// One whole message. `descriptors` came with it and are taken.
Result<Command> decode(const MessageHeader& header, std::span<const uint8_t> payload_untrusted,
                       std::vector<FileDescriptor> descriptors);

/// "SET_VRING_NUM", or "request 77".
std::string name_of_request(uint32_t request);

} // namespace tracer::vsock
