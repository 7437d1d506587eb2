#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""How exact the delay of a link is, with and without lag: round trips over a segment of 10 ms beside 20 000 frames/s.

    lag.py [--svg FILE] [--count N] [--rounds N]

Prints quantiles of measured minus modelled round-trip time for `lag: 0s` and `lag: 1ms`, in turn, and the medians of
the rounds; draws the distribution of all. Beside each stands the machine's share: by how much a real-time process that
only sleeps until a given time, on the host and with nobody before it, woke late meanwhile, twice added up. A round trip
has at least two such waits, one before each of its frames is handed out, whatever simulates the delay.
Run as root on a machine that does nothing else.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("GHOSTBRIDGE_BIN", os.path.join(TREE, "build/bin"))
GHOSTBRIDGE = os.path.join(BIN, "ghostbridge")
RATE = 1e9
DELAY_NS = 10e6
DATA = 56
LOAD = 20000
SLEEP = 0.0053  # s; not in step with the round trips
QUANTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}

SCENARIO = """ghostbridge: 1
lag: {lag}
nodes: {{h1: {{attach: tap}}, h2: {{attach: tap}}, c1: {{attach: tap}}, c2: {{attach: tap}}}}
links: {{lan: {{kind: csma, rate: 1Gbps, delay: 10ms, subnet: 10.0.0.0/24, ends: [h1, h2, c1, c2]}}}}
"""


def model_ns():
    """Both ways: preamble, header, IP, ICMP, data and FCS at the link's rate, and the delay."""
    return 2 * ((8 + 14 + 20 + 8 + DATA + 4) * 8 / RATE * 1e9 + DELAY_NS)


def measure(lag, count, directory):
    """Errors of the round-trip times, and lateness of two waits of a real-time sleeper meanwhile: sorted, microseconds."""
    name = f"lag-{lag}"
    path = os.path.join(directory, f"{name}.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(SCENARIO.format(lag=lag))
    run = lambda *words: subprocess.run([GHOSTBRIDGE, *words], check=True, capture_output=True, text=True).stdout
    start = lambda node, *words: subprocess.Popen(
        [GHOSTBRIDGE, "exec", name, node, "--", "/run/scenario/gbload", *map(str, words)], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True)
    run("up", path, "--name", name, "--out", os.path.join(directory, f"out-{lag}"))
    try:
        run("exec", name, "h1", "--", "ping", "-c", "1", "h2")
        run("exec", name, "c1", "--", "ping", "-c", "1", "c2")
        seconds = count * model_ns() * 1.03 / 1e9  # one round trip at a time
        sink = start("c2", "receive", seconds + 1)
        sink.stdout.readline()
        load = start("c1", "send", "10.0.0.4", 64, LOAD, seconds + 1)
        sleeper = subprocess.Popen(["chrt", "-f", "1", os.path.join(directory, "gbload"), "wakes", str(seconds / SLEEP),
                                    str(int(SLEEP * 1e6))], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        out = start("h1", "rtt", "10.0.0.2", DATA, count, 5000).communicate()[0]
        late = sleeper.communicate()[0]
        load.communicate()
        sink.communicate()
        return (sorted((value - model_ns()) / 1000 for value in json.loads(out)["rtt_ns"]),
                two_waits([value / 1000 for value in json.loads(late)["late_ns"]]))
    finally:
        run("down", name)
        shutil.rmtree(os.path.join(directory, f"out-{lag}"))


def two_waits(late):
    """Sums of what each wait was late by and one of another time, half of all waits away: sorted."""
    half = len(late) // 2
    return sorted(one + late[(index + half) % len(late)] for index, one in enumerate(late))


def draw(results, path):
    """Share of round trips whose error is at most x, one curve per lag."""
    width, height, left, bottom, top = 720, 360, 60, 50, 20
    limit = 1000.0
    across = lambda us: left + (width - left - 20) * min(max(us, 0), limit) / limit
    up = lambda share: height - bottom - (height - bottom - top) * share
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
             'font-family="sans-serif" font-size="12">', f'<rect width="{width}" height="{height}" fill="white"/>']
    for us in range(0, int(limit) + 1, 100):
        parts.append(f'<line x1="{across(us):.1f}" y1="{up(0):.1f}" x2="{across(us):.1f}" y2="{up(1):.1f}" '
                     'stroke="#ddd"/>')
        parts.append(f'<text x="{across(us):.1f}" y="{up(0) + 18:.1f}" text-anchor="middle">{us}</text>')
    for percent in range(0, 101, 20):
        parts.append(f'<line x1="{left}" y1="{up(percent / 100):.1f}" x2="{width - 20}" y2="{up(percent / 100):.1f}" '
                     'stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{up(percent / 100) + 4:.1f}" text-anchor="end">{percent} %</text>')
    for (lag, errors), colour in zip(results.items(), ("#c33", "#26a")):
        points = " ".join(f"{across(error):.1f},{up((index + 1) / len(errors)):.1f}"
                          for index, error in enumerate(errors))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        row = list(results).index(lag)
        parts.append(f'<line x1="{width - 140}" y1="{250 + 20 * row}" x2="{width - 110}" y2="{250 + 20 * row}" '
                     f'stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{width - 100}" y="{254 + 20 * row}">lag: {lag}</text>')
    parts.append(f'<text x="{(left + width) / 2}" y="{height - 10}" text-anchor="middle">'
                 'measured minus modelled round-trip time, us</text></svg>')
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(parts) + "\n")


def quantiles(values):
    return {name: values[min(len(values) - 1, int(share * len(values)))] for name, share in QUANTILES.items()}


def show(lag, errors, late):
    line = lambda of: "  ".join(f"{name} {value:7.1f}" for name, value in of.items())
    print(f"lag {lag:4} {line(errors)}  two waits of a sleeper {line(late)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--svg")
    parser.add_argument("--count", type=int, default=1000, help="round trips in a round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("lag.py builds a lab: run as root")
    print(f"model {model_ns() / 1000:.1f} us; measured minus model, us, of {options.count} round trips:")
    directory = tempfile.mkdtemp(prefix="gblag-")
    os.chmod(directory, 0o755)  # containers look into it as another user
    shutil.copy(os.path.join(BIN, "gbload"), directory)
    rounds = {lag: [] for lag in ("0s", "1ms")}
    try:
        for _ in range(options.rounds):
            for lag, done in rounds.items():
                done.append(measure(lag, options.count, directory))
                show(lag, *map(quantiles, done[-1]))
    finally:
        shutil.rmtree(directory)
    print(f"medians of {options.rounds}:")
    for lag, done in rounds.items():
        both = ([quantiles(values[which]) for values in done] for which in (0, 1))
        show(lag, *({name: statistics.median(one[name] for one in several) for name in QUANTILES} for several in both))
    if options.svg:
        draw({lag: sorted(error for errors, _ in done for error in errors) for lag, done in rounds.items()},
             options.svg)


if __name__ == "__main__":
    main()
