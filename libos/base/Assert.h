#pragma once
// ASSERT(condition): checked in every build. A failed assertion never returns; where it goes is the composer's choice:
// the image ends in the crash path with a core, a hosted test aborts.

namespace base {

/// Defined once per program: by libos for the image, by HostedAssert.cpp for unit tests and fuzz targets.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

} // namespace base

#define ASSERT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) [[unlikely]]                                                                                 \
            ::base::assertion_failed(#condition, __FILE_NAME__, __LINE__);                                             \
    } while (false)
