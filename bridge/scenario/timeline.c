/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * timeline.c - the section `timeline`: changes of links as rows, in the file itself or in a CSV file beside it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/scenario/internal.h"

#define CSV_HEADER    "time,link[.end],key,value"
#define CSV_LINE_SIZE 256
#define CSV_FIELDS    4

static const char *const row_keys[] = {"at", "link", "key", "value", NULL};
static const char *const file_keys[] = {"file", "text", NULL};

static struct scn_value *add_text(struct scn_load *load, struct scn_value *map, const char *key, const char *text,
				  size_t len)
{
	struct scn_value *child = scn_alloc(&load->tree, sizeof(*child));

	if (child)
		*child = (struct scn_value){.kind = SCN_TEXT,
					    .pos = map->pos,
					    .key_pos = map->pos,
					    .key = key,
					    .len = len,
					    .text = scn_strndup(&load->tree, text, len)};
	if (!child || !child->text) {
		load->nomem = true;
		return NULL;
	}
	scn_add_child(map, child);
	return child;
}

/* The content of the file that @value names, to be freed; NULL with an error reported or load->nomem set. */
static char *read_content(struct scn_load *load, const struct scn_value *value, size_t *ret_size)
{
	const char *name = value->text;
	char *data = NULL, source[128];
	size_t size = 0;
	bool is_text;
	int err;

	if (!load->options->read_file) {
		scn_error(load, value, "\"%s\": files cannot be read here", scn_show(name).text);
		return NULL;
	}
	err = load->options->read_file(load->options->read_file_data, name, &data, &size);
	if (err == -ENOMEM) {
		load->nomem = true;
		return NULL;
	}
	if (err < 0) {
		scn_error(load, value,
			  "cannot read \"%s\": %s; write the name of a file, from the scenario's own directory on",
			  scn_show(name).text, strerror(-err));
		return NULL;
	}
	snprintf(source, sizeof(source), "%s: ", scn_show(name).text);
	load->source = source;
	load->source_pos = value->pos;
	is_text = size <= SCENARIO_FILE_SIZE_MAX && !memchr(data, '\0', size) && scn_check_text(load, data, size);
	load->source = NULL;
	if (!is_text) {
		scn_error(load, value, "\"%s\" is not a text file of at most %u bytes", scn_show(name).text,
			  SCENARIO_FILE_SIZE_MAX);
		free(data);
		return NULL;
	}
	*ret_size = size;
	load->inlined = true;
	return data;
}

/* Turn the name of a file into its name and content. */
static const struct scn_value *take_file(struct scn_load *load, struct scn_value *value)
{
	const char *name = value->text;
	const struct scn_value *text;
	size_t name_len = value->len, size;
	char *data = read_content(load, value, &size);

	if (!data)
		return NULL;
	value->kind = SCN_MAP;
	value->text = "";
	value->len = 0;
	add_text(load, value, "file", name, name_len);
	text = load->nomem ? NULL : add_text(load, value, "text", data, size);
	free(data);
	return text;
}

const struct scn_value *scn_inline_file(struct scn_load *load, struct scn_value *value, const char **ret_name)
{
	const struct scn_value *name, *text;

	if (value->kind == SCN_TEXT) {
		text = take_file(load, value);
	} else {
		if (!scn_read_map(load, value, file_keys))
			return NULL;
		text = scn_get(value, "text");
		if (!text)
			scn_need(load, value, "text", "the file's content");
		else if (text->kind != SCN_TEXT && !scn_text(load, text))
			text = NULL;
	}
	name = value->kind == SCN_MAP ? scn_get(value, "file") : NULL;
	*ret_name = name && name->kind == SCN_TEXT ? name->text : "text";
	return text;
}

const struct scn_value *scn_inline_beside(struct scn_load *load, struct scn_value *map, const char *example,
					  const struct scn_value **ret_name)
{
	const struct scn_value *name, *text = scn_get(map, "text");
	const char *path;
	char *data;
	size_t size;

	if (!scn_read_map(load, map, file_keys) || !scn_read_text(load, map, "file", example, &path))
		return NULL;
	name = scn_get(map, "file");
	if (!scn_is_beside(path)) {
		scn_error(load, name, "\"%s\" is not a file beside the scenario; write %s", scn_show(path).text,
			  example);
		return NULL;
	}
	*ret_name = name;
	if (text) /* may be empty, as a file may */
		return text->kind == SCN_TEXT || scn_text(load, text) ? text : NULL;
	data = read_content(load, name, &size);
	text = data ? add_text(load, map, "text", data, size) : NULL;
	free(data);
	return text;
}

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	for (len = strlen(text); len && strchr(" \t\r", text[len - 1]); len--)
		text[len - 1] = '\0';
	return text;
}

/* Cut a line at its first three commas: a value may have some of its own. Return: how many fields there are. */
static unsigned int cut(char *line, char **fields)
{
	unsigned int count = 0;
	char *comma;

	for (;;) {
		fields[count++] = line;
		comma = count < CSV_FIELDS ? strchr(line, ',') : NULL;
		if (!comma)
			break;
		*comma = '\0';
		line = comma + 1;
	}
	for (unsigned int i = 0; i < count; i++)
		fields[i] = trim(fields[i]);
	return count;
}

static bool is_header(char *const *fields, unsigned int count)
{
	return count == CSV_FIELDS && !strcmp(fields[0], "time") &&
	       (!strcmp(fields[1], "link") || !strcmp(fields[1], "link[.end]")) && !strcmp(fields[2], "key") &&
	       !strcmp(fields[3], "value");
}

/* One line of the CSV file, after the header. Return: false to stop. */
static void load_csv_row(struct scn_load *load, char *const *fields)
{
	static const char *const keys[CSV_FIELDS] = {"time", "link", "key", "value"};
	struct scn_value row = {.kind = SCN_MAP, .pos = load->source_pos}, cells[CSV_FIELDS];

	for (int i = 0; i < CSV_FIELDS; i++) {
		cells[i] = (struct scn_value){.kind = fields[i][0] ? SCN_TEXT : SCN_NULL,
					      .plain = true,
					      .pos = load->source_pos,
					      .key = keys[i],
					      .text = fields[i],
					      .len = strlen(fields[i])};
		scn_add_child(&row, &cells[i]);
	}
	scn_load_row(load, &row, "time");
}

static void load_csv(struct scn_load *load, const struct scn_value *value, const struct scn_value *text,
		     const char *name)
{
	const char *at = text->text, *newline;
	char line[CSV_LINE_SIZE], source[128], *fields[CSV_FIELDS], *start;
	unsigned int number = 0, count;
	bool header = false;
	size_t len;

	load->source = source;
	load->source_pos = value->pos;
	for (; *at && !load->nomem && load->reported < SCN_REPORTED_MAX; at = newline ? newline + 1 : at + len) {
		newline = strchr(at, '\n');
		len = newline ? (size_t)(newline - at) : strlen(at);
		number++;
		snprintf(source, sizeof(source), "%s:%u: ", scn_show(name).text, number);
		if (len >= sizeof(line)) {
			scn_error_at(load, value->pos, "a line of %zu bytes; at most %zu are allowed", len,
				     sizeof(line) - 1);
			continue;
		}
		memcpy(line, at, len);
		line[len] = '\0';
		start = trim(line);
		if (!*start || *start == '#')
			continue;
		count = cut(start, fields);
		if (!header) {
			header = true;
			if (is_header(fields, count))
				continue;
			scn_error_at(load, value->pos, "the first line is not the header; write " CSV_HEADER);
			break;
		}
		if (count < CSV_FIELDS)
			scn_error_at(load, value->pos, "%u field%s; write %d with commas between them, " CSV_HEADER,
				     count, count == 1 ? "" : "s", CSV_FIELDS);
		else
			load_csv_row(load, fields);
	}
	if (!header) {
		snprintf(source, sizeof(source), "%s: ", scn_show(name).text);
		scn_error_at(load, value->pos, "is empty; begin with the header " CSV_HEADER);
	}
	load->source = NULL;
}

void scn_load_timeline(struct scn_load *load)
{
	struct scn_value *timeline = scn_get(load->root, "timeline"), *row;
	const struct scn_value *text;
	const char *name;

	if (!timeline || timeline->kind == SCN_NULL)
		return;
	if (timeline->kind != SCN_LIST) {
		text = scn_inline_file(load, timeline, &name);
		if (text)
			load_csv(load, timeline, text, name);
		return;
	}
	for (row = timeline->first; row && !load->nomem; row = row->next) {
		if (row->kind != SCN_MAP)
			scn_error(load, row, "is not a row; write {at: 2s, link: lan, key: delay, value: 50ms}");
		else if (scn_read_map(load, row, row_keys))
			scn_load_row(load, row, "at");
	}
}
