/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pids.c - PIDs of a lab as seen from outside.
 *
 * /proc/PID/status has a line "NSpid: 4711 23 5": the process's PID in the reader's PID namespace and in every one
 * below it. A lab's processes are the daemon's descendants, since it adopts its orphans, and the daemon is PID 1 in
 * theirs.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/cli/cli.h"

#define LEVELS_MAX 32

struct process {
	pid_t pid;
	pid_t parent;
	pid_t inside; /* in the lab's PID namespace; 0: not in it */
};

struct table {
	struct process *items;
	size_t count;
};

/* Return: how many levels the NSpid line has. */
static int read_status(const char *pid, pid_t *ret_parent, pid_t levels[LEVELS_MAX])
{
	char path[64], line[512];
	int count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.20s/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "PPid: %d", ret_parent) == 1 || strncmp(line, "NSpid:", 6) != 0)
			continue;
		for (char *p = line + 6; count < LEVELS_MAX && *p && *p != '\n'; count++)
			levels[count] = (pid_t)strtol(p, &p, 10);
		break;
	}
	if (file)
		fclose(file);
	return count;
}

/* All processes that are at least as deep as the lab. */
static void read_table(int depth, struct table *ret)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	pid_t levels[LEVELS_MAX];

	while (dir && (entry = readdir(dir))) {
		struct process *grown, process = {0};

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    read_status(entry->d_name, &process.parent, levels) <= depth)
			continue;
		process.pid = levels[0];
		process.inside = levels[depth];
		grown = realloc(ret->items, (ret->count + 1) * sizeof(*grown));
		if (!grown)
			break;
		ret->items = grown;
		ret->items[ret->count++] = process;
	}
	if (dir)
		closedir(dir);
}

static const struct process *find(const struct table *table, pid_t pid)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->items[i].pid == pid)
			return &table->items[i];
	}
	return NULL;
}

static bool descends(const struct table *table, const struct process *process, pid_t ancestor)
{
	for (int i = 0; process && i < 100; i++) {
		if (process->pid == ancestor)
			return true;
		process = find(table, process->parent);
	}
	return false;
}

static json_t *outside(const struct table *table, pid_t inside, pid_t daemon)
{
	for (size_t i = 0; inside > 0 && i < table->count; i++) {
		if (table->items[i].inside == inside && descends(table, &table->items[i], daemon))
			return json_integer(table->items[i].pid);
	}
	return json_null();
}

static void translate(json_t *value, const struct table *table, pid_t daemon)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_object(value)) {
		item = json_object_get(value, "pid");
		if (json_is_integer(item))
			json_object_set_new(value, "pid", outside(table, (pid_t)json_integer_value(item), daemon));
		json_object_foreach(value, key, item) translate(item, table, daemon);
	} else {
		json_array_foreach(value, i, item) translate(item, table, daemon);
	}
}

void pids_translate(json_t *value, pid_t daemon)
{
	struct table table = {NULL, 0};
	pid_t parent, levels[LEVELS_MAX];
	char pid[16];
	int depth;

	snprintf(pid, sizeof(pid), "%d", daemon);
	depth = daemon > 0 ? read_status(pid, &parent, levels) : 0;
	if (depth > 0)
		read_table(depth - 1, &table);
	translate(value, &table, daemon);
	free(table.items);
}
