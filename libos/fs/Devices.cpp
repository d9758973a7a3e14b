#include "libos/fs/Devices.h"

#include "libos/fs/FileSystem.h"
#include "libos/fs/Readiness.h"
#include "libos/fs/SocketAbi.h"

#include <algorithm>
#include <new>

namespace fs {

using base::Error;
using base::fail;

namespace {

constexpr size_t bounce_size = 512; // on the kernel's stack

constinit SleepLock g_console_write_lock; // app memory is read under it

} // namespace

Device::Device(uint64_t number, uint32_t permissions)
    : Inode(FileType::CharacterDevice, permissions) {
    m_attributes.device = number;
}

base::Result<base::Reference<Device>> Device::create(uint64_t number, uint32_t permissions) {
    auto* device = new (std::nothrow) Device(number, permissions);
    if (!device)
        return fail(Error::NoMemory);
    return base::Reference<Device>::adopt(device);
}

base::Result<base::Reference<OpenFile>> Device::open(base::Reference<Entry> entry, int flags) {
    auto self = base::Reference<Inode>::share(this);
    if (m_attributes.device >> 8 == devices::port_major && services().ports)
        return services().ports->open(m_attributes.device & 0xff, self, std::move(entry), flags);
    OpenFile* file = nullptr;
    switch (m_attributes.device) {
    case devices::null:
    case devices::zero:
    case devices::full:
    case devices::random:
    case devices::urandom:
        file = new (std::nothrow) MemoryDeviceFile(self, std::move(entry), flags, m_attributes.device);
        break;
    case devices::tty:
    case devices::console:
        file = new (std::nothrow) ConsoleFile(self, std::move(entry), flags);
        break;
    case devices::vsock:
        if (!services().sockets || !services().sockets->vsock_cid())
            return fail(Error::NoSuchDevice);
        file = new (std::nothrow) VsockFile(self, std::move(entry), flags);
        break;
    default:
        return fail(Error::NoSuchDevice);
    }
    if (!file)
        return fail(Error::NoMemory);
    return base::Reference<OpenFile>::adopt(file);
}

base::Result<size_t> MemoryDeviceFile::read(Transfer& to) {
    switch (m_number) {
    case devices::null:
        return 0;
    case devices::zero:
    case devices::full:
        return to.put_zeros(to.remaining());
    default:
        break;
    }
    std::byte bounce[bounce_size];
    base::Result<> result;
    while (!to.done() && result) {
        auto part = std::span(bounce).first(std::min(to.remaining(), bounce_size));
        services().random.fill(part);
        if (auto put = to.put(part); !put)
            result = fail(put.error());
    }
    return bytes_moved(to, result);
}

base::Result<size_t> MemoryDeviceFile::write(Transfer& from) {
    if (m_number == devices::full)
        return fail(Error::NoSpace);
    return from.remaining();
}

base::Result<size_t> ConsoleFile::read(Transfer& to) {
    if (to.done())
        return 0;
    std::byte bounce[bounce_size];
    auto part = std::span(bounce).first(std::min(to.remaining(), bounce_size));
    auto count = TRY(services().console.read(part, is_nonblocking() ? 0 : sched::no_deadline));
    return to.put(part.first(count));
}

base::Result<size_t> ConsoleFile::write(Transfer& from) {
    std::byte bounce[bounce_size];
    base::Result<> result;
    size_t written = 0;
    SleepLocker locker(g_console_write_lock);
    while (!from.done()) {
        auto taken = from.take(std::span(bounce).first(std::min(from.remaining(), bounce_size)));
        result = taken ? services().console.write(std::span(bounce).first(*taken)) : fail(taken.error());
        if (!result)
            break;
        written += *taken;
    }
    if (!result && written == 0)
        return fail(result.error());
    return written;
}

base::Result<uint64_t> VsockFile::ioctl(uint32_t request, uint64_t argument) {
    if (request != abi::ioctl_vm_sockets_get_local_cid)
        return fail(Error::NotTerminal);
    TRY(memory::write_user(argument, TRY(services().sockets->vsock_cid())));
    return 0;
}

uint32_t ConsoleFile::poll() {
    uint32_t ready = abi::pollout | abi::pollwrnorm;
    if (services().console.readable_bytes() > 0)
        ready |= abi::pollin | abi::pollrdnorm;
    return ready;
}

uint64_t ConsoleFile::activity() const {
    return readiness_generation();
}

base::Result<uint64_t> ConsoleFile::ioctl(uint32_t request, uint64_t argument) {
    auto& console = services().console;
    if (!console.is_terminal())
        return fail(Error::NotTerminal);
    switch (request) {
    case abi::tcgets:
        TRY(memory::write_user(argument, console.attributes()));
        return 0;
    case abi::tcsets:
    case abi::tcsetsw:
    case abi::tcsetsf:
        console.set_attributes(TRY(memory::read_user<TerminalAttributes>(argument)));
        return 0;
    case abi::tiocgwinsz:
        TRY(memory::write_user(argument, console.size()));
        return 0;
    case abi::tiocswinsz:
    case abi::tiocspgrp:
        return 0;
    case abi::tiocgpgrp:
        TRY(memory::write_user(argument, static_cast<int32_t>(services().proc.process_id())));
        return 0;
    case abi::fionread:
        TRY(memory::write_user(argument, static_cast<int32_t>(console.readable_bytes())));
        return 0;
    default:
        return fail(Error::NotTerminal);
    }
}

} // namespace fs
