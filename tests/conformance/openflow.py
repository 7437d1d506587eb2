#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""OpenFlow switch tests against a switch behind simulated links, and against Open vSwitch without ghostbridge.

    openflow.py [--suite DIR] [--version of13] [--only GROUP,...] [--throughput] [--out FILE]

The cases are data in the format of the switch tests of Ryu and os-ken; os_ken/tests/switch/tester.py runs them: a
tester switch sends a frame over one of three links to the switch under test, and looks at what comes back, at what the
controller gets, and at the tables. DIR holds of10, of13 or of14 of that suite; by default it is what the environment
variable GHOSTBRIDGE_OPENFLOW_SUITE says. Without either, the few cases of tests/conformance/openflow are run. Cases
that measure a rate take half a minute each and are left out without --throughput.

Both sides get the same cases at the same time, in several pairs of switches side by side. Cases whose verdicts differ,
or that got no frame in time, are tried again on both sides with a second between them, and a case that passed once has
passed: it looks as if Open vSwitch confirmed a flow before its caches know of it, so that a frame that comes at once
meets the table of the case before, and rates depend on what else the machine does. Rows are ok if every case has the same verdict. Run as
root.
"""
import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
GHOSTBRIDGE = os.environ.get("GHOSTBRIDGE", os.path.join(TREE, "build/bin/ghostbridge"))
SUITE_VARIABLE = "GHOSTBRIDGE_OPENFLOW_SUITE"
PROTOCOLS = {"of10": "OpenFlow10", "of13": "OpenFlow13", "of14": "OpenFlow14"}
PAIRS = 6       # of switches
RATE_PAIRS = 4  # where rates are measured
RETRIES = 2
PORTS = (1, 2, 3)
LIMIT_S = 1800  # of one side


def dpid(number, i):
    """Of the switch under test (0) or the tester (1) of a pair."""
    return f"{number + 1:08x}{i:08x}"


def tester(cases, i, version, address, port, interval):
    """The command that runs a directory of cases with pair @i; it ends itself with a signal, as it always does."""
    name = PROTOCOLS[version].lower()
    return (f"timeout {LIMIT_S} osken-manager --ofp-listen-host {address} --ofp-tcp-listen-port {port} "
            f"--test-switch-dir {cases} --test-switch-target {dpid(0, i)} --test-switch-tester {dpid(1, i)} "
            f"--test-switch-target-version {name} --test-switch-tester-version {name} "
            f"--test-switch-interval {interval} os_ken.tests.switch.tester 2>&1; true")


# The cases

def read_cases(directory, groups, throughput):
    """[(group, description of the file, case)] of all files."""
    cases = []
    for path in sorted(glob.glob(os.path.join(directory, "**/*.json"), recursive=True)):
        group = os.path.relpath(path, directory).split(os.sep)[0]
        if groups and group not in groups:
            continue
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        title = content[0]
        for case in content[1:]:
            is_rate = any(isinstance(test["ingress"], dict) for test in case["tests"])
            if throughput or not is_rate:
                cases.append((group, title, case))
    return cases


def keys_of(cases):
    """A name for each case: several may have the same words."""
    seen = {}
    keys = []
    for _, title, case in cases:
        words = (title, case["description"].strip())
        seen[words] = seen.get(words, 0) + 1
        keys.append((*words, seen[words]))
    return keys


def write_cases(cases, directory, pairs):
    """Deal the files of cases out to directories 0, 1, ...; how many there are."""
    files = {}
    for group, title, case in cases:
        files.setdefault((group, title), [title]).append(case)
    loads = [0] * min(pairs, len(files))
    for i in range(len(loads)):
        os.makedirs(os.path.join(directory, str(i)))
    for number, content in enumerate(sorted(files.values(), key=len, reverse=True)):
        target = loads.index(min(loads))
        loads[target] += len(content)
        with open(os.path.join(directory, str(target), f"{number:03}.json"), "w", encoding="utf-8") as file:
            json.dump(content, file)
    for path, _, names in os.walk(directory):
        os.chmod(path, 0o755)
        for name in names:
            os.chmod(os.path.join(path, name), 0o644)
    return len(loads)


def read_log(text, titles):
    """{case: (verdict, reason)} of what the tester wrote."""
    verdicts = {}
    seen = {}
    title = None
    last = None
    for line in text.splitlines():
        found = re.match(r"    (\S.*\S)\s+(OK|ERROR)$", line)
        if line in titles:
            title = line
        elif found and title:
            words = (title, found.group(1).strip())
            seen[words] = seen.get(words, 0) + 1
            last = (*words, seen[words])
            verdicts[last] = (found.group(2), "")
        elif line.startswith("        ") and last and not verdicts[last][1]:
            verdicts[last] = (verdicts[last][0], line.strip())
        elif line.startswith("--- Test report"):
            break
    return verdicts


# The two sides

def scenario(version, count, interval):
    """@count pairs of switches with three simulated links, and a controller for each."""
    nodes, links, steps = "", "", ""
    for i in range(count):
        nodes += f"  c{i}: {{}}\n"
        for number, name in enumerate((f"target{i}", f"tester{i}")):
            subnet = f"10.{100 + number}.{i}"
            nodes += (f"  {name}: {{kind: switch, protocols: {PROTOCOLS[version]}, fail-mode: secure, "
                      f"dpid: \"{dpid(number, i)}\", controller: \"tcp:{subnet}.2:6653\"}}\n")
            links += (f"  m{number}-{i}: {{kind: wire, subnet: {subnet}.0/24, "
                      f"ends: [{{node: {name}, name: m{number}x{i}, management: true}}, c{i}]}}\n")
        for port in PORTS:
            kind = "p2p" if port == 2 else "csma"
            links += f"  l{port}-{i}: {{kind: {kind}, rate: 1Gbps, delay: 10us, ends: [target{i}, tester{i}]}}\n"
        command = tester(f"/run/scenario/{i}", i, version, "0.0.0.0", 6653, interval)
        steps += f"  - {{name: cases{i}, node: c{i}, run: {json.dumps(command)}}}\n"
    return f"ghostbridge: 1\nname: conf-openflow\nnodes:\n{nodes}links:\n{links}steps:\n{steps}"


def through_ghostbridge(cases, version, pairs, interval, directory):
    """What the tester wrote, with simulated links between the switches."""
    path = os.path.join(directory, "scenario.yaml")
    count = write_cases(cases, directory, pairs)
    with open(path, "w", encoding="utf-8") as file:
        file.write(scenario(version, count, interval))
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


def through_open_vswitch(cases, version, pairs, interval, directory):
    """What the tester wrote, with veth pairs between the switches, in a namespace without ghostbridge."""
    count = write_cases(cases, directory, pairs)
    done = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                           sys.executable, os.path.abspath(__file__), "--version", version,
                           "--plain", directory, str(count), str(interval)], capture_output=True,
                          text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RuntimeError(done.stdout + done.stderr)
    return [read_text(os.path.join(directory, f"{i}.log")) for i in range(count)]


def plain(version, directory, count, interval):
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
            command += ["--", "add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=netdev",
                        "fail_mode=secure", f"protocols={PROTOCOLS[version]}",
                        f"other_config:datapath-id={dpid(number, i)}"]
            for port in PORTS:
                name = f"{letter}{i}x{port}"
                command += ["--", "add-port", bridge, name, "--", "set", "interface", name, f"ofport_request={port}"]
            command += ["--", "set-controller", bridge, f"tcp:127.0.0.1:{6653 + i}"]
        run(*command)
        command = tester(os.path.join(directory, str(i)), i, version, "127.0.0.1", 6653 + i, interval)
        with open(os.path.join(directory, f"{i}.log"), "w", encoding="utf-8") as log:
            testers.append(subprocess.Popen(["sh", "-c", command], stdout=log, stdin=subprocess.DEVNULL))
    for process in testers:
        process.wait()


SIDES = {"ghostbridge": through_ghostbridge, "plain": through_open_vswitch}


def both(cases, version, pairs, interval):
    """{side: {case: (verdict, reason)}}; a case that says nothing has no entry."""
    titles = {title for _, title, _ in cases}
    results = {}
    with tempfile.TemporaryDirectory(prefix="conf-openflow-") as top:
        os.chmod(top, 0o755)

        def work(side):
            directory = os.path.join(top, side)
            os.mkdir(directory)
            try:
                verdicts = {}
                for text in SIDES[side](cases, version, pairs, interval, directory):
                    verdicts.update(read_log(text, titles))
                results[side] = verdicts
            except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
                results[side] = error
        threads = [threading.Thread(target=work, args=(side,)) for side in SIDES]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for side, result in results.items():
        if isinstance(result, Exception):
            sys.exit(f"{side}: {result}")
    return results


def compare(cases, version, pairs, interval):
    """As both(), with what may be otherwise tried again; and how many that were."""
    results = both(cases, version, pairs, interval)
    keys = keys_of(cases)
    retried = set()
    for _ in range(RETRIES):
        # All of the same words go together, so that they keep their numbers.
        words = {key[:2] for key in keys
                 if verdict(results, "ghostbridge", key) != verdict(results, "plain", key)
                 or any(results[side].get(key, ("", ""))[1].startswith("Receiving timeout") for side in SIDES)}
        again = [case for case, key in zip(cases, keys) if key[:2] in words]
        if not again:
            break
        for key in sorted(words - retried):
            print(f"tried again: {key[0]}: {key[1]}", file=sys.stderr)
        retried |= words
        for side, verdicts in both(again, version, pairs, 1).items():
            results[side].update({key: value for key, value in verdicts.items() if verdict(results, side, key) != "OK"})
    return results, len(retried)


def verdict(results, side, key):
    return results[side].get(key, ("no answer", ""))[0]


def report(cases, results, version, out):
    """A row for each group; whether both sides are the same."""
    keys = keys_of(cases)
    fine = True
    for group in sorted({group for group, _, _ in cases}):
        mine = [key for (of, _, _), key in zip(cases, keys) if of == group]
        passed = {side: [key for key in mine if verdict(results, side, key) == "OK"] for side in SIDES}
        same = all(verdict(results, "ghostbridge", key) == verdict(results, "plain", key) != "no answer"
                   for key in mine)
        fine &= same
        print(f"| {version} {group}: cases passed, of {len(mine)} | {len(passed['plain'])} (Open vSwitch alone) | "
              f"{len(passed['ghostbridge'])} | the same cases | {'ok' if same else 'OUT'} |", flush=True)
    if out:
        with open(out, "w", encoding="utf-8") as file:
            json.dump([{"group": group, "file": key[0], "case": key[1],
                        **{side: " ".join(results[side].get(key, ("no answer", ""))).strip() for side in SIDES}}
                       for (group, _, _), key in zip(cases, keys)], file, indent=1)
            file.write("\n")
    return fine


def main():
    parser = argparse.ArgumentParser(description="OpenFlow switch tests, beside Open vSwitch alone.")
    parser.add_argument("--suite", default=os.environ.get(SUITE_VARIABLE), help="directory with of10, of13, of14")
    parser.add_argument("--version", choices=PROTOCOLS, default="of13")
    parser.add_argument("--only", default="", help="these groups: action, group, match, meter")
    parser.add_argument("--throughput", action="store_true", help="also cases that measure a rate, 30 s each")
    parser.add_argument("--out", help="every case with both verdicts, as JSON")
    parser.add_argument("--plain", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plain:
        return plain(options.version, options.plain[0], int(options.plain[1]), int(options.plain[2]))
    if not shutil.which("osken-manager"):
        sys.exit("osken-manager is missing: run `apt-get install python3-os-ken`")
    own = not options.suite
    directory = os.path.join(options.suite or os.path.join(HERE, "openflow"), options.version)
    if own:
        print("the suite is not here, only the cases of this tree are run: --suite DIR, or the variable "
              f"{SUITE_VARIABLE}, says where ryu/tests/switch of Ryu's sources is (docs/openflow.md)", file=sys.stderr)
    groups = [name for name in options.only.split(",") if name]
    cases = read_cases(directory, groups, options.throughput or own)
    if not cases:
        sys.exit(f"no cases in {directory}")
    results, retried = compare(cases, options.version, RATE_PAIRS if options.throughput else PAIRS, 1 if own else 0)
    print(f"{len(cases)} cases, {retried} tried again", file=sys.stderr)
    fine = report(cases, results, options.version, options.out)
    if own:  # these are right on any Open vSwitch
        fine &= all(verdict(results, "ghostbridge", key) == "OK" for key in keys_of(cases))
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
