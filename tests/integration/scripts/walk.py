# For gdb on QEMU's own stub, which steps everything, entry code too: steps one thing that the kernel does, instruction by
# instruction, and unwinds at each of them. Every stack has to reach main. walk("system call", "write", ...) and its like
# print a line each that backtrace_test.py reads.

import gdb


def read(expression):
    return int(gdb.parse_and_eval(expression).cast(gdb.lookup_type("unsigned long")))


def names():
    frame = gdb.newest_frame()
    found = []
    while frame is not None:
        found.append(frame.name() or hex(frame.pc()))
        if found[-1].split("(")[0] == "main":
            break
        frame = frame.older()
    return found


def run_to(location):
    breakpoint = gdb.Breakpoint(location, type=gdb.BP_HARDWARE_BREAKPOINT)
    gdb.execute("continue", to_string=True)
    breakpoint.delete()


def instruction(pc):
    return gdb.execute(f"x/i {pc}", to_string=True).strip()


def walk(what, is_back, limit=20000):
    """Steps until is_back(pc)."""
    steps = repetitions = failures = 0
    deepest = 0
    before = read("$pc")
    while True:
        try:
            stack = names()
            reached = stack[-1].split("(")[0] == "main"
        except (gdb.error, gdb.MemoryError) as error:
            stack, reached = [str(error)], False
        deepest = max(deepest, len(stack))
        if not reached:
            failures += 1
            if failures <= 20:
                print(f"FAILED {what}: at {instruction(before)}: {' < '.join(stack)}")
        while True:
            gdb.execute("stepi", to_string=True)
            pc = read("$pc")
            if pc != before:
                break
            repetitions += 1 # `rep` steps one turn at a time
        steps += 1
        before = pc
        if is_back(pc):
            break
        if steps == limit:
            print(f"FAILED {what}: no end after {limit} instructions, at {instruction(pc)}")
            break
    print(f"WALKED {what}: {steps} instructions, {repetitions} repetitions, {deepest} frames at most, {failures} failures")




def walk_system_call():
    run_to("*raw_getpid_syscall")
    walk("getpid", lambda pc: pc == read("(long)&raw_getpid_syscall") + 2)


def walk_write():
    run_to("*raw_write_syscall")
    walk("write", lambda pc: pc == read("(long)&raw_write_syscall") + 2)


def walk_trap(what, vector, function):
    """From the vector's stub until the interrupted instruction is reached again."""
    block = gdb.block_for_pc(read(f"(long)&{function}"))
    while True:
        run_to(f"*((long)&trap_vectors + 16 * {vector})")
        error_code = 8 if vector == 14 else 0
        interrupted = read(f"*(long*)($rsp + {error_code})")
        if block.start <= interrupted < block.end:
            break
    walk(what, lambda pc: pc == interrupted)
