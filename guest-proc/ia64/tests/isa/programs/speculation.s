// Control speculation. SDM volume 1, 4.4.4; volume 2, 5.5.5.

//- a speculative load from a NaT address gives NaT
//< r9 = nat
	ld8.s r8 = [r9]			//> r8 = nat
	ldfd.s f8 = [r9]		//> f8 = natval
	ldfps.s f20, f21 = [r9]		//> f20 = natval, f21 = natval
	ldfe.sa f22 = [r9]		//> f22 = natval

//- a speculative load that can be done is done
//< r9 = 0x20000, [0x20000] = 0x3ff0_0000_0000_0000
	ld1.s r8 = [r9]			//> r8 = 0
	ldfd.s f8 = [r9]		//> f8 = 0xffff:0x8000_0000_0000_0000
	ld8.sa r10 = [r9], 8		//> r10 = 0x3ff0_0000_0000_0000, r9 = 0x20008

//- an unimplemented address is always deferred
//< r9 = 0x1000_0000_0000_0000
	ld8.s r8 = [r9]			//> r8 = nat
	ldf8.s f8 = [r9]		//> f8 = natval

//- uncacheable memory is not read ahead
//< r9 = 0x8000_0000_0002_0000
	ld8.s r8 = [r9]			//> r8 = nat
	ldfe.s f8 = [r9]		//> f8 = natval

//- a miss of a speculative load faults when its page is not one of deferral
//< translated, cr.dcr = 0x7f00, r9 = 0x2000_0000_0000_4000
	ld8.s r8 = [r9]			//> fault = ALTERNATE_DTLB, cr.isr = r | sp, cr.ifa = 0x2000_0000_0000_4000, cr.itir = 0x1138

//- a miss faults when DCR does not defer it
//< code = 0x10_0000_0000_07e1, cr.dcr = 0x7e00, r9 = 0x2000_0000_0000_4000
	ld8.s r8 = [r9]			//> fault = ALTERNATE_DTLB, cr.isr = r | sp | ed, cr.ifa = 0x2000_0000_0000_4000

//- a miss is deferred by DCR.dm on a page of deferral
//< code = 0x10_0000_0000_07e1, cr.dcr = 0x100, r9 = 0x2000_0000_0000_4000
	ld8.s r8 = [r9]			//> r8 = nat

//- a page not present: DCR.dp
//< code = 0x10_0000_0000_07e1, cr.dcr = 0x200, r9 = 0x2000_0000_0000_4000, dtc[0x2000_0000_0000_4000] = 0x2_07e0
	ld8.s r8 = [r9]			//> r8 = nat

//- a page not present without DCR.dp
//< code = 0x10_0000_0000_07e1, cr.dcr = 0x7d00, r9 = 0x2000_0000_0000_4000, dtc[0x2000_0000_0000_4000] = 0x2_07e0
	ld8.s r8 = [r9]			//> fault = NOT_PRESENT, cr.isr = r | sp | ed, cr.ifa = 0x2000_0000_0000_4000

//- access rights: DCR.dr
//< code = 0x10_0000_0000_07e1, cr.dcr = 0x1000, psr.cpl = 3, r9 = 0x2000_0000_0000_4000, dtc[0x2000_0000_0000_4000] = 0x2_0661
	ld8.s r8 = [r9]			//> r8 = nat

//- the access bit: DCR.da
//< code = 0x10_0000_0000_07e1, cr.dcr = 0x2000, r9 = 0x2000_0000_0000_4000, dtc[0x2000_0000_0000_4000] = 0x2_07c1
	ld8.s r8 = [r9]			//> r8 = nat

//- a key miss: DCR.dk; a key permission: DCR.dx
//< code = 0x10_0000_0000_07e1, cr.dcr = 0x0c00, r9 = 0x2000_0000_0000_4000, r10 = 0x4000_0000_0000_4000
//< dtc[0x2000_0000_0000_4000 ps 14 key 0x77] = 0x2_07e1, dtc[0x4000_0000_0000_4000 ps 14 key 0x88] = 0x2_07e1
//< pkr[0] = 0x1001, pkr[1] = 0x8805, psr.pk = 1
	ld8.s r20 = [r9]		//> r20 = nat
	ld8.s r21 = [r10]		//> r21 = nat

//- a misaligned address: the page of deferral alone decides
//< code = 0x10_0000_0000_07e1, cr.dcr = 0, psr.ac = 1, r9 = 0x20001
	ld8.s r8 = [r9]			//> r8 = nat

//- a misaligned address on another page
//< translated, cr.dcr = 0x7f00, psr.ac = 1, r9 = 0x20001
	ld8.s r8 = [r9]			//> fault = UNALIGNED, cr.isr = r | sp, cr.ifa = 0x20001

//- a NaT page defers whatever the page of the code
//< translated, r9 = 0x2000_0000_0000_4000, dtc[0x2000_0000_0000_4000] = 0x2_07fd
	ld8.s r8 = [r9]			//> r8 = nat

//- with PSR.ic clear everything is deferred
//< translated, psr.ic = 0, psr.ac = 1, r9 = 0x2000_0000_0000_4000, r10 = 0x20001
	ld8.s r20 = [r9]		//> r20 = nat
	ld8.s r21 = [r10]		//> r21 = nat

//- PSR.ed forces the next speculative load to fail, and ends with it
//< psr.ed = 1, r9 = 0x20000, [0x20000] = 7
	ld8.s r8 = [r9]			//> r8 = nat, psr.ed = 0
	ld8.s r10 = [r9]		//> r10 = 7

//- PSR.ed leaves other loads alone
//< psr.ed = 1, r9 = 0x20000, [0x20000] = 7
	ld8 r8 = [r9]			//> r8 = 7, psr.ed = 0
	ld8.s r10 = [r9]		//> r10 = 7

//- chk.s branches to recovery on NaT and NaTVal
//< r8 = nat, f8 = natval
	chk.s.m r9, 9f
	chk.s.i r9, 9f
	chk.s f9, 9f
	chk.s.m r8, 1f
9:	mov r20 = 1
1:	chk.s.i r8, 2f
	mov r21 = 1
2:	chk.s f8, 3f
	mov r22 = 1
3:	mov r23 = 1			//> r23 = 1

//- NaT travels through a computation to its check
//< r9 = 0x1000_0000_0000_0000, r10 = 5
	ld8.s r8 = [r9] ;;		//> r8 = nat
	add r11 = r8, r10 ;;		//> r11 = nat
	shladd r12 = r11, 2, r10 ;;	//> r12 = nat
	chk.s.i r12, 1f
	mov r10 = 6
1:

//- a NaT moves to a floating-point register as NaTVal and back
//< r9 = nat
	setf.sig f8 = r9 ;;		//> f8 = natval
	getf.sig r8 = f8		//> r8 = nat
	getf.exp r10 = f8		//> r10 = nat
	getf.d r11 = f8			//> r11 = nat
	setf.exp f9 = r9		//> f9 = natval
	fmerge.s f10 = f8, f9		//> f10 = natval

//- a NaT as a branch target is consumed
//< r9 = nat
	mov b6 = r9			//> fault = NAT, cr.isr = ei1 | 0x10

//- a NaT is not written to application registers
//< r9 = nat
	mov.m ar.ccv = r9		//> fault = NAT, cr.isr = 0x10

//- nor to predicates
//< r9 = nat
	mov pr = r9, -1			//> fault = NAT, cr.isr = ei1 | 0x10

//- a deferred load still updates its base
//< r9 = 0x1000_0000_0000_0000, r10 = nat
	ld8.s r20 = [r9], 8		//> r20 = nat, r9 = 0x1000_0000_0000_0008
	ld8.s r21 = [r10], 8		//> r21 = nat
