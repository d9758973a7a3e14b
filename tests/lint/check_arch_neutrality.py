"""CPU neutrality: outside arch/ there is no asm, no CPU macro and no register name."""

import re

import sources

# The places that know a CPU, each with its reason.
ALLOWED = (
    "libos/arch/",       # the architecture itself
    "libos/image/",      # entry notes and linker scripts
    "libos/debug/arch/", # between trap frames and gdb's registers
    "gdbstub/arch/",     # register tables and target descriptions
    "probes/arch/",      # the probe site's instructions
    "probes/Probe.h",    # the public probe macro is one self-contained header
    "probes/wire/Core.h", # core files are laid out per CPU
    "tracer/arch/",      # DWARF and core register numbers
    "samples/embed/",    # a kernel, for one CPU
    "tests/",            # checks what the CPU does
)
FOLDERS = ("libos/", "gdbstub/", "probes/", "tracer/", "viewer/", "samples/")

FORBIDDEN = [
    (re.compile(r"\b(?:asm|__asm__|__asm)\b"), "asm"),
    (re.compile(r"\b(?:__x86_64__|__amd64__|__i386__|__aarch64__|__riscv)\b"), "a CPU macro"),
    (re.compile(r"#\s*include\s*<(?:[a-z]*mmintrin|x86intrin|immintrin|cpuid)\.h>"), "a CPU's intrinsics"),
    (re.compile(r"\b(?:__builtin_ia32_\w+|_mm\d*_\w+|__rdtscp?|_rdtsc)\b"), "a CPU's intrinsic"),
    (re.compile(r"\b[re](?:ax|bx|cx|dx|si|di|bp|sp|ip|flags)\b|\bcr[0234]\b|\bdr[0-7]\b|\b[xyz]mm\d+\b"), "a register name"),
]


def check(root):
    for file in sources.find_sources(root):
        if not file.path.startswith(FOLDERS) or file.path.startswith(ALLOWED):
            continue
        for number, line in enumerate(file.code_lines(), 1):
            for pattern, what in FORBIDDEN:
                match = pattern.search(line)
                if match:
                    yield f"{file.path}:{number}: {what} ({match.group(0).strip()}) outside arch/"


if __name__ == "__main__":
    sources.run(check, __doc__)
