/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ring_stress.c - both sides of a real wire at full speed: every byte, every order, every wake-up.
 *
 *     ring_stress threads|processes [SECONDS]
 *
 * Each side produces frames of random lengths in random batches on every port, and takes and checks what the other side
 * produces; it sleeps by the protocol of wire.h, so a lost wake-up shows as a side that sleeps for ever. In the first
 * round both nap at random moments, which moves them against each other; in the second they run as fast as they can.
 * Threads share one mapping, so that ThreadSanitizer sees what both do.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "tests/unit/wire_fixture.h"

#define PORTS        67u /* more than one word of an inbox */
#define BUSY_PORTS   3u
#define SLEEP_MAX_NS 10000000000ull

static const uint32_t busy_ports[BUSY_PORTS] = {0, 63, 66};

struct side {
	struct wire wire;
	uint64_t seed;
	uint64_t until_ns; /* when to stop producing */
	bool naps;
	/* per busy port */
	uint64_t sent[BUSY_PORTS], taken[BUSY_PORTS];
	bool done[BUSY_PORTS], blocked[BUSY_PORTS], pending[BUSY_PORTS], ended[BUSY_PORTS];
	uint64_t bytes, sleeps, stalls;
};

__attribute__((noreturn, format(printf, 2, 3))) static void give_up(const struct side *side, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "ring_stress: %s: ", side->wire.role == WIRE_ROLE_SHUTTLE ? "shuttle" : "ghost");
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	_exit(1);
}

/* Length and content follow from who sent it, on which port, as which frame. */
static uint64_t frame_seed(enum wire_role from, uint32_t slot, uint64_t seq)
{
	return (uint64_t)from << 60 ^ (uint64_t)slot << 56 ^ (seq + 1);
}

static uint32_t frame_len(uint64_t seed)
{
	uint64_t state = seed * 2 + 1, number = random_next(&state);

	switch (number % 32) {
	case 0:
		return WIRE_FRAME_MIN + (uint32_t)((number >> 8) % (WIRE_FRAME_MAX - WIRE_FRAME_MIN + 1));
	case 1:
	case 2:
	case 3:
	case 4:
	case 5:
	case 6:
		return WIRE_FRAME_MIN + (uint32_t)((number >> 8) % 1500);
	default:
		return WIRE_FRAME_MIN + (uint32_t)((number >> 8) % 128);
	}
}

static void nap(struct side *side)
{
	struct timespec time = {.tv_nsec = (long)(random_next(&side->seed) % 100000)};

	if (side->naps && random_next(&side->seed) % 64 == 0)
		nanosleep(&time, NULL);
}

/* Return: whether there is more to send. A frame stamped UINT64_MAX is the last of its port. */
static bool produce(struct side *side, uint32_t slot, bool last)
{
	struct ring *ring = &side->wire.tx[busy_ports[slot]];

	for (uint64_t batch = 1 + random_next(&side->seed) % 40; batch > 0 && !side->done[slot]; batch--) {
		uint64_t seed = frame_seed(side->wire.role, slot, side->sent[slot]);
		uint32_t len = frame_len(seed);
		uint8_t *frame;
		int r = ring_p_reserve(ring, len, &frame);

		if (r == 0) {
			/* Publish first: the peer can only make room by taking what it sees. */
			wire_flush_tx(&side->wire, busy_ports[slot]);
			if (ring_p_want_space(ring, len))
				continue;
			side->blocked[slot] = true;
			side->stalls++;
			return false;
		}
		if (r < 0)
			give_up(side, "port %u: reserve says %d", busy_ports[slot], r);
		random_fill(seed, frame, len);
		ring_p_commit(ring, len, last ? UINT64_MAX : seed);
		side->done[slot] = last;
		side->sent[slot]++;
		side->bytes += len;
		if (last)
			break;
	}
	wire_flush_tx(&side->wire, busy_ports[slot]);
	return !side->done[slot];
}

/* Return: whether there may be more to take. */
static bool consume(struct side *side, uint32_t slot)
{
	enum wire_role from = side->wire.role == WIRE_ROLE_SHUTTLE ? WIRE_ROLE_GHOST : WIRE_ROLE_SHUTTLE;
	struct ring *ring = &side->wire.rx[busy_ports[slot]];
	static _Thread_local uint8_t expected[WIRE_FRAME_MAX];

	for (uint64_t batch = 1 + random_next(&side->seed) % 40; batch > 0; batch--) {
		uint64_t seed = frame_seed(from, slot, side->taken[slot]);
		struct wire_record record;
		const uint8_t *frame;
		int r = ring_c_peek(ring, &record, &frame);

		if (r < 0)
			give_up(side, "port %u: peek says %d", busy_ports[slot], r);
		if (r == 0) {
			wire_flush_rx(&side->wire, busy_ports[slot]);
			side->pending[slot] = false;
			return false;
		}
		if (side->ended[slot])
			give_up(side, "port %u: a frame after the last", busy_ports[slot]);
		random_fill(seed, expected, record.len);
		if (record.seq != side->taken[slot] || record.len != frame_len(seed) ||
		    (record.time_ns != seed && record.time_ns != UINT64_MAX) ||
		    memcmp(frame, expected, record.len) != 0)
			give_up(side, "port %u: frame %llu came as %llu with %u bytes", busy_ports[slot],
				(unsigned long long)side->taken[slot], (unsigned long long)record.seq, record.len);
		side->ended[slot] = record.time_ns == UINT64_MAX;
		side->taken[slot]++;
		ring_c_release(ring);
	}
	wire_flush_rx(&side->wire, busy_ports[slot]);
	return true;
}

static void take_inbox(struct side *side)
{
	struct wire *wire = &side->wire;

	for (uint32_t word = 0; word < wire_words(wire); word++) {
		uint64_t space = wire_take_bits(&wire->own_inbox->space[word]);
		uint64_t bits = wire_take_bits(&wire->own_inbox->data[word]);

		for (uint32_t slot = 0; slot < BUSY_PORTS; slot++) {
			if (busy_ports[slot] / 64 != word)
				continue;
			if (space & 1ull << (busy_ports[slot] % 64))
				side->blocked[slot] = false;
			if (bits & 1ull << (busy_ports[slot] % 64))
				side->pending[slot] = true;
		}
	}
}

static void sleep_for_work(struct side *side)
{
	struct pollfd poll_fd = {.fd = side->wire.own_bell_fd, .events = POLLIN};
	const struct timespec limit = {.tv_sec = SLEEP_MAX_NS / 1000000000u};
	int r;

	if (!wire_may_sleep(&side->wire))
		return;
	r = ppoll(&poll_fd, 1, &limit, NULL);
	if (r == 0)
		give_up(side, "slept for %llu s: a wake-up was lost", SLEEP_MAX_NS / 1000000000u);
	wire_awake(&side->wire, r > 0);
	side->sleeps++;
}

static void *run_side(void *arg)
{
	struct side *side = arg;
	bool more = true, last = false;

	for (;;) {
		bool over = true;

		if (!more)
			sleep_for_work(side);
		take_inbox(side);
		more = false;
		last = last || clock_ns() >= side->until_ns;
		for (uint32_t slot = 0; slot < BUSY_PORTS; slot++) {
			if (!side->blocked[slot] && !side->done[slot])
				more |= produce(side, slot, last);
			nap(side);
			/* Sometimes unasked, so that the index alone has to carry what was written. */
			if (side->pending[slot] || random_next(&side->seed) % 8 == 0)
				more |= consume(side, slot);
			nap(side);
			over = over && side->done[slot] && side->ended[slot];
		}
		if (over)
			return NULL;
	}
}

/* Let one side work in the other's mapping, as ThreadSanitizer tells memory apart by its address. */
static void share_mapping(struct wire *wire, const struct wire *with)
{
	ptrdiff_t move = (uint8_t *)with->memory - (uint8_t *)wire->memory;

	wire->own_inbox = (struct wire_inbox *)((uint8_t *)wire->own_inbox + move);
	wire->peer_inbox = (struct wire_inbox *)((uint8_t *)wire->peer_inbox + move);
	for (uint32_t i = 0; i < wire->port_count; i++) {
		wire->tx[i].ctl = (struct wire_ring_ctl *)((uint8_t *)wire->tx[i].ctl + move);
		wire->rx[i].ctl = (struct wire_ring_ctl *)((uint8_t *)wire->rx[i].ctl + move);
		wire->tx[i].data += move;
		wire->rx[i].data += move;
	}
}

static int round_of(bool threads, bool naps, double seconds)
{
	struct wire_port *ports = calloc(PORTS, sizeof(*ports));
	struct side sides[2] = {{.seed = 1}, {.seed = 2}};
	struct wire_home home;
	uint64_t start, took, frames = 0, bytes = 0, sleeps = 0, stalls = 0;
	int daemon_fds[2], status = 0;
	pthread_t thread;
	pid_t pid = 0;

	make_ports(ports, PORTS, 9000);
	if (wire_home_open(PORTS, WIRE_RING_SIZE_MIN, &home) < 0)
		return 1;
	for (uint32_t i = 0; i < PORTS; i++)
		ports[i].tap_fd = home.memory_fd; /* any fd will do */
	daemon_fds[0] = attach_here(&home, WIRE_ROLE_SHUTTLE, ports, &fixture_terms, &sides[0].wire);
	daemon_fds[1] = attach_here(&home, WIRE_ROLE_GHOST, ports, &fixture_terms, &sides[1].wire);
	start = clock_ns();
	for (int i = 0; i < 2; i++) {
		sides[i].naps = naps;
		sides[i].until_ns = start + (uint64_t)(seconds * 1e9);
	}
	if (threads) {
		share_mapping(&sides[1].wire, &sides[0].wire);
		ck_assert_int_eq(pthread_create(&thread, NULL, run_side, &sides[1]), 0);
	} else {
		pid = fork();
		if (pid == 0) {
			run_side(&sides[1]);
			_exit(0);
		}
	}
	run_side(&sides[0]);
	if (threads)
		pthread_join(thread, NULL);
	else if (waitpid(pid, &status, 0) < 0 || status != 0)
		return 1;
	took = clock_ns() - start;
	for (uint32_t slot = 0; slot < BUSY_PORTS; slot++)
		frames += sides[0].sent[slot] + sides[0].taken[slot];
	/* In another process the other side's figures are its own; what came from there was counted here. */
	bytes = sides[0].bytes;
	sleeps = sides[0].sleeps;
	stalls = sides[0].stalls;
	printf("%s, %s: %.0f frames/s both ways, %.0f MB/s up; %llu sleeps, %llu full rings\n",
	       threads ? "threads" : "processes", naps ? "napping" : "at full speed",
	       (double)frames * 1e9 / (double)took, (double)bytes * 1e3 / (double)took, (unsigned long long)sleeps,
	       (unsigned long long)stalls);
	for (int i = 0; i < 2; i++) {
		wire_detach(&sides[i].wire);
		close(daemon_fds[i]);
	}
	wire_home_close(&home);
	free(ports);
	/* A run that never met a full ring or an empty one has not tried the handshakes. */
	return frames > 0 && stalls > 0 && sleeps > 0 ? 0 : 1;
}

static bool as_threads;
static double round_s = 2;

START_TEST(test_rounds)
{
	ck_assert_int_eq(round_of(as_threads, _i == 0, round_s), 0);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("ring stress");
	TCase *tcase = tcase_create("rounds");
	SRunner *runner = srunner_create(suite);
	int failed;

	as_threads = argc > 1 && !strcmp(argv[1], "threads");
	round_s = argc > 2 ? strtod(argv[2], NULL) : round_s;
	if (argc < 2 || (!as_threads && strcmp(argv[1], "processes") != 0)) {
		fprintf(stderr, "usage: ring_stress threads|processes [SECONDS]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	tcase_add_loop_test(tcase, test_rounds, 0, 2);
	suite_add_tcase(suite, tcase);
	srunner_set_fork_status(runner, CK_NOFORK); /* the sanitizers see one process from start to end */
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
