// What an instance, or a client of its sockets, may send: frames, and gdb's packets through the proxy.

#include "tracer/link/Frame.h"
#include "tracer/link/GdbProxy.h"

#include <algorithm>
#include <cstdlib>

namespace {

using Bytes = std::span<const uint8_t>;

/// The first byte of each portion is its length.
template <typename Visitor>
void for_each_portion(Bytes data, Visitor visit) {
    while (!data.empty()) {
        const size_t length = std::min<size_t>(data.front(), data.size() - 1);
        visit(data.subspan(1, length));
        data = data.subspan(1 + length);
    }
}

void decode_frames(Bytes data) {
    tracer::FrameDecoder decoder;
    size_t given = 0;
    size_t taken = 0;
    for_each_portion(data, [&](Bytes portion) {
        decoder.push(portion);
        given += portion.size();
        while (const auto frame = decoder.next().value_or(std::nullopt)) {
            taken += sizeof(wire::FrameHeader) + frame->body.size();
            (void)frame->as<wire::HelloMessage>();
            if (tracer::encode_frame(*frame).size() != sizeof(wire::FrameHeader) + frame->body.size())
                std::abort();
        }
    });
    if (taken + decoder.pending() != given)
        std::abort();
}

void drive_proxy(Bytes data) {
    tracer::GdbProxy::Time now{};
    tracer::GdbProxy proxy({.to_stub = [](Bytes) {}, .to_client = [](Bytes) {}, .inject_nmi = [] {}, .on_free = [] {}});
    unsigned turn = 0;
    for_each_portion(data, [&](Bytes portion) {
        if (proxy.is_free())
            proxy.client_attached();
        switch (turn++ % 4) {
        case 0:
        case 2:
            proxy.client_bytes(portion, now);
            break;
        case 1:
            proxy.stub_bytes(portion, now);
            break;
        default:
            if (portion.size() % 8 == 0)
                proxy.client_gone(now);
            if (proxy.deadline())
                now = *proxy.deadline();
            proxy.on_deadline(now);
        }
    });
    // However it went: when the client goes, the stub is free again at last.
    proxy.client_gone(now);
    for (int i = 0; i < 2 && proxy.deadline(); ++i)
        proxy.on_deadline(*proxy.deadline());
    if (!proxy.is_free())
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    decode_frames({data, size});
    drive_proxy({data, size});
    return 0;
}
