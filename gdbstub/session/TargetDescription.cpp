// target.xml: GDB manual, "Target Descriptions".

#include "gdbstub/arch/Registers.h"
#include "gdbstub/session/Transfer.h"

namespace gdbstub {

void write_target_description(Target& target, PieceWriter& out) {
    out.put("<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n");
    out.put("<architecture>").put(arch::architecture).put("</architecture>\n");
    out.put("<osabi>").put(arch::os_abi).put("</osabi>\n");
    for (const arch::Feature& feature : arch::features) {
        if (feature.optional && !target.has(*feature.optional))
            continue;
        out.put("<feature name=\"").put(feature.name).put("\">\n").put(feature.types);
        for (size_t number = feature.first; number < size_t{feature.first} + feature.count; ++number) {
            const arch::Register& which = arch::registers[number];
            out.put("<reg name=\"").put(which.name).put("\" bitsize=\"").decimal(which.bits);
            out.put("\" type=\"").put(which.type).put("\" regnum=\"").decimal(number);
            if (!which.group.empty())
                out.put("\" group=\"").put(which.group);
            out.put("\"/>\n");
        }
        out.put("</feature>\n");
    }
    out.put("</target>\n");
}

} // namespace gdbstub
