"""Runs images for the integration tests: as Linux processes and, by `uniscope run`, as unikernels.

Every test program gets --bin, the build's bin directory, and calls main() of this module at its end."""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

BIN = Path()
MACHINES = ("microvm", "q35")
CPU_COUNTS = (1, 2, 4)
FULL = False
LINK = os.environ.get("UNISCOPE_LINK", "virtio-serial") # the default of `uniscope run`


def run(*command, timeout=120, **options):
    options = {"capture_output": True, "text": True, "errors": "replace", "stdin": subprocess.DEVNULL, **options}
    return subprocess.run([str(word) for word in command], timeout=timeout, **options)


def image(name):
    """An image of tests/integration/images."""
    return BIN.parent / "tests" / "images" / name


def symbols(image):
    lines = run("nm", image).stdout.splitlines()
    return {words[2]: int(words[0], 16) for line in lines if len(words := line.split()) == 3}


class Instance:
    """`uniscope run` in the foreground, its output line by line."""

    def __init__(self, test, name, image, *arguments, options=()):
        self.test = test
        self.name = name
        self.image = image
        self.lines = []
        self._changed = threading.Condition()
        words = [BIN / "uniscope", "run", "--name", name, *options, image, *arguments]
        self.process = subprocess.Popen([str(word) for word in words], env=test.environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        test.addCleanup(self.end)

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    @property
    def directory(self):
        return self.test.directory / "run" / "uniscope" / self.name

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def wait_for(self, matches, since=0, seconds=60):
        """The index of the first line from `since` on that `matches`."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                for index in range(since, len(self.lines)):
                    if matches(self.lines[index]):
                        return index
                since = len(self.lines)
                if not self._reader.is_alive() or time.monotonic() > deadline:
                    break
                self._changed.wait(max(0, min(1, deadline - time.monotonic())))
        self.test.fail("the line did not come" + self.describe())

    def wait_until_up(self, seconds=60):
        """For instances that wait for a debugger and print nothing."""
        deadline = time.monotonic() + seconds
        while not (self.directory / "gdb.sock").exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.test.fail("the instance did not come up" + self.describe())
            time.sleep(0.02)

    def wait(self, seconds=60):
        """The exit status."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.test.fail("the instance did not end" + self.describe())
        self._reader.join(5)
        return status

    def describe(self):
        self._reader.join(2) # its output ends just before it does
        if not self._reader.is_alive():
            self.process.wait(10)
        if self.process.poll() is None:
            return f"; {self.name} runs; its last lines: {self.lines[-10:]}"
        return f"; {self.name} ended with {self.process.returncode}: {self.lines[-40:]} {self.process.stderr.read()}"

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except OSError:
                pass


class GuestTest(unittest.TestCase):
    """A test with a directory of its own, in which instances are registered too."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="uniscope-test-", ignore_cleanup_errors=True)
        self.addCleanup(temporary.cleanup)
        self.directory = Path(temporary.name)
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(self.directory / "run"),
                            "XDG_STATE_HOME": str(self.directory / "state"),
                            "XDG_DATA_HOME": str(self.directory / "data"),
                            "XDG_CONFIG_HOME": str(self.directory / "config"),
                            "UNISCOPE_SYSTEM_REGISTRY": str(self.directory / "system"),
                            "XDG_CACHE_HOME": str(BIN.parent / "test-cache")}
        (self.directory / "run").mkdir(mode=0o700)
        self.instance = None

    def as_process(self, image, *arguments, variables=None, timeout=60, **options):
        """The image as a Linux process, its environment nothing but `variables`."""
        return run(image, *arguments, env=variables or {}, timeout=timeout, **options)

    def as_unikernel(self, image, *arguments, variables=None, options=(), timeout=120):
        """The image by `uniscope run`."""
        words = [BIN / "uniscope", "run", *options]
        for name, value in (variables or {}).items():
            words += ["--env", f"{name}={value}"]
        return run(*words, image, *arguments, env=self.environment, timeout=timeout)

    def start(self, image, *arguments, options=()):
        """The instance `app`; the one before it ends."""
        if self.instance is not None:
            self.instance.end()
        self.instance = Instance(self, "app", image, *arguments, options=options)
        return self.instance

    def start_gdb(self, *arguments, name="app", stdin=subprocess.DEVNULL):
        """`uniscope gdb` in a process group of its own, so that Ctrl-C and the end reach gdb too."""
        words = [BIN / "uniscope", "gdb", name, "--", "-nx", "-iex", "set width 0", "-iex", "set pagination off",
                 "-iex", "set confirm off", "-iex", "set debuginfod enabled off", *arguments]
        process = subprocess.Popen([str(word) for word in words], env=self.environment, stdin=stdin,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                                   start_new_session=True)
        self.addCleanup(self.end_group, process)
        return process

    @staticmethod
    def end_group(process):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()

    def gdb(self, *commands, timeout=120):
        """What gdb prints in a batch of commands; a failing command does not end the batch."""
        process = self.start_gdb("-batch", *(word for command in commands for word in ("-ex", command)))
        try:
            return process.communicate(timeout=timeout)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            self.fail(f"gdb did not end in {timeout} s; it printed: {process.communicate()[0]}")

    def assert_in_order(self, text, *patterns):
        """Each regular expression is found behind the one before it."""
        position = 0
        for pattern in patterns:
            found = re.compile(pattern, re.MULTILINE).search(text, position)
            self.assertIsNotNone(found, f"no {pattern!r} from character {position} on in:\n{text}")
            position = found.end()

    def assert_same(self, process, unikernel):
        """Whole output and exit status; a process that died by a signal counts as a shell counts it."""
        status = process.returncode if process.returncode >= 0 else 128 - process.returncode
        self.assertEqual((unikernel.returncode, unikernel.stdout), (status, process.stdout), unikernel.stderr)


def main():
    global BIN, FULL
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=Path, required=True, help="the build's bin directory")
    parser.add_argument("--full", action="store_true", help="as often as the project's bars say")
    options, rest = parser.parse_known_args()
    BIN = options.bin.resolve()
    FULL = options.full
    unittest.main(module="__main__", argv=[sys.argv[0], *rest])
