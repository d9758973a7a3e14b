#include "libos/debug/WatchedStep.h"

#include "libos/debug/GuestMemory.h"
#include "libos/debug/WatchPoints.h"
#include "libos/debug/arch/ReadOperand.h"
#include "libos/debug/arch/StepPlan.h"
#include "libos/sched/Thread.h"

namespace debug {

constinit bool g_watched_step[arch::max_cpus] = {};

namespace {

struct Datum {
    arch::WatchPoint point;
    uint64_t value = 0;
    bool is_there = false;
    bool is_read = false; ///< by the instruction that is stepped
};

struct Step {
    Datum data[arch::watch_registers];
    int hit = -1;
};
constinit Step g_steps[arch::max_cpus]; // by CPU; its own only

bool is_data(const arch::WatchPoint& point) {
    return point.used && point.kind != arch::WatchKind::Execute;
}

bool look(const arch::WatchPoint& point, uint64_t& value) {
    uint8_t bytes[sizeof(value)] = {};
    if (guest_memory::read_present(point.address, std::span(bytes).first(point.length)) != point.length)
        return false;
    __builtin_memcpy(&value, bytes, sizeof(value));
    return true;
}

/// What the instruction that is next reads; of size 0 where nothing is known.
ReadOperand operand_at(const arch::TrapFrame& frame) {
    uint8_t text[longest_step_text];
    size_t size = guest_memory::read_present(frame.pc(), text);
    const auto* thread = arch::this_cpu().current;
    auto operand = read_operand(frame, std::span(text).first(size), thread != nullptr ? thread->fs_base : 0);
    return operand ? *operand : ReadOperand{};
}

void disarm_data() {
    arch::WatchPoint rest[arch::watch_registers];
    for (unsigned i = 0; i < arch::watch_registers; ++i) {
        const auto& point = watch_points().at(static_cast<int>(i));
        rest[i] = is_data(point) ? arch::WatchPoint{} : point;
    }
    arch::load_watch_points(rest);
}

} // namespace

bool watches_data() {
    for (unsigned i = 0; i < arch::watch_registers; ++i) {
        if (is_data(watch_points().at(static_cast<int>(i))))
            return true;
    }
    return false;
}

void begin_watched_step(const arch::TrapFrame& frame) {
    uint32_t self = arch::this_cpu().index;
    auto& step = g_steps[self];
    disarm_data();
    std::optional<ReadOperand> operand; // of no use to data of which only the changes are watched
    for (unsigned i = 0; i < arch::watch_registers; ++i) {
        auto& datum = step.data[i];
        datum = {.point = watch_points().at(static_cast<int>(i))};
        if (!is_data(datum.point))
            continue;
        datum.is_there = look(datum.point, datum.value);
        if (datum.point.kind != arch::WatchKind::ReadWrite)
            continue;
        if (!operand)
            operand = operand_at(frame);
        datum.is_read = operand->address < datum.point.address + datum.point.length &&
                        datum.point.address < operand->address + operand->size;
    }
    g_watched_step[self] = true;
}

void resume_watched_step() {
    disarm_data();
    g_watched_step[arch::this_cpu().index] = true;
}

void end_watched_step(bool is_done) {
    uint32_t self = arch::this_cpu().index;
    auto& step = g_steps[self];
    g_watched_step[self] = false;
    step.hit = -1;
    watch_points().apply();
    for (unsigned i = 0; is_done && i < arch::watch_registers; ++i) {
        const auto& datum = step.data[i];
        const auto& now = watch_points().at(static_cast<int>(i));
        // Changed by the debugger meanwhile: another one.
        if (!is_data(datum.point) || !now.used || now.address != datum.point.address)
            continue;
        uint64_t value = 0;
        bool is_there = look(datum.point, value);
        bool is_changed = is_there && (!datum.is_there ? value != 0 : value != datum.value);
        if (is_changed || datum.is_read) {
            step.hit = static_cast<int>(i);
            return;
        }
    }
}

int take_watched_step_hit() {
    auto& step = g_steps[arch::this_cpu().index];
    int hit = step.hit;
    step.hit = -1;
    return hit;
}

} // namespace debug
