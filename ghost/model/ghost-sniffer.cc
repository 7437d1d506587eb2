/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-sniffer.h"

#include "ghost-replay.h"

#include "ns3/names.h"
#include "ns3/net-device.h"
#include "ns3/node-list.h"
#include "ns3/node.h"
#include "ns3/packet.h"

#include <vector>

namespace ns3
{

namespace
{
/// Link types of tcpdump.org/linktypes.html
constexpr uint32_t LINK_ETHERNET = 1;
constexpr uint32_t LINK_PPP = 9;

/// A frame at device number device.
void
Sniff(GhostReplay* replay, uint32_t device, Ptr<const Packet> packet)
{
    static std::vector<uint8_t> frame;
    frame.resize(packet->GetSize());
    packet->CopyData(frame.data(), packet->GetSize());
    replay->RecordSniffed(device, frame.data(), packet->GetSize());
}
} // namespace

void
GhostSniffer::Install(GhostReplay* replay)
{
    for (uint32_t i = 0; i < NodeList::GetNNodes(); i++)
    {
        Ptr<Node> node = NodeList::GetNode(i);
        std::string name = Names::FindName(node);
        name = name.empty() ? "node" + std::to_string(i) : name;
        for (uint32_t j = 0; j < node->GetNDevices(); j++)
        {
            Ptr<NetDevice> device = node->GetDevice(j);
            std::string type = device->GetInstanceTypeId().GetName();
            if (!device->GetInstanceTypeId().LookupTraceSourceByName("PromiscSniffer"))
            {
                continue;
            }
            bool isPpp = type.find("PointToPoint") != std::string::npos;
            uint32_t number = replay->AddSniffed(name + "." + std::to_string(j) + " (" + type + ")",
                                                 isPpp ? LINK_PPP : LINK_ETHERNET);
            device->TraceConnectWithoutContext("PromiscSniffer",
                                               MakeBoundCallback(&Sniff, replay, number));
        }
    }
}

} // namespace ns3
