/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rundir.c - see rundir.h.
 */
#include "bridge/experiment/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* mkdir -p. Return: bytes of @path that were there before, or a negative errno. */
static ssize_t make_path(char *path)
{
	ssize_t existed = 0;

	for (char *p = path + 1;; p++) {
		char keep = *p;

		if (keep != '/' && keep != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) < 0) {
			int err = errno;

			*p = keep;
			if (err != EEXIST)
				return -err;
			existed = p - path;
		} else {
			*p = keep;
		}
		if (keep == '\0')
			return existed;
	}
}

static bool is_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	bool empty = true;

	if (!dir)
		return false;
	while (empty && (entry = readdir(dir)))
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	closedir(dir);
	return empty;
}

/* runs/NAME-YYYYmmddTHHMMSS, with a number behind it when two runs start within one second. */
static int default_path(const char *name, char *ret, size_t size)
{
	time_t now = time(NULL);
	struct tm local;
	char stamp[32];
	struct stat status;

	localtime_r(&now, &local);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", &local);
	snprintf(ret, size, "runs/%s-%s", name, stamp);
	for (int n = 2; stat(ret, &status) == 0 && n < 1000; n++)
		snprintf(ret, size, "runs/%s-%s-%d", name, stamp, n);
	return 0;
}

int rundir_make(const char *out, const char *name, struct rundir *ret, struct diag *diag)
{
	struct rundir dir = {.fd = -1};
	char path[PATH_MAX];
	ssize_t existed;
	int r;

	if (out)
		snprintf(path, sizeof(path), "%s", out);
	else
		default_path(name, path, sizeof(path));
	if (!path[0])
		return diag_set(diag, -EINVAL, "the run directory's name is empty; name one with --out");
	existed = make_path(path);
	if (existed < 0)
		return diag_set(diag, (int)existed, "cannot make run directory %s: %s", path, strerror((int)-existed));
	dir.path = strdup(path);
	dir.made_from = (size_t)existed;
	if (!dir.path)
		return -ENOMEM;
	dir.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir.fd < 0) {
		r = diag_set(diag, -errno, "cannot open run directory %s: %s", path, strerror(errno));
		goto fail;
	}
	if (!is_empty(dir.fd)) {
		r = diag_set(diag, -EEXIST, "run directory %s is not empty; name another one with --out", path);
		goto fail;
	}
	if (mkdirat(dir.fd, "steps", 0755) < 0 || mkdirat(dir.fd, "logs", 0755) < 0) {
		r = diag_set(diag, -errno, "cannot write to run directory %s: %s", path, strerror(errno));
		goto fail;
	}
	*ret = dir;
	return 0;
fail:
	rundir_close(&dir);
	return r;
}

void rundir_discard(struct rundir *dir)
{
	if (dir->fd < 0)
		return;
	unlinkat(dir->fd, "steps", AT_REMOVEDIR);
	unlinkat(dir->fd, "logs", AT_REMOVEDIR);
	/* Back up to what was there before; a directory that somebody else has put something into stays. */
	for (size_t len = strlen(dir->path); len > dir->made_from; len--) {
		if (dir->path[len] != '/' && dir->path[len] != '\0')
			continue;
		dir->path[len] = '\0';
		if (rmdir(dir->path) < 0)
			break;
	}
	rundir_close(dir);
}

void rundir_close(struct rundir *dir)
{
	if (dir->fd >= 0)
		close(dir->fd);
	free(dir->path);
	dir->fd = -1;
	dir->path = NULL;
}

int rundir_create(const struct rundir *dir, const char *file)
{
	int fd = openat(dir->fd, file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : fd;
}

int rundir_write(const struct rundir *dir, const char *file, const char *data, size_t size)
{
	char temporary[256];
	ssize_t n;
	int fd, r = 0;

	snprintf(temporary, sizeof(temporary), ".%s.new", file);
	fd = rundir_create(dir, temporary);
	if (fd < 0)
		return fd;
	while (size > 0) {
		n = write(fd, data, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = -errno;
			break;
		}
		data += n;
		size -= (size_t)n;
	}
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(dir->fd, temporary, dir->fd, file) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir->fd, temporary, 0);
	return r;
}

ssize_t rundir_read(const struct rundir *dir, const char *file, size_t size_max, char **ret)
{
	struct stat status;
	size_t size, filled = 0;
	char *data;
	ssize_t n = 0;
	int fd;

	fd = openat(dir->fd, file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0) {
		n = -errno;
		close(fd);
		return n;
	}
	size = (uint64_t)status.st_size < size_max ? (size_t)status.st_size : size_max;
	data = malloc(size + 1);
	if (!data) {
		close(fd);
		return -ENOMEM;
	}
	while (filled < size) {
		n = read(fd, data + filled, size - filled);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		filled += (size_t)n;
	}
	n = n < 0 ? -errno : 0;
	close(fd);
	if (n < 0) {
		free(data);
		return n;
	}
	data[filled] = '\0';
	*ret = data;
	return (ssize_t)filled;
}

void rundir_tail(const struct rundir *dir, const char *file, char *ret, size_t size)
{
	char buffer[2048];
	int fd = openat(dir->fd, file, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	char *line;

	ret[0] = '\0';
	if (fd < 0)
		return;
	if (lseek(fd, -(off_t)(sizeof(buffer) - 1), SEEK_END) < 0)
		lseek(fd, 0, SEEK_SET);
	n = read(fd, buffer, sizeof(buffer) - 1);
	close(fd);
	while (n > 0 && (buffer[n - 1] == '\n' || buffer[n - 1] == ' '))
		n--;
	if (n <= 0)
		return;
	buffer[n] = '\0';
	line = strrchr(buffer, '\n');
	snprintf(ret, size, "%s", line ? line + 1 : buffer);
}
