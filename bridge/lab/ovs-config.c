/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ovs-config.c - from a scenario's switches to what Open vSwitch is told.
 *
 * All bridges, ports and controllers are one transaction, because ovs-vswitchd takes as long for one change as for all.
 * What the author of the scenario wrote for Open vSwitch is handed over line by line afterwards, so that its word on a
 * line can be reported at that line.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bridge/lab/lab_priv.h"
#include "bridge/lab/ovs.h"

#define CONNECT_WAIT_S 15 /* an os-ken application takes a second or two */

/* The arguments of one command. A failed allocation is remembered and reported at the end. */
struct args {
	char **items;
	size_t count, room;
	bool failed;
};

__attribute__((format(printf, 2, 3))) static void add(struct args *args, const char *fmt, ...)
{
	char *text = NULL, **bigger;
	va_list list;

	va_start(list, fmt);
	if (vasprintf(&text, fmt, list) < 0)
		text = NULL;
	va_end(list);
	if (args->count + 2 > args->room) {
		bigger = realloc(args->items, (args->room * 2 + 64) * sizeof(*bigger));
		if (!bigger)
			goto failed;
		args->items = bigger;
		args->room = args->room * 2 + 64;
	}
	if (!text)
		goto failed;
	args->items[args->count++] = text;
	args->items[args->count] = NULL;
	return;
failed:
	args->failed = true;
	free(text);
}

static void add_all(struct args *args, const char *const *words)
{
	for (; *words; words++)
		add(args, "%s", *words);
}

static void args_done(struct args *args)
{
	for (size_t i = 0; i < args->count; i++)
		free(args->items[i]);
	free(args->items);
	*args = (struct args){0};
}

/* Run and empty. Return: as ovs_run(). */
static int args_run(struct args *args, char text[OVS_TEXT_SIZE])
{
	int err = args->failed || !args->count ? -ENOMEM : ovs_run((const char *const *)args->items, text);

	args_done(args);
	return err;
}

bool ovs_is_port(const struct scenario_end *end)
{
	return end->port_of && !end->port_of->management;
}

/* The other end of a wire. */
static const struct scenario_end *peer_of(const struct scenario *scenario, const struct scenario_end *end)
{
	const struct scenario_link *link = &scenario->links[end->link];
	const struct scenario_end *first = &scenario->ends[link->first_end];

	return end == first ? first + 1 : first;
}

static void add_port(struct args *args, const struct scenario *scenario, const struct scenario_end *end)
{
	const struct scenario_node *node = &scenario->nodes[end->node];
	const struct scenario_switch_port *port = end->port_of;
	char trunks[SCENARIO_VLAN_MAX * 5 + 16];
	size_t used = 0;

	add_all(args, (const char *const[]){"--", "add-port", node->name, end->port_name, NULL});
	if (port->tag && !port->trunk_count)
		add(args, "tag=%u", port->tag);
	else if (port->tag) /* untagged frames belong to it, the others keep their tags */
		add_all(args, (const char *const[]){"vlan_mode=native-untagged", NULL}), add(args, "tag=%u", port->tag);
	if (port->trunk_count) {
		for (size_t i = 0; i < port->trunk_count && used + 8 < sizeof(trunks); i++)
			used += (size_t)snprintf(trunks + used, sizeof(trunks) - used, "%s%u", i ? "," : "",
						 port->trunks[i]);
		add(args, "trunks=%s", trunks);
	}
	add_all(args, (const char *const[]){"--", "set", "Interface", end->port_name, NULL});
	add(args, "ofport_request=%u", port->number);
	if (!scenario_wire_is_patch(scenario, &scenario->links[end->link]))
		return;
	add(args, "type=patch");
	add(args, "options:peer=\"%s\"", peer_of(scenario, end)->port_name);
}

static void add_controllers(struct args *args, struct lab *lab, const struct scenario_node *node, size_t *count)
{
	size_t first = *count, used = 0;
	char ids[512] = "";
	const struct scenario_switch *sw = node->sw;

	for (size_t i = 0; i < sw->controller_count; i++) {
		const struct scenario_controller *controller = &sw->controllers[i];
		const struct ovs_process *app;

		add(args, "--");
		add(args, "--id=@c%zu", (*count)++);
		add_all(args, (const char *const[]){"create", "Controller", NULL});
		switch (controller->kind) {
		case SCENARIO_CONTROLLER_LEARNING:
			add(args, "target=\"unix:" LAB_OVS_LEARNING "\"");
			break;
		case SCENARIO_CONTROLLER_APP:
			app = ovs_find_app(&lab->ovs, controller->target);
			add(args, "target=\"tcp:127.0.0.1:%u\"", app ? app->port : 0);
			break;
		case SCENARIO_CONTROLLER_ADDRESS:
			add(args, "target=\"%s\"", controller->target);
			break;
		}
		/* With an address of its own a switch talks through its own ports, and must see to it that it can. */
		add(args, "connection_mode=%s", sw->addr_count ? "in-band" : "out-of-band");
		/* An experiment has no time for Open vSwitch's 8 s between two tries and 5 s of doubt. */
		add(args, "max_backoff=1000");
		add(args, "inactivity_probe=1000");
	}
	if (!sw->controller_count)
		return;
	add_all(args, (const char *const[]){"--", "set", "Bridge", node->name, NULL});
	for (size_t i = 0; i < sw->controller_count; i++)
		used += (size_t)snprintf(ids + used, sizeof(ids) - used, "%s@c%zu", i ? "," : "", first + i);
	add(args, "controller=%s", ids);
}

void ovs_version_names(const struct scenario_switch *sw, char ret[OVS_VERSIONS_SIZE])
{
	size_t used = 0;

	ret[0] = '\0';
	for (unsigned int i = 0; i < SCENARIO_OPENFLOW_VERSIONS; i++)
		if (sw->protocols & 1u << i)
			used += (size_t)snprintf(ret + used, OVS_VERSIONS_SIZE - used, "%sOpenFlow1%u", used ? "," : "",
						 i);
}

static void add_bridge(struct args *args, struct lab *lab, const struct scenario_node *node)
{
	const struct scenario_switch *sw = node->sw;
	char versions[OVS_VERSIONS_SIZE];

	ovs_version_names(sw, versions);
	add_all(args, (const char *const[]){"--", "add-br", node->name, "--", "set", "Bridge", node->name, NULL});
	add(args, "datapath_type=%s", lab->ovs.in_kernel ? "system" : "netdev");
	add(args, "protocols=%s", versions);
	add(args, "fail_mode=%s", sw->is_secure ? "secure" : "standalone");
	add(args, "other_config:datapath-id=%016llx", (unsigned long long)sw->dpid);
	/* Locally administered, and the same in every run. Four bytes of datapath IDs may be equal; numbers differ. */
	add(args, "other_config:hwaddr=\"02:6f:%02x:%02x:%02x:%02x\"", sw->number >> 24, sw->number >> 16 & 0xff,
	    sw->number >> 8 & 0xff, sw->number & 0xff);
	add(args, "stp_enable=%s", sw->stp ? "true" : "false");
	add(args, "rstp_enable=%s", sw->rstp ? "true" : "false");
}

/* The first line of what a tool said, without its own name. */
static const char *first_line(char *text)
{
	char *colon = strstr(text, ": ");

	text[strcspn(text, "\n")] = '\0';
	return colon && !strncmp(text, "ovs-", 4) && colon < strchr(text, '\0') ? colon + 2 : text;
}

static int fail_at(struct diag *diag, const struct scenario_node *node, const char *key,
		   const struct scenario_line *line, char *text)
{
	return diag_set(diag, -EBADMSG, "%u:%u: nodes.%s.%s: %sOpen vSwitch says: %.700s", line->pos.line,
			line->pos.column, node->name, key, line->source ? line->source : "", first_line(text));
}

/* Split as a shell does it: blanks part words, quotes and backslashes keep them together. */
static bool add_words(struct args *args, const char *line)
{
	char *word = malloc(strlen(line) + 1);
	char quote = 0;
	size_t len = 0;
	bool inside = false;

	if (!word)
		return false;
	for (;; line++) {
		if (!quote && (*line == ' ' || *line == '\t' || !*line)) {
			if (inside)
				add(args, "%.*s", (int)len, word);
			inside = false;
			len = 0;
			if (!*line)
				break;
		} else if (!*line) {
			break;
		} else if (quote && *line == quote) {
			quote = 0;
		} else if (!quote && (*line == '"' || *line == '\'')) {
			quote = *line;
			inside = true;
		} else {
			if (*line == '\\' && quote != '\'' && line[1])
				line++;
			word[len++] = *line;
			inside = true;
		}
	}
	free(word);
	return !quote;
}

static int configure_line(const struct scenario_node *node, const struct scenario_line *line, struct diag *diag)
{
	char text[OVS_TEXT_SIZE] = "a quote is not closed";
	struct args args = {0};
	int err;

	add_all(&args, (const char *const[]){"ovs-vsctl", "-vsyslog:off", "-t", "10", NULL});
	if (!add_words(&args, line->text)) {
		args_done(&args);
		return fail_at(diag, node, "configure", line, text);
	}
	err = args_run(&args, text);
	/* ovs-vsctl is content with what ovs-vswitchd could not do, but says so */
	return err || strstr(text, "Error detected") ? fail_at(diag, node, "configure", line, text) : 0;
}

static int ofctl(const struct scenario_node *node, const char *verb, const char *what, char text[OVS_TEXT_SIZE])
{
	char versions[OVS_VERSIONS_SIZE];
	struct args args = {0};

	ovs_version_names(node->sw, versions);
	add_all(&args, (const char *const[]){"ovs-ofctl", "-vsyslog:off", "-t", "10", "-O", versions, verb, node->name,
					     what, NULL});
	return args_run(&args, text);
}

/* One line after the other: for what has no command for many, and to find the line that is wrong. */
static int load_singly(const struct scenario_node *node, const char *key, const char *verb,
		       const struct scenario_lines *lines, struct diag *diag)
{
	char text[OVS_TEXT_SIZE];

	for (size_t i = 0; i < lines->count; i++)
		if (ofctl(node, verb, lines->items[i].text, text))
			return fail_at(diag, node, key, &lines->items[i], text);
	return 0;
}

static int load_table(const struct scenario_node *node, const char *key, const char *verb, const char *single_verb,
		      const struct scenario_lines *lines, struct diag *diag)
{
	char path[128], text[OVS_TEXT_SIZE];
	FILE *file;
	int err;

	if (!lines->count)
		return 0;
	snprintf(path, sizeof(path), LAB_OVS_DIR "/%s.%s", node->name, key);
	file = fopen(path, "we");
	for (size_t i = 0; file && i < lines->count; i++)
		fprintf(file, "%s\n", lines->items[i].text);
	if (!file || fclose(file))
		return diag_set(diag, -EIO, "cannot write %s", path);
	err = ofctl(node, verb, path, text);
	if (!err)
		return 0;
	err = load_singly(node, key, single_verb, lines, diag);
	/* each for itself is right, so it is the whole that is wrong */
	return err ? err : fail_at(diag, node, key, &lines->items[0], text);
}

int ovs_load_state(struct lab *lab, struct nl_sock *sock, struct diag *diag)
{
	int err = 0;

	(void)ovs_widen_sockets(lab); /* they are new, and work as they are */
	for (size_t i = 0; !err && i < lab->scenario->node_count; i++) {
		const struct scenario_node *node = &lab->scenario->nodes[i];
		const struct scenario_switch *sw = node->sw;

		if (!sw)
			continue;
		for (size_t j = 0; !err && j < sw->addr_count; j++) {
			err = link_add_address(sock, node->name, &sw->addrs[j]);
			if (err)
				diag_set(diag, err, "cannot give switch '%s' its address: %s", node->name,
					 strerror(-err));
		}
		if (!err && sw->addr_count)
			err = link_set_up(sock, node->name);
		if (!err) {
			int kept = ovs_keep_load(node, diag);

			if (kept > 0)
				continue;
			err = kept;
		}
		if (!err)
			err = load_table(node, "groups", "add-groups", "add-group", &sw->groups, diag);
		if (!err)
			err = load_singly(node, "meters", "add-meter", &sw->meters, diag);
		if (!err)
			err = load_table(node, "flows", "add-flows", "add-flow", &sw->flows, diag);
		if (!err)
			err = ovs_limits_load(lab, (uint32_t)i, diag);
	}
	return err;
}

/* What was accepted once can only be refused because the controller, who was faster, has made the same. */
static void add_missing(const struct scenario_node *node, const char *verb, const struct scenario_lines *lines)
{
	char text[OVS_TEXT_SIZE];

	for (size_t i = 0; i < lines->count; i++)
		(void)ofctl(node, verb, lines->items[i].text, text);
}

int ovs_load_again(struct lab *lab, struct diag *diag)
{
	int err = 0;

	for (size_t i = 0; !err && i < lab->scenario->node_count; i++) {
		const struct scenario_node *node = &lab->scenario->nodes[i];
		int kept;

		if (!node->sw || !node->sw->controller_count)
			continue;
		kept = ovs_keep_add(node, diag);
		err = kept < 0 ? kept : 0;
		if (kept)
			continue;
		add_missing(node, "add-group", &node->sw->groups);
		add_missing(node, "add-meter", &node->sw->meters);
		err = load_table(node, "flows", "add-flows", "add-flow", &node->sw->flows, diag);
	}
	return err;
}

/*
 * ovs-vswitchd's own datapath takes frames as they are, and one whose checksum was left to a network card that does not
 * exist is wrong for ever. Without checksums there is no segmentation offload either.
 */
static int finish_checksums(struct lab *lab, const struct scenario_end *end)
{
	struct ethtool_value value = {.cmd = ETHTOOL_STXCSUM};
	bool inside = !end->port_of;
	struct ifreq request = {.ifr_data = (char *)&value};
	int sock, err = 0;

	strncpy(request.ifr_name, inside ? end->name : end->port_name, IFNAMSIZ - 1);
	if (inside && setns(lab->nodes[end->node].netns_fd, CLONE_NEWNET))
		return -errno;
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || ioctl(sock, SIOCETHTOOL, &request))
		err = -errno;
	if (sock >= 0)
		close(sock);
	if (inside && setns(lab->netns_fd, CLONE_NEWNET))
		abort(); /* anything done from here on would hit the wrong network */
	return err;
}

static int finish_neighbours(struct lab *lab, struct diag *diag)
{
	const struct scenario *scenario = lab->scenario;

	for (size_t i = 0; !lab->ovs.in_kernel && i < scenario->end_count; i++) {
		const struct scenario_end *end = &scenario->ends[i], *peer;
		int err;

		if (!ovs_is_port(end) || scenario->links[end->link].kind != SCENARIO_LINK_WIRE)
			continue;
		peer = peer_of(scenario, end);
		err = ovs_is_port(peer) ? 0 : finish_checksums(lab, peer);
		if (err)
			return diag_set(diag, err, "%s: cannot switch checksum offload off: %s", peer->port_name,
					strerror(-err));
	}
	return 0;
}

/* Whether the log of ovs-vswitchd holds a text. */
static bool log_has(const struct lab *lab, const char *text)
{
	int fd = openat(lab->ovs.log_dir_fd, "ovs-vswitchd.log", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char line[1024];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, text);
	if (file)
		fclose(file);
	return found;
}

/* Whether somebody listens. By /proc: a connection without a word would bewilder an application. */
static bool is_port_open(unsigned int port)
{
	FILE *file = fopen("/proc/thread-self/net/tcp", "re");
	unsigned int at, state;
	bool found = false;
	char line[256];

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, " %*u: %*x:%x %*x:%*x %x", &at, &state) == 2 && at == port && state == TCP_LISTEN;
	if (file)
		fclose(file);
	return found;
}

/*
 * A switch that does not find its controller in time forwards on its own, and empties its table when the controller
 * comes; an application takes a second or two until it listens. One that never does is reported by who waits for its
 * connections.
 */
static void wait_for_apps(const struct ovs *ovs)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	unsigned int tries = CONNECT_WAIT_S * 200;

	for (size_t i = 0; i < ovs->process_count; i++) {
		const struct ovs_process *process = &ovs->processes[i];
		siginfo_t info = {0};

		for (; tries && process->role == OVS_ROLE_APP && !is_port_open(process->port); tries--) {
			if (waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid)
				return;
			nanosleep(&pause, NULL);
		}
	}
}

/*
 * The controllers that the lab runs itself are there when the experiment begins. The log says at once when one is; the
 * database's is_connected is up to 5 s behind.
 */
static int wait_for_controllers(struct lab *lab, struct diag *diag)
{
	const struct timespec pause = {.tv_nsec = 5000000};
	unsigned int tries = CONNECT_WAIT_S * 200;
	char text[256];

	for (size_t i = 0; lab->ovs.log_dir_fd >= 0 && i < lab->scenario->node_count; i++) {
		const struct scenario_node *node = &lab->scenario->nodes[i];

		for (size_t j = 0; node->sw && j < node->sw->controller_count; j++) {
			const struct scenario_controller *controller = &node->sw->controllers[j];
			const struct ovs_process *app =
				ovs_find_app(&lab->ovs, controller->target ? controller->target : "");

			if (controller->kind == SCENARIO_CONTROLLER_ADDRESS)
				continue;
			if (app)
				snprintf(text, sizeof(text), "|%s<->tcp:127.0.0.1:%u: connected", node->name,
					 app->port);
			else
				snprintf(text, sizeof(text), "|%s<->unix:" LAB_OVS_LEARNING ": connected", node->name);
			while (!log_has(lab, text)) {
				if (!tries--)
					return diag_set(diag, -ETIMEDOUT,
							"%u:%u: switch '%s' is not connected to this controller after "
							"%d s; see logs/ in the run directory",
							controller->pos.line, controller->pos.column, node->name,
							CONNECT_WAIT_S);
				nanosleep(&pause, NULL);
			}
		}
	}
	return 0;
}

/* Whether a text has a name in it that is not part of a longer one. */
static bool has_name(const char *text, const char *name)
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t len = strlen(name);

	for (const char *at = strstr(text, name); at; at = strstr(at + 1, name)) {
		const char *end = at + len;

		if ((at == text || (!strchr(word, at[-1]) && at[-1] != '.')) && !(*end && strchr(word, *end)) &&
		    !(*end == '.' && end[1] && strchr(word, end[1])))
			return true;
	}
	return false;
}

/* What Open vSwitch could not make, at the end or the node that it names: ports first, whose names have a switch's. */
static int fail_to_make(const struct scenario *scenario, const char *text, int err, struct diag *diag)
{
	for (size_t i = 0; i < scenario->end_count; i++)
		if (ovs_is_port(&scenario->ends[i]) && has_name(text, scenario->ends[i].port_name))
			return diag_set(diag, -EBADMSG, "%u:%u: port %s: Open vSwitch says: %.700s",
					scenario->ends[i].pos.line, scenario->ends[i].pos.column,
					scenario->ends[i].port_name, text);
	for (size_t i = 0; i < scenario->node_count; i++)
		if (scenario->nodes[i].sw && has_name(text, scenario->nodes[i].name))
			return diag_set(diag, -EBADMSG, "%u:%u: nodes.%s: Open vSwitch says: %.700s",
					scenario->nodes[i].pos.line, scenario->nodes[i].pos.column,
					scenario->nodes[i].name, text);
	return diag_set(diag, err < 0 ? err : -EIO, "cannot make the switches: %.800s", text);
}

int ovs_configure(struct lab *lab, struct diag *diag)
{
	const struct scenario *scenario = lab->scenario;
	char text[OVS_TEXT_SIZE];
	struct args args = {0};
	size_t controllers = 0;
	int err;

	if (!lab->ovs.is_used)
		return 0;
	lab->ovs.limits = calloc(scenario->end_count + 1, sizeof(*lab->ovs.limits));
	if (!lab->ovs.limits)
		return -ENOMEM;
	err = finish_neighbours(lab, diag);
	if (err)
		return err;
	wait_for_apps(&lab->ovs);
	add_all(&args, (const char *const[]){"ovs-vsctl", "-vsyslog:off", "-t", "10", NULL});
	if (lab->ovs.has_pki)
		add_all(&args, (const char *const[]){"--", "set-ssl", LAB_OVS_PKI "/switch.key",
						     LAB_OVS_PKI "/switch.pem", LAB_OVS_PKI "/ca.pem", NULL});
	for (size_t i = 0; i < scenario->node_count; i++)
		if (scenario->nodes[i].sw)
			add_bridge(&args, lab, &scenario->nodes[i]);
	for (size_t i = 0; i < scenario->end_count; i++)
		if (ovs_is_port(&scenario->ends[i]))
			add_port(&args, scenario, &scenario->ends[i]);
	/* Before any flow: Open vSwitch empties its tables when a bridge gets its first controller. */
	for (size_t i = 0; i < scenario->node_count; i++)
		if (scenario->nodes[i].sw)
			add_controllers(&args, lab, &scenario->nodes[i], &controllers);
	err = args_run(&args, text);
	if (err || strstr(text, "ovs-vsctl: "))
		return fail_to_make(scenario, first_line(text), err, diag);
	for (size_t i = 0; !err && i < scenario->node_count; i++)
		for (size_t j = 0; !err && scenario->nodes[i].sw && j < scenario->nodes[i].sw->configure.count; j++)
			err = configure_line(&scenario->nodes[i], &scenario->nodes[i].sw->configure.items[j], diag);
	if (!err)
		err = ovs_limits_choose(lab, diag);
	if (!err)
		err = ovs_load_state(lab, lab->netlink, diag);
	if (err)
		return err;
	err = wait_for_controllers(lab, diag);
	if (err)
		return err;
	ovs_hold_next();
	ovs_keep_start(lab);
	return 0;
}
