/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * capture.c - ghostbridge capture: what passes interfaces of a running experiment, as pcapng.
 *
 * libpcap listens in the network namespaces of containers, and for ports of switches in that of the lab; a capture
 * belongs to the namespace that it was opened in, so this process visits each and then reads all of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "bridge/cli/cli.h"
#include "bridge/record/pcapng.h"

#define TAPS_MAX      256
#define SNAP_SIZE     262144
#define BUFFER_SIZE   (8 << 20)
#define DISPATCH_MOST 1000
#define LOOK_AGAIN_MS 50

struct tap {
	char name[256]; /* "h1.eth0" */
	char link[128];
	char device[32]; /* in its namespace */
	pid_t pid;       /* in its namespace: the container's, or the daemon's */
	pcap_t *pcap;
	struct capture *capture;
};

struct capture {
	const char *experiment;
	char *filter; /* NULL: everything */
	struct tap taps[TAPS_MAX];
	size_t count;
	struct pcapng_out out;
	int fd;
	uint64_t frames;
};

static const char *text(json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

/* Every interface of a container or switch that the target names: a link, a node or NODE.IF. */
static int choose(struct capture *capture, json_t *status, const char *target)
{
	bool elsewhere = false;
	json_t *node, *interface;
	size_t i, j;

	json_array_foreach(json_object_get(status, "nodes"), i, node)
	{
		json_array_foreach(json_object_get(node, "interfaces"), j, interface)
		{
			struct tap *tap = &capture->taps[capture->count];
			bool is_switch = strcmp(text(node, "kind"), "switch") == 0;
			pid_t pid = (pid_t)json_integer_value(json_object_get(is_switch ? status : node, "pid"));
			char name[256];

			snprintf(name, sizeof(name), "%s.%s", text(node, "name"), text(interface, "name"));
			if (strcmp(target, name) != 0 && strcmp(target, text(node, "name")) != 0 &&
			    strcmp(target, text(interface, "link")) != 0)
				continue;
			if (!*text(interface, "device") || pid <= 0) {
				elsewhere = true;
				continue;
			}
			if (capture->count == TAPS_MAX)
				return cli_error(EXIT_USAGE, "%s has more than %d interfaces", target, TAPS_MAX);
			snprintf(tap->name, sizeof(tap->name), "%s", name);
			snprintf(tap->link, sizeof(tap->link), "link %s", text(interface, "link"));
			snprintf(tap->device, sizeof(tap->device), "%s", text(interface, "device"));
			tap->pid = pid;
			tap->capture = capture;
			capture->count++;
		}
	}
	if (capture->count)
		return 0;
	if (elsewhere)
		return cli_error(
			EXIT_USAGE,
			"%s has no interface to listen at: simulated nodes have none, nor have wires between two "
			"switches, and a container must run. Capture at another link, or record the run and "
			"`ghostbridge replay --pcap` it, which shows what simulated devices saw",
			target);
	return cli_error(EXIT_USAGE,
			 "experiment '%s' has no link, node or interface '%s'; `ghostbridge status %s` lists them",
			 capture->experiment, target, capture->experiment);
}

/* Begin to listen at one interface; this process is in its namespace afterwards. */
static int listen_at(struct tap *tap)
{
	char path[64], error[PCAP_ERRBUF_SIZE] = "";
	struct bpf_program program;
	int fd, r;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)tap->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0) {
		r = errno;
		if (fd >= 0)
			close(fd);
		return cli_error(EXIT_HOST, "cannot enter the network of %s: %s", tap->name, strerror(r));
	}
	close(fd);
	tap->pcap = pcap_create(tap->device, error);
	if (!tap->pcap)
		return cli_error(EXIT_HOST, "cannot listen at %s: %s", tap->name, error);
	pcap_set_snaplen(tap->pcap, SNAP_SIZE);
	pcap_set_promisc(tap->pcap, 1);
	pcap_set_immediate_mode(tap->pcap, 1);
	pcap_set_buffer_size(tap->pcap, BUFFER_SIZE);
	pcap_set_tstamp_precision(tap->pcap, PCAP_TSTAMP_PRECISION_NANO);
	r = pcap_activate(tap->pcap);
	if (r < 0 || pcap_setnonblock(tap->pcap, 1, error) < 0)
		return cli_error(EXIT_HOST, "cannot listen at %s: %s", tap->name, pcap_geterr(tap->pcap));
	if (!tap->capture->filter)
		return 0;
	if (pcap_compile(tap->pcap, &program, tap->capture->filter, 1, PCAP_NETMASK_UNKNOWN) < 0)
		return cli_error(EXIT_USAGE, "the filter '%s' is wrong: %s", tap->capture->filter,
				 pcap_geterr(tap->pcap));
	r = pcap_setfilter(tap->pcap, &program);
	pcap_freecode(&program);
	return r < 0 ? cli_error(EXIT_HOST, "cannot filter at %s: %s", tap->name, pcap_geterr(tap->pcap)) : 0;
}

static void took(unsigned char *data, const struct pcap_pkthdr *header, const unsigned char *frame)
{
	struct tap *tap = (struct tap *)data;
	struct capture *capture = tap->capture;

	/* With nanosecond precision tv_usec holds nanoseconds. */
	pcapng_packet(&capture->out, (uint32_t)(tap - capture->taps),
		      (uint64_t)header->ts.tv_sec * 1000000000u + (uint64_t)header->ts.tv_usec, frame, header->caplen,
		      0, NULL);
	capture->frames++;
}

static void begin_file(struct capture *capture)
{
	pcapng_section(&capture->out);
	pcapng_option_text(&capture->out, PCAPNG_SHB_USERAPPL, "ghostbridge " GB_VERSION);
	pcapng_end_options(&capture->out);
	pcapng_end(&capture->out);
	for (size_t i = 0; i < capture->count; i++) {
		pcapng_interface(&capture->out, (uint16_t)pcap_datalink(capture->taps[i].pcap), capture->taps[i].name,
				 capture->taps[i].link);
		pcapng_end_options(&capture->out);
		pcapng_end(&capture->out);
	}
}

/* Whole blocks only, at once, so that a reader can follow. Return: 0 or a negative errno. */
static int write_out(struct capture *capture)
{
	size_t done = 0;
	ssize_t n;

	while (done < capture->out.size) {
		n = write(capture->fd, capture->out.data + done, capture->out.size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		done += (size_t)n;
	}
	capture->out.size = 0;
	return 0;
}

/*
 * How long to wait for frames at most, ms; -1: for ever. An interface goes down before it goes away, and only the first
 * wakes whoever waits: libpcap then wants to look again.
 */
static int patience_ms(const struct capture *capture, const struct pollfd *polls)
{
	for (size_t i = 0; i < capture->count; i++)
		if (polls[i].fd >= 0 && pcap_get_required_select_timeout(capture->taps[i].pcap))
			return LOOK_AGAIN_MS;
	return -1;
}

/* Until told to end, or nobody reads, or every interface is gone. Return: exit status. */
static int run(struct capture *capture, int signal_fd)
{
	struct pollfd polls[TAPS_MAX + 2];
	size_t left = capture->count;
	int r;

	for (size_t i = 0; i < capture->count; i++)
		polls[i] = (struct pollfd){.fd = pcap_get_selectable_fd(capture->taps[i].pcap), .events = POLLIN};
	polls[capture->count] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
	polls[capture->count + 1] = (struct pollfd){.fd = capture->fd}; /* POLLERR: the reader has gone */
	while (left > 0) {
		r = write_out(capture);
		if (r == -EPIPE)
			return EXIT_DONE;
		if (r < 0)
			return cli_error(EXIT_HOST, "cannot write: %s", strerror(-r));
		r = poll(polls, capture->count + 2, patience_ms(capture, polls));
		if (r < 0 && errno != EINTR)
			return cli_error(EXIT_HOST, "cannot wait: %s", strerror(errno));
		for (size_t i = 0; i < capture->count; i++) {
			struct tap *tap = &capture->taps[i];

			if (polls[i].fd < 0 || (!polls[i].revents && r != 0))
				continue;
			if (pcap_dispatch(tap->pcap, DISPATCH_MOST, took, (unsigned char *)tap) < 0) {
				polls[i].fd = -1; /* it was removed with its container */
				left--;
			}
		}
		if (polls[capture->count].revents || polls[capture->count + 1].revents & (POLLERR | POLLHUP))
			break;
	}
	r = write_out(capture);
	return r < 0 && r != -EPIPE ? cli_error(EXIT_HOST, "cannot write: %s", strerror(-r)) : EXIT_DONE;
}

static int block_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static char *join(char **args, int count)
{
	size_t size = 1;
	char *all;

	for (int i = 0; i < count; i++)
		size += strlen(args[i]) + 1;
	all = count > 0 ? calloc(1, size) : NULL;
	for (int i = 0; all && i < count; i++) {
		strcat(all, args[i]);
		strcat(all, i + 1 < count ? " " : "");
	}
	return all;
}

static int start(struct capture *capture, const struct options *options)
{
	json_t *status;
	int r, signal_fd;

	if (geteuid() != 0)
		return cli_error(EXIT_HOST, "listening in a lab needs root: try sudo");
	status = client_status(capture->experiment);
	if (!status)
		return cli_error(EXIT_USAGE, "there is no experiment '%s' running; `ghostbridge ls` lists them",
				 capture->experiment);
	r = choose(capture, status, options->args[1]);
	json_decref(status);
	for (size_t i = 0; r == 0 && i < capture->count; i++)
		r = listen_at(&capture->taps[i]);
	if (r)
		return r;
	if (options->write) {
		capture->fd = open(options->write, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (capture->fd < 0)
			return cli_error(EXIT_HOST, "cannot write %s: %s", options->write, strerror(errno));
	} else if (isatty(STDOUT_FILENO)) {
		return cli_error(EXIT_USAGE, "this would write a binary file to the terminal; say -w FILE, or "
					     "`| wireshark -k -i -`");
	}
	signal_fd = block_signals();
	begin_file(capture);
	r = run(capture, signal_fd);
	fprintf(stderr, "%llu frames\n", (unsigned long long)capture->frames);
	return r;
}

static int capture_main(const struct verb *verb, int argc, char **argv)
{
	struct capture *capture;
	struct options options;
	int status = options_parse(verb, argc, argv, "w", 2, -1, &options);

	if (status >= 0)
		return status;
	capture = calloc(1, sizeof(*capture));
	if (!capture)
		return cli_error(EXIT_HOST, "out of memory");
	capture->experiment = options.args[0];
	capture->filter = join(options.args + 2, options.arg_count - 2);
	capture->fd = STDOUT_FILENO;
	status = start(capture, &options);
	for (size_t i = 0; i < capture->count; i++) {
		if (capture->taps[i].pcap)
			pcap_close(capture->taps[i].pcap);
	}
	pcapng_out_done(&capture->out);
	free(capture->filter);
	free(capture);
	return status;
}

const struct verb verb_capture = {
	.name = "capture",
	.usage = "[-w FILE] NAME LINK|NODE|NODE.IF [FILTER]",
	.summary = "Listen at interfaces of a running experiment, as pcapng",
	.help = "  -w, --write FILE  write to a file instead of standard output\n\n"
		"FILTER is one of pcap-filter(7). Ends with SIGINT, with the experiment, or when nobody reads any "
		"more:\n"
		"  ghostbridge capture lab1 lan tcp port 80 | wireshark -k -i -\n"
		"Ports of switches are interfaces, too. Containers hand over long TCP segments that are cut up later, "
		"and\ntheir checksums are not complete yet.\n",
	.main = capture_main,
};
