/* SPDX-License-Identifier: GPL-2.0-only */
#include "ghost-radiotap.h"

#include "ns3/ampdu-subframe-header.h"
#include "ns3/radiotap-header.h"

#include <algorithm>

namespace ns3
{

namespace
{
constexpr uint32_t FCS_SIZE = 4;
/// Rate field: in units of 500 kbit/s.
constexpr uint64_t RATE_UNIT = 500000;
/// Bandwidth field of VHT: codes of the widths that a frame can have here.
constexpr uint8_t VHT_40 = 1;
constexpr uint8_t VHT_80 = 4;
constexpr uint8_t VHT_160 = 11;
/// Where the MCS stands in a VHT user's field, and in the third HE field.
constexpr int VHT_MCS_SHIFT = 4;
constexpr int HE_MCS_SHIFT = 8;
constexpr uint16_t HE_COLOR_MASK = 0x3f;

void
SetChannel(RadiotapHeader& header, uint16_t frequency, WifiModulationClass modulation)
{
    bool cck = modulation == WIFI_MOD_CLASS_DSSS || modulation == WIFI_MOD_CLASS_HR_DSSS;
    uint16_t flags = cck ? RadiotapHeader::CHANNEL_FLAG_CCK : RadiotapHeader::CHANNEL_FLAG_OFDM;
    flags |= frequency < 3000 ? RadiotapHeader::CHANNEL_FLAG_SPECTRUM_2GHZ
                              : RadiotapHeader::CHANNEL_FLAG_SPECTRUM_5GHZ;
    header.SetChannelFrequencyAndFlags(frequency, flags);
}

void
SetHt(RadiotapHeader& header, const WifiTxVector& vector, WifiMode mode)
{
    uint8_t flags = RadiotapHeader::MCS_FLAGS_NONE;
    flags |= vector.GetChannelWidth() >= 40 ? RadiotapHeader::MCS_FLAGS_BANDWIDTH_40 : 0;
    flags |= vector.GetGuardInterval() == 400 ? RadiotapHeader::MCS_FLAGS_GUARD_INTERVAL : 0;
    header.SetMcsFields(RadiotapHeader::MCS_KNOWN_BANDWIDTH | RadiotapHeader::MCS_KNOWN_INDEX |
                            RadiotapHeader::MCS_KNOWN_GUARD_INTERVAL |
                            RadiotapHeader::MCS_KNOWN_HT_FORMAT,
                        flags,
                        mode.GetMcsValue());
}

void
SetVht(RadiotapHeader& header, const WifiTxVector& vector, WifiMode mode, uint8_t streams)
{
    uint8_t users[4] = {static_cast<uint8_t>(mode.GetMcsValue() << VHT_MCS_SHIFT | streams)};
    uint16_t width = vector.GetChannelWidth();
    header.SetVhtFields(RadiotapHeader::VHT_KNOWN_BANDWIDTH |
                            RadiotapHeader::VHT_KNOWN_GUARD_INTERVAL,
                        vector.GetGuardInterval() == 400 ? RadiotapHeader::VHT_FLAGS_GUARD_INTERVAL
                                                         : RadiotapHeader::VHT_FLAGS_NONE,
                        width == 160  ? VHT_160
                        : width == 80 ? VHT_80
                        : width == 40 ? VHT_40
                                      : 0,
                        users,
                        0,
                        0,
                        0);
}

void
SetHe(RadiotapHeader& header, const WifiTxVector& vector, WifiMode mode, uint8_t streams)
{
    WifiPreamble preamble = vector.GetPreambleType();
    uint16_t known =
        RadiotapHeader::HE_DATA1_BSS_COLOR_KNOWN | RadiotapHeader::HE_DATA1_DATA_MCS_KNOWN;
    known |= preamble == WIFI_PREAMBLE_HE_ER_SU ? RadiotapHeader::HE_DATA1_FORMAT_EXT_SU
             : preamble == WIFI_PREAMBLE_HE_MU  ? RadiotapHeader::HE_DATA1_FORMAT_MU
             : preamble == WIFI_PREAMBLE_HE_TB  ? RadiotapHeader::HE_DATA1_FORMAT_TRIG
                                                : 0;
    uint16_t how = 0;
    if (!vector.IsMu()) // else it is a resource unit's
    {
        uint16_t width = vector.GetChannelWidth();
        known |= RadiotapHeader::HE_DATA1_BW_RU_ALLOC_KNOWN;
        how |= width == 160  ? RadiotapHeader::HE_DATA5_DATA_BW_RU_ALLOC_160MHZ
               : width == 80 ? RadiotapHeader::HE_DATA5_DATA_BW_RU_ALLOC_80MHZ
               : width == 40 ? RadiotapHeader::HE_DATA5_DATA_BW_RU_ALLOC_40MHZ
                             : 0;
    }
    how |= vector.GetGuardInterval() == 3200   ? RadiotapHeader::HE_DATA5_GI_3_2
           : vector.GetGuardInterval() == 1600 ? RadiotapHeader::HE_DATA5_GI_1_6
                                               : 0;
    header.SetHeFields(known,
                       RadiotapHeader::HE_DATA2_GI_KNOWN,
                       (vector.GetBssColor() & HE_COLOR_MASK) | mode.GetMcsValue() << HE_MCS_SHIFT,
                       0,
                       how,
                       streams);
}
} // namespace

std::vector<uint8_t>
GhostRadiotap(Ptr<const Packet> packet,
              uint64_t timeNs,
              uint16_t frequency,
              const WifiTxVector& vector,
              const MpduInfo& mpdu,
              uint16_t station,
              const SignalNoiseDbm* power)
{
    WifiMode mode = vector.GetMode(station);
    WifiModulationClass modulation = mode.GetModulationClass();
    Ptr<Packet> frame = packet->Copy();
    RadiotapHeader header;
    uint8_t flags = RadiotapHeader::FRAME_FLAG_NONE;

    header.SetTsft(timeNs / 1000);
    flags |= vector.GetPreambleType() == WIFI_PREAMBLE_SHORT
                 ? RadiotapHeader::FRAME_FLAG_SHORT_PREAMBLE
                 : 0;
    flags |= vector.GetGuardInterval() == 400 ? RadiotapHeader::FRAME_FLAG_SHORT_GUARD : 0;
    header.SetFrameFlags(flags);
    if (modulation < WIFI_MOD_CLASS_HT)
    {
        header.SetRate(static_cast<uint8_t>(mode.GetDataRate(vector, station) / RATE_UNIT));
    }
    SetChannel(header, frequency, modulation);
    if (power)
    {
        header.SetAntennaSignalPower(power->signal);
        header.SetAntennaNoisePower(power->noise);
    }
    if (modulation == WIFI_MOD_CLASS_HT)
    {
        SetHt(header, vector, mode);
    }
    if (vector.IsAggregation())
    {
        // Delimiter and padding belong to the A-MPDU.
        AmpduSubframeHeader delimiter;
        frame->RemoveHeader(delimiter);
        frame =
            frame->CreateFragment(0, std::min<uint32_t>(delimiter.GetLength(), frame->GetSize()));
        bool isLast = mpdu.type == LAST_MPDU_IN_AGGREGATE || delimiter.GetEof();
        header.SetAmpduStatus(mpdu.mpduRefNumber,
                              RadiotapHeader::A_MPDU_STATUS_LAST_KNOWN |
                                  (isLast ? RadiotapHeader::A_MPDU_STATUS_LAST : 0),
                              0);
    }
    if (modulation == WIFI_MOD_CLASS_VHT)
    {
        SetVht(header, vector, mode, vector.GetNss(station));
    }
    if (modulation == WIFI_MOD_CLASS_HE)
    {
        SetHe(header, vector, mode, vector.GetNss(station));
    }
    // ns-3 computes none.
    frame->RemoveAtEnd(std::min(frame->GetSize(), FCS_SIZE));
    frame->AddHeader(header);
    std::vector<uint8_t> bytes(frame->GetSize());
    frame->CopyData(bytes.data(), frame->GetSize());
    return bytes;
}

} // namespace ns3
