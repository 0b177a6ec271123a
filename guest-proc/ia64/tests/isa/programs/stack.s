// The register stack and its engine. SDM volume 1, 4.1; volume 2, chapter 6.

//- alloc: the frame's new sizes, the old PFS in the target
//< ar.pfs = 0x1234
	alloc r40 = ar.pfs, 4, 8, 2, 8	//> r40 = 0x1234
//> cfm.sof = 14, cfm.sol = 12, cfm.sor = 1, r32 = 0xdead_0020, r45 = 0xdead_002d

//- alloc of an empty frame, of a full one
	alloc r8 = ar.pfs, 0, 0, 0, 0 ;;	//> r8 = 0
	alloc r9 = ar.pfs, 0, 96, 0, 96		//> r9 = 0
//> cfm.sof = 96, cfm.sol = 96, cfm.sor = 12

//- alloc cannot put its result beyond the new frame
	alloc r34 = ar.pfs, 1, 1, 0, 0	//> fault = GENERAL, cr.isr = 0

//- alloc may put its result into a register that only the new frame has
//< cfm.sof = 1, cfm.sol = 0
	alloc r40 = ar.pfs, 9, 0, 0, 0	//> r40 = 0, cfm.sof = 9, cfm.sol = 9

//- alloc cannot put its result into r0
	alloc r0 = ar.pfs, 1, 1, 0, 0	//> fault = GENERAL, cr.isr = 0

//- alloc of 97 registers
	data8 0x58001844000, 0x4000000000200	//> fault = GENERAL, cr.isr = 0

//- alloc of more locals than registers
	data8 0x58012204000, 0x4000000000200	//> fault = GENERAL, cr.isr = 0

//- alloc of more rotating registers than registers
	data8 0x58200204000, 0x4000000000200	//> fault = GENERAL, cr.isr = 0

//- alloc cannot change the rotating part while registers are rotated
//< cfm.sor = 1, cfm.rrb.fr = 5
	alloc r8 = ar.pfs, 8, 8, 0, 16	//> fault = GENERAL, cr.isr = 0x30

//- alloc can change anything else then
//< cfm.sor = 1, cfm.rrb.fr = 5
	alloc r8 = ar.pfs, 10, 10, 0, 8	//> r8 = 0, cfm.sof = 20, cfm.sol = 20, cfm.rrb.fr = 5

//- cover: the frame joins the dirty ones, BSP goes past it
	{ .bbb
	cover				//> cfm.sof = 0, cfm.sol = 0, ar.bsp = 0x30080
	}
	mov r8 = ar.bsp			//> r8 = 0x30080
	mov r9 = ar.bspstore		//> r9 = 0x30000

//- cover with PSR.ic clear saves the frame marker in IFS
//< psr.ic = 0
	{ .bbb
	cover				//> cr.ifs = 0x8000_0000_0000_0410
	}
//> cfm.sof = 0, cfm.sol = 0, ar.bsp = 0x30080

//- flushrs stores the dirty registers
//< r33 = 1, cfm.sof = 4, cfm.sol = 4
	{ .bbb
	cover ;;
	}
	flushrs				//> ar.bspstore = 0x30020, ar.rnat = ?
//> cfm.sof = 0, cfm.sol = 0, ar.bsp = 0x30020
//> [0x30000] = 0xdead_0020, [0x30008] = 1, [0x30010] = 0xdead_0022, [0x30018] = 0xdead_0023

//- NaTs go to the collection at each 64th word
//< ar.bsp = 0x301e0, ar.bspstore = 0x301e0, r33 = nat, r36 = nat, cfm.sof = 6, cfm.sol = 6
	{ .bbb
	cover ;;
	}
	flushrs ;;			//> ar.bspstore = 0x30218, ar.rnat = ?
	mov r8 = ar.rnat ;;
	extr.u r8 = r8, 0, 3		//> r8 = 2
//> cfm.sof = 0, cfm.sol = 0, ar.bsp = 0x30218
//> [0x301e0] = 0xdead_0020, [0x301e8] = ?, [0x301f0] = 0xdead_0022, [0x301f8] = 0x2000_0000_0000_0000
//> [0x30200] = 0xdead_0023, [0x30208] = ?, [0x30210] = 0xdead_0025

//- RNAT bits of registers stored before are kept for their collection
//< ar.bsp = 0x301f0, ar.bspstore = 0x301f0, ar.rnat = 0x1000_0000_0000_0005, cfm.sof = 1, cfm.sol = 1, r32 = 3
	{ .bbb
	cover ;;
	}
	flushrs				//> ar.bspstore = 0x30200, ar.rnat = ?
//> cfm.sof = 0, cfm.sol = 0, ar.bsp = 0x30200, [0x301f0] = 3, [0x301f8] = 0x1000_0000_0000_0005

//- the register stack's byte order is its own
//< ar.rsc = 0x10, cfm.sof = 1, cfm.sol = 1, r32 = 0x1122_3344_5566_7788
	{ .bbb
	cover ;;
	}
	flushrs				//> ar.bspstore = 0x30008, ar.rnat = ?, [0x30000] = 0x8877_6655_4433_2211
//> cfm.sof = 0, cfm.sol = 0, ar.bsp = 0x30008

//- rfi fills an incomplete frame, NaTs from RNAT and from a collection passed
//< psr.ic = 0, cr.ipsr.ic = 1, cr.ipsr.mfl = 1, cr.ipsr.mfh = 1, cr.iip = 0xfff0, cr.ifs = 0x8000_0000_0000_0006
//< cfm.sof = 0, cfm.sol = 0, ar.bsp = 0x30218, ar.bspstore = 0x30218, ar.rnat = 2
//< [0x301e0] = 32, [0x301e8] = 33, [0x301f0] = 34, [0x301f8] = 0x2000_0000_0000_0000
//< [0x30200] = 35, [0x30208] = 36, [0x30210] = 37
	{ .bbb
	rfi				//> psr.ic = 1, ar.bsp = 0x301e0, ar.bspstore = 0x301e0, ar.rnat = ?, cfm.sof = 6, cfm.sol = 0
	}
//> r32 = 32, r33 = nat, r34 = 34, r35 = 35, r36 = nat, r37 = 37

//- rfi with IFS.v clear keeps the frame
//< psr.ic = 0, cr.ipsr.ic = 1, cr.ipsr.mfl = 1, cr.ipsr.mfh = 1, cr.iip = 0xfff0, cr.ifs = 6
	{ .bbb
	rfi				//> psr.ic = 1
	}

//- a fault while a frame is filled comes after rfi, at its target
//< translated, ar.bsp = 0x2000_0000_0000_0100, ar.bspstore = 0x2000_0000_0000_0100, cfm.sof = 0, cfm.sol = 0
//< psr.ic = 0, cr.ipsr.ic = 1, cr.ipsr.it = 1, cr.ipsr.dt = 1, cr.ipsr.rt = 1, cr.iip = 0xf020, cr.ifs = 0x8000_0000_0000_0006
	{ .bbb
	rfi
	}
//> fault = ALTERNATE_DTLB, cr.isr = r | rs | ir, cr.ifa = 0x2000_0000_0000_00f8, cr.iip = 0xf020, cr.ifs = 0
//> cfm.sof = 6, cfm.sol = 0, ar.bsp = 0x2000_0000_0000_00d0, ar.bspstore = ?

//- a fault of flushrs: RSC.pl decides on rights
//< translated, ar.bsp = 0x2000_0000_0000_4008, ar.bspstore = 0x2000_0000_0000_4000, ar.rsc = 0xc, dtc[0x2000_0000_0000_4000] = 0x3_0661
	flushrs				//> fault = DATA_RIGHTS, cr.isr = w | rs, cr.ifa = 0x2000_0000_0000_4000, cr.iip = 0xf000

//- writing BSPSTORE moves BSP with the dirty registers
//< cfm.sof = 4, cfm.sol = 4
	{ .bbb
	cover ;;
	}
	mov ar.bspstore = r9 ;;		//> ar.bspstore = 0x401f0
	mov r8 = ar.bsp			//> r8 = 0x40218
//< r9 = 0x401f0
//> cfm.sof = 0, cfm.sol = 0, ar.bsp = 0x40218

//- loadrs keeps so many bytes of registers below BSP dirty, from memory
//< ar.rsc = 0x0018_0000, cfm.sof = 0, cfm.sol = 0, ar.bsp = 0x30218, ar.bspstore = 0x30218
//< [0x30200] = 35, [0x30208] = 36, [0x30210] = 37
	loadrs ;;			//> ar.bspstore = 0x30200
	mov r8 = ar.bspstore		//> r8 = 0x30200
//> ar.rnat = ?

//- loadrs with a frame of registers is an illegal operation
//< ar.rsc = 0x0018_0000
	loadrs				//> fault = GENERAL, cr.isr = 0

//- loadrs of nothing is not
	loadrs

//- loadrs while the engine works ahead is one
//< ar.rsc = 3, cfm.sof = 0, cfm.sol = 0
	loadrs				//> fault = GENERAL, cr.isr = 0

//- loadrs of nothing forgets the dirty registers
//< cfm.sof = 4, cfm.sol = 4
	{ .bbb
	cover ;;
	}
	loadrs				//> ar.bspstore = 0x30020
	flushrs
//> cfm.sof = 0, cfm.sol = 0, ar.bsp = 0x30020

//- BSPSTORE is written only in lazy mode
//< ar.rsc = 3
	mov ar.bspstore = r9		//> fault = GENERAL, cr.isr = 0

//- RNAT is read only in lazy mode
//< ar.rsc = 3
	mov r8 = ar.rnat		//> fault = GENERAL, cr.isr = 0

//- RNAT is written only in lazy mode
//< ar.rsc = 1
	mov ar.rnat = r9		//> fault = GENERAL, cr.isr = 0

//- BSP cannot be written
	mov ar.bsp = r9			//> fault = GENERAL, cr.isr = 0

//- a recursion deeper than the registers: the engine spills and fills
//< r40 = 40, ar.rsc = 3
	{ .mib
	br.call.sptk b0 = 1f		//> ar.pfs = 0x410, b0 = 0xf010
	}
	br.few 9f
1:	alloc r33 = ar.pfs, 1, 4, 1, 0
	mov r34 = b0
	mov r35 = r9
	cmp.eq p6, p7 = 0, r32		//> p6 = 1, p7 = 0
	(p6) mov r8 = 0
	(p6) br.cond.spnt 2f
	add r37 = -1, r32
	br.call.sptk b0 = 1b
	add r8 = r8, r32		//> r8 = 820
	tnat.nz p8, p9 = r35 ;;		//> p8 = 1, p9 = 0
	(p8) add r10 = 1, r10
	mov r35 = 0
2:	mov ar.pfs = r33
	mov b0 = r34
	br.ret.sptk b0
9:
//< r9 = nat, r10 = 0
//> r10 = 40, r41 = ?, r42 = ?, r43 = ?, r44 = ?, r45 = ?, r46 = ?, r47 = ?, ar.bspstore = ?, ar.rnat = ?, memory = ?

//- a register stack put away and taken back, memory deciding
//< cfm.sof = 4, cfm.sol = 4, r33 = nat, r9 = 0x30010, r10 = 99, r11 = 0x30020, r12 = 0x0020_0000, b0 = 0xf060, ar.pfs = 0x204
	{ .bbb
	nop.b 0
	nop.b 0
	cover ;;
	}
	{ .mii
	flushrs ;;
	}
	{ .mmi
	mov r13 = ar.rnat		//> r13 = ?
	st8 [r9] = r10
	}
	{ .mmi
	loadrs ;;
	mov ar.bspstore = r11 ;;
	}
	{ .mmi
	mov ar.rnat = r13
	mov ar.rsc = r12 ;;		//> ar.rsc = 0x0020_0000
	}
	{ .mib
	loadrs
	br.ret.sptk b0
	}
	{ .mii
	nop.m 0
	}
//> r32 = 0xdead_0020, r33 = nat, r34 = 99, r35 = 0xdead_0023, ar.rnat = ?, memory = ?

//- BSPSTORE is aligned to 8 bytes
//< r9 = 0x38007
	mov ar.bspstore = r9		//> ar.bspstore = 0x38000, ar.bsp = 0x38000

//- BSP of a deep frame skips the collections
//< ar.bsp = 0x301f0, ar.bspstore = 0x301f0, cfm.sof = 96, cfm.sol = 96
	{ .bbb
	cover ;;
	}
	mov r8 = ar.bsp			//> r8 = 0x30500
//> cfm.sof = 0, cfm.sol = 0, ar.bsp = 0x30500
