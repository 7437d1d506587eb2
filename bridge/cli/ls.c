/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ls.c - ghostbridge ls: the experiments of this host, running or left behind.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bridge/cli/cli.h"

static json_t *describe(const char *name)
{
	json_t *status, *entry;
	const char *state;

	if (!lab_is_running(name))
		return json_pack("{s:s,s:s}", "name", name, "state", "dead");
	status = client_status(name);
	state = json_string_value(json_object_get(status, "state"));
	entry = json_pack("{s:s,s:s,s:i}", "name", name, "state", state ? state : "starting", "pid",
			  (int)lab_daemon_pid(name));
	if (status) {
		json_object_set(entry, "running_s", json_object_get(status, "running_s"));
		json_object_set(entry, "run_dir", json_object_get(status, "run_dir"));
		json_object_set_new(entry, "nodes",
				    json_integer((json_int_t)json_array_size(json_object_get(status, "nodes"))));
	}
	json_decref(status);
	return entry;
}

static int ls_main(const struct verb *verb, int argc, char **argv)
{
	struct options options;
	int status = options_parse(verb, argc, argv, "j", 0, 0, &options);
	json_t *list, *entry;
	char **names;
	size_t i;

	if (status >= 0)
		return status;
	list = json_array();
	names = lab_names();
	for (i = 0; names && names[i]; i++) {
		json_array_append_new(list, describe(names[i]));
		free(names[i]);
	}
	free(names);
	if (options.json) {
		json_dumpf(list, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
		putchar('\n');
	} else if (json_array_size(list) > 0) {
		printf("%-24s %-9s %8s %6s %10s  %s\n", "NAME", "STATE", "PID", "NODES", "RUNNING", "RUN DIRECTORY");
		json_array_foreach(list, i, entry)
		{
			const char *dir = json_string_value(json_object_get(entry, "run_dir"));

			printf("%-24s %-9s %8lld %6lld %8.0f s  %s\n",
			       json_string_value(json_object_get(entry, "name")),
			       json_string_value(json_object_get(entry, "state")),
			       json_integer_value(json_object_get(entry, "pid")),
			       json_integer_value(json_object_get(entry, "nodes")),
			       json_real_value(json_object_get(entry, "running_s")), dir ? dir : "-");
		}
	}
	json_decref(list);
	return EXIT_DONE;
}

const struct verb verb_ls = {
	.name = "ls",
	.usage = "[--json]",
	.summary = "List running experiments",
	.help = "  --json  for programs\n\n"
		"One that is 'dead' was killed and left something behind; `ghostbridge down NAME` removes it.\n",
	.main = ls_main,
};
