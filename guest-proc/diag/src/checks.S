/* Parts of the checks that only assembly can say: rotating registers, deep register stacks, code at privilege level 3. */
#include "layout.h"

	.explicit
	.text

/* u64 register_stack_descent(u64 depth, u64 seed): `depth` frames of 40 registers, each filled from the seed, every
   fifth local a NaT; returns how many were wrong on the way back. With more than two or three frames the RSE must
   spill and fill, NaT collections included. */
	.global	register_stack_descent
	.proc	register_stack_descent
register_stack_descent:
	alloc	loc0 = ar.pfs, 2, 37, 2, 0
	mov	loc1 = b0
	mov	loc2 = ar.unat
	;;
	add	r12 = -32, r12
	;;
	add	r14 = 16, r12
	mov	r15 = -1
	;;
	st8	[r14] = in1
	mov	ar.unat = r15
	;;
	ld8.fill r15 = [r14]		/* a NaT */
	mov	ar.unat = loc2
	.irp	n, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 19, 20, 21, 22, 24, 25, 26, 27, 29, 30, 31, 32, 34, 35, 36
	add	loc\n = \n * 3, in1
	.endr
	;;
	.irp	n, 8, 13, 18, 23, 28, 33
	add	loc\n = \n, r15
	.endr
	mov	loc3 = r0
	cmp.eq	p6, p7 = r0, in0
	;;
(p7)	add	out0 = -1, in0
(p7)	xor	out1 = in0, in1
(p7)	br.call.sptk.many b0 = register_stack_descent
	;;
	cmp.eq	p6, p7 = r0, in0
	;;
(p7)	mov	loc3 = r8
	.irp	n, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 16, 17, 19, 20, 21, 22, 24, 25, 26, 27, 29, 30, 31, 32, 34, 35, 36
	add	r14 = \n * 3, in1
	;;
	cmp.ne	p8, p0 = r14, loc\n
	;;
(p8)	add	loc3 = 1, loc3
	;;
	.endr
	.irp	n, 8, 13, 18, 23, 28, 33
	tnat.z	p8, p0 = loc\n
	;;
(p8)	add	loc3 = 1, loc3
	;;
	.endr
	mov	r8 = loc3
	add	r12 = 32, r12
	mov	ar.pfs = loc0
	mov	b0 = loc1
	;;
	br.ret.sptk.many b0
	;;
	.endp	register_stack_descent

/* u64 rotating_sum(const u64 *words, u64 count): a modulo-scheduled loop of three stages. */
	.global	rotating_sum
	.proc	rotating_sum
rotating_sum:
	alloc	r2 = ar.pfs, 2, 6, 0, 8
	mov	r14 = in0
	add	r15 = -1, in1
	mov	r16 = ar.lc
	mov	r17 = pr
	mov	r8 = r0
	;;
	mov	ar.lc = r15
	mov	ar.ec = 3
	mov	pr.rot = 1 << 16
	;;
0:
(p16)	ld8	r32 = [r14], 8
(p17)	add	r34 = 0, r33
(p18)	add	r8 = r8, r35
	br.ctop.sptk.few 0b
	;;
	mov	ar.lc = r16
	mov	pr = r17, -1
	br.ret.sptk.many b0
	;;
	.endp	rotating_sum

/* u64 rotating_copy(u64 *to, const u64 *from, u64 count): returns ar.ec << 32 | ar.lc after the loop. */
	.global	rotating_copy
	.proc	rotating_copy
rotating_copy:
	alloc	r2 = ar.pfs, 3, 5, 0, 8
	mov	r14 = in0
	mov	r15 = in1
	add	r16 = -1, in2
	mov	r17 = ar.lc
	mov	r18 = pr
	;;
	mov	ar.lc = r16
	mov	ar.ec = 5
	mov	pr.rot = 1 << 16
	;;
0:
(p16)	ld8	r32 = [r15], 8
(p20)	st8	[r14] = r36, 8
	br.ctop.sptk.few 0b
	;;
	mov	r8 = ar.ec
	mov	r9 = ar.lc
	;;
	shl	r8 = r8, 32
	;;
	or	r8 = r8, r9
	mov	ar.lc = r17
	mov	pr = r18, -1
	br.ret.sptk.many b0
	;;
	.endp	rotating_copy

/* u64 while_loop_length(const u8 *text): length of a text by a br.wtop loop. */
	.global	while_loop_length
	.proc	while_loop_length
while_loop_length:
	alloc	r2 = ar.pfs, 1, 7, 0, 8
	mov	r14 = in0
	mov	r18 = pr
	mov	r8 = -1
	;;
	mov	ar.ec = 1
	mov	pr.rot = 1 << 16
	cmp.eq	p6, p0 = r0, r0
	;;
0:	ld1	r15 = [r14], 1
	add	r8 = 1, r8
	;;
	cmp.ne	p6, p0 = r0, r15
	;;
(p6)	br.wtop.sptk.few 0b
	;;
	mov	pr = r18, -1
	br.ret.sptk.many b0
	;;
	.endp	while_loop_length

/* u64 rotating_floats(const double *values, u64 count): bits of the sum, through rotating floating-point registers. */
	.global	rotating_floats
	.proc	rotating_floats
rotating_floats:
	alloc	r2 = ar.pfs, 2, 6, 0, 8
	mov	r14 = in0
	add	r15 = -1, in1
	mov	r16 = ar.lc
	mov	r17 = pr
	mov	f8 = f0
	;;
	mov	ar.lc = r15
	mov	ar.ec = 4
	mov	pr.rot = 1 << 16
	;;
0:
(p16)	ldfd	f32 = [r14], 8
(p19)	fadd.d	f8 = f8, f35
	br.ctop.sptk.few 0b
	;;
	mov	ar.lc = r16
	getf.d	r8 = f8
	mov	pr = r17, -1
	clrrrb
	;;
	br.ret.sptk.many b0
	;;
	.endp	rotating_floats

/* u64 high_float_registers(u64 seed): f32-f127 filled and read back. */
	.global	high_float_registers
	.proc	high_float_registers
high_float_registers:
	alloc	r2 = ar.pfs, 1, 0, 0, 0
	mov	r8 = r0
	.altmacro
	.macro	fill_high n
	add	r14 = \n * 5, in0
	;;
	setf.sig f\n = r14
	.endm
	.macro	read_high n
	getf.sig r15 = f\n
	add	r14 = \n * 5, in0
	;;
	cmp.ne	p6, p0 = r14, r15
	;;
(p6)	add	r8 = 1, r8
	;;
	.endm
	.set	number, 32
	.rept	96
	fill_high %number
	.set	number, number + 1
	.endr
	;;
	.set	number, 32
	.rept	96
	read_high %number
	.set	number, number + 1
	.endr
	.noaltmacro
	br.ret.sptk.many b0
	;;
	.endp	high_float_registers

/* Copied to a page of privilege level 3 and entered by user_call. */
	.align	32
	.global	user_break
user_break:
	break	0x4321
	br.sptk	user_break
	;;
	.align	32
	.global	user_privileged
user_privileged:
	rsm	psr.i
	br.sptk	user_privileged
	;;

/* A function returning a number that the check rewrites: bundle 0 is mov r8 = 0x11, bundle 1 returns. */
	.align	32
	.global	patch_template
	.global	patch_template_end
patch_template:
	{ .mii
	addl	r8 = 0x11, r0
	nop.i	0
	nop.i	0
	;;
	}
	{ .mfb
	nop.m	0
	nop.f	0
	br.ret.sptk.many b0
	;;
	}
	addl	r8 = 0x2222, r0
	br.ret.sptk.many b0
	;;
patch_template_end:

/* u64 step_once(void): returns through the expected single-step trap at step_resume; r8 = 1 if exactly one instruction
   was executed. The caller has set this_cpu()->resume_at to step_resume. */
	.global	step_once
	.proc	step_once
step_once:
	alloc	r14 = ar.pfs, 0, 0, 0, 0
	mov	r15 = psr
	mov	r8 = r0
	movl	r16 = PSR_IT | PSR_BN | (1 << PSR_SS_BIT)
	;;
	rsm	psr.i | psr.ic
	movl	r17 = 0f
	;;
	srlz.i
	dep	r15 = 0, r15, 32, 32
	;;
	or	r15 = r15, r16
	;;
	mov	cr.ipsr = r15
	mov	cr.iip = r17
	mov	cr.ifs = r0
	;;
	rfi
	;;
0:	add	r8 = 1, r8
	;;
	add	r8 = 1, r8
	;;
	add	r8 = 1, r8
	;;
	.global	step_resume
step_resume:
	br.ret.sptk.many b0
	;;
	.endp	step_once
