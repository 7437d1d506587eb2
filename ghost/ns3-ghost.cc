/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ns3-ghost: the simulated half of an experiment. Started by the daemon, without rights: the
 * scenario comes on standard input, the wire over a Unix socket.
 *
 *     ns3-ghost --wire SOCKET --ghost INDEX --workers N [--captures FD] < scenario.yaml
 *
 * The files of its nodes of kind replay are open from descriptor FD on, in the order of their ends.
 *
 * Exit status: 0 asked to stop, 65 the other side of the wire wrote nonsense (EX_DATAERR), 70 it
 * died inside ns-3 (EX_SOFTWARE), 1 else. The last line of its log says why.
 */
#include "helper/scenario-builder.h"
#include "model/ghost-changes.h"
#include "model/ghost-last-words.h"
#include "model/ghost-replay.h"
#include "model/ghost-simulator-impl.h"
#include "sandbox.h"

#include "ns3/core-module.h"
#include "ns3/version.h"

#include <cstdio>
#include <cstdlib>
#include <getopt.h>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <sys/prctl.h>
#include <sysexits.h>

using namespace ns3;

namespace
{

struct Options
{
    std::string wire;
    uint32_t ghost{0};
    uint32_t workers{1};
    int captures{-1};
};

constexpr int HELLO_TIMEOUT_MS = 5000;

int
Usage(std::FILE* out, int status)
{
    std::fprintf(
        out,
        "usage: ns3-ghost --wire SOCKET --ghost INDEX --workers N [--captures FD] < SCENARIO\n");
    return status;
}

/// Load the scenario from standard input; on failure say why on standard error.
struct scenario*
LoadScenario(uint32_t workers)
{
    std::string text((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
    struct scenario_options options = {};
    options.default_name = "scenario";
    options.workers = workers;
    struct scenario* scenario = nullptr;
    struct scenario_errors errors = {};
    int r = scenario_load(text.data(), text.size(), &options, &scenario, &errors);
    for (size_t i = 0; r < 0 && i < errors.count; i++)
    {
        std::fprintf(stderr,
                     "scenario:%u:%u: %s\n",
                     errors.items[i].pos.line,
                     errors.items[i].pos.column,
                     errors.items[i].text);
    }
    scenario_errors_done(&errors);
    return scenario;
}

int
Simulate(const struct scenario& scenario, const Options& options, GhostWire& wire)
{
    GlobalValue::Bind("SimulatorImplementationType", StringValue("ns3::GhostSimulatorImpl"));
    RngSeedManager::SetRun(scenario.seed);

    GhostChanges changes(scenario);
    ScenarioBuilder builder(scenario, options.ghost, &wire, &changes);
    builder.SetCaptures(options.captures);
    std::string error = builder.Build();
    if (!error.empty())
    {
        std::fprintf(stderr, "ns3-ghost: %s\n", error.c_str());
        return EXIT_FAILURE;
    }
    wire.SetChanges(&changes, options.ghost);
    PopulateMemory();
    DynamicCast<GhostSimulatorImpl>(Simulator::GetImplementation())->SetInput(&wire);
    if (int r = SandboxEnter(SANDBOX_GHOST))
    {
        std::fprintf(stderr, "ns3-ghost: cannot install the seccomp filter: %s\n", strerror(-r));
        return EXIT_FAILURE;
    }
    Simulator::Run();
    Simulator::Destroy();
    if (!wire.GetError().empty())
    {
        std::fprintf(stderr, "ns3-ghost: %s\n", wire.GetError().c_str());
        return wire.IsDaemonLost() || wire.IsSourceBroken() ? EXIT_FAILURE : EX_DATAERR;
    }
    return EXIT_SUCCESS;
}

} // namespace

int
main(int argc, char* argv[])
{
    static const struct option longOptions[] = {{"wire", required_argument, nullptr, 'w'},
                                                {"ghost", required_argument, nullptr, 'g'},
                                                {"workers", required_argument, nullptr, 'n'},
                                                {"captures", required_argument, nullptr, 'c'},
                                                {"help", no_argument, nullptr, 'h'},
                                                {"version", no_argument, nullptr, 'v'},
                                                {nullptr, 0, nullptr, 0}};
    Options options;
    int option;
    while ((option = getopt_long(argc, argv, "", longOptions, nullptr)) != -1)
    {
        switch (option)
        {
        case 'w':
            options.wire = optarg;
            break;
        case 'g':
            options.ghost = static_cast<uint32_t>(std::strtoul(optarg, nullptr, 10));
            break;
        case 'n':
            options.workers = static_cast<uint32_t>(std::strtoul(optarg, nullptr, 10));
            break;
        case 'c':
            options.captures = static_cast<int>(std::strtol(optarg, nullptr, 10));
            break;
        case 'h':
            return Usage(stdout, EXIT_SUCCESS);
        case 'v':
            std::printf("ns3-ghost %s, ns-%s\n", GB_VERSION, GB_NS3_VERSION);
            return EXIT_SUCCESS;
        default:
            return Usage(stderr, EX_USAGE);
        }
    }
    if (options.wire.empty() || optind != argc)
    {
        return Usage(stderr, EX_USAGE);
    }
    GhostLastWords::Install();
    // Timers fire when they are due, not up to 50 us later.
    prctl(PR_SET_TIMERSLACK, 1);

    struct scenario* scenario = LoadScenario(options.workers);
    if (!scenario)
    {
        return EXIT_FAILURE;
    }
    struct wire wire;
    struct diag diag = {};
    int fd = wire_connect(options.wire.c_str());
    int r = fd;
    if (fd >= 0)
    {
        r = wire_attach(fd, WIRE_ROLE_GHOST, HELLO_TIMEOUT_MS, &wire, &diag);
    }
    if (r < 0)
    {
        std::fprintf(stderr,
                     "ns3-ghost: cannot attach to %s: %s\n",
                     options.wire.c_str(),
                     fd < 0 ? strerror(-fd) : diag.text);
        scenario_free(scenario);
        return r == -EPROTO || r == -EPROTONOSUPPORT ? EX_DATAERR : EXIT_FAILURE;
    }
    int status;
    {
        std::unique_ptr<GhostWire> input = GhostReplay::Open(wire);
        status = Simulate(*scenario, options, *input);
    }
    scenario_free(scenario);
    return status;
}
