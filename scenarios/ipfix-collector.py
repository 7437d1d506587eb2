# SPDX-License-Identifier: GPL-2.0-only
"""A small IPFIX collector for flow-export.yaml: ipfix-collector.py PORT FILE

Adds up what the records say of UDP to iperf3's port, where it came in and where it went out of the switch (IPFIX is RFC 7011;
elements are those of IANA's registry). FILE is written again after every message that came in.
"""
import json
import os
import socket
import struct
import sys

TEMPLATE_SET, OPTIONS_SET, VARIABLE, ENTERPRISE = 2, 3, 0xffff, 0x8000
OCTETS, PACKETS, PROTOCOL, DESTINATION_PORT, DIRECTION = 1, 2, 4, 11, 61
UDP, IPERF3 = 17, 5201


def read_templates(data, templates):
    at = 0
    while at + 4 <= len(data):
        ident, count = struct.unpack_from("!2H", data, at)
        at += 4
        fields = []
        for _ in range(count):
            element, size = struct.unpack_from("!2H", data, at)
            at += 4
            if element & ENTERPRISE:
                element = None
                at += 4
            fields.append((element, size))
        templates[ident] = fields


def records(data, fields):
    """{element: number} of every record of a set; padding is shorter than a record."""
    shortest = sum(1 if size == VARIABLE else size for _, size in fields)
    at = 0
    while at + shortest <= len(data):
        record = {}
        for element, size in fields:
            if size == VARIABLE:
                size = data[at]
                at += 1
                if size == 255:
                    size = struct.unpack_from("!H", data, at)[0]
                    at += 2
            if element:
                record[element] = int.from_bytes(data[at:at + size], "big")
            at += size
        yield record


def sets(message):
    version, length = struct.unpack_from("!2H", message)
    if version != 10 or length != len(message):
        raise ValueError(f"no IPFIX message: version {version}, length {length} of {len(message)}")
    at = 16
    while at + 4 <= length:
        ident, size = struct.unpack_from("!2H", message, at)
        if size < 4:
            raise ValueError(f"a set of {size} bytes")
        yield ident, message[at + 4:at + size]
        at += size


def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    figures = {"messages": 0, "unknown": 0, "in": {"packets": 0, "octets": 0}, "out": {"packets": 0, "octets": 0}}
    templates = {}
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("", port))
    while True:
        message = receiver.recv(65536)
        figures["messages"] += 1
        for ident, data in sets(message):
            if ident == TEMPLATE_SET:
                read_templates(data, templates)
            elif ident == OPTIONS_SET:
                pass
            elif ident not in templates:
                figures["unknown"] += 1
            else:
                for record in records(data, templates[ident]):
                    if record.get(PROTOCOL) == UDP and record.get(DESTINATION_PORT) == IPERF3:
                        way = figures["out" if record.get(DIRECTION) else "in"]
                        way["packets"] += record.get(PACKETS, 0)
                        way["octets"] += record.get(OCTETS, 0)
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(figures, file)
        os.replace(path + ".new", path)


if __name__ == "__main__":
    main()
