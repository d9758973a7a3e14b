// The driver's side of virtio-serial against a device whose every answer comes from the fuzzer.
#include "tests/unit/drivers/HostileSerial.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    drivers::test::play_hostile_serial({data, size});
    return 0;
}
