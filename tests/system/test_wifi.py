# SPDX-License-Identifier: GPL-2.0-only
"""Wi-Fi links: frames byte for byte, association and carrier, addresses behind a station, changes, books, replay."""
import json
import os
import re
import unittest

import frames
import gb
import test_frames

ADHOC = """
ghostbridge: 1
nodes:
  h1: {{attach: {attach}, sysctls: {{net.ipv6.conf.all.disable_ipv6: "1", net.ipv6.conf.default.disable_ipv6: "1"}}}}
  h2: {{attach: {attach}, sysctls: {{net.ipv6.conf.all.disable_ipv6: "1", net.ipv6.conf.default.disable_ipv6: "1"}}}}
links:
  air: {{kind: wifi, mode: adhoc, standard: {standard}, subnet: 10.0.0.0/24, ends: [h1, h2]}}
"""

MESH = """
ghostbridge: 1
nodes:
  h1: {attach: tap, sysctls: {net.ipv6.conf.all.disable_ipv6: "1", net.ipv6.conf.default.disable_ipv6: "1"}}
  m: {attach: tap, sysctls: {net.ipv6.conf.all.disable_ipv6: "1", net.ipv6.conf.default.disable_ipv6: "1"}}
  h2: {attach: tap, sysctls: {net.ipv6.conf.all.disable_ipv6: "1", net.ipv6.conf.default.disable_ipv6: "1"}}
links:
  air:
    kind: wifi
    mode: mesh
    standard: 802.11a
    propagation: {model: range, max-range: 50m}
    mobility: {model: line, spacing: 40m}
    subnet: 10.0.0.0/24
    ends: [h1, m, h2]
"""

AP = """
ghostbridge: 1
nodes: {{ap: {{attach: tap}}, h1: {{attach: {attach}}}, h2: {{attach: tap}}}}
links:
  air:
    kind: wifi
    mode: infrastructure
    standard: 802.11a
    subnet: 10.0.0.0/24
    ends: [{{node: ap, role: ap}}, h1, h2]
"""

# A second interface in the container, bridged to the first: another MAC behind the station.
SECOND = """
set -e
ip link add br0 type bridge && ip addr flush dev eth0 && ip link set eth0 master br0
ip link add inner type veth peer name inner-br
ip link set inner-br master br0 up && ip link set br0 up && ip link set eth0 up
ip addr add 10.0.0.77/24 dev inner && ip addr add fd00::77/64 dev inner nodad
ip link set inner address 02:00:00:00:77:77 up
"""

CLIENTS = """
set -e
ip link add br0 type bridge && ip link set eth0 master br0 && ip link set br0 up
for n in 1 2; do
    ip link add c$n type veth peer name b$n
    ip link set b$n master br0 up
    ip link set c$n address 02:00:00:00:77:0$n up
done
"""
SERVER = """
touch /tmp/leases
printf '%s\\n' 'start 10.0.0.100' 'end 10.0.0.120' 'interface eth0' 'option subnet 255.255.255.0' 'lease_file /tmp/leases' \
    'pidfile /tmp/pid' 'auto_time 0' >/tmp/conf
busybox udhcpd -a 1 /tmp/conf
"""


class Wifi(test_frames.Frames):
    """Frames of every kind; the cases of the CSMA link itself are not repeated."""

    test_attach_tap = test_jumbo = test_attach_bridge = test_double_tag_at_full_mtu = test_too_long_is_counted = None

    def both_ways(self, name, mtu, expected_lost=frozenset()):
        self.ways(name, (("h1", "h2"), ("h2", "h1")), mtu)

    def ways(self, name, ways, mtu):
        """Every kind arrives byte for byte; what is for a group, which nobody acknowledges, at the eighth try at the latest.

        What a mesh point sends on collides with what follows in a burst: a third is lost.
        """
        for source, target in ways:
            left = frames.kinds(bytes.fromhex(self.mac(name, target)), bytes.fromhex(self.mac(name, source)), mtu)
            for _ in range(8):
                arrived = self.exchange(name, source, target, left)
                foreign = [data.hex() for data in arrived if data not in [data for _, data in left]]
                self.assertEqual(foreign, [], f"{source} to {target}: frames that nobody sent")
                left = [(kind, data) for kind, data in left if data not in arrived]
                if not left:
                    break
                self.assertEqual([kind for kind, data in left if not data[0] & 1], [], f"{source} to {target}: unicast")
            self.assertEqual([kind for kind, _ in left], [], f"{source} to {target}: sent eight times")

    def links(self, name):
        report = self.down(name)
        for link in report["links"]:
            self.assertTrue(link["conserved"], link)
        return report

    def test_frames_adhoc(self):
        self.up(ADHOC.format(attach="tap", standard="802.11a"), "gbt-adhoc")
        self.both_ways("gbt-adhoc", 1500)
        self.links("gbt-adhoc")

    def test_frames_aggregated(self):
        # 802.11ac sends several frames in one go.
        self.up(ADHOC.format(attach="tap", standard="802.11ac"), "gbt-ac")
        self.both_ways("gbt-ac", 1500)
        self.links("gbt-ac")

    def test_frames_over_a_mesh(self):
        # h1 and h2 do not hear each other; m forwards.
        self.up(MESH, "gbt-mesh")
        self.both_ways("gbt-mesh", 1500)
        self.links("gbt-mesh")

    def test_frames_from_access_point(self):
        quiet = '{attach: tap, sysctls: {net.ipv6.conf.all.disable_ipv6: "1", net.ipv6.conf.default.disable_ipv6: "1"}}'
        self.up(AP.format(attach="tap").replace("{attach: tap}", quiet), "gbt-apframes")
        self.ways("gbt-apframes", (("ap", "h1"), ("h1", "ap"), ("h1", "h2")), 1500)
        self.links("gbt-apframes")

    def test_changed_mac(self):
        self.up(AP.format(attach="bridge"), "gbt-newmac")
        self.node("gbt-newmac", "h1", "ping", "-c", "2", "-i", "0.2", "ap")
        self.node("gbt-newmac", "h1", "sh", "-c",
                  "ip link set eth0 down; ip link set eth0 address 02:00:00:00:12:34; ip link set eth0 up")
        self.node("gbt-newmac", "h1", "ping", "-c", "3", "-i", "0.2", "-w", "5", "ap")
        self.node("gbt-newmac", "h2", "ping", "-c", "3", "-i", "0.2", "-w", "5", "10.0.0.2")
        neighbours = self.node("gbt-newmac", "ap", "ip", "neigh", "show", "10.0.0.2")
        self.assertNotIn("02:00:00:00:12:34", neighbours, "the station's own address is what others see")
        self.links("gbt-newmac")

    def test_changed_mac_of_an_access_point(self):
        self.up(AP.format(attach="tap"), "gbt-newap")
        own = self.node("gbt-newap", "ap", "cat", "/sys/class/net/eth0/address").strip()
        for address in ("02:00:00:00:12:34", "02:00:00:00:12:35", own):
            self.node("gbt-newap", "ap", "sh", "-c",
                      f"ip link set eth0 down; ip link set eth0 address {address}; ip link set eth0 up")
            for node in ("h1", "h2"):
                self.node("gbt-newap", node, "ip", "neigh", "flush", "all")
                self.node("gbt-newap", node, "ping", "-c", "3", "-i", "0.2", "-w", "5", "10.0.0.1")
                self.assertIn(address, self.node("gbt-newap", node, "ip", "neigh", "show", "10.0.0.1"))
        ports = {port["port"]: port for port in self.links("gbt-newap")["ports"]}
        self.assertNotIn("filtered", ports["ap.eth0"]["down"]["drops"], "all was for it")
        for port in ("h1.eth0", "h2.eth0"):
            self.assertNotIn("medium", ports[port]["up"]["drops"], "the ledger knows whom it was for")

    def test_two_addresses_behind_a_station(self):
        self.up(AP.format(attach="tap"), "gbt-behind")
        self.node("gbt-behind", "h1", "sh", "-c", SECOND + "ip addr add 10.0.0.2/24 dev br0")
        self.node("gbt-behind", "ap", "ip", "addr", "add", "fd00::1/64", "dev", "eth0", "nodad")
        for source, target in (("h1", "10.0.0.1"), ("ap", "10.0.0.77"), ("ap", "10.0.0.2"), ("ap", "fd00::77"),
                               ("h2", "10.0.0.77")):
            self.node("gbt-behind", source, "ping", "-c", "2", "-i", "0.2", "-w", "5", target)
        self.node("gbt-behind", "h1", "ping", "-c", "2", "-i", "0.2", "-w", "5", "-I", "10.0.0.77", "10.0.0.1")
        self.links("gbt-behind")

    def test_dhcp_behind_a_station(self):
        """Two clients bridged behind one station, and one whose address has changed, get leases of a server behind the AP."""
        self.up(AP.format(attach="tap").replace("h1, h2]", "{node: h1, ip: []}, {node: h2, ip: []}]"), "gbt-dhcp")
        self.node("gbt-dhcp", "ap", "sh", "-c", SERVER)
        self.node("gbt-dhcp", "h1", "sh", "-c", CLIENTS)
        self.node("gbt-dhcp", "h2", "sh", "-c", "ip link set eth0 down; ip link set eth0 address 02:00:00:00:77:03 up")
        leases = set()
        for node, client in (("h1", "c1"), ("h1", "c2"), ("h2", "eth0")):
            # It only asks; the address is set by hand.
            done = gb.command("exec", "gbt-dhcp", node, "--", "busybox", "udhcpc", "-i", client, "-n", "-q", "-t", "10",
                              "-T", "1", "-s", "/bin/true")
            lease = re.search(r"lease of (10\.0\.0\.1\d\d) obtained from 10\.0\.0\.1,", done.stderr)
            self.assertTrue(lease, done.stderr)
            leases.add(lease[1])
            self.node("gbt-dhcp", node, "ip", "addr", "add", lease[1] + "/24", "dev", client)
            self.node("gbt-dhcp", node, "ping", "-c", "1", "-w", "5", "-I", client, "10.0.0.1")
        self.assertEqual(len(leases), 3, "the server knows clients by their own addresses")
        self.links("gbt-dhcp")


class Carrier(gb.Case):
    """Containers wait for association, and carrier follows it."""

    def test_walks_away_and_comes_back(self):
        report, _ = self.run_scenario(self.write("""
ghostbridge: 1
name: gbt-walk
nodes: {ap: {attach: tap}, h1: {attach: tap}, h2: {}, h3: {attach: tap}}
links:
  air:
    kind: wifi
    mode: infrastructure
    standard: 802.11a
    propagation: {model: range, max-range: 50m}
    subnet: 10.0.0.0/24
    ends:
      - {node: ap, role: ap, position: [0m, 0m, 0m]}
      - {node: h3, ip: 10.0.0.9/24, mac: "02:00:00:00:00:09", position: [10m, 10m, 0m]}
      - {node: h1, position: [10m, 0m, 0m], mobility: {model: waypoints, waypoints: [
          {at: 500ms, position: [10m, 0m, 0m]}, {at: 600ms, position: [90m, 0m, 0m]},
          {at: 2500ms, position: [90m, 0m, 0m]}, {at: 2600ms, position: [10m, 0m, 0m]}]}}
      - {node: h2, position: [0m, 10m, 0m], mobility: {model: waypoints, waypoints: [
          {at: 500ms, position: [0m, 10m, 0m]}, {at: 600ms, position: [0m, 90m, 0m]}]}}
steps:
  - name: watch
    node: h1
    run: |
      ping -c 1 ap && cat /sys/class/net/eth0/carrier
      until [ "$(cat /sys/class/net/eth0/carrier)" = 0 ]; do sleep 0.02; done; echo lost
      until [ "$(cat /sys/class/net/eth0/carrier)" = 1 ]; do sleep 0.02; done; echo back
      ping -c 2 -i 0.2 -w 3 ap
  - name: bridged
    node: h2
    run: until ip link show eth0 | grep -q NO-CARRIER; do sleep 0.02; done
  # One whose radio is silenced where it stands.
  - {at: 300ms, link: air, down: [h3]}
  - name: call
    at: 400ms
    node: ap
    background: true
    run: ip neigh replace 10.0.0.9 lladdr 02:00:00:00:00:09 dev eth0; ping -c 5 -i 0.05 -W 0.1 10.0.0.9 || true
  - {at: 1600ms, link: air, up: [h3]}
expect: [{step: watch, match: "lost(.|\\n)*back"}]
"""), "--record")
        again = gb.command("replay", report["dir"])
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        with open(os.path.join(report["dir"], "steps", "watch.out"), encoding="utf-8") as file:
            self.assertIn("1\nlost\nback\n", file.read())
        changes = [(event["port"], event["carrier"]) for event in report["carrier"]]
        self.assertEqual(sorted(changes), [("h1.eth0", "down"), ("h1.eth0", "up"), ("h2.eth0", "down"), ("h3.eth0", "down"),
                                           ("h3.eth0", "up")])
        silent = [event["at_s"] for event in report["carrier"] if event["port"] == "h3.eth0"]
        self.assertTrue(1.1 < silent[0] < 1.5 and 1.6 < silent[1] < 2.1, silent)
        caller = next(port for port in report["ports"] if port["port"] == "ap.eth0")
        self.assertIn(caller["up"]["drops"].get("down", 0), range(1, 6), "nobody acknowledged what was for it")
        self.assertTrue(all(link["conserved"] for link in report["links"]), report["links"])

    def test_put_elsewhere(self):
        report, _ = self.run_scenario(self.write("""
ghostbridge: 1
name: gbt-put
nodes: {h1: {attach: tap}, h2: {attach: tap}}
links:
  air:
    {kind: wifi, mode: adhoc, standard: 802.11a, subnet: 10.0.0.0/24, propagation: {model: range, max-range: 50m},
     ends: [h1, h2]}
steps:
  - {name: near, node: h1, run: ping -c 3 -i 0.1 h2}
  - {at: 600ms, link: air.h2.eth0, set: {position: "90m,0m"}}
  - {name: far, at: 700ms, node: h1, run: "ping -c 3 -i 0.1 -W 1 h2 || true"}
expect:
  - {step: near, match: "3 received"}
  - {step: far, match: " 0 received"}
"""))
        self.assertEqual(report["changes"][0]["at_s"], 0.6)
        self.assertGreater(report["links"][0]["drops"].get("retries", 0), 0)

    def test_nobody_there(self):
        done = gb.command("run", self.write("""
ghostbridge: 1
name: gbt-far
nodes: {ap: {}, h1: {}}
links:
  air:
    kind: wifi
    mode: infrastructure
    standard: 802.11a
    propagation: {model: range, max-range: 50m}
    ends: [{node: ap, role: ap, position: [0m, 0m, 0m]}, {node: h1, position: [60m, 0m, 0m]}]
"""), "--out", os.path.join(self.dir, "far"))
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("11:58: h1.eth0 finds no access point", done.stderr)


class Books(gb.Case):
    """What a medium loses is under its cause, and a recording repeats it bit for bit."""

    def test_losses_and_replay(self):
        out = os.path.join(self.dir, "run")
        tool = self.load_tool()
        done = gb.command("run", self.write("""
ghostbridge: 1
name: gbt-lossy
seed: 7
nodes: {h1: {attach: tap}, h2: {attach: tap}, h3: {attach: tap}}
links:
  air:
    kind: wifi
    mode: adhoc
    standard: 802.11a
    rate-control: {model: constant, data-mode: OfdmRate54Mbps}
    fading: {model: nakagami}
    queue: 20p
    subnet: 10.0.0.0/24
    ends: [{node: h1, position: [0m, 0m, 0m]}, {node: h2, mac: "02:00:00:00:00:02", position: [38m, 0m, 0m]}, {node: h3, position: [0m, 38m, 0m]}]
steps:
  - {name: known, node: h1, run: ip neigh replace 10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0}
  # Nothing that has to come to an agreement first over this air.
  - {name: flood, at: 300ms, node: h1, run: TOOL send 10.0.0.2 1300 6000 1}
  - {name: shout, node: h3, run: "ping -b -c 30 -i 0.05 -W 1 10.0.0.255 || true"}
""".replace("TOOL", tool)), "--out", out, "--record")
        self.assertIn(done.returncode, (0, 4), done.stdout + done.stderr)
        with open(os.path.join(out, "report.json"), encoding="utf-8") as file:
            report = json.load(file)
        link = report["links"][0]
        self.assertTrue(link["conserved"], link)
        self.assertGreater(link["drops"].get("queue", 0), 100, link)
        self.assertGreater(link["drops"].get("not-heard", 0), 0, link)
        again = gb.command("replay", out)
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        self.assertIn("identical", again.stdout + again.stderr)


def load_tests(loader, _tests, _pattern):
    """Not the classes that are only borrowed."""
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (Wifi, Carrier, Books))


if __name__ == "__main__":
    gb.main()
