/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ovs-limit.c - `rate-limit` of a switch's ports: by policing where the kernel can, by an OpenFlow meter where it
 * cannot.
 *
 * Policing (ingress_policing_rate of ovs-vswitchd.conf.db(5)) is the kernel's: a filter with act_police at an
 * interface. The datapath in user space reads interfaces through packet sockets, which see frames before such a filter
 * does. A meter works everywhere, but is an action: something must send the port's frames through it. In a table that
 * is the author's or a controller's that would be in somebody's way, so it is done in ordinary switches only.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bridge/lab/lab_priv.h"
#include "bridge/lab/ovs.h"

#define TAGS_SIZE  22    /* of a frame beside its payload: Ethernet header and two VLAN tags */
#define SUPER_SIZE 65550 /* of a frame in the kernel's datapath, which gets it before segmentation */

static const char *const reasons[] = {
	[OVS_LIMIT_POLICING] = "the kernel polices the interface",
	[OVS_LIMIT_USERSPACE] = "the datapath in user space takes frames before the kernel could police them",
	[OVS_LIMIT_PATCH] = "a wire between two switches is no interface that the kernel could police",
	[OVS_LIMIT_NO_POLICER] = "the kernel did not take a policer; it lacks act_police or cls_basic",
};

/* In kbit: a tenth of a second, and room for two frames, or nothing would ever pass a low limit. */
static unsigned long long burst_kbit(const struct lab *lab, const struct scenario_end *end)
{
	uint64_t frame = lab->ovs.in_kernel ? SUPER_SIZE : lab->scenario->links[end->link].mtu + TAGS_SIZE;
	uint64_t bits = end->port_of->limit_bps / 10;

	return ((bits > 16 * frame ? bits : 16 * frame) + 999) / 1000;
}

static int set_policing(const char *port, unsigned long long kbps, unsigned long long burst)
{
	char rate_text[64], burst_text[64];
	const char *argv[] = {"ovs-vsctl", "-vsyslog:off", "-t",      "10",       "set",
			      "Interface", port,           rate_text, burst_text, NULL};

	snprintf(rate_text, sizeof(rate_text), "ingress_policing_rate=%llu", kbps);
	snprintf(burst_text, sizeof(burst_text), "ingress_policing_burst=%llu", burst);
	return ovs_run(argv, NULL) ? -EIO : 0;
}

/* Open vSwitch does not say whether the kernel took the filter, so look for it. */
static bool police(struct lab *lab, const struct scenario_end *end)
{
	if (!set_policing(end->port_name, end->port_of->limit_bps / 1000, burst_kbit(lab, end)) &&
	    link_has_ingress_filter(lab->netlink, end->port_name) > 0)
		return true;
	(void)set_policing(end->port_name, 0, 0);
	return false;
}

static int refuse_meter(const struct scenario_end *end, const struct scenario_node *node, enum ovs_limit how,
			struct diag *diag)
{
	const struct scenario_switch *sw = node->sw;
	const char *key = sw->flows.count        ? "flows"
			  : sw->meters.count     ? "meters"
			  : sw->controller_count ? "controller"
			  : sw->is_secure        ? "fail-mode: secure"
						 : NULL;

	if (!key && !(sw->protocols >> 3))
		return diag_set(
			diag, -EBADMSG,
			"%u:%u: rate-limit: here it needs a meter (%s); add OpenFlow13 to the protocols of \"%s\"",
			end->port_of->limit_pos.line, end->port_of->limit_pos.column, reasons[how], node->name);
	if (!key)
		return 0;
	return diag_set(
		diag, -EBADMSG,
		"%u:%u: rate-limit: here it needs a meter (%s), for which ghostbridge makes flows in an ordinary "
		"switch only, and \"%s\" has %s; leave rate-limit out and write meters and the flows that use "
		"them, as in actions=meter:1,NORMAL",
		end->port_of->limit_pos.line, end->port_of->limit_pos.column, reasons[how], node->name, key);
}

int ovs_limits_choose(struct lab *lab, struct diag *diag)
{
	const struct scenario *scenario = lab->scenario;

	for (size_t i = 0; i < scenario->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i];
		enum ovs_limit how = OVS_LIMIT_USERSPACE;
		int err = 0;

		if (!end->port_of || !end->port_of->limit_bps)
			continue;
		if (lab->ovs.in_kernel && scenario_wire_is_patch(scenario, &scenario->links[end->link]))
			how = OVS_LIMIT_PATCH;
		else if (lab->ovs.in_kernel)
			how = police(lab, end) ? OVS_LIMIT_POLICING : OVS_LIMIT_NO_POLICER;
		if (how != OVS_LIMIT_POLICING)
			err = refuse_meter(end, &scenario->nodes[end->node], how, diag);
		if (err)
			return err;
		lab->ovs.limits[i] = (uint8_t)how;
	}
	return 0;
}

static int ofctl(const struct scenario_end *end, const struct scenario_node *node, const char *verb, const char *what,
		 struct diag *diag)
{
	char versions[OVS_VERSIONS_SIZE], text[OVS_TEXT_SIZE];
	const char *argv[] = {"ovs-ofctl", "-vsyslog:off", "-t",       "10", "--names", "-O",
			      versions,    verb,           node->name, what, NULL};

	ovs_version_names(node->sw, versions);
	if (!ovs_run(argv, text))
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return diag_set(diag, -EBADMSG, "%u:%u: rate-limit: Open vSwitch says: %.700s", end->port_of->limit_pos.line,
			end->port_of->limit_pos.column, text);
}

int ovs_limits_load(struct lab *lab, uint32_t node, struct diag *diag)
{
	const struct scenario *scenario = lab->scenario;
	int err = 0;

	for (size_t i = 0; !err && i < scenario->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i];
		char text[256];

		if (end->node != node || lab->ovs.limits[i] <= OVS_LIMIT_POLICING)
			continue;
		snprintf(text, sizeof(text), "meter=%u,kbps,burst,band=type=drop,rate=%llu,burst_size=%llu",
			 end->port_of->number, (unsigned long long)end->port_of->limit_bps / 1000,
			 burst_kbit(lab, end));
		err = ofctl(end, &scenario->nodes[node], "add-meter", text, diag);
		/* By name, since `configure` may have given the port another number. Above Open vSwitch's own NORMAL.
		 */
		snprintf(text, sizeof(text), "priority=1,in_port=\"%s\",actions=meter:%u,NORMAL", end->port_name,
			 end->port_of->number);
		if (!err)
			err = ofctl(end, &scenario->nodes[node], "add-flow", text, diag);
	}
	return err;
}

bool lab_switching_limit(const struct lab *lab, size_t index, struct lab_limit *ret)
{
	for (size_t i = 0; lab->ovs.limits && i < lab->scenario->end_count; i++) {
		const struct scenario_end *end = &lab->scenario->ends[i];

		if (lab->ovs.limits[i] == OVS_LIMIT_NONE || index--)
			continue;
		*ret = (struct lab_limit){.port = end->port_name,
					  .bps = end->port_of->limit_bps,
					  .by = lab->ovs.limits[i] == OVS_LIMIT_POLICING ? "policing" : "meter",
					  .why = reasons[lab->ovs.limits[i]]};
		return true;
	}
	return false;
}
