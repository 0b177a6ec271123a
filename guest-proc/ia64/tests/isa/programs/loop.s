// Loops and register rotation. SDM volume 1, 4.5.1; volume 3, "br", "clrrrb".

//- br.ctop: a pipeline of two stages, four source iterations
//< cfm.sor = 1, ar.lc = 3, ar.ec = 2, p16 = 1, r8 = 0, r10 = 5
1:	(p16) mov r32 = r10
	(p16) add r10 = 1, r10		//> r10 = 9
	(p17) add r8 = r8, r33		//> r8 = 26
	br.ctop.sptk 1b			//> ar.lc = 0, ar.ec = 0
//> cfm.rrb.gr = 3, cfm.rrb.fr = 91, cfm.rrb.pr = 43, p16 = 0, p17 = 0, p18 = 1, p19 = 1, p20 = 1, p21 = 1, p22 = 0

//- br.ctop: the last iteration rotates and falls through
//< cfm.sor = 2, ar.ec = 1, p16 = 1, r32 = 7, f32 = 0xffff:0x8000_0000_0000_0000
1:	add r8 = 1, r0			//> r8 = 1
	br.ctop.sptk 1b			//> ar.ec = 0
//> cfm.rrb.gr = 15, cfm.rrb.fr = 95, cfm.rrb.pr = 47, p16 = 0, p17 = 1, r33 = 7, f33 = 0xffff:0x8000_0000_0000_0000

//- br.ctop with both counts zero does not rotate, but clears p63
//< cfm.sor = 1, p63 = 1
1:	mov r8 = 1			//> r8 = 1
	br.ctop.sptk 1b			//> p63 = 0

//- br.cexit branches when br.ctop would not
//< cfm.sor = 1, ar.lc = 1, ar.ec = 1, r8 = 0
1:	add r8 = 1, r8			//> r8 = 2
	{ .mib
	br.cexit.sptk 2f		//> ar.lc = 0, ar.ec = 0
	}
	br.few 1b
2:	mov r9 = 1			//> r9 = 1
//> cfm.rrb.gr = 6, cfm.rrb.fr = 94, cfm.rrb.pr = 46, p16 = 0, p17 = 1

//- br.wtop: the predicate goes on, then EC
//< cfm.sor = 1, p17 = 1, p18 = 0, ar.ec = 3, r8 = 0
1:	add r8 = 1, r8
	cmp.ltu p6, p7 = r8, r11
//< r11 = 3
	{ .mib
	(p6) br.wtop.sptk 1b
	}
//> r8 = 5, p7 = 1, ar.ec = 0, p16 = 0, cfm.rrb.gr = 3, cfm.rrb.fr = 91, cfm.rrb.pr = 43

//- br.wexit leaves when the predicate is false and EC ends
//< cfm.sor = 1, p6 = 0, ar.ec = 1, p16 = 1
	(p6) br.wexit.sptk 2f		//> ar.ec = 0
	mov r8 = 1
2:	mov r9 = 1			//> r9 = 1
//> p16 = 0, p17 = 1, cfm.rrb.gr = 7, cfm.rrb.fr = 95, cfm.rrb.pr = 47

//- br.wexit falls through while the predicate is true
//< cfm.sor = 1, p6 = 1, ar.ec = 1, p63 = 1
	(p6) br.wexit.sptk 2f
	mov r8 = 1			//> r8 = 1
2:
//> p16 = 0, cfm.rrb.gr = 7, cfm.rrb.fr = 95, cfm.rrb.pr = 47

//- without rotating registers in the frame only predicates and floating-point registers turn
//< ar.lc = 1, r32 = 7, p16 = 1
	br.ctop.sptk 1f			//> ar.lc = 0
1:	mov r8 = r32			//> r8 = 7
//> cfm.rrb.gr = 0, cfm.rrb.fr = 95, cfm.rrb.pr = 47, p16 = 1, p17 = 1, r32 = 7

//- registers above the rotating ones keep their names
//< cfm.sor = 1, ar.lc = 1, r39 = 39, r40 = 40
	br.ctop.sptk 1f			//> ar.lc = 0
1:	mov r8 = r32			//> r8 = 39
	mov r9 = r40			//> r9 = 40
	fmerge.s f8 = f33, f33		//> f8 = 0x1003e:0xbeef_0020
	fmerge.s f9 = f32, f32		//> f9 = 0x1003e:0xbeef_007f
//> cfm.rrb.gr = 7, cfm.rrb.fr = 95, cfm.rrb.pr = 47, p16 = 1

//- clrrrb: all bases become zero, what was written stays where it is
//< cfm.sor = 1, cfm.rrb.gr = 3, cfm.rrb.fr = 90, cfm.rrb.pr = 40, r32 = 7, f32 = 0:0, p16 = 1
	clrrrb ;;
//> cfm.rrb.gr = 0, cfm.rrb.fr = 0, cfm.rrb.pr = 0, r35 = 7, f122 = 0:0, p56 = 1, p16 = 0

//- clrrrb.pr: the predicates' alone
//< cfm.sor = 1, cfm.rrb.gr = 3, cfm.rrb.fr = 90, cfm.rrb.pr = 40, r32 = 7, f32 = 0:0, p16 = 1
	clrrrb.pr ;;
//> cfm.rrb.gr = 3, cfm.rrb.fr = 90, cfm.rrb.pr = 0, r32 = 7, f32 = 0:0, p56 = 1, p16 = 0

//- mov pr moves predicates as they lie, not as they are called
//< cfm.rrb.pr = 47, p16 = 1, p20 = 1
	mov r8 = pr			//> r8 = 0x8000_0000_0008_0001

//- a counted copy through rotating registers: three stages
//< cfm.sor = 1, ar.lc = 4, ar.ec = 3, p16 = 1, r9 = 0x20000, r10 = 0x20100
//< [0x20000] = 1, [0x20008] = 2, [0x20010] = 3, [0x20018] = 4, [0x20020] = 5
1:	(p16) ld8 r32 = [r9], 8		//> r9 = 0x20028
	(p17) add r33 = r33, r33
	(p18) st8 [r10] = r34, 8	//> r10 = 0x20128
	br.ctop.sptk 1b			//> ar.lc = 0, ar.ec = 0
//> [0x20100] = 2, [0x20108] = 4, [0x20110] = 6, [0x20118] = 8, [0x20120] = 10
//> cfm.rrb.gr = 1, cfm.rrb.fr = 89, cfm.rrb.pr = 41, p16 = 0

//- loop branches stand in slot 2: br.cloop elsewhere is an illegal operation
//< ar.lc = 1
	data8 0x100000002816, 0x2000000000100000	//> fault = GENERAL, cr.isr = 0

//- and br.ctop
//< ar.lc = 1
	data8 0x100000003816, 0x2000000000100000	//> fault = GENERAL, cr.isr = 0

//- and br.wexit
	data8 0x100000001016, 0x2000000000100000	//> fault = GENERAL, cr.isr = 0

//- compares write rotated predicates; mov pr sees them where they lie
//< cfm.rrb.pr = 5, r9 = 0x40_0000
	cmp.eq p16, p17 = r0, r0 ;;	//> p16 = 1
	mov r8 = pr			//> r8 = 0x20_0001
	mov pr = r9, -1			//> p16 = 0, p17 = 1

//- loads write rotated floating-point registers
//< cfm.rrb.fr = 5, r9 = 0x20000, [0x20000] = 7
	ldf8 f32 = [r9] ;;
	clrrrb ;;
//> cfm.rrb.fr = 0, f37 = 0x1003e:7

//- rotation ends at f127 and r39
//< cfm.sor = 1, cfm.rrb.fr = 1, cfm.rrb.gr = 1
	mov r39 = 1
	fmerge.s f127 = f0, f1
	clrrrb ;;
//> cfm.rrb.fr = 0, cfm.rrb.gr = 0, r32 = 1, f32 = 0xffff:0x8000_0000_0000_0000
