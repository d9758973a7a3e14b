#include "gdbstub/session/Transfer.h"

#include <algorithm>

#include "gdbstub/Session.h"
#include "gdbstub/packet/Hex.h"

namespace gdbstub {

PieceWriter& PieceWriter::put(uint8_t byte) {
    if (m_skip > 0) {
        --m_skip;
    } else if (m_more || m_left == 0 || !m_reply.binary_byte(byte)) {
        m_more = true;
    } else {
        --m_left;
    }
    return *this;
}

PieceWriter& PieceWriter::put(std::string_view text) {
    for (char c : text)
        put(static_cast<uint8_t>(c));
    return *this;
}

PieceWriter& PieceWriter::put(std::span<const uint8_t> bytes) {
    for (uint8_t byte : bytes)
        put(byte);
    return *this;
}

PieceWriter& PieceWriter::decimal(uint64_t value) {
    uint64_t unit = 1;
    while (value / unit >= 10)
        unit *= 10;
    for (; unit > 0; unit /= 10)
        put(static_cast<uint8_t>('0' + value / unit % 10));
    return *this;
}

PieceWriter& PieceWriter::hex(uint64_t value) {
    unsigned digits = 1;
    while (digits < 16 && value >> (4 * digits) != 0)
        ++digits;
    while (digits-- > 0)
        put(static_cast<uint8_t>(hex_digit(static_cast<unsigned>(value >> (4 * digits)))));
    return *this;
}

PieceWriter& PieceWriter::quoted(std::string_view text) {
    for (char c : text) {
        if (c == '<')
            put("&lt;");
        else if (c == '>')
            put("&gt;");
        else if (c == '&')
            put("&amp;");
        else if (c == '"')
            put("&quot;");
        else
            put(static_cast<uint8_t>(c >= ' ' && c <= '~' ? c : '?'));
    }
    return *this;
}

namespace {

constexpr Refusal no_such_annex{base::Error::NoEntry, "There is no such part of this object."};

Answer<> write_features(Target& target, const TransferRequest& request, PieceWriter& out) {
    if (request.annex != "target.xml")
        return std::unexpected(no_such_annex);
    write_target_description(target, out);
    return {};
}

/// GDB manual, "Thread List Format".
Answer<> write_threads(Target& target, const TransferRequest& request, PieceWriter& out) {
    if (!request.annex.empty())
        return std::unexpected(no_such_annex);
    out.put("<?xml version=\"1.0\"?>\n<threads>\n");
    target.for_each_thread([&](const ThreadInfo& thread) {
        out.put("<thread id=\"");
        if (request.names_process)
            out.put("p").hex(process_id).put(".");
        out.hex(thread.id).put("\"");
        if (thread.cpu >= 0)
            out.put(" core=\"").decimal(static_cast<unsigned>(thread.cpu)).put("\"");
        if (!thread.name.empty())
            out.put(" name=\"").quoted(thread.name).put("\"");
        out.put(">").quoted(thread.state).put("</thread>\n");
        return true;
    });
    out.put("</threads>\n");
    return {};
}

Answer<> write_auxv(Target& target, const TransferRequest& request, PieceWriter& out) {
    if (!request.annex.empty())
        return std::unexpected(no_such_annex);
    out.put(target.process_image()->auxiliary_vector());
    return {};
}

/// The annex is the process, of which there is one.
Answer<> write_exec_file(Target& target, const TransferRequest&, PieceWriter& out) {
    out.put(target.process_image()->executable());
    return {};
}

Answer<> write_siginfo(Target& target, const TransferRequest& request, PieceWriter& out) {
    if (!request.annex.empty())
        return std::unexpected(no_such_annex);
    auto info = target.signal_info()->signal_info(request.thread);
    if (!info)
        return std::unexpected(info.error());
    out.put(*info);
    return {};
}

constexpr bool always(Target&) {
    return true;
}
constexpr bool has_auxv(Target& target) {
    return target.process_image() != nullptr && !target.process_image()->auxiliary_vector().empty();
}
constexpr bool has_exec_file(Target& target) {
    return target.process_image() != nullptr && !target.process_image()->executable().empty();
}
constexpr bool has_siginfo(Target& target) {
    return target.signal_info() != nullptr;
}

constexpr std::array objects = {
    TransferObject{"features", always, write_features},    TransferObject{"threads", always, write_threads},
    TransferObject{"auxv", has_auxv, write_auxv},          TransferObject{"exec-file", has_exec_file, write_exec_file},
    TransferObject{"siginfo", has_siginfo, write_siginfo},
};

} // namespace

std::span<const TransferObject> transfer_objects() {
    return objects;
}

Session::Handled Session::handle(const Transfer& command) {
    for (const TransferObject& object : objects) {
        if (object.name != command.object || !object.is_offered(machine()))
            continue;
        // The first byte says whether this was the last piece; known only at the end, and written where it stands.
        m_reply.put('m');
        PieceWriter piece(m_reply, command.offset_untrusted, command.length_untrusted);
        TransferRequest request{command.annex, general_thread(), m_client.knows_processes};
        if (auto written = object.write(machine(), request, piece); !written)
            return std::unexpected(written.error());
        if (!piece.more())
            m_reply.replace_first('l');
        return Next::Reply;
    }
    return Next::Unsupported;
}

Session::Handled Session::handle(const WriteSignalInfo& command) {
    SignalInfo* signal_info = machine().signal_info();
    if (signal_info == nullptr)
        return Next::Unsupported;
    auto info = signal_info->signal_info(general_thread());
    if (!info)
        return std::unexpected(info.error());
    if (command.offset_untrusted > info->size() || command.data.size() > info->size() - command.offset_untrusted)
        return refuse(base::Error::Invalid, "The data goes on behind the end of the signal's information.");
    std::copy(command.data.begin(), command.data.end(), info->begin() + static_cast<size_t>(command.offset_untrusted));
    tell_audit([this](Audit& audit) { audit.registers_written(general_thread()); });
    m_reply.number(command.data.size());
    return Next::Reply;
}

} // namespace gdbstub
