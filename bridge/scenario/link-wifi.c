/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * link-wifi.c - the keys of a link of kind wifi: radio and medium. Where its ends are is in place.c.
 */
#include <stdio.h>
#include <string.h>

#include "bridge/scenario/internal.h"

#define QUEUE_FRAMES      500 /* as ns-3's WifiMacQueue */
#define QUEUE_FRAMES_MAX  100000
#define SSID_LEN_MAX      32      /* IEEE 802.11 clause 9.4.2.2 */
#define RTS_THRESHOLD     65535   /* as ns-3: never */
#define RTS_THRESHOLD_MAX 4692480 /* the longest PSDU there is */
#define TX_POWER_DBM      16.0206 /* as ns-3: 40 mW */

const char *const scn_wifi_keys[] = {
	"kind",     "mode",          "standard", "band",        "channel",     "width",  "rate-control",
	"tx-power", "rts-threshold", "ssid",     "association", "propagation", "fading", "mobility",
	"queue",    "mtu",           "subnet",   "ends",        NULL};

static const char *const mode_words[] = {"adhoc", "infrastructure", "mesh", NULL};
static const char *const standard_words[] = {"802.11b", "802.11a", "802.11g", "802.11n", "802.11ac", "802.11ax", NULL};
static const char *const band_words[] = {"2.4GHz", "5GHz", "6GHz", NULL};
static const char *const control_words[] = {"constant", "minstrel-ht", "minstrel", "aarf", "arf", "ideal", NULL};
static const char *const association_words[] = {"required", "later", NULL};
static const char *const loss_words[] = {"log-distance", "friis",     "two-ray", "three-log-distance",
					 "range",        "fixed-rss", NULL};
static const char *const fading_words[] = {"none", "nakagami", NULL};

/* What ns-3 3.37 knows: WifiStandard against WifiPhyBand, src/wifi/model/wifi-standards.h. */
static const struct {
	unsigned int bands;     /* bit per enum scenario_wifi_band */
	unsigned int width_max; /* MHz */
	uint64_t rate_kbps;     /* one stream, 20 MHz, long guard interval; what ethtool says */
	const char *data_mode;  /* default of constant */
} standards[] = {
	[SCENARIO_WIFI_B] = {1u << SCENARIO_WIFI_2_4GHZ, 22, 11000, "DsssRate11Mbps"},
	[SCENARIO_WIFI_A] = {1u << SCENARIO_WIFI_5GHZ, 20, 54000, "OfdmRate54Mbps"},
	[SCENARIO_WIFI_G] = {1u << SCENARIO_WIFI_2_4GHZ, 20, 54000, "ErpOfdmRate54Mbps"},
	[SCENARIO_WIFI_N] = {1u << SCENARIO_WIFI_2_4GHZ | 1u << SCENARIO_WIFI_5GHZ, 40, 65000, "HtMcs7"},
	[SCENARIO_WIFI_AC] = {1u << SCENARIO_WIFI_5GHZ, 160, 78000, "VhtMcs8"},
	[SCENARIO_WIFI_AX] = {7, 160, 121900, "HeMcs11"},
};

/* Channel numbers of ns-3 3.37, src/wifi/model/wifi-phy-operating-channel.cc: from, to, step. */
static const struct {
	enum scenario_wifi_band band;
	uint32_t width_mhz;
	uint32_t first, last, step;
} channels[] = {
	{SCENARIO_WIFI_2_4GHZ, 22, 1, 14, 1},   {SCENARIO_WIFI_2_4GHZ, 20, 1, 13, 1},
	{SCENARIO_WIFI_2_4GHZ, 40, 3, 11, 1},   {SCENARIO_WIFI_5GHZ, 20, 36, 64, 4},
	{SCENARIO_WIFI_5GHZ, 20, 100, 144, 4},  {SCENARIO_WIFI_5GHZ, 20, 149, 181, 4},
	{SCENARIO_WIFI_5GHZ, 40, 38, 62, 8},    {SCENARIO_WIFI_5GHZ, 40, 102, 142, 8},
	{SCENARIO_WIFI_5GHZ, 40, 151, 175, 8},  {SCENARIO_WIFI_5GHZ, 80, 42, 58, 16},
	{SCENARIO_WIFI_5GHZ, 80, 106, 138, 16}, {SCENARIO_WIFI_5GHZ, 80, 155, 171, 16},
	{SCENARIO_WIFI_5GHZ, 160, 50, 50, 1},   {SCENARIO_WIFI_5GHZ, 160, 114, 114, 1},
	{SCENARIO_WIFI_5GHZ, 160, 163, 163, 1}, {SCENARIO_WIFI_6GHZ, 20, 1, 233, 4},
	{SCENARIO_WIFI_6GHZ, 40, 3, 227, 8},    {SCENARIO_WIFI_6GHZ, 80, 7, 215, 16},
	{SCENARIO_WIFI_6GHZ, 160, 15, 207, 32},
};

#define CHANNELS (sizeof(channels) / sizeof(channels[0]))

const char *scenario_wifi_control_name(enum scenario_wifi_control control)
{
	return control_words[control];
}

const char *scenario_wifi_loss_name(enum scenario_wifi_loss model)
{
	return loss_words[model];
}

bool scn_read_quantity(struct scn_load *load, const struct scn_value *value, const char *unit, double min, double max,
		       double *ret)
{
	struct scn_decimal number;
	double power = 1, figure;

	if (!value || !scn_text(load, value))
		return false;
	if (scn_decimal(value->text, &number) < 0 || number.digits >= (UINT64_C(1) << 53)) {
		scn_error(load, value, "\"%s\" is not a figure; write digits%s%s, as in 10%s",
			  scn_show(value->text).text, *unit ? " and the unit " : "", unit, unit);
		return false;
	}
	if (strcmp(number.rest, unit)) {
		scn_error(load, value,
			  *number.rest ? "\"%s\" is not in the unit of this key; write 10%s"
				       : "\"%s\" has no unit; write 10%s",
			  scn_show(value->text).text, unit);
		return false;
	}
	for (unsigned int i = 0; i < number.decimals; i++)
		power *= 10;
	figure = (double)(uint64_t)number.digits / power;
	if (number.negative)
		figure = -figure;
	if (figure < min || figure > max) {
		scn_error(load, value, "\"%s\" is out of range; it is from %.9g%s to %.9g%s",
			  scn_show(value->text).text, min, unit, max, unit);
		return false;
	}
	*ret = figure;
	return true;
}

static bool channel_exists(enum scenario_wifi_band band, uint32_t width_mhz, uint32_t number)
{
	for (size_t i = 0; i < CHANNELS; i++)
		if (channels[i].band == band && channels[i].width_mhz == width_mhz && number >= channels[i].first &&
		    number <= channels[i].last && (number - channels[i].first) % channels[i].step == 0)
			return true;
	return false;
}

/* The lowest channel of a band and width; 0: there is none of this width. */
static uint32_t first_channel(enum scenario_wifi_band band, uint32_t width_mhz)
{
	for (size_t i = 0; i < CHANNELS; i++)
		if (channels[i].band == band && channels[i].width_mhz == width_mhz)
			return channels[i].first;
	return 0;
}

static void read_channel(struct scn_load *load, const struct scn_value *map, struct scenario_wifi *wifi)
{
	const struct scn_value *band = scn_get(map, "band"), *width = scn_get(map, "width"),
			       *channel = scn_get(map, "channel");
	unsigned int word = wifi->standard == SCENARIO_WIFI_B || wifi->standard == SCENARIO_WIFI_G
				    ? SCENARIO_WIFI_2_4GHZ
				    : SCENARIO_WIFI_5GHZ;
	double mhz = wifi->standard == SCENARIO_WIFI_B ? 22 : 20;
	uint64_t number;

	if (band && !scn_read_word(load, map, "band", NULL, band_words, &word))
		return;
	wifi->band = (enum scenario_wifi_band)word;
	if (!(standards[wifi->standard].bands & 1u << word)) {
		scn_error(load, band, "%s is not used at %s; leave the key out", standard_words[wifi->standard],
			  band_words[word]);
		return;
	}
	if (width && !scn_read_quantity(load, width, "MHz", 20, 160, &mhz))
		return;
	wifi->width_mhz = (uint32_t)mhz;
	number = first_channel(wifi->band, wifi->width_mhz);
	if (wifi->width_mhz != mhz || !number || wifi->width_mhz > standards[wifi->standard].width_max ||
	    (wifi->standard == SCENARIO_WIFI_B) != (wifi->width_mhz == 22)) {
		scn_error(load, width,
			  "%s has no channels of this width at %s; leave the key out or write one of "
			  "20MHz, 40MHz (n, ac, ax), 80MHz, 160MHz (ac, ax)",
			  standard_words[wifi->standard], band_words[word]);
		return;
	}
	wifi->channel = (uint32_t)number;
	if (!channel || !scn_read_count(load, map, "channel", NULL, 1, 233, &number))
		return;
	if (!channel_exists(wifi->band, wifi->width_mhz, (uint32_t)number))
		scn_error(load, channel, "there is no channel %llu of %u MHz at %s; the first is %u",
			  (unsigned long long)number, wifi->width_mhz, band_words[word], wifi->channel);
	wifi->channel = (uint32_t)number;
}

/* Whether ns-3 has a WifiMode of that name that the standard can use. */
static bool mode_exists(const struct scenario_wifi *wifi, const char *name, bool data)
{
	static const char *const dsss[] = {"DsssRate1Mbps", "DsssRate2Mbps", "DsssRate5_5Mbps", "DsssRate11Mbps", NULL};
	static const char *const ofdm[] = {"6", "9", "12", "18", "24", "36", "48", "54", NULL};
	static const struct {
		enum scenario_wifi_standard standard;
		const char *prefix;
		unsigned int last;
	} mcs[] = {{SCENARIO_WIFI_N, "HtMcs", 7}, {SCENARIO_WIFI_AC, "VhtMcs", 9}, {SCENARIO_WIFI_AX, "HeMcs", 11}};
	bool low = wifi->band == SCENARIO_WIFI_2_4GHZ;
	char text[32];

	for (size_t i = 0; low && dsss[i]; i++)
		if (!strcmp(name, dsss[i]))
			return true;
	for (size_t i = 0; wifi->standard != SCENARIO_WIFI_B && ofdm[i]; i++) {
		snprintf(text, sizeof(text), "%sOfdmRate%sMbps", low ? "Erp" : "", ofdm[i]);
		if (!strcmp(name, text))
			return true;
	}
	for (size_t i = 0; data && i < sizeof(mcs) / sizeof(mcs[0]); i++)
		for (unsigned int j = 0; mcs[i].standard == wifi->standard && j <= mcs[i].last; j++) {
			/* 9 needs more than 20 MHz with one stream (IEEE 802.11 clause 21.5) */
			if (mcs[i].standard == SCENARIO_WIFI_AC && j == 9 && wifi->width_mhz == 20)
				continue;
			snprintf(text, sizeof(text), "%s%u", mcs[i].prefix, j);
			if (!strcmp(name, text))
				return true;
		}
	return false;
}

static void read_wifi_mode(struct scn_load *load, const struct scn_value *map, const char *key,
			   const struct scenario_wifi *wifi, bool data, char **ret)
{
	const char *name = NULL;

	if (!scn_read_text(load, map, key, NULL, &name))
		return;
	if (!mode_exists(wifi, name, data)) {
		scn_error(load, scn_get(map, key), "\"%s\" is not a rate of %s at %s; write one as ns-3 names it, %s",
			  scn_show(name).text, standard_words[wifi->standard], band_words[wifi->band],
			  data                                 ? standards[wifi->standard].data_mode
			  : wifi->standard == SCENARIO_WIFI_B  ? "DsssRate1Mbps"
			  : wifi->band == SCENARIO_WIFI_2_4GHZ ? "ErpOfdmRate6Mbps"
							       : "OfdmRate6Mbps");
		return;
	}
	*ret = scn_keep(load, name);
}

/* A word alone, or a map whose `model` is that word: index into @words. */
static bool read_model(struct scn_load *load, const struct scn_value *map, const char *key, const char *const *words,
		       const char *const *keys, const struct scn_value **ret_map, unsigned int *ret)
{
	const struct scn_value *value = scn_get(map, key);

	*ret_map = NULL;
	if (!value)
		return false;
	if (value->kind != SCN_MAP)
		return scn_read_word(load, map, key, NULL, words, ret);
	*ret_map = value;
	return scn_read_map(load, value, keys) && scn_read_word(load, value, "model", words[0], words, ret);
}

static void read_control(struct scn_load *load, const struct scn_value *map, struct scenario_wifi *wifi)
{
	static const char *const keys[] = {"model", "data-mode", "control-mode", NULL};
	const struct scn_value *value = NULL, *at = scn_get(map, "rate-control");
	/* what a card of that standard does, in ns-3's own choice */
	unsigned int word = wifi->standard >= SCENARIO_WIFI_N ? SCENARIO_WIFI_MINSTREL_HT : SCENARIO_WIFI_MINSTREL;

	if (at && !read_model(load, map, "rate-control", control_words, keys, &value, &word))
		return;
	wifi->control = (enum scenario_wifi_control)word;
	if (word != SCENARIO_WIFI_CONSTANT) {
		if (value && (scn_get(value, "data-mode") || scn_get(value, "control-mode")))
			scn_error(load, value, "data-mode and control-mode belong to constant; %s chooses them itself",
				  control_words[word]);
		/* ns-3 stops at these: src/wifi/model/rate-control */
		if (wifi->standard >= SCENARIO_WIFI_N && word != SCENARIO_WIFI_MINSTREL_HT &&
		    word != SCENARIO_WIFI_IDEAL)
			scn_error(load, at, "%s knows no rates of %s; write minstrel-ht, ideal or constant",
				  control_words[word], standard_words[wifi->standard]);
		return;
	}
	wifi->data_mode = scn_keep(load, standards[wifi->standard].data_mode);
	wifi->control_mode = scn_keep(load, wifi->standard == SCENARIO_WIFI_B    ? "DsssRate1Mbps"
					    : wifi->band == SCENARIO_WIFI_2_4GHZ ? "ErpOfdmRate6Mbps"
										 : "OfdmRate6Mbps");
	if (!value)
		return;
	read_wifi_mode(load, value, "data-mode", wifi, true, &wifi->data_mode);
	read_wifi_mode(load, value, "control-mode", wifi, false, &wifi->control_mode);
}

/* A key that only some models have. */
struct model_key {
	const char *key;
	unsigned int models; /* bits */
	const char *unit;
	double min, max;
	double *ret;
};

static void read_model_keys(struct scn_load *load, const struct scn_value *map, const char *const *words,
			    unsigned int model, const struct model_key *keys, size_t count)
{
	const struct scn_value *value;

	for (size_t i = 0; i < count; i++) {
		value = scn_get(map, keys[i].key);
		if (value && !(keys[i].models & 1u << model))
			scn_error_key(load, value, "%s has no such parameter; leave it out", words[model]);
		else if (value)
			scn_read_quantity(load, value, keys[i].unit, keys[i].min, keys[i].max, keys[i].ret);
	}
}

void scn_read_propagation(struct scn_load *load, const struct scn_value *map, enum scenario_wifi_loss model,
			  struct scenario_wifi_propagation *ret)
{
	/* the defaults of ns-3's models of the same names */
	struct scenario_wifi_propagation loss = {
		.exponent = {3, 3.8, 3.8},
		.distance_m = {1, 200, 500},
		.reference_loss_db = 46.6777,
		.system_loss = 1,
		.min_distance_m = 0.5,
		.range_m = 250,
		.rss_dbm = -150,
	};
	static const char *const keys[] = {
		"model",     "exponent",     "reference-distance", "reference-loss", "distance0", "distance1",
		"distance2", "exponent0",    "exponent1",          "exponent2",      "frequency", "system-loss",
		"min-loss",  "min-distance", "height-above-z",     "max-range",      "rss",       NULL};
	enum {
		LOG = 1u << SCENARIO_WIFI_LOG_DISTANCE,
		FRIIS = 1u << SCENARIO_WIFI_FRIIS,
		RAY = 1u << SCENARIO_WIFI_TWO_RAY,
		THREE = 1u << SCENARIO_WIFI_THREE_LOG_DISTANCE,
		RANGE = 1u << SCENARIO_WIFI_RANGE,
		RSS = 1u << SCENARIO_WIFI_FIXED_RSS,
	};
	double ghz = 0;
	const struct model_key table[] = {
		{"exponent", LOG, "", 0, 10, &loss.exponent[0]},
		{"reference-distance", LOG, "m", 0.001, 1e6, &loss.distance_m[0]},
		{"reference-loss", LOG | THREE, "dB", -300, 300, &loss.reference_loss_db},
		{"distance0", THREE, "m", 0.001, 1e6, &loss.distance_m[0]},
		{"distance1", THREE, "m", 0.001, 1e6, &loss.distance_m[1]},
		{"distance2", THREE, "m", 0.001, 1e6, &loss.distance_m[2]},
		{"exponent0", THREE, "", 0, 10, &loss.exponent[0]},
		{"exponent1", THREE, "", 0, 10, &loss.exponent[1]},
		{"exponent2", THREE, "", 0, 10, &loss.exponent[2]},
		{"frequency", FRIIS | RAY, "GHz", 0.1, 100, &ghz},
		{"system-loss", FRIIS | RAY, "", 1, 1e6, &loss.system_loss},
		{"min-loss", FRIIS, "dB", 0, 300, &loss.min_loss_db},
		{"min-distance", RAY, "m", 0.001, 1e6, &loss.min_distance_m},
		{"height-above-z", RAY, "m", 0, 1e6, &loss.height_above_z_m},
		{"max-range", RANGE, "m", 0.001, 1e7, &loss.range_m},
		{"rss", RSS, "dBm", -300, 100, &loss.rss_dbm},
	};
	unsigned int word = model;
	const struct scn_value *value = NULL;

	read_model(load, map, "propagation", loss_words, keys, &value, &word);
	loss.model = (enum scenario_wifi_loss)word;
	if (loss.model == SCENARIO_WIFI_THREE_LOG_DISTANCE)
		loss.exponent[0] = 1.9;
	if (value)
		read_model_keys(load, value, loss_words, word, table, sizeof(table) / sizeof(table[0]));
	loss.frequency_hz = ghz * 1e9;
	if (loss.model == SCENARIO_WIFI_THREE_LOG_DISTANCE &&
	    (loss.distance_m[0] > loss.distance_m[1] || loss.distance_m[1] > loss.distance_m[2]))
		scn_error(load, value, "distance0, distance1 and distance2 are in ascending order; change them");
	*ret = loss;
}

static void read_fading(struct scn_load *load, const struct scn_value *map, struct scenario_wifi *wifi)
{
	/* the defaults of ns-3's NakagamiPropagationLossModel */
	struct scenario_wifi_fading fading = {.m = {1.5, 0.75, 0.75}, .distance_m = {80, 200}};
	static const char *const keys[] = {"model", "m0", "m1", "m2", "distance1", "distance2", NULL};
	const struct model_key table[] = {
		{"m0", 2, "", 0.5, 1000, &fading.m[0]},
		{"m1", 2, "", 0.5, 1000, &fading.m[1]},
		{"m2", 2, "", 0.5, 1000, &fading.m[2]},
		{"distance1", 2, "m", 0, 1e6, &fading.distance_m[0]},
		{"distance2", 2, "m", 0, 1e6, &fading.distance_m[1]},
	};
	const struct scn_value *value = NULL;
	unsigned int word = 0;

	read_model(load, map, "fading", fading_words, keys, &value, &word);
	fading.nakagami = word == 1;
	if (value)
		read_model_keys(load, value, fading_words, word, table, sizeof(table) / sizeof(table[0]));
	if (fading.distance_m[0] > fading.distance_m[1])
		scn_error(load, value, "distance1 lies before distance2; change them");
	wifi->fading = fading;
}

static void read_ssid(struct scn_load *load, const struct scn_value *map, struct scenario_wifi *wifi,
		      const struct scenario_link *link)
{
	const char *ssid = link->name;

	if (scn_get(map, "ssid") && wifi->mode != SCENARIO_WIFI_INFRASTRUCTURE) {
		scn_error_key(load, scn_get(map, "ssid"), "only infrastructure has an SSID here; leave it out");
		return;
	}
	if (scn_read_text(load, map, "ssid", NULL, &ssid) && strlen(ssid) > SSID_LEN_MAX)
		scn_error(load, scn_get(map, "ssid"), "%zu bytes; an SSID has at most %d", strlen(ssid), SSID_LEN_MAX);
	wifi->ssid = scn_keep(load, ssid);
}

static void check_mtu(struct scn_load *load, const struct scn_value *map)
{
	const struct scn_value *mtu = scn_get(map, "mtu");
	struct scn_decimal number;

	if (mtu && mtu->kind == SCN_TEXT && scn_decimal(mtu->text, &number) == 0 && !number.decimals && !*number.rest &&
	    number.digits > SCENARIO_WIFI_MTU_MAX)
		scn_error(load, mtu, "802.11 carries at most %d bytes behind LLC and SNAP; write %d or less",
			  SCENARIO_WIFI_MTU_MAX, SCENARIO_WIFI_MTU_MAX);
}

void scn_load_wifi(struct scn_load *load, const struct scn_value *map, struct scenario_link *link)
{
	struct scenario_wifi *wifi = scn_new(load, 1, sizeof(*wifi));
	unsigned int mode = 0, standard = SCENARIO_WIFI_A, association = 0;
	uint64_t queue = QUEUE_FRAMES, rts = RTS_THRESHOLD;
	const struct scn_value *value;

	if (!wifi)
		return;
	link->wifi = wifi;
	scn_read_word(load, map, "mode", "adhoc", mode_words, &mode);
	wifi->mode = (enum scenario_wifi_mode)mode;
	scn_read_word(load, map, "standard", "802.11a", standard_words, &standard);
	wifi->standard = (enum scenario_wifi_standard)standard;
	if (mode == SCENARIO_WIFI_MESH && standard >= SCENARIO_WIFI_N)
		scn_error(load, scn_get(map, "standard"),
			  "ns-3's mesh points know no standard from 802.11n on; write 802.11a, 802.11g or 802.11b");
	read_channel(load, map, wifi);
	read_control(load, map, wifi);
	wifi->tx_power_dbm = TX_POWER_DBM;
	scn_read_quantity(load, scn_get(map, "tx-power"), "dBm", -50, 60, &wifi->tx_power_dbm);
	scn_read_unit(load, map, "rts-threshold", NULL, SCN_SIZE, 0, RTS_THRESHOLD_MAX, &rts);
	wifi->rts_threshold_size = (uint32_t)rts;
	scn_read_unit(load, map, "queue", NULL, SCN_PACKETS, 1, QUEUE_FRAMES_MAX, &queue);
	link->queue_frames = (uint32_t)queue;
	read_ssid(load, map, wifi, link);
	value = scn_get(map, "association");
	if (value && mode != SCENARIO_WIFI_INFRASTRUCTURE)
		scn_error_key(load, value, "only stations of an infrastructure associate; leave it out");
	else
		scn_read_word(load, map, "association", NULL, association_words, &association);
	wifi->wait_association = association == 0;
	scn_read_propagation(load, map, SCENARIO_WIFI_LOG_DISTANCE, &wifi->propagation);
	read_fading(load, map, wifi);
	check_mtu(load, map);
	link->rate_bps = standards[standard].rate_kbps * 1000 * (wifi->width_mhz > 22 ? wifi->width_mhz / 20 : 1);
}
