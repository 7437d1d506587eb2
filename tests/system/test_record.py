# SPDX-License-Identifier: GPL-2.0-only
"""Recording a run and simulating it again: the same frames leave at the same times, whatever the machine did."""
import json
import math
import os
import shutil
import signal
import subprocess
import sys

import gb

TWO_LINKS = """
ghostbridge: 1
name: record-two
seed: 7
workers: 2
nodes: {h1: {}, h2: {attach: tap}, h3: {}, h4: {attach: tap}}
links:
  left: {kind: csma, rate: 50Mbps, delay: 300us, subnet: 10.0.0.0/24, ends: [h1, h2]}
  right: {kind: csma, rate: 5Mbps, delay: 3ms, queue: 20p, subnet: 10.0.1.0/24, ends: [h3, h4]}
steps:
  - {name: server, at: 0s, node: h2, run: iperf3 -s -1, background: true}
  - {name: sink, at: 0s, node: h4, run: iperf3 -s -1, background: true}
  - {name: tcp, at: 0.3s, node: h1, run: iperf3 -c h2 -t 1}
  - {name: udp, at: 0.3s, node: h3, run: iperf3 -c h4 -u -b 8M -t 1}
"""

ROUTED = """
ghostbridge: 1
name: record-routed
seed: 3
nodes: {h1: {}, h2: {attach: tap}, r: {kind: simulated, role: router}}
links:
  a: {kind: csma, rate: 20Mbps, delay: 100us, subnet: 10.0.0.0/24, ends: [h1, r]}
  b: {kind: csma, rate: 5Mbps, delay: 3ms, subnet: 10.0.1.0/24, ends: [h2, r]}
timeline:
  - {at: 800ms, link: a, key: delay, value: 5ms}
  - {at: 900ms, link: b, key: rate, value: 2Mbps}
steps:
  - {name: out, at: 0s, node: h1, run: ip route replace default via 10.0.0.2}
  - {name: back, at: 0s, node: h2, run: ip route replace default via 10.0.1.2}
  - {name: ping, at: 0.1s, node: h1, run: ping -c 60 -i 0.02 10.0.1.1}
"""

P2P = """
ghostbridge: 1
name: record-p2p
seed: 5
nodes: {h1: {}, h2: {attach: tap}}
links:
  wan: {kind: p2p, rate: 10Mbps, delay: 10ms, jitter: 2ms, loss: 1%, subnet: 10.0.0.0/24, ends: [h1, h2]}
steps:
  - {name: server, at: 0s, node: h2, run: iperf3 -s -1, background: true}
  - {name: tcp, at: 0.2s, node: h1, run: iperf3 -c h2 -t 1}
"""

FAST = """
ghostbridge: 1
name: record-fast
nodes: {h1: {attach: tap}, h2: {attach: tap}}
links: {lan: {kind: csma, rate: 10Gbps, queue: 1000p, subnet: 10.0.0.0/24, ends: [h1, h2]}}
steps:
  - {name: server, at: 0s, node: h2, run: iperf3 -s -1, background: true}
  - {name: tcp, at: 0.3s, node: h1, run: iperf3 -c h2 -n 100M}
  - {name: ping, at: 0.5s, node: h1, run: sleep 1; ping -c 20 -i 0.05 h2}
"""

SEEN = """
ghostbridge: 1
name: record-seen
seed: 2
workers: 2
nodes: {h1: {}, h2: {attach: tap}, h3: {attach: tap}, r: {kind: simulated, role: router}}
links:
  wan: {kind: p2p, rate: 3Mbps, delay: 7ms, subnet: 10.0.0.0/24, ends: [h1, h2]}
  lan: {kind: csma, rate: 10Mbps, delay: 3ms, subnet: 10.0.1.0/24, ends: [h3, r]}
steps:
  - {name: p2p, at: 0s, node: h1, run: ping -c 5 -i 0.02 -s 1 10.0.0.2, background: true}
  - {name: csma, at: 0s, node: h3, run: ping -c 5 -i 0.02 -s 700 10.0.1.2}
"""

AIR = """
ghostbridge: 1
name: record-air
nodes: {h1: {attach: tap}, h2: {attach: tap}}
links:
  air:
    kind: wifi
    mode: adhoc
    standard: 802.11a
    rate-control: {model: constant, data-mode: OfdmRate6Mbps, control-mode: OfdmRate6Mbps}
    subnet: 10.0.0.0/24
    ends:
      - {node: h1, position: [0m, 0m, 0m]}
      - {node: h2, position: [30m, 0m, 0m]}
steps:
  - {name: ping, at: 0s, node: h1, run: ping -c 5 -i 0.05 10.0.0.2}
"""

SWITCHED = """
ghostbridge: 1
nodes: {h1: {}, h2: {}, s1: {kind: switch}, s2: {kind: switch}, s3: {kind: switch}}
links:
  w1: {kind: wire, ends: [{node: h1, ip: 10.0.0.1/24}, {node: s1, name: p1}]}
  core: {kind: csma, rate: 100Mbps, ends: [{node: s1, name: p2}, {node: s2, name: p1}]}
  w2: {kind: wire, ends: [{node: h2, ip: 10.0.0.2/24}, {node: s2, name: p2}]}
  patch: {kind: wire, ends: [s2, s3]}
"""

RECORDER_UID = 0x67620003


def replay(path, *args, **kwargs):
    done = gb.command("replay", path, "--json", *args, **kwargs)
    if done.returncode not in (0, 1, 4):
        raise AssertionError(done.stdout + done.stderr)
    return done.returncode, json.loads(done.stdout), done.stderr


def hogs():
    """As many busy processes as there are cores."""
    return [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count())]


class Record(gb.Case):
    def record(self, text, *args, status=0, **kwargs):
        return self.run_scenario(self.write(text), "--record", *args, status=status, **kwargs)[0]

    def check_identical(self, report, times=2):
        self.assertTrue(report["recording"]["complete"], report["recording"])
        self.assertRegex(report["digest"]["inputs"], "^[0-9a-f]{16}$")
        for _ in range(times):
            status, result, said = replay(report["dir"])
            self.assertEqual((status, result["first_difference"]), (0, ""), said)
            self.assertTrue(result["identical"])
            self.assertEqual(result["inputs"], report["digest"]["inputs"])
        for port in report["ports"]:
            self.assertEqual(result["ports"][port["port"]]["frames"], report["digest"]["ports"][port["port"]]["frames"])
            self.assertEqual(result["ports"][port["port"]]["hash"], report["digest"]["ports"][port["port"]]["hash"])
        return result

    def test_two_ghosts_tcp_and_overload(self):
        report = self.record(TWO_LINKS)
        result = self.check_identical(report)
        # The slow link was overloaded, so drops were replayed, too.
        self.assertGreater(sum(port["drops"].get("queue", 0) for port in result["ports"].values()), 0)
        self.assertGreater(result["frames_in"], 1000)
        print(f"replayed {result['simulated_s'] / result['took_s']:.1f} times faster than it ran")
        # And it is a capture file that others read.
        if shutil.which("tshark"):
            listed = subprocess.run(["tshark", "-r", os.path.join(report["dir"], "boundary.pcapng"), "-T", "fields",
                                     "-e", "frame.interface_name", "-e", "frame.packet_flags_direction", "-Y", "eth"],
                                    capture_output=True, text=True, check=True).stdout.splitlines()
            for port in report["ports"]:
                lines = [line.split("\t") for line in listed if line.split("\t")[0] == port["port"]]
                self.assertEqual(len(lines), result["ports"][port["port"]]["entered"])
                self.assertEqual({line[1] for line in lines}, {"0x00000001"}, "inbound")

    def test_late_frames(self):
        """With every core busy frames are late, in and out; that changes what entered, not that it can be repeated."""
        busy = hogs()
        try:
            report = self.record(TWO_LINKS.replace("seed: 7", "seed: 8\nlag: 2ms"))
            self.check_identical(report)
            # The report says why they were late, where the kernel does; nobody set the clock or suspended the machine.
            if os.path.exists("/proc/pressure/cpu"):
                self.assertGreater(report["fidelity"]["cpu_pressure_pct"], 20)
            self.assertLess(abs(report["fidelity"]["clock"]["suspended_us"]), 1000)
            self.assertLess(abs(report["fidelity"]["clock"]["realtime_moved_us"]), 100000)
        finally:
            for process in busy:
                process.kill()
                process.wait()
        self.check_identical(report, times=1)

    def test_without_rights(self):
        report, _ = self.run_scenario(gb.scenario_path("csma-pair.yaml"), "--record")
        os.chmod(self.dir, 0o755)
        os.chmod(report["dir"], 0o755)
        if subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", "test", "-x", gb.GHOSTBRIDGE],
                          check=False).returncode:
            self.skipTest("this build is not where another user can reach it")
        done = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", gb.GHOSTBRIDGE,
                               "replay", report["dir"]], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("identical", done.stdout)

    def test_change(self):
        report, _ = self.run_scenario(gb.scenario_path("csma-pair.yaml"), "--record")
        done = gb.command("replay", report["dir"], "--set", "lan.delay=50ms", "--out", os.path.join(self.dir, "slow"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("would have reacted", done.stdout)
        status, result, said = replay(report["dir"], "--set", "lan.delay=50ms")
        self.assertEqual((status, result["changed"], result["first_difference"]), (0, True, ""))
        self.assertIn("would have reacted", said)
        # What was changed is a recording, too, and repeats itself.
        self.assertEqual(replay(os.path.join(self.dir, "slow"))[:1], (0,))

    def test_killed(self):
        """SIGKILL for everybody at once: what is on disk is whole, and replays as far as it goes."""
        out = os.path.join(self.dir, "killed")
        text = TWO_LINKS.replace("-t 1", "-t 20")
        run = gb.start("run", self.write(text), "--record", "--out", out, "--name", "record-killed")
        path = os.path.join(out, "boundary.pcapng")
        gb.wait_until(lambda: os.path.exists(path) and os.path.getsize(path) > 2000000, 30, "two megabytes")
        daemon = json.loads(gb.command("status", "record-killed", "--json").stdout)["pid"]
        os.kill(daemon, 9)
        run.communicate(timeout=30)
        self.assertNotEqual(run.returncode, 0)
        gb.command("down", "--all")
        status, result, said = replay(out)
        # A ghost that saw its shuttle die before it was killed itself may have written its end; the daemon has not.
        self.assertEqual(status, 4, said)
        self.assertRegex(result["incomplete"], "no end|the run was killed")
        self.assertEqual(result["first_difference"], "")
        self.assertGreater(result["frames_compared"], 500)
        # Any place to cut is as good.
        with open(path, "rb") as file:
            data = file.read()
        with open(path, "wb") as file:
            file.write(data[:len(data) // 2 + 3])
        status, result, said = replay(out)
        self.assertEqual(status, 4)
        self.assertIn("middle of a block", said)
        self.assertEqual(result["first_difference"], "")

    def test_slow_disk(self):
        """With a recorder that stands still the run goes on, and everybody is told that the recording is not complete."""
        out = os.path.join(self.dir, "slow-disk")
        run = gb.start("run", self.write(FAST), "--record", "--out", out)

        def recorder():
            for entry in os.listdir("/proc"):
                try:
                    if entry.isdigit() and os.stat(f"/proc/{entry}").st_uid == RECORDER_UID and \
                            os.path.samefile(f"/proc/{entry}/fd/3", os.path.join(out, "boundary.pcapng")):
                        return int(entry)
                except OSError:
                    continue
            return None

        pid = gb.wait_until(recorder, what="the recorder")
        os.kill(pid, signal.SIGSTOP)
        try:
            gb.wait_until(lambda: self.tcp_is_over(out), 60, "the end of TCP")
        finally:
            os.kill(pid, signal.SIGCONT)
        said = "".join(run.communicate(timeout=60))
        self.assertIn("NOT COMPLETE", said)
        self.assertEqual(run.returncode, 0, said)
        with open(os.path.join(out, "report.json"), encoding="utf-8") as file:
            report = json.load(file)
        self.assertFalse(report["recording"]["complete"])
        self.assertIn("could not follow", report["recording"]["incomplete"])
        with open(os.path.join(out, "digest.json"), encoding="utf-8") as file:
            self.assertFalse(json.load(file)["complete"])
        self.assertGreater(report["ports"][0]["up"]["bytes"], 40000000, "the path did not stall")
        status, result, said = replay(out)
        self.assertEqual((status, result["first_difference"]), (4, ""), said)
        self.assertGreater(result["frames_compared"], 1000)

    @staticmethod
    def tcp_is_over(out):
        try:
            with open(os.path.join(out, "steps", "tcp.out"), encoding="utf-8") as file:
                return "iperf Done" in file.read()
        except OSError:
            return False

    def test_changes_and_simulated_nodes(self):
        """A router inside, a timeline, and a change by hand enter the recording with their simulated times."""
        name = "record-live"
        out = os.path.join(self.dir, f"{name}.run")
        run = gb.start("run", self.write(ROUTED), "--record", "--name", name, "--out", out)
        gb.wait_until(lambda: gb.command("set", name, "a", "delay=2ms").returncode == 0, 20, "a change to be possible")
        said = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 0, said)
        status, result, said = replay(out)
        self.assertEqual((status, result["first_difference"]), (0, ""), said)
        with open(os.path.join(out, "boundary.pcapng"), "rb") as file:
            data = file.read()
        for change in (b"a delay=2ms", b"b rate=2Mbps", b"a delay=5ms"):
            self.assertIn(change, data)
        # The scenario's own changes are another's when it is another scenario.
        done = gb.command("replay", out, "--set", "timeline[0].value=1ms")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        # What the router rewrote never entered: no loss, and what it is only the replay knows.
        said = gb.command("diff", out, out).stdout
        self.assertRegex(said, r"h1\.eth0\n  a  entered \d+ \(\d+ not found again\), left")
        # `diff` simulates again up to the first frame that parts them: the router's own question for an address.
        slow = os.path.join(self.dir, "slow")
        self.assertEqual(gb.command("replay", out, "--set", "b.delay=9ms", "--out", slow).returncode, 0)
        done = gb.command("diff", out, slow, "--json")
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        for side in ("a", "b"):
            self.assertRegex(json.loads(done.stdout)["first_difference"][side],
                             r"left at h2\.eth0: .*, ARP who has 10\.0\.1\.1, tell 10\.0\.1\.2$")
        # A scenario with more ports than the recording cannot be simulated, and says so.
        more = data.replace(b"r: {kind: simulated, role: router}", b"r: {}".ljust(34))
        self.assertNotEqual(more, data)
        with open(os.path.join(out, "boundary.pcapng"), "wb") as file:
            file.write(more)
        done = gb.command("diff", out, slow)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("(headers unknown: the scenario has other ports than the recording)", done.stdout)
        at = data.rfind(bytes(range(0x30, 0x38)))
        self.assertGreater(at, 0)
        with open(os.path.join(out, "boundary.pcapng"), "wb") as file:
            file.write(data[:at] + b"1" + data[at + 1:])
        status, result, said = replay(out)
        self.assertEqual(status, 1, said)
        self.assertRegex(result["first_difference"], r"replayed h[12]\.eth0: 98 bytes at [0-9.]+ s, .*IPv4 .*, ICMP type")

    def test_p2p_random_loss_and_jitter(self):
        report = self.record(P2P)
        result = self.check_identical(report)
        self.assertGreater(sum(sum(port["drops"].values()) for port in result["ports"].values()), 0)

    def devices(self, report, shown, *fields):
        """What simulated devices saw, by tshark: a tuple of fields for each frame that the display filter shows."""
        done = gb.command("replay", report["dir"], "--pcap")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        path = os.path.join(report["dir"], "devices.pcapng")
        with open(path, "rb") as file:
            first = file.read()
        self.assertEqual(gb.command("replay", report["dir"], "--pcap").returncode, 0)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), first, "the same again, whichever ghost was faster")
        if not shutil.which("tshark"):
            self.skipTest("no tshark")
        names = [word for field in fields for word in ("-e", field)]
        listed = subprocess.run(["tshark", "-r", path, "-Y", shown, "-o", "frame.generate_md5_hash:TRUE", "-T", "fields",
                                 *names], capture_output=True, text=True, check=True).stdout
        return [tuple(line.split("\t")) for line in listed.splitlines()]

    def test_pcap_of_ethernet(self):
        """Two ghosts: every frame at both ends of its link, to the nanosecond when it was sent and when it arrived."""
        report = self.record(SEEN)
        seen = {}
        before = 0
        for name, device, way, time, length, digest in self.devices(
                report, "frame", "frame.interface_name", "frame.interface_description", "frame.packet_flags_direction",
                "frame.time_epoch", "frame.len", "frame.md5_hash"):
            time = int(time.replace(".", ""))
            self.assertGreaterEqual(time, before, "in the order of simulated time")
            before = time
            seen.setdefault((name, device, int(way, 16)), []).append((time, int(length), digest))
        p2p, csma, received, sent = "ns3::GhostP2pDevice", "ns3::CsmaNetDevice", 1, 2
        for a, b, device, rate, delay in (("h1.eth0", "h2.eth0", p2p, 3, 7000000), ("h2.eth0", "h1.eth0", p2p, 3, 7000000),
                                          ("h3.eth0", "r.eth0", csma, 10, 3000000), ("r.eth0", "h3.eth0", csma, 10, 3000000)):
            out, into = seen[a, device, sent], seen[b, device, received]
            self.assertGreaterEqual(len(into), 5)
            # Without padding and without FCS, as they came: a ping with 1 byte is 43 bytes long.
            self.assertEqual([frame[1:] for frame in into], [frame[1:] for frame in out][:len(into)])
            for (left, length, _), (arrived, _, _) in zip(out, into):
                air = 8 * (max(length, 60) + 4 + 8) * 1000 // rate
                self.assertAlmostEqual(arrived - left, air + delay, delta=1 if device == p2p else 2)
            if b in report["digest"]["ports"]:
                self.assertEqual(len(into), report["digest"]["ports"][b]["frames"])
        # The router's stack sends and receives what its device does.
        for way in (sent, received):
            self.assertEqual(sorted(frame[1:] for frame in seen["r.eth0 stack", "ns3::GhostNic", way]),
                             sorted(frame[1:] for frame in seen["r.eth0", csma, way]))

    def test_pcap_of_wifi(self):
        """Monitor mode: 802.11 with radiotap; a frame is over its own time on the air and the way after it began."""
        report = self.record(AIR)
        sent, heard = [], []
        for name, way, time, length, radiotap, channel, signal, number in self.devices(
                report, "icmp", "frame.interface_name", "frame.packet_flags_direction", "frame.time_epoch", "frame.len",
                "radiotap.length", "radiotap.channel.freq", "radiotap.dbm_antsignal", "wlan.seq"):
            self.assertEqual(channel, "5180")
            frame = (int(number), int(length) - int(radiotap) + 4, int(time.replace(".", "")))
            if int(way, 16) == 2:
                self.assertEqual(signal, "")
                sent.append((name, *frame))
            else:
                # 16 dBm less 46.7 dB of the first metre and 30 dB for each ten times as far.
                self.assertAlmostEqual(int(signal), 16 - 46.7 - 30 * math.log10(30), delta=1.5)
                heard.append((name, *frame))
        self.assertGreaterEqual(len(sent), 10)
        self.assertEqual(len(sent), len(heard))
        for (sender, number, length, began), (hearer, heard_number, _, ended) in zip(sent, heard):
            self.assertEqual({sender, hearer}, {"h1.eth0", "h2.eth0"})
            self.assertEqual(number, heard_number)
            # Preamble and SIGNAL 20 us; SERVICE, frame and tail in symbols of 4 us with 24 bits; 30 m.
            air = 20000 + -(-(16 + 8 * length + 6) // 24) * 4000
            self.assertAlmostEqual(ended - began, air + 100, delta=2)


class Capture(gb.Case):
    def test_capture(self):
        with open(gb.scenario_path("csma-pair.yaml"), encoding="utf-8") as file:
            self.up(file.read(), "record-capture")
        path = os.path.join(self.dir, "capture.pcapng")
        listening = [gb.start("capture", "-w", path, "record-capture", "lan", "icmp", "and", "src", "host", "10.0.0.1"),
                     gb.start("capture", "record-capture", "h2.eth0")]
        # It begins to write when it listens, and goes on block by block.
        gb.wait_until(lambda: os.path.exists(path) and os.path.getsize(path) > 100, what="the capture to begin")
        piped = os.read(listening[1].stdout.fileno(), 28)
        self.assertEqual(piped[:4], b"\x0a\x0d\x0d\x0a")
        self.node("record-capture", "h1", "ping", "-c", "3", "-i", "0.1", "10.0.0.2")
        gb.wait_until(lambda: os.path.getsize(path) > 100 + 6 * 130, what="six frames")
        listening[0].send_signal(signal.SIGINT)
        self.assertIn("6 frames", listening[0].communicate(timeout=10)[1])
        self.assertEqual(listening[0].returncode, 0)
        if shutil.which("tshark"):
            done = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "frame.interface_name"],
                                  capture_output=True, text=True, check=True)
            self.assertEqual(sorted(done.stdout.split()), ["h1.eth0"] * 3 + ["h2.eth0"] * 3)
        # Without its reader, or its experiment, it ends.
        self.down("record-capture")
        self.assertEqual(listening[1].wait(timeout=10), 0)
        for stream in (listening[1].stdout, listening[1].stderr):
            stream.close()

    def test_capture_at_switches(self):
        """A port of a switch is an interface like any other, on a wire and on a simulated link."""
        self.up(SWITCHED, "record-ports")
        paths = {target: os.path.join(self.dir, f"{target}.pcapng") for target in ("core", "s1.p1", "s2")}
        listening = {target: gb.start("capture", "-w", path, "record-ports", target, "icmp")
                     for target, path in paths.items()}
        for target, path in paths.items():
            gb.wait_until(lambda path=path: os.path.exists(path) and os.path.getsize(path) > 100, what=f"capture of {target}")
        self.node("record-ports", "h1", "ping", "-c", "3", "-i", "0.1", "10.0.0.2")
        # Both ways at each of: two ends of the simulated link; one port; two ports.
        expected = {"core": ["s1.p2", "s2.p1"], "s1.p1": ["s1.p1"], "s2": ["s2.p1", "s2.p2"]}
        for target, process in listening.items():
            wanted = 6 * len(expected[target])
            gb.wait_until(lambda target=target, wanted=wanted: os.path.getsize(paths[target]) > 100 + wanted * 130,
                          what=f"{wanted} frames of {target}")
            process.send_signal(signal.SIGINT)
            self.assertIn(f"{wanted} frames", process.communicate(timeout=10)[1])
            self.assertEqual(process.returncode, 0)
            if shutil.which("tshark"):
                done = subprocess.run(["tshark", "-r", paths[target], "-T", "fields", "-e", "frame.interface_name"],
                                      capture_output=True, text=True, check=True)
                self.assertEqual(sorted(done.stdout.split()), sorted(expected[target] * 6))
        done = gb.command("capture", "-w", paths["core"], "record-ports", "patch")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no interface to listen at", done.stderr)
        environment = dict(os.environ, PATH=os.path.dirname(gb.GHOSTBRIDGE) + ":" + os.environ["PATH"])
        listed = subprocess.run([os.path.join(gb.TREE, "bridge/cli/ghostbridge-extcap"), "--extcap-interfaces"],
                                capture_output=True, text=True, check=True, env=environment).stdout
        for target in ("s1.p1", "s2.p1", "core", "w1"):
            self.assertIn(f"{{value=ghostbridge:record-ports:{target}}}", listed)
        self.assertNotIn(":record-ports:patch}", listed)

    def test_capture_mistakes(self):
        with open(gb.scenario_path("csma-pair.yaml"), encoding="utf-8") as file:
            self.up(file.read(), "record-mistakes")
        path = os.path.join(self.dir, "x")
        for words, said in ((["nobody", "lan"], "no experiment 'nobody'"),
                            (["record-mistakes", "nowhere"], "no link, node or interface 'nowhere'"),
                            (["record-mistakes", "lan", "tcp", "prot", "80"], "the filter 'tcp prot 80' is wrong")):
            done = gb.command("capture", "-w", path, *words)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said, done.stderr)
            self.assertFalse(os.path.exists(path))

    def test_extcap(self):
        with open(gb.scenario_path("csma-pair.yaml"), encoding="utf-8") as file:
            self.up(file.read(), "record-extcap")
        environment = dict(os.environ, PATH=os.path.dirname(gb.GHOSTBRIDGE) + ":" + os.environ["PATH"])
        extcap = os.path.join(gb.TREE, "bridge/cli/ghostbridge-extcap")

        def ask(*args):
            return subprocess.run([extcap, *args], capture_output=True, text=True, check=True, env=environment).stdout

        listed = ask("--extcap-interfaces")
        for target in ("h1.eth0", "h2.eth0", "lan"):
            self.assertIn(f"{{value=ghostbridge:record-extcap:{target}}}", listed)
        verify = lambda words: ask("--extcap-capture-filter", words, "--extcap-interface", "ghostbridge:record-extcap:lan")
        self.assertEqual(verify("arp or icmp"), "")
        self.assertIn("syntax error", verify("tcp prot 80"))
        self.assertIn("EN10MB", ask("--extcap-dlts", "--extcap-interface", "ghostbridge:record-extcap:lan"))
        fifo = os.path.join(self.dir, "fifo")
        os.mkfifo(fifo)
        capture = subprocess.Popen([extcap, "--capture", "--extcap-interface", "ghostbridge:record-extcap:lan", "--fifo",
                                    fifo, "--extcap-capture-filter", "arp or icmp"], env=environment,
                                   stderr=subprocess.PIPE, text=True)
        with open(fifo, "rb") as file:
            self.assertEqual(file.read(4), b"\x0a\x0d\x0d\x0a")
        # The reader has gone.
        capture.communicate(timeout=10)


if __name__ == "__main__":
    gb.main()
