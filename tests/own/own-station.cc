/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An ns-3 program with a container at an access point and one at its station, for
 * tests/system/test_own.py: own-station [--ssid=NAME] [--await=MODE] [--until=SECONDS].
 *
 *     ap.eth0 ))) 802.11a (((  sta.wlan0
 *
 * The station looks for --ssid; the network is "here". --await: "default"; "nothing"; "time": until
 * 3 s are over, and say when that was. --until: the station is out of reach from then on.
 */
#include <ghostbridge/ghost-bridge-helper.h>

#include "ns3/core-module.h"
#include "ns3/mobility-module.h"
#include "ns3/network-module.h"
#include "ns3/wifi-module.h"

#include <iostream>

using namespace ns3;

int
main(int argc, char* argv[])
{
    std::string ssid = "here";
    std::string await = "default";
    double until = 0;
    CommandLine cmd(__FILE__);
    cmd.AddValue("ssid", "that the station looks for", ssid);
    cmd.AddValue("await", "what is awaited", await);
    cmd.AddValue("until", "when the station goes away, in s", until);
    cmd.Parse(argc, argv);

    NodeContainer nodes;
    nodes.Create(2);
    MobilityHelper mobility;
    mobility.SetMobilityModel("ns3::ConstantPositionMobilityModel");
    mobility.Install(nodes);
    YansWifiPhyHelper phy;
    phy.SetChannel(YansWifiChannelHelper::Default().Create());
    WifiHelper wifi;
    wifi.SetStandard(WIFI_STANDARD_80211a);
    WifiMacHelper mac;
    mac.SetType("ns3::ApWifiMac", "Ssid", SsidValue(Ssid("here")));
    NetDeviceContainer devices = wifi.Install(phy, mac, nodes.Get(0));
    mac.SetType("ns3::StaWifiMac", "Ssid", SsidValue(Ssid(ssid)));
    devices.Add(wifi.Install(phy, mac, nodes.Get(1)));

    GhostBridgeHelper helper;
    helper.Install(devices, {"ap.eth0", "sta.wlan0"});
    if (await == "nothing")
    {
        helper.Await("sta.wlan0", nullptr);
    }
    else if (await == "time")
    {
        helper.Await("sta.wlan0",
                     []()
                     {
                         bool isLate = Simulator::Now() >= Seconds(3);
                         std::cerr << "asked at " << Simulator::Now().GetSeconds() << " s"
                                   << std::endl;
                         return isLate;
                     });
    }
    else if (await == "never")
    {
        helper.Await("ap.eth0", []() { return false; });
    }
    else if (await == "nobody")
    {
        helper.Await("h9.eth7", nullptr);
    }
    if (until > 0)
    {
        Simulator::Schedule(
            Seconds(until),
            [&nodes]()
            { nodes.Get(1)->GetObject<MobilityModel>()->SetPosition(Vector(1e6, 0, 0)); });
    }
    Simulator::Run();
    Simulator::Destroy();
    return 0;
}
