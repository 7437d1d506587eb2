/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ns-3's own devices and stacks make of one sender that sends too much through a queue
 * discipline, for comparison with real containers (tests/conformance/p2p.py). Not real time,
 * nothing of ghostbridge in it.
 *
 *     p2p-alone DISCIPLINE LIMIT RATE-BPS PACKET-BYTES FIRST TARGET < TIMES
 *
 * TIMES are when packets are sent, in ns; what real containers did, so that both have the same
 * load. TARGET is PIE's. Prints the share of packets lost and their mean time in the queue in ms,
 * from packet number FIRST on.
 */
#include "ns3/applications-module.h"
#include "ns3/core-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"
#include "ns3/traffic-control-module.h"

#include <iostream>
#include <map>

using namespace ns3;

namespace
{

uint32_t g_first;
uint32_t g_received;
double g_delayMs;

void
Received(Ptr<const Packet> packet)
{
    SeqTsHeader header;
    packet->PeekHeader(header);
    if (header.GetSeq() >= g_first)
    {
        g_received++;
        g_delayMs += (Simulator::Now() - header.GetTs()).GetNanoSeconds() / 1e6;
    }
}

} // namespace

int
main(int argc, char* argv[])
{
    if (argc != 7)
    {
        std::cerr << "usage: p2p-alone DISCIPLINE LIMIT RATE BYTES FIRST TARGET < TIMES\n";
        return 2;
    }
    std::string discipline = argv[1];
    std::string limit = argv[2];
    DataRate rate(std::stoull(argv[3]));
    uint32_t bytes = static_cast<uint32_t>(std::stoul(argv[4]));
    g_first = static_cast<uint32_t>(std::stoul(argv[5]));

    NodeContainer nodes;
    nodes.Create(2);
    PointToPointHelper link;
    link.SetDeviceAttribute("DataRate", DataRateValue(rate));
    // What Ethernet has more than PPP: preamble 8, header 14, FCS 4 and gap 12 instead of 2.
    link.SetDeviceAttribute("InterframeGap", TimeValue(rate.CalculateBytesTxTime(36)));
    bool disc = discipline != "drop-tail";
    link.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue(disc ? "1p" : limit));
    NetDeviceContainer devices = link.Install(nodes);
    InternetStackHelper().Install(nodes);
    if (disc)
    {
        const std::map<std::string, std::string> types{{"red", "ns3::RedQueueDisc"},
                                                       {"pie", "ns3::PieQueueDisc"},
                                                       {"codel", "ns3::CoDelQueueDisc"},
                                                       {"fq-codel", "ns3::FqCoDelQueueDisc"}};
        TrafficControlHelper control;
        std::string type = types.at(discipline);
        if (discipline == "red")
        {
            control.SetRootQueueDisc(type,
                                     "MaxSize",
                                     StringValue(limit),
                                     "LinkBandwidth",
                                     DataRateValue(rate),
                                     "MeanPktSize",
                                     UintegerValue(1500));
        }
        else if (discipline == "pie")
        {
            control.SetRootQueueDisc(
                type, "MaxSize", StringValue(limit), "QueueDelayReference", StringValue(argv[6]));
        }
        else
        {
            control.SetRootQueueDisc(type, "MaxSize", StringValue(limit));
        }
        control.Install(devices);
    }
    Ipv4AddressHelper addresses("10.0.0.0", "255.255.255.0");
    Ipv4InterfaceContainer interfaces = addresses.Assign(devices);
    if (!disc)
    {
        TrafficControlHelper().Uninstall(devices);
    }

    UdpServerHelper server(9);
    ApplicationContainer serverApps = server.Install(nodes.Get(1));
    serverApps.Get(0)->TraceConnectWithoutContext("Rx", MakeCallback(&Received));
    Ptr<Socket> socket = Socket::CreateSocket(nodes.Get(0), UdpSocketFactory::GetTypeId());
    socket->Connect(InetSocketAddress(interfaces.GetAddress(1), 9));
    uint32_t count = 0;
    uint64_t ns;
    while (std::cin >> ns)
    {
        Simulator::Schedule(NanoSeconds(ns),
                            [socket, bytes, number = count++]()
                            {
                                SeqTsHeader header;
                                header.SetSeq(number);
                                Ptr<Packet> packet =
                                    Create<Packet>(bytes - 28 - header.GetSerializedSize());
                                packet->AddHeader(header);
                                socket->Send(packet);
                            });
    }
    Simulator::Stop(Seconds(100));
    Simulator::Run();
    double sent = count - g_first;
    // Of the way through the device itself, what isn't waiting: sending, and with a discipline the
    // one place of the device's own queue that it needs.
    double own = rate.CalculateBytesTxTime(bytes + 38).GetNanoSeconds() / 1e6;
    double sending = rate.CalculateBytesTxTime(bytes + 2).GetNanoSeconds() / 1e6;
    std::cout << "{\"lost\": " << 1.0 - g_received / sent
              << ", \"queue_ms\": " << g_delayMs / g_received - sending - (disc ? own : 0) << "}\n";
    Simulator::Destroy();
    return 0;
}
