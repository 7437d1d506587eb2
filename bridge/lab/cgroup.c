/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cgroup.c - see cgroup.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bridge/lab/cgroup.h"
#include "bridge/lab/state.h"

#define PARENT         "ghostbridge"
#define PERIOD_US      100000 /* the kernel's default CPU bandwidth period */
#define EMPTY_TRIES    2500
#define EMPTY_RETRY_NS 2000000L

static const char *const controller_names[CGROUP_CONTROLLER_COUNT] = {"cpu", "memory"};

static bool has_word(const char *list, const char *word, const char *separators)
{
	size_t len = strlen(word);

	for (const char *at = list; *at; at += strspn(at, separators)) {
		size_t span = strcspn(at, separators);

		if (span == len && !strncmp(at, word, len))
			return true;
		at += span;
	}
	return false;
}

static int write_at(int dir_fd, const char *file, const char *text)
{
	int fd = openat(dir_fd, file, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static bool unified_has(const char *mount, const char *controller)
{
	char path[256], list[512] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/cgroup.controllers", mount);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(list, sizeof(list), file))
		list[0] = '\0';
	fclose(file);
	return has_word(list, controller, " \n");
}

void cgroup_probe(struct cgroup_host *ret_host)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[1024], mount[128], type[32], options[256];

	for (int i = 0; i < CGROUP_CONTROLLER_COUNT; i++)
		ret_host->hierarchies[i] = (struct cgroup_hierarchy){.root_fd = -1};
	while (file && fgets(line, sizeof(line), file)) {
		const char *tail = strstr(line, " - ");
		bool unified;

		if (!tail || sscanf(line, "%*s %*s %*s %*s %127s", mount) != 1 ||
		    sscanf(tail, " - %31s %*s %255s", type, options) != 2)
			continue;
		unified = !strcmp(type, "cgroup2");
		if (!unified && strcmp(type, "cgroup"))
			continue;
		for (int i = 0; i < CGROUP_CONTROLLER_COUNT; i++) {
			struct cgroup_hierarchy *hierarchy = &ret_host->hierarchies[i];

			if (hierarchy->root_fd >= 0 || !(unified ? unified_has(mount, controller_names[i])
								 : has_word(options, controller_names[i], ",")))
				continue;
			hierarchy->root_fd = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			hierarchy->unified = unified;
			strcpy(hierarchy->mount, mount);
		}
	}
	if (file)
		fclose(file);
}

void cgroup_close(struct cgroup_host *host)
{
	for (int i = 0; i < CGROUP_CONTROLLER_COUNT; i++) {
		if (host->hierarchies[i].root_fd >= 0)
			close(host->hierarchies[i].root_fd);
		host->hierarchies[i].root_fd = -1;
	}
}

/* On v2 a directory's controllers work only when each directory above passes them on. */
static int pass_on(const struct cgroup_hierarchy *hierarchy, const char *controller, const char *dir)
{
	char file[160], text[32];

	if (!hierarchy->unified)
		return 0;
	snprintf(file, sizeof(file), "%s%scgroup.subtree_control", dir, *dir ? "/" : "");
	snprintf(text, sizeof(text), "+%s", controller);
	return write_at(hierarchy->root_fd, file, text);
}

static int prepare(struct cgroup_hierarchy *hierarchy, const char *controller, int journal_fd, const char *lab)
{
	char dir[128], path[300];
	int err;

	snprintf(dir, sizeof(dir), PARENT "/%s", lab);
	snprintf(path, sizeof(path), "%s/%s", hierarchy->mount, dir);
	err = journal_add(journal_fd, "cgroup", path);
	if (err)
		return err;
	for (;;) {
		if (mkdirat(hierarchy->root_fd, PARENT, 0755) && errno != EEXIST)
			return -errno;
		err = pass_on(hierarchy, controller, "");
		if (!err)
			err = pass_on(hierarchy, controller, PARENT);
		if (!err && mkdirat(hierarchy->root_fd, dir, 0755) && errno != EEXIST)
			err = -errno;
		if (!err)
			err = pass_on(hierarchy, controller, dir);
		if (err != -ENOENT) /* else another lab's end removed the empty parent just now */
			break;
	}
	hierarchy->prepared = !err;
	return err;
}

static int set_limit(const struct cgroup_hierarchy *hierarchy, int dir_fd, enum cgroup_controller controller,
		     double cpus, uint64_t memory_size)
{
	char text[64];
	long quota_us;
	int err = 0;

	switch (controller) {
	case CGROUP_CPU:
		quota_us = (long)(cpus * PERIOD_US + 0.5);
		if (quota_us < 1000) /* the kernel's minimum */
			quota_us = 1000;
		if (hierarchy->unified) {
			snprintf(text, sizeof(text), "%ld %d", quota_us, PERIOD_US);
			return write_at(dir_fd, "cpu.max", text);
		}
		snprintf(text, sizeof(text), "%d", PERIOD_US);
		err = write_at(dir_fd, "cpu.cfs_period_us", text);
		snprintf(text, sizeof(text), "%ld", quota_us);
		return err ? err : write_at(dir_fd, "cpu.cfs_quota_us", text);
	case CGROUP_MEMORY:
		snprintf(text, sizeof(text), "%llu", (unsigned long long)memory_size);
		err = write_at(dir_fd, hierarchy->unified ? "memory.max" : "memory.limit_in_bytes", text);
		if (err)
			return err;
		/* A container that swaps instead of hitting its limit would be a silent lie; no swap, no file. */
		if (hierarchy->unified)
			write_at(dir_fd, "memory.swap.max", "0");
		else
			write_at(dir_fd, "memory.memsw.limit_in_bytes", text);
		return 0;
	case CGROUP_CONTROLLER_COUNT:
		break;
	}
	return -EINVAL;
}

int cgroup_limit_node(struct cgroup_host *host, int journal_fd, const char *lab, const char *node, double cpus,
		      uint64_t memory_size, pid_t init, int ret_procs_fds[CGROUP_CONTROLLER_COUNT], struct diag *diag)
{
	char dir[256];

	for (int i = 0; i < CGROUP_CONTROLLER_COUNT; i++) {
		struct cgroup_hierarchy *hierarchy = &host->hierarchies[i];
		int dir_fd, fd, err;

		if (i == CGROUP_CPU ? cpus <= 0 : !memory_size)
			continue;
		if (hierarchy->root_fd < 0)
			return diag_set(
				diag, -ENOTSUP,
				"node '%s' has a %s limit, but this host has no %s cgroup controller: mount one "
				"or drop the limit",
				node, controller_names[i], controller_names[i]);
		err = hierarchy->prepared ? 0 : prepare(hierarchy, controller_names[i], journal_fd, lab);
		if (err)
			return diag_set(diag, err, "cannot make cgroup %s/" PARENT "/%s: %s", hierarchy->mount, lab,
					strerror(-err));
		snprintf(dir, sizeof(dir), PARENT "/%s/%s", lab, node);
		if (mkdirat(hierarchy->root_fd, dir, 0755) && errno != EEXIST)
			return diag_set(diag, -errno, "cannot make cgroup %s/%s: %s", hierarchy->mount, dir,
					strerror(errno));
		dir_fd = openat(hierarchy->root_fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir_fd < 0)
			return diag_set(diag, -errno, "cannot open cgroup %s/%s: %s", hierarchy->mount, dir,
					strerror(errno));
		err = set_limit(hierarchy, dir_fd, i, cpus, memory_size);
		fd = err ? -1 : openat(dir_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
		if (!err && (fd < 0 || dprintf(fd, "%d", init) < 0))
			err = -errno;
		close(dir_fd);
		if (err) {
			if (fd >= 0)
				close(fd);
			return diag_set(diag, err, "cannot limit %s of node '%s' in %s/%s: %s", controller_names[i],
					node, hierarchy->mount, dir, strerror(-err));
		}
		ret_procs_fds[i] = fd;
	}
	return 0;
}

/* Remove directory @name of @parent_fd and all below. Files of a cgroup go with it. */
static int remove_tree(int parent_fd, const char *name)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), err = 0;
	const struct timespec pause = {.tv_nsec = EMPTY_RETRY_NS};
	struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (err >= 0 && (entry = readdir(dir)))
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			err = remove_tree(fd, entry->d_name);
	closedir(dir);
	/* v1 has no event for "empty now", and a killed process leaves its cgroup some time after its wait status. */
	for (int i = 0; err >= 0 && unlinkat(parent_fd, name, AT_REMOVEDIR); i++) {
		if (errno == ENOENT)
			break;
		if (errno != EBUSY || i == EMPTY_TRIES)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return err < 0 ? err : 1;
}

int cgroup_remove_lab(struct cgroup_host *host, const char *lab)
{
	int first_err = 0;

	for (int i = 0; i < CGROUP_CONTROLLER_COUNT; i++) {
		struct cgroup_hierarchy *hierarchy = &host->hierarchies[i];
		int fd, err;

		if (!hierarchy->prepared)
			continue;
		fd = openat(hierarchy->root_fd, PARENT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		err = fd < 0 ? -errno : remove_tree(fd, lab);
		if (fd >= 0)
			close(fd);
		unlinkat(hierarchy->root_fd, PARENT, AT_REMOVEDIR); /* stays while another lab uses it */
		if (err < 0 && err != -ENOENT && !first_err)
			first_err = err;
		hierarchy->prepared = false;
	}
	return first_err;
}

int cgroup_remove(const char *path)
{
	char parent[300];
	int ret;

	/* Only what cgroup_limit_node() can have written: a journal is a file, and files can be wrong. */
	if (!strstr(path, "/" PARENT "/") || strstr(path, "/../") || strlen(path) >= sizeof(parent))
		return -EINVAL;
	ret = remove_tree(AT_FDCWD, path);
	strcpy(parent, path);
	*strrchr(parent, '/') = '\0';
	if (!strcmp(strrchr(parent, '/'), "/" PARENT))
		rmdir(parent);
	return ret;
}
