/* From the loader's hands to C: physical mode in, virtual mode and a stack out. The boot processor and those that
   SAL wakes share one path; they differ in how they learn their number. */
#include "layout.h"

	.explicit
	.section .text.entry, "ax", @progbits

/* Boot processor: physical mode, bank 1, r28 = physical address of the boot parameters. */
	.global	_start
	.proc	_start
_start:
	rsm	psr.i | psr.ic
	;;
	srlz.i
	;;
	bsw.1
	;;
	mov	r9 = r0
	mov	r10 = r28
	br.sptk	enter_virtual
	;;
	.endp	_start

/* Other processors, entered by SAL after the wake-up interrupt: each takes the next number. */
	.global	secondary_start
	.proc	secondary_start
secondary_start:
	rsm	psr.i | psr.ic
	;;
	srlz.i
	;;
	bsw.1
	;;
	mov	r2 = ip
	movl	r3 = next_cpu - IMAGE_VA
	;;
	dep	r2 = 0, r2, 0, IMAGE_PAGE_SHIFT
	;;
	add	r2 = r2, r3
	;;
	fetchadd8.acq r9 = [r2], 1
	mov	r10 = r0
	;;
	cmp.leu	p6, p0 = MAX_CPUS, r9
(p6)	br.ret.spnt.many b0		/* one too many: back to SAL's rendezvous */
	;;
	br.sptk	enter_virtual
	;;
	.endp	secondary_start

/* r9 = processor number, r10 = argument for C. */
	.proc	enter_virtual
enter_virtual:
	alloc	r2 = ar.pfs, 0, 0, 0, 0
	mov	r3 = ip
	movl	r20 = IMAGE_VA
	;;
	flushrs
	dep	r3 = 0, r3, 0, IMAGE_PAGE_SHIFT	/* physical base of the image */
	;;

	/* Region identifiers are region number + 1. Only the test region uses the VHPT walker. */
	movl	r16 = (1 << 8) | (TEST_PAGE_SHIFT << 2)
	movl	r17 = 0x2000000000000000
	mov	r18 = r0
	;;
	mov	rr[r18] = r16
	add	r18 = r18, r17
	movl	r16 = ((TEST_REGION + 1) << 8) | (TEST_PAGE_SHIFT << 2) | 1
	;;
	mov	rr[r18] = r16
	add	r18 = r18, r17
	movl	r16 = (3 << 8) | (TEST_PAGE_SHIFT << 2)
	;;
	mov	rr[r18] = r16
	add	r18 = r18, r17
	movl	r16 = (4 << 8) | (TEST_PAGE_SHIFT << 2)
	;;
	mov	rr[r18] = r16
	add	r18 = r18, r17
	movl	r16 = (5 << 8) | (TEST_PAGE_SHIFT << 2)
	;;
	mov	rr[r18] = r16
	add	r18 = r18, r17
	movl	r16 = (6 << 8) | (TEST_PAGE_SHIFT << 2)
	;;
	mov	rr[r18] = r16
	add	r18 = r18, r17
	movl	r16 = (7 << 8) | (IDENTITY_PAGE_SHIFT << 2)
	;;
	mov	rr[r18] = r16
	add	r18 = r18, r17
	movl	r16 = (8 << 8) | (IDENTITY_PAGE_SHIFT << 2)
	;;
	mov	rr[r18] = r16
	;;
	srlz.i
	;;

	/* The image's translation registers. */
	movl	r16 = PTE_KERNEL
	mov	r17 = IMAGE_PAGE_SHIFT << 2
	;;
	or	r16 = r16, r3
	mov	cr.itir = r17
	mov	cr.ifa = r20
	;;
	itr.i	itr[r0] = r16
	;;
	itr.d	dtr[r0] = r16
	;;
	srlz.i
	;;

	/* Stack block and register backing store (virtual addresses; the RSE is quiet until virtual mode). */
	movl	r21 = cpu_stacks
	shl	r22 = r9, STACK_BLOCK_SHIFT
	;;
	add	r21 = r21, r22
	mov	ar.rsc = 0
	;;
	loadrs
	;;
	mov	ar.bspstore = r21
	;;
	mov	ar.rnat = r0
	;;
	movl	r16 = interruption_table
	mov	r17 = DCR_INITIAL
	mov	r18 = 15 << 2			/* smallest VHPT, walker off */
	;;
	mov	cr.iva = r16
	mov	cr.dcr = r17
	mov	cr.pta = r18
	movl	r16 = FPSR_INITIAL
	;;
	mov	ar.fpsr = r16
	movl	r17 = PSR_NORMAL
	;;
	mov	cr.ipsr = r17
	movl	r18 = in_virtual_mode
	;;
	mov	cr.iip = r18
	mov	cr.ifs = r0
	;;
	rfi
	;;
	.endp	enter_virtual

	.text
	.proc	in_virtual_mode
in_virtual_mode:
	mov	ar.rsc = 3
	movl	r16 = STACK_BLOCK_SIZE - 32
	;;
	add	r12 = r21, r16
	movl	gp = __gp
	;;
	movl	r13 = cpus
	shl	r17 = r9, CPU_SHIFT
	;;
	add	r13 = r13, r17
	;;
	/* What the interruption path needs to judge a stack pointer. */
	movl	r16 = EMERGENCY_LOW + 2 * FRAME_SIZE
	add	r17 = CPU_STACK_LIMIT, r13
	;;
	add	r16 = r16, r21
	add	r18 = CPU_STACK_TOP, r13
	;;
	st8	[r17] = r16
	st8	[r18] = r12
	movl	r16 = EMERGENCY_TOP - 32
	;;
	add	r16 = r16, r21
	add	r17 = CPU_EMERGENCY_TOP, r13
	;;
	st8	[r17] = r16
	alloc	r2 = ar.pfs, 0, 0, 2, 0
	;;
	mov	out0 = r9
	mov	out1 = r10
	mov	b0 = r0
	cmp.eq	p6, p7 = r0, r9
	;;
(p6)	br.call.sptk.many b0 = boot_main
(p7)	br.call.sptk.many b0 = secondary_main
	;;
0:	br.sptk	0b
	;;
	.endp	in_virtual_mode

	.section .stacks, "aw", @nobits
	.align	65536
	.global	cpu_stacks
cpu_stacks:
	.skip	MAX_CPUS * STACK_BLOCK_SIZE
