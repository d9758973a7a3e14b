"""uniscope-gcc, uniscope-g++ and find_package(Uniscope), from the build tree and from an installed prefix: other
projects become images, and the programs still run as Linux processes."""

import argparse
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BIN = Path()
DATA = Path()
PROJECTS = Path(__file__).resolve().parent / "projects"


def run(*command, **options):
    options = {"capture_output": True, "text": True, "timeout": 300, "stdin": subprocess.DEVNULL, **options}
    options["env"] = {**options.get("env", os.environ), "XDG_DATA_HOME": str(DATA)}
    return subprocess.run([str(word) for word in command], **options)


class WrapperTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="uniscope-wrappers-")
        self.addCleanup(temporary.cleanup)
        self.directory = Path(temporary.name)
        global DATA
        DATA = self.directory / "data"
        (self.directory / "main.c").write_text('#include <stdio.h>\nint main(void) { puts("alive"); return 7; }\n')
        (self.directory / "main.cpp").write_text('#include <iostream>\nint main() { std::cout << "alive\\n"; return 7; }\n')

    def run_here(self, *command, **options):
        return run(*command, cwd=self.directory, **options)

    def succeed(self, *command, **options):
        result = self.run_here(*command, **options)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result

    def assert_image(self, path):
        """A static program at fixed addresses, with the libOS, its boot note and debug information."""
        headers = run("readelf", "-hlSnW", path).stdout
        self.assertIn("EXEC (Executable file)", headers)
        self.assertNotIn("INTERP", headers)
        self.assertIn(".uniscope.text", headers)
        self.assertRegex(headers, r"\bXen\b")
        self.assertIn(".debug_info", headers)
        self.assertIn("NT_GNU_BUILD_ID", headers)


    def remembered(self):
        """Where the symbol store says that images are."""
        return sorted(os.path.realpath(link) for link in (DATA / "uniscope/symbols/.build-id").glob("*/*.debug"))


class Wrappers(WrapperTest):
    def test_program_in_one_step(self):
        for compiler, source in (("uniscope-gcc", "main.c"), ("uniscope-g++", "main.cpp")):
            with self.subTest(compiler):
                self.assertEqual(self.succeed(BIN / compiler, "-O2", "-o", "app", source).stderr, "")
                self.assert_image(self.directory / "app")
                result = self.run_here("./app")
                self.assertEqual((result.returncode, result.stdout), (7, "alive\n"))

    @unittest.skipUnless(os.environ.get("UNISCOPE_SYMBOLS", "on") != "off", "UNISCOPE_SYMBOLS is off")
    def test_the_image_is_remembered(self):
        if not (BIN / "uniscope").exists():
            self.skipTest("uniscope is not built")
        self.succeed(BIN / "uniscope-gcc", "main.c", "-o", "app")
        self.succeed(BIN / "uniscope-g++", "-oother", "-O1", "main.cpp")
        self.succeed(BIN / "uniscope-gcc", "main.c", "-DX", "-o", "conftest")
        wanted = [str((self.directory / name).resolve()) for name in ("app", "other")]
        self.assertEqual(self.remembered(), wanted)
        self.succeed(BIN / "uniscope-gcc", "main.c", "-O2", "-o", "off", env={**os.environ, "UNISCOPE_SYMBOLS": "off"})
        self.assertEqual(self.remembered(), wanted)
        self.assertEqual(self.run_here(BIN / "uniscope-gcc", "none.c", "-o", "none").returncode, 1)

    def test_compiling_adds_no_libos(self):
        self.succeed(BIN / "uniscope-gcc", "-c", "main.c", "-o", "main.o")
        self.assertNotIn(".uniscope", run("readelf", "-SW", self.directory / "main.o").stdout)
        self.succeed(BIN / "uniscope-gcc", "main.o", "-o", "app")
        self.assert_image(self.directory / "app")

    def test_position_independent_objects_are_fine(self):
        self.succeed(BIN / "uniscope-gcc", "-fPIC", "-fPIE", "main.c", "-o", "app")
        self.assert_image(self.directory / "app")

    def test_questions_without_an_input_are_the_compilers(self):
        for question in ("--version", "-dumpmachine", "-print-file-name=libc.a", "-print-search-dirs"):
            with self.subTest(question):
                self.assertTrue(self.succeed(BIN / "uniscope-gcc", question).stdout)
        self.assertIn("gcc version", self.succeed(BIN / "uniscope-gcc", "-v").stderr)
        self.assertNotEqual(self.run_here(BIN / "uniscope-gcc").returncode, 0)

    def test_source_on_standard_input(self):
        self.succeed(BIN / "uniscope-gcc", "-x", "c", "-", "-o", "app", input="int main(void) { return 0; }", stdin=None)
        self.assert_image(self.directory / "app")

    def test_refusals_are_in_words(self):
        for option in ("-pie", "-static-pie", "-fuse-ld=gold"):
            with self.subTest(option):
                result = self.run_here(BIN / "uniscope-gcc", option, "main.c", "-o", "app")
                self.assertEqual(result.returncode, 1)
                self.assertIn(f"uniscope-gcc: {option}: ", result.stderr)
                self.assertIn("leave it out", result.stderr)

    def test_shared_library_is_an_ordinary_one(self):
        result = self.succeed(BIN / "uniscope-gcc", "-shared", "-fPIC", "main.c", "-o", "lib.so")
        self.assertIn("an image cannot load it", result.stderr)

    def test_compiler_cache_is_put_before_the_compiler(self):
        cache = self.directory / "cache"
        cache.write_text('#!/bin/sh\necho "$@" >>cache.log\nexec "$@"\n')
        cache.chmod(0o755)
        self.succeed(BIN / "uniscope-gcc", "-c", "main.c", env={**os.environ, "CCACHE": str(cache)})
        self.assertIn("main.c", (self.directory / "cache.log").read_text())


class Projects(WrapperTest):
    def test_configure_and_make(self):
        log = self.succeed(PROJECTS / "configure/configure", f"CC={BIN / 'uniscope-gcc'}").stdout
        self.assertIn("whether programs run... yes", log)
        self.succeed("make")
        self.assert_image(self.directory / "distance")
        self.assertEqual(self.succeed("./distance", "5", "12").stdout, "13.000\n")

    def build_by_cmake(self, *options, directory="build"):
        self.succeed("cmake", "-G", "Ninja", "-S", PROJECTS / "cmake", "-B", directory, *options)
        self.succeed("cmake", "--build", directory)
        greeter = self.directory / directory / "greeter"
        self.assert_image(greeter)
        result = self.run_here(greeter, "Ada", "Grace")
        self.assertEqual((result.returncode, result.stdout), (2, "Good day, Ada.\nGood day, Grace.\n"))
        return str(greeter.resolve())

    def test_cmake_package_of_the_build_tree(self):
        greeter = self.build_by_cmake(f"-DCMAKE_PREFIX_PATH={BIN.parent}")
        if (BIN / "uniscope").exists():
            self.assertIn(greeter, self.remembered())

    def test_installed_prefix(self):
        prefix = self.directory / "prefix"
        self.succeed("cmake", "--install", BIN.parent, "--prefix", prefix)
        moved = self.directory / "moved"
        prefix.rename(moved)
        self.build_by_cmake(f"-DCMAKE_PREFIX_PATH={moved}")
        self.succeed(moved / "bin/uniscope-g++", "main.cpp", "-o", "app")
        self.assert_image(self.directory / "app")
        self.assertEqual(self.run_here("./app").returncode, 7)

    def test_position_independence_is_refused_by_cmake_too(self):
        result = self.run_here("cmake", "-G", "Ninja", "-S", PROJECTS / "cmake", "-B", "build",
                               f"-DCMAKE_PREFIX_PATH={BIN.parent}", "-DCMAKE_EXE_LINKER_FLAGS=-pie")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("cannot be position-independent: leave out -pie", " ".join(result.stderr.split()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=Path, required=True, help="the build's bin directory")
    options, rest = parser.parse_known_args()
    BIN = options.bin.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
