#pragma once
// The parts of the ELF format that the guest reads and writes. Source: System V ABI, chapters 4 and 5; auxiliary
// vector: include/uapi/linux/auxvec.h of Linux.

#include <cstdint>

namespace base::elf {

struct Header {
    uint8_t identification[16];
    uint16_t type;
    uint16_t machine;
    uint32_t version;
    uint64_t entry;
    uint64_t program_header_offset;
    uint64_t section_header_offset;
    uint32_t flags;
    uint16_t header_size;
    uint16_t program_header_size;
    uint16_t program_header_count;
    uint16_t section_header_size;
    uint16_t section_header_count;
    uint16_t section_name_index;
};
static_assert(sizeof(Header) == 64);

inline constexpr uint16_t machine_x86_64 = 62;

struct ProgramHeader {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t virtual_address;
    uint64_t physical_address;
    uint64_t file_size;
    uint64_t memory_size;
    uint64_t alignment;
};
static_assert(sizeof(ProgramHeader) == 56);

/// The header of a core file of this machine with `segments` program headers right behind it.
inline Header core_header(uint16_t segments) {
    Header header{};
    constexpr uint8_t identification[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    for (unsigned i = 0; i < sizeof(identification); ++i)
        header.identification[i] = identification[i];
    header.type = 4; // ET_CORE
    header.machine = machine_x86_64;
    header.version = 1;
    header.program_header_offset = sizeof(Header);
    header.header_size = sizeof(Header);
    header.program_header_size = sizeof(ProgramHeader);
    header.program_header_count = segments;
    return header;
}

struct NoteHeader {
    uint32_t name_size;
    uint32_t description_size;
    uint32_t type;
};

inline constexpr uint32_t load = 1, note = 4, thread_local_storage_segment = 7;
inline constexpr uint32_t executable = 1, writable = 2, readable = 4;
inline constexpr uint32_t note_gnu_build_id = 3;

struct AuxiliaryEntry {
    uint64_t type;
    uint64_t value;
};
inline constexpr uint64_t at_null = 0, at_phdr = 3, at_phent = 4, at_phnum = 5, at_page_size = 6, at_base = 7,
                          at_flags = 8, at_entry = 9, at_uid = 11, at_euid = 12, at_gid = 13, at_egid = 14,
                          at_platform = 15, at_hwcap = 16, at_clock_ticks = 17, at_secure = 23, at_random = 25,
                          at_hwcap2 = 26, at_execfn = 31, at_minsigstksz = 51;

} // namespace base::elf
