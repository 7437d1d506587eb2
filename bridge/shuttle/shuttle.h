/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shuttle.h - the data path between the TAPs and one ghost: one thread, one epoll loop.
 *
 * Started by the daemon with a control socket; it attaches to the wire, gets the TAPs, and holds nothing else. The loop
 * reads the TAPs that have frames, drains the rings the inbox points at, writes frames when they are due, and sleeps in
 * epoll_pwait2 until a TAP, the doorbell, the control socket or the next due time.
 */
#ifndef SHUTTLE_SHUTTLE_H
#define SHUTTLE_SHUTTLE_H

#include "bridge/shuttle/port.h"

struct shuttle;

/**
 * shuttle_new() - Set the loop up on an attached wire
 * @wire:	borrowed until shuttle_free()
 *
 * Return: 0 or a negative errno
 */
int shuttle_new(struct wire *wire, struct shuttle **ret);
void shuttle_free(struct shuttle *shuttle);

/**
 * shuttle_run() - Say READY, wait for START, move frames until STOP
 *
 * Return: 0 after STOP, -EPROTO when the ghost wrote nonsense (@diag names the port), another negative errno when the
 * daemon is gone
 */
int shuttle_run(struct shuttle *shuttle, struct diag *diag);

/** shuttle_sandbox() - Forbid every system call that shuttle_run() does not need. Return: 0 or a negative errno. */
int shuttle_sandbox(void);

#endif /* SHUTTLE_SHUTTLE_H */
