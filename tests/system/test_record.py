# SPDX-License-Identifier: GPL-2.0-only
"""Recording a run and simulating it again: the same frames leave at the same times, whatever the machine did."""
import json
import os
import resource
import shutil
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
        for _ in range(times):
            status, result, said = replay(report["dir"])
            self.assertEqual((status, result["first_difference"]), (0, ""), said)
            self.assertTrue(result["identical"])
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
        # What was changed is a recording, too, and repeats itself.
        self.assertEqual(replay(os.path.join(self.dir, "slow"))[:1], (0,))

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
        self.assertEqual(status, 4, said)
        self.assertIn("no end", said)
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

    def test_full_disk(self):
        """The run goes on, and everybody is told that the recording is not complete."""
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000000, 2000000))

        report, done = self.run_scenario(self.write(TWO_LINKS), "--record", preexec_fn=limit)
        self.assertFalse(report["recording"]["complete"])
        self.assertIn("File too large", report["recording"]["incomplete"])
        self.assertIn("NOT COMPLETE", done.stderr + done.stdout)
        with open(os.path.join(report["dir"], "digest.json"), encoding="utf-8") as file:
            self.assertFalse(json.load(file)["complete"])
        self.assertGreater(report["ports"][0]["up"]["frames"], 1000, "the path did not stall")
        status, result, _ = replay(report["dir"])
        self.assertEqual((status, result["first_difference"]), (4, ""))


if __name__ == "__main__":
    gb.main()
