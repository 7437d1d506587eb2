# SPDX-License-Identifier: GPL-2.0-only
"""What replay and diff say of recordings that are not whole, not the same, or no recordings."""
import glob
import json
import os
import re
import signal
import struct

import gb
from test_record import P2P, SEEN, replay


OWN = """
ghostbridge: 1
ghost: [{program}, none]
nodes: {{h1: {{}}, h2: {{}}}}
links:
  seg: {{kind: ghost, subnet: 10.0.0.0/24, ends: [h1, h2]}}
steps:
  - {{name: ping, node: h1, run: ping -c 3 -i 0.2 h2}}
"""


def blocks(data):
    """Where the blocks of a pcapng file are, and of which type."""
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        yield at, kind
        at += size


class Replay(gb.Case):
    def record(self, text):
        return self.run_scenario(self.write(text), "--record")[0]

    def test_digest(self):
        """What only the daemon knew is in digest.json; a replay believes it, and writes its own of what it was itself."""
        report, _ = self.run_scenario(gb.scenario_path("csma-pair.yaml"), "--record")
        path, again = os.path.join(report["dir"], "digest.json"), os.path.join(self.dir, "again")
        with open(path, encoding="utf-8") as file:
            digest = json.load(file)

        def write(**changes):
            with open(path, "w", encoding="utf-8") as file:
                json.dump({**digest, **changes}, file)

        write(complete=False, incomplete="a process of ghost 0 died during the run")
        status, result, said = replay(report["dir"], "--out", again)
        self.assertEqual((status, result["first_difference"]), (4, ""), said)
        self.assertIn("ghost 0 died", result["incomplete"])
        with open(os.path.join(again, "digest.json"), encoding="utf-8") as file:
            copy = json.load(file)
        self.assertEqual((copy["complete"], copy["incomplete"]), (False, result["incomplete"]))
        self.assertEqual((copy["ports"], copy["inputs"]), (digest["ports"], ""))
        done = gb.command("diff", report["dir"], again, "--json")
        found = json.loads(done.stdout)
        self.assertEqual((done.returncode, found["incomplete"]["a"]), (0, result["incomplete"]))
        self.assertEqual(found["incomplete"]["a"], found["incomplete"]["b"])
        done = gb.command("diff", report["dir"], again)
        self.assertEqual(done.stdout.splitlines()[0], "the same as far as they go")
        write(ports={})
        status, result, said = replay(report["dir"])
        self.assertEqual(status, 4)
        self.assertIn("says nothing of h1.eth0", said)
        write(inputs="0" * 16)
        status, result, said = replay(report["dir"])
        self.assertEqual(status, 1)
        self.assertIn("what entered is not what was recorded", result["first_difference"])
        write()
        status, result, said = replay(report["dir"])
        self.assertEqual((status, result["inputs"], said), (0, digest["inputs"], ""))
        self.assertEqual(digest["inputs"], report["digest"]["inputs"])
        # Who replays is not who recorded.
        boundary = os.path.join(report["dir"], "boundary.pcapng")
        with open(boundary, "rb") as file:
            data = file.read()
        with open(boundary, "wb") as file:
            file.write(re.sub(rb"\nghost=[0-9a-f]{16}\n", b"\nghost=" + b"0" * 16 + b"\n",
                              data.replace(b"ns-3=3.37", b"ns-3=3.36")))
        status, result, said = replay(report["dir"], "--out", os.path.join(self.dir, "anew"))
        self.assertEqual(status, 0)
        self.assertIn("ns3-ghost is not the program that was recorded", said)
        with open(os.path.join(self.dir, "anew", "boundary.pcapng"), "rb") as file:
            self.assertIn(b"ns-3=3.37", file.read())
        # Ports of b only are shown, too.
        other = self.record(P2P.replace("h2", "x2"))
        done = gb.command("diff", report["dir"], other["dir"])
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"(?m)^x2\.eth0\n  a  has no such port\n  b  entered")
        self.assertRegex(done.stdout, r"(?m)^h2\.eth0\n  a  entered.*\n  b  has no such port")

    def test_killed_shuttle(self):
        """The ghost, and with it the file, knows nothing of it: the daemon does, and the replay hears it from there."""
        name, out = "record-shuttle", os.path.join(self.dir, "shuttle")
        text = SEEN[:SEEN.index("steps:")] + "steps: [{name: ping, node: h1, run: ping -c 30 -i 0.05 10.0.0.2}]\n"
        run = gb.start("run", self.write(text), "--record", "--out", out, "--name", name)
        ping = os.path.join(out, "steps", "ping.out")
        gb.wait_until(lambda: os.path.exists(ping) and os.path.getsize(ping) > 200, 30, "pings")
        ghost = json.loads(gb.command("status", name, "--json").stdout)["ghosts"][0]
        os.kill(ghost["shuttle"]["pid"], signal.SIGKILL)
        said = "".join(run.communicate(timeout=60))
        self.assertIn("NOT COMPLETE", said)
        with open(os.path.join(out, "report.json"), encoding="utf-8") as file:
            report = json.load(file)
        with open(os.path.join(out, "digest.json"), encoding="utf-8") as file:
            digest = json.load(file)
        self.assertEqual((digest["complete"], digest["inputs"], report["digest"]["inputs"]), (False, "", ""))
        # No hash in the one where there is none in the other.
        self.assertEqual({port: figures.get("hash") for port, figures in report["digest"]["ports"].items()},
                         {port: digest["ports"][port].get("hash") for port in report["digest"]["ports"]})
        self.assertIn(None, {figures.get("hash") for figures in digest["ports"].values()})
        status, result, said = replay(out)
        self.assertEqual((status, result["first_difference"]), (4, ""), said)
        self.assertIn("died during the run", result["incomplete"])

    def test_killed_replay_leaves_nothing(self):
        """Neither ns3-ghost's nor that of a program of the user's own, which keeps a directory for its files."""
        program = os.path.join(os.path.dirname(gb.GHOSTBRIDGE), "own-misdeed")
        for text in (P2P, OWN.format(program=program)):
            report = self.record(text)
            before = set(glob.glob("/tmp/ghostbridge-replay-*"))
            path = os.path.join(report["dir"], "devices.pcapng")
            os.mkfifo(path)
            replaying = gb.start("replay", report["dir"], "--pcap")
            with open(path, "rb") as file:
                self.assertEqual(file.read(4), b"\x0a\x0d\x0d\x0a")
                replaying.kill()
                replaying.communicate(timeout=30)
            gb.wait_until(lambda seen=before: set(glob.glob("/tmp/ghostbridge-replay-*")) <= seen, 10,
                          "what the replay left to be removed")

    def test_difference_is_named(self):
        report, _ = self.run_scenario(gb.scenario_path("csma-pair.yaml"), "--record")
        path = os.path.join(report["dir"], "boundary.pcapng")
        with open(path, "rb") as file:
            data = bytearray(file.read())
        # One bit of the last ping that entered: what leaves has another hash then.
        at = data.rfind(bytes(range(0x30, 0x38)))
        self.assertGreater(at, 0)
        data[at] ^= 1
        with open(path, "wb") as file:
            file.write(data)
        status, result, _ = replay(report["dir"])
        self.assertEqual(status, 1)
        self.assertFalse(result["identical"])
        self.assertRegex(result["first_difference"], r"after \d+ equal frames, recorded h[12]\.eth0: \d+ bytes at")
        self.assertIn("ICMP", result["first_difference"])

    def test_diff(self):
        report = self.record(P2P)
        again, slow = os.path.join(self.dir, "again"), os.path.join(self.dir, "slow")
        self.assertEqual(gb.command("replay", report["dir"], "--out", again).returncode, 0)
        self.assertEqual(gb.command("replay", report["dir"], "--set", "wan.delay=30ms", "--out", slow).returncode, 0)
        done = gb.command("diff", report["dir"], again)
        self.assertEqual((done.returncode, done.stdout.splitlines()[0]), (0, "the same"))
        done = gb.command("diff", report["dir"], slow, "--json")
        self.assertEqual(done.returncode, 1)
        found = json.loads(done.stdout)
        self.assertIn("left at", found["first_difference"]["a"])
        # 20 ms more, and nothing else.
        for port in found["ports"].values():
            self.assertAlmostEqual(port["b"]["delay_us"]["mean"] - port["a"]["delay_us"]["mean"], 20000, delta=1)
            self.assertEqual(port["a"]["vanished"], port["b"]["vanished"])
        self.assertGreater(sum(port["a"]["vanished"] for port in found["ports"].values()), 0)
        for name, port in found["ports"].items():
            self.assertEqual(sum(port["a"]["drops"].values()),
                             sum(sum(way["drops"].values()) for one in report["ports"] if one["port"] == name
                                 for way in (one["up"], one["down"])))
        self.assertRegex(gb.command("diff", report["dir"], slow).stdout, r"; dropped \d+ ")

    def test_bad_recordings(self):
        report = self.record(P2P)
        path = os.path.join(report["dir"], "boundary.pcapng")
        with open(path, "rb") as file:
            data = file.read()

        def check(content, said, status=2):
            with open(path, "wb") as file:
                file.write(content)
            for verb in (["replay", report["dir"]], ["diff", report["dir"], report["dir"]]):
                done = gb.command(*verb)
                self.assertEqual(done.returncode, status if verb[0] == "replay" else min(status, 2), done.stderr)
                self.assertIn(said, done.stderr)

        check(b"hello", "no pcapng")
        check(data[:60], "ends within its header")
        check(data.replace(b"schema=1", b"schema=7"), "schema is 7")
        check(data.replace(b"ghostbridge-scenario", b"ghostbridge-scenarix"), "no scenario")
        check(data.replace(b"ghostbridge-recording", b"ghostbridge-recordinx"), "not a recording of ghostbridge")
        # Times and counts that a ghost would wait for: the last frame moved far away, and a count nobody gets to.
        end = data.rfind(b"GBE1")
        ghost, kind, time, events = struct.unpack_from("<IIQQ", data, end + 4)
        self.assertEqual((ghost, kind), (0, 6))
        self.assertGreater(events, 1000)
        at = [at for at, kind in blocks(data) if kind == 6][-1] + 12
        check(data[:at + 3] + b"\x80" + data[at + 4:], "later than a year")
        check(data[:at + 2] + b"\x01" + data[at + 3:], "comes before what is in front of it")
        check(data[:end + 12] + bytes(8) + data[end + 20:], "comes before what is in front of it")
        with open(path, "wb") as file:
            file.write(data[:end + 27] + b"\x80" + data[end + 28:])
        status, result, _ = replay(report["dir"], timeout=60)
        self.assertEqual(status, 1)
        self.assertIn(f"ghost 0 ended after {events} events", result["first_difference"])
        with open(path, "wb") as file:
            file.write(data.replace(b"ns-3=3.37", b"ns-3=3.36"))
        done = gb.command("replay", report["dir"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("recorded with ns-3 3.36", done.stderr)
        with open(path, "wb") as file:
            file.write(data.replace(b"kind: p2p", b"kind: pxp"))
        done = gb.command("replay", report["dir"])
        self.assertEqual(done.returncode, 2)
        self.assertIn("scenario:", done.stderr)
        with open(path, "wb") as file:
            file.write(data)
        os.unlink(os.path.join(report["dir"], "digest.json"))
        status, result, _ = replay(report["dir"])
        self.assertEqual((status, result["first_difference"]), (4, ""))
        self.assertIn("the run was killed", result["incomplete"])
        os.unlink(path)
        self.assertIn("--record", gb.command("replay", report["dir"]).stderr)


if __name__ == "__main__":
    gb.main()
