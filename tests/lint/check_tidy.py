"""clang-tidy 19 over the compilation database, several files at a time (slow: run by ./dev lint, not by the tests).

usage: check_tidy.py BUILD_DIRECTORY [FOLDER ...]     FOLDERs limit it to sources below them"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import sources


def files_to_check(build, folders, root):
    """One command per file is enough: guest sources appear twice, and the hosted compilation is the one clang reads."""
    commands = json.loads((build / "compile_commands.json").read_text())
    files = {}
    for command in commands:
        path = Path(command["directory"], command["file"]).resolve()
        if path.suffix != ".cpp" or not path.is_relative_to(root) or path.is_relative_to(build):
            continue
        relative = path.relative_to(root).as_posix()
        if not folders or relative.startswith(tuple(folder.rstrip("/") + "/" for folder in folders)):
            files.setdefault(path, []).append(command)
    return files


def write_database(build, files):
    """clang rejects options that only g++ knows; everything else of the command stays."""
    directory = build / "tidy"
    directory.mkdir(exist_ok=True)
    unknown = re.compile(r"\s(?:--param=min-pagesize=\d+|-mgeneral-regs-only|-fno-use-cxa-atexit)(?=\s|$)")
    database = []
    for commands in files.values():
        hosted = [command for command in commands if "-ffreestanding" not in command["command"]]
        command = dict((hosted or commands)[0])
        command["command"] = unknown.sub("", command["command"])
        database.append(command)
    (directory / "compile_commands.json").write_text(json.dumps(database, indent=1))
    return directory


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path)
    parser.add_argument("folders", nargs="*")
    parser.add_argument("--root", type=Path, default=sources.project_root())
    arguments = parser.parse_args()
    tool = os.environ.get("CLANG_TIDY") or shutil.which("clang-tidy-19")
    if not tool:
        sys.exit("clang-tidy-19 is not installed: ./dev setup installs it")
    build, root = arguments.build.resolve(), arguments.root.resolve()
    if not (build / "compile_commands.json").exists():
        sys.exit(f"{build}/compile_commands.json does not exist: ./dev build makes it")
    files = files_to_check(build, arguments.folders, root)
    if not files:
        sys.exit("no source of the compilation database matches")
    database = write_database(build, files)

    def tidy(path):
        return path, subprocess.run([tool, "--quiet", "-p", str(database), str(path)], capture_output=True, text=True)

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, (path, result) in enumerate(pool.map(tidy, sorted(files)), 1):
            print(f"\r{done}/{len(files)} ", end="", file=sys.stderr, flush=True)
            if result.returncode != 0:
                failed += 1
                print(f"\n{path.relative_to(root)}\n{result.stdout}", file=sys.stderr)
                print(result.stderr if not result.stdout else "", end="", file=sys.stderr)
    print(f"\n{len(files)} files, {failed} with complaints", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
