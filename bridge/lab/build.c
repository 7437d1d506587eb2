/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * build.c - from a scenario to containers with interfaces.
 *
 * Names on the lab's side carry the index of the end: tap-7, veth-7 and br-7 belong to scenario->ends[7], whose port
 * name they carry as alias. The container's side has the name the scenario gives.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bridge/lab/container.h"
#include "bridge/lab/inside.h"
#include "bridge/lab/lab_priv.h"
#include "bridge/lab/ovs.h"
#include "bridge/lab/tap.h"

#define BR_STATE_FORWARDING 3 /* linux/if_bridge.h, which does not go together with linux/if.h */

static int fail(struct diag *diag, int err, const struct scenario_end *end, const char *what)
{
	return diag_set(diag, err, "%s: cannot %s: %s", end->port_name, what, strerror(-err));
}

/* Where an end's interface is, and what it is called there. All switches' are in the lab itself, under their port
 * names. */
static struct nl_sock *socket_of(const struct lab *lab, const struct scenario_end *end)
{
	return end->port_of ? lab->netlink : lab->nodes[end->node].netlink;
}

static const char *name_of(const struct scenario_end *end)
{
	return end->port_of ? end->port_name : end->name;
}

static struct tap_options tap_options(const struct lab *lab, uint32_t index)
{
	const struct scenario *scenario = lab->scenario;

	return (struct tap_options){
		.rate_bps = scenario_end_rate_bps(scenario, index),
		.full_duplex = scenario->links[scenario->ends[index].link].kind == SCENARIO_LINK_P2P,
		.offload = lab->offload,
		.arrivals = scenario->lag_ns > 0, /* without a lag it is too late for the time of arrival */
	};
}

/* A port of a switch is the TAP itself; so is the management interface of one. */
static int attach_switch(struct lab *lab, const struct scenario_end *end, uint32_t index, struct diag *diag)
{
	const struct scenario_link *link = &lab->scenario->links[end->link];
	const struct link_spec spec = {.mac = end->mac, .mtu = link->mtu, .netns_fd = -1};
	struct tap_options options = tap_options(lab, index);
	int err;

	/* ovs-vswitchd's own datapath wants frames as they are on a wire. */
	options.offload &= lab->ovs.in_kernel || end->port_of->management;
	err = tap_open(end->port_name, -1, -1, &options, &lab->taps[index], diag);

	if (err)
		return err;
	err = link_change(lab->netlink, end->port_name, &spec);
	return err ? fail(diag, err, end, "set MAC and MTU of its TAP") : 0;
}

/* The TAP is the container's interface; its descriptor stays here. */
static int attach_tap(struct lab *lab, const struct scenario_end *end, uint32_t index, struct diag *diag)
{
	const struct scenario_link *link = &lab->scenario->links[end->link];
	const struct lab_node *node = &lab->nodes[end->node];
	const struct link_spec spec = {
		.alias = end->port_name,
		.mac = end->mac,
		.mtu = link->mtu,
		.netns_fd = -1,
	};
	const struct tap_options options = tap_options(lab, index);
	int err = tap_open(end->name, node->netns_fd, lab->netns_fd, &options, &lab->taps[index], diag);

	if (err)
		return err;
	err = link_change(node->netlink, end->name, &spec);
	return err ? fail(diag, err, end, "set MAC and MTU of its TAP") : 0;
}

/* Container's veth - our veth - bridge - TAP. Nothing on our side has an address or speaks. */
static int attach_bridge(struct lab *lab, const struct scenario_end *end, uint32_t index, struct diag *diag)
{
	const struct scenario_link *link = &lab->scenario->links[end->link];
	char bridge_name[IFNAMSIZ], veth_name[IFNAMSIZ], tap_name[IFNAMSIZ];
	const struct tap_options options = tap_options(lab, index);
	uint32_t mtu = link->mtu;
	struct link_spec bridge = {.name = bridge_name, .mtu = mtu, .netns_fd = -1, .up = true};
	struct link_spec veth = {.name = veth_name, .mtu = mtu, .netns_fd = -1, .up = true};
	struct link_spec port = {.alias = end->port_name, .mtu = mtu, .netns_fd = -1, .up = true};
	const struct link_spec alias = {.alias = end->port_name, .netns_fd = -1};
	const struct link_spec inside = {
		.name = end->name,
		.mac = end->mac,
		.mtu = mtu,
		.netns_fd = lab->nodes[end->node].netns_fd,
	};
	int err;

	snprintf(bridge_name, sizeof(bridge_name), "br-%u", index);
	snprintf(veth_name, sizeof(veth_name), "veth-%u", index);
	snprintf(tap_name, sizeof(tap_name), "tap-%u", index);
	err = link_add_bridge(lab->netlink, &bridge);
	if (!err)
		err = link_change(lab->netlink, bridge_name, &alias);
	if (!err)
		err = link_get(lab->netlink, bridge_name, &port.master, NULL);
	if (err)
		return fail(diag, err, end, "make its bridge");
	veth.master = port.master;
	err = link_add_veth(lab->netlink, &veth, &inside);
	if (!err)
		err = link_change(lab->netlink, veth_name, &alias);
	if (!err)
		err = link_change(lab->nodes[end->node].netlink, end->name, &alias);
	if (err)
		return fail(diag, err, end, "make its veth pair");
	err = tap_open(tap_name, -1, -1, &options, &lab->taps[index], diag);
	if (err)
		return err;
	err = link_change(lab->netlink, tap_name, &port);
	return err ? fail(diag, err, end, "put the TAP into the bridge") : 0;
}

static int build_simulated_end(struct lab *lab, uint32_t index, struct diag *diag)
{
	const struct scenario_end *end = &lab->scenario->ends[index];

	if (end->port_of)
		return attach_switch(lab, end, index, diag);
	switch (lab->scenario->nodes[end->node].attach) {
	case SCENARIO_ATTACH_TAP:
		return attach_tap(lab, end, index, diag);
	case SCENARIO_ATTACH_BRIDGE:
		return attach_bridge(lab, end, index, diag);
	}
	return -EINVAL;
}

static int build_wire(struct lab *lab, const struct scenario_link *link, struct diag *diag)
{
	const struct scenario_end *ends[2];
	struct link_spec specs[2];
	int err;

	if (link->end_count != 2)
		return diag_set(diag, -EINVAL, "wire '%s' has %u ends; it needs two", link->name, link->end_count);
	for (int i = 0; i < 2; i++) {
		ends[i] = &lab->scenario->ends[link->first_end + (uint32_t)i];
		specs[i] = (struct link_spec){
			.name = name_of(ends[i]),
			.mac = ends[i]->mac,
			.mtu = link->mtu,
			.netns_fd = ends[i]->port_of ? -1 : lab->nodes[ends[i]->node].netns_fd,
		};
	}
	if (scenario_wire_is_patch(lab->scenario, link))
		return 0;
	err = link_add_veth(lab->netlink, &specs[0], &specs[1]);
	for (int i = 0; !err && i < 2; i++) {
		const struct link_spec alias = {.alias = ends[i]->port_name, .netns_fd = -1};

		err = link_change(socket_of(lab, ends[i]), name_of(ends[i]), &alias);
	}
	if (err)
		return diag_set(diag, err, "cannot make wire '%s': %s", link->name, strerror(-err));
	return 0;
}

/* An end inside ns-3 has nothing here. */
static bool is_real(const struct scenario *scenario, uint32_t end)
{
	return scenario_node_is_real(&scenario->nodes[scenario->ends[end].node]);
}

static int add_routes(struct lab *lab, uint32_t index, struct diag *diag)
{
	const struct scenario_node *node = &lab->scenario->nodes[index];
	int err = 0;

	for (size_t i = 0; !err && i < node->route_count; i++) {
		const struct scenario_route *route = &node->routes[i];

		err = link_add_route(lab->nodes[index].netlink, lab->scenario->ends[route->end].name, route);
		if (err)
			diag_set(diag, err, "node '%s': cannot add route %zu: %s", node->name, i + 1, strerror(-err));
	}
	return err;
}

/* The container's side of an end: addresses, then up, so that nothing is sent from an unnumbered interface. */
static int finish_end(struct lab *lab, uint32_t index, struct diag *diag)
{
	const struct scenario_end *end = &lab->scenario->ends[index];
	struct nl_sock *sock = socket_of(lab, end);
	int err = 0;

	if (scenario_wire_is_patch(lab->scenario, &lab->scenario->links[end->link]))
		return 0;
	for (size_t i = 0; !err && i < end->addr_count; i++)
		err = link_add_address(sock, name_of(end), &end->addrs[i]);
	if (err)
		return fail(diag, err, end, "add its addresses");
	err = link_set_up(sock, name_of(end));
	return err ? fail(diag, err, end, "set it up") : 0;
}

int lab_build(struct lab *lab, const struct scenario *scenario, struct diag *diag)
{
	int err = 0;

	lab->scenario = scenario;
	lab->nodes = calloc(scenario->node_count + 1, sizeof(*lab->nodes));
	lab->taps = calloc(scenario->end_count + 1, sizeof(*lab->taps));
	lab->tap_no_carrier = calloc(scenario->end_count + 1, sizeof(*lab->tap_no_carrier));
	lab->tap_cuts = calloc(scenario->end_count + 1, sizeof(*lab->tap_cuts));
	for (size_t i = 0; lab->taps && i < scenario->end_count; i++)
		lab->taps[i].fd = -1;
	for (size_t i = 0; lab->nodes && i < scenario->node_count; i++) {
		struct lab_node *node = &lab->nodes[i];

		node->pidfd = node->monitor_pidfd = node->netns_fd = -1;
		for (int j = 0; j < CGROUP_CONTROLLER_COUNT; j++)
			node->cgroup_procs_fds[j] = -1;
	}
	if (!lab->nodes || !lab->taps || !lab->tap_no_carrier || !lab->tap_cuts)
		return diag_set(diag, -ENOMEM, "out of memory");

	err = ovs_start(lab, diag);
	for (uint32_t i = 0; !err && i < scenario->node_count; i++)
		if (scenario_node_is_container(&scenario->nodes[i]))
			err = container_start(lab, i, diag);
	for (uint32_t i = 0; !err && i < scenario->link_count; i++) {
		const struct scenario_link *link = &scenario->links[i];

		if (link->kind == SCENARIO_LINK_WIRE)
			err = build_wire(lab, link, diag);
		for (uint32_t j = 0; !err && scenario_link_is_simulated(link) && j < link->end_count; j++)
			if (is_real(scenario, link->first_end + j))
				err = build_simulated_end(lab, link->first_end + j, diag);
	}
	for (uint32_t i = 0; !err && i < scenario->end_count; i++)
		err = is_real(scenario, i) ? finish_end(lab, i, diag) : 0;
	for (uint32_t i = 0; !err && i < scenario->node_count; i++)
		if (scenario_node_is_container(&scenario->nodes[i]))
			err = add_routes(lab, i, diag);
	for (uint32_t i = 0; !err && i < scenario->node_count; i++)
		if (scenario_node_is_container(&scenario->nodes[i]))
			err = inside_finish(lab, i, diag);
	return err ? err : ovs_configure(lab, diag);
}

/* What the kernel forgot with the interface: its IPv6 addresses, and all routes. Those that are still there are fine.
 */
static int restore_wire(struct lab *lab, uint32_t index)
{
	const struct scenario_end *end = &lab->scenario->ends[index];
	const struct scenario_node *node = &lab->scenario->nodes[end->node];
	struct nl_sock *sock = socket_of(lab, end);
	int err = 0;

	for (size_t i = 0; !err && i < end->addr_count; i++) {
		err = link_add_address(sock, name_of(end), &end->addrs[i]);
		err = err == -EEXIST ? 0 : err;
	}
	if (!err)
		err = link_set_up(sock, name_of(end));
	for (size_t i = 0; !err && i < node->route_count; i++) {
		if (node->routes[i].end != index)
			continue;
		err = link_add_route(sock, name_of(end), &node->routes[i]);
		err = err == -EEXIST ? 0 : err;
	}
	return err;
}

int lab_wire_set_state(struct lab *lab, uint32_t end, bool up)
{
	const struct scenario_end *of = &lab->scenario->ends[end];

	return up ? restore_wire(lab, end) : link_set_down(socket_of(lab, of), name_of(of));
}

static int get_dropped(struct lab *lab, uint32_t end, uint64_t *ret)
{
	char tap_name[IFNAMSIZ];
	uint32_t node;

	if (lab_tap_fd(lab, end) < 0)
		return -ENODEV;
	node = lab->scenario->ends[end].node;
	if (lab->scenario->ends[end].port_of)
		return link_get_dropped(lab->netlink, lab->scenario->ends[end].port_name, ret);
	if (lab->scenario->nodes[node].attach == SCENARIO_ATTACH_TAP)
		return link_get_dropped(lab->nodes[node].netlink, lab->scenario->ends[end].name, ret);
	snprintf(tap_name, sizeof(tap_name), "tap-%u", end);
	return link_get_dropped(lab->netlink, tap_name, ret);
}

int lab_tap_set_carrier(struct lab *lab, uint32_t end, enum lab_carrier why, bool carrier)
{
	int fd = lab_tap_fd(lab, end), value, err;
	char name[IFNAMSIZ];
	struct lab_cut *cut;
	uint64_t dropped;

	if (fd < 0)
		return -EBADF;
	if (carrier)
		lab->tap_no_carrier[end] &= (uint8_t)~why;
	else
		lab->tap_no_carrier[end] |= (uint8_t)why;
	value = !lab->tap_no_carrier[end];
	cut = &lab->tap_cuts[end];
	if (!value && !cut->is_cut && get_dropped(lab, end, &cut->dropped) < 0)
		return -EIO;
	err = ioctl(fd, TUNSETCARRIER, &value) < 0 ? -errno : 0;
	if (!err && value && cut->is_cut && get_dropped(lab, end, &dropped) == 0)
		cut->excused += dropped - cut->dropped;
	if (!err)
		cut->is_cut = !value;
	/* A bridge does not hand on what its ports lose: the other end of the container's veth does. */
	if (!err && lab->scenario->nodes[lab->scenario->ends[end].node].attach == SCENARIO_ATTACH_BRIDGE) {
		snprintf(name, sizeof(name), "veth-%u", end);
		err = value ? link_set_up(lab->netlink, name) : link_set_down(lab->netlink, name);
	}
	return err;
}

bool lab_tap_has_carrier(const struct lab *lab, uint32_t end, enum lab_carrier why)
{
	return !(lab->tap_no_carrier[end] & why);
}

int lab_tap_fd(const struct lab *lab, uint32_t end)
{
	return lab->taps && end < lab->scenario->end_count ? lab->taps[end].fd : -1;
}

void lab_use_offload(struct lab *lab)
{
	lab->offload = true;
}

uint32_t lab_tap_offload(const struct lab *lab, uint32_t end)
{
	return lab->taps && end < lab->scenario->end_count ? lab->taps[end].offload : 0;
}

int lab_tap_arrivals_fd(const struct lab *lab, uint32_t end)
{
	return lab->taps && end < lab->scenario->end_count ? lab->taps[end].arrivals_fd : 0;
}

int lab_tap_dropped(struct lab *lab, uint32_t end, uint64_t *ret)
{
	uint64_t dropped;
	int err = get_dropped(lab, end, &dropped);

	if (err)
		return err;
	if (lab->tap_cuts[end].is_cut)
		dropped = lab->tap_cuts[end].dropped;
	*ret = dropped - lab->tap_cuts[end].excused;
	return 0;
}

/* A bridge port that has carrier still drops what it gets until its state is forwarding. */
static bool is_forwarding(const char *kind, uint32_t index)
{
	char path[64], answer = 0;
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s-%u/brport/state", kind, index);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, &answer, 1) != 1)
		answer = 0;
	close(fd);
	return answer == '0' + BR_STATE_FORWARDING;
}

static bool is_up(const struct lab *lab, uint32_t index)
{
	const unsigned int usable = IFF_UP | IFF_RUNNING | IFF_LOWER_UP;
	const struct scenario_end *end = &lab->scenario->ends[index];
	unsigned int flags;

	/* Not the operational state: a TAP's stays "unknown" for ever. */
	if (scenario_wire_is_patch(lab->scenario, &lab->scenario->links[end->link]))
		return true;
	if (!socket_of(lab, end) || link_get(socket_of(lab, end), name_of(end), NULL, &flags) || (~flags & usable))
		return false;
	return lab->taps[index].fd < 0 || end->port_of ||
	       lab->scenario->nodes[end->node].attach != SCENARIO_ATTACH_BRIDGE ||
	       (is_forwarding("tap", index) && is_forwarding("veth", index));
}

bool lab_interfaces_up(struct lab *lab, uint32_t *ret_end)
{
	for (uint32_t i = 0; i < lab->scenario->end_count; i++) {
		if (!lab->nodes || (is_real(lab->scenario, i) && !lab->tap_no_carrier[i] && !is_up(lab, i))) {
			if (ret_end)
				*ret_end = i;
			return false;
		}
	}
	return lab->nodes != NULL;
}
