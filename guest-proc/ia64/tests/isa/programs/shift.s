// Shifts, bit fields and counts. SDM volume 3, "shl" to "zxt", "czx", "popcnt".

//- shl: counts of 64 and more leave zero
//< r9 = 0x8000_0000_0000_0001, r10 = 63, r11 = 64, r12 = -1, r13 = 0x1_0000_0000
	shl r20 = r9, r0		//> r20 = 0x8000_0000_0000_0001
	shl r21 = r9, r10		//> r21 = 0x8000_0000_0000_0000
	shl r22 = r9, r11		//> r22 = 0
	shl r23 = r9, r12		//> r23 = 0
	shl r24 = r9, r13		//> r24 = 0
	shl r25 = r9, 4			//> r25 = 0x10

//- shr: counts of 64 and more leave the sign, or zero
//< r8 = 0x7fff_ffff_ffff_ffff, r9 = 0x8000_0000_0000_0001, r10 = 63, r11 = 64, r12 = -1
	shr r20 = r9, r10		//> r20 = -1
	shr r21 = r9, r11		//> r21 = -1
	shr r22 = r9, r12		//> r22 = -1
	shr r23 = r8, r12		//> r23 = 0
	shr r24 = r9, r0		//> r24 = 0x8000_0000_0000_0001
	shr.u r25 = r9, r10		//> r25 = 1
	shr.u r26 = r9, r11		//> r26 = 0
	shr.u r27 = r9, r12		//> r27 = 0
	shr r28 = r9, 60		//> r28 = -8
	shr.u r29 = r9, 60		//> r29 = 8

//- shrp: 128 bits, first source above second
//< r9 = 0x0123_4567_89ab_cdef, r10 = 0xfedc_ba98_7654_3210
	shrp r20 = r9, r10, 0		//> r20 = 0xfedc_ba98_7654_3210
	shrp r21 = r9, r10, 4		//> r21 = 0xffed_cba9_8765_4321
	shrp r22 = r9, r10, 63		//> r22 = 0x0246_8acf_1357_9bdf
	shrp r23 = r9, r9, 32		//> r23 = 0x89ab_cdef_0123_4567

//- extr: a field that would pass bit 63 ends there, with its sign
//< r9 = 0x8765_4321_0fed_cba9
	extr r16 = r9, 60, 16		//> r16 = -8
	extr.u r17 = r9, 60, 16		//> r17 = 8
	extr r18 = r9, 0, 64		//> r18 = 0x8765_4321_0fed_cba9
	extr.u r19 = r9, 0, 64		//> r19 = 0x8765_4321_0fed_cba9
	extr r20 = r9, 63, 1		//> r20 = -1
	extr.u r21 = r9, 63, 1		//> r21 = 1
	extr r22 = r9, 0, 1		//> r22 = -1
	extr r23 = r9, 1, 1		//> r23 = 0
	extr r24 = r9, 4, 8		//> r24 = -70
	extr.u r25 = r9, 4, 8		//> r25 = 0xba
	extr r26 = r9, 24, 4		//> r26 = -1
	extr r27 = r9, 28, 4		//> r27 = 0
	extr r28 = r9, 32, 64		//> r28 = 0xffff_ffff_8765_4321

//- dep.z: a register's field or an immediate's in zeros, cut at bit 63
//< r9 = 0x8765_4321_0fed_cba9
	dep.z r20 = r9, 60, 16		//> r20 = 0x9000_0000_0000_0000
	dep.z r21 = r9, 0, 64		//> r21 = 0x8765_4321_0fed_cba9
	dep.z r22 = r9, 16, 8		//> r22 = 0xa9_0000
	dep.z r23 = -1, 60, 10		//> r23 = 0xf000_0000_0000_0000
	dep.z r24 = 0x55, 4, 8		//> r24 = 0x550
	dep.z r25 = -128, 0, 16		//> r25 = 0xff80
	dep.z r26 = -1, 0, 64		//> r26 = -1
	dep.z r27 = 0x7f, 3, 3		//> r27 = 0x38

//- dep: into another register, or one repeated bit
//< r9 = 0x8765_4321_0fed_cba9, r10 = 0
	dep r20 = r9, r10, 60, 16	//> r20 = 0x9000_0000_0000_0000
	dep r21 = r10, r9, 60, 16	//> r21 = 0x0765_4321_0fed_cba9
	dep r22 = r9, r9, 16, 16	//> r22 = 0x8765_4321_cba9_cba9
	dep r23 = r9, r10, 63, 1	//> r23 = 0x8000_0000_0000_0000
	dep r24 = -1, r10, 62, 5	//> r24 = 0xc000_0000_0000_0000
	dep r25 = -1, r9, 0, 64		//> r25 = -1
	dep r26 = 0, r9, 4, 8		//> r26 = 0x8765_4321_0fed_c009
	dep r27 = 0, r9, 0, 64		//> r27 = 0

//- sxt, zxt
//< r9 = 0x1234_5678_8765_8281, r10 = 0xffff_ffff_7fff_7f7f
	sxt1 r20 = r9			//> r20 = 0xffff_ffff_ffff_ff81
	sxt2 r21 = r9			//> r21 = 0xffff_ffff_ffff_8281
	sxt4 r22 = r9			//> r22 = 0xffff_ffff_8765_8281
	zxt1 r23 = r9			//> r23 = 0x81
	zxt2 r24 = r9			//> r24 = 0x8281
	zxt4 r25 = r9			//> r25 = 0x8765_8281
	sxt1 r26 = r10			//> r26 = 0x7f
	sxt2 r27 = r10			//> r27 = 0x7f7f
	sxt4 r28 = r10			//> r28 = 0x7fff_7f7f

//- czx: elements before the first zero one, from the left or the right
//< r9 = 0x1122_3300_5566_7788, r10 = -1, r11 = 0x1111_0000_2222_0000, r12 = 0x00ff_00ff_ff00_ff00
	czx1.l r20 = r9			//> r20 = 3
	czx1.r r21 = r9			//> r21 = 4
	czx1.l r22 = r10		//> r22 = 8
	czx1.r r23 = r10		//> r23 = 8
	czx2.l r24 = r11		//> r24 = 1
	czx2.r r25 = r11		//> r25 = 0
	czx2.l r26 = r12		//> r26 = 4
	czx2.r r27 = r12		//> r27 = 4
	czx1.l r28 = r12		//> r28 = 0
	czx1.r r29 = r12		//> r29 = 0
	czx1.l r30 = r0			//> r30 = 0

//- popcnt, and clz on later processors
//< cpuid[4] = 0x1_0000_0007, r9 = 0x8000_0000_0000_0001, r10 = -1, r11 = 0x00ff_0000_0000_0000
	popcnt r20 = r9			//> r20 = 2
	popcnt r21 = r10		//> r21 = 64
	popcnt r22 = r0			//> r22 = 0
	clz r23 = r9			//> r23 = 0
	clz r24 = r11			//> r24 = 8
	clz r25 = r0			//> r25 = 64

//- clz is an illegal operation where CPUID does not offer it
//< cpuid[4] = 7
	clz r8 = r9			//> fault = GENERAL, cr.isr = ei1

//- NaT of any source, the count's included, reaches the target
//< r9 = nat, r10 = 0
	shl r16 = r9, r10		//> r16 = nat
	shl r17 = r10, r9		//> r17 = nat
	shr r18 = r10, r9		//> r18 = nat
	shr.u r19 = r9, r10		//> r19 = nat
	shrp r20 = r10, r9, 0		//> r20 = nat
	shrp r21 = r9, r10, 0		//> r21 = nat
	extr r22 = r9, 0, 1		//> r22 = nat
	dep.z r23 = r9, 0, 1		//> r23 = nat
	dep r24 = r9, r10, 0, 1		//> r24 = nat
	dep r25 = r10, r9, 0, 16	//> r25 = nat
	dep r26 = -1, r9, 0, 64		//> r26 = nat
	sxt4 r27 = r9			//> r27 = nat
	zxt1 r28 = r9			//> r28 = nat
	czx1.l r29 = r9			//> r29 = nat
	popcnt r30 = r9			//> r30 = nat
	dep.z r9 = 1, 0, 1		//> r9 = 1
