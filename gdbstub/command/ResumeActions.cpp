// The vCont packet's list of actions: GDB manual, "Packets": "vCont;action[:thread-id]...".

#include "gdbstub/Signals.h"
#include "gdbstub/command/Parser.h"

namespace gdbstub {

namespace {

std::optional<ResumeAction> parse_action(Scanner& scanner) {
    ResumeAction action;
    bool with_signal = false;
    if (scanner.accept('c') || (with_signal = scanner.accept('C'))) {
        action.kind = ResumeKind::Continue;
    } else if (scanner.accept('s') || (with_signal = scanner.accept('S'))) {
        action.kind = ResumeKind::Step;
    } else if (scanner.accept('t')) {
        action.kind = ResumeKind::Stay;
    } else if (scanner.accept('r')) {
        action.kind = ResumeKind::RangeStep;
        auto begin = scanner.hex();
        if (!begin || !scanner.accept(','))
            return std::nullopt;
        auto end = scanner.hex();
        if (!end)
            return std::nullopt;
        action.range_begin = *begin;
        action.range_end = *end;
    } else {
        return std::nullopt;
    }
    if (with_signal) {
        auto signal_untrusted = scanner.hex();
        if (!signal_untrusted)
            return std::nullopt;
        action.signal = to_linux_signal(*signal_untrusted);
        if (action.signal < 0)
            return std::nullopt;
    }
    return action;
}

} // namespace

bool parse_resume_actions(std::string_view actions_untrusted, ResumePlan& plan) {
    plan.clear();
    Scanner scanner(actions_untrusted);
    do {
        auto action = parse_action(scanner);
        if (!action)
            return false;
        ThreadId thread = ResumePlan::every_thread;
        if (scanner.accept(':')) {
            auto selector = parse_thread(scanner);
            // "Any" has no meaning here.
            if (!selector || selector->kind == ThreadSelector::Kind::Any)
                return false;
            if (selector->kind == ThreadSelector::Kind::One)
                thread = selector->id;
        }
        if (!plan.add(thread, *action))
            return false;
    } while (scanner.accept(';'));
    return scanner.at_end();
}

} // namespace gdbstub
