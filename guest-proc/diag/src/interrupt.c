/* Interruptions as C sees them: external interrupts through the local SAPIC, page table bits of the test region,
   faults that a check expects, and everything else to the report. */
#include "diag.h"

#define IVR_SPURIOUS 15
#define LINE_MASKED 0x10000UL
enum { IO_SAPIC_SELECT = 0, IO_SAPIC_WINDOW = 0x10, IO_SAPIC_EOI = 0x40, IO_SAPIC_RTE = 0x10 };
enum { RTE_ACTIVE_LOW = 1 << 13, RTE_LEVEL = 1 << 15, RTE_MASKED = 1 << 16 };

static lock io_sapic_lock;

void interrupts_init(void)
{
    WRITE_REGISTER("cr.itv", LINE_MASKED | VECTOR_TIMER);
    WRITE_REGISTER("cr.pmv", LINE_MASKED);
    WRITE_REGISTER("cr.cmcv", LINE_MASKED);
    WRITE_REGISTER("cr.lrr0", LINE_MASKED);
    WRITE_REGISTER("cr.lrr1", LINE_MASKED);
    WRITE_REGISTER("cr.tpr", 0);
    serialize_data();
    while (read_ivr() != IVR_SPURIOUS)
        eoi();
    this_cpu()->lid = READ_REGISTER("cr.lid") >> 16 & 0xffff;
}

void send_interrupt(unsigned cpu, u8 vector)
{
    memory_fence();
    store8(acpi.interrupt_block + (cpus[cpu].lid << 4), vector);
}

u64 msi_address(unsigned cpu) { return acpi.interrupt_block | cpus[cpu].lid << 4; }

/* --- I/O SAPIC ------------------------------------------------------------------------------------------------ */

static struct io_sapic *io_sapic_of(u32 gsi)
{
    for (unsigned i = 0; i < acpi.io_sapic_count; i++) {
        struct io_sapic *s = &acpi.io_sapics[i];
        if (gsi >= s->gsi_base && gsi < s->gsi_base + s->pins)
            return s;
    }
    return NULL;
}

static void write_redirection(struct io_sapic *s, u32 pin, u32 low, u32 high)
{
    u64 saved = interrupts_off();
    lock_take(&io_sapic_lock);
    store4(s->address + IO_SAPIC_SELECT, IO_SAPIC_RTE + 2 * pin + 1);
    store4(s->address + IO_SAPIC_WINDOW, high);
    store4(s->address + IO_SAPIC_SELECT, IO_SAPIC_RTE + 2 * pin);
    store4(s->address + IO_SAPIC_WINDOW, low);
    lock_give(&io_sapic_lock);
    interrupts_restore(saved);
}

bool gsi_enable(u32 gsi, u8 vector, bool level, bool active_low)
{
    struct io_sapic *s = io_sapic_of(gsi);
    if (!s)
        return false;
    u32 low = vector | (level ? RTE_LEVEL : 0) | (active_low ? RTE_ACTIVE_LOW : 0);
    write_redirection(s, gsi - s->gsi_base, low, (u32)cpus[0].lid << 16);
    return true;
}

void gsi_disable(u32 gsi)
{
    struct io_sapic *s = io_sapic_of(gsi);
    if (s)
        write_redirection(s, gsi - s->gsi_base, RTE_MASKED, 0);
}

void gsi_end(u32 gsi, u8 vector)
{
    struct io_sapic *s = io_sapic_of(gsi);
    if (s)
        store4(s->address + IO_SAPIC_EOI, vector);
}

/* --- timer and waiting ---------------------------------------------------------------------------------------- */

void timer_arm(u64 when)
{
    WRITE_REGISTER("cr.itm", when);
    WRITE_REGISTER("cr.itv", VECTOR_TIMER);
    serialize_data();
    /* A time that has passed would not match any more: raise the interrupt at the next occasion. */
    while ((i64)(itc() - when) >= 0 && !(READ_REGISTER("cr.irr3") >> (VECTOR_TIMER & 63) & 1)) {
        when = itc() + microseconds(20);
        WRITE_REGISTER("cr.itm", when);
        serialize_data();
    }
}

void timer_disarm(void)
{
    WRITE_REGISTER("cr.itv", LINE_MASKED | VECTOR_TIMER);
    serialize_data();
}

static void timer_interrupt(void)
{
    struct cpu *cpu = this_cpu();
    if ((i64)(itc() - READ_REGISTER("cr.itm")) < 0)
        cpu->timer_early++; /* raised before its time */
    cpu->timer_interrupts++;
    timer_disarm();
}

void halt_until_interrupt(void) { pal(PAL_HALT_LIGHT, 0, 0, 0); }

void delay_until(u64 when)
{
    while ((i64)(itc() - when) < 0) {
        u64 saved = interrupts_off();
        timer_arm(when);
        halt_until_interrupt();
        interrupts_restore(saved);
    }
    timer_disarm();
}

/* --- dispatch ------------------------------------------------------------------------------------------------- */

static void external_interrupt(void)
{
    for (;;) {
        u64 vector = read_ivr();
        if (vector == IVR_SPURIOUS)
            return;
        switch (vector) {
        case VECTOR_TIMER: timer_interrupt(); break;
        case VECTOR_CALL: this_cpu()->call_interrupts++; break;
        case VECTOR_UART: uart_interrupt(); break;
        case VECTOR_SCI: sci_interrupt(); break;
        default:
            if (vector >= VECTOR_VIRTIO && vector < VECTOR_VIRTIO + 1 + MAX_CPUS)
                virtio_interrupt(vector - VECTOR_VIRTIO);
        }
        eoi();
    }
}

/* Dirty and access bits of the test region are kept here, as an operating system keeps them. */
static bool set_table_bits(struct frame *frame, u64 bits)
{
    u64 page = REGION_OFFSET(frame->ifa) >> TEST_PAGE_SHIFT;
    if (frame->ifa >> 61 != TEST_REGION || page >= TEST_PAGES || !(test_table[page] & PTE_P))
        return false;
    __atomic_fetch_or(&test_table[page], bits, __ATOMIC_SEQ_CST);
    purge_local(frame->ifa, TEST_PAGE_SHIFT);
    if (bits & PTE_D)
        this_cpu()->dirty_faults++;
    else
        this_cpu()->access_faults++;
    return true;
}

static void skip_instruction(struct frame *frame)
{
    u64 slot = frame->ipsr >> PSR_RI_SHIFT & 3;
    frame->ipsr &= ~(3UL << PSR_RI_SHIFT);
    if (slot >= 2)
        frame->iip += 16;
    else
        frame->ipsr |= (slot + 1) << PSR_RI_SHIFT;
}

static bool resume_expected(struct frame *frame)
{
    struct cpu *cpu = this_cpu();
    if (!cpu->resume_at)
        return false;
    cpu->caught = (struct caught){frame->vector, frame->isr,  frame->ifa, frame->iip, frame->ipsr,
                                  frame->iim,    frame->itir, frame->iha, frame->iipa};
    frame->iip = cpu->resume_at;
    frame->ipsr &= ~(3UL << PSR_RI_SHIFT | PSR_CPL3 | 1UL << PSR_SS_BIT | PSR_DFH | PSR_AC | PSR_PK | PSR_DB | PSR_TB);
    cpu->resume_at = 0;
    return true;
}

/* Asked for by a check through break 0x1234: resumes behind it. */
#define BREAK_IGNORED 0x1234

void interruption(struct frame *frame)
{
    switch (frame->vector) {
    case 0x3000: external_interrupt(); return;
    case 0x2000:
        if (set_table_bits(frame, PTE_D | PTE_A))
            return;
        break;
    case 0x2400:
    case 0x2800:
        if (set_table_bits(frame, PTE_A))
            return;
        break;
    case 0x2c00:
        if (frame->iim == BREAK_IGNORED) {
            skip_instruction(frame);
            return;
        }
        break;
    case 0x0000:
    case 0x0800:
    case 0x1000:
        /* A speculative load from nowhere gives NaT, not a fault. */
        if (frame->isr >> ISR_SP_BIT & 1) {
            frame->ipsr |= 1UL << PSR_ED_BIT;
            return;
        }
        break;
    case 0x5700: /* speculation: the processor leaves the branch of chk to us */
        if (!this_cpu()->resume_at) {
            frame->iip += (u64)((i64)(frame->iim << 43) >> 43) << 4;
            frame->ipsr &= ~(3UL << PSR_RI_SHIFT);
            return;
        }
        break;
    }
    if (resume_expected(frame))
        return;
    struct cpu *cpu = this_cpu();
    console_release();
    report(frame);
    cpu->faults++;
    eoi(); /* of an interrupt whose service the fault ended; harmless if there is none */
    if (cpu->recovery)
        context_resume(cpu->recovery);
    print("processor %lu halted\n", cpu->number);
    for (;;)
        halt_until_interrupt();
}
