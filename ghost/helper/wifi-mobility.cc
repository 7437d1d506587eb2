/* SPDX-License-Identifier: GPL-2.0-only */
#include "wifi-builder.h"

#include "ns3/constant-position-mobility-model.h"
#include "ns3/constant-velocity-mobility-model.h"
#include "ns3/double.h"
#include "ns3/object-factory.h"
#include "ns3/pointer.h"
#include "ns3/position-allocator.h"
#include "ns3/random-variable-stream.h"
#include "ns3/random-waypoint-mobility-model.h"
#include "ns3/simulator.h"
#include "ns3/waypoint-mobility-model.h"
#include "ns3/wifi-phy.h"

namespace ns3
{

namespace
{
Vector
ToVector(const struct scenario_vector& vector)
{
    return Vector(vector.x, vector.y, vector.z);
}

Ptr<UniformRandomVariable>
Uniform(double min, double max)
{
    return CreateObjectWithAttributes<UniformRandomVariable>(
        "Min", DoubleValue(min), "Max", DoubleValue(max));
}

Ptr<MobilityModel>
CreateRandomWaypoint(const struct scenario_place& place, int64_t stream)
{
    Ptr<RandomRectanglePositionAllocator> area = CreateObject<RandomRectanglePositionAllocator>();
    area->SetX(Uniform(place.area_m[0], place.area_m[1]));
    area->SetY(Uniform(place.area_m[2], place.area_m[3]));
    area->SetZ(place.position.z);
    Ptr<ConstantRandomVariable> pause = CreateObjectWithAttributes<ConstantRandomVariable>(
        "Constant", DoubleValue(static_cast<double>(place.pause_ns) / 1e9));
    Ptr<RandomWaypointMobilityModel> model =
        CreateObjectWithAttributes<RandomWaypointMobilityModel>(
            "Speed",
            PointerValue(Uniform(place.speed_mps[0], place.speed_mps[1])),
            "Pause",
            PointerValue(pause),
            "PositionAllocator",
            PointerValue(area));
    model->SetPosition(ToVector(place.position));
    model->AssignStreams(stream);
    return model;
}

Ptr<MobilityModel>
CreateWaypoints(const struct scenario_place& place)
{
    Ptr<WaypointMobilityModel> model = CreateObject<WaypointMobilityModel>();
    Time start = Simulator::Now();
    if (place.waypoints[0].at_ns > 0)
    {
        model->AddWaypoint(Waypoint(start, ToVector(place.position)));
    }
    for (size_t i = 0; i < place.waypoint_count; i++)
    {
        model->AddWaypoint(Waypoint(start + NanoSeconds(place.waypoints[i].at_ns),
                                    ToVector(place.waypoints[i].position)));
    }
    return model;
}
} // namespace

void
PlaceWifiDevice(BuildContext& context,
                const struct scenario_link& link,
                const struct scenario_end& end,
                Ptr<WifiNetDevice> device)
{
    Ptr<WifiPhy> phy = device->GetPhy();
    PlaceEnd(context, link, end, [phy](Ptr<MobilityModel> model) { phy->SetMobility(model); });
    context.OnChange(link,
                     &end,
                     "tx-power",
                     [phy](const struct scenario_change& change)
                     {
                         phy->SetTxPowerStart(change.real);
                         phy->SetTxPowerEnd(change.real);
                     });
}

void
PlaceEnd(BuildContext& context,
         const struct scenario_link& link,
         const struct scenario_end& end,
         const MobilitySetter& set)
{
    const struct scenario_place& place = *end.place;
    Ptr<MobilityModel> still = CreateObject<ConstantPositionMobilityModel>();
    still->SetPosition(ToVector(place.position));
    set(still);
    context.OnChange(link,
                     &end,
                     "position",
                     [set](const struct scenario_change& change)
                     {
                         // Whatever way it was on, it stays there.
                         Ptr<MobilityModel> there = CreateObject<ConstantPositionMobilityModel>();
                         there->SetPosition(
                             Vector(change.vector[0], change.vector[1], change.vector[2]));
                         set(there);
                     });
    if (place.mobility == SCENARIO_MOBILITY_FIXED)
    {
        return;
    }
    // Times in the file count from the barrier, and nobody moves before.
    int64_t stream = BuildContext::StreamOf(std::string(link.name) + "/" + end.port_name + "/way");
    context.AtStart(
        [&place, set, stream]()
        {
            Ptr<MobilityModel> model;
            switch (place.mobility)
            {
            case SCENARIO_MOBILITY_FIXED:
                return;
            case SCENARIO_MOBILITY_WAYPOINTS:
                model = CreateWaypoints(place);
                break;
            case SCENARIO_MOBILITY_RANDOM_WAYPOINT:
                model = CreateRandomWaypoint(place, stream);
                break;
            case SCENARIO_MOBILITY_VELOCITY:
            {
                Ptr<ConstantVelocityMobilityModel> moving =
                    CreateObject<ConstantVelocityMobilityModel>();
                moving->SetPosition(ToVector(place.position));
                moving->SetVelocity(ToVector(place.velocity));
                model = moving;
                break;
            }
            }
            model->Initialize();
            set(model);
        });
}

} // namespace ns3
