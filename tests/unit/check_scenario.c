/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_scenario.c - the scenario language: defaults, islands, switches, and every file there is.
 */
#include "tests/unit/check_scenario.h"

#include <dirent.h>

#include "bridge/scenario/switch.h"

/* ---- defaults ---- */

START_TEST(test_defaults)
{
	struct scenario *s = load(LAN "steps: [{node: h1, run: 'true'}]\n");

	ck_assert_str_eq(s->name, "scenario");
	ck_assert_ptr_null(s->description);
	ck_assert_uint_eq(s->seed, 1);
	ck_assert_uint_eq(s->lag_ns, 0);
	ck_assert_uint_eq(s->budget_ns, 1000000);
	ck_assert(s->quantile == 0.99);
	ck_assert(!s->require_pass);
	ck_assert_uint_eq(s->workers, 0);
	ck_assert_uint_eq(s->ghost_count, 1);
	ck_assert_uint_eq(s->node_count, 4);
	ck_assert_int_eq(s->nodes[0].kind, SCENARIO_NODE_CONTAINER);
	ck_assert_int_eq(s->nodes[0].attach, SCENARIO_ATTACH_BRIDGE);
	ck_assert_ptr_null(s->nodes[0].rootfs);
	ck_assert(!s->nodes[0].privileged);
	ck_assert(s->nodes[0].cpus == 0);
	ck_assert_uint_eq(s->nodes[0].memory_size, 0);
	ck_assert_uint_eq(s->nodes[0].sysctl_count + s->nodes[0].env_count + s->nodes[0].start_count, 0);
	ck_assert_uint_eq(s->links[0].delay_ns, 0);
	ck_assert_uint_eq(s->links[0].mtu, 1500);
	ck_assert_uint_eq(s->links[0].queue_frames, 100);
	ck_assert(!s->ends[0].promiscuous);
	ck_assert_str_eq(s->steps[0].name, "step-1");
	ck_assert_uint_eq(s->steps[0].at_ns, 0);
	ck_assert(!s->steps[0].background);
	scenario_free(s);
}
END_TEST

START_TEST(test_everything)
{
	size_t size;
	char *text = read_file(GOOD_DIR "/everything.yaml", &size);
	struct scenario *s = load(text);

	ck_assert_str_eq(s->name, "everything");
	ck_assert_str_eq(s->description, "every key there is");
	ck_assert_uint_eq(s->seed, 7);
	ck_assert_uint_eq(s->lag_ns, 1500000);
	ck_assert_uint_eq(s->budget_ns, 500000);
	ck_assert(s->quantile == 0.999);
	ck_assert(s->require_pass);
	ck_assert_uint_eq(s->workers, 3);
	ck_assert_int_eq(s->nodes[0].attach, SCENARIO_ATTACH_TAP);
	ck_assert(s->nodes[0].privileged);
	ck_assert(s->nodes[0].cpus == 0.5);
	ck_assert_uint_eq(s->nodes[0].memory_size, 64 << 20);
	ck_assert_str_eq(s->nodes[1].rootfs, "/srv/root");
	ck_assert_uint_eq(s->nodes[1].sysctl_count, 2);
	ck_assert_str_eq(s->nodes[1].sysctls[0].key, "net.ipv4.ip_forward");
	ck_assert_str_eq(s->nodes[1].sysctls[0].value, "1");
	ck_assert_uint_eq(s->nodes[1].env_count, 2);
	ck_assert_str_eq(s->nodes[1].env[1].value, "");
	ck_assert_uint_eq(s->nodes[1].start_count, 2);
	ck_assert_uint_eq(s->links[0].rate_bps, 1500000);
	ck_assert_uint_eq(s->links[0].mtu, 9000);
	ck_assert_int_eq(s->links[1].kind, SCENARIO_LINK_WIRE);
	ck_assert_uint_eq(s->links[1].rate_bps, 0);
	ck_assert_uint_eq(s->links[1].ghost, SCENARIO_NONE);
	ck_assert_uint_eq(s->ends[s->links[1].first_end].port, SCENARIO_NONE);
	ck_assert(s->ends[1].promiscuous);
	ck_assert(s->steps[0].background);
	ck_assert_uint_eq(s->steps[1].at_ns, UINT64_C(60000000000));
	ck_assert_int_eq(s->expects[0].exit, 255);
	ck_assert_str_eq(s->expects[0].text, "srv: exit 255");
	ck_assert_int_eq(s->expects[1].kind, SCENARIO_EXPECT_MATCH);
	ck_assert_int_eq(s->expects[2].kind, SCENARIO_EXPECT_NO_MATCH);
	ck_assert_int_eq(s->expects[3].kind, SCENARIO_EXPECT_JSON);
	ck_assert(s->expects[3].has_min && s->expects[3].has_max);
	ck_assert(s->expects[3].min == 1000 && s->expects[3].max == 2000.5);
	ck_assert_str_eq(s->expects[4].equals, "x");
	ck_assert_int_eq(s->expects[5].kind, SCENARIO_EXPECT_REPORT);
	ck_assert_uint_eq(s->expects[5].step, SCENARIO_NONE);
	ck_assert(s->expects[5].max == -5 && !s->expects[5].has_min);
	ck_assert_str_eq(s->text, text);
	scenario_free(s);
	free(text);
}
END_TEST

START_TEST(test_default_name)
{
	struct scenario_options options = {.default_name = "my-lab"};
	struct scenario *s = load_with(LAN, &options);

	ck_assert_str_eq(s->name, "my-lab");
	scenario_free(s);
	options.default_name = "My Lab";
	assert_contains(refuse_with(LAN, strlen(LAN), &options, NULL, NULL), "lacks \"name\"");
	s = load_with("name: given\n" LAN, &options);
	ck_assert_str_eq(s->name, "given");
	scenario_free(s);
}
END_TEST

/* ---- islands ---- */

#define CSMA(name, ends) "  " name ": {kind: csma, rate: 1Mbps, ends: [" ends "]}\n"
#define ISLANDS                                                                                                        \
	NODES "links:\n" CSMA("a", "h1, h2")                                                                           \
		CSMA("b", "h1, h2, h3, h4") "  w: {kind: wire, ends: [h1, h2]}\n" CSMA("c", "h2, h3, h4")              \
			CSMA("d", "h1, h3")

static struct scenario *pack(const char *text, uint32_t workers)
{
	struct scenario_options options = {.workers = workers};

	return load_with(text, &options);
}

START_TEST(test_islands)
{
	struct scenario *s = pack(ISLANDS, 0);

	ck_assert_uint_eq(s->ghost_count, 1);
	ck_assert_uint_eq(scenario_port_count(s, 0), 11);
	ck_assert_uint_eq(s->ends[s->links[1].first_end].port, 2);
	ck_assert_uint_eq(s->ends[s->links[3].first_end].port, 6);
	scenario_free(s);

	/* heaviest first: b(4) | c(3), a(2) -> with c, d(2) -> with b; ghost 0 is the one of link a */
	s = pack(ISLANDS, 2);
	ck_assert_uint_eq(s->ghost_count, 2);
	ck_assert_uint_eq(s->links[0].ghost, 0);
	ck_assert_uint_eq(s->links[1].ghost, 1);
	ck_assert_uint_eq(s->links[2].ghost, SCENARIO_NONE);
	ck_assert_uint_eq(s->links[3].ghost, 0);
	ck_assert_uint_eq(s->links[4].ghost, 1);
	ck_assert_uint_eq(scenario_port_count(s, 0), 5);
	ck_assert_uint_eq(scenario_port_count(s, 1), 6);
	ck_assert_uint_eq(s->ends[s->links[3].first_end].port, 2);
	ck_assert_uint_eq(s->ends[s->links[4].first_end].port, 4);
	for (uint32_t ghost = 0; ghost < 2; ghost++)
		for (uint32_t port = 0; port < scenario_port_count(s, ghost); port++)
			ck_assert_uint_eq(scenario_find_port(s, ghost, port)->port, port);
	scenario_free(s);

	/* never more ghosts than islands */
	s = pack(ISLANDS, 1000);
	ck_assert_uint_eq(s->ghost_count, 4);
	for (uint32_t i = 0, ghost = 0; i < s->link_count; i++)
		if (s->links[i].kind == SCENARIO_LINK_CSMA)
			ck_assert_uint_eq(s->links[i].ghost, ghost++);
	scenario_free(s);

	/* the file decides, if it says */
	s = pack(ISLANDS "workers: 3\n", 1);
	ck_assert_uint_eq(s->ghost_count, 3);
	ck_assert_uint_eq(s->workers, 3);
	scenario_free(s);

	s = pack(NODES "links: {w: {kind: wire, ends: [h1, h2]}}\n", 8);
	ck_assert_uint_eq(s->ghost_count, 0);
	scenario_free(s);
}
END_TEST

/* ---- files ---- */

/* Files that a scenario names, beside it; @context is its path. */
static int read_beside(void *context, const char *name, char **ret, size_t *ret_size)
{
	const char *path = context, *slash = strrchr(path, '/');
	char file[512];

	snprintf(file, sizeof(file), "%.*s/%s", (int)(slash - path), path, name);
	*ret = read_file(file, ret_size);
	return 0;
}

static void check_good(const char *path)
{
	struct scenario_options options = {
		.default_name = "test", .workers = 2, .read_file = read_beside, .read_file_data = (void *)path};
	const char *const sets[] = {"seed=3"};
	struct scenario_errors errors;
	struct scenario *s, *again;
	size_t size;
	char *text = read_file(path, &size);

	if (scenario_load(text, size, &options, &s, &errors))
		ck_abort_msg("%s:%u:%u: %s", path, errors.items[0].pos.line, errors.items[0].pos.column,
			     errors.items[0].text);
	/* A trace's content takes its name's place. */
	if (!strstr(text, "trace: ") && !strstr(text, "timeline: ") && !strstr(text, "{file: ")) {
		ck_assert_uint_eq(strlen(s->text), size);
		ck_assert(!memcmp(s->text, text, size));
	}
	options.read_file = NULL;
	again = load_with(s->text, &options);
	assert_same(s, again);
	scenario_free(again);
	scenario_free(s);
	options.sets = sets;
	options.set_count = 1;
	options.read_file = read_beside;
	s = load_with(text, &options);
	options.set_count = 0;
	options.read_file = NULL;
	again = load_with(s->text, &options);
	ck_assert_uint_eq(again->seed, 3);
	assert_same(s, again);
	scenario_free(again);
	scenario_free(s);
	free(text);
}

static int for_each_yaml(const char *dir, void (*check)(const char *path))
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	char path[512];
	int count = 0;

	ck_assert_msg(stream != NULL, "%s: %s (run me in tests/unit)", dir, strerror(errno));
	while ((entry = readdir(stream))) {
		if (!strstr(entry->d_name, ".yaml"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		check(path);
		count++;
	}
	closedir(stream);
	return count;
}

/* Simulated nodes: what of them is written down, which links they join, where their counters are. */
START_TEST(test_simulated)
{
	struct scenario_options options = {.workers = 4};
	const struct scenario_node *r1, *r2;
	const struct scenario_app *app;
	struct scenario *s;
	size_t size;
	char *text = read_file(GOOD_DIR "/simulated.yaml", &size);

	s = load_with(text, &options);
	ck_assert_int_eq(s->nodes[0].route_count, 2);
	ck_assert_int_eq(s->nodes[0].routes[0].to.prefix_len, 0);
	ck_assert_int_eq(s->nodes[0].routes[0].via.bytes[3], 2);
	ck_assert_int_eq(s->nodes[0].routes[1].to.family, AF_INET6);
	r1 = &s->nodes[scenario_find_node(s, "r1")];
	ck_assert(!scenario_node_is_real(r1));
	ck_assert_int_eq(r1->routing, SCENARIO_ROUTING_OLSR);
	ck_assert_str_eq(s->ends[r1->routes[0].end].port_name, "r1.eth1");
	r2 = &s->nodes[scenario_find_node(s, "r2")];
	ck_assert_int_eq(r2->app_count, 3);
	ck_assert(r2->apps[0].tcp);
	app = &r2->apps[1];
	ck_assert_int_eq(app->kind, SCENARIO_APP_ON_OFF);
	ck_assert(!app->tcp);
	ck_assert_uint_eq(app->rate_bps, 2000000);
	ck_assert_uint_eq(app->packet_size, 500);
	ck_assert_int_eq(app->on.kind, SCENARIO_DIST_EXPONENTIAL);
	ck_assert_uint_eq(app->on.a_ns, 250000000);
	ck_assert_int_eq(app->off.kind, SCENARIO_DIST_UNIFORM);
	ck_assert_uint_eq(app->off.b_ns, 20000000);
	ck_assert_uint_eq(app->stop_ns, UINT64_C(3000000000));
	ck_assert_int_eq(app->to.bytes[2], 1); /* 10.0.1.1 */
	ck_assert_int_eq(r2->apps[2].to.family, AF_INET6);
	ck_assert_uint_eq(r2->apps[2].packet_count, 0);
	/* Three links meet in r1 and s1; the fourth is between containers only. */
	ck_assert_uint_eq(s->ghost_count, 2);
	ck_assert_uint_eq(s->links[0].ghost, s->links[2].ghost);
	ck_assert_uint_ne(s->links[0].ghost, s->links[3].ghost);
	ck_assert_uint_eq(scenario_port_count(s, s->links[0].ghost), 2);
	ck_assert_uint_eq(scenario_inner_count(s, s->links[0].ghost), 5 + 3); /* ends, applications */
	for (size_t i = 0; i < s->end_count; i++) {
		const struct scenario_end *end = &s->ends[i];
		bool real = scenario_node_is_real(&s->nodes[end->node]);

		ck_assert_int_eq(end->port != SCENARIO_NONE, real);
		ck_assert(real ? end->stats == end->port : end->stats >= 2 && end->stats < 7);
		if (!strcmp(s->nodes[end->node].name, "s1"))
			ck_assert_uint_eq(end->addr_count, 0);
	}
	scenario_free(s);
	free(text);
}
END_TEST

START_TEST(test_good_files)
{
	ck_assert_int_ge(for_each_yaml(GOOD_DIR, check_good), 6);
	ck_assert_int_ge(for_each_yaml("../../scenarios", check_good), 1);
}
END_TEST

/* The first line says what must come out: "# expect: LINE:COLUMN: part of the text". One mistake, one error. */
static void check_bad(const char *path)
{
	struct scenario_options options = {.default_name = "bad"};
	struct scenario_pos want, pos;
	char part[256];
	const char *error;
	size_t size, count;
	char *text = read_file(path, &size);

	ck_assert_msg(sscanf(text, "# expect: %u:%u: %255[^\n]", &want.line, &want.column, part) == 3, "%s: first line",
		      path);
	error = refuse_with(text, size, &options, &pos, &count);
	ck_assert_msg(strstr(error, part) && pos.line == want.line && pos.column == want.column && count == 1,
		      "%s: got %u:%u: %s (%zu errors)", path, pos.line, pos.column, error, count);
	free(text);
}

START_TEST(test_bad_files)
{
	ck_assert_int_ge(for_each_yaml(BAD_DIR, check_bad), 150);
}
END_TEST

static char *read_good(const char *name)
{
	static char text[8192];
	char path[256];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), GOOD_DIR "/%s", name);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	size = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[size] = '\0';
	return text;
}

static int read_flows(void *context, const char *name, char **ret, size_t *ret_size)
{
	(void)context;
	ck_assert_str_eq(name, "my.flows");
	*ret = strdup("# both ways\r\nin_port=1,actions=output:2\r\n\n  in_port=2,actions=drop # not yet\n");
	ck_assert_ptr_nonnull(*ret);
	*ret_size = strlen(*ret);
	return 0;
}

START_TEST(test_switches)
{
	struct scenario *scenario = load(read_good("switches.yaml"));
	const struct scenario_node *s1 = &scenario->nodes[scenario_find_node(scenario, "s1")];
	const struct scenario_switch *sw = s1->sw;

	ck_assert(scenario_node_is_switch(s1) && scenario_node_is_real(s1) && !scenario_node_is_container(s1));
	ck_assert_ptr_null(scenario->nodes[0].sw);
	ck_assert_uint_eq(sw->dpid, 0xa1);
	ck_assert_uint_eq(sw->protocols, 1u << 0 | 1u << 3);
	ck_assert(sw->is_secure && !sw->stp && !sw->rstp);
	ck_assert_uint_eq(sw->addr_count, 1);
	ck_assert_uint_eq(sw->controller_count, 4);
	ck_assert_int_eq(sw->controllers[0].kind, SCENARIO_CONTROLLER_LEARNING);
	ck_assert_str_eq(sw->controllers[1].target, "tcp:10.0.0.9:6653");
	ck_assert_str_eq(sw->controllers[2].target, "ssl:10.0.0.9:7000");
	ck_assert_int_eq(sw->controllers[3].kind, SCENARIO_CONTROLLER_APP);
	ck_assert_str_eq(sw->controllers[3].target, "gate.py");
	ck_assert_uint_eq(sw->meters.count, 1);
	ck_assert_uint_eq(sw->groups.count, 1);
	ck_assert_uint_eq(sw->configure.count, 1);
	/* comments and empty lines say nothing, the others know where they stand */
	ck_assert_uint_eq(sw->flows.count, 2);
	ck_assert_str_eq(sw->flows.items[0].text, "in_port=1,actions=output:2");
	ck_assert_uint_eq(sw->flows.items[0].pos.line, 17);
	ck_assert_str_eq(sw->flows.items[1].text, "in_port=2,actions=output:1");
	ck_assert_uint_eq(sw->flows.items[1].pos.line, 19);
	scenario_free(scenario);
}
END_TEST

/* A table from a file: the lines know their file, and what is written down needs none. */
START_TEST(test_switch_files)
{
	static const char text[] = "ghostbridge: 1\nnodes:\n  s1:\n    kind: switch\n    flows: {file: my.flows}\n"
				   "    meters: {file: none.meters, text: \"\"}\n";
	struct scenario_options options = {.workers = 1, .read_file = read_flows};
	const struct scenario_switch *sw;
	struct scenario *s = load_with(text, &options), *again;

	options.read_file = NULL;
	again = load_with(s->text, &options);
	for (int i = 0; i < 2; i++) {
		sw = (i ? again : s)->nodes[0].sw;
		ck_assert_uint_eq(sw->flows.count, 2);
		ck_assert_str_eq(sw->flows.items[0].text, "in_port=1,actions=output:2");
		ck_assert_str_eq(sw->flows.items[0].source, "my.flows:2: ");
		ck_assert_str_eq(sw->flows.items[1].text, "in_port=2,actions=drop");
		ck_assert_str_eq(sw->flows.items[1].source, "my.flows:4: ");
		ck_assert_uint_eq(sw->meters.count, 0);
	}
	ck_assert_uint_eq(s->nodes[0].sw->flows.items[1].pos.line, 5);
	ck_assert_uint_eq(s->nodes[0].sw->flows.items[1].pos.column, 19);
	scenario_free(again);
	scenario_free(s);
}
END_TEST

START_TEST(test_switch_warning)
{
	static const struct {
		const char *keys;
		const char *word; /* NULL: no warning */
	} cases[] = {{"controller: learning, flows: 'actions=NORMAL'", "flows"},
		     {"controller: learning, groups: 'group_id=1,type=all'", "groups"},
		     {"controller: learning, meters: 'meter=1,kbps,band=type=drop,rate=1'", "meters"},
		     {"controller: learning, flows: 'actions=NORMAL', fail-mode: secure", NULL},
		     {"controller: learning", NULL},
		     {"flows: 'actions=NORMAL'", NULL}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scenario_errors warnings;
		struct scenario *scenario;
		char text[256];

		snprintf(text, sizeof(text), "ghostbridge: 1\nnodes:\n  s1: {kind: switch, %s}\n", cases[i].keys);
		scenario = load(text);
		ck_assert_uint_eq(scenario_warnings(scenario, &warnings), cases[i].word != NULL);
		if (cases[i].word) {
			snprintf(text, sizeof(text), "nodes.s1: %s beside a controller", cases[i].word);
			ck_assert(!strncmp(warnings.items[0].text, text, strlen(text)));
			ck_assert_ptr_nonnull(strstr(warnings.items[0].text, "; write fail-mode: secure"));
			ck_assert_uint_eq(warnings.items[0].pos.line, 3);
			ck_assert_uint_eq(warnings.items[0].pos.column, 34);
		}
		scenario_errors_done(&warnings);
		scenario_free(scenario);
	}
}
END_TEST

START_TEST(test_switch_ports)
{
	static const struct {
		const char *name;
		uint32_t number;
	} expected[] = {{"s1.eth1", 1}, {"s1.eth2", 2}, {"s2.eth1", 2}, {"s3.eth1", 1},
			{"s2.eth2", 1}, {"s3.up", 9},   {"s2.mgmt", 0}};
	struct scenario *scenario = load(read_good("switches.yaml"));
	size_t found = 0;

	for (size_t i = 0; i < scenario->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i];

		if (!end->port_of)
			continue;
		ck_assert_uint_lt(found, sizeof(expected) / sizeof(*expected));
		ck_assert_str_eq(end->port_name, expected[found].name);
		ck_assert_uint_eq(end->port_of->number, expected[found].number);
		ck_assert_int_eq(end->promiscuous, !end->port_of->management);
		/* a port has no address, but it counts: h1 is the second end */
		ck_assert_uint_eq(end->addr_count, end->port_of->management);
		found++;
	}
	ck_assert_uint_eq(found, sizeof(expected) / sizeof(*expected));
	ck_assert_uint_eq(scenario->ends[1].addrs[0].bytes[3], 2);
	ck_assert_uint_eq(scenario->ends[2].port_of->tag, 100);
	ck_assert_uint_eq(scenario->ends[3].port_of->trunk_count, 3);
	ck_assert_uint_eq(scenario->ends[3].port_of->trunks[2], 4094);
	ck_assert_uint_eq(scenario->ends[2].port_of->limit_bps, 0);
	ck_assert_uint_eq(scenario->ends[3].port_of->limit_bps, 1500000);
	ck_assert_uint_eq(scenario->ends[3].port_of->limit_pos.line, 26);
	scenario_free(scenario);
}
END_TEST

static Suite *scenario_suite(void)
{
	Suite *suite = suite_create("scenario");
	TCase *tcase;

	tcase = tcase_create("defaults");
	tcase_add_test(tcase, test_defaults);
	tcase_add_test(tcase, test_everything);
	tcase_add_test(tcase, test_default_name);
	suite_add_tcase(suite, tcase);

	suite_add_tcase(suite, scenario_units_tests());
	suite_add_tcase(suite, scenario_ends_tests());

	tcase = tcase_create("switches");
	tcase_add_test(tcase, test_switches);
	tcase_add_test(tcase, test_switch_files);
	tcase_add_test(tcase, test_switch_warning);
	tcase_add_test(tcase, test_switch_ports);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("islands");
	tcase_add_test(tcase, test_islands);
	suite_add_tcase(suite, tcase);

	suite_add_tcase(suite, scenario_set_tests());
	suite_add_tcase(suite, scenario_lag_tests());

	tcase = tcase_create("files");
	tcase_add_test(tcase, test_simulated);
	tcase_add_test(tcase, test_good_files);
	tcase_add_test(tcase, test_bad_files);
	suite_add_tcase(suite, tcase);

	suite_add_tcase(suite, scenario_hostile_tests());
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(scenario_suite());
	int failed;

	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
