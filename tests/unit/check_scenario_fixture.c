/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_scenario_fixture.c - loading a text, being refused, and comparing what was loaded.
 */
#include "tests/unit/check_scenario.h"

struct scenario *load_with(const char *text, const struct scenario_options *options)
{
	struct scenario *scenario = NULL;
	struct scenario_errors errors;
	int err = scenario_load(text, strlen(text), options, &scenario, &errors);

	if (err)
		ck_abort_msg("refused: %d %u:%u %s\n%s", err, errors.count ? errors.items[0].pos.line : 0,
			     errors.count ? errors.items[0].pos.column : 0, errors.count ? errors.items[0].text : "",
			     text);
	return scenario;
}

struct scenario *load(const char *text)
{
	return load_with(text, NULL);
}

struct scenario *load_set(const char *text, size_t count, const char *const *sets)
{
	struct scenario_options options = {.default_name = "test", .sets = sets, .set_count = count};

	return load_with(text, &options);
}

/* The text must be refused; returns the first error's text, in a buffer that the next call overwrites. */
const char *refuse_with(const char *text, size_t size, const struct scenario_options *options,
			struct scenario_pos *ret_pos, size_t *ret_count)
{
	static char first[2048];
	struct scenario *scenario = (struct scenario *)first;
	struct scenario_errors errors;
	int err = scenario_load(text, size, options, &scenario, &errors);

	ck_assert_msg(err == -EINVAL, "loaded although wrong (%d): %.300s", err, text);
	ck_assert_ptr_eq(scenario, first); /* untouched */
	ck_assert_uint_ge(errors.count, 1);
	ck_assert_uint_le(errors.count, SCENARIO_ERRORS_MAX);
	for (size_t i = 0; i < errors.count; i++) {
		ck_assert_ptr_null(strchr(errors.items[i].text, '\n'));
		if (i > 0)
			ck_assert_uint_le(errors.items[i - 1].pos.line, errors.items[i].pos.line);
	}
	snprintf(first, sizeof(first), "%s", errors.items[0].text);
	if (ret_pos)
		*ret_pos = errors.items[0].pos;
	if (ret_count)
		*ret_count = errors.count;
	scenario_errors_done(&errors);
	ck_assert_uint_eq(errors.count, 0);
	return first;
}

const char *refuse(const char *text)
{
	return refuse_with(text, strlen(text), NULL, NULL, NULL);
}

void assert_contains(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in: %s", part, text);
}

const char *addr_text(const struct scenario_addr *addr)
{
	static char text[64];
	size_t len;

	ck_assert_ptr_nonnull(inet_ntop(addr->family, addr->bytes, text, sizeof(text)));
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len, "/%u", addr->prefix_len);
	return text;
}

char *read_file(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "rb");
	char *data = malloc(2 << 20);

	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	*ret_size = fread(data, 1, (2 << 20) - 1, file);
	data[*ret_size] = '\0';
	fclose(file);
	return data;
}

/* Everything but positions, and `text` where --set rewrote it. */
void assert_same(const struct scenario *a, const struct scenario *b)
{
	assert_str_same(a->name, b->name);
	assert_str_same(a->description, b->description);
	ck_assert_uint_eq(a->seed, b->seed);
	ck_assert_uint_eq(a->lag_ns, b->lag_ns);
	ck_assert_uint_eq(a->budget_ns, b->budget_ns);
	ck_assert(a->quantile == b->quantile && a->require_pass == b->require_pass);
	ck_assert_uint_eq(a->workers, b->workers);
	ck_assert_uint_eq(a->ghost_count, b->ghost_count);
	ck_assert_uint_eq(a->node_count, b->node_count);
	ck_assert_uint_eq(a->link_count, b->link_count);
	ck_assert_uint_eq(a->end_count, b->end_count);
	ck_assert_uint_eq(a->step_count, b->step_count);
	ck_assert_uint_eq(a->expect_count, b->expect_count);
	ck_assert_uint_eq(a->change_count, b->change_count);
	for (size_t i = 0; i < a->change_count; i++) {
		ck_assert_uint_eq(a->changes[i].at_ns, b->changes[i].at_ns);
		ck_assert_str_eq(a->changes[i].key, b->changes[i].key);
		ck_assert_str_eq(a->changes[i].text, b->changes[i].text);
	}
	for (size_t i = 0; i < a->node_count; i++) {
		const struct scenario_node *x = &a->nodes[i], *y = &b->nodes[i];

		assert_str_same(x->name, y->name);
		assert_str_same(x->rootfs, y->rootfs);
		ck_assert(x->kind == y->kind && x->attach == y->attach && x->privileged == y->privileged);
		ck_assert(x->cpus == y->cpus && x->memory_size == y->memory_size);
		ck_assert_uint_eq(x->sysctl_count, y->sysctl_count);
		ck_assert_uint_eq(x->env_count, y->env_count);
		ck_assert_uint_eq(x->start_count, y->start_count);
		for (size_t j = 0; j < x->sysctl_count; j++) {
			assert_str_same(x->sysctls[j].key, y->sysctls[j].key);
			assert_str_same(x->sysctls[j].value, y->sysctls[j].value);
		}
		for (size_t j = 0; j < x->env_count; j++) {
			assert_str_same(x->env[j].key, y->env[j].key);
			assert_str_same(x->env[j].value, y->env[j].value);
		}
		for (size_t j = 0; j < x->start_count; j++)
			assert_str_same(x->start[j], y->start[j]);
	}
	for (size_t i = 0; i < a->link_count; i++) {
		const struct scenario_link *x = &a->links[i], *y = &b->links[i];

		assert_str_same(x->name, y->name);
		ck_assert(x->kind == y->kind && x->rate_bps == y->rate_bps && x->delay_ns == y->delay_ns);
		ck_assert(x->mtu == y->mtu && x->queue_frames == y->queue_frames && x->ghost == y->ghost);
		ck_assert(x->first_end == y->first_end && x->end_count == y->end_count);
	}
	for (size_t i = 0; i < a->end_count; i++) {
		const struct scenario_end *x = &a->ends[i], *y = &b->ends[i];

		ck_assert(x->node == y->node && x->link == y->link && x->port == y->port);
		assert_str_same(x->name, y->name);
		assert_str_same(x->port_name, y->port_name);
		ck_assert(!memcmp(x->mac, y->mac, 6) && x->promiscuous == y->promiscuous);
		ck_assert_uint_eq(x->addr_count, y->addr_count);
		for (size_t j = 0; j < x->addr_count; j++)
			ck_assert(!memcmp(&x->addrs[j], &y->addrs[j], sizeof(x->addrs[j])));
	}
	for (size_t i = 0; i < a->step_count; i++) {
		const struct scenario_step *x = &a->steps[i], *y = &b->steps[i];

		assert_str_same(x->name, y->name);
		assert_str_same(x->run, y->run);
		ck_assert(x->at_ns == y->at_ns && x->node == y->node && x->background == y->background);
	}
	for (size_t i = 0; i < a->expect_count; i++) {
		const struct scenario_expect *x = &a->expects[i], *y = &b->expects[i];

		assert_str_same(x->text, y->text);
		assert_str_same(x->pattern, y->pattern);
		assert_str_same(x->path, y->path);
		assert_str_same(x->equals, y->equals);
		ck_assert(x->kind == y->kind && x->step == y->step && x->exit == y->exit);
		ck_assert(x->has_min == y->has_min && x->has_max == y->has_max && x->min == y->min && x->max == y->max);
	}
}
