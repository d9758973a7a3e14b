#include "libos/control/BuildId.h"

#include "libos/base/Bits.h"
#include "libos/base/Elf.h"

#include <arch/Image.h>
#include <arch/PageTable.h>

namespace control {

std::span<const std::byte> build_id() {
    using namespace base::elf;
    if (__ehdr_start == nullptr)
        return {};
    // By the direct map, since the app may unmap its own segments.
    auto at = [](uint64_t address) { return static_cast<const std::byte*>(arch::direct_map(address)); };
    auto image = reinterpret_cast<uint64_t>(__ehdr_start);
    const auto& header = *reinterpret_cast<const Header*>(at(image));
    const auto* segments = reinterpret_cast<const ProgramHeader*>(at(image + header.program_header_offset));
    for (unsigned i = 0; i < header.program_header_count; ++i) {
        if (segments[i].type != note)
            continue;
        const std::byte* notes = at(segments[i].physical_address);
        uint64_t size = segments[i].memory_size;
        for (uint64_t offset = 0; offset + sizeof(NoteHeader) <= size;) {
            const auto& n = *reinterpret_cast<const NoteHeader*>(notes + offset);
            uint64_t description = offset + sizeof(n) + base::align_up(uint64_t{n.name_size}, 4);
            if (!base::range_fits(description, n.description_size, size))
                break;
            if (n.type == note_gnu_build_id && n.name_size == 4)
                return {notes + description, n.description_size};
            offset = description + base::align_up(uint64_t{n.description_size}, 4);
        }
    }
    return {};
}

} // namespace control
