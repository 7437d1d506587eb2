/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * set.c - ghostbridge set: change a link of a running experiment.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bridge/cli/cli.h"

#define ANSWER_TIMEOUT_MS 10000

/* ["lan delay=50ms", ...], or NULL after saying which argument is no KEY=VALUE. */
static json_t *make_texts(const struct options *options)
{
	json_t *texts = json_array();

	for (int i = 2; i < options->arg_count; i++) {
		const char *equal = strchr(options->args[i], '=');

		if (!equal || equal == options->args[i] || !equal[1]) {
			cli_error(EXIT_USAGE, "set: '%s' is not KEY=VALUE, as in delay=50ms", options->args[i]);
			json_decref(texts);
			return NULL;
		}
		json_array_append_new(texts, json_sprintf("%s %s", options->args[1], options->args[i]));
	}
	return texts;
}

static void show(json_t *answer)
{
	json_t *change;
	size_t i;

	json_array_foreach(json_object_get(answer, "changes"), i, change)
	{
		const char *end = json_string_value(json_object_get(change, "end"));

		printf("%s%s%s %s=%s at %.9f s\n", json_string_value(json_object_get(change, "link")), end ? "." : "",
		       end ? end : "", json_string_value(json_object_get(change, "key")),
		       json_string_value(json_object_get(change, "value")),
		       json_number_value(json_object_get(change, "at_s")));
	}
}

static int set_main(const struct verb *verb, int argc, char **argv)
{
	struct options options;
	int status = options_parse(verb, argc, argv, "j", 3, -1, &options), fd;
	json_t *texts, *answer;

	if (status >= 0)
		return status;
	texts = make_texts(&options);
	if (!texts)
		return EXIT_USAGE;
	fd = client_connect(options.args[0]);
	if (fd < 0) {
		json_decref(texts);
		return -fd;
	}
	if (client_send(fd, json_pack("{s:s,s:o}", "verb", "set", "changes", texts), NULL) < 0) {
		close(fd);
		return cli_error(EXIT_HOST, "experiment '%s' does not take requests", options.args[0]);
	}
	errno = 0;
	answer = client_receive(fd, ANSWER_TIMEOUT_MS);
	close(fd);
	if (!answer)
		return cli_error(EXIT_HOST, "experiment '%s' did not say that the change has been made",
				 options.args[0]);
	status = client_answer_exit(answer);
	if (status == EXIT_DONE && options.json) {
		json_dumpf(json_object_get(answer, "changes"), stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
		putchar('\n');
	} else if (status == EXIT_DONE) {
		show(answer);
	}
	json_decref(answer);
	return status < 0 ? EXIT_HOST : status;
}

const struct verb verb_set = {
	.name = "set",
	.usage = "NAME LINK KEY=VALUE... [--json]",
	.summary = "Change a link of a running experiment",
	.help = "LINK is a link of the scenario, or one of its ends: lan.h1, lan.h1.eth0. Keys and values are those "
		"of\n"
		"the scenario file, as far as they can change: rate, delay and queue of a csma link; state=down cuts "
		"a\n"
		"link or an end off, state=up joins it again. All of the changes are made at one simulated time, "
		"which\n"
		"is printed; or none of them.\n\n"
		"  --json  for programs\n",
	.main = set_main,
};
