"""At every instruction of a system call, a timer interrupt and a page fault, a backtrace reaches main. By QEMU's own
stub, which stops anywhere; it holds interrupts back while it steps, so each walk is of one thing."""

import re
import subprocess

import guest

WALKS = ("walk_system_call()", "walk_write()", "walk_trap('timer interrupt', 0xe0, 'spin_a_while')",
         "walk_trap('page fault', 14, 'touch_page')")


class Backtraces(guest.GuestTest):
    def test_every_instruction_reaches_main(self):
        for machine in guest.MACHINES if guest.FULL else ("microvm",):
            with self.subTest(machine=machine):
                self.walk_all(machine)

    def walk_all(self, machine):
        socket = self.directory / "qemu.sock"
        # Not `-gdb unix:...`, which makes a character device called gdb: there is one, to our own stub.
        words = ["-chardev", f"socket,id=machine-gdb,path={socket},server=on,wait=off", "-gdb", "chardev:machine-gdb"]
        instance = self.start(guest.image("debuggee"), "walk", options=[
            # No signs of life asked for: what answers them is a kernel thread, and the walk must not meet a switch to it.
            "--kernel-option", "watchdog=0",
            "--machine", machine, *(option for word in words for option in ("--qemu-arg", word))])
        instance.wait_for(lambda line: line == "walking")
        script = guest.Path(__file__).resolve().parent / "scripts" / "walk.py"
        commands = [f"target remote {socket}", f"source {script}", *(f"python {walk}" for walk in WALKS), "detach"]
        words = ["gdb", "-nx", "-batch", "-iex", "set width 0", "-iex", "set sysroot /", "-iex", "set pagination off",
                 guest.image("debuggee"), *(word for command in commands for word in ("-ex", command))]
        result = guest.run(*words, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, capture_output=False, timeout=540)
        walked = re.findall(r"^WALKED .*", result.stdout, re.MULTILINE)
        print(*(f"{machine}: {line}" for line in walked), sep="\n")
        self.assertEqual(len(walked), len(WALKS), result.stdout)
        for line in walked:
            self.assertIn(" 0 failures", line, result.stdout)
            self.assertGreater(int(re.search(r"(\d+) instructions", line)[1]), 50, line)
        self.assertNotIn("FAILED", result.stdout)


if __name__ == "__main__":
    guest.main()
