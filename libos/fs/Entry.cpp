#include "libos/fs/Entry.h"

#include "libos/fs/DirectoryFile.h"
#include "libos/fs/FileSystem.h"

#include <cstring>
#include <new>

namespace fs {

namespace {

/// FNV-1a, 64 bits.
uint64_t hash_of(std::string_view name) {
    uint64_t hash = 0xcbf29ce484222325;
    for (char c : name)
        hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
    return hash ^ (hash >> 32);
}

} // namespace

base::Result<String> String::create(std::string_view text) {
    auto* copy = new (std::nothrow) char[text.size() + 1];
    if (!copy)
        return base::fail(base::Error::NoMemory);
    std::memcpy(copy, text.data(), text.size());
    copy[text.size()] = 0;
    String string;
    string.m_text = {copy, text.size()};
    return string;
}

Entry::Entry(String name, base::Reference<Inode> inode)
    : m_name(std::move(name))
    , m_hash(hash_of(m_name.view()))
    , m_inode(std::move(inode)) {}

base::Result<base::Reference<Entry>> Entry::create(std::string_view name, base::Reference<Inode> inode) {
    auto text = TRY(String::create(name));
    auto* entry = new (std::nothrow) Entry(std::move(text), std::move(inode));
    if (!entry)
        return base::fail(base::Error::NoMemory);
    return base::Reference<Entry>::adopt(entry);
}

void Entry::set_name(String name) {
    ASSERT(m_removed);
    m_name = std::move(name);
    m_hash = hash_of(m_name.view());
}

Entry::~Entry() {
    // A chain of removed directories goes one by one, not by recursion: the kernel's stack is small.
    auto* parent = m_parent.leak();
    while (parent && parent->release()) {
        auto* next = parent->m_parent.leak();
        delete parent;
        parent = next;
    }
}

base::Result<base::Reference<Directory>> Directory::create(uint32_t permissions) {
    auto* directory = new (std::nothrow) Directory(permissions);
    if (!directory)
        return base::fail(base::Error::NoMemory);
    return base::Reference<Directory>::adopt(directory);
}

Directory::~Directory() {
    clear();
    if (m_buckets != &m_single_bucket)
        delete[] m_buckets;
}

Entry* Directory::find(std::string_view name) const {
    auto hash = hash_of(name);
    for (auto* entry = *bucket(hash); entry; entry = entry->m_next_in_bucket) {
        if (entry->m_hash == hash && entry->name() == name)
            return entry;
    }
    return nullptr;
}

void Directory::grow() {
    auto** buckets = new (std::nothrow) Entry*[m_bucket_count * 4]();
    if (!buckets)
        return;
    if (m_buckets != &m_single_bucket)
        delete[] m_buckets;
    m_buckets = buckets;
    m_bucket_count *= 4;
    for (auto* entry = m_first; entry; entry = entry->m_next) {
        auto** place = bucket(entry->m_hash);
        entry->m_next_in_bucket = *place;
        *place = entry;
    }
}

void Directory::insert(Entry& parent, base::Reference<Entry> reference) {
    if (m_count >= m_bucket_count)
        grow();
    auto* entry = reference.leak(); // this directory's count
    entry->m_parent = base::Reference<Entry>::share(parent);
    entry->m_removed = false;
    entry->m_cookie = m_next_cookie++;
    auto** place = bucket(entry->m_hash);
    entry->m_next_in_bucket = *place;
    *place = entry;
    entry->m_previous = m_last;
    entry->m_next = nullptr;
    (m_last ? m_last->m_next : m_first) = entry;
    m_last = entry;
    ++m_count;
}

base::Reference<Entry> Directory::remove(Entry& entry) {
    auto** place = bucket(entry.m_hash);
    while (*place != &entry)
        place = &(*place)->m_next_in_bucket;
    *place = entry.m_next_in_bucket;
    (entry.m_previous ? entry.m_previous->m_next : m_first) = entry.m_next;
    (entry.m_next ? entry.m_next->m_previous : m_last) = entry.m_previous;
    entry.m_next_in_bucket = entry.m_previous = entry.m_next = nullptr;
    entry.m_removed = true;
    --m_count;
    return base::Reference<Entry>::adopt(&entry);
}

Entry* Directory::first_after(uint64_t cookie) const {
    auto* entry = m_first;
    while (entry && entry->m_cookie <= cookie)
        entry = entry->m_next;
    return entry;
}

void Directory::clear() {
    while (m_first) {
        auto entry = remove(*m_first);
        if (auto* directory = entry->inode().as_directory())
            directory->clear();
    }
}

Attributes Directory::attributes() const {
    auto attributes = Inode::attributes();
    attributes.size = page_size;
    return attributes;
}

base::Result<base::Reference<OpenFile>> Directory::open(base::Reference<Entry> entry, int flags) {
    auto* file = new (std::nothrow) DirectoryFile(base::Reference<Inode>::share(this), std::move(entry), flags);
    if (!file)
        return base::fail(base::Error::NoMemory);
    return base::Reference<OpenFile>::adopt(file);
}

} // namespace fs
