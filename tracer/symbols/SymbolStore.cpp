#include "tracer/symbols/SymbolStore.h"

#include "tracer/instance/Directories.h"
#include "tracer/link/Socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>

namespace tracer {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view extension = ".debug";

bool is_build_id(std::string_view text) {
    return text.size() >= 4 && text.size() <= 128 && text.size() % 2 == 0 && std::ranges::all_of(text, [](char letter) {
               return (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f');
           });
}

bool has_build_id(const fs::path& path, const BuildId& build_id) {
    const auto image = Image::open(path);
    return image && image->build_id() == build_id;
}

/// All of `from`, from where it stands, sharing blocks where the file system can (copy_file_range(2)).
Result<> copy_bytes(int from, int to, const fs::path& path) {
    constexpr size_t portion = 64u << 20;
    bool in_kernel = true;
    std::vector<char> buffer;
    while (true) {
        ssize_t size = -1;
        if (in_kernel) {
            size = copy_file_range(from, nullptr, to, nullptr, portion, 0);
            if (size < 0 && errno != EINTR) {
                in_kernel = false; // between these file systems it is not to be had
                buffer.resize(1u << 20);
                continue;
            }
        } else {
            size = read(from, buffer.data(), buffer.size());
            for (ssize_t done = 0; size > 0 && done < size;) {
                const ssize_t written = write(to, buffer.data() + done, static_cast<size_t>(size - done));
                if (written < 0 && errno != EINTR)
                    return fail_errno(fmt::format("cannot write {}", path.string()), errno);
                done += std::max<ssize_t>(written, 0);
            }
        }
        if (size == 0)
            return {};
        if (size < 0 && errno != EINTR)
            return fail_errno(fmt::format("cannot copy to {}", path.string()), errno);
    }
}

} // namespace

Result<uint64_t> parse_size(std::string_view text) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
    const unsigned shift = unit == "K" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : 0;
    if (error != std::errc() || (shift == 0 && !unit.empty()) || value > (UINT64_MAX >> shift))
        return fail(fmt::format("`{}` is no size", text), "Give it like 500M or 2G.");
    return value << shift;
}

Result<SymbolStore> SymbolStore::open() {
    uint64_t limit = default_limit;
    if (const char* given = std::getenv("UNISCOPE_SYMBOLS_LIMIT"); given && *given)
        limit = TRY(parse_size(given));
    return SymbolStore(TRY(symbol_directory()), limit);
}

fs::path SymbolStore::path_of(const BuildId& build_id) const {
    return m_root / ".build-id" / build_id.substr(0, 2) / (build_id.substr(2) + std::string(extension));
}

Result<> SymbolStore::copy(const Image& image, const fs::path& path) const {
    const FileDescriptor from(::open(image.path().c_str(), O_RDONLY | O_CLOEXEC));
    if (!from)
        return fail_errno(fmt::format("cannot open {}", image.path().string()), errno);
    std::string temporary = path.string() + ".XXXXXX";
    const FileDescriptor to(mkostemp(temporary.data(), O_CLOEXEC));
    if (!to)
        return fail_errno(fmt::format("cannot write {}", path.string()), errno);
    Result<> result = copy_bytes(from.get(), to.get(), path);
    // The file may have been built anew since it was looked at.
    if (result && !has_build_id(temporary, image.build_id()))
        result = fail(fmt::format("{} changed while it was copied", image.path().string()));
    if (result && rename(temporary.c_str(), path.c_str()) != 0)
        result = fail_errno(fmt::format("cannot write {}", path.string()), errno);
    if (!result)
        unlink(temporary.c_str());
    return result;
}

Result<fs::path> SymbolStore::add(const Image& image) const {
    if (!is_build_id(image.build_id()))
        return fail(fmt::format("{} has no build id", image.path().string()), "Link it with -Wl,--build-id.");
    const fs::path path = path_of(image.build_id());
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (fs::is_symlink(path, error) || !has_build_id(path, image.build_id()))
        TRY(copy(image, path));
    else
        utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
    prune(m_limit, image.build_id());
    return path;
}

Result<> SymbolStore::add_link(const Image& image) const {
    if (!is_build_id(image.build_id()))
        return fail(fmt::format("{} has no build id", image.path().string()), "Link it with -Wl,--build-id.");
    const fs::path path = path_of(image.build_id());
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (fs::is_symlink(path, error))
        fs::remove(path, error);
    if (fs::exists(path, error))
        return {};
    fs::create_symlink(fs::absolute(image.path(), error), path, error);
    if (error && error != std::errc::file_exists)
        return fail_errno(fmt::format("cannot write {}", path.string()), error.value());
    return {};
}

std::optional<fs::path> SymbolStore::find(const BuildId& build_id) const {
    if (!is_build_id(build_id))
        return std::nullopt;
    const fs::path path = path_of(build_id);
    if (!has_build_id(path, build_id))
        return std::nullopt;
    utimensat(AT_FDCWD, path.c_str(), nullptr, AT_SYMLINK_NOFOLLOW);
    return path;
}

std::vector<StoredImage> SymbolStore::list() const {
    std::vector<StoredImage> images;
    std::error_code error;
    for (const auto& folder : fs::directory_iterator(m_root / ".build-id", error)) {
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator(folder.path(), ignored)) {
            const std::string build_id = folder.path().filename().string() + entry.path().stem().string();
            struct stat status{};
            if (entry.path().extension() != extension || !is_build_id(build_id) ||
                lstat(entry.path().c_str(), &status) != 0)
                continue;
            StoredImage image{build_id, entry.path(), 0, status.st_mtime, {}};
            if (S_ISLNK(status.st_mode))
                image.link = fs::read_symlink(entry.path(), ignored);
            else
                image.size = static_cast<uint64_t>(status.st_blocks) * 512;
            images.push_back(std::move(image));
        }
    }
    std::ranges::sort(images, std::greater<>(),
                      [](const StoredImage& image) { return std::pair(image.last_used, image.build_id); });
    return images;
}

uint64_t SymbolStore::prune(uint64_t limit, const BuildId& keep) const {
    uint64_t kept = 0;
    uint64_t removed = 0;
    std::error_code error;
    for (const StoredImage& image : list()) {
        if (image.build_id == keep) {
            kept += image.size;
            continue;
        }
        const bool goes = image.link.empty() ? kept + image.size > limit : !has_build_id(image.path, image.build_id);
        if (!goes)
            kept += image.size;
        else if (fs::remove(image.path, error))
            removed += image.size;
    }
    return removed;
}

} // namespace tracer
