#pragma once
// SimulatedLine: two Links with a serial line between them, in simulated time. Each direction has a speed, a delay and
// faults of its own; everything follows from a seed.

#include "probes/serial/Link.h"

#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace serial::test {

using Bytes = std::vector<uint8_t>;

inline Bytes bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

/// One end: a Link with memory of its own, and what came out of it.
class End final : public Link::TextSink {
public:
    struct Sizes {
        size_t send = 4096;
        size_t receive = 4096;
    };
    explicit End(SerialRole role, bool plain = true)
        : End(role, plain, Sizes{}) {}
    End(SerialRole role, bool plain, Sizes sizes)
        : m_memory(make_memory(sizes))
        , link(role, plain, buffers(), *this) {}

    void on_text(std::span<const uint8_t> bytes) override { text.append(bytes.begin(), bytes.end()); }

    size_t write(SerialChannel channel, std::string_view bytes) {
        return link.write(channel, {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
    }
    /// All that is there.
    std::string read(SerialChannel channel) {
        std::string result(link.readable(channel), 0);
        link.read(channel, {reinterpret_cast<uint8_t*>(result.data()), result.size()});
        return result;
    }

private:
    std::vector<Bytes> m_memory;
    static std::vector<Bytes> make_memory(Sizes sizes) {
        std::vector<Bytes> memory;
        for (size_t i = 0; i < 2 * channel_count; ++i)
            memory.emplace_back(i < channel_count ? sizes.send : sizes.receive);
        return memory;
    }
    Link::Buffers buffers() {
        Link::Buffers all;
        for (size_t i = 0; i < channel_count; ++i) {
            all.send[i] = m_memory[i];
            all.receive[i] = m_memory[channel_count + i];
        }
        return all;
    }

public:
    Link link;
    std::string text;
};

/// What a line does to bytes, each with its probability per byte.
struct Faults {
    double flip = 0;
    double drop = 0;
    double duplicate = 0;
    double split = 0; ///< a pause in the delivery
    std::function<bool(uint8_t)> eats;
    uint8_t mask = 0xff; ///< of the bits that get through
};

class Direction {
public:
    Direction(Time byte_time, Time delay, uint32_t seed)
        : m_byte_time(byte_time)
        , m_delay(delay)
        , m_random(seed) {}

    Faults faults;

    /// When the sender may put the next byte on the line.
    Time free_at() const { return m_free_at; }
    uint64_t bytes_sent() const { return m_sent; }

    void send(std::span<const uint8_t> bytes, Time now) {
        m_free_at = std::max(m_free_at, now);
        for (uint8_t byte : bytes) {
            m_free_at += m_byte_time;
            ++m_sent;
            if (hits(faults.drop) || (faults.eats && faults.eats(byte)))
                continue;
            if (hits(faults.flip))
                byte ^= static_cast<uint8_t>(1u << m_random() % 8);
            byte &= faults.mask;
            if (hits(faults.split))
                m_extra += m_random() % 3000;
            Time arrival = std::max(m_free_at + m_delay + m_extra, m_last_arrival);
            m_last_arrival = arrival;
            m_line.push_back({arrival, byte});
            if (hits(faults.duplicate))
                m_line.push_back({arrival, byte});
        }
        m_extra = 0;
    }
    Time next_arrival() const { return m_line.empty() ? no_deadline : m_line.front().at; }
    Bytes take(Time now) {
        Bytes bytes;
        while (!m_line.empty() && m_line.front().at <= now) {
            bytes.push_back(m_line.front().byte);
            m_line.pop_front();
        }
        return bytes;
    }
    void clear() { m_line.clear(); }

private:
    bool hits(double probability) {
        return probability > 0 && std::uniform_real_distribution<double>(0, 1)(m_random) < probability;
    }
    struct Arrival {
        Time at;
        uint8_t byte;
    };
    Time m_byte_time;
    Time m_delay;
    std::mt19937 m_random;
    std::deque<Arrival> m_line;
    Time m_free_at = 0;
    Time m_extra = 0;
    Time m_last_arrival = 0;
    uint64_t m_sent = 0;
};

class SimulatedLine {
public:
    /// `byte_time` in microseconds: 2 is a UART of a virtual machine, 87 is 115200 baud.
    explicit SimulatedLine(uint32_t seed = 1, Time byte_time = 2, Time delay = 100)
        : to_guest(byte_time, delay, seed)
        , to_host(byte_time, delay, seed + 1) {
        restart_host(true);
        restart_guest(true);
    }

    void restart_host(bool plain = true, End::Sizes sizes = {}) {
        host = std::make_unique<End>(SerialRole::Host, plain, sizes);
        host->link.start(++m_entropy, now);
    }
    void restart_guest(bool plain = true, End::Sizes sizes = {}) {
        guest = std::make_unique<End>(SerialRole::Guest, plain, sizes);
        guest->link.start(++m_entropy, now);
    }
    void set_faults(const Faults& faults) { to_guest.faults = to_host.faults = faults; }

    /// Until nothing is to do before `end`, or `done`. Returns whether it was done. `turn` runs after every event.
    bool run_until(Time end, const std::function<bool()>& done = {}, const std::function<void()>& turn = {}) {
        for (;;) {
            if (turn)
                turn();
            pump(*host, to_guest);
            pump(*guest, to_host);
            if (done && done())
                return true;
            Time next = std::min({end, wake_of(*host, to_guest), wake_of(*guest, to_host), to_guest.next_arrival(),
                                  to_host.next_arrival()});
            now = std::max(next, now + 1);
            if (now >= end)
                return done && done();
            if (auto bytes = to_guest.take(now); !bytes.empty())
                guest->link.receive(bytes, now);
            if (auto bytes = to_host.take(now); !bytes.empty())
                host->link.receive(bytes, now);
        }
    }
    bool run_for(Time duration, const std::function<bool()>& done = {}, const std::function<void()>& turn = {}) {
        return run_until(now + duration, done, turn);
    }
    bool is_up() const { return host->link.is_up() && guest->link.is_up(); }
    bool connect(Time limit = 60'000'000) {
        return run_for(limit, [this] { return is_up(); });
    }

    Time now = 1'000'000;
    Direction to_guest;
    Direction to_host;
    std::unique_ptr<End> host;
    std::unique_ptr<End> guest;
    /// Sees each frame as it goes on the line.
    std::function<void(SerialRole, std::span<const uint8_t>)> on_frame;

private:
    void pump(End& end, Direction& direction) {
        while (direction.free_at() <= now) {
            auto frame = end.link.next_frame(now);
            if (frame.empty())
                return;
            if (on_frame)
                on_frame(&end == host.get() ? SerialRole::Host : SerialRole::Guest, frame);
            direction.send(frame, now);
        }
    }
    /// An end is asked again when what it sent has gone, or when it wants to be.
    Time wake_of(const End& end, const Direction& direction) const {
        return direction.free_at() > now ? direction.free_at() : end.link.deadline();
    }

    uint64_t m_entropy = 7;
};

} // namespace serial::test
