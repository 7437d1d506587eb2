# SPDX-License-Identifier: GPL-2.0-only
"""What is promised about time: the lag, the ready barrier, the verdict."""
import os
import re
import signal
import time

import gb

LAG_US = 20000.0


def wire_us(payload, rate_bps):
    """How long a ping of so many bytes takes on the wire: ICMP, IP, Ethernet, FCS, preamble."""
    return (8 + 20 + 14 + 4 + 8 + payload) * 8 / rate_bps * 1e6


def round_trips(text):
    """Round-trip times in us, in the order of the answers."""
    return [1000 * float(value) for value in re.findall(r"time=([\d.]+) ms", text)]


class Time(gb.Case):
    def output(self, report, step):
        with open(os.path.join(report["dir"], "steps", f"{step}.out"), encoding="utf-8") as file:
            return file.read()

    def lagging(self, rate, rate_bps, delay, delay_us, attach):
        report, done = self.run_scenario(self.write(f"""
ghostbridge: 1
name: gbt-lag
lag: 20ms
nodes: {{h1: {{attach: {attach}}}, h2: {{attach: {attach}}}}}
links: {{lan: {{kind: csma, rate: {rate}, delay: {delay}, subnet: 10.0.0.0/24, ends: [h1, h2]}}}}
steps: [{{name: ping, node: h1, run: ping -c 20 -i 0.1 -s 1000 h2}}]
expect: [{{step: ping, match: " 0% packet loss"}}]
"""))
        times = round_trips(self.output(report, "ping"))
        self.assertEqual(len(times), 20)
        times = sorted(times[1:])  # the first includes ARP
        # The lag is taken off the delay, all but the time of a preamble and gap in which the medium is held.
        gap_us = 20 * 8 / rate_bps * 1e6
        model = 2 * (wire_us(1000, rate_bps) + max(delay_us, LAG_US))
        late = [port["late_us"] for port in report["ports"]]
        print(f"{attach}, {rate}, {delay}, lag 20ms: model {model:.0f} us, least {times[0]:.0f}, median "
              f"{times[len(times) // 2]:.0f}; lateness p50 " + ", ".join(f"{entry['p50']:.0f}" for entry in late) + " us")
        # Of more than 10 ms ping prints tenths.
        self.assertGreaterEqual(times[0], model - 100, "faster than link and lag allow")
        self.assertLess(times[len(times) // 2], model + 2 * gap_us + 3000, "later than link and lag explain")
        for entry in late:
            self.assertLess(entry["p50"], LAG_US / 4, "the lag itself is not lateness")
        # What it adds to the delay is said, before the run and in the verdict.
        excess = max(0, LAG_US - delay_us)
        self.assertEqual("warning: links.lan: lag is 20ms" in done.stderr, excess > 0, done.stderr)
        self.assertEqual(report["fidelity"]["arrivals"], "kernel")
        self.assertEqual([(entry["port"], entry["late_us"]) for entry in report["fidelity"]["lag"]],
                         [("h1.eth0", excess), ("h2.eth0", excess)] if excess else [])
        reasons = {entry["reason"] for entry in report["fidelity"]["where"]}
        self.assertEqual("lag" in reasons, excess > 0)
        if excess:
            self.assertEqual(report["fidelity"]["verdict"], "degraded")
        self.check_conservation(report)

    def test_lag(self):
        self.lagging("100Mbps", 100e6, "6560ns", 6.56, "tap")

    def test_lag_above_the_delay(self):
        self.lagging("10Mbps", 10e6, "5ms", 5000.0, "bridge")

    def test_lag_below_the_delay(self):
        """Then it does not show at all."""
        self.lagging("10Mbps", 10e6, "30ms", 30000.0, "bridge")

    def test_stall(self):
        """A frame enters the simulation when the container sent it, however late the shuttle reads it."""
        name, stall_s = "gbt-stall", 0.1
        self.up("""
ghostbridge: 1
name: gbt-stall
lag: 500ms
nodes: {h1: {attach: tap}, h2: {}}
links: {lan: {kind: csma, rate: 1Gbps, delay: 500ms, subnet: 10.0.0.0/24, ends: [h1, h2]}}
""", name)
        self.node(name, "h1", "ping", "-c", "1", "h2")  # ARP
        shuttle = self.status(name)["ghosts"][0]["shuttle"]["pid"]
        os.kill(shuttle, signal.SIGSTOP)
        try:
            ping = gb.start("exec", name, "h1", "--", "sh", "-c", "echo; exec ping -c 1 h2")
            ping.stdout.readline()
            time.sleep(stall_s)  # the stall itself: nothing is waited for
        finally:
            os.kill(shuttle, signal.SIGCONT)
        trip_us = round_trips(ping.communicate(timeout=10)[0])[0]
        print(f"stalled for {1e6 * stall_s:.0f} us: round trip {trip_us:.0f} us, model 1000000")
        self.assertLess(trip_us, 1e6 + 1e6 * stall_s / 2)
        report = self.down(name)
        self.assertEqual(report["fidelity"]["arrivals"], "kernel")
        self.assertEqual(report["fidelity"]["ingress_late_us"]["max"], 0.0)
        self.check_conservation(report)

    def test_ready_barrier(self):
        """Steps start when every link can carry a frame: the first frame of the first step is not lost."""
        for attempt in range(5):
            attach = ("bridge", "tap")[attempt % 2]
            report, _ = self.run_scenario(self.write(f"""
ghostbridge: 1
name: gbt-barrier-{attempt}
nodes: {{h1: {{attach: {attach}}}, h2: {{attach: {attach}}}, h3: {{}}}}
links:
  lan: {{kind: csma, rate: 100Mbps, subnet: [10.0.0.0/24, "fd00::/64"], ends: [h1, h2, h3]}}
  direct: {{kind: wire, subnet: 10.0.1.0/24, ends: [h1, h3]}}
steps:
  - {{name: four, at: 0s, node: h1, run: ping -4 -c 3 -i 0.05 -W 1 h2}}
  - {{name: six, at: 0s, node: h2, run: ping -6 -c 3 -i 0.05 -W 1 h3}}
  - {{name: direct, at: 0s, node: h3, run: ping -c 3 -i 0.05 -W 1 10.0.1.1}}
"""))
            for step in ("four", "six", "direct"):
                with self.subTest(attempt=attempt, step=step):
                    self.assertIn(" 0% packet loss", self.output(report, step))
                    # ARP or neighbour discovery that had to be repeated takes a second.
                    self.assertLess(round_trips(self.output(report, step))[0], 500000)
            self.assertTrue(all(link.get("conserved", True) for link in report["links"]))
        print(f"ready after {report['ready_s']:.3f} s")

    def test_verdict(self):
        """A budget that nothing can keep: status 4 if the scenario asks for it, and the report says where."""
        text = """
ghostbridge: 1
name: gbt-verdict
fidelity: {budget: 1us, quantile: 99%REQUIRE}
nodes: {h1: {}, h2: {}}
links: {lan: {kind: csma, rate: 100Mbps, subnet: 10.0.0.0/24, ends: [h1, h2]}}
steps: [{name: ping, node: h1, run: ping -c 20 -i 0.02 h2}]
"""
        for require, status in ((", require: pass", 4), (", require: any", 0), ("", 0)):
            report, done = self.run_scenario(self.write(text.replace("REQUIRE", require)), status=status)
            self.assertEqual((report["fidelity"]["verdict"], report["result"]), ("degraded", "degraded"))
            self.assertIn("fidelity degraded", done.stdout)
        fidelity = report["fidelity"]
        self.assertEqual((fidelity["budget_us"], fidelity["quantile"]), (1, 0.99))
        self.assertGreater(fidelity["frames_over_budget"], 20)
        self.assertLessEqual(fidelity["frames_over_budget"], sum(port["down"]["frames"] for port in report["ports"]))
        self.assertGreater(fidelity["late_us"]["p50"], 1)
        self.assertTrue(fidelity["degraded_intervals"])
        for start, end in fidelity["degraded_intervals"]:
            self.assertLess(start, end)
            self.assertLessEqual(end, report["duration_s"] + 0.2)
        self.assertTrue({entry["port"] for entry in fidelity["where"]} <= {"h1.eth0", "h2.eth0"})
        self.assertIn("late", {entry["reason"] for entry in fidelity["where"]})
        # A failed step or expectation outweighs it.
        wrong = text.replace("REQUIRE", ", require: pass").replace("ping -c 20 -i 0.02 h2", "exit 1")
        self.run_scenario(self.write(wrong), status=1)

    def test_generous_budget(self):
        report, _ = self.run_scenario(self.write("""
ghostbridge: 1
name: gbt-generous
fidelity: {budget: 5s, quantile: 99%, require: pass}
nodes: {h1: {}, h2: {}}
links: {lan: {kind: csma, rate: 100Mbps, subnet: 10.0.0.0/24, ends: [h1, h2]}}
steps: [{name: ping, node: h1, run: ping -c 20 -i 0.1 h2}]
"""))
        fidelity = report["fidelity"]
        self.assertEqual((report["result"], fidelity["verdict"]), ("pass", "pass"))
        self.assertEqual(fidelity["arrivals"], "read", "there is no lag")
        for key in ("late_us", "ingress_late_us", "degraded_intervals", "where", "cpu_steal_pct", "realtime_factor_min",
                    "behind_max_us", "stalls", "frames_over_budget", "overhead"):
            self.assertIn(key, fidelity)
        self.assertEqual((fidelity["degraded_intervals"], fidelity["frames_over_budget"]), ([], 0))
        # Over a second of wall clock the simulation went on for a second, too.
        self.assertGreater(fidelity["realtime_factor_min"], 0.9)
        self.assertLess(fidelity["realtime_factor_min"], 1.1)
        self.assertGreaterEqual(fidelity["cpu_steal_pct"], 0)
        self.assertGreater(fidelity["overhead"]["simulator_events"], 80)
        self.assertGreater(fidelity["overhead"]["simulator_wakeups"], 0)
        for port in report["ports"]:
            late = port["late_us"]
            self.assertLessEqual(late["p50"], late["p99"])
            self.assertLessEqual(late["p99"], late["p999"])
            # A quantile is its bucket's upper edge, at most 1/16 above the value itself.
            self.assertLessEqual(late["p999"], late["max"] * 1.07)
            self.assertIn("p99", port["ingress_late_us"])


if __name__ == "__main__":
    gb.main()
