#include "tracer/crash/RewriteCore.h"

#include "tracer/arch/Registers.h"
#include "tracer/crash/MachineDump.h"
#include "tracer/image/Image.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace crash {

using tracer::Result;

namespace {

constexpr uint32_t most_threads = 65536;
constexpr uint32_t most_cpus = 1024;
constexpr uint32_t first_cpu_tid = 1'000'000; ///< of a CPU on which no known thread runs
constexpr uint64_t page = 4096;
constexpr uint64_t largest_ring = 256 << 20;

class Rewriter {
public:
    Rewriter(const MachineDump& dump, const tracer::Image& image)
        : m_dump(dump)
        , m_image(image) {}

    CoreContents contents(CoreOccasion occasion, std::string_view reason) {
        bool has_root = find_root();
        if (has_root) {
            read_cpus();
            read_threads();
            read_rings();
            read_to(m_root.hello, m_contents.hello);
            read_reason();
        }
        add_cpus_without_thread();
        if (occasion == CoreOccasion::Failure)
            choose_culprit();
        else
            choose_running();
        auto& header = m_contents.reason.header;
        header.origin = static_cast<uint32_t>(wire::CoreOrigin::Host);
        auto& text = m_contents.reason.text;
        text = text.empty() ? std::string(reason) : fmt::format("{}; {}", text, reason);
        m_contents.command = m_image.path().string();
        if (occasion == CoreOccasion::OnDemand)
            header.flags |= wire::CoreReasonOnDemand;
        m_contents.ranges = m_dump.mapped_ranges();
        add_window_ranges();
        return std::move(m_contents);
    }

private:
    template <typename T>
    bool read_to(uint64_t address_untrusted, T& value) const {
        return address_untrusted != 0 &&
               m_dump.read(address_untrusted, {reinterpret_cast<uint8_t*>(&value), sizeof(T)});
    }

    bool find_root() {
        auto symbol = m_image.find_symbol(wire::crash_root_symbol);
        return symbol && read_to(symbol->address, m_root) && m_root.magic == wire::crash_root_magic &&
               m_root.version == wire::crash_root_version && m_root.size >= sizeof(m_root);
    }

    /// The machine's CPU whose GS base is that of the kernel's CPU.
    const MachineCpu* machine_cpu(const wire::CrashCpu& cpu) const {
        for (const auto& candidate : m_dump.cpus())
            if (candidate.registers.gs_base == cpu.gs_base || candidate.kernel_gs_base == cpu.gs_base)
                return &candidate;
        return nullptr;
    }

    void read_cpus() {
        for (uint32_t i = 0; i < std::min(m_root.cpu_count, most_cpus); ++i) {
            wire::CrashCpu cpu{};
            if (!read_to(m_root.cpus + uint64_t{i} * sizeof(cpu), cpu))
                break;
            m_cpus.push_back(cpu);
            m_contents.cpus.push_back(cpu.cpu);
        }
    }

    void apply_layout(const wire::CrashFrameLayout& layout, uint64_t frame, wire::CoreRegisters& registers) const {
        std::array<uint64_t, wire::core_register_count> values{};
        for (size_t i = 0; i < values.size(); ++i) {
            if (layout.offset[i] != wire::CrashFrameLayout::not_saved)
                read_to(frame + layout.offset[i], values[i]);
            else if (i == tracer::stack_pointer_index)
                values[i] = frame + layout.size;
        }
        registers = std::bit_cast<wire::CoreRegisters>(values);
    }

    void read_threads() {
        std::vector<uint64_t> table(std::min(m_root.thread_capacity, most_threads));
        if (!m_dump.read(m_root.threads, {reinterpret_cast<uint8_t*>(table.data()), table.size() * 8}))
            return;
        for (uint64_t address : table) {
            wire::CrashThread thread{};
            if (address == 0 || !read_to(address, thread))
                continue;
            CoreThreadState state{
                .tid = thread.thread.tid, .signal = 0, .registers = {}, .info = thread.thread, .has_info = true};
            auto on = std::ranges::find(m_cpus, address, &wire::CrashCpu::current);
            const MachineCpu* cpu = on == m_cpus.end() ? nullptr : machine_cpu(*on);
            if (cpu) {
                state.registers = cpu->registers;
                m_taken.push_back(cpu);
            } else if (thread.switch_frame != 0) {
                apply_layout(m_root.switch_layout, thread.switch_frame, state.registers);
                state.registers.fs_base = thread.fs_base;
            } else if (thread.user_frame != 0) {
                apply_layout(m_root.user_layout, thread.user_frame, state.registers);
                state.registers.fs_base = thread.fs_base;
            } else {
                continue; // exited, or not started yet
            }
            m_contents.threads.push_back(state);
            m_addresses.push_back(address);
        }
    }

    void read_rings() {
        for (uint32_t i = 0; i < std::min(m_root.ring_count, most_cpus); ++i) {
            wire::CrashRing ring{};
            if (!read_to(m_root.rings + uint64_t{i} * sizeof(ring), ring))
                break;
            uint64_t head = 0;
            uint32_t limit = 0;
            uint64_t size = ring.ring.sub_buffer_size;
            if (size != 0 && read_to(ring.head, head) && read_to(ring.limit, limit) && limit >= size) {
                ring.ring.current = limit / size - 1;
                uint64_t offset = head & 0xffffffff;
                uint64_t begin = ring.ring.current * size;
                ring.ring.current_used = offset >= begin ? std::min(offset - begin, size) : 0;
            }
            read_to(ring.produced, ring.ring.produced);
            read_to(ring.discarded, ring.ring.discarded);
            m_contents.rings.push_back(ring.ring);
        }
    }

    /// What lies only in the window onto all physical memory, which the mapped ranges leave out: the rings, and what
    /// each CPU has of its own.
    void add_window_ranges() {
        auto& ranges = m_contents.ranges;
        const size_t mapped = ranges.size();
        auto add = [&](uint64_t address_untrusted, uint64_t size_untrusted) {
            const uint64_t begin = address_untrusted & ~(page - 1);
            const uint64_t size = (address_untrusted - begin + size_untrusted + page - 1) & ~(page - 1);
            std::array<uint8_t, 1> probe{};
            if (size == 0 || size > largest_ring || begin + size < begin || !m_dump.read(begin, probe))
                return;
            auto overlaps = [&](const CoreRange& range) {
                return range.address < begin + size && begin < range.address + range.size;
            };
            if (std::ranges::none_of(ranges, overlaps))
                ranges.push_back({.address = begin, .size = size, .flags = PF_R | PF_W});
        };
        for (const auto& ring : m_contents.rings)
            add(ring.address, std::min<uint64_t>(ring.sub_buffer_size, largest_ring) * ring.sub_buffer_count);
        for (const auto& cpu : m_cpus)
            add(cpu.gs_base, page);
        if (ranges.size() != mapped)
            std::ranges::sort(ranges, {}, &CoreRange::address);
    }

    void read_reason() {
        static constexpr uint32_t longest = 4096;
        auto& reason = m_contents.reason;
        if (!read_to(m_root.reason, reason.header))
            return;
        reason.text.resize(std::min(reason.header.text_length, longest));
        if (!m_dump.read(m_root.reason + sizeof(reason.header),
                         {reinterpret_cast<uint8_t*>(reason.text.data()), reason.text.size()}))
            reason.text.clear();
        m_culprit_tid = m_root.culprit_tid;
    }

    /// A CPU on which no known thread runs becomes a thread of its own.
    void add_cpus_without_thread() {
        for (const auto& cpu : m_dump.cpus()) {
            if (std::ranges::find(m_taken, &cpu) != m_taken.end())
                continue;
            CoreThreadState state;
            auto number = static_cast<uint32_t>(&cpu - m_dump.cpus().data());
            state.tid = first_cpu_tid + number;
            state.registers = cpu.registers;
            state.info.tid = state.tid;
            state.info.cpu = number;
            state.info.system_call = wire::core_no_system_call;
            fmt::format_to_n(state.info.name, sizeof(state.info.name) - 1, "CPU {}", number);
            state.has_info = true;
            m_contents.threads.push_back(state);
            m_addresses.push_back(0);
        }
    }

    /// The one that the kernel had begun to report; else who runs on a CPU that broke: one that can take no exceptions
    /// or whose stack is not mapped, which is what triple faults come from; else on the CPU whose last tick is oldest,
    /// and of CPUs that tell no ticks the first with interrupts off.
    void choose_culprit() {
        auto& threads = m_contents.threads;
        size_t culprit = threads.size();
        if (m_culprit_tid)
            culprit = static_cast<size_t>(std::ranges::find(threads, *m_culprit_tid, &CoreThreadState::tid) -
                                          threads.begin());
        for (const auto& cpu : m_dump.cpus()) {
            uint64_t word = 0;
            const bool broken =
                cpu.cannot_take_exceptions || !m_dump.read(tracer::stack_pointer(cpu.registers) & ~uint64_t{7},
                                                           {reinterpret_cast<uint8_t*>(&word), sizeof(word)});
            auto ours = std::ranges::find(m_cpus, cpu.registers.gs_base, &wire::CrashCpu::gs_base);
            if (culprit == threads.size() && broken && ours != m_cpus.end())
                culprit = static_cast<size_t>(std::ranges::find(m_addresses, ours->current) - m_addresses.begin());
        }
        auto oldest = std::ranges::min_element(m_cpus, {}, [](const wire::CrashCpu& cpu) { return cpu.cpu.last_tick; });
        if (culprit == threads.size() && oldest != m_cpus.end() && m_cpus.size() > 1)
            culprit = static_cast<size_t>(std::ranges::find(m_addresses, oldest->current) - m_addresses.begin());
        for (size_t i = 0; culprit == threads.size() && i < threads.size(); ++i)
            if (threads[i].info.state == static_cast<uint32_t>(wire::CoreThreadState::Running) &&
                !tracer::interrupts_enabled(threads[i].registers))
                culprit = i;
        if (culprit == threads.size())
            culprit = 0;
        put_first(culprit);
        static constexpr int sigabrt = 6;
        threads.front().signal =
            m_contents.reason.header.signal != 0 ? static_cast<int>(m_contents.reason.header.signal) : sigabrt;
    }

    /// Nothing went wrong: a thread that ran, if any did, else the first.
    void choose_running() {
        auto& threads = m_contents.threads;
        auto running = std::ranges::find_if(threads, [](const CoreThreadState& thread) {
            return thread.info.state == static_cast<uint32_t>(wire::CoreThreadState::Running) &&
                   thread.tid < first_cpu_tid;
        });
        put_first(running == threads.end() ? 0 : static_cast<size_t>(running - threads.begin()));
    }

    void put_first(size_t index) {
        auto thread = m_contents.threads.begin() + static_cast<std::ptrdiff_t>(index);
        std::rotate(m_contents.threads.begin(), thread, thread + 1);
    }

    const MachineDump& m_dump;
    const tracer::Image& m_image;
    wire::CrashRoot m_root{};
    CoreContents m_contents;
    std::vector<wire::CrashCpu> m_cpus;
    std::vector<const MachineCpu*> m_taken;
    std::vector<uint64_t> m_addresses; ///< of each thread's CrashThread
    std::optional<uint32_t> m_culprit_tid;
};

} // namespace

Result<> rewrite_core(const std::filesystem::path& dump_path, const std::filesystem::path& image_path,
                      const std::filesystem::path& output, CoreOccasion occasion, std::string_view reason) {
    auto image = TRY(tracer::Image::open(image_path));
    auto dump = TRY(MachineDump::open(dump_path));
    auto contents = Rewriter(dump, image).contents(occasion, reason);
    return write_core(output, contents,
                      [&dump](uint64_t address, std::span<uint8_t> to) { return dump.read(address, to); });
}

} // namespace crash
