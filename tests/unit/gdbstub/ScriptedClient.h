#pragma once
// A gdb made of bytes that were written beforehand, and what it was answered.

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gdbstub/Session.h"
#include "tests/unit/gdbstub/FakeTarget.h"

namespace gdbstub::test {

/// `$data#checksum`, with `data` as it is.
std::string framed(std::string_view data);
/// Binary data as gdb escapes it.
std::string escaped(std::string_view data);
/// What a packet with this wire data says: run lengths and escapes undone.
std::string unpacked(std::string_view wire);

class ScriptedTransport final : public Transport {
public:
    base::Result<size_t> read(std::span<uint8_t> out) override;
    base::Result<> write(std::span<const uint8_t> bytes) override;
    void idle() override {}

    std::string input;
    std::string output;
    /// Most bytes that one read gives.
    size_t portion = 1 << 20;
    unsigned writes = 0;
    /// After so many writes the link is gone.
    unsigned writes_left = ~0U;
    /// There is nothing more to read: the link is about to be gone.
    std::function<void()> at_end = [] {};
};

/// A session with everything around it. Packets sent here are read when the session runs; a session that finds nothing
/// more to read loses its link, and detaches.
class Bench {
public:
    explicit Bench(size_t buffer_size = 4096);

    Bench& raw(std::string_view bytes);
    Bench& packet(std::string_view data) { return raw(framed(data)); }
    /// What a gdb says first, in the order of gdb 13, but for processes, so that the rest goes without
    /// acknowledgements.
    Bench& connect();

    const ResumePlan& stop(const StopEvent& event = {.thread = 1}) { return session.run_stopped(event); }
    /// Sends one packet to the stopped session, then breaks the link; its reply.
    std::string ask(std::string_view data);

    /// The replies since the last call, checked and unpacked; acknowledgements are "+" and "-".
    std::vector<std::string> replies();

    FakeTarget target;
    ScriptedTransport transport;
    std::vector<uint8_t> receive_buffer, reply_buffer;
    std::array<PointRecord, 8> points;
    std::array<uint8_t, 256> agent_code;
    Session session;
};

} // namespace gdbstub::test
