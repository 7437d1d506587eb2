/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-program.h"

#include "../sandbox.h"
#include "ghost-last-words.h"
#include "ghost-port.h"
#include "ghost-settle.h"
#include "ghost-simulator-impl.h"
#include "ghost-station-port.h"

#include "ns3/mac48-address.h"
#include "ns3/nstime.h"
#include "ns3/simulator.h"
#include "ns3/wifi-net-device.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sys/prctl.h>
#include <sysexits.h>
#include <utility>

namespace ns3
{

namespace
{
constexpr int HELLO_TIMEOUT_MS = 5000;

/// What the program does wrong ends it; the daemon reads the last line of the log.
[[noreturn]] void
Refuse(const std::string& why, int status = EXIT_FAILURE)
{
    std::cout.flush();
    std::cerr << why << std::endl;
    std::exit(status);
}

struct wire
AttachWire()
{
    const char* path = std::getenv(GhostProgram::WIRE_VARIABLE);
    if (!path)
    {
        Refuse(std::string("GhostBridgeHelper: there are no containers to connect to. Name this "
                           "program in a scenario, `ghost: ./") +
               program_invocation_short_name + "`, and start it with `ghostbridge run FILE`.");
    }
    if (!DynamicCast<GhostSimulatorImpl>(Simulator::GetImplementation()))
    {
        Refuse("the simulation has another engine than ns3::GhostSimulatorImpl; make the "
               "GhostBridgeHelper before any Simulator::Destroy (), and leave "
               "Simulator::SetImplementation () out");
    }
    // Timers fire when they are due, not up to 50 us later.
    prctl(PR_SET_TIMERSLACK, 1);
    struct wire wire;
    struct diag diag = {};
    int fd = wire_connect(path);
    int r = fd < 0 ? fd : wire_attach(fd, WIRE_ROLE_GHOST, HELLO_TIMEOUT_MS, &wire, &diag);
    if (r < 0)
    {
        Refuse(std::string("cannot attach to ") + path + ": " +
                   (fd < 0 ? strerror(-fd) : diag.text) +
                   (r == -EPROTONOSUPPORT
                        ? "; build the program with the ghostbridge-ns3 of this ghostbridge"
                        : ""),
               r == -EPROTO ? EX_DATAERR : EXIT_FAILURE);
    }
    return wire;
}

} // namespace

GhostProgram::GhostProgram(const struct wire& wire)
    : GhostReplay(wire)
{
    DynamicCast<GhostSimulatorImpl>(Simulator::GetImplementation())->SetInput(this);
}

GhostProgram&
GhostProgram::Get()
{
    // Never destroyed: devices may still refer to it when static objects are.
    static auto program = new GhostProgram(AttachWire());
    return *program;
}

uint32_t
GhostProgram::Find(const std::string& port, const std::string& does) const
{
    int32_t index = FindPort(port);
    if (index < 0)
    {
        std::string names;
        for (uint32_t i = 0; i < GetNPorts(); i++)
        {
            names += std::string(i ? ", " : "") + GetPort(i).name;
        }
        Refuse("the program " + does + " port \"" + port +
               "\", which no link of kind ghost has; there " + (GetNPorts() == 1 ? "is " : "are ") +
               names);
    }
    return static_cast<uint32_t>(index);
}

void
GhostProgram::Install(Ptr<Node> node, Ptr<NetDevice> device, const std::string& port)
{
    uint32_t index = Find(port, "installs a device at");
    if (!node || !device || device->GetNode() != node)
    {
        Refuse("port " + port + ": the device given to Install () is not on the node given to it");
    }
    if (GetHandler(index))
    {
        Refuse("port " + port + ": the program installs two devices at it; a port has one");
    }
    std::string why = GhostPort::WhyNot(device);
    if (!why.empty())
    {
        Refuse("port " + port + ": " + why);
    }
    if (device->SupportsSendFrom())
    {
        GhostPort::Install(this, index, device);
        return;
    }
    Ptr<GhostStationPort> station = CreateObject<GhostStationPort>();
    GhostPort::Install(this, index, device, station);
    Ptr<WifiNetDevice> wifi = DynamicCast<WifiNetDevice>(device);
    if (Ptr<StaWifiMac> mac = wifi ? DynamicCast<StaWifiMac>(wifi->GetMac()) : nullptr)
    {
        station->SetStation(mac);
        // What the program itself has said stays.
        m_awaited.emplace(index, Awaited{true, [mac]() { return mac->IsAssociated(); }});
    }
}

void
GhostProgram::Await(const std::string& port, std::function<bool()> isReady)
{
    m_awaited[Find(port, "waits for")] = {false, std::move(isReady)};
}

void
GhostProgram::Settle()
{
    auto engine = DynamicCast<GhostSimulatorImpl>(Simulator::GetImplementation());
    auto late = m_awaited.end();
    auto listen = [this](bool listens)
    {
        for (uint32_t i = 0; i < GetNPorts(); i++)
        {
            GetHandler(i)->SetListening(listens);
        }
    };
    engine->SetInput(nullptr);
    listen(false); // what arrives now is none of the experiment's frames
    GhostLastWords::SetEngine(PeekPointer(engine));
    GhostSettle::Outcome outcome = GhostSettle::Run(
        [this, &late]()
        {
            late = std::find_if(m_awaited.begin(),
                                m_awaited.end(),
                                [](const auto& item)
                                { return item.second.isReady && !item.second.isReady(); });
            return late == m_awaited.end();
        });
    GhostLastWords::SetEngine(nullptr);
    listen(true);
    engine->SetInput(this);
    if (outcome == GhostSettle::STOPPED)
    {
        Refuse("the simulation is stopped before the ports are ready that it awaits; let "
               "Simulator::Stop () come later, or leave it out: the end of the run ends "
               "Simulator::Run ()");
    }
    if (outcome == GhostSettle::LATE)
    {
        std::string name = GetPort(late->first).name;
        std::string since = " after " +
                            std::to_string(GhostSettle::GetMax().GetMilliSeconds() / 1000) +
                            " s of simulated time";
        Refuse("port " + name + ": " +
               (late->second.isAssociation
                    ? "its station is not associated" + since +
                          "; look at SSID, channel and distance, or have it not awaited: "
                          "helper.Await (\"" +
                          name + "\", nullptr)"
                    : "the program awaits it, and it is not ready" + since));
    }
    SetStart(static_cast<uint64_t>(Simulator::Now().GetNanoSeconds()));
    GhostInvariant::SetStart(Simulator::Now());
}

bool
GhostProgram::Begin()
{
    if (m_begun)
    {
        return m_hasStarted;
    }
    m_begun = true;
    for (uint32_t i = 0; i < GetNPorts(); i++)
    {
        if (!GetHandler(i))
        {
            Refuse(std::string("port ") + GetPort(i).name +
                   ": the program installs no device there; add helper.Install (node, device, \"" +
                   GetPort(i).name + "\")");
        }
    }
    if (Time::GetResolution() != Time::NS)
    {
        Refuse("the time resolution must stay ns: frames come by a clock of nanoseconds");
    }
    if (std::any_of(m_awaited.begin(),
                    m_awaited.end(),
                    [](const auto& item) { return item.second.isReady != nullptr; }))
    {
        Settle();
    }
    std::cout.flush();
    PopulateMemory();
    int r = SandboxEnter(SANDBOX_PROGRAM);
    if (r < 0)
    {
        Refuse(std::string("cannot install the seccomp filter: ") + strerror(-r), EX_OSERR);
    }
    m_hasStarted = WaitForStart();
    return m_hasStarted;
}

std::string
GhostProgram::ApplyText(const std::string& text)
{
    std::string::size_type space = text.find(' ');
    std::string where = text.substr(0, space);
    std::string what = space == std::string::npos ? "" : text.substr(space + 1);
    if (what != "state=down" && what != "state=up")
    {
        return text + ": only the state of a port can change in a program of one's own";
    }
    bool any = false;
    for (uint32_t i = 0; i < GetNPorts(); i++)
    {
        std::string link = GetPort(i).link;
        if (where == link || where == link + "." + GetPort(i).name)
        {
            GetHandler(i)->SetDown(what == "state=down");
            any = true;
        }
    }
    return any ? "" : text + ": the program has no such port";
}

void
GhostProgram::End()
{
    if (!GetError().empty())
    {
        Refuse(GetError(), IsDaemonLost() ? EXIT_FAILURE : EX_DATAERR);
    }
}

} // namespace ns3
