#pragma once
// See TrapFrame.h.

#include "libos/arch/x86_64/include/arch/AsmOffsets.h"
