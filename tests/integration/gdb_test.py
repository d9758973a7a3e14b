"""A real gdb on a real image, by `uniscope gdb`: what one does in a debugger all day long."""

import os
import re
import signal
import time

import guest
import interrupt


class Debugger(guest.GuestTest):
    def debuggee(self, *arguments, wait=True, cpus=1, machine="microvm"):
        options = ["--cpus", str(cpus), "--machine", machine] + (["--wait"] if wait else [])
        instance = self.start(guest.image("debuggee"), *arguments, options=options)
        if wait:
            instance.wait_until_up()
        else:
            instance.wait_for(lambda line: line.startswith("round"))
        return instance

    def assert_serves(self, instance):
        """It prints two lines that it had not begun before."""
        seen = instance.wait_for(lambda line: line.startswith("round"), since=len(instance.lines))
        instance.wait_for(lambda line: line.startswith("round"), since=seen + 1)

    def assert_ends(self, instance, status=42):
        """It still does what it is told and ends with the status."""
        output = self.gdb(f"set var g_stop = {status}", "continue")
        self.assertIn(f"exited with code 0{status:o}]", output)
        self.assertEqual(instance.wait(), status, instance.describe())
        self.assertEqual(instance.lines[-1], "stopped")

    # From the entry to the end

    def test_breakpoint_step_next_finish_to_the_exit_status(self):
        for machine, cpus in (("microvm", 1), ("q35", 2)):
            with self.subTest(machine=machine, cpus=cpus):
                instance = self.debuggee(machine=machine, cpus=cpus)
                output = self.gdb("break main", "continue", "next", "step", "backtrace", "finish", "next", "next",
                                  "print g_total", "continue")
                self.assert_in_order(
                    output, r"Breakpoint 1, main \(argc=1", r"^\d+\s+int sum = add\(2, 3\);", r"^\d+\s+sum = twice\(sum\);",
                    r"^twice \(number=5\)", r"^#0 .*twice \(number=5\)", r"^#1 .* in main \(argc=1",
                    r"Value returned is \$1 = 10", r"\$2 = 10", r"\[Inferior 1 \(process 1\) exited normally\]")
                self.assertEqual((instance.wait(), instance.lines), (0, ["total 10"]))

    def test_exit_status_is_reported(self):
        instance = self.debuggee("serve")
        self.assert_ends(instance, 42)

    def test_conditional_breakpoint(self):
        self.debuggee("serve")
        output = self.gdb("break serve_round if round == 7", "continue", "print round", "print g_rounds")
        self.assert_in_order(output, r"hit Breakpoint 1, serve_round \(round=7\)", r"\$1 = 7", r"\$2 = 6")

    def test_watchpoint_and_hardware_breakpoint(self):
        for cpus in (1, 2):
            with self.subTest(cpus=cpus):
                instance = self.debuggee("serve", cpus=cpus)
                # The helper writes what the main loop's thread watches: the debug registers of all CPUs are meant.
                output = self.gdb("hbreak serve_round", "continue", "delete", "watch -l g_helper_rounds", "continue",
                                  "continue", "backtrace 2", "delete", "rwatch g_stop", "continue")
                self.assert_in_order(
                    output, r"Hardware assisted breakpoint 1", r"hit Breakpoint 1, serve_round",
                    r"Hardware watchpoint 2: -location g_helper_rounds",
                    r"Old value = (?P<old>\d+)\nNew value = (?!(?P=old)\n)\d+", r"Old value = (\d+)\nNew value = (?!\1\n)\d+",
                    r"^#0  helper_round", r"^#1 .* in help \(\)", r"Hardware read watchpoint 3: g_stop", r"Value = 0")
                self.assert_serves(instance)

    def test_a_step_that_hits_a_watchpoint(self):
        # QEMU raises two debug exceptions then, one behind the other (libos/debug/WatchedStep.h).
        for cpus in (1, 2):
            with self.subTest(cpus=cpus):
                self.debuggee(cpus=cpus)
                output = self.gdb("break twice", "continue", "delete", "watch g_total", "next", "next", "next",
                                  "stepi", "next", "detach")
                self.assert_in_order(output, r"Hardware watchpoint 2: g_total", r"^main \(",
                                     r"^Old value = 0\nNew value = 10\nmain \(", r"Inferior 1 .* detached")
                instance = self.debuggee("serve", cpus=cpus)
                output = self.gdb("break serve_round", "continue", "delete", "set scheduler-locking on", "finish",
                                  "awatch g_stop", "next", "next", "next", "next", "info watchpoints", "delete",
                                  "rwatch g_rounds", "watch g_rounds", "break serve_round", "continue", "stepi",
                                  "stepi", "stepi", "stepi", "stepi", "stepi", "stepi", "stepi", "detach")
                self.assert_in_order(output, r"Hardware access \(read/write\) watchpoint 2: g_stop", r"^Value = 0\nserve|^Value = 0\n0x",
                                     r"acc watchpoint .* g_stop\n.*already hit 1 time", r"watchpoint 4: g_rounds",
                                     r"^Old value = (\d+)\nNew value = (?!\1\n)\d+\n")
                self.assert_serves(instance)

    def test_variables_registers_and_hand_calls(self):
        instance = self.debuggee("serve", cpus=2)
        output = self.gdb(
            "break helper_round", "continue", "print t_number", "up", "print t_number", "delete",
            "break serve_round if round > 3", "continue", "print t_number", "print add(20, 3)", "print twice(21)",
            "call (long)raw_getpid()", "set var g_total = 1234", "print g_total", "set var t_number = 9", "print t_number",
            "set var $ymm0.v8_int32 = {1, 2, 3, 4, 5, 6, 7, 8}", "print $ymm0.v8_int32", "set var $xmm15.uint128 = 5",
            "print $xmm15.uint128", "info registers rip", "info registers", "info line *$pc", "print $_exitcode", "delete",
            "detach")
        self.assert_in_order(
            output, r"hit Breakpoint 1, helper_round", r"\$1 = 8", r"\$2 = 8", r"hit Breakpoint 2, serve_round", r"\$3 = 7",
            r"\$4 = 23", r"\$5 = 42", r"\$6 = 1$", r"\$7 = 1234", r"\$8 = 9", r"\$9 = \{1, 2, 3, 4, 5, 6, 7, 8\}",
            r"\$10 = 5$", r"^rip .*<serve_round\(long\)\+\d+>", r"^rax ", r"^rsp ", r"^eflags ",
            r"Debuggee.cpp")
        self.assert_serves(instance)
        self.assert_ends(instance)

    # Threads

    def test_threads_have_names_and_backtraces(self):
        for machine in guest.MACHINES:
            for cpus in (1, 2):
                with self.subTest(machine=machine, cpus=cpus):
                    instance = self.start(guest.BIN / "threads", "--linger", "600",
                                          options=["--machine", machine, "--cpus", str(cpus)])
                    instance.wait_for(lambda line: "contend for one lock" in line)
                    time.sleep(0.5)
                    output = self.gdb("info threads", "thread apply all backtrace", "detach")
                    for number in range(1, 5):
                        self.assertRegex(output, rf'Thread 1\.{number + 1} "contender-{number}"')
                    self.assertRegex(output, r'Thread 1\.1 "threads"')
                    stacks = output.split("\nThread ")[1:]
                    self.assertEqual(len(stacks), 5, output)
                    for stack in stacks:
                        wanted = r"#\d+ .* main \(" if '"threads"' in stack else r"#\d+ .*run_thread"
                        self.assertRegex(stack, wanted)
    
    # Into the kernel

    def test_backtrace_from_the_kernel_to_main(self):
        for cpus in (1, 2):
            with self.subTest(cpus=cpus):
                instance = self.debuggee("serve", cpus=cpus)
                # For the finish gdb sets a breakpoint behind the call, which both threads come by, and lifts it to step
                # the other one over it.
                output = self.gdb("break serve_round", "continue", "delete", "break syscalls::dispatch thread 1",
                                  "continue", "backtrace", "finish", "delete", "detach")
                self.assert_in_order(output, r"hit Breakpoint 2, syscalls::dispatch", r"^#0  syscalls::dispatch",
                                     r"^#2 +<signal handler called>", r"^#\d+ .* in serve \(\)", r"^#\d+ .* in main \(argc=2",
                                     r"^syscall_dispatch \(")
                self.assert_serves(instance)

    def test_breakpoints_in_the_debuggers_own_way(self):
        for cpus in (1, 2):
            with self.subTest(cpus=cpus):
                instance = self.debuggee("serve", cpus=cpus)
                # A stop's leader reads by this function; so do the interrupt that gdb's packets come by, in a section
                # that cannot stop, and the control thread, which can.
                stopped = r"SIGTRAP|hit Breakpoint 1"
                reader = {"vsock": "vsock::Channel::read", "serial": "links::SerialMux::Port::read"}.get(
                    guest.LINK, "drivers::ConsolePort::read")
                output = self.gdb(f"break {reader}", "continue", "print 6 * 7", "continue", "delete",
                                  "break gdbstub::Session::feed", "continue", "delete", "print 7 * 7", "detach")
                self.assert_in_order(output, stopped, r"= 42$", stopped, r"Cannot insert breakpoint 2", r"= 49$")
                self.assert_serves(instance)

    def test_stepping_over_a_system_call(self):
        self.debuggee("serve")
        output = self.gdb("break *&raw_getpid_syscall", "continue", "delete", "stepi",
                          "print (long)$pc - (long)&raw_getpid_syscall", "print $rax", "stepi", "backtrace 1")
        self.assert_in_order(output, r"hit Breakpoint 1, 0x", r"\$1 = 2$", r"\$2 = 1$", r"^#0 .*serve \(\)")

    # Breaking in, and leaving

    def test_interrupt_from_running(self):
        for cpus in (1, 2):
            with self.subTest(cpus=cpus):
                instance = self.debuggee("serve", wait=False, cpus=cpus)
                output = self.gdb(interrupt.WHEN_RUNNING, "continue", "info threads", "print g_stop", "detach")
                self.assert_in_order(output, r"received signal SIGINT", r'"main-loop"', r'"helper"',
                                     r"\$1 = 0", r"Detaching|detached")
                self.assert_serves(instance)

    def test_catch_syscall(self):
        for machine, cpus in (("microvm", 1), ("q35", 2)):
            with self.subTest(machine=machine, cpus=cpus):
                instance = self.start(guest.image("passing"), options=("--machine", machine, "--cpus", str(cpus)))
                instance.wait_for(lambda line: line == "passing")
                look = ["continue", "print $rax", "print $orig_rax", "print (long)$pc - (long)&at_syscall",
                        "print $_thread"]
                # gdb may come while a thread is in its system call, whose return is caught then before any call is: the
                # thread that is looked at has been stopped outside of one.
                output = self.gdb("break *&at_push", "continue", "delete", "set scheduler-locking on",
                                  "catch syscall getpid", *look, *look, "set scheduler-locking off", "delete",
                                  "catch syscall", "continue", "delete", "break *&at_push", "continue",
                                  "set var g_stop = 7", "delete", "continue")
                self.assert_in_order(
                    output, r"hit Breakpoint 1", r"Catchpoint 2 \(call to syscall getpid\)", r"\$1 = -38",
                    r"\$2 = 39", r"\$3 = 2$", r"\$4 = [23]$",
                    r"Catchpoint 2 \(returned from syscall getpid\)", r"\$5 = [1-9]\d*$", r"\$6 = 39",
                    r"\$7 = 2$", r"\$8 = [23]$", r"Catchpoint 3 \((call to|returned from) syscall",
                    r"hit Breakpoint 4", r"exited with code 07\]")
                threads = re.findall(r"^\$[48] = (\d)$", output, re.MULTILINE)
                self.assertEqual(threads[0], threads[1], output)
                self.assertEqual(instance.wait(), 7, instance.describe())

    def test_a_signal_that_the_app_ignores_does_nothing(self):
        instance = self.debuggee("serve", wait=False)
        output = self.gdb("break serve_round", "continue", "print (int)raise(10)", "signal SIGWINCH", "delete",
                          "detach")
        self.assert_in_order(output, r"hit Breakpoint 1, serve_round", r"received signal SIGUSR1", r"detached")
        self.assertNotIn("terminated", output)
        self.assert_serves(instance)
        self.assert_ends(instance)

    def test_interrupts_off_are_no_shelter(self):
        instance = self.start(guest.image("debuggee"), "deaf")
        instance.wait_for(lambda line: line == "deaf from here on")
        output = self.gdb("backtrace", "print $eflags & 0x200", "set var g_stop = 5", "continue")
        self.assert_in_order(output, r"spin_deaf \(\)", r"in main \(argc=2", r"\$1 = 0$", r"exited with code 05\]")
        self.assertEqual(instance.wait(), 5)

    def test_whatever_ends_gdb_the_instance_serves_on(self):
        instance = self.debuggee("serve", wait=False, cpus=2)
        for leave in ("detach", "kill", "quit", "disconnect"):
            with self.subTest(leave):
                output = self.gdb("break serve_round", "continue", "print add(1, 2)", leave)
                self.assert_in_order(output, r"hit Breakpoint 1, serve_round", r"\$1 = 3")
                self.assert_serves(instance)
        self.assert_ends(instance)

    def test_reconnecting_in_one_gdb(self):
        instance = self.debuggee("serve", wait=False)
        socket = instance.directory / "gdb.sock"
        output = self.gdb("print 1000 + add(1, 1)", "detach", f"target remote {socket}", "print 1000 + add(2, 2)",
                          "break serve_round", "continue", "disconnect", f"target remote {socket}",
                          # The call lets all threads run, and would end at another's breakpoint.
                          "delete", "print 1000 + add(3, 3)")
        self.assert_in_order(output, "= 1002", "= 1004", "hit Breakpoint 1", "= 1006")
        self.assert_serves(instance)

    def test_second_gdb_is_refused_in_words(self):
        self.debuggee("serve", wait=False)
        first = self.start_gdb("-batch", "-ex", "print add(1, 1)", "-ex", "shell echo in; sleep 600")
        for line in first.stdout:
            if line.startswith("in"):
                break
        self.assertIn("a gdb is attached to app already", self.gdb("print 1"))
        os.killpg(first.pid, signal.SIGKILL)

    def test_monitor(self):
        self.debuggee("serve")
        output = self.gdb("monitor help", "monitor view kernel", "maintenance flush register-cache", "info threads",
                          "monitor view app", "monitor nonsense")
        self.assert_in_order(output, r"^view app ", r"^view kernel ", r"^kernel view:", r'Thread 1\.\d+ "\w+"',
                             r"^app view", r"^there is no such command; `monitor help`")


if __name__ == "__main__":
    guest.main()
