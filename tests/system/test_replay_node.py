# SPDX-License-Identifier: GPL-2.0-only
"""Nodes of kind replay: a capture file enters a simulated link at its own timing, to the nanosecond."""
import base64
import os
import signal
import statistics
import struct

import frames
import gb
from test_record import replay

SOURCE = "020000000abc"
H1, H2 = "02:00:00:00:01:01", "02:00:00:00:02:02"
ENTERPRISE, DEPARTURES = 32473, 0x31444247  # bridge/record/boundary.h
QUIET = "sysctls: {net.ipv6.conf.all.disable_ipv6: 1}"


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def write_pcap(path, items, link_type=1):
    """A pcap file with nanoseconds; items are (ns, bytes) or (ns, bytes, length on the wire)."""
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, link_type))
        for ns, data, *length in items:
            file.write(struct.pack("<IIII", ns // 10**9, ns % 10**9, len(data), (length or [len(data)])[0]) + data)


def read_pcap(path):
    """[(ns, bytes)] of a pcap file, of microseconds or nanoseconds."""
    with open(path, "rb") as file:
        data = file.read()
    unit = {0xa1b23c4d: 1, 0xa1b2c3d4: 1000}[struct.unpack("<I", data[:4])[0]]
    found, at = [], 24
    while at < len(data):
        seconds, fraction, size, _ = struct.unpack("<IIII", data[at:at + 16])
        found.append((seconds * 10**9 + fraction * unit, data[at + 16:at + 16 + size]))
        at += 16 + size
    return found


def boundary(directory):
    """What entered, [(port, ns, bytes)], and what left, [(port, ns, length)], of a recording."""
    with open(os.path.join(directory, "boundary.pcapng"), "rb") as file:
        data = file.read()
    ports, entered, left, at = [], [], [], 0
    while at < len(data):
        kind, size = struct.unpack("<II", data[at:at + 8])
        body = data[at + 8:at + size - 4]
        if kind == 1:
            options, name = body[8:], None
            while options and struct.unpack("<H", options[:2])[0]:
                code, length = struct.unpack("<HH", options[:4])
                name = options[4:4 + length].decode() if code == 2 else name
                options = options[4 + (length + 3) // 4 * 4:]
            ports.append(name)
        elif kind == 6:
            port, high, low, size_in, _ = struct.unpack("<IIIII", body[:20])
            entered.append((ports[port], high << 32 | low, body[20:20 + size_in]))
        elif kind == 0xbad and struct.unpack("<II", body[:8]) == (ENTERPRISE, DEPARTURES):
            for entry in range(8, len(body), 24):
                port, length, ns = struct.unpack("<IIQ", body[entry:entry + 16])
                left.append((ports[port], ns, length))
        at += size
    return entered, left


def of(items, port):
    return [item[1:] for item in items if item[0] == port]


def dump(node, count):
    """A step that writes what comes from SOURCE to its output, as a pcap file."""
    source = ":".join(SOURCE[i:i + 2] for i in range(0, 12, 2))
    return (f"{{name: {node}, node: {node}, run: \"timeout 20 tcpdump -i eth0 -w - -U --immediate-mode "
            f"--time-stamp-precision=nano -c {count} ether src {source}\"}}")


def udp4(src, dst, payload):
    """IPv4 and UDP with a checksum that is right."""
    body = struct.pack("!HHHH", 40000, 4000, 8 + len(payload), 0) + payload
    total = frames._checksum(src + dst + struct.pack("!HH", 17, len(body)) + body)
    return frames._ipv4(17, src, dst, body[:6] + struct.pack("!H", total or 0xffff) + body[8:])


def ip6(proto, src, dst, body, at, hops=255):
    """IPv6 with a transport whose checksum, at `at`, is right."""
    total = frames._checksum(src + dst + struct.pack("!II", len(body), proto) + body)
    body = body[:at] + struct.pack("!H", total or 0xffff) + body[at + 2:]
    return struct.pack("!IHBB16s16s", 6 << 28, len(body), proto, hops, src, dst) + body


# Runs in a container: counts the datagrams to port 4000, of both families, until there are as many as its argument.
LISTENER = """
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 4000))
s.settimeout(15)
for i in range(int(sys.argv[1])):
    data, peer = s.recvfrom(2000)
    print(data.decode(), peer[0], flush=True)
for name in ("snmp", "snmp6"):
    print(open("/proc/net/" + name).read())
"""


class ReplayNode(gb.Case):
    def pcap(self, items, name="traffic.pcap", **kwargs):
        path = os.path.join(self.dir, name)
        write_pcap(path, items, **kwargs)
        return path

    def check_identical(self, report):
        """Also without the file, which the recording makes superfluous."""
        for name in os.listdir(self.dir):
            if name.endswith(".pcap"):
                os.rename(os.path.join(self.dir, name), os.path.join(self.dir, name + ".away"))
        status, result, said = replay(report["dir"])
        self.assertEqual((status, result["first_difference"]), (0, ""), said)

    def test_every_byte_and_nanosecond(self):
        """All kinds of frames, over csma and p2p: bytes, order, the time of entry and the time of departure."""
        sent = {}
        for name, where in (("c", H1), ("p", H2)):
            kinds = [data for _, data in frames.kinds(mac(where), bytes.fromhex(SOURCE))]
            # One that is too long for the link, in the middle.
            kinds.insert(5, mac(where) + bytes.fromhex(SOURCE) + b"\x88\xb6" + bytes(1501))
            times = [1700000000 * 10**9 + 999999990 + i * 1000003 + i * i * 17 for i in range(len(kinds))]
            sent[name] = [(ns, data) for ns, data in zip(times, kinds)]
            self.pcap(sent[name], f"{name}.pcap")
        count = len(sent["c"]) - 1
        path = self.write(f"""
ghostbridge: 1
name: gbt-replay-bytes
nodes:
  c: {{kind: replay, file: c.pcap, start: 300ms}}
  p: {{kind: replay, file: p.pcap, start: 300ms}}
  h1: {{attach: tap, {QUIET}}}
  h2: {{attach: tap, {QUIET}}}
links:
  lan: {{kind: csma, rate: 1Gbps, delay: 700ns, ends: [c, {{node: h1, mac: "{H1}"}}]}}
  line: {{kind: p2p, rate: 1Gbps, delay: 5ms, ends: [p, {{node: h2, mac: "{H2}"}}]}}
steps:
  - {dump("h1", count)}
  - {dump("h2", count)}
""")
        report, _ = self.run_scenario(path, "--record")
        entered, left = boundary(report["dir"])
        for name, node, delay in (("c", "h1", 700), ("p", "h2", 5000000)):
            first = sent[name][0][0]
            want = [(300000000 + ns - first, data) for ns, data in sent[name]]
            self.assertEqual(of(entered, f"{name}.eth0"), want)
            short = [(ns, data) for ns, data in want if len(data) <= 1514 or data[12:14] != b"\x88\xb6"]
            self.assertEqual(len(short), count)
            # docs/scenario.md: 8 (max(n, 60) + 12) / rate + delay after the transmission began; 8 ns are a byte here.
            self.assertEqual(of(left, f"{node}.eth0"),
                             [(ns + 8 * (max(len(data), 60) + 12) + delay, len(data)) for ns, data in short])
            got = read_pcap(os.path.join(report["dir"], "steps", f"{node}.out"))
            self.assertEqual([data.hex() for _, data in got], [data.hex() for _, data in short])
            late = [abs((ns - got[0][0]) - (at - short[0][0])) for (ns, _), (at, _) in zip(got, short)]
            self.assertLess(statistics.median(late), 20000000, "ns between what was meant and what tcpdump saw")
        for end in report["simulated"]:
            self.assertEqual((end["up"]["frames"], end["up"]["drops"]), (count + 1, {"oversize": 1}))
        self.check_conservation(report)
        self.check_identical(report)

    def test_rewritten_traffic_is_answered(self):
        """Somebody else's ARP, ND, ping and UDP, made those of the lab: a Linux stack finds every checksum right."""
        a4, b4 = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
        a6, b6 = (bytes.fromhex("20010db8") + bytes(9) + last for last in (b"\x01\x02\x03", b"\x04\x05\x06"))
        group = bytes.fromhex("ff0200000000000000000001ff040506")
        amac, bmac = bytes.fromhex(SOURCE), bytes.fromhex("020000000def")
        ping = b"\x08\x00\x00\x00\x00\x07\x00\x01" + bytes(range(48))
        ping = ping[:2] + struct.pack("!H", frames._checksum(ping)) + ping[4:]
        solicitation = b"\x87\x00\x00\x00" + bytes(4) + b6 + b"\x01\x01" + amac
        items = [b"\xff" * 6 + amac + b"\x08\x06" + bytes.fromhex("0001080006040001") + amac + a4 + bytes(6) + b4,
                 bmac + amac + b"\x08\x00" + frames._ipv4(1, a4, b4, ping),
                 b"\x33\x33" + group[12:] + amac + b"\x86\xdd" + ip6(58, a6, group, solicitation, 2),
                 bmac + amac + b"\x86\xdd" + ip6(58, a6, b6, b"\x80\x00\x00\x00\x00\x07\x00\x01" + bytes(range(48)), 2)]
        for i in range(5):
            items.append(bmac + amac + b"\x08\x00" + udp4(a4, b4, b"four-%d" % i))
            payload = b"six-%d" % i
            items.append(bmac + amac + b"\x86\xdd" +
                         ip6(17, a6, b6, struct.pack("!HHHH", 40000, 4000, 8 + len(payload), 0) + payload, 6))
        self.pcap([(10**18 + i * 2 * 10**7, data) for i, data in enumerate(items)])
        self.write(LISTENER, "listener.py")
        os.chmod(self.dir, 0o755)
        report, _ = self.run_scenario(self.write("""
ghostbridge: 1
name: gbt-replay-rewrite
nodes:
  cap:
    kind: replay
    file: traffic.pcap
    start: 2500ms
    rewrite:
      mac: {"02:00:00:00:0a:bc": cap, "02:00:00:00:0d:ef": h1}
      ip: {192.0.2.1: cap, 192.0.2.2: h1, "2001:db8::1:203": cap, "2001:db8::4:506": h1.eth0}
  h1: {attach: tap}
links: {lan: {kind: csma, rate: 1Gbps, subnet: [10.0.0.0/24, "fd00::/64"], ends: [cap, h1]}}
steps:
  - {name: listen, node: h1, run: python3 /run/scenario/listener.py 10}
"""), "--record")
        with open(os.path.join(report["dir"], "steps", "listen.out"), encoding="utf-8") as file:
            said = file.read()
        for i in range(5):
            self.assertIn(f"four-{i} ::ffff:10.0.0.1\n", said)
            self.assertIn(f"six-{i} fd00::1\n", said)
        for line in said.splitlines():
            if line.split()[:1] and line.split()[0].endswith("InCsumErrors"):
                self.assertEqual(line.split()[1], "0", line)
        entered, _ = boundary(report["dir"])
        # h1 answered: an ARP reply, two echo replies, a neighbour advertisement, to the addresses of node cap.
        answers = [data for _, data in of(entered, "h1.eth0")]
        self.assertTrue([data for data in answers if data[12:14] == b"\x08\x06" and data[21] == 2], "ARP reply")
        self.assertTrue([data for data in answers if data[12:14] == b"\x08\x00" and data[23] == 1 and data[34] == 0], "echo reply")
        types = {data[54] for data in answers if data[12:14] == b"\x86\xdd" and data[20] == 58}
        self.assertLessEqual({129, 136}, types)
        cap = next(end for end in report["simulated"] if end["end"] == "cap.eth0")
        self.assertGreaterEqual(cap["down"]["frames"], 4)
        self.check_conservation(report)
        self.check_identical(report)

    def test_behind_a_switch_and_on_the_air(self):
        """Over a simulated switch, and from an access point; what is captured in part is filled up."""
        whole = [mac(H1) + bytes.fromhex(SOURCE) + b"\x88\xb6" + bytes([i]) * 100 for i in range(10)]
        self.pcap([(10**18 + i * 10**7, data[:40], len(data)) for i, data in enumerate(whole)])
        report, _ = self.run_scenario(self.write(f"""
ghostbridge: 1
name: gbt-replay-switch
nodes:
  near: {{kind: replay, file: traffic.pcap, start: 300ms, truncated: pad}}
  ap: {{kind: replay, file: traffic.pcap, start: 300ms, truncated: pad, rewrite: {{mac: {{"{H1}": h2}}}}}}
  sw: {{kind: simulated, role: switch}}
  h1: {{attach: tap, {QUIET}}}
  h2: {{attach: tap, {QUIET}}}
links:
  up: {{kind: p2p, rate: 1Gbps, delay: 1ms, ends: [near, sw]}}
  lan: {{kind: csma, rate: 1Gbps, ends: [sw, {{node: h1, mac: "{H1}"}}]}}
  air: {{kind: wifi, mode: infrastructure, standard: 802.11a, ends: [{{node: ap, role: ap}}, {{node: h2, mac: "{H2}"}}]}}
steps:
  - {dump("h1", 10)}
  - {dump("h2", 10)}
"""), "--record")
        for node, where in (("h1", H1), ("h2", H2)):
            got = read_pcap(os.path.join(report["dir"], "steps", f"{node}.out"))
            self.assertEqual([data for _, data in got], [mac(where) + data[6:40] + bytes(74) for data in whole])
        self.check_identical(report)

    def test_real_capture_filtered_faster_and_again(self):
        """What tcpdump captured, of it the requests, at twice the speed, three times."""
        text = f"""
ghostbridge: 1
name: gbt-replay-captured
nodes: {{h1: {{attach: tap, {QUIET}}}, h2: {{attach: tap, {QUIET}}}}}
links:
  lan:
    kind: csma
    rate: 1Gbps
    subnet: 10.0.0.0/24
    ends: [{{node: h1, mac: "{':'.join(SOURCE[i:i + 2] for i in range(0, 12, 2))}"}}, {{node: h2, mac: "{H2}"}}]
steps:
  - {{name: capture, node: h1, run: timeout 20 tcpdump -i eth0 -w - -U --immediate-mode -c 8 icmp}}
  - {{name: ping, node: h1, at: 300ms, run: ping -c 4 -i 0.05 h2}}
"""
        report, _ = self.run_scenario(self.write(text))
        captured = os.path.join(report["dir"], "steps", "capture.out")
        frames_in = read_pcap(captured)
        self.assertEqual(len(frames_in), 8)
        os.rename(captured, os.path.join(self.dir, "traffic.pcap"))
        report, _ = self.run_scenario(self.write(f"""
ghostbridge: 1
name: gbt-replay-again
nodes:
  cap:
    kind: replay
    file: traffic.pcap
    filter: icmp[icmptype] == icmp-echo
    start: 300ms
    speed: 2
    loop: 3
    gap: 50ms
  h2: {{attach: tap, {QUIET}}}
links: {{lan: {{kind: csma, rate: 1Gbps, ends: [cap, {{node: h2, mac: "{H2}"}}]}}}}
steps:
  - {dump("h2", 12)}
"""), "--record")
        first, last = frames_in[0][0], frames_in[-1][0]
        requests = [(ns - first, data) for ns, data in frames_in if data[34] == 8]
        self.assertEqual(len(requests), 4)
        want = [(300000000 + again * ((last - first) // 2 + 50000000) + ns // 2, data)
                for again in range(3) for ns, data in requests]
        entered, _ = boundary(report["dir"])
        self.assertEqual(of(entered, "cap.eth0"), want)
        got = read_pcap(os.path.join(report["dir"], "steps", "h2.out"))
        self.assertEqual([data for _, data in got], [data for _, data in want])
        self.check_conservation(report)
        self.check_identical(report)

    def test_dead_ghost(self):
        """A ghost that dies takes up a capture where the time now is."""
        self.pcap([(10**18 + i * 10**7, mac(H1) + bytes.fromhex(SOURCE) + b"\x88\xb6" + struct.pack("!I", i) + bytes(60))
                   for i in range(6000)])
        name = "gbt-replay-dies"
        self.up(f"""
ghostbridge: 1
nodes: {{cap: {{kind: replay, file: traffic.pcap}}, h1: {{attach: tap, {QUIET}}}}}
links: {{lan: {{kind: csma, rate: 1Gbps, ends: [cap, {{node: h1, mac: "{H1}"}}]}}}}
""", name)
        listen = ("tcpdump", "-i", "eth0", "-w", "/tmp/x.pcap", "--immediate-mode", "-c", "5", "ether", "proto", "0x88b6")

        def heard():
            self.node(name, "h1", *listen, timeout=20)
            path = os.path.join(self.dir, "heard.pcap")
            with open(path, "wb") as file:
                file.write(base64.b64decode(self.node(name, "h1", "base64", "-w0", "/tmp/x.pcap")))
            return [struct.unpack("!I", data[14:18])[0] for _, data in read_pcap(path)]
        before = heard()
        self.assertEqual(before, list(range(before[0], before[0] + 5)))
        (ghost,) = self.status(name)["ghosts"]
        os.kill(ghost["simulator"]["pid"], signal.SIGKILL)

        def back():
            (now,) = self.status(name)["ghosts"]
            return now["simulator"]["state"] == "running" and now["simulator"]["pid"] != ghost["simulator"]["pid"]
        gb.wait_until(back, 5, "a new simulator")
        after = heard()
        self.assertEqual(after, list(range(after[0], after[0] + 5)))
        self.assertGreater(after[0], before[-1])
        report = self.down(name)
        self.assertEqual(len(report["incidents"]), 1)
        self.assertEqual(report["fidelity"]["verdict"], "fail")

    def test_refused(self):
        """Before anything is built, with file, line and column, what is wrong and what would help."""
        text = """
ghostbridge: 1
nodes:
  h1: {}
  cap:
    kind: replay
    filter: FILTER
    file: traffic.pcap
links: {lan: {kind: csma, rate: 1Gbps, ends: [cap, h1]}}
"""
        good = [(10**18, bytes(60))]
        for say, filter_, make in (
                (":8:11: nodes.cap.file: there is no ", "ip", lambda path: None),
                (":7:13: nodes.cap.filter: \"prt 9\" is no filter: ", "prt 9", lambda path: write_pcap(path, good)),
                (" is no regular file", "ip", os.mkfifo),
                (" is no capture that libpcap can read ", "ip", lambda path: self.write("x" * 99, os.path.basename(path))),
                (" has frames of link type 12 (RAW), ", "len > 0", lambda path: write_pcap(path, good, link_type=101)),
                (" is damaged after frame 1 ", "len > 0",
                 lambda path: (write_pcap(path, good * 2), os.truncate(path, 24 + 76 + 30))),
                (" was captured in part", "len > 0", lambda path: write_pcap(path, [(0, bytes(50), 60)])),
                (" is 0.000000001 s earlier ", "len > 0", lambda path: write_pcap(path, [(1, bytes(60)), (0, bytes(60))]))):
            with self.subTest(say):
                path = os.path.join(self.dir, "traffic.pcap")
                if os.path.exists(path):
                    os.remove(path)
                make(path)
                scenario = self.write(text.replace("FILTER", filter_))
                for verb in (["validate"], ["run", "--out", os.path.join(self.dir, "out")]):
                    done = gb.command(*verb, scenario)
                    self.assertEqual(done.returncode, 2, done.stderr)
                    self.assertIn(say, done.stderr)
                    self.assertTrue(done.stderr.startswith(f"{scenario}:{'7:13' if 'filter' in say else '8:11'}: "), done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.dir, "out")))

    def test_graph(self):
        self.pcap([(10**18, bytes(60))])
        path = self.write("""
ghostbridge: 1
nodes: {h1: {}, cap: {kind: replay, file: traffic.pcap}}
links: {lan: {kind: csma, rate: 1Gbps, ends: [cap, h1]}}
""")
        done = gb.command("graph", "--format", "dot", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("traffic.pcap", done.stdout)
        self.assertIn("capture", done.stdout)


if __name__ == "__main__":
    gb.main()
