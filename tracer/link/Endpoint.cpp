#include "tracer/link/Endpoint.h"

#include "tracer/link/InstanceName.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <optional>

namespace tracer {

namespace {

constexpr std::string_view forms =
    "Endpoints are serial:PATH, unix:PATH, vsock:CID, tcp:HOST:PORT and ssh://HOST/NAME.";

struct Scheme {
    std::string_view prefix;
    Endpoint::Kind kind;
    std::string_view name;
};
constexpr std::array schemes = {
    Scheme{"serial:", Endpoint::Kind::Serial, "serial"}, Scheme{"unix:", Endpoint::Kind::Unix, "unix"},
    Scheme{"vsock:", Endpoint::Kind::Vsock, "vsock"},    Scheme{"tcp:", Endpoint::Kind::Tcp, "tcp"},
    Scheme{"ssh://", Endpoint::Kind::Ssh, "ssh"},
};

const Scheme* find_scheme(std::string_view text) {
    const auto found =
        std::ranges::find_if(schemes, [&](const Scheme& scheme) { return text.starts_with(scheme.prefix); });
    return found == schemes.end() ? nullptr : &*found;
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

bool has_only_printable(std::string_view text) {
    return std::ranges::none_of(text, [](char letter) { return static_cast<unsigned char>(letter) < 0x20; });
}

Result<> take_port(Endpoint& endpoint, std::string_view text, std::string_view whole) {
    const auto port = parse_number<uint16_t>(text);
    if (!port || *port == 0)
        return fail(fmt::format("`{}` has no port between 1 and 65535", whole), std::string(forms));
    endpoint.port = *port;
    return {};
}

/// "host", "1.2.3.4", "[::1]": what stands before a port. Never an option of a program that is given it.
bool is_host(std::string_view text) {
    const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
    if (bracketed)
        text = text.substr(1, text.size() - 2);
    return !text.empty() && text.front() != '-' && std::ranges::all_of(text, [&](char letter) {
        return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '-' || letter == '.' ||
               letter == '_' || (bracketed && (letter == ':' || letter == '%'));
    });
}

bool is_user(std::string_view text) {
    return !text.empty() && text.front() != '-' && std::ranges::all_of(text, [](char letter) {
        return std::isalnum(static_cast<unsigned char>(letter)) != 0 ||
               std::string_view("-._").find(letter) != std::string_view::npos;
    });
}

/// The colon before the port: the one behind the brackets of an IPv6 address, or the only one.
size_t find_port_colon(std::string_view text) {
    const size_t colon = text.rfind(':');
    const size_t bracket = text.rfind(']');
    if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket))
        return std::string_view::npos;
    return colon;
}

/// Takes `,raw`, `,mux` and a speed off the end of `text`. What else begins with a comma belongs to the path.
void take_line_options(Endpoint& endpoint, std::string_view& text) {
    for (size_t comma = text.rfind(','); comma != std::string_view::npos; comma = text.rfind(',')) {
        const std::string_view option = text.substr(comma + 1);
        const auto speed = parse_number<uint32_t>(option);
        if (option == "raw" && endpoint.protocol == LineProtocol::Auto)
            endpoint.protocol = LineProtocol::RawGdb;
        else if (option == "mux" && endpoint.protocol == LineProtocol::Auto)
            endpoint.protocol = LineProtocol::Mux;
        else if (speed && *speed > 0 && endpoint.speed == 0 && endpoint.kind == Endpoint::Kind::Serial)
            endpoint.speed = *speed;
        else
            return;
        text = text.substr(0, comma);
    }
}

Result<> take_path(Endpoint& endpoint, std::string_view text, std::string_view whole) {
    if (text.empty())
        return fail(fmt::format("`{}` names no path", whole), std::string(forms));
    endpoint.path = text;
    return {};
}

Result<> take_cid(Endpoint& endpoint, std::string_view text, std::string_view whole) {
    const auto cid = parse_number<uint32_t>(text);
    if (!cid)
        return fail(fmt::format("`{}` has no context id: a number stands behind vsock:", whole),
                    "For the Unix socket of a vsock device, write unix:PATH.");
    // Virtual I/O Device 1.2, 5.10.4: 0, 2 and the highest have a meaning of their own.
    if (*cid == 0 || *cid == 2 || *cid == UINT32_MAX)
        return fail(fmt::format("`{}`: the context id {} is no guest's", whole, *cid), "A guest's is 3 or more.");
    endpoint.cid = *cid;
    return {};
}

Result<> take_tcp(Endpoint& endpoint, std::string_view text, std::string_view whole) {
    take_line_options(endpoint, text);
    const size_t colon = find_port_colon(text);
    if (colon == std::string_view::npos)
        return fail(fmt::format("`{}` has no port", whole), "Write tcp:HOST:PORT; an IPv6 address stands in [].");
    if (!is_host(text.substr(0, colon)))
        return fail(fmt::format("`{}` has no host name or address before its port", whole),
                    "Write tcp:HOST:PORT; an IPv6 address stands in [].");
    endpoint.host = text.substr(0, colon);
    return take_port(endpoint, text.substr(colon + 1), whole);
}

Result<> take_ssh(Endpoint& endpoint, std::string_view text, std::string_view whole) {
    const size_t slash = text.find('/');
    const auto name = slash == std::string_view::npos ? std::nullopt : parse_qualified_name(text.substr(slash + 1));
    if (!name)
        return fail(fmt::format("`{}` names no instance of that host", whole),
                    "Write ssh://HOST/NAME; `ssh HOST uniscope ps` lists them.");
    endpoint.name = to_string(*name);
    std::string_view host = text.substr(0, slash);
    const size_t at = host.rfind('@');
    const std::string_view address = at == std::string_view::npos ? host : host.substr(at + 1);
    const size_t colon = find_port_colon(address);
    const std::string_view bare = address.substr(0, colon);
    if (!is_host(bare) || (at != std::string_view::npos && !is_user(host.substr(0, at))))
        return fail(fmt::format("`{}` names no host that ssh could reach", whole),
                    "Write ssh://[USER@]HOST[:PORT]/NAME.");
    if (colon != std::string_view::npos)
        TRY(take_port(endpoint, address.substr(colon + 1), whole));
    endpoint.host = host.substr(0, host.size() - (address.size() - bare.size()));
    return {};
}

const Scheme& scheme_of(const Endpoint& endpoint) {
    return *std::ranges::find(schemes, endpoint.kind, &Scheme::kind);
}

} // namespace

bool looks_like_endpoint(std::string_view text) {
    return find_scheme(text) != nullptr;
}

Result<Endpoint> parse_endpoint(std::string_view text) {
    const Scheme* scheme = find_scheme(text);
    if (!scheme)
        return fail(fmt::format("`{}` is no endpoint", text), std::string(forms));
    if (!has_only_printable(text))
        return fail("an endpoint has no control characters in it", std::string(forms));
    Endpoint endpoint;
    endpoint.kind = scheme->kind;
    std::string_view rest = text.substr(scheme->prefix.size());
    switch (scheme->kind) {
    case Endpoint::Kind::Serial:
        take_line_options(endpoint, rest);
        TRY(take_path(endpoint, rest, text));
        break;
    case Endpoint::Kind::Unix:
        TRY(take_path(endpoint, rest, text));
        break;
    case Endpoint::Kind::Vsock:
        TRY(take_cid(endpoint, rest, text));
        break;
    case Endpoint::Kind::Tcp:
        TRY(take_tcp(endpoint, rest, text));
        break;
    case Endpoint::Kind::Ssh:
        TRY(take_ssh(endpoint, rest, text));
        break;
    }
    return endpoint;
}

std::string to_string(const Endpoint& endpoint) {
    const std::string_view prefix = scheme_of(endpoint).prefix;
    const std::string_view protocol = endpoint.protocol == LineProtocol::RawGdb ? ",raw"
                                      : endpoint.protocol == LineProtocol::Mux  ? ",mux"
                                                                                : "";
    switch (endpoint.kind) {
    case Endpoint::Kind::Serial:
        return fmt::format("{}{}{}{}", prefix, endpoint.path,
                           endpoint.speed != 0 ? fmt::format(",{}", endpoint.speed) : "", protocol);
    case Endpoint::Kind::Unix:
        return fmt::format("{}{}", prefix, endpoint.path);
    case Endpoint::Kind::Vsock:
        return fmt::format("{}{}", prefix, endpoint.cid);
    case Endpoint::Kind::Tcp:
        return fmt::format("{}{}:{}{}", prefix, endpoint.host, endpoint.port, protocol);
    case Endpoint::Kind::Ssh:
        break;
    }
    return fmt::format("{}{}{}/{}", prefix, endpoint.host, endpoint.port != 0 ? fmt::format(":{}", endpoint.port) : "",
                       endpoint.name);
}

nlohmann::json to_json(const Endpoint& endpoint) {
    nlohmann::json json = {{"kind", scheme_of(endpoint).name}, {"text", to_string(endpoint)}};
    if (!endpoint.path.empty())
        json["path"] = endpoint.path;
    if (endpoint.cid != 0)
        json["cid"] = endpoint.cid;
    if (!endpoint.host.empty())
        json["host"] = endpoint.host;
    if (endpoint.port != 0)
        json["port"] = endpoint.port;
    if (!endpoint.name.empty())
        json["name"] = endpoint.name;
    if (endpoint.speed != 0)
        json["speed"] = endpoint.speed;
    if (endpoint.protocol != LineProtocol::Auto)
        json["protocol"] = endpoint.protocol == LineProtocol::Mux ? "mux" : "raw";
    return json;
}

Endpoint made_absolute(Endpoint endpoint) {
    std::error_code error;
    if (!endpoint.path.empty())
        if (const auto path = std::filesystem::absolute(endpoint.path, error); !error)
            endpoint.path = path.lexically_normal().string();
    while (endpoint.path.size() > 1 && endpoint.path.back() == '/')
        endpoint.path.pop_back();
    return endpoint;
}

} // namespace tracer
