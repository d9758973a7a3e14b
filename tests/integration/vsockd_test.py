"""uniscope-vsockd as a process: its command line, its sockets, and a real QEMU that comes, stays and goes. The machine
has no guest: what a guest does is tested with a scripted one in tests/unit/tracer/vsock."""

import argparse
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

BIN = Path()
QEMU = os.environ.get("UNISCOPE_QEMU") or "qemu-system-x86_64"


def eventually(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


class Vsockd(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="usv"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.socket = self.directory / "vu"
        self.uds = self.directory / "uds"
        self.log = self.directory / "log"

    def run_program(self, *words):
        return subprocess.run([BIN / "uniscope-vsockd", *map(str, words)], capture_output=True, text=True, timeout=60)

    def start(self, command, **options):
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, **options)
        self.addCleanup(lambda: (process.poll() is None and process.kill(), process.wait()))
        return process

    def start_daemon(self, *words):
        with open(self.log, "a") as log:
            return self.start([BIN / "uniscope-vsockd", "--socket", self.socket, "--uds", self.uds, "--cid", 9,
                               "--verbose", *words], stderr=log)

    def said(self, text):
        return self.log.read_text().count(text) if self.log.exists() else 0

    def start_qemu(self, chardev=""):
        qmp = self.directory / "qmp"
        qmp.unlink(missing_ok=True)
        qemu = self.start([QEMU, "-accel", "tcg", "-S", "-machine", "q35,memory-backend=mem", "-m", "32M", "-object",
                           "memory-backend-memfd,id=mem,size=32M,share=on", "-nodefaults", "-no-user-config",
                           "-display", "none", "-chardev", f"socket,id=vsock,path={self.socket}{chardev}", "-device",
                           "vhost-user-vsock-pci,chardev=vsock", "-qmp", f"unix:{qmp},server=on,wait=off"],
                          stderr=subprocess.DEVNULL)
        return qemu, qmp

    def status(self, qmp):
        """QEMU's own word: its main loop is not held up."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            eventually(lambda: connection.connect_ex(str(qmp)) == 0) # the file is there before anybody listens
            lines = connection.makefile("rw")
            lines.readline()
            for command in ("qmp_capabilities", "query-status"):
                lines.write(json.dumps({"execute": command}))
                lines.flush()
                reply = json.loads(lines.readline())
            return reply["return"]["status"]

    def ask_for_a_port(self):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(str(self.uds))
            client.sendall(b"CONNECT 1\n")
            return client.recv(100)

    def test_help_and_version(self):
        result = self.run_program("--help")
        self.assertEqual(result.returncode, 0)
        for word in ("--socket", "--listen", "--connect", "--cid", "--uds", "share=on", "server=on"):
            self.assertIn(word, result.stdout)
        self.assertEqual(self.run_program("--version").returncode, 0)

    def test_wrong_command_lines(self):
        good = {"--socket": self.socket, "--uds": self.uds, "--cid": 3}
        for change, why in (({"--cid": 2}, "--cid"), ({"--cid": 4294967295}, "--cid"), ({"--cid": None}, "--cid"),
                            ({"--socket": None}, "--socket"), ({"--uds": None}, "--uds"),
                            ({"--listen": "", "--connect": ""}, "excludes")):
            words = [word for name, value in {**good, **change}.items() if value is not None
                     for word in ([name, value] if value != "" else [name])]
            result = self.run_program(*words)
            self.assertEqual(result.returncode, 2, (words, result.stderr))
            self.assertIn(why, result.stderr)
            self.assertIn("--help", result.stderr)

    def test_paths_that_cannot_be(self):
        (self.directory / "file").write_text("precious")
        for socket_path, uds, why in ((self.socket, "/proc/nowhere", "cannot listen"),
                                      (self.socket, self.directory / ("x" * 100), "longer than"),
                                      (self.directory / ("x" * 100), self.uds, "too long"),
                                      (self.socket, self.directory / "file", "is no socket")):
            result = self.run_program("--socket", socket_path, "--uds", uds, "--cid", 3)
            self.assertEqual(result.returncode, 1, result.stderr)
            self.assertIn(why, result.stderr)
        self.assertEqual((self.directory / "file").read_text(), "precious")

    def test_signals_end_it_cleanly(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            daemon = self.start_daemon("--listen")
            eventually(lambda: self.uds.exists() and self.socket.exists())
            for path in (self.uds, self.socket):
                self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
            daemon.send_signal(number)
            self.assertEqual(daemon.wait(30), 0)
            self.assertFalse(self.uds.exists())
            self.assertFalse(self.socket.exists())

    def test_a_second_one_does_not_take_the_sockets_of_the_first(self):
        self.start_daemon()
        eventually(self.uds.exists)
        second = self.run_program("--socket", self.socket, "--uds", self.uds, "--cid", 9)
        self.assertEqual(second.returncode, 1)
        self.assertIn("another process listens", second.stderr)
        self.assertEqual(self.ask_for_a_port(), b"")

    def test_a_killed_one_is_replaced(self):
        qemu, qmp = self.start_qemu(",server=on")
        daemon = self.start_daemon()
        eventually(lambda: self.said("QEMU is connected") == 1)
        self.assertEqual(self.status(qmp), "prelaunch")
        self.assertEqual(self.ask_for_a_port(), b"", "the guest has no driver")
        daemon.kill()
        daemon.wait()
        self.assertEqual(self.status(qmp), "prelaunch")
        self.start_daemon()
        eventually(lambda: self.said("QEMU is connected") == 2)
        self.assertEqual(self.ask_for_a_port(), b"")
        self.assertEqual(self.status(qmp), "prelaunch")
        qemu.kill()
        eventually(lambda: self.said("QEMU is gone") == 1)

    def test_one_qemu_after_the_other(self):
        daemon = self.start_daemon("--listen")
        eventually(self.socket.exists)
        for count in (1, 2, 3):
            qemu, qmp = self.start_qemu()
            self.assertEqual(self.status(qmp), "prelaunch")
            eventually(lambda: self.said("QEMU is connected") == count)
            qemu.kill()
            eventually(lambda: self.said("QEMU is gone") == count)
        self.assertIsNone(daemon.poll())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=Path, required=True)
    arguments, rest = parser.parse_known_args()
    BIN = arguments.bin
    unittest.main(argv=[sys.argv[0], *rest])
