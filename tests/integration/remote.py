"""The GDB remote serial protocol over a socket, packet by packet: GDB manual, appendix "GDB Remote Serial Protocol"."""

import socket


class Remote:
    def __init__(self, path, timeout=30):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout)
        self._socket.connect(str(path))
        self._received = b""
        self._acknowledges = True
        self.ask("qSupported:swbreak+;hwbreak+;vContSupported+")
        assert self.ask("QStartNoAckMode") == "OK"
        self._acknowledges = False

    def close(self):
        self._socket.close()

    def _take(self, count):
        while len(self._received) < count:
            received = self._socket.recv(4096)
            if not received:
                raise EOFError("the stub closed the connection")
            self._received += received
        taken, self._received = self._received[:count], self._received[count:]
        return taken

    def send(self, text):
        body = text.encode()
        self._socket.sendall(b"$" + body + b"#%02x" % (sum(body) % 256))

    def interrupt(self):
        self._socket.sendall(b"\x03")

    def receive(self):
        while self._take(1) != b"$":
            pass
        body = b""
        while (byte := self._take(1)) != b"#":
            body += byte
        assert int(self._take(2), 16) == sum(body) % 256, body
        if self._acknowledges:
            self._socket.sendall(b"+")
        text = ""
        characters = iter(body.decode("latin-1"))
        for character in characters:
            # Run lengths: the character before is meant that many times more.
            text += text[-1] * (ord(next(characters)) - 29) if character == "*" else character
        return text

    def ask(self, text):
        self.send(text)
        return self.receive()
