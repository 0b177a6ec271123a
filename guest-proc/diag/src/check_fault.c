/* Checks of interruptions: each fault is provoked and its vector, ISR, IFA, IIM and slot are compared with the manual
   (SDM volume 2, chapters 5 and 8). */
#include "diag.h"

#define SUITE "interruptions"

enum { PAGE_PLAIN = 8, PAGE_READ_ONLY, PAGE_NO_EXECUTE, PAGE_ABSENT, PAGE_CLEAN, PAGE_NAT, PAGE_USER, PAGE_COUNT };

static u8 *page_memory;

static void map(u64 page, u64 flags)
{
    test_table[page] = physical_address(page_memory + (page - PAGE_PLAIN) * TEST_PAGE_SIZE) | flags;
    memory_fence();
    purge_local(test_address(page), TEST_PAGE_SHIFT);
}

static void check_instruction_faults(void)
{
    struct caught *c = &this_cpu()->caught;
    CHECK("break-vector", EXPECT_FAULT("break 0x15432"), 0x2c00);
    CHECK("break-immediate", c->iim, 0x15432);
    EXPECT_FAULT("{ .mii ; nop.m 0 ; nop.i 0 ; break.i 0x55 }");
    CHECK("break-slot", c->ipsr >> PSR_RI_SHIFT & 3, 2);
    CHECK("isr-slot", c->isr >> ISR_EI_SHIFT & 3, 2);
    u64 passed = 0;
    asm volatile("{ .mii ; break.m 0x1234 ; add %0 = 1, %0 ; break.i 0x1234 } ;; add %0 = 1, %0 ;;" : "+r"(passed));
    CHECK("resume-in-each-slot", passed, 2);
    struct cpu *me = this_cpu();
    memset(c, 0xff, sizeof *c);
    me->resume_at = (u64)illegal_return;
    illegal_instruction();
    me->resume_at = 0;
    CHECK("reserved-template-vector", c->vector, 0x5400);
    CHECK("illegal-operation-code", c->isr >> 4 & 0xf, 0);
    CHECK("reserved-register-field", EXPECT_FAULT("mov r2 = -1 ;; mov ar.rsc = r2") == 0x5400 ? c->isr >> 4 & 0xf : 99,
          3);
    WRITE_REGISTER("ar.rsc", 3);
    CHECK("disabled-fp-vector", EXPECT_FAULT("ssm psr.dfh ;; srlz.d ;; mov f40 = f1"), 0x5500);
    CHECK("disabled-fp-high", c->isr & 3, 2);
    CHECK("nat-consumption-vector", EXPECT_FAULT("ld8.s r3 = [%1] ;; st8 [%2] = r3", "r"(8L), "r"(&passed)), 0x5600);
    CHECK("nat-consumption-register", c->isr >> 4 & 0xf, 1);
    CHECK("unaligned-vector", EXPECT_FAULT("sum 0x8 ;; ld8 r3 = [%1]", "r"((u64)page_memory + 1)), 0x5a00);
    CHECK("unaligned-ifa", c->ifa, (u64)page_memory + 1);
    CHECK("unsupported-semaphore",
          EXPECT_FAULT("fetchadd8.acq r3 = [%1], 1", "r"(uncached(physical_address(page_memory)))), 0x5b00);
}

static void check_data_faults(void)
{
    struct cpu *me = this_cpu();
    struct caught *c = &me->caught;
    u64 read_only = test_address(PAGE_READ_ONLY), absent = test_address(PAGE_ABSENT);
    CHECK("null-vector", EXPECT_FAULT("ld8 r3 = [r0]"), 0x1000);
    CHECK("null-ifa", c->ifa, 0);
    CHECK("null-isr-read", c->isr >> 32 & 7, 4);
    CHECK("write-to-read-only-vector", EXPECT_FAULT("st8 [%1] = r0", "r"(read_only + 40)), 0x5300);
    CHECK("write-to-read-only-ifa", c->ifa, read_only + 40);
    CHECK("write-to-read-only-isr", c->isr >> 32 & 7, 2);
    CHECK("read-of-read-only", EXPECT_FAULT("ld8 r3 = [%1]", "r"(read_only)), ~0UL);
    CHECK("not-present-vector", EXPECT_FAULT("ld8 r3 = [%1]", "r"(absent + 8)), 0x5000);
    CHECK("not-present-ifa", c->ifa, absent + 8);
    CHECK("not-present-page-size", c->itir >> 2 & 0x3f, TEST_PAGE_SHIFT);
    CHECK("semaphore-isr-read-write", (EXPECT_FAULT("fetchadd8.rel r3 = [%1], 4", "r"(absent + 8)), c->isr >> 32 & 7),
          6);
    map(PAGE_CLEAN, PTE_P | PTE_AR_RW | PTE_ED);
    u64 dirty = me->dirty_faults, accessed = me->access_faults;
    volatile u64 *clean = (volatile u64 *)test_address(PAGE_CLEAN);
    (void)*clean;
    barrier();
    CHECK("access-bit-fault", me->access_faults - accessed, 1);
    CHECK("access-bit-set", test_table[PAGE_CLEAN] & (PTE_A | PTE_D), PTE_A);
    *clean = 3;
    barrier();
    CHECK("dirty-bit-fault", me->dirty_faults - dirty, 1);
    CHECK("dirty-bit-set", test_table[PAGE_CLEAN] & PTE_D, PTE_D);
    CHECK("retried-store-landed", *clean, 3);
    map(PAGE_NAT, PTE_P | PTE_A | PTE_D | PTE_AR_RWX | PTE_NATPAGE | PTE_ED);
    CHECK("nat-page-vector", EXPECT_FAULT("ld8 r3 = [%1]", "r"(test_address(PAGE_NAT))), 0x5600);
    CHECK("nat-page-code", c->isr >> 4 & 0xf, 2);
    u64 nat;
    asm volatile("ld8.s r3 = [%1] ;; tnat.nz p6, p7 = r3 ;; (p6) mov %0 = 1 ;; (p7) mov %0 = r0"
                 : "=&r"(nat)
                 : "r"(test_address(PAGE_NAT))
                 : "r3", "p6", "p7");
    CHECK("nat-page-speculative", nat, 1);
    CHECK("lfetch-never-faults", EXPECT_FAULT("lfetch [%1]", "r"(absent)), ~0UL);
    CHECK("lfetch.fault-faults", EXPECT_FAULT("lfetch.fault [%1]", "r"(absent)), 0x5000);
    CHECK("lfetch.fault-isr", c->isr >> ISR_NA_BIT & 1 ? c->isr & 0xf : 99, 4);
}

static u64 expect_fault_at_target(u64 address) { return EXPECT_FAULT("mov b6 = %1 ;; br.sptk b6", "r"(address)); }

static void check_code_faults(void)
{
    struct caught *c = &this_cpu()->caught;
    u64 no_execute = test_address(PAGE_NO_EXECUTE), absent = test_address(PAGE_ABSENT);
    CHECK("no-execute-vector", expect_fault_at_target(no_execute), 0x5200);
    CHECK("no-execute-iip", c->iip, no_execute);
    CHECK("no-execute-isr", c->isr >> ISR_X_BIT & 1, 1);
    CHECK("absent-code-vector", expect_fault_at_target(absent + 64), 0x5000);
    CHECK("absent-code-ifa", c->ifa & ~0xfUL, absent + 64);
    u8 *user = page_memory + (PAGE_USER - PAGE_PLAIN) * TEST_PAGE_SIZE;
    memcpy(user, user_break, 64);
    for (u64 i = 0; i < 64; i += 32)
        flush_code(user + i);
    map(PAGE_USER, PTE_P | PTE_A | PTE_D | PTE_PL3 | PTE_AR_RX | PTE_ED);
    struct cpu *me = this_cpu();
    u64 entry = test_address(PAGE_USER);
    me->resume_at = (u64)user_return;
    user_call(entry);
    me->resume_at = 0;
    CHECK("user-break-vector", c->vector, 0x2c00);
    CHECK("user-break-iim", c->iim, 0x4321);
    CHECK("user-privilege-level", c->ipsr >> 32 & 3, 3);
    CHECK("user-iip", c->iip, entry);
    me->resume_at = (u64)user_return;
    user_call(entry + (user_privileged - user_break));
    me->resume_at = 0;
    CHECK("privileged-operation-vector", c->vector, 0x5400);
    CHECK("privileged-operation-code", c->isr >> 4 & 0xf, 1);
    me->resume_at = (u64)user_return;
    user_call((u64)user_break);
    me->resume_at = 0;
    CHECK("kernel-page-from-user-vector", c->vector, 0x5200);
}

static void check_debug(void)
{
    struct cpu *me = this_cpu();
    struct caught *c = &me->caught;
    memset(c, 0xff, sizeof *c);
    me->resume_at = (u64)step_resume;
    CHECK("single-step-count", step_once(), 1);
    me->resume_at = 0;
    CHECK("single-step-vector", c->vector, 0x6000);
    CHECK("taken-branch-vector",
          EXPECT_FAULT("mov r2 = psr ;; dep r2 = -1, r2, 26, 1 ;; mov psr.l = r2 ;; srlz.i ;; "
                       "br.sptk 0f ;; nop 0 ;; 0: nop 0"),
          0x5f00);
    static u64 watched[2];
    asm volatile("mov dbr[%0] = %1 ;; mov dbr[%2] = %3 ;; srlz.d ;;"
                 :
                 : "r"(0L), "r"(&watched[1]), "r"(1L), "r"(1UL << 62 | 1UL << 56 | 0x00fffffffffffff8));
    CHECK("data-breakpoint-spares-reads",
          EXPECT_FAULT("mov r2 = psr ;; dep r2 = -1, r2, 24, 1 ;; mov psr.l = r2 ;; srlz.d ;; ld8 r3 = [%1] ;; "
                       "dep r2 = 0, r2, 24, 1 ;; mov psr.l = r2 ;; srlz.d",
                       "r"(&watched[1])),
          ~0UL);
    CHECK("data-breakpoint-vector",
          EXPECT_FAULT("mov r2 = psr ;; dep r2 = -1, r2, 24, 1 ;; mov psr.l = r2 ;; srlz.d ;; st8 [%1] = r0",
                       "r"(&watched[1])),
          0x5900);
    CHECK("data-breakpoint-ifa", c->ifa, (u64)&watched[1]);
    asm volatile("mov dbr[%0] = r0 ;; srlz.d ;;" : : "r"(1L));
}

static void set_key(u64 index, u64 value)
{
    asm volatile("mov pkr[%0] = %1 ;; srlz.d ;;" : : "r"(index), "r"(value) : "memory");
}

/* Keys come from region identifiers (region number + 1) for translations through the VHPT, and are 0 in the image's
   translation register. Bits: 0 valid, 1 write disabled, key from bit 8. */
static void check_keys(void)
{
    u64 address = test_address(PAGE_PLAIN);
    u64 saved = interrupts_off();
    *(volatile u64 *)address = 0;
    set_key(0, 0UL << 8 | 1);
    set_key(1, 7UL << 8 | 1);
    set_key(2, 8UL << 8 | 1);
    u64 miss = EXPECT_FAULT("ssm psr.pk ;; srlz.d ;; ld8 r3 = [%1] ;; rsm psr.pk ;; srlz.d", "r"(address));
    set_key(3, (TEST_REGION + 1UL) << 8 | 3);
    u64 read = EXPECT_FAULT("ssm psr.pk ;; srlz.d ;; ld8 r3 = [%1] ;; rsm psr.pk ;; srlz.d", "r"(address));
    u64 write = EXPECT_FAULT("ssm psr.pk ;; srlz.d ;; st8 [%1] = r0 ;; rsm psr.pk ;; srlz.d", "r"(address));
    for (u64 i = 0; i < 4; i++)
        set_key(i, 0);
    interrupts_restore(saved);
    CHECK("key-miss-vector", miss, 0x1c00);
    CHECK("key-read-permitted", read, ~0UL);
    CHECK("key-permission-vector", write, 0x5100);
}

static void check_fp_faults(void)
{
    u64 fpsr = READ_REGISTER("ar.fpsr");
    WRITE_REGISTER("ar.fpsr", fpsr & ~4UL); /* zero divide enabled */
    u64 fault = EXPECT_FAULT("frcpa.s0 f10, p6 = f1, f0");
    u64 code = this_cpu()->caught.isr & 7;
    WRITE_REGISTER("ar.fpsr", fpsr & ~32UL); /* inexact enabled */
    u64 tiny = 0x3c00000000000000;
    u64 trap = EXPECT_FAULT("setf.d f10 = %1 ;; fadd.d.s0 f11 = f10, f1", "r"(tiny));
    WRITE_REGISTER("ar.fpsr", fpsr);
    asm volatile("fclrf.s0" : : : "memory");
    CHECK("fp-fault-vector", fault, 0x5c00);
    CHECK("fp-fault-zero-divide", code, 4);
    CHECK("fp-trap-vector", trap, 0x5d00);
}

/* External interrupts by hand: masked by psr.i, chosen by priority, held back by tpr. */
static void check_external(void)
{
    u64 saved = interrupts_off();
    unsigned me = this_cpu()->number;
    send_interrupt(me, 0x90);
    send_interrupt(me, 0xa5);
    u64 deadline = itc() + microseconds(100000);
    while (!(READ_REGISTER("cr.irr2") >> (0xa5 & 63) & 1) && itc() < deadline)
        pause();
    CHECK("irr-shows-pending", READ_REGISTER("cr.irr2") >> (0x90 & 63) & 1, 1);
    WRITE_REGISTER("cr.tpr", 0xa0);
    serialize_data();
    CHECK("tpr-masks-its-class", read_ivr(), 15);
    WRITE_REGISTER("cr.tpr", 0);
    serialize_data();
    CHECK("highest-first", read_ivr(), 0xa5);
    CHECK("lower-waits-for-eoi", read_ivr(), 15);
    eoi();
    CHECK("then-the-lower", read_ivr(), 0x90);
    eoi();
    CHECK("then-none", read_ivr(), 15);
    eoi(); /* one too many is harmless */
    interrupts_restore(saved);
    u64 before = this_cpu()->call_interrupts;
    send_interrupt(me, VECTOR_CALL);
    deadline = itc() + microseconds(100000);
    while (*(volatile u64 *)&this_cpu()->call_interrupts == before && itc() < deadline)
        pause();
    CHECK("self-interrupt-delivered", this_cpu()->call_interrupts - before, 1);
}

void check_interruptions(void)
{
    page_memory = allocate((PAGE_COUNT - PAGE_PLAIN) * TEST_PAGE_SIZE, TEST_PAGE_SIZE);
    if (!page_memory) {
        CHECK("memory", 0, 1);
        return;
    }
    map(PAGE_PLAIN, PTE_KERNEL);
    map(PAGE_READ_ONLY, PTE_P | PTE_A | PTE_D | PTE_AR_R | PTE_ED);
    map(PAGE_NO_EXECUTE, PTE_P | PTE_A | PTE_D | PTE_AR_RW | PTE_ED);
    map(PAGE_ABSENT, PTE_A | PTE_D | PTE_AR_RWX | PTE_ED);
    check_instruction_faults();
    check_data_faults();
    check_code_faults();
    check_debug();
    check_keys();
    check_fp_faults();
    check_external();
    for (u64 page = PAGE_PLAIN; page < PAGE_COUNT; page++)
        map(page, 0);
}
