#include "tracer/instance/HostCore.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

namespace tracer {

Result<std::string> make_core_from_dump(const std::filesystem::path& dump, const std::filesystem::path& image,
                                        const std::filesystem::path& output, crash::CoreOccasion occasion,
                                        std::string_view reason) {
    const auto rewritten = crash::rewrite_core(dump, image, output, occasion, reason);
    std::error_code ignored;
    if (rewritten) {
        std::filesystem::remove(dump, ignored);
        return std::string();
    }
    if (rename(dump.c_str(), output.c_str()) != 0)
        return fail_errno(fmt::format("cannot write {}", output.string()), errno);
    chmod(output.c_str(), 0600);
    return rewritten.error().message;
}

} // namespace tracer
