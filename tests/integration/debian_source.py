"""Fetches the upstream source of a Debian source package, for tests that build third-party software.

Uses the mirrors, proxies and keys of this machine's apt through a private configuration: nothing under /etc/apt or
/var/lib/apt is touched. What was fetched stays in a cache directory."""

import subprocess
import tarfile
from pathlib import Path


class NotAvailable(Exception):
    """There is no cached source, and it could not be fetched; the text says why."""


def _source_lines():
    """deb-src lines for the suites of Debian that this machine installs packages from."""
    targets = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)",
                              "Identifier: Packages", "Origin: Debian"], capture_output=True, text=True, check=True)
    lines = set()
    for target in targets.stdout.splitlines():
        site, release, component, key = target.split("|")
        option = f"[signed-by={key}] " if key and not key.startswith("$") else ""
        lines.add(f"deb-src {option}{site} {release} {component}")
    return sorted(lines)


def fetch(package, cache, may_download):
    """The directory with the unpacked upstream source of the newest version, fetched at most once."""
    cache = Path(cache).resolve()
    unpacked = cache / package
    if unpacked.is_dir():
        return next(unpacked.iterdir())
    if not may_download:
        raise NotAvailable(f"the source of {package} is not in {cache}; ./dev test --full fetches it")

    apt = cache / "apt"
    for directory in ("lists/partial", "archives/partial", "download"):
        (apt / directory).mkdir(parents=True, exist_ok=True)
    (apt / "sources.list").write_text("".join(line + "\n" for line in _source_lines()))
    options = [f"-oDir::Etc::sourcelist={apt}/sources.list", "-oDir::Etc::sourceparts=/dev/null",
               f"-oDir::State::lists={apt}/lists", f"-oDir::Cache={apt}", "-oDebug::NoLocking=1",
               "-oAPT::Sandbox::User=root"]
    for command in (["update"], ["source", "--download-only", package]):
        result = subprocess.run(["apt-get", "-qq", *options, *command], cwd=apt / "download", capture_output=True, text=True)
        if result.returncode != 0:
            raise NotAvailable(f"apt-get {' '.join(command)} failed: {result.stderr.strip()}")

    originals = sorted((apt / "download").glob(f"{package}_*.orig.tar.*"))
    originals = [path for path in originals if path.suffix != ".asc"]
    if not originals:
        raise NotAvailable(f"the source package {package} has no upstream archive")
    scratch = cache / f"{package}.unpacking"
    with tarfile.open(originals[-1]) as archive:
        archive.extractall(scratch, filter="data") if hasattr(tarfile, "data_filter") else archive.extractall(scratch)
    scratch.rename(unpacked)
    return next(unpacked.iterdir())
