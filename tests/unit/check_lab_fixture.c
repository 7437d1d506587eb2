/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_lab_fixture.c - a lab for a test, and commands in it.
 */
#include "tests/unit/check_lab.h"

struct scenario *load(const char *yaml)
{
	struct scenario_errors errors = {0};
	struct scenario *scenario = NULL;

	if (scenario_load(yaml, strlen(yaml), NULL, &scenario, &errors)) {
		for (size_t i = 0; i < errors.count; i++)
			fprintf(stderr, "%u: %s\n", errors.items[i].pos.line, errors.items[i].text);
		ck_abort_msg("the test's own scenario is wrong");
	}
	return scenario;
}

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t now_ms(void)
{
	return now_ns() / 1000000;
}

bool wait_until_up(struct lab *lab)
{
	uint64_t end_ms = now_ms() + WAIT_MS;

	while (!lab_interfaces_up(lab, NULL))
		if (now_ms() > end_ms)
			return false;
	return true;
}

int daemon_main(struct lab *lab, void *data)
{
	const struct body *body = data;
	struct diag diag = {""};
	int err = lab_build(lab, body->scenario, &diag);

	if (err) {
		fprintf(stderr, "lab_build: %s\n", diag.text);
		return 1;
	}
	if (!wait_until_up(lab)) {
		fprintf(stderr, "the interfaces do not come up\n");
		return 1;
	}
	err = body->run(lab, body->scenario);
	lab_done(lab);
	return err;
}

/* Build @yaml as experiment @name, do @run in its daemon, undo; everything must succeed and nothing remain. */
void run_lab(const char *name, const char *yaml, int (*run)(struct lab *lab, const struct scenario *scenario))
{
	struct scenario *scenario = load(yaml);
	struct body body = {.scenario = scenario, .run = run};
	struct diag diag = {""};
	int status;
	pid_t pid;

	ck_assert_msg(!lab_spawn(name, daemon_main, &body, &pid, &diag), "%s", diag.text);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(lab_reclaim(name, &diag), 1);
	ck_assert_int_eq(lab_reclaim(name, &diag), 0);
	ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "the daemon ended with status %#x", status);
	scenario_free(scenario);
}

/* Run `sh -c @command` in node @node; stdout goes to @output (NUL-terminated). Return: exit status, -1 on errors. */
int shell(struct lab *lab, uint32_t node, const char *command, char *output, size_t size)
{
	const char *const argv[] = {"sh", "-c", command, NULL};
	struct lab_exec exec = {.argv = argv};
	int out[2], null_fd, status, err;
	struct diag diag = {""};
	size_t len = 0;
	ssize_t got;
	pid_t pid;

	null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null_fd < 0 || pipe2(out, O_CLOEXEC))
		return -1;
	exec.stdio[0] = null_fd;
	exec.stdio[1] = out[1];
	exec.stdio[2] = 2;
	err = lab_exec(lab, node, &exec, &pid, &diag);
	close(out[1]);
	close(null_fd);
	if (err) {
		fprintf(stderr, "lab_exec: %s\n", diag.text);
		close(out[0]);
		return -1;
	}
	while (len + 1 < size && (got = read(out[0], output + len, size - 1 - len)) > 0)
		len += (size_t)got;
	output[len] = '\0';
	close(out[0]);
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool says(struct lab *lab, uint32_t node, const char *command, const char *expected)
{
	char output[8192];
	int status = shell(lab, node, command, output, sizeof(output));

	if (!status && !strcmp(output, expected))
		return true;
	fprintf(stderr, "`%s` ended with %d and said:\n%s\n", command, status, output);
	return false;
}

const char pair_yaml[] = "ghostbridge: 1\n"
			 "name: pair\n"
			 "nodes:\n"
			 "  h1: {attach: tap}\n"
			 "  h2: {attach: bridge}\n"
			 "links:\n"
			 "  lan: {kind: csma, rate: 100Mbps, delay: 1us, mtu: 9000, subnet: 10.0.0.0/24,\n"
			 "        ends: [h1, h2]}\n";

void append(char **text, const char *format, ...)
{
	char *line, *longer;
	va_list args;

	va_start(args, format);
	ck_assert_int_ge(vasprintf(&line, format, args), 0);
	va_end(args);
	ck_assert_int_ge(asprintf(&longer, "%s%s", *text ? *text : "", line), 0);
	free(line);
	free(*text);
	*text = longer;
}
