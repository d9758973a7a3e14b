"""What the checks have in common: finding the project's sources and reading them without comments and strings."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

CODE_SUFFIXES = {".h", ".cpp", ".c", ".S"}
NOT_SOURCES = {".git", ".cache"}


class Source:
    """One file: `path` relative to the root, with forward slashes."""

    def __init__(self, root, path):
        self.path = path
        self.text = (Path(root) / path).read_text(encoding="utf-8", errors="replace")

    def lines(self):
        return self.text.splitlines()

    def code_lines(self):
        """The lines with comments, string and character literals blanked; #include lines keep their file name."""
        return _without_comments(self.text).splitlines()

    def includes(self):
        """(line number, name as written, True for "name" and False for <name>) of every #include."""
        found = []
        for number, line in enumerate(_without_comments(self.text, keep_strings=True).splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if match:
                found.append((number, match.group(2), match.group(1) == '"'))
        return found


_TOKEN = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?\*/)'
    r'|(?P<raw>R"(?P<delimiter>[^()\s\\]{0,16})\(.*?\)(?P=delimiter)")'
    r'|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|(?P<character>(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+')",
    re.DOTALL,
)


def _without_comments(text, keep_strings=False):
    def blank(match):
        if keep_strings and match.lastgroup != "comment":
            return match.group(0)
        return re.sub(r"[^\n]", " ", match.group(0))

    return _TOKEN.sub(blank, text)


def find_sources(root, suffixes=CODE_SUFFIXES):
    """Every source under the root that git does not ignore; outside a git work tree, every source that is not built."""
    root = Path(root)
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
        names = [name for name in names if name and (root / name).is_file()]
    else:
        names = []
        for folder, folders, files in os.walk(root):
            folders[:] = [f for f in folders if f not in NOT_SOURCES and not f.startswith("build")]
            names += [os.path.relpath(os.path.join(folder, file), root).replace(os.sep, "/") for file in files]
    return [Source(root, name) for name in sorted(names) if Path(name).suffix in suffixes]


def read_table(path):
    """Lines of `key: rest` as (line number, key, rest); # begins a comment."""
    rows = []
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        key, colon, rest = line.partition(":")
        if not colon:
            raise SystemExit(f"{path}:{number}: expected 'key: ...', found '{line}'")
        rows.append((number, key.strip(), rest.strip()))
    return rows


def project_root():
    return Path(__file__).resolve().parents[2]


def run(check, description):
    """Runs `check(root)`, which yields complaints, as a program: prints them and exits 1 if there are any."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=Path, default=project_root(), help="the source tree (default: this one)")
    root = parser.parse_args().root
    complaints = list(check(root))
    for complaint in complaints:
        print(complaint)
    if complaints:
        print(f"{len(complaints)} complaint(s). The rules and their reasons: tests/lint/README.md")
    sys.exit(1 if complaints else 0)
