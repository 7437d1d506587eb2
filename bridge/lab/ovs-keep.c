/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ovs-keep.c - what switches were told while the experiment ran, kept for the next ovs-vswitchd.
 *
 * Open vSwitch has flows, groups, meters and TLV maps in memory only, and who kills it does not let it write them down.
 * So a child of the daemon, the keeper, is connected to every switch (ovs-watch.c) and writes the tables of one to
 * files soon after they changed. A new ovs-vswitchd is given these instead of the scenario's. The keeper ends before
 * the new ovs-vswitchd begins, so that empty tables are never kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bridge/lab/lab_priv.h"
#include "bridge/lab/ovs-watch.h"
#include "bridge/lab/ovs.h"

#define QUIET_NS  50000000ull  /* after the last change of a burst */
#define LATEST_NS 500000000ull /* after its first */
#define ASK_NS    400000000ull /* between two questions for groups and meters */
#define RETRY_NS  200000000ull /* between two tries to connect */
#define NEVER     UINT64_MAX
#define KEPT      LAB_OVS_DIR "/%s.kept"
#define NICE      5

struct keep {
	const struct scenario_node *node;
	struct ovs_watch watch;
	uint64_t next_ns;   /* when to ask, or to connect */
	uint64_t due_ns;    /* when to write the tables down */
	uint64_t latest_ns; /* due no later than this */
	uint64_t saved_ns;  /* when they were written last */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/*
 * Of a switch: in a shell, with $s its name, $k the file of its tables, $o ovs-ofctl and $m empty without meters. A
 * line of the file begins with the name of its table.
 */
static int run_script(const struct scenario_node *node, const char *body, char text[OVS_TEXT_SIZE])
{
	char versions[OVS_VERSIONS_SIZE], script[2048];
	const char *argv[] = {"sh", "-c", script, "sh", node->name, node->sw->protocols >> 3 ? "meters" : "", NULL};

	ovs_version_names(node->sw, versions);
	snprintf(script, sizeof(script),
		 "set -e; cd " LAB_OVS_DIR "; s=$1; m=$2; o='ovs-ofctl -vsyslog:off -t 10 -O %s'; k=$s.kept; "
		 "kept() { sed -n \"s/^$1 //p\" $k; }; %s",
		 versions, body);
	return ovs_run(argv, text);
}

/*
 * All of a switch in one file, which takes the place of the last one at once: whoever is killed meanwhile, flows never
 * meet groups of another moment. Flows are asked for first, since the groups and meters that they use were there before
 * them.
 */
static int save(const struct scenario_node *node)
{
	/* The third expression undoes what ovs-ofctl writes of IGMP and does not read, as Open vSwitch's ovs-save. */
	return run_script(
		node,
		"$o dump-flows --no-names --no-stats $s >$k.raw; "
		"sed -e '/_FLOW reply /d' -e 's/igmp_type/tp_src/g; s/igmp_code/tp_dst/g' "
		"-e 's/igmp/ip,nw_proto=2/g; s/^ */flows /' $k.raw >$k.new; "
		"$o --no-names dump-groups $s >$k.raw; "
		"sed -e '/_GROUP_DESC reply /d' -e 's/^ */groups /' $k.raw >>$k.new; "
		": >$k.raw; [ -z \"$m\" ] || $o dump-meters $s >$k.raw; "
		"awk '/^meter=/ { if (m) print m; sub(/ *bands=$/, \"\"); gsub(/ /, \",\"); m = $0 \",bands=\" } "
		"/^type=/ { gsub(/ /, \",\"); m = m \",\" $0 } "
		"END { if (m) print m }' $k.raw | sed 's/bands=,/bands=/; s/^/meters /' >>$k.new; "
		"$o dump-tlv-map $s >$k.raw; sed -nE 's/^ *([0-9a-fx]+) +([0-9a-fx]+) +([0-9]+) +(tun_metadata[0-9]+)$/"
		"tlvs {class=\\1,type=\\2,len=\\3}->\\4/p' $k.raw >>$k.new; "
		"mv $k.new $k",
		NULL);
}

static bool is_kept(const struct scenario_node *node)
{
	char path[128];

	snprintf(path, sizeof(path), KEPT, node->name);
	return !access(path, F_OK);
}

static int failed(const struct scenario_node *node, int err, const char *text, struct diag *diag)
{
	return diag_set(diag, err < 0 ? err : -EIO, "switch '%s' cannot be given its tables again: %.700s", node->name,
			text);
}

int ovs_keep_load(const struct scenario_node *node, struct diag *diag)
{
	char text[OVS_TEXT_SIZE];
	int err;

	if (!is_kept(node))
		return 0;
	err = run_script(
		node,
		"kept tlvs | while read -r x; do $o add-tlv-map $s \"$x\"; done; "
		"kept groups | $o add-groups $s -; kept meters | while read -r x; do $o add-meter $s \"$x\"; done; "
		"kept flows | $o replace-flows $s -",
		text);
	return err ? failed(node, err, text, diag) : 1;
}

int ovs_keep_add(const struct scenario_node *node, struct diag *diag)
{
	char text[OVS_TEXT_SIZE];
	int err;

	if (!is_kept(node))
		return 0;
	/* A group or meter that is refused is the controller's, who was faster. */
	err = run_script(node,
			 "kept groups | $o add-groups $s - || "
			 "kept groups | while read -r x; do $o add-group $s \"$x\" || :; done; "
			 "kept meters | while read -r x; do $o add-meter $s \"$x\" || :; done; "
			 "kept flows | $o add-flows $s -",
			 text);
	return err ? failed(node, err, text, diag) : 1;
}

static void changed(struct keep *keep, uint64_t now)
{
	if (keep->due_ns == NEVER)
		keep->latest_ns = now + LATEST_NS;
	keep->due_ns = now + QUIET_NS < keep->latest_ns ? now + QUIET_NS : keep->latest_ns;
	/* Changes that never end cost two saves a second. */
	if (keep->due_ns < keep->saved_ns + LATEST_NS)
		keep->due_ns = keep->saved_ns + LATEST_NS;
}

/* Whatever is to be done now. Return: when there is something again. */
static uint64_t turn(struct keep *keep)
{
	uint64_t now = now_ns();

	if (now >= keep->next_ns) {
		int got = 0;

		if (keep->watch.fd >= 0) {
			got = ovs_watch_ask(&keep->watch);
		} else {
			char path[128];
			unsigned int minor = 0;

			while (keep->node->sw->protocols >> (minor + 1))
				minor++;
			snprintf(path, sizeof(path), LAB_OVS_DIR "/%s.mgmt", keep->node->name);
			if (!ovs_watch_open(&keep->watch, path, minor))
				got = ovs_watch_ask(&keep->watch);
		}
		if (got < 0)
			ovs_watch_close(&keep->watch);
		if (got > 0)
			changed(keep, now);
		keep->next_ns = now + (keep->watch.fd < 0 ? RETRY_NS : ASK_NS);
	}
	if (now >= keep->due_ns) {
		/* What comes while we ask is another change. */
		keep->due_ns = NEVER;
		keep->saved_ns = now;
		if (save(keep->node) && keep->watch.fd >= 0)
			keep->due_ns = keep->latest_ns = now_ns() + LATEST_NS;
	}
	return keep->due_ns < keep->next_ns ? keep->due_ns : keep->next_ns;
}

/* The keeper: for ever. */
static void keep_all(struct keep *keeps, struct pollfd *fds, size_t count)
{
	for (;;) {
		uint64_t next = NEVER, now;

		for (size_t i = 0; i < count; i++) {
			uint64_t when = turn(&keeps[i]);

			next = when < next ? when : next;
			fds[i] = (struct pollfd){.fd = keeps[i].watch.fd, .events = POLLIN};
		}
		now = now_ns();
		if (poll(fds, count, next > now ? (int)((next - now) / 1000000 + 1) : 0) < 0 && errno != EINTR)
			_exit(1);
		for (size_t i = 0; i < count; i++) {
			int got = fds[i].fd >= 0 && fds[i].revents ? ovs_watch_read(&keeps[i].watch) : 0;

			if (got < 0)
				ovs_watch_close(&keeps[i].watch);
			if (got > 0)
				changed(&keeps[i], now_ns());
		}
	}
}

void ovs_keep_start(struct lab *lab)
{
	const struct scenario *scenario = lab->scenario;
	struct keep *keeps;
	struct pollfd *fds;
	int null_fd;
	size_t count = 0;
	pid_t pid = fork();

	if (pid) {
		/* In a group of its own, from either side, to be ended with all that it runs. */
		if (pid > 0)
			setpgid(pid, pid);
		lab->ovs.keeper_pid = pid > 0 ? pid : 0;
		return;
	}
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpriority(PRIO_PROCESS, 0, NICE);
	/* What is open here is the daemon's, and its output that of a command which somebody waits for. */
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(null_fd, 1) < 0 || dup2(null_fd, 2) < 0 ||
	    close_range(3, ~0u, 0))
		_exit(1);
	keeps = calloc(scenario->node_count, sizeof(*keeps));
	fds = calloc(scenario->node_count, sizeof(*fds));
	for (size_t i = 0; keeps && fds && i < scenario->node_count; i++)
		if (scenario->nodes[i].sw)
			keeps[count++] = (struct keep){.node = &scenario->nodes[i], .watch.fd = -1, .due_ns = NEVER};
	if (count)
		keep_all(keeps, fds, count);
	_exit(1);
}

void ovs_keep_stop(struct lab *lab)
{
	if (lab->ovs.keeper_pid <= 0)
		return;
	kill(-lab->ovs.keeper_pid, SIGKILL);
	waitpid(lab->ovs.keeper_pid, NULL, 0);
	lab->ovs.keeper_pid = 0;
}
