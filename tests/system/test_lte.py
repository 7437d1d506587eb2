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
  cell: {kind: lte, network: server, subnet: [10.0.0.0/24, "fd00:1::/64"], ends: [server, ue, phone]}
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
def ip6(next, payload, total=None, to="fd00:1::2"):
    return struct.pack("!IHBB", 6 << 28, len(payload) if total is None else total, next, 255) + b"".join(
        socket.inet_pton(socket.AF_INET6, a) for a in ("fd00:1::1", to)) + payload
def tcp(options):
    return struct.pack("!HHIIBBHHH", 5, 6, 1, 0, (5 + len(options) // 4) << 4, 2, 9, 0, 0) + options
for type, payload in ((0x86dd, bytes(60)), (0x88cc, bytes(60)), (0x0020, bytes(40)), (0x0800, b""), (0x0800, bytes(60)),
                      (0x0800, ip(17, b"\\0\\1")), (0x0800, ip(6, bytes(12))), (0x0800, ip(6, bytes(12) + b"\\xf0" + bytes(9))),
                      (0x0800, ip(17, bytes(8), total=9000)), (0x0800, ip(1, bytes(8), first=0x42)), (0x0806, bytes(28)),
                      (0x0800, ip(6, tcp(b"\\x02\\x03\\0\\0"))), (0x86dd, ip6(6, tcp(b"\\xfd\\0\\0\\0"))), (0x86dd, ip6(6, bytes(12))),
                      (0x86dd, ip6(17, bytes(7))), (0x86dd, ip6(58, bytes(8), total=900)), (0x86dd, ip6(59, b"")[:39]),
                      (0x86dd, ip6(17, bytes(8), to="ff02::fb")), (0x86dd, ip6(58, b"\\x87" + bytes(23), to="ff02::1:ff00:3"))):
    s.send(b"\\xff" * 6 + mac + struct.pack("!H", type) + payload)
print(19)
"""
# The same packets as they are sent and as they arrive, whatever their headers.
SOUND = """
import os, socket, struct, sys, time
def ip6(next, payload, hops=64):
    return struct.pack("!IHBB", 0x6a512345, len(payload), next, hops) + b"".join(
        socket.inet_pton(socket.AF_INET6, a) for a in ("fd00:1::2", "fd00:1::1")) + payload
udp = struct.pack("!HHHH", 5, 6, 520, 0x1234) + bytes(range(256)) * 2
sound = [ip6(253, b""), ip6(253, os.urandom(0) + b"x"), ip6(17, udp), ip6(60, b"\\x11\\0\\1\\4" + bytes(4) + udp, 1),
         ip6(44, b"\\x11\\0\\0\\1\\0\\0\\0\\7" + udp), ip6(44, b"\\x11\\0\\0\\x41\\0\\0\\0\\7" + b"\\xff" * 1452), ip6(0, b"\\x3b\\0" + bytes(6)),
         ip6(6, struct.pack("!HHIIBBHHH", 5, 6, 1, 0, 0x70, 2, 9, 0, 0) + b"\\2\\4\\5\\xa0\\4\\2\\1\\0")]
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x86dd))
s.bind(("eth0", 0x86dd))
s.settimeout(20)
if sys.argv[1] == "send":
    mac = bytes.fromhex(sys.argv[2].replace(":", ""))
    for packet in sound:
        s.sendto(packet, ("eth0", 0x86dd, 0, 0, mac))
else:
    print("ready", flush=True)
    while sound:
        packet, (_, _, type, *_) = s.recvfrom(2000)
        if packet[:4] == sound[0][:4] and type == 0:
            assert packet == sound.pop(0), packet
    print("same")
"""
TCP6 = """
import socket, sys, threading
data = bytes(range(256)) * 400
with socket.create_server(("fd00:1::2", 99), family=socket.AF_INET6) as server:
    print("ready", flush=True)
    s, _ = server.accept()
    got = b""
    while len(got) < len(data):
        part = s.recv(65536)
        assert part
        got += part
    s.sendall(got[::-1])
    print(got == data)
"""
TCP6_CLIENT = """
import socket
data = bytes(range(256)) * 400
s = socket.create_connection(("fd00:1::2", 99), 10)
s.sendall(data)
s.shutdown(socket.SHUT_WR)
got = b""
while part := s.recv(65536):
    got += part
print(got[::-1] == data)
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
        self.check_ipv6()
        for node in ("ue", "server"):
            before = self.drops("gbt-lte", node)
            sent = int(self.node("gbt-lte", node, "python3", "-c", ODDITIES))
            gb.wait_until(lambda: self.drops("gbt-lte", node) >= before + sent, what="odd frames to be counted")
        self.assertIn(" 0% packet loss", self.node("gbt-lte", "ue", "ping", "-c", "2", "-i", "0.2", "10.0.0.1"))
        report = self.down("gbt-lte")
        self.assertEqual(report["result"] in ("pass", "degraded"), True, report.get("incidents"))
        self.assertTrue(all(link["conserved"] for link in report["links"]), report["links"])

    def check_ipv6(self):
        for node, target in (("server", "fd00:1::2"), ("ue", "fd00:1::1"), ("ue", "fd00:1::3")):
            out = self.node("gbt-lte", node, "ping", "-c", "3", "-i", "0.2", target)
            self.assertIn(" 0% packet loss", out)
        link = self.node("gbt-lte", "server", "cat", "/sys/class/net/eth0/address").strip()
        self.assertIn(f"lladdr {link}", self.node("gbt-lte", "ue", "ip", "neigh", "show", "fd00:1::1"))
        scope = self.node("gbt-lte", "server", "ip", "-6", "-o", "address", "show", "dev", "eth0", "scope", "link")
        local = scope.split("inet6 ")[1].split("/")[0]
        self.assertIn(" 0% packet loss", self.node("gbt-lte", "ue", "ping", "-c", "1", f"{local}%eth0"))
        # A second one who wants the address of somebody else is told that it is taken; a free one may be had.
        for address, state in (("fd00:1::1", "dadfailed"), ("fd00:1::77", "scope global")):
            self.node("gbt-lte", "ue", "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/eth0/accept_dad")
            self.node("gbt-lte", "ue", "ip", "address", "add", f"{address}/64", "dev", "eth0")
            show = ("gbt-lte", "ue", "ip", "-6", "address", "show", "to", address)
            gb.wait_until(lambda: " tentative" not in self.node(*show) or "dadfailed" in self.node(*show), what="DAD")
            self.assertIn(state, self.node(*show))
            self.node("gbt-lte", "ue", "ip", "address", "del", f"{address}/64", "dev", "eth0")
        with gb.start("exec", "gbt-lte", "ue", "--", "python3", "-c", TCP6) as server:
            self.assertEqual(server.stdout.readline(), "ready\n")
            self.assertEqual(self.node("gbt-lte", "server", "python3", "-c", TCP6_CLIENT), "True\n")
            self.assertEqual(server.stdout.readline(), "True\n")
        with gb.start("exec", "gbt-lte", "server", "--", "python3", "-c", SOUND, "receive") as receiver:
            self.assertEqual(receiver.stdout.readline(), "ready\n")
            self.node("gbt-lte", "ue", "python3", "-c", SOUND, "send", link)
            self.assertEqual(receiver.stdout.readline(), "same\n")

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
            done = gb.command("set", "gbt-lte-moves", *argv)
            self.assertEqual(done.returncode, 0, done.stderr)
            # All at one simulated time, in a cell that has an event every some microseconds.
            self.assertEqual(len({line.split(" at ")[1] for line in done.stdout.splitlines()}), 1, done.stdout)
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

    def test_losses(self):
        """A user is far away for a while and attaches again: every frame is in the books; a replay has the same."""
        load = self.load_tool()
        path = self.write(f"""
ghostbridge: 1
name: gbt-lte-losses
nodes: {{ue: {{attach: tap}}, server: {{attach: tap}}, phone: {{kind: simulated, role: host, applications: [
  {{kind: udp-client, to: 10.0.0.2, port: 9, interval: 10ms, packet-size: 900B, count: 0}}]}}}}
timeline:
  - {{at: 500ms, link: cell.ue, key: position, value: "100000m,0m"}}
  - {{at: 3200ms, link: cell.ue, key: position, value: "40m,0m"}}
links:
  cell:
    kind: lte
    bandwidth: 1.4MHz
    network: server
    propagation: {{model: log-distance, exponent: 3}}
    subnet: 10.0.0.0/24
    ends: [server, {{node: ue, position: [40m, 0m, 0m]}}, {{node: phone, position: [20m, 0m, 0m]}}]
steps:
  - {{name: down, node: server, run: "{load} send 10.0.0.2 1046 200 4.2"}}
  - {{name: up, node: ue, run: "{load} send 10.0.0.1 1046 200 4.2"}}
""")
        report, _ = self.run_scenario(path, "--record")
        (link,) = report["links"]
        self.assertTrue(link["conserved"], link)
        self.assertEqual((link["propagating"], link["duplicated"]), (0, 0), link)
        self.assertEqual(link["frames_in"], link["frames_out"] + sum(link["drops"].values()), link)
        ports = {port["port"]: port for port in report["ports"]}
        for name in ("server.eth0", "ue.eth0"):
            drops = ports[name]["up"]["drops"]
            self.assertGreater(drops.get("unassociated", 0), 0, ports)
            # Before and after, of 840.
            self.assertGreater(ports[name]["down"]["frames"], 120, ports)
        # What is on the air when the user leaves; up or down, as it happens.
        self.assertGreater(link["drops"].get("radio", 0), 0, ports)
        self.assertEqual([(c["at_s"], c["key"]) for c in report["changes"]], [(0.5, "position"), (3.2, "position")])
        done = gb.command("replay", report["dir"])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("identical", done.stdout)

    def drops(self, name, node, cause="unsupported"):
        (port,) = [port for port in self.status(name)["ports"] if port["port"] == f"{node}.eth0"]
        return port["up"]["drops"].get(cause, 0)


if __name__ == "__main__":
    gb.main()
