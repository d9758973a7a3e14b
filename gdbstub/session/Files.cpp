// vFile: GDB manual, "Host I/O Packets"; numbers and the stat record are those of "File-I/O Remote Protocol Extension".

#include "gdbstub/Files.h"

#include <algorithm>
#include <array>
#include <limits>

#include "gdbstub/Session.h"
#include "gdbstub/packet/Hex.h"

namespace gdbstub {

namespace {

using base::Error;

constexpr size_t longest_path = 4096;
constexpr Refusal malformed_path{Error::Invalid, "The file's path is malformed."};
constexpr Refusal not_changed{Error::ReadOnly, "A debugger reads this instance's files, and does not change them."};
constexpr uint64_t open_flags_of_reading = 0; // O_RDONLY

/// "Errno Values": those of Linux, but for a long name's; what gdb has no name for is EUNKNOWN.
uint64_t number_of(Error error) {
    constexpr uint64_t name_too_long = 91, unknown = 9999;
    switch (error) {
    case Error::NotPermitted:
    case Error::NoEntry:
    case Error::Interrupted:
    case Error::BadFile:
    case Error::Access:
    case Error::Fault:
    case Error::Busy:
    case Error::Exists:
    case Error::NoDevice:
    case Error::NotDirectory:
    case Error::IsDirectory:
    case Error::Invalid:
    case Error::TableFull:
    case Error::TooManyFiles:
    case Error::FileTooBig:
    case Error::NoSpace:
    case Error::IllegalSeek:
    case Error::ReadOnly:
        return static_cast<uint64_t>(error);
    case Error::NameTooLong:
        return name_too_long;
    default:
        return unknown;
    }
}

/// gdb's numbers of open files are the target's.
Answer<uint32_t> open_file(uint64_t file_untrusted) {
    if (file_untrusted > std::numeric_limits<uint32_t>::max())
        return refuse(Error::BadFile, "There is no such open file.");
    return static_cast<uint32_t>(file_untrusted);
}

/// "struct stat": big-endian, and only seconds.
class StatRecord {
public:
    explicit StatRecord(const FileStatus& status) {
        put(status.device, 4).put(status.inode, 4).put(status.mode, 4).put(status.links, 4);
        put(status.user, 4).put(status.group, 4).put(status.device_number, 4);
        put(status.size, 8).put(status.block_size, 8).put(status.blocks, 8);
        for (int64_t seconds : {status.accessed, status.modified, status.changed})
            put(static_cast<uint64_t>(seconds), 4);
    }
    std::span<const uint8_t> bytes() const { return m_bytes; }

private:
    StatRecord& put(uint64_t value, size_t size) {
        for (size_t i = size; i-- > 0;)
            m_bytes[m_length++] = static_cast<uint8_t>(value >> 8 * i);
        return *this;
    }
    std::array<uint8_t, 64> m_bytes{};
    size_t m_length = 0;
};

} // namespace

/// The target's, in which this client finds nothing open of another's. nullptr: it has none.
Files* Session::files() {
    Files* files = machine().files();
    if (files != nullptr && !m_client.uses_files) {
        files->close_all(); // what a client left whose going could not be told
        m_client.uses_files = true;
    }
    return files;
}

/// What a file packet answers where others answer Exx.
Session::Next Session::refuse_file(const Refusal& refusal) {
    remember(refusal);
    m_reply.clear();
    m_reply.put("F-1,").number(number_of(refusal.error));
    return Next::Reply;
}

/// "F", how many `bytes` there are, and those; a part of them would be an error to gdb.
Session::Next Session::answer_with_bytes(std::span<const uint8_t> bytes) {
    m_reply.put('F').number(bytes.size()).put(';');
    for (uint8_t byte : bytes)
        if (!m_reply.binary_byte(byte))
            return refuse_file({Error::TooBig, "The answer is longer than a packet."});
    return Next::Reply;
}

/// The path of its digits, in the reply's free space: valid until something is put there.
Answer<std::string_view> Session::decode_path(std::string_view hex_untrusted) {
    size_t length = hex_untrusted.size() / 2;
    std::span<uint8_t> bytes = m_reply.scratch().first(std::min(longest_path, m_reply.room()));
    if (length == 0 || length > bytes.size() || !is_hex_bytes(hex_untrusted))
        return std::unexpected(malformed_path);
    decode_hex(hex_untrusted, bytes.first(length));
    if (std::ranges::find(bytes.first(length), 0) != bytes.first(length).end())
        return std::unexpected(malformed_path);
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), length);
}

/// All threads are of one process, whose files there are.
Session::Handled Session::handle(const SelectFileSystem&) {
    if (m_target.files() == nullptr)
        return Next::Unsupported;
    m_reply.put("F0");
    return Next::Reply;
}

Session::Handled Session::handle(const OpenFile& command) {
    Files* files = this->files();
    if (files == nullptr)
        return Next::Unsupported;
    if (command.flags_untrusted != open_flags_of_reading)
        return refuse_file(not_changed);
    auto path = decode_path(command.path_untrusted);
    if (!path)
        return refuse_file(path.error());
    auto file = files->open(*path);
    if (!file)
        return refuse_file(file.error());
    m_reply.put('F').number(*file);
    return Next::Reply;
}

Session::Handled Session::handle(const CloseFile& command) {
    Files* files = this->files();
    if (files == nullptr)
        return Next::Unsupported;
    auto file = open_file(command.file_untrusted);
    if (!file)
        return refuse_file(file.error());
    if (auto closed = files->close(*file); !closed)
        return refuse_file(closed.error());
    m_reply.put("F0");
    return Next::Reply;
}

Session::Handled Session::handle(const ReadFile& command) {
    Files* files = this->files();
    if (files == nullptr)
        return Next::Unsupported;
    if (command.offset_untrusted > std::numeric_limits<int64_t>::max())
        return refuse_file({Error::Invalid, "A file has no such offset."});
    // They are read to the end of the reply's free space, and escaped towards its beginning: each byte takes two places
    // at most, so what is written never reaches what is still to be.
    constexpr size_t before_bytes = sizeof("F0123456789abcdef;");
    std::span<uint8_t> scratch = m_reply.scratch();
    size_t limit = (scratch.size() - before_bytes) / 2;
    auto bytes = scratch.last(std::min<uint64_t>(command.length_untrusted, limit));
    auto file = open_file(command.file_untrusted);
    if (!file)
        return refuse_file(file.error());
    auto count = files->read(*file, command.offset_untrusted, bytes);
    if (!count)
        return refuse_file(count.error());
    return answer_with_bytes(bytes.first(*count));
}

Session::Handled Session::handle(const QueryFileStatus& command) {
    Files* files = this->files();
    if (files == nullptr)
        return Next::Unsupported;
    auto file = open_file(command.file_untrusted);
    if (!file)
        return refuse_file(file.error());
    auto status = files->status(*file);
    if (!status)
        return refuse_file(status.error());
    return answer_with_bytes(StatRecord(*status).bytes());
}

Session::Handled Session::handle(const QueryPathStatus& command) {
    Files* files = this->files();
    if (files == nullptr)
        return Next::Unsupported;
    auto path = decode_path(command.path_untrusted);
    if (!path)
        return refuse_file(path.error());
    auto status = files->status(*path);
    if (!status)
        return refuse_file(status.error());
    return answer_with_bytes(StatRecord(*status).bytes());
}

Session::Handled Session::handle(const ReadLink& command) {
    Files* files = this->files();
    if (files == nullptr)
        return Next::Unsupported;
    auto path = decode_path(command.path_untrusted);
    if (!path)
        return refuse_file(path.error());
    auto target = files->link_target(*path);
    if (!target)
        return refuse_file(target.error());
    return answer_with_bytes({reinterpret_cast<const uint8_t*>(target->data()), target->size()});
}

Session::Handled Session::handle(const ChangeFile&) {
    if (machine().files() == nullptr)
        return Next::Unsupported;
    return refuse_file(not_changed);
}

} // namespace gdbstub
