#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What recording costs: the same segment with and without `--record`, side by side.

    record.py [--rounds N] [--dir DIR] [--out FILE.json] [--measures udp,tcp,sustained]

For each round, in alternating order: the highest rate of UDP frames with at most 0.1 % loss at 64, 512 and 1518 B, and TCP
goodput of one flow, for a second and for three, over a segment of 10 Gbit/s between two containers. Recordings are written
to DIR, which should be on the disk that runs are recorded to. Prints ratios, and whether they reach the target. The flow
of three seconds is measured a third time: not recorded, beside a program that writes as much to the same disk and does
nothing else, since what the disk alone takes can be got back by no recorder. Run as root on a machine that does nothing
else; takes about 4 minutes.
"""
import argparse
import ctypes
import json
import mmap
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import time

import bench

TARGET = 0.85  # of the rate without a recording, at least
SECONDS = 0.6
SUSTAINED_SECONDS = 1.5  # twice that for a flow
SUSTAINED = "tcp 3 s, Gbit/s"
WRITE_SIZE = 512 << 10  # as spool.h
HUGE_PAGE = 2 << 20


class Recorded(bench.Ghostbridge):
    """A lab, recorded or not; afterwards it has in `recordings` what became of them."""

    measures = {"udp", "tcp", "sustained"}

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


class BesideWriter(Recorded):
    """A lab that is not recorded, while somebody else writes to the disk what the last recording of a flow did."""

    measures = {"sustained"}

    def __init__(self, directory, recorded):
        super().__init__(directory, False)
        self.name = "writer"
        self.recorded = recorded
        self.process = None

    def __enter__(self):
        super().__enter__()
        rate = self.recorded.recordings[-1]["bytes"] / (2 * SUSTAINED_SECONDS + bench.OMITTED_SECONDS)
        self.process = multiprocessing.Process(target=write, args=(os.path.join(self.out, "written"), rate))
        self.process.start()
        return self

    def __exit__(self, *arguments):
        wrote = self.process.is_alive()
        self.process.terminate()
        self.process.join()
        super().__exit__(*arguments)
        if not wrote:
            raise RuntimeError("the program that only writes has ended: what was measured beside it means nothing")


def write(path, rate):
    """Write @rate B/s to a file until we are ended: as the recorder does, from a huge page past the page cache."""
    os.setsid()
    if os.path.exists("/proc/self/autogroup"):
        with open("/proc/self/autogroup", "w", encoding="ascii") as file:
            file.write("-11")
    os.setpriority(os.PRIO_PROCESS, 0, -11)
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    memory = mmap.mmap(-1, 2 * HUGE_PAGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_HUGEPAGE)
    memory.write(os.urandom(2 * HUGE_PAGE))
    # Room for two has one that is aligned.
    offset = -ctypes.addressof(ctypes.c_char.from_buffer(memory)) % HUGE_PAGE
    data = memoryview(memory)[offset:offset + WRITE_SIZE]
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_DIRECT, 0o600)
    begun = time.monotonic()
    written = 0
    while True:
        written += os.write(fd, data)
        time.sleep(max(0, begun + written / rate - time.monotonic()))


def mount_of(directory):
    """(device, type) of the file system that a directory is on."""
    return bench.run("findmnt", "-n", "-o", "SOURCE,FSTYPE", "-T", directory).split()


def stolen():
    """CPU seconds that the hypervisor has taken from this machine, all cores: disks of virtual machines take theirs there."""
    with open("/proc/stat", encoding="utf-8") as file:
        return int(file.readline().split()[8]) / os.sysconf("SC_CLK_TCK")


def measure(contestant, what):
    found = {}
    what = contestant.measures.intersection(what)
    contestant.began()
    tools = bench.Tools(contestant, SECONDS)
    if "udp" in what:
        for size in bench.SIZES:
            with contestant:
                found[f"udp {size} B, frames/s"] = tools.highest_rate(size)
    if "tcp" in what:
        with contestant:
            found["tcp 1 flow, Gbit/s"] = tools.tcp()
    if "sustained" in what:
        with contestant:
            intervals = bench.Tools(contestant, SUSTAINED_SECONDS).flow("-i", 0.1)["intervals"]
            found[SUSTAINED] = [one["sum"]["bits_per_second"] / 1e9 for one in intervals if not one["sum"]["omitted"]]
    contestant.ended()
    return found


def text(value):
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def row(key, one, other, more="", target=True):
    """Print a line of the table. Return: whether the ratio reaches the target."""
    missed = target and other / one < TARGET
    print(f"{key:26}{text(one):>10}{text(other):>12}{other / one:8.2f}   {more}{'   NOT REACHED' if missed else ''}")
    return not missed


def middle(values):
    """Mean of the middle half of what is sorted."""
    quarter = len(values) // 4
    return statistics.mean(values[quarter:len(values) - quarter])


def states(tenths):
    """The two speeds of a machine whose cores are shared with others: about a factor of two, for seconds at a time.
    From rates of tenths of a second; split where the variance within both parts is least. Of each part the middle half
    counts: between them are tenths in which the speed changed.
    Return: (slower, faster, share of the faster), or None if it has but one speed."""
    values = sorted(tenths)
    spread = lambda part: statistics.pvariance(part) * len(part)
    at = min(range(1, len(values)), key=lambda at: spread(values[:at]) + spread(values[at:]))
    slower, faster = middle(values[:at]), middle(values[at:])
    return (slower, faster, 1 - at / len(values)) if faster > 1.3 * slower and at < 0.95 * len(values) else None


def show_sustained(plain, collected):
    """A flow's rows: by rounds, and by tenths of a second in either state of the machine. Return: as show()."""
    means = {name: [statistics.mean(tenths) for tenths in values] for name, values in collected.items()}
    every = {name: states(sum(values, [])) for name, values in collected.items()}
    both = all(every.values())
    reached = True
    for name in (name for name in collected if name != plain):
        beside = "" if name == "recorded" else f"  ... beside a {name}"
        mean = statistics.median(means[name])
        each = " ".join(f"{one / other:.2f}" for one, other in zip(means[name], means[plain]))
        reached &= row(beside or SUSTAINED, statistics.median(means[plain]), mean, each, not (both or beside))
        for index, state in enumerate(("slow", "fast") if both else ()):
            reached &= row(f"    cores {state}", every[plain][index], every[name][index],
                           f"{every[plain][2]:.0%} and {every[name][2]:.0%} of the time fast", not beside)
    return reached


def show(collected):
    """Print the table. Return: whether every ratio reaches the target."""
    reached = True
    print(f"{'':26}{'without':>10}{'recorded':>12}{'ratio':>8}   of each round")
    for key, values in collected["plain"].items():
        if key == SUSTAINED:
            reached &= show_sustained("plain", {name: found[key] for name, found in collected.items()})
            continue
        recorded = collected["recorded"][key]
        reached &= row(key, statistics.median(values), statistics.median(recorded),
                       " ".join(f"{one / other:.2f}" for one, other in zip(recorded, values)))
    return reached


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--dir", default="/var/tmp", help="where recordings are written (default: %(default)s)")
    parser.add_argument("--out", help="write JSON there")
    parser.add_argument("--measures", default="udp,tcp,sustained")
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
    what = set(options.measures.split(","))
    contestants = [Recorded(directory, False), Recorded(directory, True)]
    if "sustained" in what:
        contestants.append(BesideWriter(directory, contestants[1]))
    collected = {one.name: {} for one in contestants}
    begun = time.monotonic()
    try:
        for number in range(options.rounds):
            # Alternating order, so that a drift of the machine favours nobody.
            for one in contestants if number % 2 == 0 else reversed(contestants):
                print(f"round {number + 1}: {one.name}", file=sys.stderr, flush=True)
                for key, value in measure(one, what).items():
                    collected[one.name].setdefault(key, []).append(value)
    finally:
        shutil.rmtree(directory)
    reached = show(collected)
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
                       "file_system": kind, **collected, "recordings": recordings, "target": TARGET, "reached": reached,
                       "stolen_of_a_core": {one.name: one.stolen_s / one.busy_s for one in contestants}}, file, indent=1)
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
