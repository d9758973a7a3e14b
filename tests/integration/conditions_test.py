"""The guest evaluates the conditions of breakpoints and runs dprintf's commands: a real gdb on threads that go round and
round, and the guest's own counts."""

import re

import guest

STOPS = 20
STOPS_IN_FULL = 500
ROUNDS = "*(long*)$rbx" # at_increment's, before it counts
WHERE = f'printf "thread %d round %ld\\n", $_thread, {ROUNDS}'
STEP = 100
MACHINES = (("microvm", 1), ("q35", 2))


class Conditions(guest.GuestTest):
    def start_passing(self, machine, cpus):
        instance = self.start(guest.image("passing"), options=("--machine", machine, "--cpus", str(cpus)))
        instance.wait_for(lambda line: line == "passing")
        return instance

    def on_each_machine(self, check):
        for machine, cpus in MACHINES:
            with self.subTest(machine=machine, cpus=cpus):
                instance = self.start_passing(machine, cpus)
                check()
                output = self.gdb("set var g_stop = 7", "continue")
                self.assertIn("exited with code 07]", output)
                self.assertEqual(instance.wait(), 7, instance.describe())

    def counts(self, output, kind="software"):
        """Of `monitor breakpoints`: address, conditions, commands, evaluated, hits."""
        found = re.findall(rf"^0x(\w+)  {kind} +(\d+) +(\d+) +(\d+) +(\d+)", output, re.MULTILINE)
        self.assertTrue(found, output)
        return [(int(address, 16), *map(int, numbers)) for address, *numbers in found]

    def check_condition(self, command):
        """Stops where it is true, for each thread each time, and nowhere else."""
        stops = STOPS_IN_FULL if guest.FULL else STOPS
        output = self.gdb(f"{command} *&at_increment if {ROUNDS} % {STEP} == 0", *["continue", WHERE] * stops,
                          "info breakpoints")
        self.assertIn(f"stop only if {ROUNDS} % {STEP} == 0 (target evals)", output)
        seen = re.findall(r"^thread (\d+) round (\d+)$", output, re.MULTILINE)
        self.assertEqual(len(seen), stops, output)
        last = {}
        for thread, rounds in seen:
            self.assertEqual(int(rounds) % STEP, 0, output)
            self.assertEqual(int(rounds), last.get(thread, int(rounds) - STEP) + STEP, output)
            last[thread] = int(rounds)

    def check_counts(self, command, kind):
        """A condition that is never true, while the threads come by it some hundred times."""
        output = self.gdb(f"{command} *&at_increment if {ROUNDS} == -1", "break *&at_syscall", "ignore 2 200", "continue",
                          "monitor breakpoints")
        [(evaluated, hits)] = [(evaluated, hits) for _, conditions, _, evaluated, hits in self.counts(output, kind)
                               if conditions == 1]
        self.assertEqual(hits, 0, output)
        self.assertGreaterEqual(evaluated, 200 - 2, output) # a thread may stand between the two

    def test_a_condition(self):
        self.on_each_machine(lambda: self.check_condition("break"))

    def test_a_condition_in_the_debug_registers(self):
        self.on_each_machine(lambda: self.check_condition("hbreak"))

    def test_what_was_evaluated_is_counted(self):
        for command, kind in (("break", "software"), ("hbreak", "hardware")):
            self.on_each_machine(lambda: self.check_counts(command, kind))

    def test_a_condition_that_cannot_be_evaluated_stops(self):
        def check():
            output = self.gdb("break *&at_increment if *(long*)8 == 1", "continue", "monitor breakpoints")
            self.assertRegex(output, r"Error in testing (breakpoint )?condition")
            self.assertRegex(output, r"\n    .*memory.*\n")

        self.on_each_machine(check)

    def print_for(self, instance, dprintf, rounds):
        """Both threads come by `dprintf` while one makes `rounds`. What was printed, to the end, and the hits."""
        since = len(instance.lines)
        until = 'eval "tbreak *&at_syscall if $rbx == (long)&g_rounds && ' \
                f'{ROUNDS} == %ld", *(long*)&g_rounds + {rounds}'
        output = self.gdb("set dprintf-style agent", *dprintf, until, "continue",
                          "monitor breakpoints", "delete", "set var g_stop = 7", "continue")
        self.assertIn("exited with code 07]", output)
        self.assertEqual(instance.wait(), 7, instance.describe())
        [hits] = [hits for _, _, commands, _, hits in self.counts(output) if commands == 1]
        return instance.lines[since:], hits

    def test_prints_of_the_app(self):
        """Each is on the console, in its thread's order."""
        for machine, cpus in MACHINES:
            with self.subTest(machine=machine, cpus=cpus):
                lines, hits = self.print_for(
                    self.start_passing(machine, cpus),
                    [f'dprintf *&at_increment,"round at %lu\\n", {ROUNDS}', f"condition 1 {ROUNDS} % {STEP} == 0"],
                    rounds=5000)
                self.assertEqual(len(lines), hits, lines)
                self.assertGreaterEqual(hits, 5000 / STEP - 2)
                last = []
                for rounds in (int(line.removeprefix("round at ")) for line in lines):
                    follows = [i for i, other in enumerate(last) if other + STEP == rounds]
                    if follows:
                        last[follows[0]] = rounds
                    else:
                        last.append(rounds)
                self.assertLessEqual(len(last), 2, lines)

    def test_prints_of_the_kernel(self):
        """Nobody can wait for the console there. Each character comes out, or is counted."""
        for machine, cpus in MACHINES:
            with self.subTest(machine=machine, cpus=cpus):
                text = "in the kernel"
                lines, hits = self.print_for(self.start_passing(machine, cpus),
                                               [f'dprintf *syscalls::dispatch,"{text} %d\\n", 5'], rounds=2000)
                printed = "".join(line + "\n" for line in lines)
                is_lost = r"\nuniscope: (\d+) characters that breakpoints printed are lost\n"
                lost = sum(int(count) for count in re.findall(is_lost, printed))
                self.assertGreater(printed.count(text + " 5\n"), 10)
                self.assertEqual(len(re.sub(is_lost, "", printed)) + lost, hits * len(text + " 5\n"))

    def test_prints_go_on_without_gdb(self):
        for machine, cpus in MACHINES:
            with self.subTest(machine=machine, cpus=cpus):
                instance = self.start_passing(machine, cpus)
                self.gdb("set dprintf-style agent", "set disconnected-dprintf on",
                         f'dprintf *&at_increment,"round %lu\\n", {ROUNDS}', f"condition 1 {ROUNDS} % {STEP} == 0",
                         "tbreak *&at_syscall", "continue", "detach")
                seen = instance.wait_for(lambda line: line.startswith("round "), since=len(instance.lines))
                instance.wait_for(lambda line: line.startswith("round "), since=seen + 1)
                output = self.gdb("monitor breakpoints", "monitor breakpoints clear", "monitor breakpoints",
                                  "set var g_stop = 7", "continue")
                self.assertEqual(output.count("left behind"), 1, output)
                self.assertEqual(instance.wait(), 7, instance.describe())


if __name__ == "__main__":
    guest.main()
