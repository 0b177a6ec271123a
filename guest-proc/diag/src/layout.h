/* Constants shared by C and assembly: where things lie in memory, offsets of the structures that the assembly
   touches, and the bits of PSR, ISR and page table entries (SDM volume 2, chapters 3 and 4). */
#ifndef LAYOUT_H
#define LAYOUT_H

#ifdef __ASSEMBLER__
#define LONG(x) x
#else
#define LONG(x) x##UL
#endif

#define IMAGE_VA LONG(0xa000000004000000)
#define IMAGE_PAGE_SHIFT 24

#define MAX_CPUS 16

/* Stack block of a processor: backing store growing up, the emergency stack, the memory stack growing down. */
#define STACK_BLOCK_SHIFT 18
#define STACK_BLOCK_SIZE (1 << STACK_BLOCK_SHIFT)
#define EMERGENCY_LOW 0x20000
#define EMERGENCY_TOP 0x24000

/* struct cpu */
#define CPU_STACK_LIMIT 0
#define CPU_STACK_TOP 8
#define CPU_EMERGENCY_TOP 16
#define CPU_VHPT_FAULTS 24
#define CPU_DTLB_MISSES 32
#define CPU_ITLB_MISSES 40
#define CPU_IDENTITY_DATA 48
#define CPU_IDENTITY_CODE 56
#define CPU_SHIFT 10

/* struct frame */
#define FRAME_VECTOR 0
#define FRAME_IPSR 8
#define FRAME_IIP 16
#define FRAME_IFS 24
#define FRAME_PR 80
#define FRAME_PFS 88
#define FRAME_UNAT 96
#define FRAME_FPSR 112
#define FRAME_CCV 120
#define FRAME_B0 160
#define FRAME_NATS 224
#define FRAME_GR 240
#define FRAME_F6 496
#define FRAME_SIZE 592

/* struct init_record, and what an interruption left in its registers before INIT came. */
#define INIT_MESSAGE 136
#define INIT_IIP LONG(0xa000000004012340)
#define INIT_IPSR LONG(0x0000101308026010)
#define INIT_IFS LONG(0x8000000000000285)

/* The test region: 16 KiB pages, mapped by a short-format VHPT of TEST_TABLE_SIZE bytes. */
#define TEST_REGION 1
#define TEST_PAGE_SHIFT 14
#define TEST_TABLE_SHIFT 17
#define TEST_TABLE_SIZE (1 << TEST_TABLE_SHIFT)

/* Identity mapped regions: 6 uncached, 7 cached. */
#define IDENTITY_PAGE_SHIFT 26

#define PTE_P LONG(0x1)
#define PTE_UC LONG(0x10)
#define PTE_NATPAGE LONG(0x1c)
#define PTE_A LONG(0x20)
#define PTE_D LONG(0x40)
#define PTE_PL3 LONG(0x180)
#define PTE_AR_R LONG(0x000)
#define PTE_AR_RX LONG(0x200)
#define PTE_AR_RW LONG(0x400)
#define PTE_AR_RWX LONG(0x600)
#define PTE_ED LONG(0x0010000000000000)
#define PTE_PPN_MASK LONG(0x0003fffffffff000)
#define PTE_KERNEL LONG(0x0010000000000661)
#define PTE_KERNEL_UC LONG(0x0010000000000671)

#define PSR_BE LONG(0x2)
#define PSR_AC LONG(0x8)
#define PSR_IC LONG(0x2000)
#define PSR_I LONG(0x4000)
#define PSR_PK LONG(0x8000)
#define PSR_DB LONG(0x1000000)
#define PSR_TB LONG(0x4000000)
#define PSR_DT LONG(0x20000)
#define PSR_DFH LONG(0x80000)
#define PSR_RT LONG(0x8000000)
#define PSR_CPL3 LONG(0x300000000)
#define PSR_IT LONG(0x1000000000)
#define PSR_RI_SHIFT 41
#define PSR_ED_BIT 43
#define PSR_SS_BIT 40
#define PSR_BN LONG(0x100000000000)
#define PSR_NORMAL (PSR_IC | PSR_DT | PSR_RT | PSR_IT | PSR_BN)
#define PSR_MODE_BITS (PSR_I | PSR_IC | PSR_DT | PSR_RT)

#define ISR_NA_BIT 35
#define ISR_SP_BIT 36
#define ISR_X_BIT 32
#define ISR_RS_BIT 37 /* and ir above it */
#define ISR_EI_SHIFT 41

#define DCR_INITIAL 0x7e04 /* lc, and deferral of everything that ld.s may defer except TLB misses */
#define FPSR_INITIAL LONG(0x0009804c0270033f)

/* Vectors of external interrupts. */
#define VECTOR_UART 0x40
#define VECTOR_SCI 0x41
#define VECTOR_VIRTIO 0x60
#define VECTOR_TIMER 0xef
#define VECTOR_CALL 0xf3

#endif
