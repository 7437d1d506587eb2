/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_SANDBOX_H
#define GHOST_SANDBOX_H

/**
 * \brief Give up every system call that a running simulation doesn't need.
 *
 * Called once everything is built and all fds are open. A forbidden call ends the process, opening
 * a file merely fails (C++ and ns-3 look for locales and time zones when they print).
 *
 * \return 0 or a negative errno
 */
int SandboxEnter();

#endif /* GHOST_SANDBOX_H */
