/* SPDX-License-Identifier: GPL-2.0-only */
/* The containers' init as bytes, so that there is no helper file to be found at run time. */
	.section .rodata
	.global lab_init_blob
	.global lab_init_blob_size
	.balign 16
lab_init_blob:
	.incbin LAB_INIT_PATH
lab_init_blob_end:
	.balign 4
lab_init_blob_size:
	.4byte lab_init_blob_end - lab_init_blob
	.section .note.GNU-stack, "", %progbits
