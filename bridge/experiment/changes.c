/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * changes.c - see changes.h.
 */
#include "bridge/experiment/changes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/experiment/console.h"
#include "bridge/experiment/daemon.h"

#define LIVE_MAX   100000 /* of one experiment: each is told to a ghost's successor again */
#define ERROR_SIZE 512
/*
 * A request's changes go out one by one. The ghost must have all of them when the first is due, or a simulation with an
 * event every few microseconds makes each at a time of its own.
 */
#define LIVE_AHEAD_NS NS_PER_MS

int changes_open(struct changes *changes, const struct scenario *scenario)
{
	*changes = (struct changes){0};
	changes->planned = calloc(scenario->change_count + 1, sizeof(*changes->planned));
	for (size_t i = 0; changes->planned && i < scenario->change_count; i++)
		changes->planned[i].at_ns = UINT64_MAX;
	return changes->planned ? 0 : -ENOMEM;
}

void changes_close(struct changes *changes)
{
	free(changes->live);
	free(changes->planned);
	*changes = (struct changes){0};
}

uint64_t changes_next_ns(const struct changes *changes, const struct scenario *scenario)
{
	return changes->next < scenario->change_count ? scenario->changes[changes->next].at_ns : UINT64_MAX;
}

static bool is_wire(const struct daemon *daemon, const struct scenario_change *change)
{
	return daemon->scenario->links[change->link].kind == SCENARIO_LINK_WIRE;
}

/* Return: when it was made, since the barrier, or UINT64_MAX with @error. */
static uint64_t change_wire(struct daemon *daemon, const struct scenario_change *change, char *error, size_t error_size)
{
	const struct scenario_link *link = &daemon->scenario->links[change->link];
	bool up = strcmp(change->word, "up") == 0;
	int r;

	error[0] = '\0';
	for (uint32_t i = link->first_end; i < link->first_end + link->end_count; i++) {
		if (change->end != SCENARIO_NONE && change->end != i)
			continue;
		r = lab_wire_set_state(daemon->lab, i, up);
		if (r < 0) {
			snprintf(error, error_size, "cannot set %s %s: %s", daemon->scenario->ends[i].port_name,
				 up ? "up" : "down", strerror(-r));
			return UINT64_MAX;
		}
	}
	return daemon_now_ns(daemon);
}

/* An end that is down has no carrier: its container's routing notices, as with a cable pulled out. */
static void follow_state(struct daemon *daemon, const struct scenario_change *change)
{
	const struct scenario_link *link = &daemon->scenario->links[change->link];
	bool carrier;

	if (strcmp(change->key, "state") != 0 || is_wire(daemon, change))
		return;
	carrier = strcmp(change->word, "up") == 0;
	for (uint32_t i = link->first_end; i < link->first_end + link->end_count; i++) {
		if (change->end == SCENARIO_NONE || change->end == i)
			lab_tap_set_carrier(daemon->lab, i, LAB_CARRIER_STATE, carrier);
	}
}

void changes_run_due(struct daemon *daemon, uint64_t now_ns)
{
	struct changes *changes = &daemon->changes;
	char error[ERROR_SIZE];

	while (changes_next_ns(changes, daemon->scenario) <= now_ns) {
		size_t number = changes->next++;
		const struct scenario_change *change = &daemon->scenario->changes[number];
		struct planned_change *planned = &changes->planned[number];

		follow_state(daemon, change);
		sampler_change(&daemon->sampler, daemon, change);
		if (!is_wire(daemon, change))
			continue;
		planned->at_ns = change_wire(daemon, change, error, sizeof(error));
		planned->failed = error[0] != '\0';
		if (planned->failed)
			daemon_incident(daemon, false, "%s", error);
	}
}

static json_t *refuse(int exit_status, const char *text)
{
	return json_pack("{s:s,s:i}", "error", text, "exit", exit_status);
}

/* Return: a message that the change can go out with, for the ghost of its link. */
static struct wire_msg make_message(const struct daemon *daemon, uint64_t number)
{
	const struct live_change *live = &daemon->changes.live[number];
	struct wire_msg msg = wire_msg_make(WIRE_MSG_CHANGE);

	msg.value[0] = live->stamp_ns;
	msg.value[1] = number;
	scenario_change_print(daemon->scenario, &live->change, msg.text, sizeof(msg.text));
	return msg;
}

static struct peer *ghost_of(const struct daemon *daemon, const struct live_change *live)
{
	return &daemon->peers[daemon->scenario->links[live->change.link].ghost].side[PEERS_GHOST];
}

static int send_change(const struct daemon *daemon, uint64_t number)
{
	const struct peer *ghost = ghost_of(daemon, &daemon->changes.live[number]);
	struct wire_msg msg = make_message(daemon, number);

	return ghost->control.fd >= 0 ? wire_msg_send(ghost->control.fd, &msg, NULL, 0) : -ENOTCONN;
}

static int add_live(struct changes *changes, const struct live_change *live)
{
	struct live_change *grown;

	if (changes->live_count == LIVE_MAX)
		return -ENOSPC;
	if (changes->live_count == changes->live_room) {
		size_t room = changes->live_room ? 2 * changes->live_room : 16;

		grown = realloc(changes->live, room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		changes->live = grown;
		changes->live_room = room;
	}
	changes->live[changes->live_count++] = *live;
	return 0;
}

/* Check one text. Return: NULL, or the answer that refuses it. */
static json_t *take_text(struct daemon *daemon, const char *text, struct live_change *live)
{
	const struct peer *ghost;
	char error[ERROR_SIZE] = "";
	int r;

	if (!text)
		return refuse(EXIT_USAGE, "the request is not complete");
	r = scenario_change_parse(daemon->scenario, text, &live->change, error, sizeof(error));
	if (r < 0)
		return refuse(r == -EINVAL ? EXIT_USAGE : EXIT_HOST, error[0] ? error : strerror(-r));
	ghost = is_wire(daemon, &live->change) ? NULL : ghost_of(daemon, live);
	if (ghost && (ghost->state != PEER_RUNNING || ghost->control.fd < 0))
		return refuse(EXIT_HOST, "the simulator of that link does not run at this moment");
	r = add_live(&daemon->changes, live);
	return r < 0 ? refuse(EXIT_HOST, "too many changes have been made") : NULL;
}

static json_t *entry_json(const struct scenario *scenario, const struct scenario_change *change, uint64_t at_ns,
			  const char *by)
{
	json_t *entry =
		json_pack("{s:f,s:s,s:s,s:s,s:s}", "at_s", (double)at_ns / 1e9, "link",
			  scenario->links[change->link].name, "key", change->key, "value", change->text, "by", by);

	if (change->end != SCENARIO_NONE)
		json_object_set_new(entry, "end", json_string(scenario->ends[change->end].port_name));
	return entry;
}

/* Return: the answer for a client, or NULL while something that it waits for is missing. */
static json_t *answer_for(const struct daemon *daemon, const struct control_client *client, const char *error)
{
	const struct changes *changes = &daemon->changes;
	json_t *list;

	if (error[0])
		return refuse(EXIT_FAILED, error);
	list = json_array();
	for (size_t i = 0; i < changes->live_count; i++) {
		const struct live_change *live = &changes->live[i];

		if (live->client != client)
			continue;
		if (live->at_ns == UINT64_MAX) {
			json_decref(list);
			return NULL;
		}
		json_array_append_new(list, entry_json(daemon->scenario, &live->change, live->at_ns, "set"));
	}
	return json_pack("{s:o,s:i}", "changes", list, "exit", EXIT_DONE);
}

/* Those of wires, from @first on: nobody else is asked. */
static void make_live_wires(struct daemon *daemon, size_t first)
{
	struct changes *changes = &daemon->changes;
	struct control_client *client = changes->live[first].client;
	char error[ERROR_SIZE] = "", failure[ERROR_SIZE] = "";
	bool any = false;
	json_t *answer;

	for (size_t i = first; i < changes->live_count; i++) {
		struct live_change *live = &changes->live[i];

		if (!is_wire(daemon, &live->change))
			continue;
		any = true;
		live->at_ns = change_wire(daemon, &live->change, error, sizeof(error));
		live->failed = error[0] != '\0';
		if (live->failed) {
			live->at_ns = daemon_now_ns(daemon);
			memcpy(failure, error, sizeof(failure));
		}
	}
	answer = any ? answer_for(daemon, client, failure) : NULL;
	if (answer) /* its request is being handled: the answer goes out after that */
		control_answer(client, answer, true);
}

void changes_request(struct control_client *client, json_t *request)
{
	struct daemon *daemon = client->control->daemon;
	struct changes *changes = &daemon->changes;
	json_t *texts = json_object_get(request, "changes"), *refusal = NULL;
	struct live_change live = {.at_ns = UINT64_MAX, .client = client, .stamp_ns = clock_ns() + LIVE_AHEAD_NS};
	size_t first = changes->live_count, i;
	json_t *text;

	if (!daemon->origin_ns) {
		control_answer(client, refuse(EXIT_HOST, "the experiment is still being built"), true);
		return;
	}
	if (json_array_size(texts) == 0)
		refusal = refuse(EXIT_USAGE, "the request is not complete");
	json_array_foreach(texts, i, text)
	{
		if (!refusal)
			refusal = take_text(daemon, json_string_value(text), &live);
	}
	if (refusal) {
		changes->live_count = first; /* all or none */
		control_answer(client, refusal, true);
		return;
	}
	for (i = first; i < changes->live_count; i++) {
		/* One that does not get there now is sent again to the ghost's successor. */
		if (!is_wire(daemon, &changes->live[i].change))
			send_change(daemon, i);
		follow_state(daemon, &changes->live[i].change);
	}
	make_live_wires(daemon, first);
}

/* Whether a change is one that this ghost was told of: what it says of another's is not true. */
static bool is_own(const struct peers *peers, const struct wire_msg *msg)
{
	const struct daemon *daemon = peers->daemon;
	const struct scenario *scenario = daemon->scenario;
	uint64_t number = msg->value[1];
	uint32_t link;

	if (number >= (msg->arg ? scenario->change_count : daemon->changes.live_count))
		return false;
	link = msg->arg ? scenario->changes[number].link : daemon->changes.live[number].change.link;
	return scenario->links[link].kind != SCENARIO_LINK_WIRE && scenario->links[link].ghost == peers->ghost;
}

int changes_answered(struct peers *peers, const struct wire_msg *msg)
{
	struct daemon *daemon = peers->daemon;
	struct changes *changes = &daemon->changes;
	struct control_client *client;
	char error[sizeof(msg->text)];
	struct live_change *live;
	json_t *answer;

	if (!is_own(peers, msg) || msg->value[0] == UINT64_MAX)
		return -EPROTO;
	if (msg->arg) { /* the scenario's own: only what went wrong is told */
		if (!changes->planned[msg->value[1]].failed) {
			changes->planned[msg->value[1]].failed = true;
			daemon_incident(daemon, false, "%s", msg->text);
		}
		return 0;
	}
	live = &changes->live[msg->value[1]];
	if (live->at_ns != UINT64_MAX) /* a successor repeats it */
		return 0;
	live->at_ns = msg->value[0];
	live->failed = msg->text[0] != '\0';
	if (!live->failed)
		sampler_change(&daemon->sampler, daemon, &live->change);
	client = live->client;
	memcpy(error, msg->text, sizeof(error));
	console_make_printable(error); /* or there would be no JSON to answer with */
	answer = client ? answer_for(daemon, client, error) : NULL;
	if (answer)
		control_reply(client, answer);
	else if (!client && live->failed)
		daemon_incident(daemon, false, "%s", msg->text);
	return 0;
}

struct wire_msg changes_planned_msg(const struct scenario *scenario, size_t number)
{
	struct wire_msg msg = wire_msg_make(WIRE_MSG_CHANGE);

	msg.arg = 1;
	msg.value[0] = scenario->changes[number].at_ns;
	msg.value[1] = number;
	scenario_change_print(scenario, &scenario->changes[number], msg.text, sizeof(msg.text));
	return msg;
}

void changes_announce(struct peers *peers)
{
	const struct scenario *scenario = peers->daemon->scenario;
	struct peer *ghost = &peers->side[PEERS_GHOST];

	if (!scenario_ghost_is_program(scenario, peers->ghost))
		return;
	for (size_t i = 0; i < scenario->change_count && ghost->control.fd >= 0; i++) {
		struct wire_msg msg;

		if (scenario->links[scenario->changes[i].link].ghost != peers->ghost)
			continue;
		msg = changes_planned_msg(scenario, i);
		wire_msg_send(ghost->control.fd, &msg, NULL, 0);
	}
}

void changes_resend(struct peers *peers)
{
	struct daemon *daemon = peers->daemon;

	for (size_t i = 0; i < daemon->changes.live_count; i++) {
		const struct live_change *live = &daemon->changes.live[i];

		if (!is_wire(daemon, &live->change) && ghost_of(daemon, live) == &peers->side[PEERS_GHOST])
			send_change(daemon, i);
	}
}

void changes_forget(struct changes *changes, const struct control_client *client)
{
	for (size_t i = 0; i < changes->live_count; i++) {
		if (changes->live[i].client == client)
			changes->live[i].client = NULL;
	}
}

/* How many of a ghost's own changes of the scenario it has come past. */
static uint64_t planned_done(const struct daemon *daemon, uint32_t ghost)
{
	const struct stats *stats = ghost < daemon->peers_count ? daemon->peers[ghost].home.stats[PEERS_GHOST] : NULL;

	return stats ? stats_get(&stats->changes) : 0;
}

/* Whether a change of the scenario has been made. @seen: of those of each ghost, so far. */
static bool is_made(const struct daemon *daemon, size_t number, uint64_t *seen)
{
	const struct planned_change *planned = &daemon->changes.planned[number];
	const struct scenario_change *change = &daemon->scenario->changes[number];
	uint32_t ghost = daemon->scenario->links[change->link].ghost;

	if (is_wire(daemon, change))
		return planned->at_ns != UINT64_MAX && !planned->failed;
	return seen[ghost]++ < planned_done(daemon, ghost) && !planned->failed;
}

static int by_time(const void *a, const void *b)
{
	const struct live_change *const *left = a, *const *right = b;

	if ((*left)->at_ns != (*right)->at_ns)
		return (*left)->at_ns < (*right)->at_ns ? -1 : 1;
	return *left < *right ? -1 : 1;
}

/* The live ones that took effect, by time. */
static size_t sort_live(const struct changes *changes, const struct live_change **sorted)
{
	size_t count = 0;

	for (size_t i = 0; i < changes->live_count; i++) {
		if (changes->live[i].at_ns != UINT64_MAX && !changes->live[i].failed)
			sorted[count++] = &changes->live[i];
	}
	qsort(sorted, count, sizeof(sorted[0]), by_time);
	return count;
}

json_t *changes_json(const struct daemon *daemon)
{
	const struct scenario *scenario = daemon->scenario;
	const struct changes *changes = &daemon->changes;
	const struct live_change **sorted = calloc(changes->live_count + 1, sizeof(*sorted));
	uint64_t *seen = calloc(scenario->ghost_count + 1u, sizeof(*seen));
	json_t *list = json_array();
	size_t live = 0, live_count = sorted ? sort_live(changes, sorted) : 0;
	char by[64];

	for (size_t i = 0; seen && sorted && i < scenario->change_count; i++) {
		const struct scenario_change *change = &scenario->changes[i];
		uint64_t at_ns = is_wire(daemon, change) ? changes->planned[i].at_ns : change->at_ns;

		if (!is_made(daemon, i, seen))
			continue;
		for (; live < live_count && sorted[live]->at_ns < at_ns; live++)
			json_array_append_new(list,
					      entry_json(scenario, &sorted[live]->change, sorted[live]->at_ns, "set"));
		snprintf(by, sizeof(by), "%s%s", change->step == SCENARIO_NONE ? "timeline" : "step ",
			 change->step == SCENARIO_NONE ? "" : scenario->steps[change->step].name);
		json_array_append_new(list, entry_json(scenario, change, at_ns, by));
	}
	for (; live < live_count; live++)
		json_array_append_new(list, entry_json(scenario, &sorted[live]->change, sorted[live]->at_ns, "set"));
	free(seen);
	free(sorted);
	return list;
}
