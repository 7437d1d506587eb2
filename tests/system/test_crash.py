# SPDX-License-Identifier: GPL-2.0-only
"""However a run ends, nothing is left behind; what dies is named; containers and wire survive a ghost and a shuttle."""
import json
import os
import random
import signal
import time

import gb

SCENARIO = """
ghostbridge: 1
nodes: {h1: {attach: tap}, h2: {}}
links: {lan: {kind: csma, rate: 100Mbps, subnet: 10.0.0.0/24, ends: [h1, h2]}}
steps: [{name: ping, node: h1, run: ping -c 3 -i 0.1 h2}]
"""
MOMENTS = 20
# A whole run takes less than this; random moments are spread over it, so that start-up and teardown are hit, too.
RUN_S = 0.4

CELL = """
ghostbridge: 1
nodes:
  ue: {kind: simulated, role: host}
  server: {attach: tap}
links:
  cell: {kind: lte, network: server, subnet: 10.0.0.0/24,
         ends: [server, ue]}
"""


def daemon_of(name):
    """PID of the daemon of a run, or None while there is none."""
    try:
        with open(f"{gb.STATE_ROOT}/{name}/pid", encoding="utf-8") as file:
            return int(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def children(pid, program):
    """PIDs of a daemon's descendants that run a program."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="utf-8") as file:
                for child in map(int, file.read().split()):
                    try:
                        with open(f"/proc/{child}/comm", encoding="utf-8") as comm:
                            if program.startswith(comm.read().strip()):
                                found.append(child)
                    except OSError:
                        pass
                    found += children(child, program)
    except OSError:
        pass
    return found


def kill(pid, number):
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False


class Killed(gb.Case):
    """SIGKILL at random moments."""

    def at_random_moments(self, victim_of, allowed):
        generator = random.Random(victim_of.__name__)
        hits = 0
        for attempt in range(MOMENTS):
            name = f"gbt-kill-{attempt}"
            path = self.write(SCENARIO + f"name: {name}\n", f"{name}.yaml")
            moment = time.monotonic() + generator.uniform(0, RUN_S)
            process = gb.start("run", path, "--out", os.path.join(self.dir, name))
            while time.monotonic() < moment:
                time.sleep(0.001)
            # If the victim is not there yet (or any more), take the run as it is.
            for pid in victim_of(process, name):
                hits += kill(pid, signal.SIGKILL)
            stdout, stderr = process.communicate(timeout=30)
            self.assertIn(process.returncode, allowed, f"after {attempt}: {stdout}{stderr}")
            done = gb.command("down", name)
            self.assertIn(done.returncode, (0, 2), done.stderr)  # 2: nothing was left to end
            left = self.leftovers()
            self.assertEqual(left, [], f"attempt {attempt}: left behind")
        print(f"{hits} of {MOMENTS} runs hit")
        self.assertGreater(hits, MOMENTS // 3, "too few runs were hit for this test to mean anything")

    def test_daemon(self):
        def daemon(_process, name):
            pid = daemon_of(name)
            return [pid] if pid else []
        self.at_random_moments(daemon, {0, 1, 3, 4, 130, 137, -9})

    def test_command(self):
        def front(process, _name):
            return [process.pid]
        self.at_random_moments(front, {0, 1, 3, 4, 130, 137, -9})

    def test_shuttle(self):
        def shuttle(_process, name):
            pid = daemon_of(name)
            return children(pid, "ghostbridge-shuttle") if pid else []
        self.at_random_moments(shuttle, {0, 1, 3, 4})

    def test_ghost(self):
        def ghost(_process, name):
            pid = daemon_of(name)
            return children(pid, "ns3-ghost") if pid else []
        self.at_random_moments(ghost, {0, 1, 3, 4})


class Interrupted(gb.Case):
    """SIGINT and SIGTERM undo everything within 3 s, status 130."""

    def test_moments(self):
        generator = random.Random("interrupt")
        for attempt in range(12):
            number = (signal.SIGINT, signal.SIGTERM)[attempt % 2]
            name = f"gbt-int-{attempt}"
            path = self.write(SCENARIO.replace("-c 3", "-c 100") + f"name: {name}\n", f"{name}.yaml")
            # Early enough that the run cannot be over, late enough that the program has begun to run.
            moment = time.monotonic() + generator.uniform(0.02, 0.6)
            process = gb.start("run", path, "--out", os.path.join(self.dir, name))
            while time.monotonic() < moment:
                time.sleep(0.001)
            began = time.monotonic()
            process.send_signal(number)
            stdout, stderr = process.communicate(timeout=30)
            took = time.monotonic() - began
            self.assertEqual(process.returncode, 130, f"attempt {attempt}: {stdout}{stderr}")
            self.assertLess(took, 3.0)
            self.assertEqual(self.leftovers(), [], f"attempt {attempt}: left behind")

    def test_report_says_so(self):
        out = os.path.join(self.dir, "out")
        path = self.write(SCENARIO.replace("-c 3", "-c 100") + "name: gbt-int-report\n")
        process = gb.start("run", path, "--out", out)
        gb.wait_until(lambda: os.path.exists(os.path.join(out, "steps/ping.out")) and
                      os.path.getsize(os.path.join(out, "steps/ping.out")), what="the ping to begin")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130)
        with open(os.path.join(out, "report.json"), encoding="utf-8") as file:
            report = json.load(file)
        self.assertEqual(report["result"], "fail")
        self.assertTrue(report["interrupted"])


class Revived(gb.Case):
    """A ghost or shuttle that dies is noticed within 1 s and replaced; containers keep running."""

    def replaced(self, which):
        name = f"gbt-revive-{which}"
        self.up(SCENARIO, name)
        before = self.status(name)
        (ghost,) = before["ghosts"]
        node_pids = [node["pid"] for node in before["nodes"]]
        self.node(name, "h1", "ping", "-c", "1", "h2")
        os.kill(ghost[which]["pid"], signal.SIGKILL)
        began = time.monotonic()

        def back():
            (now,) = self.status(name)["ghosts"]
            return now[which]["state"] == "running" and now[which]["pid"] != ghost[which]["pid"]
        gb.wait_until(back, 5, f"a new {which}")
        print(f"{which} replaced after {time.monotonic() - began:.3f} s")
        self.assertLess(time.monotonic() - began, 1.0)
        after = self.status(name)
        self.assertEqual([node["pid"] for node in after["nodes"]], node_pids, "containers were touched")
        self.assertEqual(len(after["incidents"]), 1)
        self.assertIn("signal 9", after["incidents"][0]["what"])
        self.node(name, "h1", "ping", "-c", "3", "-i", "0.2", "h2")
        return after

    def test_ghost(self):
        self.replaced("simulator")

    def test_shuttle(self):
        self.replaced("shuttle")

    def test_place_of_a_death(self):
        """A death in a node without a port of a container, the base station's mostly, has the place of its link."""
        self.up(CELL, "gbt-revive-cell")
        (ghost,) = self.status("gbt-revive-cell")["ghosts"]
        os.kill(ghost["simulator"]["pid"], signal.SIGSEGV)
        gb.wait_until(lambda: self.status("gbt-revive-cell")["incidents"], 5, "the daemon to notice")
        what = self.status("gbt-revive-cell")["incidents"][0]["what"]
        self.assertRegex(what, r"\.yaml:8:\d+: port (server|ue)\.eth0: at [0-9.]+ s in node \d+: signal SIGSEGV")

    def test_run_reports_it(self):
        out = os.path.join(self.dir, "out")
        path = self.write(SCENARIO.replace("-c 3", "-c 20") + "name: gbt-incident\n")
        process = gb.start("run", path, "--out", out)
        gb.wait_until(lambda: os.path.exists(os.path.join(out, "steps/ping.out")) and
                      os.path.getsize(os.path.join(out, "steps/ping.out")), what="the ping to begin")
        (ghost,) = children(daemon_of("gbt-incident"), "ns3-ghost")
        os.kill(ghost, signal.SIGKILL)
        stdout, stderr = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 4, stdout + stderr)
        with open(os.path.join(out, "report.json"), encoding="utf-8") as file:
            report = json.load(file)
        self.assertEqual(report["fidelity"]["verdict"], "fail")
        self.assertIn("ghost 0", report["incidents"][0]["what"])
        self.assertIn("ghost 0", stderr)
        ports = report["ports"]
        entered = sum(port["up"]["frames"] for port in ports)
        left = sum(port["down"]["frames"] for port in ports)
        drops = sum(sum(port[way]["drops"].values()) for port in ports for way in ("up", "down"))
        self.assertGreaterEqual(entered, left + drops - 1)


if __name__ == "__main__":
    gb.main()
