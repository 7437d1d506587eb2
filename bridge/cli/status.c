/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * status.c - ghostbridge status: what a running experiment consists of and how it does.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bridge/cli/cli.h"

static json_t *at(json_t *object, const char *key)
{
	return json_object_get(object, key);
}

static const char *text(json_t *object, const char *key)
{
	const char *value = json_string_value(at(object, key));

	return value ? value : "";
}

static long long integer(json_t *object, const char *key)
{
	return (long long)json_integer_value(at(object, key));
}

static long long drops(json_t *direction)
{
	const char *cause;
	json_t *count;
	long long sum = 0;

	json_object_foreach(at(direction, "drops"), cause, count)
	{
		/* What is under way right now is not lost. */
		if (strcmp(cause, "in-flight") != 0)
			sum += (long long)json_integer_value(count);
	}
	return sum;
}

static void show_nodes(json_t *status)
{
	json_t *node, *interface, *address;
	size_t i, j, k;

	json_array_foreach(at(status, "nodes"), i, node)
	{
		if (json_is_true(at(node, "running")))
			printf("node %s: %s, PID %lld\n", text(node, "name"), text(node, "kind"), integer(node, "pid"));
		else
			printf("node %s: %s, not running\n", text(node, "name"), text(node, "kind"));
		json_array_foreach(at(node, "interfaces"), j, interface)
		{
			printf("  %-8s on %s  %s  mtu %lld", text(interface, "name"), text(interface, "link"),
			       text(interface, "mac"), integer(interface, "mtu"));
			json_array_foreach(at(interface, "addresses"), k, address)
				printf("  %s", json_string_value(address));
			putchar('\n');
		}
	}
}

static void show_processes(json_t *status)
{
	json_t *entry;
	size_t i;

	json_array_foreach(at(status, "ghosts"), i, entry)
	{
		json_t *ghost = at(entry, "simulator"), *shuttle = at(entry, "shuttle");

		printf("ghost %lld: %s, PID %lld, simulated %.3f s, behind %.1f us; shuttle %s, PID %lld\n",
		       integer(entry, "ghost"), text(ghost, "state"), integer(ghost, "pid"),
		       json_real_value(at(entry, "sim_s")), json_real_value(at(entry, "behind_us")),
		       text(shuttle, "state"), integer(shuttle, "pid"));
	}
	json_array_foreach(at(status, "switching"), i, entry)
		printf("%s: PID %lld, restarted %lld times\n", text(entry, "name"), integer(entry, "pid"),
		       integer(entry, "restarts"));
	json_array_foreach(at(status, "commands"), i, entry)
	{
		printf("%s %s%s%s: %s", text(entry, "kind"), text(entry, "name"), at(entry, "node") ? " on " : "",
		       text(entry, "node"), at(entry, "state") ? text(entry, "state") : "running");
		if (integer(entry, "pid"))
			printf(", PID %lld", integer(entry, "pid"));
		putchar('\n');
	}
}

static void show(json_t *status)
{
	json_t *incident, *limit, *port, *fidelity = at(status, "fidelity");
	size_t i;

	printf("%s: %s for %.1f s, daemon PID %lld\n", text(status, "name"), text(status, "state"),
	       json_real_value(at(status, "running_s")), integer(status, "pid"));
	printf("scenario %s, run directory %s\n", text(status, "scenario"), text(status, "run_dir"));
	show_nodes(status);
	show_processes(status);
	json_array_foreach(at(status, "rate_limits"), i, limit)
		printf("port %s: %lld kbit/s by %s: %s\n", text(limit, "port"), integer(limit, "rate_bps") / 1000,
		       text(limit, "by"), text(limit, "why"));
	json_array_foreach(at(status, "incidents"), i, incident)
		printf("at %.3f s: %s\n", json_number_value(at(incident, "at_s")), text(incident, "what"));
	json_array_foreach(at(status, "ports"), i, port)
		printf("port %-12s up %lld frames, %lld dropped; down %lld frames, %lld dropped; late p99 %.1f us\n",
		       text(port, "port"), integer(at(port, "up"), "frames"), drops(at(port, "up")),
		       integer(at(port, "down"), "frames"), drops(at(port, "down")),
		       json_number_value(at(at(port, "late_us"), "p99")));
	if (fidelity)
		printf("fidelity so far: %s, late p99 %.1f us, max %.1f us (budget %.0f us)\n",
		       text(fidelity, "verdict"), json_number_value(at(at(fidelity, "late_us"), "p99")),
		       json_number_value(at(at(fidelity, "late_us"), "max")),
		       json_number_value(at(fidelity, "budget_us")));
}

static int status_main(const struct verb *verb, int argc, char **argv)
{
	struct options options;
	int status = options_parse(verb, argc, argv, "j", 1, 1, &options);
	json_t *answer;
	int fd;

	if (status >= 0)
		return status;
	/* For the message when there is nobody. */
	fd = client_connect(options.args[0]);
	if (fd < 0)
		return -fd;
	close(fd);
	answer = client_status(options.args[0]);
	if (!answer)
		return cli_error(EXIT_HOST, "experiment '%s' did not answer", options.args[0]);
	if (options.json) {
		json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
		putchar('\n');
	} else {
		show(answer);
	}
	json_decref(answer);
	return EXIT_DONE;
}

const struct verb verb_status = {
	.name = "status",
	.usage = "NAME [--json]",
	.summary = "Show nodes, processes, counters and fidelity of a running experiment",
	.help = "  --json  for programs\n\n"
		"PIDs are those of this shell's PID namespace.\n",
	.main = status_main,
};
