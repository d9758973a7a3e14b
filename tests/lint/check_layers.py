"""Layering: which folder includes which is what layers.txt allows, and nothing else."""

import posixpath

import sources

TABLE = "tests/lint/layers.txt"
ANYTHING = "*"


def read_layers(root):
    layers = {}
    for _, folder, allowed in sources.read_table(root / TABLE):
        layers.setdefault(folder, []).extend(allowed.split())
    return layers


def layer_of(path, layers):
    """The longest listed folder that holds the path; None when there is none."""
    folder = posixpath.dirname(path)
    while folder:
        if folder in layers:
            return folder
        folder = posixpath.dirname(folder)
    return None


def target_of(name, quoted, source, known_paths):
    """The project path that an include names; None for a system header."""
    if name.startswith("arch/"):
        return "libos/" + name  # the contract, filled by whichever CPU is built for
    if name in known_paths:
        return name
    if quoted:
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(source.path), name))
        if beside in known_paths:
            return beside
    return None


def check(root):
    layers = read_layers(root)
    files = sources.find_sources(root)
    known_paths = {file.path for file in files}
    for file in files:
        layer = layer_of(file.path, layers)
        if layer is None:
            yield f"{file.path}: no layer in {TABLE} holds it"
            continue
        allowed = layers[layer]
        if ANYTHING in allowed:
            continue
        for number, name, quoted in file.includes():
            target = target_of(name, quoted, file, known_paths)
            if target is None:
                continue
            other = layer_of(target, layers)
            if other != layer and other not in allowed:
                yield f"{file.path}:{number}: {layer} may not include {other} ({name}): {TABLE} has no such edge"


if __name__ == "__main__":
    sources.run(check, __doc__)
