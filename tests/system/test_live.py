# SPDX-License-Identifier: GPL-2.0-only
"""Links that change while the experiment runs: ghostbridge set, steps, the timeline, and what the report says of them."""
import json
import os
import re
import unittest

import gb

LAB = """
ghostbridge: 1
nodes:
  h1: {attach: tap}
  h2: {}
links:
  lan: {kind: csma, rate: 100Mbps, delay: 1ms, subnet: 10.0.0.0/24, ends: [h1, h2]}
  cable: {kind: wire, subnet: 10.0.1.0/24, ends: [h1, h2]}
"""


class Live(gb.Case):
    def ping(self, name, count=5, check=True):
        """Least round-trip time in ms, and whether anything came back."""
        out = self.node(name, "h1", "ping", "-q", "-n", "-c", count, "-i", "0.05", "-W", "0.3", "10.0.0.2", check=check)
        found = re.search(r"= ([\d.]+)/", out)
        return float(found[1]) if found else None

    def set(self, name, *args, status=0):
        done = gb.command("set", name, *args)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def test_set(self):
        self.up(LAB, "gbt-set")
        self.ping("gbt-set", 1)
        before = self.ping("gbt-set")
        self.assertGreaterEqual(before, 2.0)
        self.assertLess(before, 12.0)
        done = self.set("gbt-set", "lan", "delay=20ms")
        at = re.fullmatch(r"lan delay=20ms at (\d+\.\d{9}) s\n", done.stdout)
        self.assertTrue(at, done.stdout)
        self.assertGreaterEqual(self.ping("gbt-set"), 40.0)
        # All at one time, and the end by either of its names.
        done = self.set("gbt-set", "lan", "delay=1ms", "rate=10Mbps", "--json")
        changes = json.loads(done.stdout)
        self.assertEqual([(c["link"], c["key"], c["value"], c["by"]) for c in changes],
                         [("lan", "delay", "1ms", "set"), ("lan", "rate", "10Mbps", "set")])
        self.assertEqual(changes[0]["at_s"], changes[1]["at_s"])
        self.assertGreater(changes[0]["at_s"], float(at[1]))
        self.assertLess(self.ping("gbt-set"), 12.0)

        # h1's interface is the TAP itself: it loses its carrier, and with it the route.
        self.set("gbt-set", "lan.h1", "state=down")
        self.assertEqual(self.node("gbt-set", "h1", "cat", "/sys/class/net/eth0/carrier").strip(), "0")
        self.set("gbt-set", "lan.h1.eth0", "state=up")
        self.assertEqual(self.node("gbt-set", "h1", "cat", "/sys/class/net/eth0/carrier").strip(), "1")
        self.assertLess(self.ping("gbt-set"), 12.0)
        # h2's frames still come to its TAP while the bridge learns of the carrier, or not at all; h1's are lost there.
        self.set("gbt-set", "lan.h2", "state=down")
        self.assertIsNone(self.ping("gbt-set", 3, check=False))
        self.set("gbt-set", "lan", "state=up")
        gb.wait_until(lambda: self.ping("gbt-set", 1, check=False), what="the link to work again")

        status = self.status("gbt-set")
        self.assertEqual(len(status["changes"]), 7)
        report = self.down("gbt-set")
        self.assertEqual([(c["key"], c["value"], c.get("end")) for c in report["changes"]],
                         [("delay", "20ms", None), ("delay", "1ms", None), ("rate", "10Mbps", None),
                          ("state", "down", "h1.eth0"), ("state", "up", "h1.eth0"), ("state", "down", "h2.eth0"),
                          ("state", "up", None)])
        self.assertAlmostEqual(report["changes"][0]["at_s"], float(at[1]), places=6)
        self.check_conservation(report)
        lan = next(link for link in report["links"] if link["link"] == "lan")
        self.assertGreaterEqual(lan["drops"]["down"], 3)

    def test_refused(self):
        """Whatever is no change is refused with status 2 and what would be right, and changes nothing."""
        self.up(LAB, "gbt-refuse")
        for args, text in ((("lan", "delay=5"), 'lan.delay: "5" has no unit; write 5ms'),
                           (("lan", "delay=-5ms"), "is not a time"),
                           (("lan", "delay=" + "9" * 50 + "s"), "more digits"),
                           (("lan", "rate=0bps"), "out of range"),
                           (("lan", "dealy=5ms"), 'did you mean "delay"?'),
                           (("lan", "mtu=9000"), "what can: rate, delay, queue, state"),
                           (("lan", "state=off"), "write up or down"),
                           (("lan.h3", "state=up"), "its ends are h1, h2"),
                           (("lan.h1", "delay=5ms"), '"delay" of one end'),
                           (("cable", "rate=1Mbps"), "what can: state"),
                           (("nan", "rate=1Mbps"), 'did you mean "lan"?'),
                           (("", "rate=1Mbps"), "write LINK KEY=VALUE"),
                           (("lan", "rate"), "is not KEY=VALUE"),
                           (("lan", "=5ms"), "is not KEY=VALUE"),
                           (("lan", "delay="), "is not KEY=VALUE"),
                           (("lan", "delay=5ms\nlan rate=1bps"), "is not a change"),
                           (("lan", "delay=" + "x" * 300), "is not a change"),
                           (("lan", "delay=7ms", "rate=x"), "is not a rate")):
            with self.subTest(args=args):
                done = self.set("gbt-refuse", *args, status=2)
                self.assertIn(text, done.stderr)
                self.assertEqual(done.stdout, "")
        self.assertIn("there is no running experiment", self.set("gbt-nobody", "lan", "delay=5ms", status=2).stderr)
        self.assertEqual(self.status("gbt-refuse")["changes"], [])
        self.ping("gbt-refuse", 1)
        self.assertLess(self.ping("gbt-refuse"), 12.0)

    def test_successor(self):
        """A ghost that is started again knows what was changed."""
        self.up(LAB, "gbt-again")
        self.set("gbt-again", "lan", "delay=20ms")
        pid = self.status("gbt-again")["ghosts"][0]["simulator"]["pid"]
        os.kill(pid, 9)

        def restarted():
            ghost = self.status("gbt-again")["ghosts"][0]["simulator"]
            return ghost["state"] == "running" and ghost["pid"] != pid

        gb.wait_until(restarted, what="the ghost's successor")
        gb.wait_until(lambda: self.ping("gbt-again", 1, check=False), what="the link to work again")
        self.assertGreaterEqual(self.ping("gbt-again"), 40.0)
        self.assertEqual(len(self.down("gbt-again")["changes"]), 1)

    def test_scenario(self):
        """Steps and a CSV timeline: exact times in the report, and the run lasts until the last step."""
        self.write("time,link[.end],key,value\n# comment\n\n400ms, lan, delay, 20ms\n800ms,lan.h2,state,down\n"
                   "1s,lan.h2,state,up\n9min,lan,state,down\n", "changes.csv")
        path = self.write(LAB.replace("nodes:", "name: gbt-line\ntimeline: changes.csv\nnodes:", 1) + """
steps:
  - {name: ping, node: h1, run: ping -n -c 12 -i 0.1 -W 0.3 10.0.0.2}
  - {name: cut, at: 1500ms, link: lan, down: [h1]}
  - {at: 1600ms, link: lan, up: all, set: {queue: 10p, delay: 2ms}}
expect:
  - {step: ping, exit: 0}
  - {report: ".changes[0].at_s", equals: 0.4}
""")
        report, _ = self.run_scenario(path)
        self.assertEqual([(c["at_s"], c["key"], c["value"], c["by"], c.get("end")) for c in report["changes"]],
                         [(0.4, "delay", "20ms", "timeline", None), (0.8, "state", "down", "timeline", "h2.eth0"),
                          (1.0, "state", "up", "timeline", "h2.eth0"), (1.5, "state", "down", "step cut", "h1.eth0"),
                          (1.6, "queue", "10p", "step step-3", None), (1.6, "delay", "2ms", "step step-3", None),
                          (1.6, "state", "up", "step step-3", None)])
        self.assertGreaterEqual(report["duration_s"], 1.6)
        self.assertLess(report["duration_s"], 10)
        self.assertEqual([step["ok"] for step in report["steps"]], [True] * 3)
        self.check_conservation(report)
        with open(os.path.join(report["dir"], "steps/ping.out"), encoding="utf-8") as file:
            times = {int(seq): float(ms) for seq, ms in re.findall(r"icmp_seq=(\d+) .*time=([\d.]+)", file.read())}
        self.assertLess(min(times.get(seq, 99) for seq in (2, 3)), 15)
        self.assertGreaterEqual(times.get(6, 99), 40)
        self.assertNotIn(9, times.keys() & {10})  # sent at 0.9 s, in the middle of the cut
        with open(os.path.join(report["dir"], "report.md"), encoding="utf-8") as file:
            self.assertIn("| 0.800000000 | lan, h2.eth0 | state: down | timeline |", file.read())
        # What was run holds the rows, so it needs no second file.
        self.assertEqual(gb.command("validate", os.path.join(report["dir"], "scenario.yaml")).returncode, 0)

    def test_csv_errors(self):
        """Errors name file and line of the CSV, and the place in the scenario that names it."""
        path = self.write(LAB.replace("nodes:", "timeline: bad.csv\nnodes:", 1))
        self.write("time,link,key,value\n1s,lan,delay,5\n2,lan,delay,5ms\n3s,lan\n4s,lan.h9,state,up\n", "bad.csv")
        done = gb.command("validate", path)
        self.assertEqual(done.returncode, 2)
        for text in ('test.yaml:3:11: bad.csv:2: value: "5" has no unit', 'bad.csv:3: time: "2" has no unit',
                     "bad.csv:4: 2 fields", 'bad.csv:5: link: "h9" is not an end of lan'):
            self.assertIn(text, done.stderr)
        os.unlink(os.path.join(self.dir, "bad.csv"))
        self.assertIn('cannot read "bad.csv": No such file', gb.command("validate", path).stderr)

    def test_wire(self):
        """An end of a veth pair goes down and comes up with what the file gave it."""
        self.up("""
ghostbridge: 1
nodes:
  h1: {routes: [10.9.0.0/16 via 10.0.1.2]}
  h2: {}
links:
  lan: {kind: csma, rate: 100Mbps, subnet: 10.0.0.0/24, ends: [h1, h2]}
  cable: {kind: wire, subnet: [10.0.1.0/24, "fd01::/64"], ends: [h1, h2]}
""", "gbt-wire")
        done = self.set("gbt-wire", "cable.h1", "state=down")
        self.assertRegex(done.stdout, r"^cable\.h1\.eth1 state=down at \d+\.\d{9} s\n$")
        self.assertEqual(self.node("gbt-wire", "h2", "cat", "/sys/class/net/eth1/carrier").strip(), "0")
        self.assertNotIn("10.9.0.0/16", self.node("gbt-wire", "h1", "ip", "route"))
        # Of two links at once: both are answered.
        done = self.set("gbt-wire", "cable", "state=up")
        self.set("gbt-wire", "lan", "delay=2ms")
        self.assertIn("10.9.0.0/16 via 10.0.1.2 dev eth1", self.node("gbt-wire", "h1", "ip", "route"))
        for target in ("10.0.1.2", "fd01::2"):
            gb.wait_until(lambda: "1 received" in self.node("gbt-wire", "h1", "ping", "-c", "1", "-W", "1", target,
                                                            check=False), what="the wire to work again")
        report = self.down("gbt-wire")
        self.assertEqual([(c["link"], c["key"], c["value"], c.get("end")) for c in report["changes"]],
                         [("cable", "state", "down", "h1.eth1"), ("cable", "state", "up", None),
                          ("lan", "delay", "2ms", None)])

    def test_wire_timeline(self):
        """The times of a wire's changes are when they were made, not before they were due."""
        path = self.write("""
ghostbridge: 1
name: gbt-wireline
timeline:
  - {at: 300ms, link: cable.h2, key: state, value: down}
  - {at: 600ms, link: cable.h2, key: state, value: up}
nodes: {h1: {}, h2: {}}
links: {cable: {kind: wire, subnet: 10.0.1.0/24, ends: [h1, h2]}}
steps:
  - name: watch
    node: h1
    run: >
      until [ $(cat /sys/class/net/eth0/carrier) = 0 ]; do :; done; echo gone;
      until ping -c 1 -W 1 10.0.1.2 > /dev/null 2>&1; do :; done; echo back
expect:
  - {step: watch, match: back}
""")
        report, _ = self.run_scenario(path)
        self.assertEqual([c["value"] for c in report["changes"]], ["down", "up"])
        for change, due in zip(report["changes"], (0.3, 0.6)):
            self.assertGreaterEqual(change["at_s"], due)

    def test_program(self):
        """Ends of a user's own program go down and up, at exactly their times, and so in a replay."""
        program = os.path.join(os.path.dirname(gb.GHOSTBRIDGE), "own-misdeed")
        path = self.write(f"""
ghostbridge: 1
name: gbt-proglive
ghost: [{program}, none]
timeline:
  - {{at: 400ms, link: seg.h2, key: state, value: down}}
  - {{at: 800ms, link: seg, key: state, value: up}}
nodes: {{h1: {{attach: tap}}, h2: {{attach: tap}}}}
links:
  seg: {{kind: ghost, subnet: 10.0.0.0/24, ends: [h1, h2]}}
steps:
  - {{name: ping, node: h1, run: "ping -n -c 12 -i 0.1 -W 0.3 h2; until ping -c 1 -W 1 h2; do :; done"}}
  - {{name: cut, at: 1500ms, link: seg, down: [h1]}}
  - {{name: gone, at: 1600ms, node: h1, run: "until [ $(cat /sys/class/net/eth0/carrier) = 0 ]; do :; done"}}
""")
        report, _ = self.run_scenario(path, "--record")
        self.assertEqual([(c["at_s"], c["value"], c["by"], c.get("end")) for c in report["changes"]],
                         [(0.4, "down", "timeline", "h2.eth0"), (0.8, "up", "timeline", None),
                          (1.5, "down", "step cut", "h1.eth0")])
        self.assertEqual(report["incidents"], [])
        self.assertTrue(report["links"][0]["conserved"])
        self.assertGreaterEqual(report["links"][0]["drops"].get("down", 0), 1)
        done = gb.command("replay", report["dir"])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("identical", done.stdout)

    def test_program_set(self):
        """The same by hand, and again in the program's successor."""
        program = os.path.join(os.path.dirname(gb.GHOSTBRIDGE), "own-misdeed")
        self.up(f"ghostbridge: 1\nghost: [{program}, none]\nnodes: {{h1: {{}}, h2: {{}}}}\n"
                "links: {seg: {kind: ghost, subnet: 10.0.0.0/24, ends: [h1, h2]}}\n", "gbt-progset")
        self.ping("gbt-progset", 1)
        done = self.set("gbt-progset", "seg", "state=down")
        self.assertRegex(done.stdout, r"^seg state=down at \d+\.\d{9} s\n$")
        self.assertIsNone(self.ping("gbt-progset", 2, check=False))
        self.assertIn("what can: state", self.set("gbt-progset", "seg", "rate=1Mbps", status=2).stderr)
        self.set("gbt-progset", "seg", "state=up")
        gb.wait_until(lambda: self.ping("gbt-progset", 1, check=False), what="the link to work again")
        self.assertEqual([c["value"] for c in self.down("gbt-progset")["changes"]], ["down", "up"])


if __name__ == "__main__":
    assert unittest
    gb.main()
