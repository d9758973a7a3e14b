"""Editors on an instance: what Visual Studio Code's `cppdbg` (MIEngine) and Qt Creator say to gdb, in gdb/MI, when they
attach as docs/ide.md has it: set-up, breakpoints, threads, stacks, variables, memory, a pause, and leaving."""

import os
import queue
import re
import shlex
import signal
import subprocess
import threading
import time

import guest


class Mi:
    """gdb/MI as a program speaks it: numbered commands, and records that come by themselves (GDB manual, "GDB/MI")."""

    def __init__(self, test, *words):
        self._test = test
        self._process = subprocess.Popen([*words], env=test.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
        test.addCleanup(self._end)
        self._lines = queue.Queue()
        self.seen = []
        self._stops = []
        self._token = 1000
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _end(self):
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process.stdin.close()
        self._reader.join()
        self._process.stdout.close()

    def _next(self, deadline, awaited):
        try:
            line = self._lines.get(timeout=max(0, deadline - time.monotonic()))
        except queue.Empty:
            line = None
        if line is None:
            self._test.fail(f"no {awaited}; gdb said:\n" + "\n".join(self.seen[-60:]))
        self.seen.append(line)
        if line.startswith("*stopped"):
            self._stops.append(line)
        return line

    def ask(self, command, result="done", seconds=60):
        """The result record; anything but `result` fails the test."""
        self._token += 1
        text = command if command.startswith("-") else f'-interpreter-exec console "{command}"'
        self._process.stdin.write(f"{self._token}{text}\n")
        self._process.stdin.flush()
        deadline = time.monotonic() + seconds
        while True:
            line = self._next(deadline, f"answer to {command}")
            if line.startswith(f"{self._token}^"):
                self._test.assertTrue(line.startswith(f"{self._token}^{result}"), f"{command}: {line}")
                return line

    def stop(self, seconds=60):
        """The next *stopped record that nobody has taken yet."""
        deadline = time.monotonic() + seconds
        while not self._stops:
            self._next(deadline, "stop")
        return self._stops.pop(0)

    def forget_stops(self):
        self._stops.clear()

    def wait(self, seconds=30):
        return self._process.wait(seconds)


class Editors(guest.GuestTest):
    def serve(self, machine, cpus):
        instance = self.start(guest.image("debuggee"), "serve", options=("--machine", machine, "--cpus", str(cpus)))
        instance.wait_for(lambda line: line.startswith("round"))
        return instance

    def shown_command(self):
        line = guest.run(guest.BIN / "uniscope", "gdb", "--show-command", "app", env=self.environment)
        self.assertEqual(line.returncode, 0, line.stderr)
        return shlex.split(line.stdout)

    def assert_goes_on(self, instance):
        seen = instance.wait_for(lambda line: line.startswith("round"), since=len(instance.lines))
        instance.wait_for(lambda line: line.startswith("round"), since=seen + 1)

    def look_around(self, mi):
        """What both ask for at each stop, for their windows."""
        threads = mi.ask("-thread-info")
        self.assertIn('name="main-loop"', threads)
        self.assertIn('name="helper"', threads)
        current = re.search(r'current-thread-id="(\d+)"', threads)[1]
        frames = mi.ask(f"-stack-list-frames --thread {current} 0 1000")
        self.assertRegex(frames, r'func="serve_round".*func="serve".*func="main"')
        self.assertRegex(mi.ask(f"-stack-info-depth --thread {current}"), r'depth="\d+"')
        self.assertIn('name="round"', mi.ask(f"-stack-list-variables --thread {current} --frame 0 0"))
        self.assertRegex(mi.ask("-data-evaluate-expression g_total"), r'value="10"')
        self.assertRegex(mi.ask("-data-list-register-names"), r'"rip"')
        self.assertRegex(mi.ask("-data-list-register-values x 0 16"), r'number="16",value="0x[0-9a-f]+"')
        self.assertRegex(mi.ask("-data-disassemble -s $pc -e $pc+16 -- 2"), r'inst=')
        created = mi.ask(f'-var-create --thread {current} --frame 0 - * "round"')
        variable = re.search(r'name="(\w+)"', created)[1]
        self.assertEqual(re.search(r'value="(\d+)"', mi.ask(f"-var-evaluate-expression {variable}"))[1],
                         re.search(r'value="(\d+)"', created)[1])
        mi.ask(f"-var-delete {variable}")
        self.assertRegex(mi.ask("-data-read-memory-bytes &g_total 4"), r'contents="0a000000"')
        return threads

    def test_visual_studio_code(self):
        # The order is MIEngine's: DebuggedProcess.GetInitializeCommands and ResumeFromLaunch, for request "launch" with
        # miDebuggerServerAddress, stopAtConnect, and the set-up commands of docs/ide.md.
        for machine, cpus in (("microvm", 1), ("q35", 2)):
            with self.subTest(machine=machine, cpus=cpus):
                instance = self.serve(machine, cpus)
                image = guest.image("debuggee")
                address = self.shown_command()[-1].removeprefix("target remote ")
                mi = Mi(self, "gdb", "-nx", "--interpreter=mi")
                mi.ask("-gdb-set mi-async on")
                mi.ask("-list-features")
                mi.ask("-enable-pretty-printing")
                mi.ask("set sysroot /")
                mi.ask("set breakpoint always-inserted on")
                mi.ask('set pagination off')
                mi.ask("set debuginfod enabled off")
                mi.ask("-gdb-set auto-solib-add on")
                mi.ask("-gdb-set stop-on-solib-events 1")
                mi.ask(f"-environment-cd {self.directory}")
                mi.ask(f"-file-exec-and-symbols {image}")
                mi.ask("show architecture")
                mi.ask(f"-target-select remote {address}", result="connected")
                mi.stop()
                # The breakpoints of the editor's margin.
                mi.ask("-break-insert -f Debuggee.cpp:serve_round")
                conditional = mi.ask('-break-insert -f -c "g_helper_rounds % 5 == 0" helper_round')
                mi.ask("-exec-continue", result="running")
                stop = mi.stop()
                self.assertIn('reason="breakpoint-hit"', stop)
                number = re.search(r'bkpt=\{number="(\d+)"', conditional)[1]
                mi.ask(f"-break-delete {number}")
                while 'func="serve_round"' not in stop:
                    mi.ask("-exec-continue", result="running")
                    stop = mi.stop()
                self.look_around(mi)
                for command in ("-exec-next", "-exec-step", "-exec-finish"):
                    mi.ask(command, result="running")
                    self.assertRegex(mi.stop(), r'reason="(end-stepping-range|function-finished|breakpoint-hit)"')
                mi.ask("-break-delete")
                # Pause: with a server's address MIEngine sends -exec-interrupt.
                mi.ask("-exec-continue", result="running")
                mi.forget_stops()
                self.assert_goes_on(instance)
                mi.ask("-exec-interrupt")
                self.assertIn('signal-name="SIGINT"', mi.stop())
                self.assertIn("main-loop", mi.ask("-thread-info"))
                # Stop: of what it takes for its own launch, MIEngine says `kill`. It is none here (docs/gdbstub.md).
                mi.ask("kill")
                mi.ask("-gdb-exit", result="exit")
                self.assertEqual(mi.wait(), 0)
                self.assert_goes_on(instance)

    def test_qt_creator(self):
        # "Attach to Running Debug Server": gdb is made asynchronous, symbols first, then `target remote`; its own
        # commands are the console's.
        instance = self.serve("microvm", 2)
        mi = Mi(self, *self.shown_command()[:1], "-nx", "-i", "mi")
        for command in ("set print object on", "set breakpoint pending on", "set print elements 10000",
                        "set unwindonsignal on", "set width 0", "set height 0", "set sysroot /", "set mi-async on"):
            mi.ask(command)
        mi.ask(f"-file-exec-and-symbols {guest.image('debuggee')}")
        mi.ask(self.shown_command()[-1])
        mi.stop()
        mi.ask("-break-insert -f serve_round")
        mi.ask("-exec-continue", result="running")
        self.assertIn('func="serve_round"', mi.stop())
        self.look_around(mi)
        mi.ask("-break-delete")
        mi.ask("-exec-continue", result="running")
        mi.forget_stops()
        mi.ask("-exec-interrupt")
        mi.stop()
        mi.ask("detach")
        mi.ask("-gdb-exit", result="exit")
        self.assert_goes_on(instance)

    def test_the_shown_command(self):
        """It is the one that `uniscope gdb` runs, and does nothing by itself."""
        instance = self.serve("microvm", 1)
        words = self.shown_command()
        output = guest.run(*words, "-nx", "-batch", "-ex", "print g_total", env=self.environment).stdout
        self.assertIn("$1 = 10", output)
        with self.start_gdb("-ex", "echo first\\n", "-ex", "shell cat", stdin=subprocess.PIPE) as first:
            while "first" not in first.stdout.readline():
                pass
            second = guest.run(*words, "-nx", "-batch", env=self.environment)
            self.assertRegex(second.stdout + second.stderr, "Target disconnected|Remote connection closed")
            first.stdin.close()
        self.assert_goes_on(instance)
        refused = guest.run(guest.BIN / "uniscope", "gdb", "--show-command", guest.image("debuggee"),
                            env=self.environment)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("is an image, and no instance", refused.stderr)


if __name__ == "__main__":
    guest.main()
