"""A machine that was started by hand with one UART, and a line to it that damages what it carries."""

import os
import random
import selectors
import socket
import subprocess
import threading
import time

from by_hand import eventually


class SerialMachine:
    """QEMU with one 16550, whose other end is the Unix socket `path`, and no other way to the host."""

    def __init__(self, test, image, *arguments, machine="microvm", cpus=1, words=("uniscope.serial=mux",),
                 name="line"):
        self.path = test.directory / name
        kind = ["-machine", "q35"]
        if machine == "microvm":
            kind = ["-machine", "microvm,isa-serial=off", "-global", "virtio-mmio.force-legacy=false"]
        log = test.directory / f"{name}.log"
        with open(log, "w") as output:
            self.process = subprocess.Popen(
                ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", *kind, "-accel", "tcg",
                 "-cpu", "max", "-smp", str(cpus), "-m", "128M", "-no-reboot",
                 "-chardev", f"socket,id=line,path={self.path},server=on,wait=off",
                 "-device", "isa-serial,chardev=line,iobase=0x3f8,irq=4", "-kernel", str(image),
                 "-append", " ".join(["uniscope.debug=open", *words, "--", image.name, *map(str, arguments)])],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        test.addCleanup(self.end)
        eventually(lambda: self.path.exists() or self.process.poll() is not None)
        if self.process.poll() is not None:
            test.fail("QEMU ended: " + log.read_text())

    def is_running(self):
        return self.process.poll() is None

    def end(self):
        if self.is_running():
            self.process.kill()
        self.process.wait()


class BadLine:
    """Listens at `path` and joins one client at a time with `target`. Each byte is flipped in one bit, dropped,
    doubled, or the last of its piece, with the probability of `percent` each; what is behind a split comes a moment
    later. `eats` names bytes that never get through, `mask` the bits that do."""

    def __init__(self, test, path, target, percent=1.0, seed=1, eats=b"", mask=0xff):
        self.path = path
        self.counts = {"bytes": 0, "flipped": 0, "dropped": 0, "doubled": 0, "split": 0}
        self._target = target
        self._share = percent / 100
        self._eats = eats
        self._mask = mask
        self._random = random.Random(seed)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._wake, self._woken = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        test.addCleanup(self.close)

    def close(self):
        if self._listener is None:
            return
        os.write(self._woken, b"x")
        self._thread.join(10)
        self._listener.close()
        self._listener = None
        os.close(self._wake)
        os.close(self._woken)

    def _damage(self, data):
        """The pieces that come out of it."""
        pieces, piece = [], bytearray()
        share = self._share
        for byte in data:
            if byte in self._eats:
                continue
            byte &= self._mask
            chance = self._random.random()
            if chance < share:
                byte ^= 1 << self._random.randrange(8)
                self.counts["flipped"] += 1
            elif chance < 2 * share:
                self.counts["dropped"] += 1
                continue
            piece.append(byte)
            if 2 * share <= chance < 3 * share:
                piece.append(byte)
                self.counts["doubled"] += 1
            elif 3 * share <= chance < 4 * share:
                pieces.append(bytes(piece))
                piece = bytearray()
                self.counts["split"] += 1
        self.counts["bytes"] += len(data)
        return [*pieces, bytes(piece)]

    def _run(self):
        while self._wait(self._listener):
            client, _ = self._listener.accept()
            with client, socket.socket(socket.AF_UNIX) as guest:
                guest.connect(str(self._target))
                self._join(client, guest)

    def _wait(self, *sockets):
        """Those that are readable; nothing when it is over."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            for one in sockets:
                selector.register(one, selectors.EVENT_READ)
            ready = [key.fileobj for key, _ in selector.select()]
            return [] if self._wake in ready else ready

    def _join(self, client, guest):
        while ready := self._wait(client, guest):
            for source in ready:
                sink = guest if source is client else client
                try:
                    data = source.recv(4096)
                    if not data:
                        return
                    for piece in self._damage(data):
                        sink.sendall(piece)
                        time.sleep(0.0005)
                except OSError:
                    return
