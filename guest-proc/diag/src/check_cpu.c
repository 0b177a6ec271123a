/* Checks of instructions, speculation and the register stack. Expected values are worked out by hand from the
   instructions' descriptions (SDM volume 3), not by the instructions themselves. */
#include "diag.h"

#define CLOBBERS "r2", "r3", "p6", "p7", "p8", "p9", "f10", "ar.ccv", "memory"
#define OP1(text, a)                                                                                                   \
    ({                                                                                                                 \
        u64 r_;                                                                                                        \
        asm volatile(text : "=&r"(r_) : "r"((u64)(a)) : CLOBBERS);                                                     \
        r_;                                                                                                            \
    })
#define OP2(text, a, b)                                                                                                \
    ({                                                                                                                 \
        u64 r_;                                                                                                        \
        asm volatile(text : "=&r"(r_) : "r"((u64)(a)), "r"((u64)(b)) : CLOBBERS);                                      \
        r_;                                                                                                            \
    })
/* p6 and p7 after `text`, as bits 0 and 1. */
#define PREDICATES(text, a, b) (OP2(text " ;; mov %0 = pr", a, b) >> 6 & 3)

#define SUITE "instructions"

static void check_integer(void)
{
    CHECK("popcnt", OP1("popcnt %0 = %1", 0xff00ff00f0f0f001), 8 + 8 + 4 + 4 + 4 + 1);
    CHECK("extr-signed", OP1("extr %0 = %1, 4, 8", 0xf80), 0xfffffffffffffff8);
    CHECK("extr-unsigned", OP1("extr.u %0 = %1, 4, 8", 0xf80), 0xf8);
    CHECK("dep", OP2("dep %0 = %1, %2, 8, 8", 0xab, 0x1122334455667788), 0x112233445566ab88);
    CHECK("dep-immediate", OP1("dep %0 = -1, %1, 60, 4", 0), 0xf000000000000000);
    CHECK("dep.z", OP1("dep.z %0 = %1, 16, 8", 0x1234), 0x340000);
    CHECK("shrp", OP2("shrp %0 = %1, %2, 8", 0x1122334455667788, 0x99aabbccddeeff00), 0x8899aabbccddeeff);
    CHECK("shl-by-64", OP2("shl %0 = %1, %2", 1, 64), 0);
    CHECK("shr-signed-by-64", OP2("shr %0 = %1, %2", 1UL << 63, 64), ~0UL);
    CHECK("shladd", OP2("shladd %0 = %1, 4, %2", 3, 5), 53);
    CHECK("addp4", OP2("addp4 %0 = %1, %2", 0xffffffff80000000, 5), 0x80000005);
    CHECK("addp4-region", OP2("addp4 %0 = %1, %2", 5, 0xc0000000), 0x60000000c0000005);
    CHECK("sub-minus-one", OP2("sub %0 = %1, %2, 1", 10, 3), 6);
    CHECK("andcm", OP2("andcm %0 = %1, %2", 0xff, 0x0f), 0xf0);
    CHECK("sxt1", OP1("sxt1 %0 = %1", 0x80), 0xffffffffffffff80);
    CHECK("zxt4", OP1("zxt4 %0 = %1", ~0UL), 0xffffffff);
    CHECK("czx1.r", OP1("czx1.r %0 = %1", 0x1122334400667788), 3);
    CHECK("czx2.l", OP1("czx2.l %0 = %1", 0x1122000055667788), 1);
    CHECK("movl", OP1("movl %0 = 0x123456789abcdef0 ;; xor %0 = %0, %1", 0), 0x123456789abcdef0);
    volatile u64 dividend = 0xfedcba9876543210, divisor = 12345, factor = 0x123456789abcdef0;
    CHECK("multiply-high", (unsigned __int128)dividend * factor >> 64, 0x121fa00ad77d7422);
    CHECK("divide", dividend / divisor, 0xfedcba9876543210 / 12345);
    CHECK("remainder", dividend % divisor, 0xfedcba9876543210 % 12345);
}

static void check_multimedia(void)
{
    CHECK("mux1-rev", OP1("mux1 %0 = %1, @rev", 0x0102030405060708), 0x0807060504030201);
    CHECK("mux1-shuf", OP1("mux1 %0 = %1, @shuf", 0x0706050403020100), 0x0703060205010400);
    CHECK("mux1-alt", OP1("mux1 %0 = %1, @alt", 0x0706050403020100), 0x0705030106040200);
    CHECK("mux2", OP1("mux2 %0 = %1, 0x1b", 0x0001000200030004), 0x0004000300020001);
    CHECK("padd1.sss", OP2("padd1.sss %0 = %1, %2", 0x7f80000000000001, 0x0180000000000002), 0x7f80000000000003);
    CHECK("padd2.uus", OP2("padd2.uus %0 = %1, %2", 0xfff0000100000000, 0x0020ffff00000000), 0xffff000000000000);
    CHECK("psub4", OP2("psub4 %0 = %1, %2", 0x0000000000000001, 0x0000000100000002), 0xffffffffffffffff);
    CHECK("pavg1", OP2("pavg1 %0 = %1, %2", 0x0103050709ff0000, 0x0305070901000000), 0x02040608057f0000);
    CHECK("pavg1.raz", OP2("pavg1.raz %0 = %1, %2", 0x0103050709ff0000, 0x0305070901000000), 0x0204060805800000);
    CHECK("psad1", OP2("psad1 %0 = %1, %2", 0x0102030405060708, 0x0201040306050807), 8);
    CHECK("pmin1.u", OP2("pmin1.u %0 = %1, %2", 0x01ff020000000000, 0x02fe010000000000), 0x01fe010000000000);
    CHECK("pmax2", OP2("pmax2 %0 = %1, %2", 0xffff000100020003, 0x0000ffff00010004), 0x0000000100020004);
    CHECK("pcmp2.gt", OP2("pcmp2.gt %0 = %1, %2", 0x0001ffff00020003, 0x0000000000020004), 0xffff000000000000);
    CHECK("pmpy2.r", OP2("pmpy2.r %0 = %1, %2", 0x0000000300000005, 0x0000000400000006), 12UL << 32 | 30);
    CHECK("pmpyshr2", OP2("pmpyshr2 %0 = %1, %2, 16", 0x4000, 0x4000), 0x1000);
    CHECK("pshl2", OP2("pshl2 %0 = %1, %2", 0x0001800100020003, 4), 0x0010001000200030);
    CHECK("pshr4-signed", OP1("pshr4 %0 = %1, 4", 0x8000000000000010), 0xf800000000000001);
    CHECK("pack4.sss", OP2("pack4.sss %0 = %1, %2", 0x00010000fffffff0, 0x0000000512345678), 0x00057fff7ffffff0);
    CHECK("unpack1.l", OP2("unpack1.l %0 = %1, %2", 0x04030201, 0x14131211), 0x0414031302120111);
    CHECK("unpack4.h", OP2("unpack4.h %0 = %1, %2", 0x1111111122222222, 0x3333333344444444), 0x1111111133333333);
    CHECK("mix2.l", OP2("mix2.l %0 = %1, %2", 0x0001000200030004, 0x0011001200130014), 0x0001001100030013);
}

static void check_compares(void)
{
    CHECK("cmp-both-targets", PREDICATES("cmp.lt p6, p7 = %1, %2", -3, 2), 1);
    CHECK("cmp4-ignores-upper-half", PREDICATES("cmp4.eq p6, p7 = %1, %2", 0x100000005, 5), 1);
    CHECK("cmp.ltu", PREDICATES("cmp.ltu p6, p7 = %1, %2", -3, 2), 2);
    CHECK("cmp.and-clears-both", PREDICATES("cmp.eq p6, p7 = r0, r0 ;; cmp.ne.and p6, p7 = %1, %2", 5, 5), 0);
    CHECK("cmp.or-sets-both", PREDICATES("cmp.ne p6, p7 = r0, r0 ;; cmp.eq.or p6, p7 = %1, %2", 5, 5), 3);
    CHECK("cmp.or.andcm", PREDICATES("cmp.ne p6, p7 = r0, r0 ;; cmp.eq.or.andcm p6, p7 = %1, %2", 5, 5), 1);
    CHECK("cmp.unc-clears-when-off",
          PREDICATES("cmp.eq p6, p7 = r0, r0 ;; cmp.ne p8, p9 = r0, r0 ;; (p8) cmp.eq.unc p6, p7 = %1, %2", 5, 5), 0);
    CHECK("tbit.z", PREDICATES("tbit.z p6, p7 = %1, 5 ;; nop 0", 0x20, 0), 2);
    CHECK("mov-pr-mask", OP1("mov r2 = pr ;; mov pr = %1, 0x1c0 ;; mov %0 = pr ;; mov pr = r2, -1", 0x140) >> 6 & 7, 5);
}

static void check_loops(void)
{
    static u64 words[40], copy[40];
    static double values[20];
    u64 sum = 0;
    for (u64 i = 0; i < 40; i++)
        sum += words[i] = i * i + 0x100000000;
    CHECK("br.ctop-sum", rotating_sum(words, 40), sum);
    CHECK("br.ctop-once", rotating_sum(words, 1), words[0]);
    CHECK("br.ctop-counters-end-at-zero", rotating_copy(copy, words, 40), 0);
    CHECK("br.ctop-copy", memcmp(copy, words, sizeof words), 0);
    CHECK("br.wtop", while_loop_length((const u8 *)"twenty-one characters"), 21);
    for (u64 i = 0; i < 20; i++)
        values[i] = (double)(i64)i * 0.5;
    CHECK("rotating-floats", rotating_floats(values, 20), 0x4057c00000000000); /* 95.0 */
    CHECK("br.cloop",
          OP1("mov r2 = ar.lc ;; mov ar.lc = %1 ;; mov %0 = r0 ;; 0: add %0 = 1, %0 ;; "
              "br.cloop.sptk.few 0b ;; mov ar.lc = r2 ;;",
              99),
          100);
    CHECK("brl", OP1("mov %0 = %1 ;; brl.sptk 0f ;; add %0 = 1, %0 ;; 0:", 7), 7);
}

static void check_memory(void)
{
    static u64 cell[4] __attribute__((aligned(32)));
    cell[0] = 0x8877665544332211;
    CHECK("ld1", OP1("ld1 %0 = [%1]", &cell), 0x11);
    CHECK("ld2-second-half", OP1("ld2 %0 = [%1]", (u64)&cell + 2), 0x4433);
    CHECK("ld4-zero-extends", OP1("ld4 %0 = [%1]", (u64)&cell + 4), 0x88776655);
    CHECK("ld8-post-increment", OP1("mov r2 = %1 ;; ld8 r3 = [r2], 24 ;; sub %0 = r2, %1", &cell), 24);
    CHECK("big-endian-load", OP1("sum 0x2 ;; ld8 %0 = [%1] ;; rum 0x2 ;;", &cell), 0x1122334455667788);
    CHECK("fetchadd8", OP1("fetchadd8.acq r2 = [%1], -16 ;; ld8 %0 = [%1]", &cell), 0x8877665544332201);
    CHECK("xchg4", OP2("xchg4 %0 = [%1], %2", &cell, 5), 0x44332201);
    CHECK("cmpxchg8-hit",
          OP2("mov ar.ccv = %2 ;; cmpxchg8.acq r2 = [%1], r0, ar.ccv ;; ld8 %0 = [%1]", &cell, 0x8877665500000005), 0);
    CHECK("cmpxchg8-miss", OP2("mov ar.ccv = %2 ;; cmpxchg8.rel r2 = [%1], r1, ar.ccv ;; ld8 %0 = [%1]", &cell, 1), 0);
    if (cpuid(4) & 4) {
        CHECK("st16-ld16",
              OP2("mov ar.csd = %2 ;; st16 [%1] = %2, ar.csd ;; mov ar.csd = r0 ;; ld16 r2, ar.csd = [%1] ;; "
                  "mov r3 = ar.csd ;; and %0 = r2, r3",
                  &cell, 0x5a5a),
              0x5a5a);
        CHECK("cmp8xchg16",
              OP2("mov ar.ccv = %2 ;; mov ar.csd = %1 ;; cmp8xchg16.acq r2 = [%1], r0, ar.csd, ar.ccv ;; add r3 = 8, "
                  "%1 ;; "
                  "ld8 r3 = [r3] ;; sub %0 = r3, %1 ;; add %0 = %0, r2",
                  &cell, 0x5a5a),
              0x5a5a);
    }
}

/* Code that is written, flushed and executed, twice at the same address. */
static void check_self_modifying(void)
{
    static u8 code[64] __attribute__((aligned(64)));
    struct {
        u64 entry, gp;
    } descriptor = {(u64)code, 0};
    u64 (*function)(void) = (u64(*)(void)) & descriptor;
    memcpy(code, patch_template, 32);
    flush_code(code);
    CHECK("code-in-data", function(), 0x11);
    memcpy(code, patch_template + 32, patch_template_end - patch_template - 32);
    flush_code(code);
    CHECK("code-rewritten", function(), 0x2222);
}

void check_instructions(void)
{
    check_integer();
    check_multimedia();
    check_compares();
    check_loops();
    check_memory();
    check_self_modifying();
}

#undef SUITE
#define SUITE "speculation"

void check_speculation(void)
{
    static u64 cell[2], save;
    cell[0] = 42;
    CHECK("ld8.s-valid", OP1("ld8.s %0 = [%1] ;; chk.s %0, 0f ;; br.sptk 2f ;; 0: mov %0 = 1 ;; 2:", &cell[0]), 42);
    CHECK("ld8.s-invalid-gives-nat",
          OP1("ld8.s r2 = [%1] ;; tnat.nz p6, p7 = r2 ;; (p6) mov %0 = 1 ;; (p7) mov %0 = r0", 8), 1);
    CHECK("chk.s-branches", OP1("mov %0 = 5 ;; ld8.s r2 = [%1] ;; chk.s r2, 0f ;; mov %0 = 6 ;; 0:", 8), 5);
    CHECK("nat-propagates",
          OP1("ld8.s r2 = [%1] ;; add r2 = 1, r2 ;; tnat.nz p6, p7 = r2 ;; (p6) mov %0 = 1 ;; (p7) mov %0 = r0", 8), 1);
    CHECK("compare-of-nat-clears-both", PREDICATES("ld8.s r2 = [%1] ;; cmp.eq p6, p7 = r2, %2", 8, 0), 0);
    /* Spill and fill through ar.unat: its bit is address bits 8:3. */
    CHECK("spill-sets-unat",
          OP2("mov r3 = ar.unat ;; mov ar.unat = r0 ;; ld8.s r2 = [%2] ;; st8.spill [%1] = r2 ;; "
              "mov %0 = ar.unat ;; mov ar.unat = r3 ;;",
              &save, 8),
          1UL << ((u64)&save >> 3 & 63));
    CHECK("fill-restores-nat",
          OP1("mov r3 = ar.unat ;; mov ar.unat = -1 ;; ld8.fill r2 = [%1] ;; mov ar.unat = r3 ;; "
              "tnat.nz p6, p7 = r2 ;; (p6) mov %0 = 1 ;; (p7) mov %0 = r0",
              &save),
          1);
    CHECK("ld8.c-after-store",
          OP2("ld8.a r2 = [%1] ;; st8 [%1] = %2 ;; ld8.c.clr r2 = [%1] ;; mov %0 = r2", &cell[0], 77), 77);
    CHECK("chk.a-after-store",
          OP2("mov %0 = 5 ;; ld8.a r2 = [%1] ;; st8 [%1] = %2 ;; chk.a.clr r2, 0f ;; mov %0 = 6 ;; 0:", &cell[0], 78),
          5);
    CHECK("chk.a-after-invala",
          OP1("mov %0 = 5 ;; ld8.a r2 = [%1] ;; invala ;; chk.a.clr r2, 0f ;; mov %0 = 6 ;; 0:", &cell[0]), 5);
    CHECK("ld8.sa-recovers",
          OP2("ld8.sa r2 = [%1] ;; st8 [%1] = %2 ;; chk.a.nc r2, 0f ;; mov %0 = 6 ;; br.sptk 2f ;; "
              "0: ld8 %0 = [%1] ;; 2:",
              &cell[0], 79),
          79);
    CHECK("fp-nat", OP1("ldfd.s f10 = [%1] ;; fclass.m p6, p7 = f10, @nat ;; (p6) mov %0 = 1 ;; (p7) mov %0 = r0", 8),
          1);
    CHECK("chk.s-fp", OP1("mov %0 = 5 ;; ldfd.s f10 = [%1] ;; chk.s f10, 0f ;; mov %0 = 6 ;; 0:", 8), 5);
}

#undef SUITE
#define SUITE "rse"

static struct context descent_context;
static volatile u64 levels_left;

static __attribute__((noinline)) u64 descend(u64 depth)
{
    u64 a = depth * 3, b = depth * 5, c = depth * 7, d = depth ^ 0x55;
    if (depth == 0) {
        levels_left = 0;
        context_resume(&descent_context);
    }
    u64 below = descend(depth - 1);
    return below + a + b + c + d;
}

void check_register_stack(void)
{
    CHECK("one-frame", register_stack_descent(0, 1), 0);
    CHECK("three-frames", register_stack_descent(3, 0x1234567), 0);
    CHECK("hundred-frames", register_stack_descent(100, 0xdeadbeef), 0);
    CHECK("two-hundred-frames", register_stack_descent(200, 1UL << 60), 0);
    volatile u64 marker = 0x77;
    levels_left = 1;
    if (context_save(&descent_context) == 0)
        descend(60);
    CHECK("long-jump-out", levels_left + marker, 0x77);
    u64 before, after;
    asm volatile("mov %0 = ar.bsp ;; flushrs ;; mov %1 = ar.bsp ;;" : "=&r"(before), "=r"(after) : : "memory");
    CHECK("flushrs-keeps-bsp", after, before);
    u64 store;
    asm volatile("flushrs ;; mov r2 = ar.rsc ;; mov ar.rsc = 0 ;; mov %0 = ar.bspstore ;; mov ar.rsc = r2 ;;"
                 : "=r"(store)
                 :
                 : "r2", "memory");
    CHECK("flushrs-empties-dirty-partition", store, READ_REGISTER("ar.bsp"));
    u64 saved_rsc = READ_REGISTER("ar.rsc");
    static const u64 modes[4] = {0, 1, 2, 3};
    for (unsigned i = 0; i < 4; i++) {
        static const char *const names[4] = {"lazy-mode", "store-intensive-mode", "load-intensive-mode", "eager-mode"};
        WRITE_REGISTER("ar.rsc", modes[i]);
        CHECK(names[i], register_stack_descent(40, i + 1), 0);
    }
    WRITE_REGISTER("ar.rsc", saved_rsc);
}
