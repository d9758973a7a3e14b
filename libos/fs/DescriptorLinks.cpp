// /proc/self/fd: a symbolic link for each open descriptor. They are made when somebody looks, because descriptors come
// and go without the tree's lock.

#include "libos/fs/FileSystem.h"
#include "libos/fs/RegularFile.h"

#include <new>
#include <optional>
#include <utility>

namespace fs {

using base::Result;

namespace {

constexpr size_t max_path = 4096;

std::optional<int> descriptor_of(std::string_view name) {
    unsigned number = 0;
    for (char c : name) {
        if (c < '0' || c > '9' || number >= DescriptorTable::max_descriptors)
            return std::nullopt;
        number = number * 10 + static_cast<unsigned>(c - '0');
    }
    if (name.empty() || (name.size() > 1 && name.front() == '0'))
        return std::nullopt;
    return static_cast<int>(number);
}

std::string_view kind_of(FileType type) {
    switch (type) {
    case FileType::Pipe:
        return "pipe:[";
    case FileType::Socket:
        return "socket:[";
    case FileType::Regular:
        return "/memfd:[";
    default:
        return "anon_inode:[";
    }
}

} // namespace

/// What the link of `file` says.
void FileSystem::tell_link(OpenFile& file, base::TextBuilder& text) {
    if (!file.entry()) {
        text.put(kind_of(file.inode().type())).decimal(file.inode().number()).put(']');
        return;
    }
    append_path(*file.entry(), text);
    if (file.entry()->is_removed())
        text.put(" (deleted)");
}

/// Makes the link `name` true, or takes it away when that descriptor is closed. Under the tree's lock.
Result<> FileSystem::refresh_descriptor_link(std::string_view name) {
    auto descriptor = descriptor_of(name);
    if (!descriptor)
        return {};
    auto& directory = *m_descriptor_links->inode().as_directory();
    auto* before = directory.find(name);
    auto file = m_descriptors.get(*descriptor);
    if (!file) {
        if (before)
            retire(directory.remove(*before));
        return {};
    }
    auto* buffer = new (std::nothrow) char[max_path];
    if (!buffer)
        return base::fail(base::Error::NoMemory);
    base::TextBuilder text(std::span(buffer, max_path));
    tell_link(**file, text);
    auto is_true = before && before->inode().link_target() == text.view();
    auto link = is_true ? Result<base::Reference<SymbolicLink>>() : SymbolicLink::create(text.view());
    delete[] buffer;
    if (is_true)
        return {};
    auto entry = TRY(Entry::create(name, TRY(link)));
    entry->inode().add_links(1);
    if (before)
        retire(directory.remove(*before));
    directory.insert(*m_descriptor_links, std::move(entry));
    return {};
}

/// The walk under way may still read the link's target, and a rename has two walks: the entry goes later.
void FileSystem::retire(base::Reference<Entry> reference) {
    auto* entry = reference.leak();
    entry->m_next = std::exchange(m_retired_links, entry);
}

/// Before a call's only walk.
void FileSystem::release_retired_links() {
    while (m_retired_links) {
        auto entry = base::Reference<Entry>::adopt(m_retired_links);
        m_retired_links = std::exchange(entry->m_next, nullptr);
    }
}

/// For reading the directory from its start.
Result<> FileSystem::refresh_descriptor_links() {
    m_descriptor_links->inode().as_directory()->clear();
    for (auto descriptor = m_descriptors.next_open(0); descriptor >= 0;
         descriptor = m_descriptors.next_open(descriptor + 1)) {
        base::Text<16> name;
        name.decimal(descriptor);
        TRY(refresh_descriptor_link(name.view()));
    }
    return {};
}

} // namespace fs
