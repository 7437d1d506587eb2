/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_lab_undo.c - several labs at once, and the end of each, however it comes.
 */
#include "tests/unit/check_lab.h"

#define KILL_ROUNDS 25

static int fail_at_once(struct lab *lab, void *data)
{
	struct diag diag = {""};
	int err = lab_build(lab, data, &diag);

	lab_done(lab);
	fprintf(stderr, "as expected: %s\n", diag.text);
	return err < 0 && strstr(diag.text, "'h2'") ? 0 : 1;
}

static int wait_for_term(struct lab *lab, const struct scenario *scenario)
{
	sigset_t mask;
	int sig;

	(void)lab;
	(void)scenario;
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	return sigwait(&mask, &sig) || sig != SIGTERM;
}

static void block_term(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
}

static bool is_listed(const char *name)
{
	char **names = lab_names();
	bool found = false;

	for (size_t i = 0; names && names[i]; i++) {
		found = found || !strcmp(names[i], name);
		free(names[i]);
	}
	free(names);
	return found;
}

START_TEST(labs_live_side_by_side)
{
	struct scenario *scenario = load(pair_yaml);
	struct body body = {.scenario = scenario, .run = wait_for_term};
	struct diag diag = {""};
	pid_t first, second, third;
	int status;

	block_term();
	ck_assert_msg(!lab_spawn("check-first", daemon_main, &body, &first, &diag), "%s", diag.text);
	ck_assert_msg(!lab_spawn("check-second", daemon_main, &body, &second, &diag), "%s", diag.text);
	ck_assert(lab_is_running("check-first") && lab_is_running("check-second"));
	ck_assert(is_listed("check-first") && is_listed("check-second"));
	ck_assert_int_eq(lab_daemon_pid("check-first"), first);
	ck_assert_int_eq(lab_daemon_pid("check-second"), second);

	/* A name is taken once, a running lab is not reclaimed, and both say what to do. */
	ck_assert_int_eq(lab_spawn("check-first", daemon_main, &body, &third, &diag), -EEXIST);
	ck_assert_ptr_nonnull(strstr(diag.text, "ghostbridge down check-first"));
	ck_assert_int_eq(lab_reclaim("check-first", &diag), -EBUSY);
	ck_assert_int_eq(lab_spawn("../etc", daemon_main, &body, &third, &diag), -EINVAL);
	ck_assert_int_eq(lab_reclaim("..", &diag), -EINVAL);

	kill(first, SIGTERM);
	ck_assert_int_eq(waitpid(first, &status, 0), first);
	ck_assert_int_eq(status, 0);
	ck_assert(!lab_is_running("check-first") && lab_is_running("check-second"));
	ck_assert_int_eq(lab_daemon_pid("check-first"), -1);
	ck_assert_int_eq(lab_reclaim("check-first", &diag), 1);
	ck_assert(!is_listed("check-first"));
	kill(second, SIGTERM);
	ck_assert_int_eq(waitpid(second, &status, 0), second);
	ck_assert_int_eq(status, 0);
	/* What a predecessor left is no hindrance. */
	ck_assert_int_eq(lab_spawn("check-second", daemon_main, &body, &second, &diag), 0);
	kill(second, SIGTERM);
	ck_assert_int_eq(waitpid(second, &status, 0), second);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(lab_reclaim("check-second", &diag), 1);
	ck_assert_int_eq(lab_reclaim("check-second", &diag), 0);
	scenario_free(scenario);
}
END_TEST

START_TEST(a_half_built_lab_is_undone)
{
	static const char *const wrong[] = {"rootfs: /nowhere", "rootfs: /proc", "sysctls: {net.no.such: 1}",
					    "sysctls: {net.ipv4.ip_forward: maybe}"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct diag diag = {""};
		struct scenario *scenario;
		char yaml[512];
		int status;
		pid_t pid;

		snprintf(yaml, sizeof(yaml),
			 "ghostbridge: 1\nname: x\nnodes: {h1: {}, h2: {%s}}\n"
			 "links: {w: {kind: wire, subnet: 10.0.0.0/24, ends: [h1, h2]}}\n",
			 wrong[i]);
		scenario = load(yaml);
		ck_assert_int_eq(lab_spawn("check-half", fail_at_once, scenario, &pid, &diag), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, 0);
		ck_assert_int_eq(lab_reclaim("check-half", &diag), 1);
		scenario_free(scenario);
	}
}
END_TEST

static void append_output(char **text, const char *command)
{
	FILE *pipe = popen(command, "re");
	char line[4096];

	ck_assert_ptr_nonnull(pipe);
	while (fgets(line, sizeof(line), pipe))
		append(text, "%s", line);
	ck_assert_int_eq(pclose(pipe), 0);
}

/* What a lab must not change of the host. Only this test's own names are looked for where others may work, too. */
static char *host_state(void)
{
	char *text = NULL;

	append_output(&text,
		      "ip -o link | cut -d'\\' -f1; ip -o addr | cut -d'\\' -f1; ip route show table all; ip rule");
	append_output(&text, "cat /proc/self/mounts");
	append_output(&text, "find /sys/fs/cgroup -path '*ghostbridge/check-*'");
	append_output(&text, "ls -d /run/ghostbridge/check-* /run/lxc /run/lab /run/netns 2>/dev/null; true");
	append_output(&text, "ls -A /var/lib/lxc 2>/dev/null; true");
	append_output(&text, "find /proc/sys/net/ipv4 /proc/sys/net/ipv6 /proc/sys/net/core -type f -readable "
			     "-exec grep -H '' {} + 2>/dev/null; true");
	return text;
}

/* Fail with the first line that is not the same; either text may be long. */
static void compare_states(const char *before, const char *after)
{
	size_t same = 0;

	for (size_t i = 0; before[i] == after[i]; i++) {
		if (!before[i])
			return;
		if (before[i] == '\n')
			same = i + 1;
	}
	ck_abort_msg("the host was left changed:\n- %.*s\n+ %.*s", (int)strcspn(before + same, "\n"), before + same,
		     (int)strcspn(after + same, "\n"), after + same);
}

/* Processes in the network or PID namespace @ns ("net:[4026532...]"). */
static int processes_in(const char *kind, const char *ns)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir))) {
		char path[300], link[64] = "";

		snprintf(path, sizeof(path), "/proc/%s/ns/%s", entry->d_name, kind);
		if (readlink(path, link, sizeof(link) - 1) > 0 && !strcmp(link, ns))
			count++;
	}
	closedir(dir);
	return count;
}

static int build_and_undo(struct lab *lab, void *data)
{
	struct diag diag;

	/* A second container set goes up and down as long as nobody kills us. */
	if (lab_build(lab, data, &diag))
		return 1;
	lab_done(lab);
	return 0;
}

static const char limited_yaml[] = "ghostbridge: 1\nname: x\n"
				   "nodes: {h1: {memory: 64MiB, cpus: 1, attach: tap}, h2: {memory: 64MiB}}\n"
				   "links: {lan: {kind: csma, rate: 10Mbps, delay: 1us, subnet: 10.0.0.0/24,\n"
				   "              ends: [h1, h2]}}\n";

static void pause_us(long us)
{
	nanosleep(&(struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000}, NULL);
}

START_TEST(a_killed_lab_leaves_nothing)
{
	struct scenario *scenario = load(limited_yaml);
	char *before = host_state(), *after;
	struct diag diag = {""};

	srand(1);
	for (int round = 0; round < KILL_ROUNDS; round++) {
		char path[64], pid_ns[64] = "", net_ns[64] = "";
		uint64_t end_ms;
		pid_t pid;
		int err;

		ck_assert_msg(!lab_spawn("check-kill", build_and_undo, scenario, &pid, &diag), "%s", diag.text);
		snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
		ck_assert_int_gt(readlink(path, net_ns, sizeof(net_ns) - 1), 0);
		snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
		ck_assert_int_gt(readlink(path, pid_ns, sizeof(pid_ns) - 1), 0);
		pause_us(rand() % 120000); /* any moment of some 100 ms of building and undoing */
		kill(pid, SIGKILL);
		end_ms = now_ms() + WAIT_MS;
		/* The lock goes early in a daemon's death; from then on reclaiming must work. */
		do
			err = lab_reclaim("check-kill", &diag);
		while (err == -EBUSY && now_ms() < end_ms);
		ck_assert_msg(err == 1, "round %d: %s", round, diag.text);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		ck_assert_int_eq(processes_in("net", net_ns), 0);
		ck_assert_int_eq(processes_in("pid", pid_ns), 0);
		ck_assert_int_eq(lab_reclaim("check-kill", &diag), 0);
	}
	after = host_state();
	compare_states(before, after);
	free(before);
	free(after);
	scenario_free(scenario);
}
END_TEST

START_TEST(a_killed_starter_leaves_nothing)
{
	struct scenario *scenario = load(limited_yaml);
	struct body body = {.scenario = scenario, .run = wait_for_term};
	char *before = host_state(), *after;
	struct diag diag = {""};

	srand(2);
	block_term();
	for (int round = 0; round < KILL_ROUNDS; round++) {
		uint64_t end_ms = now_ms() + WAIT_MS;
		pid_t starter = fork(), pid;
		int err;

		ck_assert_int_ge(starter, 0);
		if (!starter) {
			if (!lab_spawn("check-starter", daemon_main, &body, &pid, &diag))
				waitpid(pid, NULL, 0);
			_exit(0);
		}
		pause_us(rand() % (round % 2 ? 150000 : 8000)); /* spawning takes some 3 ms, building 100 */
		kill(starter, SIGKILL);
		waitpid(starter, NULL, 0);
		/* If there is a daemon by now, its parent's death told it to end. */
		do
			err = lab_reclaim("check-starter", &diag);
		while (err == -EBUSY && now_ms() < end_ms);
		ck_assert_msg(err >= 0, "round %d: %s", round, diag.text);
		ck_assert(!is_listed("check-starter"));
	}
	after = host_state();
	compare_states(before, after);
	free(before);
	free(after);
	scenario_free(scenario);
}
END_TEST

START_TEST(racing_for_a_name_is_safe)
{
	struct scenario *scenario = load(limited_yaml);
	pid_t racers[4];

	/* Starters, killers of what they started and reclaimers, all of one name: every call must end in a known way.
	 */
	for (int i = 0; i < 4; i++) {
		racers[i] = fork();
		ck_assert_int_ge(racers[i], 0);
		if (racers[i])
			continue;
		for (int round = 0; round < 15; round++) {
			struct diag diag = {""};
			pid_t pid;
			int err = lab_spawn("check-race", build_and_undo, scenario, &pid, &diag);

			if (err && err != -EEXIST) {
				fprintf(stderr, "racer %d, spawn: %s\n", i, diag.text);
				_exit(1);
			}
			if (!err) {
				if (round % 2)
					kill(pid, SIGKILL);
				waitpid(pid, NULL, 0);
			}
			err = lab_reclaim("check-race", &diag);
			if (err < 0 && err != -EBUSY) {
				fprintf(stderr, "racer %d, reclaim: %s\n", i, diag.text);
				_exit(1);
			}
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++) {
		int status;

		ck_assert_int_eq(waitpid(racers[i], &status, 0), racers[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(lab_reclaim("check-race", NULL), 0);
	ck_assert(!is_listed("check-race"));
	scenario_free(scenario);
}
END_TEST

TCase *lab_undo_tests(void)
{
	TCase *tcase = tcase_create("undo");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, labs_live_side_by_side);
	tcase_add_test(tcase, a_half_built_lab_is_undone);
	tcase_add_test(tcase, a_killed_lab_leaves_nothing);
	tcase_add_test(tcase, a_killed_starter_leaves_nothing);
	tcase_add_test(tcase, racing_for_a_name_is_safe);
	return tcase;
}
