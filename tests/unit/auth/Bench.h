#pragma once
// An instance with one guarded channel, and what was told of it.

#include "tests/unit/auth/FakeLine.h"
#include "tests/unit/auth/TestHost.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace auth::test {

inline uint64_t g_now = 0;

struct Bench final : Observer {
    explicit Bench(wire::ChannelKind kind = wire::ChannelKind::Gdb,
                   wire::Protection protection = wire::Protection::None)
        : kind(kind)
        , channel(kind, gate) {
        g_now = 1'000'000'000;
        gate.identity.build_id.fill(std::byte{0xb1});
        gate.identity.instance_id.fill(std::byte{0x1d});
        gate.observer = this;
        gate.work_due = [](GuardedChannel&) { ++g_work_due; };
        for (const auto& [key, role] : {std::pair{&alice, "operator"}, {&bob, "observer"}, {&carol, "tracer"}})
            EXPECT_TRUE(gate.keys.add_word(key->word(role)));
        channel.start(line, protection);
        channel.set_event_handler([](void* context) { ++static_cast<Bench*>(context)->events; }, this);
    }

    /// The host's whole handshake; whether it was let in.
    bool log_in(TestHost& host) {
        exchange(host, bytes_of_value(host.hello));
        if (!host.challenge)
            return false;
        host.make_proof();
        exchange(host, bytes_of_value(host.proof));
        return host.accept && host.agree();
    }
    /// Sends, does the guest's work, takes the answer.
    std::vector<std::byte> exchange(TestHost& host, Bytes bytes) {
        line.send(bytes);
        channel.advance();
        return host.take(line.receive());
    }
    std::string read() {
        std::byte bytes[4096];
        size_t count = channel.read(bytes);
        return {reinterpret_cast<const char*>(bytes), count};
    }
    std::vector<std::byte> write(std::string_view text) {
        (void)channel.write_some(std::as_bytes(std::span(text)));
        return line.receive();
    }

    void session_began(const SessionInfo& session) override { log.push_back("began " + describe(session)); }
    void session_ended(const SessionInfo& session, SessionEnd why) override {
        log.push_back("ended " + describe(session) + " " + std::to_string(static_cast<int>(why)));
    }
    void attempt_refused(const RefusedAttempt& attempt) override {
        log.push_back("refused " + std::to_string(static_cast<int>(attempt.reason)) +
                      (attempt.key != nullptr ? " " + std::string(attempt.key->name_view()) : ""));
    }
    static std::string describe(const SessionInfo& session) {
        return std::string(session.key->name_view()) + " " + std::to_string(static_cast<int>(session.role));
    }

    inline static unsigned g_work_due = 0;
    KeyPair alice = KeyPair::make("alice"), bob = KeyPair::make("bob"), carol = KeyPair::make("carol");
    KeyPair mallory = KeyPair::make("mallory"); // not enrolled
    wire::ChannelKind kind;
    TestPrimitives primitives;
    Gate gate{primitives, [] { return g_now; }};
    FakeLine line;
    GuardedChannel channel;
    std::vector<std::string> log;
    unsigned events = 0;
};

inline std::string text_of(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr auto gdb = wire::ChannelKind::Gdb;
constexpr auto operator_role = wire::Role::Operator;
constexpr auto observer_role = wire::Role::Observer;
constexpr auto tracer_role = wire::Role::Tracer;

} // namespace auth::test
