/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_scenario_set.c - `--set`: what it reaches, what it writes, and what is refused.
 */
#include "tests/unit/check_scenario.h"

/* ---- --set ---- */

START_TEST(test_set_none)
{
	struct scenario *s = load_set(LAN "# a comment at the end", 0, NULL);

	ck_assert_str_eq(s->text, LAN "# a comment at the end");
	scenario_free(s);
}
END_TEST

START_TEST(test_sets)
{
	const char *const sets[] = {
		"links.lan.delay=1ms",
		"lan.delay=50ms",
		"h1.cpus=1.5",
		"nodes.h2={memory: 64MiB, env: {A: \"x y\"}}",
		"nodes.h5=",
		"h2.sysctls.net.ipv4.ip_forward=1",
		"links.lan.ends[1]={node: h2, ip: 10.0.0.77/24}",
		"lan.ends.2=h5",
		"steps[0]={node: h1, run: \"first\"}",
		"steps[1].node=h2",
		"steps[1].run=echo \"a: b\" # not a comment, {really}",
		"seed=42",
		"description='it''s'",
		"expect=[{step: step-1, match: \"a\\nb\\\\\\\"\"}]",
	};
	struct scenario *s = load_set(LAN, sizeof(sets) / sizeof(sets[0]), sets), *again;
	struct scenario_options options = {.default_name = "test"};

	ck_assert_uint_eq(s->links[0].delay_ns, 50000000);
	ck_assert(s->nodes[0].cpus == 1.5);
	ck_assert_uint_eq(s->nodes[1].memory_size, 64 << 20);
	ck_assert_str_eq(s->nodes[1].sysctls[0].key, "net.ipv4.ip_forward");
	ck_assert_uint_eq(s->node_count, 5);
	ck_assert_uint_eq(s->end_count, 3);
	ck_assert_str_eq(addr_text(&s->ends[1].addrs[0]), "10.0.0.77/24");
	ck_assert_str_eq(addr_text(&s->ends[2].addrs[0]), "10.0.0.3/24");
	ck_assert_str_eq(s->steps[0].run, "first");
	ck_assert_str_eq(s->steps[1].run, "echo \"a: b\" # not a comment, {really}");
	ck_assert_uint_eq(s->seed, 42);
	ck_assert_str_eq(s->description, "it's");
	ck_assert_str_eq(s->expects[0].pattern, "a\nb\\\"");
	ck_assert_uint_eq(s->links[0].pos.line, 4); /* what no --set touched keeps its place */
	again = load_with(s->text, &options);
	assert_same(s, again);
	scenario_free(again);
	scenario_free(s);
}
END_TEST

/* Texts that YAML could take for something else must come back as they were. */
START_TEST(test_set_round_trip)
{
	static const char *const texts[] = {
		"null",
		"~",
		"true",
		"- a",
		"a: b",
		"a #b",
		"#",
		"&a",
		"*a",
		"!a",
		"|",
		">",
		"%",
		"@",
		"`",
		"---",
		"...",
		"?",
		"a,b",
		"[",
		"]",
		"{",
		"}",
		"1:2",
		"=",
		"<<",
		" x ",
		"\t",
		"\n",
		"a\n\nb\n",
		"\\",
		"\"",
		"'",
		"a\rb",
		"\x01",
		"\x7f",
		"\xc2\x85",
		"\xc2\xa0",
		"\xe2\x80\xa8",
		"\xe2\x80\xa9",
		"\xef\xbb\xbf",
		"\xf0\x9f\x91\xbb",
		"ä",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct scenario_options options = {.default_name = "test"};
		struct scenario *s, *again;
		char set[256] = "nodes.h1.start=[\"", *to = set + strlen(set);

		for (const unsigned char *c = (const unsigned char *)texts[i]; *c; c++) {
			if (!strncmp((const char *)c, "\xe2\x80\xa8", 3) ||
			    !strncmp((const char *)c, "\xe2\x80\xa9", 3)) {
				to += sprintf(to, "\\u20%02x", c[2] - 0x80);
				c += 2;
			} else if (!strncmp((const char *)c, "\xef\xbb\xbf", 3)) {
				to += sprintf(to, "\\uFEFF");
				c += 2;
			} else if (*c == 0xc2 && c[1] < 0xa0) {
				to += sprintf(to, "\\x%02x", *++c);
			} else if (*c < ' ' || *c == '"' || *c == '\\' || *c == 0x7f) {
				to += sprintf(to, "\\x%02x", *c);
			} else {
				*to++ = (char)*c;
			}
		}
		strcpy(to, "\"]");
		s = load_set(LAN, 1, (const char *const[]){set});
		ck_assert_str_eq(s->nodes[0].start[0], texts[i]);
		again = load_with(s->text, &options);
		assert_same(s, again);
		scenario_free(again);
		scenario_free(s);
	}
}
END_TEST

static const struct {
	const char *set;
	const char *error;
} wrong_sets[] = {
	{"lan.delay", "there is no \"=\""},
	{"=5", "no path before"},
	{"lan..delay=5ms", "empty key"},
	{"lan.=5ms", "ends with a dot"},
	{"lan[=5ms", "\"[\" without \"]\""},
	{"lan.ends[x]=h1", "only a number"},
	{"lan.ends[]=h1", "empty key"},
	{"lan.ends[0]x=h1", "must follow"},
	{"lam.delay=5ms", "there is no key, link or node \"lam\"; did you mean \"lan\"?"},
	{"lan.dealy=5ms", "unknown key; did you mean \"delay\"?"},
	{"lan.ends[5]=h1", "is a list of 2"},
	{"lan.ends.node=h1", "is a list of 2"},
	{"lan.ends[0].mac=x", "links.lan.ends[0] is a single value"},
	{"nodes[0]=x", "nodes is a map; write .0 instead of [0]"},
	{"lan.rate=100", "--set lan.rate=100: \"100\" has no unit"},
	{"lan.ends=[h1, h9]", "links.lan.ends[1]: there is no node \"h9\""},
	{"lan={kind: csma", "this is not YAML"},
	{"lan={kind: csma, ends: [h1, h2]}", "lacks \"rate\""},
	{"description=\"\\0\"", "escaped NUL"},
	{"description=\xff", "is not UTF-8"},
	{"description=a\x02", "control character"},
	{"description=*a", NULL}, /* plain text, no alias */
	{"description=[*a]", "alias"},
	{"nodes.h1.start=[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]", "nested deeper than 16"},
	{"nodes.h1.start=[[[[[[[[[[[[[[x]]]]]]]]]]]]]]", "becomes deeper than 16"},
	{"a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q=1", "too long"},
	{"ghostbridge=2", "not a schema"},
	{"lan={rate: 1Mbps, rate: 2Mbps}", "the key stands twice; keep one"},
	{"lan.ends=[{node: h1, name: x}, {node: h1, name: x}]", "(in --set lan.ends="},
	{"description=  x  ", NULL},
	{"nodes={}", "there are no nodes"},
	{"links.x.kind=csma", "lacks \"rate\""},
	{"lan.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p=1", "too long"},
	{"seed={a: b}", "is a map; write a single value"},
	{"\tx=1", "there is no key, link or node \"?x\""},
};

START_TEST(test_wrong_set)
{
	struct scenario_options options = {.sets = &wrong_sets[_i].set, .set_count = 1};
	struct scenario_pos pos;
	const char *text;

	if (!wrong_sets[_i].error) {
		scenario_free(load_with(LAN, &options));
		return;
	}
	text = refuse_with(LAN, strlen(LAN), &options, &pos, NULL);
	ck_assert_int_eq(strncmp(text, "--set ", 6), 0);
	assert_contains(text, wrong_sets[_i].error);
	ck_assert_uint_eq(pos.line, 0);
	ck_assert_uint_eq(pos.column, 0);
}
END_TEST

/* Text as run must load again, so it has the limits of a file, and a --set has one of its own. */
START_TEST(test_set_too_large)
{
	const size_t size = SCENARIO_FILE_SIZE_MAX - 4096, set_size = 60 << 10;
	char *data = malloc(size + 1), *set = malloc(set_size + 16384);
	struct scenario_options options = {.sets = (const char *const[]){set}, .set_count = 1};

	/* \x7F takes four bytes when it is written anew */
	strcpy(data, LAN "description: \"");
	memset(data + strlen(data), 'x', size - strlen(LAN) - 17);
	memcpy(data + size - 4, "\"\n", 3);
	strcpy(set, "nodes.h1.start=[\"");
	for (size_t i = 0; i < 10000; i++)
		strcat(set + i * 4, "\\x7F");
	strcat(set, "\"]");
	assert_contains(refuse_with(data, strlen(data), &options, NULL, NULL), "with every --set it has ");
	memset(set, 'x', 65537);
	set[65537] = '\0';
	assert_contains(refuse_with(data, strlen(data), &options, NULL, NULL), "65537 bytes; at most 65536");
	free(data);
	free(set);
}
END_TEST

TCase *scenario_set_tests(void)
{
	TCase *tcase = tcase_create("set");

	tcase_add_test(tcase, test_set_none);
	tcase_add_test(tcase, test_sets);
	tcase_add_test(tcase, test_set_round_trip);
	tcase_add_test(tcase, test_set_too_large);
	tcase_add_loop_test(tcase, test_wrong_set, 0, sizeof(wrong_sets) / sizeof(wrong_sets[0]));

	return tcase;
}
