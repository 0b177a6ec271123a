/* Checks of floating point. Expected bits are IEEE 754 results. */
#include "diag.h"

#define SUITE "floating-point"

static u64 bits(double value)
{
    u64 b;
    asm("getf.d %0 = %1" : "=r"(b) : "f"(value));
    return b;
}

static double from_bits(u64 b)
{
    double value;
    asm("setf.d %0 = %1" : "=f"(value) : "r"(b));
    return value;
}

/* Bits of a double-precision result of `text` on three operands given by their bits. */
#define FP3(text, a, b, c)                                                                                             \
    ({                                                                                                                 \
        double r_;                                                                                                     \
        asm volatile(text : "=&f"(r_) : "f"(from_bits(a)), "f"(from_bits(b)), "f"(from_bits(c)) : "p6", "p7", "f10");  \
        bits(r_);                                                                                                      \
    })
/* Status field 0's flags after `text`. */
#define FLAGS(text, a, b)                                                                                              \
    ({                                                                                                                 \
        double r_;                                                                                                     \
        asm volatile("fclrf.s0 ;; " text " ;;" : "=&f"(r_) : "f"(from_bits(a)), "f"(from_bits(b)) : "p6", "memory");   \
        READ_REGISTER("ar.fpsr") >> 13 & 0x3f;                                                                         \
    })
#define SIG2(text, a, b)                                                                                               \
    ({                                                                                                                 \
        u64 r_;                                                                                                        \
        asm volatile("setf.sig f10 = %1 ;; setf.sig f11 = %2 ;; " text " ;; getf.sig %0 = f10 ;;"                      \
                     : "=r"(r_)                                                                                        \
                     : "r"((u64)(a)), "r"((u64)(b))                                                                    \
                     : "f10", "f11");                                                                                  \
        r_;                                                                                                            \
    })

#define ONE 0x3ff0000000000000UL
#define THREE 0x4008000000000000UL
#define HUGE_DOUBLE 0x7fefffffffffffffUL
#define TINY_DOUBLE 0x0010000000000000UL
#define INFINITE 0x7ff0000000000000UL
#define QUIET_NAN 0x7ff8000000000000UL

static void check_arithmetic(void)
{
    volatile double one = 1, two = 2, three = 3;
    CHECK("third", bits(one / three), 0x3fd5555555555555);
    CHECK("third-single", ({
              u64 b;
              volatile float f = 1.0f, g = 3.0f;
              float q = f / g;
              asm("getf.s %0 = %1" : "=r"(b) : "f"(q));
              b;
          }),
          0x3eaaaaab);
    CHECK("fma-rounds-once",
          FP3("fma.d.s0 %0 = %1, %2, %3", 0x3ff0000002000000, 0x3ff0000002000000, 0xbff0000004000000),
          0x3c90000000000000);
    CHECK("fms", FP3("fms.d.s0 %0 = %1, %2, %3", THREE, THREE, ONE), 0x4020000000000000);
    CHECK("fnma", FP3("fnma.d.s0 %0 = %1, %2, %3", THREE, THREE, ONE), 0xc020000000000000);
    CHECK("subnormal-half", bits(from_bits(TINY_DOUBLE) / two), 0x0008000000000000);
    CHECK("subnormal-times-two", bits(from_bits(0x0008000000000000) * two), TINY_DOUBLE);
    CHECK("smallest-rounds-to-even-zero", bits(from_bits(1) / two), 0);
    CHECK("overflow", bits(from_bits(HUGE_DOUBLE) * two), INFINITE);
    CHECK("zero-times-infinity", bits(from_bits(INFINITE) * from_bits(0)) & ~(1UL << 63), QUIET_NAN);
    CHECK("fmax-second-operand-of-nan", FP3("fmax.s0 %0 = %1, %2", QUIET_NAN, ONE, 0), ONE);
    CHECK("fmin", FP3("fmin.s0 %0 = %1, %2", THREE, ONE, 0), ONE);
    CHECK("fmerge.ns", FP3("fmerge.ns %0 = %1, %2", ONE, THREE, 0), 0xc008000000000000);
    CHECK("fcvt.fx.trunc", ({
              u64 r;
              asm("fcvt.fx.trunc f10 = %1 ;; getf.sig %0 = f10" : "=r"(r) : "f"(from_bits(0xc00c000000000000)) : "f10");
              r;
          }),
          (u64)-3); /* -3.5 */
    CHECK("fcvt.fx-nearest-even", ({
              u64 r;
              asm("fcvt.fx f10 = %1 ;; getf.sig %0 = f10" : "=r"(r) : "f"(from_bits(0x400c000000000000)) : "f10");
              r;
          }),
          4); /* 3.5 */
    CHECK("fcvt.xf", ({
              double d;
              asm("setf.sig f10 = %1 ;; fcvt.xf f10 = f10 ;; fnorm.d.s0 %0 = f10" : "=f"(d) : "r"(-7L) : "f10");
              bits(d);
          }),
          0xc01c000000000000);
    CHECK("getf.exp", ({
              u64 r;
              asm("getf.exp %0 = %1" : "=r"(r) : "f"(-4.0));
              r;
          }),
          0x30001); /* sign, 0xffff + 2 */
}

static void check_status(void)
{
    /* Flags: V 1, D 2, Z 4, O 8, U 16, I 32. */
    CHECK("flag-inexact", FLAGS("fadd.d.s0 %0 = %1, %2", ONE, 0x3c00000000000000), 32);
    CHECK("flag-exact-sets-none", FLAGS("fadd.d.s0 %0 = %1, %2", ONE, THREE), 0);
    CHECK("flag-overflow", FLAGS("fmpy.d.s0 %0 = %1, %2", HUGE_DOUBLE, HUGE_DOUBLE), 8 | 32);
    CHECK("flag-underflow", FLAGS("fmpy.d.s0 %0 = %1, %2", 0x0010000000000001, 0x3fe0000000000001), 16 | 32);
    CHECK("flag-invalid", FLAGS("fsub.d.s0 %0 = %1, %2", INFINITE, INFINITE), 1);
    CHECK("flag-zero-divide", FLAGS("frcpa.s0 %0, p6 = %1, %2", ONE, 0), 4);
    CHECK("flag-denormal-operand", FLAGS("fadd.d.s0 %0 = %1, %2", 0x0008000000000000, 0) & 2, 2);
    asm volatile("fclrf.s0" : : : "memory");
    /* Directed rounding in status field 2: 1 / 3 down and up. */
    u64 fpsr = READ_REGISTER("ar.fpsr");
    WRITE_REGISTER("ar.fpsr", (fpsr & ~(3UL << 36)) | 2UL << 36); /* sf2.rc = up */
    CHECK("round-up", FP3("fadd.d.s2 %0 = %1, %2", ONE, 0x3c00000000000000, 0), 0x3ff0000000000001);
    WRITE_REGISTER("ar.fpsr", (fpsr & ~(3UL << 36)) | 3UL << 36); /* toward zero */
    CHECK("round-to-zero", FP3("fsub.d.s2 %0 = %1, %2", ONE, 0x3c00000000000000, 0), 0x3fefffffffffffff);
    WRITE_REGISTER("ar.fpsr", fpsr);
}

static void check_parallel_and_integer(void)
{
    /* Two single-precision numbers a register. */
    CHECK("fpma", SIG2("fpma.s0 f10 = f10, f11, f11", 0x4000000040400000, 0x3f80000040000000), 0x4040000041000000);
    CHECK("fpack", ({
              u64 r;
              asm("fpack f10 = %1, %2 ;; getf.sig %0 = f10" : "=r"(r) : "f"(1.0f), "f"(2.0f) : "f10");
              r;
          }),
          0x3f80000040000000);
    CHECK("fswap", SIG2("fswap f10 = f10, f11", 0x1111111122222222, 0x3333333344444444), 0x4444444411111111);
    CHECK("xma.l", SIG2("xma.l f10 = f10, f11, f11", 0x100000001, 0x100000000), 0x200000000);
    CHECK("xma.hu", SIG2("xma.hu f10 = f10, f11, f0", ~0UL, ~0UL), ~1UL);
    CHECK("xma.h-signed", SIG2("xma.h f10 = f10, f11, f0", ~0UL, 1), ~0UL);
    CHECK("fand", SIG2("fand f10 = f10, f11", 0xff00ff00ff00ff00, 0x0ff00ff00ff00ff0), 0x0f000f000f000f00);
    CHECK("high-registers", high_float_registers(0x12345678), 0);
}

static void check_formats(void)
{
    static u8 extended[16] __attribute__((aligned(16)));
    double back;
    asm volatile("stfe [%1] = %2 ;; ldfe %0 = [%1]"
                 : "=f"(back)
                 : "r"(extended), "f"(from_bits(0xc008000000000000))
                 : "memory");
    CHECK("extended-bytes", extended[9] << 8 | extended[8], 0xc000);
    CHECK("extended-significand", extended[7], 0xc0);
    CHECK("extended-round-trip", bits(back), 0xc008000000000000);
    asm volatile("stf.spill [%1] = %2 ;; ldf.fill %0 = [%1]"
                 : "=f"(back)
                 : "r"(extended), "f"(from_bits(THREE))
                 : "memory");
    CHECK("spill-fill", bits(back), THREE);
    static double pair[2] __attribute__((aligned(16))) = {1.0, 3.0};
    u64 low, high;
    asm volatile("ldfpd f10, f11 = [%2] ;; getf.d %0 = f10 ;; getf.d %1 = f11"
                 : "=&r"(low), "=&r"(high)
                 : "r"(pair)
                 : "f10", "f11", "memory");
    CHECK("ldfpd-first", low, ONE);
    CHECK("ldfpd-second", high, THREE);
}

void check_floating_point(void)
{
    check_arithmetic();
    check_status();
    check_parallel_and_integer();
    check_formats();
}
