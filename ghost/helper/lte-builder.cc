/* SPDX-License-Identifier: GPL-2.0-only */
#include "build-context.h"
#include "inner-address.h"
#include "wifi-builder.h"

#include "../model/ghost-bearer-tap.h"
#include "../model/ghost-cell-books.h"
#include "../model/ghost-l3-device.h"
#include "../model/ghost-l3-packet.h"
#include "../model/ghost-last-words.h"

#include "bridge/scenario/wifi.h"
#include "bridge/wire/stats.h"

#include "ns3/boolean.h"
#include "ns3/config.h"
#include "ns3/constant-position-mobility-model.h"
#include "ns3/double.h"
#include "ns3/epc-pgw-application.h"
#include "ns3/epc-ue-nas.h"
#include "ns3/internet-stack-helper.h"
#include "ns3/lte-enb-component-carrier-manager.h"
#include "ns3/lte-enb-net-device.h"
#include "ns3/lte-enb-phy.h"
#include "ns3/lte-enb-rrc.h"
#include "ns3/lte-helper.h"
#include "ns3/lte-radio-bearer-info.h"
#include "ns3/lte-spectrum-phy.h"
#include "ns3/lte-ue-component-carrier-manager.h"
#include "ns3/lte-ue-net-device.h"
#include "ns3/lte-ue-phy.h"
#include "ns3/lte-ue-power-control.h"
#include "ns3/lte-ue-rrc.h"
#include "ns3/object-map.h"
#include "ns3/point-to-point-epc-helper.h"
#include "ns3/pointer.h"
#include "ns3/uinteger.h"
#include "ns3/virtual-net-device.h"

#include <memory>
#include <vector>

namespace ns3
{

namespace
{
/// GTP-U 8, UDP 8 and IPv4 20 bytes go before every packet in the core network.
constexpr uint32_t GTP_SIZE = 36;
/// What may wait for the radio for each user, each way: at 5 MHz some 30 ms.
constexpr uint32_t RLC_BUFFER = 65536;

/**
 * One cell and its core network. Lives as long as its callbacks, which hold it.
 *
 * The stacks that ns-3 wants on user equipments do nothing: packets go from and to the devices
 * directly, and the packet gateway is told the users' addresses, as many as they have. At the
 * network's side they are handed over where the packet gateway's own tunnel device would have its
 * stack.
 */
class LteCell : public std::enable_shared_from_this<LteCell>
{
  public:
    using Neighbours = GhostL3Device::Neighbours;

    void Build(BuildContext& context, const struct scenario_link& link);

  private:
    Ptr<LteUeNetDevice>
    AddUe(BuildContext& context, const struct scenario_link& link, const struct scenario_end& end);
    void
    FollowAttachment(BuildContext& context, const struct scenario_end& end, Ptr<LteUeNetDevice> ue);
    Ptr<GhostL3Device> AttachEnd(BuildContext& context,
                                 const struct scenario_link& link,
                                 const struct scenario_end& end,
                                 GhostL3Device::Sender sender);

    /// A packet has come out of the tunnel, for the network or for another user.
    void ReceiveUplink(Ptr<const Packet> packet, uint16_t protocol);

    /// What a user is to the cell.
    struct User
    {
        Ptr<LteUeNetDevice> ue;    //!< his radio
        Ptr<GhostL3Device> device; //!< his end
        uint32_t up;               //!< leg of his packets, see GhostCellBooks
        uint32_t down;             //!< leg of packets to him
    };

    /// Send a marked packet to a user.
    void SendDownlink(const User& user, Ptr<Packet> packet, uint16_t protocol);

    /// Send a packet from the network's side. \return a cause, or -1
    int32_t
    SendFromNetwork(uint32_t sender, Ptr<Packet> packet, const Ipv6Address& to, uint16_t protocol);

    /// Send a packet from a user. \return a cause, or -1
    int32_t SendUplink(const User& user,
                       uint32_t sender,
                       Ptr<Packet> packet,
                       const Ipv6Address& to,
                       uint16_t protocol);

    /// Follow packets through the queues of a user's bearers, now that he has got some.
    void FollowBearers(std::shared_ptr<User> user);

    /// Follow a user's connection.
    void FollowConnection(std::shared_ptr<User> user);

    Ptr<PointToPointEpcHelper> m_epc;                            //!< core network
    Ptr<LteHelper> m_lte;                                        //!< radio
    Ptr<NetDevice> m_enb;                                        //!< the base station's
    Ptr<VirtualNetDevice> m_tunnel;                              //!< into the core network
    std::shared_ptr<Neighbours> m_neighbours;                    //!< everybody on the link
    std::map<Ipv6Address, std::shared_ptr<User>> m_users;        //!< by address
    Ptr<GhostCellBooks> m_books{CreateObject<GhostCellBooks>()}; //!< of its packets
    Ptr<GhostL3Device> m_network;                                //!< beyond the gateway, or nullptr
    Mac48Address m_gateway; //!< MAC address of the network's side
};

Ptr<Node>
CreatePlace(const struct scenario_vector& at)
{
    Ptr<Node> node = CreateObject<Node>();
    Ptr<ConstantPositionMobilityModel> mobility = CreateObject<ConstantPositionMobilityModel>();
    mobility->SetPosition(Vector(at.x, at.y, at.z));
    node->AggregateObject(mobility);
    return node;
}

/**
 * Have the helper make a loss model for each direction; the frequency is then the carrier's. Its
 * own default is Friis for every part of the spectrum, without other parameters.
 */
void
SetLoss(LteHelper& helper, const struct scenario_wifi_propagation& loss)
{
    if (loss.model == SCENARIO_WIFI_FRIIS && loss.system_loss == 1 && loss.min_loss_db == 0)
    {
        return;
    }
    // A factory takes a type and attributes, and they are known of a model that there is.
    Ptr<PropagationLossModel> model = CreateLossModel(loss, 2.12e9);
    TypeId type = model->GetInstanceTypeId();
    helper.SetPathlossModelType(type);
    for (std::size_t i = 0; i < type.GetAttributeN(); i++)
    {
        struct TypeId::AttributeInformation attribute = type.GetAttribute(i);
        Ptr<AttributeValue> value = attribute.checker->Create();
        model->GetAttribute(attribute.name, *value);
        helper.SetPathlossModelAttribute(attribute.name, *value);
    }
}

/// What a user sends with at most; the power control loop takes as much of it as it needs.
void
SetUePower(Ptr<LteUeNetDevice> ue, double dbm)
{
    ue->GetPhy()->GetUplinkPowerControl()->SetAttribute("Pcmax", DoubleValue(dbm));
}

void
SetUeMobility(Ptr<LteUeNetDevice> ue, Ptr<MobilityModel> model)
{
    ue->GetPhy()->GetDlSpectrumPhy()->SetMobility(model);
    ue->GetPhy()->GetUplinkSpectrumPhy()->SetMobility(model);
}

/// What of the base station can change.
void
RegisterEnb(BuildContext& context, const struct scenario_link& link, Ptr<LteEnbNetDevice> enb)
{
    Ptr<MobilityModel> place = enb->GetNode()->GetObject<MobilityModel>();
    Ptr<LteEnbPhy> phy = enb->GetPhy();
    context.OnChange(
        link,
        nullptr,
        "enb-position",
        [place](const struct scenario_change& change)
        { place->SetPosition(Vector(change.vector[0], change.vector[1], change.vector[2])); });
    context.OnChange(link,
                     nullptr,
                     "enb-tx-power",
                     [phy](const struct scenario_change& change) { phy->SetTxPower(change.real); });
}

Mac48Address
ToMac(const struct scenario_end& end)
{
    Mac48Address address;
    address.CopyFrom(end.mac);
    return address;
}

/**
 * Addresses of an end as GhostL3Device has them; the one that its stack makes itself is last. A
 * node without IPv6 addresses has none of that kind either.
 */
std::vector<Ipv6Address>
GetAddresses(const struct scenario_end& end)
{
    std::vector<Ipv6Address> addresses;
    bool hasIpv6 = false;
    for (std::size_t i = 0; i < end.addr_count; i++)
    {
        bool isIpv6 = end.addrs[i].family == AF_INET6;
        hasIpv6 |= isIpv6;
        addresses.push_back(
            isIpv6 ? InnerAddress::ToIpv6(end.addrs[i])
                   : Ipv6Address::MakeIpv4MappedAddress(InnerAddress::ToIpv4(end.addrs[i])));
    }
    if (hasIpv6)
    {
        addresses.push_back(GhostL3Packet::MakeLinkLocal(ToMac(end)));
    }
    return addresses;
}

/// Tell the core network a user's addresses: the helper would take one from a stack of his.
void
RegisterUser(Ptr<EpcPgwApplication> gateway, uint64_t imsi, const struct scenario_end& end)
{
    for (const Ipv6Address& address : GetAddresses(end))
    {
        if (address.IsIpv4MappedAddress())
        {
            gateway->SetUeAddress(imsi, address.GetIpv4MappedAddress());
        }
        else
        {
            gateway->SetUeAddress6(imsi, address);
        }
    }
}

Ptr<LteUeNetDevice>
LteCell::AddUe(BuildContext& context,
               const struct scenario_link& link,
               const struct scenario_end& end)
{
    Ptr<Node> node = CreatePlace(end.place->position);
    GhostLastWords::AddNode(node->GetId(), std::string("port ") + end.port_name);
    Ptr<NetDevice> device = m_lte->InstallUeDevice(NodeContainer(node)).Get(0);
    Ptr<LteUeNetDevice> ue = DynamicCast<LteUeNetDevice>(device);
    PlaceEnd(context, link, end, [ue](Ptr<MobilityModel> model) { SetUeMobility(ue, model); });
    SetUePower(ue, link.lte->tx_power_dbm);
    context.OnChange(link,
                     &end,
                     "tx-power",
                     [ue](const struct scenario_change& change) { SetUePower(ue, change.real); });
    // The helper insists on a stack; this one has no interface.
    InternetStackHelper stack;
    stack.SetIpv6StackInstall(false);
    stack.Install(node);
    m_lte->Attach(device, m_enb);
    RegisterUser(
        DynamicCast<EpcPgwApplication>(m_epc->GetPgwNode()->GetApplication(0)), ue->GetImsi(), end);
    return ue;
}

void
LteCell::FollowAttachment(BuildContext& context,
                          const struct scenario_end& end,
                          Ptr<LteUeNetDevice> ue)
{
    std::string name = end.port_name;
    context.Await(end.pos,
                  [ue, name]() -> std::string
                  {
                      if (ue->GetNas()->GetState() == EpcUeNas::ACTIVE)
                      {
                          return "";
                      }
                      return name + " cannot attach to the cell in 10 s; move it nearer";
                  });
}

Ptr<GhostL3Device>
LteCell::AttachEnd(BuildContext& context,
                   const struct scenario_link& link,
                   const struct scenario_end& end,
                   GhostL3Device::Sender sender)
{
    Ptr<GhostL3Device> device = CreateObject<GhostL3Device>();
    device->SetMtu(static_cast<uint16_t>(link.mtu));
    device->Configure(m_neighbours, m_gateway, std::move(sender));
    context.GetNode(end)->AddDevice(device);
    Ptr<GhostPort> port = context.Attach(end, device);
    device->SetPort(PeekPointer(port));
    return device;
}

void
LteCell::SendDownlink(const User& user, Ptr<Packet> packet, uint16_t protocol)
{
    m_books->Enter(user.down, packet);
    m_tunnel->Send(packet, m_tunnel->GetBroadcast(), protocol);
}

int32_t
LteCell::SendFromNetwork(uint32_t sender,
                         Ptr<Packet> packet,
                         const Ipv6Address& to,
                         uint16_t protocol)
{
    auto user = m_users.find(to);
    if (user == m_users.end())
    {
        return STATS_DROP_UNSUPPORTED;
    }
    m_books->Mark(packet, sender);
    SendDownlink(*user->second, packet, protocol);
    return -1;
}

int32_t
LteCell::SendUplink(
    const User& user, uint32_t sender, Ptr<Packet> packet, const Ipv6Address& to, uint16_t protocol)
{
    if (!m_network && m_users.find(to) == m_users.end())
    {
        return STATS_DROP_UNSUPPORTED;
    }
    if (user.ue->GetNas()->GetState() != EpcUeNas::ACTIVE)
    {
        return STATS_DROP_UNASSOCIATED;
    }
    m_books->Mark(packet, sender);
    m_books->Enter(user.up, packet);
    if (!user.ue->Send(packet, Address(), protocol))
    {
        m_books->Refuse(packet);
        return STATS_DROP_MEDIUM;
    }
    return -1;
}

void
LteCell::ReceiveUplink(Ptr<const Packet> packet, uint16_t protocol)
{
    uint8_t header[GhostL3Packet::HEADER_SIZE] = {};
    packet->CopyData(header, sizeof(header));
    auto user = m_users.find(GhostL3Packet::GetDestination(header, protocol));
    if (user == m_users.end() && !m_network)
    {
        m_books->Drop(packet, STATS_DROP_MEDIUM);
    }
    else if (!m_books->Leave(packet))
    {
        return;
    }
    else if (user != m_users.end())
    {
        SendDownlink(*user->second, packet->Copy(), protocol);
    }
    else
    {
        m_books->Deliver(packet);
        m_network->Deliver(packet, protocol);
    }
}

/// What of the MAC a device's RLC entities send to.
template <class Manager>
LteMacSapProvider*
GetMac(Ptr<NetDevice> device, const std::string& attribute)
{
    PointerValue manager;
    device->GetAttribute(attribute, manager);
    return manager.Get<Manager>()->GetLteMacSapProvider();
}

/// Follow packets through all data radio bearers that one side of a connection sends on.
void
FollowBearersOf(Ptr<Object> rrc, LteMacSapProvider* mac, Ptr<GhostCellBooks> books)
{
    ObjectMapValue bearers;
    rrc->GetAttribute("DataRadioBearerMap", bearers);
    for (auto it = bearers.Begin(); it != bearers.End(); it++)
    {
        Ptr<LteRadioBearerInfo> bearer = DynamicCast<LteRadioBearerInfo>(it->second);
        GhostBearerTap::Follow(bearer->m_rlc, bearer->m_pdcp, mac, books);
    }
}

void
LteCell::FollowBearers(std::shared_ptr<User> user)
{
    FollowBearersOf(user->ue->GetRrc(),
                    GetMac<LteUeComponentCarrierManager>(user->ue, "LteUeComponentCarrierManager"),
                    m_books);
    // A number that he had before may be another user's by now.
    Ptr<LteEnbRrc> enb = DynamicCast<LteEnbNetDevice>(m_enb)->GetRrc();
    uint16_t rnti = user->ue->GetRrc()->GetRnti();
    if (enb->HasUeManager(rnti) && enb->GetUeManager(rnti)->GetImsi() == user->ue->GetImsi())
    {
        FollowBearersOf(
            enb->GetUeManager(rnti),
            GetMac<LteEnbComponentCarrierManager>(m_enb, "LteEnbComponentCarrierManager"),
            m_books);
    }
}

void
LteCell::FollowConnection(std::shared_ptr<User> user)
{
    auto self = shared_from_this();
    Ptr<LteUeRrc> ue = user->ue->GetRrc();
    Ptr<LteEnbRrc> enb = DynamicCast<LteEnbNetDevice>(m_enb)->GetRrc();
    for (const Ptr<Object>& rrc : {Ptr<Object>(ue), Ptr<Object>(enb)})
    {
        rrc->TraceConnectWithoutContext(
            "ConnectionReconfiguration",
            Callback<void, uint64_t, uint16_t, uint16_t>([self, user](uint64_t, uint16_t, uint16_t)
                                                         { self->FollowBearers(user); }));
    }
    ue->TraceConnectWithoutContext(
        "StateTransition",
        Callback<void, uint64_t, uint16_t, uint16_t, LteUeRrc::State, LteUeRrc::State>(
            [self, user](uint64_t, uint16_t, uint16_t, LteUeRrc::State, LteUeRrc::State state)
            {
                if (state == LteUeRrc::IDLE_START)
                {
                    self->m_books->Forget(user->up);
                }
            }));
    enb->TraceConnectWithoutContext("NotifyConnectionRelease",
                                    Callback<void, uint64_t, uint16_t, uint16_t>(
                                        [self, user](uint64_t imsi, uint16_t, uint16_t)
                                        {
                                            if (imsi == user->ue->GetImsi())
                                            {
                                                self->m_books->Forget(user->down);
                                            }
                                        }));
}

void
LteCell::Build(BuildContext& context, const struct scenario_link& link)
{
    const struct scenario& scenario = context.GetScenario();
    auto self = shared_from_this();
    Config::SetDefault("ns3::LteRlcUm::MaxTxBufferSize", UintegerValue(RLC_BUFFER));
    m_neighbours = std::make_shared<Neighbours>();
    m_gateway = Mac48Address("02:67:00:00:00:01");
    for (uint32_t i = link.first_end; i < link.first_end + link.end_count; i++)
    {
        const struct scenario_end& end = scenario.ends[i];
        for (const Ipv6Address& address : GetAddresses(end))
        {
            (*m_neighbours)[address] = ToMac(end);
        }
        if (end.node == link.lte->network)
        {
            m_gateway = ToMac(end);
        }
    }

    m_epc = CreateObject<PointToPointEpcHelper>();
    m_epc->SetAttribute("S1uLinkMtu", UintegerValue(link.mtu + GTP_SIZE));
    m_lte = CreateObject<LteHelper>();
    m_lte->SetEpcHelper(m_epc);
    m_lte->SetSchedulerType(link.lte->scheduler == SCENARIO_LTE_ROUND_ROBIN
                                ? "ns3::RrFfMacScheduler"
                                : "ns3::PfFfMacScheduler");
    m_lte->SetEnbDeviceAttribute("DlBandwidth", UintegerValue(link.lte->resource_blocks));
    m_lte->SetEnbDeviceAttribute("UlBandwidth", UintegerValue(link.lte->resource_blocks));
    SetLoss(*m_lte, link.lte->propagation);
    m_enb = m_lte->InstallEnbDevice(NodeContainer(CreatePlace(link.lte->enb_position))).Get(0);
    DynamicCast<LteEnbNetDevice>(m_enb)->GetPhy()->SetTxPower(link.lte->enb_tx_power_dbm);
    RegisterEnb(context, link, DynamicCast<LteEnbNetDevice>(m_enb));
    // Device 0 of the gateway is its loopback.
    for (uint32_t i = 0; i < m_epc->GetPgwNode()->GetNDevices() && !m_tunnel; i++)
    {
        m_tunnel = DynamicCast<VirtualNetDevice>(m_epc->GetPgwNode()->GetDevice(i));
    }
    m_tunnel->SetReceiveCallback(
        Callback<bool, Ptr<NetDevice>, Ptr<const Packet>, uint16_t, const Address&>(
            [self](Ptr<NetDevice>, Ptr<const Packet> packet, uint16_t protocol, const Address&)
            {
                self->ReceiveUplink(packet, protocol);
                return true;
            }));

    NetDeviceContainer radios(m_enb);
    std::vector<Ptr<LteUeNetDevice>> users;
    for (uint32_t i = link.first_end; i < link.first_end + link.end_count; i++)
    {
        const struct scenario_end& end = scenario.ends[i];
        uint32_t sender = i - link.first_end;
        if (end.node == link.lte->network)
        {
            m_network = AttachEnd(
                context,
                link,
                end,
                [self, sender](Ptr<Packet> packet, const Ipv6Address& to, uint16_t protocol)
                { return self->SendFromNetwork(sender, packet, to, protocol); });
            m_books->AddPort(PeekPointer(m_network->GetObject<GhostPort>()));
            continue;
        }
        auto user = std::make_shared<User>();
        Ptr<LteUeNetDevice> ue = AddUe(context, link, end);
        user->ue = ue;
        user->up = m_books->AddLeg();
        user->down = m_books->AddLeg();
        users.push_back(ue);
        radios.Add(ue);
        user->device = AttachEnd(
            context,
            link,
            end,
            [self, user, sender](Ptr<Packet> packet, const Ipv6Address& to, uint16_t protocol)
            { return self->SendUplink(*user, sender, packet, to, protocol); });
        m_books->AddPort(PeekPointer(user->device->GetObject<GhostPort>()));
        for (const Ipv6Address& address : GetAddresses(end))
        {
            m_users[address] = user;
        }
        ue->SetReceiveCallback(
            Callback<bool, Ptr<NetDevice>, Ptr<const Packet>, uint16_t, const Address&>(
                [self,
                 user](Ptr<NetDevice>, Ptr<const Packet> packet, uint16_t protocol, const Address&)
                {
                    if (self->m_books->Leave(packet))
                    {
                        self->m_books->Deliver(packet);
                        user->device->Deliver(packet, protocol);
                    }
                    return true;
                }));
        FollowConnection(user);
        FollowAttachment(context, end, ue);
    }
    // Of the link as a whole: of all its users; the network's end has no radio.
    context.OnChange(link,
                     nullptr,
                     "position",
                     [users](const struct scenario_change& change)
                     {
                         Ptr<ConstantPositionMobilityModel> there =
                             CreateObject<ConstantPositionMobilityModel>();
                         there->SetPosition(
                             Vector(change.vector[0], change.vector[1], change.vector[2]));
                         for (const Ptr<LteUeNetDevice>& ue : users)
                         {
                             SetUeMobility(ue, there);
                         }
                     });
    context.OnChange(link,
                     nullptr,
                     "tx-power",
                     [users](const struct scenario_change& change)
                     {
                         for (const Ptr<LteUeNetDevice>& ue : users)
                         {
                             SetUePower(ue, change.real);
                         }
                     });
    m_lte->AssignStreams(radios, BuildContext::StreamOf(link.name));
}
} // namespace

void
BuildLte(BuildContext& context, const struct scenario_link& link)
{
    std::make_shared<LteCell>()->Build(context, link);
}

} // namespace ns3
