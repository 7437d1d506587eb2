#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""OpenFlow switch tests: the same verdicts through simulated links as with Open vSwitch alone, on the cases of this tree."""
import json
import os
import subprocess
import sys

import gb

CONFORMANCE = os.path.join(gb.TREE, "tests/conformance/openflow.py")


class Cases(gb.Case):
    def test_same_as_alone(self):
        out = os.path.join(self.dir, "cases.json")
        env = {name: value for name, value in os.environ.items() if name != "GHOSTBRIDGE_OPENFLOW_SUITE"}
        done = subprocess.run([sys.executable, CONFORMANCE, "--only", "action,group,match", "--out", out], check=False,
                              capture_output=True, text=True, timeout=100, env=env)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with open(out, encoding="utf-8") as file:
            cases = json.load(file)
        self.assertEqual({case["group"] for case in cases}, {"action", "group", "match"})
        for case in cases:
            self.assertEqual((case["ghostbridge"], case["plain"]), ("OK", "OK"), case)

    def test_a_wrong_case_fails(self):
        """A switch that does something else than the case says is found out."""
        with open(os.path.join(gb.TREE, "tests/conformance/openflow/of13/action/output.json"), encoding="utf-8") as file:
            cases = json.load(file)[:2]
        cases[1]["tests"][0]["egress"][2] = "udp(src_port=4000, dst_port=5001)"
        os.makedirs(os.path.join(self.dir, "of13/action"))
        self.write(json.dumps(cases), "of13/action/wrong.json")
        out = os.path.join(self.dir, "cases.json")
        done = subprocess.run([sys.executable, CONFORMANCE, "--suite", self.dir, "--out", out], check=False,
                              capture_output=True, text=True, timeout=60)
        # both sides fail it, which is the same verdict
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with open(out, encoding="utf-8") as file:
            case, = json.load(file)
        for side in ("ghostbridge", "plain"):
            self.assertRegex(case[side], "^ERROR Received incorrect packet: udp")


if __name__ == "__main__":
    gb.main()
