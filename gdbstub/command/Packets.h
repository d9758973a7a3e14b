#pragma once
// Every packet that the stub knows, for people: docs/gdb-protocol.md is made of this table, and Parser.cpp does not
// compile unless its own tables say the same. Nothing of it is in a kernel that embeds the stub.
//
// Forms and meanings: GDB manual, "Packets", "General Query Packets", "vFile" in "File-I/O Remote Protocol Extension".

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gdbstub {

enum class PacketGroup : uint8_t { Running, Registers, Memory, Points, Threads, Session, Objects, Files };

struct PacketDescription {
    PacketGroup group;
    /// What the parser goes by: a letter, a name, or "vFile:" and an operation's.
    std::string_view name;
    /// Arguments are capitals; all numbers are hexadecimal.
    std::string_view form;
    std::string_view example;
    /// What it does, and what comes back.
    std::string_view meaning;
};

inline constexpr std::array packet_descriptions = {
    PacketDescription{PacketGroup::Running, "?", "?", "?", "Stops the machine, or says why it stands: the stop reply"},
    PacketDescription{PacketGroup::Running, "vCont?", "vCont?", "vCont?", "Which actions `vCont` takes: `c C s S t r`"},
    PacketDescription{PacketGroup::Running, "vCont", "vCont;ACTION[:THREAD]...", "vCont;s:1;c",
                      "Each thread does what the first action says that names it: `c` goes on, `s` steps, `rFROM,TO` "
                      "steps until it is out of the range, `CSIG` and `SSIG` deliver a signal; one that none names is "
                      "held. The stop reply comes when there is a stop"},
    PacketDescription{PacketGroup::Running, "c", "c[ADDRESS]", "c", "Goes on, for a client without `vCont`"},
    PacketDescription{PacketGroup::Running, "C", "CSIG[;ADDRESS]", "C05", "The same, delivering a signal"},
    PacketDescription{PacketGroup::Running, "s", "s[ADDRESS]", "s", "Steps, for a client without `vCont`"},
    PacketDescription{PacketGroup::Running, "S", "SSIG[;ADDRESS]", "S05", "The same, delivering a signal"},
    PacketDescription{PacketGroup::Running, "D", "D[;PROCESS]", "D;1",
                      "Removes the client's breakpoints and goes on without it: `OK`"},
    PacketDescription{PacketGroup::Running, "k", "k", "k",
                      "Ends the instance where that is allowed, else detaches. No reply"},
    PacketDescription{PacketGroup::Running, "vKill", "vKill;PROCESS", "vKill;1", "The same, with the reply `OK`"},

    PacketDescription{PacketGroup::Registers, "g", "g", "g",
                      "All registers of the thread that `Hg` selected, in the order of `target.xml`; `x` for what is "
                      "not known"},
    PacketDescription{PacketGroup::Registers, "G", "GBYTES", "G00", "Writes them: `OK`"},
    PacketDescription{PacketGroup::Registers, "p", "pNUMBER", "p10", "One register"},
    PacketDescription{PacketGroup::Registers, "P", "PNUMBER=BYTES", "P0=ffffffffffffffff", "Writes it: `OK`"},

    PacketDescription{PacketGroup::Memory, "m", "mADDRESS,LENGTH", "m10000,4",
                      "Memory in hexadecimal, as far as there is some"},
    PacketDescription{PacketGroup::Memory, "x", "xADDRESS,LENGTH", "x10000,4", "The same in binary, behind a `b`"},
    PacketDescription{PacketGroup::Memory, "M", "MADDRESS,LENGTH:BYTES", "M10000,1:cc", "Writes memory: `OK`"},
    PacketDescription{PacketGroup::Memory, "X", "XADDRESS,LENGTH:BYTES", "X10000,1:z",
                      "The same from binary; of length 0 to ask whether it is known"},
    PacketDescription{PacketGroup::Memory, "qCRC", "qCRC:ADDRESS,LENGTH", "qCRC:10000,10",
                      "The checksum of memory, for `compare-sections`: `C` and the number"},
    PacketDescription{PacketGroup::Memory, "qSearch", "qSearch:memory:ADDRESS;LENGTH;PATTERN",
                      "qSearch:memory:10000;10;z", "The first place of a pattern, for `find`: `1,ADDRESS` or `0`"},

    PacketDescription{
        PacketGroup::Points, "Z", "ZTYPE,ADDRESS,KIND[;CONDITIONS][;cmds:PERSIST,COMMANDS]", "Z0,10004,1",
        "Sets a breakpoint (type 0, in the debug registers 1) or a watchpoint (written 2, read or written "
        "3 and 4; x86 has none for reads alone). Conditions and commands are agent expressions, "
        "evaluated by the machine as it runs"},
    PacketDescription{PacketGroup::Points, "z", "zTYPE,ADDRESS,KIND", "z0,10004,1", "Removes it: `OK`"},

    PacketDescription{PacketGroup::Threads, "H", "HOPERATION THREAD", "Hg1",
                      "Selects the thread of later packets: `Hg` of those about registers and memory, `Hc` of `c` and "
                      "`s`"},
    PacketDescription{PacketGroup::Threads, "T", "TTHREAD", "T1", "`OK` if there is such a thread"},
    PacketDescription{PacketGroup::Threads, "qC", "qC", "qC", "The current thread: `QC` and its number"},
    PacketDescription{PacketGroup::Threads, "qfThreadInfo", "qfThreadInfo", "qfThreadInfo",
                      "The first threads: `m` and their numbers"},
    PacketDescription{PacketGroup::Threads, "qsThreadInfo", "qsThreadInfo", "qsThreadInfo",
                      "More of them; `l` behind the last"},
    PacketDescription{PacketGroup::Threads, "qThreadExtraInfo", "qThreadExtraInfo,THREAD", "qThreadExtraInfo,1",
                      "What a thread does, in words"},
    PacketDescription{PacketGroup::Threads, "qGetTLSAddr", "qGetTLSAddr:THREAD,OFFSET,MODULE", "qGetTLSAddr:1,0,0",
                      "Where a thread has its copy of a thread-local variable"},

    PacketDescription{PacketGroup::Session, "qSupported", "qSupported[:FEATURE;...]", "qSupported:swbreak+",
                      "What the client knows, and back what the stub does: see below"},
    PacketDescription{PacketGroup::Session, "QStartNoAckMode", "QStartNoAckMode", "QStartNoAckMode",
                      "From the reply on packets are not acknowledged"},
    PacketDescription{PacketGroup::Session, "qAttached", "qAttached[:PROCESS]", "qAttached",
                      "`1`: the app was there before the client, which detaches when it quits"},
    PacketDescription{PacketGroup::Session, "QPassSignals", "QPassSignals:SIG;...", "QPassSignals:e",
                      "These signals reach the app without a stop"},
    PacketDescription{PacketGroup::Session, "QProgramSignals", "QProgramSignals:SIG;...", "QProgramSignals:e",
                      "These may be delivered when the client detaches"},
    PacketDescription{PacketGroup::Session, "QCatchSyscalls", "QCatchSyscalls:1[;NUMBER...]", "QCatchSyscalls:1",
                      "System calls stop the machine, all or these; `0` ends that"},
    PacketDescription{PacketGroup::Session, "QAllow", "QAllow:WHAT:0or1;...", "QAllow:WriteMem:0",
                      "What the client forbids itself. It is refused from then on, until the client leaves"},

    PacketDescription{
        PacketGroup::Objects, "qXfer", "qXfer:OBJECT:read:ANNEX:OFFSET,LENGTH", "qXfer:threads:read::0,100",
        "A piece of an object, behind an `m`, or `l` if it is the last. `qXfer:siginfo:write::OFFSET:BYTES` "
        "changes the signal that the thread stands at"},
    PacketDescription{PacketGroup::Objects, "qRcmd", "qRcmd,COMMAND", "qRcmd,68656c70",
                      "gdb's `monitor`: text for the user; `monitor help` names the commands"},

    PacketDescription{PacketGroup::Files, "vFile:setfs", "vFile:setfs:PROCESS", "vFile:setfs:0",
                      "Whose files: there is one process, so all the same"},
    PacketDescription{PacketGroup::Files, "vFile:open", "vFile:open:PATH,FLAGS,MODE", "vFile:open:2f656d707479,0,0",
                      "Opens one of the instance's files to read it, those of `/proc` too"},
    PacketDescription{PacketGroup::Files, "vFile:close", "vFile:close:FILE", "vFile:close:0", "Closes it"},
    PacketDescription{PacketGroup::Files, "vFile:pread", "vFile:pread:FILE,COUNT,OFFSET", "vFile:pread:0,10,0",
                      "Reads of it"},
    PacketDescription{PacketGroup::Files, "vFile:fstat", "vFile:fstat:FILE", "vFile:fstat:0", "What it is"},
    PacketDescription{PacketGroup::Files, "vFile:stat", "vFile:stat:PATH", "vFile:stat:2f656d707479",
                      "What a path leads to"},
    PacketDescription{PacketGroup::Files, "vFile:readlink", "vFile:readlink:PATH", "vFile:readlink:2f70",
                      "What a symbolic link says"},
    PacketDescription{PacketGroup::Files, "vFile:pwrite", "vFile:pwrite:FILE,OFFSET,BYTES", "vFile:pwrite:0,0,z",
                      "Refused: an instance's files are read only"},
    PacketDescription{PacketGroup::Files, "vFile:unlink", "vFile:unlink:PATH", "vFile:unlink:2f70", "Refused too"},
};

constexpr bool is_described(std::string_view name) {
    for (const PacketDescription& description : packet_descriptions)
        if (description.name == name)
            return true;
    return false;
}

/// Of vFile, which the parser of its operations answers for.
inline constexpr size_t described_file_operations = [] {
    size_t count = 0;
    for (const PacketDescription& description : packet_descriptions)
        count += description.group == PacketGroup::Files ? 1 : 0;
    return count;
}();

} // namespace gdbstub
