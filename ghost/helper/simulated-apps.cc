/* SPDX-License-Identifier: GPL-2.0-only */
#include "build-context.h"
#include "inner-address.h"

#include "../model/ghost-wire.h"

#include "bridge/wire/stats.h"

#include "ns3/application.h"
#include "ns3/boolean.h"
#include "ns3/data-rate.h"
#include "ns3/double.h"
#include "ns3/ipv4-l3-protocol.h"
#include "ns3/ipv6-l3-protocol.h"
#include "ns3/object-factory.h"
#include "ns3/onoff-application.h"
#include "ns3/pointer.h"
#include "ns3/random-variable-stream.h"
#include "ns3/string.h"
#include "ns3/udp-client.h"
#include "ns3/udp-header.h"
#include "ns3/udp-l4-protocol.h"
#include "ns3/uinteger.h"

namespace ns3
{

namespace
{

/// What ns-3 calls an application of the scenario.
const char*
TypeName(enum scenario_app_kind kind)
{
    switch (kind)
    {
    case SCENARIO_APP_UDP_ECHO_SERVER:
        return "ns3::UdpEchoServer";
    case SCENARIO_APP_UDP_ECHO_CLIENT:
        return "ns3::UdpEchoClient";
    case SCENARIO_APP_UDP_SERVER:
        return "ns3::UdpServer";
    case SCENARIO_APP_UDP_CLIENT:
        return "ns3::UdpClient";
    case SCENARIO_APP_PACKET_SINK:
        return "ns3::PacketSink";
    case SCENARIO_APP_ON_OFF:
        return "ns3::OnOffApplication";
    case SCENARIO_APP_BULK_SEND:
        return "ns3::BulkSendApplication";
    }
    return "";
}

/// Make the random variable of a duration, in seconds as OnOffApplication wants it.
Ptr<RandomVariableStream>
MakeDuration(const struct scenario_dist& dist)
{
    double a = static_cast<double>(dist.a_ns) / 1e9;
    double b = static_cast<double>(dist.b_ns) / 1e9;
    switch (dist.kind)
    {
    case SCENARIO_DIST_CONSTANT:
        return CreateObjectWithAttributes<ConstantRandomVariable>("Constant", DoubleValue(a));
    case SCENARIO_DIST_UNIFORM:
        return CreateObjectWithAttributes<UniformRandomVariable>(
            "Min", DoubleValue(a), "Max", DoubleValue(b));
    case SCENARIO_DIST_EXPONENTIAL:
        return CreateObjectWithAttributes<ExponentialRandomVariable>("Mean", DoubleValue(a));
    }
    return nullptr;
}

/// Set what an application that sends to somebody needs.
void
SetPeer(ObjectFactory& factory, const struct scenario_app& app)
{
    Address peer = InnerAddress::ToSocket(app.to, app.port);
    switch (app.kind)
    {
    case SCENARIO_APP_UDP_CLIENT:
    case SCENARIO_APP_UDP_ECHO_CLIENT:
        factory.Set("RemoteAddress", AddressValue(peer));
        factory.Set("RemotePort", UintegerValue(app.port));
        factory.Set("PacketSize", UintegerValue(app.packet_size));
        factory.Set("Interval", TimeValue(NanoSeconds(app.interval_ns)));
        factory.Set("MaxPackets", UintegerValue(app.packet_count ? app.packet_count : UINT32_MAX));
        break;
    case SCENARIO_APP_ON_OFF:
        factory.Set("Remote", AddressValue(peer));
        factory.Set("DataRate", DataRateValue(DataRate(app.rate_bps)));
        factory.Set("PacketSize", UintegerValue(app.packet_size));
        factory.Set("MaxBytes", UintegerValue(app.data_size));
        factory.Set("OnTime", PointerValue(MakeDuration(app.on)));
        factory.Set("OffTime", PointerValue(MakeDuration(app.off)));
        break;
    case SCENARIO_APP_BULK_SEND:
        factory.Set("Remote", AddressValue(peer));
        factory.Set("SendSize", UintegerValue(app.packet_size));
        factory.Set("MaxBytes", UintegerValue(app.data_size));
        break;
    case SCENARIO_APP_UDP_ECHO_SERVER:
    case SCENARIO_APP_UDP_SERVER:
        factory.Set("Port", UintegerValue(app.port));
        break;
    case SCENARIO_APP_PACKET_SINK:
        break;
    }
}

/**
 * What one application of the scenario sends and receives. ns-3's trace sources say it, but of the
 * UDP client, which has none and is asked, and of the echo server's answers, which are seen where
 * they leave the node's stack. Lives as long as the callbacks.
 */
class AppCounter : public SimpleRefCount<AppCounter>
{
  public:
    AppCounter(GhostWire* wire, struct stats_port& stats)
        : m_wire(wire)
        , m_stats(stats)
    {
    }

    /// Count what the application says, both on IPv4 and IPv6 if there are two of it.
    void Follow(const struct scenario_app& app, Ptr<Application> application)
    {
        Ptr<AppCounter> self(this);
        application->TraceConnectWithoutContext("Tx", MakeBoundCallback(&AppCounter::Sent, self));
        if (app.kind == SCENARIO_APP_PACKET_SINK)
        {
            application->TraceConnectWithoutContext("Rx",
                                                    MakeBoundCallback(&AppCounter::Sunk, self));
        }
        else
        {
            application->TraceConnectWithoutContext("Rx",
                                                    MakeBoundCallback(&AppCounter::Received, self));
        }
        if (Ptr<UdpClient> client = DynamicCast<UdpClient>(application))
        {
            uint32_t size = app.packet_size;
            m_wire->AddCounter([self, client, size]() { self->Ask(client, size); });
        }
        if (app.kind == SCENARIO_APP_UDP_ECHO_SERVER)
        {
            m_port = app.port;
            Ptr<Node> node = application->GetNode();
            node->GetObject<Ipv4L3Protocol>()->TraceConnectWithoutContext(
                "SendOutgoing", MakeBoundCallback(&AppCounter::Left4, self));
            node->GetObject<Ipv6L3Protocol>()->TraceConnectWithoutContext(
                "SendOutgoing", MakeBoundCallback(&AppCounter::Left6, self));
        }
    }

  private:
    void Count(struct stats_dir& dir, uint32_t size) const
    {
        if (!m_wire->IsInnerClosed())
        {
            stats_add(&dir.frames, 1);
            stats_add(&dir.bytes, size);
        }
    }

    static void Sent(Ptr<AppCounter> self, Ptr<const Packet> packet)
    {
        self->Count(self->m_stats.up, packet->GetSize());
    }

    static void Received(Ptr<AppCounter> self, Ptr<const Packet> packet)
    {
        self->Count(self->m_stats.down, packet->GetSize());
    }

    static void Sunk(Ptr<AppCounter> self, Ptr<const Packet> packet, const Address&)
    {
        self->Count(self->m_stats.down, packet->GetSize());
    }

    /// A packet leaves the node's stack: is it one of the server's?
    void Left(uint8_t protocol, Ptr<const Packet> packet)
    {
        UdpHeader udp;
        if (protocol == UdpL4Protocol::PROT_NUMBER && packet->PeekHeader(udp) &&
            udp.GetSourcePort() == m_port)
        {
            Count(m_stats.up, packet->GetSize() - udp.GetSerializedSize());
        }
    }

    static void
    Left4(Ptr<AppCounter> self, const Ipv4Header& header, Ptr<const Packet> packet, uint32_t)
    {
        self->Left(header.GetProtocol(), packet);
    }

    static void
    Left6(Ptr<AppCounter> self, const Ipv6Header& header, Ptr<const Packet> packet, uint32_t)
    {
        self->Left(header.GetNextHeader(), packet);
    }

    void Ask(Ptr<UdpClient> client, uint32_t size) const
    {
        uint64_t bytes = client->GetTotalTx();
        stats_add(&m_stats.up.bytes, bytes - m_stats.up.bytes);
        stats_add(&m_stats.up.frames, bytes / size - m_stats.up.frames);
    }

    GhostWire* m_wire;          //!< borrowed; outlives the simulation
    struct stats_port& m_stats; //!< counters in shared memory
    uint16_t m_port{0};         //!< of an echo server
};

/// Install one application, listening for or sending to IPv4 or IPv6.
void
InstallApp(const struct scenario_app& app,
           ObjectFactory factory,
           Ptr<Node> node,
           int64_t stream,
           Ptr<AppCounter> counter)
{
    Ptr<Application> application = factory.Create<Application>();
    node->AddApplication(application);
    counter->Follow(app, application);
    application->SetStartTime(NanoSeconds(app.start_ns));
    if (app.stop_ns)
    {
        application->SetStopTime(NanoSeconds(app.stop_ns));
    }
    if (Ptr<OnOffApplication> onOff = DynamicCast<OnOffApplication>(application))
    {
        onOff->AssignStreams(stream);
    }
}

} // namespace

void
BuildApps(BuildContext& context, const struct scenario_node& spec, Ptr<Node> node)
{
    for (std::size_t i = 0; i < spec.app_count; i++)
    {
        const struct scenario_app& app = spec.apps[i];
        int64_t stream =
            BuildContext::StreamOf(std::string(spec.name) + "/app" + std::to_string(i));
        ObjectFactory factory(TypeName(app.kind));
        if (app.stats >= context.GetWire()->GetNStats())
        {
            throw BuildError(app.pos, "the wire has no counters for this application");
        }
        Ptr<AppCounter> counter =
            Create<AppCounter>(context.GetWire(), context.GetWire()->GetStats(app.stats));
        SetPeer(factory, app);
        if (app.kind == SCENARIO_APP_ON_OFF || app.kind == SCENARIO_APP_PACKET_SINK ||
            app.kind == SCENARIO_APP_BULK_SEND)
        {
            factory.Set("Protocol",
                        TypeIdValue(TypeId::LookupByName(app.tcp ? "ns3::TcpSocketFactory"
                                                                 : "ns3::UdpSocketFactory")));
        }
        if (app.kind == SCENARIO_APP_PACKET_SINK)
        {
            // ns-3 has no socket for both: one each.
            factory.Set("Local", AddressValue(Inet6SocketAddress(Ipv6Address::GetAny(), app.port)));
            InstallApp(app, factory, node, stream, counter);
            factory.Set("Local", AddressValue(InetSocketAddress(Ipv4Address::GetAny(), app.port)));
        }
        InstallApp(app, factory, node, stream, counter);
    }
}

} // namespace ns3
