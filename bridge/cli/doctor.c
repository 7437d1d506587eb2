/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * doctor.c - ghostbridge doctor: can this host run experiments, and what would make it able to.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <lxc/lxccontainer.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge/cli/cli.h"
#include "bridge/experiment/manifest.h"
#include "bridge/experiment/rights.h"
#include "bridge/lab/tap-arrivals.h"

#define PACKAGES_SIZE 256

struct findings {
	int missing;
	char packages[PACKAGES_SIZE]; /* for apt-get */
};

static void found(const char *what, const char *detail)
{
	printf("ok       %s%s%s\n", what, *detail ? ": " : "", detail);
}

static void missing(struct findings *findings, const char *what, const char *remedy)
{
	printf("MISSING  %s; %s\n", what, remedy);
	findings->missing++;
}

static void package(struct findings *findings, const char *name)
{
	size_t len = strlen(findings->packages);

	if (!strstr(findings->packages, name))
		snprintf(findings->packages + len, sizeof(findings->packages) - len, " %s", name);
}

/* Run @try in a child, so that what it changes goes with it. Return: 0 or the errno it failed with. */
static int in_child(int (*try)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(try());
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return errno ? errno : EIO;
	return WEXITSTATUS(status);
}

static int try_namespaces(void)
{
	return unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) < 0
		       ? errno
		       : 0;
}

static int try_user_namespace(void)
{
	return unshare(CLONE_NEWUSER) < 0 ? errno : 0;
}

static int try_rights(void)
{
	return rights_drop(RIGHTS_GHOST_UID, NULL) < 0 ? errno ? errno : EPERM : 0;
}

static int try_tun(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	return fd < 0 ? errno : 0;
}

/* What a run with a lag does with each TAP. */
static int try_arrivals(void)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return errno;
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		return errno;
	fd = tap_note_arrivals(fd);
	return fd < 0 ? -fd : 0;
}

/* Times are less exact without it, and the report says so: no fault of the host. */
static void check_arrivals(void)
{
	int err = in_child(try_arrivals);

	if (err == 0)
		found("times of arrival from the kernel (BPF)", "");
	else
		printf("absent   times of arrival from the kernel (BPF: %s); with a lag frames count as sent when they "
		       "are read\n",
		       strerror(err));
}

static void check_try(struct findings *findings, const char *what, int (*try)(void), const char *remedy)
{
	char line[256];
	int err = in_child(try);

	if (err == 0) {
		found(what, "");
		return;
	}
	snprintf(line, sizeof(line), "%s (%s)", what, strerror(err));
	missing(findings, line, remedy);
}

static void check_kernel(struct findings *findings)
{
	struct utsname host;
	int major = 0, minor = 0;

	if (uname(&host) < 0 || sscanf(host.release, "%d.%d", &major, &minor) != 2 || major > 5 ||
	    (major == 5 && minor >= 12)) {
		found("kernel", host.release);
		return;
	}
	missing(findings, "a kernel of version 5.12 or later", "this one lacks mount_setattr and close_range");
}

static void check_cgroups(struct findings *findings)
{
	bool any = false, v2 = access("/sys/fs/cgroup/cgroup.controllers", R_OK) == 0;

	any = v2 || access("/sys/fs/cgroup/cpu", X_OK) == 0 || access("/sys/fs/cgroup/unified", X_OK) == 0;
	if (any)
		found("cgroups", v2 ? "version 2" : "version 1 or mixed");
	else
		missing(findings, "cgroups below /sys/fs/cgroup", "mount them; `cpus` and `memory` of nodes need them");
}

static bool in_path(const char *command)
{
	static const char *const dirs[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
					   "/usr/bin",        "/sbin",          "/bin"};
	char path[256];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], command);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

/* What scenarios use all the time; ghostbridge itself starts nothing but sh. */
static void check_commands(struct findings *findings)
{
	static const struct {
		const char *command, *package;
	} commands[] = {{"sh", "dash"}, {"ip", "iproute2"}, {"ping", "iputils-ping"}};
	char what[64];

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		snprintf(what, sizeof(what), "command %s", commands[i].command);
		if (in_path(commands[i].command)) {
			found(what, "");
			continue;
		}
		missing(findings, what, "install it");
		package(findings, commands[i].package);
	}
}

/* Only scenarios with switches need it, so its absence is no fault of the host. */
static void check_switching(void)
{
	char version[128] = "";

	if (access("/usr/sbin/ovs-vswitchd", X_OK) == 0)
		manifest_first_line("/usr/sbin/ovs-vswitchd --version 2>/dev/null", version, sizeof(version));
	if (!version[0]) {
		printf("absent   Open vSwitch; nodes of kind switch need it: apt-get install -y openvswitch-switch\n");
		return;
	}
	found("Open vSwitch", version);
	found("Open vSwitch's datapath",
	      access("/sys/module/openvswitch", F_OK) == 0
		      ? "in the kernel"
		      : "in user space; `modprobe openvswitch` is faster where there is one");
}

/* Only `graph` needs it. */
static void check_graphviz(void)
{
	if (in_path("dot"))
		found("command dot", "");
	else
		printf("absent   Graphviz; `ghostbridge graph` needs it for SVG: apt-get install -y graphviz\n");
}

static void check_programs(struct findings *findings)
{
	struct diag diag = {""};
	int shuttle_fd, ghost_fd;
	char command[64], version[128];

	if (experiment_find_programs(&shuttle_fd, &ghost_fd, &diag) < 0) {
		missing(findings, "ghostbridge-shuttle and ns3-ghost", diag.text);
		return;
	}
	found("ghostbridge-shuttle", "");
	snprintf(command, sizeof(command), "/proc/%d/fd/%d --version 2>&1", getpid(), ghost_fd);
	manifest_first_line(command, version, sizeof(version));
	if (strncmp(version, "ns3-ghost ", 10) == 0) {
		found("ns3-ghost", version);
	} else {
		char what[192];

		snprintf(what, sizeof(what), "ns3-ghost does not start (%s)", version[0] ? version : "no output");
		missing(findings, what, "install the ns-3 libraries");
		package(findings, "libns3.37");
	}
	close(shuttle_fd);
	close(ghost_fd);
}

static int doctor_main(const struct verb *verb, int argc, char **argv)
{
	struct findings findings = {0, ""};
	struct options options;
	int status = options_parse(verb, argc, argv, "", 0, 0, &options);

	if (status >= 0)
		return status;
	fflush(stdout);
	check_kernel(&findings);
	check_programs(&findings);
	found("liblxc", lxc_get_version());
	check_commands(&findings);
	check_switching();
	check_cgroups(&findings);
	check_graphviz();
	fflush(stdout);
	if (geteuid() != 0) {
		missing(&findings, "root",
			"run this as root (sudo) to check the rest; running experiments needs it, too");
	} else {
		found("root", "");
		check_try(&findings, "/dev/net/tun", try_tun, "load the tun module, or give the container the device");
		check_try(&findings, "network, mount, PID, IPC, UTS and cgroup namespaces", try_namespaces,
			  "a privileged container or a real host is needed");
		check_try(&findings, "user namespaces", try_user_namespace,
			  "try `sysctl -w user.max_user_namespaces=10000`; `privileged: true` nodes do without");
		check_try(&findings, "users for shuttle and ghost", try_rights,
			  "user numbers 1734475777 and 1734475778 must be mapped, capabilities must be droppable");
		check_arrivals();
	}
	if (findings.packages[0])
		printf("\napt-get install -y%s\n", findings.packages);
	printf("\n%s\n", findings.missing ? "This host cannot run experiments yet." : "This host can run experiments.");
	return findings.missing ? EXIT_HOST : EXIT_DONE;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.usage = "",
	.summary = "Check whether this host can run experiments",
	.help = "Says what is missing and the command that adds it. Exit status 3 if something is. Nothing is "
		"changed.\n",
	.main = doctor_main,
};
