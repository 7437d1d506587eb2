/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * link.c - see link.h. libnl carries the messages; their contents are the kernel's own attributes, which says exactly
 * what is asked for, and libnl-route has no setters for half of them.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/lab/link.h"

/* Link-local groups a bridge may pass on; the kernel refuses 01:80:c2:00:00:00, -01 and -02 (STP, pause, LACP). */
#define GROUP_FWD_MASK 0xfff8

/* libnl folds errnos into its own, fewer codes; this keeps the kernel's word. */
static int keep_errno(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	(void)from;
	*(int *)arg = error->error;
	return NL_STOP;
}

/* Send @msg, which is freed, and take the one datagram that answers it: an acknowledgement, or what was asked for. */
static int exchange(struct nl_sock *sock, struct nl_msg *msg, nl_recvmsg_msg_cb_t valid, void *arg)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int err, kernel_err = 0;

	err = cb ? nl_send_auto(sock, msg) : -NLE_NOMEM;
	nlmsg_free(msg);
	if (err >= 0) {
		nl_cb_err(cb, NL_CB_CUSTOM, keep_errno, &kernel_err);
		if (valid)
			nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, valid, arg);
		err = nl_recvmsgs(sock, cb);
	}
	if (cb)
		nl_cb_put(cb);
	if (kernel_err)
		return kernel_err;
	return err < 0 ? -EIO : 0;
}

int link_socket_open(int netns_fd, int home_fd, struct nl_sock **ret)
{
	struct nl_sock *sock = nl_socket_alloc();
	int err = 0;

	if (!sock)
		return -ENOMEM;
	nl_socket_disable_auto_ack(sock); /* messages say themselves which answer they want */
	if (netns_fd >= 0 && setns(netns_fd, CLONE_NEWNET))
		err = -errno;
	if (!err && nl_connect(sock, NETLINK_ROUTE))
		err = -EIO;
	if (netns_fd >= 0 && setns(home_fd, CLONE_NEWNET))
		abort(); /* anything done from here on would hit the wrong network */
	if (err) {
		nl_socket_free(sock);
		return err;
	}
	*ret = sock;
	return 0;
}

void link_socket_close(struct nl_sock *sock)
{
	if (sock)
		nl_socket_free(sock);
}

static struct nl_msg *new_link_msg(int type, int flags, const struct link_spec *spec)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (spec && spec->up)
		info.ifi_flags = info.ifi_change = IFF_UP;
	if (msg && nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int put_spec(struct nl_msg *msg, const struct link_spec *spec)
{
	if (spec->name)
		NLA_PUT_STRING(msg, IFLA_IFNAME, spec->name);
	if (spec->alias)
		NLA_PUT(msg, IFLA_IFALIAS, (int)strlen(spec->alias), spec->alias);
	if (spec->mac)
		NLA_PUT(msg, IFLA_ADDRESS, 6, spec->mac);
	if (spec->mtu)
		NLA_PUT_U32(msg, IFLA_MTU, spec->mtu);
	if (spec->master)
		NLA_PUT_U32(msg, IFLA_MASTER, (uint32_t)spec->master);
	if (spec->netns_fd >= 0)
		NLA_PUT_U32(msg, IFLA_NET_NS_FD, (uint32_t)spec->netns_fd);
	return 0;
nla_put_failure:
	return -EMSGSIZE;
}

int link_set_up(struct nl_sock *sock, const char *name)
{
	const struct link_spec spec = {.netns_fd = -1, .up = true};

	return link_change(sock, name, &spec);
}

int link_set_down(struct nl_sock *sock, const char *name)
{
	const struct link_spec spec = {.netns_fd = -1};
	struct ifinfomsg *info;
	struct nl_msg *msg;
	int index, err;

	err = link_get(sock, name, &index, NULL);
	if (err)
		return err;
	msg = new_link_msg(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, &spec);
	if (!msg)
		return -ENOMEM;
	info = nlmsg_data(nlmsg_hdr(msg));
	info->ifi_index = index;
	info->ifi_change = IFF_UP;
	return exchange(sock, msg, NULL, NULL);
}

int link_change(struct nl_sock *sock, const char *name, const struct link_spec *spec)
{
	struct nl_msg *msg;
	int index, err;

	err = link_get(sock, name, &index, NULL);
	if (err)
		return err;
	msg = new_link_msg(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, spec);
	if (!msg)
		return -ENOMEM;
	((struct ifinfomsg *)nlmsg_data(nlmsg_hdr(msg)))->ifi_index = index;
	err = put_spec(msg, spec);
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	return exchange(sock, msg, NULL, NULL);
}

int link_add_bridge(struct nl_sock *sock, const struct link_spec *spec)
{
	struct nl_msg *msg = new_link_msg(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, spec);
	struct nlattr *info, *data;

	if (!msg)
		return -ENOMEM;
	if (put_spec(msg, spec))
		goto nla_put_failure;
	info = nla_nest_start(msg, IFLA_LINKINFO);
	if (!info)
		goto nla_put_failure;
	NLA_PUT_STRING(msg, IFLA_INFO_KIND, "bridge");
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	if (!data)
		goto nla_put_failure;
	NLA_PUT_U32(msg, IFLA_BR_STP_STATE, 0);
	NLA_PUT_U32(msg, IFLA_BR_FORWARD_DELAY, 0);
	NLA_PUT_U8(msg, IFLA_BR_MCAST_SNOOPING, 0);
	/* No learning: what comes in at one port goes out at the other, whoever it is for (promiscuous ends). */
	NLA_PUT_U32(msg, IFLA_BR_AGEING_TIME, 0);
	NLA_PUT_U16(msg, IFLA_BR_GROUP_FWD_MASK, GROUP_FWD_MASK);
	/* Where br_netfilter is loaded (Docker does), frames are not to visit iptables on the way. */
	NLA_PUT_U8(msg, IFLA_BR_NF_CALL_IPTABLES, 0);
	NLA_PUT_U8(msg, IFLA_BR_NF_CALL_IP6TABLES, 0);
	NLA_PUT_U8(msg, IFLA_BR_NF_CALL_ARPTABLES, 0);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return exchange(sock, msg, NULL, NULL);
nla_put_failure:
	nlmsg_free(msg);
	return -EMSGSIZE;
}

int link_add_veth(struct nl_sock *sock, const struct link_spec *spec, const struct link_spec *peer)
{
	struct nl_msg *msg = new_link_msg(RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, spec);
	struct ifinfomsg peer_info = {.ifi_family = AF_UNSPEC};
	struct nlattr *info, *data, *peer_nest;

	if (!msg)
		return -ENOMEM;
	if (put_spec(msg, spec))
		goto nla_put_failure;
	info = nla_nest_start(msg, IFLA_LINKINFO);
	if (!info)
		goto nla_put_failure;
	NLA_PUT_STRING(msg, IFLA_INFO_KIND, "veth");
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	if (!data)
		goto nla_put_failure;
	peer_nest = nla_nest_start(msg, VETH_INFO_PEER);
	if (peer->up)
		peer_info.ifi_flags = peer_info.ifi_change = IFF_UP;
	if (!peer_nest || nlmsg_append(msg, &peer_info, sizeof(peer_info), NLMSG_ALIGNTO) < 0 || put_spec(msg, peer))
		goto nla_put_failure;
	nla_nest_end(msg, peer_nest);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return exchange(sock, msg, NULL, NULL);
nla_put_failure:
	nlmsg_free(msg);
	return -EMSGSIZE;
}

int link_add_address(struct nl_sock *sock, const char *name, const struct scenario_addr *addr)
{
	int size = addr->family == AF_INET ? 4 : 16, index, err;
	struct ifaddrmsg info = {
		.ifa_family = (uint8_t)addr->family,
		.ifa_prefixlen = addr->prefix_len,
		.ifa_flags = addr->family == AF_INET6 ? IFA_F_NODAD : 0,
	};
	struct nl_msg *msg;

	err = link_get(sock, name, &index, NULL);
	if (err)
		return err;
	msg = nlmsg_alloc_simple(RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	if (!msg)
		return -ENOMEM;
	info.ifa_index = (uint32_t)index;
	if (nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) < 0)
		goto nla_put_failure;
	NLA_PUT(msg, IFA_LOCAL, size, addr->bytes);
	NLA_PUT(msg, IFA_ADDRESS, size, addr->bytes);
	if (addr->family == AF_INET && addr->prefix_len < 31) {
		uint8_t broadcast[4];

		for (int i = 0; i < 4; i++) {
			int net_bits = addr->prefix_len - 8 * i;

			net_bits = net_bits < 0 ? 0 : net_bits > 8 ? 8 : net_bits;
			broadcast[i] = addr->bytes[i] | (uint8_t)(0xff >> net_bits);
		}
		NLA_PUT(msg, IFA_BROADCAST, 4, broadcast);
	}
	return exchange(sock, msg, NULL, NULL);
nla_put_failure:
	nlmsg_free(msg);
	return -EMSGSIZE;
}

int link_add_route(struct nl_sock *sock, const char *name, const struct scenario_route *route)
{
	int size = route->via.family == AF_INET ? 4 : 16, index, err;
	struct rtmsg info = {
		.rtm_family = (uint8_t)route->via.family,
		.rtm_dst_len = route->to.prefix_len,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
	};
	struct nl_msg *msg;

	err = link_get(sock, name, &index, NULL);
	if (err)
		return err;
	msg = nlmsg_alloc_simple(RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	if (!msg)
		return -ENOMEM;
	if (nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) < 0)
		goto nla_put_failure;
	if (route->to.prefix_len)
		NLA_PUT(msg, RTA_DST, size, route->to.bytes);
	NLA_PUT(msg, RTA_GATEWAY, size, route->via.bytes);
	NLA_PUT_U32(msg, RTA_OIF, (uint32_t)index);
	return exchange(sock, msg, NULL, NULL);
nla_put_failure:
	nlmsg_free(msg);
	return -EMSGSIZE;
}

static int take_link(struct nl_msg *msg, void *arg)
{
	*(struct ifinfomsg *)arg = *(const struct ifinfomsg *)nlmsg_data(nlmsg_hdr(msg));
	return NL_OK;
}

static int get(struct nl_sock *sock, const char *name, nl_recvmsg_msg_cb_t take, void *answer)
{
	struct nl_msg *msg = new_link_msg(RTM_GETLINK, NLM_F_REQUEST, NULL);

	if (!msg)
		return -ENOMEM;
	if (nla_put_string(msg, IFLA_IFNAME, name) < 0) {
		nlmsg_free(msg);
		return -EMSGSIZE;
	}
	return exchange(sock, msg, take, answer);
}

int link_get(struct nl_sock *sock, const char *name, int *ret_index, unsigned int *ret_flags)
{
	struct ifinfomsg answer = {0};
	int err = get(sock, name, take_link, &answer);

	if (err)
		return err;
	if (ret_index)
		*ret_index = answer.ifi_index;
	if (ret_flags)
		*ret_flags = answer.ifi_flags;
	return 0;
}

static int take_dropped(struct nl_msg *msg, void *arg)
{
	struct nlattr *attribute = nlmsg_find_attr(nlmsg_hdr(msg), sizeof(struct ifinfomsg), IFLA_STATS64);
	struct rtnl_link_stats64 stats = {0};

	if (!attribute)
		return NL_SKIP;
	nla_memcpy(&stats, attribute, sizeof(stats));
	*(uint64_t *)arg = stats.tx_dropped;
	return NL_OK;
}

int link_get_dropped(struct nl_sock *sock, const char *name, uint64_t *ret)
{
	return get(sock, name, take_dropped, ret);
}

static int note_filter(struct nl_msg *msg, void *arg)
{
	*(bool *)arg |= nlmsg_hdr(msg)->nlmsg_type == RTM_NEWTFILTER;
	return NL_OK;
}

int link_has_ingress_filter(struct nl_sock *sock, const char *name)
{
	struct tcmsg info = {.tcm_family = AF_UNSPEC, .tcm_parent = TC_H_MAKE(TC_H_INGRESS, 0)};
	struct nl_msg *msg;
	bool found = false;
	int err;

	err = link_get(sock, name, &info.tcm_ifindex, NULL);
	if (err)
		return err;
	msg = nlmsg_alloc_simple(RTM_GETTFILTER, NLM_F_REQUEST | NLM_F_DUMP);
	if (!msg)
		return -ENOMEM;
	if (nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	err = exchange(sock, msg, note_filter, &found);
	return err ? err : found;
}
