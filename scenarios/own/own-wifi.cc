/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two containers, each with an 802.11a ad hoc station as its interface, five metres apart. What
 * ns-3's example tap-wifi-virtual-machine does with taps.
 */
#include <ghostbridge/ghost-bridge-helper.h>

#include "ns3/core-module.h"
#include "ns3/mobility-module.h"
#include "ns3/network-module.h"
#include "ns3/wifi-module.h"

using namespace ns3;

int
main(int argc, char* argv[])
{
    double distance = 5;
    CommandLine cmd(__FILE__);
    cmd.AddValue("distance", "between the stations, in m", distance);
    cmd.Parse(argc, argv);

    NodeContainer nodes;
    nodes.Create(2);

    MobilityHelper mobility;
    Ptr<ListPositionAllocator> positions = CreateObject<ListPositionAllocator>();
    positions->Add(Vector(0, 0, 0));
    positions->Add(Vector(distance, 0, 0));
    mobility.SetPositionAllocator(positions);
    mobility.SetMobilityModel("ns3::ConstantPositionMobilityModel");
    mobility.Install(nodes);

    YansWifiPhyHelper phy;
    phy.SetChannel(YansWifiChannelHelper::Default().Create());
    WifiMacHelper mac;
    mac.SetType("ns3::AdhocWifiMac");
    WifiHelper wifi;
    wifi.SetStandard(WIFI_STANDARD_80211a);
    wifi.SetRemoteStationManager(
        "ns3::ConstantRateWifiManager", "DataMode", StringValue("OfdmRate54Mbps"));
    NetDeviceContainer devices = wifi.Install(phy, mac, nodes);

    GhostBridgeHelper helper;
    helper.Install(nodes.Get(0), devices.Get(0), "left.wlan0");
    helper.Install(nodes.Get(1), devices.Get(1), "right.wlan0");

    Simulator::Stop(Minutes(10));
    Simulator::Run();
    Simulator::Destroy();
    return 0;
}
