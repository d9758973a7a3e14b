"""Third-party software: Debian's source of lua5.4, built by its own Makefile with CC=uniscope-gcc, prints in a unikernel
what it prints on Linux."""

import os
import shutil
import sys

import guest

sys.path.append(str(guest.Path(__file__).resolve().parents[2] / "libos" / "image"))
import debian_source

SCRIPT = guest.Path(__file__).resolve().parent / "scripts" / "check.lua"


class Lua(guest.GuestTest):
    def build(self, source, name, compiler):
        directory = self.directory / name
        shutil.copytree(source, directory)
        result = guest.run("make", "-C", "src", f"CC={compiler}", "linux", cwd=directory, timeout=300)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return directory / "src" / "lua"

    def test_prints_what_it_prints_on_linux(self):
        try:
            source = debian_source.fetch("lua5.4", guest.BIN.parent / "source-cache", may_download=True)
        except debian_source.NotAvailable as reason:
            self.fail(str(reason))
        ordinary = self.build(source, "ordinary", "cc")
        image = self.build(source, "image", guest.BIN / "uniscope-gcc")

        root = self.directory / "root"
        (root / "tmp").mkdir(parents=True)
        shutil.copy(SCRIPT, root)
        variables = {"GREETING": "Servus"}
        arguments = ("check.lua", "x", "y z")
        expected = self.as_process(ordinary, *arguments, variables=variables, cwd=root)
        self.assertEqual(expected.returncode, 0, expected.stderr)
        self.assertIn("1000\t500500", expected.stdout)

        process = self.as_process(image, *arguments, variables=variables, cwd=root)
        self.assertEqual((process.returncode, process.stdout), (expected.returncode, expected.stdout), process.stderr)
        if not os.environ.get("UNISCOPE_ONLY_PROCESSES"):
            unikernel = self.as_unikernel(image, *arguments, variables=variables,
                                          options=["--rootfs", str(root), "--cpus", "2"])
            self.assert_same(expected, unikernel)


if __name__ == "__main__":
    guest.main()
