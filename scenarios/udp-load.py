# SPDX-License-Identifier: GPL-2.0-only
"""Datagrams of 1400 bytes, sent by the clock without asking anybody, and counted by who sent them.

    udp-load.py send ADDRESS PORT RATE SECONDS
    udp-load.py count PORT SECONDS
"""
import collections
import json
import socket
import sys
import time

SIZE = 1400
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
begin = time.monotonic()
if sys.argv[1] == "send":
    rate, seconds = int(sys.argv[4]), int(sys.argv[5])
    for i in range(rate * seconds):
        time.sleep(max(0, begin + i / rate - time.monotonic()))
        udp.sendto(bytes(SIZE), (sys.argv[2], int(sys.argv[3])))
else:
    count = collections.Counter()
    udp.bind(("", int(sys.argv[2])))
    while (left := begin + int(sys.argv[3]) - time.monotonic()) > 0:
        udp.settimeout(left)
        try:
            count[udp.recvfrom(SIZE)[1][0]] += 1
        except TimeoutError:
            break
    print(json.dumps({socket.gethostbyaddr(address)[0]: number for address, number in count.items()}))
