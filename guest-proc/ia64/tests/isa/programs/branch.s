// Branches and calls. SDM volume 3, "br", "brl", "break", "epc"; volume 1, 4.5.

//- a conditional branch skips, or not
//< p6 = 1, p7 = 0
	(p6) br.cond.sptk 1f
	mov r8 = 1
1:	(p7) br.cond.dptk 2f
	mov r9 = 2			//> r9 = 2
2:	br.few 3f
	mov r10 = 3
3:	mov r11 = 4			//> r11 = 4

//- backwards, and across pages of bundles
//< r8 = 0
1:	add r8 = 1, r8 ;;
	cmp.ltu p6, p7 = r8, r9
//< r9 = 100
	(p6) br.cond.dptk 1b		//> r8 = 100, p7 = 1

//- an indirect branch ignores the low bits of its register
//< b6 = 0xf02f
	br.cond.sptk b6 ;;
	mov r8 = 1 ;;
	{ .mii
	mov r9 = 2			//> r9 = 2
	}

//- br.call: return address, frame marker and epilog count; outputs become the frame
//< ar.ec = 5, ar.pfs = 0
	{ .mib
	br.call.sptk b3 = 1f		//> b3 = 0xf010, ar.pfs = 0x0050_0000_0000_0410
	}
	mov r9 = 1
1:	mov r8 = r32			//> r8 = 0xdead_0028
//> cfm.sof = 8, cfm.sol = 0, cfm.sor = 0, ar.bsp = 0x30040, r32 = 0xdead_0028, r39 = 0xdead_002f

//- br.call and br.ret: the frame comes back, and the epilog count
//< ar.ec = 5
	{ .mib
	br.call.sptk b0 = 1f		//> b0 = 0xf010, ar.pfs = 0x0050_0000_0000_0410
	}
	{ .mib
	mov r10 = r32			//> r10 = 0xdead_0020
	br.few 2f
	}
1:	mov ar.ec = 9			//> ar.ec = 5
	mov r32 = 77			//> r40 = 77
	br.ret.sptk b0
2:

//- an indirect call may return through the register that it uses
//< b6 = 0xf020
	{ .mib
	br.call.sptk b6 = b6		//> b6 = 0xf010, ar.pfs = 0x410
	}
	{ .mib
	br.few 1f
	}
	{ .mib
	br.ret.sptk b6
	}
1:

//- a call resets rotation: the callee has its own
//< cfm.sor = 1, cfm.rrb.gr = 3, cfm.rrb.fr = 5, cfm.rrb.pr = 7
	br.call.sptk b0 = 1f		//> ar.pfs = 0x7_0a0c_4410, b0 = ?
1:	nop 0
//> cfm.sof = 8, cfm.sol = 0, cfm.sor = 0, cfm.rrb.gr = 0, cfm.rrb.fr = 0, cfm.rrb.pr = 0, ar.bsp = 0x30040

//- brl: long branches and calls
	brl.sptk 1f ;;
	mov r8 = 1
	.org . + 0x400
1:	{ .mlx
	brl.call.sptk b1 = 2f		//> b1 = ?, ar.pfs = 0x410
	}
	mov r9 = 1
2:	nop 0
//> cfm.sof = 8, cfm.sol = 0, ar.bsp = 0x30040

//- a predicated-off call does nothing
//< p6 = 0
	(p6) br.call.sptk b0 = 1f
	(p6) br.ret.sptk b0
1:

//- br.cloop counts LC down and stops at zero
//< ar.lc = 3, r8 = 0
1:	add r8 = 1, r8			//> r8 = 4
	br.cloop.sptk 1b		//> ar.lc = 0

//- br.cloop with LC zero falls through and leaves it
//< ar.lc = 0, r8 = 0
1:	add r8 = 1, r8			//> r8 = 1
	br.cloop.sptk 1b

//- br.ret lowers the level, without a trap
//< ar.pfs = 0xc000_0000_0000_0410, b0 = 0xfff0, ar.rsc = 0xc
	br.ret.sptk b0			//> psr.cpl = 3
//> cfm.sof = 16, cfm.sol = 8, ar.bsp = 0x2ffb8, ar.bspstore = 0x2ffb8, ar.rnat = ?

//- br.ret that lowers the level traps with PSR.lp, behind the branch
//< psr.lp = 1, ar.pfs = 0x8000_0000_0000_0000, b0 = 0xf040
	{ .mib
	br.ret.sptk b0			//> fault = LOWER_PRIVILEGE, cr.isr = ei2 | 2, cr.iip = 0xf040, cr.iipa = 0xf000
	}
//> cr.ipsr.cpl = 2, cr.ipsr.ri = 0, cfm.sof = 0, cfm.sol = 0

//- br.ret does not raise the level
//< psr.cpl = 3, psr.lp = 1, ar.pfs = 0, b0 = 0xfff0
	br.ret.sptk b0			//> cfm.sof = 0, cfm.sol = 0

//- break: the immediate in IIM, the slot in ISR
	{ .mii
	nop.m 0
	break.i 0x1fffff		//> fault = BREAK, cr.isr = ei1, cr.iim = 0x1fffff, cr.iip = 0xf000, cr.ipsr.ri = 1
	}

//- break.m
	break.m 0x12345			//> fault = BREAK, cr.isr = 0, cr.iim = 0x12345, cr.iip = 0xf000

//- break.f
	{ .mfi
	break.f 0x100000		//> fault = BREAK, cr.isr = ei1, cr.iim = 0x100000
	}

//- break.b always gives zero
	{ .bbb
	nop.b 0
	nop.b 0
	break.b 0x12345			//> fault = BREAK, cr.isr = ei2, cr.iim = 0
	}

//- break.x: the low 21 bits
	{ .mlx
	break.x 0x123456789abcde	//> fault = BREAK, cr.isr = ei1, cr.iim = 0x1abcde
	}

//- a predicated-off break is none
//< p6 = 0
	(p6) break.m 5

//- an interruption leaves the bundle of the last instruction in IIPA and clears IFS
//< cr.ifs = 0x8000_0000_0000_0000
	{ .mii
	nop.m 0
	}
	{ .mii
	nop.m 0
	}
	{ .mii
	nop.m 0
	break.i 1			//> fault = BREAK, cr.isr = ei1, cr.iim = 1, cr.iip = 0xf020, cr.iipa = 0xf020, cr.ifs = 0
	}

//- what an interruption makes of PSR
//< psr.ac = 1, psr.up = 1, psr.pp = 1, psr.i = 1, psr.cpl = 3, psr.di = 1, psr.si = 1, psr.lp = 1, psr.mc = 1, psr.dfh = 1
	break.m 1			//> fault = BREAK, cr.isr = 0
//> cr.ipsr.ac = 1, cr.ipsr.up = 1, cr.ipsr.pp = 1, cr.ipsr.i = 1, cr.ipsr.cpl = 3, cr.ipsr.ic = 1, cr.ipsr.dfh = 1
//> psr.ac = 0, psr.up = 1, psr.pp = 0, psr.i = 0, psr.cpl = 0, psr.ic = 0, psr.di = 0, psr.si = 0, psr.lp = 0
//> psr.mc = 1, psr.dfh = 0, psr.mfl = 1, psr.mfh = 1

//- DCR gives handlers byte order and monitoring
//< cr.dcr = 3
	break.m 1			//> fault = BREAK, cr.isr = 0, psr.be = 1, psr.pp = 1

//- an interruption changes to bank 0
//< psr.bn = 1, r16 = 0x1111, r16' = 0x2222
	break.m 1			//> fault = BREAK, cr.isr = 0, cr.ipsr.bn = 1, psr.bn = 0
//> r16 = 0x2222, r16' = 0x1111, r17 = ?, r18 = ?, r19 = ?, r20 = ?, r21 = ?, r22 = ?, r23 = ?, r24 = ?, r25 = ?
//> r26 = ?, r27 = ?, r28 = ?, r29 = ?, r30 = ?, r31 = ?, r17' = ?, r18' = ?, r19' = ?, r20' = ?, r21' = ?, r22' = ?
//> r23' = ?, r24' = ?, r25' = ?, r26' = ?, r27' = ?, r28' = ?, r29' = ?, r30' = ?, r31' = ?

//- with PSR.ic clear only ISR is written, with its ni bit
//< psr.ic = 0, cr.iip = 0x1230, cr.iipa = 0x4560, cr.iim = 7
	break.m 1			//> fault = BREAK, cr.isr = ni, cr.iip = 0x1230, cr.iipa = 0x4560, cr.iim = 7

//- epc without translation: level 0
//< psr.cpl = 3, ar.pfs = 0xc000_0000_0000_0000
	epc ;;				//> psr.cpl = 0

//- epc on a promotion page: the level of the page
//< code = 0xee1, psr.cpl = 3, ar.pfs = 0xc000_0000_0000_0000
	epc ;;				//> psr.cpl = 1

//- epc does not lower the level
//< code = 0xfe1, psr.cpl = 1, ar.pfs = 0x4000_0000_0000_0000
	epc ;;

//- epc on any other page changes nothing
//< translated, psr.cpl = 3, ar.pfs = 0xc000_0000_0000_0000
	epc ;;

//- epc with a previous level above the present one is an illegal operation
//< psr.cpl = 3, ar.pfs = 0x8000_0000_0000_0000
	{ .bbb
	epc				//> fault = GENERAL, cr.isr = 0
	}

//- br.ia is an illegal operation without the IA-32 instruction set
	{ .mib
	br.ia.sptk b6			//> fault = GENERAL, cr.isr = ei2
	}

//- brp and hints are nothing
	brp.loop.imp 1f, 1f
1:	mov b7 = r0			//> b7 = 0
	hint.m 3

//- reserved templates are illegal operations
	data8 0x6, 0			//> fault = GENERAL, cr.isr = 0, cr.iip = 0xf000

//- a branch to an unimplemented physical address
//< b6 = 0x0004_0000_0000_0020
	br.sptk b6			//> fault = LOWER_PRIVILEGE, cr.isr = ?, cr.iip = ?

//- chk.a, fchkf and chk.s branch both ways
	{ .mib
	br.few 2f
	}
1:	{ .mib
	mov r8 = 1			//> r8 = 1
	br.few 3f
	}
2:	{ .mib
	chk.a.nc r9, 1b
	}
	break.m 1
3:

//- br.call with a full frame and deep locals
//< cfm.sof = 96, cfm.sol = 90
	br.call.sptk b0 = 1f		//> b0 = ?, ar.pfs = 0x2d60
1:	mov r8 = r32			//> r8 = 0xdead_007a
//> cfm.sof = 6, cfm.sol = 0, ar.bsp = 0x302d8

//- two calls deep and back: locals and outputs keep their places
//< r32 = 1, r40 = 2, r41 = 3
	{ .mib
	br.call.sptk b1 = 1f		//> b1 = 0xf010, ar.pfs = 0x410
	}
	{ .mib
	br.few 9f
	}
1:	alloc r34 = ar.pfs, 2, 2, 1, 0
	add r36 = r32, r33
	br.call.sptk b2 = 2f		//> b2 = ?
	mov r8 = r36			//> r8 = 6
	mov ar.pfs = r34
	br.ret.sptk b1
2:	alloc r33 = ar.pfs, 1, 1, 0, 0
	add r32 = 1, r32
	mov ar.pfs = r33
	br.ret.sptk b2
9:	mov r9 = r32			//> r9 = 1
//> r42 = 0x410, r43 = ?, r44 = 6, r45 = ?

//- writing the frame's last register, reading it through the call
//< cfm.sof = 9
	mov r40 = 5 ;;			//> r40 = 5
	{ .mib
	br.call.sptk b0 = 1f		//> b0 = ?, ar.pfs = 0x409
	}
	br.few 2f
1:	mov r8 = r32			//> r8 = 5
	br.ret.sptk b0
2:

//- a long branch not taken goes on behind its bundle
//< p6 = 0
	(p6) brl.sptk 1f
	mov r8 = ip ;;			//> r8 = 0xf010
1:

//- a promotion page and back: call, epc, return
//< code = 0xe61, psr.cpl = 3
	{ .mib
	br.call.sptk b6 = 1f		//> b6 = 0xf010, ar.pfs = 0xc000_0000_0000_0410
	}
	{ .mib
	br.few 2f
	}
1:	{ .bbb
	nop.b 0
	nop.b 0
	epc ;;
	}
	{ .mib
	mov r8 = cr.iva			//> r8 = 0x10000
	br.ret.sptk b6
	}
2:	mov r9 = 1			//> r9 = 1

//- a program that tries what only level 0 may
//< translated, psr.cpl = 3, r8 = 5
	nop.m 0
	mov r8 = cr.iva			//> fault = GENERAL, cr.isr = ei1 | 0x10, cr.ipsr.cpl = 3, psr.cpl = 0

//- rfi to a level that the code page does not admit
//< code = 0x661, psr.ic = 0, cr.ipsr.ic = 1, cr.ipsr.it = 1, cr.ipsr.cpl = 3, cr.iip = 0xf020
	{ .bbb
	rfi
	}
//> fault = CODE_RIGHTS, cr.isr = x, cr.ifa = 0xf020, cr.iip = 0xf020, cr.ipsr.cpl = 3

//- br.ret of a frame for which there is no room gives an empty one
//< cfm.sof = 90, cfm.sol = 0, ar.pfs = 50, b0 = 0xf020
	{ .bbb
	nop.b 0
	nop.b 0
	cover ;;
	}
	{ .mib
	br.ret.sptk b0
	}
	nop 0
//> cfm.sof = 0, cfm.sol = 0, ar.bsp = 0x302d8
