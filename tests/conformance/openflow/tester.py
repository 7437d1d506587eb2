# SPDX-License-Identifier: GPL-2.0-only
"""os-ken's switch tester, with its measurements made independent of how busy the machine is.

An application for osken-manager; the cases and the verdicts are those of os_ken/tests/switch/tester.py, but for:

* A frame that must miss the tables is waited for until a table has looked it up. os-ken's tester waits for one second,
  which is long on most machines and short on a busy one.
* A rate is sent by the clock: what is late is made up for. os-ken's tester sleeps 10 ms between two portions and
  sends less than it says by what the portions themselves take. Random frames are made before the sending begins,
  from a seed that is the case's, so that both sides get the same ones.
* What came through is counted when the counters stand still (Open vSwitch brings them up to date twice a second), and
  divided by the time for which frames were sent, not by the time between two questions for the counters.
* A band's burst size has no meaning without the flag OFPMF_BURST (OpenFlow 1.3.5, 7.3.4.4), and is not compared then.
  os-ken's tester does, and never measures a meter of Open vSwitch, which says what burst it chose.
* A switch under test may speak OpenFlow 1.5, where a table's flows are asked for with another message.
"""
import random
import time

from os_ken.controller import ofp_event
from os_ken.controller.handler import MAIN_DISPATCHER, set_ev_cls
from os_ken.lib import hub
from os_ken.ofproto import ofproto_v1_3, ofproto_v1_5
from os_ken.tests.switch import tester as suite

TICK_S = 0.01
STILL_S = 1.5        # of counters, before they are believed
SETTLE_S = 10.0      # the longest wait for that
LOOKUP_S = 5.0       # for a frame to reach the tables
suite.INTERVAL = 0   # after the barrier; see LOOKUP_S


class Tester(suite.OfTester):
    """os-ken's tester with other waits; see above."""

    def __init__(self, *args, **kwargs):
        self.sent_s = 0.0
        self.offered = 0.0
        self.figures = ""
        super().__init__(*args, **kwargs)

    def _test_execute(self, test, description):
        self.figures = ""
        random.seed(test.description)
        result = super()._test_execute(test, description)
        if result == suite.TEST_OK and self.figures:
            self.logger.info("        %s", self.figures)
        return result

    # Frames that must miss

    def _test_flow_unmatching_check(self, before_stats, pkt):
        end = time.monotonic() + LOOKUP_S
        tables = pkt[suite.KEY_TBL_MISS]
        while time.monotonic() < end:
            after = self._test_get_match_count()
            if any(before_stats[table]["lookup"] < after[table]["lookup"] for table in tables):
                break
            self.send_msg_xids = []
            hub.sleep(TICK_S)
        self.send_msg_xids = []
        super()._test_flow_unmatching_check(before_stats, pkt)

    # OpenFlow 1.5

    def _test_exist_check(self, method, message):
        path = self.target_sw.dp
        if method != self.target_sw.send_flow_stats or path.ofproto.OFP_VERSION < ofproto_v1_5.OFP_VERSION:
            super()._test_exist_check(method, message)
            return
        parser, protocol = path.ofproto_parser, path.ofproto
        self.send_msg_xids.append(self.target_sw.send_msg(parser.OFPFlowDescStatsRequest(
            path, 0, protocol.OFPTT_ALL, protocol.OFPP_ANY, protocol.OFPG_ANY, 0, 0, parser.OFPMatch())))
        self._wait()
        wrong = []
        for flow in (flow for reply in self.rcv_msgs for flow in reply.body):
            is_same, difference = self._compare_flow(flow, message)
            if is_same:
                return
            wrong.append(difference)
        raise suite.TestFailure(self.state, flows=", ".join(wrong))

    @set_ev_cls(ofp_event.EventOFPFlowDescStatsReply, MAIN_DISPATCHER)
    def flow_desc_reply(self, event):
        """The flows of a table, or a part of them."""
        if self.state == suite.STATE_FLOW_EXIST_CHK and self.waiter and event.msg.xid in self.send_msg_xids:
            self.rcv_msgs.append(event.msg)
            if not event.msg.flags:
                self.waiter.set()
                hub.sleep(0)

    # Rates

    @classmethod
    def _compare_meter(cls, stats1, stats2):
        if not stats2.flags & ofproto_v1_3.OFPMF_BURST:
            for band in (*stats1.bands, *stats2.bands):
                band.burst_size = 0
        return super()._compare_meter(stats1, stats2)

    def _continuous_packet_send(self, pkt):
        packets = pkt[suite.KEY_PACKETS]
        rate = packets[suite.KEY_PKTPS]
        duration = packets[suite.KEY_DURATION_TIME]
        total = int(rate * duration)
        if packets["randomize"]:
            messages = [self._packet_out(self._random_frame(packets["packet_text"])) for _ in range(total)]
        else:
            messages = [self._packet_out(packets["packet_binary"])]
        path = self.tester_sw.dp
        start = time.monotonic()
        count = 0
        while count < total:
            elapsed = time.monotonic() - start
            due = min(total, int(rate * min(elapsed, duration)))
            if due > count:
                path.send(b"".join(messages[i % len(messages)] for i in range(count, due)))
                count = due
            if elapsed >= duration:
                break
            hub.sleep(TICK_S)
        # Sending may end late where the switch takes what it gets more slowly.
        while path.send_q is not None and path.send_q.qsize():
            hub.sleep(TICK_S)
        self.sent_s = max(duration, time.monotonic() - start)
        self.offered = count / self.sent_s

    @staticmethod
    def _random_frame(text):
        frame = eval("/".join(text), vars(suite))  # pylint: disable=W0123
        frame.serialize()
        return bytes(frame.data)

    def _packet_out(self, data):
        """The bytes of the message that lets the tester switch send @data."""
        path = self.tester_sw.dp
        parser, protocol = path.ofproto_parser, path.ofproto
        actions = [parser.OFPActionOutput(self.tester_send_port)]
        message = parser.OFPPacketOut(datapath=path, buffer_id=protocol.OFP_NO_BUFFER, data=data, actions=actions,
                                      in_port=protocol.OFPP_CONTROLLER)
        message.xid = 0
        message.serialize()
        return bytes(message.buf)

    def _test_get_throughput(self):
        """(0 or the time of sending, counters once they stand still)."""
        first = time.monotonic()
        before, since = None, first
        while time.monotonic() - first < SETTLE_S:
            _, counters = super()._test_get_throughput()
            now = time.monotonic()
            if counters != before:
                before, since = counters, now
            if now - since >= STILL_S or not any(packets for _, packets in counters.values()):
                if self.sent_s == 0.0 or now - first >= STILL_S:
                    break
            self.send_msg_xids = []
            hub.sleep(0.1)
        sent_s, self.sent_s = self.sent_s, 0.0
        return sent_s, before

    def _test_throughput_check(self, throughputs, start, end):
        figures = []
        for throughput in throughputs:
            match = str(throughput[suite.KEY_FLOW].match)
            if match in start[1] and match in end[1] and end[0]:
                size, count = (after - before for before, after in zip(start[1][match], end[1][match]))
                port = dict(throughput[suite.KEY_FLOW].match._fields2)  # pylint: disable=W0212
                figures.append(f"{port} {size / 128 / end[0]:.1f}kbps {count / end[0]:.1f}pktps")
        self.figures = f"offered {self.offered:.1f}pktps: " + ", ".join(figures)
        super()._test_throughput_check(throughputs, start, end)
