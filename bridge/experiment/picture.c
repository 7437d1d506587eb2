/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * picture.c - see picture.h.
 */
#include "bridge/experiment/picture.h"

#include <arpa/inet.h>
#include <string.h>

#define DRAWN_ENDS_MAX 10
#define COLUMNS_MAX    96

static void scaled(double value, const char *const units[], double step, char *ret, size_t size)
{
	int unit = 0;

	while (value >= step && units[unit + 1]) {
		value /= step;
		unit++;
	}
	snprintf(ret, size, "%g %s", value, units[unit]);
}

void picture_rate(uint64_t bps, char *ret, size_t size)
{
	static const char *const units[] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s", NULL};

	scaled((double)bps, units, 1000, ret, size);
}

void picture_time(uint64_t ns, char *ret, size_t size)
{
	static const char *const units[] = {"ns", "us", "ms", "s", NULL};

	scaled((double)ns, units, 1000, ret, size);
}

void picture_address(const struct scenario_end *end, char *ret, size_t size)
{
	char text[INET6_ADDRSTRLEN];

	ret[0] = '\0';
	if (end->addr_count > 0 && inet_ntop(end->addrs[0].family, end->addrs[0].bytes, text, sizeof(text)))
		snprintf(ret, size, "%s/%u", text, end->addrs[0].prefix_len);
}

/* Both directions of a p2p link in one when they are alike in what is shown. */
static void describe_ways(const struct scenario_link *link, FILE *stream)
{
	char rates[2][32], delays[2][32];
	bool alike;

	for (int i = SCENARIO_FORWARD; i <= SCENARIO_BACKWARD; i++) {
		picture_rate(scenario_direction_rate_bps(&link->ways[i]), rates[i], sizeof(rates[i]));
		picture_time(link->ways[i].delay_ns, delays[i], sizeof(delays[i]));
	}
	alike = strcmp(rates[0], rates[1]) == 0 && strcmp(delays[0], delays[1]) == 0;
	fprintf(stream, "  %s: %s, %s, delay %s%s%s%s%s, mtu %u, ghost %u\n", link->name,
		scenario_link_kind_name(link->kind), rates[0], delays[0], alike ? "" : "; backward ",
		alike ? "" : rates[1], alike ? "" : ", delay ", alike ? "" : delays[1], link->mtu, link->ghost);
}

static void describe_wifi(const struct scenario_link *link, FILE *stream)
{
	static const char *const modes[] = {"ad hoc", "infrastructure", "mesh"};
	static const char *const standards[] = {"b", "a", "g", "n", "ac", "ax"};
	static const char *const bands[] = {"2.4", "5", "6"};

	fprintf(stream, "  %s: wifi, %s, 802.11%s, channel %u of %u MHz at %s GHz, mtu %u, ghost %u\n", link->name,
		modes[link->wifi->mode], standards[link->wifi->standard], link->wifi->channel, link->wifi->width_mhz,
		bands[link->wifi->band], link->mtu, link->ghost);
}

static void describe_link(const struct scenario_link *link, FILE *stream)
{
	char rate[32], delay[32];

	if (link->kind == SCENARIO_LINK_WIRE) {
		fprintf(stream, "  %s: wire, not simulated, mtu %u\n", link->name, link->mtu);
		return;
	}
	if (link->ways) {
		describe_ways(link, stream);
		return;
	}
	if (link->kind == SCENARIO_LINK_GHOST) {
		fprintf(stream, "  %s: ghost, mtu %u, ghost %u\n", link->name, link->mtu, link->ghost);
		return;
	}
	if (link->lte) {
		fprintf(stream, "  %s: lte, %u resource blocks, mtu %u, ghost %u\n", link->name,
			link->lte->resource_blocks, link->mtu, link->ghost);
		return;
	}
	picture_rate(link->rate_bps, rate, sizeof(rate));
	picture_time(link->delay_ns, delay, sizeof(delay));
	if (link->wifi) {
		describe_wifi(link, stream);
		return;
	}
	fprintf(stream, "  %s: %s, %s, delay %s, mtu %u, ghost %u\n", link->name, scenario_link_kind_name(link->kind),
		rate, delay, link->mtu, link->ghost);
}

/* One row of cells; texts are ASCII, so bytes are columns. */
static void draw_row(const char texts[][64], const size_t *widths, uint32_t count, FILE *stream)
{
	fputs("   ", stream);
	for (uint32_t i = 0; i < count; i++)
		fprintf(stream, " %-*s", i + 1 < count ? (int)widths[i] : 0, texts[i]);
	fputc('\n', stream);
}

/*
 *    ──┬─────────────┬──
 *      h1.eth0       h2.eth0
 *      10.0.0.1/24   10.0.0.2/24
 */
static void draw_ends(const struct scenario *scenario, const struct scenario_link *link, FILE *stream)
{
	char names[DRAWN_ENDS_MAX][64], addresses[DRAWN_ENDS_MAX][64];
	size_t widths[DRAWN_ENDS_MAX], total = 0;
	uint32_t count = link->end_count;

	for (uint32_t i = 0; i < count && i < DRAWN_ENDS_MAX; i++) {
		const struct scenario_end *end = &scenario->ends[link->first_end + i];

		snprintf(names[i], sizeof(names[i]), "%s", end->port_name);
		picture_address(end, addresses[i], sizeof(addresses[i]));
		widths[i] = strlen(names[i]) > strlen(addresses[i]) ? strlen(names[i]) : strlen(addresses[i]);
		if (widths[i] < 12)
			widths[i] = 12;
		total += ++widths[i] + 1;
	}
	if (count > DRAWN_ENDS_MAX || total > COLUMNS_MAX) {
		for (uint32_t i = 0; i < count; i++) {
			const struct scenario_end *end = &scenario->ends[link->first_end + i];
			char address[64];

			picture_address(end, address, sizeof(address));
			fprintf(stream, "    %-16s %s\n", end->port_name, address);
		}
		return;
	}
	fputs("  ──", stream);
	for (uint32_t i = 0; i < count; i++) {
		fputs("┬", stream);
		for (size_t j = 0; j < (i + 1 < count ? widths[i] : 2); j++)
			fputs("─", stream);
	}
	fputc('\n', stream);
	draw_row(names, widths, count, stream);
	draw_row(addresses, widths, count, stream);
}

void picture_draw(const struct scenario *scenario, FILE *stream)
{
	for (size_t i = 0; i < scenario->link_count; i++) {
		describe_link(&scenario->links[i], stream);
		draw_ends(scenario, &scenario->links[i], stream);
	}
	for (size_t i = 0; i < scenario->node_count; i++) {
		bool is_linked = false;

		for (size_t j = 0; j < scenario->end_count; j++)
			is_linked |= scenario->ends[j].node == i;
		if (!is_linked)
			fprintf(stream, "  %s: no link\n", scenario->nodes[i].name);
	}
}
