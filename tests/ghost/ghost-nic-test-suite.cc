/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GhostNic, the interface of a simulated node, and the port behind it: which frames the node gets,
 * that they are what was sent, and that both ends of a link count them.
 */
#include "ghost/model/ghost-nic.h"
#include "ghost/model/ghost-port.h"

#include "bridge/wire/stats.h"

#include "ns3/core-module.h"
#include "ns3/internet-stack-helper.h"
#include "ns3/ipv4.h"
#include "ns3/node.h"
#include "ns3/packet.h"
#include "ns3/test.h"

#include <vector>

using namespace ns3;

namespace
{

const Mac48Address OWN[2] = {Mac48Address("02:67:00:00:00:01"), Mac48Address("02:67:00:00:00:02")};
const Mac48Address OTHER("02:67:00:00:00:09");
const Mac48Address GROUP("33:33:00:00:00:05");

/// A link's device that hands every frame to the other end at once, padded as CSMA pads it.
class Line : public GhostDevice
{
  public:
    bool
    SendFrom(Ptr<Packet> packet, const Address& from, const Address& to, uint16_t protocol) override
    {
        if (refuses)
        {
            return false;
        }
        Ptr<Packet> copy = packet->Copy();
        if (copy->GetSize() < 46)
        {
            copy->AddPaddingAtEnd(46 - copy->GetSize());
        }
        peer->HandOver(
            copy, protocol, Mac48Address::ConvertFrom(from), Mac48Address::ConvertFrom(to));
        return true;
    }

    Line* peer{nullptr};
    bool refuses{false};
};

/// Two simulated nodes on a line.
class GhostNicTestCase : public TestCase
{
  public:
    GhostNicTestCase()
        : TestCase("two nodes")
    {
    }

  private:
    struct Frame
    {
        std::vector<uint8_t> payload;
        uint16_t type;
        Address from;
        NetDevice::PacketType how;
    };

    void Build()
    {
        for (int i = 0; i < 2; i++)
        {
            Ptr<Node> node = CreateObject<Node>();
            m_line[i] = CreateObject<Line>();
            m_line[i]->SetAddress(OWN[i]);
            node->AddDevice(m_line[i]);
            m_nic[i] = CreateObject<GhostNic>();
            m_nic[i]->SetAddress(OWN[i]);
            node->AddDevice(m_nic[i]);
            m_port[i] = CreateObject<GhostPort>();
            m_nic[i]->Connect(m_port[i], 1400, m_segment);
            m_port[i]->Connect(m_nic[i], m_stats[i], false, m_line[i]);
        }
        m_line[0]->peer = PeekPointer(m_line[1]);
        m_line[1]->peer = PeekPointer(m_line[0]);
        m_nic[1]->SetReceiveCallback(MakeCallback(&GhostNicTestCase::Receive, this));
        m_nic[1]->SetPromiscReceiveCallback(MakeCallback(&GhostNicTestCase::Overhear, this));
    }

    bool Receive(Ptr<NetDevice> device, Ptr<const Packet>, uint16_t, const Address&)
    {
        NS_TEST_EXPECT_MSG_EQ(device, m_nic[1], "whose interface");
        m_received++;
        return true;
    }

    bool Overhear(Ptr<NetDevice>,
                  Ptr<const Packet> packet,
                  uint16_t type,
                  const Address& from,
                  const Address&,
                  NetDevice::PacketType how)
    {
        std::vector<uint8_t> payload(packet->GetSize());
        packet->CopyData(payload.data(), packet->GetSize());
        m_heard.push_back({payload, type, from, how});
        return true;
    }

    /// Send from the first node. \return what came of it
    bool Send(const std::vector<uint8_t>& payload,
              const Mac48Address& to,
              uint16_t type,
              const Mac48Address& from = OWN[0])
    {
        m_heard.clear();
        m_received = 0;
        return m_nic[0]->SendFrom(
            Create<Packet>(payload.data(), static_cast<uint32_t>(payload.size())), from, to, type);
    }

    void DoRun() override
    {
        Build();
        NS_TEST_EXPECT_MSG_EQ(m_nic[0]->GetMtu(), 1400, "mtu");
        NS_TEST_ASSERT_MSG_EQ(m_nic[0]->GetChannel(), m_segment, "where global routing walks");
        NS_TEST_ASSERT_MSG_EQ(m_segment->GetNDevices(), 2, "who is there");
        NS_TEST_EXPECT_MSG_EQ(m_segment->GetDevice(1), m_nic[1], "in the order of the ends");

        // Any type or length field, any size: what arrives is what was sent, without padding.
        uint64_t bytes = 0;
        for (uint16_t type : {0x0800, 0x88cc, 0x8100, 0x05dc, 0x0026, 0x0000, 0xffff})
        {
            for (uint32_t size : {0u, 1u, 45u, 46u, 47u, 1400u})
            {
                std::vector<uint8_t> payload(size, static_cast<uint8_t>(size));
                NS_TEST_ASSERT_MSG_EQ(Send(payload, OWN[1], type), true, "sent");
                NS_TEST_ASSERT_MSG_EQ(m_heard.size(), 1, "heard");
                NS_TEST_EXPECT_MSG_EQ(m_received, 1, "received");
                NS_TEST_EXPECT_MSG_EQ((m_heard[0].payload == payload), true, type << ' ' << size);
                NS_TEST_EXPECT_MSG_EQ(m_heard[0].type, type, "type of " << size);
                bytes += 14 + size;
            }
        }
        NS_TEST_EXPECT_MSG_EQ(m_stats[0].up.frames, 42, "sent");
        NS_TEST_EXPECT_MSG_EQ(m_stats[0].up.bytes, bytes, "sent");
        NS_TEST_EXPECT_MSG_EQ(m_stats[0].transmitted, 42, "sent");
        NS_TEST_EXPECT_MSG_EQ(m_stats[1].down.frames, 42, "got");
        NS_TEST_EXPECT_MSG_EQ(m_stats[1].down.bytes, bytes, "got");

        // Bridges send in the name of others; groups reach everybody; a node's stack filters.
        const std::vector<uint8_t> payload(100, 7);
        Send(payload, GROUP, 0x86dd, OTHER);
        NS_TEST_ASSERT_MSG_EQ(m_heard.size(), 1, "group");
        NS_TEST_EXPECT_MSG_EQ(m_heard[0].how, NetDevice::PACKET_MULTICAST, "group");
        NS_TEST_EXPECT_MSG_EQ(m_heard[0].from, Address(OTHER), "for another");
        Send(payload, Mac48Address::GetBroadcast(), 0x0806);
        NS_TEST_ASSERT_MSG_EQ(m_heard.size(), 1, "broadcast");
        NS_TEST_EXPECT_MSG_EQ(m_heard[0].how, NetDevice::PACKET_BROADCAST, "broadcast");
        NS_TEST_EXPECT_MSG_EQ(m_received, 1, "broadcast");
        Send(payload, OTHER, 0x0800);
        NS_TEST_EXPECT_MSG_EQ(m_heard.size() + m_received, 0, "not for it");
        NS_TEST_EXPECT_MSG_EQ(m_stats[1].down.drops[STATS_DROP_FILTERED], 1, "counted");

        // Each way to lose a frame has its cause.
        m_line[0]->refuses = true;
        NS_TEST_EXPECT_MSG_EQ(Send(payload, OWN[1], 0x0800), false, "full");
        NS_TEST_EXPECT_MSG_EQ(m_stats[0].up.drops[STATS_DROP_QUEUE], 1, "full");
        m_line[0]->refuses = false;
        m_port[0]->SetDown(true);
        NS_TEST_EXPECT_MSG_EQ(Send(payload, OWN[1], 0x0800), false, "down");
        NS_TEST_EXPECT_MSG_EQ(m_stats[0].up.drops[STATS_DROP_DOWN], 1, "down");
        m_port[0]->SetDown(false);
        m_port[1]->SetDown(true);
        NS_TEST_EXPECT_MSG_EQ(Send(payload, OWN[1], 0x0800), true, "down there");
        NS_TEST_EXPECT_MSG_EQ(m_stats[1].down.drops[STATS_DROP_DOWN], 1, "down there");
        m_port[1]->SetDown(false);

        // Near the end: what is sent does not enter, what arrives has arrived though nobody looks.
        uint64_t entered = m_stats[0].up.frames;
        uint64_t arrived = m_stats[1].down.frames;
        m_port[1]->Close();
        Send(payload, OWN[1], 0x0800);
        NS_TEST_EXPECT_MSG_EQ(m_heard.size(), 0, "closed");
        NS_TEST_EXPECT_MSG_EQ(m_stats[1].down.frames, arrived + 1, "closed");
        m_port[0]->Close();
        NS_TEST_EXPECT_MSG_EQ(Send(payload, OWN[1], 0x0800), false, "closed");
        NS_TEST_EXPECT_MSG_EQ(m_stats[0].up.frames, entered + 1, "closed");
        uint64_t accounted = m_stats[0].transmitted;
        for (uint64_t drops : m_stats[0].up.drops)
        {
            accounted += drops;
        }
        NS_TEST_EXPECT_MSG_EQ(accounted, m_stats[0].up.frames, "each was sent or has a cause");

        // After its end it is nobody's interface, and holds nobody.
        for (int i = 0; i < 2; i++)
        {
            m_nic[i]->Dispose();
        }
        NS_TEST_EXPECT_MSG_EQ(Send(payload, OWN[1], 0x0800), false, "disposed of");
        NS_TEST_EXPECT_MSG_EQ(m_segment->GetNDevices(), 0, "disposed of");
        for (int i = 0; i < 2; i++)
        {
            m_port[i]->Dispose();
            m_line[i]->Dispose();
        }
        Simulator::Destroy();
    }

    Ptr<GhostSegment> m_segment{CreateObject<GhostSegment>()};
    Ptr<Line> m_line[2];
    Ptr<GhostNic> m_nic[2];
    Ptr<GhostPort> m_port[2];
    struct stats_port m_stats[2] = {};
    std::vector<Frame> m_heard; //!< by who listens to everything
    int m_received{0};          //!< by the node
};

/**
 * A stack that gets TCP headers with every kind of wrong option, some of which ns-3 ends at or
 * never gets over. It answers the sound ones, and stands.
 */
class GhostNicHostileTestCase : public TestCase
{
  public:
    GhostNicHostileTestCase()
        : TestCase("packets that ns-3 cannot read")
    {
    }

  private:
    /// \return an IPv4 packet with a SYN to a port where nobody listens
    static Ptr<Packet> MakeSyn(std::vector<uint8_t> options, uint8_t from = 1)
    {
        options.resize((options.size() + 3) / 4 * 4);
        const auto tcp = static_cast<uint8_t>(20 + options.size());
        std::vector<uint8_t> bytes{
            0x45, 0, 0, static_cast<uint8_t>(20 + tcp), 0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, from, 10,
            0,    0, 2};
        const uint8_t header[20] = {
            0x10, 0, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, static_cast<uint8_t>(tcp << 2), 2, 1, 0};
        bytes.insert(bytes.end(), header, header + 20);
        bytes.insert(bytes.end(), options.begin(), options.end());
        return Create<Packet>(bytes.data(), static_cast<uint32_t>(bytes.size()));
    }

    bool Send(Ptr<Packet> packet)
    {
        uint64_t before = m_stats.up.frames;
        m_nic->Receive(packet, 0x0800, OTHER, OWN[0]);
        Simulator::Run();
        return m_stats.up.frames > before;
    }

    void DoRun() override
    {
        Ptr<Node> node = CreateObject<Node>();
        Ptr<Line> line = CreateObject<Line>();
        line->refuses = true; // what is sent is only counted
        line->SetAddress(OWN[0]);
        node->AddDevice(line);
        m_nic->SetAddress(OWN[0]);
        node->AddDevice(m_nic);
        Ptr<GhostPort> port = CreateObject<GhostPort>();
        m_nic->Connect(port, 1500, CreateObject<GhostSegment>());
        port->Connect(m_nic, m_stats, false, line);
        InternetStackHelper().Install(node);
        Ptr<Ipv4> ipv4 = node->GetObject<Ipv4>();
        uint32_t interface = ipv4->AddInterface(m_nic);
        ipv4->AddAddress(interface, Ipv4InterfaceAddress("10.0.0.2", "255.255.255.0"));
        ipv4->SetUp(interface);

        NS_TEST_EXPECT_MSG_EQ(Send(MakeSyn({2, 4, 5, 180})), true, "asks who answers, to answer");
        const std::vector<std::vector<uint8_t>> wrong = {
            {2, 5, 5, 180, 0}, // MSS too long
            {2, 3, 5},         // too short
            {254, 0},          // unknown, of no length: for ever
            {254, 1},          // shorter than itself
            {8, 4, 0, 0},      // timestamps of two bytes
            {3, 9, 0},         // beyond the header
            {1, 1, 1, 2},      // without a length
        };
        for (const std::vector<uint8_t>& options : wrong)
        {
            NS_TEST_EXPECT_MSG_EQ(Send(MakeSyn(options)), false, "kind " << +options[0]);
        }
        Ptr<Packet> shorter = MakeSyn({});
        shorter->RemoveAtEnd(10);
        NS_TEST_EXPECT_MSG_EQ(Send(shorter), false, "shorter than it says");
        for (uint32_t size = 0; size < 40; size++)
        {
            Send(MakeSyn({})->CreateFragment(0, size));
        }
        NS_TEST_EXPECT_MSG_EQ(Send(MakeSyn({1, 1}, 3)), true, "still there");
        port->Dispose();
        line->Dispose();
        Simulator::Destroy();
    }

    Ptr<GhostNic> m_nic{CreateObject<GhostNic>()};
    struct stats_port m_stats = {};
};

/// All of them.
class GhostNicTestSuite : public TestSuite
{
  public:
    GhostNicTestSuite()
        : TestSuite("ghost-nic", UNIT)
    {
        AddTestCase(new GhostNicTestCase, TestCase::QUICK);
        AddTestCase(new GhostNicHostileTestCase, TestCase::QUICK);
    }
};

static GhostNicTestSuite g_ghostNicTestSuite; //!< registers itself

} // namespace

int
main(int argc, char* argv[])
{
    return TestRunner::Run(argc, argv);
}
