/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-program.h"

#include "../sandbox.h"
#include "ghost-last-words.h"
#include "ghost-port.h"
#include "ghost-simulator-impl.h"

#include "ns3/mac48-address.h"
#include "ns3/nstime.h"
#include "ns3/simulator.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sys/prctl.h>
#include <sysexits.h>

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

void
GhostProgram::Install(Ptr<Node> node, Ptr<NetDevice> device, const std::string& port)
{
    int32_t index = FindPort(port);
    if (index < 0)
    {
        std::string names;
        for (uint32_t i = 0; i < GetNPorts(); i++)
        {
            names += std::string(i ? ", " : "") + GetPort(i).name;
        }
        Refuse("the program installs a device at port \"" + port +
               "\", which no link of kind ghost has; there " + (GetNPorts() == 1 ? "is " : "are ") +
               names);
    }
    if (!node || !device || device->GetNode() != node)
    {
        Refuse("port " + port + ": the device given to Install () is not on the node given to it");
    }
    if (GetHandler(static_cast<uint32_t>(index)))
    {
        Refuse("port " + port + ": the program installs two devices at it; a port has one");
    }
    std::string why = GhostPort::WhyNot(device);
    if (!why.empty())
    {
        Refuse("port " + port + ": " + why);
    }
    GhostPort::Install(this, static_cast<uint32_t>(index), device);
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
