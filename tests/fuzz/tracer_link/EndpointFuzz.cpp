// Endpoints from the command line and from other users' files in the system's registry, and a hypervisor's answer.

#include "tracer/link/Endpoint.h"
#include "tracer/link/UnixLink.h"

#include <nlohmann/json.hpp>

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)tracer::is_connect_answer(text);
    const auto endpoint = tracer::parse_endpoint(text);
    if (!endpoint)
        return 0;
    const auto again = tracer::parse_endpoint(tracer::to_string(*endpoint));
    if (!again || *again != *endpoint || endpoint->host.starts_with('-') || endpoint->name.starts_with('-'))
        std::abort();
    (void)tracer::to_json(*endpoint).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return 0;
}
