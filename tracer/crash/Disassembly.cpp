#include "tracer/crash/Disassembly.h"

#include <capstone/capstone.h>

namespace crash {

std::vector<Instruction> disassemble(std::span<const uint8_t> code, uint64_t address) {
    std::vector<Instruction> result;
    csh handle = 0;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK)
        return result;
    cs_option(handle, CS_OPT_SYNTAX, CS_OPT_SYNTAX_ATT);
    while (!code.empty()) {
        cs_insn* found = nullptr;
        size_t count = cs_disasm(handle, code.data(), code.size(), address, 0, &found);
        for (size_t i = 0; i < count; ++i) {
            std::string text = found[i].mnemonic;
            if (found[i].op_str[0] != '\0')
                text += std::string(" ") + found[i].op_str;
            result.push_back({.address = found[i].address, .size = found[i].size, .text = std::move(text)});
            code = code.subspan(found[i].size);
            address += found[i].size;
        }
        if (found)
            cs_free(found, count);
        if (!code.empty()) {
            result.push_back({.address = address, .size = 1, .text = "(bad)"});
            code = code.subspan(1);
            ++address;
        }
    }
    cs_close(&handle);
    return result;
}

} // namespace crash
