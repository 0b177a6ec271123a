// Parallel integer arithmetic. SDM volume 3, "mix" to "unpack".

//- padd1, psub1: wrapping and the three saturations
//< r9 = 0x7f80_ff01_10f0_8000, r10 = 0x01ff_0180_e020_ff01
	padd1 r16 = r9, r10		//> r16 = 0x807f_0081_f010_7f01
	padd1.sss r17 = r9, r10		//> r17 = 0x7f80_0081_f010_8001
	padd1.uuu r18 = r9, r10		//> r18 = 0x80ff_ff81_f0ff_ff01
	padd1.uus r19 = r9, r10		//> r19 = 0x807f_ff00_00ff_7f01
	psub1 r20 = r9, r10		//> r20 = 0x7e81_fe81_30d0_81ff
	psub1.sss r21 = r9, r10		//> r21 = 0x7e81_fe7f_30d0_81ff
	psub1.uuu r22 = r9, r10		//> r22 = 0x7e00_fe00_00d0_0000
	psub1.uus r23 = r9, r10		//> r23 = 0x7e81_fe81_30d0_8100

//- padd2, psub2, padd4, psub4
//< r9 = 0x7fff_8000_ffff_1000, r10 = 0x0001_ffff_0001_e000, r11 = 0xffff_ffff_7fff_ffff, r12 = 0x0000_0001_0000_0001
	padd2 r16 = r9, r10		//> r16 = 0x8000_7fff_0000_f000
	padd2.sss r17 = r9, r10		//> r17 = 0x7fff_8000_0000_f000
	padd2.uuu r18 = r9, r10		//> r18 = 0x8000_ffff_ffff_f000
	padd2.uus r19 = r9, r10		//> r19 = 0x8000_7fff_ffff_0000
	psub2 r20 = r9, r10		//> r20 = 0x7ffe_8001_fffe_3000
	psub2.sss r21 = r9, r10		//> r21 = 0x7ffe_8001_fffe_3000
	psub2.uuu r22 = r9, r10		//> r22 = 0x7ffe_0000_fffe_0000
	psub2.uus r23 = r9, r10		//> r23 = 0x7ffe_8001_fffe_3000
	padd4 r24 = r11, r12		//> r24 = 0x0000_0000_8000_0000
	psub4 r25 = r0, r12		//> r25 = -1

//- pavg: rounded to odd, or away from zero
//< r9 = 0x01ff_00ff_0300_0102, r10 = 0x02ff_01fe_0403_0201, r11 = 0x0001_ffff_0000_8000, r12 = 0x0002_ffff_0001_8000
	pavg1 r20 = r9, r10		//> r20 = 0x01ff_01ff_0301_0101
	pavg1.raz r21 = r9, r10		//> r21 = 0x02ff_01ff_0402_0202
	pavg2 r22 = r11, r12		//> r22 = 0x0001_ffff_0001_8000
	pavg2.raz r23 = r11, r12	//> r23 = 0x0002_ffff_0001_8000

//- pavgsub: half the difference, the borrow above it, rounded to odd
//< r9 = 0x0005_0802_ff00_0000, r10 = 0x0102_0208_00ff_0000, r11 = 0x0000_0005_ffff_0000, r12 = 0x0001_0002_0000_ffff
	pavgsub1 r20 = r9, r10		//> r20 = 0xff01_03fd_7f81_0000
	pavgsub2 r21 = r11, r12		//> r21 = 0xffff_0001_7fff_8001

//- pcmp: all ones or zeros; greater is signed
//< r9 = 0x7f80_ff01_10f0_8000, r10 = 0x01ff_0180_e020_ff01, r13 = 0x7f00_ff00_1000_0000
	pcmp1.gt r20 = r9, r10		//> r20 = 0xff00_00ff_ff00_0000
	pcmp1.eq r21 = r9, r13		//> r21 = 0xff00_ff00_ff00_00ff
	pcmp1.eq r22 = r9, r9		//> r22 = -1
//< r11 = 0x7fff_8000_ffff_1000, r12 = 0x0001_ffff_0001_1000
	pcmp2.gt r23 = r11, r12		//> r23 = 0xffff_0000_0000_0000
	pcmp2.eq r24 = r11, r12		//> r24 = 0x0000_0000_0000_ffff
	pcmp4.gt r25 = r11, r12		//> r25 = 0xffff_ffff_0000_0000
	pcmp4.eq r26 = r11, r12		//> r26 = 0
	pcmp4.eq r27 = r0, r0		//> r27 = -1

//- pmin, pmax: bytes unsigned, halves signed
//< r9 = 0x7f80_ff01_10f0_8000, r10 = 0x01ff_0180_e020_ff01, r11 = 0x7fff_8000_ffff_1000, r12 = 0x0001_ffff_0001_e000
	pmin1.u r20 = r9, r10		//> r20 = 0x0180_0101_1020_8000
	pmax1.u r21 = r9, r10		//> r21 = 0x7fff_ff80_e0f0_ff01
	pmin2 r22 = r11, r12		//> r22 = 0x0001_8000_ffff_e000
	pmax2 r23 = r11, r12		//> r23 = 0x7fff_ffff_0001_1000

//- psad1: the sum of eight absolute differences
//< r9 = 0x7f80_ff01_10f0_8000, r10 = 0x01ff_0180_e020_ff01
	psad1 r20 = r9, r10		//> r20 = 0x49a
	psad1 r21 = r10, r9		//> r21 = 0x49a

//- pshladd2, pshradd2: shift and sum saturate
//< r9 = 0x4000_c000_1000_8000, r10 = 0xffff_ffff_0001_7fff
	pshladd2 r20 = r9, 1, r10	//> r20 = 0x7fff_8000_2001_8000
	pshladd2 r21 = r9, 3, r10	//> r21 = 0x7fff_8000_7fff_8000
	pshradd2 r22 = r9, 2, r10	//> r22 = 0x0fff_efff_0401_5fff
	pshradd2 r23 = r10, 1, r10	//> r23 = 0xfffe_fffe_0001_7fff

//- pmpyshr2, pmpy2: signed and unsigned products
//< r9 = 0x7fff_8000_ffff_1234, r10 = 0x7fff_8000_0002_0010
	pmpyshr2 r20 = r9, r10, 16	//> r20 = 0x3fff_4000_ffff_0001
	pmpyshr2.u r21 = r9, r10, 16	//> r21 = 0x3fff_4000_0001_0001
	pmpyshr2 r22 = r9, r10, 0	//> r22 = 0x0001_0000_fffe_2340
	pmpyshr2 r23 = r9, r10, 15	//> r23 = 0x7ffe_8000_ffff_0002
	pmpyshr2 r24 = r9, r10, 7	//> r24 = 0xfe00_0000_ffff_0246
	pmpyshr2.u r25 = r9, r10, 7	//> r25 = 0xfe00_0000_03ff_0246
	pmpy2.r r26 = r9, r10		//> r26 = 0x4000_0000_0001_2340
	pmpy2.l r27 = r9, r10		//> r27 = 0x3fff_0001_ffff_fffe

//- pshl, pshr: counts beyond the element leave zero or the sign
//< r9 = 0x8001_7fff_ffff_0010, r10 = 16, r11 = 0x100_0000_0000, r12 = 4, r13 = 31, r14 = 15
	pshl2 r16 = r9, 4		//> r16 = 0x0010_fff0_fff0_0100
	pshl2 r17 = r9, r10		//> r17 = 0
	pshl2 r18 = r9, r11		//> r18 = 0
	pshr2 r19 = r9, 4		//> r19 = 0xf800_07ff_ffff_0001
	pshr2.u r20 = r9, r12		//> r20 = 0x0800_07ff_0fff_0001
	pshr2 r21 = r9, r10		//> r21 = 0xffff_0000_ffff_0000
	pshr2 r22 = r9, r11		//> r22 = 0xffff_0000_ffff_0000
	pshr2.u r23 = r9, r10		//> r23 = 0
	pshr4 r24 = r9, r13		//> r24 = -1
	pshr4.u r25 = r9, 31		//> r25 = 0x0000_0001_0000_0001
	pshl4 r26 = r9, 28		//> r26 = 0xf000_0000_0000_0000
	pshl4 r27 = r9, r11		//> r27 = 0
	pshr2 r28 = r9, r14		//> r28 = 0xffff_0000_ffff_0000
	pshr4 r29 = r9, r11		//> r29 = -1
	pshr4.u r30 = r9, r11		//> r30 = 0

//- mix, unpack: first source above second
//< r9 = 0xa7a6_a5a4_a3a2_a1a0, r10 = 0xb7b6_b5b4_b3b2_b1b0
	mix1.l r16 = r9, r10		//> r16 = 0xa7b7_a5b5_a3b3_a1b1
	mix1.r r17 = r9, r10		//> r17 = 0xa6b6_a4b4_a2b2_a0b0
	mix2.l r18 = r9, r10		//> r18 = 0xa7a6_b7b6_a3a2_b3b2
	mix2.r r19 = r9, r10		//> r19 = 0xa5a4_b5b4_a1a0_b1b0
	mix4.l r20 = r9, r10		//> r20 = 0xa7a6_a5a4_b7b6_b5b4
	mix4.r r21 = r9, r10		//> r21 = 0xa3a2_a1a0_b3b2_b1b0
	unpack1.h r22 = r9, r10		//> r22 = 0xa7b7_a6b6_a5b5_a4b4
	unpack1.l r23 = r9, r10		//> r23 = 0xa3b3_a2b2_a1b1_a0b0
	unpack2.h r24 = r9, r10		//> r24 = 0xa7a6_b7b6_a5a4_b5b4
	unpack2.l r25 = r9, r10		//> r25 = 0xa3a2_b3b2_a1a0_b1b0
	unpack4.h r26 = r9, r10		//> r26 = 0xa7a6_a5a4_b7b6_b5b4
	unpack4.l r27 = r9, r10		//> r27 = 0xa3a2_a1a0_b3b2_b1b0

//- pack: second source above first, saturated
//< r9 = 0x7fff_8000_007f_ff80, r10 = 0x0080_ff7f_0001_ffff, r11 = 0x7fff_ffff_0000_7fff, r12 = 0x8000_0000_ffff_8000
	pack2.sss r20 = r9, r10		//> r20 = 0x7f80_01ff_7f80_7f80
	pack2.uss r21 = r9, r10		//> r21 = 0x8000_0100_ff00_7f00
	pack4.sss r22 = r11, r12	//> r22 = 0x8000_8000_7fff_7fff

//- mux1: the five permutations; mux2: any
//< r9 = 0x0706_0504_0302_0100, r10 = 0x3333_2222_1111_0000
	mux1 r20 = r9, @rev		//> r20 = 0x0001_0203_0405_0607
	mux1 r21 = r9, @mix		//> r21 = 0x0703_0501_0602_0400
	mux1 r22 = r9, @shuf		//> r22 = 0x0703_0602_0501_0400
	mux1 r23 = r9, @alt		//> r23 = 0x0705_0301_0604_0200
	mux1 r24 = r9, @brcst		//> r24 = 0
	mux2 r25 = r10, 0x1b		//> r25 = 0x0000_1111_2222_3333
	mux2 r26 = r10, 0xe4		//> r26 = 0x3333_2222_1111_0000
	mux2 r27 = r10, 0xd8		//> r27 = 0x3333_1111_2222_0000
	mux2 r28 = r10, 0xff		//> r28 = 0x3333_3333_3333_3333

//- NaT of any source reaches the target
//< r9 = nat, r10 = 0
	padd1 r16 = r9, r10		//> r16 = nat
	psub2.uus r17 = r10, r9		//> r17 = nat
	pcmp1.eq r18 = r9, r10		//> r18 = nat
	mix4.l r19 = r10, r9		//> r19 = nat
	mux1 r20 = r9, @rev		//> r20 = nat
	mux2 r21 = r9, 0		//> r21 = nat
	pack2.uss r22 = r10, r9		//> r22 = nat
	pshl2 r23 = r10, r9		//> r23 = nat
	pshr4 r24 = r9, 4		//> r24 = nat
	psad1 r25 = r10, r9		//> r25 = nat
	pmpyshr2 r26 = r10, r9, 16	//> r26 = nat
	pshladd2 r27 = r9, 1, r10	//> r27 = nat
	pmin2 r28 = r10, r9		//> r28 = nat
	unpack1.l r29 = r9, r10		//> r29 = nat
	pavg1 r30 = r10, r9		//> r30 = nat
	pmpy2.r r31 = r10, r9		//> r31 = nat
