// What changes the tree: creating, linking, removing, renaming.

#include "libos/fs/Devices.h"
#include "libos/fs/FileSystem.h"
#include "libos/fs/Pipe.h"
#include "libos/fs/Place.h"
#include "libos/fs/RegularFile.h"

namespace fs {

using base::Error;
using base::fail;
using base::Result;

/// Gives `inode` the free name `place`; then `place` has it.
Result<> FileSystem::add(Place& place, base::Reference<Inode> inode) {
    if (place.parent->is_removed())
        return fail(Error::NoEntry);
    auto is_directory = inode->as_directory() != nullptr;
    auto entry = TRY(Entry::create(place.name, std::move(inode)));
    entry->inode().add_links(is_directory ? 2 : 1);
    if (is_directory)
        place.parent->inode().add_links(1);
    place.entry = entry.get();
    place.directory().insert(*place.parent, std::move(entry));
    place.parent->inode().touch_modified();
    return {};
}

/// Takes a name away; what it named lives on as long as it is open. A directory is empty.
void FileSystem::unlink(Entry& entry) {
    auto& parent = entry.parent();
    auto is_directory = entry.inode().as_directory() != nullptr;
    entry.inode().add_links(is_directory ? -2 : -1);
    if (is_directory)
        parent.inode().add_links(-1);
    parent.inode().touch_modified();
    auto keep = base::Reference<Entry>::share(parent); // the entry may hold its last count
    parent.inode().as_directory()->remove(entry);
}

/// A place where something new may go.
Result<FileSystem::Place> FileSystem::free_place(const Start& start, std::string_view path, bool for_directory) {
    auto place = TRY(walk(start, path, walk::never_follow));
    if (place.last != Place::Last::Name)
        return fail(Error::Exists);
    TRY(place.check_name());
    if (place.entry)
        return fail(Error::Exists);
    if (place.trailing_slash && !for_directory)
        return fail(Error::NoEntry);
    return place;
}

Result<> FileSystem::make_directory(const Start& start, std::string_view path, uint32_t mode) {
    SleepLocker locker(m_tree);
    auto place = TRY(free_place(start, path, true));
    return add(place, TRY(Directory::create(mode & 01777 & ~m_umask.load(std::memory_order_relaxed))));
}

Result<> FileSystem::make_node(const Start& start, std::string_view path, uint32_t mode, uint64_t device) {
    SleepLocker locker(m_tree);
    auto place = TRY(free_place(start, path, false));
    auto permissions = mode & 07777 & ~m_umask.load(std::memory_order_relaxed);
    auto type = (mode >> 12) & 15;
    switch (type == 0 ? FileType::Regular : static_cast<FileType>(type)) {
    case FileType::Regular:
        return add(place, TRY(RegularFile::create(permissions)));
    case FileType::CharacterDevice:
        return add(place, TRY(Device::create(device, permissions)));
    case FileType::Pipe:
        return add(place, TRY(Pipe::create(permissions)));
    case FileType::Directory:
        return fail(Error::NotPermitted);
    default:
        return fail(Error::Invalid);
    }
}

Result<> FileSystem::make_link(const Start& from_start, std::string_view from, const Start& to_start,
                               std::string_view to, int flags) {
    SleepLocker locker(m_tree);
    Entry* source = nullptr;
    if (from.empty() && (flags & abi::at_empty_path) && from_start) {
        source = from_start.get();
    } else {
        auto place = TRY(walk(from_start, from, (flags & abi::at_symlink_follow) ? 0 : walk::no_follow));
        source = place.entry;
        if (source && place.trailing_slash && !source->inode().as_directory())
            return fail(Error::NotDirectory);
    }
    if (!source)
        return fail(Error::NoEntry);
    auto place = TRY(free_place(to_start, to, false));
    if (source->inode().as_directory())
        return fail(Error::NotPermitted);
    return add(place, base::Reference<Inode>::share(source->inode()));
}

Result<> FileSystem::make_symbolic_link(std::string_view target, const Start& start, std::string_view path) {
    if (target.empty())
        return fail(Error::NoEntry);
    SleepLocker locker(m_tree);
    auto place = TRY(free_place(start, path, false));
    return add(place, TRY(SymbolicLink::create(target)));
}

Result<> FileSystem::remove_file(const Start& start, std::string_view path) {
    SleepLocker locker(m_tree);
    auto place = TRY(walk(start, path, walk::never_follow));
    if (place.last != Place::Last::Name)
        return fail(Error::IsDirectory);
    TRY(place.check_name());
    if (!place.entry)
        return fail(Error::NoEntry);
    if (place.entry->inode().as_directory())
        return fail(Error::IsDirectory);
    if (place.trailing_slash)
        return fail(Error::NotDirectory);
    unlink(*place.entry);
    return {};
}

Result<> FileSystem::remove_directory(const Start& start, std::string_view path) {
    SleepLocker locker(m_tree);
    auto place = TRY(walk(start, path, walk::never_follow));
    if (place.last == Place::Last::Dot)
        return fail(Error::Invalid);
    if (place.last == Place::Last::DotDot)
        return fail(Error::NotEmpty);
    if (place.last == Place::Last::Root)
        return fail(Error::Busy);
    TRY(place.check_name());
    if (!place.entry)
        return fail(Error::NoEntry);
    auto* directory = place.entry->inode().as_directory();
    if (!directory)
        return fail(Error::NotDirectory);
    if (!directory->is_empty())
        return fail(Error::NotEmpty);
    unlink(*place.entry);
    return {};
}

namespace {

bool is_ancestor_or_same(Entry& ancestor, Entry& entry) {
    auto* at = &entry;
    while (at != &ancestor && !at->is_root())
        at = &at->parent();
    return at == &ancestor;
}

} // namespace

Result<> FileSystem::rename(const Start& from_start, std::string_view from, const Start& to_start, std::string_view to,
                            uint32_t flags) {
    SleepLocker locker(m_tree);
    auto source = TRY(walk(from_start, from, walk::never_follow));
    auto target = TRY(walk(to_start, to, walk::never_follow));
    return rename_checked(source, target, flags);
}

Result<> FileSystem::rename_checked(Place& from, Place& to, uint32_t flags) {
    auto exchange = (flags & abi::rename_exchange) != 0;
    // The order of these is Linux' (do_renameat2, vfs_rename).
    if (from.last != Place::Last::Name)
        return fail(Error::Busy);
    if (to.last != Place::Last::Name)
        return fail((flags & abi::rename_noreplace) ? Error::Exists : Error::Busy);
    TRY(from.check_name());
    if (!from.entry)
        return fail(Error::NoEntry);
    TRY(to.check_name());
    if (to.entry && (flags & abi::rename_noreplace))
        return fail(Error::Exists);
    if (!to.entry && exchange)
        return fail(Error::NoEntry);
    auto* source = from.entry->inode().as_directory();
    auto* target = to.entry ? to.entry->inode().as_directory() : nullptr;
    if (exchange && !target && to.trailing_slash)
        return fail(Error::NotDirectory);
    if (!source && (from.trailing_slash || (!exchange && to.trailing_slash)))
        return fail(Error::NotDirectory);
    if (source && is_ancestor_or_same(*from.entry, *to.parent))
        return fail(Error::Invalid);
    if (target && is_ancestor_or_same(*to.entry, *from.parent))
        return fail(exchange ? Error::Invalid : Error::NotEmpty);
    if (to.entry && &to.entry->inode() == &from.entry->inode())
        return {};
    if (to.parent->is_removed())
        return fail(Error::NoEntry);
    if (to.entry && !exchange) {
        if (source && !target)
            return fail(Error::NotDirectory);
        if (!source && target)
            return fail(Error::IsDirectory);
        if (target && !target->is_empty())
            return fail(Error::NotEmpty);
    }
    auto new_name = TRY(String::create(to.name));
    auto old_name = exchange ? TRY(String::create(from.name)) : String();

    // From here on nothing fails.
    auto& from_directory = from.directory();
    auto& to_directory = to.directory();
    base::Reference<Entry> displaced;
    if (exchange)
        displaced = to_directory.remove(*to.entry);
    else if (to.entry)
        unlink(*to.entry);
    auto moved = from_directory.remove(*from.entry);
    moved->set_name(std::move(new_name));
    to_directory.insert(*to.parent, moved);
    if (displaced) {
        displaced->set_name(std::move(old_name));
        from_directory.insert(*from.parent, displaced);
    }
    if (source) {
        from_directory.add_links(-1);
        to_directory.add_links(1);
    }
    if (exchange && target) {
        to_directory.add_links(-1);
        from_directory.add_links(1);
    }
    from_directory.touch_modified();
    to_directory.touch_modified();
    moved->inode().touch_changed();
    return {};
}

} // namespace fs
