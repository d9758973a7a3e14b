"""The machine code of probe sites, by disassembly: what a disabled and an enabled probe cost, in instructions.

usage: check_probe_code.py ELF [--event PROVIDER:NAME --most N]

Every site of the ELF file must be exactly one 5-byte nop, and no enabled probe may have a lock prefix. The enabled path of
--event, from the jump at its site to the return to the code behind it, must have at most N instructions and no call."""

import argparse
import re
import struct
import subprocess
import sys

NOP = bytes.fromhex("0f1f440000")
SLOW_PATH = re.compile(r"^jmp\s+\*%gs:")


class Elf:
    """Sections of a linked ELF64 file, and its memory by address."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        if self.data[:5] != b"\x7fELF\x02":
            raise SystemExit(f"{path}: not a 64-bit ELF file")
        offset, = struct.unpack_from("<Q", self.data, 0x28)
        size, count, names = struct.unpack_from("<HHH", self.data, 0x3A)
        headers = [struct.unpack_from("<IIQQQQIIQQ", self.data, offset + size * i) for i in range(count)]
        name_table = headers[names][4]
        self.sections = {}
        for name, kind, _, address, file_offset, length, *_ in headers:
            end = self.data.index(b"\0", name_table + name)
            if kind != 8:  # SHT_NOBITS has no bytes
                self.sections[self.data[name_table + name:end].decode()] = (address, file_offset, length)

    def read(self, address, size):
        for start, offset, length in self.sections.values():
            if start != 0 and start <= address < start + length:
                return self.data[offset + address - start:][:size]
        raise SystemExit(f"no section holds {address:#x}")

    def text(self, address):
        return self.read(address, 256).split(b"\0")[0].decode()

    def sites(self):
        """(address, target, "provider:name") of every site."""
        if "uniscope_sites" not in self.sections:
            raise SystemExit("no probe sites in this file")
        _, offset, length = self.sections["uniscope_sites"]
        for at in range(offset, offset + length, 32):
            address, target, event = struct.unpack_from("<QQQ", self.data, at)
            _, provider, name = struct.unpack("<QQQ", self.read(event, 24))
            yield address, target, f"{self.text(provider)}:{self.text(name)}"


def disassemble(path):
    """address -> (instruction's text, address of the next one)"""
    output = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], capture_output=True, text=True, check=True)
    rows = [re.match(r"\s*([0-9a-f]+):\s+(\S.*)", line) for line in output.stdout.splitlines()]
    rows = [(int(row[1], 16), re.sub(r"\s+#.*", "", row[2]).strip()) for row in rows if row]
    return {address: (text, rows[i + 1][0] if i + 1 < len(rows) else 0) for i, (address, text) in enumerate(rows)}


def branch_target(text):
    match = re.match(r"^j\w+\s+([0-9a-f]+)\b", text)
    return int(match[1], 16) if match else None


def enabled_path(code, site, target):
    """The instructions of one event that finds room and is not interrupted: the jump at the site first."""
    path = [f"jmp {target:x}"]
    address = target
    while address != site + len(NOP):
        text, following = code[address]
        path.append(text)
        if text.startswith("ret") or len(path) > 1000:
            break
        if text.startswith("jmp"):
            following = branch_target(text)
            if following is None:
                raise SystemExit(f"{address:#x}: the fast path leaves by {text}")
        elif text.startswith("jae"):  # there is room
            following = branch_target(text)
        address = following
    return path


def reachable(code, site, target):
    """All instructions of the enabled half, whichever way it goes."""
    seen, pending = set(), [target]
    while pending:
        address = pending.pop()
        if address in seen or address == site + len(NOP) or address not in code:
            continue
        seen.add(address)
        text, following = code[address]
        if branch_target(text) is not None:
            pending.append(branch_target(text))
        if text.startswith("ret") or text.startswith("jmp"):
            continue
        pending.append(following)
    return [code[address][0] for address in seen]


def count_instructions(path, event):
    """Of the first site of `event`, and the complaints about it."""
    elf, code = Elf(path), disassemble(path)
    for address, target, name in elf.sites():
        if name == event:
            instructions = enabled_path(code, address, target)
            calls = [text for text in instructions if text.startswith("call")]
            return len(instructions), [f"{event}: a call on the fast path: {text}" for text in calls]
    raise SystemExit(f"{path}: no site of {event}")


def complaints_about_sites(path):
    elf, code = Elf(path), disassemble(path)
    for address, target, name in elf.sites():
        if elf.read(address, len(NOP)) != NOP:
            yield f"{name} at {address:#x}: the disabled site is not one 5-byte nop"
        body = reachable(code, address, target)
        if any(text.startswith("lock") for text in body):
            yield f"{name} at {address:#x}: a lock prefix"
        if not any(SLOW_PATH.match(text) for text in body):
            yield f"{name} at {address:#x}: the enabled half is not a probe's"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("elf")
    parser.add_argument("--event")
    parser.add_argument("--most", type=int, default=40)
    arguments = parser.parse_args()
    complaints = list(complaints_about_sites(arguments.elf))
    if arguments.event:
        count, about_event = count_instructions(arguments.elf, arguments.event)
        complaints += about_event
        if count > arguments.most:
            complaints.append(f"{arguments.event}: {count} instructions enabled, at most {arguments.most} are wanted")
        print(f"{arguments.event}: {count} instructions enabled")
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
