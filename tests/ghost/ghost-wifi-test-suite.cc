/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ghostbridge adds to ns-3's Wi-Fi, in simulated time: agreements on block acknowledgement
 * that come late. Nothing here reads a clock.
 */
#include "ghost/helper/wifi-builder.h"

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
    }
};

static GhostWifiTestSuite g_ghostWifiTestSuite;

int
main(int argc, char* argv[])
{
    return TestRunner::Run(argc, argv);
}
