/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stock-tap-bridge: ns-3's own way to do what ghostbridge does, for comparison. Two ghost nodes on
 * one CSMA segment of 10 Gb/s, each with a TapBridge in UseBridge mode on an existing TAP, and the
 * real-time engine; default settings otherwise. Runs until it is ended.
 *
 *     stock-tap-bridge TAP TAP
 */
#include "ns3/core-module.h"
#include "ns3/csma-module.h"
#include "ns3/network-module.h"
#include "ns3/tap-bridge-module.h"

#include <cstdio>

using namespace ns3;

int
main(int argc, char* argv[])
{
    if (argc != 3)
    {
        std::fprintf(stderr, "usage: stock-tap-bridge TAP TAP\n");
        return 2;
    }
    GlobalValue::Bind("SimulatorImplementationType", StringValue("ns3::RealtimeSimulatorImpl"));
    NodeContainer nodes;
    nodes.Create(2);
    CsmaHelper csma;
    csma.SetChannelAttribute("DataRate", StringValue("10Gbps"));
    csma.SetChannelAttribute("Delay", StringValue("7ns"));
    NetDeviceContainer devices = csma.Install(nodes);
    TapBridgeHelper bridge;
    bridge.SetAttribute("Mode", StringValue("UseBridge"));
    for (uint32_t i = 0; i < 2; i++)
    {
        bridge.SetAttribute("DeviceName", StringValue(argv[1 + i]));
        bridge.Install(nodes.Get(i), devices.Get(i));
    }
    Simulator::Run();
    Simulator::Destroy();
    return 0;
}
