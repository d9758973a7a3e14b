#pragma once
// TextPatcher: the owner of every change to program text, the app's and the kernel's.
//
// Layers, upper over lower: breakpoint over probe site over the image. Whoever reads text (the debugger, a core) gets
// the image's own bytes. Text is never writable where it is mapped; changes go through the direct map.
//
// In the stopped world bytes are simply stored, since every other CPU resumes through an instruction that serialises
// it. In the running world a site of several bytes changes in three phases (breakpoint instruction on the first byte,
// the tail, the first byte), each stored twice with all CPUs' acknowledgement after each: what QEMU's translator needs
// to neither tear nor lose an update. A CPU that meets the transient breakpoint is sent on by resolve_transient().

#include "gdbstub/FunctionRef.h"
#include "libos/base/Result.h"
#include "libos/sched/SpinLock.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace debug {

/// One place of several bytes that is switched between two contents.
struct TextChange {
    static constexpr size_t max_size = 8;
    uint64_t address = 0;
    uint8_t size = 0;
    uint8_t bytes[max_size] = {};
    uint64_t continue_at = 0; ///< where a CPU goes on that meets the place half-changed
};

class TextPatcher {
public:
    constexpr TextPatcher() = default;

    /// Boot: how many places change() will meet; before its first call.
    base::Result<> reserve_sites(size_t count);

    // --- running world, thread context: probe sites ---
    /// Changes all places as one batch. The image's bytes of a place are remembered at its first change.
    base::Result<> change(std::span<const TextChange> changes);

    /// From #BP: `address` is a place being changed now; `*continue_at` is where the interrupted code goes on.
    bool resolve_transient(uint64_t address, uint64_t* continue_at) const;

    // --- stopped world: breakpoints and the debugger's writes ---
    base::Result<> insert_breakpoint(uint64_t address);
    base::Result<> remove_breakpoint(uint64_t address);
    /// One that the debugger knows as inserted.
    bool has_breakpoint(uint64_t address) const;
    /// That, or a guard.
    bool stops_at(uint64_t address) const { return has_breakpoint(address) || is_guard(address); }
    /// Takes a breakpoint's byte out of the way of code that must not stop, on its own CPU: in the stopped world, or in
    /// a no-stop section of the running one. It stays a breakpoint, and is back when the world goes on from its next
    /// stop.
    void lift_breakpoint(uint64_t address);
    /// Stopped world.
    void put_back_lifted();
    // A guard stays in the text in place of a breakpoint that the debugger has taken out only to step a thread over it,
    // which happens out of line: others that come by shall not miss the breakpoint, so they wait until it is back.
    bool is_guard(uint64_t address) const;
    /// Stopped world, before the debugger sees it.
    void take_out_guards();
    /// Stopped world, before it goes on: of the breakpoints taken out since it stopped, those that `needs_guard` names
    /// become guards.
    void put_guards(gdbstub::FunctionRef<bool(uint64_t address)> needs_guard);
    /// The text that is executed when there are no breakpoints: the image's with its probes as they are. Any context.
    /// Returns how many bytes from the start on are mapped.
    size_t read_text(uint64_t address, std::span<uint8_t> out) const;

    /// Puts the image's bytes over what was read from memory at `address`.
    void hide_changes(uint64_t address, std::span<uint8_t> bytes) const;
    /// Before `bytes` are written at `address` by the debugger: those under a breakpoint become its saved byte. Returns
    /// false for a byte that must not be stored, since a breakpoint stands there.
    bool take_write(uint64_t address, uint8_t byte);

    /// Writes to mapped memory whatever its protection. False if nothing is mapped there.
    static bool store(uint64_t address, std::span<const uint8_t> bytes);

private:
    struct Breakpoint {
        enum class State : uint8_t {
            Inserted,
            Removed, ///< in this stop; not in the text
            Guard,
        };
        uint64_t address = 0;
        State state = State::Inserted;
        uint8_t saved = 0; ///< what lies below: the image's byte or a probe site's
        /// Whoever finds its byte in its way sets it, any CPU; only the stopped world's leader clears it.
        std::atomic<bool> lifted{false};
    };
    struct Site {
        uint64_t address = 0;
        uint8_t size = 0;
        uint8_t image[TextChange::max_size] = {};
    };
    static constexpr size_t max_breakpoints = 512;

    Breakpoint* find(uint64_t address);
    const Breakpoint* find(uint64_t address) const { return const_cast<TextPatcher*>(this)->find(address); }
    void erase(Breakpoint& breakpoint);
    Site* remember(const TextChange& change);
    enum class Phase : uint8_t {
        Whole, ///< at once, where nobody else runs
        Breakpoint,
        Tail,
        FirstByte,
    };
    void store_phase(std::span<const TextChange> changes, Phase phase);
    /// A breakpoint of the debugger stays on top; what lies below it changes, unless for the moment only.
    void store_below_breakpoints(uint64_t address, std::span<const uint8_t> bytes, bool transient);

    sched::SpinLock m_lock; // change() against itself; waits for other CPUs inside, whose spinning serves requests
    Breakpoint m_breakpoints[max_breakpoints];
    size_t m_breakpoint_count = 0;
    std::span<Site> m_sites; ///< from the heap
    size_t m_site_count = 0;
    /// The batch under way; read by #BP handlers of other CPUs.
    std::atomic<const TextChange*> m_batch{nullptr};
    std::atomic<size_t> m_batch_size{0};
};

TextPatcher& text_patcher();

} // namespace debug
