/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * main.c - ghostbridge-shuttle: started by the daemon with its rights already dropped and the control socket as an
 * inherited fd, whose number is the only argument.
 *
 * Exit status: 0 asked to stop, 65 the ghost wrote nonsense (EX_DATAERR), 1 else.
 */
#include <limits.h>
#include <stdlib.h>
#include <sysexits.h>

#include "bridge/shuttle/shuttle.h"

#define HELLO_TIMEOUT_MS 5000

int main(int argc, char **argv)
{
	struct diag diag = {.text = ""};
	struct shuttle *shuttle = NULL;
	struct wire wire;
	char *end;
	long control_fd;
	int r;

	control_fd = argc == 2 ? strtol(argv[1], &end, 10) : -1;
	if (control_fd < 0 || control_fd > INT_MAX || end == argv[1] || *end != '\0') {
		fprintf(stderr, "usage: ghostbridge-shuttle CONTROL-FD (started by ghostbridge, not by hand)\n");
		return EX_USAGE;
	}
	r = wire_attach((int)control_fd, WIRE_ROLE_SHUTTLE, HELLO_TIMEOUT_MS, &wire, &diag);
	if (r < 0) {
		fprintf(stderr, "ghostbridge-shuttle: %s\n", diag.text);
		return r == -EPROTO || r == -EPROTONOSUPPORT ? EX_DATAERR : EXIT_FAILURE;
	}
	r = shuttle_new(&wire, &shuttle);
	if (r == 0)
		r = shuttle_sandbox();
	if (r < 0)
		diag_set(&diag, r, "cannot set up: %s", strerror(-r));
	else
		r = shuttle_run(shuttle, &diag);
	if (r < 0) {
		fprintf(stderr, "ghostbridge-shuttle: %s\n", diag.text);
		wire_say_error(&wire, diag.text);
	}
	shuttle_free(shuttle);
	wire_detach(&wire);
	return r == 0 ? EXIT_SUCCESS : r == -EPROTO ? EX_DATAERR : EXIT_FAILURE;
}
