#pragma once
// Probes in an inline function and in a template, included by two translation units.

#include "probes/Probe.h"

enum class Kind : uint8_t { A = 1, B = 200 };

template <typename T>
[[gnu::noinline]] void emit_generic(const T& value) {
    UNISCOPE_PROBE(cxx_app, generic, UNISCOPE_INT(value, value));
}

[[gnu::noinline]] inline void emit_inline(Kind kind) {
    UNISCOPE_PROBE(cxx_app, in_inline, UNISCOPE_INT(kind, kind));
}

void emit_from_the_other_unit();
