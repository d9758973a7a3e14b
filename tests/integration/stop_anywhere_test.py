"""A stop may come at any instruction, in the kernel's entry and exit code too: each time every thread is seen where it is
in the app, whole, and what a debugger writes to its registers takes effect, once."""

import random
import struct
import time

import guest
import remote

STOPS = 150
STOPS_IN_FULL = 5000


class StopAnywhere(guest.GuestTest):
    def registers(self, stub, thread):
        self.assertEqual(stub.ask(f"Hg{thread}"), "OK")
        # rax rbx rcx rdx rsi rdi rbp rsp r8-r15 rip, as the target description lists them
        return struct.unpack("<17Q", bytes.fromhex(stub.ask("g"))[: 17 * 8])

    def test_threads_in_system_calls(self):
        image = guest.image("debuggee")
        address = guest.symbols(image)
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


if __name__ == "__main__":
    guest.main()
