/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dot.c - see dot.h.
 *
 * Vertices are the nodes and, for every link but the plain lines, the link itself: a bar, an ellipse, or the figures in
 * the middle of a line. Graphviz draws edges from the upper to the lower vertex (or left to right), so they are given a
 * direction by the order in which a search from one end of the graph comes by.
 */
#include "bridge/experiment/dot.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/experiment/figure.h"
#include "bridge/experiment/picture.h"
#include "bridge/scenario/replay.h"

#define FIGURES_SIZE 768
#define MTU_DEFAULT  1500
#define NAME_FONT    "<FONT POINT-SIZE=\"13\"><B>"
#define SMALL_FONT   "<FONT POINT-SIZE=\"9\" COLOR=\"#5a6572\">"

/* How a link is drawn. */
enum shape {
	SHAPE_TEXT, /* a line with the figures in the middle */
	SHAPE_BAR,  /* a bar with the ends hanging from it */
	SHAPE_AIR,  /* a dashed ellipse with dashed lines */
};

struct drawing {
	const struct scenario *scenario;
	FILE *stream;
	bool wide;        /* left to right instead of top to bottom */
	size_t count;     /* vertices: nodes, then links */
	uint32_t *order;  /* per vertex: when the search came by; UINT32_MAX: not yet */
	uint32_t *island; /* per link; SCENARIO_NONE when it is not simulated */
	uint32_t island_count;
};

static bool is_simulated(const struct scenario *scenario, uint32_t node)
{
	return !scenario_node_is_real(&scenario->nodes[node]);
}

static enum shape shape_of(const struct scenario_link *link)
{
	if (link->wifi || link->lte)
		return SHAPE_AIR;
	return link->end_count > 2 ? SHAPE_BAR : SHAPE_TEXT;
}

__attribute__((format(printf, 3, 4))) static void add(char *buf, size_t size, const char *fmt, ...)
{
	size_t used = strlen(buf);
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf + used, size - used, fmt, args);
	va_end(args);
}

static void add_share(const char *what, double share, char *ret, size_t size)
{
	if (share > 0)
		add(ret, size, ", %s %g %%", what, 100 * share);
}

/* What of a queue a scenario doesn't have anyway: ", FQ-CoDel, queue 64000 B". */
static void add_queue(const struct scenario_queue *queue, char *ret, size_t size)
{
	static const char *const names[] = {[SCENARIO_DROP_TAIL] = "drop-tail",
					    [SCENARIO_RED] = "RED",
					    [SCENARIO_PIE] = "PIE",
					    [SCENARIO_CODEL] = "CoDel",
					    [SCENARIO_FQ_CODEL] = "FQ-CoDel"};

	if (queue->discipline != SCENARIO_DROP_TAIL)
		add(ret, size, ", %s", names[queue->discipline]);
	if (queue->limit_size)
		add(ret, size, ", queue %llu B", (unsigned long long)queue->limit_size);
	else if (queue->limit_frames != scenario_discipline_frames(queue->discipline))
		add(ret, size, ", queue %up", queue->limit_frames);
}

/* "10 Mbit/s, 5 ms, jitter 1 ms, loss 0.1 %" of one direction of a p2p link. */
static void add_way(const struct scenario_direction *way, char *ret, size_t size)
{
	char rate[32], time[32];

	picture_rate(scenario_direction_rate_bps(way), rate, sizeof(rate));
	picture_time(way->delay_ns, time, sizeof(time));
	add(ret, size, "%s%s, %s", rate, way->trace_ms ? " (trace)" : "", time);
	if (way->jitter_ns) {
		picture_time(way->jitter_ns, time, sizeof(time));
		add(ret, size, ", jitter %s", time);
	}
	if (way->has_burst_loss)
		add(ret, size, ", loss in bursts");
	else
		add_share("loss", way->loss, ret, size);
	add_share("duplicate", way->duplicate, ret, size);
	add_share("corrupt", way->corrupt, ret, size);
	add_share("reorder", way->reorder, ret, size);
	add_queue(&way->queue, ret, size);
}

static void add_wifi(const struct scenario_wifi *wifi, char *ret, size_t size)
{
	static const char *const standards[] = {"b", "a", "g", "n", "ac", "ax"};
	static const char *const modes[] = {"ad hoc", "infrastructure", "mesh"};

	add(ret, size, "802.11%s, %s, channel %u (%u MHz), %s, %s, %.4g dBm", standards[wifi->standard],
	    modes[wifi->mode], wifi->channel, wifi->width_mhz,
	    wifi->data_mode ? wifi->data_mode : scenario_wifi_control_name(wifi->control),
	    scenario_wifi_loss_name(wifi->propagation.model), wifi->tx_power_dbm);
	if (wifi->fading.nakagami)
		add(ret, size, ", nakagami");
}

/* What the link is and does, figures with ", " between them. */
static void figures_of(const struct scenario_link *link, char *ret, size_t size)
{
	char rate[32], delay[32], backward[FIGURES_SIZE] = "";

	snprintf(ret, size, "%s", scenario_link_kind_name(link->kind));
	if (link->wifi) {
		ret[0] = '\0';
		add_wifi(link->wifi, ret, size);
	} else if (link->lte) {
		snprintf(ret, size, "LTE, %u resource blocks, eNB %.4g dBm, users %.4g dBm, %s",
			 link->lte->resource_blocks, link->lte->enb_tx_power_dbm, link->lte->tx_power_dbm,
			 scenario_wifi_loss_name(link->lte->propagation.model));
	} else if (link->ways) {
		size_t used;

		add(ret, size, ", ");
		used = strlen(ret);
		add_way(&link->ways[SCENARIO_FORWARD], ret, size);
		add_way(&link->ways[SCENARIO_BACKWARD], backward, sizeof(backward));
		if (strcmp(ret + used, backward) != 0)
			add(ret, size, ", back: %s", backward);
	} else if (link->kind == SCENARIO_LINK_GHOST) {
		snprintf(ret, size, "own ns-3 program");
	} else if (link->rate_bps) {
		picture_rate(link->rate_bps, rate, sizeof(rate));
		picture_time(link->delay_ns, delay, sizeof(delay));
		add(ret, size, ", %s, %s", rate, delay);
		if (link->queue_frames != scenario_discipline_frames(SCENARIO_DROP_TAIL))
			add(ret, size, ", queue %up", link->queue_frames);
	}
	if (link->mtu != MTU_DEFAULT)
		add(ret, size, ", mtu %u", link->mtu);
}

/* ---- which vertex comes first ---- */

static size_t link_vertex(const struct drawing *drawing, uint32_t link)
{
	return drawing->scenario->node_count + link;
}

static size_t degree(const struct drawing *drawing, size_t vertex)
{
	const struct scenario *scenario = drawing->scenario;
	size_t count = 0;

	if (vertex >= scenario->node_count)
		return scenario->links[vertex - scenario->node_count].end_count;
	for (size_t i = 0; i < scenario->end_count; i++)
		count += scenario->ends[i].node == vertex;
	return count;
}

/*
 * Where to begin among what has not been seen: top to bottom at the link with most ends; left to right at a node with
 * fewest links, the end of a chain.
 */
static size_t choose_root(const struct drawing *drawing)
{
	size_t first = drawing->wide ? 0 : drawing->scenario->node_count;
	size_t last = drawing->wide ? drawing->scenario->node_count : drawing->count;
	size_t best = SIZE_MAX, best_degree = 0;

	for (size_t i = first; i < last; i++) {
		size_t d = degree(drawing, i);

		if (drawing->order[i] != UINT32_MAX)
			continue;
		if (best == SIZE_MAX || (drawing->wide ? d < best_degree : d > best_degree)) {
			best = i;
			best_degree = d;
		}
	}
	for (size_t i = 0; best == SIZE_MAX && i < drawing->count; i++) {
		if (drawing->order[i] == UINT32_MAX)
			best = i;
	}
	return best;
}

/*
 * A link whose ends are all real hangs above them. Where ns-3 has nodes on it as well, the real ends come first, so
 * that those inside, which the shading holds together, are on the link's other side.
 */
static bool real_ends_first(const struct drawing *drawing, size_t root)
{
	const struct scenario *scenario = drawing->scenario;
	const struct scenario_link *link;
	uint32_t inside = 0;

	if (root < scenario->node_count)
		return false;
	link = &scenario->links[root - scenario->node_count];
	for (uint32_t i = 0; i < link->end_count; i++)
		inside += is_simulated(scenario, scenario->ends[link->first_end + i].node);
	return inside > 0 && inside < link->end_count;
}

/* A breadth-first search over nodes and links numbers the vertices. Return: 0 or -ENOMEM. */
static int number_vertices(struct drawing *drawing)
{
	const struct scenario *scenario = drawing->scenario;
	size_t *queue = calloc(drawing->count + 1, sizeof(*queue)), head = 0, tail = 0;

	if (!queue)
		return -ENOMEM;
	for (size_t i = 0; i < drawing->count; i++)
		drawing->order[i] = UINT32_MAX;
	while (tail < drawing->count) {
		if (head == tail) {
			size_t root = choose_root(drawing);

			for (size_t i = 0; real_ends_first(drawing, root) && i < scenario->end_count; i++) {
				const struct scenario_end *end = &scenario->ends[i];

				if (link_vertex(drawing, end->link) != root || is_simulated(scenario, end->node) ||
				    drawing->order[end->node] != UINT32_MAX)
					continue;
				drawing->order[end->node] = (uint32_t)tail;
				queue[tail++] = end->node;
			}
			if (head == tail) {
				drawing->order[root] = (uint32_t)tail;
				queue[tail++] = root;
			}
		}
		for (size_t at = queue[head++], i = 0; i < scenario->end_count; i++) {
			const struct scenario_end *end = &scenario->ends[i];
			size_t link = link_vertex(drawing, end->link), other;

			if (end->node != at && link != at)
				continue;
			other = link == at ? end->node : link;
			if (drawing->order[other] != UINT32_MAX)
				continue;
			drawing->order[other] = (uint32_t)tail;
			queue[tail++] = other;
		}
	}
	free(queue);
	return 0;
}

/* ---- islands: links that share simulated nodes ---- */

static void find_islands(struct drawing *drawing)
{
	const struct scenario *scenario = drawing->scenario;
	bool again = true;

	for (size_t i = 0; i < scenario->link_count; i++)
		drawing->island[i] = scenario_link_is_simulated(&scenario->links[i]) ? (uint32_t)i : SCENARIO_NONE;
	/* The lowest link of an island names it; scenarios that anybody draws have few links. */
	while (again) {
		again = false;
		for (size_t i = 0; i < scenario->end_count; i++) {
			for (size_t j = 0; j < scenario->end_count; j++) {
				uint32_t *a = &drawing->island[scenario->ends[i].link],
					 *b = &drawing->island[scenario->ends[j].link];

				if (scenario->ends[i].node != scenario->ends[j].node ||
				    !is_simulated(scenario, scenario->ends[i].node) || *a >= *b)
					continue;
				*b = *a;
				again = true;
			}
		}
	}
	for (size_t i = 0; i < scenario->link_count; i++)
		drawing->island_count += drawing->island[i] == i;
}

/* The island of a simulated node; SCENARIO_NONE of one that no link leads to, and of real ones. */
static uint32_t island_of_node(const struct drawing *drawing, uint32_t node)
{
	const struct scenario *scenario = drawing->scenario;

	for (size_t i = 0; i < scenario->end_count; i++) {
		if (scenario->ends[i].node == node && is_simulated(scenario, node))
			return drawing->island[scenario->ends[i].link];
	}
	return SCENARIO_NONE;
}

/* ---- vertices ---- */

static bool shows_ports(const struct scenario_node *node)
{
	if (node->kind == SCENARIO_NODE_SIMULATED)
		return scenario_role_has_ip(node->role);
	return !scenario_node_is_switch(node);
}

static void write_node(const struct drawing *drawing, uint32_t index)
{
	const struct scenario *scenario = drawing->scenario;
	const struct scenario_node *node = &scenario->nodes[index];
	const char *look = "fillcolor=\"#e3eefa\" color=\"#3b6ea5\" style=\"rounded,filled\"", *what = "container";
	FILE *stream = drawing->stream;
	char address[64];

	if (scenario_node_is_switch(node)) {
		what = "Open vSwitch";
		look = "fillcolor=\"#e2f3e4\" color=\"#2f7d3b\" style=\"filled\" peripheries=\"2\"";
	}
	if (node->kind == SCENARIO_NODE_SIMULATED) {
		static const char *const roles[] = {[SCENARIO_ROLE_HOST] = "simulated host",
						    [SCENARIO_ROLE_ROUTER] = "simulated router",
						    [SCENARIO_ROLE_SWITCH] = "simulated switch",
						    [SCENARIO_ROLE_HUB] = "simulated hub"};

		what = roles[node->role];
		look = node->role == SCENARIO_ROLE_ROUTER
			       ? "fillcolor=\"#fdf1d3\" color=\"#b07d12\" style=\"filled\" shape=\"ellipse\" "
				 "margin=\"0\""
			       : "fillcolor=\"#fdf1d3\" color=\"#b07d12\" style=\"rounded,filled\"";
	}
	if (scenario_node_is_replay(node)) {
		what = "capture";
		look = "fillcolor=\"#f1e6f6\" color=\"#7a4a94\" style=\"filled\" shape=\"note\"";
	}
	fprintf(stream,
		"  n%u [%s label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"1\">"
		"<TR><TD>" NAME_FONT,
		index, look);
	figure_text(stream, node->name);
	fputs("</B></FONT></TD></TR><TR><TD>" SMALL_FONT, stream);
	figure_text(stream, what);
	fputs("</FONT></TD></TR>", stream);
	if (scenario_node_is_replay(node)) {
		fputs("<TR><TD>" SMALL_FONT, stream);
		figure_text(stream, node->replay->file);
		fputs("</FONT></TD></TR>", stream);
	}
	for (size_t i = 0; i < scenario->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i];

		if (end->node != index)
			continue;
		picture_address(end, address, sizeof(address));
		/* The ports of a switch are only names. */
		if (!address[0] && !shows_ports(node))
			continue;
		fputs("<TR><TD>" SMALL_FONT, stream);
		figure_text(stream, end->name);
		fputs(address[0] ? "&#160;&#160;" : "", stream);
		figure_text(stream, address);
		fputs("</FONT></TD></TR>", stream);
	}
	fputs("</TABLE>>]\n", stream);
}

/* A row of thin cells, one for every end to hang from. */
static void write_cells(FILE *stream, char port, uint32_t count)
{
	fputs("<TR>", stream);
	for (uint32_t i = 0; i < count; i++)
		fprintf(stream, "<TD PORT=\"%c%u\" WIDTH=\"100\" HEIGHT=\"3\"></TD>", port, i);
	fputs("</TR>", stream);
}

/* A bar with the text in it; ends come from above (q) and below (p). */
static void write_bar(const struct drawing *drawing, const struct scenario_link *link, size_t vertex,
		      const char *figures)
{
	FILE *stream = drawing->stream;

	fprintf(stream,
		"  n%zu [shape=\"plain\" label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" "
		"CELLPADDING=\"0\" "
		"BGCOLOR=\"#34495e\" STYLE=\"ROUNDED\">",
		vertex);
	write_cells(stream, 'q', link->end_count);
	fprintf(stream, "<TR><TD COLSPAN=\"%u\" CELLPADDING=\"2\"><FONT COLOR=\"white\"><B>", link->end_count);
	figure_text(stream, link->name);
	fputs(" &#183; </B></FONT><FONT POINT-SIZE=\"10\" COLOR=\"#dfe6ee\">", stream);
	figure_text(stream, figures);
	fputs("</FONT></TD></TR>", stream);
	write_cells(stream, 'p', link->end_count);
	fputs("</TABLE>>]\n", stream);
}

static void write_link(const struct drawing *drawing, uint32_t index)
{
	const struct scenario_link *link = &drawing->scenario->links[index];
	size_t vertex = link_vertex(drawing, index);
	char figures[FIGURES_SIZE], *comma;
	FILE *stream = drawing->stream;

	figures_of(link, figures, sizeof(figures));
	switch (shape_of(link)) {
	case SHAPE_BAR:
		write_bar(drawing, link, vertex, figures);
		return;
	case SHAPE_TEXT:
		fprintf(stream,
			"  n%zu [shape=\"plain\" label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" "
			"CELLPADDING=\"1\"><TR><TD CELLPADDING=\"3\">",
			vertex);
		break;
	case SHAPE_AIR:
		fprintf(stream,
			"  n%zu [shape=\"ellipse\" style=\"dashed,filled\" fillcolor=\"white\" color=\"#7a4fa0\" "
			"margin=\"0\" "
			"label=<<TABLE BORDER=\"0\" CELLBORDER=\"0\" CELLSPACING=\"0\" CELLPADDING=\"1\"><TR><TD>",
			vertex);
		break;
	}
	fputs("<B>", stream);
	figure_text(stream, link->name);
	fputs("</B></TD></TR>", stream);
	/* One figure to a line: the line of text stays short, and the nodes near. */
	for (char *at = figures; at; at = comma) {
		comma = strstr(at, ", ");
		if (comma) {
			*comma = '\0';
			comma += 2;
		}
		fputs("<TR><TD>" SMALL_FONT, stream);
		figure_text(stream, at);
		fputs("</FONT></TD></TR>", stream);
	}
	fputs("</TABLE>>]\n", stream);
}

/* Everything of one island, shaded; and with SCENARIO_NONE what is in none. */
static void write_island(const struct drawing *drawing, uint32_t island, uint32_t number)
{
	const struct scenario *scenario = drawing->scenario;
	FILE *stream = drawing->stream;

	if (island != SCENARIO_NONE) {
		fprintf(stream,
			"  subgraph cluster_%u {\n  style=\"rounded,filled\" fillcolor=\"#f1edf8\" color=\"#c9bfe0\" "
			"margin=\"12\" "
			"labeljust=\"r\" fontsize=\"9\" fontcolor=\"#7d6ca3\" ",
			island);
		if (drawing->island_count > 1)
			fprintf(stream, "label=\"ns-3, island %u, ghost %u\"\n", number, scenario->links[island].ghost);
		else
			fputs("label=\"ns-3\"\n", stream);
	}
	for (uint32_t i = 0; i < scenario->node_count; i++) {
		if (island_of_node(drawing, i) == island)
			write_node(drawing, i);
	}
	for (uint32_t i = 0; i < scenario->link_count; i++) {
		if (drawing->island[i] == island)
			write_link(drawing, i);
	}
	if (island != SCENARIO_NONE)
		fputs("  }\n", stream);
}

/* ---- edges ---- */

static void write_end(const struct drawing *drawing, const struct scenario_link *link, uint32_t index, uint32_t number)
{
	const struct scenario_end *end = &drawing->scenario->ends[link->first_end + number];
	size_t vertex = link_vertex(drawing, index);
	bool below = drawing->order[vertex] < drawing->order[end->node];
	enum shape shape = shape_of(link);
	const char *look = "";

	if (shape == SHAPE_AIR)
		look = end->place && end->place->is_ap
			       ? " [style=\"dashed\" color=\"#7a4fa0\" label=\" AP\" fontcolor=\"#7a4fa0\"]"
			       : " [style=\"dashed\" color=\"#7a4fa0\"]";

	if (!scenario_link_is_simulated(link))
		look = " [color=\"#8a929b\"]"; /* not simulated: pale */
	/* Not clipped: the line ends inside the bar, which has its colour. */
	if (shape == SHAPE_BAR && below)
		fprintf(drawing->stream, "  n%zu:p%u -- n%u [tailclip=\"false\"]\n", vertex, number, end->node);
	else if (shape == SHAPE_BAR)
		fprintf(drawing->stream, "  n%u -- n%zu:q%u [headclip=\"false\"]\n", end->node, vertex, number);
	else if (below)
		fprintf(drawing->stream, "  n%zu -- n%u%s\n", vertex, end->node, look);
	else
		fprintf(drawing->stream, "  n%u -- n%zu%s\n", end->node, vertex, look);
}

static void write_edges(const struct drawing *drawing)
{
	const struct scenario *scenario = drawing->scenario;

	for (uint32_t i = 0; i < scenario->link_count; i++) {
		const struct scenario_link *link = &scenario->links[i];
		for (uint32_t j = 0; j < link->end_count; j++)
			write_end(drawing, link, i, j);
	}
}

int dot_write(const struct scenario *scenario, FILE *stream)
{
	struct drawing drawing = {.scenario = scenario,
				  .stream = stream,
				  .wide = true,
				  .count = scenario->node_count + scenario->link_count};
	uint32_t number = 0;
	int r = -ENOMEM;

	drawing.order = calloc(drawing.count + 1, sizeof(*drawing.order));
	drawing.island = calloc(scenario->link_count + 1, sizeof(*drawing.island));
	if (!drawing.order || !drawing.island)
		goto out;
	for (size_t i = 0; i < scenario->link_count; i++)
		drawing.wide &= scenario->links[i].end_count <= 2;
	find_islands(&drawing);
	r = number_vertices(&drawing);
	if (r < 0)
		goto out;
	fprintf(stream,
		"graph \"%s\" {\n"
		"  graph [rankdir=\"%s\" nodesep=\"0.35\" ranksep=\"%s\" fontname=\"Helvetica,Arial,sans-serif\" "
		"label=\"%s\" labelloc=\"t\" fontsize=\"18\" pad=\"0.2\" bgcolor=\"white\"]\n"
		"  node [shape=\"box\" fontname=\"Helvetica,Arial,sans-serif\" fontsize=\"12\" penwidth=\"1.3\" "
		"margin=\"0.08,0.06\"]\n"
		"  edge [fontname=\"Helvetica,Arial,sans-serif\" fontsize=\"10\" color=\"#34495e\" penwidth=\"1.5\"]\n",
		scenario->name, drawing.wide ? "LR" : "TB", drawing.wide ? "0.35" : "0.45", scenario->name);
	write_island(&drawing, SCENARIO_NONE, 0);
	for (uint32_t i = 0; i < scenario->link_count; i++) {
		if (drawing.island[i] == i)
			write_island(&drawing, i, ++number);
	}
	write_edges(&drawing);
	fputs("}\n", stream);
out:
	free(drawing.order);
	free(drawing.island);
	return r;
}
