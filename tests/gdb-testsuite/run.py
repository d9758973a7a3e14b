#!/usr/bin/env python3
"""Runs gdb's own testsuite against images and, beside it, against gdbserver, and compares test by test.

The testsuite is that of Debian's source package of the gdb that is installed; it is fetched once. Each test program is
built once, by the compiler wrappers: the same file boots as an image and runs as a process under gdbserver.

usage: ./dev gdb-testsuite [--jobs N] [--board BOARD] [--json FILE] [FILE ...]
  FILE   gdb.base/break.exp, or `break`, or `smoke`, or a name with * in it; all of files.txt unless told
Ends with a line for each file and one for all; the exit status says whether every test that passes at gdbserver passes
here or is listed in differences.txt."""

import argparse
import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import summary

HERE = Path(__file__).resolve().parent
BOARDS = {"uniscope": "uniscope", "gdbserver": "uniscope-gdbserver"}
sys.path.insert(0, str(HERE.parent.parent / "libos/image"))
import debian_source  # noqa: E402


def listed_files():
    """(name, marks) of each line of files.txt."""
    lines = (line.split() for line in (HERE / "files.txt").read_text().splitlines())
    return [(words[0], words[1:]) for words in lines if words and not words[0].startswith("#")]


def known_differences():
    """{(file, test or *): reason}: lines `FILE: TEST -- REASON` of differences.txt."""
    known = {}
    for line in (HERE / "differences.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            test, reason = line.split(" -- ", 1)
            file, name = test.split(": ", 1)
            known[file, name] = reason
    return known


def chosen_files(wanted, suite):
    listed = listed_files()
    if not wanted:
        return [name for name, _ in listed]
    found = []
    for word in wanted:
        if word == "smoke":
            names = [name for name, marks in listed if "smoke" in marks]
        elif (suite / word).is_file():
            names = [word]
        else:
            names = [name for name, _ in listed if fnmatch.fnmatch(Path(name).stem, word) or fnmatch.fnmatch(name, word)]
            names = names or [str(path.relative_to(suite)) for path in sorted(suite.glob(f"gdb.*/{word}.exp"))]
        if not names:
            sys.exit(f"no such file of the testsuite: {word}")
        found += [name for name in names if name not in found]
    return found


class Runner:
    """Runs one file of the testsuite at a time on a board, in directories below `work`."""

    def __init__(self, build, suite, options):
        self.build = build
        self.suite = suite
        self.options = options
        self.work = options.work.resolve() if options.work else build / "gdb-testsuite"

    def prepare(self, board):
        """Makes the directory in which the board's tests run: the testsuite's own configure writes its helpers."""
        directory = self.work / board
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        result = subprocess.run([self.suite / "configure"], cwd=directory, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"the testsuite's configure failed:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
        (directory / "site.exp").write_text(f"""set tool gdb
set srcdir "{self.suite}"
set objdir "{directory}"
set subdirs ""
set host_triplet x86_64-pc-linux-gnu
set build_triplet x86_64-pc-linux-gnu
set target_triplet x86_64-pc-linux-gnu
lappend boards_dir "{HERE / 'boards'}"
""")

    def run(self, board, file):
        """The Summary of one file."""
        out = self.work / board / "results" / file.removesuffix(".exp")
        out.mkdir(parents=True, exist_ok=True)
        # A short path: that of a socket has 107 bytes at most.
        with tempfile.TemporaryDirectory(prefix="uniscope-test-") as run_directory:
            return self._run_in(run_directory, board, file, out)

    def _run_in(self, run_directory, board, file, out):
        environment = {**os.environ, "UNISCOPE_BIN": str(self.build / "bin"),
                       "UNISCOPE_TESTSUITE_TARGET": str(HERE / "target"),
                       "UNISCOPE_TESTSUITE_DIRECTORY": run_directory,
                       "UNISCOPE_TESTSUITE_OPTIONS": self.options.run_options,
                       "XDG_RUNTIME_DIR": run_directory, "XDG_STATE_HOME": str(out / "state"),
                       "XDG_DATA_HOME": str(out / "data"), "XDG_CONFIG_HOME": str(out / "config"),
                       "LC_ALL": "C", "TERM": "dumb"}
        words = ["runtest", "--status", f"--outdir={out}", f"GDB={shutil.which('gdb')}",
                 f"--target_board={BOARDS[board]}", file]
        if self.options.gdb_flags:
            words.append(f"GDBFLAGS={self.options.gdb_flags}")
        is_cut_off = False
        with open(out / "runtest.log", "wb") as log:
            process = subprocess.Popen(words, cwd=self.work / board, env=environment, stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log, start_new_session=True)
            try:
                process.wait(self.options.limit)
            except subprocess.TimeoutExpired:
                is_cut_off = True
            finally:
                process.kill()  # gdb below it ends with its terminal
                process.wait()
                remains = self._end_instances(environment)
        sums = out / "gdb.sum"
        result = summary.Summary(sums.read_text(errors="replace") if sums.exists() else "")
        if is_cut_off:
            result.errors.append(f"ERROR: cut off after {self.options.limit} s")
        if not result.outcomes:
            result.errors.append(f"ERROR: no test ran; see {out}")
        if remains:
            result.errors.append(f"ERROR: what ran could not be ended: {remains}")
        return result

    def _end_instances(self, environment):
        """The last target of a file is still there. What went wrong, as text."""
        uniscope = self.build / "bin/uniscope"
        listing = subprocess.run([uniscope, "ps", "--json"], env=environment, capture_output=True, text=True)
        if listing.returncode != 0:
            return listing.stderr.strip()
        names = [instance["name"] for instance in json.loads(listing.stdout)]
        if not names:
            return ""
        ended = subprocess.run([uniscope, "kill", *names], env=environment, capture_output=True, text=True)
        return ended.stderr.strip() if ended.returncode != 0 else ""


def show(file, results, seconds, known):
    """Prints a file's line and what was lost; returns how many of those nobody has explained, errors among them."""
    texts = [f"{board}: {results[board]}" for board in BOARDS if board in results]
    print(f"{file}  {seconds:.0f} s\n    " + "\n    ".join(texts))
    unexplained = 0
    for board, result in results.items():
        for problem in result.errors + result.warnings:
            print(f"    {board}: {problem}")
        unexplained += len(result.errors)
    if len(results) < len(BOARDS):
        return unexplained
    for name, here in summary.lost(results["gdbserver"], results["uniscope"]):
        reason = known.get((file, name)) or known.get((file, "*"))
        print(f"    {'known' if reason else 'LOST'}: {name} ({here})")
        unexplained += reason is None
    return unexplained


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--work", type=Path, help="directory for what is built and logged, BUILD/gdb-testsuite unless told")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--board", choices=BOARDS, action="append", help="only that one")
    parser.add_argument("--limit", type=int, default=600, help="seconds for one file on one board")
    parser.add_argument("--run-options", default="", help="for `uniscope run`, e.g. '--cpus 2 --link vsock'")
    parser.add_argument("--gdb-flags", default="", help="for gdb, on both boards")
    parser.add_argument("--json", type=Path)
    parser.add_argument("files", nargs="*")
    return parser.parse_args()


def main():
    options = parse_arguments()
    for program in ("gdb", "runtest", "gdbserver"):
        if shutil.which(program) is None:
            sys.exit(f"needs {program}: apt-get install gdb dejagnu gdbserver")
    build = options.build.resolve()
    try:
        suite = debian_source.fetch("gdb", build / "source-cache") / "gdb/testsuite"
    except debian_source.NotAvailable as reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    files = chosen_files(options.files, suite)
    boards = options.board or list(BOARDS)
    runner = Runner(build, suite, options)
    for board in boards:
        runner.prepare(board)

    known = known_differences()
    lock = threading.Lock()
    totals = {board: summary.Summary() for board in boards}
    record = {}
    unexplained = 0

    def one(file):
        nonlocal unexplained
        started = time.monotonic()
        results = {board: runner.run(board, file) for board in boards}
        with lock:
            unexplained += show(file, results, time.monotonic() - started, known)
            sys.stdout.flush()
            record[file] = {board: {outcome: result.count(outcome) for outcome in summary.OUTCOMES}
                            for board, result in results.items()}
            for board, result in results.items():
                totals[board].outcomes.update(result.outcomes)

    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(one, files))
    print(f"{len(files)} files")
    for board in boards:
        print(f"    {board}: {totals[board]}")
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    print(f"{unexplained} errors, or tests that pass at gdbserver, not here, and are not in differences.txt")
    sys.exit(1 if unexplained else 0)


if __name__ == "__main__":
    main()
