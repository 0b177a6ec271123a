// Translation and its faults. SDM volume 2, chapters 4 and 5; volume 3, "itc", "itr", "ptc", "ptr", "probe", "tpa".
//
// Region 1 has rid 0x11 and pages of 16 KB, so that its default ITIR is 0x1138. PTE 0x7e1: present, accessed, dirty,
// level 3, all rights.

//- a reference through the data translation cache
//< translated, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_07e1, [0x20010] = 7
	ld8 r8 = [r9]			//> r8 = 7
	fetchadd8.acq r10 = [r9], 1	//> r10 = 7, [0x20010] = 8

//- no translation, no walker: a load
//< translated, r9 = 0x2000_0000_0000_4010
	ld8 r8 = [r9]
//> fault = ALTERNATE_DTLB, cr.isr = r, cr.ifa = 0x2000_0000_0000_4010, cr.itir = 0x1138, cr.iip = 0xf000

//- a store
//< translated, r9 = 0x2000_0000_0000_4010
	st1 [r9] = r0			//> fault = ALTERNATE_DTLB, cr.isr = w, cr.ifa = 0x2000_0000_0000_4010

//- a semaphore
//< translated, r9 = 0x2000_0000_0000_4010
	xchg1 r8 = [r9], r0		//> fault = ALTERNATE_DTLB, cr.isr = r | w, cr.ifa = 0x2000_0000_0000_4010

//- a miss with PSR.ic clear: not even ISR is written
//< translated, psr.ic = 0, cr.isr = 0x1234, cr.ifa = 5, r9 = 0x2000_0000_0000_4010
	ld8 r8 = [r9]			//> fault = NESTED_TLB, cr.isr = 0x1234, cr.ifa = 5

//- a branch to where there is no code
//< translated, b6 = 0x2000_0000_0000_4010
	br.sptk b6
//> fault = ALTERNATE_ITLB, cr.isr = x, cr.ifa = 0x2000_0000_0000_4010, cr.iip = 0x2000_0000_0000_4010, cr.itir = 0x1138

//- a branch to another address of the same code
//< translated, b6 = 0x2000_0000_0000_f020, itc[0x2000_0000_0000_c000] = 0xc7e1
	{ .mib
	br.sptk b6
	}
	break.m 1
	{ .mii
	mov r8 = 2			//> r8 = 2
	nop.i 0
	mov r9 = ip			//> r9 = 0x2000_0000_0000_f020
	}
//> ip = 0x2000_0000_0000_fff0

//- the walker on, its table not mapped
//< translated, rr[1] = 0x1139, cr.pta = 0x1fff_0000_0000_00c1, r9 = 0x2000_0000_0000_4010
	ld8 r8 = [r9]
//> fault = VHPT, cr.isr = r, cr.ifa = 0x2000_0000_0000_4010, cr.iha = 0x3fff_0000_0000_0008, cr.itir = 0x1138

//- the same for code
//< translated, rr[1] = 0x1139, cr.pta = 0x1fff_0000_0000_00c1, b6 = 0x2000_0000_0000_4010
	br.sptk b6
//> fault = VHPT, cr.isr = x, cr.ifa = 0x2000_0000_0000_4010, cr.iha = 0x3fff_0000_0000_0008, cr.iip = 0x2000_0000_0000_4010

//- the short format: the walker finds the page
//< translated, rr[1] = 0x1139, cr.pta = 0x1fff_0000_0000_00c1, dtc[0x3fff_0000_0000_0000] = 0x4_07e1
//< [0x40008] = 0x2_07e1, [0x20010] = 7, r9 = 0x2000_0000_0000_4010
	ld8 r8 = [r9]			//> r8 = 7

//- the short format: a page not present
//< translated, rr[1] = 0x1139, cr.pta = 0x1fff_0000_0000_00c1, dtc[0x3fff_0000_0000_0000] = 0x4_07e1
//< [0x40008] = 0x2_07e0, r9 = 0x2000_0000_0000_4010
	ld8 r8 = [r9]			//> fault = NOT_PRESENT, cr.isr = r, cr.ifa = 0x2000_0000_0000_4010, cr.itir = 0x1138

//- the short format: an entry with a reserved attribute
//< translated, rr[1] = 0x1139, cr.pta = 0x1fff_0000_0000_00c1, dtc[0x3fff_0000_0000_0000] = 0x4_07e1
//< [0x40008] = 0x2_07e5, r9 = 0x2000_0000_0000_4010
	ld8 r8 = [r9]
//> fault = DTLB, cr.isr = r, cr.ifa = 0x2000_0000_0000_4010, cr.iha = 0x3fff_0000_0000_0008, cr.itir = 0x1138

//- the same for code
//< translated, rr[1] = 0x1139, cr.pta = 0x1fff_0000_0000_00c1, dtc[0x3fff_0000_0000_0000] = 0x4_07e1
//< [0x40008] = 0x2_07e5, b6 = 0x2000_0000_0000_4010
	br.sptk b6
//> fault = ITLB, cr.isr = x, cr.ifa = 0x2000_0000_0000_4010, cr.iha = 0x3fff_0000_0000_0008, cr.itir = 0x1138

//- the region's walker off
//< translated, cr.pta = 0x1fff_0000_0000_00c1, r9 = 0x2000_0000_0000_4010
	ld8 r8 = [r9]			//> fault = ALTERNATE_DTLB, cr.isr = r, cr.ifa = 0x2000_0000_0000_4010

//- the long format: an entry made with thash and ttag
//< translated, rr[1] = 0x1139, cr.pta = 0x4_013d, r9 = 0x2000_0000_0000_4010, r10 = 0x2_07e1, r11 = 0x1138, [0x20010] = 7
	thash r12 = r9			//> r12 = ?
	ttag r13 = r9 ;;		//> r13 = ?
	st8 [r12] = r10, 8 ;;
	st8 [r12] = r11, 8 ;;
	st8 [r12] = r13 ;;
	ld8 r8 = [r9]			//> r8 = 7, memory = ?

//- the long format: another tag
//< translated, rr[1] = 0x1139, cr.pta = 0x4_013d, r9 = 0x2000_0000_0000_4010, r10 = 0x2_07e1, r11 = 0x1138
	thash r12 = r9			//> r12 = ?
	ttag r13 = r9 ;;
	xor r13 = 1, r13		//> r13 = ?
	st8 [r12] = r10, 8 ;;
	st8 [r12] = r11, 8 ;;
	st8 [r12] = r13 ;;
	{ .mii
	ld8 r8 = [r9]			//> fault = DTLB, cr.isr = r, cr.ifa = 0x2000_0000_0000_4010, memory = ?
	}

//- thash: region, table, page
//< cr.pta = 0x1fff_0000_0000_00c1, r9 = 0x2000_0000_0001_0000, r10 = nat
	thash r8 = r9			//> r8 = 0x3fff_0000_0000_0020
	thash r11 = r10			//> r11 = nat
	ttag r12 = r10			//> r12 = nat

//- page not present: a store
//< translated, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_07e0
	st8 [r9] = r0			//> fault = NOT_PRESENT, cr.isr = w, cr.ifa = 0x2000_0000_0000_4010

//- page not present: code
//< translated, b6 = 0x2000_0000_0000_4010, itc[0x2000_0000_0000_4000] = 0x2_07e0
	br.sptk b6			//> fault = NOT_PRESENT, cr.isr = x, cr.ifa = 0x2000_0000_0000_4010

//- a NaT page: a load
//< translated, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_07fd
	ld8 r8 = [r9]			//> fault = NAT, cr.isr = r | 0x20, cr.ifa = 0x2000_0000_0000_4010

//- a NaT page: code
//< translated, b6 = 0x2000_0000_0000_4010, itc[0x2000_0000_0000_4000] = 0x2_07fd
	br.sptk b6			//> fault = NAT, cr.isr = x | 0x20, cr.ifa = 0x2000_0000_0000_4010

//- rights: a load from a page of another level
//< translated, psr.cpl = 3, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_0461
	ld8 r8 = [r9]			//> fault = DATA_RIGHTS, cr.isr = r, cr.ifa = 0x2000_0000_0000_4010, cr.itir = 0x1138

//- rights: a store to a page for reading
//< translated, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_01e1
	ld8 r8 = [r9]			//> r8 = 0
	st8 [r9] = r0			//> fault = DATA_RIGHTS, cr.isr = w | ei1, cr.ifa = 0x2000_0000_0000_4010

//- rights: a semaphore on a page for reading
//< translated, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_01e1
	xchg8 r8 = [r9], r0		//> fault = DATA_RIGHTS, cr.isr = r | w, cr.ifa = 0x2000_0000_0000_4010

//- rights: code on a page of data
//< translated, b6 = 0x2000_0000_0000_4010, itc[0x2000_0000_0000_4000] = 0x2_05e1
	br.sptk b6			//> fault = CODE_RIGHTS, cr.isr = x, cr.ifa = 0x2000_0000_0000_4010, cr.itir = 0x1138

//- the dirty bit
//< translated, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_07a1
	ld8 r8 = [r9]			//> r8 = 0
	st8 [r9] = r0			//> fault = DIRTY, cr.isr = w | ei1, cr.ifa = 0x2000_0000_0000_4010, cr.itir = 0x1138

//- the dirty bit and a semaphore
//< translated, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_07a1
	cmpxchg8.acq r8 = [r9], r0	//> fault = DIRTY, cr.isr = r | w, cr.ifa = 0x2000_0000_0000_4010

//- the access bit
//< translated, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_07c1
	ld8 r8 = [r9]			//> fault = DATA_ACCESS_BIT, cr.isr = r, cr.ifa = 0x2000_0000_0000_4010, cr.itir = 0x1138

//- PSR.da lets one reference pass both bits
//< translated, psr.da = 1, r9 = 0x2000_0000_0000_4010, r10 = 5, dtc[0x2000_0000_0000_4000] = 0x2_0781
	st8 [r9] = r10			//> [0x20010] = 5
	ld8 r8 = [r9]			//> fault = DATA_ACCESS_BIT, cr.isr = r | ei1, cr.ifa = 0x2000_0000_0000_4010

//- the access bit of code
//< translated, b6 = 0x2000_0000_0000_4010, itc[0x2000_0000_0000_4000] = 0x2_07c1
	br.sptk b6			//> fault = CODE_ACCESS_BIT, cr.isr = x, cr.ifa = 0x2000_0000_0000_4010, cr.itir = 0x1138

//- a key miss
//< translated, psr.pk = 1, pkr[0] = 0x1001, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_07e1
	ld8 r8 = [r9]			//> fault = DATA_KEY_MISS, cr.isr = r, cr.ifa = 0x2000_0000_0000_4010, cr.itir = 0x1138

//- key permissions: reads disabled
//< translated, psr.pk = 1, pkr[0] = 0x1001, pkr[1] = 0x1105, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_07e1
	st8 [r9] = r0
	ld8 r8 = [r9]			//> fault = KEY_PERMISSION, cr.isr = r | ei1, cr.ifa = 0x2000_0000_0000_4010, cr.itir = 0x1138

//- key permissions: writes disabled
//< translated, psr.pk = 1, pkr[0] = 0x1001, pkr[1] = 0x1103, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_07e1
	ld8 r8 = [r9]			//> r8 = 0
	st8 [r9] = r0			//> fault = KEY_PERMISSION, cr.isr = w | ei1, cr.ifa = 0x2000_0000_0000_4010

//- a key miss of code
//< translated, psr.pk = 1, pkr[0] = 0x1001, b6 = 0x2000_0000_0000_4010, itc[0x2000_0000_0000_4000] = 0x2_07e1
	br.sptk b6			//> fault = CODE_KEY_MISS, cr.isr = x, cr.ifa = 0x2000_0000_0000_4010, cr.itir = 0x1138

//- key permissions: execution disabled
//< translated, psr.pk = 1, pkr[0] = 0x1001, pkr[1] = 0x1109, b6 = 0x2000_0000_0000_4010, itc[0x2000_0000_0000_4000] = 0x2_07e1
	br.sptk b6			//> fault = KEY_PERMISSION, cr.isr = x, cr.ifa = 0x2000_0000_0000_4010

//- an uncacheable page supports no semaphore
//< translated, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_07f1
	ld8 r8 = [r9]			//> r8 = 0
	xchg8 r8 = [r9], r0		//> fault = UNSUPPORTED, cr.isr = r | w | ei1, cr.ifa = 0x2000_0000_0000_4010

//- a page not present comes before rights
//< translated, psr.cpl = 3, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_0400
	ld8 r8 = [r9]			//> fault = NOT_PRESENT, cr.isr = r, cr.ifa = 0x2000_0000_0000_4010

//- a key miss comes before rights, rights before the access bit
//< translated, psr.cpl = 3, psr.pk = 1, pkr[0] = 0x1001, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_0401
	ld8 r8 = [r9]			//> fault = DATA_KEY_MISS, cr.isr = r, cr.ifa = 0x2000_0000_0000_4010

//- rights come before the access bit, and before alignment
//< translated, psr.cpl = 3, psr.ac = 1, r9 = 0x2000_0000_0000_4011, dtc[0x2000_0000_0000_4000] = 0x2_0401
	ld8 r8 = [r9]			//> fault = DATA_RIGHTS, cr.isr = r, cr.ifa = 0x2000_0000_0000_4011

//- itc.d and ptc.l
//< translated, psr.ic = 0, r9 = 0x2000_0000_0000_4010, r10 = 0x1138, r11 = 0x2_07e1, r12 = 0x38, [0x20010] = 7
	mov cr.ifa = r9			//> cr.ifa = 0x2000_0000_0000_4010
	mov cr.itir = r10 ;;
	itc.d r11 ;;
	ssm 0x2000 ;;
	srlz.d
	ld8 r8 = [r9] ;;		//> r8 = 7
	ptc.l r9, r12 ;;
	{ .mii
	ld8 r13 = [r9]			//> fault = ALTERNATE_DTLB, cr.isr = r
	}

//- itr.d and ptr.d; ptc.e leaves translation registers alone
//< translated, psr.ic = 0, r9 = 0x2000_0000_0000_4010, r10 = 0x1138, r11 = 0x2_07e1, r12 = 0x38, r13 = 31, [0x20010] = 7
	mov cr.ifa = r9
	mov cr.itir = r10 ;;
	itr.d dtr[r13] = r11 ;;
	ssm 0x2000 ;;
	srlz.d
	ptc.e r0 ;;
	ld8 r8 = [r9] ;;		//> r8 = 7
	ptr.d r9, r12 ;;
	{ .mii
	ld8 r14 = [r9]			//> fault = ALTERNATE_DTLB, cr.isr = r, cr.ifa = 0x2000_0000_0000_4010
	}

//- itc.i, and ptc.g of the running code
//< translated, psr.ic = 0, r9 = 0x2000_0000_0000_c000, r10 = 0x1138, r11 = 0xc7e1, r12 = 0x38, b6 = 0x2000_0000_0000_f050
	{ .mii
	mov cr.ifa = r9
	}
	{ .mii
	mov cr.itir = r10 ;;
	}
	{ .mmi
	itc.i r11 ;;
	}
	{ .mii
	ssm 0x2000 ;;
	}
	{ .mib
	srlz.i
	br.sptk b6 ;;
	}
	{ .mmi
	ptc.g r9, r12 ;;
	}
	{ .mii
	srlz.i ;;
	}
	{ .mii
	nop.m 0
	}
//> fault = ALTERNATE_ITLB, cr.isr = ?, cr.ifa = ?, cr.iip = ?

//- a larger page covers a smaller one's addresses
//< translated, r9 = 0x2000_0000_0100_0010, dtc[0x2000_0000_0000_0000 ps 26] = 0x07e1, [0x20010] = 7
//< r10 = 0x2000_0000_0002_0010
	ld8 r8 = [r10]			//> r8 = 7

//- purging part of a page purges all of it
//< translated, r9 = 0x2000_0000_0000_0000, r10 = 0x2000_0000_0002_0010, r12 = 0x30, dtc[0x2000_0000_0000_0000 ps 26] = 0x07e1
	ptc.l r9, r12 ;;
	ld8 r8 = [r10]			//> fault = ALTERNATE_DTLB, cr.isr = r | ei1, cr.ifa = 0x2000_0000_0002_0010

//- a translation belongs to its region identifier, not to the region
//< translated, r9 = 0x2000_0000_0000_4010, r10 = 0x4000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_07e1, rr[2] = 0x1138
//< [0x20010] = 7
	ld8 r8 = [r10]			//> r8 = 7

//- another region identifier hides it
//< translated, r9 = 0x2000_0000_0000_4010, r10 = 0x1238, dtc[0x2000_0000_0000_4000] = 0x2_07e1
	ld8 r8 = [r9]			//> r8 = 0
	mov rr[r9] = r10 ;;		//> rr[1] = 0x1238
	{ .mii
	ld8 r8 = [r9]			//> fault = ALTERNATE_DTLB, cr.isr = r, cr.ifa = 0x2000_0000_0000_4010, cr.itir = 0x1238
	}

//- insertion needs PSR.ic clear
	itc.d r9			//> fault = GENERAL, cr.isr = 0

//- insertion needs level 0
//< psr.ic = 0, psr.cpl = 3
	itc.i r9			//> fault = GENERAL, cr.isr = ni | 0x10

//- insertion of a NaT
//< psr.ic = 0, r9 = nat
	itc.d r9			//> fault = NAT, cr.isr = ni | 0x10

//- insertion with reserved bits
//< psr.ic = 0, cr.itir = 0x1138, r9 = 0x2_07e3
	itc.d r9			//> fault = GENERAL, cr.isr = ni | 0x30

//- insertion of a page size that does not exist
//< psr.ic = 0, cr.itir = 0x113c, r9 = 0x2_07e1
	itc.d r9			//> fault = GENERAL, cr.isr = ni | 0x30

//- insertion into a register that does not exist
//< psr.ic = 0, cr.itir = 0x1138, r9 = 0x2_07e1, r10 = 32
	itr.d dtr[r10] = r9		//> fault = GENERAL, cr.isr = ni | 0x30

//- purges need level 0
//< psr.cpl = 3
	ptc.l r9, r10			//> fault = GENERAL, cr.isr = 0x10

//- purges consume NaTs
//< r9 = nat
	ptc.e r9			//> fault = NAT, cr.isr = 0x10

//- probe: rights at a level, never above one's own
//< translated, r9 = 0x2000_0000_0000_4010, r10 = 0x4000_0000_0000_4010, r11 = 0, r12 = 3
//< dtc[0x2000_0000_0000_4000] = 0x2_0461, dtc[0x4000_0000_0000_4000] = 0x2_01e1
	probe.r r20 = r9, 0		//> r20 = 1
	probe.w r21 = r9, 0		//> r21 = 1
	probe.r r22 = r9, 1		//> r22 = 0
	probe.r r23 = r9, r11		//> r23 = 1
	probe.w r24 = r9, r12		//> r24 = 0
	probe.r r25 = r10, 3		//> r25 = 1
	probe.w r26 = r10, 0		//> r26 = 0

//- probe at level 3 asks for level 3
//< translated, psr.cpl = 3, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_0461
	probe.r r8 = r9, 0		//> r8 = 0

//- probe asks for neither the dirty nor the access bit
//< translated, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_0401
	probe.w r8 = r9, 0		//> r8 = 1

//- probe: a miss
//< translated, r9 = 0x2000_0000_0000_4010
	probe.r r8 = r9, 3		//> fault = ALTERNATE_DTLB, cr.isr = r | na | 2, cr.ifa = 0x2000_0000_0000_4010

//- probe: a page not present
//< translated, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_0460
	probe.w r8 = r9, 3		//> fault = NOT_PRESENT, cr.isr = w | na | 2, cr.ifa = 0x2000_0000_0000_4010

//- probe.fault
//< translated, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_0461
	probe.rw.fault r9, 0
	probe.rw.fault r9, 3		//> fault = DATA_RIGHTS, cr.isr = r | w | na | ei1 | 5, cr.ifa = 0x2000_0000_0000_4010

//- probe.fault meets the dirty bit
//< translated, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_07a1
	probe.r.fault r9, 3
	probe.w.fault r9, 3		//> fault = DIRTY, cr.isr = w | na | ei1 | 5, cr.ifa = 0x2000_0000_0000_4010

//- probe consumes a NaT
//< translated, r9 = nat
	probe.r r8 = r9, 3		//> fault = NAT, cr.isr = r | na | 0x12

//- tpa, tak
//< translated, r9 = 0x2000_0000_0000_4010, r10 = 0x4000_0000_0000_0000, dtc[0x2000_0000_0000_4000 ps 14 key 0x123] = 0x2_0461
	tpa r20 = r9			//> r20 = 0x20010
	tak r21 = r9			//> r21 = 0x1_2300
	tak r22 = r10			//> r22 = 1

//- tpa: a miss
//< translated, r9 = 0x2000_0000_0000_4010
	tpa r8 = r9			//> fault = ALTERNATE_DTLB, cr.isr = na, cr.ifa = 0x2000_0000_0000_4010

//- tpa is privileged
//< translated, psr.cpl = 3
	tpa r8 = r9			//> fault = GENERAL, cr.isr = na | 0x10

//- tak is privileged
//< psr.cpl = 3
	tak r8 = r9			//> fault = GENERAL, cr.isr = na | 0x13

//- lfetch drops what it cannot have, lfetch.fault does not
//< translated, r9 = 0x2000_0000_0000_4010
	lfetch [r9]
	lfetch.fault [r9]		//> fault = ALTERNATE_DTLB, cr.isr = r | na | ei1 | 4, cr.ifa = 0x2000_0000_0000_4010

//- fc: a miss
//< translated, r9 = 0x2000_0000_0000_4010
	fc r9				//> fault = ALTERNATE_DTLB, cr.isr = r | na | 1, cr.ifa = 0x2000_0000_0000_4010

//- fc.i: a page not present
//< translated, r9 = 0x2000_0000_0000_4010, dtc[0x2000_0000_0000_4000] = 0x2_07e0
	fc.i r9				//> fault = NOT_PRESENT, cr.isr = r | na | 1, cr.ifa = 0x2000_0000_0000_4010

//- PSR.dt clear: data are physical while code is not
//< translated, psr.dt = 0, r9 = 0x20010, [0x20010] = 7
	ld8 r8 = [r9]			//> r8 = 7

//- code written over code is seen after fc and srlz.i
//< r9 = 0xf030, r10 = 0xf040
	{ .mmi
	ld8 r12 = [r10], 8 ;;		//> r12 = ?
	ld8 r13 = [r10]			//> r13 = ?, r10 = 0xf048
	}
	{ .mmi
	st8 [r9] = r12, 8 ;;
	st8 [r9] = r13 ;;		//> r9 = 0xf038
	}
	{ .mmi
	fc r9 ;;
	srlz.i ;;
	}
	{ .mii
	mov r8 = 1
	}
	{ .mii
	mov r8 = 2			//> r8 = 2
	}

//- ssm and rsm of PSR.dt: virtual, physical, virtual
//< translated, psr.dt = 0, r9 = 0x2000_0000_0000_4010, r10 = 0x20010, dtc[0x2000_0000_0000_4000] = 0x2_c7e1
//< [0x20010] = 7, [0x2c010] = 8
	ld8 r20 = [r10]			//> r20 = 7
	ssm 0x20000 ;;
	srlz.d
	ld8 r21 = [r9]			//> r21 = 8
	ld8 r22 = [r10]			//> r22 = 7
	rsm 0x20000 ;;
	srlz.d
	ld8 r23 = [r10]			//> r23 = 7

//- a probe's level that is NaT is consumed
//< translated, r9 = 0x20000, r10 = nat
	probe.w r8 = r9, r10		//> fault = NAT, cr.isr = w | na | 0x12

//- every page size the walker and itc know: 4 KB and 4 GB
//< translated, psr.ic = 0, r9 = 0x2000_0000_0000_7010, r10 = 0x30, r11 = 0x2_17e1, r12 = 0x4000_0001_0002_1010, r13 = 0x80
//< r14 = 0x7e1, [0x21010] = 7
	mov cr.ifa = r9
	mov cr.itir = r10 ;;		//> cr.itir = ?, cr.ifa = ?
	itc.d r11 ;;
	mov cr.ifa = r12
	mov cr.itir = r13 ;;
	itc.d r14 ;;
	ld8 r20 = [r9]			//> r20 = 7
	ld8 r21 = [r12]			//> r21 = 7

//- itr.i, and ptr.i of the running code
//< translated, psr.ic = 0, r9 = 0x2000_0000_0000_c000, r10 = 0x1138, r11 = 0xc7e1, r12 = 0x38, r13 = 5, b6 = 0x2000_0000_0000_f050
	{ .mii
	mov cr.ifa = r9
	}
	{ .mii
	mov cr.itir = r10 ;;
	}
	{ .mmi
	itr.i itr[r13] = r11 ;;
	}
	{ .mii
	ssm 0x2000 ;;
	}
	{ .mib
	srlz.i
	br.sptk b6 ;;
	}
	{ .mmi
	ptr.i r9, r12 ;;
	}
	{ .mii
	srlz.i ;;
	}
	{ .mii
	nop.m 0
	}
//> fault = ALTERNATE_ITLB, cr.isr = ?, cr.ifa = ?, cr.iip = ?

//- ptc.ga
//< translated, r9 = 0x2000_0000_0000_4010, r12 = 0x38, dtc[0x2000_0000_0000_4000] = 0x2_07e1
	ld8 r8 = [r9] ;;		//> r8 = 0
	ptc.ga r9, r12 ;;
	{ .mmi
	ld8 r8 = [r9]			//> fault = ALTERNATE_DTLB, cr.isr = r, cr.ifa = 0x2000_0000_0000_4010
	}
