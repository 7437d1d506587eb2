/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_offload_tcp.c - two hosts whose TCP talks through segmenter and coalescer.
 */
#include "tests/unit/check_offload.h"

#include <errno.h>
#include <linux/tcp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

/* A network namespace with a TAP in it, for good: the process stays inside. Return: the TAP. */
static int make_host(bool ipv6, uint8_t number)
{
	const unsigned int tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	struct ifreq request = {.ifr_name = "end"};
	struct sockaddr_in address = {.sin_family = AF_INET};
	int fd, sock;

	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	put_file("/proc/sys/net/ipv6/conf/default/accept_dad", "0"); /* the address is good at once */
	fd = open_tap("end", IFF_VNET_HDR);
	sock = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert(fd >= 0 && sock >= 0);
	ck_assert_int_eq(ioctl(fd, TUNSETOFFLOAD, tcp), 0);
	request.ifr_flags = IFF_UP;
	ck_assert_int_eq(ioctl(sock, SIOCSIFFLAGS, &request), 0);
	if (ipv6) {
		struct {
			struct in6_addr address;
			uint32_t prefix_len;
			int index;
		} request6 = {.prefix_len = 64, .index = (int)if_nametoindex("end")};

		request6.address.s6_addr[0] = 0xfd;
		request6.address.s6_addr[15] = number;
		ck_assert_int_eq(ioctl(sock, SIOCSIFADDR, &request6), 0);
	} else {
		address.sin_addr.s_addr = htonl(0x0a000000u + number);
		memcpy(&request.ifr_addr, &address, sizeof(address));
		ck_assert_int_eq(ioctl(sock, SIOCSIFADDR, &request), 0);
	}
	close(sock);
	return fd;
}

/* Read what waits on a TAP, as frames a wire would carry. */
static void read_frames(int fd, struct stream *stream)
{
	static uint8_t bytes[sizeof(struct virtio_net_hdr) + FRAME_MAX], segment[FRAME_MAX];
	uint8_t *frame = bytes + sizeof(struct virtio_net_hdr);
	struct virtio_net_hdr header;
	struct segmenter segmenter;
	uint32_t len;
	ssize_t n;

	while (stream->count < STREAM_MAX - 64 && (n = read(fd, bytes, sizeof(bytes))) > 0) {
		memcpy(&header, bytes, sizeof(header));
		len = (uint32_t)n - (uint32_t)sizeof(header);
		if (header.gso_type == VIRTIO_NET_HDR_GSO_NONE) {
			if (header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
				ck_assert_int_eq(segment_finish_checksum(frame, len, &header), 0);
			stream_add(stream, frame, len, false);
			continue;
		}
		ck_assert_int_eq(segment_begin(&segmenter, &header, frame, len), 0);
		compared->cut++;
		while ((len = segment_len(&segmenter)) != 0) {
			segment_next(&segmenter, segment);
			stream_add(stream, segment, len, false);
		}
	}
}

static void write_frames(int fd, struct stream *stream)
{
	static struct coalescer coalescer;
	struct iovec *iov;
	size_t size;
	int count;

	for (uint32_t i = 0; i <= stream->count; i++) {
		if (i < stream->count && coalesce_offer(&coalescer, stream->frames[i], stream->lens[i]))
			continue;
		if (coalescer.count > 0) {
			compared->put_together += coalescer.count > 1;
			iov = coalesce_take(&coalescer, &count, &size);
			ck_assert_int_eq(writev(fd, iov, count), (ssize_t)size);
		}
		if (i < stream->count)
			ck_assert(coalesce_offer(&coalescer, stream->frames[i], stream->lens[i]));
	}
	stream_clear(stream);
}

/* A perfect wire between two TAPs, until killed. */
static void pump(const int fds[2])
{
	static struct stream stream;

	for (;;) {
		struct pollfd poll_fds[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};

		poll(poll_fds, 2, -1);
		for (int i = 0; i < 2; i++) {
			read_frames(fds[i], &stream);
			write_frames(fds[!i], &stream);
		}
	}
}

/* An address of IPv6 is usable only when the kernel has got round to it. */
static void wait_until_bound(int sock, const struct sockaddr *address, socklen_t size)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	int tries = 0;

	while (bind(sock, address, size)) {
		ck_assert_int_eq(errno, EADDRNOTAVAIL);
		ck_assert_int_lt(++tries, WAIT_MS);
		nanosleep(&pause, NULL);
	}
}

static uint8_t pattern(uint64_t position)
{
	return (uint8_t)(position * 0x9e3779b97f4a7c15u >> 56);
}

/* Send @size bytes from one socket to the other and compare them. */
static void transfer(int from, int to, uint64_t size)
{
	uint64_t sent = 0, received = 0;
	static uint8_t out[65536], in[65536];

	while (received < size) {
		struct pollfd poll_fds[2] = {{.fd = to, .events = POLLIN},
					     {.fd = from, .events = sent < size ? POLLOUT : 0}};
		ssize_t n;

		ck_assert_msg(poll(poll_fds, 2, WAIT_MS) > 0, "nothing comes any more");
		if (poll_fds[1].revents & POLLOUT) {
			uint64_t count = size - sent < sizeof(out) ? size - sent : sizeof(out);

			for (uint64_t i = 0; i < count; i++)
				out[i] = pattern(sent + i);
			n = send(from, out, count, MSG_DONTWAIT | MSG_NOSIGNAL);
			ck_assert_int_gt(n, 0);
			sent += (uint64_t)n;
		}
		if (poll_fds[0].revents) {
			n = recv(to, in, sizeof(in), MSG_DONTWAIT);
			ck_assert_int_gt(n, 0);
			for (ssize_t i = 0; i < n; i++)
				if (in[i] != pattern(received + (uint64_t)i))
					ck_abort_msg("byte %" PRIu64 " has changed", received + (uint64_t)i);
			received += (uint64_t)n;
		}
	}
}

static struct tcp_info socket_info(int sock)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	ck_assert_int_eq(getsockopt(sock, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	return info;
}

/* Two hosts, TCP both ways: nothing lost, changed, reordered or of another size by cutting and joining. */
START_TEST(tcp_notices_nothing)
{
	const uint64_t size = 32u << 20;
	const bool ipv6 = _i;
	struct sockaddr_in6 address6[2] = {{.sin6_family = AF_INET6, .sin6_port = htons(5001)}};
	struct sockaddr_in address4[2] = {{.sin_family = AF_INET, .sin_port = htons(5001)}};
	const socklen_t address_size = ipv6 ? sizeof(*address6) : sizeof(*address4);
	const struct sockaddr *addresses[2];
	struct tcp_info info[2];
	int fds[2], listener, socks[2];
	pid_t pid;

	for (uint8_t i = 0; i < 2; i++) {
		address6[i] = address6[0];
		address6[i].sin6_addr.s6_addr[0] = 0xfd;
		address6[i].sin6_addr.s6_addr[15] = (uint8_t)(i + 1);
		address4[i] = address4[0];
		address4[i].sin_addr.s_addr = htonl(0x0a000001u + i);
		addresses[i] = ipv6 ? (struct sockaddr *)&address6[i] : (struct sockaddr *)&address4[i];
	}
	fds[0] = make_host(ipv6, 1);
	listener = socket(addresses[0]->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	wait_until_bound(listener, addresses[0], address_size);
	ck_assert_int_eq(listen(listener, 1), 0);
	fds[1] = make_host(ipv6, 2);
	socks[0] = socket(addresses[1]->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	wait_until_bound(socks[0], addresses[1], address_size);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pump(fds);
		_exit(1);
	}
	ck_assert_int_eq(connect(socks[0], addresses[0], address_size), 0);
	socks[1] = accept(listener, NULL, NULL);
	ck_assert_int_ge(socks[1], 0);
	transfer(socks[0], socks[1], size);
	transfer(socks[1], socks[0], size);
	for (int i = 0; i < 2; i++) {
		info[i] = socket_info(socks[i]);
		ck_assert_uint_eq(info[i].tcpi_bytes_received, size);
		ck_assert_uint_eq(info[i].tcpi_rcv_ooopack, 0);
		ck_assert_uint_eq(info[i].tcpi_reord_seen, 0);
	}
	/* A pump that waits for a CPU has the sender's timer send again; what came twice beyond that is our doing. */
	for (int i = 0; i < 2; i++)
		ck_assert_uint_le(info[i].tcpi_dsack_dups, info[i].tcpi_total_retrans);
	ck_assert_uint_eq(info[0].tcpi_rcv_mss, info[1].tcpi_snd_mss);
	ck_assert_uint_eq(info[1].tcpi_rcv_mss, info[0].tcpi_snd_mss);
	/* Or nothing was tested. A joined frame counts as one in tcpi_segs_in, so there is less to say of that. */
	ck_assert_uint_gt(compared->cut, 0);
	ck_assert_uint_gt(compared->put_together, 0);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

void offload_tcp_kernel_tests(TCase *tcase)
{
	tcase_add_loop_test(tcase, tcp_notices_nothing, 0, 2);
}
