"""uniscope-viewer --render, as a user calls it: no display, pictures out, sentences on errors.

usage: render_test.py UNISCOPE_VIEWER WRITE_TRACE"""

import os
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

VIEWER, WRITE_TRACE = sys.argv[1], sys.argv[2]


def png_size(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


class Render(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.directory = Path(temporary.name)
        self.trace = self.directory / "busy.trace"
        subprocess.run([WRITE_TRACE, str(self.trace)], check=True)

    def run_viewer(self, *arguments):
        environment = {key: value for key, value in os.environ.items()
                       if key not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
        return subprocess.run([VIEWER, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=100)

    def test_png(self):
        out = self.directory / "out.png"
        result = self.run_viewer("--render", out, "--range", "1ms..2ms", "--size", "900x500", self.trace)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(png_size(out), (900, 500))
        self.assertEqual(result.stdout.strip(), str(out))

    def test_svg_of_some_lanes(self):
        out = self.directory / "out.svg"
        result = self.run_viewer("--render", out, "--lanes", "cpu 1, worker 3", self.trace)
        self.assertEqual(result.returncode, 0, result.stderr)
        text = out.read_text()
        self.assertIn("CPU 1", text)
        self.assertIn("worker 3", text)
        self.assertNotIn("CPU 0", text)

    def test_the_same_call_gives_the_same_picture(self):
        pictures = []
        for name in ("a.png", "b.png"):
            self.run_viewer("--render", self.directory / name, self.trace)
            pictures.append((self.directory / name).read_bytes())
        self.assertEqual(pictures[0], pictures[1])

    def expect_failure(self, word, *arguments):
        result = self.run_viewer(*arguments)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(word, result.stderr)
        self.assertTrue(result.stderr.startswith("uniscope-viewer: "), result.stderr)
        self.assertEqual(list(self.directory.glob("*.png")), [])

    def test_bad_input(self):
        out = self.directory / "out.png"
        self.expect_failure("there is no", "--render", out, self.directory / "nothing")
        self.expect_failure("", "--render", out, self.directory)
        self.expect_failure("outside the trace", "--render", out, "--range", "9s..", self.trace)
        self.expect_failure("not a range", "--render", out, "--range", "soon", self.trace)
        self.expect_failure("neither in .png", "--render", self.directory / "out.gif", self.trace)
        self.expect_failure("no option", "--frobnicate", self.trace)
        self.expect_failure("no display", self.trace)

    def test_a_torn_trace_is_drawn(self):
        for stream in self.trace.iterdir():
            if stream.is_file() and stream.name != "metadata":
                os.truncate(stream, stream.stat().st_size * 2 // 3)
        out = self.directory / "out.png"
        result = self.run_viewer("--render", out, self.trace)
        self.assertEqual(result.returncode, 0, result.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
