# SPDX-License-Identifier: GPL-2.0-only
"""The command line: every verb, every exit status, wrong scenario files, commands and shells in containers."""
import fcntl
import json
import os
import pty
import random
import re
import select
import signal
import struct
import subprocess
import termios
import time

import gb

VERBS = ("run", "up", "down", "ls", "status", "exec", "shell", "set", "graph", "validate", "doctor")
BAD = os.path.join(gb.TREE, "tests/bad-scenarios")
LAB = """
ghostbridge: 1
nodes: {h1: {attach: tap}, h2: {}}
links: {lan: {kind: csma, rate: 100Mbps, subnet: 10.0.0.0/24, ends: [h1, h2]}}
"""
STEP = 'steps: [{name: say, node: h1, run: "echo said"}]\n'


def as_nobody(*args):
    """ghostbridge without root's rights."""
    return subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", gb.GHOSTBRIDGE, *args],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)


class Words(gb.Case):
    def test_help(self):
        for verb in VERBS:
            first, second = gb.command(verb, "--help"), gb.command("help", verb)
            self.assertEqual((first.returncode, second.returncode), (0, 0))
            self.assertEqual(first.stdout, second.stdout)
            self.assertTrue(first.stdout.startswith(f"usage: ghostbridge {verb}"), first.stdout)
            self.assertEqual(first.stderr + second.stderr, "")
        done = gb.command("--help")
        self.assertEqual(done.returncode, 0)
        for verb in VERBS:
            self.assertRegex(done.stdout, rf"(?m)^  {verb} ")

    def test_doctor(self):
        done = gb.command("doctor")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertNotIn("MISSING", done.stdout)
        self.assertIn("This host can run experiments.", done.stdout)
        done = as_nobody("doctor")
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertIn("MISSING", done.stdout)

    def test_not_root(self):
        """Whatever needs root says so with status 3; the rest works."""
        name = "gbt-rights-cli"
        self.up(LAB, name)
        os.chmod(self.dir, 0o755)
        path = self.write(LAB)
        for args in (("run", path), ("up", path), ("down", name), ("status", name), ("exec", name, "h1", "true"),
                     ("shell", name, "h1")):
            with self.subTest(args=args):
                done = as_nobody(*args)
                self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
                self.assertIn("root", done.stderr)
        for args in (("--help",), ("validate", path), ("ls",), ("ls", "--json")):
            with self.subTest(args=args):
                done = as_nobody(*args)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(name, as_nobody("ls").stdout)
        self.assertEqual(self.status(name)["state"], "running")


class Verbs(gb.Case):
    def test_ls_and_status(self):
        name = "gbt-listed"
        self.up(LAB, name)
        (entry,) = [entry for entry in json.loads(gb.command("ls", "--json").stdout) if entry["name"] == name]
        self.assertEqual((entry["state"], entry["nodes"]), ("running", 2))
        self.assertEqual(entry["pid"], self.status(name)["pid"])
        self.assertRegex(gb.command("ls").stdout, rf"(?m)^{name} +running +{entry['pid']} ")

        status = self.status(name)
        self.assertEqual((status["name"], status["state"]), (name, "running"))
        self.assertEqual([node["name"] for node in status["nodes"]], ["h1", "h2"])
        self.assertEqual(status["incidents"], [])
        for key in ("ghosts", "commands", "ports", "links", "fidelity", "run_dir", "scenario", "running_s", "started_at"):
            self.assertIn(key, status)
        pids = [status["pid"], *(node["pid"] for node in status["nodes"]), status["ghosts"][0]["simulator"]["pid"],
                status["ghosts"][0]["shuttle"]["pid"]]
        self.assertEqual(len(set(pids)), 5)
        for pid in pids:
            self.assertTrue(os.path.isdir(f"/proc/{pid}"), "a PID of our namespace")
        text = gb.command("status", name).stdout
        for words in (f"{name}: running for", "node h1: container", "eth0", "port h1.eth0", "fidelity so far"):
            self.assertIn(words, text)

    def test_up_and_down(self):
        name = "gbt-updown"
        self.up(LAB + STEP, name)
        self.assertEqual(self.status(name)["commands"], [], "`up` runs no steps")
        report = self.down(name)
        self.assertEqual((report["steps"], report["expect"], report["name"]), ([], [], name))
        done = gb.command("down", name)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"there is no experiment '{name}'", done.stderr)
        for verb in (("status", name), ("exec", name, "h1", "true"), ("shell", name, "h1")):
            self.assertEqual(gb.command(*verb).returncode, 2)

    def test_up_without_steps(self):
        """Neither commands nor changes of links that are steps; the timeline goes on."""
        name = "gbt-up-steps"
        self.up("""
ghostbridge: 1
nodes: {h1: {}, h2: {}}
links:
  lan: {kind: csma, rate: 100Mbps, delay: 1ms, subnet: 10.0.0.0/24, ends: [h1, h2]}
  wire: {kind: wire, ends: [h1, h2]}
timeline:
  - {at: 10ms, link: lan, key: delay, value: 2ms}
steps:
  - {at: 0s, link: lan, set: {delay: 50ms}}
  - {at: 0s, link: wire, down: all}
  - {name: no, node: h1, run: touch /tmp/ran}
expect:
  - {step: no, exit: 0}
""", name)
        gb.wait_until(lambda: self.status(name)["running_s"] > 0.2, what="the timeline")
        self.assertEqual(self.node(name, "h1", "sh", "-c", "ls /tmp/ran; cat /sys/class/net/eth1/carrier", check=False), "1\n")
        report = self.down(name)
        self.assertEqual([(change["key"], change["value"]) for change in report["changes"]], [("delay", "2ms")])
        self.assertEqual((report["steps"], report["expect"]), ([], []))

    def test_report_that_cannot_be_written(self):
        """No report is no success."""
        path = self.write("ghostbridge: 1\nname: gbt-full\nnodes: {h1: {}}\n")
        full = os.path.join(self.dir, "full")
        os.mkdir(full)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "none", full], check=True)
        try:
            done = gb.command("run", path, "--out", os.path.join(full, "out"))
        finally:
            subprocess.run(["umount", full], check=True)
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertIn("report.json: No space left on device", done.stderr)
        with open("/dev/full", "w", encoding="utf-8") as nowhere:
            done = subprocess.run([gb.GHOSTBRIDGE, "run", path, "--out", os.path.join(self.dir, "out")], stdout=nowhere,
                                  stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("cannot write to standard output", done.stderr)

    def test_down_all(self):
        """In a /run of its own, so that nobody else's experiments are meant."""
        path = self.write(LAB)
        script = f"""
            mount -t tmpfs none /run && mkdir /run/lock
            gb={gb.GHOSTBRIDGE}
            $gb up {path} --name gbt-all-1 --out {self.dir}/1 && $gb up {path} --name gbt-all-2 --out {self.dir}/2 || exit 1
            $gb ls --json
            $gb down --all || exit 1
            $gb ls --json && ls -A /run/ghostbridge 2>/dev/null
            $gb down --all || exit 1
        """
        done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        decoder = json.JSONDecoder()
        first, end = decoder.raw_decode(done.stdout)
        self.assertEqual(sorted(entry["name"] for entry in first), ["gbt-all-1", "gbt-all-2"])
        self.assertEqual(json.loads(done.stdout[end:]), [])
        for name in ("1", "2"):
            self.assertTrue(os.path.exists(f"{self.dir}/{name}/report.json"))

    def test_dead(self):
        name = "gbt-dead"
        self.up(LAB, name)
        pid = self.status(name)["pid"]
        os.kill(pid, signal.SIGKILL)
        gb.wait_until(lambda: {"name": name, "state": "dead"} in json.loads(gb.command("ls", "--json").stdout),
                      what="the daemon's death")
        self.assertRegex(gb.command("ls").stdout, rf"(?m)^{name} +dead")
        self.assertEqual(gb.command("status", name).returncode, 2)
        done = gb.command("down", name)
        self.assertEqual(done.returncode, 0)
        self.assertIn("was dead", done.stderr)
        self.assertNotIn(name, gb.command("ls").stdout)

    def test_keep(self):
        name = "gbt-keep"
        self.names.append(name)
        report, done = self.run_scenario(self.write(LAB + STEP), "--keep", "--name", name)
        self.assertIn(f"ghostbridge down {name}", done.stderr)
        self.assertEqual([step["exit"] for step in report["steps"]], [0])
        self.assertEqual(self.status(name)["state"], "running")
        self.assertIn(" 0% packet loss", self.node(name, "h1", "ping", "-c", "2", "-i", "0.1", "h2"))
        self.assertEqual(gb.command("down", name).returncode, 0)

    def test_json(self):
        report, done = self.run_scenario(self.write(LAB + STEP + "name: gbt-json\n"), "--json")
        directory = report.pop("dir")
        self.assertEqual(json.loads(done.stdout), report)
        self.assertIn(directory, done.stderr)
        self.assertNotIn("\x1b", done.stdout + done.stderr, "escape sequences outside of a terminal")

    def test_exit_status(self):
        text = LAB + STEP
        for words, status in (("", 0), ("expect: [{step: say, match: nothing}]\n", 1),
                              ("expect: [{step: say, match: said}, {report: .duration_s, max: 30}]\n", 0)):
            self.run_scenario(self.write(text + words + "name: gbt-status\n"), status=status)
        for args in ((), ("--set", "lan.delay=5"), ("--set", "nothing.at.all=1"), ("--out",), ("--name", "A B")):
            with self.subTest(args=args):
                done = gb.command("run", *([self.write(text)] if args else []), *args, cwd=self.dir)
                self.assertEqual(done.returncode, 2, done.stderr)
        full = os.path.join(self.dir, "full")
        os.makedirs(os.path.join(full, "something"))
        done = gb.command("run", self.write(text), "--out", full)
        self.assertEqual(done.returncode, 2)
        self.assertIn("is not empty", done.stderr)
        self.assertEqual(os.listdir(full), ["something"])

    def test_interrupt(self):
        out = os.path.join(self.dir, "out")
        process = gb.start("run", self.write(LAB.replace("ghostbridge: 1", "ghostbridge: 1\nname: gbt-interrupt") +
                                             'steps: [{name: wait, node: h1, run: "echo; exec sleep 1000"}]\n'),
                           "--out", out)
        gb.wait_until(lambda: os.path.exists(f"{out}/steps/wait.out") and os.path.getsize(f"{out}/steps/wait.out"),
                      what="the step")
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130)
        self.assertLess(time.monotonic() - began, 3)


class WrongFiles(gb.Case):
    def refused(self, path, place, *options):
        """validate and run both end with status 2 and a place in the file, and make nothing."""
        empty = os.path.join(self.dir, "empty")
        os.makedirs(empty, exist_ok=True)
        said = []
        for verb in ("validate", "run"):
            before = time.monotonic()
            done = gb.command(verb, path, *options, cwd=empty)
            self.assertEqual(done.returncode, 2, f"{verb} {path}: {done.stdout}{done.stderr}")
            self.assertRegex(done.stderr, place, f"{verb} {path}")
            self.assertEqual(done.stdout, "")
            self.assertLess(time.monotonic() - before, 5)
            self.assertEqual(os.listdir(empty), [], f"{verb} {path} made something")
            said.append(done.stderr)
        self.assertEqual(said[0], said[1])
        return said[0]

    def test_every_file(self):
        names = sorted(os.listdir(BAD))
        state = set(os.listdir(gb.STATE_ROOT)) if os.path.isdir(gb.STATE_ROOT) else set()
        for name in names:
            path = os.path.join(BAD, name)
            with self.subTest(file=name):
                said = self.refused(path, re.escape(path) + r":\d+:\d+: \S")
                self.assertTrue(all(line.startswith(path + ":") or line.startswith("ghostbridge: ")
                                    for line in said.splitlines()), said)
        print(f"{len(names)} wrong files")
        self.assertGreaterEqual(len(names), 40)
        after = set(os.listdir(gb.STATE_ROOT)) if os.path.isdir(gb.STATE_ROOT) else set()
        own = {name[:-5] for name in names}
        self.assertFalse({name for name in after - state if name in own}, "a state directory")

    def test_monsters(self):
        valid = LAB.strip() + "\n"
        monsters = {
            "empty": "",
            "blank": "\n\n  \n",
            "comment": "# nothing\n",
            "deep-flow": valid + "deep: " + "[" * 5000 + "]" * 5000 + "\n",
            "deep-open": "[" * 200000,
            "deep-block": "".join(" " * i + "a:\n" for i in range(2000)),
            "aliases": "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60)),
            "many-keys": valid + "".join(f"k{i}: 1\n" for i in range(60000)),
            "long-line": valid + "description: " + "x" * 900000 + "\nnothing: 1\n",
            "nul": valid + "\0\n",
            "control": valid + "\x01\x02\x1b[31m: 1\n",
            "crlf-junk": "ghostbridge: 1\r\nnode: {}\r\n",
        }
        for name, text in monsters.items():
            with self.subTest(file=name):
                path = self.write(text, f"{name}.yaml")
                said = self.refused(path, re.escape(path) + r":\d+:\d+: \S")
                self.assertLess(len(said), 20000)
                self.assertNotIn("\x1b", said, "an escape sequence reaches the terminal")

    def test_sizes(self):
        for name, size in (("big", 10 << 20), ("limit", (1 << 20) + 1)):
            path = self.write(LAB + "#" * (size - len(LAB)), f"{name}.yaml")
            self.assertEqual(os.path.getsize(path), size)
            self.assertIn("1048576", self.refused(path, re.escape(path) + r":\d+:\d+: \S"))
        path = self.write(LAB + "#" * ((1 << 20) - len(LAB)), "just.yaml")
        self.assertEqual(gb.command("validate", path).returncode, 0)

    def test_bytes(self):
        generator = random.Random(1)
        for number in range(20):
            path = os.path.join(self.dir, f"noise-{number}.yaml")
            with open(path, "wb") as file:
                file.write(generator.randbytes(generator.randrange(1, 5000)))
            self.refused(path, re.escape(path) + r":\d+:\d+: \S")
        path = os.path.join(self.dir, "latin1.yaml")
        with open(path, "wb") as file:
            file.write(LAB.encode() + b"# a line more\ndescription: gr\xfc\xdfe\n")
        self.refused(path, re.escape(path) + r":6:16: ")

    def test_not_a_file(self):
        self.refused(os.path.join(self.dir, "nowhere.yaml"), "No such file")
        self.refused(self.dir, "Is a directory")
        self.refused("/dev/zero", "/dev/zero")

    def test_several(self):
        good, bad = self.write(LAB, "good.yaml"), os.path.join(BAD, "046-link-rate-bare.yaml")
        done = gb.command("validate", good, bad, good)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stdout.count("ok: 2 nodes"), 2)
        self.assertIn(bad + ":", done.stderr)


class Exec(gb.Case):
    NAME = "gbt-exec"

    def setUp(self):
        super().setUp()
        self.up(LAB, self.NAME)

    def exec(self, *argv, **kwargs):
        kwargs.setdefault("timeout", 60)
        return subprocess.run([gb.GHOSTBRIDGE, "exec", self.NAME, "h1", "--", *argv], capture_output=True, check=False,
                              **kwargs)

    def test_status(self):
        for status in (0, 1, 2, 3, 77, 130, 255):
            self.assertEqual(self.exec("sh", "-c", f"exit {status}").returncode, status)
        self.assertEqual(self.exec("sh", "-c", "kill -9 $$").returncode, 137)
        done = self.exec("no-such-command")
        self.assertEqual(done.returncode, 127)
        self.assertIn(b"no-such-command: command not found", done.stderr)
        self.assertEqual(self.exec("/etc/hosts").returncode, 126)
        done = gb.command("exec", self.NAME, "h9", "true")
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no node 'h9'; there are h1, h2", done.stderr)

    def test_arguments(self):
        for words in (["a b", "", "'", '"', "$HOME", "\n", "-x", "--", "ü"], [str(i) for i in range(5000)]):
            done = self.exec("printf", "%s\\0", *words)
            self.assertEqual(done.stdout.decode().split("\0")[:-1], words)
        done = self.exec("printf", b"\xff")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"is not valid UTF-8", done.stderr)
        # Also without the "--".
        self.assertEqual(gb.command("exec", self.NAME, "h1", "sh", "-c", 'echo "$1"', "sh", "--help").stdout, "--help\n")

    def test_streams_are_binary_clean(self):
        data = random.Random(2).randbytes(1 << 20)
        done = self.exec("cat", input=data)
        self.assertEqual((done.returncode, done.stdout == data, done.stderr), (0, True, b""))
        done = self.exec("sh", "-c", "cat >&2; exit 9", input=data)
        self.assertEqual((done.returncode, done.stdout, done.stderr == data), (9, b"", True))
        done = self.exec("sh", "-c", "tee /tmp/both >&2; cat /tmp/both", input=data)
        self.assertEqual((done.stdout == data, done.stderr == data), (True, True))
        path = os.path.join(self.dir, "data")
        with open(path, "wb") as file:
            file.write(data)
        with open(path, "rb") as source, open(path + ".copy", "wb") as sink:
            subprocess.run([gb.GHOSTBRIDGE, "exec", self.NAME, "h2", "cat"], stdin=source, stdout=sink, check=True)
        with open(path + ".copy", "rb") as file:
            self.assertEqual(file.read() == data, True)

    def test_reader_goes_away(self):
        done = subprocess.run(["sh", "-c", f"{gb.GHOSTBRIDGE} exec {self.NAME} h1 -- yes | head -1"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=20)
        self.assertEqual(done.stdout, "y\n")

    def test_signals(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            process = gb.start("exec", self.NAME, "h1", "--", "sh", "-c", "echo ready; exec sleep 1000")
            self.assertEqual(process.stdout.readline(), "ready\n")
            process.send_signal(number)
            process.communicate(timeout=10)
            self.assertEqual(process.returncode, status)

    @staticmethod
    def blocks_signals(pid):
        """Whether a process has SIGINT and SIGTERM blocked."""
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return "SigBlk:\t0000000000004002" in file.read()

    def test_daemon_does_not_answer(self):
        """Whoever waits for a command to be started can leave."""
        daemon = self.status(self.NAME)["pid"]
        os.kill(daemon, signal.SIGSTOP)
        try:
            waiting = gb.start("exec", self.NAME, "h1", "--", "true")
            gb.wait_until(lambda: self.blocks_signals(waiting.pid), what="exec to wait")
            waiting.send_signal(signal.SIGTERM)
            self.assertEqual(waiting.wait(timeout=5), 130)
        finally:
            os.kill(daemon, signal.SIGCONT)
        waiting.communicate(timeout=10) # the daemon had been sent its files
        # One that answers soon is told what it was.
        os.kill(daemon, signal.SIGSTOP)
        try:
            waiting = gb.start("exec", self.NAME, "h1", "--", "sleep", "1000")
            gb.wait_until(lambda: self.blocks_signals(waiting.pid), what="exec to wait")
            waiting.send_signal(signal.SIGTERM)
        finally:
            os.kill(daemon, signal.SIGCONT)
        waiting.communicate(timeout=10)
        self.assertEqual(waiting.returncode, 143)
        self.assertEqual(gb.command("exec", self.NAME, "h1", "--", "true").returncode, 0)

    def test_caller_killed(self):
        """A command does not outlive whoever called it."""
        process = gb.start("exec", self.NAME, "h1", "--", "sh", "-c", "echo ready; exec sleep 4322")
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.kill()
        process.communicate(timeout=10)
        gb.wait_until(lambda: "sleep 4322" not in gb.processes().values(), what="the command's end")

    def test_down_ends_it(self):
        process = gb.start("exec", self.NAME, "h1", "--", "sh", "-c", "trap '' HUP TERM; echo ready; sleep 1000; sleep 1000")
        self.assertEqual(process.stdout.readline(), "ready\n")
        self.down(self.NAME)
        process.communicate(timeout=10)
        self.assertNotEqual(process.returncode, 0)

    def test_many_at_once(self):
        processes = [gb.start("exec", self.NAME, f"h{1 + i % 2}", "--", "sh", "-c", f"echo {i}; exit {i}") for i in range(20)]
        for i, process in enumerate(processes):
            out, err = process.communicate(timeout=30)
            self.assertEqual((process.returncode, out, err), (i, f"{i}\n", ""))


class Terminal:
    """A person at a terminal, who started a shell in a container."""

    def __init__(self, *argv):
        self.master, self.slave = pty.openpty()
        self.resize(40, 100)
        self.before = termios.tcgetattr(self.slave)
        self.seen = b""

        def control():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.process = subprocess.Popen([gb.GHOSTBRIDGE, *argv], stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                        start_new_session=True, preexec_fn=control, env={**os.environ, "TERM": "dumb"})

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def read(self):
        while select.select([self.master], [], [], 0)[0]:
            self.seen += os.read(self.master, 65536)
        return self.seen

    def wait_for(self, pattern, timeout=10):
        """What comes up to and with a pattern; the rest is for the next call."""
        found = gb.wait_until(lambda: re.search(pattern, self.read()), timeout, f"{pattern} in {self.seen}")
        self.seen = self.seen[found.end():]
        return found

    def wait(self):
        def ended():
            self.read()  # so that it can write
            return self.process.poll() is not None
        gb.wait_until(ended, what="the shell's end")
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


class Shell(gb.Case):
    NAME = "gbt-shell"

    def setUp(self):
        super().setUp()
        self.up(LAB, self.NAME)
        self.terminals = []

    def tearDown(self):
        for terminal in self.terminals:
            terminal.close()
        super().tearDown()

    def start(self, node):
        terminal = Terminal("shell", self.NAME, node)
        self.terminals.append(terminal)
        return terminal

    def open(self):
        terminal = self.start("h1")
        terminal.type("PS1='>''> '\n")
        terminal.wait_for(rb">> ")
        return terminal

    def test_session(self):
        terminal = self.open()
        self.assertFalse(termios.tcgetattr(terminal.slave)[3] & termios.ICANON, "raw while the shell runs")
        terminal.type("echo $((6 * 7)):$(hostname):$TERM\n")
        terminal.wait_for(rb"\n42:h1:dumb\r\n")
        terminal.type("test -t 0 && echo its own >/dev/tty\n")
        terminal.wait_for(rb"\nits own\r\n")
        terminal.type("stty size\n")
        terminal.wait_for(rb"\n40 100\r\n")
        terminal.resize(50, 132)
        os.kill(terminal.process.pid, signal.SIGWINCH)
        terminal.type("until [ \"$(stty size)\" = '50 132' ]; do :; done; echo resized\"\"!\n")
        terminal.wait_for(rb"resized!")
        # Keys that make signals reach the command, not ghostbridge.
        terminal.type("echo beg''un; sleep 1000\n")
        terminal.wait_for(rb"begun\r\n")
        terminal.type("\x03")
        terminal.wait_for(rb">> ")
        terminal.type("sleep 4323\n")
        gb.wait_until(lambda: "sleep 4323" in gb.processes().values(), what="the sleep")
        terminal.type("\x1a")
        terminal.wait_for(rb"Stopped")
        terminal.type("kill %1; exit 7\n")
        terminal.type("exit 7\n")
        self.assertEqual(terminal.wait(), 7)
        self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before, "the terminal is as it was")

    def test_much_output(self):
        terminal = self.open()
        terminal.type("seq -f %.0f-x 1 200000 | tail -c 1000000; echo e''nd\n")
        gb.wait_until(lambda: b"end\r\n" in terminal.read(), 30, "the output")
        lines = terminal.seen.split(b"end\r\n")[0].split(b"\r\n")
        self.assertEqual(lines[-2], b"200000-x")
        numbers = [int(line[:-2]) for line in lines[2:-1]]
        self.assertEqual(numbers, list(range(numbers[0], 200001)), "nothing is lost on the way")

    def test_restored_when_killed(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            terminal = self.open()
            terminal.process.send_signal(number)
            self.assertEqual(terminal.wait(), 128 + number)
            self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before)

    def test_restored_when_the_experiment_ends(self):
        terminal = self.open()
        self.down(self.NAME)
        self.assertNotEqual(terminal.wait(), 0)
        self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before)

    def test_piped(self):
        done = gb.command("shell", self.NAME, "h2", input="hostname; echo out; echo err >&2; exit 5\n")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (5, "h2\nout\n", "err\n"))
        script = "".join(f"echo {i}\n" for i in range(20000))
        done = gb.command("shell", self.NAME, "h2", input=script)
        self.assertEqual(done.stdout.split(), [str(i) for i in range(20000)])
        done = gb.command("shell", self.NAME, "h2", input="")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_no_such_node(self):
        terminal = self.start("h9")
        self.assertEqual(terminal.wait(), 2)
        terminal.wait_for(rb"there is no node 'h9'")
        self.assertEqual(termios.tcgetattr(terminal.slave), terminal.before)


class Completion(gb.Case):
    def complete(self, *words):
        """What bash offers for the last of the words."""
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ghostbridge; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        path = f"{os.path.dirname(gb.GHOSTBRIDGE)}:{os.environ['PATH']}"
        done = subprocess.run(["bash", "-c", script, "bash", f"{gb.TREE}/completions/ghostbridge.bash", "ghostbridge",
                               *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
                              env={**os.environ, "PATH": path})
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_offers(self):
        name = "gbt-complete"
        self.up(LAB, name)
        self.assertTrue(set(VERBS) <= set(self.complete("")))
        for verb in VERBS:
            self.assertIn(verb, self.complete(verb[:2]))
            self.assertIn("--help", self.complete(verb, "--"))
        for verb in ("down", "status", "exec", "shell"):
            self.assertIn(name, self.complete(verb, "gbt-comp"))
        for verb in ("exec", "shell"):
            self.assertEqual(self.complete(verb, name, ""), ["h1", "h2"])
            self.assertEqual(self.complete(verb, name, "h2"), ["h2"])
        self.down(name)
        self.assertEqual(self.complete("exec", "gbt-comp"), [])


if __name__ == "__main__":
    gb.main()
