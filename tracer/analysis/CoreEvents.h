#pragma once
// Which event types mean something to the timeline, found by their names: the LTTng kernel names where one exists.

#include "tracer/trace/Schema.h"

#include <array>
#include <cstdint>
#include <vector>

namespace tracer {

enum class CoreEvent : uint8_t {
    Other,
    SchedSwitch,
    SchedWaking,
    SchedWakeup,
    ThreadStart,
    ThreadRename,
    ThreadExit,
    SystemCallEntry,
    SystemCallExit,
    InterruptEntry,
    InterruptExit,
    PageFaultEntry,
    PageFaultExit,
    DebuggerStop,
    DebuggerResume,
    Sample,
    ThreadState,
};

/// What an event type is, and where the fields are that its handler reads; -1 for a field that the type does not have.
struct CoreEventType {
    CoreEvent event = CoreEvent::Other;
    std::array<int8_t, 5> field{-1, -1, -1, -1, -1}; ///< by the order in CoreEvents.cpp
    uint32_t system_call = 0xffffffff;               ///< of a type that is one system call's: syscall_entry_read
};

/// One per type of the schema, by its index. A type that lacks a field its handler cannot do without is Other.
std::vector<CoreEventType> classify(const Schema& schema);

/// The types that the kernel itself defines, for synthetic traces. Ids count from 1 in this order.
Schema core_schema();

} // namespace tracer
