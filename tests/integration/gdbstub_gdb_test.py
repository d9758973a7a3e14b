"""A real gdb against the stub, for a fake machine in a process."""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

BIN = Path()


class Machine:
    """gdbstub_fake in the background."""

    def __init__(self, *options):
        self.process = subprocess.Popen([BIN / "gdbstub_fake", *options], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def running(self):
        return self.process.poll() is None

    def gdb_arguments(self, *commands):
        arguments = ["gdb", "-nx", "-q", "-batch", "-iex", "set auto-load no", "-ex", f"target remote 127.0.0.1:{self.port}"]
        for command in commands:
            arguments += ["-ex", command]
        return arguments

    def gdb(self, *commands):
        """All that gdb says. Nothing it takes offence at goes unnoticed."""
        # gdb 16 shows binary packets as they are.
        result = subprocess.run(self.gdb_arguments(*commands), capture_output=True, text=True, errors="replace",
                                timeout=60, stdin=subprocess.DEVNULL)
        return result.stdout + result.stderr

    def start_gdb(self, *commands):
        return subprocess.Popen(self.gdb_arguments(*commands), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                stdin=subprocess.DEVNULL, text=True, start_new_session=True)


def wait_for(process, text):
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"gdb ended without saying {text!r}")


@unittest.skipUnless(shutil.which("gdb"), "needs gdb")
class RealGdb(unittest.TestCase):
    def assert_says(self, output, *patterns):
        for pattern in patterns:
            self.assertTrue(re.search(pattern, output), f"{pattern!r} not in:\n{output}")
        # Without a file, gdb says only this.
        complaints = [line for line in output.splitlines()
                      if re.search("warning|error|malformed|unsupported|ignor", line, re.IGNORECASE)
                      and "No executable" not in line and "determining executable automatically" not in line]
        self.assertEqual(complaints, [], output)

    def test_description_is_taken_as_it_is(self):
        for options in ((), ("--no-avx",), ("--bare",)):
            with self.subTest(options), Machine(*options) as machine:
                output = machine.gdb("show architecture", "show osabi", "info all-registers",
                                     "info registers system", "p $xmm15.v4_float", "detach")
                self.assert_says(output, "i386:x86-64", "GNU/Linux", r"rip +0x100\w\w", r"eflags +0x202 +\[ IF \]",
                                 r"orig_rax +0xf{16}", r"fs_base +0x14000", r"mxcsr +0x1f80 +\[ IM DM ZM OM UM PM \]",
                                 r"fctrl +0x37f", r"ftag +0xffff", r"\$1 = \{0, 0, 0, 0\}")
                self.assertEqual("ymm15 " in output, "--no-avx" not in options)

    def test_registers_are_written(self):
        with Machine() as machine:
            output = machine.gdb("set $rbx = 0x1122334455667788", "set $xmm3.v2_int64[1] = -2", "set $st0 = 1.5",
                                 "set $ymm7.v8_int32[7] = 77", "maintenance flush register-cache", "p/x $rbx", "p $xmm3.v2_int64[1]",
                                 "p $ymm7.v8_int32[7]")
            self.assert_says(output, r"\$1 = 0x1122334455667788", r"\$2 = -2", r"\$3 = 77")

    def test_memory(self):
        with Machine() as machine, tempfile.TemporaryDirectory() as directory:
            output = machine.gdb("x/3xb 0x1000f", "set {long}0x10100 = 0x2a2324237d0300ff", "x/gx 0x10100",
                                 f"dump binary memory {directory}/memory 0x10000 0x20000", "set {long}0x10100 = 0",
                                 f"restore {directory}/memory binary 0x10000 0 0xf000",
                                 "x/gx 0x10100", "find /b 0x10020, 0x1ffff, 0xff, 0x00, 0x03", "x/i 0x10010")
            self.assert_says(output, "0x1000f:\t0x90\t0xeb\t0xee", "(?s)0x2a2324237d0300ff.*Restoring.*0x2a2324237d0300ff", "\n0x10100\n1 pattern found",
                             r"jmp +0x10000")
            memory = Path(directory, "memory").read_bytes()
            self.assertEqual((len(memory), memory[0x100:0x108]), (0x10000, bytes.fromhex("ff00037d2324232a")))

    def test_memory_that_is_not_there(self):
        with Machine() as machine:
            output = machine.gdb("x/xb 0", "x/2xb 0x1ffff", "set {char}0x1f000 = 1", "x/xb 0x10000")
            self.assertIn("Cannot access memory at address 0x0\n", output)
            self.assertIn("Cannot access memory at address 0x20000\n", output)
            self.assertIn("Cannot access memory at address 0x1f000\n", output)
            self.assertIn("0x10000:\t0x90", output)

    def test_breakpoints_and_steps(self):
        with Machine("--held") as machine:
            output = machine.gdb("break *0x10008", "continue", "x/xb 0x10008", "stepi", "p/x $pc", "stepi 3", "p/x $pc",
                                 "delete 1", "hbreak *0x10002", "continue", "p/x $pc", "info breakpoints")
            self.assert_says(output, r'Thread 1 .*hit Breakpoint 1, 0x0000000000010008', "0x10008:\t0x90",
                             r"\$1 = 0x10009", r"\$2 = 0x1000c", "Breakpoint 2, 0x0000000000010002",
                             r"\$3 = 0x10002", r"already hit 1 time")
            self.assertTrue(machine.running())

    def test_conditions_are_evaluated_in_the_target(self):
        with Machine("--held") as machine:
            output = machine.gdb("set $pc = 0x10080", "set $rdi = 0x10101", "set $rax = 6",
                                 "break *0x10083 if ($rax & 0xff) == 40 && *(unsigned char*)0x10101 == 7",
                                 "show breakpoint condition-evaluation", "set debug remote 1", "continue",
                                 "set debug remote 0", "p $rax", "p/x *(unsigned char*)0x10101", "info breakpoints")
            self.assertIn("(currently target)", output)
            self.assertRegex(output, r"\$1 = 40\n\$2 = 0x7\n")
            self.assertRegex(output, r"stop only if .*\(target evals\)")
            self.assertRegex(output, r"Z0,10083,1;X[0-9a-f]+,")
            self.assertEqual(output.count("Packet received: T05"), 1, output)

    def test_conditions_of_several_breakpoints_at_one_address(self):
        with Machine("--held") as machine:
            output = machine.gdb("set $pc = 0x10080", "set $rdi = 0x10101", "set $rax = 0", "hbreak *0x10083 if $rax == 9",
                                 "break *0x10083 if $rax == 5", "break *0x10083 if $rax == 7",
                                 "continue", "p $rax", "continue", "p $rax", "continue", "p $rax")
            self.assert_says(output, r"Breakpoint 2, .*\n\$1 = 5\n", r"Breakpoint 3, .*\n\$2 = 7\n",
                             r"Breakpoint 1, .*\n\$3 = 9\n")

    def test_conditions_that_fail_in_the_target_stop(self):
        with Machine("--held") as machine:
            output = machine.gdb("set $pc = 0x10080", "set $rdi = 0x10101", "break *0x10083 if *(int*)0 == 1",
                                 "set breakpoint always-inserted on", "continue", "monitor why", "monitor breakpoints")
            self.assertIn("The agent expression reads memory that cannot be read.", output)
            self.assertRegex(output, r"0x0000000000010083  software +1 +0 +1 +0\n")

    def test_dprintf_runs_in_the_target(self):
        with Machine("--held") as machine:
            output = machine.gdb("set dprintf-style agent", "set $pc = 0x10080", "set $rdi = 0x10101", "set $rax = 0",
                                 'set {char[6]}0x10200 = "hello"',
                                 r'dprintf *0x10082,"%s, %d of %-3ld\t%#x|%c|%5.2s|%%\n", (char*)0x10200, $rax, $rax + 1, $rdi, $rax + 64, (char*)0x10200',
                                 "break *0x10083 if $rax == 3", "continue", "p $rax", "detach")
            self.assert_says(output, r"\$1 = 3\n")
            machine.process.kill()
            lines = [f"hello, {i} of {i + 1:<3}\t{0x10100 + i:#x}|{chr(i + 64)}|   he|%" for i in (1, 2, 3)]
            self.assertEqual(machine.process.stdout.read().splitlines(), lines)

    def test_dprintf_goes_on_without_gdb(self):
        with Machine("--held") as machine:
            output = machine.gdb("set dprintf-style agent", "set breakpoint always-inserted on",
                                 r'dprintf *0x10008,"here\n"', "break *0x10004", "detach")
            self.assert_says(output, "detached")
            for _ in range(100):
                self.assertEqual(machine.process.stdout.readline(), "here\n")
            output = machine.gdb("monitor breakpoints", "monitor breakpoints clear", "monitor breakpoints", "detach")
            self.assertRegex(output, r"0x0000000000010008  software +0 +1 +\d+ +\d+  left behind\n"
                                     "There are no breakpoints in the target.")

    def test_a_target_that_stops_always_leaves_conditions_to_gdb(self):
        with Machine("--held", "--stops-always") as machine:
            output = machine.gdb("set $pc = 0x10080", "set $rdi = 0x10101", "set $rax = 0", "break *0x10083 if $rax == 5",
                                 "show breakpoint condition-evaluation", "continue", "p $rax")
            self.assert_says(output, r"\(currently host\)", r"\$1 = 5")

    def test_watchpoints(self):
        with Machine("--held") as machine:
            output = machine.gdb("set $pc = 0x10040", "set $rdi = 0x10101", "set $al = 6", "watch *(char*)0x10101",
                                 "continue")
            self.assert_says(output, r"Hardware watchpoint 1: \*\(char\*\)0x10101", r"Old value = 0 ", r"New value = 7 ")

    def test_threads_have_names(self):
        with Machine() as machine:
            output = machine.gdb("info threads", "thread 2", "p/x $rax", "thread name", "thread apply all p/x $rsp")
            self.assert_says(output, r'Thread 1\.1 "main" \(running\)', r'Thread 1\.2 "worker" \(futex wait\)',
                             r'Thread 1\.31 "<odd> & "name"" \(sleeping\)', r"\$1 = 0x1002", "= 0x18100", "= 0x19f00")

    def test_ctrl_c_stops_a_running_machine(self):
        with Machine() as machine:
            gdb = machine.start_gdb("echo ready\\n", "continue", "info threads", "detach")
            wait_for(gdb, "ready")
            time.sleep(0.5)
            gdb.send_signal(signal.SIGINT)
            output = gdb.communicate(timeout=60)[0]
            self.assert_says(output, "received signal SIGINT", "worker", "detached")

    def test_signals(self):
        with Machine("--held") as machine:
            output = machine.gdb("p $_siginfo.si_signo", "set $pc = 0x10070", "continue", "set $pc = 0x10060",
                                 "set $rax = 42", "signal SIGUSR1")
            self.assert_says(output, r"\$1 = 11", "received signal SIGILL", r"exited with code 052")
            self.assertEqual(machine.process.stdout.read(), "signal 10 to 1\nexited 42\n")

    def test_process_image(self):
        with Machine() as machine:
            self.assert_says(machine.gdb("info auxv"), r"6 +AT_PAGESZ +System page size +4096")

    def test_monitor(self):
        with Machine() as machine:
            output = machine.gdb("monitor help", "break *0x30000", "monitor much", "continue", "monitor why")
            self.assertIn("view app|kernel", output)
            self.assertEqual(output.count("line\n"), 1000)
            self.assertIn("Cannot insert breakpoint 1", output)
            self.assertIn("\nA breakpoint cannot be set there.\n", output)

    def test_gdb_leaving_does_no_harm(self):
        for options in ((), ("--serial",)):
            with Machine(*options) as machine:
                for leaving in ("detach", "kill", "disconnect", "quit"):
                    with self.subTest(leaving, options=options):
                        output = machine.gdb("break *0x10008", "continue", "p/x $pc", leaving)
                        self.assert_says(output, r"\$1 = 0x10008")
                        self.assertTrue(machine.running())

    def test_kill_where_it_is_allowed(self):
        with Machine("--allow-kill") as machine:
            machine.gdb("kill")
            self.assertEqual(machine.process.wait(10), 0)
            self.assertEqual(machine.process.stdout.read(), "killed\n")

    def test_gdb_that_is_killed_leaves_room_for_the_next(self):
        for options in ((), ("--serial",)):
            with self.subTest(options), Machine(*options) as machine:
                for state in ("continue", "shell sleep 60"):
                    gdb = machine.start_gdb("break *0x18000", "stepi", "echo ready\\n", state)
                    wait_for(gdb, "ready")
                    time.sleep(0.2)
                    os.killpg(gdb.pid, signal.SIGKILL)
                    gdb.communicate()
                    output = machine.gdb("info threads", "x/xb 0x18000", "break *0x10008", "continue", "p/x $pc")
                    self.assert_says(output, "worker", "0x18000:\t0x00", r"\$1 = 0x10008")
                    self.assertTrue(machine.running())

    def test_acknowledgements_and_older_packets(self):
        with Machine("--held") as machine:
            output = machine.gdb("disconnect", "set remote noack-packet off", "set remote verbose-resume-packet off",
                                 "set remote binary-download-packet off", "set remote threads-packet off",
                                 "set remote pid-to-exec-file-packet off", f"target remote 127.0.0.1:{machine.port}",
                                 "info threads", "break *0x10008", "continue", "stepi", "p/x $pc",
                                 "set {char}0x10200 = 5", "x/xb 0x10200")
            self.assert_says(output, "worker", r"\$1 = 0x10009", "0x10200:\t0x05")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=Path, required=True)
    options, rest = parser.parse_known_args()
    BIN = options.bin.resolve()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
