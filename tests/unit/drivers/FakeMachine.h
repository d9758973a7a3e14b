#pragma once
// FakeMachine: a machine for drivers under test. It is the bus behind arch/Io.h, the Platform, and the physical memory:
// a frame is a page of host memory whose address is its physical address.

#include "libos/drivers/Platform.h"

#include <arch/Io.h>

#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace drivers::test {

/// A device's registers, at ports or in memory; offsets are from where it was attached.
class FakeRegisters {
public:
    virtual uint32_t read(uint64_t offset, unsigned width) = 0;
    virtual void write(uint64_t offset, uint32_t value, unsigned width) = 0;

protected:
    ~FakeRegisters() = default;
};

class FakeMachine final : public arch::IoBus, public Platform, public memory::PageAllocator {
public:
    FakeMachine() { arch::g_io_bus = this; }
    ~FakeMachine() {
        arch::g_io_bus = nullptr;
        for (auto page : m_pages)
            std::free(reinterpret_cast<void*>(page));
    }
    FakeMachine(const FakeMachine&) = delete;
    FakeMachine& operator=(const FakeMachine&) = delete;

    void attach_ports(uint16_t first, uint16_t count, FakeRegisters& device) { m_ports[first] = {count, &device}; }
    void attach_memory(PhysicalAddress first, uint64_t size, FakeRegisters& device) {
        m_memory[first] = {size, &device};
    }
    void put_firmware(PhysicalAddress address, std::vector<std::byte> bytes) { m_firmware[address] = std::move(bytes); }

    // arch::IoBus: what nobody decodes reads as ones and swallows writes, as on a PC.
    uint32_t port_read(uint16_t port, unsigned width) override { return read_from(m_ports, port, width); }
    void port_write(uint16_t port, uint32_t value, unsigned width) override { write_to(m_ports, port, value, width); }
    uint32_t mmio_read(const volatile void* address, unsigned width) override {
        return read_from(m_memory, reinterpret_cast<uint64_t>(address), width);
    }
    void mmio_write(volatile void* address, uint32_t value, unsigned width) override {
        write_to(m_memory, reinterpret_cast<uint64_t>(address), value, width);
    }

    // Platform
    base::Result<volatile std::byte*> map_mmio(PhysicalAddress physical, size_t) override {
        return reinterpret_cast<volatile std::byte*>(physical);
    }
    const std::byte* map_firmware(PhysicalAddress physical, size_t length) override {
        for (auto& [address, bytes] : m_firmware) {
            if (physical >= address && physical - address <= bytes.size() &&
                length <= bytes.size() - (physical - address))
                return bytes.data() + (physical - address);
        }
        return nullptr;
    }
    memory::PageAllocator& pages() override { return *this; }
    base::Result<> connect_interrupt(unsigned line, InterruptTrigger, InterruptHandler handler,
                                     void* context) override {
        m_lines.insert({line, {handler, context}});
        return {};
    }
    base::Result<InterruptMessage> connect_message_interrupt(InterruptHandler handler, void* context) override {
        if (!messages_supported)
            return base::fail(base::Error::NotSupported);
        m_messages.push_back({handler, context});
        return InterruptMessage{message_address, static_cast<uint32_t>(m_messages.size() - 1)};
    }
    void log(std::string_view line) override { lines.emplace_back(line); }
    uint64_t timestamp_hz() const override { return ticks_per_second; }

    // What devices do to the machine.
    void raise(unsigned line) {
        auto [begin, end] = m_lines.equal_range(line);
        for (auto it = begin; it != end; ++it)
            it->second.handler(it->second.context);
    }
    void send_message(uint64_t address, uint32_t data) {
        if (address == message_address && data < m_messages.size())
            m_messages[data].handler(m_messages[data].context);
    }

    // PageAllocator
    base::Result<PhysicalAddress> allocate_zeroed_page() override {
        if (pages_left == 0)
            return base::fail(base::Error::NoMemory);
        --pages_left;
        void* page = std::aligned_alloc(4096, 4096);
        std::memset(page, 0, 4096);
        auto address = reinterpret_cast<PhysicalAddress>(page);
        m_pages.insert(address);
        return address;
    }
    void free_page(PhysicalAddress page) override {
        if (m_pages.erase(page) != 1)
            std::abort(); // freed twice, or never allocated
        ++pages_left;
        std::free(reinterpret_cast<void*>(page));
    }
    void* to_pointer(PhysicalAddress page) override { return reinterpret_cast<void*>(page); }
    size_t pages_in_use() const { return m_pages.size(); }

    static constexpr uint64_t message_address = 0xfee00000;
    size_t pages_left = 100'000;
    bool messages_supported = true;
    uint64_t ticks_per_second = 1'000'000'000; ///< of arch::timestamp(); fewer shorten every timeout
    std::vector<std::string> lines;            ///< what was logged

private:
    struct Handler {
        InterruptHandler handler;
        void* context;
    };
    struct Range {
        uint64_t size;
        FakeRegisters* device;
    };
    template <typename Map>
    static auto find_range(Map& ranges, uint64_t address) {
        auto next = ranges.upper_bound(address);
        if (next == ranges.begin())
            return ranges.end();
        auto found = std::prev(next);
        return address - found->first < found->second.size ? found : ranges.end();
    }
    template <typename Map>
    static uint32_t read_from(Map& ranges, uint64_t address, unsigned width) {
        if (auto found = find_range(ranges, address); found != ranges.end())
            return found->second.device->read(address - found->first, width);
        return width == 4 ? UINT32_MAX : (1u << (8 * width)) - 1;
    }
    template <typename Map>
    static void write_to(Map& ranges, uint64_t address, uint32_t value, unsigned width) {
        if (auto found = find_range(ranges, address); found != ranges.end())
            found->second.device->write(address - found->first, value, width);
    }

    std::map<uint64_t, Range> m_ports;
    std::map<uint64_t, Range> m_memory;
    std::map<PhysicalAddress, std::vector<std::byte>> m_firmware;
    std::multimap<unsigned, Handler> m_lines;
    std::vector<Handler> m_messages;
    std::set<PhysicalAddress> m_pages;
};

} // namespace drivers::test
