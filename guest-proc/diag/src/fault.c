/* What an operator sees of an unexpected interruption. */
#include "diag.h"

const char *vector_name(u64 vector)
{
    static const struct {
        u16 vector;
        const char *name;
    } names[] = {
        {0x0000, "VHPT translation"},
        {0x0400, "instruction TLB"},
        {0x0800, "data TLB"},
        {0x0c00, "alternate instruction TLB"},
        {0x1000, "alternate data TLB"},
        {0x1400, "data nested TLB"},
        {0x1800, "instruction key miss"},
        {0x1c00, "data key miss"},
        {0x2000, "dirty bit"},
        {0x2400, "instruction access bit"},
        {0x2800, "data access bit"},
        {0x2c00, "break instruction"},
        {0x3000, "external interrupt"},
        {0x5000, "page not present"},
        {0x5100, "key permission"},
        {0x5200, "instruction access rights"},
        {0x5300, "data access rights"},
        {0x5400, "general exception"},
        {0x5500, "disabled FP register"},
        {0x5600, "NaT consumption"},
        {0x5700, "speculation"},
        {0x5900, "debug"},
        {0x5a00, "unaligned reference"},
        {0x5b00, "unsupported data reference"},
        {0x5c00, "floating-point fault"},
        {0x5d00, "floating-point trap"},
        {0x5e00, "lower-privilege transfer trap"},
        {0x5f00, "taken branch trap"},
        {0x6000, "single step trap"},
    };
    for (unsigned i = 0; i < LENGTH(names); i++)
        if (names[i].vector == vector)
            return names[i].name;
    return "reserved vector";
}

/* ISR.code{7:4} of a general exception (SDM volume 2, table 8-3). */
static const char *general_exception(u64 isr)
{
    static const char *const names[] = {"illegal operation", "privileged operation", "privileged register",
                                        "reserved register or field", "disabled instruction set transition"};
    u64 code = isr >> 4 & 0xf;
    return code < LENGTH(names) ? names[code] : "other";
}

/* Address of the backing-store slot `count` registers after (or, negative, before) `bsp`; every 64th slot holds NaT
   bits (SDM volume 2, 6.1). */
static u64 *backing_slot(u64 bsp, i64 count)
{
    i64 position = (bsp >> 3 & 0x3f) + count;
    i64 collections = position >= 0 ? position / 63 : -((62 - position) / 63);
    return (u64 *)(bsp + 8 * (count + collections));
}

static void print_stacked(const struct frame *frame)
{
    u64 size = frame->ifs & 0x7f;
    u64 stacks = (u64)cpu_stacks, end = stacks + MAX_CPUS * (u64)STACK_BLOCK_SIZE;
    if (!size || size > 96 || frame->bsp < stacks || frame->bsp >= end || frame->isr >> ISR_RS_BIT & 3)
        return;
    asm volatile("flushrs ;;" : : : "memory");
    for (u64 i = 0; i < size; i++)
        print("%sr%-3lu%016lx", i % 4 ? "  " : i ? "\n " : " ", 32 + i, *backing_slot(frame->bsp, (i64)i - (i64)size));
    print("\n");
}

void report(const struct frame *frame)
{
    struct cpu *cpu = this_cpu();
    u64 slot = frame->ipsr >> PSR_RI_SHIFT & 3;
    print("\n*** processor %lu: %s (vector 0x%04lx)", cpu->number, vector_name(frame->vector), frame->vector);
    if (frame->vector == 0x5400)
        print(": %s", general_exception(frame->isr));
    if (frame->vector == 0x2c00)
        print(": break 0x%lx", frame->iim);
    if (frame->r[12] < cpu->stack_limit || frame->r[12] > cpu->stack_top)
        print(", stack pointer outside its stack");
    print("\n IIP  %016lx.%lu  IPSR %016lx  ISR  %016lx  IFA  %016lx\n", frame->iip, slot, frame->ipsr, frame->isr,
          frame->ifa);
    print(" ITIR %016lx    IIPA %016lx  IIM  %016lx  IHA  %016lx\n", frame->itir, frame->iipa, frame->iim, frame->iha);
    print(" IFS  %016lx    PFS  %016lx  RSC  %016lx  BSP  %016lx\n", frame->ifs, frame->pfs, frame->rsc, frame->bsp);
    print(" PR   %016lx    FPSR %016lx  LC   %016lx  EC   %016lx\n", frame->pr, frame->fpsr, frame->lc, frame->ec);
    print(" CCV  %016lx    UNAT %016lx  NATS %016lx\n", frame->ccv, frame->unat, frame->nats);
    for (unsigned i = 0; i < 8; i++)
        print("%sb%-3u%016lx", i % 4 ? "  " : i ? "\n " : " ", i, frame->b[i]);
    print("\n");
    for (unsigned i = 1; i < 32; i++)
        print("%sr%-3u%016lx", (i - 1) % 4 ? "  " : i > 1 ? "\n " : " ", i, frame->r[i]);
    print("\n");
    print_stacked(frame);
}
