/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shell.c - ghostbridge shell: an interactive shell in a container, on a pseudo-terminal of our own.
 *
 * The container gets only the slave end of a terminal that we made: it can neither push characters into the user's
 * terminal nor change its settings. We relay bytes and the window's size.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "bridge/cli/cli.h"

#define SHELL_COMMAND "if command -v bash >/dev/null 2>&1; then exec bash \"$@\"; fi; exec sh \"$@\""

static struct termios saved_mode;
static bool mode_is_saved;

static void restore_mode(void)
{
	if (mode_is_saved)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved_mode);
	mode_is_saved = false;
}

/* For the signals that would end us before atexit: put the terminal right, then end as we would have. */
static void restore_and_end(int sig)
{
	restore_mode();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void raw_mode(void)
{
	static const int fatal[] = {SIGQUIT, SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
	struct termios raw;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &saved_mode) < 0)
		return;
	mode_is_saved = true;
	atexit(restore_mode);
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		signal(fatal[i], restore_and_end);
	raw = saved_mode;
	cfmakeraw(&raw);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

static void copy_size(int master_fd)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		ioctl(master_fd, TIOCSWINSZ, &size);
}

static bool write_all(int fd, const char *data, ssize_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, data, (size_t)size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		size -= n;
	}
	return true;
}

/* Everything the shell wrote before it ended. */
static void drain(int master_fd)
{
	char buffer[4096];
	ssize_t n;

	fcntl(master_fd, F_SETFL, O_NONBLOCK);
	while ((n = read(master_fd, buffer, sizeof(buffer))) > 0)
		write_all(STDOUT_FILENO, buffer, n);
}

static int relay(int fd, int master_fd, int signal_fd)
{
	struct pollfd polls[4] = {{.fd = STDIN_FILENO, .events = POLLIN},
				  {.fd = master_fd, .events = POLLIN},
				  {.fd = signal_fd, .events = POLLIN},
				  {.fd = fd, .events = POLLIN}};
	struct signalfd_siginfo info;
	char buffer[4096];
	int status;
	ssize_t n;

	for (;;) {
		if (poll(polls, 4, -1) < 0 && errno != EINTR)
			return EXIT_HOST;
		if (polls[0].revents) {
			n = read(STDIN_FILENO, buffer, sizeof(buffer));
			if (n <= 0)
				return 128 + SIGHUP;
			write_all(master_fd, buffer, n);
		}
		if (polls[1].revents) {
			n = read(master_fd, buffer, sizeof(buffer));
			if (n > 0)
				write_all(STDOUT_FILENO, buffer, n);
			else
				polls[1].fd = -1; /* EIO: nobody has the slave any more */
		}
		if (polls[2].revents && read(signal_fd, &info, sizeof(info)) == sizeof(info)) {
			if (info.ssi_signo == SIGWINCH)
				copy_size(master_fd);
			else
				return 128 + (int)info.ssi_signo; /* the daemon hangs the shell up */
		}
		if (polls[3].revents) {
			json_t *answer = client_receive(fd, 1000);

			if (json_object_get(answer, "exit"))
				drain(master_fd);
			status = answer && !json_object_get(answer, "error") ? -1 : 0;
			if (status == 0)
				restore_mode(); /* before the message */
			status = client_answer_exit(answer);
			json_decref(answer);
			if (status >= 0)
				return status;
		}
	}
}

static int open_terminal(int *ret_slave_fd)
{
	int master_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char name[64];

	if (master_fd < 0)
		return -errno;
	if (grantpt(master_fd) < 0 || unlockpt(master_fd) < 0 || ptsname_r(master_fd, name, sizeof(name)) != 0 ||
	    (*ret_slave_fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) {
		close(master_fd);
		return -EIO;
	}
	return master_fd;
}

static int shell_main(const struct verb *verb, int argc, char **argv)
{
	struct options options;
	int status = options_parse(verb, argc, argv, "", 2, 2, &options);
	const char *term = getenv("TERM");
	int fd, master_fd, slave_fd = -1;
	char term_env[128];
	sigset_t set;
	json_t *request;

	if (status >= 0)
		return status;
	if (!isatty(STDIN_FILENO)) /* commands from a file or pipe: a terminal would only mangle them */
		return client_exec(options.args[0], options.args[1], json_pack("[s,s,s]", "sh", "-c", SHELL_COMMAND));
	fd = client_connect(options.args[0]);
	if (fd < 0)
		return -fd;
	master_fd = open_terminal(&slave_fd);
	if (master_fd < 0)
		return cli_error(EXIT_HOST, "cannot make a terminal: %s", strerror(-master_fd));
	copy_size(master_fd);
	snprintf(term_env, sizeof(term_env), "TERM=%s", term && *term ? term : "linux");
	request = json_pack("{s:s,s:s,s:[s,s,s,s,s],s:[s],s:b}", "verb", "exec", "node", options.args[1], "argv", "sh",
			    "-c", SHELL_COMMAND, "sh", "-i", "env", term_env, "terminal", 1);
	if (client_send(fd, request, (const int[]){slave_fd, slave_fd, slave_fd}) < 0)
		return cli_error(EXIT_HOST, "experiment '%s' does not take requests", options.args[0]);
	close(slave_fd);
	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raw_mode();
	status = relay(fd, master_fd, signalfd(-1, &set, SFD_CLOEXEC));
	restore_mode();
	close(master_fd);
	close(fd);
	return status;
}

const struct verb verb_shell = {
	.name = "shell",
	.usage = "NAME NODE",
	.summary = "Open an interactive shell in a container",
	.help = "bash where the container has it, else sh. Its exit status is ours. When stdin is not a terminal,\n"
		"commands are read from it.\n",
	.main = shell_main,
};
