# SPDX-License-Identifier: GPL-2.0-only
"""Nodes inside ns-3: what containers see of simulated routers, switches and hubs, and the traffic those make."""
import json
import os
import re

import gb

TWO_ROUTERS = """
ghostbridge: 1
nodes:
  h1: {routes: [default via 10.0.1.1, "default via fd01::1"]}
  h2: {routes: [default via 10.0.3.1, "default via fd03::1"]}
  r1: {kind: simulated, role: router, routes: [default via 10.0.2.2, "default via fd02::2"]}
  r2:
    kind: simulated
    role: router
    routes: [default via 10.0.2.1, "default via fd02::1"]
    applications:
      - {kind: udp-echo-server, port: 7}
      - {kind: packet-sink, port: 9}
links:
  left: {kind: csma, rate: 100Mbps, delay: 1ms, subnet: [10.0.1.0/24, "fd01::/64"], ends: [r1, h1]}
  core: {kind: csma, rate: 100Mbps, delay: 5ms, subnet: [10.0.2.0/24, "fd02::/64"], ends: [r1, r2]}
  right: {kind: csma, rate: 100Mbps, delay: 10ms, subnet: [10.0.3.0/24, "fd03::/64"], ends: [r2, h2]}
"""
HOPS_MS = (2.0, 12.0, 32.0)

ECHO = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.sendto(bytes(range(200)), ("10.0.2.2", 7))
print(s.recv(2000) == bytes(range(200)))
"""
FILL = """
import socket
s = socket.create_connection(("10.0.2.2", 9))
s.sendall(bytes(200000))
s.shutdown(socket.SHUT_WR)
print(s.recv(1) == b"")
"""
RECEIVE = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 5000))
s.settimeout(5)
size, started = 0, None
while size < 100 * 500:
    data = s.recv(2000)
    started = started or time.monotonic()
    size += len(data)
print((size - 500) * 8 / (time.monotonic() - started))
"""


class Simulated(gb.Case):
    def python(self, name, node, program):
        return self.node(name, node, "python3", "-c", program)

    def hops(self, name, *args):
        """[(address, least round-trip time in ms)] of a traceroute from h1."""
        out = self.node(name, "h1", "traceroute", "-n", "-N", "1", "-w", "2", *args)
        return [(line.split()[1], min(float(time) for time in re.findall(r"([\d.]+) ms", line)))
                for line in out.splitlines()[1:]]

    def check_books(self, report):
        self.assertTrue(report["links"])
        for link in report["links"]:
            self.assertTrue(link["conserved"], link)
            ends = [end for end in report["simulated"] if end["link"] == link["link"]]
            self.assertEqual(sum(end["up"]["frames"] for end in ends), link["simulated_in"], link)
            self.assertEqual(sum(end["down"]["frames"] for end in ends), link["simulated_out"], link)

    def test_routers(self):
        self.up(TWO_ROUTERS, "gbt-routers")
        for target, addresses in (("10.0.3.2", ["10.0.1.1", "10.0.2.2", "10.0.3.2"]),
                                  ("fd03::2", ["fd01::1", "fd02::2", "fd03::2"])):
            # The neighbours learn each other first; then what the file says remains, and what the machine adds.
            self.node("gbt-routers", "h1", "ping", "-c", "2", "-i", "0.2", target)
            for _ in range(3):
                hops = self.hops("gbt-routers", target)
                self.assertEqual([address for address, _ in hops], addresses)
                if all(time < model + 2 for (_, time), model in zip(hops, HOPS_MS)):
                    break
            for (address, time), model in zip(hops, HOPS_MS):
                print(f"{address}: {time} ms, at least {model}")
                self.assertGreaterEqual(time, model)
                self.assertLess(time, model + 2)
        hosts = self.node("gbt-routers", "h1", "cat", "/etc/hosts")
        self.assertRegex(hosts, r"10\.0\.1\.1\s+r1\n")
        self.assertRegex(hosts, r"10\.0\.2\.2\s+r2\n")
        self.assertIn("10.0.1.1", self.node("gbt-routers", "h1", "ip", "route", "show", "default"))
        # Checksums: both ends of a conversation check them when one of them is ns-3's.
        self.assertEqual(self.python("gbt-routers", "h1", ECHO), "True\n")
        self.assertEqual(self.python("gbt-routers", "h2", FILL), "True\n")
        kinds = {node["name"]: node["kind"] for node in self.status("gbt-routers")["nodes"]}
        self.assertEqual(kinds, {"h1": "container", "h2": "container", "r1": "simulated", "r2": "simulated"})
        done = gb.command("exec", "gbt-routers", "r1", "--", "true")
        self.assertEqual(done.returncode, 2)
        self.assertIn("exists inside ns-3 only", done.stderr)
        report = self.down("gbt-routers")
        self.check_books(report)
        self.assertEqual({end["end"] for end in report["simulated"]}, {"r1.eth0", "r1.eth1", "r2.eth0", "r2.eth1"})

    def test_routing_protocols(self):
        """Three islands, each with its own protocol, find their ways at the same time."""
        text = "ghostbridge: 1\nnodes:\n"
        links = "links:\n"
        protocols = ("global", "olsr", "rip")
        for i, protocol in enumerate(protocols):
            text += "".join(f"  {protocol}-{node}: {{routes: [default via 10.{i}.{net}.1, 'default via fd0{i}:{net}::1']}}\n"
                            for node, net in (("a", 1), ("b", 3)))
            text += "".join(f"  {protocol}-{n}: {{kind: simulated, role: router, routing: {protocol}}}\n" for n in (1, 2, 3))
            for net, ends in ((1, f"[{protocol}-1, {protocol}-a]"), (2, f"[{protocol}-1, {protocol}-2]"),
                              (4, f"[{protocol}-2, {protocol}-3]"), (3, f"[{protocol}-3, {protocol}-b]")):
                links += (f"  {protocol}-net{net}: {{kind: csma, rate: 100Mbps, subnet: [10.{i}.{net}.0/24, 'fd0{i}:{net}::/64'], "
                          f"ends: {ends}}}\n")
        self.up(text + links, "gbt-routing")
        for i, protocol in enumerate(protocols):
            targets = [f"10.{i}.3.2"] + ([f"fd0{i}:3::2"] if protocol == "rip" else [])
            for target in targets:
                gb.wait_until(lambda: "1 received" in self.node("gbt-routing", f"{protocol}-a", "ping", "-c", "1", "-W", "1",
                                                                target, check=False), 40, f"{protocol} to find {target}")
                out = self.node("gbt-routing", f"{protocol}-a", "traceroute", "-n", target)
                self.assertEqual(len(out.splitlines()), 5, out)
        self.check_books(self.down("gbt-routing"))

    def test_applications(self):
        self.up("""
ghostbridge: 1
nodes:
  h1: {}
  s1:
    kind: simulated
    role: host
    applications:
      - {kind: packet-sink, protocol: udp, port: 6}
      - {kind: udp-echo-server, port: 7}
      - {kind: packet-sink, port: 9}
  s2:
    kind: simulated
    role: host
    applications:
      - {kind: on-off, to: h1, port: 5000, rate: 400kbps, packet-size: 500B, on: 1s, off: 0s}
      - {kind: on-off, to: s1, port: 6, rate: 1Mbps, on: exponential 20ms, off: uniform 10ms 30ms}
      - {kind: udp-client, to: s1, port: 6, interval: 5ms, count: 40}
      - {kind: udp-echo-client, to: s1, port: 7, interval: 20ms, count: 12}
      - {kind: bulk-send, to: s1, port: 9, max-size: 100KiB}
  a1:
    kind: simulated
    role: router
    routing: aodv
    applications: [{kind: udp-client, to: a3, port: 6, interval: 10ms, count: 20}]
  a2: {kind: simulated, role: router, routing: aodv}
  a3: {kind: simulated, role: router, routing: aodv, applications: [{kind: udp-server, port: 6}]}
links:
  lan: {kind: csma, rate: 100Mbps, subnet: 10.0.0.0/24, ends: [h1, s1, s2]}
  a-near: {kind: csma, rate: 100Mbps, subnet: 10.1.0.0/24, ends: [a1, a2, h1]}
  a-far: {kind: csma, rate: 100Mbps, subnet: 10.2.0.0/24, ends: [a3, a2]}
""", "gbt-apps")
        rate = float(self.python("gbt-apps", "h1", RECEIVE))
        print(f"on-off: {rate:.0f} bit/s of 400000")
        self.assertAlmostEqual(rate / 400e3, 1, delta=0.03)
        report = self.down("gbt-apps")
        self.check_books(report)
        down = {end["end"]: end["down"]["frames"] for end in report["simulated"]}
        self.assertGreater(down["s1.eth0"], 40)
        # What a1 sends to a3 crosses a2, which AODV found.
        self.assertGreaterEqual(down["a3.eth0"], 20)
        apps = {(app["node"], app["application"]): app for app in report["applications"]}
        for key, kind, sent, received in ((("s1", 1), "udp-echo-server", 12, 12), (("s2", 3), "udp-echo-client", 12, 12),
                                          (("s2", 2), "udp-client", 40, 0), (("a1", 0), "udp-client", 20, 0),
                                          (("a3", 0), "udp-server", 0, 20)):
            app = apps[key]
            self.assertEqual((app["kind"], app["sent"]["packets"], app["received"]["packets"]), (kind, sent, received))
            self.assertEqual(app["sent"]["bytes"], sent * (100 if "echo" in kind else 1024), app)
        self.assertEqual(apps["s2", 4]["sent"]["bytes"], 102400)
        self.assertEqual(apps["s1", 2]["received"]["bytes"], 102400)
        self.assertEqual(apps["s2", 0]["sent"]["bytes"], apps["s2", 0]["sent"]["packets"] * 500)
        # What was under way when they fell silent has arrived since, and is not counted any more.
        sent = apps["s2", 1]["sent"]["packets"] + 40
        self.assertLessEqual(sent - apps["s1", 0]["received"]["packets"], 2)
        self.assertGreaterEqual(sent - apps["s1", 0]["received"]["packets"], 0)

    def test_replay(self):
        """Thirty routers with random traffic of their own do the same again."""
        report, _ = self.run_scenario(gb.scenario_path("simulated-core.yaml"), "--record")
        self.check_books(report)
        self.assertGreater(sum(end["up"]["frames"] for end in report["simulated"]), 5000)
        done = gb.command("replay", report["dir"], "--out", os.path.join(self.dir, "again"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("identical", done.stdout)
        applications = []
        for place in (report["dir"], os.path.join(self.dir, "again")):
            with open(os.path.join(place, "digest.json"), encoding="utf-8") as file:
                applications.append(json.load(file)["applications"])
        self.assertEqual(applications[0], applications[1])
        self.assertEqual(applications[0], report["applications"])
        self.assertGreater(sum(app["received"]["packets"] for app in applications[0]), 1000)

    def test_switch_and_hub(self):
        """A switch learns who is where, a hub does not; both join what a segment parts."""
        for role, seen in (("switch", 0), ("hub", 5)):
            name = f"gbt-{role}"
            self.up(f"""
ghostbridge: 1
nodes: {{h1: {{}}, h2: {{}}, h3: {{}}, s: {{kind: simulated, role: {role}}}}}
links:
  a: {{kind: csma, rate: 100Mbps, ends: [s, {{node: h1, ip: 10.0.0.1/24}}]}}
  b: {{kind: csma, rate: 10Mbps, ends: [s, {{node: h2, ip: 10.0.0.2/24}}]}}
  c: {{kind: csma, rate: 100Mbps, ends: [s, {{node: h3, ip: 10.0.0.3/24, promiscuous: true}}]}}
""", name)
            self.node(name, "h1", "ping", "-c", "1", "h2")
            before = {port["port"]: port["down"]["frames"] for port in self.status(name)["ports"]}
            self.node(name, "h1", "ping", "-c", "5", "-i", "0.1", "h2")
            after = {port["port"]: port["down"]["frames"] for port in self.status(name)["ports"]}
            strays = after["h3.eth0"] - before["h3.eth0"]
            self.assertGreaterEqual(after["h2.eth0"] - before["h2.eth0"], 5)
            if seen:
                self.assertGreaterEqual(strays, 2 * seen, "a hub repeats everything")
            else:
                self.assertLess(strays, 5, "a switch sends frames where they belong")
            self.check_books(self.down(name))


if __name__ == "__main__":
    gb.main()
