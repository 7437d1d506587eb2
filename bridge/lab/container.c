/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * container.c - see container.h. liblxc starts a container; after that its init's pidfd is all that is needed.
 *
 * What is left out of an LXC container on purpose: cgroups (cgroup.h), network (build.c makes interfaces), consoles and
 * terminals, any boot. That is why one starts in about 20 ms.
 */
#include <errno.h>
#include <fcntl.h>
#include <lxc/lxccontainer.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge/lab/container.h"
#include "bridge/lab/hosts.h"
#include "bridge/lab/inside.h"
#include "bridge/lab/lab_priv.h"

#define STOP_WAIT_MS 10000
#define HEAD_SIZE    512 /* bytes of liblxc's log shown with a failure */

/* Config lines every container gets. Order counts among mounts. */
static const char *const base_config[][2] = {
	{"lxc.net.0.type", "empty"},
	{"lxc.rootfs.mount", LAB_ROOT_MOUNT},
	{"lxc.rootfs.options", "ro"},
	{"lxc.init.cmd", "/run/ghostbridge-init"},
	{"lxc.signal.stop", "SIGKILL"},
	{"lxc.signal.halt", "SIGKILL"},
	{"lxc.console.path", "none"},
	{"lxc.tty.max", "0"},
	{"lxc.pty.max", "1024"},
	{"lxc.autodev", "1"},
	{"lxc.mount.auto", "proc:mixed sys:mixed"},
	{"lxc.mount.entry", "tmpfs tmp tmpfs nosuid,nodev,mode=1777 0 0"},
	{"lxc.mount.entry", "tmpfs run tmpfs nosuid,nodev,mode=755 0 0"},
	{"lxc.mount.entry", "tmpfs root tmpfs nosuid,nodev,mode=700 0 0"},
	{"lxc.mount.entry", "tmpfs var tmpfs nosuid,nodev,mode=755 0 0"},
	{"lxc.mount.entry", "tmpfs dev/shm tmpfs nosuid,nodev,mode=1777,create=dir 0 0"},
	{"lxc.mount.entry", LAB_INIT " run/ghostbridge-init none bind,ro,create=file 0 0"},
	/* VPN programs want it; the container's own user namespace says what they may do with it. */
	{"lxc.mount.entry", LAB_TUN " dev/net/tun none bind,create=file,optional 0 0"},
	{"lxc.log.level", "ERROR"},
};

static int set(struct lxc_container *container, const char *key, const char *value, struct diag *diag)
{
	if (container->set_config_item(container, key, value))
		return 0;
	return diag_set(diag, -EINVAL, "container '%s': liblxc refuses %s = %s", container->name, key, value);
}

static bool apparmor_enabled(void)
{
	int fd = open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);
	char answer = 'N';

	if (fd < 0)
		return false;
	if (read(fd, &answer, 1) != 1)
		answer = 'N';
	close(fd);
	return answer == 'Y';
}

/*
 * A root file system of the user's own is read-only, so what is mounted in it must have its place there. It is shown at
 * a place of ours, because the container's user may not be allowed to walk the path to it.
 */
static int mount_rootfs(const struct scenario_node *node, const char *to, struct diag *diag)
{
	static const char *const places[] = {"dev", "etc/hosts", "proc", "root", "run", "sys", "tmp", "var"};
	int dir_fd, err = 0;

	dir_fd = open(node->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return diag_set(diag, -errno, "node '%s': cannot open rootfs %s: %s", node->name, node->rootfs,
				strerror(errno));
	for (size_t i = 0; !err && i < sizeof(places) / sizeof(*places); i++)
		if (faccessat(dir_fd, places[i], F_OK, AT_SYMLINK_NOFOLLOW))
			err = diag_set(diag, -errno, "node '%s': rootfs %s has no %s: run `%s %s/%s`", node->name,
				       node->rootfs, places[i], strchr(places[i], '/') ? "touch" : "mkdir",
				       node->rootfs, places[i]);
	close(dir_fd);
	if (err)
		return err;
	err = lab_mount(node->rootfs, AT_RECURSIVE, MOUNT_ATTR_RDONLY, to);
	return err ? diag_set(diag, err, "node '%s': cannot mount rootfs %s: %s", node->name, node->rootfs,
			      strerror(-err))
		   : 0;
}

static int configure(struct lxc_container *container, const struct lab *lab, uint32_t index, struct diag *diag)
{
	const struct scenario_node *node = &lab->scenario->nodes[index];
	char text[1024];
	int err = 0;

	container->clear_config(container);
	for (size_t i = 0; !err && i < sizeof(base_config) / sizeof(*base_config); i++)
		err = set(container, base_config[i][0], base_config[i][1], diag);
	if (err)
		return err;
	snprintf(text, sizeof(text), "dir:" LAB_ROOTFS);
	if (node->rootfs) {
		snprintf(text, sizeof(text), "dir:" LAB_ROOTS_DIR "/%s", node->name);
		err = mount_rootfs(node, strchr(text, '/'), diag);
	}
	if (!err)
		err = set(container, "lxc.rootfs.path", text, diag);
	if (!err)
		err = set(container, "lxc.uts.name", node->name, diag);
	snprintf(text, sizeof(text), LAB_LOG_DIR "/%s", node->name);
	if (!err)
		err = set(container, "lxc.log.file", text, diag);
	snprintf(text, sizeof(text), LAB_HOSTS_DIR "/%s etc/hosts none bind,ro 0 0", node->name);
	if (!err)
		err = set(container, "lxc.mount.entry", text, diag);
	if (!err && lab->shared)
		err = set(container, "lxc.mount.entry", LAB_SHARE " run/scenario none bind,ro,create=dir 0 0", diag);
	if (!err && lab->ovs.has_pki)
		err = set(container, "lxc.mount.entry", LAB_OVS_PKI_SHARE " run/pki none bind,ro,create=dir 0 0", diag);
	if (!err && apparmor_enabled())
		err = set(container, "lxc.apparmor.profile", "unconfined", diag);
	if (err)
		return err;
	if (node->privileged) {
		/* What would reach beyond the lab with one careless command; lab_exec() drops the same. */
		err = set(container, "lxc.cap.drop", "mac_admin mac_override sys_module sys_rawio sys_time", diag);
	} else {
		snprintf(text, sizeof(text), "u 0 %u %u", LAB_UID_BASE, LAB_UID_COUNT);
		err = set(container, "lxc.idmap", text, diag);
		text[0] = 'g';
		if (!err)
			err = set(container, "lxc.idmap", text, diag);
	}
	return err;
}

/* What liblxc said first, for the person: the cause, all else follows from it. Its own return value is a bool. */
static void log_head(const char *node, char *ret_text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), LAB_LOG_DIR "/%s", node);
	file = fopen(path, "re");
	if (!file || !fgets(ret_text, HEAD_SIZE, file))
		strcpy(ret_text, "liblxc does not say why");
	ret_text[strcspn(ret_text, "\n")] = '\0';
	if (file)
		fclose(file);
}

static pid_t parent_of(pid_t pid)
{
	char path[64], line[256];
	pid_t parent = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "PPid: %d", &parent) == 1)
			break;
	if (file)
		fclose(file);
	return parent;
}

int container_start(struct lab *lab, uint32_t index, struct diag *diag)
{
	const struct scenario_node *config = &lab->scenario->nodes[index];
	struct lab_node *node = &lab->nodes[index];
	struct lxc_container *container;
	char text[HEAD_SIZE];
	pid_t monitor;
	int err;

	snprintf(text, sizeof(text), LAB_HOSTS_DIR "/%s", config->name);
	err = hosts_write(text, lab->scenario, index);
	if (err)
		return diag_set(diag, err, "cannot write %s: %s", text, strerror(-err));
	container = lxc_container_new(config->name, LAB_LXC_DIR);
	if (!container)
		return diag_set(diag, -ENOMEM, "liblxc cannot make container '%s'", config->name);
	err = configure(container, lab, index, diag);
	if (err)
		goto out;
	container->want_daemonize(container, true);
	container->want_close_all_fds(container, true);
	if (!container->start(container, 0, NULL)) {
		log_head(config->name, text);
		err = diag_set(diag, -ECANCELED, "container '%s' does not start: %s", config->name, text);
		goto out;
	}
	node->init = container->init_pid(container);
	node->pidfd = node->init > 0 ? pidfd_open(node->init, 0) : -1;
	if (node->pidfd < 0) {
		node->init = 0;
		err = diag_set(diag, -ESRCH, "container '%s' died at once", config->name);
		goto out;
	}
	monitor = parent_of(node->init);
	node->monitor_pidfd = monitor > 1 ? pidfd_open(monitor, 0) : -1;
	snprintf(text, sizeof(text), "/proc/%d/ns/net", node->init);
	node->netns_fd = open(text, O_RDONLY | O_CLOEXEC);
	err = node->netns_fd < 0 ? -errno : link_socket_open(node->netns_fd, lab->netns_fd, &node->netlink);
	if (!err)
		err = link_set_up(node->netlink, "lo");
	if (err) {
		diag_set(diag, err, "cannot set up container '%s': %s", config->name, strerror(-err));
		goto out;
	}
	err = inside_prepare(lab, index, diag);
	if (err)
		goto out;
	err = cgroup_limit_node(&lab->cgroups, lab->journal_fd, lab->name, config->name, config->cpus,
				config->memory_size, node->init, node->cgroup_procs_fds, diag);
out:
	lxc_container_put(container);
	return err;
}

/* Wait until a killed process is gone and take its status, unless somebody's waitpid(-1) has it already. */
static void bury(int *pidfd)
{
	struct pollfd poll_fd = {.fd = *pidfd, .events = POLLIN};
	siginfo_t info;

	if (*pidfd < 0)
		return;
	while (poll(&poll_fd, 1, STOP_WAIT_MS) < 0 && errno == EINTR)
		;
	waitid(P_PIDFD, (id_t)*pidfd, &info, WEXITED | WNOHANG);
	close(*pidfd);
	*pidfd = -1;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void containers_stop(struct lab *lab)
{
	for (size_t i = 0; i < lab->scenario->node_count; i++) {
		struct lab_node *node = &lab->nodes[i];

		/* The monitor has nothing to undo: no cgroup, no link, and /run/lxc is ours. */
		if (node->monitor_pidfd >= 0)
			pidfd_send_signal(node->monitor_pidfd, SIGKILL, NULL, 0);
		if (node->pidfd >= 0)
			pidfd_send_signal(node->pidfd, SIGKILL, NULL, 0);
	}
	for (size_t i = 0; i < lab->scenario->node_count; i++) {
		struct lab_node *node = &lab->nodes[i];

		/* The parent first: then the other is ours to bury, too. */
		bury(&node->monitor_pidfd);
		bury(&node->pidfd);
		close_fd(&node->netns_fd);
		link_socket_close(node->netlink);
		node->netlink = NULL;
		for (int j = 0; j < CGROUP_CONTROLLER_COUNT; j++)
			close_fd(&node->cgroup_procs_fds[j]);
		node->init = 0;
	}
}
