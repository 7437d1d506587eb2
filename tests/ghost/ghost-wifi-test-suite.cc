/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ghostbridge adds to ns-3's Wi-Fi, in simulated time: agreements on block acknowledgement
 * that come late, radios that are down, the check of the order on the air. Nothing here reads a
 * clock.
 */
#include "ghost/helper/wifi-builder.h"
#include "ghost/model/ghost-ledger.h"

#include "ns3/core-module.h"
#include "ns3/mobility-module.h"
#include "ns3/network-module.h"
#include "ns3/test.h"
#include "ns3/wifi-module.h"

#include <set>

using namespace ns3;

namespace
{

/// Two ad hoc stations at 5 m, and which of their unicast frames arrive.
struct Pair
{
    Pair(WifiStandard standard, bool mend)
    {
        YansWifiChannelHelper channel = YansWifiChannelHelper::Default();
        YansWifiPhyHelper phy;
        phy.SetChannel(channel.Create());
        phy.Set("ChannelSettings", StringValue("{36, 20, BAND_5GHZ, 0}"));
        WifiHelper helper;
        helper.SetStandard(standard);
        helper.SetRemoteStationManager("ns3::MinstrelHtWifiManager");
        WifiMacHelper mac;
        mac.SetType("ns3::AdhocWifiMac", "QosSupported", BooleanValue(true));
        nodes.Create(2);
        devices = helper.Install(phy, mac, nodes);
        helper.AssignStreams(devices, 100);
        for (uint32_t i = 0; i < 2; i++)
        {
            Ptr<MobilityModel> place = CreateObject<ConstantPositionMobilityModel>();
            place->SetPosition(Vector(5.0 * i, 0, 0));
            nodes.Get(i)->AggregateObject(place);
            Ptr<WifiNetDevice> device = DynamicCast<WifiNetDevice>(devices.Get(i));
            device->SetReceiveCallback(MakeCallback(&Pair::Receive, this));
            device->GetMac()->GetQosTxop(AC_BE)->GetBaManager()->TraceConnectWithoutContext(
                "AgreementState", MakeCallback(&Pair::Agreement, this));
            if (mend)
            {
                MendAgreements(device->GetMac());
            }
        }
    }

    ~Pair()
    {
        Simulator::Destroy();
    }

    bool Receive(Ptr<NetDevice>, Ptr<const Packet> packet, uint16_t, const Address&)
    {
        if (sent.count(packet->GetUid()))
        {
            arrived.push_back(packet->GetUid());
        }
        return true;
    }

    void Agreement(Time, Mac48Address, uint8_t, OriginatorBlockAckAgreement::State state)
    {
        noReply += state == OriginatorBlockAckAgreement::NO_REPLY;
        established += state == OriginatorBlockAckAgreement::ESTABLISHED;
    }

    void Send(int from, uint32_t size, bool group)
    {
        Ptr<Packet> packet = Create<Packet>(size);
        if (group)
        {
            devices.Get(from)->Send(packet, Mac48Address::GetBroadcast(), 0x88b5);
            return;
        }
        sent.insert(packet->GetUid());
        devices.Get(from)->Send(packet, devices.Get(1 - from)->GetAddress(), 0x88b5);
    }

    NodeContainer nodes;
    NetDeviceContainer devices;
    std::set<uint64_t> sent;
    std::vector<uint64_t> arrived;
    uint32_t noReply{0};
    uint32_t established{0};
};

} // namespace

/**
 * \brief Both begin to send at once, some of it to everybody, so that answers are late; fewer than
 * 64 frames.
 */
class LateAgreementTestCase : public TestCase
{
  public:
    LateAgreementTestCase(WifiStandard standard, const std::string& name)
        : TestCase("an agreement that comes late, " + name)
        , m_standard(standard)
    {
    }

  private:
    /// \return frames that were sent and didn't arrive; \p late agreements that came late
    size_t Run(bool mend, uint32_t& late)
    {
        size_t missing = 0;
        late = 0;
        for (uint32_t run = 1; run <= 20; run++)
        {
            RngSeedManager::SetRun(run);
            Pair pair(m_standard, mend);
            Ptr<UniformRandomVariable> random = CreateObject<UniformRandomVariable>();
            random->SetStream(1);
            for (uint32_t i = 0; i < 60; i++)
            {
                uint32_t size = random->GetInteger(20, 1500);
                bool group = random->GetInteger(0, 4) == 0;
                Simulator::Schedule(Seconds(1) + MicroSeconds(random->GetInteger(0, 5000)),
                                    [&pair, i, size, group]() { pair.Send(i % 2, size, group); });
            }
            Simulator::Stop(Seconds(3));
            Simulator::Run();
            std::set<uint64_t> once(pair.arrived.begin(), pair.arrived.end());
            NS_TEST_EXPECT_MSG_EQ(once.size(), pair.arrived.size(), "nothing arrives twice");
            missing += pair.sent.size() - once.size();
            late += std::min(pair.noReply, pair.established);
        }
        return missing;
    }

    void DoRun() override
    {
        uint32_t late;
        size_t missing = Run(false, late);
        NS_TEST_ASSERT_MSG_GT(late, 0, "the case does not occur");
        NS_TEST_EXPECT_MSG_GT(missing, 0, "ns-3 hands on everything by itself: no need to mend it");
        missing = Run(true, late);
        NS_TEST_ASSERT_MSG_GT(late, 0, "the case does not occur");
        NS_TEST_EXPECT_MSG_EQ(missing, 0, "frames that the receiver kept");
    }

    WifiStandard m_standard;
};

/**
 * \brief A radio that is down hears nothing, isn't heard, and the station finds its access point
 * again.
 */
class SilenceTestCase : public TestCase
{
  public:
    /// \param down which is cut off, of an access point, 0, and two stations
    SilenceTestCase(uint32_t down)
        : TestCase(down ? "a station is down" : "an access point is down")
        , m_down(down)
    {
    }

  private:
    void Heard(uint32_t by, bool fromDown)
    {
        if (Simulator::Now() > Seconds(2) && Simulator::Now() < Seconds(4))
        {
            (by == m_down || fromDown ? m_heardDown : m_heardOther)++;
        }
    }

    void Event(std::string what, Mac48Address)
    {
        m_events.emplace_back(what, Simulator::Now());
    }

    void DoRun() override
    {
        NodeContainer nodes(3);
        Ptr<GhostSilence> silence = CreateObject<GhostSilence>();
        Ptr<PropagationLossModel> loss = CreateObject<LogDistancePropagationLossModel>();
        loss->SetNext(silence);
        Ptr<YansWifiChannel> channel = CreateObject<YansWifiChannel>();
        channel->SetPropagationLossModel(loss);
        channel->SetPropagationDelayModel(CreateObject<ConstantSpeedPropagationDelayModel>());
        YansWifiPhyHelper phy;
        phy.SetChannel(channel);
        WifiHelper helper;
        helper.SetStandard(WIFI_STANDARD_80211a);
        NetDeviceContainer devices;
        for (uint32_t i = 0; i < 3; i++)
        {
            WifiMacHelper mac;
            mac.SetType(i ? "ns3::StaWifiMac" : "ns3::ApWifiMac");
            devices.Add(helper.Install(phy, mac, nodes.Get(i)));
            Ptr<MobilityModel> place = CreateObject<ConstantPositionMobilityModel>();
            place->SetPosition(Vector(5.0 * i, 0, 0));
            nodes.Get(i)->AggregateObject(place);
        }
        helper.AssignStreams(devices, 100);
        Mac48Address cut = Mac48Address::ConvertFrom(devices.Get(m_down)->GetAddress());
        for (uint32_t i = 0; i < 3; i++)
        {
            Ptr<WifiNetDevice> device = DynamicCast<WifiNetDevice>(devices.Get(i));
            auto heard = [this, i, cut](Ptr<const Packet> packet, RxPowerWattPerChannelBand)
            {
                WifiMacHeader header;
                packet->PeekHeader(header);
                Heard(i, header.GetAddr2() == cut);
            };
            device->GetPhy()->TraceConnectWithoutContext(
                "PhyRxBegin", Callback<void, Ptr<const Packet>, RxPowerWattPerChannelBand>(heard));
        }
        Ptr<WifiNetDevice> station = DynamicCast<WifiNetDevice>(devices.Get(1));
        for (const char* what : {"Assoc", "DeAssoc"})
        {
            station->GetMac()->TraceConnect(
                what, what, MakeCallback(&SilenceTestCase::Event, this));
        }
        WifiPhy* radio = PeekPointer(DynamicCast<WifiNetDevice>(devices.Get(m_down))->GetPhy());
        Simulator::Schedule(Seconds(2), &GhostSilence::SetDown, silence, radio, true);
        Simulator::Schedule(Seconds(4), &GhostSilence::SetDown, silence, radio, false);
        Simulator::Stop(Seconds(6));
        Simulator::Run();
        Simulator::Destroy();
        NS_TEST_EXPECT_MSG_EQ(m_heardDown, 0, "heard by, or from, a radio that is down");
        if (m_down)
        {
            NS_TEST_EXPECT_MSG_GT(m_heardOther, 15, "beacons, by the station that is not");
        }
        NS_TEST_ASSERT_MSG_EQ(m_events.size(), 3, "association, its loss, association");
        NS_TEST_EXPECT_MSG_EQ(m_events[0].first, "Assoc", "before");
        NS_TEST_EXPECT_MSG_EQ(m_events[1].first, "DeAssoc", "meanwhile");
        NS_TEST_EXPECT_MSG_GT(m_events[1].second, Seconds(2.9), "ten beacons are missed");
        NS_TEST_EXPECT_MSG_LT(m_events[1].second, Seconds(3.2), "ten beacons are missed");
        NS_TEST_EXPECT_MSG_EQ(m_events[2].first, "Assoc", "after");
        NS_TEST_EXPECT_MSG_GT(m_events[2].second, Seconds(4), "after");
        NS_TEST_EXPECT_MSG_LT(m_events[2].second, Seconds(4.5), "within some beacons");
    }

    uint32_t m_down;                                    //!< which is cut off
    uint32_t m_heardDown{0};                            //!< frames that nobody may hear
    uint32_t m_heardOther{0};                           //!< those of the others
    std::vector<std::pair<std::string, Time>> m_events; //!< of station 1
};

/**
 * \brief All frames are on the air, and the receiver hands them on in reverse order.
 */
class OrderTestCase : public TestCase
{
  public:
    /// To everybody, in the place of a priority.
    static constexpr int GROUP = -1;

    /**
     * \param name of the case
     * \param priorities of the frames, as the socket has them, or GROUP
     * \param checking whether the link's frames all go the same way
     * \param checked how many are to be looked at
     * \param broken how many of them came out of order
     */
    OrderTestCase(const std::string& name,
                  std::vector<int> priorities,
                  bool checking,
                  uint64_t checked,
                  uint64_t broken)
        : TestCase("order on the air: " + name)
        , m_priorities(priorities)
        , m_checking(checking)
        , m_checked(checked)
        , m_broken(broken)
    {
    }

  private:
    void SendAll(Pair& pair, Ptr<GhostLedger> ledger)
    {
        for (int priority : m_priorities)
        {
            Ptr<Packet> packet = Create<Packet>(500);
            Address to = pair.devices.Get(1)->GetAddress();
            if (priority == GROUP)
            {
                to = Mac48Address::GetBroadcast();
            }
            else
            {
                SocketPriorityTag tag;
                tag.SetPriority(static_cast<uint8_t>(priority));
                packet->AddPacketTag(tag);
            }
            m_sent.push_back(packet->GetUid());
            pair.sent.insert(packet->GetUid());
            ledger->Begin(packet->GetUid(), 0, Mac48Address::ConvertFrom(to));
            ledger->Handed(packet->GetUid(), pair.devices.Get(0)->Send(packet, to, 0x88b5));
        }
    }

    void DoRun() override
    {
        std::vector<struct stats_port> stats(2);
        Pair pair(WIFI_STANDARD_80211n, true);
        Ptr<GhostLedger> ledger = CreateObject<GhostLedger>();
        ledger->SetLinger(Seconds(1), false);
        for (uint32_t i = 0; i < 2; i++)
        {
            Ptr<NetDevice> device = pair.devices.Get(i);
            ledger->AddPort(&stats[i], Mac48Address::ConvertFrom(device->GetAddress()));
            ledger->Watch(DynamicCast<WifiNetDevice>(device)->GetMac());
        }
        if (m_checking)
        {
            ledger->CheckOrder();
        }
        Simulator::Schedule(Seconds(1), [&]() { SendAll(pair, ledger); });
        Simulator::Schedule(
            Seconds(1.1),
            [&]()
            {
                NS_TEST_EXPECT_MSG_EQ(pair.arrived.size(), m_sent.size(), "all arrive");
                for (auto uid = m_sent.rbegin(); uid != m_sent.rend(); ++uid)
                {
                    NS_TEST_EXPECT_MSG_EQ(ledger->Deliver(*uid, 1), true, "is under way");
                }
            });
        Simulator::Stop(Seconds(4));
        Simulator::Run();
        ledger->Dispose();
        NS_TEST_EXPECT_MSG_EQ(stats[1].order.checked, m_checked, "frames looked at");
        NS_TEST_EXPECT_MSG_EQ(stats[1].order.broken, m_broken, "of them out of order");
    }

    std::vector<int> m_priorities; //!< one a frame
    bool m_checking;               //!< whether order is checked
    uint64_t m_checked;            //!< expected
    uint64_t m_broken;             //!< expected
    std::vector<uint64_t> m_sent;  //!< in their order
};

/**
 * \brief The suite.
 */
class GhostWifiTestSuite : public TestSuite
{
  public:
    GhostWifiTestSuite()
        : TestSuite("ghost-wifi", UNIT)
    {
        AddTestCase(new LateAgreementTestCase(WIFI_STANDARD_80211n, "802.11n"), TestCase::QUICK);
        AddTestCase(new LateAgreementTestCase(WIFI_STANDARD_80211ac, "802.11ac"), TestCase::QUICK);
        AddTestCase(new LateAgreementTestCase(WIFI_STANDARD_80211ax, "802.11ax"), TestCase::QUICK);
        AddTestCase(new SilenceTestCase(0), TestCase::QUICK);
        AddTestCase(new SilenceTestCase(1), TestCase::QUICK);
        const int group = OrderTestCase::GROUP;
        AddTestCase(new OrderTestCase("one priority", {0, 0, 0}, true, 3, 2), TestCase::QUICK);
        AddTestCase(new OrderTestCase("two of one, one of another", {0, 5, 0}, true, 3, 1),
                    TestCase::QUICK);
        AddTestCase(new OrderTestCase("priorities overtake", {0, 5, 6}, true, 3, 0),
                    TestCase::QUICK);
        AddTestCase(new OrderTestCase("group frames are not looked at", {0, group, 0}, true, 2, 1),
                    TestCase::QUICK);
        AddTestCase(new OrderTestCase("several ways", {0, 0, 0}, false, 0, 0), TestCase::QUICK);
    }
};

static GhostWifiTestSuite g_ghostWifiTestSuite;

int
main(int argc, char* argv[])
{
    return TestRunner::Run(argc, argv);
}
