"""samples/embed: a kernel that is not the libOS, built by its README's words, and a real gdb on its stub."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import interrupt

SOURCE = Path(__file__).resolve().parents[2]
BIN = Path()


class Embed(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="uniscope-test-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def boot(self, kernel):
        self.console, self.socket = self.directory / "console", self.directory / "gdb"
        self.kernel = kernel
        self.machine = subprocess.Popen(
            [os.environ.get("UNISCOPE_QEMU") or "qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-m", "64",
             "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-kernel", kernel,
             "-serial", f"file:{self.console}", "-serial", f"unix:{self.socket},server=on,wait=off"],
            stdin=subprocess.DEVNULL)
        self.addCleanup(self.end)
        deadline = time.monotonic() + 60
        while "gdb may come" not in (self.console.read_text() if self.console.exists() else ""):
            self.assertLess(time.monotonic(), deadline, "it does not boot")
            self.assertIsNone(self.machine.poll(), "QEMU ended")
            time.sleep(0.05)

    def end(self):
        if self.machine.poll() is None:
            self.machine.kill()
        self.machine.wait()

    def gdb_arguments(self, commands):
        words = ["gdb", "-nx", "-q", "-batch", "-iex", "set auto-load no", self.kernel,
                 "-ex", f"target remote {self.socket}"]
        for command in commands:
            words += ["-ex", command]
        return words

    def gdb(self, *commands):
        result = subprocess.run(self.gdb_arguments(commands), capture_output=True, text=True, errors="replace",
                                timeout=90, stdin=subprocess.DEVNULL)
        return result.stdout + result.stderr

    def finish(self):
        output = self.gdb("set var finish = 42", "continue")
        self.assertIn("exited with code 052]", output)
        self.machine.wait(timeout=30)
        self.assertRegex(self.console.read_text(), r"The longest way, of \d+ steps, begins at \d+\.")

    def test_what_gdb_does_with_a_process(self):
        self.boot(BIN / "embed")
        output = self.gdb("info threads", "break collatz", "continue", "backtrace", "print n == rounds + 1", "delete",
                          "stepi", "next", "watch longest", "set var longest = 0", "continue", "delete",
                          "hbreak collatz", "continue", "continue", "info registers rip", "x/2i $pc",
                          "print $st0", "detach")
        self.assertIn('"kernel" (the only one)', output)
        self.assertRegex(output, r"Breakpoint 1, collatz \(n=\d+\)")
        self.assertRegex(output, r"#1 +0x\w+ in kernel_main \(\) at .*Kernel\.c:\d+\n#2 .* in start \(\) .*\n(?!#3)")
        self.assertIn("$1 = 1\n", output)
        self.assertIn("Old value = 0\n", output)
        self.assertEqual(len(re.findall(r"Breakpoint 3, .*collatz \(n=(\d+)\)", output)), 2, output)
        self.assertNotIn("int3", output)
        self.finish()

    def test_it_runs_until_somebody_interrupts_it(self):
        self.boot(BIN / "embed")
        first = int(re.search(r"^\$1 = (\d+)", self.gdb("print rounds", "detach"), re.MULTILINE)[1])
        output = self.gdb(interrupt.WHEN_RUNNING, "continue", "print rounds", "detach")
        self.assertIn("received signal SIGINT", output)
        self.assertGreater(int(re.search(r"^\$1 = (\d+)", output, re.MULTILINE)[1]), first)
        self.finish()

    def test_a_fault_waits_for_gdb(self):
        self.boot(BIN / "embed")
        output = self.gdb("print $saved = $pc", "set var $pc = 0x40000000", "continue", "print/x $pc",
                          "set var $pc = $saved", "detach")
        self.assertIn("received signal SIGSEGV", output)
        self.assertIn("= 0x40000000", output)
        self.assertIn("An exception", self.console.read_text())
        self.finish()

    def test_the_readme_builds_it(self):
        text = (SOURCE / "samples/embed/README.md").read_text()
        commands = re.search(r"((?:^    .*\n)+)", text, re.MULTILINE)[1].replace("/tmp/stub", str(self.directory / "stub"))
        subprocess.run(["sh", "-ec", commands], cwd=SOURCE, check=True, stdout=subprocess.DEVNULL, timeout=300)
        self.boot(self.directory / "stub/embed")
        self.finish()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=Path, required=True)
    arguments, rest = parser.parse_known_args()
    BIN = arguments.bin.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
