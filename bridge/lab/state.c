/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * state.c - see state.h. Runs in the process that starts or reclaims a lab, outside of it.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bridge/lab/cgroup.h"
#include "bridge/lab/lab.h"
#include "bridge/lab/state.h"

#define NAME_LEN_MAX     64
#define JOURNAL_SIZE_MAX (1u << 20)
#define DEATH_WAIT_MS    10000 /* a killed daemon takes its containers along first; 100 of them need a moment */

int state_check_name(const char *name, struct diag *diag)
{
	size_t len = strlen(name);

	if (!len || len > NAME_LEN_MAX || !isalnum((unsigned char)name[0]))
		goto bad;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_.-", name[i]))
			goto bad;
	return 0;
bad:
	return diag_set(diag, -EINVAL,
			"'%s' cannot name an experiment: use up to %d letters, digits, '-', '_' and '.', a letter or "
			"digit first",
			name, NAME_LEN_MAX);
}

void state_path(const char *name, char *ret_path)
{
	snprintf(ret_path, STATE_PATH_SIZE, "%s/%s", LAB_STATE_ROOT, name);
}

static int open_state_dir(const char *name)
{
	char path[STATE_PATH_SIZE];
	int fd;

	state_path(name, path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int state_take(const char *name, bool create, int *ret_fd)
{
	char path[STATE_PATH_SIZE];

	state_path(name, path);
	for (;;) {
		struct stat held, named;
		int dir_fd, fd, err;

		if (create) {
			if (mkdir(LAB_STATE_ROOT, 0755) && errno != EEXIST)
				return -errno;
			if (mkdir(path, 0755) && errno != EEXIST) {
				if (errno == ENOENT)
					continue; /* somebody removed an empty root between the two calls */
				return -errno;
			}
		}
		dir_fd = open_state_dir(name);
		if (dir_fd == -ENOENT && create)
			continue;
		if (dir_fd < 0)
			return dir_fd;
		fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
		err = -errno;
		if (fd < 0) {
			close(dir_fd);
			if (err == -ENOENT) /* the directory went while we held it */
				continue;
			return err;
		}
		if (flock(fd, LOCK_EX | LOCK_NB)) {
			err = errno == EWOULDBLOCK ? -EBUSY : -errno;
			close(fd);
			close(dir_fd);
			return err;
		}
		close(dir_fd);

		/* What we locked may have been unlinked by the previous owner in between: then it locks nothing. */
		err = snprintf(path, sizeof(path), "%s/%s/lock", LAB_STATE_ROOT, name);
		if (!fstat(fd, &held) && !stat(path, &named) && held.st_dev == named.st_dev &&
		    held.st_ino == named.st_ino) {
			*ret_fd = fd;
			return 0;
		}
		close(fd);
		state_path(name, path);
	}
}

int journal_open(const char *name)
{
	int dir_fd = open_state_dir(name), fd;

	if (dir_fd < 0)
		return dir_fd;
	fd = openat(dir_fd, "journal", O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		fd = -errno;
	close(dir_fd);
	return fd;
}

int journal_add(int fd, const char *kind, const char *path)
{
	char line[1024];
	int len = snprintf(line, sizeof(line), "%s %s\n", kind, path);

	if (len < 0 || (size_t)len >= sizeof(line))
		return -ENAMETOOLONG;
	if (write(fd, line, (size_t)len) != len)
		return errno ? -errno : -EIO;
	return fsync(fd) ? -errno : 0;
}

/* A whole small file, NUL-terminated; NULL with errno set when it cannot be read. */
static char *read_at(int dir_fd, const char *name, size_t size_max)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	size_t size = 0, room = 4096;
	char *text, *bigger;
	ssize_t got;

	if (fd < 0)
		return NULL;
	text = malloc(room + 1);
	while (text && (got = read(fd, text + size, room - size)) > 0) {
		size += (size_t)got;
		if (size < room)
			continue;
		if (room >= size_max)
			break;
		room *= 2;
		bigger = realloc(text, room + 1);
		if (!bigger) {
			free(text);
			text = NULL;
			break;
		}
		text = bigger;
	}
	close(fd);
	if (text)
		text[size] = '\0';
	return text;
}

/* Clock ticks after boot at which @pid started: with it a PID names one process for ever. 0 if there is none. */
static uint64_t start_time(pid_t pid)
{
	char path[64], *stat_text, *field;
	uint64_t ticks = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	stat_text = read_at(AT_FDCWD, path, 4096);
	if (!stat_text)
		return 0;
	field = strrchr(stat_text, ')'); /* the command's name may hold anything, so count from its end */
	for (int i = 0; field && i < 20; i++)
		field = strchr(field + 1, ' ');
	if (field)
		ticks = strtoull(field + 1, NULL, 10);
	free(stat_text);
	return ticks;
}

int state_write_pid(const char *name, pid_t pid)
{
	int dir_fd = open_state_dir(name), fd, err = 0;

	if (dir_fd < 0)
		return dir_fd;
	/* Written aside and renamed, so that a reader never sees half of it. */
	fd = openat(dir_fd, "pid.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || dprintf(fd, "%d %" PRIu64 "\n", pid, start_time(pid)) < 0 ||
	    renameat(dir_fd, "pid.new", dir_fd, "pid"))
		err = -errno;
	if (fd >= 0)
		close(fd);
	close(dir_fd);
	return err;
}

pid_t lab_daemon_pid(const char *name)
{
	uint64_t ticks = 0;
	pid_t pid = -1;
	char *text;
	int dir_fd;

	if (state_check_name(name, NULL))
		return -1;
	dir_fd = open_state_dir(name);
	if (dir_fd < 0)
		return -1;
	text = read_at(dir_fd, "pid", 4096);
	close(dir_fd);
	if (!text)
		return -1;
	if (sscanf(text, "%d %" SCNu64, &pid, &ticks) != 2 || pid <= 0 || !ticks || start_time(pid) != ticks)
		pid = -1;
	free(text);
	return pid;
}

/*
 * The lock is released early in the death of a daemon, before the kernel has killed the rest of its PID namespace. Its
 * pidfd becomes readable after that, when every process of the lab is gone.
 */
static int wait_for_death(const char *name)
{
	pid_t pid = lab_daemon_pid(name);
	struct pollfd poll_fd = {.events = POLLIN};
	int count;

	if (pid < 0)
		return 0;
	poll_fd.fd = pidfd_open(pid, 0);
	if (poll_fd.fd < 0)
		return errno == ESRCH ? 0 : -errno;
	if (lab_daemon_pid(name) != pid) { /* the PID was reused before we opened it */
		close(poll_fd.fd);
		return 0;
	}
	do
		count = poll(&poll_fd, 1, DEATH_WAIT_MS);
	while (count < 0 && errno == EINTR);
	close(poll_fd.fd);
	return count > 0 ? 0 : -ETIMEDOUT;
}

int state_undo(const char *name, struct diag *diag)
{
	int dir_fd = open_state_dir(name), err, count = 0;
	char *text, *line;

	if (dir_fd < 0)
		return diag_set(diag, dir_fd, "cannot open %s/%s: %s", LAB_STATE_ROOT, name, strerror(-dir_fd));
	err = wait_for_death(name);
	if (err) {
		diag_set(diag, err, "the daemon of '%s' does not die: %s", name, strerror(-err));
		goto out;
	}
	text = read_at(dir_fd, "journal", JOURNAL_SIZE_MAX);
	while (text && (line = strrchr(text, '\n'))) {
		*line = '\0'; /* what follows the last newline is gone or was never finished */
		line = strrchr(text, '\n');
		line = line ? line + 1 : text;
		if (!strncmp(line, "cgroup ", 7)) {
			err = cgroup_remove(line + 7);
			if (err < 0) {
				diag_set(diag, err, "cannot remove cgroup %s: %s", line + 7, strerror(-err));
				free(text);
				goto out;
			}
			count += err;
		}
		*line = '\0';
		if (line > text)
			line[-1] = '\n';
	}
	free(text);
	err = count;
	unlinkat(dir_fd, "journal", 0);
	unlinkat(dir_fd, "pid", 0);
out:
	close(dir_fd);
	return err;
}

/* Empty the directory @fd (closed here) but for the entry called @keep. Never crosses a mount or follows a link. */
static int empty_dir(int fd, const char *keep)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int err = 0, sub_fd;

	if (!dir) {
		err = -errno;
		close(fd);
		return err;
	}
	while (!err && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    (keep && !strcmp(entry->d_name, keep)))
			continue;
		if (!unlinkat(fd, entry->d_name, 0) || errno == ENOENT)
			continue;
		if (errno != EISDIR && errno != EPERM) {
			err = -errno;
			break;
		}
		sub_fd = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub_fd < 0) {
			err = -errno;
			break;
		}
		err = empty_dir(sub_fd, NULL);
		if (!err && unlinkat(fd, entry->d_name, AT_REMOVEDIR) && errno != ENOENT)
			err = -errno;
	}
	closedir(dir);
	return err;
}

int state_remove(const char *name, struct diag *diag)
{
	char path[STATE_PATH_SIZE + 8];
	int dir_fd = open_state_dir(name), err;

	if (dir_fd < 0)
		return dir_fd == -ENOENT ? 0 : dir_fd;
	state_path(name, path);
	err = empty_dir(dir_fd, "lock");
	if (err)
		return diag_set(diag, err, "cannot empty %s: %s", path, strerror(-err));
	strcat(path, "/lock");
	if (unlink(path) && errno != ENOENT)
		return diag_set(diag, -errno, "cannot remove %s: %s", path, strerror(errno));
	state_path(name, path);
	/* A newcomer may have created its own lock in there already; then the directory is the newcomer's. */
	if (rmdir(path) && errno != ENOENT && errno != ENOTEMPTY && errno != EEXIST)
		return diag_set(diag, -errno, "cannot remove %s: %s", path, strerror(errno));
	rmdir(LAB_STATE_ROOT); /* the last one out; others' directories keep it */
	return 0;
}

int lab_reclaim(const char *name, struct diag *diag)
{
	int lock_fd, err;

	err = state_check_name(name, diag);
	if (err)
		return err;
	err = state_take(name, false, &lock_fd);
	if (err == -ENOENT)
		return 0;
	if (err == -EBUSY)
		return diag_set(diag, err, "experiment '%s' is running; stop it with `ghostbridge down %s`", name,
				name);
	if (err)
		return diag_set(diag, err, "cannot lock %s/%s: %s", LAB_STATE_ROOT, name, strerror(-err));
	err = state_undo(name, diag);
	if (err >= 0)
		err = state_remove(name, diag);
	close(lock_fd);
	return err < 0 ? err : 1;
}

bool lab_is_running(const char *name)
{
	int dir_fd, fd;
	bool held;

	if (state_check_name(name, NULL))
		return false;
	dir_fd = open_state_dir(name);
	if (dir_fd < 0)
		return false;
	fd = openat(dir_fd, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	close(dir_fd);
	if (fd < 0)
		return false;
	/* A shared lock asks without getting into the way of others who only ask. */
	held = flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
	close(fd);
	return held;
}

char **lab_names(void)
{
	DIR *dir = opendir(LAB_STATE_ROOT);
	size_t count = 0, room = 8;
	char **names = calloc(room, sizeof(*names)), **bigger;
	struct dirent *entry;

	while (names && dir && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || state_check_name(entry->d_name, NULL))
			continue;
		if (count + 1 == room) {
			bigger = reallocarray(names, room * 2, sizeof(*names));
			if (!bigger)
				break;
			names = bigger;
			room *= 2;
		}
		names[count] = strdup(entry->d_name);
		if (!names[count])
			break;
		names[++count] = NULL;
	}
	if (dir)
		closedir(dir);
	return names;
}
