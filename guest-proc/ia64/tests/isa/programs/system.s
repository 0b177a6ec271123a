// System registers and PSR. SDM volume 2, chapter 3; volume 3, "mov cr", "mov indirect", "mov psr", "ssm", "rfi", "bsw".

//- mov from psr: bits 36:35 and 31:0
//< translated, psr.mc = 1, psr.ac = 1
	mov r8 = psr			//> r8 = 0x18_0802_2038

//- mov to psr.l: bits 31:0
//< psr.mc = 1, r9 = 0xffff_ffff_00c0_203a
	mov psr.l = r9			//> psr.be = 1, psr.ac = 1, psr.di = 1, psr.si = 1

//- mov to psr.l: reserved bits
//< r9 = 0x1_2030
	mov psr.l = r9			//> fault = GENERAL, cr.isr = 0x30

//- mov to psr.l is privileged, which comes before a NaT
//< psr.cpl = 1, r9 = nat
	mov psr.l = r9			//> fault = GENERAL, cr.isr = 0x10

//- mov from psr is privileged
//< psr.cpl = 3
	mov r8 = psr			//> fault = GENERAL, cr.isr = 0x10

//- ssm, rsm
	ssm 0x4008			//> psr.ac = 1, psr.i = 1
	rsm 0x2020			//> psr.ic = 0, psr.mfh = 0

//- ssm: reserved bits
	ssm 0x10000			//> fault = GENERAL, cr.isr = 0x30

//- ssm is privileged
//< psr.cpl = 3
	ssm 0x4000			//> fault = GENERAL, cr.isr = 0x10

//- rsm is privileged
//< psr.cpl = 3
	rsm 0x4000			//> fault = GENERAL, cr.isr = 0x10

//- bsw: r16 to r31 have two banks
//< r16 = 1, r31 = 2, r15 = 3, r16' = 4, r31' = 5
	{ .bbb
	bsw.1 ;;			//> psr.bn = 1
	}
	mov r8 = r16			//> r8 = 4
	mov r9 = r31			//> r9 = 5
	mov r10 = r15			//> r10 = 3
	mov r31 = 6 ;;
	{ .bbb
	bsw.0 ;;			//> psr.bn = 0, r31' = 6
	}
	mov r11 = r31			//> r11 = 2

//- bsw is privileged
//< psr.cpl = 3
	{ .bbb
	bsw.1				//> fault = GENERAL, cr.isr = ei2 | 0x10
	}

//- rfi: PSR, address and slot
//< psr.ic = 0, cr.ipsr.ic = 1, cr.ipsr.ac = 1, cr.ipsr.cpl = 3, cr.ipsr.bn = 1, cr.ipsr.ri = 2, cr.iip = 0xf01f, r16' = 7
	{ .bbb
	rfi ;;
	}
	{ .mii
	mov r8 = 1
	mov r9 = 2
	mov r10 = r16			//> r10 = 7, psr.ic = 1, psr.ac = 1, psr.cpl = 3, psr.bn = 1, psr.mfl = 0, psr.mfh = 0
	}
//> r16 = 7, r16' = ?, r17 = ?, r18 = ?, r19 = ?, r20 = ?, r21 = ?, r22 = ?, r23 = ?, r24 = ?, r25 = ?, r26 = ?, r27 = ?
//> r28 = ?, r29 = ?, r30 = ?, r31 = ?, r17' = ?, r18' = ?, r19' = ?, r20' = ?, r21' = ?, r22' = ?, r23' = ?, r24' = ?
//> r25' = ?, r26' = ?, r27' = ?, r28' = ?, r29' = ?, r30' = ?, r31' = ?

//- rfi is privileged
//< psr.cpl = 2
	{ .bbb
	rfi				//> fault = GENERAL, cr.isr = ei2 | 0x10
	}

//- control registers keep what they have
//< psr.ic = 0, r9 = 0x1234_5678_9abc_def7, r10 = 0x7f07, r11 = 0x13d, r12 = 0x8000_0000_0000_0410
	mov cr.iva = r9			//> cr.iva = 0x1234_5678_9abc_8000
	mov cr.dcr = r10		//> cr.dcr = 0x7f07
	mov cr.pta = r11		//> cr.pta = 0x13d
	mov cr.ifs = r12		//> cr.ifs = 0x8000_0000_0000_0410
	mov cr.iip = r9			//> cr.iip = 0x1234_5678_9abc_def0
	mov cr.iipa = r9		//> cr.iipa = ?
	mov cr.ifa = r9			//> cr.ifa = 0x1234_5678_9abc_def7
	mov cr.iim = r9			//> cr.iim = 0x1234_5678_9abc_def7
	mov cr.iha = r9			//> cr.iha = 0x1234_5678_9abc_def4
	mov cr.itir = r10		//> cr.itir = ?
	mov r20 = cr.iva		//> r20 = 0x1234_5678_9abc_8000
	mov r21 = cr.dcr		//> r21 = 0x7f07
	mov r22 = cr.ifs		//> r22 = 0x8000_0000_0000_0410
	mov r23 = cr.iim		//> r23 = 0x1234_5678_9abc_def7

//- registers of interruptions are out of reach while PSR.ic is set
	mov r8 = cr.ifa			//> fault = GENERAL, cr.isr = 0

//- for writing, too, before privilege counts
//< psr.cpl = 3
	mov cr.ifa = r9			//> fault = GENERAL, cr.isr = 0

//- reserved control registers
	mov r8 = cr3			//> fault = GENERAL, cr.isr = 0

//- control registers are privileged
//< psr.cpl = 3
	mov r8 = cr.iva			//> fault = GENERAL, cr.isr = 0x10

//- a NaT is not written to them
//< r9 = nat
	mov cr.iva = r9			//> fault = NAT, cr.isr = 0x10

//- IVR is read-only
	mov cr.ivr = r9			//> fault = GENERAL, cr.isr = 0

//- DCR: reserved bits
//< r9 = 8
	mov cr.dcr = r9			//> fault = GENERAL, cr.isr = 0x30

//- PTA: a table of less than 32 KB
//< r9 = 0x38
	mov cr.pta = r9			//> fault = GENERAL, cr.isr = 0x30

//- the local SAPIC's registers
//< r9 = 0x1_00ef, r10 = 0x1_0000, r11 = 0x90
	mov cr.itv = r9
	mov cr.pmv = r10
	mov cr.tpr = r11
	mov cr.eoi = r0
	mov r20 = cr.itv		//> r20 = 0x1_00ef
	mov r21 = cr.pmv		//> r21 = 0x1_0000
	mov r22 = cr.tpr		//> r22 = 0x90
	mov r23 = cr.ivr		//> r23 = 15
	mov r24 = cr.irr0		//> r24 = 0

//- region registers: by address bits 63:61
//< r9 = 0x6000_0000_0000_0000, r10 = 0x1234_5641, r11 = 0xa000_0000_0000_0007
	mov rr[r9] = r10		//> rr[3] = 0x1234_5641
	mov r8 = rr[r9]			//> r8 = 0x1234_5641
	mov r12 = rr[r11]		//> r12 = 0x1538

//- region registers: reserved bits
//< r9 = 0, r10 = 0x1_0000_0038
	mov rr[r9] = r10		//> fault = GENERAL, cr.isr = 0x30

//- region registers: page sizes that do not exist
//< r9 = 0, r10 = 0x103c
	mov rr[r9] = r10		//> fault = GENERAL, cr.isr = 0x30

//- region registers are privileged
//< psr.cpl = 3
	mov r8 = rr[r9]			//> fault = GENERAL, cr.isr = 0x10

//- a NaT index is consumed
//< r9 = nat
	mov r8 = rr[r9]			//> fault = NAT, cr.isr = 0x10

//- protection keys: a key is in one register
//< r9 = 3, r10 = 0x55_5501, r11 = 4, pkr[3] = 0
	mov pkr[r9] = r10		//> pkr[3] = 0x55_5500
	mov pkr[r11] = r10		//> pkr[4] = 0x55_5501
	mov r8 = pkr[r11]		//> r8 = 0x55_5501

//- protection keys: 16 of them
//< r9 = 16
	mov r8 = pkr[r9]		//> fault = GENERAL, cr.isr = 0x30

//- breakpoint and monitor registers
//< r9 = 2, r10 = 0x1234, r11 = 4
	mov dbr[r9] = r10		//> dbr[2] = 0x1234
	mov ibr[r9] = r10		//> ibr[2] = 0x1234
	mov pmc[r11] = r10		//> pmc[4] = 0x1234
	mov pmd[r11] = r10		//> pmd[4] = 0x1234
	mov r20 = dbr[r9]		//> r20 = 0x1234
	mov r21 = ibr[r9]		//> r21 = 0x1234
	mov r22 = pmd[r11]		//> r22 = 0x1234

//- breakpoint registers that do not exist
//< r9 = 8
	mov dbr[r9] = r10		//> fault = GENERAL, cr.isr = 0x30

//- CPUID: five words that every program may read
//< psr.cpl = 3, r9 = 4, cpuid[4] = 0x1234
	mov r8 = cpuid[r9]		//> r8 = 0x1234

//- and no sixth
//< r9 = 5
	mov r8 = cpuid[r9]		//> fault = GENERAL, cr.isr = 0x30

//- vmsw is an illegal operation without virtualization
	{ .bbb
	vmsw.0				//> fault = GENERAL, cr.isr = 0
	}

//- single step: a trap behind each instruction, its slot in ISR
//< psr.ss = 1
	{ .mii
	mov r8 = 1			//> r8 = 1
	mov r9 = 2
	nop.i 0
	}
//> fault = SINGLE_STEP, cr.isr = 8, cr.iip = 0xf000, cr.ipsr.ri = 1, cr.ipsr.ss = 1, cr.iipa = 0xf000, psr.ss = 0

//- single step of the last slot: the next bundle follows
//< psr.ss = 1, cr.ipsr.mfl = 0
	{ .mlx
	nop.m 0
	movl r8 = 1
	}
//> fault = SINGLE_STEP, cr.isr = 8, cr.iip = 0xf000, cr.ipsr.ri = 1

//- single step of a fault: the fault
//< psr.ss = 1
	break.m 1			//> fault = BREAK, cr.isr = 0, cr.iim = 1, cr.ipsr.ss = 1

//- a taken branch traps with PSR.tb
//< psr.tb = 1
	{ .mib
	br.few 1f
	}
	nop 0 ;;
1:	{ .mib
	nop.m 0
	}
//> fault = TAKEN_BRANCH, cr.isr = ei2 | 4, cr.iip = 0xf020, cr.ipsr.ri = 0, cr.iipa = 0xf000

//- a call does, with its effects
//< psr.tb = 1
	{ .mib
	br.call.sptk b0 = 1f		//> b0 = 0xf010, ar.pfs = 0x410
	}
	nop 0 ;;
1:	{ .mib
	nop.m 0
	}
//> fault = TAKEN_BRANCH, cr.isr = ei2 | 4, cr.iip = 0xf020, cfm.sof = 8, cfm.sol = 0, ar.bsp = 0x30040

//- a chk that branches does
//< psr.tb = 1, r9 = nat
	{ .mib
	chk.s.m r9, 1f
	}
	nop 0 ;;
1:	{ .mib
	nop.m 0
	}
//> fault = TAKEN_BRANCH, cr.isr = 4, cr.iip = 0xf020

//- a branch not taken does not
//< psr.tb = 1, p6 = 0
	{ .mib
	(p6) br.few 1f
	}
	break.m 1			//> fault = BREAK, cr.isr = 0, cr.iim = 1
1:

//- both traps together: the taken branch's vector, both bits
//< psr.tb = 1, psr.ss = 1
	{ .bbb
	br.few 1f
	nop.b 0
	nop.b 0
	}
1:	{ .mib
	nop.m 0
	}
//> fault = TAKEN_BRANCH, cr.isr = 0xc, cr.iip = 0xf010, cr.iipa = 0xf000

//- rfi takes no trap, the instruction it returns to does
//< psr.ic = 0, cr.ipsr.ic = 1, cr.ipsr.ss = 1, cr.ipsr.tb = 1, cr.iip = 0xf010
	{ .bbb
	rfi ;;
	}
	{ .mib
	mov r8 = 1			//> r8 = 1
	}
//> fault = SINGLE_STEP, cr.isr = 8, cr.iip = 0xf010, cr.ipsr.ri = 1

//- a data breakpoint on reads
//< psr.db = 1, dbr[0] = 0x20000, dbr[1] = 0x8fff_ffff_ffff_ffff, r9 = 0x20000
	st8 [r9] = r0
	ld8 r8 = [r9]			//> fault = DEBUG, cr.isr = r | ei1, cr.ifa = 0x20000, cr.iip = 0xf000

//- a data breakpoint on writes
//< psr.db = 1, dbr[6] = 0x20000, dbr[7] = 0x4fff_ffff_ffff_ffff, r9 = 0x20000
	ld8 r8 = [r9]			//> r8 = 0
	st8 [r9] = r8			//> fault = DEBUG, cr.isr = w | ei1, cr.ifa = 0x20000

//- a reference that begins before the breakpoint and reaches it
//< psr.db = 1, dbr[2] = 0x20004, dbr[3] = 0x8fff_ffff_ffff_ffff, r9 = 0x20000
	ld4 r8 = [r9]			//> r8 = 0
	ld8 r8 = [r9]			//> fault = DEBUG, cr.isr = r | ei1, cr.ifa = 0x20000

//- the mask of a breakpoint
//< psr.db = 1, dbr[0] = 0x20000, dbr[1] = 0x8fff_ffff_ffff_ff00, r9 = 0x200f8, r10 = 0x20100
	ld8 r8 = [r10]			//> r8 = 0
	ld8 r8 = [r9]			//> fault = DEBUG, cr.isr = r | ei1, cr.ifa = 0x200f8

//- the levels of a breakpoint
//< psr.db = 1, dbr[0] = 0x20000, dbr[1] = 0xc8ff_ffff_ffff_ffff, r9 = 0x20000
	ld8 r8 = [r9]			//> r8 = 0

//- PSR.db off: no breakpoint
//< dbr[0] = 0x20000, dbr[1] = 0xcfff_ffff_ffff_ffff, r9 = 0x20000
	ld8 r8 = [r9]			//> r8 = 0

//- PSR.dd lets one reference pass
//< psr.db = 1, psr.dd = 1, dbr[0] = 0x20000, dbr[1] = 0xcfff_ffff_ffff_ffff, r9 = 0x20000
	ld8 r8 = [r9]			//> r8 = 0
	ld8 r10 = [r9]			//> fault = DEBUG, cr.isr = r | ei1, cr.ifa = 0x20000

//- a semaphore meets a breakpoint on writes
//< psr.db = 1, dbr[0] = 0x20000, dbr[1] = 0x4fff_ffff_ffff_ffff, r9 = 0x20000
	fetchadd8.acq r8 = [r9], 1	//> fault = DEBUG, cr.isr = r | w, cr.ifa = 0x20000

//- an instruction breakpoint
//< psr.db = 1, ibr[0] = 0xf010, ibr[1] = 0x8fff_ffff_ffff_ffff
	{ .mii
	mov r8 = 1			//> r8 = 1
	}
	{ .mii
	mov r8 = 2			//> fault = DEBUG, cr.isr = x, cr.ifa = 0xf010, cr.iip = 0xf010
	}

//- PSR.id lets one instruction pass
//< psr.db = 1, psr.id = 1, ibr[0] = 0xf000, ibr[1] = 0x8fff_ffff_ffff_ffff
	{ .mii
	mov r8 = 1			//> r8 = 1
	mov r9 = 1			//> fault = DEBUG, cr.isr = x | ei1, cr.ifa = 0xf000, cr.iip = 0xf000, cr.ipsr.id = 0
	}

//- vmsw.1 is an illegal operation, too
	{ .bbb
	vmsw.1				//> fault = GENERAL, cr.isr = 0
	}
