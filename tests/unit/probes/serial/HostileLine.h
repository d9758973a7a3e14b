#pragma once
// play_hostile_line(): two Links and a line between them whose every deed comes from `input`: what is written and read,
// what becomes of the bytes on the way, when time passes, who restarts, what a third party says. Whatever comes out of
// a channel has to be, from its first byte on, what went into it in the same session. Called by a unit test with random
// bytes and by the fuzzer.

#include "probes/serial/Link.h"
#include "tests/unit/drivers/InputBytes.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace serial::test {

class HostileLine {
public:
    explicit HostileLine(std::span<const uint8_t> input)
        : m_input(input.first(std::min(input.size(), max_input))) {
        uint8_t start = next();
        m_plain = (start & 1) == 0;
        for (auto& end : m_ends)
            restart(end);
        if ((start & 2) == 0)
            connect();
        while (!m_input.empty())
            step();
        // However it went, a line that is good again carries everything that was written since the last restart.
        if ((start & 12) == 0 && !m_forged)
            recover();
    }

private:
    static constexpr size_t max_input = 512; // more of the same teaches nothing
    static constexpr size_t ring_size = 256;

    struct End final : Link::TextSink {
        explicit End(SerialRole role, bool plain)
            : link(role, plain, buffers(), *this) {}
        Link::Buffers buffers() {
            Link::Buffers all;
            for (size_t i = 0; i < channel_count; ++i) {
                all.send[i] = memory[i];
                all.receive[i] = memory[channel_count + i];
            }
            return all;
        }
        void on_text(std::span<const uint8_t> bytes) override { text += bytes.size(); }

        std::array<std::array<uint8_t, ring_size>, 2 * channel_count> memory{};
        Link link;
        size_t text = 0;
    };
    struct Side {
        SerialRole role;
        std::unique_ptr<End> end;
        std::vector<uint8_t> line;                                       ///< on their way from here
        std::map<uint64_t, std::array<std::string, channel_count>> sent; ///< by session
        uint64_t reading_session = 0;
        std::array<size_t, channel_count> read = {};
    };

    uint8_t next() { return m_input.next(); }
    static void require(bool condition) {
        if (!condition)
            std::abort();
    }

    void restart(Side& side) {
        side.end = std::make_unique<End>(side.role, m_plain);
        side.end->link.start(++m_entropy, m_now);
    }
    Side& other(const Side& side) { return &side == &m_ends[0] ? m_ends[1] : m_ends[0]; }

    void pump(Side& side, unsigned frames) {
        for (unsigned i = 0; i < frames; ++i) {
            auto frame = side.end->link.next_frame(m_now);
            if (frame.empty())
                return;
            side.line.insert(side.line.end(), frame.begin(), frame.end());
        }
    }
    void deliver(Side& from) {
        auto bytes = std::move(from.line);
        from.line.clear();
        other(from).end->link.receive(bytes, m_now);
    }
    void write(Side& side, size_t channel, size_t size) {
        auto session = side.end->link.session();
        if (session == 0)
            return;
        auto& sent = side.sent[session][channel];
        std::string bytes(size, 0);
        for (size_t i = 0; i < size; ++i)
            bytes[i] =
                static_cast<char>((sent.size() + i) * 31 + channel * 7 + (side.role == SerialRole::Host ? 0 : 99));
        size_t taken =
            side.end->link.write(static_cast<SerialChannel>(channel), {reinterpret_cast<uint8_t*>(bytes.data()), size});
        require(taken <= size);
        sent.append(bytes, 0, taken);
    }
    void read(Side& side, size_t channel, size_t size) {
        auto session = side.end->link.session();
        if (session == 0)
            return;
        if (session != side.reading_session) {
            side.reading_session = session;
            side.read = {};
        }
        std::vector<uint8_t> bytes(size);
        size_t count = side.end->link.read(static_cast<SerialChannel>(channel), bytes);
        if (m_forged)
            return;
        const auto& sent = other(side).sent[session][channel];
        auto& at = side.read[channel];
        require(at + count <= sent.size());
        require(std::equal(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count),
                           sent.begin() + static_cast<ptrdiff_t>(at),
                           [](uint8_t a, char b) { return a == static_cast<uint8_t>(b); }));
        at += count;
    }
    void connect() {
        for (int i = 0; i < 6; ++i) {
            for (auto& end : m_ends) {
                pump(end, 4);
                deliver(end);
            }
        }
    }

    void step() {
        uint8_t what = next();
        Side& side = m_ends[what >> 7];
        size_t channel = 1 + (what >> 4 & 7) % (channel_count - 1);
        switch (what & 0xf) {
        case 0:
        case 1:
            write(side, channel, 1 + next() % 64);
            break;
        case 2:
        case 3:
            read(side, channel, size_t{2} * next());
            break;
        case 4:
        case 5:
            pump(side, 1 + next() % 8);
            break;
        case 6:
        case 7:
            pump(side, 4);
            deliver(side);
            break;
        case 8:
            m_now += Time{next()} * next() * 16;
            break;
        case 9:
            damage(side);
            break;
        case 10:
            side.line.clear();
            break;
        case 11:
            m_now = std::max(m_now, std::min(side.end->link.deadline(), m_now + 20'000'000));
            pump(side, 2);
            break;
        case 12:
            say_anything(side);
            break;
        case 13:
            if ((next() & 7) == 0)
                restart(side);
            break;
        case 14:
            if ((next() & 15) == 0)
                forge(side);
            break;
        default:
            deliver(side);
            break;
        }
    }

    /// One byte on the line flipped, gone or doubled.
    void damage(Side& side) {
        if (side.line.empty())
            return;
        uint8_t how = next();
        auto place = side.line.begin() + static_cast<ptrdiff_t>((next() << 8 | next()) % side.line.size());
        if (how % 3 == 0)
            *place ^= static_cast<uint8_t>(1 << (how >> 2) % 8);
        else if (how % 3 == 1)
            side.line.erase(place);
        else
            side.line.insert(place, *place);
    }
    /// Not from the input: a fuzzer that sees how CRCs are compared learns to make them, and what is no frame here
    /// would be one.
    void say_anything(Side& side) {
        constexpr uint8_t marks[] = {wire::serial_plain_start,
                                     wire::serial_plain_end,
                                     wire::serial_plain_escape,
                                     wire::serial_escaped_start,
                                     wire::serial_escaped_end,
                                     '0',
                                     '\n',
                                     0x20,
                                     0x10,
                                     0x01};
        for (size_t size = next() % 40; size > 0; --size) {
            auto byte = static_cast<uint8_t>(m_random());
            side.line.push_back(byte % 4 == 0 ? marks[m_random() % sizeof(marks)] : byte);
        }
    }
    /// A frame of any content whose CRC is right: what a malicious peer, or a bug, may send.
    void forge(Side& side) {
        uint8_t payload[wire::serial_max_payload];
        uint8_t kind = next(), sequence = next();
        size_t size = next() % sizeof(payload);
        for (size_t i = 0; i < size; ++i)
            payload[i] = next();
        Frame frame{
            static_cast<SerialChannel>(kind & 0xf), static_cast<SerialMessage>(kind >> 4), sequence, {payload, size}};
        auto session = side.end->link.session();
        bool is_hello = kind >> 4 == 1;
        if (session == 0 && !is_hello)
            return;
        LineBuffer buffer;
        uint32_t seed = is_hello ? 0
                                 : wire::serial_seed(static_cast<uint32_t>(session >> 32),
                                                     static_cast<uint32_t>(session), side.role);
        size = encode(frame, m_plain ? Encoding::Plain : Encoding::Escaped, seed, buffer);
        side.line.insert(side.line.end(), buffer, buffer + size);
        m_forged = true;
    }

    /// Both links are well: within a minute they find each other, and all arrives.
    void recover() {
        bool wrote = false;
        for (unsigned i = 0; i < 4000; ++i) {
            Time wake = std::min(m_ends[0].end->link.deadline(), m_ends[1].end->link.deadline());
            m_now = std::max(m_now + 10, std::min(wake, m_now + 60'000'000));
            for (auto& end : m_ends) {
                pump(end, 100);
                deliver(end);
            }
            auto &host = m_ends[0], &guest = m_ends[1];
            if (host.end->link.session() == 0 || host.end->link.session() != guest.end->link.session())
                continue;
            if (!wrote) {
                wrote = true;
                for (auto& end : m_ends)
                    write(end, 1, 100);
            }
            bool all = true;
            for (auto& end : m_ends) {
                for (size_t channel = 1; channel < channel_count; ++channel) {
                    read(end, channel, ring_size);
                    all &= end.read[channel] == other(end).sent[host.end->link.session()][channel].size();
                }
            }
            if (all)
                return;
        }
        std::abort();
    }

    InputBytes m_input;
    bool m_plain = true;
    bool m_forged = false;
    uint64_t m_entropy = 0;
    std::minstd_rand m_random{12345};
    Time m_now = 1'000'000;
    Side m_ends[2] = {{SerialRole::Host, {}, {}, {}, 0, {}}, {SerialRole::Guest, {}, {}, {}, 0, {}}};
};

inline void play_hostile_line(std::span<const uint8_t> input) {
    HostileLine line(input);
}

} // namespace serial::test
