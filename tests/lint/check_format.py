"""Every source is as clang-format 19 with the project's .clang-format would write it (./dev format does)."""

import os
import re
import shutil
import subprocess

import sources

SUFFIXES = {".h", ".cpp", ".c"}


def check(root):
    tool = os.environ.get("CLANG_FORMAT") or shutil.which("clang-format-19")
    if not tool:
        yield "clang-format-19 is not installed: ./dev setup installs it"
        return
    names = [file.path for file in sources.find_sources(root, SUFFIXES)]
    if not names:
        yield "found no sources to check"
        return
    result = subprocess.run([tool, "--dry-run", "--style=file", *names], cwd=root, capture_output=True, text=True)
    first_of_file = {}
    for match in re.finditer(r"^([^\s:]+):(\d+):\d+: warning: ", result.stderr, re.MULTILINE):
        first_of_file.setdefault(match.group(1), match.group(2))
    for name, line in sorted(first_of_file.items()):
        yield f"{name}:{line}: not formatted: ./dev format does it"
    if result.returncode != 0:
        yield result.stderr.strip()


if __name__ == "__main__":
    sources.run(check, __doc__)
