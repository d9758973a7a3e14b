#include "tracer/image/Image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace tracer {

namespace {

// Xen's XEN_ELFNOTE_PHYS32_ENTRY, the PVH entry point: xen/include/public/elfnote.h.
constexpr uint32_t xen_note_phys32_entry = 18;

struct Note {
    std::string_view name;
    uint32_t type;
    std::span<const uint8_t> description;
};

/// Calls `visit` with every note of every PT_NOTE segment, until it returns false.
template <typename Visitor>
void visit_notes(Elf* elf, Visitor visit) {
    size_t count = 0;
    if (elf_getphdrnum(elf, &count) != 0)
        return;
    for (size_t i = 0; i < count; ++i) {
        GElf_Phdr header;
        if (!gelf_getphdr(elf, static_cast<int>(i), &header) || header.p_type != PT_NOTE)
            continue;
        const Elf_Type kind = header.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR;
        Elf_Data* data = elf_getdata_rawchunk(elf, static_cast<int64_t>(header.p_offset), header.p_filesz, kind);
        if (!data)
            continue;
        const auto* bytes = static_cast<const uint8_t*>(data->d_buf);
        size_t offset = 0;
        GElf_Nhdr note;
        size_t name_offset = 0;
        size_t description_offset = 0;
        while ((offset = gelf_getnote(data, offset, &note, &name_offset, &description_offset)) > 0) {
            const size_t name_length = note.n_namesz > 0 ? note.n_namesz - 1 : 0;
            if (!visit(Note{{reinterpret_cast<const char*>(bytes + name_offset), name_length},
                            note.n_type,
                            {bytes + description_offset, note.n_descsz}}))
                return;
        }
    }
}

} // namespace

BuildId build_id_from_bytes(std::span<const uint8_t> bytes) {
    BuildId text;
    for (const uint8_t byte : bytes)
        text += fmt::format("{:02x}", byte);
    return text;
}

struct Image::State {
    std::filesystem::path path;
    int descriptor = -1;
    Elf* elf = nullptr;
    BuildId build_id;
    std::optional<uint64_t> pvh_entry;
    uint64_t entry = 0;
    std::vector<Section> sections;

    ~State() {
        if (elf)
            elf_end(elf);
        if (descriptor >= 0)
            close(descriptor);
    }

    void read_notes() {
        visit_notes(elf, [this](const Note& note) {
            if (note.name == "GNU" && note.type == NT_GNU_BUILD_ID)
                build_id = build_id_from_bytes(note.description);
            if (note.name == "Xen" && note.type == xen_note_phys32_entry && note.description.size() >= 4) {
                uint64_t value = 0;
                std::memcpy(&value, note.description.data(), std::min<size_t>(note.description.size(), 8));
                pvh_entry = value;
            }
            return true;
        });
    }

    void read_sections() {
        size_t names = 0;
        if (elf_getshdrstrndx(elf, &names) != 0)
            return;
        Elf_Scn* section = nullptr;
        while ((section = elf_nextscn(elf, section)) != nullptr) {
            GElf_Shdr header;
            if (!gelf_getshdr(section, &header))
                continue;
            const char* name = elf_strptr(elf, names, header.sh_name);
            std::span<const uint8_t> bytes;
            if (header.sh_type != SHT_NOBITS)
                if (Elf_Data* data = elf_rawdata(section, nullptr); data && data->d_buf)
                    bytes = {static_cast<const uint8_t*>(data->d_buf), data->d_size};
            sections.push_back({name ? name : "", header.sh_addr, header.sh_size, bytes});
        }
    }
};

Image::Image(std::unique_ptr<State> state)
    : m_state(std::move(state)) {}
Image::Image(Image&&) noexcept = default;
Image& Image::operator=(Image&&) noexcept = default;
Image::~Image() = default;

Result<Image> Image::open(const std::filesystem::path& path) {
    elf_version(EV_CURRENT);
    auto state = std::make_unique<State>();
    state->path = path;
    state->descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (state->descriptor < 0)
        return fail_errno(fmt::format("cannot open the image {}", path.string()), errno,
                          errno == ENOENT ? "Check the path: it names the program that the build made." : "");
    struct stat status{};
    if (fstat(state->descriptor, &status) != 0 || !S_ISREG(status.st_mode))
        return fail(fmt::format("{} is not a file", path.string()), "Name the program that the build made.");
    state->elf = elf_begin(state->descriptor, ELF_C_READ_MMAP, nullptr);
    GElf_Ehdr header;
    if (!state->elf || elf_kind(state->elf) != ELF_K_ELF || !gelf_getehdr(state->elf, &header))
        return fail(fmt::format("{} is not an ELF file", path.string()), "Name the program that the build made.");
    if (header.e_machine != EM_X86_64 || header.e_ident[EI_CLASS] != ELFCLASS64)
        return fail(fmt::format("{} is not for 64-bit x86", path.string()), "Build it for x86-64.");
    state->entry = header.e_entry;
    state->read_notes();
    state->read_sections();
    return Image(std::move(state));
}

const std::filesystem::path& Image::path() const {
    return m_state->path;
}
const BuildId& Image::build_id() const {
    return m_state->build_id;
}
std::optional<uint64_t> Image::pvh_entry() const {
    return m_state->pvh_entry;
}
uint64_t Image::entry() const {
    return m_state->entry;
}
const std::vector<Section>& Image::sections() const {
    return m_state->sections;
}

const Section* Image::find_section(std::string_view name) const {
    const auto found = std::ranges::find(m_state->sections, name, &Section::name);
    return found == m_state->sections.end() ? nullptr : &*found;
}

std::optional<Symbol> Image::find_symbol(std::string_view name) const {
    Elf_Scn* section = nullptr;
    while ((section = elf_nextscn(m_state->elf, section)) != nullptr) {
        GElf_Shdr header;
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB || header.sh_entsize == 0)
            continue;
        Elf_Data* data = elf_getdata(section, nullptr);
        const size_t count = data ? header.sh_size / header.sh_entsize : 0;
        for (size_t i = 0; i < count; ++i) {
            GElf_Sym symbol;
            if (!gelf_getsym(data, static_cast<int>(i), &symbol))
                break;
            const char* text = elf_strptr(m_state->elf, header.sh_link, symbol.st_name);
            if (text && name == text)
                return Symbol{text, symbol.st_value, symbol.st_size};
        }
    }
    return std::nullopt;
}

Result<> Image::check_bootable() const {
    if (!m_state->pvh_entry)
        return fail(fmt::format("{} is not a Uniscope image: it has no PVH entry note", m_state->path.string()),
                    "Build it with uniscope-gcc or uniscope-g++, or with uniscope_image() in CMake.");
    if (m_state->build_id.empty())
        return fail(
            fmt::format("{} has no build id, by which traces and cores find their image", m_state->path.string()),
            "Link it with -Wl,--build-id.");
    return {};
}

} // namespace tracer
