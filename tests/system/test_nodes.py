# SPDX-License-Identifier: GPL-2.0-only
"""Nodes and links as a scenario describes them: interfaces, addresses, names, limits, daemons, root file systems."""
import json
import os
import shutil
import time

import gb

PAIR = """
ghostbridge: 1
nodes: {{h1: {{{h1}}}, h2: {{{h2}}}}}
links: {{lan: {{kind: csma, rate: 100Mbps, subnet: 10.0.0.0/24, ends: [h1, h2]}}}}
"""


def pair(h1="", h2="", more=""):
    return PAIR.format(h1=h1, h2=h2) + more


class Lab(gb.Case):
    def ping(self, name, node, target, *options, status=0):
        count = ("1", "1") if status else ("3", "2")  # nobody need wait for what does not come
        done = gb.command("exec", name, node, "--", "ping", "-c", count[0], "-W", count[1], "-i", "0.1", *options, target)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        if not status:
            self.assertIn(" 0% packet loss", done.stdout)
        return done

    def addresses(self, name, node):
        """{interface: ({address/prefix}, MAC)} of a container, without lo and link-local addresses."""
        found = {}
        for link in json.loads(self.node(name, node, "ip", "-j", "addr")):
            if link["ifname"] != "lo":
                found[link["ifname"]] = ({f"{a['local']}/{a['prefixlen']}" for a in link["addr_info"]
                                          if a["scope"] != "link"}, link["address"])
        return found

    def check_conserved(self, report):
        for link in report["links"]:
            self.assertTrue(link.get("conserved", link["kind"] == "wire"), link)


class Interfaces(Lab):
    def test_router(self):
        """Two links, and a container that routes between them because its sysctl says so."""
        for attach in ("tap", "bridge"):
            with self.subTest(attach=attach):
                name = f"gbt-router-{attach}"
                self.up(f"""
ghostbridge: 1
nodes:
  h1: {{attach: {attach}, start: ["ip route add default via 10.0.1.2"]}}
  r: {{attach: {attach}, sysctls: {{net.ipv4.ip_forward: 1}}}}
  h2: {{attach: {attach}, start: ["ip route add default via 10.0.2.1"]}}
links:
  a: {{kind: csma, rate: 100Mbps, subnet: 10.0.1.0/24, ends: [h1, r]}}
  b: {{kind: csma, rate: 10Mbps, subnet: 10.0.2.0/24, ends: [r, h2]}}
""", name)
                for node in ("h1", "h2"):
                    gb.wait_until(lambda: "default" in self.node(name, node, "ip", "route"), what="the route")
                done = self.ping(name, "h1", "10.0.2.2")
                self.assertIn("ttl=63", done.stdout)
                report = self.down(name)
                self.check_conserved(report)
                frames = {port["port"]: port["up"]["frames"] for port in report["ports"]}
                for port in ("h1.eth0", "r.eth0", "r.eth1", "h2.eth0"):
                    self.assertGreaterEqual(frames[port], 3, frames)

    def test_no_router_unasked(self):
        self.up("""
ghostbridge: 1
nodes: {h1: {}, r: {}, h2: {}}
links:
  a: {kind: csma, rate: 100Mbps, subnet: 10.0.1.0/24, ends: [h1, r]}
  b: {kind: csma, rate: 100Mbps, subnet: 10.0.2.0/24, ends: [r, h2]}
""", "gbt-norouter")
        self.assertEqual(self.node("gbt-norouter", "r", "cat", "/proc/sys/net/ipv4/ip_forward"), "0\n")

    def test_node_twice_on_one_link(self):
        name = "gbt-twice"
        self.up("""
ghostbridge: 1
nodes: {h1: {attach: tap}, h2: {}}
links: {lan: {kind: csma, rate: 100Mbps, subnet: 10.0.0.0/24, ends: [h1, h2, h1, {node: h2, name: second}]}}
""", name)
        self.assertEqual({key: value[0] for key, value in self.addresses(name, "h1").items()},
                         {"eth0": {"10.0.0.1/24"}, "eth1": {"10.0.0.3/24"}})
        self.assertEqual({key: value[0] for key, value in self.addresses(name, "h2").items()},
                         {"eth0": {"10.0.0.2/24"}, "second": {"10.0.0.4/24"}})
        for node, targets in (("h1", ("10.0.0.2", "10.0.0.4")), ("h2", ("10.0.0.1", "10.0.0.3"))):
            for target in targets:
                self.ping(name, node, target)
        report = self.down(name)
        self.assertEqual([port["port"] for port in report["ports"]], ["h1.eth0", "h2.eth0", "h1.eth1", "h2.second"])
        self.check_conserved(report)

    def test_hundred_ends(self):
        nodes = "".join(f"  n{i}: {{attach: {'tap' if i % 2 else 'bridge'}}}\n" for i in range(1, 101))
        ends = ", ".join(f"n{i}" for i in range(1, 101))
        began = time.monotonic()
        report, _ = self.run_scenario(self.write(f"""
ghostbridge: 1
name: gbt-hundred
nodes:
{nodes}
links: {{lan: {{kind: csma, rate: 1Gbps, subnet: 10.0.0.0/24, ends: [{ends}]}}}}
steps: [{{name: ping, node: n1, run: ping -c 5 -i 0.2 -W 2 n100}}]
expect: [{{step: ping, match: " 0% packet loss"}}]
"""))
        took = time.monotonic() - began
        (step,) = report["steps"]
        print(f"100 ends: ready after {report['ready_s']:.2f} s, undone "
              f"{took - report['ready_s'] - report['duration_s']:.2f} s after the last step")
        self.assertLess(took - step["ended_s"], 60)
        self.assertEqual(len(report["ports"]), 100)
        (link,) = report["links"]
        self.assertTrue(link["conserved"], link)
        self.assertEqual(link["copies"], 99 * link["transmitted"])
        self.assertEqual(link["received"], link["copies"])

    def test_wire(self):
        name = "gbt-wire"
        self.up("""
ghostbridge: 1
nodes: {h1: {}, h2: {attach: tap}}
links:
  direct:
    kind: wire
    mtu: 9000
    subnet: [10.0.0.0/24, "fd00::/64"]
    ends: [{node: h1, mac: "02:00:00:00:00:01"}, {node: h2, name: wire0, ip: [10.0.0.9/24, "fd00::9/64"]}]
""", name)
        self.assertEqual(self.status(name)["ghosts"], [], "nothing to simulate")
        self.assertEqual(self.addresses(name, "h1"), {"eth0": ({"10.0.0.1/24", "fd00::1/64"}, "02:00:00:00:00:01")})
        self.assertEqual(self.addresses(name, "h2")["wire0"][0], {"10.0.0.9/24", "fd00::9/64"})
        self.ping(name, "h1", "h2")
        self.ping(name, "h2", "fd00::1")
        self.ping(name, "h1", "h2", "-M", "do", "-s", "8972", "-4")
        self.ping(name, "h1", "h2", "-M", "do", "-s", "8973", "-4", status=1)
        self.assertEqual(self.down(name)["links"], [{"link": "direct", "kind": "wire"}])

    def test_mtu(self):
        """The longest packet passes unfragmented, one byte more does not leave."""
        for mtu in (68, 1280, 1500, 9000, 16000):
            name = f"gbt-mtu{mtu}"
            self.up(f"""
ghostbridge: 1
nodes: {{h1: {{attach: tap}}, h2: {{}}}}
links: {{lan: {{kind: csma, rate: 1Gbps, mtu: {mtu}, subnet: 10.0.0.0/24, ends: [h1, h2]}}}}
""", name)
            for node, target in (("h1", "h2"), ("h2", "h1")):
                with self.subTest(mtu=mtu, sender=node):
                    self.assertEqual(self.node(name, node, "cat", "/sys/class/net/eth0/mtu"), f"{mtu}\n")
                    self.ping(name, node, target, "-M", "do", "-s", str(mtu - 28))
                    self.ping(name, node, target, "-M", "do", "-s", str(mtu - 27), status=1)
                    if mtu >= 1280:
                        self.ping(name, node, target, "-s", str(3 * mtu))  # in fragments
            self.check_conserved(self.down(name))

    def test_addresses(self):
        name = "gbt-addresses"
        self.up("""
ghostbridge: 1
nodes: {h1: {}, h2: {attach: tap}, h3: {}}
links:
  a:
    kind: csma
    rate: 100Mbps
    subnet: [10.0.1.0/24, "fd00:1::/64"]
    ends:
      - h1
      - {node: h2, mac: "02:00:00:00:00:42", ip: [10.0.1.77/24, "fd00:1::77/64", 10.9.9.9/32]}
      - {node: h3, name: silent, ip: []}
  b: {kind: csma, rate: 100Mbps, subnet: 10.0.2.0/29, ends: [h2, h3]}
  six: {kind: csma, rate: 100Mbps, subnet: "fd00:6::/120", ends: [{node: h3, name: six0}, {node: h1, name: six0}]}
""", name)
        self.assertEqual(self.addresses(name, "h1"), {
            "eth0": ({"10.0.1.1/24", "fd00:1::1/64"}, "02:67:6b:ba:4d:55"),
            "six0": ({"fd00:6::2/120"}, self.addresses(name, "h1")["six0"][1])})
        h2, h3 = self.addresses(name, "h2"), self.addresses(name, "h3")
        self.assertEqual(h2["eth0"], ({"10.0.1.77/24", "fd00:1::77/64", "10.9.9.9/32"}, "02:00:00:00:00:42"))
        self.assertEqual(h2["eth1"][0], {"10.0.2.1/29"})
        self.assertEqual({key: value[0] for key, value in h3.items()},
                         {"silent": set(), "eth0": {"10.0.2.2/29"}, "six0": {"fd00:6::1/120"}})
        stated = {(node["name"], interface["name"]): (set(interface["addresses"]), interface["mac"])
                  for node in self.status(name)["nodes"] for interface in node["interfaces"]}
        for node in ("h1", "h2", "h3"):
            for interface, value in self.addresses(name, node).items():
                self.assertEqual(stated[node, interface], value)

        # Of several addresses a name means the one on a common link.
        def first(node, target, family):
            return self.node(name, node, "getent", f"ahosts{family}", target).split()[0]
        self.assertEqual(first("h1", "h2", "v4"), "10.0.1.77")
        self.assertEqual(first("h1", "h2", "v6"), "fd00:1::77")
        self.assertEqual(first("h3", "h2", "v4"), "10.0.2.1", "an address without a way to it")
        self.assertEqual(first("h2", "h3", "v4"), "10.0.2.2")
        self.assertEqual(first("h3", "h1", "v6"), "fd00:6::2")
        self.assertEqual(self.node(name, "h1", "cat", "/etc/hostname", check=False) and
                         self.node(name, "h1", "hostname"), "h1\n")
        self.ping(name, "h1", "h2", "-4")
        self.ping(name, "h1", "h2", "-6")
        self.ping(name, "h2", "h3", "-4")
        self.ping(name, "h1", "fd00:6::1")
        self.check_conserved(self.down(name))

    def test_names_per_link(self):
        """A name is the address on the link that two nodes share, wherever that link stands in the file."""
        name = "gbt-names"
        self.up("""
ghostbridge: 1
nodes: {h1: {}, h2: {}, h3: {}}
links:
  a: {kind: csma, rate: 100Mbps, subnet: 10.0.1.0/24, ends: [h1, h2]}
  b: {kind: wire, subnet: 10.0.2.0/24, ends: [h2, h3]}
""", name)
        for node, target, address in (("h1", "h2", "10.0.1.2"), ("h3", "h2", "10.0.2.1"), ("h2", "h1", "10.0.1.1"),
                                      ("h2", "h3", "10.0.2.2"), ("h1", "h3", "10.0.2.2"), ("h1", "h1", "10.0.1.1")):
            with self.subTest(node=node, target=target):
                self.assertEqual(self.node(name, node, "getent", "ahostsv4", target).split()[0], address)
        self.ping(name, "h1", "h2")
        self.ping(name, "h3", "h2")

    def test_promiscuous(self):
        name = "gbt-promiscuous"
        self.up("""
ghostbridge: 1
nodes: {h1: {}, h2: {}, all: {}, own: {}, tap: {attach: tap}}
links:
  lan:
    kind: csma
    rate: 100Mbps
    subnet: 10.0.0.0/24
    ends: [h1, h2, {node: all, promiscuous: true}, own, {node: tap, promiscuous: true}]
""", name)
        done = gb.command("exec", name, "h1", "--", "ping", "-q", "-c", "50", "-i", "0.01", "h2")
        self.assertIn(" 0% packet loss", done.stdout)
        # Not only at its port: in the container, too, past the Linux bridge before it.
        seen = {node: int(self.node(name, node, "cat", "/sys/class/net/eth0/statistics/rx_packets"))
                for node in ("all", "tap", "own")}
        self.assertGreaterEqual(seen["all"], 100)
        self.assertGreaterEqual(seen["tap"], 100)
        self.assertLess(seen["own"], 50)
        ports = {port["port"]: port["down"] for port in self.down(name)["ports"]}
        for port in ("all.eth0", "tap.eth0"):
            self.assertGreaterEqual(ports[port]["frames"], 100)
            self.assertNotIn("filtered", ports[port]["drops"])
        self.assertGreaterEqual(ports["own.eth0"]["drops"]["filtered"], 100)
        self.assertLess(ports["own.eth0"]["frames"], 50)

    def test_changed_mac(self):
        """A container whose MAC has changed gets what is for the new one, and its neighbour still doesn't."""
        for kind, ends in (("csma", "h1, h2, h3"), ("p2p", "h1, h2")):
            with self.subTest(kind=kind):
                name = f"gbt-newmac-{kind}"
                self.up(f"""
ghostbridge: 1
nodes: {{h1: {{}}, h2: {{attach: tap}}, h3: {{}}}}
links: {{lan: {{kind: {kind}, rate: 100Mbps, subnet: 10.0.0.0/24, ends: [{ends}]}}}}
""", name)
                for address in ("02:00:00:00:12:34", "02:00:00:00:12:35"):
                    for node, target in (("h1", "10.0.0.2"), ("h2", "10.0.0.1")):
                        other = "h2" if node == "h1" else "h1"
                        self.node(name, node, "sh", "-c", "ip link set eth0 down; ip link set eth0 address "
                                  f"{address[:-1]}{'a' if node == 'h1' else 'b'}; ip link set eth0 up")
                        self.node(name, other, "ip", "neigh", "flush", "all")
                        self.ping(name, node, target)
                report = self.down(name)
                self.check_conserved(report)
                ports = {port["port"]: port["down"] for port in report["ports"]}
                self.assertNotIn("filtered", ports["h1.eth0"]["drops"])
                self.assertNotIn("filtered", ports["h2.eth0"]["drops"])
                if kind == "csma":
                    self.assertGreaterEqual(ports["h3.eth0"]["drops"]["filtered"], 24)

    def test_speed(self):
        """A TAP has the link's rate; a veth, on a bridge or a wire, has what the kernel gives every veth."""
        name = "gbt-speed"
        self.up("""
ghostbridge: 1
nodes: {t1: {attach: tap}, t2: {attach: tap}, b1: {}}
links:
  slow: {kind: csma, rate: 10Mbps, ends: [t1, t2]}
  fast: {kind: csma, rate: 2.5Gbps, ends: [t1, b1]}
  crawl: {kind: csma, rate: 64kbps, ends: [t1, t2]}
  direct: {kind: wire, ends: [t1, b1]}
""", name)
        for node, interface, speed in (("t1", "eth0", 10), ("t2", "eth0", 10), ("t1", "eth1", 2500), ("t1", "eth2", 1),
                                       ("b1", "eth0", 10000), ("t1", "eth3", 10000), ("b1", "eth1", 10000)):
            with self.subTest(node=node, interface=interface):
                self.assertIn(f"Speed: {speed}Mb/s", self.node(name, node, "ethtool", interface))
                self.assertEqual(self.node(name, node, "cat", f"/sys/class/net/{interface}/speed"), f"{speed}\n")
        self.assertIn("Duplex: Half", self.node(name, "t1", "ethtool", "eth0"))

    def test_workers(self):
        text = """
ghostbridge: 1
workers: {workers}
nodes: {{h1: {{}}, h2: {{}}, h3: {{attach: tap}}}}
links:
  a: {{kind: csma, rate: 100Mbps, subnet: 10.0.1.0/24, ends: [h1, h2, h3]}}
  b: {{kind: csma, rate: 100Mbps, subnet: 10.0.2.0/24, ends: [h2, h3]}}
  c: {{kind: csma, rate: 100Mbps, subnet: 10.0.3.0/24, ends: [h3, h1]}}
"""
        for workers, ghosts in ((1, 1), (2, 2), (3, 3), (5, 3)):
            with self.subTest(workers=workers):
                name = f"gbt-workers{workers}"
                self.up(text.format(workers=workers), name)
                found = self.status(name)["ghosts"]
                self.assertEqual(len(found), ghosts)
                pids = {ghost[side]["pid"] for ghost in found for side in ("simulator", "shuttle")}
                self.assertEqual(len(pids), 2 * ghosts)
                for pid in pids:
                    self.assertTrue(os.path.isdir(f"/proc/{pid}"))
                for node, target in (("h1", "10.0.1.3"), ("h2", "10.0.2.2"), ("h3", "10.0.3.2")):
                    self.ping(name, node, target)
                report = self.down(name)
                self.assertEqual(len(report["links"]), 3)
                self.check_conserved(report)


class Containers(Lab):
    def test_cpus(self):
        """A busy loop gets the share of a CPU that the scenario gives it."""
        name = "gbt-cpus"
        self.up(pair("cpus: 0.3"), name)
        burn = ("import time\nend = time.monotonic() + 2\nwhile time.monotonic() < end: pass\n"
                "print(time.process_time())")
        share = float(self.node(name, "h1", "python3", "-c", burn)) / 2
        print(f"cpus: 0.3 gave {100 * share:.0f} % of a CPU")
        self.assertLess(share, 0.45)
        self.assertGreater(share, 0.12)

    def test_memory(self):
        name = "gbt-memory"
        self.up(pair("memory: 32MiB"), name)
        def allocate(node, mib):
            return gb.command("exec", name, node, "--", "python3", "-c", f"b = b'x' * ({mib} << 20); print(len(b))")
        self.assertEqual(allocate("h1", 10).stdout, f"{10 << 20}\n")
        done = allocate("h1", 100)
        self.assertEqual(done.returncode, 128 + 9, done.stdout + done.stderr)
        self.assertEqual(allocate("h2", 100).stdout, f"{100 << 20}\n", "a limit of the other node")
        self.assertEqual(allocate("h1", 10).returncode, 0, "the container lives on")

    def test_environment(self):
        report, _ = self.run_scenario(self.write(pair('env: {WORD: "two words", EMPTY: "", PATH2: "/x:/y"}', more="""
name: gbt-env
steps:
  - {name: mine, node: h1, run: 'echo "$WORD|${EMPTY-unset}|$PATH2"'}
  - {name: other, node: h2, run: 'echo "${WORD-unset}"'}
  - {name: home, node: h1, run: 'echo $HOME; pwd; hostname; tty; cat'}
""")))
        outputs = {}
        for step in report["steps"]:
            with open(os.path.join(report["dir"], "steps", step["name"] + ".out"), encoding="utf-8") as file:
                outputs[step["name"]] = file.read()
        self.assertEqual(outputs, {"mine": "two words||/x:/y\n", "other": "unset\n",
                                   "home": "/root\n/root\nh1\nnot a tty\n"})

    def test_sysctls(self):
        name = "gbt-sysctls"
        wanted = {"net.ipv4.ip_default_ttl": "42", "net.ipv4.conf.eth0.forwarding": "1",
                  "net.ipv6.conf.eth0.hop_limit": "7", "net.ipv4.tcp_congestion_control": "reno",
                  "kernel.msgmax": "4096", "kernel.domainname": "lab.test", "fs.mqueue.msg_max": "20"}
        host = gb.Host.read_sysctls()
        self.up(pair("sysctls: {" + ", ".join(f"{key}: {value}" for key, value in wanted.items()) + "}"), name)
        for key, value in wanted.items():
            path = "/proc/sys/" + key.replace(".", "/")
            with self.subTest(key=key):
                self.assertEqual(self.node(name, "h1", "cat", path).strip(), value)
                self.assertNotEqual(self.node(name, "h2", "cat", path).strip(), value)
        self.assertEqual(host, gb.Host.read_sysctls())
        self.assertIn("ttl=42", self.ping(name, "h2", "h1").stdout)

    def test_unknown_sysctl(self):
        done = gb.command("run", self.write(pair("sysctls: {net.ipv4.no_such_thing: 1}", more="name: gbt-nosysctl\n")),
                          "--out", os.path.join(self.dir, "out"))
        self.assertEqual(done.returncode, 3)
        self.assertIn("node 'h1': cannot set sysctl net.ipv4.no_such_thing", done.stderr)

    def test_what_only_the_host_knows(self):
        """A value that the kernel refuses is a mistake in the file all the same."""
        path = self.write(pair("sysctls: {net.ipv4.ip_default_ttl: banana}", more="name: gbt-known-late\n"))
        done = gb.command("run", path, "--out", os.path.join(self.dir, "out"))
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(path + ":3:24: node 'h1': sysctl net.ipv4.ip_default_ttl cannot be 'banana'; now it is '64'", done.stderr)

    def test_start(self):
        """Daemons run when the first step does, and are ended, politely first, at the end."""
        report, done = self.run_scenario(self.write(pair(
            'start: ["trap \'echo bye; exit\' TERM; echo up; sleep 4321.1 & wait", "setsid sleep 4321.2 & exit 0"]',
            'start: ["trap : TERM; while :; do sleep 4321.3; done", "echo oops >&2; exit 3"]', more="""
name: gbt-start
steps:
  - {name: there, node: h1, run: "pgrep -f 'sleep 4321[.]1' && pgrep -f 'sleep 4321[.]2'"}
  - {name: other, node: h2, run: "pgrep -f 'sleep 4321[.]3'"}
  - {name: not-there, node: h2, run: "pgrep -f 'sleep 4321[.]1'"}
expect:
  - {step: there, exit: 0}
  - {step: other, exit: 0}
  - {step: not-there, exit: 1}
""")))
        self.assertEqual(report["result"] == "fail", False)
        logs = {}
        for name in ("h1-start-0", "h1-start-1", "h2-start-0", "h2-start-1"):
            with open(os.path.join(report["dir"], "logs", name + ".log"), encoding="utf-8") as file:
                logs[name] = file.read()
        self.assertEqual(logs, {"h1-start-0": "up\nbye\n", "h1-start-1": "", "h2-start-0": logs["h2-start-0"],
                                "h2-start-1": "oops\n"})
        self.assertIn("h2: 'echo oops >&2; exit 3' ended with status 3", done.stderr)
        (incident,) = report["incidents"]
        self.assertIn("h2: 'echo oops >&2; exit 3' ended with status 3", incident["what"])
        self.assertFalse(incident["restarted"])
        self.assertEqual([line for line in gb.processes().values() if line.startswith("sleep 4321.")], [])

    def make_root(self):
        busybox = shutil.which("busybox")
        with open(busybox, "rb") as file:
            self.assertNotIn(b"ld-linux", file.read(4096), "a busybox without libraries")
        root = os.path.join(self.dir, "root")
        for name in ("bin", "dev", "etc", "proc", "root", "run", "sys", "tmp", "var"):
            os.makedirs(os.path.join(root, name))
        shutil.copy(busybox, os.path.join(root, "bin/busybox"))
        for applet in ("sh", "cat", "ls", "ping", "ip", "touch", "echo", "hostname", "id"):
            os.symlink("busybox", os.path.join(root, "bin", applet))
        for name, text in (("hosts", ""), ("marker", "mine\n")):
            with open(os.path.join(root, "etc", name), "w", encoding="ascii") as file:
                file.write(text)
        return root

    def test_rootfs(self):
        root = self.make_root()
        name = "gbt-rootfs"
        self.up(pair(f"rootfs: {root}", f"rootfs: {root}, attach: tap"), name)
        self.assertEqual(self.node(name, "h1", "cat", "/etc/marker"), "mine\n")
        self.assertEqual(self.node(name, "h2", "hostname"), "h2\n")
        self.assertEqual(self.node(name, "h1", "ls", "/").split(),
                         ["bin", "dev", "etc", "proc", "root", "run", "sys", "tmp", "var"])
        self.assertIn(" 0% packet loss", self.node(name, "h1", "ping", "-c", "2", "h2"))
        self.assertEqual(self.node(name, "h1", "sh", "-c", "touch /etc/x 2>/dev/null || echo refused"), "refused\n")
        self.assertEqual(self.node(name, "h1", "sh", "-c", "touch /tmp/x /root/x /var/x /run/x && echo fine"), "fine\n")
        self.assertEqual(gb.command("exec", name, "h1", "--", "python3").returncode, 127)
        self.down(name)
        self.assertEqual(sorted(os.listdir(root)), ["bin", "dev", "etc", "proc", "root", "run", "sys", "tmp", "var"])
        for place in ("dev", "proc", "root", "run", "sys", "tmp", "var"):
            self.assertEqual(os.listdir(os.path.join(root, place)), [], "something was left in the user's own tree")

    def test_bad_rootfs(self):
        root = self.make_root()
        os.rmdir(os.path.join(root, "sys"))
        for path, words in ((root, f"has no sys: run `mkdir {root}/sys`"), (self.dir + "/none", "cannot open rootfs")):
            with self.subTest(path=path):
                done = gb.command("run", self.write(pair(f"rootfs: {path}", more="name: gbt-badroot\n")), "--out", path + ".out")
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertIn(words, done.stderr)

    def test_scenario_directory(self):
        os.chmod(self.dir, 0o755)
        with open(os.path.join(self.dir, "data.txt"), "w", encoding="ascii") as file:
            file.write("of the scenario\n")
        name = "gbt-beside"
        self.up(pair(), name)
        for node in ("h1", "h2"):
            self.assertEqual(self.node(name, node, "cat", "/run/scenario/data.txt"), "of the scenario\n")
            self.assertEqual(self.node(name, node, "sh", "-c", "touch /run/scenario/x 2>/dev/null || echo refused"),
                             "refused\n")
        self.assertFalse(os.path.exists(os.path.join(self.dir, "x")))


class Experiment(Lab):
    def test_duplicate(self):
        name = "gbt-duplicate"
        self.up(pair(), name)
        pid = self.status(name)["pid"]
        for verb in ("run", "up"):
            done = gb.command(verb, self.write(pair()), "--name", name, cwd=self.dir)
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"an experiment called '{name}' is running", done.stderr)
            self.assertIn(f"ghostbridge down {name}", done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.dir, "runs")), "a run directory of what did not run")
        self.assertEqual(self.status(name)["pid"], pid)
        self.ping(name, "h1", "h2")

    def test_barrier_names_the_interface(self):
        out = os.path.join(self.dir, "out")
        done = gb.command("run", self.write(pair(h2='start: ["ip link set eth0 down"]', more="""
name: gbt-barrier
steps: [{node: h1, run: "true"}]
""")), "--out", out)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("h2.eth0 did not come up within 10 s", done.stderr)

    def test_steps(self):
        """Steps start at their time whatever the others do; a background step is ended with the run."""
        long = "a-step-with-a-name-of-31-letter"
        self.assertEqual(len(long), 31)
        report, _ = self.run_scenario(self.write(pair(more=f"""
name: gbt-steps
steps:
  - {{name: late, at: 1200ms, node: h1, run: "echo late"}}
  - {{name: behind, node: h2, run: "echo begun; exec sleep 1000", background: true}}
  - {{name: {long}, at: 300ms, node: h2, run: "sleep 0.5; echo long; echo err >&2"}}
  - {{at: 300ms, node: h1, run: "echo default"}}
  - {{name: soon, at: 600ms, node: h1, run: "kill -9 $$"}}
expect:
  - {{step: soon, exit: 137}}
  - {{step: {long}, match: "^long$"}}
""")))
        steps = {step["name"]: step for step in report["steps"]}
        self.assertEqual(list(steps), ["late", "behind", long, "step-4", "soon"])
        for name, at in (("late", 1.2), ("behind", 0), (long, 0.3), ("step-4", 0.3), ("soon", 0.6)):
            self.assertGreaterEqual(steps[name]["started_s"], at)
            self.assertLess(steps[name]["started_s"], at + 0.25, name)
        self.assertGreaterEqual(steps[long]["ended_s"] - steps[long]["started_s"], 0.5)
        self.assertEqual([steps[name]["exit"] for name in ("late", long, "step-4", "soon")], [0, 0, 0, 137])
        self.assertTrue(steps["behind"]["background"])
        self.assertEqual(steps["behind"]["ended"], "killed at end of run")
        self.assertGreaterEqual(steps["behind"]["ended_s"], steps["late"]["ended_s"])
        self.assertTrue(all(step["ok"] for step in report["steps"]))
        for name, stream, text in (("late", "out", "late\n"), ("behind", "out", "begun\n"), (long, "out", "long\n"),
                                   (long, "err", "err\n"), ("step-4", "out", "default\n")):
            with open(os.path.join(report["dir"], "steps", f"{name}.{stream}"), encoding="ascii") as file:
                self.assertEqual(file.read(), text)


if __name__ == "__main__":
    gb.main()
