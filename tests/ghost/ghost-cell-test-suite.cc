/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The books of an LTE cell, on ns-3's own RLC entities in unacknowledged mode over a radio of the
 * test's that loses, delays and starves: every packet is delivered or has a cause, once.
 */
#include "ghost/model/ghost-bearer-tap.h"
#include "ghost/model/ghost-cell-books.h"
#include "ghost/model/ghost-l3-device.h"
#include "ghost/model/ghost-nic.h"
#include "ghost/model/ghost-port.h"

#include "bridge/wire/stats.h"

#include "ns3/core-module.h"
#include "ns3/lte-rlc-um.h"
#include "ns3/node.h"
#include "ns3/test.h"

#include <memory>
#include <random>
#include <vector>

using namespace ns3;

namespace
{

/// What the sending RLC entity thinks is a MAC: gives it opportunities, and may lose what it sends.
class Radio : public LteMacSapProvider
{
  public:
    void TransmitPdu(TransmitPduParameters params) override
    {
        m_pdus++;
        if (m_random() % 1000 < m_loss)
        {
            return;
        }
        // As long as HARQ may take, so later ones overtake it.
        Time delay = MicroSeconds(1000 + m_random() % (1 + m_spread));
        Ptr<Packet> pdu = params.pdu->Copy();
        Simulator::Schedule(delay, &Radio::Arrive, this, pdu);
    }

    void ReportBufferStatus(ReportBufferStatusParameters params) override
    {
        m_waiting = params.txQueueSize;
    }

    void Arrive(Ptr<Packet> pdu)
    {
        m_to->GetLteMacSapUser()->ReceivePdu({pdu, 1, 3});
    }

    /// One opportunity per ms as long as something waits.
    void Give(uint32_t sizeMax)
    {
        if (m_from)
        {
            uint32_t bytes = 1 + m_random() % sizeMax;
            m_from->GetLteMacSapUser()->NotifyTxOpportunity({bytes, 0, 0, 0, 1, 3});
        }
        Simulator::Schedule(MilliSeconds(1), &Radio::Give, this, sizeMax);
    }

    Ptr<LteRlc> m_from;
    Ptr<LteRlc> m_to;
    uint32_t m_loss{0};   //!< of 1000 PDUs
    uint32_t m_spread{0}; //!< of delays, us
    uint32_t m_pdus{0};
    uint32_t m_waiting{0};
    std::mt19937 m_random{1};
};

/// An end, its port and device, and a leg behind it.
class CellTestCase : public TestCase, public LteRlcSapUser
{
  public:
    explicit CellTestCase(const std::string& name)
        : TestCase(name)
    {
    }

  protected:
    void DoSetup() override
    {
        const Mac48Address own("02:67:00:00:00:01");
        auto node = CreateObject<Node>();
        m_device = CreateObject<GhostL3Device>();
        m_device->SetAddress(own);
        node->AddDevice(m_device);
        m_device->Configure(std::make_shared<GhostL3Device::Neighbours>(),
                            own,
                            [this](Ptr<Packet> packet, const Ipv6Address&, uint16_t)
                            {
                                m_books->Mark(packet, 0);
                                m_books->Enter(m_leg, packet);
                                if (m_entrance)
                                {
                                    m_entrance->TransmitPdcpPdu({packet, 1, 3});
                                }
                                return -1;
                            });
        m_nic = CreateObject<GhostNic>();
        m_nic->SetAddress(own);
        node->AddDevice(m_nic);
        m_port = CreateObject<GhostPort>();
        m_nic->Connect(m_port, 1500, CreateObject<GhostSegment>());
        m_port->Connect(m_nic, m_stats, false, m_device);
        m_device->SetPort(PeekPointer(m_port));
        m_books = CreateObject<GhostCellBooks>();
        m_books->AddPort(PeekPointer(m_port));
        m_books->AddLeg();
        m_leg = m_books->AddLeg();
        Connect();
    }

    void DoTeardown() override
    {
        m_radio.m_from = nullptr;
        m_radio.m_to = nullptr;
        m_books->Dispose();
        m_nic->Dispose();
        m_port->Dispose();
        m_device->Dispose();
        Simulator::Destroy();
    }

    /// A bearer, with RLC entities of its own.
    void Connect()
    {
        m_radio.m_from = CreateObject<LteRlcUm>();
        m_radio.m_to = CreateObject<LteRlcUm>();
        m_radio.m_to->SetLteMacSapProvider(&m_radio);
        m_radio.m_to->SetLteRlcSapUser(this);
        // Twice: a reconfiguration may say of the same bearer again that it is there.
        GhostBearerTap::Follow(m_radio.m_from, nullptr, &m_radio, m_books);
        GhostBearerTap::Follow(m_radio.m_from, nullptr, &m_radio, m_books);
        m_entrance = m_radio.m_from->GetObject<GhostBearerTap>()->GetEntrance();
    }

    /// The connection is lost, with the entities and what is in them.
    void Disconnect()
    {
        m_entrance = nullptr;
        m_radio.m_from->Dispose();
        m_radio.m_from = nullptr;
        m_books->Forget(m_leg);
    }

    /// A packet comes out of the receiving RLC entity.
    void ReceivePdcpPdu(Ptr<Packet> packet) override
    {
        if (m_books->Leave(packet))
        {
            m_books->Deliver(packet);
        }
        else
        {
            m_late++;
        }
    }

    /// Send packets of random sizes.
    void Send(uint32_t count)
    {
        for (uint32_t i = 0; i < count; i++)
        {
            std::vector<uint8_t> bytes(20 + m_radio.m_random() % 1400);
            bytes[0] = 0x45;
            bytes[2] = static_cast<uint8_t>(bytes.size() >> 8);
            bytes[3] = static_cast<uint8_t>(bytes.size());
            bytes[8] = 64;
            bytes[9] = 253;
            bytes[12] = bytes[16] = 10;
            m_nic->Send(Create<Packet>(bytes.data(), static_cast<uint32_t>(bytes.size())),
                        Mac48Address("02:67:00:00:00:02"),
                        0x0800);
        }
        m_sent += count;
    }

    uint64_t GetDrops(enum stats_drop cause) const
    {
        return m_stats.up.drops[cause];
    }

    /// Run until nothing can be under way any more, and see that each packet is booked once.
    void RunAndCheck(Time until)
    {
        Simulator::Stop(until);
        Simulator::Run();
        uint64_t drops = 0;
        for (uint64_t count : m_stats.up.drops)
        {
            drops += count;
        }
        NS_TEST_EXPECT_MSG_EQ(m_stats.up.frames, m_sent, "not all were sent");
        NS_TEST_EXPECT_MSG_EQ(m_stats.transmitted + drops + m_books->GetOpen(), m_sent, "books");
        NS_TEST_EXPECT_MSG_EQ(m_stats.duplicated, 0, "the cell made more of them");
        NS_TEST_EXPECT_MSG_EQ(m_stats.order.checked, m_stats.transmitted, "order looked at");
        NS_TEST_EXPECT_MSG_EQ(m_stats.order.broken, 0, "RLC puts packets in order");
    }

    Ptr<GhostL3Device> m_device;
    Ptr<GhostNic> m_nic;
    Ptr<GhostPort> m_port;
    Ptr<GhostCellBooks> m_books;
    uint32_t m_leg{0};
    Radio m_radio;
    LteRlcSapProvider* m_entrance{nullptr}; //!< of the bearer, if there is one
    struct stats_port m_stats = {};
    uint64_t m_sent{0};
    uint32_t m_late{0}; //!< came out after having been given up
};

/// PDUs are lost and overtake each other; a queue that is too small.
class LossTestCase : public CellTestCase
{
  public:
    LossTestCase()
        : CellTestCase("lost on the air, or no room in the queue")
    {
    }

  private:
    void DoRun() override
    {
        m_radio.m_loss = 20;
        m_radio.m_spread = 40000;
        m_radio.Give(3000);
        for (uint32_t i = 0; i < 1500; i++)
        {
            Simulator::Schedule(MicroSeconds(700 * i), &LossTestCase::Send, this, i % 7 ? 1 : 20);
        }
        RunAndCheck(Seconds(3));
        NS_TEST_EXPECT_MSG_EQ(m_books->GetOpen(), 0, "under way for ever");
        NS_TEST_EXPECT_MSG_EQ(m_late, 0, "given up, and came");
        NS_TEST_EXPECT_MSG_GT(GetDrops(STATS_DROP_QUEUE), 100, "no room for everything");
        NS_TEST_EXPECT_MSG_GT(GetDrops(STATS_DROP_RADIO), 20, "2 % of the PDUs");
        NS_TEST_EXPECT_MSG_GT(m_stats.transmitted, 300, "most of the rest arrives");
        NS_TEST_EXPECT_MSG_EQ(m_stats.transmitted + GetDrops(STATS_DROP_QUEUE) +
                                  GetDrops(STATS_DROP_RADIO),
                              m_sent,
                              "no other cause");
    }
};

/// Whoever waits for the scheduler is not lost, however long that is.
class StarvedTestCase : public CellTestCase
{
  public:
    StarvedTestCase()
        : CellTestCase("waiting for the scheduler")
    {
    }

  private:
    void DoRun() override
    {
        Send(5);
        // A first part of the first one, then nothing for a long time.
        m_radio.m_from->GetLteMacSapUser()->NotifyTxOpportunity({12, 0, 0, 0, 1, 3});
        RunAndCheck(Seconds(4));
        NS_TEST_EXPECT_MSG_EQ(m_books->GetOpen(), 5, "given up in the queue");
        m_radio.Give(500);
        RunAndCheck(Seconds(2));
        NS_TEST_EXPECT_MSG_EQ(m_stats.transmitted, 5, "not delivered after all");
        NS_TEST_EXPECT_MSG_EQ(m_port->GetInFlight(), 5, "copies that nobody has received");
    }
};

/// What is where when the connection is lost, and afterwards.
class DisconnectTestCase : public CellTestCase
{
  public:
    DisconnectTestCase()
        : CellTestCase("a connection is lost and comes back")
    {
    }

  private:
    void DoRun() override
    {
        m_radio.m_loss = 1000;
        Send(2);
        m_radio.m_from->GetLteMacSapUser()->NotifyTxOpportunity({5000, 0, 0, 0, 1, 3});
        Send(4);
        m_radio.m_from->GetLteMacSapUser()->NotifyTxOpportunity({12, 0, 0, 0, 1, 3});
        Disconnect();
        NS_TEST_EXPECT_MSG_EQ(GetDrops(STATS_DROP_UNASSOCIATED), 4, "the queue");
        Send(3); // there is no bearer
        RunAndCheck(MilliSeconds(499));
        NS_TEST_EXPECT_MSG_EQ(GetDrops(STATS_DROP_UNASSOCIATED), 4, "too early");
        RunAndCheck(MilliSeconds(2));
        NS_TEST_EXPECT_MSG_EQ(m_books->GetOpen(), 0, "under way for ever");
        NS_TEST_EXPECT_MSG_EQ(GetDrops(STATS_DROP_RADIO), 2, "on the air");
        NS_TEST_EXPECT_MSG_EQ(GetDrops(STATS_DROP_UNASSOCIATED), 7, "no bearer");

        m_radio.m_loss = 0;
        Connect();
        Send(3);
        m_radio.Give(3000);
        RunAndCheck(Seconds(1));
        NS_TEST_EXPECT_MSG_EQ(m_stats.transmitted, 3, "after the reconnection");
    }
};

/// A radio that is slower than the books' patience; strangers.
class LateTestCase : public CellTestCase
{
  public:
    LateTestCase()
        : CellTestCase("later than it can be; of nobody on the link")
    {
    }

  private:
    void DoRun() override
    {
        Send(1);
        m_radio.m_loss = 1000;
        m_radio.m_from->GetLteMacSapUser()->NotifyTxOpportunity({5000, 0, 0, 0, 1, 3});
        RunAndCheck(Seconds(1));
        NS_TEST_EXPECT_MSG_EQ(GetDrops(STATS_DROP_RADIO), 1, "lost");
        GhostCellTag tag;
        tag.m_number = 1;
        Ptr<Packet> late = Create<Packet>(60);
        late->AddByteTag(tag);
        ReceivePdcpPdu(late);
        ReceivePdcpPdu(Create<Packet>(60));
        NS_TEST_EXPECT_MSG_EQ(m_late, 2, "went on");
        NS_TEST_EXPECT_MSG_EQ(m_stats.transmitted, 0, "booked twice");
        m_books->Drop(late, STATS_DROP_MEDIUM);
        m_books->Refuse(late);
        NS_TEST_EXPECT_MSG_EQ(GetDrops(STATS_DROP_MEDIUM), 0, "booked twice");
        RunAndCheck(Seconds(1));
    }
};

/// All of them.
class GhostCellTestSuite : public TestSuite
{
  public:
    GhostCellTestSuite()
        : TestSuite("ghost-cell", UNIT)
    {
        AddTestCase(new LossTestCase, TestCase::QUICK);
        AddTestCase(new StarvedTestCase, TestCase::QUICK);
        AddTestCase(new DisconnectTestCase, TestCase::QUICK);
        AddTestCase(new LateTestCase, TestCase::QUICK);
    }
};

static GhostCellTestSuite g_ghostCellTestSuite; //!< registers itself

} // namespace

int
main(int argc, char* argv[])
{
    return TestRunner::Run(argc, argv);
}
