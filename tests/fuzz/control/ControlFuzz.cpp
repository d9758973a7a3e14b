// What a host sends on the control channel, in pieces: the first byte is the role, then each piece is a length and its
// bytes. Whatever comes, every request that is handled was whole, and was sent.

#include "libos/control/FrameAccess.h"
#include "libos/control/RequestReceiver.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace {

void check(bool holds) {
    if (!holds)
        std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0)
        return 0;
    const auto role = static_cast<wire::Role>(data[0] % 4);
    std::span<const std::byte> rest = std::as_bytes(std::span(data, size)).subspan(1);
    control::RequestReceiver receiver;
    size_t accepted = 0; // bytes of the stream that stand before what is kept
    while (!rest.empty()) {
        size_t piece = std::min<size_t>(static_cast<uint8_t>(rest[0]), rest.size() - 1);
        rest = rest.subspan(1);
        while (piece != 0) {
            auto room = receiver.room();
            check(!room.empty());
            const size_t count = std::min(piece, room.size());
            std::copy_n(rest.begin(), count, room.begin());
            receiver.add(count);
            rest = rest.subspan(count);
            piece -= count;
            const bool makes_sense =
                receiver.take_frames([&](const wire::FrameHeader& header, std::span<const std::byte> body) {
                    check(header.magic == wire::frame_magic && body.size() == header.length);
                    check(body.size() <= control::max_request);
                    accepted += sizeof(header) + body.size();
                    check(accepted <= size);
                    const auto type = static_cast<wire::FrameType>(header.type);
                    const bool may = control::may_request(role, type);
                    check(!may || role != wire::Role::None);
                    check(!may || role == wire::Role::Operator || type != wire::FrameType::Acknowledge);
                    if (may && type == wire::FrameType::ProbeEnable) {
                        if (auto choice = control::parse_probe_choice(body)) {
                            size_t sum = 0;
                            for (const char letter : choice->pattern)
                                sum += static_cast<unsigned char>(letter);
                            check(choice->pattern.size() + sizeof(wire::ProbeEnableMessage) == body.size() &&
                                  sum <= 255 * body.size());
                        }
                    }
                });
            if (!makes_sense)
                receiver.reset();
        }
    }
    return 0;
}
