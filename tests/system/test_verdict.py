# SPDX-License-Identifier: GPL-2.0-only
"""What a run says of itself: what held of its links, how it was judged, and what the report can and cannot know."""
import json
import os

import gb

LINKS = """
ghostbridge: 1
name: verdict-links
nodes:
  h1: {attach: tap}
  h2: {attach: tap}
  r: {kind: simulated, role: router}
links:
  lan: {kind: csma, rate: 20Mbps, delay: 200us, subnet: 10.0.0.0/24, ends: [h1, h2, r]}
  wan:
    {kind: p2p, rate: 10Mbps, delay: 2ms, jitter: 1ms, duplicate: 1%, subnet: 10.0.1.0/24, ends: [h1, h2],
     queue: {discipline: fq-codel, limit: 200p}}
  radio: {kind: p2p, delay: 1ms, subnet: 10.0.2.0/24, ends: [h1, h2], trace: radio.trace, queue: 20p}
timeline:
  - {at: 600ms, link: wan, key: rate, value: 3Mbps}
  - {at: 700ms, link: lan, key: rate, value: 50Mbps}
  - {at: 800ms, link: lan, key: delay, value: 20us}
  - {at: 900ms, link: lan, key: rate, value: 5Mbps}
  - {at: 1s, link: wan, key: rate, value: 30Mbps}
  - {at: 1100ms, link: wan, key: delay, value: 100us}
steps:
  - {name: lan, at: 0.1s, node: h1, run: ping -q -f -w 2 -l 20 -s 900 10.0.0.2, background: true}
  - {name: wan, at: 0.1s, node: h1, run: ping -q -f -w 2 -l 20 -s 1200 10.0.1.2, background: true}
  - {name: wan2, at: 0.1s, node: h2, run: ping -q -f -w 2 -l 20 -s 300 10.0.1.1, background: true}
  - {name: radio, at: 0.1s, node: h1, run: ping -q -f -w 2 -l 20 -s 1000 10.0.2.2, background: true}
  - {name: router, at: 0.1s, node: h2, run: ping -q -f -w 2 -s 1000 10.0.0.3}
"""

KEPT = """
ghostbridge: 1
nodes: {h1: {}, h2: {}}
links: {lan: {kind: csma, rate: 10Mbps, subnet: 10.0.0.0/24, ends: [h1, h2]}}
steps:
  - {name: ping, node: h1, run: ping -c 2 -i 0.05 h2}
"""


class Invariants(gb.Case):
    """Nothing leaves a link too fast, or out of order, whatever is changed meanwhile; in a replay neither."""

    def test_changing_links(self):
        self.write("\n".join(str(at) for at in (1, 2, 2, 5, 6, 9, 9, 9, 14, 20)) + "\n", "radio.trace")
        report, _ = self.run_scenario(self.write(LINKS), "--record")
        self.check_conservation(report)
        self.assertEqual(report["fidelity"]["violations"], 0)
        for link in report["links"]:
            self.assertGreater(link["invariants"]["spacing"]["checked"], 100, link)
            self.assertGreater(link["invariants"]["order"]["checked"], 100, link)
        with open(os.path.join(report["dir"], "report.md"), encoding="utf-8") as file:
            self.assertIn("| yes | kept | kept |", file.read())
        done = gb.command("replay", report["dir"], "--json")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        replayed = json.loads(done.stdout)
        self.assertTrue(replayed["identical"], replayed["first_difference"])
        self.assertEqual(replayed["invariants"], {link["link"]: link["invariants"] for link in report["links"]})


class Kept(gb.Case):
    """A lab that stays up goes on being recorded: only its end can say whether the recording is complete."""

    def test_recording(self):
        name = "gbt-kept"
        self.names.append(name)
        report, done = self.run_scenario(self.write(KEPT), "--keep", "--record", "--name", name)
        self.assertIs(report["recording"]["complete"], False)
        self.assertIs(report["recording"]["going_on"], True)
        self.assertIn("recording goes on", done.stdout)
        self.node(name, "h1", "ping", "-c", "1", "h2")
        before = report["recording"]["frames"]
        done = gb.command("down", name)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.names.remove(name)
        with open(os.path.join(report["dir"], "report.json"), encoding="utf-8") as file:
            recording = json.load(file)["recording"]
        self.assertIs(recording["complete"], True)
        self.assertIs(recording["going_on"], False)
        self.assertGreater(recording["frames"], before)
        done = gb.command("replay", report["dir"])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    gb.main()
