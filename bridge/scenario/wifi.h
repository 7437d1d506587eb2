/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wifi.h - what a scenario says of a Wi-Fi link: radio, medium, and where its ends are. Part of scenario.h.
 *
 * Names and units are those of ns-3 and IEEE 802.11; docs/scenario.md has every default and its source.
 */
#ifndef SCENARIO_WIFI_H
#define SCENARIO_WIFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SCENARIO_WIFI_ENDS_MAX 40
#define SCENARIO_WIFI_MTU_MAX  2296 /* an MSDU of 2304 bytes (IEEE 802.11 clause 9.2.4.7.1) less LLC/SNAP */

enum scenario_wifi_mode {
	SCENARIO_WIFI_ADHOC,
	SCENARIO_WIFI_INFRASTRUCTURE,
	SCENARIO_WIFI_MESH, /* 802.11s */
};

enum scenario_wifi_standard {
	SCENARIO_WIFI_B,
	SCENARIO_WIFI_A,
	SCENARIO_WIFI_G,
	SCENARIO_WIFI_N,
	SCENARIO_WIFI_AC,
	SCENARIO_WIFI_AX,
};

enum scenario_wifi_band {
	SCENARIO_WIFI_2_4GHZ,
	SCENARIO_WIFI_5GHZ,
	SCENARIO_WIFI_6GHZ,
};

enum scenario_wifi_control {
	SCENARIO_WIFI_CONSTANT,
	SCENARIO_WIFI_MINSTREL_HT,
	SCENARIO_WIFI_MINSTREL,
	SCENARIO_WIFI_AARF,
	SCENARIO_WIFI_ARF,
	SCENARIO_WIFI_IDEAL,
};

enum scenario_wifi_loss {
	SCENARIO_WIFI_LOG_DISTANCE,
	SCENARIO_WIFI_FRIIS,
	SCENARIO_WIFI_TWO_RAY,
	SCENARIO_WIFI_THREE_LOG_DISTANCE,
	SCENARIO_WIFI_RANGE,
	SCENARIO_WIFI_FIXED_RSS,
};

/* Only what belongs to `model` means anything. */
struct scenario_wifi_propagation {
	enum scenario_wifi_loss model;
	double exponent[3];       /* [0] alone for log-distance */
	double distance_m[3];     /* log-distance: [0], the reference; three-log-distance: where each field begins */
	double reference_loss_db; /* at the first distance */
	double frequency_hz;      /* friis, two-ray; 0: the channel's */
	double system_loss;       /* friis, two-ray; a factor, not dB */
	double min_loss_db;       /* friis */
	double min_distance_m;    /* two-ray */
	double height_above_z_m;  /* two-ray */
	double range_m;           /* range: nothing is heard beyond, all loss-free within */
	double rss_dbm;           /* fixed-rss */
};

struct scenario_wifi_fading {
	bool nakagami;        /* false: no fading */
	double m[3];          /* shape by distance */
	double distance_m[2]; /* where the second and third shape begin */
};

struct scenario_wifi {
	enum scenario_wifi_mode mode;
	enum scenario_wifi_standard standard;
	enum scenario_wifi_band band;
	uint32_t channel;
	uint32_t width_mhz;
	enum scenario_wifi_control control;
	char *data_mode;    /* WifiMode of ns-3, with constant only */
	char *control_mode; /* likewise */
	double tx_power_dbm;
	uint32_t rts_threshold_size; /* bytes of a PSDU; longer ones are announced by RTS/CTS */
	char *ssid;
	bool wait_association; /* the experiment begins when every station is associated */
	struct scenario_wifi_propagation propagation;
	struct scenario_wifi_fading fading;
};

/** scenario_wifi_control_name() - A rate control as a scenario says it, "minstrel-ht"; static. */
const char *scenario_wifi_control_name(enum scenario_wifi_control control);

/** scenario_wifi_loss_name() - A propagation model as a scenario says it, "log-distance"; static. */
const char *scenario_wifi_loss_name(enum scenario_wifi_loss model);

enum scenario_mobility {
	SCENARIO_MOBILITY_FIXED,
	SCENARIO_MOBILITY_WAYPOINTS,
	SCENARIO_MOBILITY_RANDOM_WAYPOINT,
	SCENARIO_MOBILITY_VELOCITY,
};

struct scenario_vector {
	double x, y, z; /* m, or m/s */
};

struct scenario_waypoint {
	uint64_t at_ns; /* since the ready barrier */
	struct scenario_vector position;
};

/* Where an end of a Wi-Fi link is, and how it moves. */
struct scenario_place {
	bool is_ap;                      /* infrastructure only */
	struct scenario_vector position; /* at the ready barrier */
	enum scenario_mobility mobility;
	struct scenario_waypoint *waypoints; /* in order of time, straight lines between them */
	size_t waypoint_count;
	uint32_t trace_node; /* whose way in the link's movement trace the waypoints are; else SCENARIO_NONE */
	struct scenario_vector velocity;
	double area_m[4];    /* random waypoint: x from, x to, y from, y to */
	double speed_mps[2]; /* ... uniformly from, to */
	uint64_t pause_ns;   /* ... at every waypoint */
};

#ifdef __cplusplus
}
#endif

#endif /* SCENARIO_WIFI_H */
