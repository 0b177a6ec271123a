// Semaphores. SDM volume 3, "cmpxchg", "cmp8xchg16", "xchg", "fetchadd".

//- cmpxchg: the old value zero-extended, the store only if it equals AR.CCV
//< r9 = 0x20000, r10 = 0x20008, r13 = 0x1122_3344_5566_7788, ar.ccv = 0x81, [0x20000] = 0x92_81, [0x20008] = 0x81
	cmpxchg1.acq r20 = [r9], r13, ar.ccv	//> r20 = 0x81, [0x20000] = 0x92_88
	cmpxchg2.rel r21 = [r9], r13, ar.ccv	//> r21 = 0x9288
	cmpxchg8.acq r22 = [r10], r13, ar.ccv	//> r22 = 0x81, [0x20008] = 0x1122_3344_5566_7788
	cmpxchg4.rel r23 = [r10], r13, ar.ccv	//> r23 = 0x5566_7788

//- cmpxchg: all 64 bits of AR.CCV are compared
//< r9 = 0x20000, ar.ccv = 0x1_0000_0081, [0x20000] = 0x81
	cmpxchg1.acq r20 = [r9], r13, ar.ccv	//> r20 = 0x81
	cmpxchg4.acq r21 = [r9], r13, ar.ccv	//> r21 = 0x81

//- xchg
//< r9 = 0x20000, r10 = 0x2000a, r11 = 0x2000c, r13 = 0x1122_3344_5566_7788, [0x20000] = -1, [0x20008] = -2
	xchg8 r20 = [r9], r13		//> r20 = -1
	xchg1 r21 = [r9], r0		//> r21 = 0x88, [0x20000] = 0x1122_3344_5566_7700
	xchg2 r22 = [r10], r13		//> r22 = 0xffff
	xchg4 r23 = [r11], r13		//> r23 = 0xffff_ffff, [0x20008] = 0x5566_7788_7788_fffe

//- fetchadd: the eight increments, wrapping at their size
//< r9 = 0x20000, r10 = 0x20008, [0x20000] = -1, [0x20008] = 0xffff_ffff
	fetchadd8.acq r16 = [r9], 1	//> r16 = -1
	fetchadd8.rel r17 = [r9], 4	//> r17 = 0
	fetchadd8.acq r18 = [r9], 8	//> r18 = 4
	fetchadd8.acq r19 = [r9], 16	//> r19 = 12
	fetchadd8.acq r20 = [r9], -1	//> r20 = 28
	fetchadd8.acq r21 = [r9], -4	//> r21 = 27
	fetchadd8.acq r22 = [r9], -8	//> r22 = 23
	fetchadd8.acq r23 = [r9], -16	//> r23 = 15, [0x20000] = -1
	fetchadd4.rel r24 = [r10], 1	//> r24 = 0xffff_ffff, [0x20008] = 0
	fetchadd4.acq r25 = [r9], -1	//> r25 = 0xffff_ffff, [0x20000] = 0xffff_ffff_ffff_fffe

//- cmp8xchg16: compares one half, stores both
//< r9 = 0x20000, r10 = 0x20018, r13 = 5, ar.csd = 6, ar.ccv = 1, [0x20000] = 1, [0x20008] = 2, [0x20010] = 3, [0x20018] = 1
	cmp8xchg16.acq r20 = [r9], r13	//> r20 = 1, [0x20000] = 5, [0x20008] = 6
	cmp8xchg16.rel r21 = [r10], r13	//> r21 = 1, [0x20010] = 5, [0x20018] = 6
	cmp8xchg16.acq r22 = [r10], r13	//> r22 = 6

//- big-endian semaphores
//< psr.be = 1, r9 = 0x20000, r10 = 0x20008, r13 = 0x11, ar.ccv = 0x0102, [0x20000] = 0x0201, [0x20008] = 0xff00_0000
	cmpxchg2.acq r20 = [r9], r13, ar.ccv	//> r20 = 0x0102, [0x20000] = 0x1100
	fetchadd4.acq r21 = [r10], 1	//> r21 = 0xff
	xchg4 r22 = [r10], r13		//> r22 = 0x100, [0x20008] = 0x1100_0000

//- the result may replace the base or the source
//< r9 = 0x20000, r13 = 5, [0x20000] = 7
	xchg8 r13 = [r9], r13		//> r13 = 7, [0x20000] = 5
	fetchadd8.acq r9 = [r9], 1	//> r9 = 5, [0x20000] = 6

//- misaligned cmpxchg faults whatever PSR.ac
//< r9 = 0x20001
	cmpxchg2.acq r8 = [r9], r13, ar.ccv	//> fault = UNALIGNED, cr.isr = r | w, cr.ifa = 0x20001

//- misaligned xchg
//< r9 = 0x20004
	xchg8 r8 = [r9], r13		//> fault = UNALIGNED, cr.isr = r | w, cr.ifa = 0x20004

//- misaligned fetchadd
//< r9 = 0x20002
	fetchadd4.acq r8 = [r9], 1	//> fault = UNALIGNED, cr.isr = r | w, cr.ifa = 0x20002

//- misaligned cmp8xchg16
//< r9 = 0x20004
	cmp8xchg16.acq r8 = [r9], r13	//> fault = UNALIGNED, cr.isr = r | w, cr.ifa = 0x20004

//- a NaT base
//< r9 = nat
	fetchadd4.acq r8 = [r9], 1	//> fault = NAT, cr.isr = r | w | 0x10

//- a NaT source
//< r9 = 0x20000, r13 = nat
	xchg8 r8 = [r9], r13		//> fault = NAT, cr.isr = r | w | 0x10

//- r0 as target
//< r9 = 0x20000
	fetchadd4.acq r0 = [r9], 1	//> fault = GENERAL, cr.isr = 0

//- uncacheable memory supports no exchange
//< r9 = 0x8000_0000_0002_0000
	xchg8 r8 = [r9], r13		//> fault = UNSUPPORTED, cr.isr = r | w, cr.ifa = 0x8000_0000_0002_0000

//- uncacheable memory supports no compare and exchange
//< r9 = 0x8000_0000_0002_0000
	cmpxchg4.rel r8 = [r9], r13, ar.ccv	//> fault = UNSUPPORTED, cr.isr = r | w, cr.ifa = 0x8000_0000_0002_0000

//- a faulting semaphore leaves memory and target alone
//< translated, r9 = 0x2000_0000_0000_4010, r8 = 5, [0x20010] = 7, dtc[0x2000_0000_0000_4000] = 0x2_01e1
	fetchadd8.acq r8 = [r9], 1
//> fault = DATA_RIGHTS, cr.isr = r | w, cr.ifa = 0x2000_0000_0000_4010

//- the other orderings of cmpxchg
//< r9 = 0x20000, ar.ccv = 0, r13 = -1
	cmpxchg1.rel r20 = [r9], r13, ar.ccv	//> r20 = 0
	cmpxchg8.rel r21 = [r9], r13, ar.ccv	//> r21 = 0xff
	cmpxchg2.acq r22 = [r9], r13, ar.ccv	//> r22 = 0xff
	cmpxchg4.acq r23 = [r9], r13, ar.ccv	//> r23 = 0xff, [0x20000] = 0xff
	fetchadd8.rel r24 = [r9], 1		//> r24 = 0xff, [0x20000] = 0x100
