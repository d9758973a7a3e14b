#include "tracer/analysis/CoreEvents.h"

#include "tracer/analysis/Timeline.h"

#include <map>
#include <string_view>

namespace tracer {

namespace {

struct Rule {
    CoreEvent event;
    std::array<std::string_view, 5> fields; ///< alternatives are separated by '|'
    int required;                           ///< so many of the first must exist
};

// The order of the fields is what TimelineBuilder reads them by.
const std::map<std::string_view, Rule, std::less<>> g_rules = {
    {"sched_switch", {CoreEvent::SchedSwitch, {"prev_tid", "prev_state", "next_tid", "prev_comm", "next_comm"}, 3}},
    {"sched_waking", {CoreEvent::SchedWaking, {"tid", "comm", "target_cpu"}, 1}},
    {"sched_wakeup", {CoreEvent::SchedWakeup, {"tid", "comm", "target_cpu"}, 1}},
    {"sched_wakeup_new", {CoreEvent::SchedWakeup, {"tid", "comm", "target_cpu"}, 1}},
    {"sched_rename", {CoreEvent::ThreadRename, {"tid", "comm"}, 2}},
    {"sched_process_fork", {CoreEvent::ThreadStart, {"child_tid", "child_comm"}, 1}},
    {"sched_process_exit", {CoreEvent::ThreadExit, {"tid", "comm"}, 1}},
    {"irq_handler_entry", {CoreEvent::InterruptEntry, {"irq"}, 1}},
    {"irq_handler_exit", {CoreEvent::InterruptExit, {"irq"}, 0}},
    {"page_fault_user", {CoreEvent::PageFaultEntry, {"address", "ip"}, 1}},
    {"page_fault_kernel", {CoreEvent::PageFaultEntry, {"address", "ip"}, 1}},
    {"page_fault_exit", {CoreEvent::PageFaultExit, {}, 0}},
    {"debugger_stop", {CoreEvent::DebuggerStop, {"tid", "reason"}, 0}},
    {"debugger_resume", {CoreEvent::DebuggerResume, {}, 0}},
    {"tick_sample", {CoreEvent::Sample, {"tid", "ip"}, 2}},
    {"lttng_statedump_process_state", {CoreEvent::ThreadState, {"tid", "name", "status", "cpu", "type"}, 1}},
};

const Rule g_system_call_entry = {CoreEvent::SystemCallEntry, {"nr"}, 0};
const Rule g_system_call_exit = {CoreEvent::SystemCallExit, {"ret", "nr"}, 1};

uint32_t system_call_number(std::string_view name) {
    static const auto numbers = [] {
        std::map<std::string, uint32_t, std::less<>> result;
        for (uint32_t number = 0; number < 512; ++number)
            result.emplace(system_call_name(number), number);
        return result;
    }();
    auto found = numbers.find(name);
    return found == numbers.end() ? no_system_call : found->second;
}

} // namespace

static CoreEventType apply(const Rule& rule, const EventType& type) {
    CoreEventType result;
    for (size_t i = 0; i < rule.fields.size() && !rule.fields[i].empty(); ++i) {
        int field = type.find_field(rule.fields[i]);
        if (field < 0 && static_cast<int>(i) < rule.required)
            return {};
        bool usable = field >= 0 && field < 127;
        result.field[i] = usable ? static_cast<int8_t>(field) : int8_t{-1};
    }
    result.event = rule.event;
    return result;
}

static CoreEventType classify(const EventType& type) {
    static constexpr std::string_view entry = "syscall_entry";
    static constexpr std::string_view exit = "syscall_exit";
    std::string_view name = type.name;
    if (name.starts_with(entry) || name.starts_with(exit)) {
        bool is_entry = name.starts_with(entry);
        auto core = apply(is_entry ? g_system_call_entry : g_system_call_exit, type);
        name.remove_prefix(is_entry ? entry.size() : exit.size());
        if (name.starts_with("_"))
            core.system_call = system_call_number(name.substr(1));
        if (is_entry && core.system_call == no_system_call && core.field[0] < 0)
            return {};
        return core;
    }
    auto rule = g_rules.find(name);
    return rule == g_rules.end() ? CoreEventType{} : apply(rule->second, type);
}

std::vector<CoreEventType> classify(const Schema& schema) {
    std::vector<CoreEventType> result;
    result.reserve(schema.types().size());
    for (const auto& type : schema.types())
        result.push_back(classify(type));
    return result;
}

Schema core_schema() {
    using enum FieldKind;
    Schema schema;
    auto type = [&schema](std::string name, std::initializer_list<Field> fields) {
        EventType event;
        event.id = static_cast<uint16_t>(schema.types().size() + 1);
        event.name = std::move(name);
        for (const auto& field : fields)
            event.add(field.name, field.kind, field.size);
        (void)schema.add(std::move(event));
    };
    const Field comm{"comm", Text, 16};
    const Field tid{"tid", Signed, 4};
    const Field prio{"prio", Signed, 4};
    const Field nr{"nr", Unsigned, 8};
    const Field address{"address", Address, 8};
    const Field ip{"ip", Address, 8};
    type("sched_switch", {{"prev_comm", Text, 16},
                          {"prev_tid", Signed, 4},
                          {"prev_prio", Signed, 4},
                          {"prev_state", Signed, 8},
                          {"next_comm", Text, 16},
                          {"next_tid", Signed, 4},
                          {"next_prio", Signed, 4}});
    type("sched_waking", {comm, tid, prio, {"target_cpu", Signed, 4}});
    type("sched_wakeup", {comm, tid, prio, {"target_cpu", Signed, 4}});
    type("sched_process_fork", {{"parent_comm", Text, 16},
                                {"parent_tid", Signed, 4},
                                {"parent_pid", Signed, 4},
                                {"child_comm", Text, 16},
                                {"child_tid", Signed, 4},
                                {"child_pid", Signed, 4}});
    type("sched_process_exit", {comm, tid, prio});
    type("sched_rename", {comm, tid});
    type("syscall_entry", {nr,
                           {"arg0", Address, 8},
                           {"arg1", Address, 8},
                           {"arg2", Address, 8},
                           {"arg3", Address, 8},
                           {"arg4", Address, 8},
                           {"arg5", Address, 8}});
    type("syscall_exit", {nr, {"ret", Signed, 8}});
    type("irq_handler_entry", {{"irq", Signed, 4}, {"name", String, 32}});
    type("irq_handler_exit", {{"irq", Signed, 4}, {"ret", Signed, 4}});
    type("page_fault_user", {address, ip, {"error_code", Address, 8}});
    type("page_fault_exit", {address, {"ret", Signed, 4}});
    type("debugger_stop", {{"reason", Signed, 4}, tid});
    type("debugger_resume", {});
    type("tick_sample", {tid, ip});
    type("lttng_statedump_process_state",
         {tid, {"name", Text, 16}, {"type", Signed, 4}, {"status", Signed, 4}, {"cpu", Unsigned, 4}});
    return schema;
}

} // namespace tracer
