/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ovs-exec.c - commands in a switch: the tools of Open vSwitch, at this lab's Open vSwitch; and the keys of its secure
 * channels.
 *
 * A switch is no machine to log in to, so a command runs in the lab itself, where it may look at everything (its mounts
 * are read-only), use the network, and do nothing else that root can.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bridge/lab/lab_priv.h"
#include "bridge/lab/ovs.h"
#include "bridge/lab/spawn.h"

#define CAPABILITY_WORDS 2

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[CAPABILITY_WORDS] = {0};
	/* tcpdump becomes another user as soon as it has its socket */
	const uint32_t kept = 1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW | 1u << CAP_SETUID | 1u << CAP_SETGID;

	for (int i = 0; i <= CAP_LAST_CAP; i++)
		if ((i >= 32 || !(kept & 1u << i)) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) && errno != EINVAL)
			return -errno;
	data[0].effective = data[0].permitted = kept;
	if (syscall(SYS_capset, &header, data) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return 0;
}

struct entry {
	const struct lab *lab;
	const struct lab_exec *exec;
};

static int enter(const void *context)
{
	const struct entry *entry = context;
	const char *directory = entry->exec->directory;
	int err = spawn_attach(entry->exec, 0);

	if (!err)
		err = spawn_clean(entry->lab);
	if (!err)
		err = ovs_confine(false);
	if (!err)
		err = spawn_putenv(entry->exec->env);
	if (!err && (!directory || chdir(directory)) && chdir("/"))
		err = -errno;
	return err ? err : drop_capabilities();
}

int ovs_exec(struct lab *lab, const struct lab_exec *exec, pid_t *ret_pid, struct diag *diag)
{
	const struct entry entry = {.lab = lab, .exec = exec};
	int err = spawn(exec->argv, enter, &entry, ret_pid);

	if (err)
		return diag_set(diag, err, "cannot run %s: %s", exec->argv[0], strerror(-err));
	return 0;
}

int lab_switching_exec(struct lab *lab, const struct lab_exec *exec, pid_t *ret_pid, struct diag *diag)
{
	if (!lab->ovs.is_used)
		return diag_set(diag, -ENODEV, "this experiment has no switches");
	return ovs_exec(lab, exec, ret_pid, diag);
}

static int make_key(const char *name, struct diag *diag)
{
	char key[64], request[64], certificate[64], subject[64], text[OVS_TEXT_SIZE];
	const char *ask[] = {"openssl", "req",   "-newkey", "ec",      "-pkeyopt", "ec_paramgen_curve:prime256v1",
			     "-nodes",  "-subj", subject,   "-keyout", key,        "-out",
			     request,   NULL};
	const char *sign[] = {"openssl",
			      "x509",
			      "-req",
			      "-in",
			      request,
			      "-CA",
			      LAB_OVS_PKI "/ca.pem",
			      "-CAkey",
			      LAB_OVS_PKI "/ca.key",
			      "-CAcreateserial",
			      "-days",
			      "30",
			      "-out",
			      certificate,
			      NULL};

	snprintf(key, sizeof(key), LAB_OVS_PKI "/%s.key", name);
	snprintf(request, sizeof(request), LAB_OVS_PKI "/%s.csr", name);
	snprintf(certificate, sizeof(certificate), LAB_OVS_PKI "/%s.pem", name);
	snprintf(subject, sizeof(subject), "/CN=ghostbridge %s", name);
	if (ovs_run(ask, text) || ovs_run(sign, text))
		return diag_set(diag, -EIO, "openssl cannot make a key for %s: %.800s", name, text);
	return 0;
}

/* For the controllers in containers: their key belongs to the containers' root. */
static int share_file(const char *name, struct diag *diag)
{
	char from[128], to[128], data[8192];
	ssize_t size;
	int fd;

	snprintf(from, sizeof(from), LAB_OVS_PKI "/%s", name);
	snprintf(to, sizeof(to), LAB_OVS_PKI_SHARE "/%s", name);
	fd = open(from, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? -1 : read(fd, data, sizeof(data));
	if (fd >= 0)
		close(fd);
	fd = size < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, (size_t)size) != size || fchown(fd, LAB_UID_BASE, LAB_UID_BASE)) {
		if (fd >= 0)
			close(fd);
		return diag_set(diag, -EIO, "cannot copy %s to %s", from, to);
	}
	close(fd);
	return 0;
}

int ovs_make_pki(struct lab *lab, struct diag *diag)
{
	static const char *const authority[] = {"openssl",
						"req",
						"-x509",
						"-newkey",
						"ec",
						"-pkeyopt",
						"ec_paramgen_curve:prime256v1",
						"-nodes",
						"-days",
						"30",
						"-subj",
						"/CN=ghostbridge authority",
						"-keyout",
						LAB_OVS_PKI "/ca.key",
						"-out",
						LAB_OVS_PKI "/ca.pem",
						NULL};
	static const char *const shared[] = {"ca.pem", "controller.pem", "controller.key"};
	char text[OVS_TEXT_SIZE];
	int err = 0;

	(void)lab;
	if (access("/usr/bin/openssl", X_OK))
		return diag_set(diag, -ENOENT, "ssl: controllers need openssl: run `apt-get install openssl`");
	if (mkdir(LAB_OVS_PKI, 0700) || mkdir(LAB_OVS_PKI_SHARE, 0755))
		return diag_set(diag, -errno, "cannot make %s: %s", LAB_OVS_PKI, strerror(errno));
	if (ovs_run(authority, text))
		return diag_set(diag, -EIO, "openssl cannot make an authority: %.800s", text);
	err = make_key("switch", diag);
	if (!err)
		err = make_key("controller", diag);
	for (size_t i = 0; !err && i < sizeof(shared) / sizeof(*shared); i++)
		err = share_file(shared[i], diag);
	return err;
}
