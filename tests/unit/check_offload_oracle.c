/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_offload_oracle.c - the kernel's own software segmentation, as an oracle.
 *
 * In a network namespace of its own the test makes two TAPs and a bridge between them. What is written into the first,
 * virtio header and super-frame, the kernel must cut in software, because the second takes no offload: what is read
 * there is what segment_next() has to write, byte for byte and in order.
 */
#include "tests/unit/check_offload.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

int vnet_fd = -1, plain_fd = -1;
bool uso;

void write_mark(uint32_t number)
{
	uint8_t bytes[sizeof(struct virtio_net_hdr) + 60] = {0}, *frame = bytes + sizeof(struct virtio_net_hdr);

	memcpy(frame, macs, sizeof(macs));
	headers_put16(frame + 12, MARK_TYPE);
	headers_put32(frame + 14, number);
	ck_assert_int_eq(write(vnet_fd, bytes, sizeof(bytes)), sizeof(bytes));
}

/* Next of our frames from the plain TAP. Return: bytes, 0 when mark @number came instead. */
uint32_t read_plain(uint8_t *frame, uint32_t number)
{
	struct pollfd poll_fd = {.fd = plain_fd, .events = POLLIN};

	for (;;) {
		ssize_t n = read(plain_fd, frame, FRAME_MAX);

		if (n < 0) {
			ck_assert_int_eq(errno, EAGAIN);
			ck_assert_msg(poll(&poll_fd, 1, WAIT_MS) > 0, "the kernel does not pass on what was written");
			continue;
		}
		if (n < 14 || memcmp(frame, macs, sizeof(macs)) != 0)
			continue;
		if (n >= 18 && headers_get16(frame + 12) == MARK_TYPE) {
			if (headers_get32(frame + 14) == number)
				return 0;
			continue;
		}
		return (uint32_t)n;
	}
}

static void dump(const char *title, const uint8_t *bytes, uint32_t len)
{
	fprintf(stderr, "%s, %u bytes:", title, len);
	for (uint32_t i = 0; i < len && i < 160; i++)
		fprintf(stderr, "%s%02x", i % 16 ? " " : "\n  ", bytes[i]);
	fprintf(stderr, "\n");
}

void expect_same(const uint8_t *ours, uint32_t our_len, const uint8_t *theirs, uint32_t their_len, const char *what,
		 uint32_t index)
{
	if (our_len == their_len && memcmp(ours, theirs, our_len) == 0)
		return;
	dump("ours", ours, our_len);
	dump("expected", theirs, their_len);
	ck_abort_msg("%s: frame %u differs", what, index);
}

uint32_t next_mark(void)
{
	static uint32_t number;

	return ++number;
}

/* The kernel and the segmenter must make the same of it. */
void compare_super(const uint8_t *frame, uint32_t len, const struct virtio_net_hdr *header, const char *what)
{
	static uint8_t bytes[sizeof(struct virtio_net_hdr) + FRAME_MAX], theirs[FRAME_MAX];
	uint8_t *copy = exact_copy(frame, len);
	uint32_t number = next_mark(), index = 0, our_len, their_len;
	struct segmenter segmenter;

	memcpy(bytes, header, sizeof(*header));
	memcpy(bytes + sizeof(*header), frame, len);
	ck_assert_msg(write(vnet_fd, bytes, sizeof(*header) + len) == (ssize_t)(sizeof(*header) + len),
		      "%s: the kernel refuses it: %s", what, strerror(errno));
	write_mark(number);
	ck_assert_msg(segment_begin(&segmenter, header, copy, len) == 0, "%s: refused", what);
	while ((our_len = segment_len(&segmenter)) != 0) {
		uint8_t *ours = malloc(our_len);

		segment_next(&segmenter, ours);
		their_len = read_plain(theirs, number);
		ck_assert_msg(their_len != 0, "%s: the kernel makes %u frames, not more", what, index);
		expect_same(ours, our_len, theirs, their_len, what, index);
		free(ours);
		index++;
	}
	ck_assert_msg(read_plain(theirs, number) == 0, "%s: the kernel makes more than %u frames", what, index);
	compared->segments += index;
	compared->supers++;
	free(copy);
}

void compare_recipe(const struct recipe *recipe, const char *what)
{
	static uint8_t frame[FRAME_MAX];
	struct virtio_net_hdr header;
	struct headers at;
	uint32_t len;

	if (recipe->udp && (!uso || recipe->payload > recipe->gso_size * UDP_SEGMENTS_MAX))
		return;
	len = build(recipe, frame, &header, &at);
	compare_super(frame, len, &header, what);
}

/* Every kind of packet the rest of a recipe can be of. */
void compare_kinds(const struct recipe *base, const char *what)
{
	for (uint32_t kind = 0; kind < 4; kind++) {
		struct recipe recipe = *base;
		char text[80];

		recipe.ipv6 = kind & 1;
		recipe.udp = kind & 2;
		snprintf(text, sizeof(text), "%s, %s over %s", what, recipe.udp ? "UDP" : "TCP",
			 recipe.ipv6 ? "IPv6" : "IPv4");
		compare_recipe(&recipe, text);
	}
}

int open_tap(const char *name, short flags)
{
	struct ifreq request = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | flags)};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &request)) {
		close(fd);
		return -1;
	}
	return fd;
}

bool put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done || errno == ENOENT;
}

static bool set_up(int sock, const char *name, bool tap)
{
	struct ifreq request = {.ifr_flags = IFF_UP};

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (tap) {
		request.ifr_mtu = MTU;
		if (ioctl(sock, SIOCSIFMTU, &request))
			return false;
		request.ifr_qlen = QUEUE_FRAMES;
		if (ioctl(sock, SIOCSIFTXQLEN, &request))
			return false;
		request.ifr_ifindex = (int)if_nametoindex(name);
		strncpy(request.ifr_name, "oracle", IFNAMSIZ - 1);
		if (ioctl(sock, SIOCBRADDIF, &request))
			return false;
		strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	}
	request.ifr_flags = IFF_UP;
	return ioctl(sock, SIOCSIFFLAGS, &request) == 0;
}

/* TAP, bridge, TAP, and nothing that speaks by itself. Return: NULL, or what stands in the way. */
const char *make_oracle(void)
{
	const unsigned int tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	int sock;

	if (geteuid() != 0)
		return "needs root";
	if (unshare(CLONE_NEWNET))
		return "no network namespace can be created here";
	if (!put_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1") ||
	    !put_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1"))
		return "/proc/sys cannot be written";
	/* The firewall of a bridge, where there is one, looks into IP packets. */
	put_file("/proc/sys/net/bridge/bridge-nf-call-iptables", "0");
	put_file("/proc/sys/net/bridge/bridge-nf-call-ip6tables", "0");
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	vnet_fd = open_tap("vnet", IFF_VNET_HDR);
	plain_fd = open_tap("plain", 0);
	if (vnet_fd < 0 || plain_fd < 0)
		return "no TAP can be opened; try `modprobe tun`";
	uso = ioctl(vnet_fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0;
	if (!uso && ioctl(vnet_fd, TUNSETOFFLOAD, tcp))
		return "the kernel knows no TCP segmentation offload of TAPs";
	if (sock < 0 || ioctl(sock, SIOCBRADDBR, "oracle"))
		return "no bridge can be created; try `modprobe bridge`";
	if (!put_file("/sys/class/net/oracle/bridge/multicast_snooping", "0") || !set_up(sock, "vnet", true) ||
	    !set_up(sock, "plain", true) || !set_up(sock, "oracle", false))
		return "the bridge cannot be set up";
	close(sock);
	return NULL;
}

/* What a failed test has left. */
void clear_oracle(void)
{
	static uint8_t frame[FRAME_MAX];

	while (read(plain_fd, frame, sizeof(frame)) > 0)
		;
}

/* Both ports forward from the moment a frame has come through. */
START_TEST(the_oracle_speaks)
{
	struct pollfd poll_fd = {.fd = plain_fd, .events = POLLIN};
	uint32_t number = 0;
	uint8_t frame[FRAME_MAX];

	do
		write_mark(++number);
	while (poll(&poll_fd, 1, 20) <= 0 && number < WAIT_MS / 20);
	ck_assert_uint_eq(read_plain(frame, number), 0);
}
END_TEST

void offload_oracle_kernel_tests(TCase *tcase)
{
	tcase_add_test(tcase, the_oracle_speaks);
}
