/* The interruption vector table. TLB misses are answered here, in bank 0 with interruption collection off; everything
   else saves a frame and goes to interruption() in C.

   Conventions while psr.ic = 0: r31 = predicates, r30 = vector; memory touched is the image's (translation registers),
   the one exception being the VHPT read of a TLB miss, which may nest and is resumed in physical mode.
   Kernel registers: ar.k1 = first VHPT address of the test region, ar.k2 = physical address of its table. */
#include "layout.h"

	.explicit
	.section .text.ivt, "ax", @progbits
	.align	32768
	.global	interruption_table
interruption_table:

	.macro	vector offset
	.org	interruption_table + \offset
	mov	r31 = pr
	addl	r30 = \offset, r0
	br.sptk	interruption_common
	;;
	.endm

	.macro	count field
	add	r20 = \field, r13
	;;
	ld8	r21 = [r20]
	;;
	add	r21 = 1, r21
	;;
	st8	[r20] = r21
	.endm

/* VHPT translation: the walker's own reference missed. Map the page of the table and try again. */
	.org	interruption_table + 0x0000
	mov	r31 = pr
	mov	r16 = cr.iha
	mov	r17 = ar.k1
	;;
	sub	r18 = r16, r17
	movl	r19 = TEST_TABLE_SIZE
	;;
	cmp.ltu	p6, p7 = r18, r19
	mov	r30 = r0
(p7)	br.cond.spnt interruption_common
	;;
	dep	r18 = 0, r18, 0, TEST_PAGE_SHIFT
	mov	r17 = ar.k2
	movl	r19 = PTE_KERNEL
	;;
	add	r18 = r18, r17
	mov	cr.ifa = r16
	mov	r17 = TEST_PAGE_SHIFT << 2
	;;
	or	r18 = r18, r19
	mov	cr.itir = r17
	;;
	count	CPU_VHPT_FAULTS
	;;
	itc.d	r18
	mov	pr = r31, -1
	;;
	rfi
	;;

/* Instruction and data TLB miss in the test region: the walker did not find or did not want the entry. */
	.macro	table_miss offset, insert, counter
	.org	interruption_table + \offset
	mov	r31 = pr
	mov	r17 = cr.iha
	mov	r18 = ar.k1
	;;
	sub	r18 = r17, r18
	movl	r19 = TEST_TABLE_SIZE
	;;
	cmp.ltu	p6, p7 = r18, r19
	addl	r30 = \offset, r0
(p7)	br.cond.spnt interruption_common
	;;
	mov	r29 = b0
	mov	r16 = cr.ifa
	movl	r30 = 0f
	;;
0:	ld8	r18 = [r17]		/* may go through the nested vector, which makes r17 physical */
	;;
	count	\counter
	;;
	\insert	r18
	;;
	srlz.d
	;;
	ld8	r19 = [r17]		/* changed meanwhile by another processor? then it was purged too early */
	mov	r20 = TEST_PAGE_SHIFT << 2
	;;
	cmp.ne	p6, p0 = r18, r19
	;;
(p6)	ptc.l	r16, r20
	mov	b0 = r29
	mov	pr = r31, -1
	;;
	rfi
	;;
	.endm

	table_miss 0x0400, itc.i, CPU_ITLB_MISSES
	table_miss 0x0800, itc.d, CPU_DTLB_MISSES

/* Alternate instruction TLB: firmware code in region 7. */
	.org	interruption_table + 0x0c00
	mov	r31 = pr
	mov	r16 = cr.ifa
	movl	r17 = PTE_PPN_MASK
	;;
	shr.u	r18 = r16, 61
	mov	r19 = cr.ipsr
	addl	r30 = 0x0c00, r0
	;;
	extr.u	r19 = r19, 32, 2
	and	r17 = r16, r17
	movl	r20 = PTE_KERNEL
	;;
	cmp.ne	p6, p0 = 7, r18
	cmp.ne	p7, p0 = r0, r19
	or	r17 = r17, r20
(p6)	br.cond.spnt interruption_common
(p7)	br.cond.spnt interruption_common
	;;
	count	CPU_IDENTITY_CODE
	;;
	itc.i	r17
	mov	pr = r31, -1
	;;
	rfi
	;;

/* Alternate data TLB: the identity regions. A speculative load or lfetch.fault is deferred instead: its address may be
   anything. */
	.org	interruption_table + 0x1000
	mov	r31 = pr
	mov	r16 = cr.ifa
	movl	r17 = PTE_PPN_MASK
	;;
	shr.u	r18 = r16, 61
	mov	r19 = cr.ipsr
	addl	r30 = 0x1000, r0
	;;
	extr.u	r22 = r19, 32, 2
	mov	r21 = cr.isr
	movl	r20 = PTE_KERNEL
	;;
	cmp.gtu	p6, p0 = 6, r18
	cmp.ne	p7, p0 = r0, r22
	and	r17 = r16, r17
(p6)	br.cond.spnt interruption_common
(p7)	br.cond.spnt interruption_common
	;;
	cmp.eq	p8, p0 = 6, r18
	tbit.nz	p9, p0 = r21, ISR_SP_BIT
	tbit.nz	p10, p11 = r21, ISR_NA_BIT
	;;
(p8)	movl	r20 = PTE_KERNEL_UC
	and	r22 = 0xf, r21
	;;
(p10)	cmp.eq	p9, p11 = 4, r22	/* non-access by lfetch */
	or	r17 = r17, r20
	dep	r19 = -1, r19, PSR_ED_BIT, 1
	;;
	count	CPU_IDENTITY_DATA
	;;
(p9)	mov	cr.ipsr = r19
(p9)	br.cond.spnt 1f
	;;
	itc.d	r17
1:	mov	pr = r31, -1
	;;
	rfi
	;;

/* Data nested TLB: only the VHPT read above comes here. The entry is in the table at a known physical address. */
	.org	interruption_table + 0x1400
	rsm	psr.dt
	mov	r18 = ar.k1
	mov	r19 = ar.k2
	;;
	srlz.d
	sub	r17 = r17, r18
	mov	b0 = r30
	;;
	add	r17 = r17, r19
	br.sptk.many b0
	;;

	vector	0x1800
	vector	0x1c00
	vector	0x2000
	vector	0x2400
	vector	0x2800
	vector	0x2c00
	vector	0x3000
	vector	0x3400
	vector	0x3800
	vector	0x3c00
	vector	0x4000
	vector	0x4400
	vector	0x4800
	vector	0x4c00
	vector	0x5000
	vector	0x5100
	vector	0x5200
	vector	0x5300
	vector	0x5400
	vector	0x5500
	vector	0x5600
	vector	0x5700
	vector	0x5800
	vector	0x5900
	vector	0x5a00
	vector	0x5b00
	vector	0x5c00
	vector	0x5d00
	vector	0x5e00
	vector	0x5f00
	vector	0x6000
	vector	0x6100
	vector	0x6200
	vector	0x6300
	vector	0x6400
	vector	0x6500
	vector	0x6600
	vector	0x6700
	vector	0x6800
	vector	0x6900
	vector	0x6a00
	vector	0x6b00
	.org	interruption_table + 0x8000

/* Saves struct frame on the stack and calls interruption(frame). In: r31 = predicates, r30 = vector. */
	.proc	interruption_common
interruption_common:
	mov	r29 = cr.ipsr
	mov	r28 = cr.iip
	mov	r27 = ar.pfs
	;;
	cover
	;;
	mov	r26 = cr.ifs
	mov	r25 = ar.unat
	add	r17 = CPU_STACK_LIMIT, r13
	add	r18 = CPU_STACK_TOP, r13
	add	r19 = CPU_EMERGENCY_TOP, r13
	;;
	ld8	r17 = [r17]
	ld8	r18 = [r18]
	ld8	r19 = [r19]
	;;
	cmp.ltu	p6, p0 = r12, r17
	cmp.ltu	p7, p0 = r18, r12
	mov	r20 = r12
	;;
(p6)	mov	r20 = r19
	;;
(p7)	mov	r20 = r19
	;;
	and	r20 = -16, r20
	;;
	add	r16 = -FRAME_SIZE, r20
	;;
	add	r17 = 8, r16
	mov	r24 = r16
	mov	r18 = cr.isr
	mov	r19 = cr.ifa
	;;
	st8	[r16] = r30, 16		/* vector */
	st8	[r17] = r29, 16		/* ipsr */
	mov	r20 = cr.itir
	mov	r21 = cr.iipa
	;;
	st8	[r16] = r28, 16		/* iip */
	st8	[r17] = r26, 16		/* ifs */
	mov	r22 = cr.iim
	mov	r23 = cr.iha
	;;
	st8	[r16] = r18, 16		/* isr */
	st8	[r17] = r19, 16		/* ifa */
	mov	r18 = ar.rsc
	mov	r19 = ar.fpsr
	;;
	st8	[r16] = r20, 16		/* itir */
	st8	[r17] = r21, 16		/* iipa */
	mov	r20 = ar.ccv
	mov	r21 = ar.lc
	;;
	st8	[r16] = r22, 16		/* iim */
	st8	[r17] = r23, 16		/* iha */
	mov	r22 = ar.ec
	mov	r23 = ar.bsp
	;;
	st8	[r16] = r31, 16		/* pr */
	st8	[r17] = r27, 16		/* ar.pfs */
	;;
	st8	[r16] = r25, 16		/* ar.unat */
	st8	[r17] = r18, 16		/* ar.rsc */
	;;
	st8	[r16] = r19, 16		/* ar.fpsr */
	st8	[r17] = r20, 16		/* ar.ccv */
	;;
	st8	[r16] = r21, 16		/* ar.lc */
	st8	[r17] = r22, 16		/* ar.ec */
	;;
	st8	[r16] = r23, 16		/* ar.bsp */
	st8	[r17] = r0, 16
	mov	r18 = b0
	mov	r19 = b1
	;;
	st8	[r16] = r18, 16
	st8	[r17] = r19, 16
	mov	r18 = b2
	mov	r19 = b3
	;;
	st8	[r16] = r18, 16
	st8	[r17] = r19, 16
	mov	r18 = b4
	mov	r19 = b5
	;;
	st8	[r16] = r18, 16
	st8	[r17] = r19, 16
	mov	r18 = b6
	mov	r19 = b7
	;;
	st8	[r16] = r18, 32		/* over nats: now at r0's place */
	st8	[r17] = r19, 32
	;;
	st8	[r16] = r0, 16
	st8.spill [r17] = r1, 16
	;;
	st8.spill [r16] = r2, 16
	;;
	st8.spill [r17] = r3, 16
	;;
	st8.spill [r16] = r4, 16
	;;
	st8.spill [r17] = r5, 16
	;;
	st8.spill [r16] = r6, 16
	;;
	st8.spill [r17] = r7, 16
	;;
	st8.spill [r16] = r8, 16
	;;
	st8.spill [r17] = r9, 16
	;;
	st8.spill [r16] = r10, 16
	;;
	st8.spill [r17] = r11, 16
	;;
	st8.spill [r16] = r12, 16
	;;
	st8.spill [r17] = r13, 16
	;;
	st8.spill [r16] = r14, 16
	;;
	st8.spill [r17] = r15, 16
	;;
	mov	r2 = r16
	mov	r3 = r17
	add	r12 = -16, r24
	;;
	bsw.1
	;;
	st8.spill [r2] = r16, 16
	;;
	st8.spill [r3] = r17, 16
	;;
	st8.spill [r2] = r18, 16
	;;
	st8.spill [r3] = r19, 16
	;;
	st8.spill [r2] = r20, 16
	;;
	st8.spill [r3] = r21, 16
	;;
	st8.spill [r2] = r22, 16
	;;
	st8.spill [r3] = r23, 16
	;;
	st8.spill [r2] = r24, 16
	;;
	st8.spill [r3] = r25, 16
	;;
	st8.spill [r2] = r26, 16
	;;
	st8.spill [r3] = r27, 16
	;;
	st8.spill [r2] = r28, 16
	;;
	st8.spill [r3] = r29, 16
	;;
	st8.spill [r2] = r30, 16
	;;
	st8.spill [r3] = r31, 24
	;;
	stf.spill [r2] = f6, 32
	stf.spill [r3] = f7, 32
	mov	r14 = ar.unat
	add	r15 = 16 + FRAME_NATS, r12
	;;
	stf.spill [r2] = f8, 32
	stf.spill [r3] = f9, 32
	st8	[r15] = r14
	;;
	stf.spill [r2] = f10
	stf.spill [r3] = f11
	movl	r14 = FPSR_INITIAL
	;;
	mov	ar.fpsr = r14
	movl	gp = __gp
	;;
	alloc	r2 = ar.pfs, 0, 1, 1, 0
	;;
	add	out0 = 16, r12
	ssm	psr.ic
	;;
	srlz.i
	;;
	br.call.sptk.many b0 = interruption
	;;
	.endp	interruption_common

/* Back to what was interrupted; r12 + 16 = frame. The callee has kept the preserved registers. */
	.global	resume_frame
	.proc	resume_frame
resume_frame:
	rsm	psr.i | psr.ic
	;;
	srlz.i
	;;
	alloc	r14 = ar.pfs, 0, 0, 0, 0
	invala
	add	r2 = 16 + FRAME_F6, r12
	add	r3 = 16 + FRAME_F6 + 16, r12
	;;
	ldf.fill f6 = [r2], 32
	ldf.fill f7 = [r3], 32
	;;
	ldf.fill f8 = [r2], 32
	ldf.fill f9 = [r3], 32
	;;
	ldf.fill f10 = [r2]
	ldf.fill f11 = [r3]
	add	r2 = 16 + FRAME_B0, r12
	add	r3 = 16 + FRAME_NATS, r12
	;;
	ld8	r14 = [r2], 48		/* b0 */
	ld8	r15 = [r3]
	;;
	mov	b0 = r14
	mov	ar.unat = r15
	ld8	r16 = [r2], 8		/* b6 */
	;;
	ld8	r17 = [r2]		/* b7 */
	mov	b6 = r16
	add	r2 = 16 + FRAME_FPSR, r12
	;;
	mov	b7 = r17
	ld8	r14 = [r2], 8
	;;
	ld8	r15 = [r2]
	mov	ar.fpsr = r14
	;;
	mov	ar.ccv = r15
	add	r2 = 16 + FRAME_GR + 8, r12
	add	r3 = 16 + FRAME_GR + 64, r12
	;;
	ld8.fill r1 = [r2], 64		/* at r9 */
	ld8.fill r8 = [r3], 16		/* at r10 */
	;;
	ld8.fill r9 = [r2], 16		/* at r11 */
	ld8.fill r10 = [r3], 32		/* at r14 */
	;;
	ld8.fill r11 = [r2], 32		/* at r15 */
	ld8.fill r14 = [r3], 16
	;;
	ld8.fill r15 = [r2], 16
	ld8.fill r16 = [r3], 16
	;;
	ld8.fill r17 = [r2], 16
	ld8.fill r18 = [r3], 16
	;;
	ld8.fill r19 = [r2], 16
	ld8.fill r20 = [r3], 16
	;;
	ld8.fill r21 = [r2], 16
	ld8.fill r22 = [r3], 16
	;;
	ld8.fill r23 = [r2], 16
	ld8.fill r24 = [r3], 16
	;;
	ld8.fill r25 = [r2], 16
	ld8.fill r26 = [r3], 16
	;;
	ld8.fill r27 = [r2], 16
	ld8.fill r28 = [r3], 16
	;;
	ld8.fill r29 = [r2], 16
	ld8.fill r30 = [r3]
	;;
	ld8.fill r31 = [r2]
	;;
	bsw.0
	;;
	add	r16 = 16 + FRAME_IPSR, r12
	add	r17 = 16 + FRAME_IIP, r12
	add	r18 = 16 + FRAME_PR, r12
	;;
	ld8	r29 = [r16], 16		/* ipsr, then ifs */
	ld8	r28 = [r17]
	ld8	r31 = [r18], 8
	;;
	ld8	r26 = [r16]
	ld8	r27 = [r18], 8		/* ar.pfs */
	add	r16 = 16 + FRAME_GR + 16, r12
	;;
	ld8	r25 = [r18]		/* ar.unat */
	ld8.fill r2 = [r16], 8
	add	r17 = 16 + FRAME_GR + 96, r12
	;;
	ld8.fill r3 = [r16]
	ld8.fill r12 = [r17]
	mov	cr.ipsr = r29
	;;
	mov	ar.unat = r25
	mov	cr.iip = r28
	mov	ar.pfs = r27
	;;
	mov	cr.ifs = r26
	mov	pr = r31, -1
	;;
	rfi
	;;
	.endp	resume_frame
