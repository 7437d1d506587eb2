# SPDX-License-Identifier: GPL-2.0-only
"""Least rights, and a host that an experiment does not touch."""
import os

import gb

SCENARIO = """
ghostbridge: 1
nodes: {h1: {attach: tap}, h2: {}}
links: {lan: {kind: csma, rate: 100Mbps, subnet: 10.0.0.0/24, ends: [h1, h2]}}
"""


def proc_status(pid):
    """/proc/PID/status as a dictionary."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


class Rights(gb.Case):
    def test_shuttle_and_ghost(self):
        self.up(SCENARIO, "gbt-rights")
        (ghost,) = self.status("gbt-rights")["ghosts"]
        uids = set()
        for which in ("simulator", "shuttle"):
            with self.subTest(process=which):
                status = proc_status(ghost[which]["pid"])
                uid = status["Uid"].split()
                self.assertEqual(len(set(uid)), 1, "real, effective, saved and file system uid differ")
                self.assertNotEqual(uid[0], "0")
                self.assertEqual(len(set(status["Gid"].split())), 1)
                self.assertNotEqual(status["Gid"].split()[0], "0")
                self.assertEqual(status["Groups"].strip(), "")
                for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                    self.assertEqual(int(status[capabilities], 16), 0, capabilities)
                self.assertEqual(status["NoNewPrivs"], "1")
                self.assertEqual(status["Seccomp"], "2")
                uids.add(uid[0])
        self.assertEqual(len(uids), 2, "shuttle and ghost share a uid")

    def test_shuttle_holds_only_its_fds(self):
        self.up(SCENARIO, "gbt-fds")
        (ghost,) = self.status("gbt-fds")["ghosts"]
        pid = ghost["shuttle"]["pid"]
        targets = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        for target in targets:
            self.assertRegex(target, r"^(/dev/net/tun|/dev/null|socket:|anon_inode:|.*/logs/|pipe:|/memfd:)", targets)
        self.assertEqual(targets.count("/dev/net/tun"), 2)

    def test_containers(self):
        self.up(SCENARIO, "gbt-userns")
        for node in self.status("gbt-userns")["nodes"]:
            with self.subTest(node=node["name"]):
                status = proc_status(node["pid"])
                self.assertNotEqual(status["Uid"].split()[0], "0", "root of the container is root of the host")
                self.assertNotEqual(os.readlink(f"/proc/{node['pid']}/ns/user"), os.readlink("/proc/self/ns/user"))
        self.assertEqual(self.node("gbt-userns", "h1", "id", "-u"), "0\n")
        out = gb.command("exec", "gbt-userns", "h1", "--", "sh", "-c",
                         "cat /etc/shadow || touch /etc/x || touch /usr/x || echo refused")
        self.assertEqual(out.stdout, "refused\n")
        writable = self.node("gbt-userns", "h1", "sh", "-c", "for d in /tmp /run /root /var; do touch $d/x && echo $d; done")
        self.assertEqual(writable.split(), ["/tmp", "/run", "/root", "/var"])

    def test_privileged_on_request(self):
        self.up(SCENARIO.replace("attach: tap", "attach: tap, privileged: true"), "gbt-priv")
        pids = {node["name"]: node["pid"] for node in self.status("gbt-priv")["nodes"]}
        self.assertEqual(os.readlink(f"/proc/{pids['h1']}/ns/user"), os.readlink("/proc/self/ns/user"))
        self.assertNotEqual(os.readlink(f"/proc/{pids['h2']}/ns/user"), os.readlink("/proc/self/ns/user"))

    def test_no_way_to_the_host(self):
        self.up(SCENARIO, "gbt-island")
        self.assertEqual(self.node("gbt-island", "h1", "sh", "-c", "ip route").strip(),
                         "10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1")
        links = self.node("gbt-island", "h1", "ip", "-o", "link").splitlines()
        self.assertEqual([line.split(":")[1].split("@")[0].strip() for line in links], ["lo", "eth0"])


class HostUntouched(gb.Case):
    def test_before_during_after(self):
        before = gb.Host()
        self.up(SCENARIO, "gbt-host")
        self.node("gbt-host", "h1", "ping", "-c", "2", "-i", "0.2", "h2")
        during = gb.Host()
        for field in ("links", "addresses", "routes", "namespaces", "mounts", "sysctls"):
            self.assertEqual(getattr(before, field), getattr(during, field), field)
        gb.command("down", "gbt-host")
        self.assertEqual(self.leftovers(), [])


if __name__ == "__main__":
    gb.main()
