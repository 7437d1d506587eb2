/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * link.h - network interfaces by netlink, each call one acknowledged request.
 *
 * A socket belongs to the network namespace it was opened in and keeps working on that one wherever its process goes,
 * so a lab holds one for itself and one per container. Functions return 0 or the kernel's negative errno.
 */
#ifndef LAB_LINK_H
#define LAB_LINK_H

#include <stdint.h>
#include <sys/types.h>

#include "bridge/scenario/scenario.h"

struct nl_sock;

/* How one interface is to look; fields left 0 or NULL stay as the kernel has them. */
struct link_spec {
	const char *name;
	const char *alias;
	const uint8_t *mac;
	uint32_t mtu;
	int master;   /* ifindex of the bridge it joins */
	int netns_fd; /* where it is to appear; -1: here */
	bool up;
};

/**
 * link_socket_open() - Open a socket in another network namespace and come back
 * @netns_fd:	that namespace, or -1 for the current one
 * @home_fd:	the namespace to come back to; unused with -1
 */
int link_socket_open(int netns_fd, int home_fd, struct nl_sock **ret);

/** link_socket_close() - Takes NULL. */
void link_socket_close(struct nl_sock *sock);

/** link_set_up() - Set interface @name IFF_UP. */
int link_set_up(struct nl_sock *sock, const char *name);

/** link_set_down() - Clear its IFF_UP. */
int link_set_down(struct nl_sock *sock, const char *name);

/** link_add_bridge() - A bridge that forwards at once and all it can: no STP, no delay, no snooping. */
int link_add_bridge(struct nl_sock *sock, const struct link_spec *spec);

/** link_add_veth() - A veth pair; each end appears in the namespace its spec names. */
int link_add_veth(struct nl_sock *sock, const struct link_spec *spec, const struct link_spec *peer);

/**
 * link_change() - Give interface @name the looks of @spec, which may rename it and move it elsewhere
 *
 * The kernel cannot rename or change an interface that is up or gone, so it does not set up what it moves.
 */
int link_change(struct nl_sock *sock, const char *name, const struct link_spec *spec);

/** link_add_address() - Add @addr to interface @name, usable at once (no duplicate address detection). */
int link_add_address(struct nl_sock *sock, const char *name, const struct scenario_addr *addr);

/** link_add_route() - Add a route over interface @name, which must be up. */
int link_add_route(struct nl_sock *sock, const char *name, const struct scenario_route *route);

/** link_get() - Index and flags (IFF_*, with IFF_LOWER_UP) of an interface; either pointer may be NULL. */
int link_get(struct nl_sock *sock, const char *name, int *ret_index, unsigned int *ret_flags);

/** link_has_ingress_filter() - Whether the kernel filters what an interface receives. Return: 1, 0 or a negative errno
 */
int link_has_ingress_filter(struct nl_sock *sock, const char *name);

/** link_get_dropped() - Frames the interface could not send (tx_dropped of `ip -s link`). */
int link_get_dropped(struct nl_sock *sock, const char *name, uint64_t *ret);

#endif /* LAB_LINK_H */
