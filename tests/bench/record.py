#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What recording costs: the same segment with and without `--record`, side by side.

    record.py [--rounds N] [--dir DIR] [--out FILE.json] [--measures udp,tcp]

For each round, in alternating order: the highest rate of UDP frames with at most 0.1 % loss at 64, 512 and 1518 B, and TCP
goodput of one flow, over a segment of 10 Gbit/s between two containers. Recordings are written to DIR, which should be
on the disk that runs are recorded to. Prints ratios, and whether they reach the target. Run as root on a machine that
does nothing else; takes about 3 minutes.
"""
import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time

import bench

TARGET = 0.85  # of the rate without a recording, at least
SECONDS = 0.6


class Recorded(bench.Ghostbridge):
    """A lab, recorded or not; afterwards it has in `recordings` what became of them."""

    def __init__(self, directory, record):
        super().__init__("tap", directory)
        self.name = "recorded" if record else "plain"
        self.record = record
        self.recordings = []
        self.busy_s = self.stolen_s = 0.0

    def began(self):
        self.busy_s -= time.monotonic()
        self.stolen_s -= stolen()

    def ended(self):
        self.busy_s += time.monotonic()
        self.stolen_s += stolen()

    def __enter__(self):
        path = os.path.join(self.directory, f"{self.name}.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.scenario())
        self.out = tempfile.mkdtemp(dir=self.directory)
        bench.run(bench.GHOSTBRIDGE, "up", path, "--name", self.name, "--out", self.out,
                  *(["--record"] if self.record else []))
        return self

    def __exit__(self, *_):
        bench.run(bench.GHOSTBRIDGE, "down", self.name)
        if self.record:
            with open(os.path.join(self.out, "report.json"), encoding="utf-8") as file:
                self.recordings.append(json.load(file)["recording"])
        shutil.rmtree(self.out)
        # What is still to be written must not be a burden to the next one.
        os.sync()


def mount_of(directory):
    """(device, type) of the file system that a directory is on."""
    return bench.run("findmnt", "-n", "-o", "SOURCE,FSTYPE", "-T", directory).split()


def stolen():
    """CPU seconds that the hypervisor has taken from this machine, all cores: disks of virtual machines take theirs there."""
    with open("/proc/stat", encoding="utf-8") as file:
        return int(file.readline().split()[8]) / os.sysconf("SC_CLK_TCK")


def measure(contestant, what):
    found = {}
    contestant.began()
    tools = bench.Tools(contestant, SECONDS)
    if "udp" in what:
        for size in bench.SIZES:
            with contestant:
                found[f"udp {size} B, frames/s"] = tools.highest_rate(size)
    if "tcp" in what:
        with contestant:
            found["tcp 1 flow, Gbit/s"] = tools.tcp()
    contestant.ended()
    return found


def show(plain, recorded):
    """Print the table. Return: whether every ratio of medians reaches the target."""
    reached = True
    print(f"{'':24}{'without':>12}{'recorded':>12}{'ratio':>8}   of each round")
    for key, values in plain.items():
        ratio = statistics.median(recorded[key]) / statistics.median(values)
        reached &= ratio >= TARGET
        each = " ".join(f"{one / other:.2f}" for one, other in zip(recorded[key], values))
        text = lambda value: f"{value:.3g}" if value < 1000 else f"{value:.0f}"
        print(f"{key:24}{text(statistics.median(values)):>12}{text(statistics.median(recorded[key])):>12}{ratio:8.2f}"
              f"   {each}{'' if ratio >= TARGET else '   NOT REACHED'}")
    return reached


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--dir", default="/var/tmp", help="where recordings are written (default: %(default)s)")
    parser.add_argument("--out", help="write JSON there")
    parser.add_argument("--measures", default="udp,tcp")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("record.py builds labs: run as root")
    bench.enter_namespaces()
    directory = tempfile.mkdtemp(prefix="gbrecord-", dir=options.dir)
    os.chmod(directory, 0o755)  # containers look into it as another user
    shutil.copy(os.path.join(bench.BIN, "gbload"), directory)
    device, kind = mount_of(directory)
    print(f"{os.cpu_count()} cores, Linux {os.uname().release}, load {os.getloadavg()[0]:.2f}; recordings on {kind}"
          f"{', which is memory and no disk' if kind in ('tmpfs', 'ramfs') else ''}", flush=True)
    collected = {False: {}, True: {}}
    contestants = [Recorded(directory, False), Recorded(directory, True)]
    begun = time.monotonic()
    try:
        for number in range(options.rounds):
            # Alternating order, so that a drift of the machine favours nobody.
            for one in contestants if number % 2 == 0 else reversed(contestants):
                print(f"round {number + 1}: {one.name}", file=sys.stderr, flush=True)
                for key, value in measure(one, options.measures.split(",")).items():
                    collected[one.record].setdefault(key, []).append(value)
    finally:
        shutil.rmtree(directory)
    reached = show(collected[False], collected[True])
    recordings = contestants[1].recordings
    for recording in recordings:
        if not recording["complete"]:
            print(f"a recording is not complete: {recording['incomplete']}")
    complete = sum(recording["complete"] for recording in recordings)
    written = sum(recording["bytes"] for recording in recordings)
    print(f"recordings complete: {complete} of {len(recordings)}; {written / 1e9:.1f} GB, "
          f"{sum(recording['frames'] for recording in recordings)} frames")
    print("taken by the hypervisor: " + ", ".join(
        f"{one.name} {one.stolen_s / one.busy_s:.2f} of a core" for one in contestants))
    print(f"target, at least {TARGET:.0%} of the rate without: {'reached' if reached else 'NOT reached'}; "
          f"{time.monotonic() - begun:.0f} s")
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump({"date": time.strftime("%Y-%m-%d"), "rounds": options.rounds, "seconds": SECONDS,
                       "file_system": kind, "without": collected[False], "recorded": collected[True],
                       "recordings": recordings,
                       "stolen_of_a_core": {one.name: one.stolen_s / one.busy_s for one in contestants}, "target": TARGET, "reached": reached}, file, indent=1)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
