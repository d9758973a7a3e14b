// The framed serial line: both ends, and everything that can happen between them.
#include "tests/unit/probes/serial/HostileLine.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    serial::test::play_hostile_line({data, size});
    return 0;
}
