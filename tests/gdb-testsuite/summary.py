"""Reads dejagnu's gdb.sum files and compares two boards' test by test."""

import re
from collections import Counter

# What a test can come to; dejagnu's manual, "Test cases". UNTESTED and UNSUPPORTED say that nothing was tried.
OUTCOMES = ("PASS", "FAIL", "XPASS", "XFAIL", "KPASS", "KFAIL", "UNRESOLVED", "UNTESTED", "UNSUPPORTED")
_LINE = re.compile(rf"^({'|'.join(OUTCOMES)}): (\S+\.exp): (.*)$")
# What differs from run to run in a test's name.
_VARYING = ((re.compile(r"0x[0-9a-f]{6,}"), "0x…"), (re.compile(r" \(timeout\)$"), ""),
            (re.compile(r"Thread \d{3,}(\.\d+)?"), "Thread N"))


class Summary:
    """The outcomes of one file on one board."""

    def __init__(self, text=""):
        self.outcomes = Counter()  # (outcome, test name) -> how often
        # What makes the outcomes doubtful, and what does not.
        self.errors = [line for line in text.splitlines() if line.startswith("ERROR:")]
        self.warnings = [line for line in text.splitlines() if line.startswith("WARNING:")]
        for line in text.splitlines():
            if match := _LINE.match(line):
                self.outcomes[match[1], _normal(match[3])] += 1

    def count(self, outcome):
        return sum(times for (own, _), times in self.outcomes.items() if own == outcome)

    def of(self, name):
        """All outcomes of the tests of that name, as text."""
        found = [outcome for (outcome, own), times in self.outcomes.items() if own == name for _ in range(times)]
        return "+".join(sorted(found)) or "absent"

    def __str__(self):
        return ", ".join(f"{self.count(outcome)} {outcome}" for outcome in OUTCOMES if self.count(outcome)) or "nothing"


def _normal(name):
    for pattern, replacement in _VARYING:
        name = pattern.sub(replacement, name)
    return name


def lost(peer, ours):
    """Names of tests that pass at the peer, and here not as often; each with what it came to here."""
    found = []
    for (outcome, name), times in peer.outcomes.items():
        if outcome == "PASS" and ours.outcomes["PASS", name] < times:
            found.append((name, ours.of(name)))
    return found
