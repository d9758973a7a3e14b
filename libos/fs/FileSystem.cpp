// Finding, opening and asking; Names.cpp has what changes the tree.

#include "libos/fs/FileSystem.h"

#include "libos/fs/Place.h"
#include "libos/fs/RegularFile.h"

#include <new>

namespace fs {

using base::Error;
using base::fail;
using base::Result;

Result<FileSystem::Place> FileSystem::walk(const Start& start, std::string_view path, unsigned options) {
    constexpr unsigned max_links = 40; // as Linux
    std::string_view pending[max_links];
    unsigned pending_count = 0;
    unsigned links = 0;

    if (path.empty())
        return fail(Error::NoEntry);
    auto* current = start ? start.get() : m_working_directory.get();
    if (path.front() == '/')
        current = m_root.get();
    auto rest = path;
    Place place;
    place.last = Place::Last::Root;
    while (true) {
        rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
        if (rest.empty()) {
            if (pending_count > 0) {
                rest = pending[--pending_count];
                continue;
            }
            // Nothing but slashes, or a link to that.
            place.entry = current;
            place.parent = &current->parent();
            return place;
        }
        auto name = rest.substr(0, rest.find('/'));
        rest.remove_prefix(name.size());
        auto more = rest.find_first_not_of('/') != std::string_view::npos;
        if (!rest.empty() && !more && pending_count == 0)
            place.trailing_slash = true;
        auto is_last = !more && pending_count == 0;

        auto* directory = current->inode().as_directory();
        if (!directory)
            return fail(Error::NotDirectory);
        // Linux finds a last name too long only when it looks it up: Place::check_name().
        if (name.size() > max_name_length && !(is_last && (options & walk::never_follow)))
            return fail(Error::NameTooLong);
        if (name == "." || name == "..") {
            place.last = name == "." ? Place::Last::Dot : Place::Last::DotDot;
            if (name == "..")
                current = &current->parent();
            if (!is_last)
                continue;
            place.entry = current;
            place.parent = &current->parent();
            place.name = name;
            return place;
        }
        place.last = Place::Last::Name;
        if (is_last && place.trailing_slash && (options & walk::no_trailing_slash))
            return fail(Error::IsDirectory);
        if (current == m_descriptor_links.get())
            TRY(refresh_descriptor_link(name));
        else if (name == "cwd" && m_descriptor_links && current == &m_descriptor_links->parent())
            TRY(refresh_working_directory_link());
        auto* entry = directory->find(name);
        if (!entry && !is_last)
            return fail(Error::NoEntry);

        if (entry && entry->inode().type() == FileType::SymbolicLink) {
            auto follow = !is_last || (options & (walk::no_follow | walk::never_follow)) == 0 ||
                          (place.trailing_slash && (options & walk::never_follow) == 0);
            if (follow) {
                if (links++ == max_links)
                    return fail(Error::Loop);
                if (more)
                    pending[pending_count++] = rest;
                rest = TRY(entry->inode().link_target());
                if (rest.empty())
                    return fail(Error::NoEntry);
                if (rest.front() == '/')
                    current = m_root.get();
                place.last = Place::Last::Root;
                continue;
            }
        }
        if (is_last) {
            place.parent = current;
            place.name = name;
            place.entry = entry;
            return place;
        }
        current = entry;
    }
}

Result<base::Reference<Inode>> FileSystem::find(const Start& start, std::string_view path, int flags) {
    SleepLocker locker(m_tree);
    release_retired_links();
    if (path.empty() && (flags & abi::at_empty_path))
        return base::Reference<Inode>::share((start ? start : m_working_directory)->inode());
    auto place = TRY(walk(start, path, (flags & abi::at_symlink_nofollow) ? walk::no_follow : 0));
    if (!place.entry)
        return fail(Error::NoEntry);
    if (place.trailing_slash && !place.entry->inode().as_directory())
        return fail(Error::NotDirectory);
    return base::Reference<Inode>::share(place.entry->inode());
}

Result<base::Reference<OpenFile>> FileSystem::open(const Start& start, std::string_view path, int flags,
                                                   uint32_t mode) {
    if (flags & abi::o_path)
        flags &= abi::o_path | abi::o_directory | abi::o_nofollow | abi::o_cloexec;
    auto temporary = (flags & abi::o_tmpfile) == abi::o_tmpfile;
    if (temporary) {
        if ((flags & abi::o_accmode) == abi::o_rdonly || (flags & abi::o_creat))
            return fail(Error::Invalid);
        return open_temporary(start, path, flags, mode);
    }
    if ((flags & abi::o_creat) && (flags & abi::o_directory))
        return fail(Error::Invalid);

    base::Reference<Entry> entry;
    auto created = false;
    {
        SleepLocker locker(m_tree);
        release_retired_links();
        unsigned options = 0;
        if ((flags & abi::o_nofollow) || (flags & (abi::o_creat | abi::o_excl)) == (abi::o_creat | abi::o_excl))
            options |= walk::no_follow;
        if (flags & abi::o_creat)
            options |= walk::no_trailing_slash;
        auto place = TRY(walk(start, path, options));
        if (!place.entry) {
            if (!(flags & abi::o_creat))
                return fail(Error::NoEntry);
            auto file = TRY(RegularFile::create(mode & ~m_umask.load(std::memory_order_relaxed)));
            TRY(add(place, file));
            created = true;
        } else if (flags & abi::o_creat) {
            if (flags & abi::o_excl)
                return fail(Error::Exists);
            if (place.entry->inode().as_directory())
                return fail(Error::IsDirectory);
        }
        entry = base::Reference<Entry>::share(place.entry);
        auto is_directory = entry->inode().as_directory() != nullptr;
        if (((flags & abi::o_directory) || place.trailing_slash) && !is_directory)
            return fail(Error::NotDirectory);
    }
    auto& inode = entry->inode();
    if (flags & abi::o_path) {
        auto* file = new (std::nothrow) PathFile(base::Reference<Inode>::share(inode), entry, flags);
        if (!file)
            return fail(Error::NoMemory);
        return base::Reference<OpenFile>::adopt(file);
    }
    if (inode.type() == FileType::SymbolicLink)
        return fail(Error::Loop);
    if (inode.as_directory() && ((flags & abi::o_accmode) != abi::o_rdonly || (flags & abi::o_trunc)))
        return fail(Error::IsDirectory);
    if ((flags & abi::o_trunc) && !created && inode.type() == FileType::Regular)
        TRY(inode.resize(0));
    return inode.open(entry, flags);
}

/// O_TMPFILE: `path` is the directory; the file has no name.
Result<base::Reference<OpenFile>> FileSystem::open_temporary(const Start& start, std::string_view path, int flags,
                                                             uint32_t mode) {
    auto file = TRY(RegularFile::create(mode & ~m_umask.load(std::memory_order_relaxed)));
    base::Reference<Entry> entry;
    {
        SleepLocker locker(m_tree);
        auto place = TRY(walk(start, path, 0));
        if (!place.entry)
            return fail(Error::NoEntry);
        if (!place.entry->inode().as_directory())
            return fail(Error::NotDirectory);
        entry = TRY(Entry::create("#temporary", file));
        entry->m_parent = base::Reference<Entry>::share(place.entry);
        entry->m_removed = true;
    }
    return file->open(entry, flags & ~(abi::o_tmpfile & ~abi::o_directory));
}

Result<> FileSystem::change_directory(const Start& start, std::string_view path) {
    SleepLocker locker(m_tree);
    release_retired_links();
    auto* entry = start.get();
    if (!path.empty() || !start) {
        auto place = TRY(walk(start, path, 0));
        if (!place.entry)
            return fail(Error::NoEntry);
        entry = place.entry;
    }
    if (!entry->inode().as_directory())
        return fail(Error::NotDirectory);
    m_working_directory = base::Reference<Entry>::share(entry);
    return {};
}

void FileSystem::append_path(const Entry& entry, base::TextBuilder& text) {
    if (entry.is_root()) {
        text.put('/');
        return;
    }
    // Names are found from the leaf up and told from the root down: each round tells the one below the last told.
    const Entry* told = m_root.get();
    while (told != &entry) {
        const auto* below = &entry;
        while (!below->is_root() && below->m_parent.get() != told)
            below = below->m_parent.get();
        text.put('/').put(below->name());
        told = below;
    }
}

void FileSystem::path_of(const Entry& entry, base::TextBuilder& text) {
    SleepLocker locker(m_tree);
    append_path(entry, text);
    if (entry.is_removed())
        text.put(" (deleted)");
}

Result<> FileSystem::working_directory(base::TextBuilder& text) {
    SleepLocker locker(m_tree);
    if (m_working_directory->is_removed())
        return fail(Error::NoEntry);
    append_path(*m_working_directory, text);
    return {};
}

Result<Start> FileSystem::start_at(OpenFile& file) {
    if (!file.inode().as_directory())
        return fail(Error::NotDirectory);
    return file.entry();
}

bool FileSystem::read_entry(OpenFile& file, uint64_t cookie, ReadEntry& next) {
    SleepLocker locker(m_tree);
    auto& self = *file.entry();
    auto tell = [&](std::string_view name, const Inode& inode, uint64_t at) {
        next.name_length = name.copy(next.characters, max_name_length);
        next.inode_number = inode.number();
        next.type = inode.type();
        next.cookie = at;
    };
    if (self.is_removed())
        return false;
    if (cookie < 1) {
        if (&self == m_descriptor_links.get() && !refresh_descriptor_links())
            return false;
        tell(".", self.inode(), 1);
    } else if (cookie < 2) {
        tell("..", self.parent().inode(), 2);
    } else {
        auto* before = next.entry.get();
        auto* entry = before && before->cookie() == cookie && !before->is_removed() && before->m_parent.get() == &self
                          ? before->m_next
                          : self.inode().as_directory()->first_after(cookie);
        if (!entry)
            return false;
        tell(entry->name(), entry->inode(), entry->cookie());
        next.entry = base::Reference<Entry>::share(entry);
    }
    return true;
}

} // namespace fs
