#include "tracer/trace/Metadata.h"

#include "probes/wire/Ctf.h"

#include <fmt/format.h>

namespace tracer {

// Must declare exactly wire::PacketHeader and wire::event_header().
static constexpr std::string_view g_layout = R"(
typealias integer {{ size = 8; align = 8; signed = false; }} := uint8_t;
typealias integer {{ size = 16; align = 16; signed = false; }} := uint16_t;
typealias integer {{ size = 32; align = 32; signed = false; }} := uint32_t;
typealias integer {{ size = 64; align = 64; signed = false; }} := uint64_t;
typealias integer {{ size = 8; align = 8; signed = true; }} := int8_t;
typealias integer {{ size = 16; align = 16; signed = true; }} := int16_t;
typealias integer {{ size = 32; align = 32; signed = true; }} := int32_t;
typealias integer {{ size = 64; align = 64; signed = true; }} := int64_t;
typealias integer {{ size = 8; align = 8; signed = false; base = 16; }} := hex8_t;
typealias integer {{ size = 16; align = 16; signed = false; base = 16; }} := hex16_t;
typealias integer {{ size = 32; align = 32; signed = false; base = 16; }} := hex32_t;
typealias integer {{ size = 64; align = 64; signed = false; base = 16; }} := hex64_t;
typealias integer {{ size = 8; align = 8; signed = true; encoding = UTF8; }} := text_t;

trace {{
    major = 1;
    minor = 8;
    uuid = "{uuid}";
    byte_order = le;
    packet.header := struct {{
        uint32_t magic;
        uint8_t uuid[16];
        uint32_t stream_id;
    }};
}};

env {{
    domain = "kernel";
    tracer_name = "uniscope";
    tracer_major = {tracer_major};
    tracer_minor = 0;
    sysname = "Linux";
    hostname = "{hostname}";
    image = "{image}";
    build_id = "{build_id}";
}};

clock {{
    name = tsc;
    description = "time stamp counter";
    freq = {hz};
    offset_s = {offset_seconds};
    offset = {offset_ticks};
}};

typealias integer {{ size = 64; align = 64; signed = false; map = clock.tsc.value; }} := tsc64_t;

stream {{
    id = {stream_id};
    packet.context := struct {{
        tsc64_t timestamp_begin;
        tsc64_t timestamp_end;
        uint64_t content_size;
        uint64_t packet_size;
        uint64_t packet_seq_num;
        uint64_t events_discarded;
        uint64_t events_produced;
        uint32_t cpu_id;
        uint32_t event_count;
    }};
    event.header := struct {{
        integer {{ size = 16; align = 1; signed = false; }} id;
        integer {{ size = 48; align = 1; signed = false; map = clock.tsc.value; }} timestamp;
    }} align(64);
}};
)";

static std::string escaped(std::string_view text) {
    std::string result;
    for (char c : text) {
        if (c == '"' || c == '\\')
            result += '\\';
        result += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
    return result;
}

static std::string declaration(const Field& field) {
    // A leading underscore protects names that TSDL reserves (event, struct, ...): readers strip it.
    std::string subscript = field.count > 1 ? fmt::format("[{}]", field.count) : "";
    switch (field.kind) {
    case FieldKind::Signed:
        return fmt::format("int{}_t _{}{};", field.size * 8, field.name, subscript);
    case FieldKind::Unsigned:
        return fmt::format("uint{}_t _{}{};", field.size * 8, field.name, subscript);
    case FieldKind::Address:
        return fmt::format("hex{}_t _{}{};", field.size * 8, field.name, subscript);
    case FieldKind::Text:
        return fmt::format("text_t _{}[{}];", field.name, field.size);
    case FieldKind::String:
        return fmt::format("string _{};", field.name);
    }
    return {};
}

std::string make_metadata(const RecordingInfo& info, const Schema& schema) {
    auto clock = info.clock();
    auto offset = clock.offset();
    std::string text = "/* CTF 1.8 */\n";
    fmt::format_to(std::back_inserter(text), fmt::runtime(g_layout), fmt::arg("uuid", to_string(info.uuid)),
                   fmt::arg("tracer_major", wire::trace_format_version), fmt::arg("hostname", escaped(info.instance)),
                   fmt::arg("image", escaped(info.image_path)), fmt::arg("build_id", escaped(info.build_id)),
                   fmt::arg("hz", clock.hz()), fmt::arg("offset_seconds", offset.seconds),
                   fmt::arg("offset_ticks", offset.ticks), fmt::arg("stream_id", wire::event_stream_id));
    for (const auto& type : schema.types()) {
        fmt::format_to(std::back_inserter(text),
                       "\nevent {{\n    name = \"{}\";\n    id = {};\n    stream_id = {};\n    fields := struct {{\n",
                       escaped(type.name), type.id, wire::event_stream_id);
        for (const auto& field : type.fields)
            fmt::format_to(std::back_inserter(text), "        {}\n", declaration(field));
        text += "    };\n};\n";
    }
    return text;
}

} // namespace tracer
