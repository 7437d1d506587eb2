/* SPDX-License-Identifier: GPL-2.0-only */
#include "build-context.h"
#include "inner-address.h"

#include "ns3/aodv-helper.h"
#include "ns3/boolean.h"
#include "ns3/bridge-net-device.h"
#include "ns3/config.h"
#include "ns3/global-value.h"
#include "ns3/icmpv6-l4-protocol.h"
#include "ns3/internet-stack-helper.h"
#include "ns3/ipv4-global-routing-helper.h"
#include "ns3/ipv4-list-routing-helper.h"
#include "ns3/ipv4-static-routing-helper.h"
#include "ns3/ipv6-list-routing-helper.h"
#include "ns3/ipv6-static-routing-helper.h"
#include "ns3/olsr-helper.h"
#include "ns3/olsr-routing-protocol.h"
#include "ns3/rip-helper.h"
#include "ns3/ripng-helper.h"
#include "ns3/string.h"
#include "ns3/uinteger.h"

#include <arpa/inet.h>
#include <memory>

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
            ipv4->AddAddress(
                interface4,
                Ipv4InterfaceAddress(InnerAddress::ToIpv4(addr), InnerAddress::ToIpv4Mask(addr)));
        }
        else
        {
            ipv6->AddAddress(
                interface6,
                Ipv6InterfaceAddress(InnerAddress::ToIpv6(addr), Ipv6Prefix(addr.prefix_len)));
        }
    }
    ipv4->SetForwarding(interface4, forwards);
    ipv6->SetForwarding(interface6, forwards);
    ipv4->SetUp(interface4);
    ipv6->SetUp(interface6);
}

/// Enter the routes of the scenario.
void
BuildRoutes(const Inner& inner, const struct scenario& scenario)
{
    Ptr<Ipv4> ipv4 = inner.node->GetObject<Ipv4>();
    Ptr<Ipv6> ipv6 = inner.node->GetObject<Ipv6>();
    Ptr<Ipv4StaticRouting> routing4 = Ipv4StaticRoutingHelper().GetStaticRouting(ipv4);
    Ptr<Ipv6StaticRouting> routing6 = Ipv6StaticRoutingHelper().GetStaticRouting(ipv6);
    for (std::size_t i = 0; i < inner.spec.route_count; i++)
    {
        const struct scenario_route& route = inner.spec.routes[i];
        std::size_t index = 0;
        while (inner.ends[index] != &scenario.ends[route.end])
        {
            index++;
        }
        if (route.to.family == AF_INET)
        {
            routing4->AddNetworkRouteTo(
                InnerAddress::ToIpv4(route.to),
                InnerAddress::ToIpv4Mask(route.to),
                InnerAddress::ToIpv4(route.via),
                static_cast<uint32_t>(ipv4->GetInterfaceForDevice(inner.nics[index])));
        }
        else
        {
            routing6->AddNetworkRouteTo(
                InnerAddress::ToIpv6(route.to),
                Ipv6Prefix(route.to.prefix_len),
                InnerAddress::ToIpv6(route.via),
                static_cast<uint32_t>(ipv6->GetInterfaceForDevice(inner.nics[index])));
        }
    }
}

/// Whether everybody on a link takes part in a router's protocol.
bool
LinkSpeaks(const struct scenario& scenario,
           const struct scenario_link& link,
           enum scenario_routing routing)
{
    for (uint32_t i = link.first_end; i < link.first_end + link.end_count; i++)
    {
        const struct scenario_node& node = scenario.nodes[scenario.ends[i].node];
        if (scenario_node_is_real(&node) || node.role != SCENARIO_ROLE_ROUTER ||
            node.routing != routing)
        {
            return false;
        }
    }
    return true;
}

/// Announce the subnets whose stations don't speak OLSR: they would be unknown beyond the router.
void
AnnounceOlsr(const Inner& inner, const struct scenario& scenario)
{
    Ptr<olsr::RoutingProtocol> olsr = inner.node->GetObject<olsr::RoutingProtocol>();
    for (const struct scenario_end* end : inner.ends)
    {
        if (LinkSpeaks(scenario, scenario.links[end->link], SCENARIO_ROUTING_OLSR))
        {
            continue;
        }
        for (std::size_t i = 0; i < end->addr_count; i++)
        {
            if (end->addrs[i].family == AF_INET)
            {
                Ipv4Mask mask = InnerAddress::ToIpv4Mask(end->addrs[i]);
                olsr->AddHostNetworkAssociation(
                    InnerAddress::ToIpv4(end->addrs[i]).CombineMask(mask), mask);
            }
        }
    }
}

/// Choose a stack's routing protocols. What the file says comes before what a protocol finds.
void
SetRouting(InternetStackHelper& stack, enum scenario_routing routing)
{
    Ipv4ListRoutingHelper list4;
    Ipv6ListRoutingHelper list6;
    list4.Add(Ipv4StaticRoutingHelper(), 10);
    list6.Add(Ipv6StaticRoutingHelper(), 10);
    switch (routing)
    {
    case SCENARIO_ROUTING_STATIC:
        break;
    case SCENARIO_ROUTING_GLOBAL:
        list4.Add(Ipv4GlobalRoutingHelper(), 0);
        break;
    case SCENARIO_ROUTING_OLSR:
        list4.Add(OlsrHelper(), 0);
        break;
    case SCENARIO_ROUTING_AODV:
        list4.Add(AodvHelper(), 0);
        break;
    case SCENARIO_ROUTING_RIP:
        list4.Add(RipHelper(), 0);
        list6.Add(RipNgHelper(), 0);
        break;
    }
    stack.SetRoutingHelper(list4);
    stack.SetRoutingHelper(list6);
}

/// Number the random streams of a node's routing protocol. \return how many
int64_t
AssignRoutingStreams(enum scenario_routing routing, NodeContainer node, int64_t stream)
{
    switch (routing)
    {
    case SCENARIO_ROUTING_STATIC:
    case SCENARIO_ROUTING_GLOBAL:
        return 0;
    case SCENARIO_ROUTING_OLSR:
        return OlsrHelper().AssignStreams(node, stream);
    case SCENARIO_ROUTING_AODV:
        return AodvHelper().AssignStreams(node, stream);
    case SCENARIO_ROUTING_RIP:
    {
        int64_t used = RipHelper().AssignStreams(node, stream);
        return used + RipNgHelper().AssignStreams(node, stream + used);
    }
    }
    return 0;
}

/// Give a node its IP stack.
void
BuildStack(const Inner& inner, const struct scenario& scenario)
{
    bool forwards = inner.spec.role == SCENARIO_ROLE_ROUTER;
    InternetStackHelper stack;
    SetRouting(stack, inner.spec.routing);
    stack.Install(inner.node);
    int64_t stream = BuildContext::StreamOf(inner.spec.name);
    stream += stack.AssignStreams(NodeContainer(inner.node), stream);
    AssignRoutingStreams(inner.spec.routing, NodeContainer(inner.node), stream);
    inner.node->GetObject<Ipv4>()->SetAttribute("IpForward", BooleanValue(forwards));
    inner.node->GetObject<Ipv6>()->SetAttribute("IpForward", BooleanValue(forwards));
    // As in containers: addresses are usable at once, and nothing is sent that nobody asked for.
    inner.node->GetObject<Icmpv6L4Protocol>()->SetAttribute("DAD", BooleanValue(false));
    for (std::size_t i = 0; i < inner.nics.size(); i++)
    {
        BuildInterface(inner, i);
    }
    BuildRoutes(inner, scenario);
    if (inner.spec.routing == SCENARIO_ROUTING_OLSR)
    {
        AnnounceOlsr(inner, scenario);
    }
}

/**
 * Make stacks resolve addresses as containers do: at once (ns-3 waits up to 10 ms first), and
 * keeping as many packets meanwhile as Linux does (unres_qlen; ns-3 keeps 3, so that the first
 * probes of a traceroute would be lost).
 */
void
SetDefaults()
{
    const StringValue none("ns3::ConstantRandomVariable[Constant=0.0]");
    Config::SetDefault("ns3::ArpL3Protocol::RequestJitter", none);
    Config::SetDefault("ns3::Icmpv6L4Protocol::SolicitationJitter", none);
    Config::SetDefault("ns3::ArpCache::PendingQueueSize", UintegerValue(101));
    Config::SetDefault("ns3::NdiscCache::UnresolvedQueueSize", UintegerValue(101));
}

} // namespace

void
BuildSimulatedNodes(BuildContext& context)
{
    bool hasStack = false;
    bool hasGlobal = false;
    for (const auto& [index, node] : context.GetSimulatedNodes())
    {
        const struct scenario_node& spec = context.GetScenario().nodes[index];
        hasStack |= !scenario_node_is_replay(&spec) && scenario_role_has_ip(spec.role);
    }
    // Containers' frames bring their checksums with them; only ns-3's stacks compute and check.
    GlobalValue::Bind("ChecksumEnabled", BooleanValue(hasStack));
    SetDefaults();
    for (const auto& [index, node] : context.GetSimulatedNodes())
    {
        Inner inner = CollectEnds(context, index, node);
        if (scenario_node_is_replay(&inner.spec))
        {
            continue; // What arrives there has arrived.
        }
        if (scenario_role_has_ip(inner.spec.role))
        {
            BuildStack(inner, context.GetScenario());
            BuildApps(context, inner.spec, inner.node);
            hasGlobal |= inner.spec.routing == SCENARIO_ROUTING_GLOBAL;
        }
        else
        {
            BuildBridge(inner);
        }
    }
    if (hasGlobal)
    {
        Ipv4GlobalRoutingHelper::PopulateRoutingTables();
    }
}

} // namespace ns3
