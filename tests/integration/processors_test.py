"""The processors come up while the app runs already: a debugger may stop the world at any point of it, and no CPU is
lost."""

import random
import time

import guest
import remote
from by_hand import Machine, eventually

BOOTS = 5
BOOTS_IN_FULL = 200
CPUS = 4
STOPS = 40


class Processors(guest.GuestTest):
    def test_stop_while_they_come_up(self):
        """A CPU that comes online while the world is stopped joins when it goes on."""
        image = guest.image("debuggee")
        up = next(address for name, address in guest.symbols(image).items() if "g_are_upE" in name)
        online = [word for cpu in range(CPUS) for word in
                  ("-ex", f"p 'arch::(anonymous namespace)::g_cpus'[{cpu}]->online._M_base._M_i")]
        chance = random.Random(2)
        early = 0
        for boot in range(BOOTS_IN_FULL if guest.FULL else BOOTS):
            with self.subTest(boot=boot):
                machine = Machine(self, image, "serve", name=f"boot-{boot}", cpus=CPUS)
                path = machine.directory / "uniscope.gdb"
                stub = remote.Remote(path)
                self.addCleanup(stub.close)
                self.assertRegex(stub.ask("?"), "^T")
                for stop in range(STOPS):
                    early += not self.are_up(stub, up)
                    self.go_on(stub, chance.random() * 0.003)
                eventually(lambda: self.are_up(stub, up) or self.go_on(stub, 0.01), what="all CPUs up")
                stub.send("vCont;c")
                stub.close()
                printed = guest.run("gdb", "-nx", "-batch", image, "-ex", f"target remote {path}", *online).stdout
                self.assertEqual(printed.count(" = true"), CPUS, printed)
                machine.end()
        self.assertGreater(early, 0, "stops before all CPUs were there")

    def are_up(self, stub, address):
        return stub.ask(f"m{address:x},1") == "01"

    def go_on(self, stub, seconds):
        stub.send("vCont;c")
        time.sleep(seconds)
        stub.interrupt()
        self.assertRegex(stub.receive(), r"^T0[25].*thread:")


if __name__ == "__main__":
    guest.main()
