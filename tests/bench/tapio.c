/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tapio.c - what a frame costs at a TAP, by how it is read and written: one system call each, io_uring with 32 to a
 * call, or two queues with a thread each. Run as root; it works in a network namespace of its own.
 *
 *	tapio [FRAME-BYTES [ROUNDS]]
 *
 * Prints medians of the ROUNDS, nanoseconds a frame: CPU time of the process, and for the queues elapsed time. The
 * frames of a round wait in the TAP before its clock starts.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FRAMES     960u /* of a round; less than what a TAP's queue holds */
#define DEPTH      32u
#define ROUNDS_MAX 1001
#define FRAME_MAX  2048u

static uint8_t buffers[2][DEPTH][FRAME_MAX];

struct uring {
	int fd;
	unsigned int *sq_tail, *cq_head, *cq_tail, *sq_array;
	unsigned int sq_mask, cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

__attribute__((noreturn)) static void fail(const char *what)
{
	fprintf(stderr, "tapio: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void uring_open(struct uring *ring)
{
	struct io_uring_params params = {.flags = 0};
	uint8_t *sq, *cq;

	ring->fd = (int)syscall(SYS_io_uring_setup, DEPTH, &params);
	if (ring->fd < 0)
		fail("io_uring_setup");
	sq = mmap(NULL, params.sq_off.array + params.sq_entries * sizeof(unsigned int), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_CQ_RING);
	ring->sqes = mmap(NULL, params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || ring->sqes == MAP_FAILED)
		fail("io_uring mmap");
	ring->sq_tail = (unsigned int *)(sq + params.sq_off.tail);
	ring->sq_mask = *(unsigned int *)(sq + params.sq_off.ring_mask);
	ring->sq_array = (unsigned int *)(sq + params.sq_off.array);
	ring->cq_head = (unsigned int *)(cq + params.cq_off.head);
	ring->cq_tail = (unsigned int *)(cq + params.cq_off.tail);
	ring->cq_mask = *(unsigned int *)(cq + params.cq_off.ring_mask);
	ring->cqes = (struct io_uring_cqe *)(cq + params.cq_off.cqes);
}

/* DEPTH operations in one call. Returns how many succeeded. */
static unsigned int uring_batch(struct uring *ring, int fd, uint8_t opcode, uint32_t len)
{
	unsigned int tail = *ring->sq_tail, head, done = 0;

	for (unsigned int i = 0; i < DEPTH; i++, tail++) {
		unsigned int index = tail & ring->sq_mask;

		ring->sqes[index] = (struct io_uring_sqe){
			.opcode = opcode, .fd = fd, .addr = (uintptr_t)buffers[0][i], .len = len, .off = (uint64_t)-1};
		ring->sq_array[index] = index;
	}
	__atomic_store_n(ring->sq_tail, tail, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring->fd, DEPTH, DEPTH, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		fail("io_uring_enter");
	for (head = *ring->cq_head; head != __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE); head++)
		done += ring->cqes[head & ring->cq_mask].res > 0;
	__atomic_store_n(ring->cq_head, head, __ATOMIC_RELEASE);
	return done;
}

static int tap_open(const char *name, int flags)
{
	struct ifreq request = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | flags)};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK), control = socket(AF_INET, SOCK_DGRAM, 0);

	strcpy(request.ifr_name, name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		fail("TUNSETIFF");
	request.ifr_qlen = 4096;
	if (ioctl(control, SIOCSIFTXQLEN, &request) < 0)
		fail("SIOCSIFTXQLEN");
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(control, SIOCSIFFLAGS, &request) < 0)
		fail("SIOCSIFFLAGS");
	close(control);
	return fd;
}

static void build(uint8_t *frame, uint32_t len, uint16_t port)
{
	static const uint8_t head[] = {2, 0, 0, 0,    0, 2,  2,  0, 0, 0,  0, 1, 8, 0,  0x45, 0, 0,
				       0, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0,    0, 2};
	uint16_t sizes = htons((uint16_t)(len - 14)), source = htons(port);

	memset(frame, 0, len);
	memcpy(frame, head, sizeof(head));
	memcpy(frame + 16, &sizes, 2);
	memcpy(frame + 34, &source, 2);
}

/* Put a round's frames into a TAP, as a stack would send them. */
static void fill(int packet_fd, int index, uint32_t len, unsigned int count)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = index, .sll_halen = 6};
	uint8_t frame[FRAME_MAX];

	for (unsigned int i = 0; i < count; i++) {
		build(frame, len, (uint16_t)(1000 + i % 251));
		if (sendto(packet_fd, frame, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			fail("sendto");
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

static unsigned int read_all(int fd, unsigned int queue)
{
	unsigned int count = 0;

	while (read(fd, buffers[queue][count % DEPTH], FRAME_MAX) > 0)
		count++;
	return count;
}

static void *read_second(void *fd)
{
	return (void *)(uintptr_t)read_all(*(int *)fd, 1);
}

static void check(unsigned int got, unsigned int wanted)
{
	if (got < wanted) { /* the kernel may add some of its own */
		fprintf(stderr, "tapio: %u of %u frames\n", got, wanted);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	static double reads[ROUNDS_MAX], ring_reads[ROUNDS_MAX], writes[ROUNDS_MAX], ring_writes[ROUNDS_MAX];
	static double one[ROUNDS_MAX], two[ROUNDS_MAX];
	uint32_t len = argc > 1 ? (uint32_t)atoi(argv[1]) : 60;
	unsigned int rounds = argc > 2 ? (unsigned int)atoi(argv[2]) : 101;
	int tap, queues[2], packet, index, multi;
	struct uring ring;

	if (len < 60 || len > 1514 || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: tapio [FRAME-BYTES (60..1514) [ROUNDS (1..%d)]]\n", ROUNDS_MAX);
		return 2;
	}
	if (unshare(CLONE_NEWNET) < 0)
		fail("unshare");
	uring_open(&ring);
	tap = tap_open("one", 0);
	queues[0] = tap_open("two", IFF_MULTI_QUEUE);
	queues[1] = tap_open("two", IFF_MULTI_QUEUE);
	packet = socket(AF_PACKET, SOCK_RAW, 0);
	index = (int)if_nametoindex("one");
	multi = (int)if_nametoindex("two");
	for (unsigned int round = 0; round < rounds; round++) {
		unsigned int count;
		uint64_t start;
		pthread_t thread;
		void *second;

		read_all(tap, 0); /* what the kernel itself sends on a new interface */
		read_all(queues[0], 0);
		read_all(queues[1], 0);
		fill(packet, index, len, FRAMES);
		start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
		count = read_all(tap, 0);
		reads[round] = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / FRAMES;
		check(count, FRAMES);

		fill(packet, index, len, FRAMES);
		start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
		for (count = 0; count < FRAMES;)
			count += uring_batch(&ring, tap, IORING_OP_READ, FRAME_MAX);
		ring_reads[round] = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / FRAMES;

		for (unsigned int i = 0; i < DEPTH; i++)
			build(buffers[0][i], len, (uint16_t)(1000 + i));
		start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
		for (count = 0; count < FRAMES; count++)
			if (write(tap, buffers[0][count % DEPTH], len) < 0)
				fail("write");
		writes[round] = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / FRAMES;
		start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
		for (count = 0; count < FRAMES;)
			count += uring_batch(&ring, tap, IORING_OP_WRITE, len);
		ring_writes[round] = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start) / FRAMES;

		/* Two queues: one thread after the other, then both at once. */
		fill(packet, multi, len, FRAMES);
		start = clock_ns(CLOCK_MONOTONIC);
		count = read_all(queues[0], 0) + read_all(queues[1], 1);
		one[round] = (double)(clock_ns(CLOCK_MONOTONIC) - start) / FRAMES;
		check(count, FRAMES);
		fill(packet, multi, len, FRAMES);
		start = clock_ns(CLOCK_MONOTONIC);
		if (pthread_create(&thread, NULL, read_second, &queues[1]) != 0)
			fail("pthread_create");
		count = read_all(queues[0], 0);
		pthread_join(thread, &second);
		two[round] = (double)(clock_ns(CLOCK_MONOTONIC) - start) / FRAMES;
		check(count + (unsigned int)(uintptr_t)second, FRAMES);
	}
	printf("{\"frame\": %u, \"read_ns\": %.0f, \"io_uring_read_ns\": %.0f, \"write_ns\": %.0f, "
	       "\"io_uring_write_ns\": %.0f, \"two_queues_one_thread_ns\": %.0f, \"two_queues_two_threads_ns\": "
	       "%.0f}\n",
	       len, median(reads, rounds), median(ring_reads, rounds), median(writes, rounds),
	       median(ring_writes, rounds), median(one, rounds), median(two, rounds));
	return 0;
}
