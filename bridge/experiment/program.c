/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * program.c - see program.h.
 */
#include "bridge/experiment/program.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge/experiment/peer.h"
#include "bridge/experiment/rights.h"
#include "bridge/record/digest.h"

/* Of the ghosts' user, threads included: enough for any program, and no fork bomb. Before Run () it may start some. */
#define PROCESSES_MAX 512

#define HASH_PIECE_SIZE (1u << 20)

pid_t program_spawn(const struct experiment *experiment, const char *wire_path, int log_fd)
{
	const struct scenario *scenario = experiment->scenario;
	char wire[160], seed[64];
	const char *const env[] = {wire, seed, NULL};
	struct peer_program program = {.name = "ghost",
				       .exe_fd = experiment->program_fd,
				       .argv = (const char *const *)scenario->program.argv,
				       .uid = RIGHTS_GHOST_UID,
				       .timing = scenario->lag_ns > 0 ? PEER_TIMELY : PEER_FAST,
				       .stdin_fd = -1,
				       .log_fd = log_fd,
				       .control_fd = -1,
				       .env = env,
				       .process_max = PROCESSES_MAX};
	pid_t pid;

	snprintf(wire, sizeof(wire), "GHOSTBRIDGE_WIRE=%s", wire_path);
	/* What ns-3 takes for the default of a global value; the program and its command line may say otherwise. */
	snprintf(seed, sizeof(seed), "NS_GLOBAL_VALUE=RngRun=%" PRIu64, scenario->seed);
	if (mkdirat(experiment->rundir.fd, PROGRAM_DIR, 0755) < 0 && errno != EEXIST)
		return -errno;
	program.cwd_fd = openat(experiment->rundir.fd, PROGRAM_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (program.cwd_fd < 0)
		return -errno;
	pid = fchown(program.cwd_fd, RIGHTS_GHOST_UID, RIGHTS_GHOST_UID) < 0 ? -errno : peer_spawn(&program);
	close(program.cwd_fd);
	return pid;
}

void program_done(const struct experiment *experiment)
{
	unlinkat(experiment->rundir.fd, PROGRAM_DIR, AT_REMOVEDIR);
}

int experiment_find_program(const struct scenario *scenario, const char *source, int *ret_fd, struct diag *diag)
{
	const struct scenario_program *program = &scenario->program;
	const char *slash = strrchr(source, '/');
	char path[4096], where[64] = "";
	struct stat status;
	int fd, err, len;

	*ret_fd = -1;
	if (!program->argv)
		return 0;
	/* What --set says stands nowhere in the file. */
	if (program->pos.line)
		snprintf(where, sizeof(where), ":%u:%u", program->pos.line, program->pos.column);
	if (program->argv[0][0] == '/' || !slash)
		len = snprintf(path, sizeof(path), "%s", program->argv[0]);
	else
		len = snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - source), source, program->argv[0]);
	if (len >= (int)sizeof(path))
		return diag_set(diag, -ENAMETOOLONG, "%s%s: ghost: the path is too long", source, where);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	err = fd < 0 ? errno : 0;
	if (err == ENOENT)
		return diag_set(diag, -err,
				"%s%s: ghost: there is no %s; build the program, or correct the path, which is "
				"relative to the scenario's file",
				source, where, path);
	if (err)
		return diag_set(diag, -err, "%s%s: ghost: cannot open %s: %s", source, where, path, strerror(err));
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		close(fd);
		return diag_set(diag, -EACCES, "%s%s: ghost: %s is not a file; name the program itself", source, where,
				path);
	}
	/* Not as root, so the bit for all of them is what counts. */
	if (!(status.st_mode & S_IXOTH)) {
		close(fd);
		return diag_set(diag, -EACCES, "%s%s: ghost: %s may not be executed by everybody; chmod a+rx it",
				source, where, path);
	}
	*ret_fd = fd;
	return 0;
}

void experiment_ns3_version(int ghost_fd, char *ret, size_t size)
{
	const char *argv[] = {"ns3-ghost", "--version", NULL};
	char *env[] = {(char *)"LANG=C.UTF-8", NULL};
	char text[256] = "", *version;
	int pair[2];
	ssize_t n;
	pid_t pid;

	ret[0] = '\0';
	if (pipe2(pair, O_CLOEXEC) < 0)
		return;
	pid = fork();
	if (pid == 0) {
		dup2(pair[1], 1);
		syscall(SYS_execveat, ghost_fd, "", argv, env, AT_EMPTY_PATH);
		_exit(127);
	}
	close(pair[1]);
	n = read(pair[0], text, sizeof(text) - 1);
	close(pair[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	/* "ns3-ghost 0.1.0, ns-3.37" */
	version = strstr(text, "ns-");
	snprintf(ret, size, "%s", version ? version + 3 : "");
}

void experiment_hash_program(int fd, char ret[17])
{
	uint8_t *piece = malloc(HASH_PIECE_SIZE);
	uint64_t digest = 0, at = 0;
	uint32_t size;
	ssize_t n = piece ? 1 : -1;

	ret[0] = '\0';
	while (n > 0) {
		/* However it comes, in pieces of the same size. */
		for (size = 0; size < HASH_PIECE_SIZE; size += (uint32_t)n) {
			n = pread(fd, piece + size, HASH_PIECE_SIZE - size, (off_t)(at + size));
			if (n <= 0)
				break;
		}
		digest = digest_frame(digest, at, digest_bytes(piece, size), size);
		at += size;
	}
	if (n == 0)
		snprintf(ret, 17, "%016" PRIx64, digest);
	free(piece);
}
