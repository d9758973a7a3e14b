"""Signals and timers: programs that use them in all ways see the same as Linux processes and as unikernels."""

import guest


class Signals(guest.GuestTest):
    def compare(self, name, *arguments):
        image = guest.image(name)
        process = self.as_process(image, *arguments)
        self.assertGreater(len(process.stdout.splitlines()), 25, process)
        for machine, cpus in (("microvm", 1), ("microvm", 2), ("q35", 4)):
            with self.subTest(arguments=arguments, machine=machine, cpus=cpus):
                unikernel = self.as_unikernel(image, *arguments, options=["--machine", machine, "--cpus", str(cpus)])
                self.assert_same(process, unikernel)

    def test_signals(self):
        self.compare("signal_program")

    def test_timers(self):
        self.compare("timer_program")

    def test_an_alarm_that_nobody_handles_ends_it(self):
        self.compare("timer_program", "alarm")


if __name__ == "__main__":
    guest.main()
