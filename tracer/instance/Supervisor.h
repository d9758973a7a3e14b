#pragma once
// Supervisor: owns one instance from QEMU's start to its end, and offers its sockets to the rest of the tool.

#include "tracer/Result.h"
#include "tracer/instance/LaunchOptions.h"
#include "tracer/instance/Registry.h"

#include <functional>
#include <memory>

namespace tracer {

struct SupervisorOptions {
    LaunchOptions launch;
    Accelerator accelerator = Accelerator::Tcg; ///< what was chosen
    std::string qemu;
    std::string build_id;
    bool foreground = true; ///< the console on the standard streams; signals stop the instance
    bool verbose = false;   ///< say what is done, on the standard error stream
    /// Once: the guest said Hello (or waits for gdb, as asked), or why it never will.
    std::function<void(const Result<>&)> on_ready;
};

/// One per process: it takes the process' signals and children. run() blocks until the instance is over and everything
/// about it is cleaned up.
class Supervisor {
public:
    Supervisor(SupervisorOptions options, ClaimedName name);
    ~Supervisor();

    /// How it ended; an error when it could not even be started.
    Result<Ending> run();

private:
    struct State;
    std::unique_ptr<State> m_state;
};

} // namespace tracer
