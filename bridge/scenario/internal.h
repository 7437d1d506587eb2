/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * internal.h - what the files of the scenario module share; nobody else includes it.
 *
 * The way of a scenario: parse.c turns YAML text into a tree of `struct scn_value`, set.c changes the tree, load.c and
 * the section files (nodes.c, links.c, ends.c, steps.c, expects.c) read it through read.c and units.c, islands.c packs
 * the links into ghosts. emit.c writes a changed tree as text again. The tree is gone when scenario_load() returns;
 * what the scenario keeps lives in an arena of its own.
 */
#ifndef SCENARIO_INTERNAL_H
#define SCENARIO_INTERNAL_H

#include "bridge/scenario/scenario.h"

#define SCN_DEPTH_MAX        16    /* levels of maps and lists */
#define SCN_VALUES_MAX       50000 /* maps, lists and scalars in one file */
#define SCN_KEY_LEN_MAX      128   /* characters; YAML itself ends at 1024 for a key on one line */
#define SCN_NAME_MAX         31    /* characters of a node, link, step or experiment name */
#define SCN_IFNAME_MAX       15    /* the kernel's IFNAMSIZ without the NUL */
#define SCN_WORKERS_MAX      64    /* ghosts */
#define SCN_RATE_BPS_MAX     UINT64_C(400000000000)
#define SCN_DELAY_NS_MAX     UINT64_C(10000000000)
#define SCN_QUEUE_FRAMES_MAX 100000
#define SCN_QUEUE_FRAMES     100 /* as ns-3's DropTailQueue */
#define SCN_AT_NS_MAX        (UINT64_C(7) * 86400 * 1000000000)
#define SCN_REPORTED_MAX     500 /* errors looked at; the first SCENARIO_ERRORS_MAX in file order are kept */

/* ---- arena.c: memory that is freed all at once, and a hash index over it ---- */

struct scn_chunk;

struct scn_arena {
	struct scn_chunk *chunks;
};

/** scn_alloc() - @size zeroed bytes that live as long as the arena, or NULL. */
void *scn_alloc(struct scn_arena *arena, size_t size);

/** scn_strndup() - Copy of @len bytes and a NUL, or NULL. */
char *scn_strndup(struct scn_arena *arena, const char *text, size_t len);

/** scn_arena_done() - Free everything; the arena is empty afterwards. */
void scn_arena_done(struct scn_arena *arena);

/* Byte strings to numbers. Keys are borrowed. Memory comes from an arena and goes with it. */
struct scn_index {
	struct scn_arena *arena;
	struct scn_slot *slots;
	size_t slot_count; /* power of two */
	size_t used;
};

/** scn_index_init() - An empty index that takes its memory from @arena. */
void scn_index_init(struct scn_index *index, struct scn_arena *arena);

/**
 * scn_index_add() - Enter @key unless it is there
 * @value:	number to enter
 * @ret_old:	number found under @key when it was there
 *
 * Return: 0, -EEXIST or -ENOMEM
 */
int scn_index_add(struct scn_index *index, const void *key, size_t size, uint32_t value, uint32_t *ret_old);

/** scn_index_find() - Number under @key, or SCENARIO_NONE. */
uint32_t scn_index_find(const struct scn_index *index, const void *key, size_t size);

/** scn_hash() - 32-bit FNV-1a. Default MACs come from it, so it never changes. */
uint32_t scn_hash(const void *data, size_t size);

/* ---- the tree ---- */

enum scn_kind {
	SCN_NULL, /* nothing, ~ or null, not quoted */
	SCN_TEXT, /* any other scalar */
	SCN_MAP,
	SCN_LIST,
};

struct scn_value {
	enum scn_kind kind;
	bool plain;                  /* a scalar without quotes */
	bool literal;                /* a block scalar with "|": every line of it is a line of the file */
	struct scenario_pos pos;     /* of the value */
	struct scenario_pos key_pos; /* of the key, in a map */
	const char *set;             /* the --set it comes from, or NULL */
	const char *key;             /* NULL in a list and at the root */
	const char *text;            /* of a scalar, NUL-terminated, "" for SCN_NULL */
	size_t len;
	struct scn_value *parent;
	struct scn_value *first, *last, *next;
	size_t count; /* of children */
};

/* ---- the state of one scenario_load() ---- */

struct scn_end_draft;

struct scn_load {
	const struct scenario_options *options;
	struct scenario *scenario;
	struct scn_arena *arena; /* what the scenario keeps */
	struct scn_arena tree;   /* what goes when loading is done */
	struct scenario_errors *errors;
	size_t reported;
	bool nomem;      /* an allocation failed; everybody returns as soon as possible */
	const char *set; /* the --set being parsed, or NULL */
	struct scn_value *root;
	struct scn_index node_index; /* node names */
	struct scn_index step_index;
	struct scn_index link_index;
	bool *bad_links;    /* per link: something of it was reported; references to it cannot be judged */
	size_t change_room; /* in scenario->changes */
	const char *source; /* "FILE.csv:12: " while a row of another file is read; errors stand at source_pos then */
	struct scenario_pos source_pos;
	bool inlined;       /* the tree has the contents of other files in it, which the text had not */
	bool nodes_unknown; /* `nodes` itself is wrong: references to nodes cannot be judged */
	bool steps_unknown;
	bool links_unknown;
	struct scn_end_draft *drafts; /* one per scenario->ends */
};

/** scn_new() - Zeroed memory the scenario keeps; sets load->nomem and returns NULL when there is none. */
void *scn_new(struct scn_load *load, size_t count, size_t size);

/** scn_keep() - Copy of a text that the scenario keeps. */
char *scn_keep(struct scn_load *load, const char *text);

/** scn_keepf() - The same, formatted. */
char *scn_keepf(struct scn_load *load, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- error.c ---- */

/* A text from the file made fit for one line of a message: shortened, no control characters. */
struct scn_shown {
	char text[72];
};

struct scn_shown scn_show(const char *text);

/** scn_error_at() - Report an error at a position of the file. */
void scn_error_at(struct scn_load *load, struct scenario_pos pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** scn_error() - Report that @value is wrong; its path (links.lan.rate) goes before the text. */
void scn_error(struct scn_load *load, const struct scn_value *value, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** scn_error_key() - The same, pointing at the value's key: wrong keys, and maps in which something is missing. */
void scn_error_key(struct scn_load *load, const struct scn_value *value, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** scn_where() - "at 3:5" or "in --set ..."; for texts that name a second place. */
struct scn_shown scn_where(const struct scn_value *value);

/** scn_path() - Write the path of a value, shortened if need be. */
void scn_path(const struct scn_value *value, char *buf, size_t size);

/* The known word nearest to a wrong one. */
struct scn_guess {
	const char *word;
	const char *best;
	unsigned int distance;
	unsigned int tried;
	char text[64];
};

void scn_guess_init(struct scn_guess *guess, const char *word);
void scn_guess_try(struct scn_guess *guess, const char *candidate);

/** scn_guess_text() - "; did you mean "x"?" or "". */
const char *scn_guess_text(struct scn_guess *guess);

/* ---- parse.c, emit.c, set.c ---- */

/**
 * scn_parse() - Turn YAML text into a tree
 *
 * Return: the root in load->tree, or NULL with an error reported or load->nomem set
 */
struct scn_value *scn_parse(struct scn_load *load, const char *data, size_t size);

/** scn_check_text() - Refuse what no YAML text may hold (NUL, control characters, bad UTF-8); reports, returns false.
 */
bool scn_check_text(struct scn_load *load, const char *data, size_t size);

/** scn_add_child() - Append to a map (with a key) or a list. */
void scn_add_child(struct scn_value *parent, struct scn_value *child);

/** scn_is_null_text() - Whether an unquoted scalar means "nothing". */
bool scn_is_null_text(const char *text, size_t len);

/** scn_emit() - The tree as YAML text, to be freed with free(); NULL without memory. */
char *scn_emit(const struct scn_value *root, size_t *ret_size);

/* The keys at the top of a file, NULL-terminated. */
extern const char *const scn_top_keys[];

/** scn_apply_sets() - Apply options->sets to load->root. */
void scn_apply_sets(struct scn_load *load);

/* ---- read.c: typed access to the tree; whatever is wrong is reported here ---- */

/** scn_get() - Value under a key, or NULL. */
struct scn_value *scn_get(const struct scn_value *map, const char *key);

/**
 * scn_read_map() - Check that @value is a map with only the given keys
 * @keys:	NULL-terminated
 *
 * Return: false if it is no map; unknown keys are reported and left alone. SCN_NULL passes as an empty map.
 */
bool scn_read_map(struct scn_load *load, const struct scn_value *value, const char *const *keys);

/** scn_want() - Check that @value is a map or a list (SCN_NULL passes as an empty one). */
bool scn_want(struct scn_load *load, const struct scn_value *value, enum scn_kind kind);

/*
 * The readers below look up @key in @map. They return true if it is there and right, and leave @ret alone otherwise;
 * with
 * @need, an example of a value, an absent key is an error as well.
 */
bool scn_read_text(struct scn_load *load, const struct scn_value *map, const char *key, const char *need,
		   const char **ret);
bool scn_read_bool(struct scn_load *load, const struct scn_value *map, const char *key, bool *ret);
bool scn_read_count(struct scn_load *load, const struct scn_value *map, const char *key, const char *need, uint64_t min,
		    uint64_t max, uint64_t *ret);
bool scn_read_number(struct scn_load *load, const struct scn_value *map, const char *key, double *ret);
/* @words is NULL-terminated; @ret is the index of the word found */
bool scn_read_word(struct scn_load *load, const struct scn_value *map, const char *key, const char *need,
		   const char *const *words, unsigned int *ret);

/** scn_text() - Whether @value is a scalar that is not empty; reports otherwise. */
bool scn_text(struct scn_load *load, const struct scn_value *value);

/** scn_need() - Report that @map lacks @key, and a value it could have. */
void scn_need(struct scn_load *load, const struct scn_value *map, const char *key, const char *example);

/** scn_is_name() - [a-z0-9][a-z0-9-]{0,30} */
bool scn_is_name(const char *text);

/** scn_name() - The same for a value or, with @key, its key; reports. */
bool scn_name(struct scn_load *load, const struct scn_value *value, bool key);

/** scn_find_node() - Index of the node a scalar names; reports unknown ones; SCENARIO_NONE then. */
uint32_t scn_find_node(struct scn_load *load, const struct scn_value *value);

/* ---- units.c ---- */

enum scn_unit {
	SCN_RATE,    /* bit/s */
	SCN_TIME,    /* ns */
	SCN_SIZE,    /* bytes */
	SCN_PACKETS, /* frames */
};

bool scn_read_unit(struct scn_load *load, const struct scn_value *map, const char *key, const char *need,
		   enum scn_unit unit, uint64_t min, uint64_t max, uint64_t *ret);
/** scn_read_ratio() - "0.1%" as 0.001; from 0% to 100%. */
bool scn_read_ratio(struct scn_load *load, const struct scn_value *map, const char *key, double *ret);
/** scn_read_percent() - The same without 0%. */
bool scn_read_percent(struct scn_load *load, const struct scn_value *map, const char *key, double *ret);

/* A number written with digits and at most one point: digits / 10^decimals. */
struct scn_decimal {
	bool negative;
	unsigned __int128 digits;
	unsigned int decimals;
	const char *rest; /* what follows the number */
};

/** scn_decimal() - Read the number a text begins with; 0, -EINVAL (none there) or -ERANGE (more digits than fit). */
int scn_decimal(const char *text, struct scn_decimal *ret);

/* ---- addr.c ---- */

#define SCN_ADDR_TEXT_SIZE 64

/** scn_addr_parse() - "10.0.0.1/24" or "fd00::1/64"; 0 or -EINVAL. */
int scn_addr_parse(const char *text, struct scenario_addr *ret);

/** scn_addr_print() - The reverse. */
void scn_addr_print(const struct scenario_addr *addr, char *buf);

/** scn_addr_host_is() - Whether all host bits are 0 (@bit false) or 1 (@bit true). */
bool scn_addr_host_is(const struct scenario_addr *addr, bool bit);

/** scn_addr_clear_host() - Set the host bits to 0. */
void scn_addr_clear_host(struct scenario_addr *addr);

/** scn_addr_unusable() - Why no interface can have the address ("multicast"), or NULL. */
const char *scn_addr_unusable(const struct scenario_addr *addr);

/** scn_addr_host_parse() - "10.0.0.1" or "fd00::1"; the prefix is all of it. 0 or -EINVAL. */
int scn_addr_host_parse(const char *text, struct scenario_addr *ret);

/** scn_addr_has() - Whether @addr is in the subnet of @in. */
bool scn_addr_has(const struct scenario_addr *in, const struct scenario_addr *addr);

/** scn_addr_number() - Address @number of subnet @subnet; false if it has none of that number. */
bool scn_addr_number(const struct scenario_addr *subnet, uint32_t number, struct scenario_addr *ret);

/** scn_mac_parse() - "02:00:00:00:00:01"; 0 or -EINVAL. */
int scn_mac_parse(const char *text, uint8_t *ret_mac);

/* ---- the sections ---- */

void scn_load_nodes(struct scn_load *load);
/** scn_load_simulated() - Read a node of kind simulated. */
void scn_load_simulated(struct scn_load *load, const struct scn_value *map, struct scenario_node *node);

/* The keys of a node of kind switch, NULL-terminated, and who reads them. */
extern const char *const scn_switch_keys[];
void scn_load_switch(struct scn_load *load, const struct scn_value *map, struct scenario_node *node);

/* The keys of a node of kind replay, NULL-terminated, and who reads them. */
extern const char *const scn_replay_keys[];
void scn_load_replay(struct scn_load *load, const struct scn_value *map, struct scenario_node *node);

/** scn_load_replays() - What can be said of replays only with all ends complete: their links, `rewrite`. */
void scn_load_replays(struct scn_load *load);

/** scn_load_switch_port() - What an end says to the switch it is at. */
void scn_load_switch_port(struct scn_load *load, const struct scn_value *value, struct scenario_end *end);

/** scn_complete_switches() - Port numbers, and what can be said only with all ends known. */
void scn_complete_switches(struct scn_load *load);

/**
 * scn_read_addrs() - One address of an interface, or a list of them
 * @ret_values:	where each was written, in load->tree; may be NULL
 *
 * Return: how many
 */
size_t scn_read_addrs(struct scn_load *load, const struct scn_value *value, struct scenario_addr **ret,
		      const struct scn_value ***ret_values);

/** scn_load_routes() - Read the key `routes` of all nodes, once their ends are complete. */
void scn_load_routes(struct scn_load *load);

/** scn_load_apps() - Read the key `applications` of the simulated nodes, once all ends are complete. */
void scn_load_apps(struct scn_load *load);
void scn_load_links(struct scn_load *load);
void scn_load_steps(struct scn_load *load);
void scn_load_expects(struct scn_load *load);

void scn_load_timeline(struct scn_load *load);

/* ---- changes.c ---- */

/** scn_find_link() - "lan" or "lan.h1" or "lan.h1.eth0"; reports, returns false. @ret_end: SCENARIO_NONE for a link. */
bool scn_find_link(struct scn_load *load, const struct scn_value *value, uint32_t *ret_link, uint32_t *ret_end);

/** scn_find_link_end() - The end of @link called @name, "h1" or "h1.eth0"; reports, returns SCENARIO_NONE. */
uint32_t scn_find_link_end(struct scn_load *load, const struct scn_value *value, uint32_t link, const char *name);

/** scn_step_is_change() - Whether a step changes a link, so that nothing runs in it. */
static inline bool scn_step_is_change(const struct scn_load *load, uint32_t step)
{
	return load->scenario->steps[step].link != SCENARIO_NONE;
}

/** scn_load_set() - Keep every change of a map {key: value}; time, link, end and step are those of @change. */
void scn_load_set(struct scn_load *load, const struct scn_value *map, struct scenario_change change);

/** scn_load_state() - Keep the changes of `down: [h1]` or `up: all`; the rest is that of @change. */
void scn_load_state(struct scn_load *load, const struct scn_value *value, const char *state,
		    struct scenario_change change);

/** scn_load_row() - Keep one row of a timeline, a map of @at_key, link, key and value; reports, returns false. */
bool scn_load_row(struct scn_load *load, const struct scn_value *row, const char *at_key);

/** scn_sort_changes() - By time; equal times in the file's order, steps before the timeline. */
void scn_sort_changes(struct scn_load *load);

/**
 * scn_inline_file() - The content of a file that a scenario names
 * @value:	the file's name, which becomes {file: NAME, text: CONTENT}; or such a map already
 * @ret_name:	the name, for messages
 *
 * The other half loads the text that is written from the changed tree, so it needs no file. Reports; returns the
 * content's value, or NULL.
 */
const struct scn_value *scn_inline_file(struct scn_load *load, struct scn_value *value, const char **ret_name);

/**
 * scn_inline_beside() - The same, of a file that is below the scenario's directory
 * @map:	{file: NAME}, which becomes {file: NAME, text: CONTENT}; or such a map already
 * @example:	of a name, for messages
 * @ret_name:	the name's value
 */
const struct scn_value *scn_inline_beside(struct scn_load *load, struct scn_value *map, const char *example,
					  const struct scn_value **ret_name);

/** scn_is_beside() - Whether a path cannot lead out of the scenario's directory. */
bool scn_is_beside(const char *path);

/* ---- p2p.c, queue.c, trace.c: links of kind p2p ---- */

extern const char *const scn_p2p_keys[];

/** scn_load_p2p() - Read what is peculiar to a p2p link, both directions. */
void scn_load_p2p(struct scn_load *load, const struct scn_value *map, struct scenario_link *link);

/** scn_read_queue() - Read a `queue`: a length, a discipline, or a map. */
void scn_read_queue(struct scn_load *load, const struct scn_value *value, struct scenario_queue *ret);

/** scn_default_queue() - What holds without a `queue`. */
struct scenario_queue scn_default_queue(enum scenario_discipline discipline);

/**
 * scn_read_trace() - Read a `trace`: the name of a file, or what such a file said
 *
 * A name is replaced by the file's content in the tree. Return: false if it is wrong (reported).
 */
bool scn_read_trace(struct scn_load *load, struct scn_value *value, const uint32_t **ret_ms, size_t *ret_count);

/* What completing an end needs besides what the scenario keeps. */
struct scn_end_draft {
	const struct scn_value *value; /* the end itself */
	const struct scn_value *name;  /* explicit interface name, or NULL */
	const struct scn_value *ip;
	const struct scn_value *mac;
	const struct scn_value **addr_values; /* one per explicit address */
	bool bad;                             /* reported already: leave it out */
};

#define SCN_SUBNETS_MAX 2 /* one of each family */

struct scn_subnets {
	struct scenario_addr items[SCN_SUBNETS_MAX];
	const struct scn_value *values[SCN_SUBNETS_MAX];
	size_t count;
};

/** scn_load_end() - Read one element of `ends` into scenario->ends[@index]. */
void scn_load_end(struct scn_load *load, uint32_t link, uint32_t index, const struct scn_value *value);

/* ---- warnings.c, lag.c ---- */

struct scn_warnings {
	struct scenario_errors *kept; /* as many as there is room for */
	size_t count;                 /* of all */
};

/** scn_warn() - One more. @text is taken over; NULL where there was no memory for it. */
void scn_warn(struct scn_warnings *warnings, struct scenario_pos pos, char *text);

/** scn_warn_of_lag() - Of every link whose frames come later than the file says. */
void scn_warn_of_lag(const struct scenario *scenario, struct scn_warnings *warnings);

/* ---- link-lte.c ---- */

extern const char *const scn_lte_keys[];

/** scn_load_lte() - Read the own keys of an LTE link. */
void scn_load_lte(struct scn_load *load, const struct scn_value *map, struct scenario_link *link);

/** scn_finish_lte() - What can be said of an LTE link only when its ends are known. */
void scn_finish_lte(struct scn_load *load, const struct scn_value *map, struct scenario_link *link);

/** scn_check_lte() - ... when their addresses are known; nothing on other links. */
void scn_check_lte(struct scn_load *load, const struct scn_value *map, const struct scenario_link *link);

/* ---- link-wifi.c, place.c, ns2.c ---- */

/** scn_read_propagation() - Read the key `propagation` of a radio link; @model unless it says another. */
void scn_read_propagation(struct scn_load *load, const struct scn_value *map, enum scenario_wifi_loss model,
			  struct scenario_wifi_propagation *ret);

/** scn_read_position() - Read [x, y, z] in m, if @value is there. */
void scn_read_position(struct scn_load *load, const struct scn_value *value, struct scenario_vector *ret);

extern const char *const scn_wifi_keys[];

/** scn_load_wifi() - Read the own keys of a Wi-Fi link. */
void scn_load_wifi(struct scn_load *load, const struct scn_value *map, struct scenario_link *link);

/** scn_load_wifi_end() - Read role, position and mobility of an end; an error where the link is no Wi-Fi. */
void scn_load_wifi_end(struct scn_load *load, const struct scenario_link *link, struct scenario_end *end,
		       const struct scn_value *map);

/** scn_place_ends() - Give a position to the ends that have none. */
void scn_place_ends(struct scn_load *load, const struct scn_value *map, struct scenario_link *link);

/* A movement trace of ns-2; lives as long as load->tree. */
struct scn_ns2;

/**
 * scn_ns2_read() - Read a movement trace
 * @value:	the name of the file, which is replaced by its content in the tree, or {file: NAME, text: CONTENT}
 *
 * Return: the trace, or NULL with errors reported or load->nomem set
 */
const struct scn_ns2 *scn_ns2_read(struct scn_load *load, struct scn_value *value);

/**
 * scn_ns2_follow() - Give an end position and waypoints of node @place->trace_node; reports
 * @end:	where the end is written
 */
void scn_ns2_follow(struct scn_load *load, const struct scn_ns2 *trace, const struct scn_value *end,
		    struct scenario_place *place);

/** scn_finish_wifi() - What can be said of a Wi-Fi link only when its ends are known. */
void scn_finish_wifi(struct scn_load *load, const struct scn_value *map, struct scenario_link *link);

/**
 * scn_read_quantity() - Read a decimal figure with a unit
 * @value:	may be NULL
 * @unit:	exactly what must follow the digits; "" for none
 *
 * Return: whether it is there and from @min to @max; reports otherwise
 */
bool scn_read_quantity(struct scn_load *load, const struct scn_value *value, const char *unit, double min, double max,
		       double *ret);

/** scn_number_ends() - Give the ends of a link their addresses. */
void scn_number_ends(struct scn_load *load, uint32_t link, const struct scn_subnets *subnets);

/** scn_complete_ends() - Interface names, MACs, duplicates, once all links are read. */
void scn_complete_ends(struct scn_load *load);

/** scn_load_program() - Read the key `ghost`, once all links are read. */
void scn_load_program(struct scn_load *load);

/** scn_pack_islands() - Find the islands and the ghost of each, number the ports. */
void scn_pack_islands(struct scn_load *load, uint32_t workers);

#endif /* SCENARIO_INTERNAL_H */
