/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * units.c - numbers with units, read exactly: no floating point, nothing rounded, nothing assumed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "bridge/scenario/internal.h"

/* With this many digits even minutes in ns stay below 2^128. */
#define DIGITS_MAX 24

struct unit {
	const char *name;
	uint64_t factor;
};

struct unit_kind {
	const char *what;
	struct unit units[6];    /* the first is the base */
	const char *examples[2]; /* units shown with the user's own number when it has none */
};

static const struct unit_kind kinds[] = {
	[SCN_RATE] = {"a rate",
		      {{"bps", 1}, {"kbps", 1000}, {"Mbps", 1000000}, {"Gbps", 1000000000}},
		      {"Mbps", "kbps"}},
	[SCN_TIME] = {"a time",
		      {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"min", UINT64_C(60000000000)}},
		      {"ms", "us"}},
	[SCN_SIZE] = {"a size", {{"B", 1}, {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}}, {"MiB", "GiB"}},
	[SCN_PACKETS] = {"a number of packets", {{"p", 1}, {"packets", 1}}, {"p", "packets"}},
};

int scn_decimal(const char *text, struct scn_decimal *ret)
{
	unsigned int count = 0, zeros = 0;
	bool point = false;

	*ret = (struct scn_decimal){0};
	if (*text == '-') {
		ret->negative = true;
		text++;
	}
	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (;; text++) {
		if (*text == '.' && !point && text[1] >= '0' && text[1] <= '9') {
			point = true;
			continue;
		}
		if (*text < '0' || *text > '9')
			break;
		if (*text == '0' && (point || !count)) {
			/* before the first digit zeros say nothing; after the point they wait for a digit that needs
			 * them */
			zeros += point;
			continue;
		}
		/* a run of waiting zeros may be as long as the file */
		if (zeros > DIGITS_MAX || count + zeros >= DIGITS_MAX)
			return -ERANGE;
		for (; zeros > 0; zeros--) {
			ret->digits *= 10;
			ret->decimals++;
			count += count > 0;
		}
		ret->digits = ret->digits * 10 + (unsigned int)(*text - '0');
		ret->decimals += point;
		count++;
	}
	if (ret->decimals > DIGITS_MAX)
		return -ERANGE;
	ret->rest = text;
	return 0;
}

static void list_units(const struct unit_kind *kind, char *buf, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < sizeof(kind->units) / sizeof(kind->units[0]) && kind->units[i].name; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? ", " : "", kind->units[i].name);
}

/* A figure as a person would write it: the largest unit that leaves it whole. */
static struct scn_shown show_figure(const struct unit_kind *kind, uint64_t figure)
{
	const struct unit *best = &kind->units[0];
	struct scn_shown shown;

	for (size_t i = 0; i < sizeof(kind->units) / sizeof(kind->units[0]) && kind->units[i].name; i++)
		if (figure && kind->units[i].factor > best->factor && figure % kind->units[i].factor == 0)
			best = &kind->units[i];
	snprintf(shown.text, sizeof(shown.text), "%llu%s", (unsigned long long)(figure / best->factor), best->name);
	return shown;
}

static void report_unit(struct scn_load *load, const struct scn_value *value, const struct unit_kind *kind,
			const struct scn_decimal *number)
{
	int len = (int)(number->rest - value->text);
	const char *rest = number->rest;
	const struct unit *near = NULL;
	char units[64];

	list_units(kind, units, sizeof(units));
	if (!*rest) {
		scn_error(load, value, "\"%s\" has no unit; write %s%s, %s%s, ... (%s)", scn_show(value->text).text,
			  scn_show(value->text).text, kind->examples[0], scn_show(value->text).text, kind->examples[1],
			  units);
		return;
	}
	while (*rest == ' ')
		rest++;
	for (size_t i = 0; i < sizeof(kind->units) / sizeof(kind->units[0]) && kind->units[i].name && !near; i++)
		if (!strcasecmp(kind->units[i].name, rest))
			near = &kind->units[i];
	if (near && len < 30)
		scn_error(load, value, "\"%s\" is not %s; write %.*s%s", scn_show(value->text).text, kind->what, len,
			  value->text, near->name);
	else
		scn_error(load, value, "\"%s\" is not %s; the units are %s, as in %s%s", scn_show(value->text).text,
			  kind->what, units, "100", kind->examples[0]);
}

bool scn_read_unit(struct scn_load *load, const struct scn_value *map, const char *key, const char *need,
		   enum scn_unit unit, uint64_t min, uint64_t max, uint64_t *ret)
{
	const struct unit_kind *kind = &kinds[unit];
	const struct scn_value *value = scn_get(map, key);
	const struct unit *found = NULL;
	unsigned __int128 figure;
	struct scn_decimal number;
	char units[64];
	int err;

	if (!value) {
		if (need)
			scn_need(load, map, key, need);
		return false;
	}
	if (!scn_text(load, value))
		return false;
	err = scn_decimal(value->text, &number);
	if (err == -ERANGE) {
		scn_error(load, value, "\"%s\" has more digits than %s can have; it is from %s to %s",
			  scn_show(value->text).text, kind->what, show_figure(kind, min).text,
			  show_figure(kind, max).text);
		return false;
	}
	if (err < 0 || number.negative) {
		list_units(kind, units, sizeof(units));
		scn_error(load, value, "\"%s\" is not %s; write digits and a unit (%s), as in 100%s",
			  scn_show(value->text).text, kind->what, units, kind->examples[0]);
		return false;
	}
	for (size_t i = 0; i < sizeof(kind->units) / sizeof(kind->units[0]) && kind->units[i].name; i++)
		if (!strcmp(kind->units[i].name, number.rest))
			found = &kind->units[i];
	if (!found) {
		report_unit(load, value, kind, &number);
		return false;
	}
	figure = number.digits * found->factor;
	for (unsigned int i = 0; i < number.decimals; i++) {
		if (figure % 10) {
			scn_error(load, value, "\"%s\" is not a whole number of %s; use fewer decimals",
				  scn_show(value->text).text, kind->units[0].name);
			return false;
		}
		figure /= 10;
	}
	if (figure < min || figure > max) {
		scn_error(load, value, "\"%s\" is out of range; it is from %s to %s", scn_show(value->text).text,
			  show_figure(kind, min).text, show_figure(kind, max).text);
		return false;
	}
	*ret = (uint64_t)figure;
	return true;
}

static bool read_share(struct scn_load *load, const struct scn_value *map, const char *key, bool zero, double *ret)
{
	const struct scn_value *value = scn_get(map, key);
	struct scn_decimal number;
	double power = 100;

	if (!value || !scn_text(load, value))
		return false;
	if (scn_decimal(value->text, &number) < 0 || number.negative || (*number.rest && strcmp(number.rest, "%"))) {
		scn_error(load, value, "\"%s\" is not a percentage; write it as %s", scn_show(value->text).text,
			  zero ? "0.1%" : "99%");
		return false;
	}
	if (!*number.rest) {
		scn_error(load, value, "\"%s\" has no unit; write %s%%", scn_show(value->text).text,
			  scn_show(value->text).text);
		return false;
	}
	for (unsigned int i = 0; i < number.decimals; i++)
		power *= 10;
	if ((!number.digits && !zero) || number.decimals > 9 || number.digits > power) {
		scn_error(load, value, "\"%s\" is out of range; it is %s 0%% %s 100%%, with at most 9 decimals",
			  scn_show(value->text).text, zero ? "from" : "above", zero ? "to" : "and up to");
		return false;
	}
	*ret = (double)number.digits / power;
	return true;
}

bool scn_read_percent(struct scn_load *load, const struct scn_value *map, const char *key, double *ret)
{
	return read_share(load, map, key, false, ret);
}

bool scn_read_ratio(struct scn_load *load, const struct scn_value *map, const char *key, double *ret)
{
	return read_share(load, map, key, true, ret);
}
