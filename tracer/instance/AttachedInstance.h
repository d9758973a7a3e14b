#pragma once
// AttachedInstance: the supervisor of an instance that somebody else started. It holds the link open, offers the same
// sockets as Supervisor does, and never ends the instance.

#include "tracer/Result.h"
#include "tracer/auth/AuthenticatedLink.h"
#include "tracer/instance/Registry.h"
#include "tracer/link/Endpoint.h"

#include <functional>
#include <memory>

namespace tracer {

struct AttachOptions {
    Endpoint endpoint;
    std::string image;      ///< where its symbols are; may be empty
    std::string build_id;   ///< of the image; the guest's own is believed more
    LinkIdentity identity;  ///< who we are to it, if it asks
    bool transient = false; ///< for the time of the verbs that hold it
    /// Once: the instance answers, or why it does not. It is tried on then, unless it is transient.
    std::function<void(const Result<>&)> on_ready;
};

/// One per process: it takes the process' signals. run() blocks until the instance is forgotten, the process is told to
/// end, or, of a transient one, nobody holds it any more; then gdb and the recording are taken leave of first.
class AttachedInstance {
public:
    AttachedInstance(AttachOptions options, ClaimedName name);
    ~AttachedInstance();

    Result<> run();

private:
    struct State;
    std::unique_ptr<State> m_state;
};

} // namespace tracer
