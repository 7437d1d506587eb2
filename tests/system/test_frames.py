# SPDX-License-Identifier: GPL-2.0-only
"""Every kind of Ethernet frame crosses a simulated link byte for byte (design, section 4)."""
import subprocess

import frames
import gb

PAIR = """
ghostbridge: 1
nodes:
  h1: {{attach: {attach}, sysctls: {{net.ipv6.conf.all.disable_ipv6: "1", net.ipv6.conf.default.disable_ipv6: "1"}}}}
  h2: {{attach: {attach}, sysctls: {{net.ipv6.conf.all.disable_ipv6: "1", net.ipv6.conf.default.disable_ipv6: "1"}}}}
links: {{lan: {{kind: csma, rate: 1Gbps, delay: 1us, mtu: {mtu}, subnet: 10.0.0.0/24, ends: [h1, h2]}}}}
"""

# What the kernel's bridge never forwards (group_fwd_mask cannot allow it): docs/limitations.md.
SWALLOWED_BY_BRIDGE = {"LACP", "PAUSE"}


class Frames(gb.Case):
    """Sends from either end and compares what arrives at the other."""

    def mac(self, name, node):
        return self.node(name, node, "cat", "/sys/class/net/eth0/address").strip().replace(":", "")

    def exchange(self, name, source, target, list_):
        """Send the frames; the list of those that arrived, in order."""
        source_mac = self.mac(name, source)
        receiver = gb.start("exec", name, target, "--", "python3", "-c", frames.RECEIVER, "eth0", source_mac,
                            str(len(list_)), "2")
        try:
            self.assertEqual(receiver.stdout.readline(), "ready\n")
            text = "".join(data.hex() + "\n" for _, data in list_)
            self.node(name, source, "python3", "-c", frames.SENDER, "eth0", input=text)
            out, err = receiver.communicate(timeout=60)
        except BaseException:
            receiver.kill()
            receiver.communicate()
            raise
        self.assertEqual(receiver.returncode, 0, err)
        return [bytes.fromhex(line) for line in out.split()]

    def both_ways(self, name, mtu, expected_lost=frozenset()):
        for source, target in (("h1", "h2"), ("h2", "h1")):
            list_ = frames.kinds(bytes.fromhex(self.mac(name, target)), bytes.fromhex(self.mac(name, source)), mtu)
            self.assertGreaterEqual(len(list_), 25)
            arrived = self.exchange(name, source, target, list_)
            wanted = [(kind, data) for kind, data in list_ if kind not in expected_lost]
            lost = [kind for kind, data in wanted if data not in arrived]
            self.assertEqual(lost, [], f"{source} to {target}: sent and not received byte for byte")
            self.assertEqual([data.hex()[:60] for data in arrived], [data.hex()[:60] for _, data in wanted],
                             f"{source} to {target}: order, or frames that nobody sent")

    def test_attach_tap(self):
        self.up(PAIR.format(attach="tap", mtu=1500), "gbt-frames")
        self.both_ways("gbt-frames", 1500)

    def test_jumbo(self):
        self.up(PAIR.format(attach="tap", mtu=9000), "gbt-jumbo")
        self.both_ways("gbt-jumbo", 9000)

    def test_attach_bridge(self):
        self.up(PAIR.format(attach="bridge", mtu=1500), "gbt-bridged")
        self.both_ways("gbt-bridged", 1500, SWALLOWED_BY_BRIDGE)

    def test_double_tag_at_full_mtu(self):
        # Linux sends 1526 bytes only from an interface whose own mtu has room for the second tag.
        self.up(PAIR.format(attach="tap", mtu=1500), "gbt-qinq")
        for node in ("h1", "h2"):
            self.node("gbt-qinq", node, "ip", "link", "set", "eth0", "mtu", "1508")
        source, target = bytes.fromhex(self.mac("gbt-qinq", "h1")), bytes.fromhex(self.mac("gbt-qinq", "h2"))
        data = target + source + bytes.fromhex("88a800c88100006488b6") + bytes(range(250)) * 6
        self.assertEqual(self.exchange("gbt-qinq", "h1", "h2", [("QinQ", data)]), [data])

    def test_too_long_is_counted(self):
        self.up(PAIR.format(attach="tap", mtu=1500), "gbt-long")
        self.node("gbt-long", "h1", "ip", "link", "set", "eth0", "mtu", "2000")
        source, target = bytes.fromhex(self.mac("gbt-long", "h1")), bytes.fromhex(self.mac("gbt-long", "h2"))
        data = target + source + bytes.fromhex("88b6") + bytes(1501)
        self.assertEqual(self.exchange("gbt-long", "h1", "h2", [("long", data)]), [])
        port = next(port for port in self.status("gbt-long")["ports"] if port["port"] == "h1.eth0")
        self.assertEqual(port["up"]["drops"], {"oversize": 1})


class Nic(gb.Case):
    """A port delivers what a NIC would."""

    def test_filter(self):
        self.up("""
ghostbridge: 1
nodes: {h1: {attach: tap}, h2: {attach: tap}, h3: {attach: tap}, tapper: {attach: tap}}
links:
  lan: {kind: csma, rate: 1Gbps, subnet: 10.0.0.0/24, ends: [h1, h2, h3, {node: tapper, promiscuous: true}]}
""", "gbt-nic")
        listener = ["tcpdump", "-n", "-l", "-c", "3", "-i", "eth0", "icmp"]
        tapper = gb.start("exec", "gbt-nic", "tapper", "--", *listener)
        other = gb.start("exec", "gbt-nic", "h3", "--", *listener)
        for process in (tapper, other):
            while "listening on" not in process.stderr.readline():
                self.assertIsNone(process.poll(), "tcpdump ended early")
        self.node("gbt-nic", "h1", "ping", "-c", "3", "-i", "0.2", "h2")
        out, _ = tapper.communicate(timeout=20)
        self.assertEqual(out.count("ICMP echo"), 3)
        other.send_signal(2)
        try:
            out, _ = other.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            other.kill()
            raise
        self.assertEqual(out.count("ICMP echo"), 0)
        ports = {port["port"]: port for port in self.status("gbt-nic")["ports"]}
        self.assertGreaterEqual(ports["h3.eth0"]["down"]["drops"].get("filtered", 0), 6)


if __name__ == "__main__":
    gb.main()
