"""Machines that were not started by `uniscope run`: QEMU by hand, and what stands between it and the host's tools."""

import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

CHANNELS = ("console", "gdb", "control", "trace", "crash")
VSOCK_PORTS = {6600: "console", 6601: "control", 6602: "gdb", 6603: "trace", 6604: "crash"}


def eventually(condition, seconds=30, what="it"):
    """Seconds in which this process runs: a look after a long gap counts as half a second, since a host that does not
    run this process for a while does not run what it waits for either."""
    elapsed = 0
    last = time.monotonic()
    while not (value := condition()):
        if elapsed > seconds:
            break
        time.sleep(0.05)
        now = time.monotonic()
        elapsed += min(now - last, 0.5)
        last = now
    else:
        return value
    raise AssertionError(f"{what} did not happen in {seconds} s")


def start_logged(test, command, log):
    """A process whose output is appended to `log`; the test ends it."""
    with open(log, "ab") as output:
        process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=output)
    test.addCleanup(end_process, process)
    return process


def end_process(process):
    if process.poll() is None:
        process.kill()
    process.wait()


class Machine:
    """QEMU with a Unix socket a channel in `directory`, named as libvirt names them."""

    def __init__(self, test, image, *arguments, name="ports", gdb=None, cpus=1,
                 kernel_words=("uniscope.debug=open",)):
        self.test = test
        self.directory = test.directory / name
        self.directory.mkdir(exist_ok=True)
        self.image = image
        self.arguments = arguments
        self.kernel_words = kernel_words
        self.gdb = gdb
        self.cpus = cpus
        self.console = self.directory / "console.txt"
        self.process = None
        test.addCleanup(self.end)
        self.start()

    def command(self):
        words = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-machine",
                 "microvm,isa-serial=off", "-accel", "tcg", "-cpu", "max", "-m", "128M", "-no-reboot",
                 "-smp", str(self.cpus), "-global", "virtio-mmio.force-legacy=false"]
        for channel in CHANNELS:
            chardev = f"socket,path={self.directory}/uniscope.{channel},server=on,wait=off"
            if channel == "gdb" and self.gdb:
                chardev = self.gdb
            if channel == "console":
                chardev += f",logfile={self.console}"
            kind, _, rest = chardev.partition(",")
            words += ["-chardev", f"{kind},id={channel}" + ("," + rest if rest else "")]
        words += ["-device", "isa-serial,chardev=console,iobase=0x3f8,irq=4",
                  "-device", "isa-serial,chardev=gdb,iobase=0x2f8,irq=3", "-device", "virtio-serial-device"]
        for channel in ("control", "trace", "crash"):
            words += ["-device", f"virtserialport,chardev={channel},name=uniscope.{channel}"]
        return words + ["-kernel", str(self.image), "-append",
                        " ".join([*self.kernel_words, "--", self.image.name, *self.arguments])]

    def start(self):
        for path in self.directory.glob("uniscope.*"):
            path.unlink()
        self.log = self.directory / "qemu.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT)
        eventually(lambda: (self.directory / "uniscope.crash").exists() or self.process.poll() is not None)
        if self.process.poll() is not None:
            self.test.fail("QEMU ended: " + self.log.read_text())

    def is_running(self):
        return self.process.poll() is None

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()


class VsockBridge:
    """The Unix socket of a vsock device as Firecracker and Cloud Hypervisor have it, before a Machine's sockets."""

    def __init__(self, test, machine, path):
        self.machine = machine
        self.path = path
        self.refused = set()
        self._connections = []
        self._lock = threading.Lock()
        self._listener = None
        test.addCleanup(self.cut)
        self.mend()

    def mend(self):
        self._listener = socket.socket(socket.AF_UNIX)
        self.path.unlink(missing_ok=True)
        self._listener.bind(str(self.path))
        self._listener.listen(8)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self):
        """Every connection is lost, and nobody listens any more."""
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
            self.path.unlink(missing_ok=True)
        with self._lock:
            connections, self._connections = self._connections, []
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        line = b""
        while not line.endswith(b"\n"):
            piece = client.recv(1)
            if not piece:
                return client.close()
            line += piece
        channel = VSOCK_PORTS.get(int(line.split()[1]))
        if channel is None or channel in self.refused:
            return client.close()
        guest = socket.socket(socket.AF_UNIX)
        try:
            guest.connect(str(self.machine.directory / f"uniscope.{channel}"))
        except OSError:
            return client.close()
        with self._lock:
            self._connections += [client, guest]
        client.sendall(b"OK 1073741824\n")
        back = threading.Thread(target=self._copy, args=(guest, client), daemon=True)
        back.start()
        self._copy(client, guest)
        back.join()
        client.close()
        guest.close()

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def children_end(process):
    """Kills a process group that the test started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def make_fake_ssh(directory, environment):
    """A program `ssh` that runs the command here, in the environment of the `other host`; its directory."""
    programs = directory / "ssh-bin"
    programs.mkdir()
    exports = "\n".join(f"export {name}='{value}'" for name, value in environment.items())
    script = programs / "ssh"
    script.write_text(f"""#!/bin/sh
{exports}
echo "$*" >> '{directory}/ssh.log'
while [ "$1" != -- ]; do shift; done
shift
[ "$1" = elsewhere ] || {{ echo "ssh: Could not resolve hostname $1: Name or service not known" >&2; exit 255; }}
shift
exec "$@"
""")
    script.chmod(0o755)
    return programs


