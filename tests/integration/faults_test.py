"""Whoever is killed, the instance serves on: recorders, debuggers and the vsock backend, at random, under load."""

import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import time

import guest
from by_hand import children_end, end_process, eventually, start_logged

# What an image prints while it serves, how it is started, and a function that it calls all the time.
SHOP = ("shop", re.compile(r" *\d+ s: [1-9]\d* orders booked"), ["--database", "/shop.db"], "shop::OrderQueue::put")
DEBUGGEE = ("debuggee", re.compile(r"round \d+"), ["serve"], "serve_round")
GDB_OPTIONS = ["-nx", "-batch", "-iex", "set confirm off", "-iex", "set debuginfod enabled off"]
CHANNELS = ("control", "gdb", "trace", "crash")
FRAME = struct.Struct("<IHHII") # magic, version, type, request, length
MAGIC, QUERY_STATUS, REPLY = 0x31465355, 17, 2


class TwoLinks:
    """An image in QEMU with virtio-serial ports and a vsock device, whose backend is a process of its own."""

    def __init__(self, test, number, app):
        self.name, self.line, arguments, self.function = app
        self.image = guest.BIN / self.name if app is SHOP else guest.image(self.name)
        self.directory = test.directory / f"machine-{number}"
        self.directory.mkdir()
        self.console = self.directory / "console.txt"
        self.uds = self.directory / "v"
        words = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-machine",
                 "microvm,isa-serial=off,memory-backend=mem", "-accel", "tcg", "-cpu", "max,-erms,-fsrm", "-m", "128M",
                 "-smp", "2", "-no-reboot", "-object", "memory-backend-memfd,id=mem,size=128M,share=on",
                 "-global", "virtio-mmio.force-legacy=false", "-chardev", f"file,id=console,path={self.console}",
                 "-device", "isa-serial,chardev=console,iobase=0x3f8,irq=4",
                 "-chardev", f"socket,id=vsock,path={self.directory / 'vhost'},server=on",
                 "-device", "vhost-user-vsock-device,chardev=vsock", "-device", "virtio-serial-device"]
        for channel in CHANNELS:
            words += ["-chardev", f"socket,id={channel},path={self.directory}/uniscope.{channel},server=on,wait=off",
                      "-device", f"virtserialport,chardev={channel},name=uniscope.{channel}"]
        words += ["-kernel", str(self.image), "-append", " ".join(["uniscope.debug=open --", self.name, *arguments])]
        self.qemu = start_logged(test, words, self.directory / "log")
        self.backend = start_logged(test, [guest.BIN / "uniscope-vsockd", "--socket", self.directory / "vhost",
                                           "--cid", "5", "--uds", self.uds], self.directory / "log")
        eventually(lambda: self.served() != 0, what="the first line of the app")

    def served(self):
        """How many lines the app printed that say that it serves."""
        text = self.console.read_text(errors="replace") if self.console.exists() else ""
        return sum(1 for line in text.splitlines() if self.line.match(line))


class WhoeverIsKilled(guest.GuestTest):
    def setUp(self):
        super().setUp()
        self.log = open(self.directory / "log", "w+", encoding="utf-8", errors="replace")
        self.addCleanup(self.log.close)

    def eventually(self, condition, what):
        try:
            eventually(condition, what=what)
        except AssertionError as error:
            log = (self.directory / "log").read_text(errors="replace")
            console = self.machine.console.read_text(errors="replace")
            self.fail(f"{error}\n{self.uniscope('ps').stdout}{log[-2000:]}\nConsole:\n{console[-3000:]}")

    def uniscope(self, *words, timeout=120):
        return guest.run(guest.BIN / "uniscope", *words, env=self.environment, timeout=timeout, cwd=self.directory)

    def start_uniscope(self, *words):
        process = subprocess.Popen([str(word) for word in (guest.BIN / "uniscope", *words)], env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd=self.directory,
                                   start_new_session=True)
        self.addCleanup(children_end, process)
        return process

    def entries(self):
        return {entry["name"]: entry for entry in json.loads(self.uniscope("ps", "--json").stdout)}

    def assert_serves(self, machine):
        """It prints lines that it had not begun."""
        count = machine.served()
        self.eventually(lambda: machine.served() > count + 1 or machine.qemu.poll() is not None, "a sign of life")
        self.assertIsNone(machine.qemu.poll(), machine.console.read_text(errors="replace")[-3000:])

    def guest_status(self, name):
        """Events produced, discarded, uptime, threads and flags, free pages, all pages."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(20)
            control.connect(f"{self.entries()[name]['directory']}/control.sock")
            control.sendall(FRAME.pack(MAGIC, 1, QUERY_STATUS, 77, 0))
            stream = control.makefile("rb")
            while True:
                _, _, kind, request, length = FRAME.unpack(stream.read(FRAME.size))
                body = stream.read(length)
                if (kind, request) == (REPLY, 77):
                    return struct.unpack("<QQQIIQQ", body[8:])

    def quiet(self, names):
        """Nobody uses the instances any more."""
        def is_free():
            entries = self.entries()
            return all(entries[name]["state"] == "running" and not entries[name]["debugger"] and
                       not entries[name]["recording"] for name in names)
        self.eventually(is_free, "that nobody uses it")

    def supervisors(self, names):
        return [self.entries()[name]["pid"] for name in names]

    def descriptors(self, names):
        return sum(len(os.listdir(f"/proc/{number}/fd")) for number in self.supervisors(names))

    def resident(self, names):
        """kB"""
        def of(number):
            with open(f"/proc/{number}/status", encoding="ascii") as status:
                return int(re.search(r"VmRSS:\s*(\d+)", status.read())[1])
        return sum(of(number) for number in self.supervisors(names))

    def guest_pages(self, name):
        free, total = self.guest_status(name)[5:7]
        return total - free

    def kill_a_recorder(self, machine, name, number):
        trace = f"t{number}.trace"
        recorder = self.start_uniscope("record", "-o", trace, name)
        written = lambda: any(file.stat().st_size for file in (self.directory / trace).glob("cpu*"))
        self.eventually(written, "a packet")
        time.sleep(self.random.random() / 3) # when it dies is part of the dice
        children_end(recorder)
        report = self.uniscope("report", trace)
        self.assertEqual(report.returncode, 0, report.stderr)
        self.assertRegex(report.stdout, r"\d+ events")

    def kill_a_gdb(self, machine, name, number):
        mark = self.directory / f"gdb{number}"
        # The sleep keeps gdb there until it is killed.
        commands = self.random.choice((["break syscalls::dispatch", "continue", f"shell touch {mark}; sleep 600"],
                                       [f"shell touch {mark}; sleep 600"],
                                       ["break abort", f"shell touch {mark}", "continue"],
                                       [f"break {machine.function}", f"shell touch {mark}"] + ["continue"] * 1000))
        words = [word for command in commands for word in ("-ex", command)]
        gdb = self.start_uniscope("gdb", name, "--", *GDB_OPTIONS, *words)
        self.eventually(mark.exists, "gdb's stop")
        time.sleep(self.random.random() / 3) # when it dies is part of the dice
        children_end(gdb)

    def kill_through(self, number, app, kills):
        """One machine's life: everybody is killed, both links are used, and in the end the backend goes."""
        machine = self.machine = TwoLinks(self, number, app)
        names = [f"ports{number}", f"vsock{number}"]
        for name, path in zip(names, (machine.directory, machine.uds)):
            added = self.uniscope("add", "--image", machine.image, name, f"unix:{path}")
            self.assertEqual(added.returncode, 0, added.stderr)
            self.addCleanup(self.uniscope, "rm", name) # for a test that fails
        # Once each before the count: caches fill.
        for name in names:
            self.kill_a_recorder(machine, name, f"{number}-{name}")
            self.kill_a_gdb(machine, name, f"{number}-{name}")
        self.quiet(names)
        descriptors, resident, pages = self.descriptors(names), self.resident(names), self.guest_pages(names[0])
        for kill in range(kills - 1):
            name = self.random.choice(names)
            victim = self.random.choice((self.kill_a_recorder, self.kill_a_gdb))
            with self.subTest(machine=number, kill=kill, name=name, victim=victim.__name__):
                # Who was stopped over the other link is heard of again.
                self.eventually(lambda: self.entries()[name]["state"] == "running", "that it is within reach")
                victim(machine, name, f"{number}-{kill}")
                if kill % 5 == 0:
                    self.assert_serves(machine)
        self.assert_serves(machine)
        self.quiet(names)
        # What is on its way out is gone in the end.
        self.eventually(lambda: self.descriptors(names) <= descriptors, "that no more descriptors than before are open")
        self.assertLess(self.resident(names), resident + 4096 + 64 * kills, "memory of the supervisors in kB")
        if app is DEBUGGEE: # the shop's books grow; what a connection keeps is 8 pages and more
            self.eventually(lambda: self.guest_pages(names[0]) < pages + 8, "that the guest has its pages back")

        # The backend dies in the middle of a recording over it; the other link is there.
        recorder = self.start_uniscope("record", "-o", f"last{number}.trace", names[1])
        eventually(lambda: any(file.stat().st_size for file in (self.directory / f"last{number}.trace").glob("cpu*")))
        machine.backend.send_signal(signal.SIGKILL)
        recorder.wait(60)
        self.assertEqual(self.uniscope("report", f"last{number}.trace").returncode, 0)
        self.assert_serves(machine)
        self.kill_a_recorder(machine, names[0], f"{number}-end")
        self.kill_a_gdb(machine, names[0], f"{number}-end")
        self.assert_serves(machine)
        for name in names:
            self.assertEqual(self.uniscope("rm", name).returncode, 0)
        end_process(machine.qemu) # the next one has the load of its own

    def test_it_serves_on(self):
        seed = random.randrange(1 << 32)
        self.random = random.Random(seed)
        machines, kills = (6, 36) if guest.FULL else (2, 6)
        for number in range(machines):
            with self.subTest(seed=seed, machine=number):
                self.kill_through(number, (SHOP, DEBUGGEE)[number % 2], kills)


if __name__ == "__main__":
    guest.main()
