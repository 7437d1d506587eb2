/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An Ethernet segment of four nodes: containers at both ends, two simulated hosts between them that
 * answer pings. What ns-3's example tap-csma does with taps.
 *
 *     left.eth0          10.1.1.2       10.1.1.3         right.eth0
 *     10.1.1.1                                             10.1.1.4
 *        |                  |              |                  |
 *     =============== CSMA, --rate, --delay ======================
 */
#include <ghostbridge/ghost-bridge-helper.h>

#include "ns3/core-module.h"
#include "ns3/csma-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"

using namespace ns3;

int
main(int argc, char* argv[])
{
    std::string rate = "5Mbps";
    std::string delay = "2ms";
    CommandLine cmd(__FILE__);
    cmd.AddValue("rate", "of the segment", rate);
    cmd.AddValue("delay", "from end to end", delay);
    cmd.Parse(argc, argv);

    // The simulated hosts' stacks talk to real ones, which look at checksums.
    GlobalValue::Bind("ChecksumEnabled", BooleanValue(true));

    NodeContainer nodes;
    nodes.Create(4);
    CsmaHelper csma;
    csma.SetChannelAttribute("DataRate", StringValue(rate));
    csma.SetChannelAttribute("Delay", StringValue(delay));
    NetDeviceContainer devices = csma.Install(nodes);

    InternetStackHelper internet;
    internet.Install(NodeContainer(nodes.Get(1), nodes.Get(2)));
    Ipv4AddressHelper addresses("10.1.1.0", "255.255.255.0", "0.0.0.2");
    addresses.Assign(NetDeviceContainer(devices.Get(1), devices.Get(2)));

    GhostBridgeHelper helper;
    helper.Install(nodes.Get(0), devices.Get(0), "left.eth0");
    helper.Install(nodes.Get(3), devices.Get(3), "right.eth0");

    Simulator::Stop(Minutes(10));
    Simulator::Run();
    Simulator::Destroy();
    return 0;
}
