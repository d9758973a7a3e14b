#include "tests/unit/drivers/FakeVirtio.h"

#include <utility>

namespace drivers::test {

namespace {

void set_low(uint64_t& value, uint32_t low) {
    value = (value & ~uint64_t{UINT32_MAX}) | low;
}
void set_high(uint64_t& value, uint32_t high) {
    value = uint64_t{high} << 32 | static_cast<uint32_t>(value);
}

uint32_t config_value(const FakeVirtioDevice& device, uint64_t offset, unsigned width) {
    uint32_t value = 0;
    for (unsigned i = 0; i < width && offset + i < device.config.size(); ++i)
        value |= std::to_integer<uint32_t>(device.config[offset + i]) << (8 * i);
    return value;
}

} // namespace

// --- MMIO

uint32_t FakeVirtioMmio::read(uint64_t offset, unsigned width) {
    if (offset >= 0x100)
        return config_value(m_device, offset - 0x100, width);
    switch (offset) {
    case 0x00:
        return 0x74726976;
    case 0x04:
        return version;
    case 0x08:
        return m_device.type;
    case 0x10:
        return static_cast<uint32_t>(m_device.features >> (32 * m_feature_select));
    case 0x34:
        return queue() == nullptr ? 0 : queue()->limit;
    case 0x44:
        return queue() != nullptr && queue()->enabled ? 1 : 0;
    case 0x60:
        return m_device.interrupt_status;
    case 0x70:
        return m_device.status;
    default:
        return 0;
    }
}

void FakeVirtioMmio::write(uint64_t offset, uint32_t value, unsigned) {
    switch (offset) {
    case 0x14:
    case 0x24:
        m_feature_select = value;
        return;
    case 0x20:
        (m_feature_select != 0 ? set_high : set_low)(m_device.accepted, value);
        return;
    case 0x30:
        m_selected = value;
        return;
    case 0x50:
        m_device.notify(static_cast<uint16_t>(value));
        return;
    case 0x64:
        m_device.interrupt_status &= ~value;
        return;
    case 0x70:
        m_device.set_status(static_cast<uint8_t>(value));
        return;
    default:
        break;
    }
    auto* target = queue();
    if (target == nullptr)
        return;
    switch (offset) {
    case 0x38:
        target->size = static_cast<uint16_t>(value);
        break;
    case 0x44:
        target->enabled = value != 0;
        break;
    case 0x80:
        set_low(target->descriptors, value);
        break;
    case 0x84:
        set_high(target->descriptors, value);
        break;
    case 0x90:
        set_low(target->driver, value);
        break;
    case 0x94:
        set_high(target->driver, value);
        break;
    case 0xa0:
        set_low(target->device, value);
        break;
    case 0xa4:
        set_high(target->device, value);
        break;
    default:
        break;
    }
}

// --- PCI

FakeVirtioPci::FakeVirtioPci(FakeMachine& machine, FakeVirtioDevice& device)
    : m_registers(device) {
    machine.attach_ports(0xcf8, 8, *this);
    machine.attach_memory(registers_address, 0x4000, m_registers);
    machine.attach_memory(table_address, 0x1000, m_table);
    device.raise = [this, &machine] {
        if ((get<uint16_t>(0x98 + 2) & 0xc000) == 0x8000 && message_entry[3] == 0)
            machine.send_message(uint64_t{message_entry[1]} << 32 | message_entry[0], message_entry[2]);
    };
    put<uint16_t>(0x00, 0x1af4);
    put<uint16_t>(0x02, static_cast<uint16_t>(0x1040 + device.type));
    put<uint16_t>(0x06, 0x10);
    put<uint32_t>(0x14, static_cast<uint32_t>(table_address));
    m_bar_masks[0x14] = 0xfffff000;
    put<uint32_t>(0x20, static_cast<uint32_t>(registers_address) | 0xc);
    put<uint32_t>(0x24, registers_address >> 32);
    m_bar_masks[0x20] = 0xffffc00c;
    m_bar_masks[0x24] = 0xffffffff;
    put<uint8_t>(0x34, 0x40);
    add_capability(0x40, 0x54, 1, 0, 0x1000);
    add_capability(0x54, 0x68, 3, isr_offset, 0x1000);
    add_capability(0x68, 0x7c, 4, config_offset, 0x1000);
    add_capability(0x7c, 0x98, 2, notify_offset, 0x1000);
    put<uint32_t>(0x7c + 16, 4);
    put<uint8_t>(0x98, 0x11);
    put<uint32_t>(0x98 + 4, 1);
}

void FakeVirtioPci::add_capability(uint8_t at, uint8_t next, uint8_t type, uint32_t offset, uint32_t length) {
    put<uint8_t>(at, 0x09);
    put<uint8_t>(at + 1, next);
    put<uint8_t>(at + 3, type);
    put<uint8_t>(at + 4, 4); // BAR
    put<uint32_t>(at + 8, offset);
    put<uint32_t>(at + 12, length);
}

uint32_t FakeVirtioPci::read(uint64_t offset, unsigned width) {
    if (offset < 4)
        return m_address;
    unsigned device = (m_address >> 11) & 0x1fffff, space_offset = (m_address & 0xfc) + (offset - 4);
    uint32_t value = UINT32_MAX;
    if (device == (1u << 20)) // the host bridge, 00:00.0, enable bit set
        value = space_offset == 0 ? 0x29c08086 : 0;
    if (device == (1u << 20 | 3) && (m_address & 0x700) == 0) {
        value = 0;
        std::memcpy(&value, space.data() + space_offset, std::min<size_t>(width, space.size() - space_offset));
    }
    return width == 4 ? value : value & ((1u << (8 * width)) - 1);
}

void FakeVirtioPci::write(uint64_t offset, uint32_t value, unsigned width) {
    if (offset < 4) {
        m_address = value;
        return;
    }
    if (((m_address >> 8) & 0xffffff) != 0x800018)
        return;
    auto space_offset = static_cast<uint8_t>((m_address & 0xfc) + (offset - 4));
    if (space_offset >= 0x10 && space_offset < 0x28) {
        auto mask = m_bar_masks.find(space_offset);
        uint32_t flags = get<uint32_t>(space_offset) & (space_offset == 0x20 ? 0xf : 0);
        value = mask == m_bar_masks.end()
                    ? 0
                    : (value & mask->second & ~0xfu) | (space_offset == 0x24 ? value & 0xf : flags);
    }
    std::memcpy(space.data() + space_offset, &value, width);
}

uint32_t FakeVirtioPci::Registers::read(uint64_t offset, unsigned width) {
    if (offset >= notify_offset)
        return 0;
    if (offset >= config_offset)
        return config_value(m_device, offset - config_offset, width);
    if (offset >= isr_offset)
        return std::exchange(m_device.interrupt_status, 0);
    auto* queue = m_selected < m_device.queues.size() ? &m_device.queues[m_selected] : nullptr;
    switch (offset) {
    case 0x04:
        return static_cast<uint32_t>(m_device.features >> (32 * m_feature_select));
    case 0x14:
        return m_device.status;
    case 0x18:
        return queue == nullptr ? 0 : queue->limit;
    case 0x1a:
        return queue == nullptr ? 0xffff : queue->vector;
    case 0x1e:
        return m_selected;
    default:
        return 0;
    }
}

void FakeVirtioPci::Registers::write(uint64_t offset, uint32_t value, unsigned) {
    if (offset >= notify_offset) {
        if ((offset - notify_offset) / 4 == value)
            m_device.notify(static_cast<uint16_t>(value));
        return;
    }
    switch (offset) {
    case 0x00:
    case 0x08:
        m_feature_select = value;
        return;
    case 0x0c:
        (m_feature_select != 0 ? set_high : set_low)(m_device.accepted, value);
        return;
    case 0x14:
        m_device.set_status(static_cast<uint8_t>(value));
        return;
    case 0x16:
        m_selected = value;
        return;
    default:
        break;
    }
    if (m_selected >= m_device.queues.size())
        return;
    auto& queue = m_device.queues[m_selected];
    switch (offset) {
    case 0x18:
        queue.size = static_cast<uint16_t>(value);
        break;
    case 0x1a:
        queue.vector = static_cast<uint16_t>(value);
        break;
    case 0x1c:
        queue.enabled = value != 0;
        break;
    case 0x20:
        set_low(queue.descriptors, value);
        break;
    case 0x24:
        set_high(queue.descriptors, value);
        break;
    case 0x28:
        set_low(queue.driver, value);
        break;
    case 0x2c:
        set_high(queue.driver, value);
        break;
    case 0x30:
        set_low(queue.device, value);
        break;
    case 0x34:
        set_high(queue.device, value);
        break;
    default:
        break;
    }
}

// --- virtio-serial

FakeSerialDevice::FakeSerialDevice(std::vector<Port> with_ports, uint32_t max_ports)
    : ports(std::move(with_ports)) {
    type = 3;
    features |= 2;
    config.resize(12);
    std::memcpy(config.data() + 4, &max_ports, sizeof(max_ports));
    queues.resize(2 * std::min(max_ports, 31u) + 2);
    queues.at(2).limit = queues.at(3).limit = 32;
}

FakeSerialDevice::Port* FakeSerialDevice::find_port(uint32_t id) {
    for (auto& port : ports) {
        if (port.id == id)
            return &port;
    }
    return nullptr;
}

bool FakeSerialDevice::send_control(uint32_t id, uint16_t event, uint16_t value, std::string_view name) {
    std::string message(8, '\0');
    std::memcpy(message.data(), &id, 4);
    std::memcpy(message.data() + 4, &event, 2);
    std::memcpy(message.data() + 6, &value, 2);
    message += name;
    return send_to_driver(2, message);
}

void FakeSerialDevice::connect(uint32_t id, bool connected) {
    port(id).host_connected = connected;
    if (!connected) {
        port(id).throttled = false;
        drain(port(id)); // discards
    }
    send_control(id, 6, connected ? 1 : 0);
    interrupt();
}

void FakeSerialDevice::unthrottle(uint32_t id) {
    port(id).throttled = false;
    drain(port(id));
    interrupt();
}

void FakeSerialDevice::drain(Port& port) {
    while (!port.throttled) {
        auto buffer = pop(transmit_queue(port.id));
        if (!buffer)
            return;
        if (port.host_connected)
            port.received += buffer->text();
        push(transmit_queue(port.id), buffer->id, 0);
    }
}

void FakeSerialDevice::take_control() {
    while (auto buffer = pop(3)) {
        std::string message = buffer->text();
        uint32_t id;
        uint16_t event, value;
        std::memcpy(&id, message.data(), 4);
        std::memcpy(&event, message.data() + 4, 2);
        std::memcpy(&value, message.data() + 6, 2);
        if (event == 0) {
            for (auto& port : ports)
                send_control(port.id, 1, 1);
        } else if (event == 3 && find_port(id) != nullptr) {
            send_control(id, 7, 1, port(id).name + '\0');
            if (port(id).host_connected)
                send_control(id, 6, 1);
        } else if (event == 6 && find_port(id) != nullptr) {
            port(id).guest_connected = value != 0;
        }
        push(3, buffer->id, 0);
    }
}

void FakeSerialDevice::on_notify(uint16_t index) {
    if (index == 3 && answers_control)
        take_control();
    for (auto& port : ports) {
        if (index == transmit_queue(port.id))
            drain(port);
    }
}

} // namespace drivers::test
