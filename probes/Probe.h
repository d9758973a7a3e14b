#pragma once
#pragma GCC system_header /* an app's -pedantic and its like are about the app's code, not about these expansions */
/*
 * UNISCOPE_PROBE(provider, name, field...): a static trace probe. For C (C99 and later, GNU or ISO) and C++, g++ and
 * clang. Installed as <uniscope/probe.h>.
 *
 *     UNISCOPE_PROBE(shop, order_done, UNISCOPE_INT(order, id), UNISCOPE_STRING(item, item_name, 32));
 *
 * Disabled, which is what it is until somebody records: one 5-byte nop. Enabled: one event in the ring of the current
 * CPU, without a lock and without a call. In an ordinary Linux process, where there is no ring, nothing ever enables
 * it. May stand anywhere: in threads, in signal and interrupt handlers, in inline functions and templates.
 *
 * Provider, name and field names are C identifiers. Fields, at most UNISCOPE_MAX_FIELDS and 1024 bytes in all:
 *
 *     UNISCOPE_INT(name, value)          integer, bool or enum of 1, 2, 4 or 8 bytes; signed or not as its type is
 *     UNISCOPE_HEX(name, value)          the same, shown in base 16
 *     UNISCOPE_POINTER(name, value)      an address
 *     UNISCOPE_ARRAY(name, pointer, n)   n integers; n is a constant
 *     UNISCOPE_TEXT(name, pointer, n)    exactly n bytes of text, padded with NUL; n is a constant
 *     UNISCOPE_STRING(name, pointer, n)  text up to its NUL, at most n bytes with it; n is a constant
 *     UNISCOPE_LAZY(field)               any of these, its value computed only while the probe is enabled
 *
 * The value of a field that is not lazy is computed whether the probe is enabled or not, and shows up as an argument in
 * gdb's `info probes stap` and `$_probe_arg0`: give it what is at hand anyway. At most eight fields can be like that.
 *
 * docs/trace-format.md has what this leaves in the object file. Costs: `./dev bench probes`.
 */
#include "arch/x86_64/ProbeSite.h"

#define UNISCOPE_MAX_FIELDS 12

#define UNISCOPE_INT(name, value) (Int, Eager, #name, value, 1)
#define UNISCOPE_HEX(name, value) (Hex, Eager, #name, value, 1)
#define UNISCOPE_POINTER(name, value) (Pointer, Eager, #name, value, 1)
#define UNISCOPE_ARRAY(name, pointer, n) (Array, Eager, #name, pointer, n)
#define UNISCOPE_TEXT(name, pointer, n) (Text, Eager, #name, pointer, n)
#define UNISCOPE_STRING(name, pointer, n) (String, Eager, #name, pointer, n)
#define UNISCOPE_LAZY(field) UNISCOPE_LAZY_ field
#define UNISCOPE_LAZY_(kind, when, name, value, n) (kind, Lazy, name, value, n)

#define UNISCOPE_PROBE(provider, name, ...)                                                                            \
    UNISCOPE_PROBE_(#provider, #name, 0, 0, 0, UNISCOPE_COUNT(0, ##__VA_ARGS__), ##__VA_ARGS__)

/* One of a family of `family_size` events with the same fields and consecutive ids: member 0 .. family_size - 1. */
#define UNISCOPE_PROBE_FAMILY(provider, name, family_size, member, ...)                                                \
    UNISCOPE_PROBE_(#provider, #name, 0, family_size, member, UNISCOPE_COUNT(0, ##__VA_ARGS__), ##__VA_ARGS__)

/* An event of a state dump (wire::EventStateDump). */
#define UNISCOPE_PROBE_STATE(provider, name, ...)                                                                      \
    UNISCOPE_PROBE_(#provider, #name, 1, 0, 0, UNISCOPE_COUNT(0, ##__VA_ARGS__), ##__VA_ARGS__)

/* ---- From here on: how it is done. Not for use in an app. ---- */

/* wire::FieldType */
enum {
    uniscope_signed = 1,
    uniscope_unsigned = 2,
    uniscope_hex = 3,
    uniscope_pointer = 4,
    uniscope_text = 5,
    uniscope_string = 6
};

#ifdef __cplusplus
namespace uniscope_detail {
template <class T, bool = __is_enum(T)>
struct Integer {
    static constexpr int is_signed = T(-1) < T(1);
};
template <class T>
struct Integer<T, true> : Integer<__underlying_type(T)> {};
template <class T>
struct Integer<T&, false> : Integer<T> {};
template <class T>
struct Integer<const T, false> : Integer<T> {};
template <class T>
struct Integer<volatile T, false> : Integer<T> {};
template <class T>
struct Integer<const volatile T, false> : Integer<T> {};
template <>
struct Integer<bool, false> {
    static constexpr int is_signed = 0;
};
} // namespace uniscope_detail
#define UNISCOPE_IS_SIGNED(value) (::uniscope_detail::Integer<__typeof__(value)>::is_signed)
#define UNISCOPE_AUTO auto
#define UNISCOPE_ASSERT(condition, text) static_assert(condition, text)
#else
#define UNISCOPE_IS_SIGNED(value)                                                                                      \
    (__extension__ _Generic((value),                                                                                   \
         _Bool: 0,                                                                                                     \
         char: (char)-1 < 0,                                                                                           \
         signed char: 1,                                                                                               \
         unsigned char: 0,                                                                                             \
         short: 1,                                                                                                     \
         unsigned short: 0,                                                                                            \
         int: 1,                                                                                                       \
         unsigned: 0,                                                                                                  \
         long: 1,                                                                                                      \
         unsigned long: 0,                                                                                             \
         long long: 1,                                                                                                 \
         unsigned long long: 0))
#define UNISCOPE_AUTO __extension__ __auto_type
#define UNISCOPE_ASSERT(condition, text) __extension__ _Static_assert(condition, text)
#endif

#define UNISCOPE_INLINE static __inline__ __attribute__((__always_inline__, __unused__))

/* Bytes of a string with its NUL, at most `bound`; a null pointer is the empty string. */
UNISCOPE_INLINE unsigned long uniscope_string_size(const char* text, unsigned long bound) {
    unsigned long length = 0;
    if (text)
        while (length + 1 < bound && text[length])
            ++length;
    return length + 1;
}

/* Copies what uniscope_string_size() measured. Another thread may have changed the text since: no NUL gets inside. */
UNISCOPE_INLINE void uniscope_put_string(char* to, const char* text, unsigned long size) {
    unsigned long i;
    for (i = 0; i + 1 < size; ++i)
        to[i] = text[i] ? text[i] : '?';
    to[size - 1] = 0;
}

#define UNISCOPE_ALIGN(offset, size) (((offset) + (size) - 1) & ~((unsigned long)(size) - 1))

/* ---- The loops of the preprocessor ----
 * A field is a tuple (kind, when, "name", value, n). UNISCOPE_EACH(count, WHAT, fields...) makes
 * UNISCOPE_WHAT(index, kind, when, "name", value, n) of each; UNISCOPE_SUM nests them: what came
 * before follows the index. */
#define UNISCOPE_UNPACK(...) __VA_ARGS__
#define UNISCOPE_FIELD(what, i, field) UNISCOPE_APPLY(what, i, UNISCOPE_UNPACK field)
#define UNISCOPE_ADD(what, i, before, field) UNISCOPE_APPLY(what, i, before, UNISCOPE_UNPACK field)
#define UNISCOPE_APPLY(what, ...) UNISCOPE_APPLY_(what, __VA_ARGS__)
#define UNISCOPE_APPLY_(what, ...) UNISCOPE_##what(__VA_ARGS__)
#define UNISCOPE_COUNT(...) UNISCOPE_COUNT_(__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0)
#define UNISCOPE_COUNT_(zero, a, b, c, d, e, f, g, h, i, j, k, l, count, ...) count
#define UNISCOPE_EACH(count, what, ...) UNISCOPE_EACH_(count, what, ##__VA_ARGS__)
#define UNISCOPE_EACH_(count, what, ...) UNISCOPE_EACH_##count(what, ##__VA_ARGS__)
#define UNISCOPE_SUM(count, what, ...) UNISCOPE_SUM_(count, what, ##__VA_ARGS__)
#define UNISCOPE_SUM_(count, what, ...) UNISCOPE_SUM_##count(what, ##__VA_ARGS__)
#define UNISCOPE_EACH_0(what)
#define UNISCOPE_SUM_0(what) 8ul
#define UNISCOPE_EACH_1(what, a) UNISCOPE_EACH_0(what) UNISCOPE_FIELD(what, 0, a)
#define UNISCOPE_EACH_2(what, a, b) UNISCOPE_EACH_1(what, a) UNISCOPE_FIELD(what, 1, b)
#define UNISCOPE_EACH_3(what, a, b, c) UNISCOPE_EACH_2(what, a, b) UNISCOPE_FIELD(what, 2, c)
#define UNISCOPE_EACH_4(what, a, b, c, d) UNISCOPE_EACH_3(what, a, b, c) UNISCOPE_FIELD(what, 3, d)
#define UNISCOPE_EACH_5(what, a, b, c, d, e) UNISCOPE_EACH_4(what, a, b, c, d) UNISCOPE_FIELD(what, 4, e)
#define UNISCOPE_EACH_6(what, a, b, c, d, e, f) UNISCOPE_EACH_5(what, a, b, c, d, e) UNISCOPE_FIELD(what, 5, f)
#define UNISCOPE_EACH_7(what, a, b, c, d, e, f, g) UNISCOPE_EACH_6(what, a, b, c, d, e, f) UNISCOPE_FIELD(what, 6, g)
#define UNISCOPE_EACH_8(what, a, b, c, d, e, f, g, h)                                                                  \
    UNISCOPE_EACH_7(what, a, b, c, d, e, f, g) UNISCOPE_FIELD(what, 7, h)
#define UNISCOPE_EACH_9(what, a, b, c, d, e, f, g, h, i)                                                               \
    UNISCOPE_EACH_8(what, a, b, c, d, e, f, g, h) UNISCOPE_FIELD(what, 8, i)
#define UNISCOPE_EACH_10(what, a, b, c, d, e, f, g, h, i, j)                                                           \
    UNISCOPE_EACH_9(what, a, b, c, d, e, f, g, h, i) UNISCOPE_FIELD(what, 9, j)
#define UNISCOPE_EACH_11(what, a, b, c, d, e, f, g, h, i, j, k)                                                        \
    UNISCOPE_EACH_10(what, a, b, c, d, e, f, g, h, i, j) UNISCOPE_FIELD(what, 10, k)
#define UNISCOPE_EACH_12(what, a, b, c, d, e, f, g, h, i, j, k, l)                                                     \
    UNISCOPE_EACH_11(what, a, b, c, d, e, f, g, h, i, j, k) UNISCOPE_FIELD(what, 11, l)
#define UNISCOPE_SUM_1(what, a) UNISCOPE_ADD(what, 0, UNISCOPE_SUM_0(what), a)
#define UNISCOPE_SUM_2(what, a, b) UNISCOPE_ADD(what, 1, UNISCOPE_SUM_1(what, a), b)
#define UNISCOPE_SUM_3(what, a, b, c) UNISCOPE_ADD(what, 2, UNISCOPE_SUM_2(what, a, b), c)
#define UNISCOPE_SUM_4(what, a, b, c, d) UNISCOPE_ADD(what, 3, UNISCOPE_SUM_3(what, a, b, c), d)
#define UNISCOPE_SUM_5(what, a, b, c, d, e) UNISCOPE_ADD(what, 4, UNISCOPE_SUM_4(what, a, b, c, d), e)
#define UNISCOPE_SUM_6(what, a, b, c, d, e, f) UNISCOPE_ADD(what, 5, UNISCOPE_SUM_5(what, a, b, c, d, e), f)
#define UNISCOPE_SUM_7(what, a, b, c, d, e, f, g) UNISCOPE_ADD(what, 6, UNISCOPE_SUM_6(what, a, b, c, d, e, f), g)
#define UNISCOPE_SUM_8(what, a, b, c, d, e, f, g, h) UNISCOPE_ADD(what, 7, UNISCOPE_SUM_7(what, a, b, c, d, e, f, g), h)
#define UNISCOPE_SUM_9(what, a, b, c, d, e, f, g, h, i)                                                                \
    UNISCOPE_ADD(what, 8, UNISCOPE_SUM_8(what, a, b, c, d, e, f, g, h), i)
#define UNISCOPE_SUM_10(what, a, b, c, d, e, f, g, h, i, j)                                                            \
    UNISCOPE_ADD(what, 9, UNISCOPE_SUM_9(what, a, b, c, d, e, f, g, h, i), j)
#define UNISCOPE_SUM_11(what, a, b, c, d, e, f, g, h, i, j, k)                                                         \
    UNISCOPE_ADD(what, 10, UNISCOPE_SUM_10(what, a, b, c, d, e, f, g, h, i, j), k)
#define UNISCOPE_SUM_12(what, a, b, c, d, e, f, g, h, i, j, k, l)                                                      \
    UNISCOPE_ADD(what, 11, UNISCOPE_SUM_11(what, a, b, c, d, e, f, g, h, i, j, k), l)

/* ---- What is made of a field ---- */

/* Its code, a constant: the second half of a wire::FieldDescriptor. */
#define UNISCOPE_PACK(type, size, count) ((type) | ((int)(size) << 8) | ((int)(count) << 16))
#define UNISCOPE_INTEGER(value) (UNISCOPE_IS_SIGNED(value) ? uniscope_signed : uniscope_unsigned)
#define UNISCOPE_CODE_Int(value, n) UNISCOPE_PACK(UNISCOPE_INTEGER(value), sizeof(value), 1)
#define UNISCOPE_CODE_Hex(value, n) UNISCOPE_PACK(uniscope_hex, sizeof(value), 1)
#define UNISCOPE_CODE_Pointer(value, n) UNISCOPE_PACK(uniscope_pointer, 8, 1)
#define UNISCOPE_CODE_Array(value, n) UNISCOPE_PACK(UNISCOPE_INTEGER(*(value)), sizeof(*(value)), n)
#define UNISCOPE_CODE_Text(value, n) UNISCOPE_PACK(uniscope_text, 1, n)
#define UNISCOPE_CODE_String(value, n) UNISCOPE_PACK(uniscope_string, 1, n)

/* A variable with its value: before the site, or, when it is lazy, behind it. */
#define UNISCOPE_VALUE(i, kind, when, name, value, n) UNISCOPE_IF_##when(UNISCOPE_VALUE_##kind(i, value))
#define UNISCOPE_LATE_VALUE(i, kind, when, name, value, n) UNISCOPE_UNLESS_##when(UNISCOPE_VALUE_##kind(i, value))
#define UNISCOPE_IF_Eager(...) __VA_ARGS__
#define UNISCOPE_IF_Lazy(...)
#define UNISCOPE_UNLESS_Eager(...)
#define UNISCOPE_UNLESS_Lazy(...) __VA_ARGS__
#define UNISCOPE_VALUE_Int(i, value) UNISCOPE_AUTO uniscope_v##i = (value);
#define UNISCOPE_VALUE_Hex(i, value) UNISCOPE_AUTO uniscope_v##i = (value);
#define UNISCOPE_VALUE_Pointer(i, value) const volatile void* uniscope_v##i = (const volatile void*)(value);
#define UNISCOPE_VALUE_Array(i, value) const __typeof__(*(value))* uniscope_v##i = (value);
#define UNISCOPE_VALUE_Text(i, value) const char* uniscope_v##i = (const char*)(value);
#define UNISCOPE_VALUE_String(i, value) const char* uniscope_v##i = (const char*)(value);

/* Its part of the note, unless it is lazy, and the operands which that names. %n negates: signed sizes are negative. */
#define UNISCOPE_ARGUMENT(i, kind, when, name, value, n) UNISCOPE_IF_##when("%n[uniscope_s" #i "]@%[uniscope_v" #i "] ")
#define UNISCOPE_OPERANDS(i, kind, when, name, value, n)                                                               \
    UNISCOPE_IF_##when(, [uniscope_s##i] "n"(UNISCOPE_NOTE_SIZE_##kind(value)),                                        \
                       [uniscope_v##i] UNISCOPE_ARCH_ARGUMENT(uniscope_v##i))
#define UNISCOPE_NOTE_SIZE_Int(value) ((UNISCOPE_IS_SIGNED(value) ? 1 : -1) * (int)sizeof(value))
#define UNISCOPE_NOTE_SIZE_Hex(value) (-(int)sizeof(value))
#define UNISCOPE_NOTE_SIZE_Pointer(value) -8
#define UNISCOPE_NOTE_SIZE_Array(value) -8
#define UNISCOPE_NOTE_SIZE_Text(value) -8
#define UNISCOPE_NOTE_SIZE_String(value) -8

/* What is read before the reservation because reading may fault: memory that the value points to. */
#define UNISCOPE_STAGE(i, kind, when, name, value, n) UNISCOPE_STAGE_##kind(i, value, n)
#define UNISCOPE_STAGE_Int(i, value, n)
#define UNISCOPE_STAGE_Hex(i, value, n)
#define UNISCOPE_STAGE_Pointer(i, value, n)
#define UNISCOPE_STAGE_Array(i, value, n) UNISCOPE_STAGE_COPY(i, sizeof(*(value)) * (n))
#define UNISCOPE_STAGE_Text(i, value, n) UNISCOPE_STAGE_COPY(i, n)
#define UNISCOPE_STAGE_String(i, value, n) unsigned long uniscope_t##i = uniscope_string_size(uniscope_v##i, n);
#define UNISCOPE_STAGE_COPY(i, size)                                                                                   \
    char uniscope_t##i[size];                                                                                          \
    __builtin_memcpy(uniscope_t##i, uniscope_v##i, size);

/* The event's size with it, `before` being the size without. SIZE is a constant, with strings at their longest. */
#define UNISCOPE_SIZE(i, before, kind, when, name, value, n) UNISCOPE_SIZE_##kind(before, value, n, n)
#define UNISCOPE_EXACT_SIZE(i, before, kind, when, name, value, n) UNISCOPE_SIZE_##kind(before, value, n, uniscope_t##i)
#define UNISCOPE_SIZE_Int(before, value, n, string) (UNISCOPE_ALIGN(before, sizeof(value)) + sizeof(value))
#define UNISCOPE_SIZE_Hex(before, value, n, string) UNISCOPE_SIZE_Int(before, value, n, string)
#define UNISCOPE_SIZE_Pointer(before, value, n, string) (UNISCOPE_ALIGN(before, 8) + 8)
#define UNISCOPE_SIZE_Array(before, value, n, string)                                                                  \
    (UNISCOPE_ALIGN(before, sizeof(*(value))) + sizeof(*(value)) * (n))
#define UNISCOPE_SIZE_Text(before, value, n, string) ((before) + (n))
#define UNISCOPE_SIZE_String(before, value, n, string) ((before) + (string))

/* How it gets into the event, at uniscope_offset, which moves on. */
#define UNISCOPE_PUT(i, kind, when, name, value, n) UNISCOPE_PUT_##kind(i, value, n)
#define UNISCOPE_PUT_OBJECT(object, size, alignment)                                                                   \
    uniscope_offset = UNISCOPE_ALIGN(uniscope_offset, alignment);                                                      \
    __builtin_memcpy(uniscope_event + uniscope_offset, (const void*)(object), size);                                   \
    uniscope_offset += (size);
#define UNISCOPE_PUT_Int(i, value, n) UNISCOPE_PUT_OBJECT(&uniscope_v##i, sizeof(value), sizeof(value))
#define UNISCOPE_PUT_Hex(i, value, n) UNISCOPE_PUT_Int(i, value, n)
#define UNISCOPE_PUT_Pointer(i, value, n) UNISCOPE_PUT_OBJECT(&uniscope_v##i, 8, 8)
#define UNISCOPE_PUT_Array(i, value, n) UNISCOPE_PUT_OBJECT(uniscope_t##i, sizeof uniscope_t##i, sizeof(*(value)))
#define UNISCOPE_PUT_Text(i, value, n) UNISCOPE_PUT_OBJECT(uniscope_t##i, sizeof uniscope_t##i, 1)
#define UNISCOPE_PUT_String(i, value, n)                                                                               \
    uniscope_put_string(uniscope_event + uniscope_offset, uniscope_v##i, uniscope_t##i);                               \
    uniscope_offset += uniscope_t##i;

/* For the assembler: the descriptor's symbol and contents. The symbol is made of all that the descriptor says, so equal
 * descriptors in many objects become one event, and unequal ones never do. */
#define UNISCOPE_SYMBOL(i, kind, when, name, value, n) "." name ".%c[uniscope_c" #i "]"
#define UNISCOPE_CODES(i, kind, when, name, value, n) , [uniscope_c##i] "n"(UNISCOPE_CODE_##kind(value, n))
#define UNISCOPE_DESCRIPTION(i, kind, when, name, value, n) ".quad 997" #i "f\n.long %c[uniscope_c" #i "], 0\n"
#define UNISCOPE_FIELD_NAME(i, kind, when, name, value, n) "997" #i ": .asciz \"" name "\"\n"

/* The probe. Its enabled half stands behind the label, out of the way of the code around it. */
#define UNISCOPE_PROBE_(provider, name, flags, family_size, member, count, ...)                                        \
    do {                                                                                                               \
        __label__ uniscope_enabled;                                                                                    \
        UNISCOPE_EACH(count, VALUE, ##__VA_ARGS__)                                                                     \
        UNISCOPE_ARCH_SITE(                                                                                            \
            provider, name, #flags, #family_size, count,                                                               \
            UNISCOPE_ARCH_SYMBOL(provider, name, #flags, #family_size) UNISCOPE_EACH(count, SYMBOL, ##__VA_ARGS__),    \
            UNISCOPE_EACH(count, DESCRIPTION, ##__VA_ARGS__), UNISCOPE_EACH(count, FIELD_NAME, ##__VA_ARGS__),         \
            UNISCOPE_EACH(count, ARGUMENT, ##__VA_ARGS__), uniscope_enabled,                                           \
            UNISCOPE_EACH(count, CODES, ##__VA_ARGS__) UNISCOPE_EACH(count, OPERANDS, ##__VA_ARGS__));                 \
        if (0) {                                                                                                       \
        uniscope_enabled:                                                                                              \
            UNISCOPE_ARCH_COLD_LABEL;                                                                                  \
            {                                                                                                          \
                char* uniscope_event;                                                                                  \
                unsigned long uniscope_header;                                                                         \
                unsigned long uniscope_offset = 8;                                                                     \
                UNISCOPE_ASSERT(UNISCOPE_ALIGN(UNISCOPE_SUM(count, SIZE, ##__VA_ARGS__), 8) <= 1024,                   \
                                "the fields of this probe are too large");                                             \
                UNISCOPE_EACH(count, LATE_VALUE, ##__VA_ARGS__)                                                        \
                UNISCOPE_EACH(count, STAGE, ##__VA_ARGS__)                                                             \
                UNISCOPE_ARCH_RESERVE(uniscope_event, uniscope_header,                                                 \
                                      UNISCOPE_ALIGN(UNISCOPE_SUM(count, EXACT_SIZE, ##__VA_ARGS__), 8),               \
                                      UNISCOPE_ARCH_SYMBOL(provider, name, #flags, #family_size)                       \
                                          UNISCOPE_EACH(count, SYMBOL, ##__VA_ARGS__),                                 \
                                      UNISCOPE_EACH(count, CODES, ##__VA_ARGS__));                                     \
                UNISCOPE_EACH(count, PUT, ##__VA_ARGS__)                                                               \
                (void)uniscope_offset;                                                                                 \
                UNISCOPE_ARCH_COMMIT(uniscope_event, uniscope_header + (unsigned long)(member));                       \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)
