/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tap-arrivals.h - have the kernel note when frames get into a TAP; shuttle/arrivals.h reads the notes.
 */
#ifndef LAB_TAP_ARRIVALS_H
#define LAB_TAP_ARRIVALS_H

/**
 * tap_note_arrivals() - Run a BPF program on every frame that gets into a TAP
 * @tap_fd:	as tap_open() made it; the program stays as long as the TAP
 *
 * Return: descriptor of the map, which holds one struct arrivals_ring; or a negative errno, as on a kernel before 5.12
 * or where BPF is not allowed (-EPERM)
 */
int tap_note_arrivals(int tap_fd);

#endif /* LAB_TAP_ARRIVALS_H */
