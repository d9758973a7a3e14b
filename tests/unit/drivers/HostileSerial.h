#pragma once
// play_hostile_serial(): a virtio-serial device whose every answer comes from `input`, with a driver in front of it
// that is used in every way. Nothing may crash, hang or touch memory that it does not own; what the driver makes of the
// lies is its business. Called by a unit test with random bytes and by the fuzzer.

#include "libos/drivers/VirtioConsole.h"
#include "libos/drivers/VirtioMmio.h"
#include "tests/unit/drivers/FakeVirtio.h"
#include "tests/unit/drivers/InputBytes.h"

#include <algorithm>

namespace drivers::test {

class HostileSerial {
public:
    explicit HostileSerial(std::span<const uint8_t> input)
        : m_input(input)
        , m_device({{.id = 1, .name = "uniscope.control", .host_connected = true},
                    {.id = 2, .name = "uniscope.crash", .host_connected = true}},
                   4) {
        m_machine.ticks_per_second = 100'000; // timeouts within microseconds
        m_machine.attach_memory(address, 512, m_registers);
        m_device.raise = [this] { m_machine.raise(5); };
    }

    void play() {
        uint8_t start = next();
        m_device.answers_control = (start & 1) == 0;
        uint32_t max_ports = (start & 2) == 0 ? 4 : next32();
        std::memcpy(m_device.config.data() + 4, &max_ports, sizeof(max_ports));
        if (!m_transport.open(m_machine, {address, 512, 5}) || !m_console.start())
            return;
        while (!m_input.empty())
            step();
    }

private:
    static constexpr PhysicalAddress address = 0xfeb00000;

    uint8_t next() { return m_input.next(); }
    uint16_t next16() { return m_input.next16(); }
    uint32_t next32() { return m_input.next32(); }
    uint16_t next_queue() { return next() % static_cast<uint16_t>(m_device.queues.size()); }
    bool is_enabled(uint16_t queue) const { return m_device.queues[queue].enabled; }

    void step() {
        uint8_t what = next();
        uint16_t queue = next_queue();
        auto* port = m_console.port((what & 0x80) != 0 ? "uniscope.control" : "uniscope.crash");
        switch (what & 0xf) {
        case 0:
            if (is_enabled(queue))
                m_device.push(queue, next32(), next32());
            break;
        case 1:
            if (is_enabled(queue))
                m_device.push(queue, next() % 64, next16());
            break;
        case 2:
            if (is_enabled(queue))
                m_device.jump_used_index(queue, next16());
            break;
        case 3:
            send_control();
            break;
        case 4:
            if (is_enabled(queue) && queue % 2 == 0)
                m_device.send_to_driver(queue, std::string(next(), 'h').substr(0, 128));
            break;
        case 5:
            m_device.interrupt();
            break;
        case 6:
            m_console.poll_stopped();
            break;
        case 7:
            m_device.on_notify(queue);
            break;
        case 8:
            m_device.ports[next() % 2].throttled = (what & 0x40) != 0;
            break;
        case 9:
            m_device.answers_control = !m_device.answers_control;
            break;
        default:
            if (port != nullptr)
                use(*port, what & 0xf);
            break;
        }
    }

    void send_control() {
        uint32_t id = next() % 6;
        uint16_t event = next() % 9;
        uint16_t value = next() % 3;
        std::string name;
        for (size_t length = next() % 120; length > 0; --length)
            name.push_back(static_cast<char>(next()));
        if (event == 7 && value == 0)
            name = "uniscope." + name.substr(0, 110);
        m_device.send_control(id, event, value, name);
    }

    void use(ConsolePort& port, unsigned how) {
        std::byte buffer[600];
        std::string text(size_t{40} * next(), 'g');
        auto bytes = std::as_bytes(std::span(text));
        switch (how) {
        case 10: {
            [[maybe_unused]] auto answer = port.write_some(bytes);
            break;
        }
        case 11: {
            [[maybe_unused]] auto answer = port.write_pages(m_page, 1 + next16() % 4096, [](void*) {}, nullptr);
            break;
        }
        case 12: {
            [[maybe_unused]] auto answer = port.read(std::span(buffer).first(size_t{2} * next()));
            break;
        }
        case 13: {
            [[maybe_unused]] auto answer = port.polled_write(bytes, 1);
            break;
        }
        case 14: {
            [[maybe_unused]] auto answer = port.polled_flush(1);
            break;
        }
        case 15: {
            [[maybe_unused]] auto answer = port.polled_read(buffer);
            break;
        }
        default:
            break;
        }
    }

    InputBytes m_input;
    FakeMachine m_machine;
    FakeSerialDevice m_device;
    FakeVirtioMmio m_registers{m_device};
    VirtioMmio m_transport;
    VirtioConsole m_console{m_machine, m_transport, "uniscope."};
    PhysicalAddress m_page = *m_machine.allocate_zeroed_page();
};

inline void play_hostile_serial(std::span<const uint8_t> input) {
    HostileSerial(input).play();
}

} // namespace drivers::test
