"""Guest code includes only the standard headers that guest-headers.txt lists: those that work freestanding.

g++ lets every standard header through with -ffreestanding, so the compiler does not guard this."""

import re

import sources

TABLE = "tests/lint/guest-headers.txt"
HOSTED = re.compile(r"(^|/)Hosted[A-Za-z]*\.(h|cpp)$|^libos/arch/hosted/")


def read_lists(root):
    folders, headers = [], set()
    for number, key, rest in sources.read_table(root / TABLE):
        if key == "folder":
            folders.append(rest + "/")
        elif key == "header":
            headers.update(rest.split())
        else:
            raise SystemExit(f"{TABLE}:{number}: expected 'folder:' or 'header:', found '{key}'")
    return tuple(folders), headers


def check(root):
    folders, headers = read_lists(root)
    for file in sources.find_sources(root):
        if not file.path.startswith(folders) or HOSTED.search(file.path):
            continue
        for number, name, quoted in file.includes():
            if quoted or name.startswith("arch/") or name in headers:
                continue
            yield f"{file.path}:{number}: guest code may not include <{name}>: {TABLE} does not list it"


if __name__ == "__main__":
    sources.run(check, __doc__)
