/* Calls that C cannot make: firmware conventions, stack switching, and leaving a command by force. */
#include "layout.h"

	.explicit
	.text

	.macro	store_pair first, second
	stf.spill [r22] = \first, 32
	stf.spill [r2] = \second, 32
	;;
	.endm

	.macro	load_pair first, second
	ldf.fill \first = [r22], 32
	ldf.fill \second = [r2], 32
	;;
	.endm

/* struct firmware_result pal_static(entry, index, a1, a2, a3): PAL's static convention (SDM volume 2, 11.10):
   arguments in r28-r31, return address in b0, entered by a branch that makes no frame; psr.i = 0, ar.rsc = 0. */
	.global	pal_static
	.proc	pal_static
pal_static:
	alloc	loc0 = ar.pfs, 5, 4, 0, 0
	mov	loc1 = b0
	mov	loc2 = psr
	mov	loc3 = ar.rsc
	mov	b6 = in0
	mov	r28 = in1
	mov	r29 = in2
	mov	r30 = in3
	mov	r31 = in4
	movl	r8 = 1f
	;;
	rsm	psr.i
	mov	ar.rsc = 0
	mov	b0 = r8
	;;
	br.cond.sptk.many b6
	;;
1:	mov	ar.rsc = loc3
	mov	ar.pfs = loc0
	mov	b0 = loc1
	;;
	mov	psr.l = loc2
	;;
	srlz.d
	br.ret.sptk.many b0
	;;
	.endp	pal_static

/* struct firmware_result firmware_call(entry, gp, const u64 args[8]): the C convention, as SAL, EFI runtime services
   and the stacked PAL procedures (which want their index in r28 as well) have it. */
	.global	firmware_call
	.proc	firmware_call
firmware_call:
	alloc	loc0 = ar.pfs, 3, 3, 8, 0
	mov	loc1 = b0
	mov	loc2 = gp
	add	r15 = 8, in2
	mov	b6 = in0
	;;
	ld8	out0 = [in2], 16
	ld8	out1 = [r15], 16
	;;
	ld8	out2 = [in2], 16
	ld8	out3 = [r15], 16
	;;
	ld8	out4 = [in2], 16
	ld8	out5 = [r15], 16
	;;
	ld8	out6 = [in2]
	ld8	out7 = [r15]
	mov	gp = in1
	;;
	mov	r28 = out0
	br.call.sptk.many b0 = b6
	;;
	mov	gp = loc2
	mov	ar.pfs = loc0
	mov	b0 = loc1
	;;
	br.ret.sptk.many b0
	;;
	.endp	firmware_call

/* Continues at `target` with `psr` (registers). The caller has psr.ic = 0; CFM stays. */
	.macro	change_mode psr, target
	mov	cr.ipsr = \psr
	mov	cr.iip = \target
	mov	cr.ifs = r0
	;;
	rfi
	;;
	.endm

/* struct firmware_result firmware_call_physical(entry, gp, const u64 args[8]): the same in physical mode. Stack and
   backing store keep their memory; only their addresses change. */
	.global	firmware_call_physical
	.proc	firmware_call_physical
firmware_call_physical:
	alloc	loc0 = ar.pfs, 3, 8, 8, 0
	mov	loc1 = b0
	mov	loc2 = gp
	mov	loc3 = psr
	mov	loc4 = ar.rsc
	mov	loc5 = r12
	add	r15 = 8, in2
	;;
	ld8	out0 = [in2], 16
	ld8	out1 = [r15], 16
	;;
	ld8	out2 = [in2], 16
	ld8	out3 = [r15], 16
	;;
	ld8	out4 = [in2], 16
	ld8	out5 = [r15], 16
	;;
	ld8	out6 = [in2]
	ld8	out7 = [r15]
	movl	r14 = 1f
	;;
	tpa	r14 = r14
	tpa	r15 = r12
	;;
	flushrs
	;;
	mov	ar.rsc = 0
	rsm	psr.i | psr.ic
	;;
	mov	loc6 = ar.bspstore
	mov	loc7 = ar.rnat
	srlz.i
	;;
	tpa	r16 = loc6
	movl	r17 = PSR_MODE_BITS
	;;
	andcm	r17 = loc3, r17
	movl	r18 = PSR_BN
	;;
	dep	r17 = 0, r17, 32, 32
	;;
	or	r17 = r17, r18
	mov	ar.bspstore = r16
	;;
	mov	ar.rnat = loc7
	;;
	change_mode r17, r14
1:	mov	r12 = r15
	mov	gp = in1
	mov	b6 = in0
	;;
	br.call.sptk.many b0 = b6
	;;
	flushrs
	;;
	mov	ar.rsc = 0
	rsm	psr.i | psr.ic
	movl	r14 = 2f
	;;
	srlz.i
	mov	ar.bspstore = loc6
	;;
	mov	ar.rnat = loc7
	dep	r17 = 0, loc3, 32, 32
	movl	r18 = PSR_IT | PSR_BN
	;;
	or	r17 = r17, r18
	;;
	change_mode r17, r14
2:	mov	ar.rsc = loc4
	mov	r12 = loc5
	mov	gp = loc2
	mov	ar.pfs = loc0
	mov	b0 = loc1
	;;
	br.ret.sptk.many b0
	;;
	.endp	firmware_call_physical

/* void call_on_stack(void (*function)(void), u64 stack_pointer) */
	.global	call_on_stack
	.proc	call_on_stack
call_on_stack:
	alloc	loc0 = ar.pfs, 2, 3, 0, 0
	mov	loc1 = b0
	mov	loc2 = r12
	ld8	r14 = [in0]
	;;
	mov	b6 = r14
	mov	r12 = in1
	;;
	br.call.sptk.many b0 = b6
	;;
	mov	r12 = loc2
	mov	ar.pfs = loc0
	mov	b0 = loc1
	;;
	br.ret.sptk.many b0
	;;
	.endp	call_on_stack

/* int context_save(struct context *): returns 0, and 1 again whenever context_resume() is called on it.
   The layout of struct context is private to these two: sp, b0, ar.pfs, bsp, ar.rnat, pr, ar.lc, ar.unat, r4-r7 (with
   their NaT bits in the slot after them), b1-b5, f2-f5, f16-f31. */
	.global	context_save
	.proc	context_save
context_save:
	alloc	r14 = ar.pfs, 1, 0, 0, 0
	;;
	flushrs
	mov	r15 = ar.rsc
	add	r2 = 8, in0
	;;
	mov	ar.rsc = 0
	mov	r16 = b0
	mov	r20 = ar.unat
	;;
	mov	r17 = ar.bsp
	mov	r18 = ar.rnat
	mov	r19 = ar.lc
	;;
	mov	ar.rsc = r15
	st8	[in0] = r12, 16
	st8	[r2] = r16, 16
	;;
	st8	[in0] = r14, 16
	st8	[r2] = r17, 16
	mov	r14 = pr
	;;
	st8	[in0] = r18, 16
	st8	[r2] = r14, 16
	;;
	st8	[in0] = r19, 16
	st8	[r2] = r20, 16
	;;
	st8.spill [in0] = r4, 16
	;;
	st8.spill [r2] = r5, 16
	;;
	st8.spill [in0] = r6, 16
	;;
	st8.spill [r2] = r7, 16
	;;
	mov	r14 = ar.unat
	mov	r15 = b1
	;;
	st8	[in0] = r14, 16
	st8	[r2] = r15, 16
	mov	r14 = b2
	mov	r15 = b3
	;;
	mov	ar.unat = r20
	st8	[in0] = r14, 16
	st8	[r2] = r15, 16
	mov	r14 = b4
	mov	r15 = b5
	;;
	st8	[in0] = r14, 16
	st8	[r2] = r15, 24
	;;
	mov	r22 = in0
	;;
	store_pair f2, f3
	store_pair f4, f5
	store_pair f16, f17
	store_pair f18, f19
	store_pair f20, f21
	store_pair f22, f23
	store_pair f24, f25
	store_pair f26, f27
	store_pair f28, f29
	store_pair f30, f31
	mov	r8 = r0
	br.ret.sptk.many b0
	;;
	.endp	context_save

/* void context_resume(const struct context *) */
	.global	context_resume
	.proc	context_resume
context_resume:
	alloc	r14 = ar.pfs, 1, 0, 0, 0
	;;
	mov	r22 = in0
	add	r2 = 8, in0
	mov	r15 = ar.rsc
	;;
	flushrs
	;;
	dep	r16 = 0, r15, 16, 14		/* rsc.loadrs = 0 */
	;;
	dep	r16 = 0, r16, 0, 2
	;;
	mov	ar.rsc = r16
	;;
	alloc	r14 = ar.pfs, 0, 0, 0, 0
	;;
	loadrs
	;;
	ld8	r12 = [r22], 16
	ld8	r16 = [r2], 16			/* b0 */
	;;
	ld8	r14 = [r22], 16			/* ar.pfs */
	ld8	r17 = [r2], 16			/* bsp */
	;;
	ld8	r18 = [r22], 16			/* rnat */
	ld8	r19 = [r2], 16			/* pr */
	mov	ar.bspstore = r17
	;;
	mov	ar.rnat = r18
	ld8	r20 = [r22], 16			/* lc */
	ld8	r21 = [r2], 16			/* unat */
	;;
	mov	ar.rsc = r15
	mov	b0 = r16
	mov	ar.pfs = r14
	add	r23 = 32, r22
	;;
	ld8	r14 = [r23]			/* NaT bits of r4-r7 */
	mov	ar.lc = r20
	mov	pr = r19, -1
	;;
	mov	ar.unat = r14
	;;
	ld8.fill r4 = [r22], 16
	ld8.fill r5 = [r2], 16
	;;
	ld8.fill r6 = [r22], 32
	ld8.fill r7 = [r2], 16
	;;
	ld8	r15 = [r2], 16			/* b1 */
	ld8	r14 = [r22], 16			/* b2 */
	mov	ar.unat = r21
	;;
	mov	b1 = r15
	mov	b2 = r14
	ld8	r15 = [r2], 16			/* b3 */
	ld8	r14 = [r22], 16			/* b4 */
	;;
	mov	b3 = r15
	mov	b4 = r14
	ld8	r15 = [r2], 24			/* b5 */
	;;
	mov	b5 = r15
	load_pair f2, f3
	load_pair f4, f5
	load_pair f16, f17
	load_pair f18, f19
	load_pair f20, f21
	load_pair f22, f23
	load_pair f24, f25
	load_pair f26, f27
	load_pair f28, f29
	load_pair f30, f31
	mov	r8 = 1
	br.ret.sptk.many b0
	;;
	.endp	context_resume

/* void user_call(u64 entry): runs code at privilege level 3 in this frame. It comes back when an expected fault
   resumes at user_return. */
	.global	user_call
	.proc	user_call
user_call:
	alloc	r14 = ar.pfs, 1, 0, 0, 0
	mov	r15 = psr
	;;
	rsm	psr.i | psr.ic
	movl	r16 = PSR_IT | PSR_BN | PSR_CPL3
	;;
	srlz.i
	dep	r15 = 0, r15, 32, 32
	;;
	or	r15 = r15, r16
	;;
	change_mode r15, in0
	.global	user_return
user_return:
	br.ret.sptk.many b0
	;;
	.endp	user_call

/* A bundle with a reserved template. */
	.global	illegal_instruction
	.proc	illegal_instruction
	.align	16
illegal_instruction:
	data8	0x06, 0x00
	.global	illegal_return
illegal_return:
	br.ret.sptk.many b0
	;;
	.endp	illegal_instruction
