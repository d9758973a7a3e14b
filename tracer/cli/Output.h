#pragma once
// What verbs share that write a file, or print sizes or commands.

#include "tracer/Result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

/// `given`, or NAME-YYYYmmdd-HHMM.EXTENSION in the current directory when that is empty. Fails when something is there
/// already, unless `force`, which removes it if it is a file or a trace directory.
tracer::Result<std::string> output_path(const std::string& given, std::string_view name, std::string_view extension,
                                        bool force);

/// "1.2 MB".
std::string readable_size(uint64_t bytes);

/// One line that a POSIX shell takes for these words.
std::string quote_for_shell(const std::vector<std::string>& command);

} // namespace cli
