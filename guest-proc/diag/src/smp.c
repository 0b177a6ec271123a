/* Processors: waking them through SAL, handing them work, and locks. */
#include "diag.h"

struct cpu cpus[MAX_CPUS];
unsigned cpu_count = 1;
volatile u64 next_cpu = 1; /* fetched and incremented by secondary_start in physical mode */

void secondary_main(unsigned cpu);
extern char secondary_start[], __gp[];

_Static_assert(sizeof(struct cpu) == 1 << CPU_SHIFT, "CPU_SHIFT");
_Static_assert(offsetof(struct cpu, identity_code) == CPU_IDENTITY_CODE, "CPU_IDENTITY_CODE");
_Static_assert(sizeof(struct frame) == FRAME_SIZE && offsetof(struct frame, r) == FRAME_GR, "frame layout");
_Static_assert(offsetof(struct frame, nats) == FRAME_NATS && offsetof(struct frame, f) == FRAME_F6, "frame layout");

void lock_take(lock *l)
{
    while (__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE))
        while (l->held)
            pause();
}

void lock_give(lock *l) { __atomic_store_n(&l->held, 0, __ATOMIC_RELEASE); }

/* Waits for work for ever. A job that faults is given up and counts as done; its caller sees cpu->faults. */
void secondary_main(unsigned number)
{
    struct cpu *cpu = this_cpu();
    cpu->number = number;
    interrupts_init();
    pal_map_code();
    test_region_init(number);
    cpu->online = 1;
    cpu->recovery = &cpu->park;
    if (context_save(&cpu->park))
        cpu->job_done = cpu->job_posted;
    for (;;) {
        interrupts_on();
        interrupts_off();
        if (cpu->job_done == cpu->job_posted) {
            halt_until_interrupt();
            continue;
        }
        interrupts_on();
        cpu->job(number, cpu->argument);
        memory_fence();
        cpu->job_done = cpu->job_posted;
    }
}

/* All are woken at once; who has not reported within ten seconds stays out. */
void smp_start(void)
{
    struct cpu *me = this_cpu();
    unsigned expected = 1;
    u64 entry = physical_address(secondary_start), gp = physical_address(__gp);
    if (acpi.cpu_count < 2)
        return;
    if (sal(SAL_SET_VECTORS, 2, entry, gp, 0, 0, 0, 0).status < 0) {
        print("SAL refused the rendezvous vector: one processor only\n");
        return;
    }
    for (unsigned i = 0; i < acpi.cpu_count; i++) {
        if (acpi.cpu_ids[i] == me->lid)
            continue;
        memory_fence();
        store8(acpi.interrupt_block + ((u64)acpi.cpu_ids[i] << 4), firmware.wakeup_vector);
        expected++;
    }
    u64 deadline = itc() + microseconds(10000000);
    while ((i64)(itc() - deadline) < 0) {
        unsigned online = 1;
        while (online < expected && cpus[online].online)
            online++;
        if (online == expected)
            break;
        pause();
    }
    while (cpu_count < expected && cpus[cpu_count].online)
        cpu_count++;
    if (cpu_count < expected)
        print("only %u of %u processors answered\n", cpu_count, expected);
}

void post_job(unsigned cpu, void (*job)(unsigned, void *), void *argument)
{
    struct cpu *c = &cpus[cpu];
    c->job = job;
    c->argument = argument;
    memory_fence();
    c->job_posted++;
    send_interrupt(cpu, VECTOR_CALL);
}

bool job_finished(unsigned cpu)
{
    bool finished = cpus[cpu].job_done == cpus[cpu].job_posted;
    memory_fence();
    return finished;
}

void run_everywhere(void (*job)(unsigned, void *), void *argument)
{
    for (unsigned i = 1; i < cpu_count; i++)
        post_job(i, job, argument);
    job(0, argument);
    for (unsigned i = 1; i < cpu_count; i++)
        while (!job_finished(i))
            pause();
}
