#include <cstdint>

#include "tests/unit/probes/ProbedTemplate.h"

void emit_from_the_other_unit() {
    emit_generic(int32_t{-5});
    emit_inline(Kind::B);
}
