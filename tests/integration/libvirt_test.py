"""The libvirt domain of docs/launchers.md: valid, and run by libvirt itself. Skipped where libvirt is not installed."""

import os
import shutil
import sys

import guest
from launchers_test import LauncherTest

PROGRAMS = ("virt-xml-validate", "virt-qemu-run")
SKIPPED = 77 # tests/integration/CMakeLists.txt


class LibvirtDomain(LauncherTest):
    def test_libvirt_domain(self):
        domain = self.directory / "shop.xml"
        domain.write_text(self.text("libvirt"))
        valid = guest.run("virt-xml-validate", domain, "domain")
        self.assertEqual(valid.returncode, 0, valid.stdout + valid.stderr)

        # libvirt's own runner of one domain, without a daemon. It refuses to be root without Debian's system service.
        root = self.directory / "libvirt"
        (root / "etc").mkdir(parents=True)
        (root / "etc/qemu.conf").write_text('stdio_handler = "file"\n')
        home = self.directory / "home"
        home.mkdir()
        as_user = []
        if os.getuid() == 0:
            as_user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            self.directory.chmod(0o711)
            for path in (root, root / "etc", home, self.run_directory):
                os.chown(path, 65534, 65534)
            domain.chmod(0o644)
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(home),
                       "XDG_CACHE_HOME": str(home), "XDG_CONFIG_HOME": str(home)}
        process = self.launch([*as_user, "virt-qemu-run", f"--root={root}", str(domain)], env=environment, cwd=home)
        self.wait_for(self.run_directory / "uniscope.crash", process)
        self.check_all_channels(f"unix:{self.run_directory}")


if __name__ == "__main__":
    if missing := [program for program in PROGRAMS if not shutil.which(program)]:
        print(f"skipped: {', '.join(missing)} not installed (Debian: libvirt-clients, libvirt-daemon-driver-qemu)")
        sys.exit(SKIPPED)
    guest.main()
