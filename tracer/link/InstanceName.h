#pragma once
// What instances are called.

#include "tracer/Result.h"

#include <optional>
#include <string>
#include <string_view>

namespace tracer {

/// Names are file names and words of a shell: up to 48 letters, digits, `.`, `-` and `_`, the first a letter or digit.
bool is_valid_name(std::string_view name);

/// The sentence for a name that is not valid.
std::unexpected<Error> fail_invalid_name(std::string_view name);

/// Which registry an instance is in.
enum class Scope { User, System };
std::string_view name_of(Scope scope);

/// `shop`, or `system/shop` and `user/shop` when it has to be told which of two.
struct QualifiedName {
    std::optional<Scope> scope;
    std::string name;

    bool operator==(const QualifiedName&) const = default;
};

/// Nothing when `text` is no name of an instance.
std::optional<QualifiedName> parse_qualified_name(std::string_view text);
std::string to_string(const QualifiedName& name);

} // namespace tracer
