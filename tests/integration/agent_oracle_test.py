"""gdb compiles C expressions to bytecode; the stub's machine computes what gdb's own `print` says of them.

gdb shows bytecode disassembled only: it is put together again from the manual's table of opcodes, which is written down
here once more, so that it also checks the stub's.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BIN = Path()

PROGRAM = """
struct pair { int first; unsigned char second; short third : 5; unsigned fourth : 11; struct pair *next; };
enum colour { red, green = 7, blue = -3 };
struct pair tail = { -77, 200, -5, 1025, 0 };
struct pair head = { 12345, 3, 9, 77, &tail };
signed char negative_char = -100; unsigned char big_char = 200;
short negative_short = -30000; unsigned short big_short = 60000;
int negative = -123456789; unsigned big = 4000000000u;
long negative_long = -1234567890123456789; unsigned long big_long = 0xfedcba9876543210;
int numbers[8] = { 1, -2, 3, -4, 5, -6, 7, -8 };
char text[] = "agent"; char *pointer = text + 2; enum colour colour = blue; int zero, one = 1, two = 2;
int main(void) { return zero + (tail.first & 0); }
"""

EXPRESSIONS = """
negative_char; big_char; negative_short; big_short; negative; big; negative_long; big_long
negative + big_char; negative - 1; negative * 3; negative / 7; negative % 7; big / 7; big % 7; -negative; ~negative; !zero
negative_long / 1000; negative_long % 1000; big_long / 1000; big_long % 1000; big_long * 3; negative_long * 5
negative >> 3; big >> 3; negative_long >> 40; big_long >> 40; one << 20; big << 4; two << 31
big & 0xff00; negative | 0xf; negative ^ big_char; big_long & ~0xffUL
negative < 0; big < 0; negative_long < negative; big > 4; negative >= negative; big_long <= 5; one != two; one == 1
zero && one; one && two; zero || two; zero || zero; !one; one ? negative : two; zero ? negative : two
numbers[3]; numbers[two + 3]; *(numbers + 5); numbers[1] * numbers[2] - numbers[7]; &numbers[3] - &numbers[0]
text[0]; *pointer; pointer[1]; pointer - text; pointer == &text[2]; *(pointer + 1) == 110; (long)pointer
head.first; head.second; head.third; head.fourth; head.next->first; head.next->third; head.next->fourth; (long)head.next->next == 0
(char)negative; (unsigned char)negative; (short)big; (unsigned short)negative; (int)big; (unsigned)negative_char
(long)negative; (unsigned long)negative; (int)big_long; (long)big_char + negative_short
colour; (int)colour == -3; sizeof(head); (int)sizeof(numbers) - negative
(negative + big_char) * (two - 5) / (one + 2); big + negative; big_short * big_short; negative_char * big_char
*(unsigned char *)&big; *(short *)&big_long; ((struct pair *)head.next)->second; *(int *)((char *)&tail + 0)
"""

# Opcode, and how many bytes of operand follow: GDB manual, "Bytecode Descriptions".
OPCODES = {
    "add": (0x02, 0), "sub": (0x03, 0), "mul": (0x04, 0), "div_signed": (0x05, 0), "div_unsigned": (0x06, 0),
    "rem_signed": (0x07, 0), "rem_unsigned": (0x08, 0), "lsh": (0x09, 0), "rsh_signed": (0x0a, 0),
    "rsh_unsigned": (0x0b, 0), "log_not": (0x0e, 0), "bit_and": (0x0f, 0), "bit_or": (0x10, 0), "bit_xor": (0x11, 0),
    "bit_not": (0x12, 0), "equal": (0x13, 0), "less_signed": (0x14, 0), "less_unsigned": (0x15, 0), "ext": (0x16, 1),
    "ref8": (0x17, 0), "ref16": (0x18, 0), "ref32": (0x19, 0), "ref64": (0x1a, 0), "if_goto": (0x20, 2),
    "goto": (0x21, 2), "const8": (0x22, 1), "const16": (0x23, 2), "const32": (0x24, 4), "const64": (0x25, 8),
    "end": (0x27, 0), "dup": (0x28, 0), "pop": (0x29, 0), "zero_ext": (0x2a, 1), "swap": (0x2b, 0),
}


def assemble(listing):
    """The bytes of what `maint agent-eval` shows."""
    code = b""
    for offset, name, operand in re.findall(r"^ *(\d+)  (\w+)(?: (-?\d+))?$", listing, re.MULTILINE):
        opcode, size = OPCODES[name]
        assert int(offset) == len(code), listing
        code += bytes([opcode]) + (int(operand or 0) % (1 << 8 * size)).to_bytes(size, "big")
    return code


NARROWING = ("(char)negative", "(unsigned char)negative", "(unsigned short)negative")


@unittest.skipUnless(shutil.which("gdb") and shutil.which("gcc"), "needs gdb and gcc")
class Oracle(unittest.TestCase):
    def test_values_are_those_of_gdb(self):
        expressions = [text.strip() for text in EXPRESSIONS.replace("\n", ";").split(";") if text.strip()]
        with tempfile.TemporaryDirectory() as directory:
            program = Path(directory, "program")
            subprocess.run(["gcc", "-g", "-no-pie", "-xc", "-", "-o", program], input=PROGRAM, text=True, check=True)
            commands = ["info files"]
            for expression in expressions:
                # As 64 bits, which is what a value on the machine's stack has.
                commands += ["echo @@\\n", f"maint agent-eval -at main, {expression}",
                             f"printf \"= %lx\\n\", (unsigned long)(long)({expression})"]
            output = self.gdb(program, commands)
            # gdb 16 takes the low bits of the absolute value when it narrows a negative number: no oracle for that.
            narrows = self.gdb(program, ['printf "%d", (unsigned char)(-123456789)']) == "235"
            sections = re.findall(r"(0x\w+) - (0x\w+) is (\.data|\.bss)", output)
            memory = ""
            for begin, end, _ in sections:
                dump = Path(directory, "dump")
                self.gdb(program, [f"dump binary memory {dump} {begin} {end}"])
                memory += f"memory {begin} {dump.read_bytes().hex()}\n"

        listings = output.split("@@\n")[1:]
        self.assertEqual(len(listings), len(expressions), output)
        answers = [re.search(r"^= (\w+)$", listing, re.MULTILINE) for listing in listings]
        codes = [assemble(listing) for listing in listings]
        lines = memory + "".join(f"code {code.hex()}\n" for code in codes)
        values = subprocess.run([BIN / "agent_eval"], input=lines, capture_output=True, text=True, check=True).stdout
        for expression, listing, answer, value in zip(expressions, listings, answers, values.splitlines(), strict=True):
            if not narrows and expression in NARROWING:
                continue
            with self.subTest(expression):
                self.assertTrue(answer, listing)
                self.assertEqual(value, answer[1], listing)

    def gdb(self, program, commands):
        arguments = ["gdb", "-nx", "-q", "-batch", "-iex", "set auto-load no"]
        for command in commands:
            arguments += ["-ex", command]
        result = subprocess.run([*arguments, program], capture_output=True, text=True, timeout=60)
        self.assertEqual(result.stderr, "")
        return result.stdout


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=Path, required=True)
    options, rest = parser.parse_known_args()
    BIN = options.bin.resolve()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
