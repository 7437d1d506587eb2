/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lab.c - the lab itself: starting the daemon in its own namespaces, and leaving them.
 *
 * The daemon is PID 1 of a PID namespace, so its death, by whatever signal, is the death of every process of the lab,
 * and with the processes go the namespaces, their links and their mounts. That is the whole clean-up but for the
 * directories that state.c undoes. No user namespace: containers get their own, and TAPs want the host's root.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bridge/lab/container.h"
#include "bridge/lab/lab_priv.h"
#include "bridge/lab/tap.h"

#define TUN_MAJOR     10 /* linux/Documentation/admin-guide/devices.txt */
#define TUN_MINOR     200
#define TAKE_TRIES    2000 /* x 1 ms: how long a lock may be held by somebody who only cleans up */
#define TAKE_RETRY_NS 1000000L

extern const char lab_init_blob[];
extern const uint32_t lab_init_blob_size; /* bytes */

struct failure {
	int err;
	struct diag diag;
};

static int write_file(const char *path, const void *data, size_t size, int flags, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags, mode), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, data, size) != (ssize_t)size)
		err = errno ? -errno : -EIO;
	close(fd);
	return err;
}

/* Unmount what is mounted below PREFIX/@name, deepest first; what is underneath may show, the mounts may not. */
static int unmount_below(const char *prefix, const char *const *names)
{
	char(*paths)[512] = NULL, (*bigger)[512], line[1024], path[512];
	FILE *file = fopen("/proc/self/mountinfo", "re");
	size_t count = 0, prefix_len = strlen(prefix);
	int err = 0;

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		bool wanted = false;

		if (sscanf(line, "%*s %*s %*s %*s %511s", path) != 1 || strncmp(path, prefix, prefix_len))
			continue;
		for (int i = 0; names[i]; i++) {
			size_t len = strlen(names[i]);

			if (!strncmp(path + prefix_len, names[i], len) &&
			    (!path[prefix_len + len] || path[prefix_len + len] == '/'))
				wanted = true;
		}
		if (!wanted)
			continue;
		bigger = realloc(paths, (count + 1) * sizeof(*paths));
		if (!bigger) {
			err = -ENOMEM;
			break;
		}
		paths = bigger;
		strcpy(paths[count++], path);
	}
	fclose(file);
	while (!err && count--) /* mountinfo lists a mount after the one it is on */
		if (umount2(paths[count], MNT_DETACH | UMOUNT_NOFOLLOW) && errno != EINVAL)
			err = -errno;
	free(paths);
	return err;
}

int lab_mount(const char *from, unsigned int flags, uint64_t attrs, const char *to)
{
	struct mount_attr attr = {.attr_set = attrs};
	int fd = open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags), err = 0;

	if (fd < 0)
		return -errno;
	if ((mkdir(to, 0755) && errno != EEXIST) ||
	    mount_setattr(fd, "", AT_EMPTY_PATH | (flags & AT_RECURSIVE), &attr, sizeof(attr)) ||
	    move_mount(fd, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH))
		err = -errno;
	close(fd);
	return err;
}

/* The host's files for containers: one read-only tree for all of them, made once, outside of any container's reach. */
static int make_rootfs(struct diag *diag)
{
	static const char *const hidden[] = {"/proc", "/sys", "/dev", "/run", "/tmp", NULL};
	int err = lab_mount("/", AT_RECURSIVE, MOUNT_ATTR_RDONLY, LAB_ROOTFS);

	if (!err)
		err = unmount_below(LAB_ROOTFS, hidden);
	if (err)
		diag_set(diag, err, "cannot make a read-only view of the root file system: %s (needs Linux 5.12)",
			 strerror(-err));
	return err;
}

int lab_share(struct lab *lab, const char *dir, struct diag *diag)
{
	int err = lab_mount(dir, 0, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, LAB_SHARE);

	lab->shared = !err;
	return err ? diag_set(diag, err, "cannot show %s to containers: %s", dir, strerror(-err)) : 0;
}

static int enter_mounts(struct lab *lab, struct diag *diag)
{
	int state_fd, err = 0;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return diag_set(diag, -errno, "cannot make mounts private: %s", strerror(errno));
	cgroup_probe(&lab->cgroups);
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return diag_set(diag, -errno, "cannot mount /proc: %s", strerror(errno));
	/* A sysfs shows the network namespace it was mounted in. Its empty fs/cgroup keeps liblxc from cgroups. */
	if (mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return diag_set(diag, -errno, "cannot mount /sys: %s", strerror(errno));

	/* liblxc keeps locks and sockets in /run/lxc and would leave them there. */
	state_fd = open_tree(AT_FDCWD, lab->state_dir, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (state_fd < 0)
		return diag_set(diag, -errno, "cannot clone the mount of %s: %s", lab->state_dir, strerror(errno));
	if (mount("lab", "/run", "tmpfs", MS_NOSUID, "mode=755") || mkdir(LAB_STATE_ROOT, 0755) ||
	    mkdir(lab->state_dir, 0755) ||
	    move_mount(state_fd, "", AT_FDCWD, lab->state_dir, MOVE_MOUNT_F_EMPTY_PATH) || mkdir(LAB_DIR, 0755) ||
	    mkdir(LAB_ROOT_MOUNT, 0755) || mkdir(LAB_LXC_DIR, 0755) || mkdir(LAB_LOG_DIR, 0755) ||
	    mkdir(LAB_HOSTS_DIR, 0755) || mkdir(LAB_ROOTS_DIR, 0755))
		err = -errno;
	close(state_fd);
	if (err)
		return diag_set(diag, err, "cannot make a private /run: %s", strerror(-err));
	err = write_file(LAB_INIT, lab_init_blob, lab_init_blob_size, O_CREAT, 0755);
	if (err)
		return diag_set(diag, err, "cannot write %s: %s", LAB_INIT, strerror(-err));
	/* The host's own node may be 0600, and is not ours to change. Without it VPN programs fail, nothing else. */
	if (!mknod(LAB_TUN, S_IFCHR, makedev(TUN_MAJOR, TUN_MINOR)))
		(void)!chmod(LAB_TUN, 0666);
	return make_rootfs(diag);
}

static int enter_network(struct lab *lab, struct diag *diag)
{
	static const char *const quiet[] = {"/proc/sys/net/ipv6/conf/all/disable_ipv6",
					    "/proc/sys/net/ipv6/conf/default/disable_ipv6"};
	int err;

	/* Host-side ends must not speak: no router solicitation, no MLD, no address of their own. */
	for (size_t i = 0; i < sizeof(quiet) / sizeof(*quiet); i++) {
		err = write_file(quiet[i], "1", 1, 0, 0);
		if (err && err != -ENOENT) /* a kernel without IPv6 is quiet enough */
			return diag_set(diag, err, "cannot write %s: %s", quiet[i], strerror(-err));
	}
	err = link_socket_open(-1, -1, &lab->netlink);
	if (!err)
		err = link_set_up(lab->netlink, "lo");
	if (err)
		diag_set(diag, err, "cannot set lo up: %s", strerror(-err));
	return err;
}

static int lab_enter(struct lab *lab, struct diag *diag)
{
	struct rlimit limit;
	int err;

	umask(022);
	err = enter_mounts(lab, diag);
	if (err)
		return err;
	lab->netns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	lab->pidns_fd = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	if (lab->netns_fd < 0 || lab->pidns_fd < 0)
		return diag_set(diag, -errno, "cannot open own namespaces: %s", strerror(errno));
	/* A node costs four descriptors, an end one; the soft limit of 1024 ends near 200 nodes. */
	if (!getrlimit(RLIMIT_NOFILE, &lab->files_limit)) {
		limit = lab->files_limit;
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	return enter_network(lab, diag);
}

/* PID 1's life. @go_fd says that the parent wrote our PID down; @failure_fd tells it how entering went. */
static int child_main(struct lab *lab, int go_fd, int failure_fd, int (*main_fn)(struct lab *, void *), void *data)
{
	struct failure failure = {0};
	char go;

	/* The caller's death between clone and prctl sends nothing, but it closes the pipe. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (read(go_fd, &go, 1) != 1)
		return 1;
	close(go_fd);
	failure.err = lab_enter(lab, &failure.diag);
	if (write(failure_fd, &failure, sizeof(failure)) != sizeof(failure) || failure.err)
		return 1;
	close(failure_fd);
	return main_fn(lab, data);
}

static int take(const char *name, int *ret_fd, struct diag *diag)
{
	const struct timespec pause = {.tv_nsec = TAKE_RETRY_NS};
	int err = -EBUSY;

	/* A lock without a living daemon is held by somebody who cleans up, or who is just starting. */
	for (int i = 0; i < TAKE_TRIES; i++) {
		err = state_take(name, true, ret_fd);
		if (err != -EBUSY || lab_daemon_pid(name) > 0)
			break;
		nanosleep(&pause, NULL);
	}
	if (err == -EBUSY)
		return diag_set(diag, -EEXIST,
				"an experiment called '%s' is running: stop it with `ghostbridge down %s` or give "
				"this one another name with --name",
				name, name);
	if (err)
		return diag_set(diag, err, "cannot create %s/%s: %s", LAB_STATE_ROOT, name, strerror(-err));
	return 0;
}

int lab_spawn(const char *name, int (*main)(struct lab *lab, void *data), void *data, pid_t *ret_pid, struct diag *diag)
{
	const unsigned long flags = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
	int go_pipe[2] = {-1, -1}, failure_pipe[2] = {-1, -1}, err;
	struct failure failure = {0};
	struct lab *lab = NULL;
	pid_t pid = -1;

	err = state_check_name(name, diag);
	if (err)
		return err;
	if (geteuid()) /* said here, because the first thing to fail would be a directory in /run */
		return diag_set(diag, -EPERM, "building a lab needs root: use sudo");
	lab = calloc(1, sizeof(*lab));
	if (!lab)
		return diag_set(diag, -ENOMEM, "out of memory");
	snprintf(lab->name, sizeof(lab->name), "%s", name);
	state_path(name, lab->state_dir);
	lab->lock_fd = lab->journal_fd = lab->netns_fd = lab->pidns_fd = lab->ovs.log_dir_fd = -1;
	for (int i = 0; i < CGROUP_CONTROLLER_COUNT; i++)
		lab->cgroups.hierarchies[i].root_fd = -1;

	err = take(name, &lab->lock_fd, diag);
	if (err)
		goto out;
	err = state_undo(name, diag);
	if (err < 0)
		goto out;
	lab->journal_fd = journal_open(name);
	if (lab->journal_fd < 0 || pipe2(go_pipe, O_CLOEXEC) || pipe2(failure_pipe, O_CLOEXEC)) {
		err = lab->journal_fd < 0 ? lab->journal_fd : -errno;
		diag_set(diag, err, "cannot start a lab in %s: %s", lab->state_dir, strerror(-err));
		goto out;
	}
	fflush(NULL); /* or the child would write it again */
	pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid < 0) {
		err = diag_set(diag, -errno, "cannot create namespaces: %s%s", strerror(errno),
			       errno == EPERM ? " (root with CAP_SYS_ADMIN is needed)" : "");
		goto out;
	}
	if (!pid) {
		close(go_pipe[1]);
		close(failure_pipe[0]);
		err = child_main(lab, go_pipe[0], failure_pipe[1], main, data);
		fflush(NULL);
		_exit(err);
	}
	close(go_pipe[0]);
	close(failure_pipe[1]);
	go_pipe[0] = failure_pipe[1] = -1;

	err = state_write_pid(name, pid);
	if (!err && write(go_pipe[1], "", 1) != 1)
		err = -errno;
	if (err) {
		diag_set(diag, err, "cannot record the daemon in %s: %s", lab->state_dir, strerror(-err));
	} else {
		ssize_t got;

		do
			got = read(failure_pipe[0], &failure, sizeof(failure));
		while (got < 0 && errno == EINTR);
		if (got == sizeof(failure)) {
			err = failure.err;
			if (err && diag)
				*diag = failure.diag;
		} else {
			err = diag_set(diag, -ESRCH, "the experiment daemon died while entering its namespaces");
		}
	}
	if (!err)
		*ret_pid = pid;
out:
	for (int i = 0; i < 2; i++) {
		if (go_pipe[i] >= 0)
			close(go_pipe[i]);
		if (failure_pipe[i] >= 0)
			close(failure_pipe[i]);
	}
	if (err < 0 && pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (err < 0 && lab->lock_fd >= 0)
		state_remove(name, NULL);
	if (lab->journal_fd >= 0)
		close(lab->journal_fd);
	if (lab->lock_fd >= 0) /* the child's copy keeps the lock */
		close(lab->lock_fd);
	free(lab);
	return err < 0 ? err : 0;
}

const char *lab_state_dir(const struct lab *lab)
{
	return lab->state_dir;
}

void lab_done(struct lab *lab)
{
	if (!lab)
		return;
	ovs_stop(lab);
	if (lab->nodes)
		containers_stop(lab);
	for (size_t i = 0; lab->taps && i < lab->scenario->end_count; i++)
		tap_close(&lab->taps[i]);
	free(lab->taps);
	free(lab->tap_no_carrier);
	free(lab->tap_cuts);
	free(lab->nodes);
	cgroup_remove_lab(&lab->cgroups, lab->name);
	cgroup_close(&lab->cgroups);
	link_socket_close(lab->netlink);
	if (lab->journal_fd >= 0)
		close(lab->journal_fd);
	if (lab->netns_fd >= 0)
		close(lab->netns_fd);
	if (lab->pidns_fd >= 0)
		close(lab->pidns_fd);
	/* The lock stays until this process is gone: whoever waits for it then finds nothing alive. */
	free(lab);
}
