"""What an image costs: the kernel's part of it, and the memory that it needs to run."""

import guest

KERNEL_LIMIT = 1_000_000  # bytes of code and data


class Footprint(guest.GuestTest):
    def test_the_kernel_is_small(self):
        sections = {}
        for line in guest.run("size", "-A", "-d", guest.BIN / "hello").stdout.splitlines():
            words = line.split()
            if len(words) == 3 and words[0].startswith(".uniscope."):
                sections[words[0]] = int(words[1])
        print(sections)
        self.assertIn(".uniscope.text", sections)
        self.assertIn(".uniscope.bss", sections)
        self.assertLess(sum(sections.values()), KERNEL_LIMIT, sections)

    def test_runs_in_16_mib(self):
        for machine in guest.MACHINES:
            for cpus in (1, 2):
                with self.subTest(machine=machine, cpus=cpus):
                    result = self.as_unikernel(guest.BIN / "hello", "small", options=[
                        "--machine", machine, "--cpus", cpus, "-m", "16M"])
                    self.assertEqual(result.returncode, 0, result.stderr + result.stdout)
                    self.assertIn("small", result.stdout)


if __name__ == "__main__":
    guest.main()
