#include "tests/unit/probes/ProbedCode.h"

#include "probes/Probe.h"

void emit_nothing(void) {
    UNISCOPE_PROBE(c_app, nothing);
}

void emit_integers(int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, uint32_t f, int64_t g, uint64_t h) {
    UNISCOPE_PROBE(c_app, integers, UNISCOPE_INT(a, a), UNISCOPE_INT(b, b), UNISCOPE_INT(c, c), UNISCOPE_INT(d, d),
                   UNISCOPE_INT(e, e), UNISCOPE_INT(f, f), UNISCOPE_INT(g, g), UNISCOPE_INT(h, h));
}

void emit_int_and_u64(int32_t i, uint64_t u) {
    UNISCOPE_PROBE(c_app, int_and_u64, UNISCOPE_INT(i, i), UNISCOPE_INT(u, u));
}

void emit_texts(const char* fixed8, const char* string16, int after) {
    UNISCOPE_PROBE(c_app, texts, UNISCOPE_TEXT(fixed, fixed8, 8), UNISCOPE_STRING(string, string16, 16),
                   UNISCOPE_INT(after, after));
}

void emit_array(const int16_t* three, const void* pointer) {
    UNISCOPE_PROBE(c_app, array, UNISCOPE_ARRAY(three, three, 3), UNISCOPE_POINTER(pointer, pointer));
}

void emit_shown(enum Colour colour, uint32_t hex, int bool_like) {
    UNISCOPE_PROBE(c_app, shown, UNISCOPE_INT(colour, colour), UNISCOPE_HEX(hex, hex),
                   UNISCOPE_INT(yes, (_Bool)bool_like));
}

int counted(void) {
    static int calls;
    return ++calls;
}

void emit_lazy(int eager) {
    UNISCOPE_PROBE(c_app, lazy, UNISCOPE_INT(eager, eager), UNISCOPE_LAZY(UNISCOPE_INT(late, counted())));
}
