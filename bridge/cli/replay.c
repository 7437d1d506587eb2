/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * replay.c - ghostbridge replay: the simulation again, from a recording, and whether it comes out the same.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/cli/cli.h"
#include "bridge/cli/decode.h"
#include "bridge/experiment/loop.h"
#include "bridge/experiment/record.h"
#include "bridge/experiment/replay.h"
#include "bridge/experiment/rundir.h"
#include "bridge/experiment/tally.h"

#define DEVICES_FILE "devices.pcapng"

struct job {
	const struct options *options;
	char path[4096]; /* of boundary.pcapng */
	char dir[4096];
	struct recording recording;
	struct scenario *scenario;
	struct replay replay;
	struct rundir out;
	json_t *digest;              /* digest.json of the run, or NULL */
	json_t *apps;                /* what applications sent and received now */
	json_t *result;              /* ports */
	char first[1024];            /* the first difference, in words; "" */
	char ns3[64];                /* version that replays */
	char ghost[17], program[17]; /* hashes of the files that do */
	char inputs[17];             /* hash of what entered */
	char incomplete[300];
	double seconds;
};

/* The scenario of the recording, with what is changed now. */
static int load(struct job *job)
{
	struct scenario_errors errors = {.count = 0};
	struct scenario_options load = {.default_name = job->recording.default_name,
					.sets = job->options->sets,
					.set_count = job->options->set_count,
					.workers = job->recording.workers};
	uint32_t ports = 0;
	int r;

	r = scenario_load(job->recording.scenario, strlen(job->recording.scenario), &load, &job->scenario, &errors);
	if (r == -ENOMEM)
		return cli_error(EXIT_HOST, "out of memory");
	for (size_t i = 0; r < 0 && i < errors.count; i++)
		load_say(job->path, "scenario", &errors.items[i]);
	scenario_errors_done(&errors);
	if (r < 0)
		return EXIT_USAGE;
	for (uint32_t i = 0; i < job->scenario->ghost_count; i++)
		ports += scenario_input_count(job->scenario, i);
	if (job->scenario->ghost_count != job->recording.ghost_count || ports != job->recording.port_count)
		return cli_error(EXIT_USAGE,
				 "the scenario has %u ghosts with %u ports, the recording %u with %u: --set must not "
				 "change who is connected to what",
				 job->scenario->ghost_count, ports, job->recording.ghost_count,
				 job->recording.port_count);
	return 0;
}

/* A recording from before this was written down says nothing. */
static void warn_of_program(const char *name, const char *was, const char *is)
{
	if (was && strcmp(was, is) != 0)
		cli_error(0, "warning: %s is not the program that was recorded: it may do something else", name);
}

static void warn_of_versions(struct job *job, int ghost_fd, int program_fd)
{
	experiment_hash_program(ghost_fd, job->ghost);
	experiment_hash_program(program_fd, job->program);
	warn_of_program("ns3-ghost", job->recording.ghost, job->ghost);
	if (program_fd >= 0)
		warn_of_program(job->scenario->program.argv[0], job->recording.program, job->program);
	experiment_ns3_version(ghost_fd, job->ns3, sizeof(job->ns3));
	if (strcmp(job->recording.ns3, job->ns3) != 0)
		cli_error(
			0,
			"warning: recorded with ns-3 %s, replayed with ns-3 %s: models and random numbers may differ, "
			"and so may everything that leaves",
			job->recording.ns3, job->ns3);
	if (strcmp(job->recording.ghostbridge, GB_VERSION) != 0)
		cli_error(
			0,
			"warning: recorded with ghostbridge %s, replayed with %s: how links are built may differ, and "
			"so may when frames leave",
			job->recording.ghostbridge, GB_VERSION);
}

/* The first port of the scenario that a digest says nothing of, or NULL. */
static const char *missing_port(const struct scenario *scenario, const json_t *ports)
{
	for (size_t i = 0; i < scenario->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i];

		if (end->stats != SCENARIO_NONE && !json_is_object(json_object_get(ports, end->port_name)))
			return end->port_name;
	}
	return NULL;
}

/* Of the recorded run; one that cannot be compared with is as good as none. */
static json_t *read_digest(struct job *job)
{
	json_t *digest = cli_recording_digest(job->dir, &job->recording);
	const char *missing = missing_port(job->scenario, json_object_get(digest, "ports"));

	if (digest && missing) {
		cli_error(0, "warning: %s in %s says nothing of %s", RECORD_DIGEST_FILE, job->dir, missing);
		json_decref(digest);
		return NULL;
	}
	return digest;
}

/* Ghosts may have written their ends when all else was killed; the daemon writes the digest last. */
static void find_incompleteness(struct job *job)
{
	bool is_without = !job->recording.incomplete[0] && !job->digest;

	snprintf(job->incomplete, sizeof(job->incomplete), "%s",
		 is_without ? "there is no " RECORD_DIGEST_FILE
			      " to compare with: the run was killed before its end, or the file was taken away; drops "
			      "are not compared"
			    : job->recording.incomplete);
}

static int open_out(struct job *job, struct boundary_writer **ret_writer, FILE **ret_file)
{
	const struct recording *recording = &job->recording;
	struct boundary_port *ports;
	struct boundary_info info = {.name = recording->name,
				     .default_name = recording->default_name,
				     .source = recording->source,
				     .scenario = job->scenario->text,
				     .ns3 = job->ns3,
				     .ghost = job->ghost,
				     .program = job->program,
				     .seed = job->scenario->seed,
				     .lag_ns = job->scenario->lag_ns,
				     .workers = recording->workers,
				     .ghost_count = recording->ghost_count,
				     .port_count = recording->port_count};
	struct diag diag = {""};
	int fd, r;

	r = rundir_make(job->options->out, recording->name, &job->out, &diag);
	if (r < 0)
		return cli_error(r == -EEXIST ? EXIT_USAGE : EXIT_HOST, "%s", diag.text);
	ports = calloc(recording->port_count + 1u, sizeof(*ports));
	*ret_writer = malloc(sizeof(**ret_writer));
	fd = rundir_create(&job->out, BOUNDARY_FILE);
	*ret_file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!ports || !*ret_writer || !*ret_file) {
		free(ports);
		return cli_error(EXIT_HOST, "cannot write %s in %s", BOUNDARY_FILE, job->out.path);
	}
	for (uint32_t i = 0; i < recording->port_count; i++)
		ports[i] = (struct boundary_port){.name = recording->ports[i].name,
						  .link = recording->ports[i].link,
						  .ghost = recording->ports[i].ghost,
						  .index = recording->ports[i].index};
	info.ports = ports;
	r = boundary_open(*ret_writer, &info);
	free(ports);
	if (r < 0)
		return cli_error(EXIT_USAGE, "the recording's ports are not in order");
	rundir_write(&job->out, "scenario.yaml", job->scenario->text, strlen(job->scenario->text));
	return 0;
}

/* "--pcap": into the new directory, else beside the recording. */
static FILE *open_pcap(struct job *job)
{
	char path[8192];
	int fd;

	if (job->out.fd >= 0) {
		fd = rundir_create(&job->out, DEVICES_FILE);
		return fd >= 0 ? fdopen(fd, "w") : NULL;
	}
	snprintf(path, sizeof(path), "%s/%s", job->dir, DEVICES_FILE);
	return fopen(path, "we");
}

static json_t *ports_json(const struct job *job)
{
	json_t *ports = json_object();

	for (size_t i = 0; i < job->scenario->end_count; i++) {
		const struct scenario_end *end = &job->scenario->ends[i];

		if (end->stats != SCENARIO_NONE)
			json_object_set_new(ports, end->port_name, record_port_json(&job->replay.ends[i], true));
	}
	return ports;
}

/* What was checked of every link; and how often it was broken. */
static json_t *invariants_json(const struct job *job, uint64_t *ret_broken)
{
	json_t *links = json_object();

	*ret_broken = 0;
	for (size_t i = 0; i < job->scenario->link_count; i++) {
		const struct scenario_link *link = &job->scenario->links[i];
		struct stats_port sum = {.stalls = 0};

		if (link->ghost == SCENARIO_NONE)
			continue;
		for (uint32_t j = 0; j < link->end_count; j++)
			tally_add(&sum, &job->replay.ends[link->first_end + j]);
		*ret_broken += sum.spacing.broken + sum.order.broken;
		json_object_set_new(links, link->name, tally_invariants(link->kind, &sum.spacing, &sum.order));
	}
	return links;
}

static void write_out_digest(const struct job *job)
{
	/* What was missing when it was recorded is missing here, too. */
	json_t *digest =
		json_pack("{s:i,s:b,s:s,s:s,s:O,s:O}", "schema", BOUNDARY_SCHEMA, "complete", !job->incomplete[0],
			  "incomplete", job->incomplete, "inputs", job->incomplete[0] ? "" : job->inputs, "ports",
			  job->result, "applications", job->apps);
	char *text = json_dumps(digest, JSON_INDENT(2));

	if (text && rundir_write(&job->out, RECORD_DIGEST_FILE, text, strlen(text)) < 0)
		cli_error(0, "cannot write %s/%s", job->out.path, RECORD_DIGEST_FILE);
	free(text);
	json_decref(digest);
}

/* A frame that a simulated node made, or rewrote, never entered: its headers are only known from the replay. */
static void describe_frame(const struct job *job, const struct recording_entry *entry, char *ret, size_t size)
{
	const struct replay_difference *difference = &job->replay.difference;
	char what[256] = "";

	if (difference->has_replayed && difference->head_size && difference->replayed.value == entry->value)
		decode_frame(difference->head, difference->head_size, what, sizeof(what));
	else
		decode_by_hash(&job->recording, entry->value, entry->len, what, sizeof(what));
	snprintf(ret, size, "%s: %u bytes at %.9f s%s%s", job->recording.ports[entry->interface].name, entry->len,
		 (double)entry->time_ns / 1e9, what[0] ? ", " : "", what);
}

static void say_difference(struct job *job, const char *what, const json_t *was, const json_t *is)
{
	char *a = json_dumps(was, JSON_ENCODE_ANY | JSON_COMPACT), *b = json_dumps(is, JSON_ENCODE_ANY | JSON_COMPACT);

	snprintf(job->first, sizeof(job->first), "%s was %s, is %s", what, a ? a : "?", b ? b : "?");
	free(a);
	free(b);
}

/* In words, the first thing that is not as it was. */
static void find_difference(struct job *job)
{
	const struct replay_difference *difference = &job->replay.difference;
	const struct replay_miscount *miscount = &job->replay.miscount;
	char recorded[512] = "nothing more", replayed[512] = "nothing more";
	const char *port, *inputs;
	json_t *was, *is;
	size_t i;

	if (job->replay.changed)
		return; /* all of it is one */
	if (difference->any) {
		if (difference->has_recorded)
			describe_frame(job, &difference->recorded, recorded, sizeof(recorded));
		if (difference->has_replayed)
			describe_frame(job, &difference->replayed, replayed, sizeof(replayed));
		snprintf(job->first, sizeof(job->first), "after %" PRIu64 " equal frames, recorded %s; replayed %s",
			 difference->number, recorded, replayed);
		return;
	}
	if (miscount->any) {
		snprintf(job->first, sizeof(job->first),
			 "ghost %u ended after %" PRIu64 " events, recorded are %" PRIu64, miscount->ghost,
			 miscount->replayed, miscount->recorded);
		return;
	}
	if (!job->digest || job->recording.incomplete[0])
		return;
	inputs = json_string_value(json_object_get(job->digest, "inputs"));
	if (inputs && inputs[0] && strcmp(inputs, job->inputs) != 0) {
		snprintf(job->first, sizeof(job->first),
			 "what entered is not what was recorded: its hash was %s, is %s", inputs, job->inputs);
		return;
	}
	json_array_foreach(json_object_get(job->digest, "applications"), i, was)
	{
		is = json_array_get(job->apps, i);
		if (json_equal(was, is))
			continue;
		say_difference(job, "application", was, is);
		return;
	}
	json_object_foreach(json_object_get(job->digest, "ports"), port, was)
	{
		static const char *const keys[] = {"entered", "frames", "bytes", "hash", "drops"};

		is = json_object_get(job->result, port);
		for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			char what[256];

			if (json_equal(json_object_get(was, keys[i]), json_object_get(is, keys[i])))
				continue;
			snprintf(what, sizeof(what), "%s: %s", port, keys[i]);
			say_difference(job, what, json_object_get(was, keys[i]), json_object_get(is, keys[i]));
			return;
		}
	}
}

static const struct recording_port *find_port(const struct job *job, const char *name)
{
	for (uint32_t i = 0; i < job->recording.port_count; i++) {
		if (strcmp(job->recording.ports[i].name, name) == 0)
			return &job->recording.ports[i];
	}
	return NULL;
}

static void print_changed(const struct job *job)
{
	printf("replayed with a change; the recording's senders do not know of it: what they sent is what they sent "
	       "then.\n"
	       "Anything that reacts (TCP, ping's next probe, routing) would have reacted to the change, so take what "
	       "follows\nas what the network would have done to that traffic, no more.\n\n"
	       "%-20s %12s %12s %12s %12s\n",
	       "port", "entered", "left then", "left now", "dropped now");
	for (size_t i = 0; i < job->scenario->end_count; i++) {
		const struct scenario_end *end = &job->scenario->ends[i];
		const struct stats_port *stats = &job->replay.ends[i];
		const struct recording_port *was = find_port(job, end->port_name);
		uint64_t drops = 0;

		if (!was)
			continue;
		for (int cause = 0; cause < STATS_DROP_COUNT; cause++) {
			if (cause != STATS_DROP_FILTERED)
				drops += stats->up.drops[cause] + stats->down.drops[cause];
		}
		printf("%-20s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n", end->port_name,
		       stats->up.frames, was->frames_out, stats->down.frames, drops);
	}
}

static int print(const struct job *job)
{
	const struct replay *replay = &job->replay;
	const char *incomplete = job->incomplete;
	double simulated = (double)replay->simulated_ns / 1e9;
	uint64_t broken;
	json_t *invariants = invariants_json(job, &broken);

	if (replay->changed)
		incomplete = job->recording.incomplete; /* nothing is compared */
	if (job->options->json) {
		json_t *all =
			json_pack("{s:i,s:b,s:b,s:s,s:s,s:I,s:I,s:f,s:f,s:I,s:s,s:O,s:O,s:O}", "schema", 1, "identical",
				  !replay->changed && !job->first[0], "changed", replay->changed, "first_difference",
				  job->first, "incomplete", incomplete, "frames_in", (json_int_t)replay->frames,
				  "frames_compared", (json_int_t)replay->compared, "simulated_s", simulated, "took_s",
				  job->seconds, "events", (json_int_t)replay->events, "inputs", job->inputs, "ports",
				  job->result, "invariants", invariants, "applications", job->apps);

		json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
		putchar('\n');
		json_decref(all);
		if (replay->changed)
			cli_error(0,
				  "replayed with a change; what was sent is what was sent then: whoever reacts would "
				  "have reacted");
	} else if (replay->changed) {
		print_changed(job);
	} else if (job->first[0]) {
		printf("DIFFERENT: %s\n", job->first);
	} else {
		printf("identical%s: %" PRIu64 " frames in, %" PRIu64 " out, %.3f s simulated in %.3f s (%.1f times "
		       "real time)\n",
		       incomplete[0] ? " as far as it goes" : "", replay->frames, replay->compared, simulated,
		       job->seconds, job->seconds > 0 ? simulated / job->seconds : 0.0);
	}
	json_decref(invariants);
	if (incomplete[0])
		cli_error(0, "the recording is not complete: %s", incomplete);
	if (broken > 0)
		cli_error(0, "%" PRIu64 " frames left a link too close or out of order; --json says where", broken);
	if (job->out.fd >= 0 && !job->options->json)
		printf("written to %s\n", job->out.path);
	if (replay->changed)
		return broken ? EXIT_FIDELITY : EXIT_DONE;
	return job->first[0] ? EXIT_FAILED : incomplete[0] || broken ? EXIT_FIDELITY : EXIT_DONE;
}

static int replay(struct job *job)
{
	struct boundary_writer *writer = NULL;
	struct diag diag = {""};
	FILE *out = NULL, *pcap = NULL;
	uint64_t began;
	int shuttle_fd, ghost_fd, program_fd = -1, r;

	r = experiment_find_programs(&shuttle_fd, &ghost_fd, &diag);
	if (r < 0)
		return cli_error(EXIT_HOST, "%s", diag.text);
	close(shuttle_fd);
	r = experiment_find_program(job->scenario, job->recording.source, &program_fd, &diag);
	if (r < 0) {
		close(ghost_fd);
		return cli_error(EXIT_USAGE, "%s", diag.text);
	}
	warn_of_versions(job, ghost_fd, program_fd);
	job->digest = read_digest(job);
	find_incompleteness(job);
	if (!job->digest && !job->options->set_count)
		cli_error(0, "no %s beside it: comparing with what %s says of every frame that left",
			  RECORD_DIGEST_FILE, BOUNDARY_FILE);
	r = job->options->out ? open_out(job, &writer, &out) : 0;
	if (r)
		goto done;
	if (job->options->pcap && !(pcap = open_pcap(job))) {
		r = cli_error(EXIT_HOST, "cannot write %s: %s", DEVICES_FILE, strerror(errno));
		goto done;
	}
	job->replay =
		(struct replay){.recording = &job->recording,
				.scenario = job->scenario,
				.ghost_fd = ghost_fd,
				.program_fd = program_fd,
				.changed = strcmp(job->scenario->text, job->recording.scenario) != 0,
				.out = writer,
				.out_file = out,
				.pcap = pcap,
				.ends = calloc(job->scenario->end_count + 1, sizeof(struct stats_port)),
				.apps = calloc(scenario_app_count(job->scenario) + 1u, sizeof(struct stats_port))};
	if (!job->replay.ends || !job->replay.apps) {
		r = cli_error(EXIT_HOST, "out of memory");
		goto done;
	}
	began = clock_ns();
	r = replay_run(&job->replay, &diag);
	if (r < 0) {
		r = cli_error(EXIT_HOST, "%s", diag.text);
		goto done;
	}
	job->seconds = (double)(clock_ns() - began) / 1e9;
	job->result = ports_json(job);
	snprintf(job->inputs, sizeof(job->inputs), "%016" PRIx64, job->replay.inputs);
	job->apps = record_apps_json(job->scenario, job->replay.apps);
	if (writer) {
		boundary_flush(writer);
		fwrite(writer->out.data, 1, writer->out.size, out);
		write_out_digest(job);
	}
	if ((out && ferror(out)) || (pcap && fflush(pcap) != 0)) {
		r = cli_error(EXIT_HOST, "cannot write everything: %s", strerror(errno));
		goto done;
	}
	find_difference(job);
	r = print(job);
done:
	if (writer)
		boundary_close(writer);
	free(writer);
	if (out)
		fclose(out);
	if (pcap)
		fclose(pcap);
	pcapng_out_done(&job->replay.devices);
	free(job->replay.ends);
	free(job->replay.apps);
	close(ghost_fd);
	if (program_fd >= 0)
		close(program_fd);
	return r;
}

static int replay_main(const struct verb *verb, int argc, char **argv)
{
	struct job job = {.out = {.fd = -1}};
	struct diag diag = {""};
	struct options options;
	int status = options_parse(verb, argc, argv, "osjp", 1, 1, &options);

	if (status >= 0)
		return status;
	job.options = &options;
	status = cli_recording_path(options.args[0], job.dir, job.path, sizeof(job.path));
	if (status)
		return status;
	if (recording_load(job.path, &job.recording, &diag) < 0)
		return cli_error(EXIT_USAGE, "%s: %s", job.path, diag.text);
	status = load(&job);
	if (status == 0)
		status = replay(&job);
	if (job.out.fd >= 0)
		rundir_close(&job.out);
	json_decref(job.result);
	json_decref(job.apps);
	json_decref(job.digest);
	scenario_free(job.scenario);
	recording_unload(&job.recording);
	return status;
}

const struct verb verb_replay = {
	.name = "replay",
	.usage = "[OPTION]... DIR",
	.summary = "Simulate a recorded run again, without containers, and compare",
	.help = "  --set PATH=VALUE  change a value of the scenario, e.g. lan.delay=50ms; may be repeated\n"
		"  --out DIR         write a recording of the replay: boundary.pcapng, digest.json\n"
		"  --pcap            write devices.pcapng: what every simulated device saw\n"
		"  --json            print the result as JSON\n\n"
		"DIR is the run directory of a run with --record. Needs neither root nor real time. Exit status: 0\n"
		"identical, or replayed with a change; 1 different, the first difference is named; 4 identical as far "
		"as\n"
		"the recording goes, but it is not complete, or frames left a link too close or out of order.\n",
	.main = replay_main,
};
