/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * experiment.h - the experiment daemon: from a checked scenario to a report.
 *
 * The command line prepares everything that may fail for a user's mistake, then hands a `struct experiment` to
 * lab_spawn(); experiment_main() is the daemon, PID 1 of its lab, one thread.
 */
#ifndef EXPERIMENT_EXPERIMENT_H
#define EXPERIMENT_EXPERIMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/experiment/rundir.h"
#include "bridge/lab/lab.h"
#include "bridge/scenario/scenario.h"

/* Exit status of every ghostbridge command. */
enum experiment_exit {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,   /* a step or an expectation failed */
	EXIT_USAGE = 2,    /* wrong usage or wrong scenario */
	EXIT_HOST = 3,     /* the host cannot do it */
	EXIT_FIDELITY = 4, /* ran, but fidelity failed */
	EXIT_INTERRUPTED = 130,
};

struct experiment {
	const struct scenario *scenario;
	const char *name;       /* may differ from the scenario's */
	const char *source;     /* the file it came from */
	const char *source_dir; /* absolute path of its directory, which containers see as /run/scenario; NULL: none */
	uint32_t workers;       /* as given to scenario_load(): a ghost packs islands the same way */
	struct rundir rundir;
	int shuttle_fd; /* the two programs, opened while paths are still the user's */
	int ghost_fd;
	int program_fd;   /* the scenario's own ghost program; -1: none */
	int *capture_fds; /* by node: the file of a replay, -1 else; NULL: not opened */
	int status_fd; /* where one byte, the exit status, tells the command line that we go on without it; -1: never */
	bool steps;    /* run the steps (run) or leave the lab to its users (up) */
	bool keep;     /* go on after the steps, until told to end */
	bool record;   /* write boundary.pcapng and digest.json */
	bool json;     /* report.json to stdout instead of the summary */
};

/** experiment_main() - The daemon; for lab_spawn(). Return: enum experiment_exit. */
int experiment_main(struct lab *lab, void *experiment);

/**
 * experiment_find_program() - Open the ghost program that a scenario names
 * @source:	the scenario's file, which its path is relative to
 * @ret_fd:	-1 if it names none
 *
 * Return: 0 or a negative errno with @diag, which says where in the file and what would be right
 */
int experiment_find_program(const struct scenario *scenario, const char *source, int *ret_fd, struct diag *diag);

/** experiment_ns3_version() - Version of ns-3 that ns3-ghost is linked with, "" when it does not say. Needs no right.
 */
void experiment_ns3_version(int ghost_fd, char *ret, size_t size);

/** experiment_hash_program() - Hash of an executable's bytes, 16 digits; "" when it cannot be read. */
void experiment_hash_program(int fd, char ret[17]);

/**
 * experiment_open_captures() - Open the files of a scenario's replays, and read each once to see that it can be sent
 * @source:	the scenario's file, which their paths are relative to
 * @ret_fds:	by node, to be freed with experiment_close_captures(); NULL if there is no replay
 *
 * Return: 0 or a negative errno with @diag, which says where in the file and what would be right
 */
int experiment_open_captures(const struct scenario *scenario, const char *source, int **ret_fds, struct diag *diag);

/** experiment_close_captures() - Close and free; NULL is fine. */
void experiment_close_captures(const struct scenario *scenario, int *fds);

/**
 * experiment_find_programs() - Open ghostbridge-shuttle and ns3-ghost
 *
 * Beside this executable, else in the libexec directory of its prefix or of the one configured; GHOSTBRIDGE_LIBEXEC
 * names another one.
 *
 * Return: 0 or -ENOENT with @diag
 */
int experiment_find_programs(int *ret_shuttle_fd, int *ret_ghost_fd, struct diag *diag);

#endif /* EXPERIMENT_EXPERIMENT_H */
