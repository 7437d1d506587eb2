/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ovs-watch.c - see ovs-watch.h. Layouts are those of the OpenFlow specifications 1.0 to 1.5 and, for what a version
 * lacks, of Open vSwitch's extensions (nicira-ext.h, openflow-1.3.h).
 */
#include "bridge/lab/ovs-watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MESSAGE_SIZE 64 /* the longest that we send has 56 bytes */

#define TYPE_HELLO        0
#define TYPE_ERROR        1
#define TYPE_ECHO_REQUEST 2
#define TYPE_ECHO_REPLY   3
#define TYPE_EXPERIMENTER 4 /* of a flow monitor: paused, resumed */

#define STATS_GROUP_DESC   7
#define STATS_METER_CONFIG 10
#define STATS_FLOW_MONITOR 16
#define STATS_EXPERIMENTER 0xffff

#define NICIRA              0x00002320
#define NICIRA_FLOW_MONITOR 2
#define NICIRA_GROUP_DESC   8
#define ONF                 0x4f4e4600
#define ONF_FLOW_MONITOR    1870

#define MONITOR_FLAGS 0x000e /* added, deleted, modified; without actions, and nothing of what is there already */
#define ALL           0xffffffff

/* Transaction numbers tell the answers apart; a flow monitor's news have 0. */
#define XID_MONITOR 1
#define XID_TABLES  2 /* and the following */

#define HASH_OFFSET 0xcbf29ce484222325u /* FNV-1a, 64 bits */
#define HASH_PRIME  0x00000100000001b3u

struct message {
	uint8_t bytes[MESSAGE_SIZE];
	size_t len;
};

static void put(struct message *message, uint64_t value, size_t size)
{
	while (size--)
		message->bytes[message->len++] = (uint8_t)(value >> 8 * size);
}

static void put_head(struct message *message, unsigned int version, unsigned int type, uint32_t xid)
{
	message->len = 0;
	put(message, version, 1);
	put(message, type, 1);
	put(message, 0, 2); /* length, when it is known */
	put(message, xid, 4);
}

static unsigned int stats_request(unsigned int version)
{
	return version == 1 ? 16 : 18;
}

static void put_stats(struct message *message, unsigned int version, uint32_t xid, unsigned int type)
{
	put_head(message, version, stats_request(version), xid);
	put(message, type, 2);
	put(message, 0, 2);
	if (version > 1)
		put(message, 0, 4);
}

/* A request of somebody else's: who, which. OpenFlow 1.0 has the padding behind it. */
static void put_foreign(struct message *message, unsigned int version, uint32_t xid, uint32_t who, uint32_t which)
{
	put_stats(message, version, xid, STATS_EXPERIMENTER);
	put(message, who, 4);
	put(message, which, 4);
	if (version == 1)
		put(message, 0, 4);
}

/* Every flow of every table, wherever it sends to. */
static void put_monitor(struct message *message, unsigned int version)
{
	if (version <= 3) {
		put_foreign(message, version, XID_MONITOR, NICIRA, NICIRA_FLOW_MONITOR);
		put(message, 1, 4);
		put(message, MONITOR_FLAGS, 2);
		put(message, 0xffff, 2); /* any port */
		put(message, 0, 2);      /* length of the match */
		put(message, 0xff, 1);   /* any table */
		put(message, 0, 5);
		return;
	}
	if (version == 4) {
		put_foreign(message, version, XID_MONITOR, ONF, ONF_FLOW_MONITOR);
		put(message, 1, 4);
		put(message, MONITOR_FLAGS, 2);
		put(message, 4, 2);
		put(message, ALL, 4);
		put(message, 0xff, 1);
		put(message, 0, 3);
	} else {
		put_stats(message, version, XID_MONITOR, STATS_FLOW_MONITOR);
		put(message, 1, 4);
		put(message, ALL, 4); /* any port */
		put(message, ALL, 4); /* any group */
		put(message, MONITOR_FLAGS, 2);
		put(message, 0xff, 1);
		put(message, 0, 1); /* a new monitor */
	}
	/* the match that has nothing: OXM, of 4 bytes, padded to 8 */
	put(message, 1, 2);
	put(message, 4, 2);
	put(message, 0, 4);
}

/* Return: false where the version has no such table. */
static bool put_question(struct message *message, unsigned int version, size_t table)
{
	uint32_t xid = XID_TABLES + (uint32_t)table;

	if (table) {
		if (version < 4)
			return false;
		put_stats(message, version, xid, STATS_METER_CONFIG);
		put(message, ALL, 4);
		put(message, 0, 4);
		return true;
	}
	if (version == 1)
		put_foreign(message, version, xid, NICIRA, NICIRA_GROUP_DESC);
	else
		put_stats(message, version, xid, STATS_GROUP_DESC);
	if (version == 1 || version >= 6) {
		put(message, 0xfffffffc, 4); /* all groups */
		put(message, 0, 4);
	}
	return true;
}

static int send_message(struct ovs_watch *watch, struct message *message)
{
	ssize_t sent;

	message->bytes[2] = (uint8_t)(message->len >> 8);
	message->bytes[3] = (uint8_t)message->len;
	sent = send(watch->fd, message->bytes, message->len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0)
		return -errno;
	/* A part would be followed by nonsense. */
	return (size_t)sent == message->len ? 0 : -EPIPE;
}

int ovs_watch_begin(struct ovs_watch *watch, int fd, unsigned int minor)
{
	struct message message;
	int err;

	*watch = (struct ovs_watch){.fd = fd, .version = (uint8_t)(minor + 1)};
	put_head(&message, watch->version, TYPE_HELLO, 0);
	err = send_message(watch, &message);
	put_monitor(&message, watch->version);
	if (!err)
		err = send_message(watch, &message);
	if (err)
		ovs_watch_close(watch);
	return err;
}

int ovs_watch_open(struct ovs_watch *watch, const char *path, unsigned int minor)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int err;

	*watch = (struct ovs_watch){.fd = -1};
	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >= (int)sizeof(address.sun_path))
		return -ENAMETOOLONG;
	watch->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (watch->fd < 0 || connect(watch->fd, (const struct sockaddr *)&address, sizeof(address))) {
		err = -errno;
		ovs_watch_close(watch);
		return err;
	}
	return ovs_watch_begin(watch, watch->fd, minor);
}

void ovs_watch_close(struct ovs_watch *watch)
{
	if (watch->fd >= 0)
		close(watch->fd);
	watch->fd = -1;
}

int ovs_watch_ask(struct ovs_watch *watch)
{
	struct message message;
	int err = 0;

	for (size_t i = 0; !err && i < OVS_WATCH_TABLES; i++) {
		if (put_question(&message, watch->version, i))
			err = send_message(watch, &message);
	}
	return err ? err : watch->is_blind;
}

static uint32_t get(const struct ovs_watch *watch, size_t at, size_t size)
{
	uint32_t value = 0;

	while (size--)
		value = value << 8 | watch->head[at++];
	return value;
}

/* At the end of a message. Return: as ovs_watch_read(). */
static int judge(struct ovs_watch *watch, size_t len)
{
	unsigned int type = watch->head[1];
	uint32_t xid = get(watch, 4, 4);
	struct message message;
	bool changed;

	if (type == TYPE_ECHO_REQUEST) {
		put_head(&message, watch->version, TYPE_ECHO_REPLY, xid);
		return send_message(watch, &message);
	}
	if (type == TYPE_ERROR) {
		watch->is_blind = true;
		return 1;
	}
	if (type == TYPE_EXPERIMENTER)
		return 1;
	if (type != stats_request(watch->version) + 1 || len < OVS_WATCH_HEAD)
		return 0;
	if (!xid)
		return 1;
	if (xid < XID_TABLES || xid >= XID_TABLES + OVS_WATCH_TABLES)
		return 0;
	if (get(watch, 10, 2) & 1) /* more of it follows */
		return 0;

	struct ovs_watch_table *table = &watch->tables[xid - XID_TABLES];

	changed = !table->is_known || table->hash != table->last;
	table->is_known = true;
	table->last = table->hash;
	table->hash = 0;
	return changed;
}

static int take(struct ovs_watch *watch, const uint8_t *bytes, size_t count)
{
	/* Where an answer is cut in parts makes no difference: their padding is not counted. */
	const size_t skip = watch->version == 1 ? OVS_WATCH_HEAD : OVS_WATCH_HEAD + 4;
	int changed = 0;

	for (size_t i = 0; i < count; i++) {
		size_t len;

		if (watch->pos < OVS_WATCH_HEAD) {
			watch->head[watch->pos] = bytes[i];
		} else if (watch->pos >= skip) {
			uint32_t table = get(watch, 4, 4) - XID_TABLES;

			if (table < OVS_WATCH_TABLES) {
				uint64_t *hash = &watch->tables[table].hash;

				*hash = ((*hash ? *hash : HASH_OFFSET) ^ bytes[i]) * HASH_PRIME;
			}
		}
		if (++watch->pos < 8)
			continue;
		len = get(watch, 2, 2);
		if (len < 8)
			return -EPROTO;
		if (watch->pos == len) {
			int got = judge(watch, len);

			if (got < 0)
				return got;
			changed |= got;
			watch->pos = 0;
		}
	}
	return changed;
}

int ovs_watch_read(struct ovs_watch *watch)
{
	uint8_t bytes[16384];
	int changed = 0;

	/* Not until nothing is left: a busy controller would keep us here for ever. */
	for (int i = 0; i < 16; i++) {
		ssize_t got = recv(watch->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		int more;

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (got <= 0)
			return got < 0 ? -errno : -EPIPE;
		more = take(watch, bytes, (size_t)got);
		if (more < 0)
			return more;
		changed |= more;
	}
	return changed;
}
