#pragma once
// Code with probes as an app would write it, in C and C++, for ProbeTest. Each function emits one event.

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum Colour { Red = 1, Blue = 7 };

void emit_nothing(void);
void emit_integers(int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, uint32_t f, int64_t g, uint64_t h);
void emit_int_and_u64(int32_t i, uint64_t u);
void emit_texts(const char* fixed8, const char* string16, int after);
void emit_array(const int16_t* three, const void* pointer);
void emit_shown(enum Colour colour, uint32_t hex, int bool_like);
/// The lazy field's value is what counted() returns: how often it was called.
void emit_lazy(int eager);
int counted(void);

#ifdef __cplusplus
}
#endif
