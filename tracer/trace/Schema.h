#pragma once
// The shape of a trace's events: what each type is called and how its fields lie in an event's bytes.
//
// Schema is a value. It comes out of an image (trace/ImageSchema.h), out of a recording's sidecar, or out of a test.

#include "tracer/Result.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tracer {

enum class FieldKind : uint8_t {
    Unsigned, ///< little-endian, `size` 1, 2, 4 or 8, at a multiple of its size
    Signed,
    Address, ///< as Unsigned, shown in hexadecimal
    Text,    ///< `size` bytes, filled up with NULs
    String,  ///< bytes up to and with a NUL: `size` is 0
};

struct Field {
    std::string name;
    FieldKind kind = FieldKind::Unsigned;
    uint32_t size = 0;
    /// Elements of an array of integers; 1 otherwise.
    uint32_t count = 1;
    /// From the first byte of the payload; not valid behind a String.
    uint32_t offset = 0;
    bool after_string = false;

    bool operator==(const Field&) const = default;
};

using FieldValue = std::variant<uint64_t, int64_t, std::string_view>;

/// "42", "-1", "0x401136", "worker 1"
std::string to_string(const Field& field, const FieldValue& value);

struct EventType {
    uint16_t id = 0; ///< as in the event's header
    std::string name;
    std::vector<Field> fields;
    /// Bytes of the fields up to the first String; of all fields if there is none.
    uint32_t fixed_size = 0;
    bool has_string = false;

    /// Bytes of an event's fields that begin at `payload`; nothing if they do not fit into it.
    std::optional<uint32_t> payload_size(std::span<const uint8_t> payload) const {
        if (!has_string)
            return fixed_size <= payload.size() ? std::optional(fixed_size) : std::nullopt;
        return payload_size_with_strings(payload);
    }
    /// The index of a field, or -1.
    int find_field(std::string_view field_name) const;
    /// The value of a field. `payload` holds payload_size() bytes; Text and String point into it.
    FieldValue value(size_t field, std::span<const uint8_t> payload, uint32_t element = 0) const;
    /// As value(), for a field that is an integer; a Signed one sign-extended.
    uint64_t integer(size_t field, std::span<const uint8_t> payload) const;
    /// "42", or "[1, 2, 3]" for an array.
    std::string text(size_t field, std::span<const uint8_t> payload) const;

    /// Adds a field behind the others. `size` and `count` as Field has them.
    EventType& add(std::string field_name, FieldKind kind, uint32_t size, uint32_t count = 1);

    bool operator==(const EventType&) const = default;

private:
    std::optional<uint32_t> walk_to(size_t field, std::span<const uint8_t> payload) const;
    std::optional<uint32_t> payload_size_with_strings(std::span<const uint8_t> payload) const;
    uint32_t offset_of(size_t field, std::span<const uint8_t> payload) const;
};

class Schema {
public:
    /// Fails on a duplicate id and on a type that no packet could hold.
    Result<> add(EventType type);

    /// In the order of their addition.
    const std::vector<EventType>& types() const { return m_types; }
    /// The index of the type with that id, or -1.
    int index_of(uint16_t id) const { return id < m_index_by_id.size() ? m_index_by_id[id] : -1; }
    const EventType* find(std::string_view name) const;

    bool operator==(const Schema& other) const { return m_types == other.m_types; }

private:
    std::vector<EventType> m_types;
    std::vector<int32_t> m_index_by_id;
};

/// The sidecar `uniscope/schema.json`.
nlohmann::json to_json(const Schema& schema);
Result<Schema> schema_from_json(const nlohmann::json& json);

} // namespace tracer
