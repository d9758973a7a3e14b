// The initrd becomes files.

#include "libos/fs/CpioReader.h"
#include "libos/fs/Devices.h"
#include "libos/fs/FileSystem.h"
#include "libos/fs/Pipe.h"
#include "libos/fs/Place.h"
#include "libos/fs/RegularFile.h"

#include <new>

namespace fs {

using base::Error;
using base::fail;
using base::Result;

namespace {

/// Files of the archive that have more names: the first name made the inode, the others link to it.
class HardLinks {
public:
    HardLinks() = default;
    HardLinks(const HardLinks&) = delete;
    HardLinks& operator=(const HardLinks&) = delete;
    ~HardLinks() {
        for (auto* bucket : m_buckets) {
            while (bucket)
                delete std::exchange(bucket, bucket->next);
        }
    }

    base::Reference<RegularFile> find(const CpioRecord& record) const {
        for (auto* link = m_buckets[bucket_of(record)]; link; link = link->next) {
            if (link->inode == record.inode && link->major == record.device_major && link->minor == record.device_minor)
                return link->file;
        }
        return nullptr;
    }

    Result<> add(const CpioRecord& record, base::Reference<RegularFile> file) {
        auto& bucket = m_buckets[bucket_of(record)];
        auto* link =
            new (std::nothrow) Link{record.inode, record.device_major, record.device_minor, std::move(file), bucket};
        if (!link)
            return fail(Error::NoMemory);
        bucket = link;
        return {};
    }

private:
    struct Link {
        uint32_t inode;
        uint32_t major;
        uint32_t minor;
        base::Reference<RegularFile> file;
        Link* next;
    };
    static size_t bucket_of(const CpioRecord& record) { return (record.inode * 0x9e3779b1u) >> 24; }

    Link* m_buckets[256] = {};
};

Result<base::Reference<Inode>> make_file(const CpioRecord& record, HardLinks& hard_links) {
    base::Reference<RegularFile> file;
    if (record.links > 1)
        file = hard_links.find(record);
    if (!file) {
        file = TRY(RegularFile::create(record.mode));
        if (record.links > 1)
            TRY(hard_links.add(record, file));
    }
    if (!record.data.empty()) { // of several names, the last has the data
        auto piece = Transfer::piece_of(record.data);
        auto from = Transfer::kernel(piece);
        if (TRY(file->write(from, 0)) != record.data.size())
            return fail(Error::NoSpace);
    }
    return base::Reference<Inode>(file);
}

Result<base::Reference<Inode>> make_inode(const CpioRecord& record, HardLinks& hard_links) {
    switch (static_cast<FileType>(record.mode >> 12 & 15)) {
    case FileType::Regular:
        return make_file(record, hard_links);
    case FileType::Directory:
        return base::Reference<Inode>(TRY(Directory::create(record.mode)));
    case FileType::SymbolicLink: {
        auto* text = reinterpret_cast<const char*>(record.data.data());
        std::string_view target(text, record.data.size());
        if (target.empty() || target.size() > 4095 || target.find('\0') != std::string_view::npos)
            return fail(Error::Invalid);
        return base::Reference<Inode>(TRY(SymbolicLink::create(target)));
    }
    case FileType::CharacterDevice:
        if (record.special_major > 0xfff || record.special_minor > 0xff)
            return fail(Error::Invalid);
        return base::Reference<Inode>(
            TRY(Device::create(device_number(record.special_major, record.special_minor), record.mode)));
    case FileType::Pipe:
        return base::Reference<Inode>(TRY(Pipe::create(record.mode)));
    default:
        return fail(Error::Invalid);
    }
}

void set_metadata(Inode& inode, const CpioRecord& record) {
    inode.set_permissions(record.mode);
    inode.set_owner(record.user, record.group);
    auto time = int64_t{record.modified} * 1'000'000'000;
    inode.set_times(time, time);
}

} // namespace

Result<> FileSystem::make_parents(std::string_view path) {
    for (size_t at = path.find('/', 1); at != std::string_view::npos; at = path.find('/', at + 1)) {
        auto made = make_directory({}, path.substr(0, at), 0755);
        if (!made && made.error() != Error::Exists)
            return made;
    }
    return {};
}

Result<> FileSystem::populate(std::span<const std::byte> archive) {
    CpioReader reader(archive);
    HardLinks hard_links;
    auto root = m_root;
    while (auto record = TRY(reader.next())) {
        auto type = static_cast<FileType>(record->mode >> 12 & 15);
        if (record->name.empty()) {
            if (type != FileType::Directory)
                return fail(Error::Invalid);
            set_metadata(m_root->inode(), *record);
            continue;
        }
        TRY(make_parents(record->name));
        auto inode = TRY(make_inode(*record, hard_links));
        {
            SleepLocker locker(m_tree);
            auto place = TRY(walk(root, record->name, walk::never_follow));
            if (place.last != Place::Last::Name)
                return fail(Error::Invalid);
            TRY(place.check_name());
            if (place.entry) {
                auto* before = place.entry->inode().as_directory();
                if (type == FileType::Directory && before) {
                    inode = base::Reference<Inode>::share(before);
                } else if (type == FileType::CharacterDevice && !before) {
                    continue; // the tree's own device nodes are as good
                } else if (before) {
                    return fail(Error::IsDirectory);
                } else {
                    auto keep = base::Reference<Entry>::share(place.entry);
                    unlink(*place.entry);
                    place.entry = nullptr;
                }
            }
            if (!place.entry)
                TRY(add(place, inode));
        }
        set_metadata(*inode, *record);
    }
    return {};
}

} // namespace fs
