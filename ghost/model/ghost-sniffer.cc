/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-sniffer.h"

#include "ghost-port.h"
#include "ghost-radiotap.h"
#include "ghost-replay.h"
#include "ghost-tag.h"

#include "ns3/net-device.h"
#include "ns3/node-list.h"
#include "ns3/node.h"
#include "ns3/packet.h"
#include "ns3/wifi-net-device.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace ns3
{

namespace
{
/// Link types of tcpdump.org/linktypes.html
constexpr uint32_t LINK_ETHERNET = 1;
constexpr uint32_t LINK_PPP = 9;
constexpr uint32_t LINK_RAW = 101;
constexpr uint32_t LINK_RADIOTAP = 127;

constexpr uint32_t HEADER_SIZE = 14;
constexpr uint32_t FCS_SIZE = 4;

std::vector<uint8_t>
ToBytes(Ptr<const Packet> packet)
{
    std::vector<uint8_t> bytes(packet->GetSize());
    packet->CopyData(bytes.data(), packet->GetSize());
    return bytes;
}

/// An Ethernet frame gets back the type and the length that it came with.
void
Restore(std::vector<uint8_t>& frame, Ptr<const Packet> packet)
{
    GhostTag tag;
    if (!packet->PeekPacketTag(tag) || frame.size() < HEADER_SIZE)
    {
        return;
    }
    frame.resize(std::min<size_t>(frame.size(), HEADER_SIZE + tag.GetLength()));
    frame[12] = static_cast<uint8_t>(tag.GetType() >> 8);
    frame[13] = static_cast<uint8_t>(tag.GetType());
}

/// One device that is listened to. Lives as long as its callbacks, which hold it.
class Listener : public SimpleRefCount<Listener>
{
  public:
    Listener(GhostReplay* replay, Ptr<NetDevice> device, const std::string& name, uint32_t link)
        : m_replay(replay)
        , m_port(device->GetObject<GhostPort>())
        , m_number(replay->AddSniffed(name, device->GetInstanceTypeId().GetName(), link))
    {
    }

    /// From devices of ours, which have header and payload apart.
    void Frame(enum journal_direction direction,
               Ptr<const Packet> packet,
               Mac48Address from,
               Mac48Address to,
               uint16_t type)
    {
        std::vector<uint8_t> frame(HEADER_SIZE + packet->GetSize());
        to.CopyTo(frame.data());
        from.CopyTo(frame.data() + 6);
        frame[12] = static_cast<uint8_t>(type >> 8);
        frame[13] = static_cast<uint8_t>(type);
        packet->CopyData(frame.data() + HEADER_SIZE, packet->GetSize());
        Restore(frame, packet);
        m_replay->RecordSniffed(m_number, direction, 0, std::move(frame));
    }

    /// From a CsmaNetDevice, at the end of whose frames is a FCS. What arrives has arrived when the
    /// rest of the link's delay is over, which the port adds.
    void Csma(enum journal_direction direction, Ptr<const Packet> packet)
    {
        std::vector<uint8_t> frame = ToBytes(packet);
        frame.resize(frame.size() - std::min<size_t>(frame.size(), FCS_SIZE));
        Restore(frame, packet);
        Time tail = m_port && direction == JOURNAL_RECEIVED ? m_port->GetTail() : Time(0);
        m_replay->RecordSniffed(
            m_number, direction, static_cast<uint64_t>(tail.GetNanoSeconds()), std::move(frame));
    }

    /// As it is.
    void Raw(enum journal_direction direction, Ptr<const Packet> packet)
    {
        m_replay->RecordSniffed(m_number, direction, 0, ToBytes(packet));
    }

    void MonitorSent(Ptr<const Packet> packet,
                     uint16_t frequency,
                     WifiTxVector vector,
                     MpduInfo mpdu,
                     uint16_t station)
    {
        m_replay->RecordSniffed(
            m_number,
            JOURNAL_SENT,
            0,
            GhostRadiotap(
                packet, m_replay->GetWireTime(), frequency, vector, mpdu, station, nullptr));
    }

    void MonitorReceived(Ptr<const Packet> packet,
                         uint16_t frequency,
                         WifiTxVector vector,
                         MpduInfo mpdu,
                         SignalNoiseDbm power,
                         uint16_t station)
    {
        m_replay->RecordSniffed(
            m_number,
            JOURNAL_RECEIVED,
            0,
            GhostRadiotap(
                packet, m_replay->GetWireTime(), frequency, vector, mpdu, station, &power));
    }

  private:
    GhostReplay* m_replay; //!< borrowed
    Ptr<GhostPort> m_port; //!< at the device, or nullptr
    uint32_t m_number;     //!< as announced
};

/// The name of a device's end, or else of its place among ns-3's nodes.
std::string
NameOf(Ptr<NetDevice> device)
{
    if (Ptr<GhostPort> port = device->GetObject<GhostPort>())
    {
        return port->GetName();
    }
    Ptr<Node> node = device->GetNode();
    for (uint32_t i = 0; i < node->GetNDevices(); i++)
    {
        // What a stack or a mesh point stands on, or is.
        Ptr<GhostPort> port = node->GetDevice(i)->GetObject<GhostPort>();
        if (Ptr<GhostNic> nic = DynamicCast<GhostNic>(device); port && port->IsFor(nic))
        {
            return port->GetName() + " stack";
        }
        if (port && device->GetInstanceTypeId() == WifiNetDevice::GetTypeId())
        {
            return port->GetName();
        }
    }
    return "node" + std::to_string(node->GetId()) + "." + std::to_string(device->GetIfIndex());
}

void
ListenToWifi(GhostReplay* replay, Ptr<WifiNetDevice> device, const std::string& name)
{
    for (uint8_t link = 0; link < device->GetNPhys(); link++)
    {
        auto listener = Create<Listener>(
            replay, device, link ? name + " phy" + std::to_string(link) : name, LINK_RADIOTAP);
        Ptr<WifiPhy> phy = device->GetPhy(link);
        phy->TraceConnectWithoutContext("MonitorSnifferTx",
                                        MakeCallback(&Listener::MonitorSent, listener));
        phy->TraceConnectWithoutContext("MonitorSnifferRx",
                                        MakeCallback(&Listener::MonitorReceived, listener));
    }
}

/// Connect both ways to a device's trace sources.
template <typename Sink>
void
ListenTo(Ptr<NetDevice> device,
         Ptr<Listener> listener,
         const std::string& sent,
         const std::string& received,
         Sink sink)
{
    device->TraceConnectWithoutContext(sent, MakeCallback(sink, listener).Bind(JOURNAL_SENT));
    device->TraceConnectWithoutContext(received,
                                       MakeCallback(sink, listener).Bind(JOURNAL_RECEIVED));
}

void
Listen(GhostReplay* replay, Ptr<NetDevice> device)
{
    std::string type = device->GetInstanceTypeId().GetName();
    std::string name = NameOf(device);
    if (Ptr<WifiNetDevice> wifi = DynamicCast<WifiNetDevice>(device))
    {
        ListenToWifi(replay, wifi, name);
    }
    else if (device->GetInstanceTypeId().LookupTraceSourceByName("FrameSent"))
    {
        ListenTo(device,
                 Create<Listener>(replay, device, name, LINK_ETHERNET),
                 "FrameSent",
                 "FrameReceived",
                 &Listener::Frame);
    }
    else if (type == "ns3::CsmaNetDevice")
    {
        ListenTo(device,
                 Create<Listener>(replay, device, name, LINK_ETHERNET),
                 "PhyTxBegin",
                 "PhyRxEnd",
                 &Listener::Csma);
    }
    else if (type == "ns3::PointToPointNetDevice")
    {
        ListenTo(device,
                 Create<Listener>(replay, device, name, LINK_PPP),
                 "PhyTxBegin",
                 "PhyRxEnd",
                 &Listener::Raw);
    }
    else if (device->GetInstanceTypeId().LookupTraceSourceByName("PromiscSniffer"))
    {
        // A VirtualNetDevice has no header of its own, and carries IP.
        uint32_t link = type == "ns3::VirtualNetDevice" ? LINK_RAW : LINK_ETHERNET;
        device->TraceConnectWithoutContext(
            "PromiscSniffer",
            MakeCallback(&Listener::Raw, Create<Listener>(replay, device, name, link))
                .Bind(JOURNAL_EITHER_WAY));
    }
}
} // namespace

void
GhostSniffer::Install(GhostReplay* replay)
{
    for (uint32_t i = 0; i < NodeList::GetNNodes(); i++)
    {
        Ptr<Node> node = NodeList::GetNode(i);
        for (uint32_t j = 0; j < node->GetNDevices(); j++)
        {
            Listen(replay, node->GetDevice(j));
        }
    }
}

} // namespace ns3
