/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-bridge-helper.h"

#include "../model/ghost-wire.h"

#include "ns3/mac48-address.h"
#include "ns3/node.h"

namespace ns3
{

GhostBridgeHelper::GhostBridgeHelper(GhostWire* wire)
    : m_wire(wire)
{
}

Ptr<GhostPort>
GhostBridgeHelper::Install(Ptr<Node> node, Ptr<NetDevice> device, const std::string& port) const
{
    int32_t index = m_wire->FindPort(port);
    if (index < 0)
    {
        return nullptr;
    }
    const struct wire_port& info = m_wire->GetPort(static_cast<uint32_t>(index));
    Mac48Address address;
    address.CopyFrom(info.mac);
    device->SetAddress(address);
    Ptr<GhostPort> ghostPort = CreateObject<GhostPort>();
    node->AggregateObject(ghostPort);
    ghostPort->Connect(m_wire, static_cast<uint32_t>(index), device);
    return ghostPort;
}

} // namespace ns3
