/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A Wi-Fi cell and an Ethernet segment with a slow line between them, in which simulated traffic
 * competes with that of the containers. What ns-3's example tap-wifi-dumbbell does with one tap.
 *
 *     phone.wlan0     station           router                 router    host     pc.eth0
 *      10.1.1.1       10.1.1.2        .3 = AP  10.1.2.1   10.1.2.2  .1  10.1.3.2  10.1.3.3
 *         (((           (((            )))  |      |          |     |       |        |
 *          802.11a, infrastructure          +- p2p --rate ----+     == CSMA, 100 Mbit/s ==
 *
 * The station sends --background of UDP to the host.
 */
#include <ghostbridge/ghost-bridge-helper.h>

#include "ns3/applications-module.h"
#include "ns3/core-module.h"
#include "ns3/csma-module.h"
#include "ns3/internet-module.h"
#include "ns3/mobility-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"
#include "ns3/wifi-module.h"

using namespace ns3;

namespace
{

/// The cell: the last node is the access point.
NetDeviceContainer
InstallWifi(const NodeContainer& nodes)
{
    MobilityHelper mobility;
    mobility.SetPositionAllocator("ns3::GridPositionAllocator",
                                  "DeltaX",
                                  DoubleValue(5),
                                  "GridWidth",
                                  UintegerValue(nodes.GetN()));
    mobility.SetMobilityModel("ns3::ConstantPositionMobilityModel");
    mobility.Install(nodes);

    YansWifiPhyHelper phy;
    phy.SetChannel(YansWifiChannelHelper::Default().Create());
    WifiHelper wifi;
    wifi.SetStandard(WIFI_STANDARD_80211a);
    wifi.SetRemoteStationManager("ns3::ArfWifiManager");
    Ssid ssid("left");
    WifiMacHelper mac;
    NetDeviceContainer devices;
    uint32_t stations = nodes.GetN() - 1;
    for (uint32_t i = 0; i < stations; i++)
    {
        mac.SetType("ns3::StaWifiMac", "Ssid", SsidValue(ssid));
        devices.Add(wifi.Install(phy, mac, nodes.Get(i)));
    }
    mac.SetType("ns3::ApWifiMac", "Ssid", SsidValue(ssid));
    devices.Add(wifi.Install(phy, mac, nodes.Get(stations)));
    return devices;
}

} // namespace

int
main(int argc, char* argv[])
{
    std::string rate = "512kbps";
    std::string delay = "10ms";
    std::string background = "200kbps";
    CommandLine cmd(__FILE__);
    cmd.AddValue("rate", "of the line in the middle", rate);
    cmd.AddValue("delay", "of the line in the middle", delay);
    cmd.AddValue("background", "rate of the simulated traffic over it", background);
    cmd.Parse(argc, argv);

    GlobalValue::Bind("ChecksumEnabled", BooleanValue(true));

    NodeContainer left;  // phone, station, router
    NodeContainer right; // router, host, pc
    left.Create(3);
    right.Create(3);
    NetDeviceContainer wifi = InstallWifi(left);

    PointToPointHelper pointToPoint;
    pointToPoint.SetDeviceAttribute("DataRate", StringValue(rate));
    pointToPoint.SetChannelAttribute("Delay", StringValue(delay));
    NetDeviceContainer line = pointToPoint.Install(left.Get(2), right.Get(0));

    CsmaHelper csma;
    csma.SetChannelAttribute("DataRate", StringValue("100Mbps"));
    NetDeviceContainer segment = csma.Install(right);

    // Stacks on the simulated nodes only: phone and pc are containers and have their own.
    InternetStackHelper internet;
    internet.Install(NodeContainer(left.Get(1), left.Get(2)));
    internet.Install(NodeContainer(right.Get(0), right.Get(1)));
    Ipv4AddressHelper addresses("10.1.1.0", "255.255.255.0", "0.0.0.2");
    addresses.Assign(NetDeviceContainer(wifi.Get(1), wifi.Get(2)));
    addresses.SetBase("10.1.2.0", "255.255.255.0");
    addresses.Assign(line);
    addresses.SetBase("10.1.3.0", "255.255.255.0");
    Ipv4InterfaceContainer hosts =
        addresses.Assign(NetDeviceContainer(segment.Get(0), segment.Get(1)));
    Ipv4GlobalRoutingHelper::PopulateRoutingTables();

    OnOffHelper source("ns3::UdpSocketFactory", InetSocketAddress(hosts.GetAddress(1), 9));
    source.SetConstantRate(DataRate(background), 500);
    source.Install(left.Get(1)).Start(Seconds(1));
    PacketSinkHelper sink("ns3::UdpSocketFactory", InetSocketAddress(Ipv4Address::GetAny(), 9));
    sink.Install(right.Get(1));

    GhostBridgeHelper helper;
    helper.Install(left.Get(0), wifi.Get(0), "phone.wlan0");
    helper.Install(right.Get(2), segment.Get(2), "pc.eth0");

    Simulator::Stop(Minutes(10));
    Simulator::Run();
    Simulator::Destroy();
    return 0;
}
