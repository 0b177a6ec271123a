/* Checks of INIT: how firmware enters OS_INIT (SAL specification), what it puts into the min-state save area (SDM
   volume 2, 11.3.2), and that a program which met INIT goes on as if it had not. */
#include "diag.h"

#define SUITE "init"

#define SPINS 100000000UL
#define UNCACHEABLE (1UL << 63)
#define PSR_MC (1UL << 35)

/* Written by OS_INIT; the order is init.S's. */
struct init_record {
    volatile u64 entries;
    u64 role, psr, os_gp, pal_proc, sal_proc, sal_gp, reason, return_address, area, processor_state;
    u64 rsc, iip, ipsr, ifs;
    volatile u64 exits, nested;
    u64 message;
};
_Static_assert(offsetof(struct init_record, message) == INIT_MESSAGE, "INIT_MESSAGE");

/* SDM volume 2, figure 11-2. */
struct min_state {
    u64 nats, r[15], bank0[16], bank1[16], pr, b0, rsc, iip, ipsr, ifs, xip, xpsr, xfs, b1;
};

extern char os_init_monarch[], os_init_slave[], init_sent[], init_wait_end[], __gp[];
u64 init_probe(u64 message, volatile u64 *entries, u64 spins);
struct init_record init_record __attribute__((aligned(16)));

static i64 set_vectors(u64 monarch, u64 slave, u64 gp)
{
    return sal(SAL_SET_VECTORS, 1, monarch, gp, 0, slave, gp, 0).status;
}

static u64 message_address(unsigned cpu) { return acpi.interrupt_block + (cpus[cpu].lid << 4); }

static void check_entry(const struct init_record *r, u64 area)
{
    CHECK("taken-once", r->entries, 1);
    CHECK("left-once", r->exits, 1);
    CHECK("leads-alone", r->role, 1);
    CHECK("physical-mode-and-masked", r->psr, PSR_MC);
    CHECK("own-gp", r->os_gp, physical_address(__gp));
    CHECK("pal-entry", r->pal_proc, REGION_OFFSET(pal_entry));
    CHECK("sal-entry", r->sal_proc, REGION_OFFSET(sal_entry));
    CHECK("sal-gp", r->sal_gp, REGION_OFFSET(sal_gp));
    CHECK("reason-is-a-message", r->reason, 0);
    CHECK("area-as-registered", r->area, area);
    CHECK("processor-state-says-init", r->processor_state >> 16 & 1, 1);
    CHECK("processor-state-says-registered", r->processor_state >> 5 & 1, 1);
    CHECK("register-stack-lazy", r->rsc & 3, 0);
}

static void check_area(const struct init_record *r, const struct min_state *s)
{
    u64 pattern = 0x5a5a0000, wrong = 0;
    CHECK_TRUE("address-of-the-program", s->iip >= (u64)init_sent && s->iip < (u64)init_wait_end);
    CHECK("mode-of-the-program", s->ipsr & (PSR_IC | PSR_I | PSR_RT | PSR_IT | PSR_BN | PSR_MC),
          PSR_RT | PSR_IT | PSR_BN);
    CHECK("frame-of-the-program", s->ifs, 1UL << 63 | 15 << 7 | 15);
    CHECK("resources-of-init", r->iip == s->iip && r->ipsr == s->ipsr && r->ifs == s->ifs, 1);
    CHECK("resources-of-the-program", s->xip == INIT_IIP && s->xpsr == INIT_IPSR && s->xfs == INIT_IFS, 1);
    for (u64 n = 9; n <= 11; n++)
        wrong += s->r[n - 1] != pattern + n;
    for (u64 n = 16; n < 32; n++)
        wrong += (n != 20 && s->bank1[n - 16] != pattern + n) || s->bank0[n - 16] != 0x0b0b0000 + n;
    CHECK("registers-saved", wrong, 0);
    CHECK("nats-saved", s->nats, 1UL << 36);
    CHECK("branch-registers-saved", s->b0 == s->b1 && s->b0 == 0x123456789abc0000, 1);
}

/* Every other processor takes INIT in whatever it does, and works on. */
static void nothing(unsigned cpu, void *argument)
{
    (void)cpu;
    (void)argument;
}

static u64 init_elsewhere(struct init_record *r)
{
    u64 served = 0;
    for (unsigned cpu = 1; cpu < cpu_count; cpu++) {
        u64 before = r->exits, deadline = itc() + microseconds(5000000);
        store8(message_address(cpu), 0x500);
        while (r->exits == before && (i64)(itc() - deadline) < 0)
            pause();
        served += r->exits == before + 1 && r->role == 1;
    }
    run_everywhere(nothing, NULL);
    return served;
}

void check_init(void)
{
    struct init_record *r = &init_record;
    u8 *memory = allocate(8192, 4096);
    if (!memory)
        return;
    u64 area = physical_address(memory) | UNCACHEABLE, own = UNCACHEABLE | message_address(this_cpu()->number);
    CHECK("area-must-be-aligned", pal(PAL_MC_REGISTER_MEM, area + 8, 0, 0).status, -2);
    CHECK("area-must-be-memory", pal(PAL_MC_REGISTER_MEM, acpi.interrupt_block, 0, 0).status, -2);
    CHECK("area-accepted", pal(PAL_MC_REGISTER_MEM, area, 0, 0).status, 0);
    CHECK("vectors-accepted",
          set_vectors(physical_address(os_init_monarch), physical_address(os_init_slave), physical_address(__gp)), 0);
    memset(r, 0, sizeof *r);
    CHECK("program-unharmed", init_probe(own, &r->entries, SPINS), 0);
    check_entry(r, area);
    check_area(r, (const struct min_state *)memory);

    /* Another one comes while the first is handled. */
    memset(r, 0, sizeof *r);
    r->message = own;
    init_probe(own, &r->entries, SPINS);
    u64 deadline = itc() + microseconds(5000000);
    while (r->exits < 2 && (i64)(itc() - deadline) < 0)
        pause();
    CHECK("one-in-init-is-kept", r->exits, 2);
    CHECK("one-in-init-waits", r->nested, 0);

    memset(r, 0, sizeof *r);
    CHECK("others-take-it", init_elsewhere(r), cpu_count - 1);
    CHECK("vectors-withdrawn", set_vectors(0, 0, 0), 0);
}
