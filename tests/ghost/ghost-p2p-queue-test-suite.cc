/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Queues of the point-to-point link: what they hold, and what ns-3's queue disciplines see of the
 * frames. Nothing here reads a clock.
 */
#include "ghost-p2p-pair.h"

#include "ghost/model/ghost-tag.h"

#include "ns3/fq-codel-queue-disc.h"
#include "ns3/internet-module.h"
#include "ns3/red-queue-disc.h"
#include "ns3/test.h"

#include <algorithm>

using namespace ns3;

/**
 * \brief The drop-tail queue: its length in frames and in bytes, also when it changes.
 */
class P2pDropTailTestCase : public TestCase
{
  public:
    P2pDropTailTestCase()
        : TestCase("drop-tail")
    {
    }

  private:
    void DoRun() override
    {
        P2pPair pair;
        Ptr<GhostP2pQueue> queue = pair.devices[0]->GetQueue();
        queue->SetDropTail(3, 0);
        for (int i = 0; i < 10; i++)
        {
            pair.Send(1000);
        }
        NS_TEST_EXPECT_MSG_EQ(pair.devices[0]->IsFull(), true, "full");
        NS_TEST_EXPECT_MSG_EQ(pair.drops[STATS_DROP_QUEUE], 6, "one is sent, three wait");
        queue->SetLimit(5);
        pair.Send(1000);
        pair.Send(1000);
        pair.Send(1000);
        NS_TEST_EXPECT_MSG_EQ(pair.drops[STATS_DROP_QUEUE], 7, "five wait");
        Simulator::Run();
        NS_TEST_EXPECT_MSG_EQ(pair.arrivals.size(), 6, "the others arrive");
        queue->SetDropTail(0, 2500);
        for (int i = 0; i < 10; i++)
        {
            pair.SendAt(Seconds(1), 1000);
        }
        pair.SendAt(Seconds(1), 500);
        Simulator::Run();
        NS_TEST_EXPECT_MSG_EQ(pair.arrivals.size(), 10, "one, two of 1000 bytes, one of 500");
        NS_TEST_EXPECT_MSG_EQ(pair.transmitted, 10, "counted");
    }
};

/**
 * \brief Real bytes look to a discipline like what ns-3's own stack gives it.
 */
class P2pItemTestCase : public TestCase
{
  public:
    P2pItemTestCase()
        : TestCase("flows and marks in real bytes")
    {
    }

  private:
    static Ptr<Packet> MakeIpv4(uint16_t port, Ipv4Header::EcnType ecn, Ipv4Header& ip)
    {
        Ptr<Packet> packet = Create<Packet>(50);
        UdpHeader udp;
        udp.SetSourcePort(port);
        udp.SetDestinationPort(53);
        packet->AddHeader(udp);
        ip.SetSource("10.0.0.1");
        ip.SetDestination("10.0.0.2");
        ip.SetProtocol(17);
        ip.SetPayloadSize(packet->GetSize());
        ip.SetTtl(64);
        ip.SetEcn(ecn);
        ip.EnableChecksum();
        return packet;
    }

    static GhostFrame MakeFrame(Ptr<Packet> packet, uint16_t type)
    {
        return {packet, Mac48Address("02:00:00:00:00:01"), Mac48Address("02:00:00:00:00:02"), type};
    }

    /// Put an 802.1Q tag before a packet of a type.
    static Ptr<Packet> AddTag(Ptr<const Packet> packet, uint16_t type)
    {
        uint8_t tag[4] = {0, 42, static_cast<uint8_t>(type >> 8), static_cast<uint8_t>(type)};
        Ptr<Packet> tagged = Create<Packet>(tag, sizeof(tag));
        tagged->AddAtEnd(packet);
        return tagged;
    }

    void DoRun() override
    {
        Ipv4Header ip;
        for (uint16_t port = 1; port < 20; port++)
        {
            Ptr<Packet> packet = MakeIpv4(port, Ipv4Header::ECN_ECT0, ip);
            Ipv4QueueDiscItem theirs(packet->Copy(), Address(), 0x0800, ip);
            packet->AddHeader(ip);
            GhostFrameItem ours(MakeFrame(packet, 0x0800));
            GhostFrameItem tagged(MakeFrame(AddTag(packet, 0x0800), 0x8100));
            NS_TEST_EXPECT_MSG_EQ(ours.Hash(port), theirs.Hash(port), "IPv4 and UDP");
            NS_TEST_EXPECT_MSG_EQ(tagged.Hash(port), theirs.Hash(port), "behind a VLAN tag");
            NS_TEST_EXPECT_MSG_EQ(ours.GetSize(), theirs.GetSize(), "size");
        }
        Ipv6Header ip6;
        Ptr<Packet> packet = Create<Packet>(50);
        TcpHeader tcp;
        tcp.SetSourcePort(1234);
        tcp.SetDestinationPort(80);
        packet->AddHeader(tcp);
        ip6.SetSource("fd00::1");
        ip6.SetDestination("fd00::2");
        ip6.SetNextHeader(6);
        ip6.SetPayloadLength(packet->GetSize());
        ip6.SetEcn(Ipv6Header::ECN_ECT1);
        Ipv6QueueDiscItem theirs6(packet->Copy(), Address(), 0x86dd, ip6);
        packet->AddHeader(ip6);
        GhostFrameItem ours6(MakeFrame(packet, 0x86dd));
        NS_TEST_EXPECT_MSG_EQ(ours6.Hash(5), theirs6.Hash(5), "IPv6 and TCP");
        NS_TEST_EXPECT_MSG_EQ(ours6.Mark(), true, "can be marked");
        packet->PeekHeader(ip6);
        NS_TEST_EXPECT_MSG_EQ(ip6.GetEcn(), Ipv6Header::ECN_CE, "is marked");

        GhostFrameItem other(MakeFrame(Create<Packet>(100), 0x88cc));
        NS_TEST_EXPECT_MSG_EQ(other.Mark(), false, "LLDP has no mark");
        NS_TEST_EXPECT_MSG_NE(other.Hash(1), other.Hash(2), "but a flow");
        GhostFrameItem runt(MakeFrame(Create<Packet>(10), 0x0800));
        NS_TEST_EXPECT_MSG_EQ(runt.Mark(), false, "too short to be IPv4");
        runt.Hash(0);

        for (auto ecn : {Ipv4Header::ECN_NotECT, Ipv4Header::ECN_ECT1, Ipv4Header::ECN_CE})
        {
            packet = MakeIpv4(7, ecn, ip);
            packet->AddHeader(ip);
            Ptr<Packet> tagged = AddTag(packet, 0x0800);
            tagged->AddPacketTag(GhostTag(1, 2));
            GhostFrameItem item(MakeFrame(tagged, 0x8100));
            NS_TEST_EXPECT_MSG_EQ(item.Mark(), (ecn != Ipv4Header::ECN_NotECT), "can be marked");
            GhostTag tag;
            NS_TEST_EXPECT_MSG_EQ(tagged->PeekPacketTag(tag), true, "tags stay");
            tagged->RemoveAtStart(4);
            Ipv4Header marked;
            marked.EnableChecksum();
            tagged->RemoveHeader(marked);
            NS_TEST_EXPECT_MSG_EQ(marked.IsChecksumOk(), true, "checksum");
            NS_TEST_EXPECT_MSG_EQ(marked.GetEcn(),
                                  (ecn == Ipv4Header::ECN_NotECT ? ecn : Ipv4Header::ECN_CE),
                                  "mark");
        }
    }
};

/**
 * \brief Drops of a discipline have the right cause, and FQ-CoDel keeps flows apart.
 */
class P2pDiscTestCase : public TestCase
{
  public:
    P2pDiscTestCase()
        : TestCase("queue disciplines in a device")
    {
    }

  private:
    void DoRun() override
    {
        {
            P2pPair pair;
            Ptr<RedQueueDisc> red = CreateObject<RedQueueDisc>();
            red->SetAttribute("QW", DoubleValue(1));
            red->SetAttribute("Gentle", BooleanValue(false));
            red->SetMaxSize(QueueSize("100p"));
            red->AssignStreams(1);
            pair.devices[0]->GetQueue()->SetDisc(red);
            for (int i = 0; i < 50; i++)
            {
                pair.Send(1000);
            }
            Simulator::Run();
            NS_TEST_EXPECT_MSG_EQ(pair.drops[STATS_DROP_QUEUE], 0, "there was room");
            NS_TEST_EXPECT_MSG_GT(pair.drops[STATS_DROP_AQM], 30, "but not below MaxTh, 15");
            NS_TEST_EXPECT_MSG_EQ(pair.drops[STATS_DROP_AQM] + pair.arrivals.size(), 50, "even");
        }
        P2pPair pair;
        Ptr<FqCoDelQueueDisc> fair = CreateObject<FqCoDelQueueDisc>();
        fair->SetQuantum(1500);
        fair->SetMaxSize(QueueSize("20p"));
        pair.devices[0]->GetQueue()->SetDisc(fair);
        // Two flows of non-IP frames: 30 of one, then one of the other, which does not wait for
        // all of the first.
        for (int i = 0; i < 30; i++)
        {
            pair.Send(1400, 0, 0x88b5);
        }
        pair.Send(1000, 0, 0x88b6);
        Simulator::Run();
        NS_TEST_EXPECT_MSG_GT(pair.drops[STATS_DROP_QUEUE], 9, "of 31, 1 is sent and 20 wait");
        NS_TEST_EXPECT_MSG_EQ(pair.drops[STATS_DROP_QUEUE] + pair.drops[STATS_DROP_AQM] +
                                  pair.arrivals.size(),
                              31,
                              "even");
        auto place = std::find(pair.types.begin(), pair.types.end(), 0x88b6) - pair.types.begin();
        NS_TEST_EXPECT_MSG_LT(place, 4, "the other flow's turn");
        pair.devices[0]->GetQueue()->SetLimit(5);
        NS_TEST_EXPECT_MSG_EQ(fair->GetMaxSize(), QueueSize("5p"), "a new limit");
    }
};

/**
 * \brief All of the above.
 */
class GhostP2pQueueTestSuite : public TestSuite
{
  public:
    GhostP2pQueueTestSuite()
        : TestSuite("ghost-p2p-queue", UNIT)
    {
        AddTestCase(new P2pDropTailTestCase, TestCase::QUICK);
        AddTestCase(new P2pItemTestCase, TestCase::QUICK);
        AddTestCase(new P2pDiscTestCase, TestCase::QUICK);
    }
};

static GhostP2pQueueTestSuite g_ghostP2pQueueTestSuite; //!< registers itself
