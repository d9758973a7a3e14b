#pragma once
// Entry: one name in a directory. An open file, a working directory and each child hold a count on it, so that paths
// can be told, and `..` works, after a rename or a removal. All but the count is under the tree's SleepLock
// (FileSystem.h).

#include "libos/base/Reference.h"
#include "libos/base/Result.h"
#include "libos/fs/Inode.h"

#include <cstdint>
#include <string_view>

namespace fs {

inline constexpr size_t max_name_length = 255;

/// A name or other short text on the heap; immutable.
class String {
public:
    constexpr String() = default;
    /// Error::NoMemory.
    static base::Result<String> create(std::string_view text);
    String(String&& other) noexcept
        : m_text(std::exchange(other.m_text, {})) {}
    String& operator=(String&& other) noexcept {
        std::swap(m_text, other.m_text);
        return *this;
    }
    ~String() { delete[] m_text.data(); }

    std::string_view view() const { return m_text; }

private:
    std::string_view m_text; // owns the characters
};

class Entry final : public base::RefCounted {
public:
    /// A name that no directory has yet.
    static base::Result<base::Reference<Entry>> create(std::string_view name, base::Reference<Inode> inode);
    ~Entry();

    Inode& inode() const { return *m_inode; }
    std::string_view name() const { return m_name.view(); }
    /// The directory it is, or was last, in; the root's is itself.
    Entry& parent() { return m_parent ? *m_parent : *this; }
    bool is_root() const { return !m_parent; }
    bool is_removed() const { return m_removed; }
    /// Its place in the order of its directory; what getdents64 and lseek know as d_off.
    uint64_t cookie() const { return m_cookie; }

private:
    friend class Directory;
    friend class FileSystem;
    Entry(String name, base::Reference<Inode> inode);
    /// Only while no directory has it.
    void set_name(String name);

    String m_name;
    uint64_t m_hash;
    const base::Reference<Inode> m_inode;
    base::Reference<Entry> m_parent;
    bool m_removed = false;
    uint64_t m_cookie = 0;
    Entry* m_next_in_bucket = nullptr;
    Entry* m_previous = nullptr; // in the order of the directory
    Entry* m_next = nullptr;
};

/// A directory's names: a hash table for finding, a list in order of creation for reading.
class Directory final : public Inode {
public:
    static base::Result<base::Reference<Directory>> create(uint32_t permissions);
    ~Directory() override;

    // Under the tree's lock:
    Entry* find(std::string_view name) const;
    bool is_empty() const { return m_count == 0; }
    /// Cannot fail: without memory for a larger table it only gets slower. Adds to the link counts nothing.
    void insert(Entry& parent, base::Reference<Entry> entry);
    base::Reference<Entry> remove(Entry& entry);
    Entry* first_after(uint64_t cookie) const;
    /// Takes all names out, for unmounting.
    void clear();

    Attributes attributes() const override;
    base::Result<base::Reference<OpenFile>> open(base::Reference<Entry> entry, int flags) override;
    Directory* as_directory() override { return this; }

private:
    explicit Directory(uint32_t permissions)
        : Inode(FileType::Directory, permissions) {}
    Entry** bucket(uint64_t hash) const { return &m_buckets[hash & (m_bucket_count - 1)]; }
    void grow();

    Entry* m_single_bucket = nullptr;
    Entry** m_buckets = &m_single_bucket;
    size_t m_bucket_count = 1; // a power of two
    size_t m_count = 0;
    Entry* m_first = nullptr;
    Entry* m_last = nullptr;
    uint64_t m_next_cookie = 3; // "." is 1, ".." is 2
};

} // namespace fs
