#pragma once
// TextFile: a file whose text is made when it is opened: /proc and /sys.

#include "libos/fs/Inode.h"
#include "libos/fs/OpenFile.h"
#include "libos/fs/Services.h"

namespace fs {

class TextFile final : public Inode {
public:
    static base::Result<base::Reference<TextFile>> create(ProcFile source);
    /// `text` lives as long as the program.
    static base::Result<base::Reference<TextFile>> create(std::string_view text);

    base::Result<base::Reference<OpenFile>> open(base::Reference<Entry> entry, int flags) override;
    base::Result<> resize(uint64_t) override { return {}; } // O_TRUNC

private:
    TextFile(ProcFile source, std::string_view text)
        : Inode(FileType::Regular, 0444)
        , m_source(source)
        , m_text(text) {}

    const ProcFile m_source; // ProcFile::Count: m_text is it
    const std::string_view m_text;
};

class OpenTextFile final : public SeekableFile {
public:
    OpenTextFile(base::Reference<Inode> inode, base::Reference<Entry> entry, int flags, String text)
        : SeekableFile(std::move(inode), std::move(entry), flags)
        , m_text(std::move(text)) {}

    base::Result<size_t> read_at(Transfer& to, uint64_t offset) override;
    /// Settings in /proc/sys are accepted and change nothing.
    base::Result<size_t> write_at(Transfer& from, uint64_t) override { return from.remaining(); }
    uint64_t end() override { return m_text.view().size(); }

private:
    String m_text;
};

} // namespace fs
