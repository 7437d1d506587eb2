/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GHOST_SANDBOX_H
#define GHOST_SANDBOX_H

/// Whose simulation is about to run.
enum SandboxKind
{
    SANDBOX_GHOST,  ///< ns3-ghost: what it does not need ends it
    SANDBOX_PROGRAM ///< a user's own program: that fails instead; files may be opened and written
};

/**
 * \brief Take the page faults of program and libraries now, not with the first frames.
 */
void PopulateMemory();

/**
 * \brief Give up every system call that a running simulation doesn't need.
 *
 * Called once everything is built and all fds are open. In ns3-ghost a forbidden call ends the
 * process, opening a file merely fails (C++ and ns-3 look for locales and time zones when they
 * print). A user's own program keeps threads and files (traces, statistics) as its user may have
 * them; everything else fails with EPERM: sockets, other programs, mounts, tracing.
 *
 * \param kind whose
 * \return 0 or a negative errno
 */
int SandboxEnter(SandboxKind kind);

#endif /* GHOST_SANDBOX_H */
