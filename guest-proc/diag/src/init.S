/* INIT: OS_INIT, which notes how it is entered and returns, and a program that notices when it is not put back as it
   was. */
#include "layout.h"

	.explicit
	.text

	.macro	note register
	st8	[r2] = \register, 8
	;;
	.endm

/* Entered by SAL in physical mode, bank 0. All of r1-r31, the predicates, b0 and b1 are in the min-state save area. */
	.global	os_init_monarch
	.proc	os_init_monarch
os_init_monarch:
	mov	r19 = 1
	br.sptk	os_init
	;;
	.endp	os_init_monarch

	.global	os_init_slave
	.proc	os_init_slave
os_init_slave:
	mov	r19 = 2
	br.sptk	os_init
	;;
	.endp	os_init_slave

	.proc	os_init
os_init:
	mov	r3 = ip
	movl	r2 = init_record - IMAGE_VA
	;;
	dep	r3 = 0, r3, 0, IMAGE_PAGE_SHIFT
	;;
	add	r2 = r2, r3
	;;
	ld8	r20 = [r2]		/* how often, so far */
	add	r16 = INIT_MESSAGE, r2
	mov	r13 = r2
	;;
	add	r20 = 1, r20
	ld8	r16 = [r16]		/* where to send another INIT from here, or 0 */
	;;
	note	r20
	note	r19
	mov	r21 = psr
	;;
	note	r21
	note	r1
	note	r8
	note	r9
	note	r10
	note	r11
	note	r12
	note	r17
	note	r18
	mov	r21 = ar.rsc
	;;
	note	r21
	mov	r21 = cr.iip
	;;
	note	r21
	mov	r21 = cr.ipsr
	;;
	note	r21
	mov	r21 = cr.ifs
	;;
	note	r21
	cmp.ne	p6, p7 = r0, r16
	mov	r15 = 0x500
	mov	r14 = 0x1000
	;;
	add	r13 = INIT_MESSAGE, r13
	;;
(p6)	st8	[r13] = r0		/* once */
(p6)	st8	[r16] = r15
	;;
	mf
	;;
	/* INIT is masked here: the time that another one would need passes. */
0:	add	r14 = -1, r14
	;;
	cmp.ne	p6, p0 = r0, r14
	;;
(p6)	br.cond.dptk 0b
	ld8	r21 = [r2]		/* how often it was left; not raised meanwhile by another entry */
	;;
	add	r21 = 1, r21
	;;
	st8	[r2] = r21, 8
	;;
	sub	r20 = r20, r21		/* entries under way, less one: 0 unless it was entered twice at once */
	;;
	st8	[r2] = r20
	mov	r8 = r0			/* resume */
	mov	r9 = r10
	mov	r10 = r0		/* the same context */
	mov	r22 = r17
	mov	b0 = r12
	;;
	br.cond.sptk.many b0
	;;
	.endp	os_init

/* Values that registers have while INIT comes. */
	.macro	static_registers do
	.irp	n, 9, 10, 11, 14, 15, 16, 17, 18, 19, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\do	\n, 0x5a5a0000
	.endr
	.endm
	.macro	bank0_registers do
	.irp	n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\do	\n, 0x0b0b0000
	.endr
	.endm
	.macro	give n, base
	movl	r\n = \base + \n
	;;
	.endm
	.macro	expect n, base
	movl	r2 = \base + \n
	;;
	cmp.ne	p6, p0 = r2, r\n
	;;
(p6)	add	r8 = 1, r8
	;;
	.endm

/* u64 init_probe(u64 message, volatile u64 *entries, u64 spins): sends INIT to itself by storing to the physical address
   `message`, waits until *entries has changed and counts the registers that are not as they were. All of it with
   interruption collection off, so that an interruption's resources are at stake, too. */
	.global	init_probe
	.proc	init_probe
init_probe:
	alloc	loc0 = ar.pfs, 3, 12, 0, 0
	mov	loc1 = b0
	mov	loc2 = pr
	mov	loc3 = b1
	mov	loc4 = ar.unat
	movl	loc5 = 0x1111222233334444
	movl	loc6 = 0x5555666677778888
	mov	loc8 = psr
	mov	loc9 = ar.rsc
	mov	r3 = -1
	;;
	/* A NaT in loc7 and in r20. */
	add	r12 = -32, r12
	;;
	add	r2 = 16, r12
	mov	ar.unat = r3
	;;
	st8	[r2] = r0
	;;
	ld8.fill loc7 = [r2]
	ld8.fill r20 = [r2]
	add	r12 = 32, r12
	mov	ar.unat = loc4
	ld8	loc10 = [in1]
	mov	loc11 = in2
	;;
	rsm	psr.i | psr.ic
	;;
	srlz.i
	;;
	movl	r2 = INIT_IIP
	movl	r3 = INIT_IPSR
	;;
	mov	cr.iip = r2
	mov	cr.ipsr = r3
	movl	r2 = INIT_IFS
	movl	r3 = 0x123456789abc0000
	;;
	mov	cr.ifs = r2
	mov	b1 = r3
	mov	b0 = r3
	movl	r2 = 0x5555aaaa33330000
	;;
	mov	pr = r2, -1
	;;
	static_registers give
	bsw.0
	;;
	bank0_registers give
	bsw.1
	;;
	/* By its physical address: a miss would find interruption collection off. */
	mov	r2 = 0x500
	rsm	psr.dt
	;;
	srlz.d
	;;
	.global	init_sent, init_wait_end
init_sent:
	st8	[in0] = r2
	;;
	mf
	ssm	psr.dt
	;;
	srlz.d
	;;
init_wait:
	ld8.acq	r2 = [in1]
	add	loc11 = -1, loc11
	;;
	cmp.ne	p6, p7 = r2, loc10
	cmp.eq	p8, p9 = r0, loc11
	;;
(p6)	br.cond.spnt init_wait_end
(p7)	br.cond.dptk 1f
	;;
1:
(p9)	br.cond.dptk init_wait
	;;
init_wait_end:
	/* p6-p9 are the loop's own. */
	mov	r8 = r0
	mov	r2 = pr
	movl	r3 = 0x5555aaaa33330000
	;;
	xor	r2 = r2, r3
	;;
	shr.u	r2 = r2, 10
	;;
	cmp.ne	p6, p0 = r0, r2
	;;
(p6)	add	r8 = 1, r8
	;;
	static_registers expect
	tnat.z	p6, p7 = r20
	tnat.z	p8, p9 = loc7
	;;
(p6)	add	r8 = 1, r8
	;;
(p8)	add	r8 = 1, r8
	bsw.0
	;;
	bank0_registers expect
	bsw.1
	;;
	mov	r2 = b0
	mov	r14 = b1
	movl	r3 = 0x123456789abc0000
	;;
	cmp.ne	p6, p0 = r2, r3
	cmp.ne	p7, p0 = r14, r3
	mov	r2 = cr.iip
	movl	r3 = INIT_IIP
	;;
(p6)	add	r8 = 1, r8
	cmp.ne	p6, p0 = r2, r3
	;;
(p7)	add	r8 = 1, r8
	mov	r2 = cr.ipsr
	movl	r3 = INIT_IPSR
	;;
(p6)	add	r8 = 1, r8
	cmp.ne	p6, p0 = r2, r3
	mov	r2 = cr.ifs
	movl	r3 = INIT_IFS
	;;
(p6)	add	r8 = 1, r8
	cmp.ne	p6, p0 = r2, r3
	mov	r2 = ar.rsc
	;;
(p6)	add	r8 = 1, r8
	cmp.ne	p6, p0 = r2, loc9
	movl	r3 = 0x1111222233334444
	;;
(p6)	add	r8 = 1, r8
	cmp.ne	p6, p0 = r3, loc5
	movl	r2 = 0x5555666677778888
	;;
(p6)	add	r8 = 1, r8
	cmp.ne	p6, p0 = r2, loc6
	mov	r3 = psr
	movl	r14 = PSR_IC | PSR_I
	;;
(p6)	add	r8 = 1, r8
	andcm	r2 = loc8, r14
	;;
	cmp.ne	p6, p0 = r2, r3
	;;
(p6)	add	r8 = 1, r8
	mov	b1 = loc3
	mov	b0 = loc1
	mov	ar.pfs = loc0
	mov	pr = loc2, -1
	;;
	mov	psr.l = loc8
	;;
	srlz.i
	;;
	br.ret.sptk.many b0
	;;
	.endp	init_probe
