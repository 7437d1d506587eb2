/* SPDX-License-Identifier: GPL-2.0-only */
/* tap-arrivals.c - see tap-arrivals.h. */
#include "bridge/lab/tap-arrivals.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bridge/arrivals.h"

#define VLAN_TAG_SIZE 4

/* The names are those of linux/filter.h, which the kernel does not hand out. */
#define INSN(op, to, from, offset, value)                                                                              \
	((struct bpf_insn){.code = (op), .dst_reg = (to), .src_reg = (from), .off = (offset), .imm = (value)})
#define MOV(to, from)                INSN(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0)
#define MOV_VALUE(to, value)         INSN(BPF_ALU64 | BPF_MOV | BPF_K, to, 0, 0, value)
#define ADD(to, from)                INSN(BPF_ALU64 | BPF_ADD | BPF_X, to, from, 0, 0)
#define ADD_VALUE(to, value)         INSN(BPF_ALU64 | BPF_ADD | BPF_K, to, 0, 0, value)
#define AND_VALUE(to, value)         INSN(BPF_ALU64 | BPF_AND | BPF_K, to, 0, 0, value)
#define MUL_VALUE(to, value)         INSN(BPF_ALU64 | BPF_MUL | BPF_K, to, 0, 0, value)
#define LOAD_32(to, from, offset)    INSN(BPF_LDX | BPF_MEM | BPF_W, to, from, offset, 0)
#define STORE_64(to, offset, from)   INSN(BPF_STX | BPF_MEM | BPF_DW, to, from, offset, 0)
#define FETCH_ADD_64(at, offset, by) INSN(BPF_STX | BPF_ATOMIC | BPF_DW, at, by, offset, BPF_ADD | BPF_FETCH)
#define SKIP_IF_ZERO(what, count)    INSN(BPF_JMP | BPF_JEQ | BPF_K, what, 0, count, 0)
#define CALL(function)               INSN(BPF_JMP | BPF_CALL, 0, 0, 0, function)
#define EXIT()                       INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
/* Address of a map's only value, in two slots. */
#define MAP_VALUE(to, map_fd) INSN(BPF_LD | BPF_DW | BPF_IMM, to, BPF_PSEUDO_MAP_VALUE, 0, map_fd), INSN(0, 0, 0, 0, 0)

static int load_program(int map_fd)
{
	const struct bpf_insn program[] = {
		MOV(BPF_REG_6, BPF_REG_1),
		LOAD_32(BPF_REG_8, BPF_REG_6, offsetof(struct __sk_buff, len)),
		/* A tag beside the frame is put into it when it is read. */
		LOAD_32(BPF_REG_0, BPF_REG_6, offsetof(struct __sk_buff, vlan_present)),
		SKIP_IF_ZERO(BPF_REG_0, 1),
		ADD_VALUE(BPF_REG_8, VLAN_TAG_SIZE),
		CALL(BPF_FUNC_ktime_get_ns),
		MOV(BPF_REG_9, BPF_REG_0),
		/* The entry is ours before it is written; its frame is queued, and read, only afterwards. */
		MAP_VALUE(BPF_REG_7, map_fd),
		MOV_VALUE(BPF_REG_0, 1),
		FETCH_ADD_64(BPF_REG_7, offsetof(struct arrivals_ring, written), BPF_REG_0),
		AND_VALUE(BPF_REG_0, ARRIVALS_COUNT - 1),
		MUL_VALUE(BPF_REG_0, sizeof(struct arrivals_entry)),
		ADD(BPF_REG_7, BPF_REG_0),
		STORE_64(BPF_REG_7, offsetof(struct arrivals_ring, entries[0].time_ns), BPF_REG_9),
		STORE_64(BPF_REG_7, offsetof(struct arrivals_ring, entries[0].len), BPF_REG_8),
		/* How much of the frame to keep: all. */
		LOAD_32(BPF_REG_0, BPF_REG_6, offsetof(struct __sk_buff, len)),
		EXIT(),
	};
	const size_t count = sizeof(program) / sizeof(*program);
	int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "gb_arrivals", "GPL", program, count, NULL);

	return fd < 0 ? -errno : fd;
}

int tap_note_arrivals(int tap_fd)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	int map_fd, program_fd, err = 0;

	map_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "gb_arrivals", sizeof(uint32_t), sizeof(struct arrivals_ring), 1,
				&options);
	if (map_fd < 0)
		return -errno;
	program_fd = load_program(map_fd);
	if (program_fd < 0)
		err = program_fd;
	else if (ioctl(tap_fd, TUNSETFILTEREBPF, &program_fd))
		err = -errno;
	if (program_fd >= 0)
		close(program_fd); /* the TAP has it */
	if (err) {
		close(map_fd);
		return err;
	}
	return map_fd;
}
