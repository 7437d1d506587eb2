/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * manifest.c - see manifest.h.
 */
#include "bridge/experiment/manifest.h"

#include <ctype.h>
#include <fcntl.h>
#include <lxc/lxccontainer.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bridge/experiment/daemon.h"
#include "bridge/experiment/rights.h"

#define VERSION_TIMEOUT_MS 2000

void manifest_first_line(const char *command, char *ret, size_t size)
{
	FILE *stream = popen(command, "re");

	ret[0] = '\0';
	if (!stream)
		return;
	if (!fgets(ret, (int)size, stream))
		ret[0] = '\0';
	pclose(stream);
	ret[strcspn(ret, "\n")] = '\0';
}

/* What ns3-ghost says of itself. It runs as in the experiment, without rights. */
static void ghost_version(const struct experiment *experiment, char *ret, size_t size)
{
	static const char *const argv[] = {"ns3-ghost", "--version", NULL};
	struct peer_program program = {.name = "ghost",
				       .exe_fd = experiment->ghost_fd,
				       .argv = argv,
				       .uid = RIGHTS_GHOST_UID,
				       .stdin_fd = -1,
				       .control_fd = -1};
	struct pollfd poll_fd = {.events = POLLIN};
	int pair[2];
	ssize_t n = 0;

	ret[0] = '\0';
	if (pipe2(pair, O_CLOEXEC) < 0)
		return;
	program.log_fd = pair[1];
	if (peer_spawn(&program) > 0) {
		close(pair[1]);
		poll_fd.fd = pair[0];
		if (poll(&poll_fd, 1, VERSION_TIMEOUT_MS) == 1)
			n = read(pair[0], ret, size - 1);
	} else {
		close(pair[1]);
	}
	close(pair[0]);
	ret[n > 0 ? n : 0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

/* Value of the first line of /proc/cpuinfo that begins with @key. */
static void cpu_model(char *ret, size_t size)
{
	char line[512], *colon;
	FILE *file = fopen("/proc/cpuinfo", "re");

	snprintf(ret, size, "unknown");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "model name", 10) != 0 || !(colon = strchr(line, ':')))
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(ret, size, "%s", colon + 1 + strspn(colon + 1, " "));
		break;
	}
	if (file)
		fclose(file);
}

/* By this process's own memberships, since /sys shows the lab's view. */
static const char *cgroup_mode(void)
{
	bool v1 = false, v2 = false;
	char line[4096];
	FILE *file = fopen("/proc/self/cgroup", "re");

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "0::", 3) == 0)
			v2 = true;
		else
			v1 = true;
	}
	if (file)
		fclose(file);
	return v1 && v2 ? "hybrid" : v1 ? "v1" : v2 ? "v2" : "none";
}

void manifest_ns3_version(const struct experiment *experiment, char *ret, size_t size)
{
	char ghost[128], *version;

	ghost_version(experiment, ghost, sizeof(ghost));
	/* "ns3-ghost 0.1.0, ns-3.37" ends with it. */
	version = strstr(ghost, "ns-");
	snprintf(ret, size, "%s", version ? version + 3 : "unknown");
}

json_t *manifest_make(struct daemon *daemon)
{
	char ghost[128], ovs[256] = "", cpu[256], stamp[64], *version;
	struct utsname host;
	struct sysinfo memory;
	time_t started = (time_t)daemon->started_at;
	struct tm utc;
	json_t *manifest;

	ghost_version(daemon->experiment, ghost, sizeof(ghost));
	if (access("/usr/sbin/ovs-vswitchd", X_OK) == 0)
		manifest_first_line("/usr/sbin/ovs-vswitchd --version 2>/dev/null", ovs, sizeof(ovs));
	cpu_model(cpu, sizeof(cpu));
	if (uname(&host) < 0)
		memset(&host, 0, sizeof(host));
	if (sysinfo(&memory) < 0)
		memset(&memory, 0, sizeof(memory));
	gmtime_r(&started, &utc);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &utc);
	/* "ns3-ghost 0.1.0, ns-3.37" and "ovs-vswitchd (Open vSwitch) 3.1.0" end with the version. */
	version = strstr(ghost, "ns-");
	manifest = json_pack("{s:i,s:s,s:s,s:I,s:i}", "schema", 1, "name", daemon->experiment->name, "started", stamp,
			     "seed", (json_int_t)daemon->scenario->seed, "ghosts", (int)daemon->scenario->ghost_count);
	json_object_set_new(manifest, "versions",
			    json_pack("{s:s,s:s,s:s,s:s}", "ghostbridge", GB_VERSION, "ns-3",
				      version ? version + 3 : "unknown", "kernel", host.release, "lxc",
				      lxc_get_version()));
	if (ovs[0]) {
		version = strrchr(ovs, ' ');
		json_object_set_new(json_object_get(manifest, "versions"), "openvswitch",
				    json_string(version ? version + 1 : ovs));
	}
	if (lab_switching_datapath(daemon->lab))
		json_object_set_new(manifest, "datapath", json_string(lab_switching_datapath(daemon->lab)));
	json_object_set_new(manifest, "host",
			    json_pack("{s:s,s:s,s:i,s:I,s:s}", "cpu", cpu, "machine", host.machine, "cores",
				      (int)sysconf(_SC_NPROCESSORS_ONLN), "memory_bytes",
				      (json_int_t)memory.totalram * (json_int_t)memory.mem_unit, "cgroups",
				      cgroup_mode()));
	return manifest;
}
