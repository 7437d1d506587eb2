/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GhostMacNat with real frames: what goes out has the station's address wherever a receiver would
 * take it from, and answers find their client again; and hostile frames, of which none may do harm.
 */
#include "ghost/model/ghost-mac-nat.h"

#include "ns3/core-module.h"
#include "ns3/test.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

using namespace ns3;

namespace
{

using Bytes = std::vector<uint8_t>;

const Bytes OWN = {2, 0x67, 0, 0, 0, 1};
const Bytes CLIENT = {2, 0x11, 0x22, 0x33, 0x44, 0x55};
const Bytes OTHER = {2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee};
const Bytes PEER = {2, 0x67, 0, 0, 0, 9};
const Bytes BROADCAST(6, 0xff);
const Bytes NOBODY(6, 0);
const Bytes IP_CLIENT = {10, 0, 0, 7};
const Bytes IP_OTHER = {10, 0, 0, 8};
const Bytes IP_PEER = {10, 0, 0, 9};

Bytes
operator+(Bytes a, const Bytes& b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

Bytes
Ip6(uint8_t last)
{
    Bytes address(16, 0);
    address[0] = 0xfd;
    address[15] = last;
    return address;
}

Bytes
Frame(const Bytes& to, const Bytes& from, uint16_t type, const Bytes& body)
{
    return to + from + Bytes{static_cast<uint8_t>(type >> 8), static_cast<uint8_t>(type)} + body;
}

Bytes
Arp(uint8_t operation, const Bytes& sha, const Bytes& spa, const Bytes& tha, const Bytes& tpa)
{
    return Bytes{0, 1, 8, 0, 6, 4, 0, operation} + sha + spa + tha + tpa;
}

/// Internet checksum over bytes, RFC 1071.
uint16_t
Sum(const Bytes& data)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < data.size(); i += 2)
    {
        sum += data[i] << 8 | (i + 1 < data.size() ? data[i + 1] : 0);
    }
    while (sum >> 16)
    {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<uint16_t>(~sum);
}

Bytes
Ipv4(uint8_t protocol, const Bytes& from, const Bytes& to, const Bytes& body)
{
    uint16_t len = static_cast<uint16_t>(20 + body.size());
    Bytes head = Bytes{0x45, 0, static_cast<uint8_t>(len >> 8), static_cast<uint8_t>(len)} +
                 Bytes{0, 1, 0x40, 0, 64, protocol, 0, 0} + from + to;
    uint16_t sum = Sum(head);
    head[10] = static_cast<uint8_t>(sum >> 8);
    head[11] = static_cast<uint8_t>(sum);
    return head + body;
}

/// Sum over the pseudo header of IPv6 and a message: 0 if its checksum is right.
uint16_t
Sum6(const Bytes& from, const Bytes& to, uint8_t next, const Bytes& message)
{
    size_t len = message.size();
    return Sum(from + to + Bytes{0, 0, static_cast<uint8_t>(len >> 8), static_cast<uint8_t>(len)} +
               Bytes{0, 0, 0, next} + message);
}

Bytes
Ipv6(uint8_t next, const Bytes& from, const Bytes& to, Bytes message, size_t checksumAt)
{
    uint16_t sum = Sum6(from, to, next, message);
    message[checksumAt] = static_cast<uint8_t>(sum >> 8);
    message[checksumAt + 1] = static_cast<uint8_t>(sum);
    size_t len = message.size();
    return Bytes{0x60, 0, 0, 0, static_cast<uint8_t>(len >> 8), static_cast<uint8_t>(len)} +
           Bytes{next, 255} + from + to + message;
}

/// UDP over IPv4, with or without a checksum.
Bytes
Udp(uint16_t from,
    uint16_t to,
    const Bytes& source,
    const Bytes& destination,
    const Bytes& body,
    bool checked)
{
    uint16_t len = static_cast<uint16_t>(8 + body.size());
    Bytes udp = Bytes{static_cast<uint8_t>(from >> 8), static_cast<uint8_t>(from)} +
                Bytes{static_cast<uint8_t>(to >> 8), static_cast<uint8_t>(to)} +
                Bytes{static_cast<uint8_t>(len >> 8), static_cast<uint8_t>(len), 0, 0} + body;
    if (checked)
    {
        uint16_t sum = Sum(source + destination + Bytes{0, 17, udp[4], udp[5]} + udp);
        udp[6] = static_cast<uint8_t>(sum >> 8);
        udp[7] = static_cast<uint8_t>(sum);
    }
    return Ipv4(17, source, destination, udp);
}

Bytes
Bootp(uint8_t operation, const Bytes& chaddr)
{
    Bytes message(300, 0);
    message[0] = operation;
    message[1] = 1;
    message[2] = 6;
    std::copy(chaddr.begin(), chaddr.end(), message.begin() + 28);
    return message;
}

Bytes
At(const Bytes& frame, size_t from, size_t len)
{
    return Bytes(frame.begin() + static_cast<long>(from),
                 frame.begin() + static_cast<long>(from + len));
}

GhostMacNat
MakeNat()
{
    GhostMacNat nat;
    Mac48Address own;
    own.CopyFrom(OWN.data());
    nat.SetAddress(own);
    return nat;
}

Bytes
Out(GhostMacNat& nat, Bytes frame)
{
    nat.Outbound(frame.data(), static_cast<uint32_t>(frame.size()));
    return frame;
}

Bytes
In(GhostMacNat& nat, Bytes frame)
{
    nat.Inbound(frame.data(), static_cast<uint32_t>(frame.size()));
    return frame;
}

} // namespace

/// As long as only the station's own address sends, nothing is touched.
class OwnAddressTestCase : public TestCase
{
  public:
    OwnAddressTestCase()
        : TestCase("frames of the station itself are left alone")
    {
    }

  private:
    void DoRun() override
    {
        GhostMacNat nat = MakeNat();
        for (const Bytes& frame :
             {Frame(BROADCAST, OWN, 0x0806, Arp(1, OWN, IP_CLIENT, NOBODY, IP_PEER)),
              Frame(PEER, OWN, 0x0800, Ipv4(17, IP_CLIENT, IP_PEER, Bytes(40, 3))),
              Frame(PEER, OWN, 0x88b6, Bytes(1, 1)),
              Frame(PEER, OWN, 0x8100, {})})
        {
            NS_TEST_ASSERT_MSG_EQ((Out(nat, frame) == frame), true, "changed on the way out");
            Bytes answer = frame;
            std::copy(OWN.begin(), OWN.end(), answer.begin());
            NS_TEST_ASSERT_MSG_EQ((In(nat, answer) == answer), true, "changed on the way in");
        }
    }
};

/// ARP: request, reply, and an answer that finds its client among two.
class ArpTestCase : public TestCase
{
  public:
    ArpTestCase()
        : TestCase("ARP of clients")
    {
    }

  private:
    void DoRun() override
    {
        GhostMacNat nat = MakeNat();
        Bytes request =
            Frame(BROADCAST, CLIENT, 0x0806, Arp(1, CLIENT, IP_CLIENT, NOBODY, IP_PEER));
        Bytes wanted = Frame(BROADCAST, OWN, 0x0806, Arp(1, OWN, IP_CLIENT, NOBODY, IP_PEER));
        NS_TEST_ASSERT_MSG_EQ((Out(nat, request) == wanted), true, "request");
        Out(nat, Frame(BROADCAST, OTHER, 0x0806, Arp(1, OTHER, IP_OTHER, NOBODY, IP_PEER)));
        Bytes reply = Frame(OWN, PEER, 0x0806, Arp(2, PEER, IP_PEER, OWN, IP_CLIENT));
        wanted = Frame(CLIENT, PEER, 0x0806, Arp(2, PEER, IP_PEER, CLIENT, IP_CLIENT));
        NS_TEST_ASSERT_MSG_EQ((In(nat, reply) == wanted), true, "reply to the first client");
        reply = Frame(OWN, PEER, 0x0806, Arp(2, PEER, IP_PEER, OWN, IP_OTHER));
        wanted = Frame(OTHER, PEER, 0x0806, Arp(2, PEER, IP_PEER, OTHER, IP_OTHER));
        NS_TEST_ASSERT_MSG_EQ((In(nat, reply) == wanted), true, "reply to the second client");
        Bytes broadcast = Frame(BROADCAST, PEER, 0x0806, Arp(1, PEER, IP_PEER, NOBODY, IP_OTHER));
        NS_TEST_ASSERT_MSG_EQ((In(nat, broadcast) == broadcast), true, "a broadcast is for all");
        Bytes answer = Frame(PEER, OTHER, 0x0806, Arp(2, OTHER, IP_OTHER, PEER, IP_PEER));
        wanted = Frame(PEER, OWN, 0x0806, Arp(2, OWN, IP_OTHER, PEER, IP_PEER));
        NS_TEST_ASSERT_MSG_EQ((Out(nat, answer) == wanted), true, "answer of a client");
        // A probe (RFC 5227) must not make 0.0.0.0 somebody's address.
        size_t before = nat.GetNClients();
        Out(nat, Frame(BROADCAST, CLIENT, 0x0806, Arp(1, CLIENT, {0, 0, 0, 0}, NOBODY, IP_PEER)));
        NS_TEST_ASSERT_MSG_EQ(nat.GetNClients(), before, "learned from a probe");
    }
};

/// IPv4 in and out, in a VLAN too, and what becomes of a client that changes its MAC.
class Ipv4TestCase : public TestCase
{
  public:
    Ipv4TestCase()
        : TestCase("IPv4 of clients, VLANs, a changed MAC")
    {
    }

  private:
    void DoRun() override
    {
        GhostMacNat nat = MakeNat();
        Bytes packet = Ipv4(17, IP_CLIENT, IP_PEER, Bytes(40, 3));
        Bytes answer = Ipv4(17, IP_PEER, IP_CLIENT, Bytes(40, 4));
        NS_TEST_ASSERT_MSG_EQ(
            (Out(nat, Frame(PEER, CLIENT, 0x0800, packet)) == Frame(PEER, OWN, 0x0800, packet)),
            true,
            "out");
        Bytes tag = {0, 5, 8, 0};
        Out(nat, Frame(PEER, OTHER, 0x8100, tag + packet));
        NS_TEST_ASSERT_MSG_EQ(
            (In(nat, Frame(OWN, PEER, 0x0800, answer)) == Frame(CLIENT, PEER, 0x0800, answer)),
            true,
            "in, untagged");
        NS_TEST_ASSERT_MSG_EQ((In(nat, Frame(OWN, PEER, 0x8100, tag + answer)) ==
                               Frame(OTHER, PEER, 0x8100, tag + answer)),
                              true,
                              "in, the same address in a VLAN");
        Out(nat, Frame(PEER, OTHER, 0x0800, packet));
        NS_TEST_ASSERT_MSG_EQ(
            (In(nat, Frame(OWN, PEER, 0x0800, answer)) == Frame(OTHER, PEER, 0x0800, answer)),
            true,
            "in, after the MAC has changed");
        Bytes lldp = Frame(OWN, PEER, 0x88cc, Bytes(30, 1));
        NS_TEST_ASSERT_MSG_EQ((At(In(nat, lldp), 0, 6) == OTHER), true, "no IP: who sent last");
        Bytes group = Frame(PEER, {3, 0, 0, 0, 0, 1}, 0x0800, packet);
        NS_TEST_ASSERT_MSG_EQ(nat.Outbound(group.data(), static_cast<uint32_t>(group.size())),
                              false,
                              "a group address can't be a source");
    }
};

/// Neighbour discovery: addresses in options, with the checksum made right again.
class NeighbourTestCase : public TestCase
{
  public:
    NeighbourTestCase()
        : TestCase("IPv6 neighbour discovery of clients")
    {
    }

  private:
    void Check(uint8_t type, size_t at, uint8_t option)
    {
        GhostMacNat nat = MakeNat();
        Bytes from = Ip6(7);
        Bytes to = Ip6(9);
        // Another option first, to be walked over.
        Bytes message(at, 0);
        message[0] = type;
        if (at == 24)
        {
            std::copy(from.begin(), from.end(), message.begin() + 8);
        }
        message = message + Bytes{14, 1, 1, 2, 3, 4, 5, 6} + Bytes{option, 1} + CLIENT;
        Bytes out = Out(nat, Frame(PEER, CLIENT, 0x86dd, Ipv6(58, from, to, message, 2)));
        NS_TEST_ASSERT_MSG_EQ((At(out, 6, 6) == OWN), true, "source");
        NS_TEST_ASSERT_MSG_EQ((At(out, 14 + 40 + at + 10, 6) == OWN), true, "option");
        NS_TEST_ASSERT_MSG_EQ((At(out, 14 + 40 + at, 8) == At(message, at, 8)), true, "others");
        NS_TEST_ASSERT_MSG_EQ(Sum6(from, to, 58, At(out, 54, out.size() - 54)), 0, "checksum");
        Bytes answer = Frame(OWN, PEER, 0x86dd, Ipv6(58, to, from, message, 2));
        NS_TEST_ASSERT_MSG_EQ((At(In(nat, answer), 0, 6) == CLIENT), true, "answer");
    }

    void DoRun() override
    {
        Check(133, 8, 1);
        Check(134, 16, 1);
        Check(135, 24, 1);
        Check(136, 24, 2);
    }
};

/// DHCP: the answer is asked for by broadcast, and finds its way if it comes by unicast.
class DhcpTestCase : public TestCase
{
  public:
    DhcpTestCase()
        : TestCase("DHCP of clients")
    {
    }

  private:
    void DoRun() override
    {
        const Bytes none = {0, 0, 0, 0};
        const Bytes all = {255, 255, 255, 255};
        for (bool checked : {true, false})
        {
            GhostMacNat nat = MakeNat();
            Bytes ip = Udp(68, 67, none, all, Bootp(1, CLIENT), checked);
            Bytes out = Out(nat, Frame(BROADCAST, CLIENT, 0x0800, ip));
            NS_TEST_ASSERT_MSG_EQ(+out[14 + 28 + 10], 0x80, "broadcast flag");
            NS_TEST_ASSERT_MSG_EQ((At(out, 14 + 28 + 28, 6) == CLIENT), true, "chaddr stays");
            Bytes udp = At(out, 34, out.size() - 34);
            uint16_t sum = Sum(none + all + Bytes{0, 17, udp[4], udp[5]} + udp);
            bool none0 = udp[6] == 0 && udp[7] == 0;
            NS_TEST_ASSERT_MSG_EQ((checked ? sum == 0 : none0), true, "UDP checksum");
            Out(nat, Frame(PEER, OTHER, 0x88b6, Bytes(10, 0)));
            Bytes offer = Udp(67, 68, IP_PEER, IP_CLIENT, Bootp(2, CLIENT), true);
            NS_TEST_ASSERT_MSG_EQ((At(In(nat, Frame(OWN, PEER, 0x0800, offer)), 0, 6) == CLIENT),
                                  true,
                                  "offer by unicast");
        }
    }
};

/// Frames cut, torn and turned over; run under the address sanitizer this finds what reads beyond.
class HostileTestCase : public TestCase
{
  public:
    HostileTestCase()
        : TestCase("hostile frames")
    {
    }

  private:
    void DoRun() override
    {
        GhostMacNat nat = MakeNat();
        std::mt19937 random(1);
        Bytes discovery(24, 0);
        discovery[0] = 135;
        std::vector<Bytes> seeds = {
            Frame(BROADCAST, CLIENT, 0x0806, Arp(1, CLIENT, IP_CLIENT, NOBODY, IP_PEER)),
            Frame(OWN, PEER, 0x0806, Arp(2, PEER, IP_PEER, OWN, IP_CLIENT)),
            Frame(PEER, CLIENT, 0x0800, Udp(68, 67, IP_CLIENT, IP_PEER, Bootp(1, CLIENT), true)),
            Frame(OWN, PEER, 0x0800, Udp(67, 68, IP_PEER, IP_OTHER, Bootp(2, CLIENT), true)),
            Frame(PEER,
                  CLIENT,
                  0x86dd,
                  Ipv6(58, Ip6(7), Ip6(9), discovery + Bytes{1, 1} + CLIENT, 2)),
            Frame(PEER, CLIENT, 0x88a8, Bytes{0, 1, 0x81, 0, 0, 2, 8, 6} + Bytes(28, 1))};
        for (int i = 0; i < 200000; i++)
        {
            // A copy of exactly its size, so that reading beyond it is noticed.
            const Bytes& seed = seeds[random() % seeds.size()];
            Bytes frame(seed.begin(), seed.begin() + 14 + random() % (seed.size() - 13));
            for (uint32_t flips = random() % 8; flips > 0; flips--)
            {
                frame[random() % frame.size()] = static_cast<uint8_t>(random());
            }
            frame.shrink_to_fit();
            uint32_t len = static_cast<uint32_t>(frame.size());
            if (random() % 2)
            {
                bool sent = nat.Outbound(frame.data(), len);
                NS_TEST_ASSERT_MSG_EQ((!sent || At(frame, 6, 6) == OWN), true, "foreign source");
            }
            else
            {
                nat.Inbound(frame.data(), len);
            }
            NS_TEST_ASSERT_MSG_LT_OR_EQ(nat.GetNClients(), GhostMacNat::CLIENTS_MAX, "clients");
        }
        NS_TEST_ASSERT_MSG_EQ(nat.GetNClients(), GhostMacNat::CLIENTS_MAX, "never was full");
    }
};

/// All of them.
class GhostMacNatTestSuite : public TestSuite
{
  public:
    GhostMacNatTestSuite()
        : TestSuite("ghost-mac-nat", UNIT)
    {
        AddTestCase(new OwnAddressTestCase, TestCase::QUICK);
        AddTestCase(new ArpTestCase, TestCase::QUICK);
        AddTestCase(new Ipv4TestCase, TestCase::QUICK);
        AddTestCase(new NeighbourTestCase, TestCase::QUICK);
        AddTestCase(new DhcpTestCase, TestCase::QUICK);
        AddTestCase(new HostileTestCase, TestCase::QUICK);
    }
};

static GhostMacNatTestSuite g_ghostMacNatTestSuite; //!< registers itself

int
main(int argc, char* argv[])
{
    return TestRunner::Run(argc, argv);
}
