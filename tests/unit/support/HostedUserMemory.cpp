// memory/UserMemory.h for hosted tests: "app memory" is the test's own. Addresses that no process of Linux has are
// refused, as the image refuses them; others must be good.
#include "libos/memory/UserMemory.h"

#include <cstring>

namespace memory {

namespace {

bool is_user_range(UserAddress address, size_t length) {
    constexpr UserAddress first = 0x10000;
    constexpr UserAddress end = UserAddress{1} << 47;
    return address >= first && length <= end && address <= end - length;
}

} // namespace

base::Result<> copy_from_user(std::span<std::byte> to, UserAddress from) {
    if (to.empty())
        return {};
    if (!is_user_range(from, to.size()))
        return base::fail(base::Error::Fault);
    std::memcpy(to.data(), reinterpret_cast<const void*>(from), to.size());
    return {};
}

base::Result<> copy_to_user(UserAddress to, std::span<const std::byte> from) {
    if (from.empty())
        return {};
    if (!is_user_range(to, from.size()))
        return base::fail(base::Error::Fault);
    std::memcpy(reinterpret_cast<void*>(to), from.data(), from.size());
    return {};
}

base::Result<size_t> copy_string_from_user(std::span<char> buffer, UserAddress from) {
    if (!is_user_range(from, 1))
        return base::fail(base::Error::Fault);
    auto length = strnlen(reinterpret_cast<const char*>(from), buffer.size());
    if (length == buffer.size())
        return base::fail(base::Error::NameTooLong);
    std::memcpy(buffer.data(), reinterpret_cast<const char*>(from), length + 1);
    return length;
}

} // namespace memory
