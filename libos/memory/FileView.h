#pragma once
// FileView: a file as several mappings (the pieces of one mmap) see it. It keeps the inode and every frame that was
// mapped, so a frame outlives a truncate, until the last piece is unmapped.
//
// Guarded by the address space's lock.

#include "libos/base/Reference.h"
#include "libos/fs/Inode.h"

#include <memory>
#include <new>

namespace memory {

class FileView final : public base::RefCounted {
public:
    static constexpr size_t name_size = 64;

    static FileView* create(fs::Inode& inode, uint64_t first_page, uint64_t pages, std::string_view name) {
        auto* view = new (std::nothrow) FileView;
        if (view == nullptr)
            return nullptr;
        view->m_frames = new (std::nothrow) base::Reference<fs::Page>[pages];
        if (view->m_frames == nullptr) {
            delete view;
            return nullptr;
        }
        view->m_inode = base::Reference<fs::Inode>::share(inode);
        view->m_first = first_page;
        view->m_count = pages;
        size_t length = name.size() < name_size - 1 ? name.size() : name_size - 1;
        for (size_t i = 0; i < length; ++i)
            view->m_name[i] = name[i];
        return view;
    }
    ~FileView() { delete[] m_frames; }

    fs::Inode& inode() const { return *m_inode; }
    const char* name() const { return m_name; }

    /// The frame of the file's page `index`. Error::Range past its end.
    base::Result<PhysicalAddress> frame(uint64_t index) {
        if (index < m_first || index - m_first >= m_count)
            return base::fail(base::Error::Range);
        auto& slot = m_frames[index - m_first];
        if (!slot)
            slot = TRY(m_inode->page(index, true));
        return slot->address();
    }
    void forget(uint64_t index) {
        if (index >= m_first && index - m_first < m_count)
            m_frames[index - m_first] = nullptr;
    }

private:
    FileView() = default;
    base::Reference<fs::Inode> m_inode;
    base::Reference<fs::Page>* m_frames = nullptr;
    uint64_t m_first = 0;
    uint64_t m_count = 0;
    char m_name[name_size] = {};
};

} // namespace memory
