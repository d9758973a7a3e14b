#pragma once
// VhostUserSession: one connection with a front-end (QEMU), from its first message to its end.
//
// The front-end may be an old one that a new backend answers: then SET_OWNER, GET_FEATURES and SET_PROTOCOL_FEATURES
// never come, and what they would have said counts as said. Every message is answered at once, for QEMU's main loop
// waits for it. A message that is wrong ends the session, with one sentence.

#include "tracer/vsock/VhostUserSocket.h"
#include "tracer/vsock/VsockDevice.h"

namespace tracer::vsock {

/// On the event loop's thread. The device outlives it and forgets everything when it ends.
class VhostUserSession {
public:
    /// Why it ended; nothing when the front-end went. It may destroy the session.
    using OnEnd = std::function<void(const std::optional<Error>&)>;

    VhostUserSession(asio::io_context& loop, FileDescriptor socket, uint64_t guest_cid, VsockDevice& device,
                     OnEnd on_end);
    ~VhostUserSession();

private:
    void receive();
    void end(const std::optional<Error>& why);
    /// Handles one message; its answer is sent.
    Result<> handle(const MessageHeader& header, Command& command);

    // The answer's payload; empty when the message has none.
    using Answer = std::vector<uint8_t>;
    Result<Answer> perform(PlainCommand& command);
    Result<Answer> perform(NumberCommand& command);
    Result<Answer> perform(MemoryCommand& command);
    Result<Answer> perform(RingCommand& command);
    Result<Answer> perform(RingAddressCommand& command);
    Result<Answer> perform(RingDescriptorCommand& command);
    Result<Answer> perform(ConfigCommand& command);

    Watch m_watch;
    VhostUserSocket m_socket;
    uint64_t m_guest_cid;
    VsockDevice& m_device;
    OnEnd m_on_end;
};

} // namespace tracer::vsock
