# SPDX-License-Identifier: GPL-2.0-only
"""The smallest scenario, run as a new user would, and the run directory it leaves."""
import json
import os
import time

import gb


class Pair(gb.Case):
    def test_demo_scenario(self):
        # Few frames and a budget of 1 ms: one hiccup of the machine is enough for "degraded", three in a row are ours.
        for _ in range(3):
            began = time.monotonic()
            report, done = self.run_scenario(gb.scenario_path("csma-pair.yaml"))
            took = time.monotonic() - began
            if report["result"] == "pass":
                break
        steps = max(step["ended_s"] for step in report["steps"])
        self.assertLess(took - steps, 2.0, "start-up and teardown beyond the steps")
        print(f"start-up and teardown beyond the steps: {took - steps:.2f} s")

        self.assertEqual(report["schema"], 1)
        self.assertEqual(report["name"], "csma-pair")
        self.assertEqual(report["result"], "pass")
        self.assertEqual([step["exit"] for step in report["steps"]], [0])
        self.assertEqual([expect["ok"] for expect in report["expect"]], [True, True])
        self.assertEqual({port["port"] for port in report["ports"]}, {"h1.eth0", "h2.eth0"})
        for port in report["ports"]:
            self.assertEqual(port["link"], "lan")
            self.assertGreaterEqual(port["up"]["frames"], 5)
            self.assertGreaterEqual(port["down"]["frames"], 5)
            self.assertEqual(set(port["late_us"]), {"p50", "p99", "p999", "max"})
        self.check_conservation(report)
        fidelity = report["fidelity"]
        self.assertEqual(fidelity["verdict"], "pass")
        self.assertEqual(fidelity["budget_us"], 1000)
        for key in ("late_us", "ingress_late_us", "degraded_intervals", "cpu_steal_pct", "realtime_factor_min"):
            self.assertIn(key, fidelity)
        self.assertIn("h1", done.stdout)
        self.assertIn(report["dir"], done.stdout)

    def test_run_directory(self):
        report, _ = self.run_scenario(gb.scenario_path("csma-pair.yaml"))
        for name in ("report.json", "report.md", "scenario.yaml", "manifest.json", "steps/ping.out", "steps/ping.err"):
            self.assertTrue(os.path.isfile(os.path.join(report["dir"], name)), name)
        self.assertTrue(os.path.isdir(os.path.join(report["dir"], "logs")))
        with open(os.path.join(report["dir"], "steps/ping.out"), encoding="utf-8") as file:
            self.assertIn(" 0% packet loss", file.read())
        with open(os.path.join(report["dir"], "scenario.yaml"), encoding="utf-8") as file:
            with open(gb.scenario_path("csma-pair.yaml"), encoding="utf-8") as original:
                self.assertEqual(file.read(), original.read())
        with open(os.path.join(report["dir"], "manifest.json"), encoding="utf-8") as file:
            manifest = json.load(file)
        self.assertEqual(manifest["seed"], 1)
        self.assertIn("3.37", json.dumps(manifest))

    def test_default_directory(self):
        done = gb.command("run", gb.scenario_path("csma-pair.yaml"), cwd=self.dir)
        self.assertEqual(done.returncode, 0, done.stderr)
        (name,) = os.listdir(os.path.join(self.dir, "runs"))
        self.assertRegex(name, r"^csma-pair-\d{8}T\d{6}$")

    def test_json_on_stdout(self):
        _, done = self.run_scenario(gb.scenario_path("csma-pair.yaml"), "--json")
        self.assertIn(json.loads(done.stdout)["result"], ("pass", "degraded"))

    def test_failed_expectation(self):
        text = """
ghostbridge: 1
nodes: {h1: {}, h2: {}}
links: {lan: {kind: csma, rate: 10Mbps, subnet: 10.0.0.0/24, ends: [h1, h2]}}
steps: [{name: say, node: h1, run: "echo '{\\"a\\": [1, {\\"b\\": 2.5}]}'; exit 3"}]
expect:
  - {step: say, exit: 3}
  - {step: say, json: ".a[1].b", min: 2.4, max: 2.6}
  - {step: say, json: ".a[0]", equals: 1}
  - {step: say, no-match: "nonsense"}
  - {report: .fidelity.late_us.p99, max: 100000}
"""
        self.run_scenario(self.write(text))
        report, done = self.run_scenario(self.write(text.replace("exit: 3", "exit: 4")), status=1)
        self.assertEqual(report["result"], "fail")
        self.assertEqual([expect["ok"] for expect in report["expect"]], [False, True, True, True, True])
        self.assertIn("exit", done.stdout)

    def test_failed_step(self):
        report, _ = self.run_scenario(self.write("""
ghostbridge: 1
nodes: {h1: {}, h2: {}}
links: {lan: {kind: csma, rate: 10Mbps, subnet: 10.0.0.0/24, ends: [h1, h2]}}
steps: [{node: h1, run: "exit 7"}]
"""), status=1)
        self.assertEqual(report["steps"][0]["exit"], 7)

    def test_set(self):
        report, _ = self.run_scenario(gb.scenario_path("csma-pair.yaml"), "--set", "links.lan.delay=20ms")
        with open(os.path.join(report["dir"], "steps/ping.out"), encoding="utf-8") as file:
            out = file.read()
        self.assertGreater(float(out.split("min/avg/max/mdev = ")[1].split("/")[0]), 40.0)
        with open(os.path.join(report["dir"], "scenario.yaml"), encoding="utf-8") as file:
            self.assertIn("20ms", file.read())


if __name__ == "__main__":
    gb.main()
