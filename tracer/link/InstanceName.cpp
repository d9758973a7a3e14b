#include "tracer/link/InstanceName.h"

#include <fmt/format.h>

#include <algorithm>

namespace tracer {

bool is_valid_name(std::string_view name) {
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    return !name.empty() && name.size() <= 48 && letters.find(name.front()) != std::string_view::npos &&
           std::ranges::all_of(name, [&](char letter) {
               return letters.find(letter) != std::string_view::npos || letter == '-' || letter == '_' || letter == '.';
           });
}

std::unexpected<Error> fail_invalid_name(std::string_view name) {
    return fail(fmt::format("`{}` cannot be an instance's name", name),
                "Use up to 48 letters, digits, `.`, `-` and `_`, beginning with a letter or digit.");
}

std::string_view name_of(Scope scope) {
    return scope == Scope::System ? "system" : "user";
}

std::optional<QualifiedName> parse_qualified_name(std::string_view text) {
    QualifiedName result;
    for (const Scope scope : {Scope::User, Scope::System}) {
        const std::string_view prefix = name_of(scope);
        if (text.starts_with(prefix) && text.substr(prefix.size()).starts_with('/')) {
            result.scope = scope;
            text.remove_prefix(prefix.size() + 1);
            break;
        }
    }
    if (!is_valid_name(text))
        return std::nullopt;
    result.name = text;
    return result;
}

std::string to_string(const QualifiedName& name) {
    return name.scope ? fmt::format("{}/{}", name_of(*name.scope), name.name) : name.name;
}

} // namespace tracer
