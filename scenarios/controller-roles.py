# SPDX-License-Identifier: GPL-2.0-only
"""os-ken application of controller-failover.yaml: a primary and a secondary that takes over (OpenFlow 1.3.5, 6.3.6).

ROLE is primary or secondary, PEER the other one's address. Both send a datagram to the other every 100 ms.
"""
import json
import os
import socket
import time

from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.lib import hub
from os_ken.ofproto import ofproto_v1_3

PORT = 7000
INTERVAL_S = 0.1
PATIENCE_S = 0.5


class Roles(app_manager.OSKenApp):
    OFP_VERSIONS = [ofproto_v1_3.OFP_VERSION]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.is_master = os.environ["ROLE"] == "primary"
        self.generation = 1 if self.is_master else 0
        self.datapaths = []
        self.heard = time.monotonic() + 10  # the other may take its time to begin
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(("", PORT))
        hub.spawn(self.watch)

    def watch(self):
        while True:
            try:
                self.socket.sendto(b"alive", (os.environ["PEER"], PORT))
            except OSError:
                pass
            try:
                while self.socket.recv(64):
                    self.heard = time.monotonic()
            except OSError:
                pass
            if not self.is_master and time.monotonic() - self.heard > PATIENCE_S:
                self.is_master = True
                self.generation = 2
                for datapath in self.datapaths:
                    self.claim(datapath)
            hub.sleep(INTERVAL_S)

    def claim(self, datapath):
        parser, proto = datapath.ofproto_parser, datapath.ofproto
        role = proto.OFPCR_ROLE_MASTER if self.is_master else proto.OFPCR_ROLE_SLAVE
        datapath.send_msg(parser.OFPRoleRequest(datapath, role, self.generation))
        # for the scenario's expectations
        silence_ms = max(0, (time.monotonic() - self.heard) * 1000)
        with open("/tmp/role", "w", encoding="utf-8") as file:
            json.dump({"role": "master" if self.is_master else "slave", "silence_ms": silence_ms}, file)
        if self.is_master:
            action = parser.OFPActionOutput(proto.OFPP_CONTROLLER, proto.OFPCML_NO_BUFFER)
            self.add_flow(datapath, 0, parser.OFPMatch(), action, 0)

    @staticmethod
    def add_flow(datapath, priority, match, action, hard_timeout):
        parser, proto = datapath.ofproto_parser, datapath.ofproto
        apply = [parser.OFPInstructionActions(proto.OFPIT_APPLY_ACTIONS, [action])]
        datapath.send_msg(parser.OFPFlowMod(datapath=datapath, priority=priority, match=match, instructions=apply,
                                            hard_timeout=hard_timeout))

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def begin(self, event):
        self.datapaths.append(event.msg.datapath)
        self.claim(event.msg.datapath)

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def packet_in(self, event):
        message = event.msg
        datapath = message.datapath
        parser, proto = datapath.ofproto_parser, datapath.ofproto
        port = message.match["in_port"]
        action = parser.OFPActionOutput(proto.OFPP_FLOOD)
        self.add_flow(datapath, 1, parser.OFPMatch(in_port=port), action, 1)
        datapath.send_msg(parser.OFPPacketOut(datapath=datapath, buffer_id=proto.OFP_NO_BUFFER, in_port=port,
                                              actions=[action], data=message.data))
