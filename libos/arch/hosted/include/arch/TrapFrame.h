#pragma once
// Contract header for hosted unit tests, which run on the CPU that the image is for.

#include "libos/arch/x86_64/include/arch/TrapFrame.h"
