# SPDX-License-Identifier: GPL-2.0-only
"""The user's own ns-3 programs, what they do wrong, and how whatever dies inside ns-3 is reported."""
import glob
import os
import re
import shutil
import signal
import stat
import subprocess
import unittest

import gb

MISDEED = os.path.join(os.path.dirname(gb.GHOSTBRIDGE), "own-misdeed")
STATION = os.path.join(os.path.dirname(gb.GHOSTBRIDGE), "own-station")
SCENARIO = """
ghostbridge: 1
ghost: {program}
nodes: {{h1: {{}}, h2: {{}}}}
links:
  seg: {{kind: ghost, subnet: 10.0.0.0/24, ends: [h1, h2]}}
steps:
  - {{name: ping, node: h1, run: {step}}}
"""
WIFI = """
ghostbridge: 1
ghost: [{program}]
nodes: {{ap: {{}}, sta: {{}}}}
links:
  air: {{kind: ghost, subnet: 10.0.0.0/24, ends: [ap, {{node: sta, name: wlan0}}]}}
fidelity: {{budget: 20ms}}
steps:
  - {{name: step, node: sta, run: {step}}}
"""
# From the first moment; a second MAC address at the station's interface; another one instead of its own.
ADDRESSES = ('"set -e; ping -c 1 -W 2 ap; ip link add m0 link wlan0 type macvlan mode bridge; ip link set m0 up; '
             'sysctl -qw net.ipv4.conf.all.arp_ignore=1; ip address add 10.0.0.9/24 dev m0; ping -c 1 -W 2 -I m0 ap; '
             'ip link del m0; ip link set wlan0 address 02:00:00:00:00:77; ping -c 1 -W 2 ap"')
PING = "ping -c 3 -i 0.2 h2"
WAIT = '"timeout 10 sh -c \\"until ping -c 1 -W 1 h2; do :; done\\"; sleep 0.6; true"'


class Own(gb.Case):
    def text(self, deed="none", step=PING):
        return SCENARIO.format(program=f"[{MISDEED}, {deed}]", step=step)

    def refused(self, deed, status, *expected):
        """The run ends before it began; standard error has all these texts in one line."""
        path = self.write(self.text(deed))
        done = gb.command("run", path, "--out", os.path.join(self.dir, "out-" + deed))
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.has_line(done.stderr, deed, expected)

    def has_line(self, stderr, deed, expected):
        lines = [line for line in stderr.splitlines() if all(text in line for text in expected)]
        self.assertTrue(lines, f"{deed}: no line with {expected} in:\n{stderr}")

    def broken(self, deed, *expected):
        """The run goes on without the program; the incident says why."""
        report, _ = self.run_scenario(self.write(self.text(deed, WAIT)), status=4)
        self.assertEqual(report["fidelity"]["verdict"], "fail")
        whats = [incident["what"] for incident in report["incidents"]]
        self.assertTrue([what for what in whats if all(text in what for text in expected)], f"{expected}: {whats}")
        return report

    def test_right(self):
        """Everything done right, although the program binds another engine and has events before the helper."""
        report, _ = self.run_scenario(self.write(self.text()))
        self.assertEqual(report["incidents"], [])
        link = report["links"][0]
        self.assertEqual(link["kind"], "ghost")
        self.assertTrue(link["conserved"])
        self.assertGreaterEqual(link["frames_out"], 6)
        self.assertNotIn("program", os.listdir(report["dir"]))

    def test_sandbox_and_files(self):
        """Sockets and processes are refused while it runs; files go into the run directory; the seed is ns-3's run."""
        report, _ = self.run_scenario(self.write(self.text("sandbox", '"ping -c 4 -i 0.2 h2"') + "seed: 7\n"))
        with open(os.path.join(report["dir"], "program", "trace.txt"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "socket refused, fork refused, run 7\n")

    def test_rights(self):
        """The program runs as the ghost's user, without capabilities."""
        self.up(self.text(), "gbt-own-rights")
        pids = [pid for pid, line in gb.processes().items() if line.startswith(MISDEED)]
        self.assertEqual(len(pids), 1)
        with open(f"/proc/{pids[0]}/status", encoding="utf-8") as file:
            status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
        self.assertEqual(status["Uid"].split(), [str(0x67620002)] * 4)
        self.assertEqual(int(status["CapEff"], 16) | int(status["CapBnd"], 16), 0)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(status["Seccomp"], "2")
        self.down("gbt-own-rights")

    def test_recording(self):
        """What crosses the boundary is recorded, and the program does the same again."""
        report, _ = self.run_scenario(self.write(self.text()), "--record")
        self.assertTrue(os.path.getsize(os.path.join(report["dir"], "boundary.pcapng")) > 1000)
        done = gb.command("replay", report["dir"])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("identical", done.stdout)

    def test_recording_of_another_program(self):
        """A replay says when the program is not the one that was recorded."""
        program = os.path.join(self.dir, "own")
        shutil.copy(MISDEED, program)
        report, _ = self.run_scenario(self.write(SCENARIO.format(program=f"[{program}, none]", step=PING)), "--record")
        self.assertEqual(gb.command("replay", report["dir"]).stderr, "")
        with open(program, "ab") as file:
            file.write(b"built anew")
        done = gb.command("replay", report["dir"])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"warning: {program} is not the program that was recorded: it may do something else", done.stderr)
        self.assertNotIn("ns3-ghost", done.stderr)

    def test_station(self):
        """The run begins when a station is associated; whatever address its container sends from is translated."""
        program = f"{STATION}, --await=time"
        report, _ = self.run_scenario(self.write(WIFI.format(program=program, step=ADDRESSES)), "--record")
        self.assertEqual(report["incidents"], [])
        self.assertEqual(report["links"][0]["drops"], {})
        with open(os.path.join(report["dir"], "logs", "ghost-0.log"), encoding="utf-8") as file:
            self.assertEqual(re.findall("asked at (.*) s", file.read()), ["2", "3"])
        done = gb.command("replay", report["dir"])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("identical", done.stdout)

    def test_never_associated(self):
        """A station without a network has no carrier, or keeps the run from beginning."""
        for options, *expected in (
                ("--ssid=gone", "test.yaml:6:54: port sta.wlan0: its station is not associated after 10 s"),
                ("--await=never", "test.yaml:6:50: port ap.eth0: the program awaits it, and it is not ready after 10 s"),
                ("--await=nobody", 'the program waits for port "h9.eth7", which no link of kind ghost has; ')):
            path = self.write(WIFI.format(program=f"{STATION}, {options}", step="'true'"))
            done = gb.command("run", path, "--out", os.path.join(self.dir, "out" + options))
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.has_line(done.stderr, options, expected)
        report, _ = self.run_scenario(self.write(WIFI.format(
            program=f"{STATION}, --ssid=gone, --await=nothing", step="cat /sys/class/net/wlan0/carrier")))
        with open(os.path.join(report["dir"], "steps", "step.out"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "0\n")

    def test_processes(self):
        """Their number is limited, and the program lives on."""
        report, _ = self.run_scenario(self.write(self.text("forks")))
        with open(os.path.join(report["dir"], "program", "trace.txt"), encoding="utf-8") as file:
            text = file.read()
        self.assertRegex(text, r"^refused after \d+$")
        self.assertLess(int(text.split()[-1]), 512)

    def test_no_program(self):
        """A program that is not there, or cannot be executed, is an error of the scenario with its place."""
        path = self.write(SCENARIO.format(program="./nothing", step=PING))
        for verb in ("validate", "run"):
            done = gb.command(verb, path, *(["--out", os.path.join(self.dir, "out")] if verb == "run" else []))
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"{path}:3:8: ghost: there is no {self.dir}/./nothing; build the program", done.stderr)
        plain = os.path.join(self.dir, "plain")
        shutil.copy(MISDEED, plain)
        os.chmod(plain, stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH)
        done = gb.command("validate", self.write(SCENARIO.format(program="plain", step=PING)))
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r":3:8: ghost: .*/plain may not be executed by everybody; chmod a\+rx")

    def test_without_ghostbridge(self):
        """Started by hand, a program says what it wants."""
        done = subprocess.run([MISDEED], capture_output=True, text=True, check=False, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn("Name this program in a scenario, `ghost: ./own-misdeed`", done.stderr)

    def test_ports(self):
        """Devices and ports that do not fit: the place of the end, and what would be right."""
        self.refused("missing-port", 1, "test.yaml:6:54: port h2.eth0: the program installs no device there; add "
                     'helper.Install (node, device, "h2.eth0")')
        self.refused("extra-port", 1, "test.yaml:3:8: ghost: ", 'at port "h9.eth7", which no link of kind ghost has; '
                     "there are h1.eth0, h2.eth0")
        self.refused("other-node", 1, "test.yaml:6:54: port h2.eth0: the device given to Install () is not on the node")
        self.refused("twice", 1, "test.yaml:6:50: port h1.eth0: the program installs two devices at it")
        self.refused("one-device", 1, "test.yaml:6:54: port h2.eth0: the device is installed at another port already")

    def test_never_begins(self):
        self.refused("no-helper", 1, "test.yaml:3:8: ghost: ", "left with status 5 and has not made a GhostBridgeHelper")
        self.refused("no-run", 1, "test.yaml:3:8: ghost: ", "left with status 0 before it came to Simulator::Run ()")
        self.refused("attribute", 1, "test.yaml:3:8: ghost: ", 'ns-3: msg="Attribute name=Colour does not exist')

    def test_dies(self):
        """What ns-3 says when it gives up is in the report, with node, time and port."""
        place = r"test\.yaml:6:50: port h1\.eth0: at 0\.300000 s in node 0: "
        report = self.broken("fatal", 'ns-3: msg="the antenna fell off"', "own-misdeed.cc")
        self.assertRegex(report["incidents"][0]["what"], place)
        report = self.broken("abort", "ns-3: aborted. cond=", 'msg="five letters"')
        self.assertRegex(report["incidents"][0]["what"], place)
        report = self.broken("assert", "ns-3: assert failed. cond=", 'msg="six letters"')
        self.assertRegex(report["incidents"][0]["what"], place)
        report = self.broken("throw", "exception std::runtime_error: thrown away")
        self.assertRegex(report["incidents"][0]["what"], place)

    def test_crashes(self):
        report = self.broken("segv", "signal SIGSEGV")
        self.assertRegex(report["incidents"][0]["what"], r"test\.yaml:6:50: port h1\.eth0: at 0\.300000 s in node 0: ")
        # It dies at the same simulated time again and again, and is started again three times.
        self.assertEqual([incident["restarted"] for incident in report["incidents"]], [True] * 3 + [False])

    def test_ends_by_itself(self):
        """Simulator::Stop before the run is over ends the link, and the run is not called faithful."""
        report = self.broken("stop", "ended by itself while the run went on; let Simulator::Stop () come later")
        self.assertEqual(len(report["incidents"]), 1)
        self.assertFalse(report["incidents"][0]["restarted"])
        self.broken("leave", "the program left with status 3")
        # Whatever it prints last is in the report, and nothing of it commands the terminal.
        report = self.broken("garble", "which is no UTF-8")
        self.assertEqual([c for c in report["incidents"][0]["what"] if ord(c) < 32 or ord(c) == 127], [])

    def test_fails_at_end(self):
        """What goes wrong when the program writes its results is reported."""
        report, _ = self.run_scenario(self.write(self.text("at-end")), status=4)
        self.assertIn('msg="could not save the results"', report["incidents"][-1]["what"])

    def test_ns3_ghost_dies(self):
        """The same last words from ns3-ghost."""
        self.up("ghostbridge: 1\nnodes: {h1: {}, h2: {}}\nlinks: {lan: {kind: csma, rate: 1Mbps, subnet: 10.0.0.0/24, "
                "ends: [h1, h2]}}\n", "gbt-own-ghost")
        self.node("gbt-own-ghost", "h1", "ping", "-c", "1", "h2")
        pids = [pid for pid, line in gb.processes().items() if line.startswith("ns3-ghost") and "gbt-own-ghost" in line]
        self.assertEqual(len(pids), 1)
        os.kill(pids[0], signal.SIGFPE)
        gb.wait_until(lambda: self.status("gbt-own-ghost")["incidents"], what="the incident")
        what = self.down("gbt-own-ghost")["incidents"][0]["what"]
        self.assertTrue(re.search(r"at \d+\.\d+ s.*signal SIGFPE", what), what)


class Outside(gb.Case):
    def test_installed_package(self):
        """What docs/own-programs.md shows, and an example, built outside the tree against an installed ghostbridge."""
        prefix, docs, own = (os.path.join(self.dir, name) for name in ("prefix", "docs", "own"))
        tree_build = os.path.dirname(os.path.dirname(os.path.abspath(gb.GHOSTBRIDGE)))
        shutil.copytree(os.path.join(gb.TREE, "scenarios/own"), own)
        os.mkdir(docs)
        self.assertEqual(self.extract("docs/own-programs.md", docs), ["sim.cc", "CMakeLists.txt", "sim.yaml"])
        self.tool("cmake", "--install", tree_build, "--prefix", prefix)
        (config,) = glob.glob(prefix + "/**/ghostbridge-ns3.pc", recursive=True)
        os.environ["PKG_CONFIG_PATH"] = os.path.dirname(config)
        self.addCleanup(os.environ.pop, "PKG_CONFIG_PATH")
        flags = self.tool("pkg-config", "--cflags", "--libs", "ghostbridge-ns3").split()
        plain = os.path.join(docs, "plain")
        with subprocess.Popen(["c++", "-std=c++17", "-o", plain, os.path.join(docs, "sim.cc"), *flags]) as compiler:
            for source, target in ((docs, "sim"), (own, "own-csma")):
                build = os.path.join(source, "build")
                self.tool("cmake", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Debug")
                self.tool("cmake", "--build", build, "--target", target)
            self.assertEqual(compiler.wait(timeout=250), 0)
        sim, installed = os.path.join(docs, "sim.yaml"), os.path.join(prefix, "bin/ghostbridge")
        self.tool(installed, "run", sim, "--out", os.path.join(self.dir, "out"))
        for path, program in ((sim, plain), (gb.scenario_path("own-csma.yaml"), f"{own}/build/own-csma")):
            report, _ = self.run_scenario(path, "--set", f"ghost={program}")
            self.assertEqual(report["incidents"], [])

    def extract(self, page, directory):
        """The files in a page's code blocks, those that begin with a comment of their name; the names."""
        with open(os.path.join(gb.TREE, page), encoding="utf-8") as file:
            blocks = re.findall(r"^```(?:cpp|cmake|yaml)\n((?://|#) (\S+\.\w+)\n.*?)^```$", file.read(), re.M | re.S)
        for text, name in blocks:
            with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                file.write(text)
        return [name for _, name in blocks]

    def tool(self, *argv):
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=250)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout


if __name__ == "__main__":
    gb.main()
