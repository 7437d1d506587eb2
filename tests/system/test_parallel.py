# SPDX-License-Identifier: GPL-2.0-only
"""Experiments with the same node names and addresses run side by side and know nothing of each other."""
import json
import os

import gb

LAB = """
ghostbridge: 1
nodes: {h1: {attach: tap, cpus: 1, memory: 256MiB}, h2: {}}
links: {lan: {kind: csma, rate: 100Mbps, subnet: 10.0.0.0/24, ends: [h1, h2]}}
"""
STEPS = """
steps: [{name: ping, node: h1, run: ping -c 10 -i 0.1 -W 2 h2}]
expect: [{step: ping, match: " 0% packet loss"}]
"""


class Parallel(gb.Case):
    def states(self):
        return {entry["name"]: entry["state"] for entry in json.loads(gb.command("ls", "--json").stdout)}

    def side_by_side(self, count):
        names = [f"gbt-side{count}-{i}" for i in range(count)]
        pids = set()
        for name in names:
            self.up(LAB, name)
            # A mark in each, to be found where it was made.
            self.node(name, "h1", "sh", "-c", f"echo {name} >/tmp/mark; echo {name} >/dev/shm/mark")
            status = self.status(name)
            pids |= {node["pid"] for node in status["nodes"]} | {status["pid"]}
            pids |= {status["ghosts"][0][side]["pid"] for side in ("simulator", "shuttle")}
        self.assertEqual(len(pids), 5 * count, "processes are shared")
        for name in names:
            self.assertEqual(self.states()[name], "running")
            self.assertEqual(self.node(name, "h1", "cat", "/tmp/mark", "/dev/shm/mark"), f"{name}\n{name}\n")

        pings = {name: gb.start("exec", name, "h1", "--", "ping", "-c", "20", "-i", "0.05", "-W", "2", "h2") for name in names}
        for name, process in pings.items():
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, f"{name}: {out}{err}")
            self.assertIn(" 0% packet loss", out)
        macs = {name: self.node(name, "h1", "cat", "/sys/class/net/eth0/address") for name in names}
        self.assertEqual(len(set(macs.values())), 1, "what is made from names is the same everywhere")

        # One goes; the others do not notice.
        gone, *rest = names
        running = gb.start("exec", rest[0], "h1", "--", "ping", "-c", "20", "-i", "0.05", "-W", "2", "h2")
        report = self.down(gone)
        self.assertNotIn(gone, self.states())
        out, err = running.communicate(timeout=60)
        self.assertIn(" 0% packet loss", out, err)
        for port in report["ports"]:
            self.assertGreaterEqual(port["up"]["frames"], 20)
        self.check_conservation(report)
        for name in rest:
            self.assertEqual(self.states()[name], "running")
            self.assertIn(" 0% packet loss", self.node(name, "h2", "ping", "-c", "2", "-i", "0.1", "h1"))
            report = self.down(name)
            # Twenty pings of its own, twenty of the one that ran meanwhile, two of the last: nobody else's.
            self.assertLess(report["ports"][0]["up"]["frames"], 100)
            self.check_conservation(report)
        self.assertFalse(set(names) & set(self.states()))

    def test_two(self):
        self.side_by_side(2)

    def test_five(self):
        self.side_by_side(5)

    def test_runs_at_once(self):
        """Five `run`s begun in the same moment, of the same file."""
        path = self.write(LAB + STEPS)
        runs = [gb.start("run", path, "--name", f"gbt-run-{i}", "--out", os.path.join(self.dir, str(i))) for i in range(5)]
        for i, process in enumerate(runs):
            out, err = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, out + err)
            with open(os.path.join(self.dir, str(i), "report.json"), encoding="utf-8") as file:
                report = json.load(file)
            self.assertEqual(report["name"], f"gbt-run-{i}")
            self.check_conservation(report)

    def test_one_name_at_once(self):
        """Of several that want one name in the same moment exactly one gets it, and it is not harmed."""
        path = self.write(LAB + STEPS)
        runs = [gb.start("run", path, "--name", "gbt-one", "--out", os.path.join(self.dir, str(i))) for i in range(4)]
        ends = []
        for process in runs:
            out, err = process.communicate(timeout=60)
            ends.append(process.returncode)
            if process.returncode:
                self.assertIn("an experiment called 'gbt-one' is running", err)
        self.assertEqual(sorted(ends), [0, 2, 2, 2])


if __name__ == "__main__":
    gb.main()
