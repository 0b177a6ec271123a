// Moves between registers. SDM volume 3, "mov ar" to "mov um".

//- branch registers
//< r9 = 0x1234_5678_9abc_def7, b2 = 0xfedc
	mov b6 = r9			//> b6 = 0x1234_5678_9abc_def7
	mov r8 = b2			//> r8 = 0xfedc
	mov r10 = ip			//> r10 = ?

//- mov from ip gives its bundle
	nop.m 0 ;;
	{ .mii
	nop.m 0
	nop.i 0
	mov r8 = ip			//> r8 = 0xf010
	}

//- predicates: all, by mask, the rotating ones
//< r9 = -1, r10 = 0, p1 = 1, p5 = 1, p63 = 1
	mov r8 = pr			//> r8 = 0x8000_0000_0000_0023
	mov pr = r10, -1 ;;		//> p1 = 0, p5 = 0, p63 = 0
	mov pr = r9, 0x84 ;;		//> p2 = 1, p7 = 1
	mov pr.rot = 0x30000		//> p16 = 1, p17 = 1
	mov r11 = pr			//> r11 = 0x3_0085

//- a mask with bit 16 writes all rotating predicates
//< r9 = 0xffff_ffff_0000_0000, p16 = 1, p3 = 1
	mov pr = r9, 0x10000 ;;		//> p16 = 0
	mov r8 = pr			//> r8 = 0xffff_ffff_0000_0009
	mov pr = r0, 0x1ffff ;;		//> p3 = 0
	mov r9 = pr			//> r9 = 1

//- application registers that hold anything
//< r9 = 0x8123_4567_89ab_cdef
	mov ar.k0 = r9			//> ar.k0 = 0x8123_4567_89ab_cdef
	mov ar.k7 = r9			//> ar.k7 = 0x8123_4567_89ab_cdef
	mov ar.ccv = r9			//> ar.ccv = 0x8123_4567_89ab_cdef
	mov ar.unat = r9		//> ar.unat = 0x8123_4567_89ab_cdef
	mov ar.csd = r9			//> ar.csd = 0x8123_4567_89ab_cdef
	mov ar.ssd = r9			//> ar.ssd = 0x8123_4567_89ab_cdef
	mov ar.lc = r9			//> ar.lc = 0x8123_4567_89ab_cdef
	mov.i ar.lc = 127		//> ar.lc = 127
	mov.m ar.unat = -128		//> ar.unat = -128
	mov ar.ec = 63			//> ar.ec = 63
	mov r20 = ar.k7			//> r20 = 0x8123_4567_89ab_cdef
	mov r21 = ar.lc			//> r21 = 127
	mov r22 = ar.ec			//> r22 = 63
	mov r23 = ar.unat		//> r23 = -128

//- ignored application registers read as zero
//< r9 = -1
	mov ar48 = r9
	mov ar127 = r9
	mov r8 = ar48			//> r8 = 0
	mov r10 = ar112			//> r10 = 0

//- reserved application registers cannot be read
	mov r8 = ar10			//> fault = GENERAL, cr.isr = 0

//- nor written
	mov ar31 = r9			//> fault = GENERAL, cr.isr = 0

//- nor those of the I unit
	mov r8 = ar67			//> fault = GENERAL, cr.isr = ei1

//- kernel registers: programs read them
//< psr.cpl = 3, ar.k3 = 7
	mov r8 = ar.k3			//> r8 = 7

//- and do not write them
//< psr.cpl = 3
	mov ar.k3 = r9			//> fault = GENERAL, cr.isr = 0x20

//- nor write the interval counter
//< psr.cpl = 1
	mov ar.itc = r9			//> fault = GENERAL, cr.isr = 0x20

//- with PSR.si they do not even read it
//< psr.cpl = 3, psr.si = 1
	mov r8 = ar.itc			//> fault = GENERAL, cr.isr = 0x20

//- level 0 writes it and reads it back, PSR.si or not
//< psr.si = 1, r9 = 0x1234_5678
	mov ar.itc = r9 ;;		//> ar.itc = 0x1234_5678
	mov r8 = ar.itc			//> r8 = 0x1234_5678

//- RSC: a program's register stack has no more privilege than the program
//< psr.cpl = 2, r9 = 0x3fff_0013
	mov ar.rsc = r9			//> ar.rsc = 0x3fff_001b
	mov r8 = ar.rsc			//> r8 = 0x3fff_001b

//- RSC: reserved bits
//< r9 = 0x20
	mov ar.rsc = r9			//> fault = GENERAL, cr.isr = 0x30

//- FPSR: what there is
//< r9 = 0x03ff_ffff_ffff_efff
	mov ar.fpsr = r9		//> ar.fpsr = 0x03ff_ffff_ffff_efff
	mov r8 = ar.fpsr		//> r8 = 0x03ff_ffff_ffff_efff

//- FPSR: reserved bits
//< r9 = 0x0400_0000_0000_033f
	mov ar.fpsr = r9		//> fault = GENERAL, cr.isr = 0x30

//- FPSR: the reserved precision
//< r9 = 0x0009_804c_0270_013f
	mov ar.fpsr = r9		//> fault = GENERAL, cr.isr = 0x30

//- PFS: what there is
//< r9 = 0xc3f0_003f_ffff_ffff
	mov ar.pfs = r9			//> ar.pfs = 0xc3f0_003f_ffff_ffff

//- PFS: reserved bits
//< r9 = 0x0000_0040_0000_0000
	mov ar.pfs = r9			//> fault = GENERAL, cr.isr = ei1 | 0x30

//- r0 cannot be moved to
	mov r0 = ar.ccv			//> fault = GENERAL, cr.isr = 0

//- the user mask
//< r9 = 0x2a, psr.mfl = 0, psr.mfh = 1
	mov r8 = psr.um			//> r8 = 0x20
	mov psr.um = r9			//> psr.be = 1, psr.ac = 1, psr.mfh = 1, psr.up = 0
	mov r10 = psr.um		//> r10 = 0x2a

//- the user mask's reserved bits
//< r9 = 0x40
	mov psr.um = r9			//> fault = GENERAL, cr.isr = 0x30

//- sum, rum
//< psr.up = 1, psr.cpl = 3
	sum 0xa				//> psr.be = 1, psr.ac = 1
	rum 0x6				//> psr.be = 0, psr.up = 0

//- sum of a reserved bit
	sum 0x40			//> fault = GENERAL, cr.isr = 0x30

//- PSR.sp keeps programs' monitors as they are
//< psr.sp = 1, psr.cpl = 3, psr.up = 1, r9 = 0
	rum 0x4
	mov psr.um = r9			//> psr.mfl = 0, psr.mfh = 0

//- floating-point registers
//< r9 = 0x8000_0000_0000_0001, r10 = 0x1_2341_6789, r11 = 0x4000_0000
	setf.sig f20 = r9		//> f20 = 0x1003e:0x8000_0000_0000_0001
	setf.exp f21 = r10		//> f21 = 0x16789:0x8000_0000_0000_0000
	setf.s f22 = r11		//> f22 = 0x10000:0x8000_0000_0000_0000
	setf.d f23 = r0			//> f23 = 0:0
	getf.sig r20 = f20		//> r20 = 0x8000_0000_0000_0001
	getf.exp r21 = f1		//> r21 = 0xffff
	getf.s r22 = f22		//> r22 = 0x4000_0000
	getf.d r23 = f22		//> r23 = 0x4000_0000_0000_0000

//- mov.m r8 = ar.lc: a register of the I unit is out of the M unit's reach
	data8 0x42282004000, 0x4000000000200	//> fault = GENERAL, cr.isr = 0

//- mov.m ar.ec = r9: for writing, too
	data8 0x42a84240000, 0x4000000000200	//> fault = GENERAL, cr.isr = 0

//- mov.i r8 = ar.ccv: and the other way round
	data8 0x80000100000000, 0x4000000006480	//> fault = GENERAL, cr.isr = ei1

//- mov.i ar.unat = r9: for writing, too, before a NaT counts
//< r9 = nat
	data8 0x4800000100000000, 0x4000000005490	//> fault = GENERAL, cr.isr = ei1

//- the ignored registers are of both units
	data8 0x900422e0004000, 0x40000000064c0	//> r8 = 0, r9 = 0

//- mov.m r8 = ar.ccv, mov.i r9 = ar.lc, in so many bits
//< ar.ccv = 5, ar.lc = 6
	data8 0x90042240004000, 0x4000000006504	//> r8 = 5, r9 = 6

//- EC has six bits and ignores the others
//< r9 = 0xffff_ffff_ffff_ff85
	mov ar.ec = r9			//> ar.ec = 5
	mov r8 = ar.ec			//> r8 = 5
