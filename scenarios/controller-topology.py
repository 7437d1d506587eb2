# SPDX-License-Identifier: GPL-2.0-only
"""os-ken application of controller-outofband.yaml: learns addresses, and writes the links that LLDP found to /tmp/topology."""
import os

from os_ken import cfg
from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.lib.packet import ether_types, ethernet, packet
from os_ken.ofproto import ofproto_v1_3
from os_ken.topology import event, switches

cfg.CONF.set_override("observe_links", True)


class Topology(app_manager.OSKenApp):
    OFP_VERSIONS = [ofproto_v1_3.OFP_VERSION]
    _CONTEXTS = {"switches": switches.Switches}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.ports = {}
        self.links = set()

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def begin(self, event_):
        datapath = event_.msg.datapath
        parser, proto = datapath.ofproto_parser, datapath.ofproto
        self.add_flow(datapath, 0, parser.OFPMatch(), parser.OFPActionOutput(proto.OFPP_CONTROLLER, proto.OFPCML_NO_BUFFER))

    @staticmethod
    def add_flow(datapath, priority, match, action):
        parser, proto = datapath.ofproto_parser, datapath.ofproto
        apply = [parser.OFPInstructionActions(proto.OFPIT_APPLY_ACTIONS, [action])]
        datapath.send_msg(parser.OFPFlowMod(datapath=datapath, priority=priority, match=match, instructions=apply))

    @set_ev_cls(event.EventLinkAdd)
    def link(self, event_):
        end, other = event_.link.src, event_.link.dst
        self.links.add(f"{end.dpid}:{end.port_no}-{other.dpid}:{other.port_no}")
        with open("/tmp/topology.new", "w", encoding="utf-8") as file:
            file.write("\n".join(sorted(self.links)) + "\n")
        os.replace("/tmp/topology.new", "/tmp/topology")

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def packet_in(self, event_):
        message = event_.msg
        datapath = message.datapath
        parser, proto = datapath.ofproto_parser, datapath.ofproto
        port = message.match["in_port"]
        frame = packet.Packet(message.data).get_protocol(ethernet.ethernet)
        if frame is None or frame.ethertype == ether_types.ETH_TYPE_LLDP:
            return
        table = self.ports.setdefault(datapath.id, {})
        table[frame.src] = port
        out = table.get(frame.dst, proto.OFPP_FLOOD)
        if out != proto.OFPP_FLOOD:
            match = parser.OFPMatch(in_port=port, eth_src=frame.src, eth_dst=frame.dst)
            self.add_flow(datapath, 1, match, parser.OFPActionOutput(out))
        datapath.send_msg(parser.OFPPacketOut(datapath=datapath, buffer_id=proto.OFP_NO_BUFFER, in_port=port,
                                              actions=[parser.OFPActionOutput(out)], data=message.data))
