#include "libos/trap/DeviceInterrupts.h"

#include "libos/debug/Debugger.h"
#include "libos/trace/Events.h"

#include <arch/Exceptions.h>
#include <arch/LocalApic.h>

namespace trap {

namespace {

struct Line {
    static constexpr unsigned max_handlers = 4;
    const char* name = "";
    Handler handlers[max_handlers] = {};
    void* contexts[max_handlers] = {};
    unsigned count = 0;
};

constexpr unsigned max_lines = arch::last_device_vector - arch::first_device_vector + 1;
constinit Line g_lines[max_lines];
constinit unsigned g_line_count = 0;

} // namespace

base::Result<unsigned> add_interrupt(const char* name, Handler handler, void* context) {
    if (g_line_count == max_lines)
        return base::fail(base::Error::NoSpace);
    unsigned index = g_line_count++;
    g_lines[index].name = name;
    TRY(share_interrupt(index, handler, context));
    return index;
}

base::Result<> share_interrupt(unsigned index, Handler handler, void* context) {
    auto& line = g_lines[index];
    if (line.count == Line::max_handlers)
        return base::fail(base::Error::NoSpace);
    line.handlers[line.count] = handler;
    line.contexts[line.count] = context;
    ++line.count;
    return {};
}

void on_device_interrupt(arch::TrapFrame& frame, unsigned index) {
    if (index >= g_line_count)
        return;
    auto& line = g_lines[index];
    trace::irq_handler_entry(index, line.name);
    for (unsigned i = 0; i < line.count; ++i)
        line.handlers[i](line.contexts[i]);
    trace::irq_handler_exit(index);
    debug::stop_if_requested(frame);
}

} // namespace trap
