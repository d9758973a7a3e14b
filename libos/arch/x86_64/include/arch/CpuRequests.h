#pragma once
// Asking all other CPUs to do something and waiting until they have. Contract header.

namespace arch {

/// Every other CPU executes a serialising instruction: what this CPU wrote into text before is what they fetch from now
/// on. Same rules as shoot_down_tlbs().
void synchronize_instruction_streams();

} // namespace arch
