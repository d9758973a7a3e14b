"""An image in a QEMU machine with a vsock device, started by hand, and its backend beside it (docs/channels.md)."""

import os
import socket
import time

import guest
from by_hand import start_logged

# What QEMU's emulator is slow at: string instructions that say they are fast.
CPU = "max,-erms,-fsrm"
MEMORY = 256


class VsockMachine:
    """The image runs when the constructor returns; the test ends it."""

    def __init__(self, test, machine, image, *arguments, words=(), cpus=1, is_open=True):
        self.test = test
        self.directory = test.directory / f"vsock-{time.monotonic_ns()}"
        self.directory.mkdir()
        self.uds = self.directory / "v"
        self.console = self.directory / "console"
        words = ["uniscope.debug=open"] * is_open + list(words)
        device = "pci" if machine == "q35" else "device"
        command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", CPU, "-smp", cpus, "-m", MEMORY,
                   "-object", f"memory-backend-memfd,id=mem,size={MEMORY}M,share=on",
                   "-machine", f"{machine},memory-backend=mem" + (",isa-serial=off" if machine == "microvm" else ""),
                   "-nodefaults", "-no-user-config", "-display", "none", "-action", "reboot=shutdown",
                   "-chardev", f"file,id=console,path={self.console}",
                   "-device", "isa-serial,chardev=console,iobase=0x3f8,irq=4",
                   "-chardev", f"socket,id=vsock,path={self.directory / 'vhost'},server=on",
                   "-device", f"vhost-user-vsock-{device},chardev=vsock",
                   "-kernel", image, "-append", " ".join([*words, "--", str(image), *arguments])]
        if machine == "microvm":
            command += ["-global", "virtio-mmio.force-legacy=false"]
        self.qemu = start_logged(test, command, self.directory / "log")
        self.backend = start_logged(test, [guest.BIN / "uniscope-vsockd", "--connect", "--socket",
                                           self.directory / "vhost", "--cid", "5", "--uds", self.uds],
                                    self.directory / "log")

    def output(self):
        return self.console.read_text(errors="replace").replace("\r\n", "\n") if self.console.exists() else ""

    def describe(self):
        return f"console: {self.output()[-2000:]}\nlog: {(self.directory / 'log').read_text()[-2000:]}"

    def wait_for(self, text, seconds=60):
        deadline = time.monotonic() + seconds
        while text not in self.output():
            if self.qemu.poll() is not None or time.monotonic() > deadline:
                self.test.fail(f"{text!r} did not come; {self.describe()}")
            time.sleep(0.05)

    def connect(self, port, timeout=60):
        return connect(self.uds, port, timeout)

    def listen(self, port):
        """What the guest connects to at that port of the host."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{self.uds}_{port}")
        listener.listen(16)
        listener.settimeout(60)
        self.test.addCleanup(listener.close)
        return listener


def connect(uds, port, timeout=60):
    """A connection to the guest's port by the device's Unix socket; ConnectionRefusedError when it refuses."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout)
    connection.connect(str(uds))
    connection.sendall(b"CONNECT %d\n" % port)
    line = b""
    while not line.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            connection.close()
            raise ConnectionRefusedError(port)
        line += byte
    assert line.startswith(b"OK "), line
    return connection


def receive(connection, size):
    """Exactly `size` bytes, or fewer at the end."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 1 << 18))
        if not piece:
            break
        data += piece
    return bytes(data)


def has_vsock():
    """Whether this machine's kernel knows the family."""
    try:
        socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close()
        return os.path.exists("/dev/vsock")
    except OSError:
        return False
