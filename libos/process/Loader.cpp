// Loading the app: its segments lie in memory already, put there by the boot loader; they get their mappings and
// protections, the stack gets what the System V ABI (x86-64, section 3.4.1) wants there.
#include "libos/base/Bits.h"
#include "libos/base/Elf.h"
#include "libos/base/Text.h"
#include "libos/boot/Boot.h"
#include "libos/memory/AddressSpace.h"
#include "libos/memory/UserMemory.h"
#include "libos/process/Process.h"
#include "libos/process/Random.h"
#include "libos/process/StartState.h"
#include "libos/sched/Scheduler.h"

#include <arch/AppStart.h>
#include <arch/Image.h>
#include <arch/PageTable.h>
#include <cstring>

namespace process {

using base::Error;
using base::fail;

namespace {

constexpr uint64_t page = arch::page_size;
constexpr uint64_t stack_size = 8u << 20;
constexpr uint64_t stack_top = 0x00007ffffffe0000;

constinit StartState g_start_state;

/// Builds the initial stack from the top down.
class StackBuilder {
public:
    explicit StackBuilder(uint64_t top)
        : m_at(top) {}
    base::Result<uint64_t> push_bytes(std::span<const std::byte> bytes, uint64_t alignment = 1) {
        m_at = base::align_down(m_at - bytes.size(), alignment);
        TRY(memory::copy_to_user(m_at, bytes));
        return m_at;
    }
    base::Result<uint64_t> push_string(std::string_view text) {
        --m_at;
        TRY(memory::write_user(m_at, '\0'));
        return push_bytes(std::as_bytes(std::span(text)));
    }
    base::Result<> push_word(uint64_t value) {
        m_at -= sizeof(value);
        return memory::write_user(m_at, value);
    }
    void align(uint64_t alignment) { m_at = base::align_down(m_at, alignment); }
    uint64_t at() const { return m_at; }

private:
    uint64_t m_at;
};

/// The image's first page, by the direct map: it is readable there before its segment is mapped.
const base::elf::Header& image_header() {
    return *static_cast<const base::elf::Header*>(arch::direct_map(reinterpret_cast<uint64_t>(__ehdr_start)));
}

base::Result<> adopt_segments(const base::elf::Header& header) {
    const auto* segments = reinterpret_cast<const base::elf::ProgramHeader*>(reinterpret_cast<uint64_t>(&header) +
                                                                             header.program_header_offset);
    auto& space = memory::address_space();
    uint64_t end_of_app = 0;
    for (unsigned i = 0; i < header.program_header_count; ++i) {
        const auto& segment = segments[i];
        if (segment.type != base::elf::load || segment.memory_size == 0 ||
            arch::libos_image().contains(segment.virtual_address))
            continue;
        if (segment.virtual_address != segment.physical_address)
            return fail(Error::NoExec); // linked by a script of the app's own: see docs/limits.md
        memory::Protection protection{true, (segment.flags & base::elf::writable) != 0,
                                      (segment.flags & base::elf::executable) != 0};
        if (protection.write && protection.execute)
            return fail(Error::Access); // W^X
        uint64_t start = base::align_down(segment.virtual_address, page);
        uint64_t end = base::align_up(segment.virtual_address + segment.memory_size, page);
        TRY(space.adopt(start, end, protection, start, "/proc/self/exe"));
        if (end > end_of_app)
            end_of_app = end;
    }
    space.set_heap_start(end_of_app);
    return space.reserve(arch::libos_image().start, arch::slot_range().end, "{libos}");
}

} // namespace

const StartState& start_state() {
    return g_start_state;
}

base::Result<> map_image() {
    if (__ehdr_start == nullptr)
        return fail(Error::NoExec);
    return adopt_segments(image_header());
}

base::Result<> start_app(const boot::CommandLine& line) {
    const auto& header = image_header();
    auto& space = memory::address_space();
    TRY(space.map({.address = stack_top - stack_size,
                   .length = stack_size,
                   .protection = {.read = true, .write = true},
                   .fixed = true,
                   .grows_down = true,
                   .label = "[stack]"}));

    StackBuilder stack(stack_top);
    TRY(stack.push_word(0));
    std::string_view name = line.argument_count != 0 ? line.arguments[0] : executable_path();
    uint64_t path = TRY(stack.push_string(name));
    // From the lowest address: argc, argv, 0, envp, 0, the auxiliary vector (System V ABI, "Process Initialization").
    constexpr size_t max_auxiliary_words = 48;
    uint64_t words[1 + 2 * (boot::CommandLine::max_words + 1) + max_auxiliary_words] = {line.argument_count};
    uint64_t* arguments = words + 1;
    uint64_t* environment = arguments + line.argument_count + 1;
    uint64_t* auxiliary_words = environment + line.environment_count + 1;
    g_start_state.environment_end = stack.at();
    for (size_t i = line.environment_count; i-- > 0;)
        environment[i] = TRY(stack.push_string(line.environment[i]));
    g_start_state.environment_start = g_start_state.arguments_end = stack.at();
    for (size_t i = line.argument_count; i-- > 0;)
        arguments[i] = TRY(stack.push_string(line.arguments[i]));
    g_start_state.arguments_start = stack.at();
    std::byte random[16];
    random_source().fill(random);
    uint64_t random_address = TRY(stack.push_bytes(random, 16));
    uint64_t platform_name = TRY(stack.push_string(arch::platform_name));

    using namespace base::elf;
    const AuxiliaryEntry auxiliary[] = {
        {at_hwcap, arch::hardware_capabilities()},
        {at_page_size, page},
        {at_clock_ticks, 100},
        {at_phdr, reinterpret_cast<uint64_t>(__ehdr_start) + header.program_header_offset},
        {at_phent, header.program_header_size},
        {at_phnum, header.program_header_count},
        {at_base, 0},
        {at_flags, 0},
        {at_entry, header.entry},
        {at_uid, 0},
        {at_euid, 0},
        {at_gid, 0},
        {at_egid, 0},
        {at_secure, 0},
        {at_random, random_address},
        {at_hwcap2, 0},
        {at_execfn, path},
        {at_platform, platform_name},
        {at_minsigstksz, arch::minimum_signal_stack()},
        {at_null, 0},
    };
    static_assert(sizeof(auxiliary) <= max_auxiliary_words * sizeof(uint64_t));
    std::memcpy(auxiliary_words, auxiliary, sizeof(auxiliary));
    size_t count = static_cast<size_t>(auxiliary_words - words) + std::size(auxiliary) * 2;
    stack.align(16);
    if (count % 2 != 0)
        TRY(stack.push_word(0));
    uint64_t first = TRY(stack.push_bytes(std::as_bytes(std::span(words, count))));
    g_start_state.auxiliary_end = first + count * sizeof(uint64_t);
    g_start_state.auxiliary_start = g_start_state.auxiliary_end - sizeof(auxiliary);

    g_start_state.entry = header.entry;
    g_start_state.stack_start = stack.at();
    std::string_view short_name = name;
    if (size_t slash = name.rfind('/'); slash != std::string_view::npos)
        short_name.remove_prefix(slash + 1);
    auto* thread = TRY(sched::Thread::create_app(arch::app_start_frame(header.entry, stack.at()), 0));
    thread->set_name(short_name);
    // What the kernel's threads have to say can wait: an app that is soon up is what people look at.
    sched::scheduler().start(*thread, sched::Scheduler::Placement::Next);
    return {};
}

std::string_view executable_path() {
    // argv[0] made absolute: glibc insists on that for /proc/self/exe. Boot calls first, alone.
    static constinit base::Text<512> text;
    if (text.size() == 0) {
        const auto& line = boot::command_line();
        std::string_view name = line.argument_count != 0 ? line.arguments[0] : std::string_view("app");
        if (!name.starts_with('/'))
            text.put('/');
        text.put(name);
    }
    return text.view();
}

} // namespace process
