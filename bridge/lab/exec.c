/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exec.c - running commands in containers.
 *
 * Not liblxc's attach: that puts a process of its own between us and the command, so the command could neither be
 * waited for nor killed as a group by the daemon. A child enters the namespaces of the container's init by its pidfd.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bridge/lab/lab_priv.h"
#include "bridge/lab/spawn.h"

static const char *const base_env[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root",
	"USER=root",
	"LOGNAME=root",
	"container=lxc",
	NULL,
};

static bool is_alive(const struct lab_node *node)
{
	struct pollfd poll_fd = {.fd = node->pidfd, .events = POLLIN};

	return node->pidfd >= 0 && poll(&poll_fd, 1, 0) == 0;
}

pid_t lab_node_pid(const struct lab *lab, uint32_t node)
{
	if (!lab->nodes || node >= lab->scenario->node_count)
		return -1;
	if (scenario_node_is_switch(&lab->scenario->nodes[node])) {
		for (size_t i = 0; i < lab->ovs.process_count; i++)
			if (lab->ovs.processes[i].role == OVS_ROLE_VSWITCHD && lab->ovs.processes[i].pid > 0)
				return lab->ovs.processes[i].pid;
		return -1;
	}
	if (!is_alive(&lab->nodes[node]))
		return -1;
	return lab->nodes[node].init;
}

/* Only between fork and exec, so what is allocated is never freed. */
static int set_environment(const struct scenario_node *node, const char *const *env)
{
	if (clearenv())
		return -ENOMEM;
	for (int i = 0; base_env[i]; i++)
		putenv((char *)base_env[i]);
	for (size_t i = 0; i < node->env_count; i++)
		if (setenv(node->env[i].key, node->env[i].value, 1))
			return -errno;
	return spawn_putenv(env);
}

/* The same that container.c has liblxc drop: the command is root of the host otherwise. */
static int drop_capabilities(void)
{
	static const int dropped[] = {CAP_MAC_ADMIN, CAP_MAC_OVERRIDE, CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_TIME};
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	for (size_t i = 0; i < sizeof(dropped) / sizeof(*dropped); i++) {
		uint32_t mask = ~(1u << (dropped[i] % 32));

		if (prctl(PR_CAPBSET_DROP, dropped[i], 0, 0, 0))
			return -errno;
		data[dropped[i] / 32].effective &= mask;
		data[dropped[i] / 32].permitted &= mask;
		data[dropped[i] / 32].inheritable &= mask;
	}
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

struct entry {
	const struct lab *lab;
	const struct lab_node *node;
	const struct scenario_node *config;
	const struct lab_exec *exec;
};

/* Everything between fork and exec. Return: a negative errno; 0 when the command may be executed. */
static int enter(const void *context)
{
	const struct entry *entry = context;
	const struct lab_node *node = entry->node;
	const bool privileged = entry->config->privileged;
	int namespaces = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP, err;

	for (int i = 0; i < CGROUP_CONTROLLER_COUNT; i++)
		if (node->cgroup_procs_fds[i] >= 0 && write(node->cgroup_procs_fds[i], "0", 1) != 1)
			return -errno;
	err = spawn_attach(entry->exec, privileged ? 0 : LAB_UID_BASE);
	if (err)
		return err;
	if (!privileged)
		namespaces |= CLONE_NEWUSER;
	if (setns(node->pidfd, namespaces))
		return -errno;
	if (setgroups(0, NULL) || setresgid(0, 0, 0) || setresuid(0, 0, 0))
		return -errno;
	if (privileged) {
		err = drop_capabilities();
		if (err)
			return err;
	}
	umask(022);
	if (chdir("/root") && chdir("/"))
		return -errno;
	err = spawn_clean(entry->lab);
	return err ? err : set_environment(entry->config, entry->exec->env);
}

int lab_exec(struct lab *lab, uint32_t index, const struct lab_exec *exec, pid_t *ret_pid, struct diag *diag)
{
	const struct scenario_node *config;
	struct lab_node *node;
	struct entry entry;
	int err;

	if (!lab->nodes || index >= lab->scenario->node_count || !exec->argv || !exec->argv[0])
		return diag_set(diag, -EINVAL, "no such node, or no command");
	node = &lab->nodes[index];
	config = &lab->scenario->nodes[index];
	if (scenario_node_is_switch(config))
		return ovs_exec(lab, exec, ret_pid, diag);
	if (!is_alive(node))
		return diag_set(diag, -ESRCH, "container '%s' does not run", config->name);

	/* Only children enter a PID namespace; we come back to ours as soon as there is one. */
	if (setns(node->pidfd, CLONE_NEWPID))
		return diag_set(diag, -errno, "cannot enter container '%s': %s", config->name, strerror(errno));
	entry = (struct entry){.lab = lab, .node = node, .config = config, .exec = exec};
	err = spawn(exec->argv, enter, &entry, ret_pid);
	if (setns(lab->pidns_fd, CLONE_NEWPID))
		abort(); /* the next child would be born in the wrong place */

	if (err == -ENOMEM && !is_alive(node)) /* what fork says in a PID namespace without an init */
		err = -ESRCH;
	if (err)
		return diag_set(diag, err, "cannot run %s in container '%s': %s", exec->argv[0], config->name,
				strerror(-err));
	return 0;
}
