/* SPDX-License-Identifier: GPL-2.0-only */
#include "wifi-builder.h"

#include "ns3/double.h"
#include "ns3/object-factory.h"
#include "ns3/propagation-delay-model.h"
#include "ns3/propagation-loss-model.h"

namespace ns3
{

namespace
{
/// Centre frequency, Hz, IEEE 802.11 clauses 17.3.8.4 and 27.3.23.2.
double
CentreFrequency(const struct scenario_wifi& wifi)
{
    switch (wifi.band)
    {
    case SCENARIO_WIFI_2_4GHZ:
        return wifi.channel == 14 ? 2.484e9 : 2.407e9 + 5e6 * wifi.channel;
    case SCENARIO_WIFI_5GHZ:
        return 5e9 + 5e6 * wifi.channel;
    case SCENARIO_WIFI_6GHZ:
        return 5.95e9 + 5e6 * wifi.channel;
    }
    return 0;
}

} // namespace

Ptr<PropagationLossModel>
CreateLossModel(const struct scenario_wifi_propagation& loss, double frequency)
{
    frequency = loss.frequency_hz > 0 ? loss.frequency_hz : frequency;
    switch (loss.model)
    {
    case SCENARIO_WIFI_LOG_DISTANCE:
        return CreateObjectWithAttributes<LogDistancePropagationLossModel>(
            "Exponent",
            DoubleValue(loss.exponent[0]),
            "ReferenceDistance",
            DoubleValue(loss.distance_m[0]),
            "ReferenceLoss",
            DoubleValue(loss.reference_loss_db));
    case SCENARIO_WIFI_FRIIS:
        return CreateObjectWithAttributes<FriisPropagationLossModel>("Frequency",
                                                                     DoubleValue(frequency),
                                                                     "SystemLoss",
                                                                     DoubleValue(loss.system_loss),
                                                                     "MinLoss",
                                                                     DoubleValue(loss.min_loss_db));
    case SCENARIO_WIFI_TWO_RAY:
        return CreateObjectWithAttributes<TwoRayGroundPropagationLossModel>(
            "Frequency",
            DoubleValue(frequency),
            "SystemLoss",
            DoubleValue(loss.system_loss),
            "MinDistance",
            DoubleValue(loss.min_distance_m),
            "HeightAboveZ",
            DoubleValue(loss.height_above_z_m));
    case SCENARIO_WIFI_THREE_LOG_DISTANCE:
    {
        Ptr<PropagationLossModel> model =
            CreateObjectWithAttributes<ThreeLogDistancePropagationLossModel>(
                "ReferenceLoss", DoubleValue(loss.reference_loss_db));
        for (int i = 0; i < 3; i++)
        {
            model->SetAttribute("Distance" + std::to_string(i), DoubleValue(loss.distance_m[i]));
            model->SetAttribute("Exponent" + std::to_string(i), DoubleValue(loss.exponent[i]));
        }
        return model;
    }
    case SCENARIO_WIFI_RANGE:
        return CreateObjectWithAttributes<RangePropagationLossModel>("MaxRange",
                                                                     DoubleValue(loss.range_m));
    case SCENARIO_WIFI_FIXED_RSS:
        return CreateObjectWithAttributes<FixedRssLossModel>("Rss", DoubleValue(loss.rss_dbm));
    }
    return nullptr;
}

Ptr<YansWifiChannel>
CreateWifiMedium(const struct scenario_link& link, Ptr<GhostSilence> silence)
{
    const struct scenario_wifi& wifi = *link.wifi;
    Ptr<PropagationLossModel> loss = CreateLossModel(wifi.propagation, CentreFrequency(wifi));
    Ptr<PropagationLossModel> last = loss;
    if (wifi.fading.nakagami)
    {
        last = CreateObjectWithAttributes<NakagamiPropagationLossModel>(
            "m0",
            DoubleValue(wifi.fading.m[0]),
            "m1",
            DoubleValue(wifi.fading.m[1]),
            "m2",
            DoubleValue(wifi.fading.m[2]),
            "Distance1",
            DoubleValue(wifi.fading.distance_m[0]),
            "Distance2",
            DoubleValue(wifi.fading.distance_m[1]));
        loss->SetNext(last);
    }
    last->SetNext(silence);
    Ptr<YansWifiChannel> channel = CreateObject<YansWifiChannel>();
    channel->SetPropagationLossModel(loss);
    channel->SetPropagationDelayModel(CreateObject<ConstantSpeedPropagationDelayModel>());
    channel->AssignStreams(BuildContext::StreamOf(link.name));
    return channel;
}

} // namespace ns3
