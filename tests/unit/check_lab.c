/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check_lab.c - what a lab builds, and what can be done in it.
 */
#include "tests/unit/check_lab.h"
#include "tests/unit/test_dir.h"

#include "bridge/lab/link.h"

#define ETHERTYPE 0x88b5 /* for local experiments; nothing else sends it */

/* A packet socket on interface @name of node @node; stays usable from outside. */
static int packet_socket(const struct lab *lab, uint32_t node, const char *name)
{
	int home_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), net_fd, sock = -1;
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(0x0003)};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", lab_node_pid(lab, node));
	net_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (home_fd >= 0 && net_fd >= 0 && !setns(net_fd, CLONE_NEWNET)) {
		sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
		address.sll_ifindex = (int)if_nametoindex(name);
		if (sock >= 0 && bind(sock, (struct sockaddr *)&address, sizeof(address))) {
			close(sock);
			sock = -1;
		}
		if (setns(home_fd, CLONE_NEWNET))
			abort();
	}
	close(home_fd);
	close(net_fd);
	return sock;
}

/* Read frames from @fd until one equals @frame; others (neighbour discovery) pass by. */
static bool receives(int fd, const uint8_t *frame, size_t len)
{
	static uint8_t buffer[70000];
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	uint64_t end_ms = now_ms() + WAIT_MS;

	while (now_ms() < end_ms && poll(&poll_fd, 1, WAIT_MS) > 0) {
		ssize_t got = read(fd, buffer, sizeof(buffer));

		if (got == (ssize_t)len && !memcmp(buffer, frame, len))
			return true;
	}
	return false;
}

/* Move frames between two TAPs, as a simulator with a perfect link would, until killed. */
static pid_t pump(int left_fd, int right_fd)
{
	pid_t pid = fork();

	while (!pid) {
		struct pollfd poll_fds[2] = {{.fd = left_fd, .events = POLLIN}, {.fd = right_fd, .events = POLLIN}};
		uint8_t buffer[70000];

		poll(poll_fds, 2, -1);
		for (int i = 0; i < 2; i++) {
			ssize_t got = read(poll_fds[i].fd, buffer, sizeof(buffer));

			if (got > 0)
				(void)!write(poll_fds[!i].fd, buffer, (size_t)got);
		}
	}
	return pid;
}

static int exchange_frames(struct lab *lab, const struct scenario *scenario)
{
	static const size_t lens[] = {15, 60, 64, 1514, 1518, 9014};
	uint8_t frame[9014];

	for (uint32_t end = 0; end < 2; end++) {
		int sock = packet_socket(lab, scenario->ends[end].node, "eth0"), tap_fd = lab_tap_fd(lab, end);

		need(sock >= 0 && tap_fd >= 0);
		need(fcntl(tap_fd, F_GETFL) & O_NONBLOCK);
		need(fcntl(tap_fd, F_GETFD) & FD_CLOEXEC);
		for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
			for (size_t j = 0; j < lens[i]; j++)
				frame[j] = (uint8_t)(j * 7 + i);
			memcpy(frame, "\xff\xff\xff\xff\xff\xff\x02\x67\x62\x01\x02\x03", 12);
			frame[12] = ETHERTYPE >> 8;
			frame[13] = ETHERTYPE & 0xff;
			need(write(tap_fd, frame, lens[i]) == (ssize_t)lens[i]);
			need(receives(sock, frame, lens[i]));
			need(write(sock, frame, lens[i]) == (ssize_t)lens[i]);
			need(receives(tap_fd, frame, lens[i]));
		}
		/* An 802.3 length frame to a link-local group, as LLDP and IS-IS send them, through both attachments.
		 */
		memcpy(frame, "\x01\x80\xc2\x00\x00\x0e\x02\x67\x62\x01\x02\x03\x00\x2e\xfe\xfe\x03", 17);
		need(write(tap_fd, frame, 60) == 60);
		need(receives(sock, frame, 60));
		need(write(sock, frame, 60) == 60);
		need(receives(tap_fd, frame, 60));
		close(sock);
	}
	return 0;
}

static int send_tagged(struct lab *lab, const struct scenario *scenario)
{
	uint8_t frame[1518];

	for (uint32_t end = 0; end < 2; end++) {
		int sock = packet_socket(lab, scenario->ends[end].node, "eth0");

		/* A tag comes on top of the MTU. Only upwards: a packet socket takes the tag off what it receives. */
		memset(frame, 0x5a, sizeof(frame));
		memcpy(frame, "\xff\xff\xff\xff\xff\xff\x02\x67\x62\x01\x02\x03\x81\x00\x60\x07\x88\xb5", 18);
		need(sock >= 0);
		need(write(sock, frame, sizeof(frame)) == sizeof(frame));
		need(receives(lab_tap_fd(lab, end), frame, sizeof(frame)));
		close(sock);
	}
	return 0;
}

/* One entry for each frame, in their order, with its length as it is read: also of a tag that the kernel keeps beside
 * it. */
static int note_arrivals(struct lab *lab, const struct scenario *scenario)
{
	static const size_t lens[] = {60, 1514, 1518};
	uint8_t frame[1518];

	memset(frame, 0x5a, sizeof(frame));
	memcpy(frame, "\xff\xff\xff\xff\xff\xff\x02\x67\x62\x01\x02\x03\x81\x00\x60\x07\x88\xb5", 18);
	for (uint32_t end = 0; end < 2; end++) {
		int sock = packet_socket(lab, scenario->ends[end].node, "eth0"), tap_fd = lab_tap_fd(lab, end);
		const struct arrivals_ring *ring =
			mmap(NULL, sizeof(*ring), PROT_READ, MAP_SHARED, lab_tap_arrivals_fd(lab, end), 0);

		need(sock >= 0 && ring != MAP_FAILED);
		for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
			uint64_t before_ns = now_ns(), first = ring->written;
			unsigned int found = 0;

			need(write(sock, frame, lens[i]) == (ssize_t)lens[i]);
			need(receives(tap_fd, frame, lens[i]));
			/* The container's own IPv6 may speak in between. */
			for (uint64_t number = first; number < ring->written; number++) {
				const struct arrivals_entry *entry = &ring->entries[number % ARRIVALS_COUNT];

				found += entry->len == lens[i] && entry->time_ns >= before_ns &&
					 entry->time_ns <= now_ns();
			}
			need(found == 1);
		}
		munmap((void *)ring, sizeof(*ring));
		close(sock);
	}
	return 0;
}

/* Without a lag there is no time to be late in, and no program. */
static int note_nothing(struct lab *lab, const struct scenario *scenario)
{
	for (uint32_t end = 0; end < scenario->end_count; end++)
		need(lab_tap_arrivals_fd(lab, end) == 0);
	return 0;
}

START_TEST(arrivals_are_noted_with_a_lag)
{
	run_lab("check-arrivals",
		"ghostbridge: 1\nname: x\nlag: 1ms\nnodes: {h1: {attach: tap}, h2: {attach: bridge}}\n"
		"links: {lan: {kind: csma, rate: 10Mbps, delay: 1ms, ends: [h1, h2]}}\n",
		note_arrivals);
	run_lab("check-arrivals", pair_yaml, note_nothing);
}
END_TEST

START_TEST(tagged_frames_pass_whole)
{
	run_lab("check-tagged",
		"ghostbridge: 1\nname: x\nnodes: {h1: {attach: tap}, h2: {attach: bridge}}\n"
		"links: {lan: {kind: csma, rate: 10Mbps, delay: 1us, ends: [h1, h2]}}\n",
		send_tagged);
}
END_TEST

START_TEST(frames_pass_between_tap_and_container)
{
	run_lab("check-frames", pair_yaml, exchange_frames);
}
END_TEST

static int use_pair(struct lab *lab, const struct scenario *scenario)
{
	char output[4096];
	pid_t pumping;

	need(says(lab, 0, "cat /sys/class/net/eth0/mtu", "9000\n"));
	need(says(lab, 1, "cat /sys/class/net/eth0/mtu", "9000\n"));
	need(says(lab, 0, "cat /sys/class/net/eth0/ifalias", "h1.eth0\n"));
	need(says(lab, 1, "cat /sys/class/net/eth0/ifalias", "h2.eth0\n"));
	need(says(lab, 0, "cat /sys/class/net/eth0/speed /sys/class/net/eth0/duplex", "100\nhalf\n"));
	for (uint32_t i = 0; i < 2; i++) {
		char mac[32];
		const uint8_t *bytes = scenario->ends[i].mac;

		snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x\n", bytes[0], bytes[1], bytes[2], bytes[3],
			 bytes[4], bytes[5]);
		need(says(lab, i, "cat /sys/class/net/eth0/address", mac));
	}
	need(says(lab, 0, "hostname", "h1\n"));
	need(says(lab, 0, "getent hosts h2", "10.0.0.2        h2\n"));
	need(says(lab, 1, "getent hosts h1 h2 | tr -s ' '", "10.0.0.1 h1\n10.0.0.2 h2\n"));

	/* Nothing leads from one container to the other but the TAPs. */
	need(shell(lab, 0, "ping -c1 -W0.2 h2", output, sizeof(output)) == 1);
	pumping = pump(lab_tap_fd(lab, 0), lab_tap_fd(lab, 1));
	need(pumping > 0);
	need(!shell(lab, 0, "ping -c2 -i0.01 -w5 h2", output, sizeof(output)));
	need(!shell(lab, 0, "ping -c2 -i0.01 -w5 -M do -s 8972 h2", output, sizeof(output)));
	/* TCP tells whether checksums are whole on the TAPs, which ping does not. */
	need(!shell(lab, 1,
		    "perl -MIO::Socket::INET -e '$l = IO::Socket::INET->new(LocalPort => 5001, Listen => 1) or die;"
		    " exit if fork; $c = $l->accept; print $c q(x) x 1000000;' >/dev/null",
		    output, sizeof(output)));
	need(says(lab, 0,
		  "perl -MIO::Socket::INET -e '$c = IO::Socket::INET->new(\"h2:5001\") or die $!;"
		  " while (<$c>) { $n += length } print $n'",
		  "1000000"));
	kill(pumping, SIGKILL);
	waitpid(pumping, NULL, 0);
	return 0;
}

START_TEST(a_pair_talks_over_its_taps)
{
	run_lab("check-pair", pair_yaml, use_pair);
}
END_TEST

static int run_commands(struct lab *lab, const struct scenario *scenario)
{
	const char *const missing[] = {"no-such-command", NULL}, *const directory[] = {"/etc", NULL};
	const char *const sleeper[] = {"sh", "-c", "sleep 1000 & wait", NULL};
	const char *const tty[] = {"sh", "-c", "test -t 0 && echo typed > /dev/tty && stty size", NULL};
	const char *const extra[] = {"HERE=there", "PATH=/bin:/usr/bin", NULL};
	const char *const greet[] = {"sh", "-c", "test \"$HERE$COLOUR\" = thereblue && test -z \"$GB_LEAK\"", NULL};
	struct lab_exec exec = {.stdio = {0, 1, 2}};
	int leak_fd, status, master_fd, slave_fd, null_fd;
	struct diag diag = {""};
	char output[4096];
	ssize_t got;
	pid_t pid;

	(void)scenario;
	setenv("GB_LEAK", "1", 1);
	leak_fd = open("/etc/hosts", O_RDONLY); /* without O_CLOEXEC, as a library might */
	need(leak_fd >= 0);
	null_fd = open("/dev/null", O_RDWR);

	need(shell(lab, 0, "exit 7", output, sizeof(output)) == 7);
	need(shell(lab, 0, "kill -9 $$", output, sizeof(output)) == 128 + SIGKILL);
	need(says(lab, 0, "pwd", "/root\n"));
	need(says(lab, 0, "ls /proc/self/fd", "0\n1\n2\n3\n")); /* 3 is the directory being read */
	need(says(lab, 0, "echo out > /dev/stdout", "out\n"));
	need(says(lab, 0, "sed -n 's/^Sig[BIC]..:.//p' /proc/self/status | sort -u", "0000000000000000\n"));
	need(says(lab, 0, "echo $HOME $COLOUR", "/root blue\n"));

	exec.stdio[0] = exec.stdio[1] = exec.stdio[2] = null_fd;
	exec.argv = missing;
	need(!lab_exec(lab, 0, &exec, &pid, &diag));
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 127);
	exec.argv = directory;
	need(!lab_exec(lab, 0, &exec, &pid, &diag));
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 126);
	exec.argv = greet;
	exec.env = extra;
	need(!lab_exec(lab, 0, &exec, &pid, &diag));
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status));

	/* A command is a process group, killed with its children. */
	exec.argv = sleeper;
	exec.env = NULL;
	need(!lab_exec(lab, 0, &exec, &pid, &diag));
	need(getpgid(pid) == pid);
	need(!killpg(pid, SIGKILL));
	need(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	need(says(lab, 0, "pgrep -x sleep; true", ""));

	need(!openpty(&master_fd, &slave_fd, NULL, NULL, &(struct winsize){.ws_row = 5, .ws_col = 77}));
	exec.argv = tty;
	exec.terminal = true;
	exec.stdio[0] = exec.stdio[1] = exec.stdio[2] = slave_fd;
	need(!lab_exec(lab, 0, &exec, &pid, &diag));
	need(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status));
	for (size_t len = 0; len < 13; len += (size_t)got) {
		got = read(master_fd, output + len, sizeof(output) - 1 - len);
		need(got > 0);
		output[len + (size_t)got] = '\0';
	}
	need(!strcmp(output, "typed\r\n5 77\r\n"));

	/* A dead container is a dead container. */
	need(lab_node_pid(lab, 0) > 0);
	kill(lab_node_pid(lab, 0), SIGKILL);
	for (uint64_t end_ms = now_ms() + WAIT_MS; lab_node_pid(lab, 0) > 0;)
		need(now_ms() < end_ms);
	need(lab_exec(lab, 0, &exec, &pid, &diag) == -ESRCH);
	need(strstr(diag.text, "'h1'"));
	need(lab_exec(lab, 9, &exec, &pid, &diag) == -EINVAL);
	return 0;
}

START_TEST(commands_run_as_asked)
{
	run_lab("check-exec",
		"ghostbridge: 1\nname: x\nnodes: {h1: {env: {COLOUR: blue}}, h2: {}}\n"
		"links: {w: {kind: wire, subnet: 10.0.0.0/24, ends: [h1, h2]}}\n",
		run_commands);
}
END_TEST

static int look_around(struct lab *lab, const struct scenario *scenario)
{
	char path[64], line[128] = "", output[4096];
	unsigned int inside, outside, count;
	FILE *file;

	(void)scenario;
	need(says(lab, 0, "id -u", "0\n"));
	snprintf(path, sizeof(path), "/proc/%d/uid_map", lab_node_pid(lab, 0));
	file = fopen(path, "re");
	need(file && fgets(line, sizeof(line), file));
	fclose(file);
	need(sscanf(line, "%u %u %u", &inside, &outside, &count) == 3);
	need(inside == 0 && outside == 0x67630000 && count == 65536);
	need(shell(lab, 0, "cat /etc/shadow 2>/dev/null", output, sizeof(output)));
	need(shell(lab, 0, "touch /x /etc/x /usr/x 2>/dev/null", output, sizeof(output)));
	need(shell(lab, 0, "mount -o remount,rw / 2>/dev/null", output, sizeof(output)));
	need(says(lab, 0, "for d in /tmp /run /root /var/tmp /var/log /var/run /dev/shm; do touch $d/x || exit; done",
		  ""));
	need(says(lab, 1, "ls /tmp /root /var/tmp /dev/shm | grep x; true", ""));
	need(says(lab, 0, "ls /run/ghostbridge /run/lab 2>/dev/null; true", ""));
	need(says(lab, 0, "test -c /dev/net/tun && ip tuntap add t0 mode tun && ls -d /sys/class/net/t0",
		  "/sys/class/net/t0\n"));
	need(says(lab, 0,
		  "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/eth0/arp_ignore /proc/sys/kernel/msgmax "
		  "/proc/sys/kernel/domainname",
		  "1\n2\n4242\nlab\n"));
	need(says(lab, 1, "cat /proc/sys/net/ipv4/ip_forward", "0\n"));
	need(says(lab, 0, "ps -e -o comm= | head -1", "ghostbridge-ini\n"));
	need(says(lab, 0, "test $(ps -e | wc -l) -lt 8", ""));

	/* 10 MB fit into 32 MiB, 100 MB do not, and only the command dies of it. */
	need(says(lab, 0, "perl -e '$x = q(a) x 10000000; print length $x'", "10000000"));
	need(shell(lab, 0, "exec perl -e '$x = q(a) x 100000000; print length $x'", output, sizeof(output)) ==
	     128 + SIGKILL);
	need(lab_node_pid(lab, 0) > 0);
	need(says(lab, 1, "perl -e '$x = q(a) x 100000000; print length $x'", "100000000"));

	/* Privileged: root is root, still with a file system of its own and without the host's clock and modules. */
	need(says(lab, 2, "cat /proc/self/uid_map | tr -s ' '", " 0 0 4294967295\n"));
	need(shell(lab, 2, "touch /x 2>/dev/null", output, sizeof(output)));
	need(says(lab, 2, "touch /var/tmp/x", ""));
	need(!shell(lab, 2, "sed -n 's/^CapBnd:.//p' /proc/self/status", output, sizeof(output)));
	need(!(strtoull(output, NULL, 16) & (1ull << 16 | 1ull << 17 | 1ull << 25 | 1ull << 32 | 1ull << 33)));
	return 0;
}

START_TEST(containers_are_closed_in)
{
	run_lab("check-closed",
		"ghostbridge: 1\nname: x\n"
		"nodes:\n"
		"  h1: {memory: 32MiB, cpus: 0.5, sysctls: {net.ipv4.ip_forward: 1, net.ipv4.conf.eth0.arp_ignore: "
		"2, kernel.msgmax: 4242, kernel.domainname: lab}}\n"
		"  h2: {}\n"
		"  h3: {privileged: true}\n"
		"links: {lan: {kind: csma, rate: 10Mbps, delay: 1us, subnet: 10.0.0.0/24, ends: [h1, h2, h3]}}\n",
		look_around);
}
END_TEST

static int use_wires(struct lab *lab, const struct scenario *scenario)
{
	char output[4096];

	(void)scenario;
	need(lab_tap_fd(lab, 0) == -1);
	need(!shell(lab, 0, "ping -c2 -i0.01 -w5 b", output, sizeof(output)));
	need(!shell(lab, 0, "ping -4 -c2 -i0.01 -w5 -M do -s 8972 b", output, sizeof(output)));
	need(!shell(lab, 0, "ping -c1 -w5 fd00:1::2", output, sizeof(output)));
	/* What is tried first is what can be reached: a and c see b at different addresses. */
	need(says(lab, 0, "getent ahostsv4 b | head -1 | tr -s ' ' | cut -d' ' -f1", "10.1.0.2\n"));
	need(says(lab, 2, "getent ahostsv4 b | head -1 | tr -s ' ' | cut -d' ' -f1", "10.2.0.1\n"));
	need(!shell(lab, 2, "ping -c1 -w5 b", output, sizeof(output)));
	need(shell(lab, 0, "ping -c1 -w1 c 2>&1", output, sizeof(output))); /* no route */
	return 0;
}

START_TEST(wires_carry)
{
	run_lab("check-wires",
		"ghostbridge: 1\nname: x\nnodes: {a: {}, b: {}, c: {}}\n"
		"links:\n"
		"  ab: {kind: wire, mtu: 9000, ends: [{node: a, ip: [10.1.0.1/24, 'fd00:1::1/64']},\n"
		"                                     {node: b, ip: [10.1.0.2/24, 'fd00:1::2/64']}]}\n"
		"  bc: {kind: wire, subnet: 10.2.0.0/24, ends: [b, c]}\n",
		use_wires);
}
END_TEST

static int use_own_rootfs(struct lab *lab, const struct scenario *scenario)
{
	char output[4096];

	(void)scenario;
	need(says(lab, 0, "echo /etc/* && cd /var/tmp && echo $PWD", "/etc/hosts\n/var/tmp\n"));
	need(says(lab, 0, "while read -r line; do case $line in 10.*) echo $line;; esac; done < /etc/hosts",
		  "10.0.0.1 h1\n10.0.0.2 h2\n"));
	need(shell(lab, 0, "exec 2>/dev/null; echo > /x", output, sizeof(output)));
	return 0;
}

START_TEST(a_node_may_have_its_own_files)
{
	char dir[128], command[1024], yaml[512];

	/* A shell and its libraries make a root file system. */
	make_test_dir(dir, sizeof(dir));
	snprintf(command, sizeof(command),
		 "chmod 755 %s && cd %s && mkdir bin dev etc proc root run sys tmp var && touch etc/hosts &&"
		 " cp /bin/sh bin && for f in $(ldd /bin/sh | grep -o '/[^ ]*'); do"
		 " mkdir -p .${f%%/*} && cp $f .$f || exit 1; done",
		 dir, dir);
	ck_assert_int_eq(system(command), 0);
	snprintf(yaml, sizeof(yaml),
		 "ghostbridge: 1\nname: x\nnodes: {h1: {rootfs: %s}, h2: {}}\n"
		 "links: {w: {kind: wire, subnet: 10.0.0.0/24, ends: [h1, h2]}}\n",
		 dir);
	run_lab("check-rootfs", yaml, use_own_rootfs);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

static int count_nodes(struct lab *lab, const struct scenario *scenario)
{
	char output[64];

	for (uint32_t i = 0; i < scenario->node_count; i++) {
		need(lab_node_pid(lab, i) > 0);
		need(lab_tap_fd(lab, i) >= 0);
	}
	need(!shell(lab, (uint32_t)scenario->node_count - 1, "getent hosts n1", output, sizeof(output)));
	return 0;
}

static int filter_lo(struct lab *lab, const struct scenario *scenario)
{
	struct nl_sock *sock;

	(void)lab, (void)scenario;
	need(!link_socket_open(-1, -1, &sock));
	need(!link_has_ingress_filter(sock, "lo"));
	need(link_has_ingress_filter(sock, "no-such") < 0);
	need(!system("tc qdisc add dev lo ingress"));
	need(!link_has_ingress_filter(sock, "lo"));
	need(!system("tc filter add dev lo parent ffff: protocol all u32 match u32 0 0 flowid 1:1"));
	need(link_has_ingress_filter(sock, "lo") == 1);
	link_socket_close(sock);
	return 0;
}

START_TEST(filters_are_found)
{
	run_lab("check-filters", pair_yaml, filter_lo);
}
END_TEST

START_TEST(a_hundred_containers_fit)
{
	char *yaml = NULL;

	append(&yaml, "ghostbridge: 1\nname: x\nnodes:\n");
	for (int i = 1; i <= 100; i++)
		append(&yaml, "  n%d: {attach: %s}\n", i, i % 2 ? "tap" : "bridge");
	append(&yaml, "links: {lan: {kind: csma, rate: 10Mbps, delay: 1us, subnet: 10.0.0.0/16, ends: [n1");
	for (int i = 2; i <= 100; i++)
		append(&yaml, ", n%d", i);
	append(&yaml, "]}}\n");
	run_lab("check-hundred", yaml, count_nodes);
	free(yaml);
}
END_TEST

/* Whether this host can run the tests at all. */
static const char *find_obstacle(void)
{
	pid_t pid;
	int status;

	if (geteuid())
		return "not root";
	if (access("/dev/net/tun", R_OK | W_OK))
		return "no /dev/net/tun; try `modprobe tun`";
	pid = fork();
	if (!pid)
		_exit(unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER) != 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		return "namespaces cannot be created here";
	return NULL;
}

int main(void)
{
	const char *obstacle = find_obstacle();
	Suite *suite;
	SRunner *runner;
	TCase *tcase;
	int failed;

	if (obstacle) {
		fprintf(stderr, "check_lab: SKIPPED, NOTHING WAS TESTED: %s\n", obstacle);
		return 77;
	}
	suite = suite_create("lab");
	tcase = tcase_create("build");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, frames_pass_between_tap_and_container);
	tcase_add_test(tcase, a_pair_talks_over_its_taps);
	tcase_add_test(tcase, commands_run_as_asked);
	tcase_add_test(tcase, containers_are_closed_in);
	tcase_add_test(tcase, wires_carry);
	tcase_add_test(tcase, tagged_frames_pass_whole);
	tcase_add_test(tcase, arrivals_are_noted_with_a_lag);
	tcase_add_test(tcase, a_node_may_have_its_own_files);
	tcase_add_test(tcase, filters_are_found);
	tcase_add_test(tcase, a_hundred_containers_fit);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, lab_undo_tests());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
