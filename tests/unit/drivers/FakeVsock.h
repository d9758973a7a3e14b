#pragma once
// virtio-vsock's device side, with no protocol: packets go in and out as a test says.

#include "libos/drivers/SocketDevice.h"
#include "tests/unit/drivers/FakeVirtio.h"

#include <cstring>

namespace drivers::test {

class FakeVsockDevice final : public FakeVirtioDevice {
public:
    static constexpr uint64_t by_index = uint64_t{1} << 29;

    struct Packet {
        SocketPacketHeader header;
        std::string payload;
    };

    explicit FakeVsockDevice(uint64_t cid = 3, uint16_t queue_size = 128) {
        type = 19;
        features |= by_index;
        set_cid(cid);
        queues.resize(3);
        for (auto& queue : queues)
            queue.limit = queue_size;
    }

    void set_cid(uint64_t cid) {
        config.resize(sizeof(cid));
        std::memcpy(config.data(), &cid, sizeof(cid));
    }

    void on_notify(uint16_t index) override {
        if (index == 1 && takes_packets)
            take_packets();
    }

    /// What the guest sent, given back unless `holds_packets`.
    void take_packets() {
        while (auto buffer = pop(1)) {
            auto text = buffer->text();
            Packet packet;
            if (text.size() >= sizeof(packet.header)) {
                std::memcpy(&packet.header, text.data(), sizeof(packet.header));
                packet.payload = text.substr(sizeof(packet.header));
                sent.push_back(packet);
            }
            if (holds_packets)
                held.push_back(buffer->id);
            else
                give_back(buffer->id);
        }
        if ((accepted & by_index) != 0)
            wanted_notification(1) = queues[1].next_available;
    }
    void give_back(uint16_t id) {
        push(1, id, 0);
        raise_if_wanted(1, 1);
    }

    /// Fills the next receive buffer; false when the guest has posted none. `lie` is added to what is said to be
    /// written.
    bool deliver(const SocketPacketHeader& header, std::string_view payload, uint32_t lie = 0) {
        auto buffer = pop(0);
        if (!buffer)
            return false;
        std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
        bytes += payload;
        size_t done = 0;
        for (auto part : buffer->writable) {
            size_t count = std::min(part.size(), bytes.size() - done);
            std::memcpy(part.data(), bytes.data() + done, count);
            done += count;
        }
        push(0, buffer->id, static_cast<uint32_t>(done) + lie);
        raise_if_wanted(0, 1);
        return true;
    }

    bool deliver_event(uint32_t id) {
        auto buffer = pop(2);
        if (!buffer)
            return false;
        std::memcpy(buffer->writable.at(0).data(), &id, sizeof(id));
        push(2, buffer->id, sizeof(id));
        raise_if_wanted(2, 1);
        return true;
    }

    std::vector<Packet> sent;
    std::vector<uint16_t> held;
    bool takes_packets = true;
    bool holds_packets = false;
    unsigned interrupts = 0;

private:
    void raise_if_wanted(uint16_t index, uint16_t count) {
        bool wanted = interrupts_wanted(index);
        if ((accepted & by_index) != 0)
            wanted = static_cast<uint16_t>(queues[index].used - wanted_interrupt(index) - 1) < count;
        if (!wanted)
            return;
        ++interrupts;
        interrupt();
    }
};

} // namespace drivers::test
