"""What gdb shows of an instance as of a process: its mappings, files and signals, and a core that it writes itself."""

import re

import guest

MACHINES = (("microvm", 1), ("q35", 2))


class ProcessView(guest.GuestTest):
    def serve(self, machine="microvm", cpus=1, options=()):
        instance = self.start(guest.image("debuggee"), "serve",
                              options=("--machine", machine, "--cpus", str(cpus), *options))
        instance.wait_for(lambda line: line.startswith("round"))
        return instance

    def test_info_proc(self):
        for machine, cpus in MACHINES:
            with self.subTest(machine=machine, cpus=cpus):
                self.serve(machine, cpus)
                output = self.gdb("info proc", "info proc mappings", "info proc stat", "info proc status", "info auxv",
                                  "print (long)&g_rounds", "print (long)&main", "print (long)$sp", "info inferiors")
                image = re.escape(str(guest.image("debuggee")))
                self.assert_in_order(output, r"^process 1$", rf"^cmdline = '.*debuggee serve'$", r"^cwd = '/'$",
                                     rf"^exe = '{image}'$", r"^Mapped address spaces:$", r"\[heap\]", r"\[stack\]",
                                     r"^Process: 1$", r"^Exec file: (main-loop|debuggee)$", r"^Name:\s+(main-loop|debuggee)$",
                                     r"^Threads:\s+2$", r"AT_PAGESZ +System page size +4096", r"process 1 ")
                mappings = [tuple(int(word, 16) for word in words[:2]) + (words[2], )
                            for words in re.findall(r"^ *(0x\w+) +(0x\w+) +0x\w+ +0x\w+ +([r-][w-][x-][sp])", output,
                                                    re.MULTILINE)]
                for value, protection in zip(re.findall(r"^\$\d = (\d+)$", output, re.MULTILINE), ("rw", "r-x", "rw"),
                                             strict=True):
                    self.assertTrue(any(start <= int(value) < end and has.startswith(protection)
                                        for start, end, has in mappings), output)

    def test_files(self):
        root = self.directory / "root"
        (root / "etc").mkdir(parents=True)
        content = bytes(range(256)) * 300
        (root / "etc/data").write_bytes(content)
        copy, maps = self.directory / "copy", self.directory / "maps"
        self.serve(options=("--rootfs", str(root)))
        output = self.gdb(f"remote get /etc/data {copy}", f"remote get /proc/self/maps {maps}",
                          f"remote get /nowhere {self.directory / 'nothing'}", f"remote put {copy} /etc/new",
                          "remote delete /etc/data", f"remote get /dev/console {self.directory / 'nothing'}", "detach")
        self.assertEqual(copy.read_bytes(), content)
        self.assertIn("[stack]", maps.read_text())
        self.assert_in_order(output, "No such file or directory", "Read-only file system", "Read-only file system",
                             "Permission denied")

    def test_gdbs_own_core(self):
        for machine, cpus in MACHINES:
            with self.subTest(machine=machine, cpus=cpus):
                instance = self.serve(machine, cpus)
                core = self.directory / "core"
                output = self.gdb("break serve_round", "continue", "print g_rounds", "print $_siginfo.si_signo",
                                  f"gcore {core}", "delete", "detach")
                self.assertIn(f"Saved corefile {core}", output)
                rounds = re.search(r"^\$1 = (\d+)$", output, re.MULTILINE)[1]
                seen = guest.run("gdb", "-nx", "-batch", guest.image("debuggee"), core, "-ex", "print g_rounds", "-ex",
                                 "info threads", "-ex", "thread apply all backtrace", "-ex", "info auxv").stdout
                self.assert_in_order(seen, rf"^\$1 = {rounds}$", r"^#\d+ .* in main \(argc=2")
                self.assertEqual(len(re.findall(r"^\*? +\d+ +.*LWP|^\*? +\d+ +Thread", seen, re.MULTILINE)), 2, seen)
                self.assertRegex(seen, r"in help \(\)")
                self.assertRegex(seen, r"AT_ENTRY")
                seen = instance.wait_for(lambda line: line.startswith("round"), since=len(instance.lines))
                instance.wait_for(lambda line: line.startswith("round"), since=seen + 1)

    def test_monitor_tables(self):
        for machine, cpus in MACHINES:
            with self.subTest(machine=machine, cpus=cpus):
                self.serve(machine, cpus)
                output = self.gdb("monitor help", "monitor threads", "monitor memory", "monitor files",
                                  "monitor probes", "monitor trace", "detach")
                self.assert_in_order(output, r"^threads  ", r"^trace  ", r"^ *\d+ control .* kernel$",
                                     r"^ +1 main-loop +(sleep|running|runnable)", r"^ +\d+ helper ", r"^machine +\d+ KiB$",
                                     r"^  resident +\d+ KiB$", r"^ +0 rw +/dev/console$", r"^ +\d+ +\d+ +kernel:sched_switch$",
                                     r"^produced +\d+ events$", r"^discarded +\d+ events$")

    def test_a_signals_information(self):
        """What gdb writes there is what the handler is told."""
        instance = self.start(guest.image("debuggee"), "signal", options=("--wait", ))
        instance.wait_until_up()
        output = self.gdb("handle SIGUSR1 stop print pass", "continue", "print $_siginfo.si_signo",
                          "print $_siginfo._sifields._rt.si_sigval.sival_int",
                          "set var $_siginfo._sifields._rt.si_sigval.sival_int = 4711", "continue")
        self.assert_in_order(output, r"received signal SIGUSR1", r"^\$1 = 10$", r"^\$2 = 42$", r"exited normally")
        self.assertEqual(instance.wait(), 0, instance.describe())
        self.assertIn("value 4711", instance.lines)


if __name__ == "__main__":
    guest.main()
