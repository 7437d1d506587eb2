# SPDX-License-Identifier: GPL-2.0-only
"""Ethernet frames of every kind, and the two small programs that send and receive them inside containers."""
import struct

BROADCAST = "ffffffffffff"


def _payload(size, seed):
    return bytes((seed * 31 + i * 7) & 0xff for i in range(size))


def _sized(dst, src, ethertype, size, seed):
    """A frame of `size` bytes counted as the standards do, with the 4 bytes of FCS that no socket shows."""
    head = dst + src + struct.pack("!H", ethertype)
    return head + _payload(size - 4 - len(head), seed)


def _checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def _ipv4(proto, src, dst, body):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0x4000, 64, proto, 0, src, dst)
    return head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + body


def _ipv6(proto, src, dst, body):
    return struct.pack("!IHBB16s16s", 6 << 28, len(body), proto, 64, src, dst) + body


def _udp(body):
    return struct.pack("!HHHH", 40000, 40001, 8 + len(body), 0) + body


def kinds(dst, src, mtu=1500):
    """[(name, frame bytes without FCS)] from `src` to `dst`, both 6 bytes."""
    multicast = bytes.fromhex
    llc = struct.pack("!BBB", 0x42, 0x42, 0x03)
    bpdu = bytes.fromhex("0000000000") + _payload(30, 1)
    rstp = bytes.fromhex("000002023c") + _payload(31, 2)
    any4, peer4, group4 = b"\x0a\x09\x09\x01", b"\x0a\x09\x09\x02", b"\xe0\x00\x00\x05"
    any6 = bytes.fromhex("fd000000000000000000000000000001")
    ospf6 = bytes.fromhex("ff020000000000000000000000000005")

    def frame(to, ethertype, body):
        return to + src + struct.pack("!H", ethertype) + body

    def tagged(tags, inner_type, body, to=dst):
        head = b"".join(struct.pack("!HH", tpid, tci) for tpid, tci in tags)
        return to + src + head + struct.pack("!H", inner_type) + body

    def length_frame(to, body, pad=0):
        return to + src + struct.pack("!H", len(body)) + body + bytes(pad)

    udp4 = _ipv4(17, any4, peer4, _udp(_payload(100, 3)))
    list_ = [
        ("802.1Q", tagged([(0x8100, 0x2064)], 0x0800, udp4)),
        ("802.1Q at full mtu", tagged([(0x8100, 100)], 0x88b6, _payload(mtu, 4))),
        ("priority tag", tagged([(0x8100, 0xe000)], 0x0800, udp4)),
        ("QinQ 802.1ad", tagged([(0x88a8, 200), (0x8100, 100)], 0x0800, udp4)),
        ("QinQ 8100/8100", tagged([(0x8100, 200), (0x8100, 100)], 0x0800, udp4)),
        ("STP BPDU", length_frame(multicast("0180c2000000"), llc + bpdu, 60 - 14 - 38)),
        ("STP BPDU unpadded", length_frame(multicast("0180c2000000"), llc + bpdu)),
        ("RSTP BPDU", length_frame(multicast("0180c2000000"), llc + rstp, 60 - 14 - 39)),
        ("tagged BPDU (PVST+)", tagged([(0x8100, 10)], 50, bytes.fromhex("aaaa0300000c010b") + _payload(42, 5),
                                       multicast("01000ccccccd"))),
        ("IS-IS", length_frame(multicast("0180c2000014"), bytes.fromhex("fefe03831b0100") + _payload(1490, 6))),
        ("CDP over SNAP", length_frame(multicast("01000ccccccc"), bytes.fromhex("aaaa0300000c2000") + _payload(90, 7))),
        ("NetBEUI LLC", length_frame(dst, bytes.fromhex("f0f003") + _payload(50, 8))),
        ("802.3 length 3", length_frame(dst, bytes.fromhex("e0e003"), 43)),
        ("802.3 length 46", length_frame(dst, llc + _payload(43, 9))),
        ("802.3 length 1500", length_frame(dst, llc + _payload(1497, 10)) if mtu >= 1500 else None),
        ("type 1501", frame(dst, 1501, _payload(1400, 11))),
        ("type 1535", frame(dst, 1535, _payload(64, 12))),
        ("type 1536", frame(dst, 1536, _payload(64, 13))),
        ("type 0", frame(dst, 0, _payload(46, 14))),
        ("length larger than the frame", frame(dst, 1400, _payload(60, 15))),
        ("LLDP", frame(multicast("0180c200000e"), 0x88cc, _payload(120, 16))),
        ("LACP", frame(multicast("0180c2000002"), 0x8809, b"\x01\x01" + _payload(108, 17))),
        ("EAPOL", frame(multicast("0180c2000003"), 0x888e, b"\x02\x01\x00\x00" + _payload(42, 18))),
        ("PAUSE", frame(multicast("0180c2000001"), 0x8808, b"\x00\x01\xff\xff" + bytes(42))),
        ("ARP request, 42 bytes", frame(bytes.fromhex(BROADCAST), 0x0806,
                                        bytes.fromhex("0001080006040001") + src + any4 + bytes(6) + b"\x0a\x09\x09\x63")),
        ("ARP reply, padded", frame(dst, 0x0806, bytes.fromhex("0001080006040002") + src + any4 + dst + peer4 + bytes(18))),
        ("IPv4 unicast", frame(dst, 0x0800, udp4)),
        ("IPv4 multicast", frame(multicast("01005e000005"), 0x0800, _ipv4(89, any4, group4, _payload(44, 19)))),
        ("IPv4 broadcast", frame(bytes.fromhex(BROADCAST), 0x0800, _ipv4(17, any4, b"\xff" * 4, _udp(_payload(20, 20))))),
        ("IPv6 unicast", frame(dst, 0x86dd, _ipv6(17, any6, any6[:15] + b"\x02", _udp(_payload(50, 21))))),
        ("IPv6 multicast", frame(multicast("333300000005"), 0x86dd, _ipv6(89, any6, ospf6, _payload(36, 22)))),
        ("MPLS", frame(dst, 0x8847, b"\x00\x06\x41\x40" + udp4)),
        ("PPPoE discovery", frame(bytes.fromhex(BROADCAST), 0x8863, b"\x11\x09\x00\x00\x00\x04" + _payload(40, 23))),
        ("PTP", frame(multicast("011b19000000"), 0x88f7, _payload(44, 24))),
        ("ECTP loopback", frame(dst, 0x9000, _payload(46, 25))),
        ("local experimental 1", frame(dst, 0x88b5, _payload(46, 26))),
        ("unknown type 0xffff", frame(dst, 0xffff, _payload(200, 27))),
        ("unknown type 0x1234", frame(dst, 0x1234, _payload(1, 28))),
        ("header only", frame(dst, 0x88b6, b"")),
    ]
    for size in (60, 61, 63, 64, 65, 128, 256, 512, 1024, 1280, 1518, 4000, 9018):
        if size <= mtu + 18:
            list_.append((f"{size} bytes", _sized(dst, src, 0x88b6, size, size)))
    if mtu == 1500:
        list_.append(("1522 bytes, tagged", tagged([(0x8100, 5)], 0x88b6, _payload(1500, 29))))
    return [(name, data) for name, data in list_ if data]


# Runs in a container: sends the frames that standard input lists in hex, one a line.
SENDER = r"""
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
s.bind((sys.argv[1], 0))
for line in sys.stdin:
    s.send(bytes.fromhex(line))
"""

# Runs in a container: says "ready", then prints every frame that the interface receives and whose source is argv[2],
# in hex, with VLAN tags as they were on the wire; ends after argv[3] frames or when argv[4] seconds bring none.
RECEIVER = r"""
import socket, struct, sys
name, source, count, patience = sys.argv[1], bytes.fromhex(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
SOL_PACKET, PACKET_AUXDATA, PACKET_OUTGOING, VLAN_VALID, TPID_VALID = 263, 8, 4, 1 << 4, 1 << 6
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
s.bind((name, 3))
s.settimeout(patience)
print("ready", flush=True)
seen = 0
while seen < count:
    try:
        data, control, _, address = s.recvmsg(65536, 256)
    except TimeoutError:
        break
    if address[2] == PACKET_OUTGOING:
        continue
    for level, kind, body in control:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", body[:20])
            if status & VLAN_VALID:
                data = data[:12] + struct.pack("!HH", tpid if status & TPID_VALID else 0x8100, tci) + data[12:]
    if data[6:12] == source:
        print(data.hex(), flush=True)
        seen += 1
"""
