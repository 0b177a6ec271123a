// Data speculation: the ALAT. SDM volume 1, 4.4.5. An entry may vanish at any time, but ours do not; an entry that must
// have vanished is another matter. Check loads may load whether they miss or not.

//- an entry stays: the checks succeed
//< r9 = 0x20000, r10 = 0x20008, r13 = 5, [0x20000] = 7
	ld8.a r8 = [r9] ;;
	st8 [r10] = r13 ;;		//> [0x20008] = 5
	ld8.c.nc r8 = [r9] ;;		//> r8 = 7
	chk.a.nc r8, 1f
	ld8.c.clr r8 = [r9] ;;
	mov r20 = 1			//> r20 = 1
1:

//- a store to the same bytes: ld.c loads again
//< r9 = 0x20000, r13 = 5, [0x20000] = 7
	ld8.a r8 = [r9] ;;
	st8 [r9] = r13 ;;		//> [0x20000] = 5
	ld8.c.clr r8 = [r9]		//> r8 = 5

//- a store to one of the bytes
//< r9 = 0x20000, r10 = 0x20007, r13 = 5
	ld8.a r8 = [r9] ;;
	st1 [r10] = r13 ;;		//> [0x20000] = 0x0500_0000_0000_0000
	ld8.c.clr r8 = [r9]		//> r8 = 0x0500_0000_0000_0000

//- a store around the byte
//< r9 = 0x20000, r10 = 0x20003, r13 = 0x1122_3344_5566_7788
	ld1.a r8 = [r10] ;;
	st8 [r9] = r13 ;;		//> [0x20000] = 0x1122_3344_5566_7788
	ld1.c.clr r8 = [r10]		//> r8 = 0x55

//- a store to the same bytes: chk.a branches
//< r9 = 0x20000, r13 = 5
	ld4.a r8 = [r9] ;;		//> r8 = 0
	st4 [r9] = r13 ;;		//> [0x20000] = 5
	chk.a.nc r8, 1f
	mov r20 = 1
1:

//- a 16-byte store reaches the second word
//< r9 = 0x20000, r10 = 0x20008, r13 = 5, ar.csd = 6
	ld8.a r8 = [r10] ;;		//> r8 = 0
	st16 [r9] = r13 ;;		//> [0x20000] = 5, [0x20008] = 6
	chk.a.nc r8, 1f
	mov r20 = 1
1:

//- chk.a.clr removes the entry
//< r9 = 0x20000
	ld8.a r8 = [r9] ;;		//> r8 = 0
	chk.a.clr r8, 9f ;;
	mov r20 = 1			//> r20 = 1
	chk.a.nc r8, 1f
9:	mov r21 = 1
1:

//- ld.c.clr removes the entry
//< r9 = 0x20000
	ld8.a r8 = [r9] ;;
	ld8.c.clr r8 = [r9] ;;		//> r8 = 0
	chk.a.nc r8, 1f
	mov r21 = 1
1:

//- ld.c.nc makes one when it misses
//< r9 = 0x20000
	ld8.c.nc r8 = [r9] ;;		//> r8 = 0
	chk.a.nc r8, 1f
	mov r20 = 1			//> r20 = 1
1:

//- an entry is for one register, address and size
//< r9 = 0x20000, r10 = 0x20008, [0x20000] = 0x1_0002, [0x20008] = 3
	ld8.a r8 = [r9] ;;
	ld8.c.nc r11 = [r9] ;;		//> r11 = 0x1_0002
	ld2.c.clr r8 = [r9] ;;		//> r8 = 2
	ld8.a r12 = [r9] ;;
	ld8.c.clr r12 = [r10]		//> r12 = 3

//- invala.e removes one entry, invala all
//< r9 = 0x20000
	ld8.a r8 = [r9]			//> r8 = 0
	ld8.a r10 = [r9] ;;		//> r10 = 0
	invala.e r8 ;;
	chk.a.nc r8, 1f
	mov r20 = 1
1:	chk.a.nc r10, 9f
	mov r21 = 1 ;;			//> r21 = 1
	invala ;;
	chk.a.nc r10, 2f
9:	mov r22 = 1
2:

//- a deferred ld.sa leaves no entry
//< r9 = 0x1000_0000_0000_0000, r10 = 0x20000
	ld8.a r8 = [r10] ;;
	ld8.sa r8 = [r9] ;;		//> r8 = nat
	chk.a.nc r8, 1f
	mov r20 = 1
1:

//- floating-point registers
//< r9 = 0x20000, r13 = 0x3ff0_0000_0000_0000
	ldfd.a f8 = [r9]
	ldfd.a f9 = [r9] ;;		//> f9 = 0:0
	chk.a.nc f9, 9f
	mov r20 = 1 ;;			//> r20 = 1
	st8 [r9] = r13 ;;		//> [0x20000] = 0x3ff0_0000_0000_0000
	ldfd.c.clr f8 = [r9]		//> f8 = 0xffff:0x8000_0000_0000_0000
	chk.a.clr f9, 1f
9:	mov r21 = 1
1:

//- a floating-point store reaches an integer's entry
//< r9 = 0x20000, r10 = 0x20008
	ld8.a r8 = [r10] ;;		//> r8 = 0
	stf.spill [r9] = f0 ;;
	chk.a.nc r8, 1f
	mov r20 = 1
1:

//- a semaphore removes the entry of what it writes
//< r9 = 0x20000, r13 = 5
	ld8.a r8 = [r9] ;;
	xchg8 r10 = [r9], r13 ;;	//> r10 = 0, [0x20000] = 5
	ld8.c.clr r8 = [r9]		//> r8 = 5

//- ld.c.clr.acq loads
//< r9 = 0x20000, [0x20000] = 7
	ld8.a r8 = [r9] ;;
	ld8.c.clr.acq r8 = [r9]		//> r8 = 7

//- another frame's register of the same number has an entry of its own
//< r9 = 0x20000
	ld8.a r33 = [r9]		//> r33 = 0
	br.call.sptk b0 = 1f		//> b0 = ?, ar.pfs = 0x410
	chk.a.nc r33, 9f
	mov r20 = 1			//> r20 = 1
	br.few 9f
1:	chk.a.nc r33, 2f
	mov r21 = 1
2:	br.ret.sptk b0
9:
