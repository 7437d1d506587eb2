/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stock-fd-net-device: ns-3's other way out, for comparison. Two nodes, each with an FdNetDevice on
 * an existing TAP and a device on a CSMA segment of 10 Gb/s, joined by ns-3's learning bridge; the
 * real-time engine; default settings otherwise. Runs until it is ended.
 *
 *     stock-fd-net-device TAP TAP
 */
#include "ns3/bridge-module.h"
#include "ns3/core-module.h"
#include "ns3/csma-module.h"
#include "ns3/fd-net-device-module.h"
#include "ns3/network-module.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

using namespace ns3;

static int
OpenTap(const char* name)
{
    struct ifreq request = {};
    int fd = open("/dev/net/tun", O_RDWR);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    std::strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
    {
        std::fprintf(stderr, "stock-fd-net-device: %s: %s\n", name, std::strerror(errno));
        return -1;
    }
    return fd;
}

int
main(int argc, char* argv[])
{
    if (argc != 3)
    {
        std::fprintf(stderr, "usage: stock-fd-net-device TAP TAP\n");
        return 2;
    }
    GlobalValue::Bind("SimulatorImplementationType", StringValue("ns3::RealtimeSimulatorImpl"));
    NodeContainer nodes;
    nodes.Create(2);
    CsmaHelper csma;
    csma.SetChannelAttribute("DataRate", StringValue("10Gbps"));
    csma.SetChannelAttribute("Delay", StringValue("7ns"));
    NetDeviceContainer devices = csma.Install(nodes);
    FdNetDeviceHelper fdHelper;
    BridgeHelper bridge;
    for (uint32_t i = 0; i < 2; i++)
    {
        NetDeviceContainer outside = fdHelper.Install(nodes.Get(i));
        Ptr<FdNetDevice> device = outside.Get(0)->GetObject<FdNetDevice>();
        int fd = OpenTap(argv[1 + i]);
        if (fd < 0)
        {
            return 1;
        }
        device->SetFileDescriptor(fd);
        bridge.Install(nodes.Get(i), NetDeviceContainer(outside.Get(0), devices.Get(i)));
    }
    Simulator::Run();
    Simulator::Destroy();
    return 0;
}
