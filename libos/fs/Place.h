#pragma once
// Place: where a path leads: a directory, a name in it, and what has that name now. Only under the tree's lock; for the
// parts of FileSystem.

#include "libos/fs/FileSystem.h"

namespace fs {

struct FileSystem::Place {
    /// What the last component is. The last three have an entry and are no name to create, remove or rename.
    enum class Last : uint8_t { Name, Dot, DotDot, Root };

    Entry* parent = nullptr;
    std::string_view name;  // points into the path or a link's target
    Entry* entry = nullptr; // null: there is none of that name
    Last last = Last::Name;
    bool trailing_slash = false;

    base::Result<> check_name() const {
        if (name.size() > max_name_length)
            return base::fail(base::Error::NameTooLong);
        return {};
    }
    Directory& directory() const { return *parent->inode().as_directory(); }
};

/// Options of walk(). By default a link in the last place is followed.
namespace walk {
inline constexpr unsigned no_follow = 1;         // a link in the last place is the result, unless a slash follows
inline constexpr unsigned never_follow = 2;      // ... even then: the caller wants the name
inline constexpr unsigned no_trailing_slash = 4; // a slash after the last name is Error::IsDirectory (O_CREAT)
} // namespace walk

} // namespace fs
