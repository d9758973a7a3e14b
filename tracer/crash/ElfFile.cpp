#include "tracer/crash/ElfFile.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace crash {

using tracer::Result;

namespace {

struct Mapping {
    void* address;
    size_t size;
    Mapping(void* address, size_t size)
        : address(address)
        , size(size) {}
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() { munmap(address, size); }
};

} // namespace

static Result<std::shared_ptr<Mapping>> map_file(const std::filesystem::path& path) {
    int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tracer::fail_errno(fmt::format("cannot open {}", path.string()), errno);
    struct stat status{};
    int error = fstat(fd, &status) == 0 ? 0 : errno;
    auto size = static_cast<size_t>(status.st_size);
    bool is_possible = error == 0 && S_ISREG(status.st_mode) && size >= sizeof(Elf64_Ehdr);
    void* address = is_possible ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    if (is_possible && address == MAP_FAILED)
        error = errno;
    close(fd);
    if (error != 0)
        return tracer::fail_errno(fmt::format("cannot read {}", path.string()), error);
    if (!is_possible)
        return tracer::fail(fmt::format("{} is not a core file", path.string()));
    return std::make_shared<Mapping>(address, size);
}

Result<ElfFile> ElfFile::open(const std::filesystem::path& path) {
    auto mapping = TRY(map_file(path));
    std::span<const uint8_t> file(static_cast<const uint8_t*>(mapping->address), mapping->size);
    auto header = read_structure<Elf64_Ehdr>(file);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_type != ET_CORE || header.e_machine != EM_X86_64)
        return tracer::fail(fmt::format("{} is not a core file for x86-64", path.string()));
    ElfFile result;
    // More segments than e_phnum can count are in the first section's sh_info (System V ABI, PN_XNUM).
    uint64_t count_untrusted = header.e_phnum;
    if (header.e_phnum == PN_XNUM && header.e_shoff < file.size())
        count_untrusted = read_structure<Elf64_Shdr>(file.subspan(header.e_shoff)).sh_info;
    for (uint64_t i = 0; i < count_untrusted; ++i) {
        uint64_t at = header.e_phoff + i * sizeof(Elf64_Phdr);
        if (header.e_phoff > file.size() || at + sizeof(Elf64_Phdr) > file.size())
            break;
        auto program = read_structure<Elf64_Phdr>(file.subspan(at));
        ElfSegment segment{.type = program.p_type,
                           .flags = program.p_flags,
                           .virtual_address = program.p_vaddr,
                           .physical_address = program.p_paddr,
                           .memory_size = std::max(program.p_memsz, program.p_filesz),
                           .bytes = {}};
        if (program.p_offset < file.size())
            segment.bytes = file.subspan(program.p_offset, std::min(program.p_filesz, file.size() - program.p_offset));
        result.segments.push_back(segment);
    }
    result.mapping = std::move(mapping);
    return result;
}

void visit_notes(std::span<const uint8_t> bytes,
                 const std::function<void(std::string_view, uint32_t, std::span<const uint8_t>)>& visit) {
    auto padded = [](uint64_t size) { return (size + 3) & ~uint64_t{3}; };
    while (bytes.size() >= sizeof(Elf64_Nhdr)) {
        auto note = read_structure<Elf64_Nhdr>(bytes);
        bytes = bytes.subspan(sizeof(note));
        uint64_t name_size = padded(note.n_namesz);
        uint64_t descriptor_size = padded(note.n_descsz);
        if (name_size > bytes.size() || note.n_descsz > bytes.size() - name_size)
            return;
        std::string_view name(reinterpret_cast<const char*>(bytes.data()), note.n_namesz);
        while (name.ends_with('\0'))
            name.remove_suffix(1);
        visit(name, note.n_type, bytes.subspan(name_size, note.n_descsz));
        bytes = bytes.subspan(std::min<uint64_t>(name_size + descriptor_size, bytes.size()));
    }
}

} // namespace crash
