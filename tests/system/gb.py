# SPDX-License-Identifier: GPL-2.0-only
"""What the system tests share: running ghostbridge, waiting on state, and looking at what the host is left with.

Every test is a unittest program of its own: run it as root, `python3 tests/system/test_pair.py [Class.test]`. The
environment variable GHOSTBRIDGE names the binary (default: build/bin/ghostbridge of this tree).
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GHOSTBRIDGE = os.environ.get("GHOSTBRIDGE", os.path.join(TREE, "build/bin/ghostbridge"))
STATE_ROOT = "/run/ghostbridge"
SKIP = 77
SECOND_TRY = "FAILED ONCE, SECOND TRY"  # tests/run looks for it


def scenario_path(name):
    return os.path.join(TREE, "scenarios", name)


def wait_until(condition, timeout=10.0, what="the condition"):
    """Poll a condition, for states that nothing announces; its last value is returned."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout} s for {what}")
        time.sleep(0.01)


def command(*args, **kwargs):
    """Run ghostbridge to its end: CompletedProcess with text output."""
    kwargs.setdefault("timeout", 120)
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    if "input" in kwargs:
        kwargs.pop("stdin")
    return subprocess.run([GHOSTBRIDGE, *map(str, args)], capture_output=True, text=True, check=False, **kwargs)


def start(*args, **kwargs):
    """Start ghostbridge and return the Popen."""
    return subprocess.Popen([GHOSTBRIDGE, *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **kwargs)


def processes():
    """{pid: command line} of every process but kernel threads."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                line = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if line:
            found[int(entry)] = line
    return found


def _lines(*argv):
    return set(subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines())


def _file_lines(path):
    with open(path, encoding="utf-8") as file:
        return set(file.read().splitlines())


def _cgroups():
    return {path for path, _, _ in os.walk("/sys/fs/cgroup") if "ghostbridge" in path}


def _state_dirs():
    return set(os.listdir(STATE_ROOT)) if os.path.isdir(STATE_ROOT) else set()


def _ours(line):
    return any(word in line for word in ("ghostbridge", "ns3-ghost", "[lxc", "ovs-vswitchd", "ovsdb-server", "ovs-testcontroller",
                                         "osken-manager"))


def _is_idle(pid):
    """Whether it runs when nothing else does: the compiler that tests/run keeps busy meanwhile."""
    try:
        return os.sched_getscheduler(pid) == os.SCHED_IDLE
    except ProcessLookupError:
        return True


class Host:
    """What an experiment could leave behind or change on the host, at one moment."""

    def __init__(self):
        self.links = _lines("ip", "-o", "link")
        self.addresses = {line.split(" valid_lft")[0] for line in _lines("ip", "-o", "addr")}
        self.routes = _lines("ip", "route", "show", "table", "all") | _lines("ip", "-6", "route", "show", "table", "all")
        self.namespaces = _lines("ip", "netns")
        self.mounts = _file_lines("/proc/self/mountinfo")
        self.cgroups = _cgroups()
        self.state = _state_dirs()
        # Connected ones (03) are those of somebody's ghostbridge command.
        self.sockets = {line for line in _file_lines("/proc/net/unix")
                        if ("lxc" in line or "ghostbridge" in line) and line.split()[5] != "03"}
        self.processes = {pid for pid, line in processes().items()
                          if _ours(line) and pid != os.getpid() and not _is_idle(pid)}
        self.sysctls = self.read_sysctls()

    @staticmethod
    def read_sysctls():
        values = {}
        for top in ("/proc/sys/net", "/proc/sys/kernel"):
            for path, _, names in os.walk(top):
                for name in names:
                    file = os.path.join(path, name)
                    # These move by themselves.
                    if any(word in file for word in ("random", "ns_last_pid", "stable_secret", "nf_conntrack_count", "pty/nr")):
                        continue
                    try:
                        with open(file, encoding="utf-8", errors="replace") as handle:
                            values[file] = handle.read()
                    except OSError:
                        continue
        return values

    def differences(self, other):
        """What is not the same in @other, as text lines."""
        found = []
        for field in ("links", "addresses", "routes", "namespaces", "mounts", "cgroups", "state", "sockets", "processes"):
            before, after = getattr(self, field), getattr(other, field)
            # Other experiments on this host may end meanwhile.
            if field not in ("cgroups", "state", "sockets", "processes"):
                found += [f"{field}: gone: {item}" for item in before - after]
            found += [f"{field}: new: {item}" for item in after - before]
        for name in self.sysctls.keys() | other.sysctls.keys():
            if self.sysctls.get(name) != other.sysctls.get(name):
                found.append(f"sysctl {name}: {self.sysctls.get(name)!r} -> {other.sysctls.get(name)!r}")
        return found


class Case(unittest.TestCase):
    """A test that must leave the host as it found it."""

    def run(self, result=None):
        """A test that fails is tried once more, and both tries are told: real time on a shared machine has hiccups."""
        first = unittest.TestResult()
        super().run(first)
        if result is None or first.shouldStop:
            return first
        if first.wasSuccessful() and not first.skipped and not first.expectedFailures:
            result.startTest(self)
            result.addSuccess(self)
            result.stopTest(self)
            return result
        for _, why in first.failures + first.errors:
            print(f"{SECOND_TRY}: {self.id()}\n{why}", file=sys.stderr)
        return super().run(result)

    def setUp(self):
        self.host = Host()
        self.dir = tempfile.mkdtemp(prefix="gbtest-")
        self.names = []

    def tearDown(self):
        for name in self.names:
            command("down", name)
        shutil.rmtree(self.dir)
        left = self.leftovers()
        self.assertEqual(left, [], "left behind on the host")

    def leftovers(self, timeout=3.0):
        """Differences to the start that do not go away by themselves within the time."""
        end = time.monotonic() + timeout
        while True:
            left = self.host.differences(Host())
            if not left or time.monotonic() > end:
                return left
            time.sleep(0.05)

    def write(self, text, name="test.yaml"):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def load_tool(self):
        """Put gbload beside the scenarios that write() makes; its path in containers."""
        shutil.copy(GHOSTBRIDGE.rsplit("/", 1)[0] + "/gbload", self.dir)
        os.chmod(self.dir, 0o755)  # containers look into it as another user
        return "/run/scenario/gbload"

    def run_scenario(self, path, *args, status=0, **kwargs):
        """`ghostbridge run`; returns report.json and the CompletedProcess."""
        out = tempfile.mkdtemp(prefix="run-", dir=self.dir)
        done = command("run", path, "--out", out, *args, **kwargs)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        with open(os.path.join(out, "report.json"), encoding="utf-8") as file:
            report = json.load(file)
        report["dir"] = out
        return report, done

    def up(self, text, name):
        """`ghostbridge up` of a scenario text; taken down by tearDown."""
        self.names.append(name)
        done = command("up", self.write(text, f"{name}.yaml"), "--name", name, "--out", os.path.join(self.dir, f"{name}.run"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def down(self, name):
        """`ghostbridge down` of what up() began; its report.json."""
        done = command("down", name)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.names.remove(name)
        with open(os.path.join(self.dir, f"{name}.run", "report.json"), encoding="utf-8") as file:
            return json.load(file)

    def status(self, name):
        done = command("status", name, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def node(self, name, node, *argv, check=True, **kwargs):
        """Run a command in a container; its stdout."""
        done = command("exec", name, node, "--", *argv, **kwargs)
        if check:
            self.assertEqual(done.returncode, 0, f"{argv}: {done.stdout}{done.stderr}")
        return done.stdout

    def check_conservation(self, report):
        """Frames in = frames out + drops by cause; exact on links with two ends."""
        for link in report["links"]:
            if "conserved" not in link:
                continue
            self.assertTrue(link["conserved"], link)
            self.assertFalse(any(check["broken"] for check in link["invariants"].values()), link)
            ports = [port for port in report["ports"] if port["link"] == link["link"]]
            if len(ports) == 2 and not link["simulated_in"] and not link["simulated_out"]:
                entered = sum(port["up"]["frames"] for port in ports)
                left = sum(port["down"]["frames"] for port in ports)
                drops = sum(sum(port[way]["drops"].values()) for port in ports for way in ("up", "down"))
                self.assertEqual(entered + link["duplicated"], left + drops, ports)


def main():
    """Run a test program; 77 where it cannot run at all."""
    if os.geteuid() != 0:
        print("SKIPPED: system tests build namespaces and containers: run as root", file=sys.stderr)
        sys.exit(SKIP)
    if not os.access(GHOSTBRIDGE, os.X_OK):
        print(f"SKIPPED: no {GHOSTBRIDGE}: build first", file=sys.stderr)
        sys.exit(SKIP)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    unittest.main(verbosity=2)
