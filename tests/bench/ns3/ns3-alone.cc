/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ns3-alone: the ceiling of the simulated part. Two nodes on one CSMA segment, the same devices,
 * queue and gap as ghostbridge builds, no outside and no clock; prints frames per second of real
 * time.
 *
 *     ns3-alone SIZE FRAMES SCHEDULER [ack]
 *
 * SIZE counts header and FCS. With "ack" the receiver answers every second frame with one of 64
 * bytes, as TCP does, and the figure counts the frames of SIZE only.
 */
#include "ns3/core-module.h"
#include "ns3/csma-module.h"
#include "ns3/network-module.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace ns3;

namespace
{
constexpr uint16_t TYPE = 0x88b6;
constexpr uint32_t OVERHEAD = 18; // Ethernet header and FCS

Ptr<CsmaNetDevice> g_devices[2];
uint32_t g_payload;
uint64_t g_left;
uint64_t g_received;
bool g_ack;
uint8_t g_bytes[9018];

void
SendNext(Ptr<const Packet>)
{
    if (g_left > 0)
    {
        g_left--;
        g_devices[0]->SendFrom(Create<Packet>(g_bytes, g_payload),
                               g_devices[0]->GetAddress(),
                               g_devices[1]->GetAddress(),
                               TYPE);
    }
}

bool
Receive(Ptr<NetDevice> device,
        Ptr<const Packet> packet,
        uint16_t,
        const Address&,
        const Address&,
        NetDevice::PacketType)
{
    static uint8_t copy[9018];
    packet->CopyData(copy, packet->GetSize());
    if (device == g_devices[1] && ++g_received % 2 == 0 && g_ack)
    {
        g_devices[1]->SendFrom(Create<Packet>(g_bytes, 46),
                               g_devices[1]->GetAddress(),
                               g_devices[0]->GetAddress(),
                               TYPE);
    }
    return true;
}
} // namespace

int
main(int argc, char* argv[])
{
    if (argc < 4)
    {
        std::fprintf(stderr, "usage: ns3-alone SIZE FRAMES SCHEDULER [ack]\n");
        return 2;
    }
    g_payload = static_cast<uint32_t>(std::atoi(argv[1])) - OVERHEAD;
    g_left = std::strtoull(argv[2], nullptr, 10);
    uint64_t frames = g_left;
    GlobalValue::Bind("SchedulerType", StringValue(argv[3]));
    g_ack = argc > 4 && std::strcmp(argv[4], "ack") == 0;

    DataRate rate("10Gbps");
    Ptr<CsmaChannel> channel = CreateObject<CsmaChannel>();
    channel->SetAttribute("DataRate", DataRateValue(rate));
    channel->SetAttribute("Delay", TimeValue(rate.CalculateBytesTxTime(8)));
    for (auto& device : g_devices)
    {
        Ptr<Node> node = CreateObject<Node>();
        device = CreateObject<CsmaNetDevice>();
        device->SetQueue(CreateObject<DropTailQueue<Packet>>());
        device->SetAddress(Mac48Address::Allocate());
        node->AddDevice(device);
        device->Attach(channel);
        device->SetInterframeGap(rate.CalculateBytesTxTime(20));
        device->SetPromiscReceiveCallback(MakeCallback(&Receive));
    }
    g_devices[0]->TraceConnectWithoutContext("PhyTxEnd", MakeCallback(&SendNext));
    // Two frames under way: one on the wire, one in the queue, as a busy sender has.
    Simulator::Schedule(Time(0), []() { SendNext(nullptr); });
    Simulator::Schedule(Time(0), []() { SendNext(nullptr); });

    auto start = std::chrono::steady_clock::now();
    Simulator::Run();
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    Simulator::Destroy();
    std::printf("{\"frames_per_s\": %.0f, \"received\": %lu}\n",
                static_cast<double>(frames) / took.count(),
                g_received);
    return g_received == frames ? 0 : 1;
}
