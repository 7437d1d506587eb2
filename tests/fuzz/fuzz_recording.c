/* SPDX-License-Identifier: GPL-2.0-only */
/* fuzz_recording.c - any bytes as boundary.pcapng, read as replay and diff read it. */
#include <stdint.h>
#include <stdlib.h>

#include "bridge/record/flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recording recording;
	struct recording_entry entry;
	struct diag diag = {""};
	struct flow_port *flows;
	volatile uint8_t sum = 0;

	if (recording_parse(data, size, &recording, &diag) == 0) {
		while (recording_next(&recording, &entry)) {
			/* Everything that is handed out can be read. */
			for (uint32_t i = 0; i < entry.size; i++)
				sum = (uint8_t)(sum + entry.data[i]);
		}
		flows = calloc(recording.port_count + 1u, sizeof(*flows));
		if (!flows || flow_find(&recording, flows) < 0)
			abort();
		free(flows);
	} else if (!diag.text[0]) {
		abort(); /* a refusal has a reason */
	}
	recording_done(&recording);
	return 0;
}
