#pragma once
// Seam to the machine for conditions and commands of breakpoints: what a kernel gives Session::judge_breakpoint(). It
// is that part of gdbstub/agent which a kernel implements, under gdbstub's own roof.

#include "gdbstub/agent/Context.h"

namespace gdbstub {

using EvaluationContext = agent::Context;
using EvaluationError = agent::Error;
using EvaluationPrinter = agent::Printer;
template <typename T = void>
using Evaluated = agent::Result<T>;
using agent::fail;

} // namespace gdbstub
