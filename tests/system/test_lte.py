# SPDX-License-Identifier: GPL-2.0-only
"""An LTE cell under Ethernet interfaces: who is reached, what is refused, and that nothing ends ns-3."""
import gb

CELL = """
ghostbridge: 1
nodes:
  ue: {attach: tap}
  phone: {kind: simulated, role: host, applications: [{kind: udp-echo-server, port: 7}]}
  server: {attach: tap}
links:
  cell: {kind: lte, network: server, subnet: 10.0.0.0/24, ends: [server, ue, phone]}
"""

# Frames that ns-3's LTE devices would end the program for, or read beyond the end of.
ODDITIES = """
import socket, struct
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("eth0", 0))
mac = s.getsockname()[4]
def ip(proto, payload, total=None, first=0x45):
    return struct.pack("!BBHHHBBH4s4s", first, 0, 20 + len(payload) if total is None else total, 1, 0, 64, proto, 0,
                       bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])) + payload
for type, payload in ((0x86dd, bytes(60)), (0x88cc, bytes(60)), (0x0020, bytes(40)), (0x0800, b""), (0x0800, bytes(60)),
                      (0x0800, ip(17, b"\\0\\1")), (0x0800, ip(6, bytes(12))), (0x0800, ip(6, bytes(12) + b"\\xf0" + bytes(9))),
                      (0x0800, ip(17, bytes(8), total=9000)), (0x0800, ip(1, bytes(8), first=0x42)), (0x0806, bytes(28))):
    s.send(b"\\xff" * 6 + mac + struct.pack("!H", type) + payload)
print(11)
"""
ECHO = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
s.sendto(b"x" * 900, ("10.0.0.3", 7))
print(len(s.recv(2000)))
"""


class Lte(gb.Case):
    def test_cell(self):
        self.up(CELL, "gbt-lte")
        for node, target in (("server", "10.0.0.2"), ("ue", "10.0.0.1"), ("ue", "10.0.0.3")):
            out = self.node("gbt-lte", node, "ping", "-c", "3", "-i", "0.2", target)
            self.assertIn(" 0% packet loss", out)
        # The neighbours have the addresses of those at the other ends.
        for line in self.node("gbt-lte", "ue", "ip", "neigh", "show").splitlines():
            if line.startswith("10.0.0.1 "):
                link = self.node("gbt-lte", "server", "cat", "/sys/class/net/eth0/address").strip()
                self.assertIn(link, line)
                break
        else:
            self.fail("no neighbour 10.0.0.1")
        self.assertEqual(self.node("gbt-lte", "ue", "python3", "-c", ECHO), "900\n")
        self.assertIn("100% packet loss", self.node("gbt-lte", "ue", "ping", "-c", "1", "-W", "1", "10.0.0.9", check=False))
        for node in ("ue", "server"):
            before = self.drops("gbt-lte", node)
            sent = int(self.node("gbt-lte", node, "python3", "-c", ODDITIES))
            gb.wait_until(lambda: self.drops("gbt-lte", node) >= before + sent, what="odd frames to be counted")
        self.assertIn(" 0% packet loss", self.node("gbt-lte", "ue", "ping", "-c", "2", "-i", "0.2", "10.0.0.1"))
        report = self.down("gbt-lte")
        self.assertEqual(report["result"] in ("pass", "degraded"), True, report.get("incidents"))
        self.assertTrue(all(link["conserved"] for link in report["links"]), report["links"])

    def test_moves(self):
        """A user walks out of the cell and comes back, by hand; nothing of that ends ns-3."""
        self.up(CELL, "gbt-lte-moves")

        def ping(check=False):
            return "1 received" in self.node("gbt-lte-moves", "ue", "ping", "-c", "1", "-W", "1", "10.0.0.1", check=check)

        self.assertTrue(ping(True))
        for argv in (["cell.ue", "position=1000000m,0m"], ["cell", "enb-tx-power=10dBm"]):
            self.assertEqual(gb.command("set", "gbt-lte-moves", *argv).returncode, 0)
        # First frames are lost, then ns-3 declares the radio link failed.
        gb.wait_until(lambda: not ping() and self.drops("gbt-lte-moves", "ue", "unassociated"), 30,
                      "the user to be out of reach")
        done = gb.command("set", "gbt-lte-moves", "cell.server", "tx-power=10dBm")
        self.assertEqual(done.returncode, 2)
        self.assertIn("network's side has no radio", done.stderr)
        for argv in (["cell", "enb-tx-power=30dBm", "enb-position=0m,0m,10m", "tx-power=20dBm"],
                     ["cell.ue", "position=10m,0m"]):
            self.assertEqual(gb.command("set", "gbt-lte-moves", *argv).returncode, 0)
        gb.wait_until(ping, 30, "the user to be back")
        report = self.down("gbt-lte-moves")
        self.assertEqual(report["incidents"], [])
        self.assertEqual([c["key"] for c in report["changes"]],
                         ["position", "enb-tx-power", "enb-tx-power", "enb-position", "tx-power", "position"])

    def test_replay(self):
        """Changes of the timeline at exactly their times, ways and powers of the file; a replay does the same."""
        path = self.write("""
ghostbridge: 1
name: gbt-lte-replay
timeline:
  - {at: 300ms, link: cell.ue, key: state, value: down}
  - {at: 600ms, link: cell, key: state, value: up}
  - {at: 700ms, link: cell.ue, key: tx-power, value: 10dBm}
  - {at: 800ms, link: cell, key: enb-tx-power, value: 25dBm}
  - {at: 900ms, link: cell.ue, key: position, value: "200m,5m"}
nodes: {ue: {attach: tap}, server: {attach: tap}, walker: {}}
links:
  cell:
    kind: lte
    network: server
    tx-power: 20dBm
    enb: {position: [0m, 0m, 20m], tx-power: 33dBm}
    propagation: {model: log-distance, exponent: 2.5}
    subnet: 10.0.0.0/24
    ends:
      - server
      - {node: ue, position: [50m, 0m, 0m]}
      - {node: walker, position: [20m, 0m, 0m], mobility: {model: velocity, velocity: [30m/s, 0m/s, 0m/s]}}
steps:
  - {name: ping, node: server, run: "ping -n -c 14 -i 0.1 -W 0.3 ue; ping -c 1 walker"}
""")
        report, _ = self.run_scenario(path, "--record")
        self.assertEqual([(c["at_s"], c["key"]) for c in report["changes"]],
                         [(0.3, "state"), (0.6, "state"), (0.7, "tx-power"), (0.8, "enb-tx-power"), (0.9, "position")])
        (link,) = report["links"]
        self.assertTrue(link["conserved"], link)
        self.assertGreaterEqual(link["drops"].get("down", 0), 1)
        done = gb.command("replay", report["dir"])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("identical", done.stdout)

    def drops(self, name, node, cause="unsupported"):
        (port,) = [port for port in self.status(name)["ports"] if port["port"] == f"{node}.eth0"]
        return port["up"]["drops"].get(cause, 0)


if __name__ == "__main__":
    gb.main()
