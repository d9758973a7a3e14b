"""Who may debug an instance: docs/security.md and docs/control-protocol.md against real machines, from the wire."""

import json
import re
import shutil
import socket
import struct
import subprocess
import time

import guest
from by_hand import Machine, eventually
from control_channel import HEADER, MAGIC, REPLY, VERSION
from handshake import CHALLENGE, Key, Login, Refused, silence
from vsock_machine import VsockMachine

GUARDED = ("gdb", "control", "trace", "crash")
QUERY_HELLO, QUERY_STATUS, RECORD_START, RECORD_STOP, SNAPSHOT, PROBE_ENABLE, ACKNOWLEDGE = range(16, 23)
HELLO_FRAME, AUDIT_FRAME = 1, 4
NOT_PERMITTED = 1


class PortMachine(Machine):
    """Every channel on a virtio-serial port."""

    def __init__(self, test, image, *arguments, machine="microvm", has_entropy=True, **options):
        self.machine = machine
        self.has_entropy = has_entropy
        super().__init__(test, image, *arguments, **options)

    def command(self):
        words = super().command()
        uart = words.index("isa-serial,chardev=gdb,iobase=0x2f8,irq=3")
        del words[uart - 1:uart + 1]
        words += ["-device", "virtserialport,chardev=gdb,name=uniscope.gdb"]
        if not self.has_entropy:
            words[words.index("max")] = "max,-rdrand,-rdseed"
            return words
        if self.machine == "microvm":
            return words + ["-device", "virtio-rng-device"]
        words[words.index("microvm,isa-serial=off")] = "q35"
        words[words.index("virtio-serial-device")] = "virtio-serial-pci"
        return words + ["-device", "virtio-rng-pci"]

    def connect(self, channel, seconds=20):
        connection = socket.socket(socket.AF_UNIX)
        self.test.addCleanup(connection.close)
        connection.settimeout(seconds)
        connection.connect(str(self.directory / f"uniscope.{channel}"))
        return connection


class Stub:
    """gdb's packets on a connection that has been let in."""

    def __init__(self, connection):
        self.connection = connection

    @staticmethod
    def frame(text):
        body = text.encode("latin-1")
        return b"$" + body + b"#%02x" % (sum(body) % 256)

    def ask(self, text):
        self.connection.sendall(self.frame(text))
        data = b""
        while not re.search(rb"\$[^#]*#..", data):
            piece = self.connection.recv(4096)
            if not piece:
                raise EOFError("the stub closed the connection")
            data += piece
        self.connection.sendall(b"+")
        return re.search(rb"\$([^#]*)#..", data).group(1).decode("latin-1")


def frame(kind, request=0, body=b""):
    return HEADER.pack(MAGIC, VERSION, kind, request, len(body)) + body


def read_frame(connection, kind):
    """The body of the next frame of this kind."""
    def receive(size):
        data = b""
        while len(data) < size:
            piece = connection.recv(size - len(data))
            if not piece:
                raise EOFError("the control channel was closed")
            data += piece
        return data
    while True:
        magic, version, found, _, length = HEADER.unpack(receive(HEADER.size))
        assert (magic, version) == (MAGIC, VERSION)
        body = receive(length)
        if found == kind:
            return body


class AuthTest(guest.GuestTest):
    def setUp(self):
        super().setUp()
        self.image = guest.image("debuggee")

    def log_in(self, machine, key, channel, role="operator", tries=40, **options):
        """On a connection of its own; what earlier attempts have cost is waited for."""
        for _ in range(tries):
            connection = machine.connect(channel)
            try:
                return Login(connection, key, channel, role, **options).run()
            except Refused as refused:
                connection.close()
                if refused.reason != "rate limited":
                    raise
                time.sleep(refused.wait_ms / 1000)
        self.fail("the limit on attempts did not end")

    def refusal(self, machine, key, channel, role):
        with self.assertRaises(Refused) as caught:
            self.log_in(machine, key, channel, role)
        return caught.exception.reason

    def output(self, machine):
        """The app's own lines, from a connection to its console."""
        return machine.connect("console")

    def assert_runs(self, console):
        """The app prints a line that it had not begun before."""
        console.setblocking(False)
        try:
            while console.recv(65536):
                pass
        except BlockingIOError:
            pass
        console.settimeout(30)
        data = b""
        while data.count(b"round") < 3:
            piece = console.recv(4096)
            self.assertTrue(piece, "the machine ended")
            data += piece

    # Closed unless opened

    def test_without_configuration_nothing_answers(self):
        key = Key()
        for machine in guest.MACHINES:
            with self.subTest(machine):
                closed = PortMachine(self, self.image, "serve", machine=machine, name=f"closed-{machine}",
                                     kernel_words=())
                console = self.output(closed)
                self.assert_runs(console)
                for channel in GUARDED:
                    connection = closed.connect(channel)
                    for bytes_sent in (Stub.frame("qSupported"), Stub.frame("?"), b"\x03", frame(QUERY_HELLO),
                                       frame(SNAPSHOT, 1), Login(connection, key, channel).make_hello(),
                                       bytes(range(256)) * 16):
                        connection.settimeout(5)
                        try:
                            connection.sendall(bytes_sent)
                        except socket.timeout:
                            break # nobody takes it in
                    self.assertEqual(silence(connection, 1), b"", channel)
                    connection.close()
                self.assert_runs(console)
                closed.end()

    def test_without_configuration_vsock_is_the_apps_alone(self):
        for machine in guest.MACHINES:
            with self.subTest(machine):
                closed = VsockMachine(self, machine, self.image, "serve", is_open=False)
                closed.wait_for("round")
                for port in range(6600, 6605):
                    with self.assertRaises(ConnectionRefusedError):
                        closed.connect(port)

    def test_vsock_asks_for_a_key(self):
        key = Key()
        guarded = VsockMachine(self, "q35", self.image, "serve", is_open=False, words=[key.word("operator")])
        guarded.wait_for("round")
        connection = guarded.connect(6602)
        self.addCleanup(connection.close)
        connection.sendall(Stub.frame("qSupported"))
        self.assertEqual(silence(connection, 1), b"")
        connection.settimeout(20)
        Login(connection, key, "gdb").run()
        self.assertIn("PacketSize", Stub(connection).ask("qSupported"))
        self.assertRegex(Stub(connection).ask("?"), "^[TS]05")
        self.assertEqual(Stub(connection).ask("D"), "OK")

    def test_without_random_numbers_nobody_gets_in(self):
        key = Key()
        poor = PortMachine(self, self.image, "serve", has_entropy=False, kernel_words=[key.word("operator")])
        self.assert_runs(self.output(poor))
        self.assertEqual(self.refusal(poor, key, "gdb", "operator"), "no entropy")

    # Who gets in

    def test_roles_at_the_gate_and_in_the_guest(self):
        keys = {role: Key() for role in ("tracer", "observer", "operator")}
        machine = PortMachine(self, self.image, "serve", kernel_words=[
            keys[role].word(role, role) for role in keys])
        console = self.output(machine)
        self.assert_runs(console)
        lowest = {"gdb": "observer", "control": "tracer", "trace": "tracer", "crash": "observer"}
        order = list(keys)
        for channel in ("gdb", "control"):
            for index, role in enumerate(order):
                if index >= order.index(lowest[channel]):
                    login = self.log_in(machine, keys[role], channel, role)
                    self.assertEqual(login.granted, index + 1)
                    login.connection.close()
                else:
                    self.assertEqual(self.refusal(machine, keys[role], channel, role), "channel")
        self.assertEqual(self.refusal(machine, keys["tracer"], "control", "operator"), "role")

        with self.subTest("observer on gdb"):
            self.check_observer(machine, keys["observer"], console)
        for role in keys:
            with self.subTest(f"{role} on control"):
                self.check_control(machine, keys[role], role)
        self.assert_runs(console)

    def check_observer(self, machine, key, console):
        login = self.log_in(machine, key, "gdb", "observer")
        stub = Stub(login.connection)
        self.assertIn("PacketSize", stub.ask("qSupported"))
        address = guest.symbols(self.image)["main"]
        text = stub.ask(f"m{address:x},8")
        self.assertRegex(text, "^[0-9a-f]{16}$")
        threads = stub.ask("qfThreadInfo")
        self.assertRegex(threads, "^m[0-9a-f]+,")
        # The helper sleeps: a thread that does not run has registers to show.
        stub.ask("Hg2")
        eventually(lambda: not stub.ask("g").startswith("E"), what="registers of a thread that waits")
        for packet in ("?", "c", "s", "vCont;c", "vCont;s:1", "k", "vKill;1", "G00", "P0=ffffffffffffffff",
                       f"M{address:x},1:cc", f"X{address:x},1:z", f"Z0,{address:x},1", f"z0,{address:x},1",
                       f"Z1,{address:x},1", f"Z2,{address:x},8", "qRcmd,68656c70"):
            self.assertRegex(stub.ask(packet), "^E", packet)
        login.connection.sendall(b"\x03")
        self.assertEqual(stub.ask(f"m{address:x},8"), text)
        self.assert_runs(console)
        login.connection.close()

    def check_control(self, machine, key, role):
        connection = self.log_in(machine, key, "control", role).connection
        read_frame(connection, HELLO_FRAME)
        allowed = [QUERY_STATUS, PROBE_ENABLE, RECORD_STOP]
        for kind in range(16, 64):
            if kind in (QUERY_HELLO, RECORD_START, SNAPSHOT):
                continue
            if kind == ACKNOWLEDGE and role == "operator":
                continue # has no answer
            body = struct.pack("<II", 1, 1) + b"*" if kind == PROBE_ENABLE else b""
            connection.sendall(frame(kind, kind, body))
            error = struct.unpack_from("<i", read_frame(connection, REPLY))[0]
            self.assertEqual(error == NOT_PERMITTED, role != "operator" and kind not in allowed, (role, kind, error))
        connection.close()

    def test_attempts_that_fail(self):
        alice, mallory = Key(), Key()
        machine = PortMachine(self, self.image, "serve", kernel_words=[alice.word("operator", "alice")])
        console = self.output(machine)
        self.assert_runs(console)

        with self.subTest("a key that nobody enrolled, and the limit on attempts"):
            connection = machine.connect("gdb")
            with self.assertRaises(Refused) as first:
                Login(connection, mallory, "gdb").run()
            with self.assertRaises(Refused) as second:
                Login(connection, alice, "gdb").run()
            self.assertEqual((first.exception.reason, second.exception.reason), ("unknown key", "rate limited"))
            self.assertGreater(second.exception.wait_ms, 0)
            connection.close()

        with self.subTest("a signature of another key"):
            login = Login(machine.connect("gdb"), alice, "gdb")
            time.sleep(0.3)
            login.connection.sendall(login.make_hello())
            challenge = login.read_message(CHALLENGE)
            login.key = mallory
            login.connection.sendall(login.make_proof(challenge))
            with self.assertRaises(Refused) as caught:
                login.read_message()
            self.assertEqual(caught.exception.reason, "signature")
            login.connection.close()

        with self.subTest("a recorded login, once more"):
            recorded = self.log_in(machine, alice, "gdb")
            recorded.connection.close()
            replay = Login(machine.connect("gdb"), mallory, "gdb")
            replay.connection.sendall(recorded.hello + recorded.proof)
            self.assertNotEqual(replay.read_message(CHALLENGE), recorded.challenge)
            with self.assertRaises(Refused) as caught:
                replay.read_message()
            self.assertEqual(caught.exception.reason, "signature")
            replay.connection.close()

        with self.subTest("half a Hello, and one that says it is longer"):
            self.log_in(machine, alice, "gdb").connection.close() # ends the limit
            for hello in (Login(None, alice, "gdb").make_hello()[:100],
                          Login(None, alice, "gdb").make_hello(length=0xFFFFFFF0),
                          Login(None, alice, "gdb").make_hello()[:-1]):
                connection = machine.connect("gdb")
                connection.sendall(hello + Stub.frame("qSupported"))
                answer = silence(connection, 1)
                self.assertNotIn(b"PacketSize", answer)
                self.assertFalse(answer.startswith((b"+", b"$")), answer)
                connection.close()

        with self.subTest("bytes that are not the host's, in a session with records"):
            login = self.log_in(machine, alice, "gdb", records=True)
            login.connection.sendall(login.seal(Stub.frame("qAttached")))
            answer = b""
            while b"$1#31" not in answer:
                answer += login.open()
            forged = login.seal(b"+" + Stub.frame("M10000,1:cc"))
            login.connection.sendall(forged[:20] + bytes([forged[20] ^ 1]) + forged[21:])
            login.connection.sendall(Stub.frame("qSupported"))
            self.assertEqual(silence(login.connection, 1), b"")
            login.connection.close()
        self.assert_runs(console)
        self.log_in(machine, alice, "gdb").connection.close()

    # The tools

    def uniscope(self, *words, status=0):
        result = guest.run(guest.BIN / "uniscope", *words, env=self.environment, cwd=self.directory)
        self.assertEqual(result.returncode == 0, status == 0, result.stdout + result.stderr)
        return result.stdout + result.stderr

    def test_with_the_tools(self):
        for name in ("mine", "theirs", "watcher"):
            self.uniscope("key", "new", name)
        words = [self.uniscope("key", "enroll", "--role", "operator", "mine").strip(),
                 self.uniscope("key", "enroll", "--role", "tracer", "watcher").strip()]
        machine = PortMachine(self, self.image, "serve", kernel_words=words)
        endpoint = f"unix:{machine.directory}"
        self.assert_runs(self.output(machine))

        def forget():
            guest.run(guest.BIN / "uniscope", "rm", "shop", env=self.environment)
        self.addCleanup(forget)
        self.assertIn("does not know the key `theirs`",
                      self.uniscope("add", "--key", "theirs", "--image", self.image, "shop", endpoint))
        forget()
        self.uniscope("add", "--key", "watcher", "--image", self.image, "shop", endpoint)
        summary = json.loads(self.uniscope("record", "-d", "300ms", "-o", "a.trace", "--json", "shop"))
        self.assertGreater(summary["events_delivered"], 0)
        self.assertIn("tracer has nothing on the gdb channel", self.uniscope("gdb", "shop", "--", "-batch", status=1))
        forget()
        self.uniscope("add", "--key", "mine", "--image", self.image, "shop", endpoint)
        recorder = subprocess.Popen([guest.BIN / "uniscope", "record", "-d", "8s", "-o", "b.trace", "shop"],
                                    env=self.environment, cwd=self.directory, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
        self.addCleanup(recorder.wait)
        eventually(lambda: any(file.stat().st_size for file in (self.directory / "b.trace").glob("cpu*")),
                   what="packets")
        output = self.uniscope("gdb", "shop", "--", "-nx", "-batch", "-iex", "set confirm off",
                               "-ex", "break serve_round", "-ex", "continue", "-ex", "set var *(int*)($sp - 64) = 7",
                               "-ex", "delete", "-ex", "detach")
        self.assertIn("hit Breakpoint 1", output)
        entries = eventually(lambda: self.audit_until("debugger-left"), what="the end of the session in the audit")
        events = [entry["event"] for entry in entries]
        for event in ("session-began", "attempt-refused", "debugger-attached", "point-set", "memory-written",
                      "point-removed"):
            self.assertIn(event, events)
        self.assertIn(("session-began", "gdb", "operator", "mine"),
                      [(entry["event"], entry["channel"], entry["role"], entry.get("key")) for entry in entries])
        self.assertRegex(self.uniscope("audit", "shop"), r"operator +- +wrote \d+ bytes at 0x[0-9a-f]+")
        self.assertEqual(recorder.wait(60), 0)
        if shutil.which("babeltrace2"):
            text = guest.run("babeltrace2", self.directory / "b.trace").stdout
            self.assertRegex(text, r"audit: .*kind = 7,")
        # Its core comes to who has shown the key.
        self.uniscope("gdb", "shop", "--", "-nx", "-batch", "-iex", "set confirm off", "-ex", "break serve_round",
                      "-ex", "continue", "-ex", "set var $pc = 0x10", "-ex", "delete", "-ex", "detach")

        def report():
            return guest.run(guest.BIN / "uniscope", "crash", "show", "shop", env=self.environment).stdout
        eventually(lambda: "0x10" in report(), seconds=60, what="the core")

    def audit_until(self, event):
        entries = json.loads(self.uniscope("audit", "--json", "shop"))
        return entries if any(entry["event"] == event for entry in entries) else None

    def test_run_closed(self):
        key = self.uniscope("key", "new").split()[0]
        word = self.uniscope("key", "enroll", "--role", "operator", "default").strip()
        options = [["--link", link, "--kernel-option", option]
                   for link, option in (("virtio-serial", f"key=operator:{key}"), ("vsock", word), ("serial", word))]
        for words, fails in (*((words, False) for words in options), ([], True)):
            with self.subTest(words):
                name = self.uniscope("run", "-d", "--closed", "--name", "closed", *words, self.image, "serve").strip()
                self.addCleanup(lambda: guest.run(guest.BIN / "uniscope", "kill", "closed", env=self.environment))
                def debug():
                    return guest.run(guest.BIN / "uniscope", "gdb", name, "--", "-nx", "-batch", "-ex", "print 6 * 7",
                                     env=self.environment)
                if fails:
                    self.assertIn("no key is enrolled", debug().stderr)
                else:
                    self.assertIn("= 42", debug().stdout)
                self.uniscope("kill", name)
                eventually(lambda: not json.loads(self.uniscope("ps", "--json")), what="its end")


if __name__ == "__main__":
    guest.main()
