"""The samples as Linux processes: whole output and exit status."""

import argparse
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BIN = Path()


class Samples(unittest.TestCase):
    def run_sample(self, name, *arguments, environment=None):
        return subprocess.run([BIN / name, *arguments], capture_output=True, text=True, timeout=60,
                              env=environment if environment is not None else {}, stdin=subprocess.DEVNULL)

    def assert_run(self, status, output, name, *arguments, environment=None):
        result = self.run_sample(name, *arguments, environment=environment)
        self.assertEqual((result.returncode, result.stdout), (status, output), result.stderr)

    def test_hello(self):
        for name, language in (("hello", "C"), ("hello_cpp", "C++")):
            with self.subTest(name):
                self.assert_run(0, f"Hello from {language}!\nleaving with status 0\n", name)
                self.assert_run(42, f"Servus from {language}!\nword 1: one\nword 2: two\nleaving with status 42\n",
                                name, "--status", "42", "one", "two", environment={"GREETING": "Servus"})
                self.assert_run(2, "", name, "--status", "256")

    def test_threads(self):
        self.assert_run(0, "4 threads contend for one lock\n2000 rounds each: lock taken 8000 times, sum 817322\n",
                        "threads")

    def test_crash_kinds(self):
        signals = {"null": 11, "wild": 11, "write-code": 11, "run-data": 11, "stack-overflow": 11, "divide": 8,
                   "illegal": 4, "abort": 6, "throw": 6}
        listed = self.run_sample("crash", "--list")
        kinds = [line.split()[0] for line in listed.stdout.splitlines()[1:]]
        kernel_kinds = {"kernel-write", "kernel-stack", "triple-fault", "hang", "assert"}
        self.assertEqual(set(signals) | kernel_kinds, set(kinds), "a kind without an expected signal, or the other way round")
        for kind, signal in signals.items():
            with self.subTest(kind):
                result = self.run_sample("crash", kind)
                self.assertEqual(result.returncode, -signal, result.stdout)
                self.assertNotIn("still here", result.stdout)

    def test_linux_has_no_kernel_faults_on_request(self):
        result = self.run_sample("crash", "kernel-write")
        self.assertEqual(result.returncode, 3)
        self.assertIn("uniscope run --kernel-option faults=allowed", result.stderr)

    def test_shop_books_the_same_with_any_number_of_workers(self):
        for workers in ("1", "4"):
            with self.subTest(workers=workers), tempfile.TemporaryDirectory() as directory:
                database = f"{directory}/shop.db"
                self.assert_run(0, f"serving with {workers} workers, books in {database}\n"
                                   "books: 300 orders, 896 articles, 8405.80 in all\n",
                                "shop", "--orders", "300", "--rate", "0", "--statistics", "0", "--workers", workers,
                                "--database", database)

    def test_shop_reads_its_settings_file(self):
        with tempfile.TemporaryDirectory() as directory:
            settings = Path(directory, "shop.conf")
            settings.write_text(f"# a comment\nworkers = 2\norders=10 # ten\nrate = 0\ndatabase = {directory}/books.db\n")
            result = self.run_sample("shop", "--config", str(settings))
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("serving with 2 workers", result.stdout)
            self.assertIn("books: 10 orders", result.stdout)
            settings.write_text("workers = 2\nrate = fast\n")
            result = self.run_sample("shop", "--config", str(settings))
            self.assertEqual(result.returncode, 2)
            self.assertIn("shop.conf:2: rate: 'fast' is not a number", result.stderr)

    def test_shop_without_a_place_for_its_books(self):
        result = self.run_sample("shop", "--database", "/nowhere/shop.db")
        self.assertEqual(result.returncode, 1)
        self.assertIn("cannot open /nowhere/shop.db", result.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", type=Path, required=True, help="the build's bin directory")
    options, rest = parser.parse_known_args()
    BIN = options.bin.resolve()
    unittest.main(argv=[sys.argv[0], *rest])
