// The initrd: any bytes end in records or an error, each record inside the archive, in time linear to its size.
#include "libos/base/Assert.h"
#include "libos/fs/CpioReader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fs::CpioReader reader(std::as_bytes(std::span(data, size)));
    size_t records = 0;
    size_t sum = 0;
    while (true) {
        auto record = reader.next();
        if (!record || !*record)
            break;
        ASSERT(++records <= size / 110); // the size of a header
        ASSERT(!(*record)->name.starts_with('/') && (*record)->name.find('\0') == std::string_view::npos);
        // Every byte can be read.
        for (char c : (*record)->name)
            sum += static_cast<uint8_t>(c);
        for (auto byte : (*record)->data)
            sum += static_cast<uint8_t>(byte);
    }
    return sum == SIZE_MAX ? -1 : 0;
}
