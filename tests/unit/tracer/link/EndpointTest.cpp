#include "tracer/link/Endpoint.h"

#include "tracer/link/InstanceName.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <random>

using namespace tracer;

namespace {

Endpoint parsed(std::string_view text) {
    const auto endpoint = parse_endpoint(text);
    EXPECT_TRUE(endpoint) << text << ": " << (endpoint ? "" : endpoint.error().message);
    return endpoint.value_or(Endpoint{});
}

} // namespace

TEST(Endpoint, EveryKindIsRead) {
    using Kind = Endpoint::Kind;
    EXPECT_EQ(parsed("serial:/dev/ttyS1"), (Endpoint{.kind = Kind::Serial, .path = "/dev/ttyS1"}));
    EXPECT_EQ(
        parsed("serial:/dev/ttyUSB0,9600,raw"),
        (Endpoint{.kind = Kind::Serial, .path = "/dev/ttyUSB0", .speed = 9600, .protocol = LineProtocol::RawGdb}));
    EXPECT_EQ(parsed("serial:a,b,mux"), (Endpoint{.kind = Kind::Serial, .path = "a,b", .protocol = LineProtocol::Mux}));
    EXPECT_EQ(parsed("unix:/run/shop.vsock"), (Endpoint{.kind = Kind::Unix, .path = "/run/shop.vsock"}));
    EXPECT_EQ(parsed("unix:a,raw"), (Endpoint{.kind = Kind::Unix, .path = "a,raw"}));
    EXPECT_EQ(parsed("vsock:3"), (Endpoint{.kind = Kind::Vsock, .cid = 3}));
    EXPECT_EQ(parsed("tcp:host:1234"), (Endpoint{.kind = Kind::Tcp, .host = "host", .port = 1234}));
    EXPECT_EQ(parsed("tcp:[::1]:1,mux"),
              (Endpoint{.kind = Kind::Tcp, .host = "[::1]", .port = 1, .protocol = LineProtocol::Mux}));
    EXPECT_EQ(parsed("ssh://host/shop"), (Endpoint{.kind = Kind::Ssh, .host = "host", .name = "shop"}));
    EXPECT_EQ(parsed("ssh://ann@h.example:22/system/shop-2"),
              (Endpoint{.kind = Kind::Ssh, .host = "ann@h.example", .port = 22, .name = "system/shop-2"}));
    EXPECT_EQ(parsed("ssh://ann@[fe80::1%eth0]:2222/x"),
              (Endpoint{.kind = Kind::Ssh, .host = "ann@[fe80::1%eth0]", .port = 2222, .name = "x"}));
}

TEST(Endpoint, MistakesAreNamed) {
    const struct {
        const char* text;
        const char* complaint;
    } cases[] = {
        {"shop", "is no endpoint"},
        {"", "is no endpoint"},
        {"ssh:host/shop", "is no endpoint"},
        {"Serial:/dev/ttyS1", "is no endpoint"},
        {"serial:", "names no path"},
        {"serial:,raw", "names no path"},
        {"unix:", "names no path"},
        {"unix:/a\nb", "control characters"},
        {"vsock:", "has no context id"},
        {"vsock:x", "has no context id"},
        {"vsock:3 ", "has no context id"},
        {"vsock:-3", "has no context id"},
        {"vsock:4294967296", "has no context id"},
        {"vsock:0", "is no guest's"},
        {"vsock:2", "is no guest's"},
        {"vsock:4294967295", "is no guest's"},
        {"tcp:host", "has no port"},
        {"tcp:host:", "has no port"},
        {"tcp:host:0", "has no port"},
        {"tcp:host:65536", "has no port"},
        {"tcp::1234", "has no host"},
        {"tcp:::1:1234", "has no host"},
        {"tcp:[::1]", "has no port"},
        {"tcp:-h:1", "has no host"},
        {"tcp:a b:1", "has no host"},
        {"ssh://host", "names no instance"},
        {"ssh://host/", "names no instance"},
        {"ssh://host/../x", "names no instance"},
        {"ssh://host/a b", "names no instance"},
        {"ssh://host/x;reboot", "names no instance"},
        {"ssh:///shop", "names no host"},
        {"ssh://-oProxyCommand=x/shop", "names no host"},
        {"ssh://-l@host/shop", "names no host"},
        {"ssh://@host/shop", "names no host"},
        {"ssh://a b/shop", "names no host"},
        {"ssh://host:x/shop", "has no port"},
    };
    for (const auto& [text, complaint] : cases) {
        const auto endpoint = parse_endpoint(text);
        ASSERT_FALSE(endpoint) << text;
        EXPECT_NE(endpoint.error().message.find(complaint), std::string::npos)
            << text << ": " << endpoint.error().message;
        EXPECT_FALSE(endpoint.error().hint.empty()) << text;
    }
}

TEST(Endpoint, WhatIsPrintedIsReadAsTheSame) {
    // Pieces that mean something, in any order: what parses has one canonical text.
    const char* pieces[] = {"serial:", "unix:", "vsock:", "tcp:", "ssh://", "/",   "a",  "host", ":",  "[::1]",  "@",
                            ",",       "raw",   "mux",    "9600", "0",      "007", "42", "-",    "..", "system", "%"};
    std::mt19937 random(1);
    int read = 0;
    for (int round = 0; round < 200000; ++round) {
        std::string text = pieces[random() % 5];
        for (size_t count = random() % 8; count > 0; --count)
            text += pieces[random() % std::size(pieces)];
        const auto endpoint = parse_endpoint(text);
        if (!endpoint)
            continue;
        ++read;
        const std::string printed = to_string(*endpoint);
        ASSERT_EQ(parsed(printed), *endpoint) << text << " became " << printed;
        ASSERT_EQ(to_json(*endpoint)["text"], printed);
        ASSERT_FALSE(endpoint->host.starts_with('-')) << text;
    }
    EXPECT_GT(read, 1000);
}

TEST(Endpoint, JsonHasTheMembersOfItsKind) {
    EXPECT_EQ(
        to_json(parsed("tcp:h:5,raw")),
        nlohmann::json({{"kind", "tcp"}, {"text", "tcp:h:5,raw"}, {"host", "h"}, {"port", 5}, {"protocol", "raw"}}));
    EXPECT_EQ(to_json(parsed("vsock:9")), nlohmann::json({{"kind", "vsock"}, {"text", "vsock:9"}, {"cid", 9}}));
}

TEST(Endpoint, PathsBecomeAbsolute) {
    EXPECT_TRUE(made_absolute(parsed("serial:a/../b")).path.ends_with("/b"));
    EXPECT_EQ(made_absolute(parsed("unix:/x/./y/")).path, "/x/y");
    EXPECT_EQ(made_absolute(parsed("unix:/")).path, "/");
    EXPECT_EQ(made_absolute(parsed("vsock:3")), parsed("vsock:3"));
}

TEST(InstanceName, MayTellTheRegistry) {
    EXPECT_EQ(parse_qualified_name("shop"), (QualifiedName{std::nullopt, "shop"}));
    EXPECT_EQ(parse_qualified_name("system/shop"), (QualifiedName{Scope::System, "shop"}));
    EXPECT_EQ(parse_qualified_name("user/shop"), (QualifiedName{Scope::User, "shop"}));
    EXPECT_EQ(parse_qualified_name("system"), (QualifiedName{std::nullopt, "system"}));
    for (const char* text : {"", "/shop", "system/", "other/shop", "system/../x", "user/system/x", "-x"})
        EXPECT_FALSE(parse_qualified_name(text)) << text;
    EXPECT_EQ(to_string(QualifiedName{Scope::System, "shop"}), "system/shop");
}
