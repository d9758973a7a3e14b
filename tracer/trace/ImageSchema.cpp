#include "tracer/trace/ImageSchema.h"

#include "probes/wire/Ctf.h"
#include "tracer/trace/SystemCallNames.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>

namespace tracer {

namespace {

/// Reads the image's initial memory by link-time address.
class ImageMemory {
public:
    explicit ImageMemory(const Image& image)
        : m_image(image) {}

    /// The bytes from `address_untrusted` to the end of the section that holds it; empty if there is none.
    std::span<const uint8_t> from(uint64_t address_untrusted) const {
        for (const auto& section : m_image.sections()) {
            if (section.address == 0 || address_untrusted < section.address)
                continue;
            uint64_t offset = address_untrusted - section.address;
            if (offset < section.bytes.size())
                return section.bytes.subspan(offset);
        }
        return {};
    }

    template <typename T>
    std::optional<T> read(uint64_t address_untrusted) const {
        auto bytes = from(address_untrusted);
        if (bytes.size() < sizeof(T))
            return std::nullopt;
        T value;
        memcpy(&value, bytes.data(), sizeof(T));
        return value;
    }

    /// A C identifier, in an app's case perhaps with dots or dashes; metadata takes no others.
    Result<std::string> name(uint64_t address_untrusted) const {
        static constexpr size_t longest = 128;
        auto bytes = from(address_untrusted);
        bytes = bytes.first(std::min(bytes.size(), longest));
        auto end = std::ranges::find(bytes, 0);
        std::string text(bytes.begin(), end);
        bool is_name = !text.empty() && end != bytes.end() && !std::isdigit(static_cast<unsigned char>(text[0])) &&
                       std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c) || c == '_'; });
        if (!is_name)
            return fail(fmt::format("{} has an event descriptor whose name, at {:#x}, is not one",
                                    m_image.path().string(), address_untrusted));
        return text;
    }

private:
    const Image& m_image;
};

std::optional<FieldKind> kind_of(uint8_t type) {
    switch (static_cast<wire::FieldType>(type)) {
    case wire::FieldType::Signed:
        return FieldKind::Signed;
    case wire::FieldType::Unsigned:
        return FieldKind::Unsigned;
    case wire::FieldType::Hex:
    case wire::FieldType::Pointer:
        return FieldKind::Address;
    case wire::FieldType::Text:
        return FieldKind::Text;
    case wire::FieldType::String:
        return FieldKind::String;
    }
    return std::nullopt;
}

Result<> add_fields(EventType& type, const ImageMemory& memory, const wire::EventDescriptor& descriptor) {
    if (descriptor.field_count > wire::max_fields)
        return fail(fmt::format("the image's event {} claims {} fields", type.name, descriptor.field_count));
    for (uint32_t i = 0; i < descriptor.field_count; ++i) {
        auto field =
            memory.read<wire::FieldDescriptor>(descriptor.fields + uint64_t{i} * sizeof(wire::FieldDescriptor));
        if (!field)
            return fail(fmt::format("the image's event {} has fields outside of the image", type.name));
        auto kind = kind_of(field->type);
        bool is_integer = kind != FieldKind::Text && kind != FieldKind::String;
        bool has_size = !is_integer || field->size == 1 || field->size == 2 || field->size == 4 || field->size == 8;
        if (!kind || !has_size || field->count == 0 || field->count > wire::max_event_size)
            return fail(fmt::format("the image's event {} has a field of an unknown type", type.name),
                        "the image was built by a newer Uniscope");
        auto name = TRY(memory.name(field->name));
        if (is_integer)
            type.add(std::move(name), *kind, field->size, field->count);
        else
            type.add(std::move(name), *kind, field->count);
    }
    return {};
}

/// The metadata's name for one member of a family (trace-format.md §4.3); empty for one that needs none.
std::string member_name(const std::string& family, uint32_t member, uint32_t family_size) {
    if (family != "syscall_entry" && family != "syscall_exit")
        return fmt::format("{}_{}", family, member);
    if (member + 1 == family_size)
        return family + "_unknown";
    return is_system_call(member) ? family + "_" + system_call_name(member) : "";
}

} // namespace

Result<Schema> read_schema(const Image& image) {
    Schema schema;
    const Section* section = image.find_section(wire::event_section);
    if (!section)
        return schema;
    ImageMemory memory(image);
    wire::IdAssigner ids;
    for (size_t at = 0; at + sizeof(wire::EventDescriptor) <= section->bytes.size();
         at += sizeof(wire::EventDescriptor)) {
        wire::EventDescriptor descriptor;
        memcpy(&descriptor, section->bytes.data() + at, sizeof(descriptor));
        if (descriptor.version != wire::trace_format_version)
            return fail(fmt::format("{} describes its events in version {}, this tool knows version {}",
                                    image.path().string(), descriptor.version, wire::trace_format_version),
                        "use the uniscope that the image was built with");
        uint32_t id = ids.next(descriptor.family_size);
        if (id == 0)
            continue; // no number was left: the guest cannot emit it either
        auto provider = TRY(memory.name(descriptor.provider));
        EventType type;
        type.name = TRY(memory.name(descriptor.name));
        TRY(add_fields(type, memory, descriptor));
        std::string prefix = provider == "kernel" ? "" : provider + ":";
        std::string family = prefix + type.name;
        for (uint32_t member = 0; member < std::max(descriptor.family_size, 1u); ++member) {
            type.id = static_cast<uint16_t>(id + member);
            type.name = descriptor.family_size == 0 ? family : member_name(family, member, descriptor.family_size);
            if (!type.name.empty())
                TRY(schema.add(type));
        }
    }
    return schema;
}

} // namespace tracer
