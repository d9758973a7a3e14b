"""Images of earlier releases (tests/kept) do everything that today's tools ask of them: their control protocol, their
packets, their cores and their command line are still understood."""

import json
import lzma
import shutil
from pathlib import Path

import guest

KEPT = Path(__file__).resolve().parents[1] / "kept"


class Kept(guest.GuestTest):
    def uniscope(self, *words, status=0):
        result = guest.run(guest.BIN / "uniscope", *words, env=self.environment)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result

    def images(self):
        packed = sorted(KEPT.glob("kept-*.xz"))
        self.assertTrue(packed)
        for path in packed:
            image = self.directory / path.stem
            image.write_bytes(lzma.decompress(path.read_bytes()))
            image.chmod(0o755)
            yield image

    def serve(self, image, *options):
        instance = self.start(image, "serve", options=["--cpus", "2", *options])
        instance.wait_for(lambda line: line.startswith("round"))
        return instance

    def assert_serves(self, instance):
        since = len(instance.lines)
        instance.wait_for(lambda line: line.startswith("round"), since + 2)

    def test_exit_status(self):
        for image in self.images():
            for status in (0, 42):
                self.assertEqual(self.as_unikernel(image, "exit", status).returncode, status)

    def test_gdb(self):
        for image in self.images():
            instance = self.serve(image)
            output = self.gdb("info threads", "break serve_round", "continue", "backtrace", "print (long)g_rounds > 0",
                              "stepi", "delete", "break syscalls::dispatch", "continue", "backtrace", "detach")
            self.assert_in_order(output, r'Thread \d+ "', r"hit Breakpoint 1, .*serve_round", r"#1 .* serve ",
                                 r"\$1 = 1", r"hit Breakpoint 2, .*syscalls::dispatch", r"#1 .*syscall_dispatch",
                                 "detached")
            self.assert_serves(instance)

    def test_record(self):
        for image in self.images():
            instance = self.serve(image)
            trace = self.directory / f"{image.name}.trace"
            recorded = json.loads(self.uniscope("record", "-d", "1s", "--json", "-o", trace, "app").stdout)
            self.assertGreater(recorded["events_delivered"], 0)
            self.assertEqual(recorded["events_produced"], recorded["events_delivered"] + recorded["events_discarded"])
            self.assertRegex(self.uniscope("report", trace).stdout, "nanosleep")
            self.uniscope("record", "--snapshot", "-o", self.directory / f"{image.name}.snapshot", "app")
            read = guest.run("babeltrace2", trace)
            self.assertEqual(read.returncode, 0, read.stderr)
            self.assertIn("syscall_entry_nanosleep", read.stdout)
            self.assertIn("came in on control", self.uniscope("audit", "app").stdout)
            self.assert_serves(instance)

    def test_cores(self):
        for image in self.images():
            self.assertEqual(self.as_unikernel(image, "crash").returncode, 139)
            core = max((self.directory / "data/uniscope/crashes").glob("*.core"))
            self.assert_shows(core, "write_through_null", "CULPRIT")
            asked = self.directory / f"{image.name}.core"
            self.serve(image)
            self.uniscope("dump", "-o", asked, "app")
            self.assert_shows(asked, r"[\w:]+\(?.*", "taken by uniscope dump")

    def assert_shows(self, core, function, word):
        shown = self.uniscope("crash", "show", core).stdout
        self.assertIn(word, shown)
        self.assertRegex(shown, rf"(?m)^ +#\d+ .* {function}$")
        self.assertRegex(shown, r"\nTHE LAST \d+ EVENTS")

    def test_keys(self):
        for image in self.images():
            shutil.rmtree(self.directory / "config", ignore_errors=True)
            self.uniscope("key", "new")
            word = self.uniscope("key", "enroll", "--role", "operator", "default").stdout.strip()
            instance = self.serve(image, "--closed", "--kernel-option", word)
            self.assertIn("$1 = 42", self.gdb("print 6 * 7", "detach"))
            self.assert_serves(instance)


if __name__ == "__main__":
    guest.main()
