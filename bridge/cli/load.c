/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * load.c - scenario files.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/cli/cli.h"

#define NAME_SIZE           32          /* the longest name that a scenario can have, and NUL */
#define NAMED_FILE_SIZE_MAX (16u << 20) /* bytes; what is too much for the scenario is judged there */

uint32_t load_workers(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores > 0 ? (uint32_t)cores : 1;
}

/* At most @size bytes of a file. */
static ssize_t read_file(const char *path, size_t size, char **ret)
{
	size_t filled = 0;
	struct stat status;
	char *data;
	ssize_t n;
	int fd;

	/* Non-blocking, or a FIFO would hang us before we could say what is wrong with it. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0 || S_ISDIR(status.st_mode)) {
		close(fd);
		return -EISDIR;
	}
	fcntl(fd, F_SETFL, 0);
	data = malloc(size);
	if (!data) {
		close(fd);
		return -ENOMEM;
	}
	while (filled < size) {
		n = read(fd, data + filled, size - filled);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			n = -errno;
			close(fd);
			free(data);
			return n;
		}
		if (n == 0)
			break;
		filled += (size_t)n;
	}
	close(fd);
	*ret = data;
	return (ssize_t)filled;
}

/* A file that the scenario at @data names is looked for beside it. */
static int read_named(void *data, const char *name, char **ret_data, size_t *ret_size)
{
	const char *scenario = data, *slash = strrchr(scenario, '/');
	char path[4096];
	ssize_t size;

	if (name[0] == '/' || !slash)
		snprintf(path, sizeof(path), "%s", name);
	else if ((size_t)snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - scenario), scenario, name) >=
		 sizeof(path))
		return -ENAMETOOLONG;
	size = read_file(path, NAMED_FILE_SIZE_MAX + 1, ret_data);
	if (size < 0)
		return (int)size;
	if (size > (ssize_t)NAMED_FILE_SIZE_MAX) {
		free(*ret_data);
		return -EFBIG;
	}
	*ret_size = (size_t)size;
	return 0;
}

/* The name of an experiment by that of its file: "My LAN.yaml" is "my-lan". */
static void base_name(const char *path, char *ret, size_t size)
{
	static const char *const endings[] = {".yaml", ".yml", ".json"};
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
	size_t len = strlen(base), used = 0;

	for (size_t i = 0; dot && dot != base && i < sizeof(endings) / sizeof(endings[0]); i++)
		if (strcasecmp(dot, endings[i]) == 0)
			len = (size_t)(dot - base);
	for (size_t i = 0; i < len && used + 1 < size; i++) {
		char c = (char)tolower((unsigned char)base[i]);

		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789", c))
			c = '-';
		if (c != '-' || used > 0)
			ret[used++] = c;
	}
	while (used > 0 && ret[used - 1] == '-')
		used--;
	ret[used] = '\0';
	if (used == 0)
		snprintf(ret, size, "scenario");
}

void load_say(const char *path, const char *part, const struct scenario_error *error)
{
	/* What --set got wrong stands nowhere in the file. */
	if (!error->pos.line)
		fprintf(stderr, "%s: %s\n", path, error->text);
	else if (part)
		fprintf(stderr, "%s: %s:%u:%u: %s\n", path, part, error->pos.line, error->pos.column, error->text);
	else
		fprintf(stderr, "%s:%u:%u: %s\n", path, error->pos.line, error->pos.column, error->text);
}

int load_scenario(const char *path, const struct options *options, uint32_t workers, bool without_steps,
		  struct scenario **ret)
{
	struct scenario_errors errors = {.count = 0};
	struct scenario_options load = {.sets = options->sets,
					.set_count = options->set_count,
					.workers = workers,
					.without_steps = without_steps};
	char name[NAME_SIZE], *data = NULL;
	ssize_t size;
	int r;

	base_name(path, name, sizeof(name));
	load.default_name = name;
	load.read_file = read_named;
	load.read_file_data = (void *)(uintptr_t)path;
	/* A little more than is allowed, so that the loader can say that it is too much. */
	size = read_file(path, SCENARIO_FILE_SIZE_MAX + 2, &data);
	if (size < 0)
		return cli_error(EXIT_USAGE, "cannot read %s: %s", path, strerror((int)-size));
	r = scenario_load(data, (size_t)size, &load, ret, &errors);
	free(data);
	if (r == -EINVAL) {
		for (size_t i = 0; i < errors.count; i++)
			load_say(path, NULL, &errors.items[i]);
		scenario_errors_done(&errors);
		return EXIT_USAGE;
	}
	if (r < 0)
		return cli_error(EXIT_HOST, "cannot load %s: %s", path, strerror(-r));
	return 0;
}

void load_warn(const char *path, const struct scenario *scenario)
{
	struct scenario_errors warnings;
	size_t count = scenario_warnings(scenario, &warnings);

	for (size_t i = 0; i < warnings.count; i++)
		fprintf(stderr, "%s:%u:%u: warning: %s\n", path, warnings.items[i].pos.line,
			warnings.items[i].pos.column, warnings.items[i].text);
	if (count > warnings.count)
		fprintf(stderr, "%s: warning: and %zu more like these\n", path, count - warnings.count);
	scenario_errors_done(&warnings);
}
