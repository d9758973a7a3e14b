"""A stop may come at any instruction, in the kernel's entry and exit code too: each time every thread is seen where it is
in the app, whole, and what a debugger writes to its registers takes effect, once."""

import random
import struct
import time

import guest
import remote
from by_hand import Machine

STOPS = 150
STOPS_IN_FULL = 5000
BOOTS = 5
BOOTS_IN_FULL = 200


def symbols(image):
    lines = guest.run("nm", image).stdout.splitlines()
    return {words[2]: int(words[0], 16) for line in lines if len(words := line.split()) == 3}


class StopAnywhere(guest.GuestTest):
    def registers(self, stub, thread):
        self.assertEqual(stub.ask(f"Hg{thread}"), "OK")
        # rax rbx rcx rdx rsi rdi rbp rsp r8-r15 rip, as the target description lists them
        return struct.unpack("<17Q", bytes.fromhex(stub.ask("g"))[: 17 * 8])

    def test_threads_in_system_calls(self):
        image = guest.image("debuggee")
        address = symbols(image)
        begin, end = address["call_loop"], address["call_loop_end"]
        detour = struct.pack("<Q", address["call_detour"]).hex()
        chance = random.Random(1)
        for machine, cpus in (("microvm", 1), ("q35", 2)):
            with self.subTest(machine=machine, cpus=cpus):
                instance = self.start(image, "calls", options=("--machine", machine, "--cpus", str(cpus)))
                instance.wait_for(lambda line: line == "calling")
                time.sleep(0.2)
                stub = remote.Remote(instance.directory / "gdb.sock")
                self.addCleanup(stub.close)
                sent = 0
                for stop in range(STOPS_IN_FULL if guest.FULL else STOPS):
                    threads = stub.ask("qfThreadInfo")[1:].split(",")
                    self.assertEqual(len(threads), 2)
                    for thread in threads:
                        values = self.registers(stub, thread)
                        rip, rbx, r12 = values[16], values[1], values[12]
                        place = f"stop {stop}, thread {thread} at {rip:#x}"
                        self.assertTrue(begin <= rip < end, place)
                        self.assertEqual((rbx, r12), (0x1111, 0x2222), place)
                        if rip == address["call_detour"]:
                            continue # it has not run since it was sent there
                        self.assertEqual(stub.ask(f"P10={detour}"), "OK", place)
                        sent += 1
                    stub.send("vCont;c")
                    time.sleep(chance.random() * 0.004)
                    stub.interrupt()
                    self.assertRegex(stub.receive(), r"^T0[25].*thread:", f"stop {stop}")
                sent -= sum(self.registers(stub, thread)[16] == address["call_detour"] for thread in threads)
                counted = struct.unpack("<q", bytes.fromhex(stub.ask(f"m{address['g_detours']:x},8")))[0]
                self.assertEqual(counted, sent)
                self.assertEqual(stub.ask(f"M{address['g_stop']:x},4:07000000"), "OK")
                self.assertEqual(stub.ask("vCont;c"), "W07")
                self.assertEqual(instance.wait(), 7)

    def test_while_the_processors_come_up(self):
        """A CPU that comes online while the world is stopped joins when it goes on; none is lost."""
        image = guest.image("debuggee")
        up = next(address for name, address in symbols(image).items() if "g_are_upE" in name)
        cpus = [f"p 'arch::(anonymous namespace)::g_cpus'[{cpu}]->online._M_base._M_i" for cpu in range(4)]
        chance = random.Random(2)
        early = 0
        for boot in range(BOOTS_IN_FULL if guest.FULL else BOOTS):
            with self.subTest(boot=boot):
                machine = Machine(self, image, "serve", name=f"boot-{boot}", cpus=len(cpus))
                path = machine.directory / "uniscope.gdb"
                stub = remote.Remote(path)
                self.addCleanup(stub.close)
                self.assertRegex(stub.ask("?"), "^T")
                for stop in range(40):
                    early += stub.ask(f"m{up:x},1") == "00"
                    stub.send("vCont;c")
                    time.sleep(chance.random() * 0.003)
                    stub.interrupt()
                    self.assertRegex(stub.receive(), r"^T0[25].*thread:", f"stop {stop}")
                stub.send("vCont;c")
                time.sleep(0.1)
                stub.close()
                printed = guest.run("gdb", "-nx", "-batch", image, "-ex", f"target remote {path}",
                                    *(word for line in cpus for word in ("-ex", line))).stdout
                self.assertEqual(printed.count(" = true"), len(cpus), printed)
                machine.end()
        self.assertGreater(early, 0, "stops before all CPUs were there")


if __name__ == "__main__":
    guest.main()
