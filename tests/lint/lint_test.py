"""Shows of every check that it passes good sources and that it can fail: each is run over small trees made here."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import check_arch_neutrality
import check_file_length
import check_format
import check_guest_headers
import check_layers
import check_undefined_symbols

LAYERS = """
libos/base:
libos/arch: libos/base
libos/memory: libos/base libos/arch
libos/image: *
probes: libos/base
"""
HEADERS = """
folder: libos
header: cstdint span
"""


class Tree(unittest.TestCase):
    """A source tree of the files given, outside of any git work tree."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="uniscope-lint-")
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name)
        self.write("tests/lint/layers.txt", LAYERS + "tests: *\n")
        self.write("tests/lint/guest-headers.txt", HEADERS)
        self.write("tests/lint/long-files.txt", "")

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def complaints(self, check):
        return list(check.check(self.root))

    def assert_complains(self, check, *words):
        complaints = self.complaints(check)
        self.assertEqual(len(complaints), 1, complaints)
        for word in words:
            self.assertIn(word, complaints[0])


class Layers(Tree):
    def setUp(self):
        super().setUp()
        self.write("libos/base/Bits.h", "#include <cstdint>\n")
        self.write("libos/memory/Pages.h", '#include "libos/base/Bits.h"\n#include <arch/Processor.h>\n')

    def test_allowed_edges_pass(self):
        self.assertEqual(self.complaints(check_layers), [])

    def test_forbidden_edge(self):
        self.write("probes/Ring.h", '\n#include "libos/memory/Pages.h"\n')
        self.assert_complains(check_layers, "probes/Ring.h:2", "probes may not include libos/memory")

    def test_forbidden_edge_written_relative_to_the_file(self):
        self.write("libos/base/Text.h", '#include "../memory/Pages.h"\n')
        self.assert_complains(check_layers, "libos/base may not include libos/memory")

    def test_forbidden_edge_in_angle_brackets(self):
        self.write("probes/Ring.cpp", "#include <libos/memory/Pages.h>\n")
        self.assert_complains(check_layers, "probes may not include libos/memory")

    def test_architecture_from_a_leaf(self):
        self.write("libos/base/Text.h", "#include <arch/Processor.h>\n")
        self.assert_complains(check_layers, "libos/base may not include libos/arch")

    def test_folder_without_a_layer(self):
        self.write("utils/Misc.h", "")
        self.assert_complains(check_layers, "utils/Misc.h: no layer")

    def test_commented_include_does_not_count(self):
        self.write("probes/Ring.h", '// #include "libos/memory/Pages.h"\n/*\n#include "libos/memory/Pages.h"\n*/\n')
        self.assertEqual(self.complaints(check_layers), [])

    def test_folder_that_may_include_anything(self):
        self.write("libos/image/All.cpp", '#include "libos/memory/Pages.h"\n')
        self.assertEqual(self.complaints(check_layers), [])


class GuestHeaders(Tree):
    def test_listed_header_passes(self):
        self.write("libos/A.h", "#include <span>\n#include <arch/Processor.h>\n")
        self.assertEqual(self.complaints(check_guest_headers), [])

    def test_unlisted_header(self):
        self.write("libos/A.h", "#include <cstdint>\n#include <vector>\n")
        self.assert_complains(check_guest_headers, "libos/A.h:2", "<vector>")

    def test_hosted_code_and_other_folders_may(self):
        self.write("libos/base/HostedAssert.cpp", "#include <vector>\n")
        self.write("libos/arch/hosted/include/arch/Processor.h", "#include <chrono>\n")
        self.write("tests/ATest.cpp", "#include <vector>\n")
        self.assertEqual(self.complaints(check_guest_headers), [])


class ArchNeutrality(Tree):
    def test_arch_folder_may(self):
        self.write("libos/arch/x86_64/Trap.cpp", 'void f() { asm("cli"); }\n')
        self.assertEqual(self.complaints(check_arch_neutrality), [])

    def test_words_in_comments_and_strings_pass(self):
        self.write("libos/A.cpp", '// rax\n/* asm */ const char* g_name = "rip";\nint assembly, rate = 1\'000;\n')
        self.assertEqual(self.complaints(check_arch_neutrality), [])

    def test_assembly(self):
        self.write("libos/A.cpp", '\nvoid f() { asm volatile("cli"); }\n')
        self.assert_complains(check_arch_neutrality, "libos/A.cpp:2", "asm")

    def test_cpu_macro(self):
        self.write("gdbstub/A.h", "#if defined(__x86_64__)\n#endif\n")
        self.assert_complains(check_arch_neutrality, "__x86_64__")

    def test_register_name(self):
        self.write("libos/A.h", "struct A {\n  unsigned long rip;\n};\n")
        self.assert_complains(check_arch_neutrality, "libos/A.h:2", "rip")

    def test_intrinsics_header(self):
        self.write("probes/A.h", "#include <x86intrin.h>\n")
        self.assert_complains(check_arch_neutrality, "intrinsics")


class FileLength(Tree):
    def test_500_lines_pass(self):
        self.write("libos/A.h", "\n" * 500)
        self.assertEqual(self.complaints(check_file_length), [])

    def test_501_lines(self):
        self.write("libos/A.h", "\n" * 501)
        self.assert_complains(check_file_length, "libos/A.h", "501")

    def test_reason_given(self):
        self.write("libos/A.h", "\n" * 501)
        self.write("tests/lint/long-files.txt", "libos/A.h: one table\n")
        self.assertEqual(self.complaints(check_file_length), [])

    def test_entry_without_a_reason(self):
        self.write("libos/A.h", "\n" * 501)
        self.write("tests/lint/long-files.txt", "libos/A.h:\n")
        self.assert_complains(check_file_length, "libos/A.h")

    def test_entry_that_is_not_needed(self):
        self.write("libos/A.h", "\n")
        self.write("tests/lint/long-files.txt", "libos/A.h: one table\n")
        self.assert_complains(check_file_length, "remove the entry")


class Format(Tree):
    def setUp(self):
        super().setUp()
        self.write(".clang-format", "BasedOnStyle: LLVM\nIndentWidth: 4\n")

    def test_formatted_source_passes(self):
        self.write("libos/A.cpp", "int f() { return 1; }\n")
        self.assertEqual(self.complaints(check_format), [])

    def test_unformatted_source(self):
        self.write("libos/A.cpp", "int f() { return 1; }\n\nint g( )  { return 2; }\n")
        self.assert_complains(check_format, "libos/A.cpp:3")

    def test_no_sources_is_no_success(self):
        self.assert_complains(check_format, "found no sources")


class UndefinedSymbols(Tree):
    def complaints_about(self, source):
        self.write("a.s", source)
        object_file = str(self.root / "a.o")
        subprocess.run([os.environ.get("CC", "cc"), "-c", "-o", object_file, str(self.root / "a.s")], check=True)
        return list(check_undefined_symbols.complaints_about(object_file, "nm"))

    def test_what_the_linker_script_provides_passes(self):
        source = ".quad __ehdr_start, __libos_start, __libos_end, __start_uniscope_events, __stop_uniscope_events\n"
        self.assertEqual(self.complaints_about(".weak __ehdr_start\n" + source), [])

    def test_helper_of_the_compiler(self):
        complaints = self.complaints_about(".quad __udivti3\n")
        self.assertEqual(len(complaints), 1)
        self.assertIn("128-bit", complaints[0])

    def test_unknown_symbol(self):
        self.assertIn("no source of the libOS defines it", self.complaints_about(".quad printf\n")[0])

    def test_weak_reference_to_the_app(self):
        self.assertEqual(len(self.complaints_about(".weak malloc\n.quad malloc\n")), 1)

    def test_program_fails_in_words(self):
        self.complaints_about(".quad _Znwm\n")
        program = Path(check_undefined_symbols.__file__)
        result = subprocess.run([sys.executable, program, self.root / "a.o"], capture_output=True, text=True)
        self.assertEqual(result.returncode, 1)
        self.assertIn("operator new", result.stderr)
        self.assertIn("The image cannot be built", result.stderr)


class Tidy(Tree):
    """The slow check, over one file. Skipped only where clang-tidy is not installed."""

    @unittest.skipUnless(shutil.which("clang-tidy-19"), "clang-tidy-19 is not installed")
    def test_good_and_bad_name(self):
        program = Path(check_undefined_symbols.__file__).with_name("check_tidy.py")
        self.write(".clang-tidy", "Checks: '-*,readability-identifier-naming'\nWarningsAsErrors: '*'\n"
                                  "CheckOptions:\n  readability-identifier-naming.FunctionCase: lower_case\n")
        self.write("build/compile_commands.json",
                   f'[{{"directory": "{self.root}", "file": "libos/A.cpp", "command": "g++ -c libos/A.cpp"}}]')
        for source, status in (("void good_name() {}\n", 0), ("void badName() {}\n", 1)):
            self.write("libos/A.cpp", source)
            command = [sys.executable, program, self.root / "build", "--root", self.root]
            result = subprocess.run(command, capture_output=True, text=True)
            self.assertEqual(result.returncode, status, result.stderr)


if __name__ == "__main__":
    unittest.main()
