#include "tracer/Result.h"

#include <fmt/format.h>

#include <system_error>

namespace tracer {

std::unexpected<Error> fail_errno(std::string what, int error_number, std::string hint) {
    return fail(fmt::format("{}: {}", what, std::generic_category().message(error_number)), std::move(hint));
}

} // namespace tracer
