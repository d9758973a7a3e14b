#pragma once
// What a client may ask for. The kernel that embeds the stub says who is connected (Session::set_access()); the stub
// refuses the rest, in words, before anything is done. One table, in the order of Command: a new kind of packet does
// not compile without its row.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "gdbstub/command/Command.h"

namespace gdbstub {

enum class Access : uint8_t {
    Nothing, ///< every packet is refused
    Observe, ///< reads; writes nothing, stops nothing, resumes nothing
    Control, ///< everything
};

/// What carrying a packet out needs, besides the session itself.
enum class Reach : uint8_t {
    Session, ///< nothing: also while the target runs
    Reading, ///< Target's reading functions; while the target runs, those of Target::live()
    Stopped, ///< the stopped world
};

struct AccessRule {
    Access minimum;
    Reach reach;
    /// For sentences and the audit.
    std::string_view what;
};

namespace access_policy {

template <typename T>
struct RuleOf {
    using Kind = T;
    AccessRule rule;
};

constexpr std::tuple rules{
    RuleOf<Unknown>{{Access::Observe, Reach::Session, "unknown packet"}},
    RuleOf<Malformed>{{Access::Observe, Reach::Session, "malformed packet"}},
    // Its answer is a stop.
    RuleOf<QueryStopReason>{{Access::Control, Reach::Stopped, "stop"}},
    RuleOf<QueryResumeActions>{{Access::Observe, Reach::Session, "vCont?"}},
    RuleOf<Resume>{{Access::Control, Reach::Stopped, "resume"}},
    RuleOf<ResumeSimply>{{Access::Control, Reach::Stopped, "resume"}},
    // An observer that leaves changes nothing: the world stays as it is.
    RuleOf<Detach>{{Access::Observe, Reach::Session, "detach"}},
    RuleOf<Kill>{{Access::Control, Reach::Stopped, "kill"}},
    RuleOf<ReadRegisters>{{Access::Observe, Reach::Reading, "read registers"}},
    RuleOf<WriteRegisters>{{Access::Control, Reach::Stopped, "write registers"}},
    RuleOf<ReadRegister>{{Access::Observe, Reach::Reading, "read registers"}},
    RuleOf<WriteRegister>{{Access::Control, Reach::Stopped, "write registers"}},
    RuleOf<ReadMemory>{{Access::Observe, Reach::Reading, "read memory"}},
    RuleOf<WriteMemory>{{Access::Control, Reach::Stopped, "write memory"}},
    RuleOf<QueryChecksum>{{Access::Observe, Reach::Reading, "read memory"}},
    RuleOf<SearchMemory>{{Access::Observe, Reach::Reading, "read memory"}},
    RuleOf<ChangePoint>{{Access::Control, Reach::Stopped, "set breakpoints"}},
    RuleOf<SelectThread>{{Access::Observe, Reach::Reading, "select threads"}},
    RuleOf<QueryThreadAlive>{{Access::Observe, Reach::Reading, "list threads"}},
    RuleOf<QueryCurrentThread>{{Access::Observe, Reach::Reading, "list threads"}},
    RuleOf<ListThreads>{{Access::Observe, Reach::Reading, "list threads"}},
    RuleOf<QueryThreadText>{{Access::Observe, Reach::Reading, "list threads"}},
    RuleOf<QueryThreadLocal>{{Access::Observe, Reach::Reading, "read memory"}},
    RuleOf<QuerySupported>{{Access::Observe, Reach::Session, "qSupported"}},
    RuleOf<QueryAttached>{{Access::Observe, Reach::Session, "qAttached"}},
    RuleOf<StartNoAckMode>{{Access::Observe, Reach::Session, "QStartNoAckMode"}},
    // What it sets takes effect only for a client that stops and resumes.
    RuleOf<SetSignals>{{Access::Observe, Reach::Session, "set signals"}},
    // It only gives up.
    RuleOf<SetPermissions>{{Access::Observe, Reach::Session, "set permissions"}},
    // From then on the app's system calls stop the world.
    RuleOf<CatchSystemCalls>{{Access::Control, Reach::Stopped, "catch system calls"}},
    RuleOf<Transfer>{{Access::Observe, Reach::Reading, "read objects"}},
    RuleOf<WriteSignalInfo>{{Access::Control, Reach::Stopped, "write signal information"}},
    // Whatever the target's monitor does.
    RuleOf<MonitorCommand>{{Access::Control, Reach::Stopped, "monitor"}},
    RuleOf<SelectFileSystem>{{Access::Observe, Reach::Session, "read files"}},
    RuleOf<OpenFile>{{Access::Observe, Reach::Reading, "read files"}},
    RuleOf<CloseFile>{{Access::Observe, Reach::Reading, "read files"}},
    RuleOf<ReadFile>{{Access::Observe, Reach::Reading, "read files"}},
    RuleOf<QueryFileStatus>{{Access::Observe, Reach::Reading, "read files"}},
    RuleOf<QueryPathStatus>{{Access::Observe, Reach::Reading, "read files"}},
    RuleOf<ReadLink>{{Access::Observe, Reach::Reading, "read files"}},
    RuleOf<ChangeFile>{{Access::Control, Reach::Stopped, "change files"}},
};

template <size_t... I>
constexpr auto table(std::index_sequence<I...>) {
    static_assert(sizeof...(I) == std::tuple_size_v<decltype(rules)>, "each kind of packet has one row");
    static_assert((std::is_same_v<std::variant_alternative_t<I, Command>,
                                  typename std::tuple_element_t<I, std::remove_const_t<decltype(rules)>>::Kind> &&
                   ...),
                  "rows are in the order of Command");
    return std::array{std::get<I>(rules).rule...};
}

} // namespace access_policy

/// By Command's index().
inline constexpr auto access_rules = access_policy::table(std::make_index_sequence<std::variant_size_v<Command>>{});

constexpr const AccessRule& access_rule(const Command& command) {
    return access_rules[command.index()];
}

} // namespace gdbstub
