/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gbload.c - offers UDP load inside a container and measures what arrives; static, so it runs in any container.
 *
 *	gbload send ADDRESS FRAME-BYTES FRAMES/S SECONDS	FRAMES/S 0: as fast as it goes
 *	gbload receive SECONDS [FRAME-BYTES]		prints "ready", then counts what arrives in the seconds from
 *							the first frame on, if of that size; ends when all is quiet
 *	gbload rtt ADDRESS DATA-BYTES COUNT INTERVAL-US	ICMP echo: every round-trip time, to the nanosecond, up to
 *							the answer's arrival at the interface, as ping says it
 *	gbload wakes COUNT INTERVAL-US			how late, in nanoseconds, it wakes from sleeping until a
 *							given time: what the machine adds to whatever waits
 *
 * Frame sizes count as in RFC 2544: Ethernet header and FCS included, so 64..1518 (more on jumbo links). Both print one
 * JSON object. The rate received counts from after the first batch of frames to the last, so a sender's start and end
 * do not count.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT        40001
#define BATCH       16
#define FRAME_EXTRA 46 /* Ethernet header and FCS, IPv4, UDP */
#define SIZE_MAX_   16384
#define DRAIN_NS    10000000000u /* at most so long is a queue emptied */

static uint64_t read_clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t clock_ns(void)
{
	return read_clock_ns(CLOCK_MONOTONIC);
}

static int send_load(const char *address, size_t frame_size, double rate, double seconds)
{
	static char payload[SIZE_MAX_];
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct iovec iov = {.iov_base = payload};
	struct mmsghdr messages[BATCH];
	uint64_t start, end, now, sent = 0, refused = 0;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || frame_size < 64 || frame_size > SIZE_MAX_ || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("gbload: send");
		return 1;
	}
	iov.iov_len = frame_size - FRAME_EXTRA;
	memset(messages, 0, sizeof(messages));
	for (int i = 0; i < BATCH; i++) {
		messages[i].msg_hdr.msg_iov = &iov;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	start = clock_ns();
	end = start + (uint64_t)(seconds * 1e9);
	while ((now = clock_ns()) < end) {
		unsigned int batch = BATCH;

		if (rate > 0) {
			double due = (double)(now - start) * rate / 1e9 - (double)(sent + refused);

			if (due < 1) {
				struct timespec nap = {0, (long)((1 - due) * 1e9 / rate)};

				nanosleep(&nap, NULL);
				continue;
			}
			batch = due < BATCH ? (unsigned int)due : BATCH;
		}
		int n = sendmmsg(fd, messages, batch, 0);
		if (n > 0)
			sent += (uint64_t)n;
		else if (errno == ENOBUFS || errno == EAGAIN || errno == ECONNREFUSED)
			refused++;
		else
			break;
	}
	now = clock_ns();
	printf("{\"sent\": %llu, \"refused\": %llu, \"rate\": %.1f, \"seconds\": %.6f}\n", (unsigned long long)sent,
	       (unsigned long long)refused, (double)sent * 1e9 / (double)(now - start), (double)(now - start) / 1e9);
	return 0;
}

/* When the kernel got a message, ns of CLOCK_REALTIME: unlike ours, its clock is read in time on a busy machine. */
static uint64_t arrival_ns(struct msghdr *message)
{
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(message); cmsg; cmsg = CMSG_NXTHDR(message, cmsg)) {
		struct timespec when;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SO_TIMESTAMPNS)
			continue;
		memcpy(&when, CMSG_DATA(cmsg), sizeof(when));
		return (uint64_t)when.tv_sec * 1000000000u + (uint64_t)when.tv_nsec;
	}
	return 0;
}

static int receive_load(double seconds, size_t frame_size)
{
	static char buffers[BATCH][SIZE_MAX_], controls[BATCH][CMSG_SPACE(sizeof(struct timespec))];
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct mmsghdr messages[BATCH];
	struct iovec iov[BATCH];
	uint64_t first = 0, last = 0, received = 0, bytes = 0, end = UINT64_MAX;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), room = 1 << 23, on = 1;
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0) {
		perror("gbload: receive");
		return 1;
	}
	/* Not SO_RCVBUFFORCE: an unprivileged container could not, and all are to be measured alike. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	memset(messages, 0, sizeof(messages));
	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){.iov_base = buffers[i], .iov_len = sizeof(buffers[i])};
		messages[i].msg_hdr.msg_iov = &iov[i];
		messages[i].msg_hdr.msg_iovlen = 1;
		messages[i].msg_hdr.msg_control = controls[i];
	}
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		int n, r = poll(&poll_fd, 1, first ? 200 : 10000);

		if ((r <= 0 && (!first || clock_ns() >= end)) || (first && clock_ns() >= end + DRAIN_NS))
			break;
		for (int i = 0; i < BATCH; i++)
			messages[i].msg_hdr.msg_controllen = sizeof(controls[i]);
		n = r > 0 ? recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL) : 0;
		for (int i = 0; i < n; i++) {
			size_t size = messages[i].msg_len + FRAME_EXTRA;
			uint64_t arrived = arrival_ns(&messages[i].msg_hdr);

			if (frame_size && size != frame_size)
				continue; /* left in a queue by an earlier load */
			if (!first) {
				first = arrived;
				end = clock_ns() + (uint64_t)(seconds * 1e9);
			}
			if (arrived - first > (uint64_t)(seconds * 1e9))
				continue; /* too late to count, but not to be found by the next load */
			last = arrived;
			received++;
			bytes += size;
		}
	}
	printf("{\"received\": %llu, \"bytes\": %llu, \"rate\": %.1f, \"seconds\": %.6f}\n",
	       (unsigned long long)received, (unsigned long long)bytes,
	       last > first ? (double)(received - 1) * 1e9 / (double)(last - first) : 0.0,
	       (double)(last - first) / 1e9);
	return 0;
}

/* One's complement checksum of an ICMP message of even length. */
static uint16_t checksum(const void *message, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i += 2) {
		uint16_t word;

		memcpy(&word, (const char *)message + i, sizeof(word));
		sum += word;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

/* Wait until @until_ns for the answer number @sequence; when it arrived, ns of CLOCK_REALTIME, or 0. */
static uint64_t await_answer(int fd, uint16_t id, uint16_t sequence, uint64_t until_ns)
{
	static uint8_t packet[SIZE_MAX_];
	static char control[CMSG_SPACE(sizeof(struct timespec))];
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	uint64_t now;

	while ((now = clock_ns()) < until_ns) {
		struct timespec left = {(time_t)((until_ns - now) / 1000000000u),
					(long)((until_ns - now) % 1000000000u)};
		struct iovec iov = {.iov_base = packet, .iov_len = sizeof(packet)};
		struct msghdr message = {
			.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
		struct icmphdr answer;
		ssize_t n;

		if (ppoll(&poll_fd, 1, &left, NULL) <= 0)
			continue;
		n = recvmsg(fd, &message, MSG_DONTWAIT);
		if (n < 20 + (ssize_t)sizeof(answer))
			continue;
		memcpy(&answer, packet + 4 * (packet[0] & 15), sizeof(answer));
		if (answer.type == ICMP_ECHOREPLY && answer.un.echo.id == id && answer.un.echo.sequence == sequence)
			return arrival_ns(&message);
	}
	return 0;
}

static int round_trips(const char *address, size_t size, unsigned int count, uint64_t interval_ns)
{
	static union {
		struct icmphdr header;
		char bytes[SIZE_MAX_];
	} request;
	struct sockaddr_in to = {.sin_family = AF_INET};
	uint16_t id = htons((uint16_t)getpid());
	unsigned int lost = 0;
	uint64_t next = clock_ns();
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), on = 1;

	size = (size + 1) / 2 * 2;
	if (fd < 0 || size + sizeof(request.header) > SIZE_MAX_ || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0) {
		perror("gbload: rtt");
		return 1;
	}
	printf("{\"rtt_ns\": [");
	for (unsigned int i = 0, answered = 0; i < count; i++) {
		struct timespec until;
		uint64_t sent, arrived;

		next += interval_ns;
		request.header = (struct icmphdr){.type = ICMP_ECHO};
		request.header.un.echo.id = id;
		request.header.un.echo.sequence = htons((uint16_t)i);
		request.header.checksum = checksum(&request, sizeof(request.header) + size);
		sent = read_clock_ns(CLOCK_REALTIME);
		if (send(fd, &request, sizeof(request.header) + size, 0) < 0) {
			lost++;
			continue;
		}
		arrived = await_answer(fd, id, htons((uint16_t)i), clock_ns() + 1000000000u);
		if (arrived > sent)
			printf("%s%llu", answered++ ? ", " : "", (unsigned long long)(arrived - sent));
		else
			lost++;
		until = (struct timespec){(time_t)(next / 1000000000u), (long)(next % 1000000000u)};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		if (clock_ns() > next + 10 * interval_ns)
			next = clock_ns(); /* after a long wait go on at the same pace, not faster */
	}
	printf("], \"lost\": %u}\n", lost);
	return 0;
}

static int wakes(unsigned int count, uint64_t interval_ns)
{
	uint64_t next = clock_ns();

	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	printf("{\"late_ns\": [");
	for (unsigned int i = 0; i < count; i++) {
		struct timespec until;
		uint64_t now;

		next += interval_ns;
		until = (struct timespec){(time_t)(next / 1000000000u), (long)(next % 1000000000u)};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		now = clock_ns();
		printf("%s%llu", i ? ", " : "", (unsigned long long)(now - next));
		if (now > next + interval_ns)
			next = now; /* the next one is to be slept for, too */
	}
	printf("]}\n");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "wakes") == 0)
		return wakes((unsigned int)atoi(argv[2]), strtoull(argv[3], NULL, 10) * 1000);
	if (argc == 6 && strcmp(argv[1], "rtt") == 0)
		return round_trips(argv[2], strtoul(argv[3], NULL, 10), (unsigned int)atoi(argv[4]),
				   strtoull(argv[5], NULL, 10) * 1000);
	if (argc == 6 && strcmp(argv[1], "send") == 0)
		return send_load(argv[2], strtoul(argv[3], NULL, 10), atof(argv[4]), atof(argv[5]));
	if ((argc == 3 || argc == 4) && strcmp(argv[1], "receive") == 0)
		return receive_load(atof(argv[2]), argc == 4 ? strtoul(argv[3], NULL, 10) : 0);
	fprintf(stderr,
		"usage: gbload send ADDRESS FRAME-BYTES FRAMES/S SECONDS | gbload receive SECONDS [FRAME-BYTES] | "
		"gbload rtt ADDRESS DATA-BYTES COUNT INTERVAL-US | gbload wakes COUNT INTERVAL-US\n");
	return 2;
}
