/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ovs.h - Open vSwitch for one lab: its processes and their configuration. Private to this module.
 *
 * One ovsdb-server and one ovs-vswitchd serve all switches of an experiment, in the lab's own network and PID
 * namespaces and in a mount namespace where only LAB_OVS_DIR can be written. The host's Open vSwitch, if there is one,
 * is never spoken to. Controllers that the lab runs itself (`learning`, os-ken applications) stand beside them.
 */
#ifndef LAB_OVS_H
#define LAB_OVS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bridge/diag.h"
#include "bridge/scenario/switch.h"

struct lab;
struct lab_exec;
struct nl_sock;

#define LAB_OVS_DIR       "/run/lab/ovs"
#define LAB_OVS_PKI       LAB_OVS_DIR "/pki" /* keys of the switches */
#define LAB_OVS_PKI_SHARE "/run/lab/pki"     /* what controllers in containers get of it, as /run/pki */
#define LAB_OVS_LEARNING  LAB_OVS_DIR "/learning.sock"
#define OVS_APPS_MAX      16
#define OVS_PROCESSES_MAX (3 + OVS_APPS_MAX)
#define OVS_RESTARTS_MAX  3 /* of each process, per run */
#define OVS_TEXT_SIZE     4096
#define OVS_VERSIONS_SIZE 80

enum ovs_role {
	OVS_ROLE_DB,
	OVS_ROLE_VSWITCHD,
	OVS_ROLE_LEARNING,
	OVS_ROLE_APP,
};

struct ovs_process {
	enum ovs_role role;
	char name[32];
	char app[256];     /* file of an application */
	unsigned int port; /* where it listens on 127.0.0.1 */
	pid_t pid;         /* in the lab's PID namespace; 0: none */
	unsigned int restarts;
};

/* What keeps the `rate-limit` of a port, and why not something else. */
enum ovs_limit {
	OVS_LIMIT_NONE,
	OVS_LIMIT_POLICING,
	OVS_LIMIT_USERSPACE,  /* a meter: the datapath is in user space */
	OVS_LIMIT_PATCH,      /* a meter: the port is a patch port */
	OVS_LIMIT_NO_POLICER, /* a meter: the kernel cannot police */
};

struct ovs {
	bool is_used;   /* the scenario has switches */
	bool in_kernel; /* the kernel's datapath is there; else the one in ovs-vswitchd itself */
	bool has_pki;
	int log_dir_fd;  /* where processes log; -1: nowhere */
	uint8_t *limits; /* one per scenario end: enum ovs_limit; NULL before ovs_configure() */
	struct ovs_process processes[OVS_PROCESSES_MAX];
	size_t process_count;
	pid_t restore_pid;  /* a child of ours that gives restarted switches their state again; 0: none */
	bool restore_again; /* ovs-vswitchd died once more meanwhile */
	pid_t keeper_pid;   /* a child of ours that writes down what switches are told; 0: none */
};

/** ovs_start() - Start the processes that the scenario needs; nothing without switches. */
int ovs_start(struct lab *lab, struct diag *diag);

/** ovs_configure() - With all interfaces there: bridges, ports, tables, and controllers, connected where they are ours.
 */
int ovs_configure(struct lab *lab, struct diag *diag);

/**
 * ovs_load_state() - What Open vSwitch keeps in memory only: addresses, groups, meters and flows of every switch, as
 * they were kept last, else as the scenario has them
 */
int ovs_load_state(struct lab *lab, struct nl_sock *sock, struct diag *diag);

/**
 * ovs_limits_choose() - Decide for every port with a `rate-limit` what keeps it, and begin policing where that is it
 *
 * Return: 0; -EBADMSG where a meter would be in the way of the scenario's flows or controllers; or another negative
 * errno
 */
int ovs_limits_choose(struct lab *lab, struct diag *diag);

/** ovs_limits_load() - The meters, and the flows that use them, that were chosen for ports of scenario node @node. */
int ovs_limits_load(struct lab *lab, uint32_t node, struct diag *diag);

/**
 * ovs_widen_sockets() - Give the sockets that ovs-vswitchd reads its ports through more room; ports added later keep
 * theirs
 *
 * Return: 0, or a negative errno where the kernel doesn't let us; switches work without, they just lose frames earlier
 */
int ovs_widen_sockets(const struct lab *lab);

/** ovs_load_again() - The tables of switches with a controller, which Open vSwitch empties when it gets one. */
int ovs_load_again(struct lab *lab, struct diag *diag);

/** ovs_hold_next() - Whatever ovs-vswitchd is started next touches no frame until it is told to. */
void ovs_hold_next(void);

/** ovs_keep_start() - From now on, write down what switches are told (a child of the daemon). */
void ovs_keep_start(struct lab *lab);

/** ovs_keep_stop() - End that; blocks until nothing can be written any more. */
void ovs_keep_stop(struct lab *lab);

/**
 * ovs_keep_load() - Give a new, empty switch the tables that were kept
 *
 * Return: 1; 0 when there are none; or a negative errno
 */
int ovs_keep_load(const struct scenario_node *node, struct diag *diag);

/** ovs_keep_add() - Add groups, meters and flows that were kept to whatever there is. Return: as ovs_keep_load() */
int ovs_keep_add(const struct scenario_node *node, struct diag *diag);

/** ovs_version_names() - The protocols of a switch as Open vSwitch writes them, joined by commas. */
void ovs_version_names(const struct scenario_switch *sw, char ret[OVS_VERSIONS_SIZE]);

/** ovs_stop() - Kill the processes and wait for them. */
void ovs_stop(struct lab *lab);

/** ovs_process_start() - Start one process (again). */
int ovs_process_start(struct lab *lab, struct ovs_process *process, struct diag *diag);

/** ovs_find_app() - The process that runs an application; NULL when there is none. */
struct ovs_process *ovs_find_app(struct ovs *ovs, const char *app);

/**
 * ovs_confine() - In a child: see everything, write to LAB_OVS_DIR only, and know where Open vSwitch is
 * @own_tmp:	have an empty /tmp to write to instead of the host's to look at
 */
int ovs_confine(bool own_tmp);

/**
 * ovs_run() - Run one of Open vSwitch's tools to its end
 * @argv:	NULL-terminated
 * @ret_text:	what it wrote to stdout and stderr, cut to OVS_TEXT_SIZE; may be NULL
 *
 * Return: its exit status, or a negative errno
 */
int ovs_run(const char *const *argv, char ret_text[OVS_TEXT_SIZE]);

/** ovs_exec() - lab_exec() in a switch. */
int ovs_exec(struct lab *lab, const struct lab_exec *exec, pid_t *ret_pid, struct diag *diag);

/** ovs_make_pki() - An authority for this lab, and keys for switches and controllers. */
int ovs_make_pki(struct lab *lab, struct diag *diag);

/** ovs_is_port() - Whether an end is a port of a switch, not its management interface. */
bool ovs_is_port(const struct scenario_end *end);

#endif /* LAB_OVS_H */
