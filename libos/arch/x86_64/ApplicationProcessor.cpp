#include "arch/ApplicationProcessor.h"
#include "arch/Fpu.h"
#include "arch/LocalApic.h"
#include "arch/PageTable.h"
#include "arch/Registers.h"

#include <cstring>

extern "C" {
extern const char ap_trampoline[];
extern const char ap_trampoline_end[];
extern const char ap_gdt[];
extern const char ap_gdt_pointer[];
extern const char ap_far_pointer[];
extern const char ap_long[];
extern const char ap_cr3[];
extern const char ap_stack[];
extern const char ap_argument[];
extern const char ap_entry[];
}

namespace arch {

namespace {

constexpr uint64_t trampoline = 0x8000; // in the first 640 KiB, which boot keeps out of the allocator

template <typename T>
void put(const char* symbol, T value) {
    std::memcpy(static_cast<char*>(direct_map(trampoline)) + (symbol - ap_trampoline), &value, sizeof(value));
}

uint32_t offset_of(const char* symbol) {
    return static_cast<uint32_t>(symbol - ap_trampoline);
}

} // namespace

bool prepare_trampoline() {
    std::memcpy(direct_map(trampoline), ap_trampoline, static_cast<size_t>(ap_trampoline_end - ap_trampoline));
    put(ap_gdt_pointer + 2, static_cast<uint32_t>(trampoline) + offset_of(ap_gdt));
    put(ap_far_pointer, static_cast<uint32_t>(trampoline) + offset_of(ap_long));
    put(ap_cr3, page_table_root());
    // The new CPU switches paging on in this page: it must be mapped where it lies.
    return page_table_root() <= UINT32_MAX &&
           map_page(trampoline, trampoline, {.executable = true, .borrowed = true}).has_value();
}

void release_trampoline() {
    unmap_page(trampoline);
}

void start_secondary_cpu(CpuLocal& cpu, uint64_t stack_top, void (*entry)(CpuLocal&)) {
    put(ap_stack, stack_top);
    put(ap_argument, &cpu);
    put(ap_entry, entry);
    start_cpu(cpu.apic_id, trampoline / 4096);
}

void initialize_secondary_cpu(CpuLocal& cpu) {
    load_page_table();
    initialize_cpu(cpu);
    initialize_fpu();
    initialize_local_apic();
}

} // namespace arch
