/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hosts.c - see hosts.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "bridge/lab/hosts.h"

static bool on_link(const struct scenario *scenario, uint32_t node, uint32_t link_index)
{
	const struct scenario_link *link = &scenario->links[link_index];

	for (uint32_t i = link->first_end; i < link->first_end + link->end_count; i++)
		if (scenario->ends[i].node == node)
			return true;
	return false;
}

int hosts_write(const char *path, const struct scenario *scenario, uint32_t node)
{
	FILE *file = fopen(path, "we");
	int err = 0;

	if (!file)
		return -errno;
	fprintf(file, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	for (int near = 1; near >= 0; near--)
		for (size_t i = 0; i < scenario->end_count; i++) {
			const struct scenario_end *end = &scenario->ends[i];
			char text[INET6_ADDRSTRLEN];

			if (on_link(scenario, node, end->link) != near)
				continue;
			for (size_t j = 0; j < end->addr_count; j++)
				if (inet_ntop(end->addrs[j].family, end->addrs[j].bytes, text, sizeof(text)))
					fprintf(file, "%s\t%s\n", text, scenario->nodes[end->node].name);
		}
	if (ferror(file))
		err = -EIO;
	if (fclose(file) && !err)
		err = -errno;
	return err;
}
