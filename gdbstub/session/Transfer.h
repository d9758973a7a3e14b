#pragma once
// qXfer: named objects that gdb reads in pieces. One table says which there are; qSupported lists them from it.
// GDB manual, "General Query Packets", "qXfer".

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "gdbstub/Target.h"
#include "gdbstub/packet/Reply.h"

namespace gdbstub {

/// Takes a whole object and lets through the piece that gdb asked for, as far as the reply has room.
class PieceWriter {
public:
    PieceWriter(Reply& reply, uint64_t offset, uint64_t length)
        : m_reply(reply)
        , m_skip(offset)
        , m_left(length) {}

    PieceWriter& put(uint8_t byte);
    PieceWriter& put(std::string_view text);
    PieceWriter& put(std::span<const uint8_t> bytes);
    PieceWriter& decimal(uint64_t value);
    PieceWriter& hex(uint64_t value);
    /// With what XML needs quoted, for texts that come from elsewhere.
    PieceWriter& quoted(std::string_view text);

    /// Whether the object went on behind the piece.
    bool more() const { return m_more; }

private:
    Reply& m_reply;
    uint64_t m_skip;
    uint64_t m_left;
    bool m_more = false;
};

struct TransferRequest {
    std::string_view annex;
    /// The one that Hg selected.
    ThreadId thread;
    /// The client knows threads by their process.
    bool names_process;
};

struct TransferObject {
    std::string_view name;
    bool (*is_offered)(Target& target);
    Answer<> (*write)(Target& target, const TransferRequest& request, PieceWriter& out);
};

std::span<const TransferObject> transfer_objects();

/// TargetDescription.cpp: target.xml, from the register table.
void write_target_description(Target& target, PieceWriter& out);

} // namespace gdbstub
