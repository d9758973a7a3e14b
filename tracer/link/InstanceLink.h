#pragma once
// InstanceLink: the sockets that a supervisor offers in its instance's directory, whatever carries the channels behind
// them.

#include "tracer/link/Link.h"

namespace tracer {

class InstanceLink final : public Link {
public:
    /// `name` stands in errors.
    InstanceLink(std::filesystem::path directory, std::string name)
        : m_directory(std::move(directory))
        , m_name(std::move(name)) {}

    std::string_view kind() const override { return "supervisor"; }
    /// The supervisor itself takes cores.
    bool has(ChannelName channel) const override { return channel != ChannelName::Crash; }
    Result<FileDescriptor> open(ChannelName channel, const OpenOptions& options = {}) override;

private:
    std::filesystem::path m_directory;
    std::string m_name;
};

} // namespace tracer
