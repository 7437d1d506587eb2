/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.c - options of the verbs, and what was probably meant.
 */
#include <stdio.h>
#include <string.h>

#include "bridge/cli/cli.h"

#define WORD_MAX 64

static const struct option all_options[] = {
	{"out", required_argument, NULL, 'o'},    {"name", required_argument, NULL, 'n'},
	{"set", required_argument, NULL, 's'},    {"json", no_argument, NULL, 'j'},
	{"keep", no_argument, NULL, 'k'},         {"all", no_argument, NULL, 'a'},
	{"record", no_argument, NULL, 'r'},       {"pcap", no_argument, NULL, 'p'},
	{"format", required_argument, NULL, 'f'}, {"write", required_argument, NULL, 'w'},
	{"help", no_argument, NULL, 'h'},
};

#define OPTION_COUNT (sizeof(all_options) / sizeof(all_options[0]))

/* Levenshtein distance, two rows. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], a_len = strlen(a), b_len = strlen(b);

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]), insert = row[j - 1] + 1, drop = row[j] + 1;

			diagonal = row[j];
			row[j] = change < insert ? change : insert;
			row[j] = row[j] < drop ? row[j] : drop;
		}
	}
	return row[b_len];
}

const char *cli_suggest(const char *word, const char *const *candidates)
{
	const char *best = NULL;
	size_t best_distance = strlen(word) / 3 + 2; /* two letters swapped in a short word are a distance of 2 */

	for (; *candidates; candidates++) {
		size_t d = distance(word, *candidates);

		if (d < best_distance && d < strlen(word)) {
			best_distance = d;
			best = *candidates;
		}
	}
	return best;
}

static int unknown_option(const struct verb *verb, const struct option *taken, const char *given)
{
	const char *names[OPTION_COUNT + 1], *near;
	char word[WORD_MAX];
	size_t count = 0;

	for (; taken->name; taken++)
		names[count++] = taken->name;
	names[count] = NULL;
	snprintf(word, sizeof(word), "%s", given + strspn(given, "-"));
	word[strcspn(word, "=")] = '\0';
	near = cli_suggest(word, names);
	if (near)
		return cli_error(EXIT_USAGE, "%s: unknown option '%s'; did you mean '--%s'?", verb->name, given, near);
	return cli_error(EXIT_USAGE, "%s: unknown option '%s'; `ghostbridge help %s` says what there is", verb->name,
			 given, verb->name);
}

/* getopt takes `--al` for `--all`; here an option is written out. Return: the first argument that is none, or NULL. */
static const char *find_abbreviation(const struct option *taken, int argc, char **argv, bool stop_at_argument)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const struct option *option = taken;
		size_t len = strcspn(argv[i], "=");

		if (strncmp(argv[i], "--", 2) != 0) {
			if (argv[i][0] != '-' && stop_at_argument)
				break;
			continue;
		}
		while (option->name && (strlen(option->name) != len - 2 || strncmp(option->name, argv[i] + 2, len - 2)))
			option++;
		if (!option->name)
			return argv[i];
		if (option->has_arg == required_argument && argv[i][len] == '\0')
			i++;
	}
	return NULL;
}

int options_parse(const struct verb *verb, int argc, char **argv, const char *takes, int args_min, int args_max,
		  struct options *ret)
{
	struct option taken[OPTION_COUNT + 1];
	const char *abbreviated;
	size_t count = 0;
	int letter;

	memset(ret, 0, sizeof(*ret));
	memset(taken, 0, sizeof(taken));
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (all_options[i].val == 'h' || strchr(takes, all_options[i].val))
			taken[count++] = all_options[i];
	}
	abbreviated = find_abbreviation(taken, argc, argv, takes[0] == '+');
	if (abbreviated)
		return unknown_option(verb, taken, abbreviated);
	opterr = 0;
	optind = 0;
	for (;;) {
		int at = optind ? optind : 1;

		letter = getopt_long(argc, argv,
				     takes[0] == '+'      ? "+:h"
				     : strchr(takes, 'O') ? ":ho:"
				     : strchr(takes, 'w') ? ":hw:"
							  : ":h",
				     taken, NULL);
		if (letter == -1)
			break;
		switch (letter) {
		case 'o':
			ret->out = optarg;
			break;
		case 'n':
			ret->name = optarg;
			break;
		case 's':
			if (ret->set_count == OPTION_SETS_MAX)
				return cli_error(EXIT_USAGE, "%s: more than %d times --set", verb->name,
						 OPTION_SETS_MAX);
			ret->sets[ret->set_count++] = optarg;
			break;
		case 'f':
			ret->format = optarg;
			break;
		case 'j':
			ret->json = true;
			break;
		case 'k':
			ret->keep = true;
			break;
		case 'w':
			ret->write = optarg;
			break;
		case 'r':
			ret->record = true;
			break;
		case 'p':
			ret->pcap = true;
			break;
		case 'a':
			ret->all = true;
			break;
		case 'h':
			cli_help(verb, stdout);
			return EXIT_DONE;
		case ':':
			return cli_error(EXIT_USAGE, "%s: %s needs a value", verb->name, argv[optind - 1]);
		default:
			/* With arguments in between, getopt has moved on; the culprit is the last one it took. */
			if (argv[optind - 1][0] == '-')
				at = optind - 1;
			return unknown_option(verb, taken, argv[at]);
		}
	}
	ret->args = argv + optind;
	ret->arg_count = argc - optind;
	if (ret->arg_count < args_min || (args_max >= 0 && ret->arg_count > args_max))
		return cli_error(EXIT_USAGE, "%s; usage: ghostbridge %s %s",
				 ret->arg_count < args_min ? "something is missing" : "too many arguments", verb->name,
				 verb->usage);
	return -1;
}
