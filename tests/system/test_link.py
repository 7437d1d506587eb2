# SPDX-License-Identifier: GPL-2.0-only
"""The simulated link is true: frame rates of RFC 2544 appendix B, TCP goodput, round-trip time."""
import json
import re
import subprocess

import gb

# RFC 2544 appendix B gives the maximum frame rate of 10 Mb/s Ethernet; 100 Mb/s is ten times that. Both are
# rate / (8 * (size + 8 preamble + 12 gap)).
SIZES = (64, 128, 256, 512, 1024, 1280, 1518)


def line_rate(rate_bps, size):
    return rate_bps / 8 / (size + 20)


class Link(gb.Case):
    def lab(self, name, rate, delay="6560ns", extra=""):
        self.up(f"""
ghostbridge: 1
nodes:
  h1: {{attach: tap}}
  h2: {{attach: tap}}
links:
  lan: {{kind: csma, rate: {rate}, delay: {delay}, subnet: 10.0.0.0/24, ends: [h1, h2]{extra}}}
""", name)
        with open(gb.GHOSTBRIDGE.rsplit("/", 1)[0] + "/gbload", "rb") as file:
            tool = file.read()
        for node in ("h1", "h2"):
            subprocess.run([gb.GHOSTBRIDGE, "exec", name, node, "--", "sh", "-c",
                            "cat >/tmp/gbload && chmod 755 /tmp/gbload"], input=tool, check=True)
        # So that the flood does not begin with a queue full of frames waiting for ARP.
        self.node(name, "h1", "ping", "-c", "1", "h2")

    def flood(self, name, size, seconds, offered):
        """Frames per second that arrive while more than the line rate is offered."""
        receiver = gb.start("exec", name, "h2", "--", "/tmp/gbload", "receive", seconds, size)
        self.assertEqual(receiver.stdout.readline(), "ready\n")
        self.node(name, "h1", "/tmp/gbload", "send", "10.0.0.2", size, offered, seconds + 0.3)
        out, err = receiver.communicate(timeout=60)
        self.assertEqual(receiver.returncode, 0, err)
        return json.loads(out)["rate"]

    def rates(self, name, rate_bps, sizes):
        print(f"\n{rate_bps // 1000000} Mb/s: frame size, line rate, measured, ratio")
        for size in sizes:
            expected = line_rate(rate_bps, size)
            # A hiccup of the machine costs frames; the best of three is what the link does.
            measured = 0
            for _ in range(3):
                measured = max(measured, self.flood(name, size, 0.8, expected * 1.1))
                if abs(measured / expected - 1) < 0.01 or size == 64:
                    break
            print(f"{size:5} {expected:10.0f} {measured:10.0f} {measured / expected:8.4f}")
            yield size, expected, measured

    def test_line_rate_10(self):
        self.lab("gbt-line10", "10Mbps")
        for size, expected, measured in self.rates("gbt-line10", 10_000_000, SIZES):
            self.assertAlmostEqual(measured / expected, 1, delta=0.01, msg=f"{size} bytes")

    def test_line_rate_100(self):
        self.lab("gbt-line100", "100Mbps")
        for size, expected, measured in self.rates("gbt-line100", 100_000_000, SIZES):
            # Two cores, which also send and receive, carry some 80 000 frames/s: docs/performance.md.
            if size > 64:
                self.assertGreater(measured / expected, 0.5, msg=f"{size} bytes")
            if expected < 50000:
                self.assertAlmostEqual(measured / expected, 1, delta=0.01, msg=f"{size} bytes")
            self.assertLess(measured / expected, 1.01, msg=f"{size} bytes")

    def test_tcp_goodput(self):
        self.lab("gbt-tcp", "100Mbps")
        server = gb.start("exec", "gbt-tcp", "h2", "--", "iperf3", "-s", "-1", "--forceflush")
        while "listening" not in server.stdout.readline():
            self.assertIsNone(server.poll(), "iperf3 ended early")
        out = self.node("gbt-tcp", "h1", "iperf3", "-c", "h2", "-t", "2", "-O", "1", "-J")
        server.communicate(timeout=20)
        goodput = json.loads(out)["end"]["sum_received"]["bits_per_second"]
        # 1448 bytes of data (20 IP, 20 TCP, 12 time stamps) in 1538 byte times of wire.
        ceiling = 100e6 * 1448 / 1538
        print(f"TCP goodput {goodput / 1e6:.2f} Mb/s of {ceiling / 1e6:.2f}: {goodput / ceiling:.4f}")
        self.assertGreater(goodput / ceiling, 0.90)
        self.assertLessEqual(goodput / ceiling, 1.0)

    def test_round_trip(self):
        for rate, rate_bps, delay, delay_us in (("100Mbps", 100e6, "6560ns", 6.56), ("10Mbps", 10e6, "2ms", 2000.0)):
            with self.subTest(rate=rate, delay=delay):
                name = f"gbt-rtt{int(rate_bps / 1e6)}"
                self.lab(name, rate, delay)
                out = self.node(name, "h1", "ping", "-q", "-c", "100", "-i", "0.02", "-s", "1000", "h2")
                values = re.search(r"= ([\d.]+)/([\d.]+)/([\d.]+)", out)
                least, mean = float(values[1]) * 1e3, float(values[2]) * 1e3
                wire_us = (8 + 14 + 20 + 8 + 1000 + 4) * 8 / rate_bps * 1e6
                model = 2 * (wire_us + delay_us)
                ports = self.status(name)["ports"]
                stated = sum(port["late_us"]["p50"] for port in ports)
                print(f"{rate} {delay}: model {model:.1f} us, least {least:.1f}, mean {mean:.1f}, "
                      f"overhead stated (p50 lateness of both ports) {stated:.1f}")
                self.assertGreaterEqual(least, model * 0.999, "faster than the link allows")
                self.assertLess(least - model, 500, "overhead beyond reason")


if __name__ == "__main__":
    gb.main()
