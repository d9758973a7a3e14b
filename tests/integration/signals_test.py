"""Signals: a program that uses them in all ways sees the same as a Linux process and as a unikernel."""

import guest


class Signals(guest.GuestTest):
    def compare(self, *arguments):
        image = guest.image("signal_program")
        process = self.as_process(image, *arguments)
        self.assertGreater(len(process.stdout.splitlines()), 80, process)
        for machine, cpus in (("microvm", 1), ("microvm", 2), ("q35", 4)):
            with self.subTest(arguments=arguments, machine=machine, cpus=cpus):
                unikernel = self.as_unikernel(image, *arguments, options=["--machine", machine, "--cpus", str(cpus)])
                self.assert_same(process, unikernel)

    def test_all_ways(self):
        self.compare()

    def test_an_alarm_that_nobody_handles_ends_it(self):
        self.compare("alarm")


if __name__ == "__main__":
    guest.main()
