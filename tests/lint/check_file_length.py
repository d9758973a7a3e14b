"""A file of more than 500 lines is asked which second thing it does; long-files.txt holds the answers."""

import sources

TABLE = "tests/lint/long-files.txt"
LIMIT = 500
SUFFIXES = sources.CODE_SUFFIXES | {".py", ".cmake", ".sh"}


def check(root):
    reasons = {path: (number, reason) for number, path, reason in sources.read_table(root / TABLE)}
    long_files = set()
    for file in sources.find_sources(root, SUFFIXES):
        count = len(file.lines())
        if count <= LIMIT:
            continue
        long_files.add(file.path)
        if not reasons.get(file.path, (0, ""))[1]:
            yield f"{file.path}: {count} lines, more than {LIMIT}: split it, or give {TABLE} the reason"
    for path, (number, _) in reasons.items():
        if path not in long_files:
            yield f"{TABLE}:{number}: {path} is not longer than {LIMIT} lines (any more): remove the entry"


if __name__ == "__main__":
    sources.run(check, __doc__)
