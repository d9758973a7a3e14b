"""./dev bench probes: what an event costs, beside a bare reading of the clock and beside LTTng-UST, in one run.

usage: probes.py --build BUILD [--json] [--rounds N] [--repetitions N] [--no-lttng]

Ratios are medians over interleaved repetitions of CPU time, so that what else the machine does hits both sides. LTTng's
packages are installed if they are missing; its session daemon is this run's own and is ended with it."""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "probes"))
import check_probe_code  # noqa: E402

LTTNG_PACKAGES = ["lttng-tools", "liblttng-ust-dev"]


def say(text):
    print(text, file=sys.stderr)


def measure_probes(program, rounds, repetitions):
    """One dictionary a repetition and thread."""
    output = subprocess.run([program, str(rounds), str(repetitions)], check=True, capture_output=True, text=True)
    samples = []
    for line in output.stdout.splitlines():
        threads, _, *pairs = line.split()
        samples.append({"threads": int(threads)} | dict(zip(pairs[::2], map(float, pairs[1::2]))))
    return samples


def ratio(samples, threads):
    return statistics.median(s["enabled"] / s["clock"] for s in samples if s["threads"] == threads)


def figure(samples, key, threads=1):
    return statistics.median(s[key] for s in samples if s["threads"] == threads)


def install_lttng():
    state = subprocess.run(["dpkg-query", "-W", "-f=${db:Status-Status} ", *LTTNG_PACKAGES], capture_output=True, text=True)
    if state.stdout.split() == ["installed"] * len(LTTNG_PACKAGES):
        return
    say("Installing Debian packages: " + " ".join(LTTNG_PACKAGES))
    sudo = [] if os.getuid() == 0 else ["sudo"]
    environment = sudo + ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    subprocess.run(environment + ["update"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(environment + ["install", "-y", "--no-install-recommends"] + LTTNG_PACKAGES, check=True,
                   stdout=subprocess.DEVNULL)


class LttngSession:
    """A snapshot session in overwrite mode, like the flight recorder. Uses a session daemon that runs already."""

    NAME = f"uniscope-bench-{os.getpid()}"

    def __init__(self, directory):
        self.directory = directory
        self.environment = os.environ | {"LTTNG_HOME": directory, "LTTNG_UST_REGISTER_TIMEOUT": "-1"}
        self.daemon = None

    def lttng(self, *arguments, check=True):
        return subprocess.run(["lttng", "--no-sessiond", *arguments], env=self.environment, check=check,
                              capture_output=True, text=True)

    def __enter__(self):
        if self.lttng("list", check=False).returncode != 0:
            pid_file = os.path.join(self.directory, "sessiond.pid")
            subprocess.run(["lttng-sessiond", "--daemonize", "--no-kernel", "--pidfile", pid_file],
                           env=self.environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with open(pid_file, encoding="ascii") as file:
                self.daemon = int(file.read())
        self.lttng("create", self.NAME, "--snapshot", "--output", os.path.join(self.directory, "snapshot"))
        self.lttng("enable-channel", "-s", self.NAME, "-u", "--overwrite", "--subbuf-size=1M", "--num-subbuf=4", "bench")
        self.lttng("enable-event", "-s", self.NAME, "-u", "-c", "bench", "uniscope_bench:event")
        self.lttng("start", self.NAME)
        return self

    def __exit__(self, *_):
        self.lttng("destroy", self.NAME, check=False)
        if self.daemon is not None:
            try:
                os.kill(self.daemon, signal.SIGTERM)
                for _ in range(100):
                    os.kill(self.daemon, 0)  # until it is gone
                    time.sleep(0.05)
            except ProcessLookupError:
                pass


def build_lttng_loop(directory):
    source = os.path.join(HERE, "probes")
    program = os.path.join(directory, "lttng_loop")
    subprocess.run(["cc", "-O2", f"-I{source}", os.path.join(source, "LttngLoop.c"), "-o", program, "-llttng-ust", "-ldl"],
                   check=True)
    return program


def measure(arguments):
    """(samples of the probes, samples of LTTng), taken in turns."""
    program = os.path.join(arguments.build, "tests/bench/probes_bench")
    if arguments.no_lttng:
        return measure_probes(program, arguments.rounds, arguments.repetitions), []
    install_lttng()
    probes, lttng = [], []
    with tempfile.TemporaryDirectory(prefix="uniscope-bench-") as directory:
        loop = build_lttng_loop(directory)
        with LttngSession(directory) as session:
            turns = 3
            for _ in range(turns):
                each = -(-arguments.repetitions // turns)
                probes += measure_probes(program, arguments.rounds, each)
                output = subprocess.run([loop, str(arguments.rounds), str(each + 1)], env=session.environment,
                                        check=True, capture_output=True, text=True)
                lttng += list(map(float, output.stdout.split()))[1:]  # the first repetition faults the pages in
    return probes, lttng


def main():
    parser = argparse.ArgumentParser(prog="./dev bench probes", description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--rounds", type=int, default=1_000_000)
    parser.add_argument("--repetitions", type=int, default=12)
    parser.add_argument("--no-lttng", action="store_true", help="leave the peer out")
    arguments = parser.parse_args()

    program = os.path.join(arguments.build, "tests/bench/probes_bench")
    instructions, complaints = check_probe_code.count_instructions(program, "bench:event")
    complaints += check_probe_code.complaints_about_sites(program)
    for complaint in complaints:
        say(complaint)
    probes, lttng = measure(arguments)

    result = {
        "bench": "probes",
        "ratios": {
            "enabled_over_rdtsc_1t": round(ratio(probes, 1), 4),
            "enabled_over_rdtsc_2t": round(ratio(probes, 2), 4),
        },
        "figures": {
            "enabled_instructions": instructions,
            "enabled_ns": round(figure(probes, "enabled"), 3),
            "rdtsc_ns": round(figure(probes, "clock"), 3),
            "disabled_ns": round(figure(probes, "disabled"), 3),
            "empty_loop_ns": round(figure(probes, "empty"), 3),
        },
    }
    if lttng:
        result["ratios"]["lttng_over_enabled"] = round(statistics.median(lttng) / figure(probes, "enabled"), 4)
        result["figures"]["lttng_ns"] = round(statistics.median(lttng), 3)
    if arguments.json:
        print(json.dumps(result))
    else:
        ratios, figures = result["ratios"], result["figures"]
        print(f"an event {{int32, uint64}}: {figures['enabled_instructions']} instructions, {figures['enabled_ns']} ns")
        print(f"a bare rdtsc:             {figures['rdtsc_ns']} ns")
        print(f"enabled over rdtsc:       {ratios['enabled_over_rdtsc_1t']} with one thread, "
              f"{ratios['enabled_over_rdtsc_2t']} with two")
        print(f"disabled:                 {figures['disabled_ns']} ns, an empty loop {figures['empty_loop_ns']} ns")
        if lttng:
            print(f"LTTng-UST:                {figures['lttng_ns']} ns, {ratios['lttng_over_enabled']} times an event")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
