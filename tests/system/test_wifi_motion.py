# SPDX-License-Identifier: GPL-2.0-only
"""Wi-Fi ends that move: where a movement trace has them, and who hears them there."""
import os
import subprocess

import gb

TRACE = """
$node_(4) set X_ 10.0
$node_(4) set Y_ 0.0
$ns_ at 0.5 "$node_(4) setdest 100.0 0.0 100.0"
$ns_ at 1.5 "$node_(4) setdest 10.0 0.0 100.0"
"""

NS2 = """
ghostbridge: 1
name: gbt-ns2
nodes: {h1: {attach: tap}, h2: {attach: tap}}
links:
  air:
    kind: wifi
    mode: adhoc
    standard: 802.11a
    propagation: {model: range, max-range: 50m}
    mobility: {model: ns2, trace: walk.tcl}
    subnet: 10.0.0.0/24
    ends:
      - {node: h1, position: [0m, 0m, 0m]}
      - {node: h2, mobility: {model: ns2, node: 4}, mac: "02:00:00:00:00:02"}
steps:
  - {name: known, node: h1, run: ip neigh replace 10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0}
  - {name: ping, at: 100ms, node: h1, run: "ping -c 130 -i 0.02 -W 0.5 h2 || true"}
"""


ROAM = """
ghostbridge: 1
name: gbt-roam
nodes:
  server: {attach: tap}
  h1: {attach: tap, sysctls: {net.ipv6.conf.all.disable_ipv6: "1", net.ipv6.conf.default.disable_ipv6: "1"}}
  sw: {kind: simulated, role: switch}
links:
  lan: {kind: csma, rate: 100Mbps, subnet: 10.0.0.0/24, ends: [{node: server, ip: 10.0.0.1/24}, sw]}
  air:
    kind: wifi
    mode: infrastructure
    standard: 802.11n
    propagation: {model: range, max-range: 50m}
    ends:
      - {node: sw, name: ap1, role: ap, position: [0m, 0m, 0m]}
      - {node: sw, name: ap2, role: ap, position: [80m, 0m, 0m]}
      - node: h1
        ip: 10.0.0.2/24
        mac: "02:00:00:00:00:02"
        position: [10m, 0m, 0m]
        mobility: {model: waypoints, waypoints: [
          {at: 500ms, position: [10m, 0m, 0m]}, {at: 700ms, position: [70m, 0m, 0m]},
          {at: 3000ms, position: [70m, 0m, 0m]}, {at: 3200ms, position: [10m, 0m, 0m]}]}
steps:
  # To the station only, which says nothing by itself when it has changed.
  - {name: sink, node: h1, run: TOOL receive 6, background: true}
  - name: stream
    at: 200ms
    node: server
    run: |
      ping -c 1 h1 && ip neigh replace 10.0.0.2 lladdr 02:00:00:00:00:02 nud permanent dev eth0
      TOOL send 10.0.0.2 200 500 4.6
"""


def pings(path):
    """Simulated times at which echo requests and replies entered a recorded simulation, by sequence number."""
    listed = subprocess.run(["tshark", "-r", path, "-Y", "icmp", "-T", "fields", "-e", "icmp.type", "-e", "icmp.seq",
                             "-e", "frame.time_epoch"], capture_output=True, text=True, check=True).stdout
    times = {"8": {}, "0": {}}
    for line in listed.splitlines():
        kind, number, at = line.split("\t")
        times[kind].setdefault(int(number), float(at))
    return times["8"], times["0"]


class Trace(gb.Case):
    """A movement trace of ns-2."""

    def test_reach_follows_the_trace(self):
        with open(os.path.join(self.dir, "walk.tcl"), "w", encoding="utf-8") as file:
            file.write(TRACE)
        report, _ = self.run_scenario(self.write(NS2), "--record")
        os.remove(os.path.join(self.dir, "walk.tcl"))
        # h2 is 50 m away at 0.9 s and at 2 s of simulated time, whenever the machine got round to it. What is sent in
        # between waits in h1's queue, for 500 ms at most.
        requests, replies = pings(os.path.join(report["dir"], "boundary.pcapng"))
        inside = {number for number, at in requests.items() if at < 0.88 or at > 2.01}
        hopeless = {number for number, at in requests.items() if 0.91 < at < 1.4}
        self.assertGreater(len(inside), 20)
        self.assertGreater(len(hopeless), 5)
        self.assertEqual(inside - set(replies), set(), "within reach, and no answer")
        self.assertEqual(hopeless & set(replies), set(), "beyond reach, and an answer")
        self.assertEqual([(requests[number], at) for number, at in replies.items() if requests[number] > 0.9 and at < 2],
                         [], "an answer while it was away")
        again = gb.command("replay", report["dir"])
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        self.assertIn("identical", again.stdout + again.stderr)


class Roaming(gb.Case):
    """A station between two access points that a simulated switch joins."""

    def test_there_and_back(self):
        tool = self.load_tool()
        report, _ = self.run_scenario(self.write(ROAM.replace("TOOL", tool)), "--record")
        changes = [(event["carrier"], event.get("ap")) for event in report["carrier"]]
        self.assertEqual(changes, [("down", None), ("up", "sw.ap2"), ("down", None), ("up", "sw.ap1")], report["carrier"])
        for event in report["carrier"][1::2]:
            # It listens for 120 ms, and an association takes some frames.
            self.assertGreater(event["without_s"], 0.1)
            self.assertLess(event["without_s"], 0.3)
        air = next(link for link in report["links"] if link["link"] == "air")
        self.assertTrue(air["conserved"], air)
        self.assertEqual(air["duplicated"], 2, "one announcement each")
        # 2300 datagrams, of which twice about a second's are lost; without the announcement nothing came after the first.
        port = next(port for port in report["ports"] if port["port"] == "h1.eth0")
        self.assertGreater(port["down"]["frames"], 700, port)
        again = gb.command("replay", report["dir"])
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)


if __name__ == "__main__":
    gb.main()
