// The rest of what compilers call without being asked.
#include <cstddef>

extern "C" {

int memcmp(const void* left, const void* right, size_t size) {
    auto* a = static_cast<const unsigned char*>(left);
    auto* b = static_cast<const unsigned char*>(right);
    for (size_t i = 0; i < size; ++i) {
        if (a[i] != b[i])
            return a[i] - b[i];
    }
    return 0;
}

void* memchr(const void* memory, int value, size_t size) {
    auto* bytes = static_cast<const unsigned char*>(memory);
    for (size_t i = 0; i < size; ++i) {
        if (bytes[i] == static_cast<unsigned char>(value))
            return const_cast<unsigned char*>(bytes + i);
    }
    return nullptr;
}

size_t strlen(const char* text) {
    size_t length = 0;
    while (text[length] != 0)
        ++length;
    return length;
}
}

// A pure virtual function can only be called by a bug in construction order, and there are no such globals.
extern "C" void __cxa_pure_virtual() {
    __builtin_trap();
}
