# Run inside gdb, its caches of code and stack off, in a thread that stands at a breakpoint in serve_round(): `exchanges`
# reads of memory that cannot change, of which the file `image` tells what is right, of registers, and now and then a
# step and a run to the next breakpoint.
import random

import gdb

random.seed(1)
gdb.execute("set debuginfod enabled off")


def sections():
    """(address, bytes) of text and constants."""
    found = []
    data = open(image, "rb").read()
    for line in gdb.execute("maint info sections -all-objects", to_string=True).splitlines():
        words = line.replace("->", " ").split()
        if not any(name in words for name in (".text", ".rodata")) or "at" not in words:
            continue
        begin, end, offset = int(words[1], 16), int(words[2], 16), int(words[4].rstrip(":"), 16)
        found.append((begin, data[offset:offset + end - begin]))
    return found


known = sections()
assert known, "no sections"
inferior = gdb.selected_inferior()
count = bytes_read = registers = steps = wrong = turn = 0
while count < exchanges:
    turn += 1
    begin, right = random.choice(known)
    size = random.choice((1, 8, 64, 300))
    at = random.randrange(len(right) - size)
    memory = bytes(inferior.read_memory(begin + at, size))
    count += 1
    bytes_read += size
    if memory != right[at:at + size]:
        wrong += 1
        print(f"memory at {begin + at:#x}: {memory.hex()} and not {right[at:at + size].hex()}")
    if turn % 5 == 0:
        before = [str(gdb.parse_and_eval(name)) for name in ("$pc", "$sp", "$rbx", "$eflags", "$xmm0")]
        gdb.execute("flushregs", to_string=True)
        after = [str(gdb.parse_and_eval(name)) for name in ("$pc", "$sp", "$rbx", "$eflags", "$xmm0")]
        count += 1
        registers += len(after)
        if before != after:
            wrong += 1
            print(f"registers {before}, then {after}")
    if turn % 50 == 0:
        gdb.execute("stepi", to_string=True)
        gdb.execute("continue", to_string=True)
        steps += 1
        count += 2
        where = gdb.selected_frame().name()
        if "serve_round" not in where:
            wrong += 1
            print(f"stopped in {where}")
print(f"{count} exchanges, {bytes_read} bytes of memory, {registers} registers, {steps} steps, {wrong} wrong")
