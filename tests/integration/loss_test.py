"""Losses are counted to the event: what threads that migrate between two CPUs say they emitted, into rings that are too
small on purpose, is what the trace delivers plus what it says was discarded."""

import os
import re
import struct
import subprocess
import time

import control_channel
import guest

EVENTS = 100_000
THREADS = 5
# wire::PacketHeader: magic, uuid, stream; begin, end, content, size, sequence, discarded, produced; cpu, events.
PACKET = struct.Struct("<I16sI7QII")


def packets(stream):
    """(CPU, discarded so far, events) of each packet of a CPU's stream."""
    data = stream.read_bytes()
    at = 0
    while at < len(data):
        fields = PACKET.unpack_from(data, at)
        assert fields[0] == 0xC1FC1FC1, f"{stream}: no packet at {at}"
        yield fields[10], fields[8], fields[11]
        at += fields[6] // 8


class Loss(guest.GuestTest):
    def test_counted_is_delivered_and_discarded(self):
        instance = self.start(guest.image("producers"), THREADS, EVENTS, options=[
            "--cpus", "2", "--kernel-option", "ring=4Kx2", "--kernel-option", "stdin=pipe"])
        instance.wait_for(lambda line: line == "ready")
        control = control_channel.ControlChannel(instance)
        self.addCleanup(control.close)

        # The recording lasts until the test closes the pipe that its command reads.
        trace, fifo = self.directory / "trace", self.directory / "fifo"
        os.mkfifo(fifo)
        recorder = subprocess.Popen([guest.BIN / "uniscope", "record", "-o", trace, "app", "--", "cat", fifo],
                                    env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, text=True)
        self.addCleanup(lambda: (recorder.poll() is None and recorder.kill(), recorder.communicate()))
        with open(fifo, "w"):
            time.sleep(1)
            # From here on there are only the producers' events, and what came before has been told.
            control.enable_probes("*", False)
            time.sleep(1)
            control.enable_probes("loss:*", True)
            instance.say("go")
            line = instance.wait_for(lambda line: line.startswith("counted"))
            counted, migrations = map(int, re.findall(r"\d+", instance.lines[line]))
            time.sleep(0.5)
        output = recorder.communicate(timeout=60)[0]
        self.assertEqual(recorder.returncode, 0, output)
        instance.say("end")
        self.assertEqual(instance.wait(), 0, instance.describe())

        result = guest.run("babeltrace2", trace)
        self.assertEqual(result.returncode, 0, result.stderr)
        delivered = result.stdout.count(" loss:produced:")
        others = {cpu: 0 for cpu in range(2)}
        for line in result.stdout.splitlines():
            if " loss:produced:" not in line:
                others[int(re.search(r"cpu_id = (\d+)", line)[1])] += 1
        discarded = 0
        for stream in (path for path in trace.iterdir() if path.is_file() and path.name != "metadata"):
            seen = lost = lost_before = 0
            for cpu, lost, events in packets(stream):
                seen += events
                if seen <= others[cpu]:
                    lost_before = lost
            discarded += lost - lost_before
        print(f"counted {counted}, delivered {delivered}, discarded {discarded}, {sum(others.values())} other events, "
              f"{migrations} migrations\n{output}")
        self.assertEqual(counted, THREADS * EVENTS)
        self.assertGreater(migrations, 100)
        self.assertGreater(discarded, 0)
        self.assertGreater(delivered, 0)
        self.assertEqual(counted, delivered + discarded)


if __name__ == "__main__":
    guest.main()
