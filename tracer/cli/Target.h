#pragma once
// The instance that a verb was given: by a name, or by an endpoint.

#include "tracer/Result.h"
#include "tracer/cli/CommandLine.h"
#include "tracer/instance/AttachedInstance.h"
#include "tracer/instance/Registry.h"

#include <string>

namespace cli {

/// Who the user is to an instance that asks: --key and --role.
struct IdentityArguments {
    std::string key;
    std::string role;
};
void add_identity_options(CommandLine& line, IdentityArguments& arguments);
/// Fails when there is no such key or role.
tracer::Result<tracer::LinkIdentity> parse_identity(const IdentityArguments& arguments);

/// An instance that has a supervisor. An endpoint that is nobody's name gets one for as long as this lives.
struct Target {
    tracer::Instance instance;
    tracer::FileDescriptor hold;

    const std::string& name() const { return instance.facts.name; }
};

/// Fails when the instance has ended, or cannot be reached. Of two instances of one name, says which one it took, on
/// the standard error stream. `image` is where an endpoint's symbols are; may be empty. `identity` is for an endpoint.
tracer::Result<Target> open_target(const std::string& text, const std::string& image = {},
                                   const IdentityArguments& identity = {});

/// What the supervisor of an endpoint is to know; the image, where there is one, goes to the symbol store.
tracer::Result<tracer::AttachOptions> attach_options(const tracer::Endpoint& endpoint, const std::string& image,
                                                     const IdentityArguments& identity);

/// Starts a supervisor. Fails when the instance cannot be reached; the supervisor stays, and tries on, unless it is
/// transient.
tracer::Result<> start_attached(tracer::ClaimedName name, tracer::AttachOptions options);

/// A system's registry is made where there is none and it may be made.
tracer::Result<tracer::Registry> open_registry(tracer::Scope scope);

/// "shop", or "system/shop".
std::string shown_name(const tracer::Instance& instance);

} // namespace cli
