"""The same file does the same as a Linux process and as a unikernel, on both machines and any number of CPUs: whole
output and exit status."""

import guest


class SameFile(guest.GuestTest):
    def compare(self, name, *arguments, variables=None, machines=guest.MACHINES, cpu_counts=guest.CPU_COUNTS):
        image = guest.BIN / name
        process = self.as_process(image, *arguments, variables=variables, cwd=self.directory)
        for machine in machines:
            for cpus in cpu_counts:
                with self.subTest(image=name, arguments=arguments, machine=machine, cpus=cpus):
                    unikernel = self.as_unikernel(image, *arguments, variables=variables,
                                                  options=["--machine", machine, "--cpus", str(cpus)])
                    self.assert_same(process, unikernel)
        for database in self.directory.glob("*.db"):
            database.unlink()

    def test_hello(self):
        for name in ("hello", "hello_cpp"):
            self.compare(name, "one", "two words", "100%", variables={"GREETING": "Servus sagt man"})

    def test_exit_statuses(self):
        for status in ("0", "1", "42", "127", "134", "139", "255"):
            self.compare("hello", "--status", status, machines=["microvm"], cpu_counts=[1])
        self.compare("hello", "--status", "139", machines=["q35"], cpu_counts=[2])

    def test_threads(self):
        self.compare("threads")

    def test_shop(self):
        self.compare("shop", "--orders", "200", "--rate", "0", "--statistics", "0")


if __name__ == "__main__":
    guest.main()
