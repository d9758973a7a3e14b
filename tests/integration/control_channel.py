"""The frames of an instance's control channel (docs/channels.md, probes/wire/Channel.h), from the host's side."""

import socket
import struct

HEADER = struct.Struct("<IHHII")
MAGIC = 0x31465355
VERSION = 1
REPLY = 2
PROBE_ENABLE = 21


class Refused(Exception):
    """The guest answered with an error number."""


class ControlChannel:
    def __init__(self, instance, timeout=60):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        self._socket.connect(str(instance.directory / "control.sock"))
        self._request = 0
        self._instance = instance

    def close(self):
        self._socket.close()

    def _receive(self, size):
        data = b""
        while len(data) < size:
            piece = self._socket.recv(size - len(data))
            if not piece:
                raise EOFError("the control channel was closed" + self._instance.describe())
            data += piece
        return data

    def request(self, kind, body):
        """Sends a request and waits for its reply; the reply's body."""
        self._request += 1
        self._socket.sendall(HEADER.pack(MAGIC, VERSION, kind, self._request, len(body)) + body)
        while True:
            magic, version, kind, request, length = HEADER.unpack(self._receive(HEADER.size))
            assert (magic, version) == (MAGIC, VERSION), (magic, version)
            body = self._receive(length)
            if kind == REPLY and request == self._request:
                error = struct.unpack_from("<i", body)[0]
                if error != 0:
                    raise Refused(f"error {error}")
                return body[8:]

    def enable_probes(self, pattern, enabled):
        """Done when it returns: every CPU runs the new code."""
        pattern = pattern.encode()
        self.request(PROBE_ENABLE, struct.pack("<II", 1 if enabled else 0, len(pattern)) + pattern)
