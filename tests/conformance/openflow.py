#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""OpenFlow switch tests against a switch behind simulated links, and against Open vSwitch without ghostbridge.

    openflow.py [--suite DIR] [--version of10,of13,...] [--only GROUP,...] [--rates] [--out FILE] [--list FILE]
                [--resume] [--for SECONDS] [--caches]

The cases are data in the format of the switch tests of Ryu and os-ken; os_ken/tests/switch/tester.py runs them: a
tester switch sends a frame over one of three links to the switch under test, and looks at what comes back, at what the
controller gets, and at the tables. openflow/tester.py says what is measured in another way here. DIR holds of10, of13
or of14 of that suite; by default it is what the environment variable GHOSTBRIDGE_OPENFLOW_SUITE says. Without either,
the few cases of tests/conformance/openflow are run. Cases that measure a rate take half a minute each and are left out
without --rates.

Both sides get the same cases at the same time (in turn those of the highest rates), in several pairs of switches side
by side, in portions. No case is tried twice, but one that measures a rate and has two verdicts: it gets two more tries
on both sides, and the majority counts.

A case begins with new tables, and a frame right behind them. Open vSwitch confirms a change of tables before the
caches of its datapath know of it, so that such a frame may still meet the tables of the case before. Therefore both
sides run with caches of no size (other_config:flow-limit=0): each frame is looked up in the tables themselves. Rates
are measured with caches; --caches leaves them on for all.

--out keeps every case with both verdicts as JSON, also when the run is broken off; --resume takes up what FILE has, and
runs the rest; --for begins no new portion after that time. --list writes a line for each case. Rows are ok if every
case has the same verdict. Run as root.
"""
import argparse
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
GHOSTBRIDGE = os.environ.get("GHOSTBRIDGE", os.path.join(TREE, "build/bin/ghostbridge"))
TESTER = os.path.join(HERE, "openflow/tester.py")
SUITE_VARIABLE = "GHOSTBRIDGE_OPENFLOW_SUITE"
PROTOCOLS = {"of10": "OpenFlow10", "of13": "OpenFlow13", "of14": "OpenFlow14", "of15": "OpenFlow15"}
# The suite has no cases for 1.5. In these groups those for 1.4 are valid as they are; meters and groups have other messages.
# The tester switch, which os-ken's tester cannot speak 1.5 with, has 1.3 then.
BORROWED = {"of15": ("of14", ("action", "match"), "of13")}
SIDES = ("plain", "ghostbridge")
PAIRS = 6          # of switches
PORTION = 300      # cases
RATE = 6000        # frames/s that all cases of a portion send, unless one case alone sends more
TRIES = 3          # of a rate with two verdicts
PORTS = (1, 2, 3)
QUEUE = "1000p"    # of a port, as long as that of a Linux interface: 100 Mbit/s leave a busy switch in bursts
LIMIT_S = 600      # of one portion
NO_CACHES = "Open_vSwitch . other_config:flow-limit=0"


def dpid(number, i):
    """Of the switch under test (0) or the tester (1) of a pair."""
    return f"{number + 1:08x}{i:08x}"


def version_of_tester(version):
    """What the tester switch speaks when the switch under test speaks @version."""
    return BORROWED[version][2] if version in BORROWED else version


def tester(directory, i, version, address, port):
    """The command that runs the cases of pair @i in @directory; it ends itself with a signal, as it always does."""
    return (f"timeout {LIMIT_S} osken-manager --ofp-listen-host {address} --ofp-tcp-listen-port {port} "
            f"--test-switch-dir {directory}/{i} --test-switch-target {dpid(0, i)} --test-switch-tester {dpid(1, i)} "
            f"--test-switch-target-version {PROTOCOLS[version].lower()} "
            f"--test-switch-tester-version {PROTOCOLS[version_of_tester(version)].lower()} "
            f"{directory}/tester.py 2>&1; true")


# The cases

class Case:
    """One case of the suite, and what came out."""

    def __init__(self, version, path, title, number, data):
        self.version, self.group, self.data = version, path.split(os.sep)[0], data
        self.words = f"{title}: {data['description'].strip()}"
        self.key = (version, path, number)
        self.rate = max((test["ingress"]["packets"].get("pktps", 1000) for test in data["tests"]
                         if isinstance(test["ingress"], dict)), default=0)
        self.tries = {side: [] for side in SIDES}   # (verdict, reason)

    def verdict(self, side):
        """What most tries say; "no answer" without any."""
        words = [verdict for verdict, _ in self.tries[side]]
        return max(words, key=words.count) if words else "no answer"

    def reason(self, side):
        """Why, or the figure that was measured."""
        verdict = self.verdict(side)
        return next((reason for said, reason in self.tries[side] if said == verdict), "")

    def is_same(self):
        """Whether both sides have the same verdict."""
        return self.verdict("plain") == self.verdict("ghostbridge") != "no answer"

    def is_done(self):
        """Whether nothing is left to try."""
        tries = min(len(self.tries[side]) for side in SIDES)
        return tries >= (1 if self.is_same() or not self.rate else TRIES)


def read_cases(directory, version, groups, rates):
    """All cases of a version."""
    cases = []
    source, valid, _ = BORROWED.get(version, (version, (), ""))
    for path in sorted(glob.glob(os.path.join(directory, source, "**/*.json"), recursive=True)):
        name = os.path.relpath(path, os.path.join(directory, source))
        group = name.split(os.sep)[0]
        if (groups and group not in groups) or (valid and group not in valid):
            continue
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        read = [Case(version, name, content[0], number, data) for number, data in enumerate(content[1:], 1)]
        cases += [case for case in read if rates or not case.rate]
    return cases


def portions(cases):
    """Lists of cases that are run at the same time: what measures no rate, then rates."""
    plain = [case for case in cases if not case.rate]
    parts = [plain[i:i + PORTION] for i in range(0, len(plain), PORTION)]
    for case in sorted((case for case in cases if case.rate), key=lambda case: case.rate):
        last = parts[-1] if parts and parts[-1][0].rate else None
        if last and len(last) < PAIRS and sum(other.rate for other in last) + case.rate <= RATE:
            last.append(case)
        else:
            parts.append([case])
    return parts


def write_cases(cases, directory):
    """Deal the cases out to directories 0, 1, ... in @directory; how many there are."""
    count = min(PAIRS, len(cases))
    for i in range(count):
        # A case is called by its number, so that what the tester writes is told apart.
        content = ["cases"] + [dict(case.data, description=f"case {number}")
                               for number, case in enumerate(cases) if number % count == i]
        os.makedirs(os.path.join(directory, str(i)))
        with open(os.path.join(directory, str(i), "cases.json"), "w", encoding="utf-8") as file:
            json.dump(content, file)
    shutil.copy(TESTER, os.path.join(directory, "tester.py"))
    for path, _, names in os.walk(directory):
        os.chmod(path, 0o755)
        for name in names:
            os.chmod(os.path.join(path, name), 0o644)
    return count


def read_log(text):
    """{number of the case: (verdict, reason)} of what the tester wrote."""
    verdicts = {}
    last = None
    for line in text.splitlines():
        words = line.split()
        if line.startswith("    case ") and len(words) == 3:
            last = int(words[1])
            verdicts[last] = (words[2], "")
        elif line.startswith("        ") and last is not None and not verdicts[last][1]:
            verdicts[last] = (verdicts[last][0], line.strip())
        elif line.startswith("--- Test report"):
            break
    return verdicts


# The two sides

def scenario(version, count, caches):
    """@count pairs of switches with three simulated links, and a controller for each."""
    nodes, links, steps = "", "", ""
    for i in range(count):
        nodes += f"  c{i}: {{}}\n"
        for number, name in enumerate((f"target{i}", f"tester{i}")):
            subnet = f"10.{100 + number}.{i}"
            configure = f", configure: \"set {NO_CACHES}\"" if not caches and i == number == 0 else ""
            protocol = PROTOCOLS[version_of_tester(version) if number else version]
            nodes += (f"  {name}: {{kind: switch, protocols: {protocol}, fail-mode: secure, "
                      f"dpid: \"{dpid(number, i)}\", controller: \"tcp:{subnet}.2:6653\"{configure}}}\n")
            links += (f"  m{number}-{i}: {{kind: wire, subnet: {subnet}.0/24, "
                      f"ends: [{{node: {name}, name: m{number}x{i}, management: true}}, c{i}]}}\n")
        for port in PORTS:
            kind = "p2p" if port == 2 else "csma"
            links += (f"  l{port}-{i}: {{kind: {kind}, rate: 1Gbps, delay: 10us, queue: {QUEUE}, "
                      f"ends: [target{i}, tester{i}]}}\n")
        command = tester("/run/scenario", i, version, "0.0.0.0", 6653)
        steps += f"  - {{name: cases{i}, node: c{i}, run: {json.dumps(command)}}}\n"
    return f"ghostbridge: 1\nname: conf-openflow\nnodes:\n{nodes}links:\n{links}steps:\n{steps}"


def through_ghostbridge(cases, version, caches, directory):
    """What the tester wrote, with simulated links between the switches."""
    path = os.path.join(directory, "scenario.yaml")
    count = write_cases(cases, directory)
    with open(path, "w", encoding="utf-8") as file:
        file.write(scenario(version, count, caches))
    out = os.path.join(directory, "out")
    done = subprocess.run([GHOSTBRIDGE, "run", path, "--out", out], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode not in (0, 4):
        raise RuntimeError(done.stdout + done.stderr)
    with open(os.path.join(out, "report.json"), encoding="utf-8") as file:
        report = json.load(file)
    uneven = [link["link"] for link in report["links"] if not link.get("conserved", True)]
    if uneven:
        raise RuntimeError(f"frames got lost without a cause on {uneven}")
    return [read_text(os.path.join(out, f"steps/cases{i}.out")) for i in range(count)]


def read_text(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def through_open_vswitch(cases, version, caches, directory):
    """What the tester wrote, with veth pairs between the switches, in a namespace without ghostbridge."""
    count = write_cases(cases, directory)
    done = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                           sys.executable, os.path.abspath(__file__), "--version", version,
                           "--plain", directory, str(count), *(["--caches"] if caches else [])], capture_output=True,
                          text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    return [read_text(os.path.join(directory, f"{i}.log")) for i in range(count)]


def plain(version, directory, count, caches):
    """Inside the namespaces, which end with this process and end everything in them."""
    env = dict(os.environ, OVS_RUNDIR=directory, OVS_DBDIR=directory, OVS_LOGDIR=directory)
    quiet = ("--no-chdir", "-vconsole:off", "-vsyslog:off")

    def run(*argv):
        subprocess.run(argv, check=True, env=env, stdout=subprocess.DEVNULL)
    database = os.path.join(directory, "conf.db")
    run("ovsdb-tool", "create", database, "/usr/share/openvswitch/vswitch.ovsschema")
    run("ip", "link", "set", "lo", "up")
    subprocess.Popen(["ovsdb-server", database, f"--remote=punix:{directory}/db.sock", *quiet], env=env)
    while not os.path.exists(f"{directory}/db.sock"):
        time.sleep(0.01)
    subprocess.Popen(["ovs-vswitchd", f"unix:{directory}/db.sock", *quiet], env=env)
    if not caches:
        run("ovs-vsctl", "-vsyslog:off", "-t", "30", "--no-wait", "set", *NO_CACHES.split())
    testers = []
    for i in range(count):
        for port in PORTS:
            names = (f"a{i}x{port}", f"b{i}x{port}")
            run("ip", "link", "add", names[0], "type", "veth", "peer", "name", names[1])
            for name in names:
                with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w", encoding="ascii") as file:
                    file.write("1")
                run("ip", "link", "set", name, "up")
        command = ["ovs-vsctl", "-vsyslog:off", "-t", "30"]
        for number, (bridge, letter) in enumerate(((f"target{i}", "a"), (f"tester{i}", "b"))):
            protocol = PROTOCOLS[version_of_tester(version) if number else version]
            command += ["--", "add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=netdev",
                        "fail_mode=secure", f"protocols={protocol}",
                        f"other_config:datapath-id={dpid(number, i)}"]
            for port in PORTS:
                name = f"{letter}{i}x{port}"
                command += ["--", "add-port", bridge, name, "--", "set", "interface", name, f"ofport_request={port}"]
            command += ["--", "set-controller", bridge, f"tcp:127.0.0.1:{6653 + i}"]
        run(*command)
        command = tester(directory, i, version, "127.0.0.1", 6653 + i)
        with open(os.path.join(directory, f"{i}.log"), "w", encoding="utf-8") as log:
            testers.append(subprocess.Popen(["sh", "-c", command], stdout=log, stdin=subprocess.DEVNULL))
    for process in testers:
        process.wait()


def run_portion(cases, caches):
    """Run @cases of one version on both sides, once."""
    results = {}
    with tempfile.TemporaryDirectory(prefix="conf-openflow-") as top:
        os.chmod(top, 0o755)

        def work(side, run):
            directory = os.path.join(top, side)
            os.mkdir(directory)
            try:
                results[side] = {}
                for text in run(cases, cases[0].version, caches or cases[0].rate > 0, directory):
                    results[side].update(read_log(text))
            except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
                results[side] = error
        threads = [threading.Thread(target=work, args=job)
                   for job in zip(SIDES, (through_open_vswitch, through_ghostbridge))]
        for thread in threads:
            thread.start()
            if cases[0].rate > RATE:  # this takes most of a machine
                thread.join()
        for thread in threads:
            thread.join()
    for side, verdicts in results.items():
        if isinstance(verdicts, Exception):
            sys.exit(f"{side}: {verdicts}")
        for number, case in enumerate(cases):
            case.tries[side].append(verdicts.get(number, ("no answer", "")))


# What comes out

def row(version, group, cases):
    """A row of the table; whether it is ok."""
    passed = {side: sum(case.verdict(side) == "OK" for case in cases) for side in SIDES}
    missing = sum(not case.is_done() for case in cases)
    differing = sum(case.is_done() and not case.is_same() for case in cases)
    said = f"{differing} differ" + (f", {missing} not run" if missing else "")
    fine = differing == missing == 0
    print(f"| {version} {group}: cases passed, of {len(cases)} | {passed['plain']} (Open vSwitch alone) | "
          f"{passed['ghostbridge']}, {said} | 0 differ | {'ok' if fine else 'OUT'} |", flush=True)
    return fine


def save(cases, path):
    """Every case that was run, as JSON; load() reads it."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump([{"version": case.version, "group": case.group, "file": case.key[1], "number": case.key[2],
                    "case": case.words, "tries": case.tries,
                    **{side: f"{case.verdict(side)} {case.reason(side)}".strip() for side in SIDES}}
                   for case in cases if any(case.tries.values())], file, indent=1)
        file.write("\n")
    os.replace(path + ".new", path)


def load(cases, path):
    """Take up what save() wrote."""
    known = {case.key: case for case in cases}
    with open(path, encoding="utf-8") as file:
        for entry in json.load(file):
            case = known.get((entry["version"], entry["file"], entry["number"]))
            if case:
                case.tries = {side: [tuple(one) for one in entry["tries"][side]] for side in SIDES}


def write_list(cases, path):
    """A line for each case: version, group, verdicts of both sides, words; what failed or was measured, below."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("version group verdict: Open vSwitch alone, through simulated links; file; case\n")
        for case in cases:
            verdicts = [case.verdict(side) for side in SIDES]
            file.write(f"{case.version} {case.group:6} {verdicts[0]:9} {verdicts[1]:9} "
                       f"{'' if case.is_same() else 'DIFFERENT '}{case.words}\n")
            for side, name in zip(SIDES, ("alone", "through")):
                if case.reason(side):
                    file.write(f"    {name}: {case.reason(side)[:300]}\n")


def main():
    parser = argparse.ArgumentParser(description="OpenFlow switch tests, beside Open vSwitch alone.")
    parser.add_argument("--suite", default=os.environ.get(SUITE_VARIABLE), help="directory with of10, of13, of14")
    parser.add_argument("--version", default=",".join(PROTOCOLS), help="these versions (default: all there are)")
    parser.add_argument("--only", default="", help="these groups: action, group, match, meter")
    parser.add_argument("--rates", action="store_true", help="also cases that measure a rate, 30 s each")
    parser.add_argument("--out", help="every case with both verdicts, as JSON")
    parser.add_argument("--list", help="every case with both verdicts, as text")
    parser.add_argument("--resume", action="store_true", help="run only what --out does not have yet")
    parser.add_argument("--for", dest="seconds", type=float, default=float("inf"),
                        help="begin no more portions after this time")
    parser.add_argument("--caches", action="store_true", help="leave the caches of Open vSwitch on for all cases")
    parser.add_argument("--plain", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plain:
        return plain(options.version, options.plain[0], int(options.plain[1]), options.caches)
    if not shutil.which("osken-manager"):
        sys.exit("osken-manager is missing: run `apt-get install python3-os-ken`")
    if options.resume and not options.out:
        parser.error("--resume needs --out FILE, where the cases that were run are")
    own = not options.suite
    directory = options.suite or os.path.join(HERE, "openflow")
    if own:
        print("the suite is not here, only the cases of this tree are run: --suite DIR, or the variable "
              f"{SUITE_VARIABLE}, says where ryu/tests/switch of Ryu's sources is (docs/openflow.md)", file=sys.stderr)
    versions = options.version.split(",")
    unknown = [version for version in versions if version not in PROTOCOLS]
    if unknown:
        parser.error(f"no version {unknown[0]}: one of {', '.join(PROTOCOLS)}")
    groups = [name for name in options.only.split(",") if name]
    cases = [case for version in versions for case in read_cases(directory, version, groups, options.rates or own)]
    if not cases:
        sys.exit(f"no cases in {directory}")
    if options.resume and os.path.exists(options.out):
        load(cases, options.out)
    start = time.monotonic()
    while True:
        left = [case for case in cases if not case.is_done()]
        if not left or time.monotonic() - start > options.seconds:
            break
        part = portions([case for case in left if case.version == left[0].version])[0]
        before = time.monotonic()
        run_portion(part, options.caches)
        print(f"{part[0].version}: {len(part)} cases in {time.monotonic() - before:.0f} s", file=sys.stderr, flush=True)
        if options.out:
            save(cases, options.out)
    if options.list:
        write_list(cases, options.list)
    rows = sorted({(case.version, case.group) for case in cases})
    fine = all([row(*which, [case for case in cases if (case.version, case.group) == which]) for which in rows])
    if own:  # these are right on any Open vSwitch
        fine &= all(case.verdict("ghostbridge") == "OK" for case in cases)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
