#include "tracer/instance/Cpio.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>
#include <vector>

namespace tracer {

namespace {

namespace fs = std::filesystem;

/// One archive being written.
class Archive {
public:
    explicit Archive(const fs::path& path)
        : m_path(path)
        , m_stream(path, std::ios::binary | std::ios::trunc) {}

    void add_header(const std::string& name, uint32_t mode, int64_t mtime, uint64_t size) {
        // magic, inode, mode, uid, gid, links, mtime, size, device (2), special device (2), name size, check
        m_stream << fmt::format("070701{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}{:08X}",
                                mode == 0 ? 0 : ++m_inode, mode, 0, 0, 1, static_cast<uint32_t>(mtime), size, 0, 0, 0,
                                0, name.size() + 1, 0);
        m_written += 110;
        add(name.data(), name.size());
        add("", 1);
        pad();
    }

    void add(const char* bytes, size_t size) {
        m_stream.write(bytes, static_cast<std::streamsize>(size));
        m_written += size;
    }

    void pad() {
        while (m_written % 4 != 0)
            add("", 1);
    }

    Result<uint64_t> finish() {
        add_header("TRAILER!!!", 0, 0, 0);
        m_stream.close();
        if (!m_stream)
            return fail(fmt::format("cannot write the archive {}", m_path.string()), "Is the disk full?");
        return m_written;
    }

private:
    fs::path m_path;
    std::ofstream m_stream;
    uint64_t m_written = 0;
    uint32_t m_inode = 0;
};

Result<> add_file(Archive& archive, const fs::path& path, const std::string& name) {
    struct stat status{};
    if (lstat(path.c_str(), &status) != 0)
        return fail_errno(fmt::format("cannot read {}", path.string()), errno);
    if (S_ISLNK(status.st_mode)) {
        std::error_code error;
        const std::string target = fs::read_symlink(path, error).string();
        if (error)
            return fail_errno(fmt::format("cannot read the link {}", path.string()), error.value());
        archive.add_header(name, status.st_mode, status.st_mtime, target.size());
        archive.add(target.data(), target.size());
    } else if (S_ISDIR(status.st_mode)) {
        archive.add_header(name, status.st_mode, status.st_mtime, 0);
    } else if (S_ISREG(status.st_mode)) {
        if (status.st_size > UINT32_MAX)
            return fail(fmt::format("{} is larger than the 4 GiB that the archive format allows", path.string()));
        archive.add_header(name, status.st_mode, status.st_mtime, static_cast<uint64_t>(status.st_size));
        std::ifstream file(path, std::ios::binary);
        std::vector<char> buffer(1 << 20);
        auto left = static_cast<uint64_t>(status.st_size);
        while (left > 0 &&
               file.read(buffer.data(), static_cast<std::streamsize>(std::min<uint64_t>(left, buffer.size())))) {
            archive.add(buffer.data(), static_cast<size_t>(file.gcount()));
            left -= static_cast<uint64_t>(file.gcount());
        }
        if (left > 0)
            return fail(fmt::format("cannot read {} to its end", path.string()), "Check that you may read it.");
    } else
        return fail(fmt::format("{} is neither file, directory nor symbolic link", path.string()),
                    "Take it out of the directory given with --rootfs.");
    archive.pad();
    return {};
}

} // namespace

Result<uint64_t> write_cpio(const fs::path& root, const fs::path& archive_path) {
    std::error_code error;
    if (!fs::is_directory(root, error))
        return fail(fmt::format("the root file system {} is not a directory", root.string()),
                    "Give a directory with --rootfs; its contents become `/`.");
    std::vector<std::string> names;
    fs::recursive_directory_iterator walk(root, error);
    for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error))
        names.push_back(walk->path().lexically_relative(root).string());
    if (error)
        return fail_errno(fmt::format("cannot list {}", root.string()), error.value());
    std::ranges::sort(names); // a directory comes before what is in it
    Archive archive(archive_path);
    TRY(add_file(archive, fs::canonical(root), "."));
    for (const std::string& name : names)
        TRY(add_file(archive, root / name, name));
    return archive.finish();
}

} // namespace tracer
