"""Every way to die leaves a core whose stacks name the culprit: in gdb, and in `uniscope crash show`."""

import json
import os
import signal
import time

import guest

# Kind of the crash sample: the exit status, and what the culprit's stack has to show, innermost first.
APP_TAIL = ["take_order", "clone3"]
KINDS = {
    "null": (139, ["write_through_null", *APP_TAIL]),
    "abort": (134, ["call_abort", *APP_TAIL]),
    "stack-overflow": (139, ["overflow_the_stack", *APP_TAIL]),
    "kernel-write": (139, ["write_to_wild_address", "syscalls::dispatch", "make_the_kernel_fail", *APP_TAIL]),
    "kernel-stack": (139, ["overflow_the_kernel_stack", "syscalls::dispatch", "make_the_kernel_fail", *APP_TAIL]),
    "triple-fault": (134, ["shut_down_cpu", "syscalls::dispatch", "make_the_kernel_fail", *APP_TAIL]),
    "hang": (134, ["hang_with_interrupts_off", "syscalls::dispatch", "make_the_kernel_fail", *APP_TAIL]),
}


class Crashes(guest.GuestTest):
    def setUp(self):
        super().setUp()
        self.environment["XDG_DATA_HOME"] = str(self.directory / "data")

    def assert_in_order(self, text, names):
        position = 0
        for name in names:
            position = text.find(name, position)
            self.assertGreaterEqual(position, 0, f"{name} is missing, or in the wrong place, in:\n{text}")

    def crash(self, kind, cpus, machine):
        image = guest.BIN / "crash"
        crashes = self.directory / "data" / "uniscope" / "crashes"
        for file in crashes.glob("*"):
            file.unlink()
        status, stack = KINDS[kind]
        ended = self.as_unikernel(image, kind, options=[
            "--cpus", str(cpus), "--machine", machine, "--kernel-option", "faults=allowed", "--kernel-option", "watchdog=2"],
            timeout=600 if guest.LINK == "serial" else 120)
        self.assertEqual(ended.returncode, status, ended.stderr + ended.stdout)
        cores = sorted(crashes.glob("*.core"))
        self.assertEqual(len(cores), 1, ended.stderr)

        gdb = guest.run("gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", image, cores[0],
                        "-ex", "bt -30", "-ex", "bt 3", "-ex", "info threads")
        self.assert_in_order(gdb.stdout, stack[-2:])
        whole = guest.run("gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", image, cores[0],
                          "-ex", "bt", "-ex", "info threads")
        self.assert_in_order(whole.stdout, stack)
        # The three innocent app threads are there too.
        self.assertGreaterEqual(whole.stdout.count("LWP"), 4, whole.stdout)

        shown = guest.run(guest.BIN / "uniscope", "crash", "show", "--json", "--events", "5000", cores[0], env=self.environment)
        self.assertTrue(any("syscall_entry_" in line for line in json.loads(shown.stdout)["last_events"]), shown.stdout)
        shown = guest.run(guest.BIN / "uniscope", "crash", "show", cores[0], env=self.environment)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assert_in_order(shown.stdout, stack)
        self.assertIn("bystander-1", shown.stdout)
        # The flight recorder's last events are part of the report.
        self.assertIn("\nTHE LAST 20 EVENTS", shown.stdout)

    def test_a_host_that_was_away_is_no_hang(self):
        for cpus in (1, 2):
            with self.subTest(cpus=cpus):
                instance = self.start(guest.image("debuggee"), "serve",
                                      options=["--cpus", str(cpus), "--kernel-option", "watchdog=1"])
                instance.wait_for(lambda line: line.startswith("round"))
                listed = guest.run(guest.BIN / "uniscope", "ps", "--json", env=self.environment).stdout
                numbers = [json.loads(listed)[0]["qemu_pid"], instance.process.pid]
                for _ in range(2):
                    for number in numbers:
                        os.kill(number, signal.SIGSTOP)
                    time.sleep(3) # the absence: longer than the guest's limit and the supervisor's
                    for number in numbers:
                        os.kill(number, signal.SIGCONT)
                    since = len(instance.lines)
                    instance.wait_for(lambda line: line.startswith("round"), since + 2)
                self.assertIsNone(instance.process.poll())

    def test_one_that_runs_on(self):
        """A core that somebody asked for has the stacks and the last events, and nobody is to blame."""
        instance = self.start(guest.image("debuggee"), "serve", options=["--cpus", "2"])
        instance.wait_for(lambda line: line.startswith("round"))
        core = self.directory / "asked.core"
        dumped = guest.run(guest.BIN / "uniscope", "dump", "-o", core, instance.name, env=self.environment)
        self.assertEqual(dumped.returncode, 0, dumped.stderr)
        shown = guest.run(guest.BIN / "uniscope", "crash", "show", core, env=self.environment)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertTrue(shown.stdout.startswith("taken by uniscope dump\n"), shown.stdout)
        self.assertNotIn("CULPRIT", shown.stdout)
        self.assertRegex(shown.stdout, r"\nTHE LAST 20 EVENTS.*\n( .*\n){20}$")
        whole = guest.run("gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", guest.image("debuggee"), core,
                          "-ex", "info threads")
        self.assertNotIn("terminated with signal", whole.stdout)
        since = len(instance.lines)
        instance.wait_for(lambda line: line.startswith("round"), since + 2)

    def test_every_kind_on_one_and_two_cpus(self):
        for kind in KINDS:
            for cpus, machine in ((1, "microvm"), (2, "q35")):
                with self.subTest(kind=kind, cpus=cpus, machine=machine):
                    self.crash(kind, cpus, machine)


if __name__ == "__main__":
    guest.main()
