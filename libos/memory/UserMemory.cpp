#include "libos/memory/UserMemory.h"

#include "libos/base/Bits.h"

#include <arch/Image.h>
#include <arch/PageTable.h>
#include <arch/Processor.h>

extern "C" bool copy_guarded(void* to, const void* from, size_t n);

namespace memory {

namespace {

/// In the app's half and clear of the libOS' own image, which lies there too.
bool is_app_memory(UserAddress address, size_t length) {
    if (!base::range_fits(address, length, arch::app_end))
        return false;
    auto image = arch::libos_image();
    return address >= image.end || address + length <= image.start;
}

} // namespace

base::Result<> copy_from_user(std::span<std::byte> to, UserAddress from) {
    if (!is_app_memory(from, to.size()) || !copy_guarded(to.data(), reinterpret_cast<const void*>(from), to.size()))
        return base::fail(base::Error::Fault);
    return {};
}

base::Result<> copy_to_user(UserAddress to, std::span<const std::byte> from) {
    if (!is_app_memory(to, from.size()) || !copy_guarded(reinterpret_cast<void*>(to), from.data(), from.size()))
        return base::fail(base::Error::Fault);
    return {};
}

base::Result<size_t> copy_string_from_user(std::span<char> buffer, UserAddress from) {
    size_t done = 0;
    while (done < buffer.size()) {
        // Up to the end of the page: the next may not be mapped.
        size_t step = arch::page_size - (from + done) % arch::page_size;
        if (step > buffer.size() - done)
            step = buffer.size() - done;
        TRY(copy_from_user(std::as_writable_bytes(buffer.subspan(done, step)), from + done));
        for (size_t i = done; i < done + step; ++i) {
            if (buffer[i] == 0)
                return i;
        }
        done += step;
    }
    return base::fail(base::Error::NameTooLong);
}

} // namespace memory
