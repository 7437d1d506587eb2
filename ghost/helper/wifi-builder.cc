/* SPDX-License-Identifier: GPL-2.0-only */
#include "wifi-builder.h"

#include "../model/ghost-distribution.h"
#include "../model/ghost-ledger.h"
#include "../model/ghost-wifi-port.h"

#include "ns3/boolean.h"
#include "ns3/dot11s-installer.h"
#include "ns3/double.h"
#include "ns3/fcfs-wifi-queue-scheduler.h"
#include "ns3/frame-exchange-manager.h"
#include "ns3/mesh-helper.h"
#include "ns3/mesh-point-device.h"
#include "ns3/mesh-wifi-interface-mac.h"
#include "ns3/net-device-container.h"
#include "ns3/node-container.h"
#include "ns3/object-factory.h"
#include "ns3/peer-management-protocol.h"
#include "ns3/ssid.h"
#include "ns3/sta-wifi-mac.h"
#include "ns3/string.h"
#include "ns3/uinteger.h"
#include "ns3/wifi-default-ack-manager.h"
#include "ns3/wifi-default-protection-manager.h"
#include "ns3/wifi-helper.h"
#include "ns3/wifi-mac-helper.h"
#include "ns3/wifi-mac-queue.h"
#include "ns3/yans-wifi-helper.h"

namespace ns3
{

namespace
{
WifiStandard
ToStandard(enum scenario_wifi_standard standard)
{
    switch (standard)
    {
    case SCENARIO_WIFI_B:
        return WIFI_STANDARD_80211b;
    case SCENARIO_WIFI_A:
        return WIFI_STANDARD_80211a;
    case SCENARIO_WIFI_G:
        return WIFI_STANDARD_80211g;
    case SCENARIO_WIFI_N:
        return WIFI_STANDARD_80211n;
    case SCENARIO_WIFI_AC:
        return WIFI_STANDARD_80211ac;
    case SCENARIO_WIFI_AX:
        return WIFI_STANDARD_80211ax;
    }
    return WIFI_STANDARD_UNSPECIFIED;
}

/// Attribute ChannelSettings of a WifiPhy.
std::string
ToChannelSettings(const struct scenario_wifi& wifi)
{
    static const char* const bands[] = {"BAND_2_4GHZ", "BAND_5GHZ", "BAND_6GHZ"};
    return "{" + std::to_string(wifi.channel) + ", " + std::to_string(wifi.width_mhz) + ", " +
           bands[wifi.band] + ", 0}";
}

/// A manager of its own, for devices that no WifiHelper makes.
Ptr<WifiRemoteStationManager>
CreateRateControl(const struct scenario_wifi& wifi)
{
    static const char* const types[] = {"ns3::ConstantRateWifiManager",
                                        "ns3::MinstrelHtWifiManager",
                                        "ns3::MinstrelWifiManager",
                                        "ns3::AarfWifiManager",
                                        "ns3::ArfWifiManager",
                                        "ns3::IdealWifiManager"};
    ObjectFactory factory(types[wifi.control]);
    factory.Set("RtsCtsThreshold", UintegerValue(wifi.rts_threshold_size));
    if (wifi.control == SCENARIO_WIFI_CONSTANT)
    {
        factory.Set("DataMode", StringValue(wifi.data_mode));
        factory.Set("ControlMode", StringValue(wifi.control_mode));
    }
    return factory.Create<WifiRemoteStationManager>();
}

void
SetRateControl(WifiHelper& helper, const struct scenario_wifi& wifi)
{
    UintegerValue rts(wifi.rts_threshold_size);
    switch (wifi.control)
    {
    case SCENARIO_WIFI_CONSTANT:
        helper.SetRemoteStationManager("ns3::ConstantRateWifiManager",
                                       "DataMode",
                                       StringValue(wifi.data_mode),
                                       "ControlMode",
                                       StringValue(wifi.control_mode),
                                       "RtsCtsThreshold",
                                       rts);
        break;
    case SCENARIO_WIFI_MINSTREL_HT:
        helper.SetRemoteStationManager("ns3::MinstrelHtWifiManager", "RtsCtsThreshold", rts);
        break;
    case SCENARIO_WIFI_MINSTREL:
        helper.SetRemoteStationManager("ns3::MinstrelWifiManager", "RtsCtsThreshold", rts);
        break;
    case SCENARIO_WIFI_AARF:
        helper.SetRemoteStationManager("ns3::AarfWifiManager", "RtsCtsThreshold", rts);
        break;
    case SCENARIO_WIFI_ARF:
        helper.SetRemoteStationManager("ns3::ArfWifiManager", "RtsCtsThreshold", rts);
        break;
    case SCENARIO_WIFI_IDEAL:
        helper.SetRemoteStationManager("ns3::IdealWifiManager", "RtsCtsThreshold", rts);
        break;
    }
}

void
SetMac(WifiMacHelper& helper, const struct scenario_wifi& wifi, const struct scenario_place& place)
{
    SsidValue ssid(Ssid(wifi.ssid));
    BooleanValue qos(wifi.standard >= SCENARIO_WIFI_N);
    if (wifi.mode == SCENARIO_WIFI_ADHOC)
    {
        helper.SetType("ns3::AdhocWifiMac", "QosSupported", qos);
    }
    else if (place.is_ap)
    {
        helper.SetType("ns3::ApWifiMac", "QosSupported", qos, "Ssid", ssid);
    }
    else
    {
        // A station that waits for an answer when it loses its access point would ask once more,
        // and abort for want of one: leave it to the missed beacons to begin again.
        helper.SetType("ns3::StaWifiMac",
                       "QosSupported",
                       qos,
                       "Ssid",
                       ssid,
                       "AssocRequestTimeout",
                       TimeValue(Days(3650)));
    }
}

/// The container's MAC becomes the device's own, before anything is sent.
void
SetAddress(Ptr<WifiNetDevice> device, const struct scenario_end& end)
{
    Mac48Address address;
    address.CopyFrom(end.mac);
    device->SetAddress(address);
    device->GetMac()->GetFrameExchangeManager()->SetAddress(address);
}

void
SetQueueLength(Ptr<WifiMac> mac, uint32_t length)
{
    for (AcIndex ac : {AC_BE, AC_BK, AC_VI, AC_VO, AC_BE_NQOS})
    {
        if (mac->GetQosSupported() != (ac == AC_BE_NQOS))
        {
            mac->GetTxopQueue(ac)->SetMaxSize(QueueSize(QueueSizeUnit::PACKETS, length));
        }
    }
}

/**
 * What MeshHelper::Install does, with the address and the channel of the scenario.
 */
Ptr<MeshPointDevice>
InstallMeshPoint(const struct scenario_wifi& wifi,
                 const struct scenario_end& end,
                 Ptr<Node> node,
                 const WifiPhyHelper& phyHelper)
{
    Ptr<MeshPointDevice> mesh = CreateObject<MeshPointDevice>();
    node->AddDevice(mesh);
    Ptr<WifiNetDevice> device = CreateObject<WifiNetDevice>();
    Ptr<WifiPhy> phy = phyHelper.Create(node, device)[0];
    node->AddDevice(device);
    phy->ConfigureStandard(ToStandard(wifi.standard));
    device->SetPhy(phy);
    Ptr<MeshWifiInterfaceMac> mac =
        CreateObjectWithAttributes<MeshWifiInterfaceMac>("QosSupported", BooleanValue(true));
    mac->SetSsid(Ssid());
    mac->SetDevice(device);
    device->SetRemoteStationManager(CreateRateControl(wifi));
    Mac48Address address;
    address.CopyFrom(end.mac);
    mac->SetAddress(address);
    device->SetMac(mac);
    mac->SetMacQueueScheduler(CreateObject<FcfsWifiQueueScheduler>());
    mac->ConfigureStandard(ToStandard(wifi.standard));
    Ptr<FrameExchangeManager> exchange = mac->GetFrameExchangeManager();
    Ptr<WifiProtectionManager> protection = CreateObject<WifiDefaultProtectionManager>();
    protection->SetWifiMac(mac);
    exchange->SetProtectionManager(protection);
    Ptr<WifiAckManager> acknowledgement = CreateObject<WifiDefaultAckManager>();
    acknowledgement->SetWifiMac(mac);
    exchange->SetAckManager(acknowledgement);
    mesh->AddInterface(device);
    Dot11sStack stack;
    if (!stack.InstallStack(mesh))
    {
        throw BuildError(end.pos, "ns-3 cannot install its 802.11s stack");
    }
    return mesh;
}

/// The barrier waits until a mesh point has a peer.
void
AwaitPeers(BuildContext& context, const struct scenario_end& end, Ptr<MeshPointDevice> mesh)
{
    Ptr<dot11s::PeerManagementProtocol> peers = mesh->GetObject<dot11s::PeerManagementProtocol>();
    std::string name = end.port_name;
    context.Await(end.pos,
                  [peers, name]() -> std::string
                  {
                      return peers->GetNumberOfLinks() > 0
                                 ? ""
                                 : name + " finds no peer in 10 s; move it nearer or raise "
                                          "tx-power";
                  });
}

/// A station's carrier and the barrier follow its association.
void
FollowAssociation(BuildContext& context,
                  const struct scenario_link& link,
                  const struct scenario_end& end,
                  Ptr<WifiMac> mac,
                  Ptr<GhostWifiPort> port)
{
    Ptr<StaWifiMac> station = DynamicCast<StaWifiMac>(mac);
    if (!station)
    {
        return;
    }
    port->SetStation(station);
    bool required = link.wifi->wait_association;
    std::string name = end.port_name;
    context.Await(end.pos,
                  [station, required, name]() -> std::string
                  {
                      if (station->IsAssociated() || !required)
                      {
                          return "";
                      }
                      return name +
                             " finds no access point in 10 s; move it nearer, raise tx-power, or "
                             "write association: later";
                  });
}
} // namespace

void
BuildWifi(BuildContext& context, const struct scenario_link& link)
{
    const struct scenario& scenario = context.GetScenario();
    const struct scenario_wifi& wifi = *link.wifi;
    Ptr<GhostSilence> silence = CreateObject<GhostSilence>();
    Ptr<YansWifiChannel> channel = CreateWifiMedium(link, silence);
    Ptr<GhostLedger> ledger = CreateObject<GhostLedger>();
    Ptr<GhostDistribution> distribution = CreateObject<GhostDistribution>();
    distribution->SetLedger(ledger);

    YansWifiPhyHelper phy;
    phy.SetChannel(channel);
    phy.Set("ChannelSettings", StringValue(ToChannelSettings(wifi)));
    phy.Set("TxPowerStart", DoubleValue(wifi.tx_power_dbm));
    phy.Set("TxPowerEnd", DoubleValue(wifi.tx_power_dbm));
    WifiHelper helper;
    helper.SetStandard(ToStandard(wifi.standard));
    helper.DisableFlowControl(); // there is no ns-3 stack to hold back
    SetRateControl(helper, wifi);

    if (wifi.mode == SCENARIO_WIFI_MESH)
    {
        ledger->SetLinger(MilliSeconds(500), true);
    }
    uint32_t accessPoints = 0;
    for (uint32_t i = 0; i < link.end_count; i++)
    {
        const struct scenario_end& end = scenario.ends[link.first_end + i];
        std::string name = std::string(link.name) + "/" + end.port_name;
        Ptr<Node> node = context.GetNode(end);
        Ptr<WifiNetDevice> device;
        Ptr<NetDevice> outer;
        if (wifi.mode == SCENARIO_WIFI_MESH)
        {
            Ptr<MeshPointDevice> mesh = InstallMeshPoint(wifi, end, node, phy);
            AwaitPeers(context, end, mesh);
            device = DynamicCast<WifiNetDevice>(mesh->GetInterfaces()[0]);
            outer = mesh;
        }
        else
        {
            WifiMacHelper macHelper;
            SetMac(macHelper, wifi, *end.place);
            device = DynamicCast<WifiNetDevice>(helper.Install(phy, macHelper, node).Get(0));
            SetAddress(device, end);
            outer = device;
        }
        device->SetMtu(static_cast<uint16_t>(link.mtu));
        SetQueueLength(device->GetMac(), link.queue_frames);
        if (wifi.mode == SCENARIO_WIFI_MESH)
        {
            MeshHelper().AssignStreams(NetDeviceContainer(outer), BuildContext::StreamOf(name));
        }
        else
        {
            helper.AssignStreams(NetDeviceContainer(device), BuildContext::StreamOf(name));
        }
        MendAgreements(device->GetMac());
        PlaceWifiDevice(context, link, end, device);

        Ptr<GhostWifiPort> port = CreateObject<GhostWifiPort>();
        context.Attach(end, outer, port);
        port->SetLedger(ledger);
        port->SetSilence(silence, device->GetPhy());
        if (wifi.mode == SCENARIO_WIFI_MESH)
        {
            port->SetMesh();
        }
        ledger->Watch(device->GetMac());
        port->SetDistribution(distribution);
        if (end.place->is_ap)
        {
            distribution->AddAccessPoint(device->GetMac(), PeekPointer(port), link.first_end + i);
            accessPoints++;
        }
        FollowAssociation(context, link, end, device->GetMac(), port);
    }
    if (wifi.mode != SCENARIO_WIFI_MESH && accessPoints <= 1)
    {
        ledger->CheckOrder();
    }
    context.AtStart([distribution]() { distribution->Start(); });
}

} // namespace ns3
