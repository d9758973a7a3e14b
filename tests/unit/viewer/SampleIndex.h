#pragma once
// A small trace that has one of everything, for tests of the model, the picture and the windows.
//
// Two CPUs, 0..1 ms. "alice" (tid 10) runs on CPU 0 and calls read; "bob" (tid 11) runs on CPU 1 and is woken by her.

#include "tracer/analysis/SyntheticTrace.h"
#include "tracer/analysis/TimelineBuilder.h"
#include "viewer/model/Document.h"

namespace viewer {

inline tracer::SyntheticTrace sample_trace() {
    tracer::SyntheticTrace trace;
    tracer::EventType order{.id = 0, .name = "shop:order", .fields = {}, .fixed_size = 0, .has_string = false};
    order.add("id", tracer::FieldKind::Unsigned, 8);
    trace.add_type(order);
    trace.thread(10, "alice");
    trace.thread(11, "bob");
    trace.switch_to(0, 0, 10);
    trace.switch_to(0, 1, 11);
    trace.event(100'000, 0, "syscall_entry", {{"nr", 0}});
    trace.event(300'000, 0, "syscall_exit", {{"nr", 0}, {"ret", -2}});
    trace.event(350'000, 0, "shop:order", {{"id", 77}});
    trace.switch_to(400'000, 1, 0, 1);
    trace.wake(500'000, 0, 11);
    trace.switch_to(520'000, 1, 11);
    trace.event(600'000, 1, "irq_handler_entry", {{"irq", 32}, {"name", "timer"}});
    trace.event(650'000, 1, "irq_handler_exit", {{"irq", 32}});
    trace.switch_to(800'000, 0, 0, 1);
    trace.event(1'000'000, 1, "shop:order", {{"id", 78}});
    return trace;
}

inline std::shared_ptr<const Index> sample_index() {
    return Index::build(std::make_shared<tracer::Timeline>(sample_trace().timeline()), "sample");
}

/// The sample with a debugger's stop, a crash at the end, and events lost on CPU 1.
inline std::shared_ptr<const Index> damaged_index() {
    tracer::SyntheticTrace trace = sample_trace();
    trace.event(850'000, 0, "debugger_stop", {{"tid", 11}, {"signal", 5}});
    trace.event(930'000, 0, "debugger_resume");
    auto events = std::make_shared<std::vector<tracer::SyntheticTrace::Event>>(trace.events());
    tracer::TimelineBuilder builder(trace.schema());
    builder.keep(events);
    for (const auto& event : *events)
        builder.add(event.time, event.cpu, event.type, event.payload.data());
    builder.add_loss({.cpu = 1, .begin = 700'000, .end = 780'000, .count = 12});
    builder.add_mark(
        {.kind = tracer::Mark::Kind::Crash, .begin = 990'000, .end = 990'000, .thread = 1, .text = "page fault"});
    return Index::build(std::make_shared<tracer::Timeline>(std::move(builder).finish()), "damaged");
}

inline Document document_of(std::shared_ptr<const Index> index) {
    return {"sample", std::move(index), nullptr};
}

inline std::shared_ptr<const Index> busy_index(std::uint32_t cpus, std::uint32_t threads, Time duration) {
    return Index::build(std::make_shared<tracer::Timeline>(tracer::make_busy_trace(cpus, threads, duration).timeline()),
                        "busy");
}

} // namespace viewer
