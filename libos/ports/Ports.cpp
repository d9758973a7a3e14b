#include "libos/ports/Ports.h"

#include "libos/ports/PortFile.h"

#include <new>

namespace ports {

namespace {

using base::Error;
using base::fail;

/// The last reference closes the port.
class OpenPort final : public PortFile {
public:
    OpenPort(base::Reference<fs::Inode> inode, base::Reference<fs::Entry> entry, int flags, Port& port,
             drivers::VirtioConsole& console, unsigned number)
        : PortFile(std::move(inode), std::move(entry), flags, port)
        , m_port(port)
        , m_console(console)
        , m_number(number) {}
    ~OpenPort() override {
        m_console.close_port(m_number);
        m_port.release();
    }

private:
    Port& m_port;
    drivers::VirtioConsole& m_console;
    unsigned m_number;
};

class Ports final : public fs::PortSource {
public:
    drivers::VirtioConsole* console = nullptr;
    memory::PageAllocator* pages = nullptr;

    unsigned count() override { return console->port_count(); }
    std::string_view name(unsigned number) override { return console->other_name(number); }

    base::Result<base::Reference<fs::OpenFile>> open(unsigned number, base::Reference<fs::Inode> inode,
                                                     base::Reference<fs::Entry> entry, int flags) override {
        if (number >= drivers::VirtioConsole::max_ports)
            return fail(Error::NoSuchDevice);
        auto& port = m_ports[number];
        if (!port.claim())
            return fail(Error::Busy);
        auto file = open_claimed(number, std::move(inode), std::move(entry), flags);
        if (!file)
            port.release();
        return file;
    }

private:
    base::Result<base::Reference<fs::OpenFile>> open_claimed(unsigned number, base::Reference<fs::Inode> inode,
                                                             base::Reference<fs::Entry> entry, int flags) {
        auto& port = m_ports[number];
        auto* channel = TRY(console->open_port(number));
        base::Result<> prepared = port.prepare(*channel, *pages);
        auto* file = prepared ? new (std::nothrow)
                                    OpenPort(std::move(inode), std::move(entry), flags, port, *console, number)
                              : nullptr;
        if (file == nullptr) {
            console->close_port(number);
            return fail(Error::NoMemory);
        }
        return base::Reference<fs::OpenFile>::adopt(file);
    }

    Port m_ports[drivers::VirtioConsole::max_ports];
};
constinit Ports g_ports;

} // namespace

void initialize(drivers::VirtioConsole* console, memory::PageAllocator& pages) {
    g_ports.console = console;
    g_ports.pages = &pages;
}

fs::PortSource* ports() {
    return g_ports.console != nullptr ? &g_ports : nullptr;
}

} // namespace ports
