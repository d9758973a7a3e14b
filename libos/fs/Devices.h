#pragma once
// The character devices: null, zero, full, random, urandom, tty and console.

#include "libos/fs/Inode.h"
#include "libos/fs/OpenFile.h"

namespace fs {

/// The device numbers Linux gives them (Documentation/admin-guide/devices.txt), as st_rdev encodes them.
constexpr uint64_t device_number(uint32_t major, uint32_t minor) {
    return (uint64_t{major} << 8) | minor;
}

namespace devices {
inline constexpr uint64_t null = device_number(1, 3);
inline constexpr uint64_t zero = device_number(1, 5);
inline constexpr uint64_t full = device_number(1, 7);
inline constexpr uint64_t random = device_number(1, 8);
inline constexpr uint64_t urandom = device_number(1, 9);
inline constexpr uint64_t tty = device_number(5, 0);
inline constexpr uint64_t console = device_number(5, 1);
inline constexpr uint64_t vsock = device_number(10, 121); // a "misc" device: Linux gives it a number when it starts
inline constexpr uint32_t port_major = 242;               // dynamic on Linux; the minor number is the port's
} // namespace devices

/// A device node. A number that no driver has makes a node that cannot be opened, as on Linux.
class Device final : public Inode {
public:
    static base::Result<base::Reference<Device>> create(uint64_t number, uint32_t permissions);
    /// Error::NoSuchDevice.
    base::Result<base::Reference<OpenFile>> open(base::Reference<Entry> entry, int flags) override;

private:
    Device(uint64_t number, uint32_t permissions);
};

/// null, zero, full, random and urandom. Stateless.
class MemoryDeviceFile final : public OpenFile {
public:
    MemoryDeviceFile(base::Reference<Inode> inode, base::Reference<Entry> entry, int flags, uint64_t number)
        : OpenFile(std::move(inode), std::move(entry), flags)
        , m_number(number) {}

    base::Result<size_t> read(Transfer& to) override;
    base::Result<size_t> write(Transfer& from) override;
    base::Result<size_t> read_at(Transfer& to, uint64_t) override { return read(to); }
    base::Result<size_t> write_at(Transfer& from, uint64_t) override { return write(from); }
    base::Result<uint64_t> seek(int64_t, int) override { return 0; }

private:
    const uint64_t m_number;
};

/// /dev/vsock: says by ioctl which address this instance has.
class VsockFile final : public OpenFile {
public:
    VsockFile(base::Reference<Inode> inode, base::Reference<Entry> entry, int flags)
        : OpenFile(std::move(inode), std::move(entry), flags) {}

    base::Result<uint64_t> ioctl(uint32_t request, uint64_t argument) override;
};

class ConsoleFile final : public OpenFile {
public:
    ConsoleFile(base::Reference<Inode> inode, base::Reference<Entry> entry, int flags)
        : OpenFile(std::move(inode), std::move(entry), flags) {}

    base::Result<size_t> read(Transfer& to) override;
    /// One write(2) is not torn by another's.
    base::Result<size_t> write(Transfer& from) override;
    base::Result<uint64_t> ioctl(uint32_t request, uint64_t argument) override;
    uint32_t poll() override;
    bool can_poll() const override { return true; }
    uint64_t activity() const override;
};

} // namespace fs
