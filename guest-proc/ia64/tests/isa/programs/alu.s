// Integer arithmetic and logic. SDM volume 3, "add" to "xor".

//- add, sub: 64 bits, carry out of bit 63 is lost, the third operand is one more
//< r9 = 0x7fff_ffff_ffff_ffff, r10 = 1, r11 = -1
	add r20 = r9, r10		//> r20 = 0x8000_0000_0000_0000
	add r21 = r11, r10		//> r21 = 0
	add r22 = r11, r10, 1		//> r22 = 1
	add r23 = r11, r11, 1		//> r23 = -1
	sub r24 = r10, r11		//> r24 = 2
	sub r25 = r10, r10, 1		//> r25 = -1
	sub r26 = r9, r11, 1		//> r26 = 0x7fff_ffff_ffff_ffff
	sub r27 = r0, r9		//> r27 = 0x8000_0000_0000_0001

//- add, sub with immediates: sign-extended from 8, 14 and 22 bits
//< r1 = 5, r9 = 0x8000_0000_0000_0000
	sub r20 = -128, r9		//> r20 = 0x7fff_ffff_ffff_ff80
	sub r21 = 127, r1		//> r21 = 122
	adds r22 = -8192, r9		//> r22 = 0x7fff_ffff_ffff_e000
	adds r23 = 8191, r9		//> r23 = 0x8000_0000_0000_1fff
	addl r24 = -2097152, r1		//> r24 = -2097147
	addl r25 = 2097151, r1		//> r25 = 0x20_0004
	mov r26 = r9			//> r26 = 0x8000_0000_0000_0000
	mov r27 = -2097152		//> r27 = -2097152

//- movl: all 64 bits
	movl r20 = 0x8123456789abcdef	//> r20 = 0x8123_4567_89ab_cdef
	movl r21 = -1			//> r21 = -1
	movl r22 = 0x0020000000000000	//> r22 = 0x0020_0000_0000_0000

//- addp4: low 32 bits of the sum, bits 31:30 of the second source in 62:61
//< r9 = 0x1234_5678_ffff_ffff, r10 = 0xffff_ffff_c000_0001, r11 = 0x8000_0000
	addp4 r20 = r9, r10		//> r20 = 0x6000_0000_c000_0000
	addp4 r21 = r10, r9		//> r21 = 0x6000_0000_c000_0000
	addp4 r22 = -1, r11		//> r22 = 0x4000_0000_7fff_ffff
	addp4 r23 = 8191, r11		//> r23 = 0x4000_0000_8000_1fff
	addp4 r24 = r11, r0		//> r24 = 0x8000_0000

//- shladd, shladdp4: first source shifted by 1 to 4
//< r9 = 0x1000_0000_0000_0001, r10 = 0x100, r11 = 0x4000_0000, r12 = 0x4000_0005
	shladd r20 = r9, 1, r10		//> r20 = 0x2000_0000_0000_0102
	shladd r21 = r9, 4, r10		//> r21 = 0x110
	shladdp4 r22 = r11, 2, r12	//> r22 = 0x2000_0000_4000_0005
	shladdp4 r23 = r11, 1, r12	//> r23 = 0x2000_0000_c000_0005

//- logic: immediates are sign-extended from 8 bits
//< r9 = 0xff00_ff00_ff00_ff00, r10 = 0xffff_0000_ffff_0000
	and r16 = r9, r10		//> r16 = 0xff00_0000_ff00_0000
	andcm r17 = r9, r10		//> r17 = 0x0000_ff00_0000_ff00
	or r18 = r9, r10		//> r18 = 0xffff_ff00_ffff_ff00
	xor r19 = r9, r10		//> r19 = 0x00ff_ff00_00ff_ff00
	and r20 = -128, r9		//> r20 = 0xff00_ff00_ff00_ff00
	and r21 = 127, r9		//> r21 = 0
	andcm r22 = -1, r9		//> r22 = 0x00ff_00ff_00ff_00ff
	or r23 = -128, r9		//> r23 = 0xffff_ffff_ffff_ff80
	xor r24 = -1, r9		//> r24 = 0x00ff_00ff_00ff_00ff

//- NaT of any source reaches the target, whatever the operation
//< r9 = nat, r10 = 0
	add r16 = r9, r10		//> r16 = nat
	add r17 = r10, r9, 1		//> r17 = nat
	sub r18 = r9, r9		//> r18 = nat
	and r19 = r10, r9		//> r19 = nat
	andcm r20 = r10, r9		//> r20 = nat
	or r21 = r9, r10		//> r21 = nat
	xor r22 = r9, r9		//> r22 = nat
	and r23 = 0, r9			//> r23 = nat
	sub r24 = 1, r9			//> r24 = nat
	adds r25 = 1, r9		//> r25 = nat
	addp4 r26 = r10, r9		//> r26 = nat
	shladd r27 = r9, 1, r10		//> r27 = nat
	mov r28 = r9			//> r28 = nat
	mpy4 r29 = r10, r9		//> r29 = nat
	shladdp4 r30 = r10, 1, r9	//> r30 = nat
	addp4 r31 = 1, r9		//> r31 = nat
	movl r9 = 7			//> r9 = 7
//< cpuid[4] = 0x1_0000_0007

//- a false predicate keeps the target, whatever the source
//< r9 = nat, p6 = 0, p7 = 1
	(p6) add r8 = r9, r9
	(p6) movl r10 = 5
	(p7) movl r11 = 5		//> r11 = 5
	(p7) mov r12 = r9		//> r12 = nat

//- r0 as target is an illegal operation, before its sources matter
//< r9 = nat
	add r0 = r9, r9			//> fault = GENERAL, cr.isr = 0, cr.iip = 0xf000

//- r0 as target of a predicated-off instruction is none
//< p6 = 0
	(p6) add r0 = r9, r9
	(p6) movl r0 = 5

//- movl to r0 is illegal; its slot is 1
	{ .mlx
	nop.m 0
	movl r0 = 5			//> fault = GENERAL, cr.isr = ei1
	}

//- a target beyond the frame is an illegal operation
//< cfm.sof = 10
	mov r41 = 1			//> r41 = 1
	{ .mii
	mov r42 = 1			//> fault = GENERAL, cr.isr = 0, cr.iip = 0xf010
	}

//- a source beyond the frame is no fault
//< cfm.sof = 10
	mov r8 = r42			//> r8 = ?

//- a target beyond the frame of a predicated-off instruction is none
//< cfm.sof = 0, cfm.sol = 0, p6 = 0
	(p6) mov r32 = 1

//- mpy4, mpyshl4 on later processors: unsigned halves
//< cpuid[4] = 0x1_0000_0007, r9 = 0xffff_fffe_ffff_ffff, r10 = 0x1234_5678_ffff_ffff
	mpy4 r20 = r9, r10		//> r20 = 0xffff_fffe_0000_0001
	mpyshl4 r21 = r9, r10		//> r21 = 0x0000_0002_0000_0000

//- mpy4 is an illegal operation where CPUID does not offer it
//< cpuid[4] = 7
	mpy4 r20 = r9, r10		//> fault = GENERAL, cr.isr = ei1
