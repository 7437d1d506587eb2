/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inside.c - see inside.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge/lab/inside.h"
#include "bridge/lab/lab_priv.h"

struct answer {
	int err;
	struct diag diag;
};

/*
 * IPv4 settings of a new network namespace are copied from the host's, so that a host that routes (any with Docker)
 * would make every container a router. An experiment must not depend on its host. IPv6 addresses are usable at once and
 * routers are not asked for: both only put frames on the wire that no step of the experiment sent.
 */
static const char *const base_sysctls[][2] = {
	{"net.ipv4.ip_forward", "0"},
	{"net.ipv4.conf.all.rp_filter", "0"},
	{"net.ipv4.conf.default.rp_filter", "0"},
	{"net.ipv6.conf.default.accept_dad", "0"},
	{"net.ipv6.conf.default.router_solicitations", "0"},
};

/* What programs expect to find in /var and /run, which are empty tmpfs. */
static int make_dirs(int root_fd)
{
	static const char *const dirs[] = {"var/cache", "var/lib", "var/lib/misc", "var/log", "var/spool", "run/lock"};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (mkdirat(root_fd, dirs[i], 0755))
			return -errno;
	if (mkdirat(root_fd, "var/tmp", 0777) || fchmodat(root_fd, "var/tmp", 01777, 0) ||
	    symlinkat("/run", root_fd, "var/run") || symlinkat("/run/lock", root_fd, "var/lock"))
		return -errno;
	return 0;
}

static int open_sysctl(const char *key, int flags)
{
	char path[512] = "/proc/sys/";
	size_t len = strlen(path);
	int fd;

	if (len + strlen(key) >= sizeof(path) || strstr(key, ".."))
		return -EINVAL;
	/* As sysctl(8) has it: dots part the words, and a dot within one (eth0.5) is written as a slash. */
	for (const char *at = key; *at; at++)
		path[len++] = *at == '.' ? '/' : *at == '/' ? '.' : *at;
	path[len] = '\0';
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int write_sysctl(const char *key, const char *value)
{
	int fd = open_sysctl(key, O_WRONLY), err = 0;

	if (fd < 0)
		return fd;
	if (write(fd, value, strlen(value)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* The kernel knows what it takes, and shows by example. */
static int refuse_value(const struct scenario_node *node, const struct scenario_pair *pair, struct diag *diag)
{
	int fd = open_sysctl(pair->key, O_RDONLY);
	char now[64] = "";
	ssize_t len = fd < 0 ? 0 : read(fd, now, sizeof(now) - 1);

	now[len > 0 ? len : 0] = '\0';
	now[strcspn(now, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
	return diag_set(diag, -EBADMSG, "%u:%u: node '%s': sysctl %s cannot be '%s'; now it is '%s'", pair->pos.line,
			pair->pos.column, node->name, pair->key, pair->value, now);
}

/* Settings that a container has of its own; what is not here would be the host's. */
static bool is_own_sysctl(const char *key)
{
	static const char *const own[] = {"net.", "kernel.msg", "kernel.sem", "kernel.shm", "fs.mqueue."};

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (!strncmp(key, own[i], strlen(own[i])))
			return true;
	return false;
}

static int set_sysctl(const struct scenario_node *node, const struct scenario_pair *pair, bool optional,
		      struct diag *diag)
{
	int err;

	/* Its file is the host's root's to write, even in a container. */
	if (!strcmp(pair->key, "kernel.domainname")) {
		if (!setdomainname(pair->value, strlen(pair->value)))
			return 0;
		return diag_set(diag, -errno, "node '%s': cannot set its domain name: %s", node->name, strerror(errno));
	}
	if (!is_own_sysctl(pair->key))
		return diag_set(diag, -EINVAL,
				"node '%s': sysctl %s is the whole host's; a container has net.*, kernel.msg*, "
				"kernel.sem, kernel.shm*, kernel.domainname and fs.mqueue.*",
				node->name, pair->key);
	err = write_sysctl(pair->key, pair->value);
	if (err == -ENOENT && optional)
		return 0;
	if (err == -EINVAL || err == -ERANGE)
		return refuse_value(node, pair, diag);
	if (err)
		diag_set(diag, err, "node '%s': cannot set sysctl %s to '%s': %s", node->name, pair->key, pair->value,
			 err == -ENOENT ? "this kernel has no such setting" : strerror(-err));
	return err;
}

static int work_inside(const struct lab *lab, uint32_t index, bool first, struct diag *diag)
{
	const struct scenario_node *node = &lab->scenario->nodes[index];
	int namespaces = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS, root_fd, err = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/root", lab->nodes[index].init);
	root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!node->privileged)
		namespaces |= CLONE_NEWUSER;
	/* Not the mount namespace: there /proc/sys is read-only. */
	if (root_fd < 0 || setns(lab->nodes[index].pidfd, namespaces) || setresgid(0, 0, 0) || setresuid(0, 0, 0))
		return diag_set(diag, -errno, "cannot enter container '%s': %s", node->name, strerror(errno));
	if (first) {
		umask(0);
		err = make_dirs(root_fd);
		if (err)
			return diag_set(diag, err, "cannot fill /var of container '%s': %s", node->name,
					strerror(-err));
		for (size_t i = 0; i < sizeof(base_sysctls) / sizeof(*base_sysctls); i++)
			write_sysctl(base_sysctls[i][0], base_sysctls[i][1]);
	}
	for (size_t i = 0; !err && i < node->sysctl_count; i++)
		err = set_sysctl(node, &node->sysctls[i], first, diag);
	return err;
}

static int call_inside(const struct lab *lab, uint32_t index, bool first, struct diag *diag)
{
	struct answer answer = {0};
	int answer_pipe[2];
	ssize_t got;
	pid_t pid;

	if (pipe2(answer_pipe, O_CLOEXEC))
		return diag_set(diag, -errno, "cannot create a pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		answer.err = work_inside(lab, index, first, &answer.diag);
		_exit(write(answer_pipe[1], &answer, sizeof(answer)) != sizeof(answer));
	}
	close(answer_pipe[1]);
	do
		got = read(answer_pipe[0], &answer, sizeof(answer));
	while (got < 0 && errno == EINTR);
	close(answer_pipe[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (got != sizeof(answer))
		return diag_set(diag, -ECHILD, "cannot work in container '%s'", lab->scenario->nodes[index].name);
	if (answer.err && diag)
		*diag = answer.diag;
	return answer.err;
}

int inside_prepare(const struct lab *lab, uint32_t node, struct diag *diag)
{
	return call_inside(lab, node, true, diag);
}

int inside_finish(const struct lab *lab, uint32_t node, struct diag *diag)
{
	return lab->scenario->nodes[node].sysctl_count ? call_inside(lab, node, false, diag) : 0;
}
