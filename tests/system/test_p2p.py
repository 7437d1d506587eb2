# SPDX-License-Identifier: GPL-2.0-only
"""Point-to-point links with containers: every kind of frame, the books of a link that loses and doubles, changes, traces."""
import os

import gb
import test_frames

NO_IPV6 = '{attach: tap, sysctls: {net.ipv6.conf.all.disable_ipv6: "1", net.ipv6.conf.default.disable_ipv6: "1"}}'


class P2p(gb.Case):
    mac = test_frames.Frames.mac
    exchange = test_frames.Frames.exchange
    both_ways = test_frames.Frames.both_ways

    def pair(self, keys):
        return f"""
ghostbridge: 1
nodes: {{h1: {NO_IPV6}, h2: {NO_IPV6}}}
links: {{l: {{kind: p2p, {keys}, subnet: 10.0.0.0/24, ends: [h1, h2]}}}}
"""

    def test_frames_drop_tail(self):
        self.up(self.pair("rate: 1Gbps, mtu: 9000"), "gbt-p2pjumbo")
        self.both_ways("gbt-p2pjumbo", 9000)

    def test_frames_fq_codel(self):
        # A flow each, so one behind the other for a discipline that lets new flows pass.
        self.up(self.pair("rate: 1Gbps, queue: {discipline: fq-codel, flows: 1}"), "gbt-p2pfair")
        self.both_ways("gbt-p2pfair", 1500)

    def test_books(self):
        path = self.write(self.pair("rate: 20Mbps, delay: 2ms, jitter: {spread: 1ms, reorder: true}, loss: 5%, "
                                    "duplicate: 10%, corrupt: 1%, queue: {discipline: red, ecn: true}") + """
steps:
  - {name: ping, node: h1, run: ping -f -q -w 4 -s 1000 10.0.0.2; true}
  - {at: 300ms, link: l, down: [h2]}
  - {at: 400ms, link: l, up: all}
  - {at: 500ms, link: l.h1, set: {loss: 40%, rate: 5Mbps, delay: 3ms, jitter: 0ms, queue: 10p}}
""")
        report, _ = self.run_scenario(path)
        self.check_conservation(report)
        link = report["links"][0]
        self.assertEqual(link["kind"], "p2p")
        for cause in ("loss", "down"):
            self.assertGreater(link["drops"][cause], 0, link)
        self.assertGreater(link["duplicated"], 20, link)
        self.assertEqual(link["propagating"], 0)

    def test_queue_and_trace(self):
        with open(os.path.join(self.dir, "slow.trace"), "w", encoding="utf-8") as file:
            file.write("".join(f"{10 * i}\n" for i in range(1, 101)))
        path = self.write(self.pair("delay: 1ms, queue: 5p, forward: {trace: slow.trace}, backward: {rate: 1Gbps}") + """
steps:
  - name: burst
    node: h1
    run: |
      ping -c 1 10.0.0.2
      python3 -c "import socket
      sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      for i in range(40): sock.sendto(bytes(1472), ('10.0.0.2', 9))"
""")
        report, _ = self.run_scenario(path)
        self.check_conservation(report)
        port = next(port for port in report["ports"] if port["port"] == "h1.eth0")
        self.assertGreater(port["up"]["drops"]["queue"], 25, "a packet every 10 ms leaves, five wait")
        # The run directory's scenario needs no other file.
        done = gb.command("validate", os.path.join(report["dir"], "scenario.yaml"))
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    gb.main()
