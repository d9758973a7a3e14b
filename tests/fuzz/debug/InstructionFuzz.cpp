// The x86-64 decoder: any bytes have a length or none; a length does not depend on what follows, and one byte less has
// none.
#include "libos/base/Assert.h"
#include "libos/debug/arch/x86_64/Instruction.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace debug::x86_64;
    std::span bytes(data, size);
    auto instruction = decode(bytes);
    if (!instruction)
        return 0;
    size_t length = instruction->length;
    ASSERT(length > 0 && length <= longest_instruction && length <= size);
    auto alone = decode(bytes.first(length));
    ASSERT(alone && alone->length == length);
    ASSERT(!decode(bytes.first(length - 1)));
    ASSERT(instruction->displacement_size == 0 ||
           instruction->displacement_offset + instruction->displacement_size <= instruction->length);
    ASSERT(instruction->immediate_size < instruction->length);
    return 0;
}
