"""The dead man's timer: a stopped world goes on when nobody is there any more who could let it go, and only then. The
host's proxy sends heartbeats while its gdb holds the target; here the proxy stands still, as it does when its host or the
link to it is lost in silence."""

import json
import os
import re
import signal
import subprocess
import time

import guest
import remote
from by_hand import Machine, eventually

LIMIT = 4 # seconds


class DeadMan(guest.GuestTest):
    def serve(self, limit=LIMIT):
        image = guest.image("debuggee")
        self.machine = Machine(self, image, "serve",
                               kernel_words=("uniscope.debug=open", f"uniscope.deadman={limit}"))
        added = self.uniscope("add", "--image", image, "shop", f"unix:{self.machine.directory}")
        self.assertEqual(added.returncode, 0, added.stderr)
        self.addCleanup(self.uniscope, "rm", "shop")
        self.proxy = json.loads(self.uniscope("ps", "--json").stdout)[0]["pid"]
        self.addCleanup(self.let_the_proxy_go)

    def uniscope(self, *words):
        return guest.run(guest.BIN / "uniscope", *words, env=self.environment)

    def let_the_proxy_go(self):
        os.kill(self.proxy, signal.SIGCONT)

    def connect(self, path):
        stub = remote.Remote(path)
        self.addCleanup(stub.close)
        self.assertRegex(stub.ask("?"), "^T")
        return stub

    def proxy_socket(self):
        return self.directory / "run/uniscope/shop/gdb.sock"

    def rounds(self):
        return len(re.findall("round", self.machine.console.read_text()))

    def assert_stands_still(self, seconds):
        before = self.rounds()
        time.sleep(seconds)
        self.assertEqual(self.rounds(), before)

    def assert_goes_on(self):
        before = self.rounds()
        eventually(lambda: self.rounds() > before + 1, what="that it goes on")

    def test_a_thinking_human_holds_it_a_lost_one_does_not(self):
        self.serve()
        stub = self.connect(self.proxy_socket())
        self.assert_stands_still(3 * LIMIT)
        self.assertEqual(stub.ask("qAttached"), "1")
        os.kill(self.proxy, signal.SIGSTOP)
        self.assert_goes_on()
        # The one that was given up comes back: it would go on with another stop than the one it knows.
        self.let_the_proxy_go()
        self.assertRegex(stub.ask("g"), "^E03$")
        self.assert_goes_on()
        # Who introduces itself is welcome, and is served as ever.
        stub.close()
        again = self.connect(self.proxy_socket())
        self.assert_stands_still(2 * LIMIT)
        again.close()
        self.assert_goes_on()

    def test_gdb_says_what_happened(self):
        self.serve()
        process = self.start_gdb("-batch", "-ex", "info line main", "-ex", "shell echo held; read line", "-ex",
                                 "print $rbx", name="shop", stdin=subprocess.PIPE)
        self.assertTrue(any(line.startswith("held") for line in process.stdout))
        os.kill(self.proxy, signal.SIGSTOP)
        self.assert_goes_on()
        self.let_the_proxy_go()
        output = process.communicate("\n", timeout=60)[0]
        # gdb 14 and older do not ask for sentences, and show the number.
        self.assertRegex(output, "heartbeats stopped|remote failure reply 'E03'")
        self.assert_goes_on()

    def test_nobody_else_is_asked_for_heartbeats(self):
        """A gdb on the line itself sends none, and holds the world as long as it likes."""
        image = guest.image("debuggee")
        self.machine = Machine(self, image, "serve",
                               kernel_words=("uniscope.debug=open", f"uniscope.deadman={LIMIT}"))
        stub = self.connect(self.machine.directory / "uniscope.gdb")
        self.assert_stands_still(3 * LIMIT)
        self.assertEqual(stub.ask("qAttached"), "1")

    def test_it_can_be_turned_off(self):
        self.serve(limit=0)
        self.connect(self.proxy_socket())
        os.kill(self.proxy, signal.SIGSTOP)
        self.assert_stands_still(12) # more than the limit unless told


if __name__ == "__main__":
    guest.main()
