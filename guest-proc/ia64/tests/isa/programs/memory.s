// Loads, stores, prefetches. SDM volume 3, "ld", "st", "ldf", "ldfp", "stf", "lfetch".

//- loads of all sizes, zero-extended
//< r9 = 0x20000, [0x20000] = 0xf8e7_d6c5_b4a3_9281
	ld1 r20 = [r9]			//> r20 = 0x81
	ld2 r21 = [r9]			//> r21 = 0x9281
	ld4 r22 = [r9]			//> r22 = 0xb4a3_9281
	ld8 r23 = [r9]			//> r23 = 0xf8e7_d6c5_b4a3_9281
	ld1.bias r24 = [r9]		//> r24 = 0x81
	ld4.acq r25 = [r9]		//> r25 = 0xb4a3_9281
	ld8.bias r26 = [r9]		//> r26 = 0xf8e7_d6c5_b4a3_9281

//- stores of all sizes touch nothing beside
//< r9 = 0x20000, r10 = 0x20009, r11 = 0x20012, r12 = 0x2001c, r13 = 0x1122_3344_5566_7788
//< [0x20000] = -1, [0x20008] = -1, [0x20010] = -1, [0x20018] = -1
	st8 [r9] = r13			//> [0x20000] = 0x1122_3344_5566_7788
	st1 [r10] = r13			//> [0x20008] = 0xffff_ffff_ffff_88ff
	st2.rel [r11] = r13		//> [0x20010] = 0xffff_ffff_7788_ffff
	st4.rel [r12] = r13		//> [0x20018] = 0x5566_7788_ffff_ffff

//- the base register is updated after the access
//< r9 = 0x20000, r10 = 0x20008, r11 = 0x20010, r13 = 0x100, [0x20000] = 1, [0x20008] = 2, [0x20010] = 3
	ld8 r20 = [r9], 255		//> r20 = 1, r9 = 0x200ff
	ld8 r21 = [r10], -256		//> r21 = 2, r10 = 0x1ff08
	ld8 r22 = [r11], r13		//> r22 = 3, r11 = 0x20110

//- stores update by an immediate; the stored register may be the base
//< r9 = 0x20000, r10 = 0x20010, r13 = 5
	st8 [r9] = r13, 16		//> [0x20000] = 5, r9 = 0x20010
	st8 [r10] = r10, -8		//> [0x20010] = 0x20010, r10 = 0x20008

//- an increment that is NaT makes the base NaT
//< r9 = 0x20000, r10 = nat, [0x20000] = 7
	ld8 r20 = [r9], r10		//> r20 = 7, r9 = nat

//- a load whose target is its updated base is an illegal operation
//< r9 = 0x20000
	ld8 r9 = [r9], 8		//> fault = GENERAL, cr.isr = 0

//- and so it is with an increment from a register
//< r9 = 0x20000
	ld8 r9 = [r9], r10		//> fault = GENERAL, cr.isr = 0

//- a load whose target is its base is not
//< r9 = 0x20000, [0x20000] = 7
	ld8 r9 = [r9]			//> r9 = 7

//- r0 cannot be loaded
//< r9 = 0x20000
	ld8 r0 = [r9]			//> fault = GENERAL, cr.isr = 0

//- r0 cannot be updated
	ld8 r8 = [r0], 8		//> fault = GENERAL, cr.isr = 0

//- r0 cannot be updated by a store
	st8 [r0] = r8, 8		//> fault = GENERAL, cr.isr = 0

//- a NaT base is consumed by a load
//< r9 = nat
	ld8 r8 = [r9]			//> fault = NAT, cr.isr = r | 0x10, cr.iip = 0xf000

//- a NaT base is consumed by a store
//< r9 = nat
	st1 [r9] = r8			//> fault = NAT, cr.isr = w | 0x10

//- a NaT cannot be stored
//< r9 = 0x20000, r10 = nat
	st8 [r9] = r10			//> fault = NAT, cr.isr = w | 0x10

//- a NaT base is consumed by a floating-point load
//< r9 = nat
	ldfd f8 = [r9]			//> fault = NAT, cr.isr = r | 0x10

//- a NaT base is consumed by a floating-point store
//< r9 = nat
	stfd [r9] = f8			//> fault = NAT, cr.isr = w | 0x10

//- a NaTVal cannot be stored
//< r9 = 0x20000, f8 = natval
	stf8 [r9] = f8			//> fault = NAT, cr.isr = w | 0x10

//- st8.spill keeps the NaT bit in UNAT at bits 8:3 of the address
//< r9 = 0x20028, r10 = nat, r11 = 0x20030, r12 = 5, ar.unat = 0x40
	st8.spill [r9] = r10, 8		//> r9 = 0x20030, [0x20028] = ?
	st8.spill [r11] = r12		//> ar.unat = 0x20, [0x20030] = 5

//- ld8.fill takes it from there
//< r9 = 0x20028, r10 = 0x201f8, ar.unat = 0x8000_0000_0000_0020, [0x20030] = 6
	ld8.fill r20 = [r9], 8		//> r20 = nat, r9 = 0x20030
	ld8.fill r21 = [r9]		//> r21 = 6
	ld8.fill r22 = [r10]		//> r22 = nat

//- big-endian references
//< psr.be = 1, r9 = 0x20000, r10 = 0x20008, r13 = 0x1122_3344_5566_7788, [0x20000] = 0xf8e7_d6c5_b4a3_9281
	ld1 r20 = [r9]			//> r20 = 0x81
	ld2 r21 = [r9]			//> r21 = 0x8192
	ld4 r22 = [r9]			//> r22 = 0x8192_a3b4
	ld8 r23 = [r9]			//> r23 = 0x8192_a3b4_c5d6_e7f8
	st8 [r10] = r13, 8		//> [0x20008] = 0x8877_6655_4433_2211
	st2 [r10] = r13, 8		//> [0x20010] = 0x8877
	st4 [r10] = r13			//> [0x20018] = 0x8877_6655, r10 = 0x20018

//- a misaligned load faults with PSR.ac
//< psr.ac = 1, r9 = 0x20001
	ld2 r8 = [r9]			//> fault = UNALIGNED, cr.isr = r, cr.ifa = 0x20001

//- a misaligned store faults with PSR.ac
//< psr.ac = 1, r9 = 0x20004
	st8 [r9] = r8			//> fault = UNALIGNED, cr.isr = w, cr.ifa = 0x20004

//- a misaligned single in a double's place faults with PSR.ac
//< psr.ac = 1, r9 = 0x20004
	ldfs f8 = [r9]			//> f8 = 0:0
	ldfd f8 = [r9]			//> fault = UNALIGNED, cr.isr = r | ei1, cr.ifa = 0x20004

//- an extended datum is aligned to 16 bytes
//< psr.ac = 1, r9 = 0x20008
	ldfe f8 = [r9]			//> fault = UNALIGNED, cr.isr = r, cr.ifa = 0x20008

//- without PSR.ac misaligned references within a page are done
//< r9 = 0x20003, r13 = 0x1122_3344_5566_7788, [0x20000] = 0xf8e7_d6c5_b4a3_9281, [0x20008] = 0x99
	ld2 r20 = [r9]			//> r20 = 0xc5b4
	ld4 r21 = [r9]			//> r21 = 0xe7d6_c5b4
	ld8 r22 = [r9]			//> r22 = 0x99_f8e7_d6c5_b4
	st4 [r9] = r13			//> [0x20000] = 0xf855_6677_88a3_9281

//- ld16, st16: the upper half goes through AR.CSD
//< r9 = 0x20000, r10 = 0x20010, r13 = 3, [0x20000] = 1, [0x20008] = 2
	ld16 r20 = [r9]			//> r20 = 1, ar.csd = 2
	st16 [r10] = r13		//> [0x20010] = 3, [0x20018] = 2

//- ld16 is aligned to 16 bytes whatever PSR.ac
//< r9 = 0x20008
	ld16 r8 = [r9]			//> fault = UNALIGNED, cr.isr = r, cr.ifa = 0x20008

//- st16 is aligned to 16 bytes whatever PSR.ac
//< r9 = 0x20018
	st16.rel [r9] = r8		//> fault = UNALIGNED, cr.isr = w, cr.ifa = 0x20018

//- st16 does not store a NaT
//< r9 = 0x20010, r8 = nat
	st16 [r9] = r8			//> fault = NAT, cr.isr = w | 0x10

//- floating-point loads: single, double, integer, extended, filled
//< r9 = 0x20000, r10 = 0x20010, r11 = 0x20020, r12 = 0x20030
//< [0x20000] = 0xbff8_0000_4049_0fdb, [0x20010] = 0xc000_0000_0000_0001, [0x20018] = 0xbfff
//< [0x20020] = 0x1234, [0x20028] = 0x2_1ffe
	ldfs f20 = [r9]			//> f20 = 0x10000:0xc90f_db00_0000_0000
	ldfd f21 = [r9]			//> f21 = 0x2ffff:0xc000_0202_487e_d800
	ldf8 f22 = [r10]		//> f22 = 0x1003e:0xc000_0000_0000_0001
	ldfe f23 = [r10]		//> f23 = 0x2ffff:0xc000_0000_0000_0001
	ldf.fill f24 = [r11]		//> f24 = 0x21ffe:0x1234
	ldfd f25 = [r12], 8		//> f25 = 0:0, r12 = 0x20038
	ldf8 f26 = [r9], 16		//> f26 = 0x1003e:0xbff8_0000_4049_0fdb, r9 = 0x20010

//- infinities, NaNs and denormals keep their encodings
//< r9 = 0x20000, [0x20000] = 0x0000_0001_7f80_0000, [0x20008] = 0x7ff4_0000_0000_0000, [0x20010] = 1
	ldfs f20 = [r9], 4		//> f20 = 0x1ffff:0x8000_0000_0000_0000
	ldfs f21 = [r9], 4		//> f21 = 0xff81:0x0000_0100_0000_0000
	ldfd f22 = [r9], 8		//> f22 = 0x1ffff:0xa000_0000_0000_0000
	ldfd f23 = [r9]			//> f23 = 0xfc01:0x800, r9 = 0x20010

//- floating-point stores
//< r9 = 0x20000, r10 = 0x20010, r11 = 0x20020, r12 = 0x20030, f8 = 0x2ffff:0xc000_0000_0000_0000, f9 = 0x1ffff:0x8000_0000_0000_0000
	stfd [r9] = f8, 8		//> [0x20000] = 0xbff8_0000_0000_0000
	stfs [r9] = f8			//> [0x20008] = 0xbfc0_0000, r9 = 0x20008
	stfe [r10] = f8			//> [0x20010] = 0xc000_0000_0000_0000, [0x20018] = 0xbfff
	stf8 [r11] = f8, 8		//> [0x20020] = 0xc000_0000_0000_0000
	stfd [r11] = f9			//> [0x20028] = 0x7ff0_0000_0000_0000, r11 = 0x20028
	stf.spill [r12] = f8		//> [0x20030] = 0xc000_0000_0000_0000, [0x20038] = 0x2ffff

//- stf.spill takes a NaTVal, ldf.fill gives it back
//< r9 = 0x20000, r10 = 0x20000, f8 = natval
	stf.spill [r9] = f8, 16		//> [0x20008] = 0x1fffe, r9 = 0x20010
	ldf.fill f9 = [r10]		//> f9 = natval

//- big-endian floating-point references
//< psr.be = 1, r9 = 0x20000, r10 = 0x20010, [0x20000] = 0xf8bf, f8 = 0x2ffff:0xc000_0000_0000_0001
	ldfd f20 = [r9]			//> f20 = 0x2ffff:0xc000_0000_0000_0000
	stfe [r10] = f8			//> [0x20010] = 0x0000_0000_00c0_ffbf, [0x20018] = 0x0100

//- pairs: two data side by side, the base goes on behind them
//< r9 = 0x20000, r10 = 0x20010, [0x20000] = 0x4000_0000_3f80_0000, [0x20010] = 0x3ff0_0000_0000_0000, [0x20018] = 5
	ldfps f20, f21 = [r9], 8	//> f20 = 0xffff:0x8000_0000_0000_0000, f21 = 0x10000:0x8000_0000_0000_0000, r9 = 0x20008
	ldfp8 f22, f23 = [r10]		//> f22 = 0x1003e:0x3ff0_0000_0000_0000, f23 = 0x1003e:5
	ldfpd f24, f33 = [r10], 16	//> f24 = 0xffff:0x8000_0000_0000_0000, f33 = 0xfc01:0x2800, r10 = 0x20020

//- both targets of a pair in even registers is an illegal operation
//< r9 = 0x20000
	ldfps f8, f10 = [r9]		//> fault = GENERAL, cr.isr = 0

//- f0 and f1 cannot be loaded
//< r9 = 0x20000
	ldfd f1 = [r9]			//> fault = GENERAL, cr.isr = 0

//- a pair is aligned as a whole
//< psr.ac = 1, r9 = 0x20004
	ldfps f8, f9 = [r9]		//> fault = UNALIGNED, cr.isr = r, cr.ifa = 0x20004

//- disabled registers cannot be loaded
//< psr.dfh = 1, r9 = 0x20000
	ldfd f8 = [r9]			//> f8 = 0:0
	ldfd f32 = [r9]			//> fault = DISABLED_FP, cr.isr = ei1 | r | 2

//- disabled registers cannot be stored
//< psr.dfl = 1, r9 = 0x20000
	stfd [r9] = f2			//> fault = DISABLED_FP, cr.isr = w | 1

//- lfetch ignores what it cannot have, and updates its base
//< r9 = nat, r10 = 0x20000, r11 = 0x1000_0000_0000_0000
	lfetch [r9], 8			//> r9 = nat
	lfetch.nt1 [r10], 64		//> r10 = 0x20040
	lfetch.excl.nta [r11], r12	//> r11 = 0x1000_0000_dead_000c

//- lfetch.fault consumes a NaT base
//< r9 = nat
	lfetch.fault [r9]		//> fault = NAT, cr.isr = r | na | 0x14

//- fc consumes a NaT base
//< r9 = nat
	fc r9				//> fault = NAT, cr.isr = r | na | 0x11

//- physical addresses end at bit 49; bit 63 is the uncacheable half
//< r9 = 0x0004_0000_0000_0000, r10 = 0x8000_0000_0002_0000, [0x20000] = 9
	ld8 r20 = [r10]			//> r20 = 9
	ld8 r8 = [r9]			//> fault = GENERAL, cr.isr = r | ei1 | 0x30, cr.ifa = 0x0004_0000_0000_0000

//- and so do a store's
//< r9 = 0x4000_0000_0000_0000
	st8 [r9] = r8			//> fault = GENERAL, cr.isr = w | 0x30, cr.ifa = 0x4000_0000_0000_0000

//- barriers change nothing
	mf
	mf.a
	fwb
	srlz.d
	srlz.i
	sync.i
	invala
	hint @pause
	nop.f 5

//- a disabled register comes before a NaT base
//< psr.dfl = 1, r9 = nat
	ldfps f8, f9 = [r9]		//> fault = DISABLED_FP, cr.isr = r | 1

//- a speculative load into a disabled register is not deferred
//< psr.dfl = 1, r9 = nat
	ldfd.s f8 = [r9]		//> fault = DISABLED_FP, cr.isr = r | sp | 1

//- a predicated-off access does nothing, not even to its base
//< p6 = 0, r9 = nat, r10 = 0x20000
	(p6) ld8 r8 = [r9], 8
	(p6) st8 [r10] = r9, 8
	(p6) ldfd f8 = [r10], 8
	(p6) fetchadd8.acq r8 = [r10], 1

//- ld8.fill into its updated base is an illegal operation
//< r9 = 0x20000
	ld8.fill r9 = [r9], 8		//> fault = GENERAL, cr.isr = 0

//- a misaligned spill
//< psr.ac = 1, r9 = 0x20004
	st8.spill [r9] = r8		//> fault = UNALIGNED, cr.isr = w, cr.ifa = 0x20004

//- a faulting load leaves base and target alone
//< psr.ac = 1, r9 = 0x20004, r8 = 5
	ld8 r8 = [r9], 8		//> fault = UNALIGNED, cr.isr = r, cr.ifa = 0x20004

//- a faulting spill leaves UNAT alone
//< psr.ac = 1, r9 = 0x20004, r8 = nat, ar.unat = 0
	st8.spill [r9] = r8, 8		//> fault = UNALIGNED, cr.isr = w, cr.ifa = 0x20004

//- every kind of load of every size gives the same
//< r9 = 0x20000, r10 = 0, r11 = 0x20000, r12 = 0x20000, r13 = 8, [0x20000] = 0xf8e7d6c5b4a39281
	.irp size, 1, 2, 4, 8
	ld\size r8 = [r9]
	add r10 = r10, r8
	.irp type, .s, .a, .sa, .bias, .acq, .c.clr, .c.nc, .c.clr.acq
	ld\size\type r8 = [r9]		//> r8 = 0xf8e7d6c5b4a39281
	add r10 = r10, r8		//> r10 = 0xc0268cf9b3857824
	.endr
	.endr
	ld16.acq r14 = [r9]		//> r14 = 0xf8e7d6c5b4a39281, ar.csd = 0

//- every kind of load of every size updates its base
//< r11 = 0x20000, r12 = 0x20000, r13 = 8
	.irp size, 1, 2, 4, 8
	.irp type, .s, .a, .sa, .bias, .acq, .c.clr, .c.nc, .c.clr.acq
	ld\size\type r8 = [r11], 8	//> r11 = 0x20100
	ld\size\type r8 = [r12], r13	//> r12 = 0x20100, r8 = 0
	.endr
	.endr

//- every kind of floating-point load gives the same
//< r9 = 0x20000, r10 = 0, r11 = 0, [0x20000] = 0x3ff000003f800000, [0x20008] = 0x3ff0000000003fff
	.irp size, s, d, 8, e
	ldf\size f8 = [r9]
	getf.sig r8 = f8
	add r10 = r10, r8
	.irp type, .s, .a, .sa, .c.clr, .c.nc
	ldf\size\type f8 = [r9]	//> f8 = 0xffff:0x3ff000003f800000
	getf.sig r8 = f8		//> r8 = ?
	add r10 = r10, r8		//> r10 = 0xff400beafa000000
	.endr
	.endr
	.irp size, s, d, 8
	ldfp\size f20, f21 = [r9]
	getf.sig r8 = f20
	add r11 = r11, r8
	getf.sig r8 = f21
	add r11 = r11, r8
	.irp type, .s, .a, .sa, .c.clr, .c.nc
	ldfp\size\type f20, f21 = [r9]	//> f20 = 0x1003e:0x3ff000003f800000, f21 = 0x1003e:0x3ff0000000003fff
	getf.sig r8 = f20
	add r11 = r11, r8
	getf.sig r8 = f21
	add r11 = r11, r8		//> r11 = 0x9f400be989014ffa
	.endr
	.endr

//- every kind of floating-point load updates its base
//< r9 = 0x20000, r10 = 0x20000, r11 = 0x20000, r12 = 0x20000, r13 = 16
	.irp size, s, d, 8, e
	.irp type, .s, .a, .sa, .c.clr, .c.nc
	ldf\size\type f8 = [r9], 16	//> r9 = 0x20140
	ldf\size\type f8 = [r10], r13	//> f8 = 0:0, r10 = 0x20140
	.endr
	.endr
	.irp type, .s, .a, .sa, .c.clr, .c.nc
	ldfps\type f20, f21 = [r11], 8	//> r11 = 0x20028
	ldfpd\type f20, f21 = [r12], 16
	ldfp8\type f20, f21 = [r12], 16	//> r12 = 0x200a0, f20 = 0x1003e:0, f21 = 0x1003e:0
	.endr

//- releases store like others; prefetches for writing fetch
//< r9 = 0x20000, r13 = 0x1122_3344_5566_7788
	st8.rel [r9] = r13, 8		//> [0x20000] = 0x1122_3344_5566_7788
	st1.rel [r9] = r13		//> [0x20008] = 0x88
	lfetch.excl [r9], r0
	lfetch.fault.excl [r9], 8	//> r9 = 0x20010

//- instructions that do nothing
	nop.x 0x123456789abcdef
	hint.x 5
	hint.m 5
	hint.f 5
	hint.i 5
	data8 0x80100000016, 0x2000000000100000

//- hints about branches, and the move that gives one
//< r9 = 0x1234
	brp.ret.sptk b6, 1f
1:	mov.ret.sptk b6 = r9, 1b	//> b6 = 0x1234
