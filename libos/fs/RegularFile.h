#pragma once
// RegularFile: a file's data in frames; SymbolicLink: its target.

#include "libos/fs/Inode.h"
#include "libos/fs/OpenFile.h"

namespace fs {

class RegularFile final : public Inode {
public:
    static constexpr uint64_t max_size = INT64_MAX;

    static base::Result<base::Reference<RegularFile>> create(uint32_t permissions);

    Attributes attributes() const override;
    base::Result<base::Reference<Page>> page(uint64_t index, bool create) override;
    base::Result<base::Reference<OpenFile>> open(base::Reference<Entry> entry, int flags) override;
    base::Result<> resize(uint64_t size) override;

    uint64_t size() const;
    base::Result<size_t> read(Transfer& to, uint64_t offset);
    base::Result<size_t> write(Transfer& from, uint64_t offset);
    /// Writes at the end, as one step with regard to other writers.
    base::Result<size_t> append(Transfer& from, uint64_t& offset_after);
    /// fallocate(2) for the modes of abi::falloc_*.
    base::Result<> allocate(int mode, uint64_t offset, uint64_t length);
    base::Result<uint64_t> next_data(uint64_t offset) const;
    base::Result<uint64_t> next_hole(uint64_t offset) const;

private:
    explicit RegularFile(uint32_t permissions)
        : Inode(FileType::Regular, permissions) {}

    base::Result<base::Reference<Page>> page_for_writing(uint64_t index);
    base::Result<size_t> write_locked(Transfer& from, uint64_t offset);
    void resize_locked(uint64_t size);
    void punch_locked(uint64_t offset, uint64_t end);
    void zero(uint64_t offset, uint64_t end);

    SleepLock m_write_lock; // writers, one at a time; app memory may be read under it
    PageMap m_pages;        // under Inode::m_lock, as the size is
};

class OpenRegularFile final : public SeekableFile {
public:
    OpenRegularFile(base::Reference<RegularFile> file, base::Reference<Entry> entry, int flags)
        : SeekableFile(base::Reference<Inode>(file), std::move(entry), flags)
        , m_file(*file) {}

    base::Result<size_t> read_at(Transfer& to, uint64_t offset) override;
    base::Result<size_t> write_at(Transfer& from, uint64_t offset) override;
    base::Result<uint64_t> next_data(uint64_t offset) override { return m_file.next_data(offset); }
    base::Result<uint64_t> next_hole(uint64_t offset) override { return m_file.next_hole(offset); }
    base::Result<uint64_t> ioctl(uint32_t request, uint64_t argument) override;
    uint64_t end() override { return m_file.size(); }

protected:
    base::Result<size_t> append(Transfer& from, uint64_t& offset_after) override {
        return m_file.append(from, offset_after);
    }

private:
    RegularFile& m_file; // kept by inode()
};

class SymbolicLink final : public Inode {
public:
    static base::Result<base::Reference<SymbolicLink>> create(std::string_view target);
    base::Result<std::string_view> link_target() const override { return m_target.view(); }
    base::Result<base::Reference<OpenFile>> open(base::Reference<Entry> entry, int flags) override;
    Attributes attributes() const override;

private:
    explicit SymbolicLink(String target)
        : Inode(FileType::SymbolicLink, 0777)
        , m_target(std::move(target)) {}
    String m_target;
};

/// What O_PATH makes of anything: a handle for fstat and the *at calls.
class PathFile final : public OpenFile {
public:
    PathFile(base::Reference<Inode> inode, base::Reference<Entry> entry, int flags)
        : OpenFile(std::move(inode), std::move(entry), flags) {}
};

} // namespace fs
