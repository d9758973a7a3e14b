"""For a gdb in a batch: Ctrl-C, as often as it takes, whenever the program has been let run."""

WHEN_RUNNING = """python
import os, signal, threading
stopped = threading.Event()
def press():
    while not stopped.wait(0.7):
        os.kill(os.getpid(), signal.SIGINT)
gdb.events.cont.connect(lambda event: threading.Thread(target=press, daemon=True).start())
gdb.events.stop.connect(lambda event: stopped.set())"""
