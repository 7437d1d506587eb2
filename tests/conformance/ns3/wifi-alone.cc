/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The topology of tests/conformance/wifi.py with ns-3's own devices and applications, without any
 * of ours, as fast as it goes: n ad hoc stations of 802.11a at 54 Mbit/s that all hear each other
 * alike, each with always something of 1500 bytes to send to the next. Prints Mbit/s of payload.
 *
 *     wifi-alone STATIONS RUN
 */
#include "ns3/core-module.h"
#include "ns3/mobility-module.h"
#include "ns3/network-module.h"
#include "ns3/wifi-module.h"

#include <cstdio>
#include <cstdlib>

using namespace ns3;

namespace
{
constexpr uint32_t SIZE = 1500;       //!< bytes behind LLC/SNAP
constexpr double BEGIN_S = 1;         //!< from when frames count
constexpr double LENGTH_S = 5;        //!< how long
constexpr uint32_t INTERVAL_US = 300; //!< between two frames of a sender: more than the air carries
uint64_t g_received;                  //!< bytes

void
Received(Ptr<const Packet> packet, const Address&)
{
    g_received += Simulator::Now() >= Seconds(BEGIN_S) ? packet->GetSize() : 0;
}
} // namespace

int
main(int argc, char* argv[])
{
    if (argc != 3)
    {
        std::fprintf(stderr, "usage: wifi-alone STATIONS RUN\n");
        return 2;
    }
    uint32_t stations = static_cast<uint32_t>(std::strtoul(argv[1], nullptr, 10));
    RngSeedManager::SetRun(std::strtoul(argv[2], nullptr, 10));
    NodeContainer nodes(stations);
    YansWifiChannelHelper channel;
    channel.SetPropagationDelay("ns3::ConstantSpeedPropagationDelayModel");
    channel.AddPropagationLoss("ns3::FixedRssLossModel", "Rss", DoubleValue(-31));
    YansWifiPhyHelper phy;
    phy.SetChannel(channel.Create());
    WifiMacHelper mac;
    mac.SetType("ns3::AdhocWifiMac", "QosSupported", BooleanValue(false));
    WifiHelper wifi;
    wifi.SetStandard(WIFI_STANDARD_80211a);
    wifi.SetRemoteStationManager("ns3::ConstantRateWifiManager",
                                 "DataMode",
                                 StringValue("OfdmRate54Mbps"),
                                 "ControlMode",
                                 StringValue("OfdmRate54Mbps"));
    NetDeviceContainer devices = wifi.Install(phy, mac, nodes);
    MobilityHelper mobility;
    mobility.SetPositionAllocator("ns3::GridPositionAllocator",
                                  "DeltaX",
                                  DoubleValue(0.001),
                                  "GridWidth",
                                  UintegerValue(stations));
    mobility.Install(nodes);
    PacketSocketHelper sockets;
    sockets.Install(nodes);
    for (uint32_t i = 0; i < stations; i++)
    {
        uint32_t to = (i + 1) % stations;
        PacketSocketAddress address;
        address.SetSingleDevice(devices.Get(i)->GetIfIndex());
        address.SetPhysicalAddress(devices.Get(to)->GetAddress());
        address.SetProtocol(1);
        Ptr<PacketSocketClient> client = CreateObject<PacketSocketClient>();
        client->SetRemote(address);
        client->SetAttribute("PacketSize", UintegerValue(SIZE));
        client->SetAttribute("MaxPackets", UintegerValue(0));
        client->SetAttribute("Interval", TimeValue(MicroSeconds(INTERVAL_US)));
        client->SetStartTime(MicroSeconds(7 * i));
        nodes.Get(i)->AddApplication(client);
        Ptr<PacketSocketServer> server = CreateObject<PacketSocketServer>();
        server->SetLocal(address);
        server->TraceConnectWithoutContext("Rx", MakeCallback(&Received));
        nodes.Get(to)->AddApplication(server);
    }
    Simulator::Stop(Seconds(BEGIN_S + LENGTH_S));
    Simulator::Run();
    Simulator::Destroy();
    std::printf("%.3f\n", static_cast<double>(g_received) * 8 / LENGTH_S / 1e6);
    return 0;
}
