/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exec.c - running commands in containers.
 *
 * Not liblxc's attach: that puts a process of its own between us and the command, so the command could neither be
 * waited for nor killed as a group by the daemon. A child enters the namespaces of the container's init by its pidfd.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge/lab/lab_priv.h"

#define EXIT_NOT_EXECUTABLE 126 /* as the shell says it */
#define EXIT_NOT_FOUND      127

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
	for (; env && *env; env++)
		if (strchr(*env, '=') && putenv((char *)*env))
			return -ENOMEM;
	return 0;
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

static int arrange_stdio(const int stdio[3], uid_t uid)
{
	struct statfs fs;
	struct stat info;
	int copies[3];

	/* Out of the way first: stdio may be any of 0, 1, 2 in any order. */
	for (int i = 0; i < 3; i++) {
		copies[i] = fcntl(stdio[i], F_DUPFD_CLOEXEC, 10);
		if (copies[i] < 0)
			return -errno;
		/* So that /dev/stdout can be opened again: an anonymous pipe belongs to who made it, our root. */
		if (uid && !fstatfs(copies[i], &fs) && fs.f_type == PIPEFS_MAGIC && !fstat(copies[i], &info) &&
		    !info.st_uid)
			(void)!fchown(copies[i], uid, uid);
	}
	for (int i = 0; i < 3; i++)
		if (dup2(copies[i], i) < 0)
			return -errno;
	return 0;
}

/* Everything between fork and exec. Return: a negative errno; 0 when the command may be executed. */
static int enter(const struct lab *lab, const struct lab_node *node, const struct scenario_node *config,
		 const struct lab_exec *exec)
{
	int namespaces = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP, err;
	const unsigned long default_action[4] = {0}; /* struct kernel_sigaction: SIG_DFL, no flags, empty mask */
	sigset_t none;

	for (int i = 0; i < CGROUP_CONTROLLER_COUNT; i++)
		if (node->cgroup_procs_fds[i] >= 0 && write(node->cgroup_procs_fds[i], "0", 1) != 1)
			return -errno;
	err = arrange_stdio(exec->stdio, config->privileged ? 0 : LAB_UID_BASE);
	if (err)
		return err;
	if (exec->terminal ? setsid() < 0 || ioctl(0, TIOCSCTTY, 0) : setpgid(0, 0))
		return -errno;
	if (!config->privileged)
		namespaces |= CLONE_NEWUSER;
	if (setns(node->pidfd, namespaces))
		return -errno;
	if (setgroups(0, NULL) || setresgid(0, 0, 0) || setresuid(0, 0, 0))
		return -errno;
	if (config->privileged) {
		err = drop_capabilities();
		if (err)
			return err;
	}
	if (lab->files_limit.rlim_max && setrlimit(RLIMIT_NOFILE, &lab->files_limit))
		return -errno;
	umask(022);
	if (chdir("/root") && chdir("/"))
		return -errno;
	/* What our caller ignores would stay ignored. By system call: the C library keeps 32 and 33 to itself. */
	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, default_action, NULL, (size_t)NSIG / 8);
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL))
		return -errno;
	/* Nothing but stdio may follow the command, whoever opened it and forgot O_CLOEXEC. */
	if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC))
		return -errno;
	return set_environment(config, exec->env);
}

int lab_exec(struct lab *lab, uint32_t index, const struct lab_exec *exec, pid_t *ret_pid, struct diag *diag)
{
	const struct scenario_node *config;
	int status_pipe[2], err = 0;
	struct lab_node *node;
	ssize_t got;
	pid_t pid;

	if (!lab->nodes || index >= lab->scenario->node_count || !exec->argv || !exec->argv[0])
		return diag_set(diag, -EINVAL, "no such node, or no command");
	node = &lab->nodes[index];
	config = &lab->scenario->nodes[index];
	if (scenario_node_is_switch(config))
		return ovs_exec(lab, exec, ret_pid, diag);
	if (!is_alive(node))
		return diag_set(diag, -ESRCH, "container '%s' does not run", config->name);
	if (pipe2(status_pipe, O_CLOEXEC))
		return diag_set(diag, -errno, "cannot create a pipe: %s", strerror(errno));

	/* Only children enter a PID namespace; we come back to ours right after the fork. */
	if (setns(node->pidfd, CLONE_NEWPID)) {
		err = -errno;
		close(status_pipe[0]);
		close(status_pipe[1]);
		return diag_set(diag, err, "cannot enter container '%s': %s", config->name, strerror(-err));
	}
	pid = fork();
	if (!pid) {
		/* The pipe must survive arrange_stdio(), and the command's fds must not touch it. */
		int status_fd = fcntl(status_pipe[1], F_DUPFD_CLOEXEC, 10);

		err = status_fd < 0 ? -errno : enter(lab, node, config, exec);
		if (err) {
			(void)!write(status_fd < 0 ? status_pipe[1] : status_fd, &err, sizeof(err));
			_exit(EXIT_NOT_EXECUTABLE);
		}
		execvp(exec->argv[0], (char *const *)exec->argv);
		err = errno;
		dprintf(2, "%s: %s\n", exec->argv[0], err == ENOENT ? "command not found" : strerror(err));
		_exit(err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
	}
	if (pid < 0)
		err = -errno;
	if (setns(lab->pidns_fd, CLONE_NEWPID))
		abort(); /* the next child would be born in the wrong place */
	close(status_pipe[1]);
	if (!err) {
		int child_err;

		/* End of file comes with the exec, so the process group exists when we return. */
		do
			got = read(status_pipe[0], &child_err, sizeof(child_err));
		while (got < 0 && errno == EINTR);
		if (got == sizeof(child_err)) {
			err = child_err;
			waitpid(pid, NULL, 0);
		}
	}
	close(status_pipe[0]);
	if (err == -ENOMEM && !is_alive(node)) /* what fork says in a PID namespace without an init */
		err = -ESRCH;
	if (err)
		return diag_set(diag, err, "cannot run %s in container '%s': %s", exec->argv[0], config->name,
				strerror(-err));
	*ret_pid = pid;
	return 0;
}
