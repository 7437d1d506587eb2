/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * changes.c - a link, or one of its ends, gets another value at some time: in a step, in a row of the timeline, or as
 * text from the command line. All three are read by the same readers and judged by the table in change-keys.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bridge/scenario/internal.h"

#define KNOWN_SIZE       160
#define COORDINATE_MAX_M 1e7     /* a quarter of the way round the Earth */
#define POWER_MIN_DBM    (-50.0) /* as in the file */
#define POWER_MAX_DBM    60.0

/* Return: the next link from @from on that @link_name names, by its length. */
static uint32_t find_link(const struct scenario *scenario, const char *name, size_t len)
{
	for (size_t i = 0; i < scenario->link_count; i++)
		if (strlen(scenario->links[i].name) == len && !memcmp(scenario->links[i].name, name, len))
			return (uint32_t)i;
	return SCENARIO_NONE;
}

static void report_link(struct scn_load *load, const struct scn_value *value, const char *name)
{
	struct scn_guess guess;

	scn_guess_init(&guess, name);
	for (size_t i = 0; i < load->scenario->link_count; i++)
		scn_guess_try(&guess, load->scenario->links[i].name);
	scn_error(load, value, "there is no link \"%s\"%s", scn_show(name).text,
		  guess.best ? scn_guess_text(&guess) : "; write the name of one, lan, or of one of its ends, lan.h1");
}

uint32_t scn_find_link_end(struct scn_load *load, const struct scn_value *value, uint32_t link, const char *name)
{
	const struct scenario *scenario = load->scenario;
	const struct scenario_link *of = &scenario->links[link];
	uint32_t found = SCENARIO_NONE;
	char known[KNOWN_SIZE] = "";
	size_t used = 0;

	for (uint32_t i = of->first_end; i < of->first_end + of->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i];
		const char *node = end->node == SCENARIO_NONE ? "" : scenario->nodes[end->node].name;

		if (end->port_name && !strcmp(end->port_name, name))
			return i;
		if (!strcmp(node, name)) {
			if (found != SCENARIO_NONE) {
				scn_error(load, value, "%s has more than one end on %s; write %s or %s", name, of->name,
					  scenario->ends[found].port_name ? scenario->ends[found].port_name : name,
					  end->port_name ? end->port_name : name);
				return SCENARIO_NONE;
			}
			found = i;
		}
		if (used < sizeof(known))
			used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "", node);
	}
	if (found == SCENARIO_NONE)
		scn_error(load, value, "\"%s\" is not an end of %s; its ends are %s", scn_show(name).text, of->name,
			  scn_show(known).text);
	return found;
}

bool scn_find_link(struct scn_load *load, const struct scn_value *value, uint32_t *ret_link, uint32_t *ret_end)
{
	const char *dot;
	size_t len;
	uint32_t link;

	if (!scn_text(load, value))
		return false;
	dot = strchr(value->text, '.');
	len = dot ? (size_t)(dot - value->text) : value->len;
	link = load->link_index.slot_count ? scn_index_find(&load->link_index, value->text, len)
					   : find_link(load->scenario, value->text, len);
	if (link == SCENARIO_NONE) {
		if (!load->links_unknown)
			report_link(load, value, value->text);
		return false;
	}
	/* What is wrong with the link has been said; its ends and its kind may not be what they should be. */
	if (load->bad_links && load->bad_links[link])
		return false;
	*ret_end = SCENARIO_NONE;
	if (dot) {
		*ret_end = scn_find_link_end(load, value, link, dot + 1);
		if (*ret_end == SCENARIO_NONE)
			return false;
	}
	*ret_link = link;
	return true;
}

/* The row of the table for @key; reports when there is none. */
static const struct scenario_change_key *find_key(struct scn_load *load, const struct scn_value *value, bool is_key,
						  const char *key, uint32_t link, uint32_t end)
{
	const struct scenario_link *of = &load->scenario->links[link];
	const struct scenario_change_key *row = scenario_change_keys(of->kind);
	char known[KNOWN_SIZE] = "";
	struct scn_guess guess;
	size_t used = 0;

	if (scenario_wire_is_patch(load->scenario, of)) {
		(is_key ? scn_error_key : scn_error)(load, value,
						     "%s joins two switches by patch ports, which are always up; only "
						     "another kind of link can change while it runs, p2p for one",
						     of->name);
		return NULL;
	}
	scn_guess_init(&guess, key);
	for (; row->key; row++) {
		if (end != SCENARIO_NONE && !row->ends)
			continue;
		if (!strcmp(row->key, key)) {
			if (of->lte && end != SCENARIO_NONE && strcmp(key, "state") &&
			    load->scenario->ends[end].node == of->lte->network) {
				(is_key ? scn_error_key
					: scn_error)(load, value,
						     "the end at the network's side has no radio; a user's "
						     "end has a %s",
						     key);
				return NULL;
			}
			return row;
		}
		scn_guess_try(&guess, row->key);
		if (used < sizeof(known))
			used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "",
						 row->key);
	}
	(is_key ? scn_error_key : scn_error)(load, value, "\"%s\" of %s cannot change while it runs%s%s what can: %s",
					     scn_show(key).text, end == SCENARIO_NONE ? of->name : "one end",
					     scn_guess_text(&guess), guess.best ? "" : ";", known);
	return NULL;
}

/* digits / 10^decimals; exact enough below 2^53. */
static double decimal_value(const struct scn_decimal *number)
{
	double power = 1;

	for (unsigned int i = 0; i < number->decimals; i++)
		power *= 10;
	return (number->negative ? -1.0 : 1.0) * (double)(uint64_t)number->digits / power;
}

static bool read_power(struct scn_load *load, const struct scn_value *value, double *ret)
{
	struct scn_decimal number;

	if (!scn_text(load, value))
		return false;
	if (scn_decimal(value->text, &number) < 0 || strcmp(number.rest, "dBm")) {
		scn_error(load, value, "\"%s\" is not a power; write it as 16dBm", scn_show(value->text).text);
		return false;
	}
	*ret = decimal_value(&number);
	if (*ret > POWER_MAX_DBM || *ret < POWER_MIN_DBM) {
		scn_error(load, value, "\"%s\" is out of range; it is from -50dBm to 60dBm",
			  scn_show(value->text).text);
		return false;
	}
	return true;
}

/* "10m,20m" or "10m,20m,1.5m" */
static bool read_position(struct scn_load *load, const struct scn_value *value, const char *text, double *ret)
{
	struct scn_decimal number;
	unsigned int count = 0;

	ret[0] = ret[1] = ret[2] = 0;
	for (; count < 3; count++) {
		if (scn_decimal(text, &number) < 0 || *number.rest != 'm')
			break;
		ret[count] = decimal_value(&number);
		if (ret[count] > COORDINATE_MAX_M || ret[count] < -COORDINATE_MAX_M) {
			scn_error(load, value, "a coordinate is from -10000000m to 10000000m");
			return false;
		}
		text = number.rest + 1;
		if (!*text)
			return count > 0;
		if (*text != ',')
			break;
		for (text++; *text == ' '; text++)
			;
	}
	scn_error(load, value, "is not a position; write two or three coordinates, [10m, 20m] or 10m,20m,1.5m");
	return false;
}

/* A list [10m, 20m] as the text "10m,20m". */
static bool join_list(struct scn_load *load, const struct scn_value *value, char *buf, size_t size)
{
	const struct scn_value *item;
	size_t used = 0;

	buf[0] = '\0';
	for (item = value->first; item; item = item->next) {
		if (!scn_text(load, item))
			return false;
		used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? "," : "", item->text);
		if (used >= size) {
			scn_error(load, value, "is too long; write at most %zu characters", size - 1);
			return false;
		}
	}
	return true;
}

/* Read the value under @key of @map as @row says. Return: false after reporting what is wrong. */
static bool read_value(struct scn_load *load, const struct scn_value *map, const char *key,
		       const struct scenario_change_key *row, struct scenario_change *ret)
{
	const struct scn_value *value = scn_get(map, key);
	unsigned int word = 0;

	ret->key = row->key;
	ret->type = row->type;
	if (row->type == SCENARIO_VALUE_POSITION && value->kind == SCN_LIST) {
		if (!join_list(load, value, ret->text, sizeof(ret->text)))
			return false;
	} else {
		if (!scn_text(load, value))
			return false;
		if (value->len >= sizeof(ret->text)) {
			scn_error(load, value, "is too long; write at most %zu characters", sizeof(ret->text) - 1);
			return false;
		}
		memcpy(ret->text, value->text, value->len + 1);
	}
	switch (row->type) {
	case SCENARIO_VALUE_TIME:
		return scn_read_unit(load, map, key, NULL, SCN_TIME, row->min, row->max, &ret->number);
	case SCENARIO_VALUE_RATE:
		return scn_read_unit(load, map, key, NULL, SCN_RATE, row->min, row->max, &ret->number);
	case SCENARIO_VALUE_PACKETS:
		return scn_read_unit(load, map, key, NULL, SCN_PACKETS, row->min, row->max, &ret->number);
	case SCENARIO_VALUE_RATIO:
		return scn_read_ratio(load, map, key, &ret->real);
	case SCENARIO_VALUE_POSITION:
		return read_position(load, value, ret->text, ret->vector);
	case SCENARIO_VALUE_POWER:
		return read_power(load, value, &ret->real);
	case SCENARIO_VALUE_WORD:
		if (!scn_read_word(load, map, key, NULL, row->words, &word))
			return false;
		ret->word = row->words[word];
		return true;
	}
	return false;
}

static void keep_change(struct scn_load *load, const struct scenario_change *change)
{
	struct scenario *scenario = load->scenario;
	struct scenario_change *grown;

	if (scenario->change_count == load->change_room) {
		load->change_room = load->change_room ? 2 * load->change_room : 16;
		grown = scn_new(load, load->change_room, sizeof(*grown));
		if (!grown)
			return;
		if (scenario->change_count)
			memcpy(grown, scenario->changes, scenario->change_count * sizeof(*grown));
		scenario->changes = grown;
	}
	scenario->changes[scenario->change_count++] = *change;
}

/* One pass of a merge sort: pairs of runs of @run items; equal times keep their order. */
static void merge(const struct scenario_change *from, struct scenario_change *to, size_t count, size_t run)
{
	for (size_t start = 0; start < count; start += 2 * run) {
		size_t left = start, middle = start + run < count ? start + run : count, right = middle,
		       end = middle + run < count ? middle + run : count;

		for (size_t i = start; i < end; i++) {
			bool take_left = left < middle && (right >= end || from[left].at_ns <= from[right].at_ns);

			to[i] = take_left ? from[left++] : from[right++];
		}
	}
}

void scn_sort_changes(struct scn_load *load)
{
	struct scenario *scenario = load->scenario;
	struct scenario_change *from = scenario->changes, *to, *swap;
	size_t sorted = 1;

	while (sorted < scenario->change_count && from[sorted - 1].at_ns <= from[sorted].at_ns)
		sorted++;
	if (sorted >= scenario->change_count)
		return;
	to = scn_new(load, scenario->change_count, sizeof(*to));
	for (size_t run = 1; to && run < scenario->change_count; run *= 2) {
		merge(from, to, scenario->change_count, run);
		swap = from;
		from = to;
		to = swap;
	}
	if (to)
		scenario->changes = from;
}

void scn_load_set(struct scn_load *load, const struct scn_value *map, struct scenario_change change)
{
	const struct scenario_change_key *row;
	const struct scn_value *value;

	if (!scn_want(load, map, SCN_MAP))
		return;
	if (!map->count)
		scn_error(load, map, "says nothing; write {delay: 50ms}");
	for (value = map->first; value && !load->nomem; value = value->next) {
		row = find_key(load, value, true, value->key, change.link, change.end);
		if (row && read_value(load, map, value->key, row, &change))
			keep_change(load, &change);
	}
}

/* One end of a `down` or `up`, or the whole link with SCENARIO_NONE. */
static void keep_state(struct scn_load *load, const struct scn_value *value, uint32_t end, const char *state,
		       struct scenario_change change)
{
	const struct scenario_change_key *row;

	change.end = end;
	row = find_key(load, value, false, "state", change.link, end);
	if (!row)
		return;
	change.key = row->key;
	change.type = row->type;
	for (const char *const *word = row->words; *word; word++)
		if (!strcmp(*word, state))
			change.word = *word;
	snprintf(change.text, sizeof(change.text), "%s", state);
	keep_change(load, &change);
}

void scn_load_state(struct scn_load *load, const struct scn_value *value, const char *state,
		    struct scenario_change change)
{
	const struct scn_value *item;
	uint32_t end;

	if (change.end != SCENARIO_NONE) {
		scn_error_key(load, value, "the ends stand here; name only the link itself before");
		return;
	}
	if (value->kind == SCN_TEXT && !strcmp(value->text, "all")) {
		keep_state(load, value, SCENARIO_NONE, state, change);
		return;
	}
	if (value->kind != SCN_LIST || !value->count) {
		scn_error(load, value, "write a list of ends, [h1], or all for the whole link");
		return;
	}
	for (item = value->first; item && !load->nomem; item = item->next) {
		if (!scn_text(load, item))
			continue;
		end = scn_find_link_end(load, item, change.link, item->text);
		if (end != SCENARIO_NONE)
			keep_state(load, item, end, state, change);
	}
}

bool scn_load_row(struct scn_load *load, const struct scn_value *row, const char *at_key)
{
	struct scenario_change change = {.step = SCENARIO_NONE};
	const struct scenario_change_key *key_row;
	const struct scn_value *link = scn_get(row, "link"), *key = scn_get(row, "key");
	bool ok;

	ok = scn_read_unit(load, row, at_key, "1s", SCN_TIME, 0, SCN_AT_NS_MAX, &change.at_ns);
	if (!link)
		scn_need(load, row, "link", "lan");
	if (!key)
		scn_need(load, row, "key", "delay");
	if (!scn_get(row, "value"))
		scn_need(load, row, "value", "50ms");
	if (!link || !key || !scn_get(row, "value") || !scn_find_link(load, link, &change.link, &change.end) ||
	    !scn_text(load, key))
		return false;
	key_row = find_key(load, key, false, key->text, change.link, change.end);
	if (!key_row || !read_value(load, row, "value", key_row, &change) || !ok)
		return false;
	keep_change(load, &change);
	return true;
}

int scenario_change_parse(const struct scenario *scenario, const char *text, struct scenario_change *ret, char *error,
			  size_t error_size)
{
	struct scn_value root = {.kind = SCN_MAP}, link = {.kind = SCN_TEXT, .parent = &root},
			 value = {.kind = SCN_TEXT, .plain = true, .parent = &link};
	struct scenario_change change = {.end = SCENARIO_NONE, .step = SCENARIO_NONE};
	const struct scenario_change_key *row = NULL;
	struct scenario_errors errors = {.count = 0};
	/* Only read, whatever the type of the member says: nothing here changes the scenario. */
	struct scn_load load = {.scenario = (struct scenario *)(uintptr_t)scenario, .errors = &errors};
	char buf[SCENARIO_CHANGE_TEXT_SIZE];
	char *space, *equal;
	int err = -EINVAL;

	space = NULL;
	if (snprintf(buf, sizeof(buf), "%s", text) < (int)sizeof(buf))
		space = strchr(buf, ' ');
	equal = space ? strchr(space, '=') : NULL;
	if (!space || !equal || space == buf || equal == space + 1 || strpbrk(text, "\n\r\t")) {
		snprintf(error, error_size, "\"%s\" is not a change; write LINK KEY=VALUE, lan delay=50ms",
			 scn_show(text).text);
		return -EINVAL;
	}
	*space = *equal = '\0';
	link.text = link.key = buf;
	link.len = strlen(buf);
	value.key = space + 1;
	value.text = equal + 1;
	value.len = strlen(value.text);
	value.kind = value.len ? SCN_TEXT : SCN_NULL;
	/* For the message the link is a map with one key. */
	if (scn_find_link(&load, &link, &change.link, &change.end)) {
		link.kind = SCN_MAP;
		scn_add_child(&link, &value);
		row = find_key(&load, &value, true, value.key, change.link, change.end);
	}
	if (row && read_value(&load, &link, value.key, row, &change)) {
		*ret = change;
		err = 0;
	} else if (load.nomem) {
		err = -ENOMEM;
	} else if (errors.count) {
		snprintf(error, error_size, "%s", errors.items[0].text);
	}
	scenario_errors_done(&errors);
	return err;
}

void scenario_change_print(const struct scenario *scenario, const struct scenario_change *change, char *buf,
			   size_t size)
{
	bool end = change->end != SCENARIO_NONE;

	snprintf(buf, size, "%s%s%s %s=%s", scenario->links[change->link].name, end ? "." : "",
		 end ? scenario->ends[change->end].port_name : "", change->key, change->text);
}
