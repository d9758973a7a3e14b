#include "libos/process/DebuggerFiles.h"

#include "libos/debug/World.h"
#include "libos/fs/FileSystem.h"

#include <algorithm>

namespace process {

namespace {

using base::Error;
using gdbstub::Answer;
using gdbstub::FileStatus;
using gdbstub::refuse;

/// The file system is made for threads that can wait. In the stopped world nobody can, so it is used while there is
/// nothing to wait for: no CPU holds a SpinLock, and no thread the lock of the tree. The other
/// SleepLocks, of an open file's offset and of writers, are not taken for reading at a given place.
bool can_be_used() {
    return debug::world().is_at_rest() && fs::file_system().is_at_rest();
}

constexpr gdbstub::Refusal in_use{Error::Busy, "The files are being changed where the program was stopped. Let it go "
                                               "on and stop it again."};
constexpr gdbstub::Refusal not_open{Error::BadFile, "There is no such open file."};

class DebuggerFiles final : public gdbstub::Files {
public:
    constexpr DebuggerFiles() = default;

    Answer<uint32_t> open(std::string_view path) override {
        if (!can_be_used())
            return std::unexpected(in_use);
        if (m_close_all_is_due)
            close_all();
        auto* place = std::ranges::find_if(m_open, [](const auto& file) { return !file; });
        if (place == std::end(m_open))
            return refuse(Error::TooManyFiles, "The debugger has as many files open as it can.");
        auto inode = fs::file_system().find({}, path, 0);
        if (!inode)
            return refuse(inode.error());
        if ((*inode)->type() != fs::FileType::Regular) // to read another one may be to wait
            return refuse(Error::Access, "This is no regular file.");
        auto file = fs::file_system().open({}, path, fs::abi::o_rdonly, 0);
        if (!file)
            return refuse(file.error());
        *place = std::move(*file);
        return static_cast<uint32_t>(place - m_open);
    }

    Answer<> close(uint32_t number) override {
        if (!is_open(number))
            return std::unexpected(not_open);
        if (!can_be_used())
            return std::unexpected(in_use);
        m_open[number] = nullptr;
        return {};
    }

    Answer<size_t> read(uint32_t number, uint64_t offset, std::span<uint8_t> out) override {
        if (!is_open(number))
            return std::unexpected(not_open);
        if (!can_be_used())
            return std::unexpected(in_use);
        auto piece = fs::Transfer::piece_of(std::as_writable_bytes(out));
        auto transfer = fs::Transfer::kernel(piece);
        auto count = m_open[number]->read_at(transfer, offset);
        if (!count)
            return refuse(count.error());
        return *count;
    }

    Answer<FileStatus> status(uint32_t number) override {
        if (!is_open(number))
            return std::unexpected(not_open);
        if (!can_be_used())
            return std::unexpected(in_use);
        return status_of(m_open[number]->inode());
    }

    Answer<FileStatus> status(std::string_view path) override {
        if (!can_be_used())
            return std::unexpected(in_use);
        auto inode = fs::file_system().find({}, path, 0);
        if (!inode)
            return refuse(inode.error());
        return status_of(**inode);
    }

    Answer<std::string_view> link_target(std::string_view path) override {
        if (!can_be_used())
            return std::unexpected(in_use);
        auto inode = fs::file_system().find({}, path, fs::abi::at_symlink_nofollow);
        if (!inode)
            return refuse(inode.error());
        auto target = (*inode)->link_target();
        if (!target)
            return refuse(target.error(), "This is no symbolic link.");
        m_link = std::move(*inode); // the text is its
        return *target;
    }

    void close_all() override {
        m_close_all_is_due = !can_be_used();
        if (m_close_all_is_due)
            return;
        for (auto& file : m_open)
            file = nullptr;
        m_link = nullptr;
    }

private:
    bool is_open(uint32_t number) const { return number < std::size(m_open) && m_open[number] && !m_close_all_is_due; }

    static FileStatus status_of(const fs::Inode& inode) {
        constexpr uint64_t second = 1'000'000'000, block = 512;
        auto attributes = inode.attributes();
        auto seconds = [](int64_t ns) { return ns / static_cast<int64_t>(second); };
        return {.device = 1,
                .inode = attributes.number,
                .mode = static_cast<uint32_t>(attributes.type) << 12 | attributes.permissions,
                .links = attributes.links,
                .user = attributes.user,
                .group = attributes.group,
                .device_number = attributes.device,
                .size = attributes.size,
                .block_size = fs::page_size,
                .blocks = attributes.data_pages * (fs::page_size / block),
                .accessed = seconds(attributes.times.access),
                .modified = seconds(attributes.times.modification),
                .changed = seconds(attributes.times.change)};
    }

    base::Reference<fs::OpenFile> m_open[8];
    base::Reference<fs::Inode> m_link; ///< the last one that was read
    bool m_close_all_is_due = false;
};

/// A global that is never destroyed: the kernel does not return from main.
union Permanent {
    constexpr Permanent()
        : files() {}
    constexpr ~Permanent() {}
    DebuggerFiles files;
};
constinit Permanent g_permanent;

} // namespace

gdbstub::Files& debugger_files() {
    return g_permanent.files;
}

} // namespace process
