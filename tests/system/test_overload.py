# SPDX-License-Identifier: GPL-2.0-only
"""Five times more load than the link, or the machine, can carry: bounded memory, honest books, an honest verdict."""
import json
import os
import subprocess
import threading

import gb

MEMORY_LIMIT = 64 << 20


def resident(pid):
    """Bytes of physical memory of a process, shared memory included; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            for line in file:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


class Memory(threading.Thread):
    """Watches shuttle and ghost while a run goes on: first and largest size of each."""

    def __init__(self, runner):
        super().__init__()
        self.runner = runner
        self.first = {}
        self.most = {}

    def run(self):
        while self.runner.poll() is None:
            for pid, line in gb.processes().items():
                name = os.path.basename(line.split(" ")[0])
                if name not in ("ghostbridge-shuttle", "ns3-ghost"):
                    continue
                size = resident(pid)
                if size:
                    self.first.setdefault((name, pid), size)
                    self.most[name, pid] = max(size, self.most.get((name, pid), 0))
            try:
                self.runner.wait(0.1)
            except subprocess.TimeoutExpired:
                continue


class Overload(gb.Case):
    def overload(self, rate, frame, offered, others=0, seconds=5):
        tool = self.load_tool()
        names = [f"o{index}" for index in range(others)]
        nodes = "".join(f"  {name}: {{attach: tap}}\n" for name in names)
        ends = "".join(f", {name}" for name in names)
        more = "".join(f'  - {{name: flood-{name}, at: 500ms, node: {name}, background: true, '
                       f'run: "{tool} send 10.0.0.2 {frame} {offered} {seconds}"}}\n' for name in names)
        path = self.write(f"""
ghostbridge: 1
name: gbt-overload
nodes:
  h1: {{attach: tap}}
  h2: {{attach: tap}}
{nodes}links:
  lan: {{kind: csma, rate: {rate}, delay: 1us, subnet: 10.0.0.0/24, ends: [h1, h2{ends}]}}
steps:
  - {{name: sink, node: h2, background: true, run: "{tool} receive {seconds + 5}"}}
  - {{name: flood, at: 500ms, node: h1, run: "{tool} send 10.0.0.2 {frame} {offered} {seconds}"}}
{more}""")
        out = os.path.join(self.dir, "out")
        runner = gb.start("run", path, "--out", out)
        memory = Memory(runner)
        memory.start()
        stdout, stderr = runner.communicate(timeout=seconds + 30)
        memory.join()
        grown = {name: memory.most[key] - memory.first[key] for key in memory.most for name in [key[0]]}
        print({name: f"{size >> 20} MiB" for name, size in grown.items()}, "above start")
        self.assertEqual(set(grown), {"ghostbridge-shuttle", "ns3-ghost"})
        for name, size in grown.items():
            self.assertLess(size, MEMORY_LIMIT, name)
        return runner.returncode, out, stdout + stderr

    def report(self, out):
        with open(os.path.join(out, "report.json"), encoding="utf-8") as file:
            report = json.load(file)
        report["dir"] = out
        return report

    def test_link(self):
        # 50 Mb/s of full frames into 10 Mb/s: the link's own queue drops, as it would; time is kept.
        status, out, text = self.overload("10Mbps", 1518, 4064)
        self.assertEqual(status, 0, text)
        report = self.report(out)
        self.check_conservation(report)
        (sender,) = [port for port in report["ports"] if port["port"] == "h1.eth0"]
        self.assertGreater(sender["up"]["drops"]["queue"], 10000)

    def test_machine(self):
        # As many small frames as four senders can make into 10 Gb/s: more than ns-3 can simulate in real time.
        status, out, text = self.overload("10Gbps", 64, 0, others=3)
        report = self.report(out)
        self.check_conservation(report)
        self.assertEqual(report["fidelity"]["verdict"], "degraded", text)
        self.assertEqual(report["result"], "degraded", text)
        self.assertEqual(status, 0, text)
        self.assertTrue(report["fidelity"]["degraded_intervals"])
        self.assertIn("h1.eth0", str(report["fidelity"]["where"]))
        drops = {cause: count for port in report["ports"] for way in ("up", "down")
                 for cause, count in port[way]["drops"].items()}
        print("drops:", drops, "verdict:", report["fidelity"]["verdict"])


if __name__ == "__main__":
    gb.main()
