"""docs/launchers.md: the machines in it are started as they stand there, and gdb, record and crash work on them."""

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import guest
from by_hand import eventually
from endpoints_test import GDB_OPTIONS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "launchers.md"


def launch_text(name):
    """The fenced block behind `<!-- launch: NAME -->`."""
    found = re.search(rf"<!-- launch: {name} -->\n```\w+\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
    assert found, f"no launch {name} in {DOCUMENT}"
    return found.group(1)


def group_lives(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


class LauncherTest(guest.GuestTest):
    def setUp(self):
        super().setUp()
        self.run_directory = self.directory / "shop"
        self.run_directory.mkdir()
        self.image = self.directory / "image"
        shutil.copy(guest.image("debuggee"), self.image)
        self.image.chmod(0o755)
        self.uniscope("key", "new")
        self.key_word = self.uniscope("key", "enroll", "--role", "operator").strip()

    def text(self, name):
        text = launch_text(name).replace("uniscope.key=operator:KEY", self.key_word)
        return text.replace("/run/shop", str(self.run_directory)).replace("/srv/shop/shop", str(self.image))

    def launch(self, command, **options):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, errors="replace", start_new_session=True, **options)
        self.addCleanup(process.stdout.close)
        self.addCleanup(self.end_launch, process)
        return process

    def end_launch(self, process):
        """All of its group: what it put into the background may have outlived it."""
        for number, patience in ((signal.SIGTERM, 20), (signal.SIGKILL, 20)):
            try:
                os.killpg(process.pid, number)
            except ProcessLookupError:
                break
            try:
                process.wait(patience)
                eventually(lambda: not group_lives(process.pid), seconds=patience, what="the end of the processes")
            except (subprocess.TimeoutExpired, AssertionError):
                continue
            break
        process.wait()

    def wait_for(self, path, process):
        eventually(lambda: path.exists() or process.poll() is not None, seconds=60, what=f"{path}")
        if process.poll() is not None:
            self.fail("the machine ended: " + process.stdout.read())

    def uniscope(self, *words):
        result = guest.run(guest.BIN / "uniscope", *words, env=self.environment, cwd=self.directory)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def debug(self, target, *commands, options=()):
        words = [word for command in commands for word in ("-ex", command)]
        result = guest.run(guest.BIN / "uniscope", "gdb", *options, target, "--", *GDB_OPTIONS, *words,
                           env=self.environment, cwd=self.directory)
        return result.stdout + result.stderr

    def state(self):
        return json.loads(self.uniscope("ps", "--json"))[0]["state"]

    def check_all_channels(self, endpoint, has_console=True):
        """gdb, record, console and crash, as the document promises."""
        self.uniscope("add", "--image", self.image, "shop", endpoint)
        self.addCleanup(lambda: guest.run(guest.BIN / "uniscope", "rm", "shop", env=self.environment))
        eventually(lambda: self.state() == "running", what="that it is within reach")
        output = self.debug("shop", "info threads", "break serve_round", "continue", "print 1000 + add(1, 1)", "detach")
        self.assert_in_order(output, '"main-loop"', "hit Breakpoint 1, serve_round", "= 1002")
        summary = json.loads(self.uniscope("record", "-d", "300ms", "-o", "a.trace", "--json", "shop"))
        self.assertGreater(summary["events_delivered"], 0)
        self.assertIn("clock_nanosleep", self.uniscope("report", "a.trace"))
        if has_console:
            eventually(lambda: "round" in self.uniscope("logs", "shop"))
        self.debug("shop", "break serve_round", "continue", "set var $pc = 0x10", "delete", "detach")
        eventually(lambda: "crashed" in self.state(), seconds=300, what="the crash")
        shown = self.uniscope("crash", "show", "shop")
        self.assertIn("0x10", shown)
        self.assertIn("clock_nanosleep", shown)


class QemuByHand(LauncherTest):
    def test_qemu_microvm(self):
        process = self.launch(["sh", "-c", "exec " + self.text("microvm")])
        self.wait_for(self.run_directory / "uniscope.crash", process)
        self.check_all_channels(f"unix:{self.run_directory}")
        self.assertEqual(process.wait(60), 0, "the machine ends with its app")

    def test_qemu_with_one_serial_line(self):
        process = self.launch(["sh", "-c", "exec " + self.text("serial")])
        self.wait_for(self.run_directory / "line", process)
        self.check_all_channels(f"serial:{self.run_directory}/line,mux")
        self.assertEqual(process.wait(60), 0, "the machine ends with its app")

    def test_qemu_q35(self):
        process = self.launch(["sh", "-c", "exec " + self.text("q35")])
        self.wait_for(self.run_directory / "gdb.sock", process)
        endpoint = f"serial:{self.run_directory}/gdb.sock"
        console = self.run_directory / "console.log"
        eventually(lambda: "round" in console.read_text(), seconds=60)
        output = self.debug(endpoint, "info threads", "print 1000 + add(1, 1)", options=["--image", self.image])
        self.assert_in_order(output, '"main-loop"', "= 1002")
        # As the document says: gdb alone, with no tool of ours.
        plain = guest.run("gdb", *GDB_OPTIONS, self.image, "-ex", f"target remote {self.run_directory}/gdb.sock", "-ex",
                          "print 1000 + add(1, 2)", "-ex", "detach")
        self.assertIn("= 1003", plain.stdout)
        length = len(console.read_text())
        eventually(lambda: len(console.read_text()) > length, what="another line")


if __name__ == "__main__":
    guest.main()
