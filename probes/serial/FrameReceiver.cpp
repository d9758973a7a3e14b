#include "probes/serial/FrameReceiver.h"

#include <algorithm>

namespace serial {

using namespace wire;

namespace {

/// What no frame of the plain encoding consists of entirely.
constexpr bool is_ascii_text(uint8_t byte) {
    return (byte >= 0x20 && byte < 0x7f) || (byte >= 0x08 && byte <= 0x0d) || byte == 0x1b;
}

/// Inserted by lines and of no meaning to frames of the escaped encoding: NUL, XON, XOFF.
constexpr bool is_line_control(uint8_t byte) {
    return byte == 0x00 || byte == 0x11 || byte == 0x13;
}

constexpr bool is_blank(uint8_t byte) {
    return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

constexpr size_t max_between_marks = serial_max_frame - 2;
constexpr size_t min_escaped_size = serial_escaped_size(serial_min_content);

} // namespace

void FrameReceiver::receive(std::span<const uint8_t> bytes_untrusted, Time now, Sink& sink) {
    if (bytes_untrusted.empty())
        return;
    on_time(now, sink);
    m_last = now;
    while (!bytes_untrusted.empty()) {
        if (m_state == State::Plain)
            bytes_untrusted = bytes_untrusted.subspan(take_run(bytes_untrusted));
        if (bytes_untrusted.empty())
            break;
        push(bytes_untrusted.front(), sink);
        bytes_untrusted = bytes_untrusted.subspan(1);
    }
}

/// The bytes before the next mark, as far as a frame may go on; returns how many.
size_t FrameReceiver::take_run(std::span<const uint8_t> bytes_untrusted) {
    static_assert(serial_plain_end == serial_plain_start + 1);
    size_t max = std::min(bytes_untrusted.size(), max_between_marks - candidate().size());
    size_t count = 0;
    while (count < max && static_cast<uint8_t>(bytes_untrusted[count] - serial_plain_start) > 1)
        ++count;
    std::copy_n(bytes_untrusted.data(), count, m_buffer + m_size);
    m_size += count;
    return count;
}

Time FrameReceiver::deadline() const {
    if (m_state != State::Text)
        return m_last + frame_patience;
    return m_size != 0 ? m_last + text_patience : no_deadline;
}

void FrameReceiver::on_time(Time now, Sink& sink) {
    if (now < deadline())
        return;
    bool was_in_frame = m_state != State::Text;
    if (was_in_frame)
        give_up_frame(sink);
    release_text(sink);
    m_attached = !was_in_frame; // the rest may come yet
}

/// Whether bytes between marks of the escaped encoding were a frame rather than text that holds such characters. In a
/// session that uses it, clear text is rare and has many blanks, while a damaged frame may have any characters.
bool FrameReceiver::is_escaped_debris(std::span<const uint8_t> bytes) const {
    constexpr size_t longest_word = 16;
    auto blanks = static_cast<size_t>(std::count_if(bytes.begin(), bytes.end(), is_blank));
    return m_escaped_session
               ? blanks * longest_word <= bytes.size()
               : bytes.size() >= min_escaped_size && std::all_of(bytes.begin(), bytes.end(), is_escaped_digit);
}

bool FrameReceiver::candidate_is_debris() const {
    auto bytes = candidate();
    return m_state == State::Plain ? !std::all_of(bytes.begin(), bytes.end(), is_ascii_text) : is_escaped_debris(bytes);
}

void FrameReceiver::push(uint8_t byte, Sink& sink) {
    if (m_state == State::Text) {
        push_text(byte, sink);
        return;
    }
    if (m_state == State::Plain) {
        if (byte == serial_plain_start) [[unlikely]] {
            give_up_frame(sink);
            push_text(byte, sink);
        } else if (byte == serial_plain_end) {
            end_frame(sink);
        } else {
            append(byte, sink);
        }
        return;
    }
    if (is_escaped_digit(byte)) {
        append(byte, sink);
    } else if (byte == serial_escaped_end) {
        end_frame(sink);
    } else if (byte == serial_escaped_start || byte == serial_plain_start || byte == serial_plain_end) {
        give_up_frame(sink);
        push_text(byte, sink);
    } else if (is_line_control(byte)) {
        return;
    } else if (m_escaped_session) {
        append(byte, sink); // damaged or text: the next mark decides
    } else {
        give_frame_back(sink);
        push_text(byte, sink);
    }
}

void FrameReceiver::push_text(uint8_t byte, Sink& sink) {
    switch (byte) {
    case serial_plain_start:
        release_text(sink);
        begin(State::Plain);
        return;
    case serial_plain_end:
        // The end of a frame whose start was lost; or of one that its sender gave up, to say something in clear text.
        if (!m_held_is_text || !m_attached)
            drop_text(sink);
        return;
    case serial_escaped_start:
        begin(State::Escaped);
        return;
    case serial_escaped_end:
        if ((m_follows_frame && is_escaped_debris({m_buffer, m_size})) ||
            (!m_attached && std::none_of(m_buffer, m_buffer + m_size, is_blank))) {
            drop_text(sink);
            return;
        }
        break;
    default:
        break;
    }
    m_held_is_text = m_held_is_text && is_ascii_text(byte);
    m_buffer[m_size++] = byte;
    // In a session the next mark decides.
    if ((byte == '\n' && m_held_is_text && m_attached && !m_seed) || m_size == text_capacity)
        release_text(sink);
}

void FrameReceiver::append(uint8_t byte, Sink& sink) {
    m_buffer[m_size++] = byte;
    if (candidate().size() > max_between_marks) [[unlikely]]
        give_up_frame(sink);
}

/// At the end mark.
void FrameReceiver::end_frame(Sink& sink) {
    uint8_t content[serial_max_content];
    auto size = m_state == State::Plain ? decode_plain(candidate(), content) : decode_escaped(candidate(), content);
    auto frame = size ? parse_content({content, *size}, m_seed) : std::nullopt;
    if (frame) {
        m_size = m_candidate;
        m_state = State::Text;
        release_text(sink);
        m_follows_frame = true;
        sink.on_frame(*frame);
        return;
    }
    bool is_text = m_state == State::Escaped && !candidate_is_debris();
    give_up_frame(sink);
    if (is_text)
        push_text(serial_escaped_end, sink);
}

/// What has begun will be no frame.
void FrameReceiver::give_up_frame(Sink& sink) {
    if (!candidate_is_debris()) {
        give_frame_back(sink);
        return;
    }
    m_state = State::Text;
    m_size = m_candidate;
    release_text(sink);
    m_follows_frame = true;
    sink.on_damage();
}

/// It was text, and so was the mark that took it for a frame, if that is a character.
void FrameReceiver::give_frame_back(Sink& sink) {
    auto bytes = candidate();
    bool was_escaped = m_state == State::Escaped;
    m_state = State::Text;
    m_held_is_text = m_held_is_text && std::all_of(bytes.begin(), bytes.end(), is_ascii_text);
    if (was_escaped) {
        std::copy_backward(bytes.begin(), bytes.end(), m_buffer + m_size + 1);
        m_buffer[m_candidate] = serial_escaped_start;
        ++m_size;
    }
    m_candidate = 0;
    if (m_size >= text_capacity)
        release_text(sink);
}

/// To the console. In a session, what is not text is debris: the sender's text comes in frames then, and in clear only
/// when it is the report of a crash.
void FrameReceiver::release_text(Sink& sink) {
    if (m_size == 0)
        return;
    if (m_seed && !m_held_is_text) {
        drop_text(sink);
        return;
    }
    size_t size = m_size;
    m_size = m_candidate = 0;
    m_held_is_text = m_attached = true;
    m_follows_frame = false;
    sink.on_text({m_buffer, size});
}

void FrameReceiver::drop_text(Sink& sink) {
    m_size = m_candidate = 0;
    m_held_is_text = m_attached = true;
    m_follows_frame = true;
    sink.on_damage();
}

} // namespace serial
