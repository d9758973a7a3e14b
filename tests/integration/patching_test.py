"""A probe's site is toggled while another CPU runs it in a hot loop: no toggle is lost, and no instruction is torn, which
would end the app with a fault."""

import control_channel
import guest


class Patching(guest.GuestTest):
    def test_toggling_a_hot_site(self):
        toggles = 10_000 if guest.FULL else 1_000
        instance = self.start(guest.image("hot_probe"), options=["--cpus", "2", "--kernel-option", "stdin=pipe"])
        instance.wait_for(lambda line: line == "ready")
        control = control_channel.ControlChannel(instance)
        self.addCleanup(control.close)
        control.enable_probes("*", False)
        lost = []
        total_rounds = total_hits = 0
        for toggle in range(toggles):
            on = toggle % 2 == 0
            control.enable_probes("hot:spot", on)
            since = len(instance.lines)
            instance.say("count")
            answer = instance.wait_for(lambda _: True, since=since)
            rounds, hits = map(int, instance.lines[answer].split())
            total_rounds += rounds
            total_hits += hits
            # On: a hit in each round, but perhaps the first, whose hit came before the watch. There may be more.
            if hits < rounds - 1 if on else hits != 0:
                lost.append((toggle, rounds, hits))
        instance.say("end")
        self.assertEqual(instance.wait(), 0, instance.describe())
        print(f"{toggles} toggles, {len(lost)} lost; "
              f"{total_rounds} rounds were watched, {total_hits} found the probe on")
        self.assertEqual(lost, [], f"of {toggles} toggles: (toggle, rounds, hits)")
        self.assertGreater(total_hits, 99 * toggles // 2)


if __name__ == "__main__":
    guest.main()
