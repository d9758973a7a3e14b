// The guest's side of vsock, driver to sockets, against a device and a peer whose every answer comes from the fuzzer.
#include "tests/unit/vsock/HostileVsock.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    vsock::test::prepare_hostile_vsock();
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    vsock::test::play_hostile_vsock({data, size});
    return 0;
}
