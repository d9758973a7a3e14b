"""Run inside gdb: from every instruction of the probes' slow path a backtrace reaches the function with the probe.

usage: gdb -nx -batch -x check_slow_path_backtrace.py --args probes_bench 100000 1"""

import gdb  # what this runs in

SLOW_PATH = "uniscope_probe_slow_path"
PROBED = "bench_probe_loop"


def backtrace():
    names, frame = [], gdb.newest_frame()
    while frame is not None and len(names) < 50:
        names.append(frame.name())
        frame = frame.older()
    return names


def main():
    for setting in ("pagination off", "confirm off", "debuginfod enabled off"):
        gdb.execute(f"set {setting}")
    gdb.execute(f"break {SLOW_PATH}", to_string=True)
    gdb.execute("run", to_string=True)
    gdb.execute("delete")
    checked = 0
    while backtrace()[0] == SLOW_PATH:
        names = backtrace()
        if PROBED not in names:
            raise SystemExit(f"{gdb.newest_frame().pc():#x}: the backtrace is {names}")
        checked += 1
        # `nexti` steps over the call, within which the compiler's own tables are what counts.
        gdb.execute("nexti", to_string=True)
    if backtrace()[0] != PROBED:
        raise SystemExit(f"the slow path ended in {backtrace()}")
    gdb.execute("kill")
    print(f"{checked} instructions of the slow path unwind")


main()
