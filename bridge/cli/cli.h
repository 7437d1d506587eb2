/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cli.h - what the verbs of the command line share.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "bridge/experiment/experiment.h"

struct verb {
	const char *name;
	const char *usage;   /* after "ghostbridge NAME " */
	const char *summary; /* one line for the table */
	const char *help;    /* the rest of --help */
	int (*main)(const struct verb *verb, int argc, char **argv);
};

extern const struct verb verb_run, verb_up, verb_down, verb_ls, verb_status, verb_exec, verb_shell, verb_set, verb_ovs,
	verb_validate, verb_graph, verb_doctor;

/* recordings */
extern const struct verb verb_replay, verb_diff, verb_capture;

#define OPTION_SETS_MAX 256

/* Every option that some verb has; the verb names those it takes. */
struct options {
	const char *out;
	const char *name;
	const char *format;
	const char *sets[OPTION_SETS_MAX];
	size_t set_count;
	bool json;
	bool keep;
	bool record;
	bool pcap;
	const char *write;
	bool all;
	char **args; /* what is left, NULL-terminated */
	int arg_count;
};

/**
 * options_parse() - Parse the options of a verb
 * @takes:	letters of those it takes: o --out (O: -o as well), f --format, n --name, s --set, j --json, k --keep, r
 *--record, p --pcap, w --write (also -w), a
 *--all; a leading '+' stops at the first other argument
 * @args_min, @args_max: how many arguments must be left; -1: any number
 *
 * Return: -1 to go on, else the exit status (after --help or a mistake)
 */
int options_parse(const struct verb *verb, int argc, char **argv, const char *takes, int args_min, int args_max,
		  struct options *ret);

/** cli_error() - "ghostbridge: ..." on stderr. Return: @exit_status. */
__attribute__((format(printf, 2, 3))) int cli_error(int exit_status, const char *fmt, ...);

/** cli_help() - A verb's help. */
void cli_help(const struct verb *verb, FILE *stream);

/** cli_suggest() - The candidate nearest to a mistyped word, or NULL when none is near. */
const char *cli_suggest(const char *word, const char *const *candidates);

/**
 * load_scenario() - Read and check a scenario file; errors are printed as file:line:column
 * @without_steps:	check steps and expectations, and then leave them out
 *
 * Return: 0 with @ret set, or an exit status
 */
int load_scenario(const char *path, const struct options *options, uint32_t workers, bool without_steps,
		  struct scenario **ret);

/** load_say() - Print an error as file:line:column; @part: of what in the file the line is counted, or NULL. */
void load_say(const char *path, const char *part, const struct scenario_error *error);

/** load_warn() - Print what a scenario is to be warned of, as file:line:column: warning: ... */
void load_warn(const char *path, const struct scenario *scenario);

/**
 * cli_recording_path() - Where the recording is that an argument names: a run directory, or the file itself
 * @ret_dir, @ret_path: of @size bytes each
 *
 * Return: 0 or an exit status after saying what is wrong
 */
int cli_recording_path(const char *arg, char *ret_dir, char *ret_path, size_t size);

struct recording;

/**
 * cli_recording_digest() - digest.json beside a recording; NULL when there is none, or after a warning. New reference.
 * @recording:	learns from it that it is not complete, which the file itself cannot know
 */
json_t *cli_recording_digest(const char *dir, struct recording *recording);

/** load_workers() - How many ghosts to use when the file does not say: one per core. */
uint32_t load_workers(void);

/**
 * client_connect() - Connect to a running experiment
 *
 * Return: fd, or a negative exit status after saying what is wrong
 */
int client_connect(const char *name);

/** client_send() - Send one request, with 3 fds or NULL. Takes over @request. Return: 0 or a negative errno. */
int client_send(int fd, json_t *request, const int *fds);

/** client_receive() - Next answer, waiting @timeout_ms at most (-1: for ever). NULL when there is none. New reference.
 */
json_t *client_receive(int fd, int timeout_ms);

/** client_status() - Ask for the status, PIDs translated; quietly NULL when there is no answer. */
json_t *client_status(const char *name);

/**
 * client_exec() - Run a command in a container on our own stdin, stdout and stderr, passing on SIGINT and SIGTERM
 * @node:	NULL: beside the experiment's Open vSwitch, in our own directory
 * @argv:	list of text; taken over
 *
 * Return: exit status of the command, or our own after saying what is wrong
 */
int client_exec(const char *name, const char *node, json_t *argv);

/** client_answer_exit() - Exit status in an answer after printing its error; -1 when it holds neither. */
int client_answer_exit(json_t *answer);

/** pids_translate() - Replace every "pid" of a lab in @value by the PID in our namespace, null when gone. */
void pids_translate(json_t *value, pid_t daemon);

#endif /* CLI_CLI_H */
