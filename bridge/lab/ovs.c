/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ovs.c - see ovs.h: the processes of Open vSwitch and the lab's own controllers, started, watched, started again.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bridge/lab/lab_priv.h"
#include "bridge/lab/ovs.h"

#define APP_UID        0x67620003u /* one more of the users described in experiment/rights.h */
#define APP_PORT_FIRST 6653
#define WAIT_MS        10000 /* for a process to listen */
#define SCHEMA         "/usr/share/openvswitch/vswitch.ovsschema"
/*
 * ovs-vswitchd listens and ovsdb-server connects, not the other way round: who connects waits a second after a
 * connection broke, and without its database ovs-vswitchd forwards nothing, not even what is in its tables.
 */
#define VSWITCHD_SOCKET LAB_OVS_DIR "/vswitchd.sock"

int ovs_confine(bool own_tmp)
{
	struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
	struct mount_attr writable = {.attr_clr = MOUNT_ATTR_RDONLY};
	sigset_t none;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &read_only, sizeof(read_only)) ||
	    mount_setattr(AT_FDCWD, LAB_OVS_DIR, 0, &writable, sizeof(writable)) ||
	    (own_tmp && mount("tmp", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")))
		return -errno;
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (clearenv() || setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1) || setenv("LANG", "C.UTF-8", 1) ||
	    setenv("HOME", LAB_OVS_DIR, 1) || setenv("OVS_RUNDIR", LAB_OVS_DIR, 1) ||
	    setenv("OVS_DBDIR", LAB_OVS_DIR, 1) || setenv("OVS_LOGDIR", LAB_OVS_DIR, 1) ||
	    setenv("OVS_SYSCONFDIR", LAB_OVS_DIR, 1))
		return -ENOMEM;
	return 0;
}

int ovs_run(const char *const *argv, char ret_text[OVS_TEXT_SIZE])
{
	char sink[256], *text = ret_text ? ret_text : sink;
	size_t len = 0, size = ret_text ? OVS_TEXT_SIZE : sizeof(sink);
	int pipe_fds[2], status;
	ssize_t got;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid) {
		int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(pipe_fds[1], 1) < 0 || dup2(pipe_fds[1], 2) < 0 ||
		    close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) || ovs_confine(true))
			_exit(126);
		execvp(argv[0], (char *const *)argv);
		dprintf(2, "cannot run %s: %s; install the package openvswitch-switch\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(pipe_fds[1]);
	for (;;) {
		char rest[256];
		bool room = len + 1 < size;

		got = read(pipe_fds[0], room ? text + len : rest, room ? size - 1 - len : sizeof(rest));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += room ? (size_t)got : 0;
	}
	text[len] = '\0';
	close(pipe_fds[0]);
	if (pid < 0)
		return -EAGAIN;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int become_app(void)
{
	if (setgroups(0, NULL) || setresgid(APP_UID, APP_UID, APP_UID) || setresuid(APP_UID, APP_UID, APP_UID) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || setenv("PYTHONDONTWRITEBYTECODE", "1", 1) ||
	    setenv("HOME", "/nonexistent", 1))
		return -errno;
	return 0;
}

/* In the child. */
static void become(const struct lab *lab, const struct ovs_process *process, int log_fd)
{
	char port[16], *app = (char *)process->app;
	const char *db[] = {"ovsdb-server",
			    LAB_OVS_DIR "/conf.db",
			    "--remote=punix:" LAB_OVS_DIR "/db.sock",
			    "--remote=unix:" VSWITCHD_SOCKET,
			    "--no-chdir",
			    "--pidfile",
			    "-vconsole:info",
			    "-vsyslog:off",
			    "-vfile:off",
			    NULL};
	const char *vswitchd[] = {"ovs-vswitchd",   "punix:" VSWITCHD_SOCKET, "--no-chdir", "--pidfile",
				  "-vconsole:info", "-vsyslog:off",           "-vfile:off", NULL};
	const char *learning[] = {"ovs-testcontroller", "punix:" LAB_OVS_LEARNING,
				  "--no-chdir",         "--pidfile",
				  "-vconsole:info",     "-vsyslog:off",
				  "-vfile:off",         NULL};
	const char *osken[] = {
		"osken-manager", "--ofp-listen-host", "127.0.0.1", "--ofp-tcp-listen-port", port, app, NULL};
	const char *const *argv = NULL;
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	switch (process->role) {
	case OVS_ROLE_DB:
		argv = db;
		break;
	case OVS_ROLE_VSWITCHD:
		argv = vswitchd;
		break;
	case OVS_ROLE_LEARNING:
		argv = learning;
		break;
	case OVS_ROLE_APP:
		argv = osken;
		break;
	}
	snprintf(port, sizeof(port), "%u", process->port);
	if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0 ||
	    close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) || setsid() < 0 || ovs_confine(true) ||
	    (process->role == OVS_ROLE_APP && become_app()) || chdir("/")) {
		dprintf(2, "cannot prepare %s: %s\n", process->name, strerror(errno));
		_exit(126);
	}
	(void)lab;
	execvp(argv[0], (char *const *)argv);
	dprintf(2, "cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int ovs_process_start(struct lab *lab, struct ovs_process *process, struct diag *diag)
{
	char log[64];
	int log_fd = -1;
	pid_t pid;

	snprintf(log, sizeof(log), "%s.log", process->name);
	if (lab->ovs.log_dir_fd >= 0)
		log_fd = openat(lab->ovs.log_dir_fd, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (log_fd < 0)
		log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	/* One of a killed process would be mistaken for that of this one. */
	if (process->role == OVS_ROLE_VSWITCHD)
		unlink(VSWITCHD_SOCKET);
	pid = fork();
	if (!pid)
		become(lab, process, log_fd);
	close(log_fd);
	if (pid < 0)
		return diag_set(diag, -errno, "cannot start %s: %s", process->name, strerror(errno));
	process->pid = pid;
	return 0;
}

/* Until a socket is there, or its maker is gone. */
static int wait_for(const char *path, const struct ovs_process *process, struct diag *diag)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	for (int i = 0; i < WAIT_MS; i++) {
		siginfo_t info = {0};

		if (!access(path, F_OK))
			return 0;
		if (!waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) && info.si_pid)
			break;
		nanosleep(&pause, NULL);
	}
	return diag_set(diag, -ESRCH, "%s does not start; see logs/%s.log in the run directory", process->name,
			process->name);
}

static struct ovs_process *add_process(struct ovs *ovs, enum ovs_role role, const char *name)
{
	struct ovs_process *process = &ovs->processes[ovs->process_count++];

	*process = (struct ovs_process){.role = role};
	snprintf(process->name, sizeof(process->name), "%s", name);
	return process;
}

struct ovs_process *ovs_find_app(struct ovs *ovs, const char *app)
{
	char path[256];

	snprintf(path, sizeof(path), LAB_SHARE "/%s", app);
	for (size_t i = 0; i < ovs->process_count; i++)
		if (ovs->processes[i].role == OVS_ROLE_APP && !strcmp(ovs->processes[i].app, path))
			return &ovs->processes[i];
	return NULL;
}

static int need_app(struct lab *lab, const struct scenario_controller *controller, unsigned int *count,
		    struct diag *diag)
{
	struct ovs_process *process;
	char name[32], path[256];

	if (ovs_find_app(&lab->ovs, controller->target))
		return 0;
	if (*count >= OVS_APPS_MAX)
		return diag_set(diag, -EBADMSG, "%u:%u: more than %d applications", controller->pos.line,
				controller->pos.column, OVS_APPS_MAX);
	snprintf(path, sizeof(path), LAB_SHARE "/%s", controller->target);
	if (!lab->shared || access(path, R_OK))
		return diag_set(diag, -EBADMSG, "%u:%u: there is no file \"%s\" beside the scenario",
				controller->pos.line, controller->pos.column, controller->target);
	if (access("/usr/bin/osken-manager", X_OK))
		return diag_set(diag, -ENOENT, "applications need osken-manager: run `apt-get install python3-os-ken`");
	snprintf(name, sizeof(name), "osken-%u", *count);
	process = add_process(&lab->ovs, OVS_ROLE_APP, name);
	snprintf(process->app, sizeof(process->app), "%s", path);
	process->port = APP_PORT_FIRST + (*count)++;
	return 0;
}

/* Which controllers the lab is to run, and whether there is need of keys. */
static int plan_controllers(struct lab *lab, struct diag *diag)
{
	bool learning = false;
	unsigned int apps = 0;
	int err = 0;

	for (size_t i = 0; i < lab->scenario->node_count; i++) {
		const struct scenario_switch *sw = lab->scenario->nodes[i].sw;

		for (size_t j = 0; !err && sw && j < sw->controller_count; j++) {
			const struct scenario_controller *controller = &sw->controllers[j];

			switch (controller->kind) {
			case SCENARIO_CONTROLLER_LEARNING:
				if (!learning && access("/usr/bin/ovs-testcontroller", X_OK))
					return diag_set(diag, -ENOENT,
							"controller: learning needs ovs-testcontroller: run `apt-get "
							"install openvswitch-testcontroller`");
				if (!learning)
					add_process(&lab->ovs, OVS_ROLE_LEARNING, "ovs-testcontroller");
				learning = true;
				break;
			case SCENARIO_CONTROLLER_APP:
				err = need_app(lab, controller, &apps, diag);
				break;
			case SCENARIO_CONTROLLER_ADDRESS:
				lab->ovs.has_pki |= !strncmp(controller->target, "ssl:", 4);
				break;
			}
		}
	}
	return err;
}

int ovs_start(struct lab *lab, struct diag *diag)
{
	static const char *const create[] = {"ovsdb-tool", "create", LAB_OVS_DIR "/conf.db", SCHEMA, NULL};
	struct ovs *ovs = &lab->ovs;
	char text[OVS_TEXT_SIZE];
	int err;

	for (size_t i = 0; i < lab->scenario->node_count; i++)
		ovs->is_used |= scenario_node_is_switch(&lab->scenario->nodes[i]);
	if (!ovs->is_used)
		return 0;
	if (access("/usr/sbin/ovs-vswitchd", X_OK))
		return diag_set(diag, -ENOENT, "switches need Open vSwitch: run `apt-get install openvswitch-switch`");
	/* Loading modules is the host's business. */
	ovs->in_kernel = !access("/sys/module/openvswitch", F_OK);
	if (mkdir(LAB_OVS_DIR, 0755))
		return diag_set(diag, -errno, "cannot make %s: %s", LAB_OVS_DIR, strerror(errno));
	/* A mount of its own, so that it can stay writable when the rest does not. */
	err = lab_mount(LAB_OVS_DIR, 0, 0, LAB_OVS_DIR);
	if (err)
		return diag_set(diag, err, "cannot mount %s: %s", LAB_OVS_DIR, strerror(-err));
	add_process(ovs, OVS_ROLE_VSWITCHD, "ovs-vswitchd");
	add_process(ovs, OVS_ROLE_DB, "ovsdb-server");
	err = plan_controllers(lab, diag);
	if (!err && ovs->has_pki)
		err = ovs_make_pki(lab, diag);
	if (!err && ovs_run(create, text))
		err = diag_set(diag, -EIO, "cannot make the database of Open vSwitch: %.800s", text);
	/* Order: ovsdb-server would wait a whole second if it had to connect twice. */
	for (size_t i = 0; !err && i < ovs->process_count; i++) {
		err = ovs_process_start(lab, &ovs->processes[i], diag);
		if (!err && ovs->processes[i].role == OVS_ROLE_VSWITCHD)
			err = wait_for(VSWITCHD_SOCKET, &ovs->processes[i], diag);
		if (!err && ovs->processes[i].role == OVS_ROLE_DB)
			err = wait_for(LAB_OVS_DIR "/db.sock", &ovs->processes[i], diag);
		if (!err && ovs->processes[i].role == OVS_ROLE_LEARNING)
			err = wait_for(LAB_OVS_LEARNING, &ovs->processes[i], diag);
	}
	return err;
}

void ovs_hold_next(void)
{
	/* A running ovs-vswitchd does not look at this again once it was false. */
	static const char *const argv[] = {"ovs-vsctl", "-t",           "10", "--no-wait",
					   "set",       "Open_vSwitch", ".",  "other_config:flow-restore-wait=true",
					   NULL};

	ovs_run(argv, NULL);
}

/* Let a new ovs-vswitchd have its database at once: ovsdb-server would try again a second after the old one was gone.
 */
static int reconnect_database(void)
{
	static const char *const forget[] = {
		"ovs-appctl", "-T", "2", "-t", "ovsdb-server", "ovsdb-server/remove-remote", "unix:" VSWITCHD_SOCKET,
		NULL};
	static const char *const connect[] = {
		"ovs-appctl", "-T", "2", "-t", "ovsdb-server", "ovsdb-server/add-remote", "unix:" VSWITCHD_SOCKET,
		NULL};
	const struct timespec pause = {.tv_nsec = 1000000};
	char text[OVS_TEXT_SIZE];

	for (int i = 0; i < WAIT_MS && access(VSWITCHD_SOCKET, F_OK); i++)
		nanosleep(&pause, NULL);
	/* ovsdb-server may be dead, too, and not be back yet; a try takes some 10 ms */
	for (int i = 0; i < WAIT_MS / 10; i++) {
		ovs_run(forget, text);
		if (!ovs_run(connect, text))
			return 0;
		nanosleep(&pause, NULL);
	}
	return -ETIMEDOUT;
}

/* A child that waits for ovs-vswitchd and gives the switches back what it had only in memory. */
static void restore(struct lab *lab)
{
	/* Any change makes ovs-vsctl wait until ovs-vswitchd has taken everything over. */
	static const char *const sync[] = {"ovs-vsctl", "-t", "10", "set", "Open_vSwitch", ".", NULL, NULL};
	static const char *const go[] = {"ovs-vsctl",         "-t", "10", "remove", "Open_vSwitch", ".", "other_config",
					 "flow-restore-wait", NULL};
	const char *argv[sizeof(sync) / sizeof(sync[0])];
	struct nl_sock *sock = NULL;
	struct diag diag = {""};
	char mark[64];
	int err, go_err;

	err = reconnect_database();
	memcpy(argv, sync, sizeof(sync));
	snprintf(mark, sizeof(mark), "external_ids:restarts=%d", (int)getpid());
	argv[6] = mark;
	if (!err)
		err = ovs_run(argv, NULL);
	if (!err)
		err = link_socket_open(-1, -1, &sock);
	if (!err)
		err = ovs_load_state(lab, sock, &diag);
	/* Frames pass now, with whatever tables there are. */
	go_err = ovs_run(go, NULL);
	if (!err)
		err = go_err;
	if (!err)
		err = ovs_load_again(lab, &diag);
	ovs_hold_next();
	if (diag.text[0])
		fprintf(stderr, "ghostbridge: %s\n", diag.text);
	_exit(err ? 1 : 0);
}

static void start_restore(struct lab *lab)
{
	struct ovs *ovs = &lab->ovs;

	if (ovs->restore_pid) {
		ovs->restore_again = true;
		return;
	}
	ovs->restore_again = false;
	ovs->restore_pid = fork();
	if (!ovs->restore_pid)
		restore(lab);
	if (ovs->restore_pid < 0)
		ovs->restore_pid = 0;
}

enum lab_reaped lab_switching_reaped(struct lab *lab, pid_t pid, int status, bool start_again, struct diag *diag)
{
	struct ovs *ovs = &lab->ovs;
	struct ovs_process *process = NULL;
	char how[64];

	if (pid > 0 && pid == ovs->restore_pid) {
		ovs->restore_pid = 0;
		if (ovs->restore_again && start_again)
			start_restore(lab);
		else if (start_again)
			ovs_keep_start(lab);
		if (WIFEXITED(status) && !WEXITSTATUS(status))
			return LAB_REAPED_QUIETLY;
		diag_set(diag, 0, "the switches run again, but could not be given their flows");
		return LAB_REAPED_LOST;
	}
	if (pid > 0 && pid == ovs->keeper_pid) {
		ovs->keeper_pid = 0;
		if (start_again && WIFSIGNALED(status))
			ovs_keep_start(lab);
		return LAB_REAPED_QUIETLY;
	}
	for (size_t i = 0; i < ovs->process_count; i++)
		if (ovs->processes[i].pid == pid)
			process = &ovs->processes[i];
	if (!process)
		return LAB_REAPED_UNKNOWN;
	if (process->role == OVS_ROLE_VSWITCHD)
		ovs_keep_stop(lab);
	process->pid = 0;
	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "was killed by signal %d", WTERMSIG(status));
	else
		snprintf(how, sizeof(how), "left with status %d", WEXITSTATUS(status));
	diag_set(diag, 0, "%s %s", process->name, how);
	if (!start_again)
		return LAB_REAPED_LOST;
	if (++process->restarts > OVS_RESTARTS_MAX) {
		diag_set(diag, 0, "%s %s; it has been restarted often enough and stays down", process->name, how);
		return LAB_REAPED_LOST;
	}
	if (ovs_process_start(lab, process, NULL)) {
		diag_set(diag, 0, "%s %s and cannot be started again", process->name, how);
		return LAB_REAPED_LOST;
	}
	if (process->role == OVS_ROLE_VSWITCHD)
		start_restore(lab);
	return LAB_REAPED_RESTARTED;
}

bool lab_switching_process(const struct lab *lab, size_t index, struct lab_process *ret)
{
	if (index >= lab->ovs.process_count)
		return false;
	*ret = (struct lab_process){.name = lab->ovs.processes[index].name,
				    .pid = lab->ovs.processes[index].pid,
				    .restarts = lab->ovs.processes[index].restarts};
	return true;
}

const char *lab_switching_datapath(const struct lab *lab)
{
	return !lab->ovs.is_used ? NULL : lab->ovs.in_kernel ? "kernel" : "userspace";
}

void lab_use_logs(struct lab *lab, int dir_fd)
{
	lab->ovs.log_dir_fd = dir_fd;
}

void ovs_stop(struct lab *lab)
{
	struct ovs *ovs = &lab->ovs;

	ovs_keep_stop(lab);
	if (ovs->restore_pid > 0) {
		kill(ovs->restore_pid, SIGKILL);
		waitpid(ovs->restore_pid, NULL, 0);
		ovs->restore_pid = 0;
	}
	for (size_t i = 0; i < ovs->process_count; i++)
		if (ovs->processes[i].pid > 0)
			kill(ovs->processes[i].pid, SIGKILL);
	for (size_t i = 0; i < ovs->process_count; i++) {
		if (ovs->processes[i].pid > 0)
			waitpid(ovs->processes[i].pid, NULL, 0);
		ovs->processes[i].pid = 0;
	}
	free(ovs->limits);
	ovs->limits = NULL;
}
