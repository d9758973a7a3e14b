#!/usr/bin/env python3
"""A stand-in for QEMU and the guest in it: what the supervisor sees of a machine, without a machine.

The app's first argument says what happens (see the functions named after it); FAKE_QEMU_LOG gets a line for each thing
that the tool did to the machine.
"""

import json
import os
import socket
import struct
import sys
import threading
import time
import urllib.parse

HELLO, REPLY, EXITED = 1, 2, 3
QUERY_HELLO, RECORD_START, RECORD_STOP, SNAPSHOT, ACKNOWLEDGE = 16, 18, 19, 20, 22
TRACE_PACKET, TRACE_END = 32, 33
CORE_BEGIN, CORE_DATA, CORE_END = 48, 49, 50


def log(*words):
    if path := os.environ.get("FAKE_QEMU_LOG"):
        with open(path, "a") as file:
            print(*words, file=file, flush=True)


def receive_exactly(channel, size):
    data = b""
    while len(data) < size:
        piece = channel.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def frame(kind, body=b"", request=0):
    return struct.pack("<IHHII", 0x31465355, 1, kind, request, len(body)) + body


class Machine:
    def __init__(self, arguments):
        self.channels = {}
        append = ""
        for option, value in zip(arguments, arguments[1:]):
            if option == "-chardev":
                fields = dict(field.split("=", 1) for field in value.split(",")[1:])
                self.channels[fields["id"]] = socket.socket(fileno=int(fields["fd"]))
            if option == "-append":
                append = value
            if option == "-kernel":
                self.kernel = value
            if option == "-initrd":
                with open(value, "rb") as file:
                    log("initrd", file.read(6).decode())
        kernel_words, _, app_words = append.partition("-- ")
        self.words = [urllib.parse.unquote(word) for word in app_words.split()]
        log("kernel words", *kernel_words.split())
        log("words", self.words)
        self.acknowledged = threading.Event()
        self.recording = threading.Event()
        self.packets = 0
        self.stub_ignores_interrupts = "deaf" in self.words
        self.no_ack = False
        self.resumed = False  # gdb waits for a stop
        for function in (self.serve_qmp, self.serve_control, self.serve_gdb):
            threading.Thread(target=function, daemon=True).start()

    def send(self, channel, data):
        self.channels[channel].sendall(data)

    def print(self, text):
        self.send("console", text.encode())

    def event(self, name, data):
        self.send("qmp", (json.dumps({"event": name, "data": data}) + "\r\n").encode())

    def shutdown(self, reason):
        self.event("SHUTDOWN", {"guest": True, "reason": reason})

    def hello(self, request=0):
        build_id = bytes.fromhex(os.environ.get("FAKE_QEMU_BUILD_ID", "00" * 20))
        body = build_id + struct.pack("<IQQQQQII", 1, 10**9, 10**9, time.time_ns(), 4096, 8, 0, 0)
        self.send("control", frame(HELLO, body, request))

    def exit(self, status, signal=0):
        self.send("control", frame(EXITED, struct.pack("<II", status, signal)))
        log("acknowledged", self.acknowledged.wait(1))
        self.shutdown("guest-shutdown")

    def packet(self):
        """A CTF packet without events, which says that ten were lost before it."""
        self.packets += 1
        stamp = 10**9 + self.packets * 1000
        header = struct.pack("<I16sIQQQQQQQII", 0xC1FC1FC1, bytes(16), 0, stamp, stamp + 500, 88 * 8, 4096 * 8,
                             self.packets - 1, 10, 10, 0, 0)
        self.send("trace", frame(TRACE_PACKET, header + bytes(4096 - len(header))))

    def trace_end(self, snapshot):
        self.send("trace", frame(TRACE_END, struct.pack("<QQII", 10, 10, snapshot, 0)))

    def record(self):
        while self.recording.wait():
            self.packet()
            time.sleep(0.02)

    def serve_control(self):
        threading.Thread(target=self.record, daemon=True).start()
        channel = self.channels["control"]
        while True:
            _, _, kind, request, length = struct.unpack("<IHHII", receive_exactly(channel, 16))
            receive_exactly(channel, length)
            log("control", kind)
            if kind == ACKNOWLEDGE:
                self.acknowledged.set()
            elif kind == QUERY_HELLO:
                self.hello(request)
            else:
                self.send("control", frame(REPLY, struct.pack("<iI", 0, 0), request))
            if kind == RECORD_START:
                self.recording.set()
            elif kind == RECORD_STOP:
                self.recording.clear()
                time.sleep(0.05)
                self.packet()
                self.trace_end(0)
            elif kind == SNAPSHOT:
                for _ in range(3):
                    self.packet()
                self.trace_end(1)

    def serve_qmp(self):
        self.send("qmp", b'{"QMP": {"version": {}, "capabilities": []}}\r\n')
        for line in self.channels["qmp"].makefile("r"):
            command = json.loads(line)
            log("qmp", command["execute"])
            if command["execute"] == "dump-guest-memory":
                with open(command["arguments"]["protocol"].removeprefix("file:"), "wb") as file:
                    file.write(b"DUMP")
            if command["execute"] == "inject-nmi":
                self.interrupt()
            self.send("qmp", b'{"return": {}}\r\n')
            if command["execute"] == "quit":
                os._exit(0)

    def interrupt(self):
        if self.resumed:
            self.resumed = False
            self.send("gdb", b"$T02thread:1;#d4")

    def serve_gdb(self):
        """The fewest packets that a session needs."""
        data = b""
        while piece := self.channels["gdb"].recv(4096):
            data += piece
            while data:
                if data[:1] == b"\x03":
                    log("gdb", data[:1])
                    if not self.stub_ignores_interrupts:
                        self.interrupt()
                if data[:1] != b"$":
                    data = data[1:] # acknowledgements, and noise, which stubs skip
                    continue
                end = data.find(b"#")
                if end < 0 or len(data) < end + 3:
                    break
                payload, data = data[1:end], data[end + 3:]
                log("gdb", payload.decode())
                reply = {b"?": b"T05thread:1;", b"D": b"OK", b"QStartNoAckMode": b"OK"}.get(payload, b"")
                if payload == b"c":
                    self.resumed = True
                    continue
                ack = b"" if self.no_ack else b"+"
                self.send("gdb", ack + b"$%s#%02x" % (reply, sum(reply) & 255))
                self.no_ack = payload == b"QStartNoAckMode" or (self.no_ack and payload != b"D")


def exits(machine, status="0", *_):
    machine.print("hello\n")
    machine.hello()
    machine.exit(int(status))


def echo(machine, *_):
    machine.hello()
    for line in machine.channels["console"].makefile("rb"):
        machine.send("console", b"got " + line)
        if line == b"bye\n":
            machine.exit(0)


def until_end(machine, *_):
    data = b""
    while not data.endswith(b"\x04") or data.endswith(b"\x10\x04"):
        data += machine.channels["console"].recv(4096)
    machine.print(f"{data}\n")
    machine.hello()
    machine.exit(0)


def serve(machine, *_):
    machine.print("serving\n")
    machine.hello()


def mute(machine, *_):
    machine.print("nobody hears me\n")


def crash(machine, *_):
    machine.hello()
    reason = b"write to 0x0, which is not mapped"
    machine.send("crash", frame(CORE_BEGIN, struct.pack("<QII", 8, 11, len(reason)) + reason))
    machine.send("crash", frame(CORE_DATA, b"\x7fELF") + frame(CORE_DATA, b"core"))
    machine.send("crash", frame(CORE_END, struct.pack("<Q", 8)))
    machine.exit(139, 11)


def half_core(machine, *_):
    machine.hello()
    machine.send("crash", frame(CORE_BEGIN, struct.pack("<QII", 8, 11, 4) + b"oops") + frame(CORE_DATA, b"\x7fELF"))
    machine.send("crash", b"this is no frame at all")


def triple(machine, *_):
    machine.hello()
    machine.shutdown("guest-reset")


def powers_off(machine, *_):
    machine.print("last words\n")
    machine.shutdown("guest-shutdown")


def dies(*_):
    print("qemu: no such machine", file=sys.stderr)
    sys.stderr.flush()
    os._exit(3)


def main():
    if "kvm" in sys.argv:
        sys.exit("qemu: there is no KVM in here")
    machine = Machine(sys.argv)
    scenario, *arguments = machine.words[1:] or ["exits"]
    globals()[scenario](machine, *arguments)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
