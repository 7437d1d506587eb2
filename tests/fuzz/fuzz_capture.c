/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz_capture.c - any bytes as a capture file, read as a ghost reads it; every frame is rewritten. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bridge/capture/feed.h"
#include "bridge/capture/rewrite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Addresses of the corpus. */
static struct rewrite *make_rewrite(void)
{
	static const uint8_t mac[2][6] = {{2, 0, 0, 0, 0xa, 0xbc}, {2, 0x67, 1, 2, 3, 4}};
	static const uint8_t ip[2][4] = {{192, 0, 2, 1}, {10, 0, 0, 1}};
	static const uint8_t ip6[2][16] = {{0x20, 1, 0xd, 0xb8, [13] = 1, 2, 3}, {0xfd, [15] = 1}};
	struct rewrite *rewrite = rewrite_new();

	if (!rewrite || rewrite_add_mac(rewrite, mac[0], mac[1]) < 0 || rewrite_add_ip(rewrite, 4, ip[0], ip[1]) < 0 ||
	    rewrite_add_ip(rewrite, 16, ip6[0], ip6[1]) < 0)
		abort();
	return rewrite;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Both ways of going through a file. */
	const struct feed_terms terms = {.speed_num = 3,
					 .speed_den = 2,
					 .loop = 2,
					 .gap_ns = 1,
					 .pad = size & 1,
					 .filter = size & 2 ? "ip or ip6 or arp or vlan" : NULL};
	static struct rewrite *rewrite;
	struct feed_frame frame;
	struct diag diag = {""};
	struct feed *feed;
	uint64_t last = 0;
	int fd, r;

	if (!rewrite)
		rewrite = make_rewrite();
	fd = memfd_create("capture", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || feed_open(fd, &terms, &feed, &diag) < 0)
		abort();
	while ((r = feed_next(feed, &frame, &diag)) == 1) {
		if (frame.time_ns < last || frame.len < FEED_FRAME_MIN || frame.len > FEED_FRAME_MAX)
			abort();
		last = frame.time_ns;
		/* In memory of its own size, so that a byte too far is seen. */
		uint8_t *copy = malloc(frame.len);

		if (!copy)
			abort();
		memcpy(copy, frame.data, frame.len);
		rewrite_frame(rewrite, copy, frame.len);
		free(copy);
	}
	if (r < 0 && !diag.text[0])
		abort(); /* a refusal has a reason */
	feed_close(feed);
	close(fd);
	return 0;
}
