"""uniscope run, ps, logs, wait, stop, kill, gdb.sock, record and dump, with a stand-in for QEMU: everything that needs
no kernel."""

import argparse
import json
import os
import resource
import signal
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

BIN = Path()


def eventually(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


class Instances(unittest.TestCase):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="usc"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.log = self.directory / "log"
        self.image = self.directory / "app"
        shutil.copy(BIN.parent / "tests" / "floor", self.image)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "XDG_RUNTIME_DIR": str(self.directory / "run"),
            "XDG_DATA_HOME": str(self.directory / "data"),
            "XDG_CACHE_HOME": str(self.directory / "cache"),
            "UNISCOPE_SYSTEM_REGISTRY": str(self.directory / "system"),
            "UNISCOPE_QEMU": str(Path(__file__).parent / "fake_qemu.py"),
            "FAKE_QEMU_LOG": str(self.log),
            "FAKE_QEMU_BUILD_ID": self.build_id(),
        }
        self.addCleanup(self.end_all)

    def build_id(self):
        notes = subprocess.run(["readelf", "-n", self.image], capture_output=True, text=True).stdout
        return notes.split("Build ID: ")[1].split()[0]

    def end_all(self):
        for instance in json.loads(self.uniscope("ps", "--json").stdout or "[]"):
            self.uniscope("kill", instance["name"])

    def command(self, *words):
        return [str(BIN / "uniscope"), *map(str, words)]

    def uniscope(self, *words, **options):
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=60, env=self.environment,
                              cwd=self.directory, **{"stdin": subprocess.DEVNULL, **options})

    def start(self, *words, **options):
        process = subprocess.Popen(self.command(*words), env=self.environment, cwd=self.directory, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   **{"stdin": subprocess.DEVNULL, **options})
        self.addCleanup(lambda: (process.poll() is None and process.kill(), process.communicate()))
        return process

    def detach(self, *words):
        result = self.uniscope("run", "-d", *words)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.strip()

    def ps(self, name):
        return next((entry for entry in json.loads(self.uniscope("ps", "-a", "--json").stdout) if entry["name"] == name),
                    None)

    def logged(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def assert_fails(self, result, status, *parts):
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertEqual(result.stdout, "")
        for part in parts:
            self.assertIn(part, result.stderr)
        self.assertLessEqual(len(result.stderr.splitlines()), 12, result.stderr)

    # The life of an instance

    def test_exit_status_and_output(self):
        for status in (0, 1, 42, 127, 134, 139, 255):
            with self.subTest(status):
                result = self.uniscope("run", self.image, "exits", status)
                self.assertEqual((result.returncode, result.stdout), (status, "hello\n"), result.stderr)
        self.assertIn("acknowledged True", self.logged())
        self.assertEqual(list((self.directory / "run/uniscope").glob("*/*.sock")), [])

    def test_arguments_and_environment_arrive(self):
        arguments = ["exits", "0", "two words", "50%", "--", "-d", "", "uniscope.wait=app", "ä\n"]
        result = self.uniscope("run", "--env", "A=b c", "--env", "D=", "--wait=boot", "--kernel-option", "loglevel=2",
                               self.image, *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        expected = [str(self.image), *arguments]
        expected[7] = "\0"
        self.assertIn(f"words {expected}", self.logged())
        words = next(line for line in self.logged() if line.startswith("kernel words")).split()[2:]
        self.assertEqual([word for word in words if not word.startswith("uniscope.realtime=")],
                         ["uniscope.debug=open", "uniscope.wait=boot", "uniscope.loglevel=2",
                          "uniscope.env.A=b%20c", "uniscope.env.D="])

    def test_standard_input_reaches_the_console(self):
        result = self.uniscope("run", self.image, "echo", stdin=None, input="one\ntwo\nbye\n")
        self.assertEqual((result.returncode, result.stdout), (0, "got one\ngot two\ngot bye\n"), result.stderr)
        file = self.directory / "input"
        file.write_text("bye\n")
        with open(file) as stream:
            self.assertEqual(self.uniscope("run", self.image, "echo", stdin=stream).stdout, "got bye\n")

    def test_every_byte_and_the_end_of_input_arrive(self):
        result = self.uniscope("run", self.image, "until_end", stdin=None, input="a\x04b\x10c\n")
        self.assertEqual((result.returncode, result.stdout), (0, "b'a\\x10\\x04b\\x10\\x10c\\n\\x04'\n"), result.stderr)
        self.assertTrue(any("uniscope.stdin=pipe" in line for line in self.logged()))
        self.log.unlink()
        self.uniscope("run", self.image, "exits")
        self.assertFalse(any("uniscope.stdin" in line for line in self.logged()))

    def test_root_file_system_is_an_archive(self):
        (self.directory / "root").mkdir()
        (self.directory / "root/file").write_text("x")
        self.assertEqual(self.uniscope("run", "--rootfs", "root", self.image, "exits").returncode, 0)
        self.assertIn("initrd 070701", self.logged())

    def test_signals_stop_a_foreground_instance(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(number):
                process = self.start("run", "--name", "fore", self.image, "serve")
                eventually(lambda: (self.ps("fore") or {}).get("state") == "running")
                qemu = self.ps("fore")["qemu_pid"]
                process.send_signal(number)
                self.assertEqual(process.wait(20), status)
                self.assertFalse(Path(f"/proc/{qemu}").exists())
                self.assertEqual(self.ps("fore")["ending"]["how"], "stopped")

    def test_detached_life(self):
        name = self.detach("--name", "shop", "--cpus", "2", "-m", "64M", self.image, "serve")
        self.assertEqual(name, "shop")
        entry = self.ps("shop")
        self.assertEqual((entry["state"], entry["cpus"], entry["memory_mib"], entry["machine"]),
                         ("running", 2, 64, "microvm"))
        self.assertEqual(entry["build_id"], self.build_id())
        table = self.uniscope("ps").stdout
        self.assertIn("shop", table)
        self.assertIn("serving\n", self.uniscope("logs", "shop").stdout)
        self.assert_fails(self.uniscope("run", "--name", "shop", self.image, "serve"), 125, "running already")
        self.assertEqual(self.detach(self.image, "serve"), "app")
        self.assertEqual(self.detach(self.image, "serve"), "app-2")

        waiting = self.start("wait", "shop")
        following = self.start("logs", "-f", "shop")
        self.assertEqual(self.uniscope("stop", "shop").returncode, 0)
        self.assertEqual(waiting.wait(20), 143)
        self.assertEqual(following.wait(20), 0)
        self.assertEqual(self.uniscope("wait", "shop").returncode, 143)
        self.assertNotIn("shop", self.uniscope("ps").stdout)
        self.assertIn("shop", self.uniscope("ps", "-a").stdout)
        self.assert_fails(self.uniscope("stop", "shop"), 1, "has ended with status 143")
        self.assertEqual(self.uniscope("kill", "app", "app-2").returncode, 0)
        self.assertEqual(self.uniscope("wait", "app").returncode, 137)
        self.assertEqual(self.detach("--name", "shop", self.image, "serve"), "shop")

    def test_detached_exit_status_is_kept(self):
        self.detach("--name", "quick", self.image, "exits", "7")
        self.assertEqual(self.uniscope("wait", "quick").returncode, 7)
        self.assertEqual(self.ps("quick")["ending"]["how"], "exited")

    def test_detached_that_never_comes_up_says_why(self):
        result = self.uniscope("run", "-d", self.image, "powers_off")
        self.assert_fails(result, 125, "ended before it was up", "last words")
        result = self.uniscope("run", "-d", self.image, "dies")
        self.assert_fails(result, 125, "exit status 3", "no such machine")

    def test_foreground_that_fails_says_why(self):
        result = self.uniscope("run", self.image, "dies")
        self.assert_fails(result, 125, "QEMU ended with exit status 3", "no such machine")
        result = self.uniscope("run", self.image, "powers_off")
        self.assertEqual(result.returncode, 125)
        self.assertIn("without telling its exit status", result.stderr)

    def test_a_killed_supervisor_leaves_nothing(self):
        self.detach("--name", "orphan", self.image, "serve")
        entry = self.ps("orphan")
        os.kill(entry["pid"], signal.SIGKILL)
        eventually(lambda: not Path(f"/proc/{entry['qemu_pid']}").exists())
        eventually(lambda: self.ps("orphan") is None)
        self.assertFalse((self.directory / "run/uniscope/orphan").exists())

    # Crashes

    def crash_files(self):
        return sorted((self.directory / "data/uniscope/crashes").glob("*"))

    def test_guest_streams_its_core(self):
        result = self.uniscope("run", "--name", "bad", self.image, "crash")
        self.assertEqual(result.returncode, 139, result.stderr)
        core, sidecar = self.crash_files()
        self.assertEqual(core.read_bytes(), b"\x7fELFcore")
        self.assertEqual(stat.S_IMODE(core.stat().st_mode), 0o600)
        self.assertIn(str(core), result.stderr)
        self.assertIn("uniscope crash show", result.stderr)
        facts = json.loads(sidecar.read_text())
        self.assertEqual((facts["reason"], facts["build_id"], facts["origin"]),
                         ("write to 0x0, which is not mapped", self.build_id(), "guest"))
        self.assertEqual(self.uniscope("run", "--name", "bad", self.image, "crash").returncode, 139)
        self.assertEqual(len(self.crash_files()), 4)

    def test_host_takes_the_core(self):
        for scenario in ("triple", "half_core"):
            with self.subTest(scenario):
                result = self.uniscope("run", self.image, scenario)
                self.assertEqual(result.returncode, 134, result.stderr)
                core, sidecar = self.crash_files()
                self.assertEqual(json.loads(sidecar.read_text())["origin"], "host")
                self.assertIn("qmp dump-guest-memory", self.logged())
                core.unlink()
                sidecar.unlink()

    def test_dump_of_a_live_instance(self):
        self.detach("--name", "live", self.image, "serve")
        self.assertEqual(self.uniscope("dump", "-o", "out.core", "live").returncode, 0)
        self.assertEqual(stat.S_IMODE((self.directory / "out.core").stat().st_mode), 0o600)
        self.assert_fails(self.uniscope("dump", "-o", "out.core", "live"), 1, "out.core exists already")
        self.assertEqual(self.uniscope("dump", "-f", "-o", "out.core", "live").returncode, 0)
        self.assertEqual(self.ps("live")["state"], "running")

    # Bad input

    def test_mistakes_get_one_sentence(self):
        self.assert_fails(self.uniscope("run", "nowhere/app"), 125, "cannot open the image nowhere/app")
        self.assert_fails(self.uniscope("run", "/etc/passwd"), 125, "is not an ELF file")
        self.assert_fails(self.uniscope("run", sys.executable), 125, "is not a Uniscope image")
        self.assert_fails(self.uniscope("run"), 125, "which image")
        self.assert_fails(self.uniscope("run", "--bogus", self.image), 125, "no option --bogus")
        self.assert_fails(self.uniscope("run", "-m", "lots", self.image), 125, "no amount of memory")
        self.assert_fails(self.uniscope("run", "--machine", "pc", self.image), 125, "no machine `pc`")
        self.assert_fails(self.uniscope("run", "--name", "../x", self.image), 125, "cannot be an instance's name")
        self.assert_fails(self.uniscope("run", "--rootfs", "nowhere", self.image), 125, "is not a directory")
        self.assert_fails(self.uniscope("run", "--env", "X", self.image), 125, "NAME=VALUE")
        self.assert_fails(self.uniscope("wait", "nobody"), 125, "there is no instance `nobody`", "Nothing runs")
        for verb in ("stop", "kill", "logs", "record", "dump", "gdb"):
            self.assert_fails(self.uniscope(verb, "nobody"), 1, "there is no instance `nobody`")
        self.environment["UNISCOPE_QEMU"] = "/nowhere/qemu"
        self.assert_fails(self.uniscope("run", self.image), 125, "cannot run /nowhere/qemu", "Install QEMU")
        self.environment.pop("UNISCOPE_QEMU")
        self.environment["PATH"] = "/nowhere"
        self.assert_fails(self.uniscope("run", self.image), 125, "no qemu-system-x86_64")

    def test_smp_is_cpus(self):
        self.detach("--name", "two", "-smp", "2", self.image, "serve", "-smp", "3")
        self.assertEqual(self.ps("two")["cpus"], 2)

    # gdb's socket

    def connect(self, name, which="gdb"):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(10)
        client.connect(str(self.directory / "run/uniscope" / name / f"{which}.sock"))
        self.addCleanup(client.close)
        return client

    def exchange(self, client, packet):
        client.sendall(b"$%s#%02x" % (packet, sum(packet) & 255))
        data = b""
        while data.find(b"#") < 0 or len(data) < data.find(b"#") + 3:
            piece = client.recv(4096)
            self.assertTrue(piece, "the connection closed")
            data += piece
        return data

    def test_gdb_that_vanishes_is_detached(self):
        self.detach("--name", "debugged", self.image, "serve")
        for _ in range(5):
            client = self.connect("debugged")
            self.assertIn(b"T05", self.exchange(client, b"?"))
            self.assertEqual(self.ps("debugged")["state"], "stopped in debugger")
            client.close()
            eventually(lambda: self.ps("debugged")["state"] == "running")
        self.assertEqual(self.logged().count("gdb D"), 5)

    def test_second_gdb_is_refused(self):
        self.detach("--name", "debugged", self.image, "serve")
        first = self.connect("debugged")
        self.exchange(first, b"?")
        self.assertEqual(self.connect("debugged").recv(1), b"")
        self.assert_fails(self.uniscope("gdb", "debugged"), 1, "a gdb is attached to debugged already")
        self.assertIn(b"OK", self.exchange(first, b"D"))

    def test_next_gdb_need_not_wait_until_the_last_was_read_to_its_end(self):
        self.detach("--name", "debugged", self.image, "serve")
        supervisor = self.ps("debugged")["pid"]
        first = self.connect("debugged")
        self.exchange(first, b"?")
        os.kill(supervisor, signal.SIGSTOP)
        first.sendall(b"+" * 150_000)
        first.close()
        second = self.connect("debugged")
        os.kill(supervisor, signal.SIGCONT)
        self.assertIn(b"T05", self.exchange(second, b"?"))

    def test_interrupt_without_an_answer_becomes_an_nmi(self):
        self.detach("--name", "deaf", self.image, "serve", "deaf")
        client = self.connect("deaf")
        self.exchange(client, b"?")
        client.sendall(b"$c#63")
        client.sendall(b"\x03")
        received = b""
        while b"T02" not in received:
            received += client.recv(4096)
        self.assertIn("qmp inject-nmi", self.logged())

    # Recording

    def test_record_for_a_time(self):
        self.detach("--name", "taped", self.image, "serve")
        result = self.uniscope("record", "-d", "300ms", "-o", "a.trace", "--json", "taped")
        self.assertEqual(result.returncode, 0, result.stderr)
        summary = json.loads(result.stdout)
        self.assertEqual((summary["events_produced"], summary["events_discarded"]), (10, 10))
        self.assertEqual(stat.S_IMODE((self.directory / "a.trace").stat().st_mode), 0o700)
        self.assert_fails(self.uniscope("record", "-d", "1s", "-o", "a.trace", "taped"), 1, "exists already")
        self.assertEqual(self.uniscope("record", "-f", "-d", "100ms", "-o", "a.trace", "taped").returncode, 0)
        self.assertEqual(self.uniscope("record", "--snapshot", "-o", "b.trace", "taped").returncode, 0)
        self.assertEqual(self.logged().count("control 20"), 1)

    def test_record_while_a_command_runs(self):
        self.detach("--name", "taped", self.image, "serve")
        result = self.uniscope("record", "-o", "a.trace", "taped", "--", "sh", "-c", "echo from the command; exit 9")
        self.assertEqual(result.returncode, 9, result.stderr)
        self.assertIn("from the command", result.stdout)

    def test_recorder_that_is_killed(self):
        self.detach("--name", "taped", self.image, "serve")
        recorder = self.start("record", "-o", "a.trace", "taped")
        eventually(lambda: "control 18" in self.logged())
        self.assert_fails(self.uniscope("record", "-o", "b.trace", "taped"), 1, "is being recorded already")
        time.sleep(0.2)
        recorder.kill()
        recorder.wait()
        eventually(lambda: "control 19" in self.logged())
        self.assertTrue((self.directory / "a.trace/metadata").exists())
        result = self.uniscope("record", "-d", "100ms", "-o", "c.trace", "taped")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_full_disk_ends_a_recording_in_words(self):
        self.detach("--name", "taped", self.image, "serve")
        self.assertEqual(self.uniscope("record", "-d", "50ms", "-o", "a.trace", "taped").returncode, 0)
        # A limit of the file size stands for it: all but the error's name is the same.
        limit = (self.directory / "a.trace/metadata").stat().st_size + 4096
        result = self.uniscope("record", "-d", "50s", "-o", "b.trace", "taped", restore_signals=False,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        self.assert_fails(result, 1, "cannot write", "b.trace/cpu0: File too large", "up to here is readable")
        self.assertIn("b.trace is not complete", self.uniscope("report", "b.trace").stderr)
        eventually(lambda: self.logged().count("control 19") == 2)
        self.assertEqual(self.uniscope("record", "-d", "50ms", "-o", "c.trace", "taped").returncode, 0)

    def test_interrupted_recorder_finishes(self):
        self.detach("--name", "taped", self.image, "serve")
        recorder = self.start("record", "-o", "a.trace", "taped")
        eventually(lambda: "control 18" in self.logged())
        recorder.send_signal(signal.SIGINT)
        self.assertEqual(recorder.wait(20), 0)
        self.assertIn("control 19", self.logged())

    def test_instance_that_ends_while_recorded(self):
        self.detach("--name", "taped", self.image, "serve")
        recorder = self.start("record", "-o", "a.trace", "taped")
        eventually(lambda: "control 18" in self.logged())
        self.uniscope("kill", "taped")
        self.assertEqual(recorder.wait(20), 0)
        self.assertIn("ended during the recording", recorder.stderr.read())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=Path, required=True)
    arguments, rest = parser.parse_known_args()
    BIN = arguments.bin.resolve()
    unittest.main(argv=sys.argv[:1] + rest, verbosity=2)
