/* SPDX-License-Identifier: GPL-2.0-only */
#include "build-context.h"

#include "ns3/boolean.h"
#include "ns3/bridge-net-device.h"
#include "ns3/global-value.h"
#include "ns3/icmpv6-l4-protocol.h"
#include "ns3/internet-stack-helper.h"
#include "ns3/ipv4.h"
#include "ns3/ipv6.h"

#include <arpa/inet.h>

namespace ns3
{

namespace
{

/// What a simulated node is built from.
struct Inner
{
    const struct scenario_node& spec;      //!< in the scenario
    Ptr<Node> node;                        //!< the node itself
    std::vector<const scenario_end*> ends; //!< its ends, in the file's order
    std::vector<Ptr<GhostNic>> nics;       //!< what they became
};

/// Find the ends of a simulated node and their interfaces.
Inner
CollectEnds(const BuildContext& context, uint32_t index, Ptr<Node> node)
{
    const struct scenario& scenario = context.GetScenario();
    Inner inner{scenario.nodes[index], node, {}, {}};
    for (uint32_t i = 0; i < scenario.end_count; i++)
    {
        Ptr<GhostNic> nic = context.GetNic(i);
        if (scenario.ends[i].node == index && nic)
        {
            inner.ends.push_back(&scenario.ends[i]);
            inner.nics.push_back(nic);
        }
    }
    return inner;
}

/// Join all interfaces on layer 2.
void
BuildBridge(const Inner& inner)
{
    Ptr<BridgeNetDevice> bridge = CreateObject<BridgeNetDevice>();
    bridge->SetAttribute("EnableLearning", BooleanValue(inner.spec.role == SCENARIO_ROLE_SWITCH));
    inner.node->AddDevice(bridge);
    for (const Ptr<GhostNic>& nic : inner.nics)
    {
        bridge->AddBridgePort(nic);
    }
}

/// Give an interface of the stack its addresses and bring it up.
void
BuildInterface(const Inner& inner, std::size_t index)
{
    Ptr<Ipv4> ipv4 = inner.node->GetObject<Ipv4>();
    Ptr<Ipv6> ipv6 = inner.node->GetObject<Ipv6>();
    uint32_t interface4 = ipv4->AddInterface(inner.nics[index]);
    uint32_t interface6 = ipv6->AddInterface(inner.nics[index]);
    bool forwards = inner.spec.role == SCENARIO_ROLE_ROUTER;
    const struct scenario_end& end = *inner.ends[index];
    for (std::size_t i = 0; i < end.addr_count; i++)
    {
        const struct scenario_addr& addr = end.addrs[i];
        if (addr.family == AF_INET)
        {
            ipv4->AddAddress(interface4,
                             Ipv4InterfaceAddress(
                                 Ipv4Address::Deserialize(addr.bytes),
                                 Ipv4Mask(addr.prefix_len ? ~0u << (32 - addr.prefix_len) : 0)));
        }
        else
        {
            ipv6->AddAddress(interface6,
                             Ipv6InterfaceAddress(Ipv6Address::Deserialize(addr.bytes),
                                                  Ipv6Prefix(addr.prefix_len)));
        }
    }
    ipv4->SetForwarding(interface4, forwards);
    ipv6->SetForwarding(interface6, forwards);
    ipv4->SetUp(interface4);
    ipv6->SetUp(interface6);
}

/// Give a node its IP stack.
void
BuildStack(const Inner& inner)
{
    bool forwards = inner.spec.role == SCENARIO_ROLE_ROUTER;
    InternetStackHelper stack;
    stack.Install(inner.node);
    stack.AssignStreams(NodeContainer(inner.node), BuildContext::StreamOf(inner.spec.name));
    inner.node->GetObject<Ipv4>()->SetAttribute("IpForward", BooleanValue(forwards));
    inner.node->GetObject<Ipv6>()->SetAttribute("IpForward", BooleanValue(forwards));
    // As in containers: addresses are usable at once, and nothing is sent that nobody asked for.
    inner.node->GetObject<Icmpv6L4Protocol>()->SetAttribute("DAD", BooleanValue(false));
    for (std::size_t i = 0; i < inner.nics.size(); i++)
    {
        BuildInterface(inner, i);
    }
}

} // namespace

void
BuildSimulatedNodes(BuildContext& context)
{
    bool hasStack = false;
    for (const auto& [index, node] : context.GetSimulatedNodes())
    {
        hasStack |= scenario_role_has_ip(context.GetScenario().nodes[index].role);
    }
    // Containers' frames bring their checksums with them; only ns-3's stacks compute and check.
    GlobalValue::Bind("ChecksumEnabled", BooleanValue(hasStack));
    for (const auto& [index, node] : context.GetSimulatedNodes())
    {
        Inner inner = CollectEnds(context, index, node);
        if (scenario_role_has_ip(inner.spec.role))
        {
            BuildStack(inner);
        }
        else
        {
            BuildBridge(inner);
        }
    }
}

} // namespace ns3
