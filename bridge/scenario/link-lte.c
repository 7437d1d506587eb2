/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * link-lte.c - the keys of a link of kind lte: one cell with its core network.
 */
#include <string.h>

#include "bridge/scenario/internal.h"
#include "bridge/scenario/switch.h"

#define LTE_MTU_MAX 1500

#define UE_POWER_DBM  23 /* power class 3 (TS 36.101 table 6.2.2-1); ns-3's LteUePowerControl::Pcmax */
#define ENB_POWER_DBM 30 /* ns-3's LteEnbPhy::TxPower */
#define ENB_HEIGHT_M  30

const char *const scn_lte_keys[] = {"kind", "bandwidth",   "scheduler", "network", "enb",  "tx-power",
				    "mtu",  "propagation", "mobility",  "subnet",  "ends", NULL};

static const char *const bandwidth_words[] = {"1.4MHz", "3MHz", "5MHz", "10MHz", "15MHz", "20MHz", NULL};
static const char *const scheduler_words[] = {"proportional-fair", "round-robin", NULL};

/* Resource blocks of a channel (TS 36.101 table 5.6-1), and what they carry at best, bits per ms (TS 36.213 table
 * 7.1.7.2.1-1, I_TBS 26). */
static const struct {
	uint32_t blocks;
	uint32_t bits;
} bandwidths[] = {{6, 4392}, {15, 11064}, {25, 18336}, {50, 36696}, {75, 55056}, {100, 75376}};

static void read_enb(struct scn_load *load, const struct scn_value *map, struct scenario_lte *lte)
{
	static const char *const keys[] = {"position", "tx-power", NULL};
	const struct scn_value *enb = scn_get(map, "enb");

	lte->enb_tx_power_dbm = ENB_POWER_DBM;
	lte->enb_position = (struct scenario_vector){0, 0, ENB_HEIGHT_M};
	if (!enb || !scn_read_map(load, enb, keys))
		return;
	scn_read_position(load, scn_get(enb, "position"), &lte->enb_position);
	scn_read_quantity(load, scn_get(enb, "tx-power"), "dBm", -50, 60, &lte->enb_tx_power_dbm);
}

static void read_loss(struct scn_load *load, const struct scn_value *map, struct scenario_lte *lte)
{
	const struct scn_value *value = scn_get(map, "propagation");

	scn_read_propagation(load, map, SCENARIO_WIFI_FRIIS, &lte->propagation);
	if (lte->propagation.model == SCENARIO_WIFI_RANGE || lte->propagation.model == SCENARIO_WIFI_FIXED_RSS)
		scn_error(load, value,
			  "means nothing to LTE's receivers; write friis, log-distance, three-log-distance or two-ray");
	else if (value && value->kind == SCN_MAP && scn_get(value, "frequency"))
		scn_error_key(load, scn_get(value, "frequency"),
			      "each direction has its carrier's own frequency; leave it out");
}

void scn_load_lte(struct scn_load *load, const struct scn_value *map, struct scenario_link *link)
{
	const struct scn_value *network = scn_get(map, "network");
	unsigned int bandwidth = 2, scheduler = SCENARIO_LTE_PROPORTIONAL_FAIR;

	link->lte = scn_new(load, 1, sizeof(*link->lte));
	if (!link->lte)
		return;
	link->lte->network = SCENARIO_NONE;
	scn_read_word(load, map, "bandwidth", NULL, bandwidth_words, &bandwidth);
	scn_read_word(load, map, "scheduler", NULL, scheduler_words, &scheduler);
	link->lte->resource_blocks = bandwidths[bandwidth].blocks;
	link->lte->scheduler = (enum scenario_lte_scheduler)scheduler;
	link->rate_bps = UINT64_C(1000) * bandwidths[bandwidth].bits;
	link->lte->tx_power_dbm = UE_POWER_DBM;
	scn_read_quantity(load, scn_get(map, "tx-power"), "dBm", -50, 60, &link->lte->tx_power_dbm);
	read_enb(load, map, link->lte);
	read_loss(load, map, link->lte);
	if (network)
		link->lte->network = scn_find_node(load, network);
}

/* Every end is an address to the core network. */
static void check_addr(struct scn_load *load, const struct scn_value *ends, const struct scenario_link *link)
{
	const struct scn_value *value = ends->first;

	for (uint32_t i = link->first_end; value && i < link->first_end + link->end_count; i++, value = value->next) {
		const struct scenario_end *end = &load->scenario->ends[i];

		if (end->addr_count)
			continue;
		scn_error(load, value,
			  "has no address; LTE knows users by theirs: give the link a subnet, or the end an ip");
		return;
	}
}

void scn_finish_lte(struct scn_load *load, const struct scn_value *map, struct scenario_link *link)
{
	const struct scn_value *network = scn_get(map, "network"), *ends = scn_get(map, "ends");
	uint32_t at_network = 0, ues;

	if (!link->lte || load->reported)
		return;
	if (link->mtu > LTE_MTU_MAX)
		scn_error(load, scn_get(map, "mtu"), "an LTE link carries up to %d bytes; lower it", LTE_MTU_MAX);
	for (uint32_t i = link->first_end; i < link->first_end + link->end_count; i++)
		at_network += load->scenario->ends[i].node == link->lte->network;
	if (network && at_network != 1)
		scn_error(load, network, "\"%s\" has %u ends on this link; name a node with exactly one", network->text,
			  at_network);
	ues = link->end_count - at_network;
	if (ues < 1 || ues > SCENARIO_LTE_UES_MAX)
		scn_error(load, ends, "%u user equipments; a cell has from 1 to %d", ues, SCENARIO_LTE_UES_MAX);
	for (uint32_t i = link->first_end; i < link->first_end + link->end_count; i++) {
		const struct scenario_end *end = &load->scenario->ends[i];

		if (load->scenario->nodes[end->node].role > SCENARIO_ROLE_ROUTER ||
		    (end->port_of && !end->port_of->management))
			scn_error(load, ends,
				  "LTE carries IP only; a switch or hub cannot be at its end, put a container between");
	}
	scn_place_ends(load, map, link);
}

void scn_check_lte(struct scn_load *load, const struct scn_value *map, const struct scenario_link *link)
{
	if (link->lte && !load->reported)
		check_addr(load, scn_get(map, "ends"), link);
}
