"""A thread that goes on from a breakpoint executes the instruction under it out of line, and the breakpoint stays: each
hit of each thread is one round of it, on any kind of instruction, in the app and in the kernel."""

import re
import struct
import time

import guest
import remote
from by_hand import eventually

HITS = 40
HITS_IN_FULL = 1000
# In each round there is one execution of each; `at_ret` and passing_leaf are called twice.
PLACES = ("at_syscall", "at_push", "at_pop", "at_pushf", "at_popf", "at_relative", "at_call", "at_indirect_call",
          "at_jmp", "at_indirect_jmp", "at_taken", "at_not_taken", "at_rep", "at_vector", "at_increment")
TWICE = ("at_ret", "passing_leaf")
# Where a step from the first ends.
STEPS = {"at_syscall": ("at_syscall", 2), "at_push": ("at_pop", 0), "at_call": ("passing_leaf", 0),
         "at_jmp": ("at_jmp_target", 0), "at_indirect_jmp": ("at_indirect_jmp_target", 0),
         "at_taken": ("at_taken_target", 0), "at_relative": ("at_relative", 7), "at_popf": ("at_relative", 0)}


class Passing(guest.GuestTest):
    def start_passing(self, machine, cpus):
        self.image = guest.image("passing")
        self.address = guest.symbols(self.image)
        self.instance = self.start(self.image, options=("--machine", machine, "--cpus", str(cpus)))
        self.instance.wait_for(lambda line: line == "passing")
        self.stub = remote.Remote(self.instance.directory / "gdb.sock")
        self.addCleanup(self.stub.close)
        eventually(self.main_waits, what="that the thread that said so waits for the others")

    def main_waits(self):
        """Or the machine runs for a moment: one that is stopped as soon as it runs comes to nothing."""
        if b": futex" in bytes.fromhex(self.stub.ask("qThreadExtraInfo,1")):
            return True
        self.stub.send("vCont;c")
        time.sleep(0.1)
        self.stub.interrupt()
        self.assertRegex(self.stub.receive(), "^T02")
        return False

    def kernel_places(self):
        """One CPU instruction after the other on a system call's way, from the call of its dispatcher to a jump."""
        lines = guest.run("objdump", "-d", "-C", "--no-show-raw-insn", self.image).stdout.splitlines()
        lines = lines[next(i for i, line in enumerate(lines) if line.endswith("<syscall_dispatch>:")):]
        lines = lines[next(i for i, line in enumerate(lines) if re.search(r"call .*<syscalls::dispatch", line)):]
        places = {}
        for line in lines:
            address, instruction = line.split(":", 1)
            places[instruction.strip()] = int(address, 16)
            if re.match(r"\s*(jmp|ret)", instruction):
                return places

    def rounds(self):
        return struct.unpack("<2q", bytes.fromhex(self.stub.ask(f"m{self.address['g_rounds']:x},10")))

    def pc(self, thread):
        self.assertEqual(self.stub.ask(f"Hg{thread}"), "OK")
        return struct.unpack("<Q", bytes.fromhex(self.stub.ask("p10")))[0]

    def assert_hit(self, reply, address):
        """The thread's number."""
        found = re.match(r"T05.*swbreak:;.*thread:(\w+);", reply)
        self.assertTrue(found, reply)
        rip = re.search(r"(?:^T05|;)10:(\w+);", reply)
        self.assertEqual(struct.unpack("<Q", bytes.fromhex(rip[1]))[0], address, reply)
        return found[1]

    def count_hits(self, place, address, hits, go_on, each_round=1):
        """All rounds of both threads show up: `go_on()` resumes and returns the next stop reply."""
        self.assertEqual(self.stub.ask(f"Z0,{address:x},1"), "OK")
        of_thread = {}
        # Whoever is behind it already has this round's hit missed, so each thread's first one is not counted.
        last = {}
        for hit in range(hits):
            thread = self.assert_hit(go_on(), address)
            rounds = self.rounds()
            if thread not in of_thread:
                threads = sorted((int(other, 16) for other in self.stub.ask("qfThreadInfo")[1:].split(",")))
                of_thread[thread] = threads.index(int(thread, 16)) - 1 # the first one waits for the others
            now = rounds[of_thread[thread]]
            seen = last.setdefault(thread, [])
            seen.append(now)
            if len(seen) > each_round:
                self.assertEqual(now, seen[-1 - each_round] + 1, f"{place}, hit {hit} of thread {thread}: {seen[-4:]}")
        self.assertEqual(self.stub.ask(f"z0,{address:x},1"), "OK")
        return last

    def finish(self):
        self.assertEqual(self.stub.ask(f"M{self.address['g_stop']:x},4:07000000"), "OK")
        self.assertEqual(self.stub.ask("vCont;c"), "W07")
        self.assertEqual(self.instance.wait(), 7)

    def on_each_machine(self, check):
        for machine, cpus in (("microvm", 1), ("q35", 2)):
            with self.subTest(machine=machine, cpus=cpus):
                self.start_passing(machine, cpus)
                check()
                self.finish()
                self.stub.close()

    def hits(self):
        return HITS_IN_FULL if guest.FULL else HITS

    def test_the_apps_instructions(self):
        def check():
            for place in PLACES + TWICE:
                self.count_hits(place, self.address[place], self.hits(), lambda: self.stub.ask("vCont;c"),
                                each_round=2 if place in TWICE else 1)

        self.on_each_machine(check)

    def test_the_kernels_instructions(self):
        def check():
            places = self.kernel_places()
            self.assertGreater(len(places), 2)
            for place, address in places.items():
                self.count_hits(place, address, self.hits(), lambda: self.stub.ask("vCont;c"))

        self.on_each_machine(check)

    def test_steps(self):
        def check():
            for place, (end, offset) in STEPS.items():
                address = self.address[place]
                self.assertEqual(self.stub.ask(f"Z0,{address:x},1"), "OK")
                for _ in range(self.hits() // 10):
                    thread = self.assert_hit(self.stub.ask("vCont;c"), address)
                    reply = self.stub.ask(f"vCont;s:{thread}")
                    self.assertRegex(reply, rf"^T05.*thread:{thread};", place)
                    self.assertEqual(self.pc(thread), self.address[end] + offset, f"{place}: {reply}")
                self.assertEqual(self.stub.ask(f"z0,{address:x},1"), "OK")

        self.on_each_machine(check)

    def test_a_breakpoint_that_is_lifted_for_a_step(self):
        """What gdb does: out, one thread's step with the others held, in again. Nobody runs past it meanwhile."""
        def check():
            for place, address in (("at_relative", self.address["at_relative"]), *self.kernel_places().items()):
                thread = None

                def go_on():
                    nonlocal thread
                    if thread is not None:
                        self.assertEqual(self.stub.ask(f"z0,{address:x},1"), "OK")
                        self.assertRegex(self.stub.ask(f"vCont;s:{thread}"), rf"^T05.*thread:{thread};", place)
                        self.assertEqual(self.stub.ask(f"Z0,{address:x},1"), "OK")
                    reply = self.stub.ask("vCont;c")
                    thread = self.assert_hit(reply, address)
                    return reply

                self.count_hits(place, address, self.hits(), go_on)

        self.on_each_machine(check)


if __name__ == "__main__":
    guest.main()
