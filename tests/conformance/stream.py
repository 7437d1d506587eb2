#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A stream of numbered UDP packets inside containers, for the measurements of tests/conformance.

    stream.py send ADDRESS PACKETS/S PACKET-BYTES SECONDS
    stream.py receive SECONDS                               until so long after the first packet

Sizes are those of layer 3 (IPv4). Both print JSON: the sender the time of every packet sent, the receiver [number, sent,
arrived] of every packet, with the kernel's time of arrival; in ns of CLOCK_REALTIME, which containers of one host share.
"""
import json
import select
import socket
import struct
import sys
import time

PORT = 40002
SO_TIMESTAMPNS = 35
HEADERS = 28


def send(address, rate, size, seconds):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((address, PORT))
    # Resolve the address first: its answer is no part of the stream.
    sock.send(struct.pack("!QQ", 2**64 - 1, 0))
    time.sleep(0.5)
    fill = bytes(size - HEADERS - 16)
    interval = 1 / rate
    times = []
    start = time.monotonic()
    for number in range(int(rate * seconds)):
        left = start + number * interval - time.monotonic()
        if left > 0:
            time.sleep(left)
        times.append(time.time_ns())
        sock.send(struct.pack("!QQ", number, times[-1]) + fill)
    json.dump(times, sys.stdout)


def receive(seconds):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind(("", PORT))
    packets = []
    end = None
    while end is None or time.monotonic() < end:
        ready, _, _ = select.select([sock], [], [], 30 if end is None else max(0, end - time.monotonic()))
        if not ready:
            break
        data, ancillary, _, _ = sock.recvmsg(2048, 64)
        if end is None:
            end = time.monotonic() + seconds
        number, sent = struct.unpack("!QQ", data[:16])
        arrived = struct.unpack("qq", ancillary[0][2][:16])
        if number != 2**64 - 1:
            packets.append((number, sent, arrived[0] * 10**9 + arrived[1]))
    json.dump(packets, sys.stdout)


if sys.argv[1] == "send":
    send(sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
else:
    receive(float(sys.argv[2]))
