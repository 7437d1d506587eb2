/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * control-status.c - the status verb: what there is and how it does. PIDs are those of the lab; the client translates
 * every key "pid" to its own view.
 */
#include <arpa/inet.h>

#include "bridge/experiment/daemon.h"
#include "bridge/experiment/report.h"

/* What an end's interface is called where it is: a switch's are all in the lab itself. NULL: there is none. */
static const char *device_name(const struct scenario *scenario, const struct scenario_end *end)
{
	if (!scenario_node_is_real(&scenario->nodes[end->node]) ||
	    scenario_wire_is_patch(scenario, &scenario->links[end->link]))
		return NULL;
	return end->port_of ? end->port_name : end->name;
}

static json_t *interfaces_json(const struct scenario *scenario, size_t node)
{
	json_t *list = json_array();

	for (size_t i = 0; i < scenario->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i];
		char text[INET6_ADDRSTRLEN], address[64];
		json_t *addresses, *interface;

		if (end->node != node)
			continue;
		addresses = json_array();
		for (size_t j = 0; j < end->addr_count; j++) {
			if (!inet_ntop(end->addrs[j].family, end->addrs[j].bytes, text, sizeof(text)))
				continue;
			snprintf(address, sizeof(address), "%s/%u", text, end->addrs[j].prefix_len);
			json_array_append_new(addresses, json_string(address));
		}
		snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", end->mac[0], end->mac[1], end->mac[2],
			 end->mac[3], end->mac[4], end->mac[5]);
		interface =
			json_pack("{s:s,s:s,s:s,s:i,s:o}", "name", end->name, "link", scenario->links[end->link].name,
				  "mac", text, "mtu", (int)scenario->links[end->link].mtu, "addresses", addresses);
		if (interface && device_name(scenario, end))
			json_object_set_new(interface, "device", json_string(device_name(scenario, end)));
		json_array_append_new(list, interface);
	}
	return list;
}

static json_t *nodes_json(const struct daemon *daemon)
{
	json_t *list = json_array();

	for (size_t i = 0; i < daemon->scenario->node_count; i++) {
		pid_t pid = lab_node_pid(daemon->lab, (uint32_t)i);

		json_array_append_new(
			list, json_pack("{s:s,s:s,s:b,s:i,s:o}", "name", daemon->scenario->nodes[i].name, "kind",
					scenario_node_is_replay(&daemon->scenario->nodes[i])   ? "replay"
					: !scenario_node_is_real(&daemon->scenario->nodes[i])  ? "simulated"
					: scenario_node_is_switch(&daemon->scenario->nodes[i]) ? "switch"
											       : "container",
					"running", pid > 0, "pid", pid > 0 ? (int)pid : 0, "interfaces",
					interfaces_json(daemon->scenario, i)));
	}
	return list;
}

static json_t *peer_json(const struct peer *peer)
{
	return json_pack("{s:s,s:i,s:i}", "state", peer_state_name(peer->state), "pid", (int)peer->pid, "restarts",
			 (int)peer->restarts);
}

static json_t *ghosts_json(const struct daemon *daemon)
{
	json_t *list = json_array();

	for (size_t i = 0; i < daemon->peers_count; i++) {
		const struct peers *peers = &daemon->peers[i];
		const struct stats *stats = peers->home.stats[PEERS_GHOST];

		json_array_append_new(list,
				      json_pack("{s:i,s:o,s:o,s:f,s:f,s:I}", "ghost", (int)i, "simulator",
						peer_json(&peers->side[PEERS_GHOST]), "shuttle",
						peer_json(&peers->side[PEERS_SHUTTLE]), "sim_s",
						stats ? (double)stats_get(&stats->sim_ns) / 1e9 : 0.0, "behind_us",
						stats ? (double)stats_get(&stats->behind_ns) / 1e3 : 0.0, "events",
						stats ? (json_int_t)stats_get(&stats->events) : 0));
	}
	return list;
}

static json_t *switching_json(const struct daemon *daemon)
{
	json_t *list = json_array();
	struct lab_process process;

	for (size_t i = 0; lab_switching_process(daemon->lab, i, &process); i++)
		json_array_append_new(list, json_pack("{s:s,s:i,s:i}", "name", process.name, "pid", (int)process.pid,
						      "restarts", (int)process.restarts));
	return list;
}

static json_t *commands_json(const struct daemon *daemon)
{
	const struct scenario *scenario = daemon->scenario;
	json_t *list = json_array();

	for (size_t i = 0; daemon->experiment->steps && i < scenario->step_count; i++) {
		const struct step *step = &daemon->steps.items[i];

		json_t *entry = json_pack("{s:s,s:s,s:s,s:i}", "kind", "step", "name", scenario->steps[i].name, "state",
					  steps_state_name(step->state), "pid", (int)step->pid);

		if (scenario->steps[i].node != SCENARIO_NONE)
			json_object_set_new(entry, "node", json_string(scenario->nodes[scenario->steps[i].node].name));
		json_array_append_new(list, entry);
	}
	for (size_t i = 0; i < daemon->starts.count; i++) {
		const struct start *start = &daemon->starts.items[i];
		const struct scenario_node *node = &scenario->nodes[start->node];

		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:i}", "kind", "start", "name",
						      node->start[start->number], "node", node->name, "state",
						      start->pid ? "running" : "ended", "pid", (int)start->pid));
	}
	for (const struct control_client *client = daemon->control.clients; client; client = client->next) {
		if (client->pid)
			json_array_append_new(list, json_pack("{s:s,s:i}", "kind", "exec", "pid", (int)client->pid));
	}
	return list;
}

json_t *control_status(struct daemon *daemon)
{
	const struct experiment *experiment = daemon->experiment;
	const char *state = !daemon->origin_ns ? "building" : daemon->is_ending ? "ending" : "running";
	json_t *status, *figures, *link, *limits;
	size_t i;

	status = json_pack("{s:s,s:s,s:s,s:s,s:i,s:f,s:I}", "name", experiment->name, "state", state, "scenario",
			   experiment->source, "run_dir", experiment->rundir.path, "pid", 1, "running_s",
			   (double)daemon_now_ns(daemon) / 1e9, "started_at", (json_int_t)daemon->started_at);
	json_object_set_new(status, "nodes", nodes_json(daemon));
	json_object_set_new(status, "ghosts", ghosts_json(daemon));
	if (lab_switching_datapath(daemon->lab)) {
		json_object_set_new(status, "datapath", json_string(lab_switching_datapath(daemon->lab)));
		json_object_set_new(status, "switching", switching_json(daemon));
	}
	limits = report_limits(daemon);
	if (limits)
		json_object_set_new(status, "rate_limits", limits);
	json_object_set_new(status, "commands", commands_json(daemon));
	json_object_set_new(status, "changes", changes_json(daemon));
	json_object_set_new(status, "carrier", carrier_json(daemon));
	json_object_set_new(status, "incidents", report_incidents(daemon));
	figures = daemon->origin_ns ? report_figures(daemon) : NULL;
	if (figures) {
		/* The books are balanced when everything stands still; while it moves they are only nearly even. */
		json_array_foreach(json_object_get(figures, "links"), i, link)
		{
			json_object_del(link, "conserved");
			json_object_del(link, "propagating");
		}
		json_object_del(figures, "digest");
		json_object_update(status, figures);
		json_decref(figures);
	}
	return status;
}
