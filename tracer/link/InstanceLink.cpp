#include "tracer/link/InstanceLink.h"

#include "tracer/link/Connect.h"

#include <fmt/format.h>

namespace tracer {

Result<FileDescriptor> InstanceLink::open(ChannelName channel, const OpenOptions& options) {
    if (!has(channel))
        return fail(fmt::format("the supervisor of {} takes its cores itself", m_name));
    auto connected = connect_unix(m_directory / fmt::format("{}.sock", name_of(channel)), m_name, Patience(options));
    if (!connected && connected.error().hint.empty())
        connected.error().hint = "`uniscope ps` lists what runs.";
    return connected;
}

} // namespace tracer
