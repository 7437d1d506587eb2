# SPDX-License-Identifier: GPL-2.0-only
"""A small sFlow 5 collector for flow-export.yaml: sflow-collector.py PORT FILE

Counts the flow samples of UDP datagrams and scales them by the sampling rate (sFlow version 5, sflow.org, July 2004). FILE is
written again after every datagram that came in.
"""
import json
import os
import socket
import struct
import sys

FLOW_SAMPLE, RAW_HEADER, ETHERNET = 1, 1, 1


def words(data, offset, count):
    return struct.unpack_from(f"!{count}I", data, offset)


def is_udp(frame):
    """Whether the Ethernet frame holds a UDP datagram over IPv4 that is longer than iperf3's own messages."""
    return frame[12:14] == b"\x08\x00" and frame[23] == 17 and struct.unpack_from("!H", frame, 16)[0] > 500


def samples(datagram):
    """(sampling rate, frame) of every flow sample of a datagram."""
    version, family = words(datagram, 0, 2)
    if version != 5:
        raise ValueError(f"sFlow version {version}")
    at = 8 + (4 if family == 1 else 16)
    _, _, _, count = words(datagram, at, 4)
    at += 16
    for _ in range(count):
        kind, size = words(datagram, at, 2)
        at += 8
        if kind == FLOW_SAMPLE:
            _, _, rate, _, _, _, _, records = words(datagram, at, 8)
            record = at + 32
            for _ in range(records):
                form, length = words(datagram, record, 2)
                if form == RAW_HEADER:
                    protocol, _, _, header = words(datagram, record + 8, 4)
                    if protocol == ETHERNET:
                        yield rate, datagram[record + 24:record + 24 + header]
                record += 8 + length
        at += size


def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    figures = {"datagrams": 0, "samples": 0, "sampling": 0, "estimated_packets": 0}
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("", port))
    while True:
        datagram = receiver.recv(65536)
        figures["datagrams"] += 1
        for rate, frame in samples(datagram):
            if is_udp(frame):
                figures["samples"] += 1
                figures["sampling"] = rate
                figures["estimated_packets"] += rate
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(figures, file)
        os.replace(path + ".new", path)


if __name__ == "__main__":
    main()
