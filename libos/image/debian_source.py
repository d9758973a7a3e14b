"""Fetches the upstream source of a Debian source package.

For what is built into the image from source (libos/image/DebianSource.cmake), pinned by version and SHA-256, and for tests
that build third-party software, in the newest version there is.

Uses the mirrors, proxies and keys of this machine's apt through a private configuration: nothing under /etc/apt or
/var/lib/apt is touched. What was fetched stays in a cache directory.

usage: debian_source.py PACKAGE --version UPSTREAM --sha256 HEX --cache DIRECTORY
prints the directory with the unpacked source"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path


class NotAvailable(Exception):
    """There is no cached source, and it could not be fetched; the text says why."""


class _Apt:
    """apt-get with lists and downloads of its own under the cache directory."""

    def __init__(self, cache):
        self.directory = cache / "apt"
        for directory in ("lists/partial", "binary-lists/partial", "archives/partial", "download"):
            (self.directory / directory).mkdir(parents=True, exist_ok=True)

    def run(self, *command, options=(), cwd=None):
        result = subprocess.run(["apt-get", "-qq", f"-oDir::Cache={self.directory}", "-oDebug::NoLocking=1",
                                 "-oAPT::Sandbox::User=root", *options, *command],
                                cwd=cwd, capture_output=True, text=True)
        if result.returncode != 0:
            raise NotAvailable(f"apt-get {' '.join(command)} failed: {result.stderr.strip()}")
        return result.stdout

    def _source_lines(self, options=()):
        """deb-src lines for the suites of Debian that this machine installs packages from."""
        targets = self.run("indextargets", "--format", "$(SITE)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)",
                           "Identifier: Packages", "Origin: Debian", options=options)
        lines = set()
        for target in targets.splitlines():
            site, release, component, key = target.split("|")
            option = f"[signed-by={key}] " if key and not key.startswith("$") else ""
            lines.add(f"deb-src {option}{site} {release} {component}")
        return sorted(lines)

    def download(self, package):
        """Downloads the source package and returns the directory it is in."""
        lines = self._source_lines()
        if not lines:
            # apt knows which of its sources are Debian's only after an update; this machine has not kept its lists.
            private = [f"-oDir::State::lists={self.directory}/binary-lists"]
            self.run("update", options=private)
            lines = self._source_lines(private)
        if not lines:
            raise NotAvailable("apt has no mirror of Debian configured")
        (self.directory / "sources.list").write_text("".join(line + "\n" for line in lines))
        options = [f"-oDir::Etc::sourcelist={self.directory}/sources.list", "-oDir::Etc::sourceparts=/dev/null",
                   f"-oDir::State::lists={self.directory}/lists"]
        download = self.directory / "download"
        self.run("update", options=options)
        self.run("source", "--download-only", "--tar-only", package, options=options, cwd=download)
        return download


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _find_archive(directory, package, version, sha256):
    """The upstream archive of that version and hash, or the newest one where no hash is wanted; None without one."""
    archives = [path for path in sorted(directory.glob(f"{package}_{version or '*'}.orig.tar.*")) if path.suffix != ".asc"]
    if sha256 is None:
        return archives[-1] if archives else None
    return next((path for path in archives if _sha256(path) == sha256), None)


def fetch(package, cache, may_download=True, version=None, sha256=None):
    """The directory with the unpacked upstream source, fetched at most once.

    With a version and the SHA-256 of its archive it is that one or an error; an archive that somebody has put into the
    cache directory will do. Without, it is the newest version."""
    cache = Path(cache).resolve()
    unpacked = cache / (f"{package}-{version}" if version else package)
    if unpacked.is_dir():
        return next(unpacked.iterdir())
    archive = _find_archive(cache, package, version, sha256) if cache.is_dir() and sha256 else None
    if archive is None:
        if not may_download:
            raise NotAvailable(f"the source of {package} is not in {cache}; ./dev test --full fetches it")
        download = _Apt(cache).download(package)
        archive = _find_archive(download, package, version, sha256)
        if archive is None:
            wanted = f"version {version} with SHA-256 {sha256}" if sha256 else "an upstream archive"
            raise NotAvailable(f"the source package {package} of this machine's Debian is not {wanted}")

    scratch = cache / f"{unpacked.name}.{os.getpid()}.unpacking"
    with tarfile.open(archive) as contents:
        contents.extractall(scratch, filter="data") if hasattr(tarfile, "data_filter") else contents.extractall(scratch)
    try:
        scratch.rename(unpacked)
    except OSError:  # another process was first
        shutil.rmtree(scratch)
    return next(unpacked.iterdir())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package")
    parser.add_argument("--version", required=True)
    parser.add_argument("--sha256", required=True)
    parser.add_argument("--cache", required=True)
    arguments = parser.parse_args()
    try:
        print(fetch(arguments.package, arguments.cache, version=arguments.version, sha256=arguments.sha256))
    except (NotAvailable, OSError, tarfile.TarError) as error:
        print(f"{error}\nWithout a network, put {arguments.package}_{arguments.version}.orig.tar.xz, as Debian has it, "
              f"into {arguments.cache}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
