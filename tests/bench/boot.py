#!/usr/bin/env python3
"""Time from QEMU's start to the first byte of output: the C hello against the floor image, on both machines.

The QEMU command line is the same but for the image: what `uniscope run --show-command` prints. Runs are interleaved, so
that both see the same load; the figures are medians."""

import argparse
import json
import os
import select
import shlex
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

CHANNELS = ["console", "gdb", "control", "trace", "crash", "qmp"]


def command_line(uniscope, machine, cpus, image):
    words = [uniscope, "run", "--show-command", "--accel", "tcg", "--machine", machine, "--cpus", str(cpus), image]
    return shlex.split(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def boot(command, timeout):
    """Milliseconds to the first byte, or None."""
    pairs = [socket.socketpair() for _ in CHANNELS]
    theirs = [pair[1].fileno() for pair in pairs]
    # --show-command numbers the channels from 3.
    words = [word.replace(f"fd={3 + CHANNELS.index(word.split('=')[1].split(',')[0])}",
                          f"fd={theirs[CHANNELS.index(word.split('=')[1].split(',')[0])]}")
             if word.startswith("socket,id=") else word for word in command]
    started = time.monotonic()
    process = subprocess.Popen(words, pass_fds=theirs, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    console = pairs[0][0]
    for _, end in pairs:
        end.close()
    try:
        ready, _, _ = select.select([console], [], [], timeout)
        elapsed = time.monotonic() - started
        return elapsed * 1000 if ready and console.recv(1) else None
    finally:
        process.kill()
        process.wait()
        for end, _ in pairs:
            end.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=Path("build"), help="the build directory")
    parser.add_argument("--runs", type=int, default=15, help="boots of each image on each machine")
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=60, help="seconds")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    uniscope = options.build / "bin/uniscope"
    images = {"hello": options.build / "bin/hello", "floor": options.build / "tests/floor"}
    ratios, figures = {}, {}
    for machine in ("microvm", "q35"):
        commands = {name: command_line(uniscope, machine, options.cpus, image) for name, image in images.items()}
        times = {name: [] for name in images}
        for number in range(-1, options.runs):
            for name, command in commands.items():
                elapsed = boot(command, options.timeout)
                if elapsed is None:
                    sys.exit(f"bench boot: {name} on {machine} printed nothing within {options.timeout:g} s")
                if number >= 0:  # the first round fills the page cache
                    times[name].append(elapsed)
        medians = {name: statistics.median(values) for name, values in times.items()}
        ratios[f"hello_{machine}_over_floor"] = round(medians["hello"] / medians["floor"], 3)
        for name, median in medians.items():
            figures[f"{name}_{machine}_ms"] = round(median, 2)
            figures[f"{name}_{machine}_min_ms"] = round(min(times[name]), 2)
    figures |= {"cpus": options.cpus, "runs": options.runs, "load": round(os.getloadavg()[0], 2)}
    if options.json:
        print(json.dumps({"bench": "boot", "ratios": ratios, "figures": figures}))
        return
    for machine in ("microvm", "q35"):
        print(f"{machine}: first output of hello after {figures[f'hello_{machine}_ms']} ms, of the floor image after "
              f"{figures[f'floor_{machine}_ms']} ms: ratio {ratios[f'hello_{machine}_over_floor']} (the bar is 1.8)")
    print(f"medians of {options.runs} interleaved boots, {options.cpus} CPU(s), load {figures['load']}")


if __name__ == "__main__":
    main()
