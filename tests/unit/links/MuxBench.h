#pragma once
// MuxBench: a SerialMux on a fake UART, and the host's Link at the other end of the line. Time is the real one.

#include "libos/links/SerialMux.h"
#include "tests/unit/drivers/FakeUart.h"
#include "tests/unit/probes/serial/SimulatedLine.h"

#include <arch/Processor.h>

#include <chrono>
#include <memory>
#include <thread>

namespace links::test {

using drivers::test::FakeMachine;
using drivers::test::FakeUart;
using serial::SerialChannel;
using serial::test::End;

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

class MuxBench {
public:
    explicit MuxBench(bool plain = true)
        : uart(drivers::Uart16550::first)
        , m_plain(plain) {
        machine.attach_ports(0x3f8, 8, device);
        (void)uart.initialize();
        mux = std::make_unique<SerialMux>(uart, plain);
        mux->open(machine.timestamp_hz(), 42);
    }
    void start() {
        (void)mux->start(machine, [](void* self) { static_cast<MuxBench*>(self)->woken = true; }, this);
    }
    void start_host() {
        host = std::make_unique<End>(serial::SerialRole::Host, m_plain);
        host->link.start(++m_entropy, now());
    }
    static serial::Time now() { return arch::timestamp() / 1000 + 1; }

    /// What is on the line goes to the other side, once.
    void move_line() {
        auto bytes = device.take_sent();
        line_log += bytes;
        if (damage)
            damage(bytes);
        if (host) {
            host->link.receive({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, now());
            for (auto frame = host->link.next_frame(now()); !frame.empty(); frame = host->link.next_frame(now())) {
                std::string out(frame.begin(), frame.end());
                if (damage)
                    damage(out);
                m_to_guest += out;
            }
        }
        m_to_guest.erase(0, device.receive(m_to_guest));
    }
    /// One turn of everything that is alive in a running machine.
    void turn() {
        move_line();
        if (device.take_edge())
            machine.raise(4);
        if (woken || now() >= m_service_at) {
            woken = false;
            m_service_at = now() + mux->service();
        }
    }
    template <typename Done>
    bool run_until(Done done, Done* = nullptr) {
        auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!done()) {
            turn();
            if (std::chrono::steady_clock::now() > end)
                return false;
        }
        return true;
    }
    bool connect() {
        start_host();
        return run_until([&] { return mux->channel(Channel::Gdb).is_host_connected() && host->link.is_up(); });
    }

    FakeMachine machine;
    FakeUart device;
    drivers::Uart16550 uart;
    std::unique_ptr<SerialMux> mux;
    std::unique_ptr<End> host;
    std::string line_log; ///< all that the guest sent
    std::function<void(std::string&)> damage;
    bool woken = false;

private:
    bool m_plain;
    uint64_t m_entropy = 100;
    std::string m_to_guest;
    serial::Time m_service_at = 0;
};

/// All that a channel gives.
inline std::string read_all(drivers::ByteChannel& channel) {
    std::string all;
    std::byte buffer[100];
    while (size_t count = channel.read(buffer))
        all.append(reinterpret_cast<const char*>(buffer), count);
    return all;
}

/// Flips, drops and doubles bytes, each with 1%.
inline std::function<void(std::string&)> noise(uint32_t seed) {
    return [random = std::mt19937(seed)](std::string& bytes) mutable {
        std::string out;
        for (char byte : bytes) {
            unsigned chance = random() % 100;
            if (chance == 0)
                continue;
            if (chance == 1)
                byte = static_cast<char>(byte ^ 1 << random() % 8);
            out += byte;
            if (chance == 2)
                out += byte;
        }
        bytes = out;
    };
}

} // namespace links::test
