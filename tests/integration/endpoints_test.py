"""Instances that somebody else started: QEMU by hand, reached by endpoints of every kind that it can have here."""

import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading

import guest
from by_hand import Machine, VsockBridge, children_end, eventually, make_fake_ssh

GDB_OPTIONS = ["-nx", "-batch", "-iex", "set width 0", "-iex", "set pagination off", "-iex", "set confirm off",
               "-iex", "set debuginfod enabled off"]


class Endpoints(guest.GuestTest):
    def setUp(self):
        super().setUp()
        self.image = self.directory / "debuggee"
        shutil.copy(guest.image("debuggee"), self.image)
        self.addCleanup(self.forget_all)

    def forget_all(self):
        for entry in json.loads(self.uniscope("ps", "--json").stdout or "[]"):
            if entry["endpoint"]:
                self.uniscope("rm", entry["name"])

    def uniscope(self, *words, environment=None, timeout=120):
        return guest.run(guest.BIN / "uniscope", *words, env=environment or self.environment, timeout=timeout,
                         cwd=self.directory)

    def start(self, *words, environment=None):
        process = subprocess.Popen([str(word) for word in (guest.BIN / "uniscope", *words)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                                   env=environment or self.environment, cwd=self.directory, start_new_session=True)
        self.addCleanup(lambda: (children_end(process), process.stdout.close(), process.stderr.close()))
        return process

    def succeed(self, *words, **options):
        result = self.uniscope(*words, **options)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result

    def assert_fails(self, result, *parts):
        self.assertNotEqual(result.returncode, 0, result.stdout)
        for part in parts:
            self.assertIn(part, result.stderr)

    def ps(self, name):
        entries = json.loads(self.succeed("ps", "--json").stdout)
        return next((entry for entry in entries if entry["name"] == name), None)

    def debug(self, target, *commands, options=(), **more):
        """What gdb prints in a batch."""
        words = [word for command in commands for word in ("-ex", command)]
        result = self.uniscope("gdb", *options, target, "--", *GDB_OPTIONS, *words, **more)
        return result.stdout + result.stderr

    def hold_in_gdb(self, target, *options, environment=None):
        """A gdb that has stopped the instance and stays."""
        process = self.start("gdb", *options, target, "--", *GDB_OPTIONS, "-ex", "print 6 * 7", "-ex",
                             "shell echo held; sleep 600", environment=environment)
        seen = ""
        for line in process.stdout:
            seen += line
            if line.startswith("held"):
                return process
        self.fail("gdb ended: " + seen + process.stderr.read())

    def assert_serves(self, name):
        """It prints a line that it had not begun before."""
        count = len(self.succeed("logs", name).stdout.splitlines())
        eventually(lambda: len(self.succeed("logs", name).stdout.splitlines()) > count + 1, what="a new line")

    def wait_for_packets(self, trace):
        """Until the recording has begun, and some of it is on disk."""
        eventually(lambda: any(file.stat().st_size for file in (self.directory / trace).glob("cpu*")), what="a packet")

    def rounds(self, name):
        return [line for line in self.succeed("logs", name).stdout.splitlines() if line.startswith("round")]

    # A directory of sockets

    def test_life_of_an_added_instance(self):
        machine = Machine(self, self.image, "serve")
        added = self.succeed("add", "--image", self.image, "shop", f"unix:{machine.directory}")
        self.assertEqual((added.stdout, added.stderr), ("shop\n", ""))
        entry = self.ps("shop")
        self.assertEqual((entry["state"], entry["reachable"], entry["link"], entry["cpus"]),
                         ("running", True, "virtio-serial", 1))
        self.assertEqual(entry["endpoint"], f"unix:{machine.directory}")
        table = self.succeed("ps").stdout
        self.assertRegex(table, r"(?m)^NAME .*LINK .*ENDPOINT")
        self.assertRegex(table, rf"(?m)^shop +running .*virtio-serial .*unix:{machine.directory}")

        output = self.debug("shop", "info threads", "break serve_round", "continue", "print round > 0", "detach")
        self.assert_in_order(output, r'"main-loop"', r"hit Breakpoint 1, serve_round", r"\$1 = true")
        self.assert_serves("shop")
        recorded = json.loads(self.succeed("record", "-d", "300ms", "-o", "a.trace", "--json", "shop").stdout)
        self.assertGreater(recorded["events_delivered"], 0)
        self.assertEqual(recorded["events_produced"], recorded["events_delivered"] + recorded["events_discarded"])
        self.assertIn("clock_nanosleep", self.succeed("report", "a.trace").stdout)
        self.succeed("record", "--snapshot", "-o", "b.trace", "shop")

        for verb in ("stop", "kill"):
            self.assert_fails(self.uniscope(verb, "shop"), "started by somebody else", "uniscope rm shop")
        self.assert_fails(self.uniscope("dump", "shop"), "started by somebody else", "virsh dump")
        self.assert_fails(self.uniscope("add", "shop", "vsock:7"), "added already")
        self.assert_fails(self.uniscope("run", "--name", "shop", self.image), "added already")
        self.succeed("rm", "shop")
        self.assertIsNone(self.ps("shop"))
        self.assertTrue(machine.is_running())
        self.assertFalse((self.directory / "run/uniscope/shop").exists())
        self.assert_fails(self.uniscope("gdb", "shop"), "no instance `shop`")

    def test_an_endpoint_stands_for_a_name(self):
        machine = Machine(self, self.image, "serve")
        endpoint = f"unix:{machine.directory}"
        output = self.debug(endpoint, "print 1000 + add(1, 1)", options=["--image", self.image])
        self.assertIn("= 1002", output)
        # Now the image is in the symbol store, and the guest says which build it is.
        output = self.debug(endpoint, "print 1000 + add(1, 2)")
        self.assertIn("= 1003", output)
        # A relative path is the same endpoint; two verbs share it.
        recorder = self.start("record", "-o", "a.trace", f"unix:{machine.directory.name}/")
        eventually(lambda: any(e["state"] == "running" for e in json.loads(self.succeed("ps", "--json").stdout)))
        output = self.debug(endpoint, "print 1000 + add(1, 3)")
        self.assertIn("= 1004", output)
        recorder.send_signal(signal.SIGINT)
        self.assertEqual(recorder.wait(30), 0, recorder.stderr.read())
        following = self.start("logs", "-f", endpoint)
        self.assertRegex(following.stdout.readline() + following.stdout.readline(), r"round \d+")
        following.send_signal(signal.SIGINT)
        following.wait()
        self.assert_fails(self.uniscope("logs", endpoint), "nobody has listened")
        self.assert_fails(self.uniscope("stop", endpoint), "started by somebody else")
        eventually(lambda: json.loads(self.succeed("ps", "--json").stdout) == [], what="the end of what was for a verb")
        self.assertTrue(machine.is_running())
        self.assertEqual(list((self.directory / "run/uniscope").iterdir()), [])

    def test_out_of_reach_and_back(self):
        machine = Machine(self, self.image, "serve")
        self.succeed("add", "--image", self.image, "shop", f"unix:{machine.directory}")
        machine.end()
        eventually(lambda: self.ps("shop")["state"] == "unreachable")
        self.assertFalse(self.ps("shop")["reachable"])
        eventually(lambda: "uniscope.control: Connection refused" in self.ps("shop")["problem"])
        self.assert_fails(self.uniscope("record", "-d", "1s", "shop"), "cannot be reached")
        self.assert_fails(self.uniscope("gdb", "shop"), "cannot connect to", "uniscope.gdb")
        machine.start()
        eventually(lambda: self.ps("shop")["state"] == "running")
        self.assert_serves("shop")
        self.assertIn("= 1002", self.debug("shop", "print 1000 + add(1, 1)"))

    def test_added_before_it_runs(self):
        directory = self.directory / "ports"
        added = self.uniscope("add", "--image", self.image, "later", f"unix:{directory}")
        self.assertEqual(added.returncode, 0)
        self.assertIn("cannot be reached now: there is no", added.stderr)
        self.assertIn("tried on until `uniscope rm later`", added.stderr)
        self.assert_fails(self.uniscope("gdb", f"unix:{self.directory}/other", "--image", self.image), "there is no")
        Machine(self, self.image, "serve")
        eventually(lambda: self.ps("later")["state"] == "running")
        self.assert_serves("later")

    def test_exit_status_and_crash_reach_who_watches(self):
        machine = Machine(self, self.image, "serve")
        self.succeed("add", "--image", self.image, "shop", f"unix:{machine.directory}")
        waiting = self.start("wait", "shop")
        eventually(lambda: self.rounds("shop"))
        self.debug("shop", "set var g_stop = 42", "detach")
        self.assertEqual(waiting.wait(60), 42)
        eventually(lambda: not machine.is_running())
        eventually(lambda: self.ps("shop")["state"] == "exited (42)")
        machine.start()
        eventually(lambda: self.ps("shop")["state"] == "running")
        waiting = self.start("wait", "shop")
        self.debug("shop", "break serve_round", "continue", "set var $pc = 0x10", "delete", "detach")
        self.assertEqual(waiting.wait(60), 139)
        self.assertIn("crashed", waiting.stderr.read())
        self.assertRegex(self.ps("shop")["state"], r"crashed \(139\)")
        shown = self.succeed("crash", "show", "shop").stdout
        self.assertIn("0x10", shown)
        self.assertIn("syscall_", shown)

    def test_one_that_waits_for_gdb(self):
        machine = Machine(self, self.image, "serve", kernel_words=["uniscope.debug=open", "uniscope.wait=app",
                                                                   "uniscope.loglevel=1"])
        eventually(lambda: "waits for a debugger" in machine.console.read_text())
        endpoint = f"unix:{machine.directory}"
        added = self.uniscope("add", "--image", self.image, "shop", endpoint)
        self.assertEqual(added.returncode, 0)
        self.assertIn("held in a debugger", added.stderr)
        self.assert_fails(self.uniscope("record", "-d", "1s", "shop"), "cannot be reached", "does not answer")
        self.succeed("rm", "shop")
        output = self.debug(endpoint, "break main", "continue", "detach", options=["--image", self.image])
        self.assert_in_order(output, r"hit Breakpoint 1, main|Breakpoint 1, main")
        self.succeed("add", "shop", endpoint)
        self.assert_serves("shop")

    # Whose turn it is

    def test_one_gdb_at_a_time_unless_stolen(self):
        machine = Machine(self, self.image, "serve")
        self.succeed("add", "--image", self.image, "shop", f"unix:{machine.directory}")
        first = self.hold_in_gdb("shop")
        self.assertEqual(self.ps("shop")["state"], "stopped in debugger")
        refused = self.uniscope("gdb", "shop")
        self.assert_fails(refused, "a gdb is attached to shop already", "--steal")
        self.assertRegex(refused.stderr, r"gdb \(process \d+ of \w+\)")
        output = self.debug("shop", "print 1000 + add(1, 1)", options=["--steal"])
        self.assertIn("= 1002", output)
        self.assert_serves("shop")
        self.assertIsNone(first.poll(), "the gdb that was sent away is not killed")

    def test_one_recorder_at_a_time_unless_stolen(self):
        machine = Machine(self, self.image, "serve")
        self.succeed("add", "--image", self.image, "shop", f"unix:{machine.directory}")
        first = self.start("record", "-o", "a.trace", "--json", "shop")
        self.wait_for_packets("a.trace")
        refused = self.uniscope("record", "-d", "1s", "-o", "b.trace", "shop")
        self.assert_fails(refused, "is being recorded already, by uniscope (process", "--steal")
        self.assertFalse((self.directory / "b.trace").exists())
        self.succeed("record", "--steal", "-d", "200ms", "-o", "b.trace", "shop")
        self.assertEqual(first.wait(30), 0)
        summary = json.loads(first.stdout.read())
        self.assertTrue(summary["taken_over"])
        self.assertFalse(summary["instance_ended"])
        # Its books are whole up to there.
        self.assertGreater(summary["events_delivered"], 0)
        self.assertEqual(summary["events_produced"], summary["events_delivered"] + summary["events_discarded"])
        self.assertEqual(summary["interruption"], "another recorder took over")
        for trace in ("a.trace", "b.trace"):
            self.assertNotIn("not complete", self.succeed("report", trace).stderr)

    def test_stealing_from_an_own_instance(self):
        self.succeed("run", "-d", "--name", "own", self.image, "serve")
        self.addCleanup(self.uniscope, "kill", "own")
        self.hold_in_gdb("own")
        self.assert_fails(self.uniscope("gdb", "own"), "a gdb is attached to own already")
        self.assertIn("= 1002", self.debug("own", "print 1000 + add(1, 1)", options=["--steal"]))
        first = self.start("record", "-o", "a.trace", "--json", "own")
        self.wait_for_packets("a.trace")
        self.succeed("record", "--steal", "-d", "200ms", "-o", "b.trace", "own")
        self.assertEqual(first.wait(30), 0)
        self.assertTrue(json.loads(first.stdout.read())["taken_over"])
        self.assert_fails(self.uniscope("rm", "own"), "own is running", "uniscope stop own")

    def test_whoever_is_killed_the_instance_serves_on(self):
        machine = Machine(self, self.image, "serve")
        self.succeed("add", "--image", self.image, "shop", f"unix:{machine.directory}")
        for victim in ("gdb", "recorder", "supervisor"):
            with self.subTest(victim):
                first = self.hold_in_gdb("shop")
                if victim == "recorder":
                    children_end(first)
                    eventually(lambda: self.ps("shop")["state"] == "running")
                    recorder = self.start("record", "-o", "a.trace", "shop")
                    self.wait_for_packets("a.trace")
                    children_end(recorder)
                elif victim == "supervisor":
                    os.kill(self.ps("shop")["pid"], signal.SIGKILL)
                    eventually(lambda: self.ps("shop")["state"] == "not watched")
                    # gdb's verb gives it a supervisor again; the stub may stand where it was left.
                    self.assertIn("= 1002", self.debug("shop", "print 1000 + add(1, 1)"))
                else:
                    children_end(first)
                eventually(lambda: self.ps("shop")["state"] == "running")
                self.assert_serves("shop")
        self.succeed("record", "-d", "200ms", "-o", "c.trace", "shop")
        # Told to go, it takes leave of whoever is there.
        held = self.hold_in_gdb("shop")
        self.succeed("rm", "shop")
        children_end(held)
        self.succeed("add", "--image", self.image, "again", f"unix:{machine.directory}")
        self.assert_serves("again")

    # A vsock device's socket

    def test_vsock_by_its_unix_socket(self):
        machine = Machine(self, self.image, "serve")
        bridge = VsockBridge(self, machine, self.directory / "v.sock")
        self.succeed("add", "--image", self.image, "shop", f"unix:{bridge.path}")
        self.assertEqual((self.ps("shop")["link"], self.ps("shop")["state"]), ("vsock", "running"))
        self.assertIn("= 1002", self.debug("shop", "print 1000 + add(1, 1)"))
        self.succeed("record", "-d", "200ms", "-o", "a.trace", "shop")
        bridge.refused.add("gdb")
        self.assert_fails(self.uniscope("gdb", "shop"), "does not accept on vsock port 6602 (gdb)")
        bridge.refused.clear()

    def test_a_cut_link_leaves_nothing_halted(self):
        machine = Machine(self, self.image, "serve")
        bridge = VsockBridge(self, machine, self.directory / "v.sock")
        self.succeed("add", "--image", self.image, "shop", f"unix:{bridge.path}")
        gdb = self.hold_in_gdb("shop")
        bridge.cut()
        eventually(lambda: self.ps("shop")["state"] == "unreachable")
        children_end(gdb)
        bridge.mend()
        eventually(lambda: self.ps("shop")["state"] == "running")
        self.assert_serves("shop")
        recorder = self.start("record", "-o", "a.trace", "--json", "shop")
        self.wait_for_packets("a.trace")
        bridge.cut()
        self.assertEqual(recorder.wait(30), 0)
        summary = json.loads(recorder.stdout.read())
        self.assertFalse(summary["instance_ended"])
        self.assertIn("the link to shop was cut", summary["interruption"])
        self.succeed("report", "a.trace")
        bridge.mend()
        eventually(lambda: self.ps("shop")["state"] == "running")
        self.succeed("record", "-d", "200ms", "-o", "b.trace", "shop")

    # Lines that carry gdb alone

    def check_gdb_line(self, endpoint):
        output = self.debug(endpoint, "print 1000 + add(1, 1)", options=["--image", self.image])
        self.assertIn("= 1002", output)
        self.succeed("add", "--image", self.image, "line", endpoint)
        entry = self.ps("line")
        self.assertEqual((entry["link"], entry["reachable"]), ("serial", True))
        self.assertIn("= 1003", self.debug("line", "print 1000 + add(1, 2)"))
        self.assert_fails(self.uniscope("record", "-d", "1s", "line"), "carries gdb and nothing else")
        self.succeed("rm", "line")

    def test_serial_line_as_a_socket(self):
        machine = Machine(self, self.image, "serve")
        self.check_gdb_line(f"serial:{machine.directory}/uniscope.gdb")
        self.assert_fails(self.uniscope("gdb", f"serial:{machine.directory}/uniscope.gdb"),
                          "does not tell which image it runs", "--image")

    def test_serial_line_as_a_terminal(self):
        machine = Machine(self, self.image, "serve", gdb="pty")
        found = eventually(lambda: re.search(r"redirected to (/dev/pts/\d+)", machine.log.read_text()))
        self.check_gdb_line(f"serial:{found.group(1)}")

    def test_serial_line_over_tcp(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        Machine(self, self.image, "serve", gdb=f"socket,host=127.0.0.1,port={port},server=on,wait=off,nodelay=on")
        self.check_gdb_line(f"tcp:127.0.0.1:{port}")

    # Another host

    def test_over_ssh(self):
        (self.directory / "there").mkdir(mode=0o700)
        there = {"XDG_RUNTIME_DIR": str(self.directory / "there"), "XDG_DATA_HOME": str(self.directory / "there-data"),
                 "PATH": f"{guest.BIN}:{os.environ['PATH']}"}
        remote = {**self.environment, **there}
        self.environment["PATH"] = f"{make_fake_ssh(self.directory, there)}:{os.environ['PATH']}"
        self.succeed("run", "-d", "--name", "app", self.image, "serve", environment=remote)
        self.addCleanup(self.uniscope, "kill", "app", environment=remote)

        endpoint = "ssh://elsewhere/app"
        output = self.debug(endpoint, "print 1000 + add(1, 1)", options=["--image", self.image])
        self.assertIn("= 1002", output)
        self.succeed("add", "--image", self.image, "far", endpoint)
        self.assertEqual((self.ps("far")["link"], self.ps("far")["state"]), ("ssh", "running"))
        self.assert_serves("far")
        self.succeed("record", "-d", "300ms", "-o", "a.trace", "far")
        self.assertIn("clock_nanosleep", self.succeed("report", "a.trace").stdout)
        self.assertIn("BatchMode=yes", (self.directory / "ssh.log").read_text())

        # Whoever is there already keeps it, here and there, unless it is stolen.
        held = self.hold_in_gdb("app", environment=remote)
        self.assert_fails(self.uniscope("gdb", "far"), "is being debugged already, by gdb (process", "--steal")
        self.assertIn("= 1003", self.debug("far", "print 1000 + add(1, 2)", options=["--steal"]))
        children_end(held)
        recorder = self.start("record", "-o", "b.trace", "--json", "app", environment=remote)
        self.wait_for_packets("b.trace")
        self.assert_fails(self.uniscope("record", "-d", "1s", "-o", "c.trace", "far"), "is being recorded already")
        self.succeed("record", "--steal", "-d", "200ms", "-o", "d.trace", "far")
        self.assertEqual(recorder.wait(30), 0)
        self.assertTrue(json.loads(recorder.stdout.read())["taken_over"])
        # When nobody uses it from here, they can there.
        self.succeed("record", "-d", "200ms", "-o", "e.trace", "app", environment=remote)
        self.assertIn("= 1004", self.debug("app", "print 1000 + add(1, 3)", environment=remote))

        waiting = self.start("wait", "far")
        self.debug("far", "set var g_stop = 7", "detach")
        self.assertEqual(waiting.wait(60), 7)
        self.assert_fails(self.uniscope("gdb", "ssh://nowhere/app", "--image", self.image),
                          "cannot reach app on nowhere", "Could not resolve hostname")
        self.assert_fails(self.uniscope("gdb", "ssh://elsewhere/none", "--image", self.image),
                          "cannot reach none on elsewhere", "there is no instance `none`")

    # Names

    def test_system_registry(self):
        system = self.directory / "system"
        self.assert_fails(self.uniscope("run", "-d", "--system", "--name", "shop", self.image, "serve"),
                          "no group `uniscope`" if os.getuid() == 0 and not group_exists() else "")
        shutil.rmtree(system, ignore_errors=True)
        system.mkdir()
        system.chmod(0o3770)
        started = self.succeed("run", "-d", "--system", "--name", "shop", self.image, "serve")
        self.assertEqual(started.stdout, "system/shop\n")
        self.addCleanup(self.uniscope, "kill", "system/shop")
        self.assertEqual((system / "shop").stat().st_mode & 0o7777, 0o2750)
        for name in ("gdb", "control", "trace", "manage", "console"):
            self.assertEqual((system / f"shop/{name}.sock").stat().st_mode & 0o777, 0o660)
        self.assertRegex(self.succeed("ps").stdout, r"(?m)^system/shop +running")
        self.assertIn("= 1002", self.debug("shop", "print 1000 + add(1, 1)"))
        machine = Machine(self, self.image, "serve")
        self.succeed("add", "--image", self.image, "shop", f"unix:{machine.directory}")
        output = self.debug("shop", "print 1000 + add(1, 2)")
        self.assert_in_order(output, "= 1003")
        self.assertIn("system/shop is the other", output)
        self.assertNotIn("is the other", self.debug("system/shop", "print 1000 + add(1, 3)"))
        self.assertRegex(self.succeed("ps").stdout, r"(?m)^shop +running[^$]*^system/shop +running")
        system.chmod(0o3777)
        self.assertIn("is open to everybody", self.succeed("ps").stderr)
        self.assert_fails(self.uniscope("logs", "none"), "The system registry is left out")
        system.chmod(0o3770)
        self.succeed("stop", "system/shop")

    # Symbols

    def test_symbols_outlive_the_image(self):
        machine = Machine(self, self.image, "serve")
        self.succeed("add", "--image", self.image, "shop", f"unix:{machine.directory}")
        shutil.copy(guest.image("hot_probe"), self.directory / "other")
        os.replace(self.directory / "other", self.image) # it was built anew
        self.assertIn("= 1002", self.debug("shop", "print 1000 + add(1, 1)"))
        self.image.unlink()
        self.assertIn("= 1003", self.debug("shop", "print 1000 + add(1, 2)"))
        self.succeed("record", "-d", "200ms", "-o", "a.trace", "shop")
        self.assertIn("clock_nanosleep", self.succeed("report", "a.trace").stdout)
        build_id = self.ps("shop")["build_id"]
        self.assertIn(build_id, self.succeed("symbols", "list").stdout)
        stored = self.directory / "data/uniscope/symbols/.build-id" / build_id[:2] / (build_id[2:] + ".debug")
        self.assertTrue(stored.exists())
        self.succeed("symbols", "prune", "--max", "0")
        self.assertFalse(stored.exists())
        self.assert_fails(self.uniscope("gdb", "shop"), "cannot open the image", "uniscope symbols list")

        # A debuginfod server has it still.
        class Server(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                found = self.path == f"/buildid/{build_id}/executable"
                body = guest.image("debuggee").read_bytes() if found else b""
                self.send_response(200 if found else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.environment.update(DEBUGINFOD_URLS=f"http://127.0.0.1:{server.server_port}/",
                                DEBUGINFOD_CACHE_PATH=str(self.directory / "debuginfod"))
        output = self.debug("shop", "print 1000 + add(1, 3)")
        self.assertIn("= 1004", output)

    # Mistakes

    def test_mistakes_get_one_sentence(self):
        self.assert_fails(self.uniscope("add", "shop", "nowhere"), "`nowhere` is no endpoint", "ssh://HOST/NAME")
        self.assert_fails(self.uniscope("add", "../x", "vsock:3"), "cannot be an instance's name")
        self.assert_fails(self.uniscope("add", "--image", "none", "shop", "vsock:3"), "cannot open the image none")
        self.assert_fails(self.uniscope("gdb", "tcp:host"), "has no port")
        self.assert_fails(self.uniscope("record", "-d", "1s", "ssh://-x/y"), "names no host")
        self.assert_fails(self.uniscope("rm", "none"), "no instance `none`")
        self.assert_fails(self.uniscope("rm"), "which instance")
        self.assert_fails(self.uniscope("proxy", "none", "gdb"), "no instance `none`")
        self.assert_fails(self.uniscope("proxy", "none", "x"), "no channel `x`")
        self.assertEqual(json.loads(self.succeed("ps", "--json").stdout), [])


def group_exists():
    with open("/etc/group") as groups:
        return any(line.startswith("uniscope:") for line in groups)


if __name__ == "__main__":
    guest.main()
