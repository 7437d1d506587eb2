/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A point-to-point link in simulated time with everything that can be seen of it.
 */
#ifndef GHOST_P2P_PAIR_H
#define GHOST_P2P_PAIR_H

#include "ghost/model/ghost-p2p-channel.h"
#include "ghost/model/ghost-p2p-device.h"

#include "ns3/core-module.h"
#include "ns3/node.h"

#include <map>
#include <vector>

namespace ns3
{

/// Two nodes, a link, and what arrives at the second.
struct P2pPair
{
    P2pPair()
    {
        Ptr<GhostP2pChannel> channel = CreateObject<GhostP2pChannel>();
        for (int i = 0; i < 2; i++)
        {
            nodes[i] = CreateObject<Node>();
            devices[i] = CreateObject<GhostP2pDevice>();
            devices[i]->SetAddress(Mac48Address(i ? "02:00:00:00:00:02" : "02:00:00:00:00:01"));
            nodes[i]->AddDevice(devices[i]);
            devices[i]->Attach(channel);
            devices[i]->GetLine()->AssignStreams(100 * (i + 1));
            devices[i]->SetPromiscReceiveCallback(MakeCallback(&P2pPair::Receive, this));
        }
        devices[0]->TraceConnectWithoutContext("Drop", MakeCallback(&P2pPair::Drop, this));
        devices[1]->TraceConnectWithoutContext("RxDrop", MakeCallback(&P2pPair::Drop, this));
        devices[0]->TraceConnectWithoutContext("Transmitted", MakeCallback(&P2pPair::Sent, this));
        devices[0]->TraceConnectWithoutContext("Duplicated", MakeCallback(&P2pPair::Twice, this));
    }

    ~P2pPair()
    {
        Simulator::Destroy();
    }

    bool Receive(Ptr<NetDevice> device,
                 Ptr<const Packet> packet,
                 uint16_t type,
                 const Address& from,
                 const Address& to,
                 NetDevice::PacketType packetType)
    {
        auto& list = device == devices[1] ? arrivals : backward;
        list.push_back(Simulator::Now().GetNanoSeconds());
        sizes.push_back(packet->GetSize());
        packets.push_back(packet);
        types.push_back(type);
        kinds.push_back(packetType);
        return true;
    }

    void Drop(Ptr<const Packet> packet, uint32_t cause)
    {
        drops[cause]++;
    }

    void Sent(Ptr<const Packet> packet)
    {
        transmitted++;
    }

    void Twice(Ptr<const Packet> packet)
    {
        duplicated++;
    }

    void Send(uint32_t size, int from = 0, uint16_t type = 0x88b5)
    {
        devices[from]->Send(Create<Packet>(size), devices[1 - from]->GetAddress(), type);
    }

    void SendAt(Time at, uint32_t size, int from = 0)
    {
        Simulator::Schedule(at, [this, size, from]() { Send(size, from); });
    }

    Ptr<Node> nodes[2];
    Ptr<GhostP2pDevice> devices[2];
    std::vector<int64_t> arrivals;
    std::vector<int64_t> backward;
    std::vector<uint32_t> sizes;
    std::vector<Ptr<const Packet>> packets;
    std::vector<uint16_t> types;
    std::vector<NetDevice::PacketType> kinds;
    std::map<uint32_t, uint32_t> drops;
    uint32_t transmitted{0};
    uint32_t duplicated{0};
};

} // namespace ns3

#endif /* GHOST_P2P_PAIR_H */
