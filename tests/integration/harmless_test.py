"""Looking does no harm: whatever a debugger does to a shop that serves, and however it ends, the shop serves on."""

import os
import re
import signal
import time

import guest

STATISTICS = re.compile(r" *\d+ s: (\d+) orders booked")


class LookingDoesNoHarm(guest.GuestTest):
    def look(self, *commands):
        output = self.gdb(*commands)
        self.assertNotIn("Remote communication error", output)
        self.assertNotIn("uniscope:", output)
        return output

    def quit(self):
        self.assertRegex(self.look("print $pc", "quit"), r"\$1 = ")

    def backtrace(self):
        self.assertRegex(self.look("backtrace"), r"(?m)^#0 ")

    def interrupt_and_detach(self):
        process = self.start_gdb("-batch", "-ex", "shell echo attached", "-ex", "continue", "-ex",
                                 "printf \"interrupted\\n\"", "-ex", "detach")
        self.wait_for_line(process, "attached")
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.5)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
        output = process.communicate(timeout=10)[0]
        self.assertIn("interrupted", output)

    def kill_while_stopped(self):
        process = self.start_gdb("-batch", "-ex", "break syscalls::dispatch", "-ex", "continue", "-ex",
                                 "shell echo stopped; exec sleep 60")
        self.wait_for_line(process, "stopped")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_while_running(self):
        process = self.start_gdb("-batch", "-ex", "break abort", "-ex", "shell echo running", "-ex", "continue")
        self.wait_for_line(process, "running")
        time.sleep(0.3)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_while_stepping(self):
        process = self.start_gdb("-batch", "-ex", "break shop::OrderQueue::put", "-ex", "shell echo stepping", "-ex",
                                 'python [gdb.execute("continue", to_string=True) for _ in range(100000)]')
        self.wait_for_line(process, "stepping")
        time.sleep(0.3)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def wait_for_line(self, process, word):
        for line in process.stdout:
            if line.startswith(word):
                return
        self.fail(f"gdb ended before it printed {word}")

    def serve_through(self, rounds, machine, cpus):
        shop = self.start(guest.BIN / "shop", "--seconds", "100000",
                          options=["--cpus", str(cpus), "--machine", machine, "--rootfs",
                                   guest.Path(__file__).resolve().parents[2] / "samples/shop/rootfs"])
        shop.wait_for(STATISTICS.match)
        looks = (self.quit, self.interrupt_and_detach, self.kill_while_stopped, self.kill_while_running, self.backtrace,
                 self.kill_while_stepping)
        for number in range(rounds):
            look = looks[number % len(looks)]
            with self.subTest(round=number, look=look.__name__):
                look()
                since = len(shop.lines)
                shop.wait_for(lambda line: (found := STATISTICS.match(line)) and int(found[1]) > 0, since)
        # The front desk closes as soon as a debugger says that this is the last order, and all go home.
        output = self.look("break shop::OrderQueue::put", "continue", "up", "set var settings.orders = 1",
                           "print settings.orders", "delete", "detach")
        self.assert_in_order(output, r"hit Breakpoint 1", r"serve_customers", r"\$1 = 1$")
        self.assertEqual(shop.wait(), 0)
        self.assertRegex(shop.lines[-1], r"^books: \d+ orders")

    def test_serves_on(self):
        self.serve_through(102 if guest.FULL else 12, "microvm", 2)

    def test_serves_on_on_the_other_machine(self):
        self.serve_through(102 if guest.FULL else 12, "q35", 1)


if __name__ == "__main__":
    guest.main()
