/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * feed.c - see feed.h.
 *
 * A pass is one reading of the file by one pcap_t. libpcap cannot rewind, so every pass has a pcap_t of its own, on a
 * stdio stream of ours over the same descriptor: that closing it closes nothing is what lets us begin again without
 * opening anything.
 */
#include "bridge/capture/feed.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SNAPLEN    262144              /* libpcap's own limit for Ethernet */
#define TIME_MAX   (UINT64_C(1) << 62) /* ns; 146 years */
#define NS_PER_S   UINT64_C(1000000000)
#define EDITS_HINT "; sort the file: reordercap IN OUT"

struct feed {
	int fd;
	struct feed_terms terms; /* without the filter's text */
	struct bpf_program program;
	bool has_program;
	bool over;
	pcap_t *pcap;     /* NULL: before a pass */
	uint32_t passes;  /* begun */
	uint64_t base_ns; /* where the present pass begins */
	/* of the present pass */
	struct feed_summary seen;
	int64_t first_s;
	uint64_t first_ns;
	uint8_t frame[FEED_FRAME_MAX + 1];
};

static int compile(const char *filter, struct bpf_program *ret, struct diag *diag)
{
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, SNAPLEN);
	int r = 0;

	if (!dead)
		return diag_set(diag, -ENOMEM, "out of memory");
	if (pcap_compile(dead, ret, filter, 1, PCAP_NETMASK_UNKNOWN) < 0)
		r = diag_set(diag, -EINVAL, "%s", pcap_geterr(dead));
	pcap_close(dead);
	return r;
}

int feed_compile(const char *filter, struct diag *diag)
{
	struct bpf_program program;
	int r = compile(filter, &program, diag);

	if (r == 0)
		pcap_freecode(&program);
	return r;
}

int feed_open(int fd, const struct feed_terms *terms, struct feed **ret, struct diag *diag)
{
	struct feed *feed = calloc(1, sizeof(*feed));
	int r = 0;

	if (!feed)
		return diag_set(diag, -ENOMEM, "out of memory");
	feed->fd = fd;
	feed->terms = *terms;
	feed->terms.filter = NULL;
	feed->base_ns = terms->start_ns;
	if (terms->filter)
		r = compile(terms->filter, &feed->program, diag);
	feed->has_program = terms->filter && r == 0;
	if (r < 0)
		feed_close(feed);
	else
		*ret = feed;
	return r;
}

static ssize_t cookie_read(void *cookie, char *buf, size_t size)
{
	const struct feed *feed = cookie;
	ssize_t n;

	do
		n = read(feed->fd, buf, size);
	while (n < 0 && errno == EINTR);
	return n;
}

static int cookie_seek(void *cookie, off64_t *offset, int whence)
{
	const struct feed *feed = cookie;
	off_t at = lseek(feed->fd, *offset, whence);

	if (at < 0)
		return -1;
	*offset = at;
	return 0;
}

static int begin_pass(struct feed *feed, struct diag *diag)
{
	static const cookie_io_functions_t functions = {.read = cookie_read, .seek = cookie_seek};
	char error[PCAP_ERRBUF_SIZE] = "";
	FILE *stream;
	int type;

	if (lseek(feed->fd, 0, SEEK_SET) < 0)
		return diag_set(diag, -errno, "cannot be read from the beginning: %s", strerror(errno));
	stream = fopencookie(feed, "r", functions);
	if (!stream)
		return diag_set(diag, -ENOMEM, "out of memory");
	feed->pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, error);
	if (!feed->pcap) {
		fclose(stream);
		return diag_set(diag, -EINVAL,
				"is no capture that libpcap can read (%s); write one with `tcpdump -w` or "
				"`ghostbridge capture -w`",
				error);
	}
	type = pcap_datalink(feed->pcap);
	if (type != DLT_EN10MB) {
		const char *name = pcap_datalink_val_to_name(type);

		return diag_set(
			diag, -EINVAL,
			"has frames of link type %d%s%s%s, and links carry Ethernet (1, EN10MB); capture on one "
			"Ethernet interface (tcpdump -i eth0), or convert it: tcprewrite --dlt=enet",
			type, name ? " (" : "", name ? name : "", name ? ")" : "");
	}
	feed->passes++;
	memset(&feed->seen, 0, sizeof(feed->seen));
	return 0;
}

/* @ns of the file in simulated time. Return: false if that is beyond all times. */
static bool scale(const struct feed *feed, uint64_t ns, uint64_t *ret)
{
	unsigned __int128 scaled = (unsigned __int128)ns * feed->terms.speed_den / feed->terms.speed_num;

	*ret = (uint64_t)scaled;
	return scaled < TIME_MAX;
}

/* Nanoseconds since the file's first frame. */
static int offset_of(struct feed *feed, const struct pcap_pkthdr *header, uint64_t *ret, struct diag *diag)
{
	int64_t seconds = header->ts.tv_sec;
	__int128 offset;

	if (header->ts.tv_usec < 0 || (uint64_t)header->ts.tv_usec >= NS_PER_S)
		return diag_set(diag, -EINVAL, "frame %llu: its time stamp is none: the fraction is a second or more",
				(unsigned long long)feed->seen.frames);
	if (feed->seen.frames == 1) {
		feed->first_s = seconds;
		feed->first_ns = (uint64_t)header->ts.tv_usec;
	}
	offset = ((__int128)seconds - feed->first_s) * (int64_t)NS_PER_S + header->ts.tv_usec - (int64_t)feed->first_ns;
	if (offset < (__int128)feed->seen.duration_ns) {
		double back_s = (double)((__int128)feed->seen.duration_ns - offset) / 1e9;

		return diag_set(diag, -EINVAL, "frame %llu is %.9f s earlier than the one before" EDITS_HINT,
				(unsigned long long)feed->seen.frames, back_s);
	}
	if (offset >= (__int128)TIME_MAX)
		return diag_set(diag, -ERANGE,
				"frame %llu comes more than a hundred years after the first; cut the "
				"file: editcap -A START -B STOP IN OUT",
				(unsigned long long)feed->seen.frames);
	*ret = (uint64_t)offset;
	return 0;
}

/* Fill feed->frame with a frame that passed the filter. */
static int take(struct feed *feed, const struct pcap_pkthdr *header, const uint8_t *data, struct diag *diag)
{
	unsigned long long number = feed->seen.frames;

	if (header->len < FEED_FRAME_MIN)
		return diag_set(diag, -EINVAL,
				"frame %llu has %u bytes, less than an Ethernet header; leave it out "
				"with filter: greater %d",
				number, header->len, FEED_FRAME_MIN);
	if (header->len > FEED_FRAME_MAX)
		return diag_set(diag, -EINVAL,
				"frame %llu has %u bytes, more than any link carries: the capturing host had put "
				"segments together; switch that off there (ethtool -K eth0 gro off tso off), or leave "
				"them out with filter: less 1514",
				number, header->len);
	if (header->caplen < header->len && !feed->terms.pad)
		return diag_set(diag, -EINVAL,
				"frame %llu was captured in part, %u of %u bytes; capture whole frames (tcpdump -s 0), "
				"or have them filled up with zeros: truncated: pad",
				number, header->caplen, header->len);
	memcpy(feed->frame, data, header->caplen < header->len ? header->caplen : header->len);
	if (header->caplen < header->len)
		memset(feed->frame + header->caplen, 0, header->len - header->caplen);
	return 0;
}

/* The file has ended. Return: 1 to go on with another pass, 0, or an error. */
static int end_pass(struct feed *feed, struct diag *diag)
{
	uint64_t length;

	pcap_close(feed->pcap);
	feed->pcap = NULL;
	if (!feed->seen.frames)
		return diag_set(diag, -ENODATA, "has no frames; capture some");
	if (!feed->seen.passed)
		return diag_set(diag, -ENODATA,
				"has %llu frames, none of which passes the filter; change one or the "
				"other",
				(unsigned long long)feed->seen.frames);
	if (feed->passes == feed->terms.loop)
		return 0;
	if (!scale(feed, feed->seen.duration_ns, &length))
		return diag_set(diag, -ERANGE, "takes more than a hundred years at this speed");
	length += feed->terms.gap_ns;
	if (!length)
		return diag_set(
			diag, -EINVAL,
			"takes no time, so that all passes would come at once; give them a distance: gap: 10ms");
	if (length > TIME_MAX - feed->base_ns)
		return 0; /* nobody will be there to see the next */
	feed->base_ns += length;
	return 1;
}

static int next(struct feed *feed, struct feed_frame *ret, struct diag *diag)
{
	struct pcap_pkthdr *header;
	const uint8_t *data;
	uint64_t offset = 0, at;
	int r;

	for (;;) {
		r = feed->pcap ? 0 : begin_pass(feed, diag);
		if (r < 0)
			return r;
		r = pcap_next_ex(feed->pcap, &header, &data);
		if (r == PCAP_ERROR_BREAK) {
			r = end_pass(feed, diag);
			if (r <= 0)
				return r;
			continue;
		}
		if (r != 1)
			return diag_set(
				diag, -EINVAL,
				"is damaged after frame %llu (%s); copy what is whole: editcap -r IN OUT 1-%llu",
				(unsigned long long)feed->seen.frames, pcap_geterr(feed->pcap),
				(unsigned long long)feed->seen.frames);
		feed->seen.frames++;
		r = offset_of(feed, header, &offset, diag);
		if (r < 0)
			return r;
		feed->seen.duration_ns = offset;
		if (feed->has_program && !pcap_offline_filter(&feed->program, header, data))
			continue;
		r = take(feed, header, data, diag);
		if (r < 0)
			return r;
		if (!scale(feed, offset, &at) || at > TIME_MAX - feed->base_ns)
			return diag_set(diag, -ERANGE, "frame %llu comes after more than a hundred years at this speed",
					(unsigned long long)feed->seen.frames);
		feed->seen.passed++;
		if (header->len > feed->seen.longest)
			feed->seen.longest = header->len;
		*ret = (struct feed_frame){.time_ns = feed->base_ns + at, .len = header->len, .data = feed->frame};
		return 1;
	}
}

int feed_next(struct feed *feed, struct feed_frame *ret, struct diag *diag)
{
	int r = feed->over ? 0 : next(feed, ret, diag);

	feed->over = r <= 0;
	return r;
}

struct feed_summary feed_seen(const struct feed *feed)
{
	return feed->seen;
}

void feed_close(struct feed *feed)
{
	if (!feed)
		return;
	if (feed->pcap)
		pcap_close(feed->pcap);
	if (feed->has_program)
		pcap_freecode(&feed->program);
	free(feed);
}
