"""One serial line for everything (docs/serial-link.md): machines with a UART and nothing else."""

import json
import re
import subprocess
from pathlib import Path

import guest
from by_hand import eventually
from serial_machine import BadLine, SerialMachine

GDB_OPTIONS = ["-nx", "-batch", "-iex", "set width 0", "-iex", "set pagination off", "-iex", "set confirm off",
               "-iex", "set debuginfod enabled off"]
SCRIPTS = Path(__file__).parent / "scripts"
MACHINES = [(machine, cpus) for machine in guest.MACHINES for cpus in (1, 2)]


class SerialTest(guest.GuestTest):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.forget_all)

    def forget_all(self):
        for entry in json.loads(self.uniscope("ps", "--json").stdout or "[]"):
            if entry["endpoint"]:
                self.uniscope("rm", entry["name"])

    def uniscope(self, *words, timeout=300):
        return guest.run(guest.BIN / "uniscope", *words, env=self.environment, timeout=timeout, cwd=self.directory)

    def succeed(self, *words, **options):
        result = self.uniscope(*words, **options)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result

    def ps(self, name):
        entries = json.loads(self.succeed("ps", "--json").stdout)
        return next((entry for entry in entries if entry["name"] == name), None)

    def add(self, name, endpoint, image):
        self.succeed("add", "--image", image, name, endpoint)

    def debug(self, target, *commands, timeout=300):
        words = [word for command in commands for word in ("-ex", command)]
        result = self.uniscope("gdb", target, "--", *GDB_OPTIONS, *words, timeout=timeout)
        return result.stdout + result.stderr

    def assert_books_balance(self, summary):
        self.assertEqual(summary["events_produced"], summary["events_delivered"] + summary["events_discarded"])

    def check_gdb(self, target):
        output = self.debug(target, "info threads", "break serve_round", "continue", "backtrace", "next", "print g_rounds > 0",
                            "delete", "print 1000 + add(1, 1)", "detach")
        self.assert_in_order(output, r'"main-loop"', r'"helper"', r"hit Breakpoint 1, (0x\w+ in )?serve_round",
                             r"#0 .*serve_round", r"#1 .*serve", r"#2 .*main", r"\$1 = true", r"\$2 = 1002",
                             r"detached")

    def check_recording(self, target, duration="500ms"):
        summary = json.loads(self.succeed("record", "-d", duration, "-o", f"{target}.trace", "--json", target).stdout)
        self.assertGreater(summary["events_delivered"], 0)
        self.assert_books_balance(summary)
        self.assertIn("clock_nanosleep", self.succeed("report", f"{target}.trace").stdout)
        return summary


class OneLine(SerialTest):
    """Started by somebody else, and reached by an endpoint."""

    def test_gdb_recording_and_console(self):
        for number, (machine, cpus) in enumerate(MACHINES):
            with self.subTest(machine=machine, cpus=cpus):
                name = f"shop{number}"
                image = guest.image("debuggee")
                started = SerialMachine(self, image, "serve", machine=machine, cpus=cpus, name=f"line{number}")
                self.add(name, f"serial:{started.path},mux", image)
                entry = self.ps(name)
                self.assertEqual((entry["link"], entry["state"], entry["cpus"]), ("serial", "running", cpus))
                self.check_gdb(name)
                self.check_recording(name)
                eventually(lambda: re.search(r"round \d+", self.succeed("logs", name).stdout), what="a line of output")
                self.succeed("rm", name)
                self.assertTrue(started.is_running())
                started.end()

    def test_a_line_shows_that_it_is_framed(self):
        image = guest.image("debuggee")
        machine = SerialMachine(self, image, "serve")
        self.add("shop", f"serial:{machine.path}", image)
        eventually(lambda: self.ps("shop")["cpus"] == 1, what="the guest's hello")
        self.check_gdb("shop")
        self.check_recording("shop")

    def test_a_line_that_is_not_8_bit_clean(self):
        image = guest.image("debuggee")
        machine = SerialMachine(self, image, "serve", words=["uniscope.serial=mux-escaped"])
        line = BadLine(self, self.directory / "seven-bits", machine.path, percent=0, mask=0x7f,
                       eats=bytes(byte for byte in range(32) if byte not in b"\n\r\t"))
        self.add("shop", f"serial:{line.path},mux", image)
        self.check_gdb("shop")
        self.check_recording("shop")

    def test_a_crash(self):
        image = guest.BIN / "crash"
        machine = SerialMachine(self, image, "kernel-write", words=["uniscope.serial=mux", "uniscope.faults=allowed",
                                                                    "uniscope.wait=app"])
        self.add("dying", f"serial:{machine.path},mux", image)
        waiting = subprocess.Popen([guest.BIN / "uniscope", "wait", "dying"], env=self.environment,
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (waiting.poll() is None and waiting.kill(), waiting.communicate()))
        self.debug("dying", "detach")
        self.assertEqual(waiting.wait(300), 139)
        # The report is clear text on the line, behind what the app said before.
        self.assert_in_order(self.succeed("logs", "dying").stdout, r"makes the kernel write", r"uniscope: write to 0x",
                             r"in the kernel", r"rip=", r"called from")
        core, = (self.directory / "data/uniscope/crashes").glob("*.core")
        shown = self.succeed("crash", "show", core)
        self.assert_in_order(shown.stdout, "write_to_wild_address", "make_the_kernel_fail", "take_order")
        machine.process.wait(60)

    def test_a_supervisor_that_was_killed(self):
        image = guest.image("debuggee")
        machine = SerialMachine(self, image, "serve", cpus=2)
        self.add("shop", f"serial:{machine.path},mux", image)
        self.debug("shop", "break serve_round", "continue", "shell kill -9 %d" % self.ps("shop")["pid"])
        # The machine stands at a breakpoint of a gdb that is gone: the next host is answered all the same.
        self.check_gdb("shop")
        eventually(lambda: self.ps("shop")["state"] == "running")
        self.check_recording("shop")

    # A line that damages what it carries

    def test_no_wrong_byte_on_a_bad_line(self):
        exchanges = 10_000 if guest.FULL else 300
        image = guest.image("debuggee")
        machine = SerialMachine(self, image, "serve", cpus=2)
        line = BadLine(self, self.directory / "bad", machine.path)
        self.add("shop", f"serial:{line.path},mux", image)
        output = self.debug("shop", "break serve_round", "continue", "set code-cache off", "set stack-cache off",
                            f"python exchanges = {exchanges}; image = '{image}'", f"source {SCRIPTS}/exchanges.py",
                            "delete", "detach", timeout=3000)
        found = re.search(r"(\d+) exchanges, (\d+) bytes of memory, (\d+) registers, (\d+) steps, (\d+) wrong", output)
        self.assertIsNotNone(found, output)
        print(found[0], line.counts)
        self.assertGreaterEqual(int(found[1]), exchanges)
        self.assertGreaterEqual(int(found[4]), exchanges // 100)
        self.assertEqual(int(found[5]), 0, output)
        for kind in ("flipped", "dropped", "doubled", "split"):
            self.assertGreater(line.counts[kind], line.counts["bytes"] / 200)
        self.assertTrue(machine.is_running())
        # It goes on, and so does the service behind it.
        self.check_gdb("shop")

    def test_losses_of_a_recording_on_a_bad_line_are_counted(self):
        image = guest.image("debuggee")
        machine = SerialMachine(self, image, "serve", words=["uniscope.serial=mux", "uniscope.ring=4Kx2"])
        line = BadLine(self, self.directory / "bad", machine.path)
        self.add("shop", f"serial:{line.path},mux", image)
        summary = self.check_recording("shop", "2s")
        self.assertGreater(summary["events_discarded"], 0)
        self.assertEqual(summary["damaged_packets"], 0)
        self.assertEqual(guest.run("babeltrace2", self.directory / "shop.trace").returncode, 0)
        print(summary, line.counts)


class OwnMachine(SerialTest):
    """`uniscope run --link serial`: one UART, and nothing else."""

    def test_output_and_status(self):
        for machine, cpus in MACHINES:
            with self.subTest(machine=machine, cpus=cpus):
                image = guest.BIN / "hello"
                arguments = ["--status", "7", *(f"word-{i}" for i in range(200))]
                ended = self.as_unikernel(image, *arguments, options=["--link", "serial", "--machine", machine, "--cpus",
                                                                      str(cpus)])
                self.assert_same(self.as_process(image, *arguments), ended)

    def test_input(self):
        text = "".join(f"{i}\n" for i in range(5000))
        ended = guest.run(guest.BIN / "uniscope", "run", "--link", "serial", guest.image("echo_input"),
                          env=self.environment, stdin=None, input=text)
        self.assertEqual((ended.returncode, ended.stdout), (0, text))

    def test_jobs(self):
        for number, (machine, cpus) in enumerate(MACHINES):
            with self.subTest(machine=machine, cpus=cpus):
                name = f"own{number}"
                self.succeed("run", "-d", "--name", name, "--link", "serial", "--machine", machine, "--cpus", str(cpus),
                             guest.image("debuggee"), "serve")
                self.assertEqual((self.ps(name)["link"], self.ps(name)["state"]), ("serial", "running"))
                self.check_gdb(name)
                self.check_recording(name)
                output = self.debug(name, "set var g_stop = 5", "detach")
                self.assertEqual(self.uniscope("wait", name).returncode, 5, output)
                self.assert_in_order(self.succeed("logs", name).stdout, r"round \d+", r"stopped\n\Z")

    def test_a_debugger_at_the_first_instruction(self):
        for machine, cpus in MACHINES:
            with self.subTest(machine=machine, cpus=cpus):
                instance = self.start(guest.image("debuggee"), options=["--link", "serial", "--wait=boot", "--machine",
                                                                        machine, "--cpus", str(cpus)])
                instance.wait_until_up()
                output = self.gdb("break main", "continue", "backtrace", "delete", "detach")
                self.assert_in_order(output, r"hit Breakpoint 1, (0x\w+ in )?main")
                self.assertEqual(instance.wait(), 0)


if __name__ == "__main__":
    guest.main()
