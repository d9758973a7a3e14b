#pragma once
// SymbolStore: images by build id, kept after their files are gone or have changed. They are files
// ROOT/.build-id/ab/cdef….debug, as gdb's debug-file-directory wants them (gdb manual, "Debugging Information in
// Separate Files").

#include "tracer/image/Image.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace tracer {

struct StoredImage {
    BuildId build_id;
    std::filesystem::path path;
    uint64_t size = 0;          ///< bytes of the copy; 0 of a link
    int64_t last_used = 0;      ///< seconds since 1970
    std::filesystem::path link; ///< where the file is, of an image that was only linked to; else empty
};

/// Any number of processes may use one store. An entry is a copy, which shares its blocks with the original where the
/// file system can do that; a hard link would change when a tool writes into the original. Or it is a symbolic link to
/// what was just built and may never run: good for as long as the file is that build.
class SymbolStore {
public:
    static constexpr uint64_t default_limit = 2ull << 30;

    /// The user's own. The limit is default_limit, or UNISCOPE_SYMBOLS_LIMIT ("500M").
    static Result<SymbolStore> open();
    SymbolStore(std::filesystem::path root, uint64_t limit)
        : m_root(std::move(root))
        , m_limit(limit) {}

    /// Keeps a copy, and removes those used longest ago while all together are over the limit. Cheap when it is there.
    Result<std::filesystem::path> add(const Image& image) const;
    /// Remembers where the file is; nothing when there is a copy.
    Result<> add_link(const Image& image) const;

    /// The file that has the build id: it was looked at now. Counts as a use.
    std::optional<std::filesystem::path> find(const BuildId& build_id) const;

    /// By use, the newest first.
    std::vector<StoredImage> list() const;
    /// Removes links that lead nowhere, and copies, those used longest ago first, until at most `limit` bytes are left,
    /// but never `keep`; the bytes removed.
    uint64_t prune(uint64_t limit, const BuildId& keep = {}) const;

    const std::filesystem::path& root() const { return m_root; }
    uint64_t limit() const { return m_limit; }

private:
    std::filesystem::path path_of(const BuildId& build_id) const;
    Result<> copy(const Image& image, const std::filesystem::path& path) const;

    std::filesystem::path m_root;
    uint64_t m_limit;
};

/// "500M", "2G", "100K" or bytes.
Result<uint64_t> parse_size(std::string_view text);

} // namespace tracer
