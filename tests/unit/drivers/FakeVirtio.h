#pragma once
// The device's side of virtio: FakeVirtioDevice with its rings, and the two register files in front of it. Physical
// addresses are host addresses (FakeMachine), so a sanitizer sees every access that a wrong descriptor leads to.

#include "tests/unit/drivers/FakeMachine.h"

#include <array>
#include <functional>
#include <optional>
#include <span>

namespace drivers::test {

class FakeVirtioDevice {
public:
    struct Queue {
        uint16_t limit = 64;
        uint16_t size = 0;
        uint64_t descriptors = 0, driver = 0, device = 0;
        bool enabled = false;
        uint16_t next_available = 0;
        uint16_t used = 0;
        uint16_t vector = 0xffff;
    };
    struct Buffer {
        uint16_t id = 0;
        std::vector<std::span<std::byte>> readable, writable;

        std::string text() const {
            std::string all;
            for (auto part : readable)
                all.append(reinterpret_cast<const char*>(part.data()), part.size());
            return all;
        }
    };

    virtual void on_notify(uint16_t) {}
    virtual void on_reset() {}

    void reset() {
        status = 0;
        accepted = 0;
        for (auto& queue : queues)
            queue = Queue{.limit = queue.limit};
        on_reset();
    }

    /// The next buffer that the driver made available.
    std::optional<Buffer> pop(uint16_t index) {
        auto& queue = queues.at(index);
        if (!queue.enabled || queue.next_available == at<uint16_t>(queue.driver + 2))
            return std::nullopt;
        Buffer buffer;
        buffer.id = at<uint16_t>(queue.driver + 4 + uint64_t{2} * (queue.next_available++ % queue.size));
        for (uint16_t id = buffer.id;;) {
            uint64_t descriptor = queue.descriptors + uint64_t{16} * id;
            auto flags = at<uint16_t>(descriptor + 12);
            std::span<std::byte> part(reinterpret_cast<std::byte*>(at<uint64_t>(descriptor)),
                                      at<uint32_t>(descriptor + 8));
            ((flags & 2) != 0 ? buffer.writable : buffer.readable).push_back(part);
            if ((flags & 1) == 0)
                return buffer;
            id = at<uint16_t>(descriptor + 14);
        }
    }

    /// Gives a buffer back: `id` and `length` may be lies.
    void push(uint16_t index, uint32_t id, uint32_t length) {
        auto& queue = queues.at(index);
        uint64_t element = queue.device + 4 + uint64_t{8} * (queue.used % queue.size);
        at<uint32_t>(element) = id;
        at<uint32_t>(element + 4) = length;
        at<uint16_t>(queue.device + 2) = ++queue.used;
    }
    void jump_used_index(uint16_t index, uint16_t by) {
        auto& queue = queues.at(index);
        queue.used = static_cast<uint16_t>(queue.used + by);
        at<uint16_t>(queue.device + 2) = queue.used;
    }
    void set_no_notify(uint16_t index, bool value) { at<uint16_t>(queues.at(index).device) = value ? 1 : 0; }
    bool interrupts_wanted(uint16_t index) { return at<uint16_t>(queues.at(index).driver) == 0; }
    // VIRTIO_F_EVENT_IDX, for tests that negotiated it.
    uint16_t& wanted_notification(uint16_t index) {
        auto& queue = queues.at(index);
        return at<uint16_t>(queue.device + 4 + uint64_t{8} * queue.size);
    }
    uint16_t wanted_interrupt(uint16_t index) {
        auto& queue = queues.at(index);
        return at<uint16_t>(queue.driver + 4 + uint64_t{2} * queue.size);
    }

    /// Copies into the next available buffer of a queue; false when there is none.
    bool send_to_driver(uint16_t index, std::string_view bytes) {
        auto buffer = pop(index);
        if (!buffer)
            return false;
        std::memcpy(buffer->writable.at(0).data(), bytes.data(), bytes.size());
        push(index, buffer->id, static_cast<uint32_t>(bytes.size()));
        return true;
    }

    void interrupt() {
        interrupt_status |= 1;
        if (raise)
            raise();
    }

    uint32_t type = 0;
    uint64_t features = uint64_t{1} << 32;
    uint64_t accepted = 0;
    bool takes_features = true;
    std::vector<std::byte> config;
    std::vector<Queue> queues;
    uint8_t status = 0;
    uint32_t interrupt_status = 0;
    unsigned notifications = 0;
    std::function<void()> raise;

    template <typename T>
    static T& at(uint64_t address) {
        return *reinterpret_cast<T*>(address);
    }

    void set_status(uint8_t value) {
        if (value == 0)
            return reset();
        status = takes_features ? value : value & ~8;
    }
    void notify(uint16_t index) {
        ++notifications;
        on_notify(index);
    }

protected:
    ~FakeVirtioDevice() = default;
};

/// Registers of virtio-mmio.
class FakeVirtioMmio final : public FakeRegisters {
public:
    explicit FakeVirtioMmio(FakeVirtioDevice& device)
        : m_device(device) {}

    uint32_t read(uint64_t offset, unsigned) override;
    void write(uint64_t offset, uint32_t value, unsigned) override;

    uint32_t version = 2;

private:
    FakeVirtioDevice::Queue* queue() {
        return m_selected < m_device.queues.size() ? &m_device.queues[m_selected] : nullptr;
    }

    FakeVirtioDevice& m_device;
    uint32_t m_feature_select = 0;
    uint32_t m_selected = 0;
};

/// One PCI function 00:03.0 behind the configuration ports, its registers in BAR 4, its MSI-X table in BAR 1.
class FakeVirtioPci final : public FakeRegisters {
public:
    static constexpr uint64_t registers_address = 0x1'c000'0000;
    static constexpr uint64_t table_address = 0xfe00'0000;
    static constexpr uint32_t notify_offset = 0x3000, config_offset = 0x2000, isr_offset = 0x1000;

    FakeVirtioPci(FakeMachine& machine, FakeVirtioDevice& device);

    // The port pair 0xcf8-0xcff.
    uint32_t read(uint64_t offset, unsigned width) override;
    void write(uint64_t offset, uint32_t value, unsigned width) override;

    template <typename T>
    void put(uint8_t offset, T value) {
        std::memcpy(space.data() + offset, &value, sizeof(value));
    }
    template <typename T>
    T get(uint8_t offset) const {
        T value;
        std::memcpy(&value, space.data() + offset, sizeof(value));
        return value;
    }

    std::array<std::byte, 256> space{};
    std::array<uint32_t, 4> message_entry{0, 0, 0, 1};

private:
    void add_capability(uint8_t at, uint8_t next, uint8_t type, uint32_t offset, uint32_t length);

    /// The BAR with virtio's own registers.
    class Registers final : public FakeRegisters {
    public:
        explicit Registers(FakeVirtioDevice& device)
            : m_device(device) {}
        uint32_t read(uint64_t offset, unsigned width) override;
        void write(uint64_t offset, uint32_t value, unsigned width) override;

    private:
        FakeVirtioDevice& m_device;
        uint32_t m_feature_select = 0;
        uint32_t m_selected = 0;
    };
    class MessageTable final : public FakeRegisters {
    public:
        explicit MessageTable(FakeVirtioPci& pci)
            : m_pci(pci) {}
        uint32_t read(uint64_t offset, unsigned) override { return m_pci.message_entry.at(offset / 4); }
        void write(uint64_t offset, uint32_t value, unsigned) override { m_pci.message_entry.at(offset / 4) = value; }

    private:
        FakeVirtioPci& m_pci;
    };

    Registers m_registers;
    MessageTable m_table{*this};
    uint32_t m_address = 0;
    std::map<uint8_t, uint32_t> m_bar_masks;
};

/// virtio-serial as QEMU's, with any number of ports.
class FakeSerialDevice final : public FakeVirtioDevice {
public:
    struct Port {
        uint32_t id;
        std::string name;
        bool host_connected = false;
        bool guest_connected = false;
        bool throttled = false;
        std::string received = {}; ///< what the guest sent
    };

    explicit FakeSerialDevice(std::vector<Port> with_ports, uint32_t max_ports = 31);

    void on_notify(uint16_t index) override;
    void on_reset() override {
        for (auto& port : ports)
            port.guest_connected = false;
    }
    bool send_control(uint32_t id, uint16_t event, uint16_t value, std::string_view name = {});
    void connect(uint32_t id, bool connected);
    void unthrottle(uint32_t id);
    /// The host writes to a port; returns false when the guest has no buffer.
    bool host_writes(uint32_t id, std::string_view bytes) { return send_to_driver(receive_queue(id), bytes); }
    Port& port(uint32_t id) { return *find_port(id); }

    static uint16_t receive_queue(uint32_t id) { return static_cast<uint16_t>(id == 0 ? 0 : 2 * id + 2); }
    static uint16_t transmit_queue(uint32_t id) { return static_cast<uint16_t>(receive_queue(id) + 1); }

    std::vector<Port> ports;
    bool answers_control = true;

private:
    Port* find_port(uint32_t id);
    void take_control();
    void drain(Port& port);
};

} // namespace drivers::test
