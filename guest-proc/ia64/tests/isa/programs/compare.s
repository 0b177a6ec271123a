// Compares and bit tests. SDM volume 3, "cmp", "cmp4", "tbit", "tnat", "tf".

//- cmp: signed and unsigned relations of 64 bits
//< r9 = -1, r10 = 1
	cmp.eq p6, p7 = r9, r9		//> p6 = 1, p7 = 0
	cmp.ne p8, p9 = r9, r9		//> p8 = 0, p9 = 1
	cmp.lt p10, p11 = r9, r10	//> p10 = 1, p11 = 0
	cmp.ltu p12, p13 = r9, r10	//> p12 = 0, p13 = 1
	cmp.le p14, p15 = r9, r9	//> p14 = 1, p15 = 0
	cmp.leu p16, p17 = r10, r9	//> p16 = 1, p17 = 0
	cmp.gt p18, p19 = r9, r10	//> p18 = 0, p19 = 1
	cmp.gtu p20, p21 = r9, r10	//> p20 = 1, p21 = 0
	cmp.ge p22, p23 = r9, r10	//> p22 = 0, p23 = 1
	cmp.geu p24, p25 = r9, r9	//> p24 = 1, p25 = 0

//- cmp with an immediate: sign-extended, then unsigned if so asked
//< r9 = 0x8000_0000_0000_0000, r10 = -128
	cmp.lt p6, p7 = -128, r9	//> p6 = 0, p7 = 1
	cmp.ltu p8, p9 = 127, r9	//> p8 = 1, p9 = 0
	cmp.eq p10, p11 = -128, r10	//> p10 = 1, p11 = 0
	cmp.le p12, p13 = -127, r10	//> p12 = 0, p13 = 1
	cmp.gt p14, p15 = 0, r9		//> p14 = 1, p15 = 0
	cmp.ltu p16, p17 = -1, r10	//> p16 = 0, p17 = 1
	cmp.geu p18, p19 = -128, r10	//> p18 = 1, p19 = 0

//- cmp4: bits 31:0 alone
//< r9 = 0x1234_5678_8000_0000, r10 = 0x8765_4321_8000_0000, r11 = 0xffff_ffff_0000_0001
	cmp4.eq p6, p7 = r9, r10	//> p6 = 1, p7 = 0
	cmp4.lt p8, p9 = r9, r11	//> p8 = 1, p9 = 0
	cmp4.ltu p10, p11 = r9, r11	//> p10 = 0, p11 = 1
	cmp4.gt p12, p13 = r11, r10	//> p12 = 1, p13 = 0
	cmp4.eq p14, p15 = 1, r11	//> p14 = 1, p15 = 0
	cmp4.ltu p16, p17 = 1, r9	//> p16 = 1, p17 = 0
	cmp4.ltu p18, p19 = -1, r9	//> p18 = 0, p19 = 1
	cmp4.lt p20, p21 = -1, r9	//> p20 = 0, p21 = 1

//- p0 as target stays set
	cmp.ne p0, p6 = r0, r0		//> p6 = 1
	cmp.eq p7, p0 = r0, r0		//> p7 = 1

//- normal and unc: NaT clears both targets
//< r9 = nat, p6 = 1, p7 = 1, p8 = 1, p9 = 1, p10 = 1, p11 = 1
	cmp.eq p6, p7 = r9, r0		//> p6 = 0, p7 = 0
	cmp.ne.unc p8, p9 = 1, r9	//> p8 = 0, p9 = 0
	cmp4.lt p10, p11 = r0, r9	//> p10 = 0, p11 = 0

//- unc: a false qualifying predicate clears both targets, other types leave them
//< p5 = 0, p6 = 1, p7 = 1, p8 = 1, p9 = 1, p10 = 1, p11 = 1, p12 = 1, p13 = 1
	(p5) cmp.eq.unc p6, p7 = r0, r0		//> p6 = 0, p7 = 0
	(p5) cmp4.lt.unc p8, p9 = 5, r0		//> p8 = 0, p9 = 0
	(p5) cmp.eq p10, p11 = r0, r0
	(p5) tbit.z.unc p12, p13 = r0, 5	//> p12 = 0, p13 = 0

//- and: a false relation clears both, a true one changes nothing
//< r9 = nat, r10 = 1, p6 = 1, p7 = 1, p9 = 1, p10 = 1, p11 = 1, p12 = 1, p13 = 1
	cmp.eq.and p6, p7 = r10, r0	//> p6 = 0, p7 = 0
	cmp.ne.and p8, p9 = r10, r0	//> p8 = 0, p9 = 1
	cmp.eq.and p10, p11 = 0, r9	//> p10 = 0, p11 = 0
	cmp4.ge.and p12, p13 = r0, r10	//> p12 = 0, p13 = 0

//- or: a true relation sets both, a false one and NaT change nothing
//< r9 = nat, r10 = -1, p9 = 1, p11 = 1
	cmp.eq.or p6, p7 = r0, r0	//> p6 = 1, p7 = 1
	cmp.ne.or p8, p9 = r0, r0	//> p8 = 0, p9 = 1
	cmp.eq.or p10, p11 = 0, r9	//> p10 = 0, p11 = 1
	cmp.gt.or p12, p13 = r0, r10	//> p12 = 1, p13 = 1

//- or.andcm: a true relation sets the first and clears the second
//< r9 = nat, r10 = -1, p7 = 1, p9 = 1, p11 = 1, p13 = 1
	cmp.eq.or.andcm p6, p7 = r0, r0		//> p6 = 1, p7 = 0
	cmp.ne.or.andcm p8, p9 = r0, r0		//> p8 = 0, p9 = 1
	cmp.eq.or.andcm p10, p11 = 0, r9	//> p10 = 0, p11 = 1
	cmp.lt.or.andcm p12, p13 = r0, r10	//> p12 = 0, p13 = 1

//- and.orcm: a false relation clears the first and sets the second
//< r10 = -1, p6 = 1, p8 = 1
	cmp.eq.and.orcm p6, p7 = r10, r0	//> p6 = 0, p7 = 1
	cmp.ne.and.orcm p8, p9 = r10, r0	//> p8 = 1, p9 = 0

//- parallel compares with zero: all six relations
//< r9 = -5
	cmp.gt.or p6, p7 = r0, r9	//> p6 = 1, p7 = 1
	cmp.le.or p8, p9 = r0, r9	//> p8 = 0, p9 = 0
	cmp.ge.or p10, p11 = r0, r9	//> p10 = 1, p11 = 1
	cmp.lt.or p12, p13 = r0, r9	//> p12 = 0, p13 = 0
	cmp4.lt.or p14, p15 = r0, r9	//> p14 = 0, p15 = 0
	cmp4.ge.or p16, p17 = r0, r9	//> p16 = 1, p17 = 1

//- equal targets are an illegal operation
	cmp.eq p6, p6 = r0, r0		//> fault = GENERAL, cr.isr = 0

//- equal targets are one even of p0
	cmp.eq p0, p0 = r0, r0		//> fault = GENERAL, cr.isr = 0

//- equal targets of a predicated-off compare are none
//< p5 = 0
	(p5) cmp.eq p6, p6 = r0, r0
	(p5) tbit.z p6, p6 = r9, 0
	(p5) cmp.eq.or p6, p6 = r0, r0

//- equal targets of a predicated-off unc compare are one
//< p5 = 0
	(p5) cmp.eq.unc p6, p6 = r0, r0	//> fault = GENERAL, cr.isr = 0

//- equal targets of a bit test
	{ .mii
	nop.m 0
	nop.i 0
	tbit.nz p7, p7 = r9, 0		//> fault = GENERAL, cr.isr = ei2
	}

//- tbit
//< r9 = 0x8000_0000_0000_0001, r10 = nat, p14 = 1, p15 = 1, p16 = 1, p17 = 1, p19 = 1
	tbit.z p6, p7 = r9, 0		//> p6 = 0, p7 = 1
	tbit.nz p8, p9 = r9, 63		//> p8 = 1, p9 = 0
	tbit.z p10, p11 = r9, 62	//> p10 = 1, p11 = 0
	tbit.nz.or p12, p13 = r9, 0	//> p12 = 1, p13 = 1
	tbit.z.and p14, p15 = r9, 0	//> p14 = 0, p15 = 0
	tbit.nz p16, p17 = r10, 0	//> p16 = 0, p17 = 0
	tbit.nz.or.andcm p18, p19 = r9, 0	//> p18 = 1, p19 = 0
	tbit.nz.or p20, p21 = r10, 0

//- tnat looks at the NaT bit and takes no harm from it
//< r9 = nat, p12 = 1, p13 = 1, p15 = 1
	tnat.z p6, p7 = r9		//> p6 = 0, p7 = 1
	tnat.nz p8, p9 = r9		//> p8 = 1, p9 = 0
	tnat.nz p10, p11 = r0		//> p10 = 0, p11 = 1
	tnat.z.and p12, p13 = r9	//> p12 = 0, p13 = 0
	tnat.nz.or.andcm p14, p15 = r9	//> p14 = 1, p15 = 0
	tnat.nz.or p16, p17 = r9	//> p16 = 1, p17 = 1

//- tf tests the features of later processors
//< cpuid[4] = 0x1_0000_0007
	tf.nz p6, p7 = 32		//> p6 = 1, p7 = 0
	tf.z p8, p9 = 33		//> p8 = 1, p9 = 0
	tf.nz.or p10, p11 = 32		//> p10 = 1, p11 = 1

//- cmp: every relation of type and
//< r9 = -5, p6 = 1, p7 = 1, p8 = 1, p9 = 1, p10 = 1, p11 = 1, p12 = 1, p13 = 1
	cmp.gt.and p6, p7 = r0, r9	//> p6 = 1, p7 = 1
	cmp.le.and p8, p9 = r0, r9	//> p8 = 0, p9 = 0
	cmp.ge.and p10, p11 = r0, r9	//> p10 = 1, p11 = 1
	cmp.lt.and p12, p13 = r0, r9	//> p12 = 0, p13 = 0

//- cmp: every relation of type or
//< r9 = -5
	cmp.gt.or p6, p7 = r0, r9	//> p6 = 1, p7 = 1
	cmp.le.or p8, p9 = r0, r9	//> p8 = 0, p9 = 0
	cmp.ge.or p10, p11 = r0, r9	//> p10 = 1, p11 = 1
	cmp.lt.or p12, p13 = r0, r9	//> p12 = 0, p13 = 0

//- cmp: every relation of type or.andcm
//< r9 = -5, p7 = 1, p9 = 1, p11 = 1, p13 = 1
	cmp.gt.or.andcm p6, p7 = r0, r9	//> p6 = 1, p7 = 0
	cmp.le.or.andcm p8, p9 = r0, r9	//> p8 = 0, p9 = 1
	cmp.ge.or.andcm p10, p11 = r0, r9	//> p10 = 1, p11 = 0
	cmp.lt.or.andcm p12, p13 = r0, r9	//> p12 = 0, p13 = 1

//- cmp4: every relation of type and
//< r9 = -5, p6 = 1, p7 = 1, p8 = 1, p9 = 1, p10 = 1, p11 = 1, p12 = 1, p13 = 1, p14 = 1, p15 = 1, p16 = 1, p17 = 1
	cmp4.gt.and p6, p7 = r0, r9	//> p6 = 1, p7 = 1
	cmp4.le.and p8, p9 = r0, r9	//> p8 = 0, p9 = 0
	cmp4.ge.and p10, p11 = r0, r9	//> p10 = 1, p11 = 1
	cmp4.lt.and p12, p13 = r0, r9	//> p12 = 0, p13 = 0
	cmp4.eq.and p14, p15 = r9, r0	//> p14 = 0, p15 = 0
	cmp4.ne.and p16, p17 = r9, r0	//> p16 = 1, p17 = 1

//- cmp4: every relation of type or
//< r9 = -5
	cmp4.gt.or p6, p7 = r0, r9	//> p6 = 1, p7 = 1
	cmp4.le.or p8, p9 = r0, r9	//> p8 = 0, p9 = 0
	cmp4.ge.or p10, p11 = r0, r9	//> p10 = 1, p11 = 1
	cmp4.lt.or p12, p13 = r0, r9	//> p12 = 0, p13 = 0
	cmp4.eq.or p14, p15 = r9, r0	//> p14 = 0, p15 = 0
	cmp4.ne.or p16, p17 = r9, r0	//> p16 = 1, p17 = 1

//- cmp4: every relation of type or.andcm
//< r9 = -5, p7 = 1, p9 = 1, p11 = 1, p13 = 1, p15 = 1, p17 = 1
	cmp4.gt.or.andcm p6, p7 = r0, r9	//> p6 = 1, p7 = 0
	cmp4.le.or.andcm p8, p9 = r0, r9	//> p8 = 0, p9 = 1
	cmp4.ge.or.andcm p10, p11 = r0, r9	//> p10 = 1, p11 = 0
	cmp4.lt.or.andcm p12, p13 = r0, r9	//> p12 = 0, p13 = 1
	cmp4.eq.or.andcm p14, p15 = r9, r0	//> p14 = 0, p15 = 1
	cmp4.ne.or.andcm p16, p17 = r9, r0	//> p16 = 1, p17 = 0

//- unc with a true qualifying predicate compares
//< r9 = 0xffff_ffff_0000_0005, p7 = 1, p8 = 1, p11 = 1
	cmp.lt.unc p6, p7 = r9, r0		//> p6 = 1, p7 = 0
	cmp.ltu.unc p8, p9 = r9, r0		//> p8 = 0, p9 = 1
	cmp4.eq.unc p10, p11 = 5, r9		//> p10 = 1, p11 = 0
	cmp4.ltu.unc p12, p13 = r9, r0		//> p12 = 0, p13 = 1
	tnat.z.unc p14, p15 = r9		//> p14 = 1, p15 = 0

//- bit and NaT tests: the types left
//< r9 = 1, r10 = nat, p6 = 1, p7 = 1, p13 = 1, p14 = 1, p15 = 1, p19 = 1
	tbit.nz.and p6, p7 = r9, 1		//> p6 = 0, p7 = 0
	tbit.z.or p10, p11 = r9, 1		//> p10 = 1, p11 = 1
	tbit.z.or.andcm p12, p13 = r9, 1	//> p12 = 1, p13 = 0
	tnat.nz.and p14, p15 = r9		//> p14 = 0, p15 = 0
	tnat.z.or p16, p17 = r10
	tnat.z.or.andcm p18, p19 = r9		//> p18 = 1, p19 = 0

//- feature tests: the types left
//< cpuid[4] = 0x1_0000_0007, p6 = 1, p7 = 1, p8 = 1, p9 = 1, p11 = 1, p15 = 1
	tf.nz.and p6, p7 = 33			//> p6 = 0, p7 = 0
	tf.z.and p8, p9 = 33
	tf.nz.or.andcm p10, p11 = 32		//> p10 = 1, p11 = 0
	tf.z.or p12, p13 = 33			//> p12 = 1, p13 = 1
	tf.z.or.andcm p14, p15 = 33		//> p14 = 1, p15 = 0
	tf.z.unc p16, p17 = 32			//> p16 = 0, p17 = 1
