/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-bridge-helper.h"

#include "../model/ghost-program.h"

#include "ns3/abort.h"
#include "ns3/names.h"

#include <utility>

namespace ns3
{

GhostBridgeHelper::GhostBridgeHelper()
{
    GhostProgram::Get();
}

void
GhostBridgeHelper::Install(Ptr<Node> node, Ptr<NetDevice> device, const std::string& port) const
{
    GhostProgram::Get().Install(node, device, port);
}

void
GhostBridgeHelper::Install(const std::string& nodeName,
                           Ptr<NetDevice> device,
                           const std::string& port) const
{
    Install(Names::Find<Node>(nodeName), device, port);
}

void
GhostBridgeHelper::Install(Ptr<Node> node,
                           const std::string& deviceName,
                           const std::string& port) const
{
    Install(node, Names::Find<NetDevice>(deviceName), port);
}

void
GhostBridgeHelper::Install(const std::string& nodeName,
                           const std::string& deviceName,
                           const std::string& port) const
{
    Install(Names::Find<Node>(nodeName), Names::Find<NetDevice>(deviceName), port);
}

void
GhostBridgeHelper::Install(const NetDeviceContainer& devices,
                           const std::vector<std::string>& ports) const
{
    NS_ABORT_MSG_IF(devices.GetN() != ports.size(),
                    "GhostBridgeHelper::Install: " << devices.GetN() << " devices and "
                                                   << ports.size() << " ports");
    for (uint32_t i = 0; i < devices.GetN(); i++)
    {
        Install(devices.Get(i)->GetNode(), devices.Get(i), ports[i]);
    }
}

void
GhostBridgeHelper::Await(const std::string& port, std::function<bool()> isReady) const
{
    GhostProgram::Get().Await(port, std::move(isReady));
}

std::vector<std::string>
GhostBridgeHelper::GetPorts() const
{
    const GhostProgram& program = GhostProgram::Get();
    std::vector<std::string> ports;
    for (uint32_t i = 0; i < program.GetNPorts(); i++)
    {
        ports.emplace_back(program.GetPort(i).name);
    }
    return ports;
}

} // namespace ns3
