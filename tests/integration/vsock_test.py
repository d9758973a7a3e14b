"""vsock in images: the app's AF_VSOCK sockets, and gdb's channel through a flood of other traffic."""

import random
import socket
import struct
import threading
import time
from pathlib import Path

import guest
import vsock_machine
from vsock_machine import VsockMachine, receive

CONTROL, ECHO, SINK, SOURCE, DEAF = range(7000, 7005)
GDB = 6602
PERIOD = 251 * 256
PATTERN = bytes((i * 7 + i // 251) & 0xFF for i in range(PERIOD))


def pattern(size):
    return (PATTERN * (size // PERIOD + 1))[:size]


class Sockets(guest.GuestTest):
    def serve(self, machine, **options):
        machine = VsockMachine(self, machine, guest.image("vsock_server"), **options)
        machine.wait_for("ready")
        return machine

    def obey(self, machine, line):
        connection = machine.connect(CONTROL)
        connection.sendall(line.encode() + b"\n")
        answer = receive(connection, 10_000).decode()
        connection.close()
        return answer.rstrip("\n")

    def test_without_a_peer_they_answer_as_linux_does(self):
        expected = (Path(__file__).parent / "vsock_local.txt").read_text()
        image = guest.image("vsock_local")
        if vsock_machine.has_vsock():
            self.assertEqual(self.as_process(image).stdout, expected)
        for machine in guest.MACHINES:
            with self.subTest(machine):
                instance = VsockMachine(self, machine, image)
                instance.qemu.wait(60)
                self.assertEqual(instance.output(), expected)

    def test_ports_of_an_image_that_uniscope_runs(self):
        for machine in guest.MACHINES:
            with self.subTest(machine):
                instance = self.start(guest.image("vsock_server"), options=("--link", "vsock", "--machine", machine))
                instance.wait_for(lambda line: line == "ready")
                connection = vsock_machine.connect(instance.directory / "vsock.sock", ECHO)
                connection.sendall(b"there and back")
                self.assertEqual(receive(connection, 14), b"there and back")
                connection.close()
                with self.assertRaises(ConnectionRefusedError):
                    vsock_machine.connect(instance.directory / "vsock.sock", GDB) # the supervisor has it

    def test_bytes_arrive_both_ways(self):
        size = 24 << 20
        for machine, cpus in (("q35", 1), ("microvm", 1), ("q35", 2)):
            with self.subTest(machine=machine, cpus=cpus):
                instance = self.serve(machine, cpus=cpus)
                self.assertIn("cid 5\n", instance.output())
                connection = instance.connect(SOURCE)
                connection.sendall(struct.pack("<Q", size))
                self.assertTrue(receive(connection, size + 1) == pattern(size))
                connection.close()

                connection = instance.connect(SINK)
                connection.sendall(pattern(size))
                connection.shutdown(socket.SHUT_WR)
                self.assertEqual(struct.unpack("<QQ", receive(connection, 100)), (size, 0))
                connection.close()

                # In pieces of any size, both ways at a time.
                connection = instance.connect(ECHO)
                data = random.Random(1).randbytes(4 << 20)
                sizes = random.Random(2)

                def send():
                    at = 0
                    while at < len(data):
                        piece = data[at:at + sizes.choice((1, 10, 1000, 100_000))]
                        connection.sendall(piece)
                        at += len(piece)
                    connection.shutdown(socket.SHUT_WR)

                sender = threading.Thread(target=send)
                sender.start()
                self.assertTrue(receive(connection, len(data) + 1) == data)
                sender.join()
                connection.close()

    def test_the_guest_connects_to_the_host(self):
        instance = self.serve("microvm")
        listener = instance.listen(5000)

        def serve():
            connection = listener.accept()[0]
            text = receive(connection, 10_000)
            connection.sendall(b"you said " + text)
            connection.close()

        server = threading.Thread(target=serve)
        server.start()
        self.assertEqual(self.obey(instance, "connect 5000 hello"), "you said hello")
        server.join()
        self.assertEqual(self.obey(instance, "connect 5001 hello"), "error ECONNRESET")

    def test_refused_ports_and_many_connections(self):
        instance = self.serve("q35")
        with self.assertRaises(ConnectionRefusedError):
            instance.connect(1234)
        # At a time: each has its own stream.
        connections = [instance.connect(ECHO) for _ in range(200)]
        for number, connection in enumerate(connections):
            connection.sendall(b"number %d" % number)
        for number, connection in enumerate(connections):
            self.assertEqual(receive(connection, len(b"number %d" % number)), b"number %d" % number)
        for connection in connections:
            connection.close()
        # In a row, more than there are places for at a time: closed ones are given back.
        for number in range(1500):
            connection = instance.connect(ECHO)
            if number % 2 == 0:
                connection.sendall(b"x")
                self.assertEqual(receive(connection, 1), b"x")
            connection.close()

    def test_a_connection_that_nobody_reads_holds_up_no_other(self):
        instance = self.serve("q35")
        deaf = instance.connect(DEAF)
        self.addCleanup(deaf.close)
        deaf.setblocking(False)
        stuck_since = time.monotonic()
        while time.monotonic() - stuck_since < 1:
            try:
                deaf.send(bytes(65536))
                stuck_since = time.monotonic()
            except BlockingIOError:
                time.sleep(0.02)
        connection = instance.connect(SINK)
        connection.sendall(pattern(4 << 20))
        connection.shutdown(socket.SHUT_WR)
        self.assertEqual(struct.unpack("<QQ", receive(connection, 100)), (4 << 20, 0))
        connection.close()


class Channels(guest.GuestTest):
    """gdb's channel, packet by packet."""

    def exchange(self, connection, command):
        connection.sendall(b"$%s#%02x" % (command, sum(command) & 0xFF))
        data = b""
        while not data.endswith(b"#") and data[-3:-2] != b"#":
            piece = connection.recv(4096)
            if not piece:
                self.fail(f"the channel was closed after {data}")
            data += piece
            data = data.lstrip(b"+")
        connection.sendall(b"+")
        return data[data.index(b"$") + 1:data.rindex(b"#")]

    def test_gdb_is_answered_through_a_flood_and_no_byte_is_lost(self):
        for machine, cpus in (("q35", 2), ("microvm", 1)):
            with self.subTest(machine):
                instance = VsockMachine(self, machine, guest.image("vsock_server"), cpus=cpus)
                instance.wait_for("ready")
                gdb = instance.connect(GDB)
                sent = []

                # Waits whenever the guest takes no more, and goes on when it does.
                def flood(connection):
                    block = pattern(PERIOD)
                    total = 0
                    while not done.is_set():
                        connection.sendall(block)
                        total += len(block)
                    connection.shutdown(socket.SHUT_WR)
                    sent.append((total, struct.unpack("<QQ", receive(connection, 100))))
                    connection.close()

                done = threading.Event()
                floods = [threading.Thread(target=flood, args=(instance.connect(SINK, 120),)) for _ in range(4)]
                for thread in floods:
                    thread.start()
                for _ in range(10):
                    self.assertRegex(self.exchange(gdb, b"?"), rb"^T")
                    for _ in range(20):
                        self.assertRegex(self.exchange(gdb, b"g"), rb"^[0-9a-fx]")
                    self.assertEqual(self.exchange(gdb, b"D"), b"OK")
                    time.sleep(0.02)
                # A second host is refused while this one is there, and may come when it is gone.
                with self.assertRaises(ConnectionRefusedError):
                    instance.connect(GDB)
                gdb.close()
                done.set()
                for thread in floods:
                    thread.join()
                self.assertEqual(len(sent), 4)
                for total, answer in sent:
                    self.assertEqual(answer, (total, 0))
                again = instance.connect(GDB)
                self.assertRegex(self.exchange(again, b"?"), rb"^T")
                self.assertEqual(self.exchange(again, b"D"), b"OK")
                again.close()


if __name__ == "__main__":
    guest.main()
