"""docs/vsock.md: uniscope-vsockd and QEMU are started as they stand there, and every channel of the image works over it."""

import os
import re
from pathlib import Path

import guest
from by_hand import eventually
from launchers_test import LauncherTest

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "vsock.md"


class VsockByHand(LauncherTest):
    def launch_pair(self, name):
        found = re.search(rf"<!-- launch: {name} -->\n```sh\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
        self.assertTrue(found, f"no launch {name}")
        text = found.group(1).replace("/run/shop", str(self.run_directory)).replace("/srv/shop/shop", str(self.image))
        path = f"{guest.BIN}:{os.environ['PATH']}"
        process = self.launch(["sh", "-c", text], env={**os.environ, "PATH": path})
        self.wait_for(self.run_directory / "vsock", process)
        console = self.run_directory / "console.log"
        eventually(lambda: console.exists() and "round" in console.read_text(), seconds=90, what="the app")
        return process

    def check_channels(self):
        self.check_all_channels(f"unix:{self.run_directory}/vsock", has_console=False)

    def test_microvm(self):
        self.launch_pair("microvm")
        self.check_channels()

    def test_q35(self):
        self.launch_pair("q35")
        self.check_channels()


if __name__ == "__main__":
    guest.main()
