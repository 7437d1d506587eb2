/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An ns-3 program with two containers at a CSMA segment that does one thing wrong: own-misdeed
 * DEED. For tests/system/test_own.py; "none" does everything right.
 */
#define NS3_ASSERT_ENABLE // NS_ASSERT does its work here, as in a debug build of ns-3
#include <ghostbridge/ghost-bridge-helper.h>

#include "ns3/core-module.h"
#include "ns3/csma-module.h"
#include "ns3/names.h"
#include "ns3/network-module.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace ns3;

namespace
{

std::string g_deed;

void
InRun()
{
    if (g_deed == "fatal")
    {
        NS_FATAL_ERROR("the antenna fell off");
    }
    if (g_deed == "abort")
    {
        NS_ABORT_MSG_IF(g_deed.size() == 5, "five letters");
    }
    if (g_deed == "assert")
    {
        NS_ASSERT_MSG(g_deed.size() == 5, "six letters");
    }
    if (g_deed == "spin")
    {
        for (volatile bool forever = true; forever;)
        {
        }
    }
    if (g_deed == "now")
    {
        Simulator::ScheduleNow(&InRun);
    }
    if (g_deed == "throw")
    {
        throw std::runtime_error("thrown away");
    }
    if (g_deed == "segv")
    {
        std::raise(SIGSEGV);
    }
    if (g_deed == "leave")
    {
        std::exit(3);
    }
    if (g_deed == "garble")
    {
        std::cerr << "a \033]0;title\007 and \377\376, which is no UTF-8" << std::endl;
        std::exit(3);
    }
    if (g_deed == "sandbox")
    {
        bool socketRefused = socket(AF_INET, SOCK_DGRAM, 0) < 0;
        bool forkRefused = fork() < 0;
        std::ofstream("trace.txt") << "socket " << (socketRefused ? "refused" : "given")
                                   << ", fork " << (forkRefused ? "refused" : "done") << ", run "
                                   << RngSeedManager::GetRun() << std::endl;
    }
}

/// As many processes as it gets, and away with them again.
void
MakeProcesses()
{
    std::vector<pid_t> children;
    pid_t child = 1;
    while (children.size() < 2000 && (child = fork()) > 0)
    {
        children.push_back(child);
    }
    if (child == 0)
    {
        for (;;)
        {
            pause();
        }
    }
    bool isRefused = child < 0 && errno == EAGAIN;
    for (pid_t pid : children)
    {
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
    }
    std::ofstream("trace.txt") << (isRefused ? "refused after " : "given: ") << children.size()
                               << std::endl;
}

} // namespace

int
main(int argc, char* argv[])
{
    g_deed = argc > 1 ? argv[1] : "none";
    if (g_deed == "no-helper")
    {
        return 5;
    }
    if (g_deed == "forks")
    {
        MakeProcesses();
    }
    GlobalValue::Bind("SimulatorImplementationType", StringValue("ns3::RealtimeSimulatorImpl"));
    NodeContainer nodes;
    nodes.Create(3);
    CsmaHelper csma;
    csma.SetChannelAttribute("DataRate", StringValue("100Mbps"));
    NetDeviceContainer devices = csma.Install(nodes);
    Names::Add("second", nodes.Get(1));
    Names::Add("second/device", devices.Get(1));
    // Scheduled before there is a helper, on purpose.
    Simulator::ScheduleWithContext(nodes.Get(0)->GetId(), MilliSeconds(300), &InRun);

    GhostBridgeHelper helper;
    if (g_deed == "attribute")
    {
        devices.Get(0)->SetAttribute("Colour", StringValue("green"));
    }
    helper.Install(nodes.Get(0), devices.Get(0), g_deed == "extra-port" ? "h9.eth7" : "h1.eth0");
    if (g_deed == "other-node")
    {
        helper.Install(nodes.Get(2), devices.Get(1), "h2.eth0");
    }
    if (g_deed == "twice")
    {
        helper.Install(nodes.Get(1), devices.Get(1), "h1.eth0");
    }
    if (g_deed == "one-device")
    {
        helper.Install(nodes.Get(0), devices.Get(0), "h2.eth0");
    }
    if (g_deed != "missing-port")
    {
        helper.Install("second", "second/device", "h2.eth0");
    }
    if (g_deed == "no-run")
    {
        return 0;
    }
    if (g_deed == "stop")
    {
        Simulator::Stop(MilliSeconds(300));
    }
    Simulator::Run();
    Simulator::Destroy();
    if (g_deed == "at-end")
    {
        NS_FATAL_ERROR("could not save the results");
    }
    return 0;
}
