// What an instance, or who stands in for one, may send to a host that shakes hands, and after that in records: the host
// lets nobody be the instance who does not have the session's key.

#include "tracer/auth/ClientHandshake.h"
#include "tracer/auth/Records.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace {

using tracer::ByteSpan;

const tracer::PrivateKey& key() {
    static const tracer::PrivateKey made = tracer::PrivateKey::make().value();
    return made;
}

void shake_hands(ByteSpan data) {
    auto handshake = tracer::ClientHandshake::begin(key(), {});
    if (!handshake)
        std::abort();
    while (!data.empty() && handshake->wanted() != 0) {
        const ByteSpan part = data.first(std::min(data.size(), handshake->wanted()));
        data = data.subspan(part.size());
        if (!handshake->push(part))
            return;
        (void)handshake->take_output();
        if (handshake->agreement())
            std::abort();
    }
}

void open_records(ByteSpan data) {
    tracer::RecordOpener opener(tracer::sha256({}));
    while (!data.empty()) {
        const ByteSpan part = data.first(std::min<size_t>(data.size(), 1 + data.front()));
        const auto opened = opener.open(part);
        if (opened && !opened->empty())
            std::abort();
        data = data.subspan(part.size());
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    // The first byte says which; a handshake's header is put before the rest, since few would find it.
    if (size == 0)
        return 0;
    const ByteSpan rest(data + 1, size - 1);
    if (data[0] % 4 == 0) {
        open_records(rest);
        return 0;
    }
    std::vector<uint8_t> bytes;
    if (data[0] % 4 > 1) {
        const bool is_challenge = data[0] % 4 == 2;
        const wire::HandshakeHeader header{
            wire::handshake_magic, 1,
            static_cast<uint8_t>(is_challenge ? wire::HandshakeType::Challenge : wire::HandshakeType::Refuse),
            static_cast<uint8_t>(wire::ChannelKind::Gdb),
            static_cast<uint32_t>((is_challenge ? sizeof(wire::HandshakeChallenge) : sizeof(wire::HandshakeRefuse)) -
                                  sizeof(wire::HandshakeHeader))};
        bytes.assign(tracer::span_of(header).begin(), tracer::span_of(header).end());
    }
    bytes.insert(bytes.end(), rest.begin(), rest.end());
    shake_hands(bytes);
    return 0;
}
