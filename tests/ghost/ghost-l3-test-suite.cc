/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GhostL3Device between a port and a link that carries IP only: what goes through unchanged, what
 * is answered in the place of those at the other ends, and what is refused, hostile packets first
 * of all: ns-3 ends the program, or loops for ever, when it reads some of them.
 */
#include "ghost/model/ghost-l3-device.h"
#include "ghost/model/ghost-l3-packet.h"
#include "ghost/model/ghost-nic.h"
#include "ghost/model/ghost-port.h"

#include "bridge/wire/stats.h"

#include "ns3/core-module.h"
#include "ns3/node.h"
#include "ns3/tcp-header.h"
#include "ns3/test.h"

#include <random>
#include <vector>

using namespace ns3;

namespace
{

using Bytes = std::vector<uint8_t>;

const Mac48Address OWN("02:67:00:00:00:01");
const Mac48Address OTHER("02:67:00:00:00:02");
const Mac48Address GATEWAY("02:67:00:00:00:09");
const Ipv6Address OWN6("fd00::1");
const Ipv6Address OTHER6("fd00::2");

Bytes
operator+(Bytes a, const Bytes& b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

Bytes
ToBytes(const Ipv6Address& address)
{
    Bytes bytes(16);
    address.Serialize(bytes.data());
    return bytes;
}

Bytes
ToBytes(const Mac48Address& address)
{
    Bytes bytes(6);
    address.CopyTo(bytes.data());
    return bytes;
}

Bytes
ToBytes(Ptr<const Packet> packet)
{
    Bytes bytes(packet->GetSize());
    packet->CopyData(bytes.data(), packet->GetSize());
    return bytes;
}

Bytes
Ipv4(uint8_t protocol, const Bytes& payload, Bytes to = {10, 0, 0, 2}, uint16_t fragment = 0)
{
    size_t len = 20 + payload.size();
    return Bytes{0x45, 0x2e, static_cast<uint8_t>(len >> 8), static_cast<uint8_t>(len), 0, 7} +
           Bytes{static_cast<uint8_t>(fragment >> 8), static_cast<uint8_t>(fragment), 64} +
           Bytes{protocol, 0, 0, 10, 0, 0, 1} + to + payload;
}

Bytes
Ipv6(uint8_t next,
     const Bytes& payload,
     const Ipv6Address& from = OWN6,
     const Ipv6Address& to = OTHER6,
     uint8_t hops = 255)
{
    size_t len = payload.size();
    return Bytes{0x6a, 0x51, 2, 3, static_cast<uint8_t>(len >> 8), static_cast<uint8_t>(len)} +
           Bytes{next, hops} + ToBytes(from) + ToBytes(to) + payload;
}

Bytes
Tcp(const Bytes& options)
{
    return Bytes{0, 5, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0} +
           Bytes{static_cast<uint8_t>((5 + options.size() / 4) << 4), 2, 9, 9, 0, 0, 0, 0} +
           options;
}

/// One's complement sum of an ICMPv6 packet as RFC 4443 wants it: 0xffff where it is right.
uint32_t
SumIcmpv6(const Bytes& packet)
{
    Bytes pseudo(packet.begin() + 8, packet.begin() + 40);
    pseudo = pseudo + Bytes{0, 0, packet[4], packet[5], 0, 0, 0, 58} +
             Bytes(packet.begin() + 40, packet.end());
    uint32_t sum = 0;
    for (size_t i = 0; i < pseudo.size(); i += 2)
    {
        sum += pseudo[i] << 8 | (i + 1 < pseudo.size() ? pseudo[i + 1] : 0);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/// A neighbour solicitation, with its checksum and what comes behind it.
Bytes
Solicitation(const Ipv6Address& target,
             const Ipv6Address& from = OWN6,
             const Bytes& options = {},
             uint8_t hops = 255,
             uint8_t code = 0)
{
    Bytes t = ToBytes(target);
    Ipv6Address group = Ipv6Address::MakeSolicitedAddress(target);
    Bytes packet = Ipv6(58, Bytes{135, code, 0, 0, 0, 0, 0, 0} + t + options, from, group, hops);
    uint32_t sum = 0xffff - SumIcmpv6(packet);
    packet[42] = static_cast<uint8_t>(sum >> 8);
    packet[43] = static_cast<uint8_t>(sum);
    return packet;
}

Bytes
ArpRequest(const Bytes& target)
{
    return Bytes{0, 1, 8, 0, 6, 4, 0, 1} + ToBytes(OWN) + Bytes{10, 0, 0, 1} + Bytes(6, 0) + target;
}

/// An interface, its port, the device, and a link that remembers what it carries.
class L3TestCase : public TestCase
{
  public:
    explicit L3TestCase(const std::string& name)
        : TestCase(name)
    {
    }

  protected:
    /// What the interface got.
    struct Frame
    {
        Bytes payload;
        uint16_t type;
        Mac48Address from;
        NetDevice::PacketType how;
    };

    void DoSetup() override
    {
        auto neighbours = std::make_shared<GhostL3Device::Neighbours>();
        for (const auto& [ipv4, ipv6, mac] :
             {std::tuple("10.0.0.1", OWN6, OWN), std::tuple("10.0.0.2", OTHER6, OTHER)})
        {
            (*neighbours)[Ipv6Address::MakeIpv4MappedAddress(Ipv4Address(ipv4))] = mac;
            (*neighbours)[ipv6] = mac;
            (*neighbours)[GhostL3Packet::MakeLinkLocal(mac)] = mac;
        }
        Ptr<Node> node = CreateObject<Node>();
        m_device = CreateObject<GhostL3Device>();
        m_device->SetAddress(OWN);
        node->AddDevice(m_device);
        m_device->Configure(neighbours,
                            GATEWAY,
                            [this](Ptr<Packet> packet, const Ipv6Address& to, uint16_t type)
                            {
                                m_carried.push_back(ToBytes(packet));
                                m_to = to;
                                if (m_verdict < 0)
                                {
                                    m_port->CountTransmitted(packet);
                                }
                                return m_verdict;
                            });
        m_nic = CreateObject<GhostNic>();
        m_nic->SetAddress(OWN);
        node->AddDevice(m_nic);
        m_port = CreateObject<GhostPort>();
        m_nic->Connect(m_port, 1500, CreateObject<GhostSegment>());
        m_port->Connect(m_nic, m_stats, false, m_device);
        m_device->SetPort(PeekPointer(m_port));
        m_nic->SetPromiscReceiveCallback(MakeCallback(&L3TestCase::Receive, this));
    }

    void DoTeardown() override
    {
        m_nic->Dispose();
        m_port->Dispose();
        m_device->Dispose();
        Simulator::Destroy();
    }

    bool Receive(Ptr<NetDevice>,
                 Ptr<const Packet> packet,
                 uint16_t type,
                 const Address& from,
                 const Address&,
                 NetDevice::PacketType how)
    {
        m_got.push_back({ToBytes(packet), type, Mac48Address::ConvertFrom(from), how});
        return true;
    }

    /// Send a frame and let what it causes happen. \return whether it was taken
    bool Send(const Bytes& payload, uint16_t type)
    {
        m_got.clear();
        m_carried.clear();
        bool taken = m_nic->Send(
            Create<Packet>(payload.data(), static_cast<uint32_t>(payload.size())), OTHER, type);
        Simulator::Run();
        return taken;
    }

    /// Send what must be refused and counted, and nothing else.
    void ExpectRefused(const Bytes& payload, uint16_t type, const char* what)
    {
        uint64_t before = m_stats.up.drops[STATS_DROP_UNSUPPORTED];
        NS_TEST_EXPECT_MSG_EQ(Send(payload, type), false, what);
        NS_TEST_EXPECT_MSG_EQ(m_stats.up.drops[STATS_DROP_UNSUPPORTED], before + 1, what);
        NS_TEST_EXPECT_MSG_EQ(m_carried.size() + m_got.size(), 0, what);
    }

    Ptr<GhostL3Device> m_device;
    Ptr<GhostNic> m_nic;
    Ptr<GhostPort> m_port;
    struct stats_port m_stats = {};
    std::vector<Bytes> m_carried; //!< by the link
    Ipv6Address m_to;             //!< of the last one
    int32_t m_verdict{-1};        //!< the link's
    std::vector<Frame> m_got;     //!< by the interface
};

/// IP packets go onto the link as they are, without padding, and come from it likewise.
class TransparentTestCase : public L3TestCase
{
  public:
    TransparentTestCase()
        : L3TestCase("transparent")
    {
    }

  private:
    void DoRun() override
    {
        const Bytes udp = Bytes{0, 5, 0, 6, 0, 9, 0, 0} + Bytes(900, 'x');
        for (const Bytes& packet :
             {Ipv4(17, udp),
              Ipv4(1, {}),
              Ipv4(17, {1, 2}, {10, 0, 0, 2}, 5), // no first fragment
              Ipv4(6, Tcp({2, 4, 5, 0xb4, 1, 3, 3, 7, 4, 2, 8, 10, 1, 1, 1, 1, 2, 2, 2, 2})),
              Ipv4(6, Tcp({5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 0, 9})),
              Ipv4(6, Tcp({253, 4, 0, 0}))})
        {
            NS_TEST_ASSERT_MSG_EQ(Send(packet + Bytes(26, 0), 0x0800), true, "taken");
            NS_TEST_ASSERT_MSG_EQ(m_carried.size(), 1, "carried");
            NS_TEST_ASSERT_MSG_EQ((m_carried[0] == packet), true, "without padding");
            NS_TEST_ASSERT_MSG_EQ(
                m_to, Ipv6Address::MakeIpv4MappedAddress(Ipv4Address("10.0.0.2")), "for whom");
        }
        for (const Bytes& packet : {Ipv6(17, udp),
                                    Ipv6(59, {}),
                                    Ipv6(44, {17, 0, 0, 9, 0, 0, 0, 1, 7}),
                                    Ipv6(60, Bytes{6, 0, 1, 4, 0, 0, 0, 0} + Bytes(3, 1)),
                                    Ipv6(6, Tcp({1, 1, 1, 0})),
                                    Ipv6(58, {128, 0, 0, 0, 0, 0, 0, 0})})
        {
            NS_TEST_ASSERT_MSG_EQ(Send(packet + Bytes(6, 0xff), 0x86dd), true, "taken");
            NS_TEST_ASSERT_MSG_EQ(m_carried.size(), 1, "carried");
            NS_TEST_ASSERT_MSG_EQ((m_carried[0] == packet), true, "without padding");
            NS_TEST_ASSERT_MSG_EQ(m_to, OTHER6, "for whom");
        }
        NS_TEST_EXPECT_MSG_EQ(m_stats.transmitted, 12, "books");
        m_verdict = STATS_DROP_UNASSOCIATED;
        NS_TEST_EXPECT_MSG_EQ(Send(Ipv6(17, udp), 0x86dd), false, "no link");
        NS_TEST_EXPECT_MSG_EQ(m_stats.up.drops[STATS_DROP_UNASSOCIATED], 1, "with its cause");

        const Bytes known = Ipv6(17, udp, OTHER6, OWN6);
        const Bytes unknown = Ipv6(17, udp, Ipv6Address("2001:db8::1"), OWN6);
        m_device->Deliver(Create<Packet>(known.data(), known.size()), 0x86dd);
        m_device->Deliver(Create<Packet>(unknown.data(), unknown.size()), 0x86dd);
        NS_TEST_ASSERT_MSG_EQ(m_got.size(), 2, "delivered");
        NS_TEST_EXPECT_MSG_EQ((m_got[0].payload == known), true, "unchanged");
        NS_TEST_EXPECT_MSG_EQ(m_got[0].type, 0x86dd, "type");
        NS_TEST_EXPECT_MSG_EQ(m_got[0].from, OTHER, "from a neighbour");
        NS_TEST_EXPECT_MSG_EQ(m_got[1].from, GATEWAY, "from beyond");
        NS_TEST_EXPECT_MSG_EQ(m_stats.down.frames, 2, "books");
    }
};

/// Who is asked for gets an answer, if he is another on the link.
class NeighbourTestCase : public L3TestCase
{
  public:
    NeighbourTestCase()
        : L3TestCase("neighbours")
    {
    }

  private:
    /// Check the advertisement that came.
    void ExpectAdvertisement(const Ipv6Address& target, const Ipv6Address& to, uint8_t flags)
    {
        NS_TEST_ASSERT_MSG_EQ(m_got.size(), 1, "no answer for " << target);
        const Frame& frame = m_got[0];
        NS_TEST_EXPECT_MSG_EQ(frame.type, 0x86dd, "type");
        NS_TEST_EXPECT_MSG_EQ(frame.from, OTHER, "from");
        NS_TEST_ASSERT_MSG_EQ(frame.payload.size(), 72, "size");
        Bytes wanted = Bytes{0x60, 0, 0, 0, 0, 32, 58, 255} + ToBytes(target) + ToBytes(to) +
                       Bytes{136, 0, frame.payload[42], frame.payload[43], flags, 0, 0, 0} +
                       ToBytes(target) + Bytes{2, 1} + ToBytes(OTHER);
        NS_TEST_EXPECT_MSG_EQ((frame.payload == wanted), true, "advertisement for " << target);
        NS_TEST_EXPECT_MSG_EQ(SumIcmpv6(frame.payload), 0xffff, "checksum");
    }

    void DoRun() override
    {
        NS_TEST_ASSERT_MSG_EQ(Send(ArpRequest({10, 0, 0, 2}) + Bytes(18, 0), 0x0806), true, "ARP");
        NS_TEST_ASSERT_MSG_EQ(m_got.size(), 1, "answer");
        Bytes reply = Bytes{0, 1, 8, 0, 6, 4, 0, 2} + ToBytes(OTHER) + Bytes{10, 0, 0, 2} +
                      ToBytes(OWN) + Bytes{10, 0, 0, 1};
        NS_TEST_EXPECT_MSG_EQ((m_got[0].payload == reply), true, "reply");
        ExpectRefused(ArpRequest({10, 0, 0, 1}), 0x0806, "its own address");
        ExpectRefused(ArpRequest({10, 0, 0, 3}), 0x0806, "nobody's address");
        ExpectRefused(reply, 0x0806, "no request");
        ExpectRefused(Bytes(27, 0), 0x0806, "short");

        const Ipv6Address local = GhostL3Packet::MakeLinkLocal(OTHER);
        NS_TEST_EXPECT_MSG_EQ(local, Ipv6Address("fe80::67:ff:fe00:2"), "link-local");
        const Bytes source = Bytes{1, 1} + ToBytes(OWN);
        for (const Ipv6Address& target : {OTHER6, local})
        {
            for (const Bytes& options : {Bytes{}, source, source + Bytes{14, 1, 1, 2, 3, 4, 5, 6}})
            {
                NS_TEST_EXPECT_MSG_EQ(
                    Send(Solicitation(target, OWN6, options), 0x86dd), true, "ND");
                NS_TEST_EXPECT_MSG_EQ(m_carried.size(), 0, "answered here");
                ExpectAdvertisement(target, OWN6, 0x40);
                NS_TEST_EXPECT_MSG_EQ(m_got[0].how, NetDevice::PACKET_HOST, "to who asked");
            }
        }
        // Duplicate address detection (RFC 4862): no answer means that the address is free.
        ExpectRefused(Solicitation(OWN6, Ipv6Address::GetAny()), 0x86dd, "its own");
        ExpectRefused(Solicitation(Ipv6Address("fd00::7"), Ipv6Address::GetAny()), 0x86dd, "free");
        NS_TEST_EXPECT_MSG_EQ(
            Send(Solicitation(OTHER6, Ipv6Address::GetAny()), 0x86dd), true, "DAD");
        ExpectAdvertisement(OTHER6, Ipv6Address::GetAllNodesMulticast(), 0);
        NS_TEST_EXPECT_MSG_EQ(m_got[0].how, NetDevice::PACKET_MULTICAST, "to all");

        // What RFC 4861, 7.1.1 has a receiver ignore; to a group, so that no one else takes it.
        Bytes bad = Solicitation(OTHER6);
        bad[43] ^= 1;
        ExpectRefused(bad, 0x86dd, "checksum");
        ExpectRefused(Solicitation(OTHER6, OWN6, {}, 254), 0x86dd, "forwarded");
        ExpectRefused(Solicitation(OTHER6, OWN6, {}, 255, 1), 0x86dd, "code");
        ExpectRefused(Solicitation(Ipv6Address("ff02::1")), 0x86dd, "target a group");
        ExpectRefused(Solicitation(OTHER6, OWN6, {1, 0, 1, 1, 1, 1, 1, 1}), 0x86dd, "option of 0");
        ExpectRefused(Solicitation(OTHER6, OWN6, {1, 2, 1, 1, 1, 1, 1, 1}), 0x86dd, "long option");
        ExpectRefused(Solicitation(OTHER6, OWN6, {1}), 0x86dd, "half an option");
        ExpectRefused(
            Solicitation(OTHER6, Ipv6Address::GetAny(), source), 0x86dd, "MAC address of no one");
        Bytes shorter = Solicitation(OTHER6);
        shorter.resize(shorter.size() - 1);
        shorter[5]--;
        ExpectRefused(shorter, 0x86dd, "short");
    }
};

/// What ns-3 must not be shown.
class HostileTestCase : public L3TestCase
{
  public:
    HostileTestCase()
        : L3TestCase("hostile")
    {
    }

  private:
    void DoRun() override
    {
        const Bytes udp(8, 0);
        for (uint16_t type : {0x88cc, 0x8100, 0x0020, 0x0600})
        {
            ExpectRefused(Ipv4(17, udp), type, "no IP");
        }
        ExpectRefused({}, 0x0800, "empty");
        ExpectRefused({}, 0x86dd, "empty");
        ExpectRefused(Ipv6(17, udp), 0x0800, "version");
        ExpectRefused(Ipv4(17, udp), 0x86dd, "version");
        ExpectRefused(Ipv4(17, Bytes(7, 0)), 0x0800, "half a UDP header");
        ExpectRefused(Ipv6(17, Bytes(7, 0)), 0x86dd, "half a UDP header");
        ExpectRefused(Ipv4(17, udp, {255, 255, 255, 255}), 0x0800, "broadcast");
        ExpectRefused(Ipv4(17, udp, {224, 0, 0, 5}), 0x0800, "multicast");
        ExpectRefused(Ipv6(17, udp, OWN6, Ipv6Address("ff02::fb")), 0x86dd, "multicast");
        ExpectRefused(Ipv6(17, udp, OWN6, Ipv6Address::GetAny()), 0x86dd, "nobody");
        Bytes cut = Ipv6(17, udp);
        cut.pop_back();
        ExpectRefused(cut, 0x86dd, "cut off");
        Bytes header(Ipv4(17, udp));
        header[0] = 0x4f;
        ExpectRefused(header, 0x0800, "header beyond the end");
        for (const Bytes& options :
             {Bytes{2, 3, 0, 0},   // ns-3: NS_ABORT
              Bytes{253, 0, 0, 0}, // ns-3: for ever
              Bytes{253, 1, 0, 0},
              Bytes{253, 40, 0, 0},
              Bytes{5, 9, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0}, // for ever, inside
              Bytes{8, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
              Bytes{1, 1, 1, 3}})
        {
            ExpectRefused(Ipv4(6, Tcp(options)), 0x0800, "TCP options");
            ExpectRefused(Ipv6(6, Tcp(options)), 0x86dd, "TCP options");
        }
        Bytes offset = Tcp({});
        offset[12] = 0x40;
        ExpectRefused(Ipv6(6, offset), 0x86dd, "TCP header too short");
        offset[12] = 0x60;
        ExpectRefused(Ipv6(6, offset), 0x86dd, "TCP header beyond the end");
        // Whatever passes, ns-3 must be able to read.
        std::mt19937 random(1);
        uint32_t passed = 0;
        for (int i = 0; i < 20000; i++)
        {
            Bytes options(4 * (random() % 11));
            for (size_t j = 0; j < options.size(); j++)
            {
                options[j] = static_cast<uint8_t>(random() % (random() % 8 ? 11 : 256));
            }
            const Bytes tcp = Tcp(options);
            const Bytes packet = Ipv6(6, tcp);
            if (GhostL3Packet::Check(packet.data(), packet.size(), 0x86dd))
            {
                TcpHeader read;
                Create<Packet>(tcp.data(), tcp.size())->RemoveHeader(read);
                passed++;
            }
        }
        NS_TEST_EXPECT_MSG_GT(passed, 1000, "most were refused");
        NS_TEST_EXPECT_MSG_LT(passed, 15000, "most were let through");
    }
};

/// All of them.
class GhostL3TestSuite : public TestSuite
{
  public:
    GhostL3TestSuite()
        : TestSuite("ghost-l3", UNIT)
    {
        AddTestCase(new TransparentTestCase, TestCase::QUICK);
        AddTestCase(new NeighbourTestCase, TestCase::QUICK);
        AddTestCase(new HostileTestCase, TestCase::QUICK);
    }
};

static GhostL3TestSuite g_ghostL3TestSuite; //!< registers itself

} // namespace

int
main(int argc, char* argv[])
{
    return TestRunner::Run(argc, argv);
}
