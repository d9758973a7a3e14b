"""The virtio-serial ports that are the app's own: /dev/virtio-ports/NAME."""

import random
import socket
import threading

import guest
from by_hand import eventually

NAME = "org.example.data"


class Ports(guest.GuestTest):
    def start_echo(self, machine, cpus, name=NAME):
        self.path = self.directory / "port"
        self.path.unlink(missing_ok=True)
        words = ["-chardev", f"socket,id=data,path={self.path},server=on,wait=off",
                 "-device", f"virtserialport,chardev=data,name={NAME}",
                 "-chardev", "null,id=other", "-device", "virtserialport,chardev=other,name=org.example.other"]
        options = ["--link", "virtio-serial", "--machine", machine, "--cpus", str(cpus)]
        for word in words:
            options += ["--qemu-arg", word]
        return self.start(guest.image("port_echo"), name, options=options)

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        self.addCleanup(connection.close)
        connection.settimeout(60)
        eventually(lambda: connection.connect_ex(str(self.path)) == 0)
        return connection

    def assert_echoes(self, connection, size):
        data = random.Random(size).randbytes(size)
        sender = threading.Thread(target=connection.sendall, args=(data,))
        sender.start()
        heard = bytearray()
        while len(heard) < size:
            piece = connection.recv(1 << 16)
            self.assertTrue(piece, "the guest's end was closed")
            heard += piece
        sender.join()
        self.assertEqual(bytes(heard), data)

    def test_bytes_go_both_ways(self):
        for machine in guest.MACHINES:
            for cpus in (1, 2):
                with self.subTest(machine=machine, cpus=cpus):
                    instance = self.start_echo(machine, cpus)
                    # Uniscope's own ports are no business of the app.
                    eventually(lambda: any(line.startswith("once more") for line in instance.lines))
                    self.assertEqual(sorted(line for line in instance.lines if line.startswith("port ")),
                                     [f"port {NAME}", "port org.example.other"])
                    self.assertIn("once more: Device or resource busy", instance.lines)
                    connection = self.connect()
                    self.assert_echoes(connection, 1)
                    self.assert_echoes(connection, 3_000_000)
                    since = len(instance.lines)
                    connection.close()
                    instance.wait_for(lambda line: line == "the host has left", since)
                    connection = self.connect()
                    instance.wait_for(lambda line: line == "the host is here", since)
                    self.assert_echoes(connection, 100_000)
                    connection.sendall(b"quit\n")
                    self.assertEqual(instance.wait(), 42)

    def test_a_name_that_there_is_not(self):
        instance = self.start_echo("microvm", 1, name="org.example.none")
        self.assertEqual(instance.wait(), 1)


if __name__ == "__main__":
    guest.main()
