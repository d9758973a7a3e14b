#pragma once
// CpioReader: the records of a newc cpio archive ("070701", what `cpio -H newc` and the initramfs tools write), one by
// one, over a span of memory. Everything in the archive is untrusted; each field is checked before use. No allocation.
// Format: Documentation/driver-api/early-userspace/buffer-format.rst of Linux. Archives may follow each other, with
// zeros between.

#include "libos/base/Result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace fs {

struct CpioRecord {
    std::string_view name; // without leading "/" and "./"; may be empty for the root
    std::span<const std::byte> data;
    uint32_t inode = 0;
    uint32_t mode = 0;
    uint32_t user = 0;
    uint32_t group = 0;
    uint32_t links = 0;
    uint32_t modified = 0; // seconds since 1970
    uint32_t device_major = 0;
    uint32_t device_minor = 0;
    uint32_t special_major = 0;
    uint32_t special_minor = 0;
};

class CpioReader {
public:
    explicit CpioReader(std::span<const std::byte> archive)
        : m_archive(archive) {}

    /// nullopt at the end. Error::Invalid for anything that is not a whole record.
    base::Result<std::optional<CpioRecord>> next();

private:
    base::Result<CpioRecord> read_record();
    base::Result<std::span<const std::byte>> take(uint64_t size_untrusted);
    void skip_padding();

    std::span<const std::byte> m_archive;
    size_t m_at = 0;
};

} // namespace fs
