# SPDX-License-Identifier: GPL-2.0-only
"""os-ken application of openflow-enabled.yaml: ICMP is decided here, once for every pair of hosts."""
from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.lib.packet import ether_types, ipv4, packet
from os_ken.ofproto import ofproto_v1_3


class Gate(app_manager.OSKenApp):
    OFP_VERSIONS = [ofproto_v1_3.OFP_VERSION]

    def add_flow(self, datapath, priority, match, out_port):
        parser, proto = datapath.ofproto_parser, datapath.ofproto
        actions = [parser.OFPActionOutput(out_port, proto.OFPCML_NO_BUFFER)]
        apply = [parser.OFPInstructionActions(proto.OFPIT_APPLY_ACTIONS, actions)]
        datapath.send_msg(parser.OFPFlowMod(datapath=datapath, priority=priority, match=match, instructions=apply))

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def ask(self, event):
        datapath = event.msg.datapath
        match = datapath.ofproto_parser.OFPMatch(eth_type=ether_types.ETH_TYPE_IP, ip_proto=1)
        self.add_flow(datapath, 100, match, datapath.ofproto.OFPP_CONTROLLER)

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def decide(self, event):
        message = event.msg
        datapath = message.datapath
        parser, proto = datapath.ofproto_parser, datapath.ofproto
        header = packet.Packet(message.data).get_protocol(ipv4.ipv4)
        if header is None:
            return
        match = parser.OFPMatch(eth_type=ether_types.ETH_TYPE_IP, ip_proto=1, ipv4_src=header.src, ipv4_dst=header.dst)
        self.add_flow(datapath, 200, match, proto.OFPP_NORMAL)
        datapath.send_msg(parser.OFPPacketOut(datapath=datapath, buffer_id=proto.OFP_NO_BUFFER,
                                              in_port=message.match["in_port"],
                                              actions=[parser.OFPActionOutput(proto.OFPP_NORMAL)], data=message.data))
