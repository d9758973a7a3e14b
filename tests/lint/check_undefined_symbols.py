"""The libOS object needs nothing from the app or its C library: its undefined symbols are only those of the linker script.

usage: check_undefined_symbols.py OBJECT [--nm NM]

A symbol that the compiler calls behind one's back (__udivti3, __cxa_guard_acquire, memcpy@plt, ...) would silently be
taken from the app's libgcc or libc: code that may use SSE, the red zone or thread-local storage, none of which exist
in an interrupt handler. So the image's build runs this on the object."""

import argparse
import os
import re
import subprocess
import sys

# What the final link provides: the ELF header that finds the app's segments, and section bounds.
PROVIDED = [
    re.compile(r"^__ehdr_start$"),
    re.compile(r"^__(start|stop)_uniscope_[a-z0-9_]+$"),
    re.compile(r"^__libos_[a-z0-9_]*(start|end)$"),
]

# What a common intruder means, in words.
MEANINGS = [
    (re.compile(r"^__(u?div|u?mod|mul|ashl|ashr|lshr|float|fix)\w*[td]i\d?$"),
     "128-bit or floating-point arithmetic: rewrite it with 64-bit integers"),
    (re.compile(r"^__cxa_guard_"), "a static local with a dynamic initialiser: make it constinit"),
    (re.compile(r"^__cxa_atexit$|^__dso_handle$"), "a global with a destructor: make it trivially destructible"),
    (re.compile(r"^_Z(dl|da)"), "operator delete: an interface's destructor must be protected and not virtual"),
    (re.compile(r"^_Zn[wa]"), "operator new: the kernel has no such heap; take storage from the caller"),
    (re.compile(r"^_ZSt\d+__throw_|^__cxa_throw|^_Unwind_|^__gxx_personality"),
     "exceptions: a standard library function that throws is used"),
    (re.compile(r"^__stack_chk_"), "stack protector: compiled without the guest flags"),
    (re.compile(r"^__(asan|ubsan|tsan)_"), "a sanitizer: a hosted object got into the image"),
    (re.compile(r"^_ZTV|^__cxa_pure_virtual$"), "a virtual function that is declared and not defined"),
    (re.compile(r"^_GLOBAL_OFFSET_TABLE_$"), "position-independent code: compiled without the guest flags"),
    (re.compile(r"^__tls_get_addr$"), "thread-local storage: the kernel's per-CPU data is reached another way"),
]


def meaning_of(symbol):
    for pattern, meaning in MEANINGS:
        if pattern.search(symbol):
            return meaning
    return "it is declared and used, but no source of the libOS defines it"


def undefined_symbols(object_file, nm):
    """Names of all undefined symbols; weak ones too, for the app may happen to define them."""
    result = subprocess.run([nm, "--undefined-only", "--format=posix", object_file], capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"{object_file}: {result.stderr.strip()}")
    rows = [line.split() for line in result.stdout.splitlines() if line.strip()]
    return [row[0] for row in rows if len(row) >= 2]


def complaints_about(object_file, nm):
    for symbol in undefined_symbols(object_file, nm):
        if not any(pattern.match(symbol) for pattern in PROVIDED):
            yield f"undefined symbol {symbol}: {meaning_of(symbol)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("object_file")
    parser.add_argument("--nm", default=os.environ.get("NM", "nm"))
    arguments = parser.parse_args()
    complaints = list(complaints_about(arguments.object_file, arguments.nm))
    for complaint in complaints:
        print(f"{arguments.object_file}: {complaint}", file=sys.stderr)
    if complaints:
        print(f"The image cannot be built: the libOS needs {len(complaints)} symbol(s) that it does not define.",
              file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
