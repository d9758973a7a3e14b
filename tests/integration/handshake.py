"""The host's side of docs/control-protocol.md, written from that text alone: slow, and for tests only."""

import base64
import hashlib
import hmac
import secrets
import socket
import struct

MAGIC = bytes.fromhex("c5555348")
HELLO, CHALLENGE, PROOF, ACCEPT, REFUSE = range(1, 6)
CHANNELS = {"gdb": 1, "control": 2, "trace": 3, "crash": 4}
ROLES = {"any": 0, "tracer": 1, "observer": 2, "operator": 3}
REASONS = {1: "version", 2: "no entropy", 3: "rate limited", 4: "unknown key", 5: "role", 6: "channel", 7: "signature",
           8: "malformed"}
HEADER = struct.Struct("<4sHBBI")
SIZES = {CHALLENGE: 140, ACCEPT: 20, REFUSE: 12}

# P-256: SEC 2, 2.4.2.
P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(factor, point):
    total = None
    while factor:
        if factor & 1:
            total = add(total, point)
        point = add(point, point)
        factor >>= 1
    return total


def encode(point):
    return b"\x04" + point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")


class Key:
    def __init__(self):
        self.secret = 1 + secrets.randbelow(N - 1)
        self.point = multiply(self.secret, G)
        compressed = bytes([2 + self.point[1] % 2]) + self.point[0].to_bytes(32, "big")
        self.text = base64.urlsafe_b64encode(compressed).decode().rstrip("=")
        self.id = hashlib.sha256(compressed).digest()[:16]

    def word(self, role, name=""):
        return f"uniscope.key={role}:{self.text}" + (f":{name}" if name else "")

    def sign(self, data):
        digest = int.from_bytes(hashlib.sha256(data).digest(), "big")
        k = 1 + secrets.randbelow(N - 1)
        r = multiply(k, G)[0] % N
        return r.to_bytes(32, "big") + (pow(k, -1, N) * (digest + r * self.secret) % N).to_bytes(32, "big")


class Refused(Exception):
    def __init__(self, reason, wait_ms):
        super().__init__(REASONS.get(reason, reason))
        self.reason = REASONS.get(reason, reason)
        self.wait_ms = wait_ms


class Login:
    """One attempt on a connected socket. The steps are apart, so that a test can leave out or change any."""

    def __init__(self, connection, key, channel, role="operator", records=False):
        self.connection = connection
        self.key = key
        self.channel = CHANNELS[channel]
        self.role = ROLES[role]
        self.records = records
        self.ephemeral = 1 + secrets.randbelow(N - 1)

    def message(self, kind, body, version=1, length=None):
        return HEADER.pack(MAGIC, version, kind, self.channel, len(body) if length is None else length) + body

    def make_hello(self, **header):
        body = (bytes([self.role, self.records, 0, 0]) + self.key.id + secrets.token_bytes(32) +
                encode(multiply(self.ephemeral, G)) + bytes(3))
        self.hello = self.message(HELLO, body, **header)
        return self.hello

    def receive(self, size):
        data = b""
        while len(data) < size:
            piece = self.connection.recv(size - len(data))
            if not piece:
                raise EOFError("the connection was closed")
            data += piece
        return data

    def read_message(self, *kinds):
        """The next message, what stands before it skipped; a refusal is raised."""
        header = self.receive(4)
        while header != MAGIC:
            header = header[1:] + self.receive(1)
        header += self.receive(8)
        _, _, kind, channel, length = HEADER.unpack(header)
        assert SIZES[kind] == length and channel == self.channel, header
        body = self.receive(length)
        if kind == REFUSE:
            raise Refused(body[0], struct.unpack_from("<I", body, 8)[0])
        assert kind in kinds, kind
        return header + body

    def make_proof(self, challenge):
        signature = self.key.sign(b"uniscope handshake 1: signature\0" + self.hello + challenge)
        return self.message(PROOF, signature)

    def finish(self, challenge, proof, accept):
        point = challenge[12 + 4 + 20 + 16 + 32:][:65]
        peer = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
        shared = multiply(self.ephemeral, peer)[0].to_bytes(32, "big")
        salt = hashlib.sha256(b"uniscope handshake 1: keys\0" + self.hello + challenge + proof).digest()
        secret = hmac.digest(salt, shared, "sha256")
        self.to_guest, self.to_host, confirmation = (
            hmac.digest(secret, info + b"\x01", "sha256") for info in (b"host to guest", b"guest to host",
                                                                      b"confirmation"))
        assert hmac.digest(confirmation, accept[:16] + bytes(16), "sha256")[:16] == accept[16:], "not who challenged"
        self.granted = accept[12]
        self.sent = self.received = 0

    def run(self):
        self.connection.sendall(self.make_hello())
        challenge = self.read_message(CHALLENGE)
        proof = self.make_proof(challenge)
        self.connection.sendall(proof)
        self.finish(challenge, proof, self.read_message(ACCEPT))
        self.challenge, self.proof = challenge, proof
        return self

    # Records

    def seal(self, payload):
        header = struct.pack("<HHI", len(payload), 0, self.sent & 0xFFFFFFFF)
        mac = hmac.digest(self.to_guest, struct.pack("<Q", self.sent) + header + payload, "sha256")[:16]
        self.sent += 1
        return header + payload + mac

    def open(self):
        header = self.receive(8)
        length, _, sequence = struct.unpack("<HHI", header)
        payload, mac = self.receive(length), self.receive(16)
        assert sequence == self.received
        assert mac == hmac.digest(self.to_host, struct.pack("<Q", self.received) + header + payload, "sha256")[:16]
        self.received += 1
        return payload


def silence(connection, seconds):
    """What comes within that time; empty when nothing does."""
    connection.settimeout(seconds)
    try:
        return connection.recv(4096)
    except socket.timeout:
        return b""
