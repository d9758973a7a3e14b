#pragma once
// FrameReceiver: bytes of the line are pushed in, frames and console text come out (docs/serial-link.md, "Receiving").
//
// Finds the next frame after any garbage, understands both encodings at any time, and tells text from the debris of
// damaged frames: what could be either is held until the next mark, the end of its line, or silence. Nothing blocks, no
// byte is looked at more than a few times. One caller at a time, any context; cost: a compare and a store per byte of
// the line, a decode and a CRC per frame.

#include "probes/serial/Frame.h"

namespace serial {

class FrameReceiver {
public:
    class Sink {
    public:
        /// A frame whose CRC is right. Its payload is gone after the call.
        virtual void on_frame(const Frame& frame) = 0;
        virtual void on_text(std::span<const uint8_t> text) = 0;
        /// Something that was a frame once, or one of another session.
        virtual void on_damage() = 0;

    protected:
        ~Sink() = default;
    };

    constexpr FrameReceiver() = default;

    /// What the CRC of a session's frames starts from, and how they are encoded. on_frame() may call it.
    void begin_session(uint32_t seed, Encoding encoding) {
        m_seed = seed;
        m_escaped_session = encoding == Encoding::Escaped;
    }
    /// Without a session only a Hello is a frame.
    void end_session() {
        m_seed = std::nullopt;
        m_escaped_session = false;
    }

    void receive(std::span<const uint8_t> bytes_untrusted, Time now, Sink& sink);
    /// When on_time() wants to be called, at the latest.
    Time deadline() const;
    void on_time(Time now, Sink& sink);

    /// Silence after which held text is text, and after which a frame that has begun will not go on.
    static constexpr Time text_patience = 50'000;
    static constexpr Time frame_patience = 250'000;

private:
    enum class State : uint8_t { Text, Plain, Escaped };

    size_t take_run(std::span<const uint8_t> bytes_untrusted);
    void push(uint8_t byte, Sink& sink);
    void push_text(uint8_t byte, Sink& sink);
    void begin(State state) {
        m_attached = m_attached || state == State::Plain;
        m_state = state;
        m_candidate = m_size;
    }
    void append(uint8_t byte, Sink& sink);
    void end_frame(Sink& sink);
    void give_up_frame(Sink& sink);
    void give_frame_back(Sink& sink);
    void release_text(Sink& sink);
    void drop_text(Sink& sink);
    bool is_escaped_debris(std::span<const uint8_t> bytes) const;
    bool candidate_is_debris() const;
    std::span<const uint8_t> candidate() const { return {m_buffer + m_candidate, m_size - m_candidate}; }

    static constexpr size_t text_capacity = 512;

    std::optional<uint32_t> m_seed;
    bool m_escaped_session = false;
    State m_state = State::Text;
    bool m_held_is_text = true;   // every byte before m_candidate is ASCII text
    bool m_follows_frame = false; // what is held follows a frame's end directly
    bool m_attached = false;      // a mark or silence was heard: what came first may be the rest of a frame
    size_t m_candidate = 0;       // before it: held text; after it: the frame that has begun, without its start mark
    size_t m_size = 0;
    Time m_last = 0;
    uint8_t m_buffer[text_capacity + wire::serial_max_frame] = {};
};

} // namespace serial
