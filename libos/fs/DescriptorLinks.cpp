// Links that are made when somebody looks: /proc/self/fd, one for each open descriptor, because descriptors come and go
// without the tree's lock; and /proc/self/cwd.

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
    auto made = set_link(*m_descriptor_links, name, text.view());
    delete[] buffer;
    return made;
}

/// Makes /proc/self/cwd true. Under the tree's lock.
Result<> FileSystem::refresh_working_directory_link() {
    auto* buffer = new (std::nothrow) char[max_path];
    if (!buffer)
        return base::fail(base::Error::NoMemory);
    base::TextBuilder text(std::span(buffer, max_path));
    append_path(*m_working_directory, text);
    if (m_working_directory->is_removed())
        text.put(" (deleted)");
    auto made = set_link(m_descriptor_links->parent(), "cwd", text.view());
    delete[] buffer;
    return made;
}

/// Makes the symbolic link `name` in `directory`, or gives it this target.
Result<> FileSystem::set_link(Entry& directory, std::string_view name, std::string_view target) {
    auto& names = *directory.inode().as_directory();
    auto* before = names.find(name);
    if (before && before->inode().link_target() == target)
        return {};
    auto entry = TRY(Entry::create(name, TRY(SymbolicLink::create(target))));
    entry->inode().add_links(1);
    if (before)
        retire(names.remove(*before));
    names.insert(directory, std::move(entry));
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
