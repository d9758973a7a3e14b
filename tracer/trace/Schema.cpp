#include "tracer/trace/Schema.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstring>

namespace tracer {

static constexpr std::array<std::string_view, 5> g_kind_names = {"unsigned", "signed", "address", "text", "string"};

static uint64_t read_integer(const uint8_t* bytes, uint32_t size, bool is_signed) {
    switch (size) {
    case 1:
        return is_signed ? static_cast<uint64_t>(static_cast<int8_t>(*bytes)) : *bytes;
    case 2: {
        uint16_t value;
        memcpy(&value, bytes, sizeof(value));
        return is_signed ? static_cast<uint64_t>(static_cast<int16_t>(value)) : value;
    }
    case 4: {
        uint32_t value;
        memcpy(&value, bytes, sizeof(value));
        return is_signed ? static_cast<uint64_t>(static_cast<int32_t>(value)) : value;
    }
    case 8: {
        uint64_t value;
        memcpy(&value, bytes, sizeof(value));
        return value;
    }
    default:
        return 0;
    }
}

std::string to_string(const Field& field, const FieldValue& value) {
    if (const auto* text = std::get_if<std::string_view>(&value))
        return std::string(*text);
    if (const auto* number = std::get_if<int64_t>(&value))
        return fmt::format("{}", *number);
    if (field.kind == FieldKind::Address)
        return fmt::format("{:#x}", std::get<uint64_t>(value));
    return fmt::format("{}", std::get<uint64_t>(value));
}

int EventType::find_field(std::string_view field_name) const {
    for (size_t i = 0; i < fields.size(); ++i)
        if (fields[i].name == field_name)
            return static_cast<int>(i);
    return -1;
}

static bool is_integer(FieldKind kind) {
    return kind != FieldKind::Text && kind != FieldKind::String;
}

static uint32_t aligned(uint32_t offset, const Field& field) {
    return is_integer(field.kind) ? (offset + field.size - 1) & ~(field.size - 1) : offset;
}

/// Where `field` begins, walking from the first; one past the end of the last for fields.size(). Nothing if a String
/// does not end or a field does not fit.
std::optional<uint32_t> EventType::walk_to(size_t field, std::span<const uint8_t> payload) const {
    uint64_t at = 0;
    for (size_t i = 0; i < fields.size(); ++i) {
        at = aligned(static_cast<uint32_t>(at), fields[i]);
        if (i == field)
            break;
        if (fields[i].kind == FieldKind::String) {
            if (at >= payload.size())
                return std::nullopt;
            const void* nul = memchr(payload.data() + at, 0, payload.size() - at);
            if (!nul)
                return std::nullopt;
            at = static_cast<uint64_t>(static_cast<const uint8_t*>(nul) - payload.data()) + 1;
        } else {
            at += uint64_t{fields[i].size} * fields[i].count;
        }
        if (at > payload.size())
            return std::nullopt;
    }
    return static_cast<uint32_t>(at);
}

std::optional<uint32_t> EventType::payload_size_with_strings(std::span<const uint8_t> payload) const {
    return walk_to(fields.size(), payload);
}

uint32_t EventType::offset_of(size_t field, std::span<const uint8_t> payload) const {
    return fields[field].after_string ? walk_to(field, payload).value_or(0) : fields[field].offset;
}

FieldValue EventType::value(size_t index, std::span<const uint8_t> payload, uint32_t element) const {
    const Field& field = fields[index];
    const uint8_t* bytes = payload.data() + offset_of(index, payload) + size_t{element} * field.size;
    switch (field.kind) {
    case FieldKind::Signed:
        return static_cast<int64_t>(read_integer(bytes, field.size, true));
    case FieldKind::Text:
        return std::string_view(reinterpret_cast<const char*>(bytes),
                                strnlen(reinterpret_cast<const char*>(bytes), field.size));
    case FieldKind::String:
        return std::string_view(reinterpret_cast<const char*>(bytes),
                                strnlen(reinterpret_cast<const char*>(bytes),
                                        static_cast<size_t>(payload.data() + payload.size() - bytes)));
    case FieldKind::Unsigned:
    case FieldKind::Address:
        break;
    }
    return read_integer(bytes, field.size, false);
}

uint64_t EventType::integer(size_t index, std::span<const uint8_t> payload) const {
    const Field& field = fields[index];
    return read_integer(payload.data() + offset_of(index, payload), field.size, field.kind == FieldKind::Signed);
}

std::string EventType::text(size_t index, std::span<const uint8_t> payload) const {
    const Field& field = fields[index];
    if (field.count == 1)
        return to_string(field, value(index, payload));
    std::string result = "[";
    for (uint32_t element = 0; element < field.count; ++element)
        result += (element == 0 ? "" : ", ") + to_string(field, value(index, payload, element));
    return result + "]";
}

EventType& EventType::add(std::string field_name, FieldKind kind, uint32_t size, uint32_t count) {
    Field field{.name = std::move(field_name),
                .kind = kind,
                .size = kind == FieldKind::String ? 0 : size,
                .count = is_integer(kind) ? count : 1,
                .offset = 0,
                .after_string = has_string};
    if (!has_string) {
        field.offset = aligned(fixed_size, field);
        fixed_size = field.offset + field.size * field.count;
    }
    has_string = has_string || kind == FieldKind::String;
    fields.push_back(std::move(field));
    return *this;
}

Result<> Schema::add(EventType type) {
    if (index_of(type.id) >= 0)
        return fail(fmt::format("two event types, {} and {}, have the same number {}",
                                m_types[static_cast<size_t>(index_of(type.id))].name, type.name, type.id));
    if (type.fields.size() > 256 || type.fixed_size > 4096)
        return fail(fmt::format("the event type {} is larger than any event can be", type.name));
    if (type.id >= m_index_by_id.size())
        m_index_by_id.resize(size_t{type.id} + 1, -1);
    m_index_by_id[type.id] = static_cast<int32_t>(m_types.size());
    m_types.push_back(std::move(type));
    return {};
}

const EventType* Schema::find(std::string_view name) const {
    for (const auto& type : m_types)
        if (type.name == name)
            return &type;
    return nullptr;
}

nlohmann::json to_json(const Schema& schema) {
    auto types = nlohmann::json::array();
    for (const auto& type : schema.types()) {
        auto fields = nlohmann::json::array();
        for (const auto& field : type.fields)
            fields.push_back({{"name", field.name},
                              {"kind", g_kind_names[static_cast<size_t>(field.kind)]},
                              {"size", field.size},
                              {"count", field.count}});
        types.push_back({{"id", type.id}, {"name", type.name}, {"fields", std::move(fields)}});
    }
    return {{"version", 1}, {"events", std::move(types)}};
}

static Result<Field> field_from_json(const nlohmann::json& json) {
    Field field;
    field.name = json.value("name", "");
    auto kind_name = json.value("kind", "");
    auto kind = std::find(g_kind_names.begin(), g_kind_names.end(), kind_name);
    if (field.name.empty() || kind == g_kind_names.end())
        return fail("the event schema has a field without a name or of an unknown kind");
    field.kind = static_cast<FieldKind>(kind - g_kind_names.begin());
    auto size = json.value("size", uint64_t{0});
    auto count = json.value("count", uint64_t{1});
    bool is_possible = !is_integer(field.kind) || size == 1 || size == 2 || size == 4 || size == 8;
    if (!is_possible || size > 4096 || count == 0 || count > 4096)
        return fail(fmt::format("the event schema gives field {} an impossible size", field.name));
    field.size = static_cast<uint32_t>(size);
    field.count = static_cast<uint32_t>(count);
    return field;
}

Result<Schema> schema_from_json(const nlohmann::json& json) {
    try {
        if (json.value("version", 0) != 1)
            return fail("the event schema has an unknown version", "a newer uniscope has written it");
        Schema schema;
        for (const auto& entry : json.at("events")) {
            EventType type;
            type.id = entry.at("id").get<uint16_t>();
            type.name = entry.at("name").get<std::string>();
            for (const auto& json_field : entry.at("fields")) {
                auto field = TRY(field_from_json(json_field));
                type.add(field.name, field.kind, field.size, field.count);
                if (type.fields.size() > 256)
                    return fail(fmt::format("the event type {} has too many fields", type.name));
            }
            TRY(schema.add(std::move(type)));
        }
        return schema;
    } catch (const nlohmann::json::exception& error) {
        return fail(fmt::format("the event schema is damaged: {}", error.what()));
    }
}

} // namespace tracer
