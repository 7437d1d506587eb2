#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""How fast, beside what else there is: one run, one topology, medians over rounds in alternating order.

    bench.py [--quick] [--out FILE.json] [--only NAME,NAME] [--measures NAME,NAME]

Two hosts on one Ethernet segment of 10 Gb/s: through the kernel alone (veth, bridge, veth), through ns-3's own
TapBridge and FdNetDevice, through a process that copies frames from TAP to TAP and does
nothing else (round trips only: the least that any simulator takes), through ghostbridge with `attach: bridge`, with `attach: tap`, and with
a switch (Open vSwitch) at either side; and, without any host, through
ns-3 alone and through the wire alone. Run as root on a machine that does nothing else. Everything happens in network
namespaces that this program makes; the host's network is not touched.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("GHOSTBRIDGE_BIN", os.path.join(TREE, "build/bin"))
GHOSTBRIDGE = os.path.join(BIN, "ghostbridge")
CREATOR = "/usr/libexec/ns3/ns3.37-tap-creator"
SIZES = (64, 512, 1518)
LOSS = 0.001
OMITTED_SECONDS = 0.5  # of a TCP flow, before it counts
LOAD = 20000  # frames/s beside which round trips are measured


def run(*argv, **kwargs):
    return subprocess.run([str(word) for word in argv], check=True, capture_output=True, text=True, **kwargs).stdout


def cpu_seconds():
    """CPU time of the whole machine that was not idle."""
    with open("/proc/stat", encoding="utf-8") as file:
        ticks = list(map(int, file.readline().split()[1:9]))
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def process_cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory(pid):
    """Largest resident size so far, MiB."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) / 1024


class Namespaces:
    """Two hosts h1, h2 in namespaces of our own, each with a veth into a bridge."""
    name = "kernel"

    measures = None  # None: all

    def __init__(self):
        self.process = None

    def __enter__(self):
        for index, host in enumerate(("h1", "h2"), 1):
            run("ip", "netns", "add", host)
            run("ip", "link", "add", f"v{index}", "type", "veth", "peer", "name", "eth0", "netns", host)
            run("ip", "-n", host, "addr", "add", f"10.0.0.{index}/24", "dev", "eth0")
            run("ip", "-n", host, "link", "set", "eth0", "up")
            run("ip", "-n", host, "link", "set", "lo", "up")
            run("ip", "link", "set", f"v{index}", "up")
        self.connect()
        self.wait()
        return self

    def connect(self):
        self.bridge("sw0", "v1", "v2")

    @staticmethod
    def bridge(name, *ports):
        run("ip", "link", "add", "name", name, "type", "bridge", "forward_delay", 0, "mcast_snooping", 0)
        for port in ports:
            run("ip", "link", "set", "dev", port, "master", name)
        run("ip", "link", "set", name, "up")

    def wait(self):
        end = time.monotonic() + 10
        while subprocess.run(self.command("h1", "ping", "-c1", "-W1", "10.0.0.2"), capture_output=True,
                             check=False).returncode:
            if time.monotonic() > end:
                raise RuntimeError(f"{self.name}: no connection")

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            self.process.wait()
        for line in run("ip", "-o", "link", "show", "type", "bridge").splitlines():
            run("ip", "link", "del", line.split(":")[1].strip())
        for line in run("ip", "-o", "link", "show", "type", "tun").splitlines():
            run("ip", "link", "del", line.split(":")[1].strip())
        for host in ("h1", "h2"):
            run("ip", "netns", "del", host)
        # The kernel removes a namespace and its veths a little later.
        while run("ip", "-o", "link", "show", "type", "veth"):
            time.sleep(0.01)

    @staticmethod
    def command(host, *argv):
        return ["ip", "netns", "exec", host, *map(str, argv)]

    def pids(self):
        return [self.process.pid] if self.process else []


class Stock(Namespaces):
    """One of ns-3's own ways: a TAP beside each host's veth in a bridge, and a program of tests/bench."""

    def __init__(self, name):
        super().__init__()
        self.name = name

    def connect(self):
        for index in (1, 2):
            run("ip", "tuntap", "add", f"tap{index}", "mode", "tap")
            run("ip", "link", "set", f"tap{index}", "up")
            self.bridge(f"sw{index}", f"v{index}", f"tap{index}")
        self.process = subprocess.Popen([os.path.join(BIN, self.name), "tap1", "tap2"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)


class Copier(Namespaces):
    """The TAPs are the hosts' interfaces, and one process copies from each to the other."""
    name = "tapcopy"
    measures = {"rtt"}

    def connect(self):
        for index in (1, 2):
            run("ip", "link", "del", f"v{index}")
            run("ip", "tuntap", "add", f"tap{index}", "mode", "tap")
        self.process = subprocess.Popen([os.path.join(BIN, "tapcopy"), "tap1", "tap2"], stdout=subprocess.PIPE)
        self.process.stdout.readline()
        for index in (1, 2):
            run("ip", "link", "set", f"tap{index}", "netns", f"h{index}", "name", "eth0")
            run("ip", "-n", f"h{index}", "addr", "add", f"10.0.0.{index}/24", "dev", "eth0")
            run("ip", "-n", f"h{index}", "link", "set", "eth0", "up")


class Ghostbridge:
    """Ourselves."""
    measures = None

    def __init__(self, attach, directory):
        self.name = f"ghostbridge-{attach}"
        self.attach = attach
        self.directory = directory

    def scenario(self):
        return f"""ghostbridge: 1
nodes: {{h1: {{attach: {self.attach}}}, h2: {{attach: {self.attach}}}}}
links: {{lan: {{kind: csma, rate: 10Gbps, subnet: 10.0.0.0/24, ends: [h1, h2]}}}}
"""

    def __enter__(self):
        path = os.path.join(self.directory, f"{self.name}.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.scenario())
        out = tempfile.mkdtemp(dir=self.directory)
        run(GHOSTBRIDGE, "up", path, "--name", self.name, "--out", out)
        return self

    def __exit__(self, *_):
        run(GHOSTBRIDGE, "down", self.name)

    def command(self, host, *argv):
        return [GHOSTBRIDGE, "exec", self.name, host, "--", *map(str, argv)]

    def pids(self):
        (ghost,) = json.loads(run(GHOSTBRIDGE, "status", self.name, "--json"))["ghosts"]
        return [ghost["simulator"]["pid"], ghost["shuttle"]["pid"]]


class Switched(Ghostbridge):
    """Ourselves with an Open vSwitch switch at either side of the simulated link."""

    def __init__(self, directory):
        super().__init__("switch", directory)

    def scenario(self):
        return """ghostbridge: 1
nodes: {h1: {}, h2: {}, s1: {kind: switch}, s2: {kind: switch}}
links:
  w1: {kind: wire, ends: [{node: h1, ip: 10.0.0.1/24}, s1]}
  lan: {kind: csma, rate: 10Gbps, ends: [s1, s2]}
  w2: {kind: wire, ends: [{node: h2, ip: 10.0.0.2/24}, s2]}
"""

    def pids(self):
        status = json.loads(run(GHOSTBRIDGE, "status", self.name, "--json"))
        (ghost,) = status["ghosts"]
        return [ghost["simulator"]["pid"], ghost["shuttle"]["pid"],
                *(entry["pid"] for entry in status["switching"] if entry["name"] == "ovs-vswitchd")]


class Tools:
    """What is measured between h1 and h2 of a contestant."""

    def __init__(self, contestant, seconds):
        self.contestant = contestant
        self.seconds = seconds

    def start(self, host, *argv, **kwargs):
        return subprocess.Popen(self.contestant.command(host, *argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, text=True, **kwargs)

    def tool(self, host, *argv):
        return self.start(host, "/run/scenario/gbload" if isinstance(self.contestant, Ghostbridge)
                          else os.path.join(BIN, "gbload"), *argv)

    def offer(self, size, rate, seconds):
        """Offer UDP frames; (sent, received, rate really sent).

        What arrives later than a thirtieth of the trial after its end does not count, the share that RFC 2544's 2 s
        have in its 60 s: with more, an unbounded queue would pass for throughput.
        """
        receiver = self.tool("h2", "receive", seconds * 31 / 30, size)
        if receiver.stdout.readline() != "ready\n":
            raise RuntimeError(f"{self.contestant.name}: gbload does not run")
        sender = self.tool("h1", "send", "10.0.0.2", size, rate, seconds)
        sent = json.loads(sender.communicate()[0])
        received = json.loads(receiver.communicate()[0])
        return sent["sent"], received["received"], sent["rate"]

    def highest_rate(self, size):
        """RFC 2544 section 26.1: the highest rate at which at most LOSS of the frames are lost, by bisection."""
        _, _, fastest = self.offer(size, 0, self.seconds)
        low, high, best = 0.0, fastest * 1.02, 0.0
        for _ in range(6):
            rate = (low + high) / 2 if best or low else high
            # A hiccup of the machine must not end the search: a rate fails when it fails twice.
            for _ in range(2):
                sent, received, really = self.offer(size, rate, self.seconds)
                if received >= sent * (1 - LOSS):
                    break
            if received >= sent * (1 - LOSS):
                best = max(best, really)
                low = rate
                if rate == high:
                    break
            else:
                high = rate
                low = low or rate / 16
        return best

    def flow(self, *arguments):
        """What iperf3 says of a flow, after OMITTED_SECONDS that do not count."""
        server = self.start("h2", "iperf3", "-s", "-1", "--forceflush")
        while "listening" not in server.stdout.readline():
            if server.poll() is not None:
                raise RuntimeError("iperf3 -s ended")
        # Whole seconds: it would read 0.8 as 0, which is for ever.
        client = self.start("h1", "iperf3", "-c", "10.0.0.2", "-J", "-t", max(1, round(self.seconds * 2)),
                            "-O", OMITTED_SECONDS, *arguments)
        said = json.loads(client.communicate()[0])
        server.communicate()
        return said

    def tcp(self, *arguments):
        """Goodput of iperf3, Gbit/s; both directions added up."""
        end = self.flow(*arguments)["end"]
        total = end["sum_received"]["bits_per_second"]
        if "sum_received_bidir_reverse" in end:
            total += end["sum_received_bidir_reverse"]["bits_per_second"]
        return total / 1e9

    def round_trips(self, count):
        """Round-trip times of ICMP echo, one a millisecond, sorted, microseconds."""
        out = self.tool("h1", "rtt", "10.0.0.2", 56, count, 1000).communicate()[0]
        return sorted(value / 1000 for value in json.loads(out)["rtt_ns"])


def quantile(values, share):
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def measure(contestant, what, seconds):
    """{measure: value} of one round."""
    tools = Tools(contestant, seconds)
    found = {}
    if contestant.measures is not None:
        what = contestant.measures.intersection(what)
    if "udp" in what:
        for size in SIZES:
            found[f"udp {size} B, frames/s"] = tools.highest_rate(size)
    if "tcp" in what:
        found["tcp 1 flow, Gbit/s"] = tools.tcp()
        found["tcp 4 flows, Gbit/s"] = tools.tcp("-P", 4)
        found["tcp both ways, Gbit/s"] = tools.tcp("--bidir")
    if "rtt" in what:
        idle = tools.round_trips(int(1000 * seconds))
        load = tools.tool("h1", "send", "10.0.0.2", 64, LOAD, seconds * 2 + 1)
        busy = tools.round_trips(int(1000 * seconds))
        load.communicate()
        for name, values in (("idle", idle), (f"beside {LOAD} frames/s", busy)):
            for label, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)):
                found[f"rtt {name} {label}, us"] = quantile(values, share)
    if "cpu" in what:
        before = cpu_seconds()
        _, received, _ = tools.offer(64, LOAD, max(seconds, 2))
        found["cpu s per million frames"] = (cpu_seconds() - before) / received * 1e6
    if "memory" in what and contestant.pids():
        found["peak memory, MiB"] = sum(peak_memory(pid) for pid in contestant.pids())
    return found


def idle_containers(directory, seconds):
    """CPU of 100 idle attached containers: shuttle, ghost and daemon, per cent of one core."""
    name = "ghostbridge-idle"
    path = os.path.join(directory, f"{name}.yaml")
    nodes = [f"n{index}" for index in range(100)]
    # Quiet containers: the kernel's own IPv6 chatter would not be idle.
    quiet = '{attach: tap, sysctls: {net.ipv6.conf.all.disable_ipv6: "1", net.ipv6.conf.default.disable_ipv6: "1"}}'
    with open(path, "w", encoding="utf-8") as file:
        file.write("ghostbridge: 1\nnodes:\n" + "".join(f"  {node}: {quiet}\n" for node in nodes) +
                   f"links: {{lan: {{kind: csma, rate: 1Gbps, subnet: 10.0.0.0/24, ends: [{', '.join(nodes)}]}}}}\n")
    run(GHOSTBRIDGE, "up", path, "--name", name, "--out", tempfile.mkdtemp(dir=directory))
    try:
        status = json.loads(run(GHOSTBRIDGE, "status", name, "--json"))
        pids = [status["pid"], status["ghosts"][0]["simulator"]["pid"], status["ghosts"][0]["shuttle"]["pid"]]
        time.sleep(1)
        before = sum(map(process_cpu_seconds, pids))
        time.sleep(seconds)
        return (sum(map(process_cpu_seconds, pids)) - before) / seconds * 100
    finally:
        run(GHOSTBRIDGE, "down", name)


def alone(frames):
    """{measure: value} of ns-3 alone, and of the wire without TAPs, beside each other."""
    found = {}
    for size in SIZES:
        for scheduler, label in (("ns3::MapScheduler", "default list"), ("ns3::PriorityQueueScheduler", "its cheapest list")):
            out = json.loads(run(os.path.join(BIN, "ns3-alone"), size, frames, scheduler))
            found[f"ns-3 alone {size} B, {label}, frames/s"] = out["frames_per_s"]
        out = json.loads(run(os.path.join(BIN, "gbpump"), os.path.join(BIN, "ns3-ghost"), size, 1.5))
        found[f"wire alone {size} B, frames/s"] = out["frames_per_s"]
    out = json.loads(run(os.path.join(BIN, "ns3-alone"), 1518, frames, "ns3::PriorityQueueScheduler", "ack"))
    # What TCP could carry if nothing but ns-3 took time: 1448 bytes of data in a frame, an answer to every second.
    found["ns-3 alone, as tcp 1 flow, Gbit/s"] = out["frames_per_s"] * 1448 * 8 / 1e9
    return found


def enter_namespaces():
    """Go on in network and mount namespaces of our own."""
    if os.environ.get("GHOSTBRIDGE_BENCH") != "inside":
        os.environ["GHOSTBRIDGE_BENCH"] = "inside"
        os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, *sys.argv])
    run("ip", "link", "set", "lo", "up")
    os.makedirs("/run/netns", exist_ok=True)
    run("mount", "-t", "tmpfs", "netns", "/run/netns")


class CreatorPath:
    """Debian's libns3-tap-bridge looks for its helper where the package was built."""

    def __enter__(self):
        self.made = []
        library = "/usr/lib/x86_64-linux-gnu/libns3-tap-bridge.so.37"
        with open(library, "rb") as file:
            path = re.search(rb"/[ -~]+/ns3\.37-tap-creator", file.read())[0].decode()
        top = "/" + path.split("/")[1]
        if not os.path.exists(top):
            os.mkdir(top)
            self.made.append(top)
        run("mount", "-t", "tmpfs", "creator", top)
        os.makedirs(os.path.dirname(path))
        os.symlink(CREATOR, path)
        self.top = top
        return self

    def __exit__(self, *_):
        run("umount", self.top)
        for directory in self.made:
            os.rmdir(directory)


def table(results, names):
    """Text table: measures down, contestants across, ratio to TapBridge in brackets."""
    measures = []
    for name in names:
        measures += [key for key in results[name] if key not in measures]
    lines = [f"{'':36}" + "".join(f"{name:>24}" for name in names)]
    for key in measures:
        base = results.get("stock-tap-bridge", {}).get(key)
        cells = []
        for name in names:
            value = results[name].get(key)
            if value is None:
                cells.append(f"{'-':>24}")
                continue
            text = f"{value:.3g}" if value < 1000 else f"{value:.0f}"
            cells.append(f"{text + (f' ({value / base:.2f}x)' if base else ''):>24}")
        lines.append(f"{key:36}" + "".join(cells))
    return "\n".join(lines)


def ratios(results, name, base):
    """How much of the results of one contestant another one has, measure by measure."""
    found, bases = results.get(name, {}), results.get(base, {})
    return {key: value / bases[key] for key, value in found.items() if bases.get(key)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--out", help="write JSON there")
    parser.add_argument("--only", help="contestants, comma-separated")
    parser.add_argument("--measures", default="udp,tcp,rtt,cpu,memory,alone,idle")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench.py makes network namespaces: run as root")
    enter_namespaces()
    what = options.measures.split(",")
    rounds, seconds = (1, 0.35) if options.quick else (3, 0.6)
    directory = tempfile.mkdtemp(prefix="gbbench-")
    os.chmod(directory, 0o755)  # containers look into it as another user
    shutil.copy(os.path.join(BIN, "gbload"), directory)
    contestants = [Namespaces(), Stock("stock-tap-bridge"), Stock("stock-fd-net-device"), Copier(),
                   Ghostbridge("bridge", directory), Ghostbridge("tap", directory), Switched(directory)]
    if options.only:
        contestants = [one for one in contestants if one.name in options.only.split(",")]
    collected = {one.name: {} for one in contestants}
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"model name\s+: (.*)", file.read())[1]
    machine = {"cpu": model, "cores": os.cpu_count(), "kernel": os.uname().release, "load": os.getloadavg()[0],
               "date": time.strftime("%Y-%m-%d")}
    print(f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}, load {machine['load']:.2f}", flush=True)
    extra = {}
    try:
        with CreatorPath():
            for number in range(rounds):
                # Alternating order, so that a drift of the machine favours nobody.
                for one in contestants if number % 2 == 0 else reversed(contestants):
                    print(f"round {number + 1}: {one.name}", file=sys.stderr, flush=True)
                    with one:
                        for key, value in measure(one, what, seconds).items():
                            collected[one.name].setdefault(key, []).append(value)
                if "alone" in what:
                    for key, value in alone(60000 if options.quick else 300000).items():
                        extra.setdefault(key, []).append(value)
        if "idle" in what:
            extra["100 idle containers, % of one core"] = [idle_containers(directory, 2 if options.quick else 5)]
    finally:
        shutil.rmtree(directory)
    results = {name: {key: statistics.median(values) for key, values in found.items()}
               for name, found in collected.items()}
    print(table(results, [one.name for one in contestants]))
    print()
    switched = ratios(results, "ghostbridge-switch", "ghostbridge-tap")
    if switched:
        print("with switches, to without: " + ", ".join(f"{key} {value:.2f}x" for key, value in switched.items()) + "\n")
    for key, values in extra.items():
        print(f"{key:48}{statistics.median(values):14.4g}")
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump({"machine": machine, "rounds": rounds, "seconds": seconds, "results": collected,
                       "switches_to_tap": switched, "extra": extra}, file, indent=1)


if __name__ == "__main__":
    main()
