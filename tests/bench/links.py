#!/usr/bin/env python3
"""./dev bench links: what the app's bytes cost on each way to the host, beside a Linux guest on the same QEMU.

One program (tests/bench/links/LinkPeer.cpp) is the guest's end: as a unikernel, and, unless --no-linux, the same file as
/init of Debian's cloud kernel, which is fetched as a package and kept. virtio-serial and vsock are measured in turns in
one machine; the serial line is the framed one for the unikernel, and a bare 16550 for Linux. The figures are medians."""

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

VSOCK_PORT = 7000
PIECE = 65536
LINUX_MODULES = ["virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_mmio",
                 "virtio_console", "vsock", "vmw_vsock_virtio_transport_common", "vmw_vsock_virtio_transport"]


def say(text):
    print(text, file=sys.stderr, flush=True)


class Stream:
    """The host's end of a link."""

    def __init__(self, send, receive_into):
        self._send, self._receive_into = send, receive_into
        self._buffer = bytearray(1 << 20)

    @classmethod
    def of_socket(cls, connection):
        return cls(connection.sendall, connection.recv_into)

    @classmethod
    def of_process(cls, process):
        def send(data):
            while data:
                data = data[process.stdin.write(data):]
        return cls(send, process.stdout.readinto)

    def receive(self, size):
        view = memoryview(self._buffer)
        while size:
            count = self._receive_into(view[:min(size, len(view))])
            if not count:
                raise EOFError("the guest's end was closed")
            size -= count

    def command(self, what, size, count):
        self._send(struct.pack("<IIQ", ord(what), size, count))

    def round_trips(self, count, size=64):
        """Microseconds each."""
        message, times = b"p" * size, []
        self.command("E", size, count)
        for _ in range(count):
            started = time.perf_counter()
            self._send(message)
            self.receive(size)
            times.append((time.perf_counter() - started) * 1e6)
        return times

    def to_host(self, size):
        """MB/s, as all rates here: 10^6 bytes a second."""
        started = time.perf_counter()
        self.command("S", PIECE, size)
        self.receive(size)
        return size / (time.perf_counter() - started) / 1e6

    def to_guest(self, size):
        data = b"d" * PIECE
        started = time.perf_counter()
        self.command("R", PIECE, size)
        for sent in range(0, size, PIECE):
            self._send(data[:size - sent])
        self.receive(len("received"))
        return size / (time.perf_counter() - started) / 1e6


class Machine:
    """A guest in QEMU with both virtio links; leaving ends it."""

    def __init__(self, options, machine, directory):
        self.options, self.machine, self.directory = options, machine, directory
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, words, **how):
        process = subprocess.Popen([str(word) for word in words], **how)
        self.processes.append(process)
        return process

    def port_words(self):
        return ["-chardev", f"socket,id=bench,path={self.directory / 'port'},server=on,wait=off",
                "-device", "virtserialport,chardev=bench,name=bench"]

    def connect_port(self):
        return Stream.of_socket(connect(self.directory / "port"))

    def connect_vsock(self, path):
        deadline = time.monotonic() + self.options.timeout
        while True:
            connection = connect(path)
            connection.sendall(f"CONNECT {VSOCK_PORT}\n".encode())
            answer = b""
            while not answer.endswith(b"\n") and (byte := connection.recv(1)):
                answer += byte
            if answer.startswith(b"OK"):
                return Stream.of_socket(connection)
            connection.close()
            if time.monotonic() > deadline:
                sys.exit("bench links: the guest does not listen on vsock")
            time.sleep(0.1)


def connect(path, timeout=60):
    deadline = time.monotonic() + timeout
    while True:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        try:
            connection.connect(str(path))
            return connection
        except OSError:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Unikernel(Machine):
    def run(self, link, peer_links, words=()):
        """`uniscope run` up to the line "ready"."""
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(self.directory), "XDG_DATA_HOME": str(self.directory),
                       "XDG_CACHE_HOME": str(self.directory)}
        extra = [part for word in words for part in ("--qemu-arg", word)]
        process = self.start([self.options.build / "bin/uniscope", "run", "--name", "bench", "--machine", self.machine,
                              "--accel", "tcg", "--link", link, *extra, self.options.build / "tests/bench/link_peer",
                              *peer_links], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=0)
        wait_until_ready(process.stdout)
        return process

    def open_links(self):
        device = "pci" if self.machine == "q35" else "device"
        # The instance's own channels are on vsock; the port is the app's.
        self.run("vsock", [f"vsock:{VSOCK_PORT}", "port:bench"],
                 [*(["-device", f"virtio-serial-{device}"]), *self.port_words()])
        return {"virtio_serial": self.connect_port(),
                "vsock": self.connect_vsock(self.directory / "uniscope/bench/vsock.sock")}

    def open_serial(self):
        return Stream.of_process(self.run("serial", ["-"]))


class LinuxGuest(Machine):
    def open_links(self):
        kernel, initrd = linux_files(self.options, self.directory)
        vhost = self.directory / "vhost"
        device = "pci" if self.machine == "q35" else "device"
        words = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max,-erms,-fsrm", "-smp", "1", "-m", "256",
                 "-object", "memory-backend-memfd,id=mem,size=256M,share=on", "-nodefaults", "-no-user-config",
                 "-display", "none", "-no-reboot", "-kernel", kernel, "-initrd", initrd,
                 "-chardev", f"file,id=console,path={self.directory / 'console'}",
                 "-chardev", f"socket,id=second,path={self.directory / 'second'},server=on,wait=off",
                 "-chardev", f"socket,id=vsock,path={vhost},server=on"]
        more = "console=ttyS0 quiet panic=-1"
        if self.machine == "microvm":
            words += ["-machine", "microvm,memory-backend=mem,acpi=on,isa-serial=off",
                      "-global", "virtio-mmio.force-legacy=false"]
            more += f" tsc_early_khz={tsc_khz()} tsc=reliable" # its clock has nothing to be calibrated by
        else:
            words += ["-machine", "q35,memory-backend=mem"]
        words += ["-device", "isa-serial,chardev=console,iobase=0x3f8,irq=4",
                  "-device", "isa-serial,chardev=second,iobase=0x2f8,irq=3",
                  "-device", f"vhost-user-vsock-{device},chardev=vsock",
                  "-device", f"virtio-serial-{device}", *self.port_words(),
                  "-append", f"{more} -- vsock:{VSOCK_PORT} port:bench tty:/dev/ttyS1"]
        self.start(words, stdin=subprocess.DEVNULL)
        self.start([self.options.build / "bin/uniscope-vsockd", "--connect", "--socket", vhost, "--cid", "5",
                    "--uds", self.directory / "v"])
        wait_for_text(self.directory / "console", "ready", self.options.timeout)
        return {"virtio_serial": self.connect_port(), "vsock": self.connect_vsock(self.directory / "v"),
                "serial": Stream.of_socket(connect(self.directory / "second"))}


def wait_until_ready(stream):
    line = b""
    while not line.endswith(b"ready\n") and not line.endswith(b"ready\r\n"):
        byte = stream.read(1)
        if not byte:
            sys.exit(f"bench links: the guest ended; it printed {line.decode(errors='replace')!r}")
        line += byte


def wait_for_text(path, text, seconds):
    deadline = time.monotonic() + seconds
    while not path.exists() or text not in path.read_text(errors="replace"):
        if time.monotonic() > deadline:
            sys.exit(f"bench links: no {text!r} on the Linux guest's console: {path.read_text(errors='replace')[-500:]}")
        time.sleep(0.1)


def tsc_khz():
    """What the guest's counter will count at: TCG passes the host's through."""
    log = subprocess.run(["dmesg"], capture_output=True, text=True).stdout
    if found := re.findall(r"tsc: (?:Refined TSC clocksource calibration: |Detected )([0-9.]+) MHz", log):
        return round(float(found[-1]) * 1000)
    return round(float(re.search(r"cpu MHz\s*: ([0-9.]+)", Path("/proc/cpuinfo").read_text())[1]) * 1000)


def linux_files(options, directory):
    """Kernel and initrd: Debian's cloud kernel, its modules and the peer."""
    cache = options.build / "source-cache/linux"
    if not list(cache.glob("root/boot/vmlinuz-*")):
        cache.mkdir(parents=True, exist_ok=True)
        depends = subprocess.run(["apt-cache", "depends", "linux-image-cloud-amd64"], check=True, capture_output=True,
                                 text=True).stdout
        package = re.search(r"Depends: (linux-image-[0-9]\S+)", depends)[1]
        say(f"fetching {package}")
        subprocess.run(["apt-get", "download", "-q", package], cwd=cache, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["dpkg-deb", "-x", next(cache.glob("*.deb")).name, "root"], cwd=cache, check=True)
    tree = directory / "initrd"
    (tree / "modules").mkdir(parents=True, exist_ok=True)
    files = {path.name.split(".")[0].replace("-", "_"): path for path in cache.glob("root/**/*.ko*")}
    for number, name in enumerate(name for name in LINUX_MODULES if name in files):
        target = tree / "modules" / f"{number}.ko"
        if files[name].suffix == ".xz":
            target.write_bytes(subprocess.run(["xz", "-dc", files[name]], check=True, capture_output=True).stdout)
        else:
            shutil.copy(files[name], target)
    shutil.copy(options.build / "tests/bench/link_peer", tree / "init")
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    initrd = directory / "initrd.cpio"
    with open(initrd, "wb") as output:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=tree, input=names.encode(), stdout=output, check=True)
    return next(cache.glob("root/boot/vmlinuz-*")), initrd


def measure(streams, options):
    """Medians by name, the links in turns."""
    samples = {}
    for number in range(-1, options.rounds):
        for link, stream in streams.items():
            size = options.serial_bytes if link == "serial" else options.bytes
            trips = options.trips // 4 if link == "serial" else options.trips
            result = {f"rtt_us_p50_{link}": statistics.median(stream.round_trips(trips)),
                      f"bulk_mb_s_{link}_to_host": stream.to_host(size),
                      f"bulk_mb_s_{link}_to_guest": stream.to_guest(size)}
            for name, value in result.items():
                if number >= 0: # the first round is for the emulator's translations
                    samples.setdefault(name, []).append(value)
    return {name: statistics.median(values) for name, values in samples.items()}


def bench_machine(options, machine):
    results = {}
    with tempfile.TemporaryDirectory(prefix="ub-") as name, Unikernel(options, machine, Path(name)) as guest:
        results["unikernel"] = measure(guest.open_links(), options)
    with tempfile.TemporaryDirectory(prefix="ub-") as name, Unikernel(options, machine, Path(name)) as guest:
        results["unikernel"] |= measure({"serial": guest.open_serial()}, options)
    if options.linux:
        with tempfile.TemporaryDirectory(prefix="ub-") as name, LinuxGuest(options, machine, Path(name)) as guest:
            results["linux"] = measure(guest.open_links(), options)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"), help="the build directory")
    parser.add_argument("--machine", choices=["microvm", "q35"], action="append", help="both unless told")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trips", type=int, default=1000, help="round trips a round")
    parser.add_argument("--bytes", type=int, default=64 << 20, help="in one direction a round")
    parser.add_argument("--serial-bytes", type=int, default=256 << 10)
    parser.add_argument("--timeout", type=float, default=120, help="seconds for a guest to come up")
    parser.add_argument("--no-linux", dest="linux", action="store_false", help="without the Linux guest beside it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    options.build = options.build.resolve()
    ratios, figures = {}, {}
    for machine in options.machine or ["microvm", "q35"]:
        results = bench_machine(options, machine)
        own, suffix = results["unikernel"], "" if machine == "microvm" else f"_{machine}"
        for name, what in (("bulk", "bulk_mb_s_{}_to_host"), ("rtt", "rtt_us_p50_{}")):
            ratios[f"vsock_over_virtio_serial_{name}{suffix}"] = \
                own[what.format("vsock")] / own[what.format("virtio_serial")]
        figures |= {name + suffix: value for name, value in own.items()}
        for name, value in results.get("linux", {}).items():
            figures[f"linux_{name}{suffix}"] = value
            ratios[f"{name}_over_linux{suffix}"] = own[name] / value
    figures = {name: round(value, 2) for name, value in figures.items()}
    ratios = {name: round(value, 3) for name, value in ratios.items()}
    figures |= {"rounds": options.rounds, "load": round(os.getloadavg()[0], 2)}
    if options.json:
        print(json.dumps({"bench": "links", "ratios": ratios, "figures": figures}))
        return
    for name, value in {**figures, **ratios}.items():
        print(f"{name:56} {value}")


if __name__ == "__main__":
    main()
