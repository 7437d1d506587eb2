/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ovs-watch.h - a connection to a switch that says when its tables change, and not how. Private to this module.
 *
 * As much OpenFlow as that takes, in whatever version the switch speaks: a flow monitor, which tells of every change of
 * a flow, and requests for groups and meters, of which nobody tells, so that their owner has to ask again and again;
 * answers are compared by hash. Not thread-safe, never blocks for long: what is sent fits any socket buffer.
 */
#ifndef LAB_OVS_WATCH_H
#define LAB_OVS_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OVS_WATCH_HEAD   12 /* header of OpenFlow, and type and flags of a multipart message */
#define OVS_WATCH_TABLES 2  /* that are asked for: groups, meters */

struct ovs_watch {
	int fd;          /* -1: closed */
	uint8_t version; /* on the wire: 1 is OpenFlow 1.0 */
	bool is_blind;   /* the switch refuses to tell, so every question counts as a change */
	uint8_t head[OVS_WATCH_HEAD];
	size_t pos; /* bytes of the current message taken so far */
	struct ovs_watch_table {
		uint64_t hash; /* of the answer so far */
		uint64_t last; /* of the last complete one */
		bool is_known;
	} tables[OVS_WATCH_TABLES];
};

/**
 * ovs_watch_open() - Connect, and have changes of flows told from now on
 * @path:	Unix socket of the switch's management connection
 * @minor:	highest minor version of OpenFlow 1 that the switch speaks, 0 to 5
 *
 * Return: 0 or a negative errno; then @watch is closed
 */
int ovs_watch_open(struct ovs_watch *watch, const char *path, unsigned int minor);

/** ovs_watch_begin() - The same on a connected socket, which is @watch's from now on, whatever is returned. */
int ovs_watch_begin(struct ovs_watch *watch, int fd, unsigned int minor);

/** ovs_watch_close() - Also when it is closed. */
void ovs_watch_close(struct ovs_watch *watch);

/**
 * ovs_watch_ask() - Send the questions whose answers ovs_watch_read() compares
 *
 * Return: 1: count it as a change; 0: there may be one in the answers; or a negative errno
 */
int ovs_watch_ask(struct ovs_watch *watch);

/**
 * ovs_watch_read() - Take what the switch sent
 *
 * Return: 1: something changed, or is known for the first time; 0: nothing did, or there was nothing to take; or a
 * negative errno, -EPIPE when the switch has gone
 */
int ovs_watch_read(struct ovs_watch *watch);

#endif /* LAB_OVS_WATCH_H */
