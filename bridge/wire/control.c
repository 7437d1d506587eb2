/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * control.c - the control socket of a wire: fixed-size messages, some with fds, over SOCK_SEQPACKET.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "bridge/wire/wire.h"

#define CONTROL_FDS_MAX 8

struct wire_msg wire_msg_make(enum wire_msg_type type)
{
	struct wire_msg msg;

	memset(&msg, 0, sizeof(msg));
	msg.magic = WIRE_MAGIC;
	msg.version = WIRE_VERSION;
	msg.type = type;
	return msg;
}

int wire_msg_send(int control_fd, const struct wire_msg *msg, const int *fds, size_t fd_count)
{
	union {
		char buffer[CMSG_SPACE(sizeof(int) * CONTROL_FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = (void *)msg, .iov_len = sizeof(*msg)};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cmsg;
	ssize_t n;

	if (fd_count > CONTROL_FDS_MAX)
		return -EINVAL;
	if (fd_count > 0) {
		memset(&control, 0, sizeof(control));
		header.msg_control = control.buffer;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		cmsg = CMSG_FIRSTHDR(&header);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * fd_count);
	}
	do {
		n = sendmsg(control_fd, &header, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Hand out up to *@fd_count of the fds that came and close the rest. */
static void take_fds(struct msghdr *header, int *ret_fds, size_t *fd_count)
{
	size_t room = ret_fds ? *fd_count : 0, taken = 0;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(header); cmsg; cmsg = CMSG_NXTHDR(header, cmsg)) {
		size_t count;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
			if (taken < room)
				ret_fds[taken++] = fd;
			else
				close(fd);
		}
	}
	if (ret_fds)
		*fd_count = taken;
}

int wire_msg_receive(int control_fd, struct wire_msg *ret, int *ret_fds, size_t *fd_count)
{
	union {
		char buffer[CMSG_SPACE(sizeof(int) * CONTROL_FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct wire_msg msg;
	struct iovec iov = {.iov_base = &msg, .iov_len = sizeof(msg)};
	struct msghdr header = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buffer, .msg_controllen = sizeof(control)};
	size_t asked = fd_count ? *fd_count : 0;
	ssize_t n;
	int r = 0;

	do {
		n = recvmsg(control_fd, &header, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	take_fds(&header, ret_fds, fd_count);
	if (n == 0)
		r = -ECONNRESET;
	else if (n < 16 || msg.magic != WIRE_MAGIC)
		r = -EPROTO;
	else if (msg.version != WIRE_VERSION)
		r = -EPROTONOSUPPORT;
	else if (n != sizeof(msg) || (header.msg_flags & MSG_TRUNC) || !memchr(msg.text, '\0', sizeof(msg.text)))
		r = -EPROTO;
	if (r < 0) {
		for (size_t i = 0; fd_count && ret_fds && i < *fd_count; i++) {
			close(ret_fds[i]);
			ret_fds[i] = -1;
		}
		if (fd_count)
			*fd_count = ret_fds ? 0 : asked;
		return r;
	}
	*ret = msg;
	return 0;
}

static int socket_at(const char *path, struct sockaddr_un *ret_address)
{
	int fd;

	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(ret_address->sun_path))
		return -ENAMETOOLONG;
	strcpy(ret_address->sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

int wire_connect(const char *path)
{
	struct sockaddr_un address;
	int fd, r;

	fd = socket_at(path, &address);
	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int wire_listen(const char *path)
{
	struct sockaddr_un address;
	int fd, r;

	fd = socket_at(path, &address);
	if (fd < 0)
		return fd;
	if ((unlink(path) < 0 && errno != ENOENT) || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 4) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int wire_say(const struct wire *wire, enum wire_msg_type type, uint64_t value)
{
	struct wire_msg msg = wire_msg_make(type);

	msg.value[0] = value;
	return wire_msg_send(wire->control_fd, &msg, NULL, 0);
}

void wire_say_error(const struct wire *wire, const char *text)
{
	struct wire_msg msg = wire_msg_make(WIRE_MSG_ERROR);

	snprintf(msg.text, sizeof(msg.text), "%s", text);
	/* The daemon sees the socket close anyway; the text is a courtesy. */
	wire_msg_send(wire->control_fd, &msg, NULL, 0);
}
