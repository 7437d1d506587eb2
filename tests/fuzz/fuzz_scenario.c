/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz_scenario.c - any bytes through scenario_load().
 *
 * Up to four first lines that begin with "!" are --set arguments, the rest is the file. What loads must also hold
 * together: its own text loads again to the same thing, every index is in range, every port has its end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/scenario/scenario.h"

#define SETS_MAX 4

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* Every change can be said as text, and the text says the same. */
static void check_changes(const struct scenario *scenario)
{
	char text[SCENARIO_CHANGE_TEXT_SIZE], again[SCENARIO_CHANGE_TEXT_SIZE], error[128];
	struct scenario_change change;

	for (size_t i = 0; i < scenario->change_count && i < 100; i++) {
		require(i == 0 || scenario->changes[i - 1].at_ns <= scenario->changes[i].at_ns);
		scenario_change_print(scenario, &scenario->changes[i], text, sizeof(text));
		require(scenario_change_parse(scenario, text, &change, error, sizeof(error)) == 0);
		require(change.link == scenario->changes[i].link && change.end == scenario->changes[i].end);
		scenario_change_print(scenario, &change, again, sizeof(again));
		require(!strcmp(text, again));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_errors(const struct scenario_errors *errors)
{
	require(errors->count > 0 && errors->count <= SCENARIO_ERRORS_MAX);
	for (size_t i = 0; i < errors->count; i++) {
		require(errors->items[i].text && *errors->items[i].text);
		require(!strchr(errors->items[i].text, '\n'));
		require(i == 0 || errors->items[i - 1].pos.line <= errors->items[i].pos.line);
	}
}

static void check_scenario(const struct scenario *scenario)
{
	uint32_t ports = 0, simulated = 0;

	require(scenario->name && scenario->text && scenario->seed >= 1);
	require(scenario->quantile > 0 && scenario->quantile <= 1);
	for (size_t i = 0; i < scenario->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i];
		uint32_t ghost = scenario->links[end->link].ghost;
		bool is_port = ghost != SCENARIO_NONE && scenario_node_is_real(&scenario->nodes[end->node]);

		require(end->node < scenario->node_count && end->link < scenario->link_count);
		require(end->name && end->port_name && !(end->mac[0] & 1));
		require(is_port == (end->port != SCENARIO_NONE));
		simulated += is_port;
		if (is_port)
			require(scenario_find_port(scenario, ghost, end->port) == end);
		if (i >= 200)
			break; /* scenario_find_port() looks through all ends */
	}
	for (uint32_t i = 0; i < scenario->ghost_count; i++) {
		require(scenario_port_count(scenario, i) > 0);
		ports += scenario_port_count(scenario, i);
	}
	require(ports >= simulated);
	for (size_t i = 0; i < scenario->step_count; i++)
		require(scenario->steps[i].run ? scenario->steps[i].node < scenario->node_count
					       : scenario->steps[i].link < scenario->link_count);
	for (size_t i = 0; i < scenario->expect_count; i++)
		require(scenario->expects[i].text != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scenario_options options = {.default_name = "fuzz", .workers = 3};
	const char *text = (const char *)data, *end;
	struct scenario *scenario, *again;
	const char *sets[SETS_MAX];
	char *lines[SETS_MAX] = {NULL};
	struct scenario_errors errors;
	int err;

	while (options.set_count < SETS_MAX && size > 0 && *text == '!') {
		end = memchr(text, '\n', size);
		if (!end)
			break;
		lines[options.set_count] = strndup(text + 1, (size_t)(end - text - 1));
		sets[options.set_count] = lines[options.set_count];
		options.set_count++;
		size -= (size_t)(end - text) + 1;
		text = end + 1;
	}
	options.sets = sets;
	err = scenario_load(text, size, &options, &scenario, &errors);
	if (err == -EINVAL) {
		check_errors(&errors);
		scenario_errors_done(&errors);
	} else {
		require(err == 0);
		check_scenario(scenario);
		options.set_count = 0;
		require(scenario_load(scenario->text, strlen(scenario->text), &options, &again, &errors) == 0);
		require(again->node_count == scenario->node_count && again->end_count == scenario->end_count);
		require(again->step_count == scenario->step_count && again->expect_count == scenario->expect_count);
		for (size_t i = 0; i < scenario->end_count; i++)
			require(!strcmp(again->ends[i].port_name, scenario->ends[i].port_name));
		for (size_t i = 0; i < scenario->step_count; i++)
			require(!scenario->steps[i].run ? !again->steps[i].run
							: !strcmp(again->steps[i].run, scenario->steps[i].run));
		require(again->change_count == scenario->change_count);
		check_changes(scenario);
		for (size_t i = 0; i < scenario->expect_count; i++)
			require(!strcmp(again->expects[i].text, scenario->expects[i].text));
		scenario_free(again);
		scenario_free(scenario);
	}
	for (size_t i = 0; i < SETS_MAX; i++)
		free(lines[i]);
	return 0;
}
