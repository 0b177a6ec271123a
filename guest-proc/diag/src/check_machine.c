/* Checks of the machine around the processor: timer, firmware, other processors, disks. */
#include "diag.h"

#define SUITE "timer"

void check_timer(void)
{
    struct cpu *me = this_cpu();
    volatile u64 *fired = &me->timer_interrupts;
    u64 last = itc(), backwards = 0;
    for (unsigned i = 0; i < 10000; i++) {
        u64 now = itc();
        backwards += (i64)(now - last) < 0;
        last = now;
    }
    CHECK("itc-never-goes-back", backwards, 0);
    u64 early = me->timer_early, before = *fired, start = itc();
    delay_until(start + microseconds(20000));
    u64 elapsed = itc() - start;
    CHECK_TRUE("halt-lasts-until-timer", elapsed >= microseconds(20000) && elapsed < microseconds(2000000));
    CHECK_TRUE("timer-interrupt-counted", *fired > before);
    before = *fired;
    for (unsigned i = 0; i < 20; i++) {
        u64 when = itc() + microseconds(500), count = *fired;
        timer_arm(when);
        while (*fired == count && (i64)(itc() - when) < (i64)itc_frequency)
            pause();
    }
    CHECK("one-interrupt-each", *fired - before, 20);
    CHECK("never-early", me->timer_early - early, 0);
    /* Masked by psr.i it stays pending; masked in itv it is not raised at all. */
    u64 saved = interrupts_off();
    before = *fired;
    u64 when = itc() + microseconds(200);
    timer_arm(when);
    while ((i64)(itc() - when) < (i64)microseconds(2000))
        pause();
    CHECK("pending-while-masked", READ_REGISTER("cr.irr3") >> (VECTOR_TIMER & 63) & 1, 1);
    interrupts_restore(saved);
    u64 deadline = itc() + microseconds(100000);
    while (*fired == before && itc() < deadline)
        pause();
    CHECK("delivered-when-unmasked", *fired - before, 1);
    CHECK("itv-mask-reads-back", READ_REGISTER("cr.itv") >> 16 & 1, 1);
}

#undef SUITE
#define SUITE "firmware"

void check_firmware(void)
{
    struct efi_time time = {0};
    CHECK("efi-virtual-mode", firmware.efi_virtual, 1);
    CHECK("efi-get-time", efi_get_time(&time), 0);
    CHECK_TRUE("efi-time-plausible", time.year >= 2000 && time.year < 2200 && time.month >= 1 && time.month <= 12 &&
                                         time.day >= 1 && time.day <= 31 && time.hour < 24 && time.minute < 60);
    CHECK_TRUE("sal-freq-base", sal(SAL_FREQ_BASE, 0, 0, 0, 0, 0, 0, 0).status == 0);
    CHECK("sal-unknown-function", sal(0x010000ff, 0, 0, 0, 0, 0, 0, 0).status, -1);
    CHECK("sal-absent-pci-function",
          sal(SAL_PCI_CONFIG_READ, 7UL << 16 | 31 << 11 | 7 << 8, 4, 0, 0, 0, 0, 0).v0 & 0xffffffff, 0xffffffff);
    struct firmware_result rse = pal(PAL_RSE_INFO, 0, 0, 0);
    CHECK("pal-rse-info", rse.status == 0 ? rse.v0 : 0, 96);
    CHECK_TRUE("pal-freq-ratios", pal(PAL_FREQ_RATIOS, 0, 0, 0).status == 0);
    CHECK("pal-unknown-procedure", pal(250, 0, 0, 0).status, -1);
    CHECK_TRUE("pal-virtual-address-bits", implemented_va_msb() >= 50 && implemented_va_msb() <= 60);
    CHECK_TRUE("acpi-s5-package", acpi.s5_known);
    CHECK_TRUE("acpi-io-sapic", acpi.io_sapic_count > 0);
}

#undef SUITE
#define SUITE "smp"

#define ROUNDS 2000

struct shared {
    u64 added __attribute__((aligned(128)));
    u64 swapped __attribute__((aligned(128)));
    u64 guarded __attribute__((aligned(128)));
    lock lock __attribute__((aligned(128)));
    u64 message __attribute__((aligned(128)));
    u64 flag __attribute__((aligned(128)));
    volatile u64 seen[MAX_CPUS], lids[MAX_CPUS];
    volatile u64 generation, errors;
    u8 *pages;
};

#define SHARED_PAGE 700

static void contend(unsigned cpu, void *argument)
{
    struct shared *s = argument;
    s->lids[cpu] = READ_REGISTER("cr.lid") >> 16 & 0xffff;
    for (unsigned i = 0; i < ROUNDS; i++) {
        __atomic_fetch_add(&s->added, 1, __ATOMIC_SEQ_CST);
        u64 old = __atomic_load_n(&s->swapped, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(&s->swapped, &old, old + 3, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
            pause();
        lock_take(&s->lock);
        s->guarded++;
        lock_give(&s->lock);
    }
}

/* Processor 0 publishes, the others must never see the flag without the message. */
static void pass_messages(unsigned cpu, void *argument)
{
    struct shared *s = argument;
    if (cpu == 0) {
        for (u64 i = 1; i <= ROUNDS; i++) {
            __atomic_store_n(&s->message, i, __ATOMIC_RELAXED);
            __atomic_store_n(&s->flag, i, __ATOMIC_RELEASE);
        }
        return;
    }
    u64 flag;
    do {
        flag = __atomic_load_n(&s->flag, __ATOMIC_ACQUIRE);
        if (__atomic_load_n(&s->message, __ATOMIC_RELAXED) < flag)
            __atomic_fetch_add(&s->errors, 1, __ATOMIC_SEQ_CST);
        pause();
    } while (flag < ROUNDS);
}

/* Processor 0 moves a page and purges it everywhere; after each move all must read the new memory. */
static void shoot_down(unsigned cpu, void *argument)
{
    struct shared *s = argument;
    volatile u64 *page = (volatile u64 *)test_address(SHARED_PAGE);
    for (u64 generation = 1; generation <= 200; generation++) {
        if (cpu == 0) {
            u8 *memory = s->pages + generation % 4 * TEST_PAGE_SIZE;
            *(volatile u64 *)memory = generation;
            test_table[SHARED_PAGE] = physical_address(memory) | PTE_KERNEL;
            memory_fence();
            purge_global((u64)page, TEST_PAGE_SHIFT);
            __atomic_store_n(&s->generation, generation, __ATOMIC_RELEASE);
        }
        while (__atomic_load_n(&s->generation, __ATOMIC_ACQUIRE) < generation)
            pause();
        if (*page != generation)
            __atomic_fetch_add(&s->errors, 1, __ATOMIC_SEQ_CST);
        __atomic_store_n(&s->seen[cpu], generation, __ATOMIC_RELEASE);
        if (cpu == 0)
            for (unsigned i = 1; i < cpu_count; i++)
                while (__atomic_load_n(&s->seen[i], __ATOMIC_ACQUIRE) < generation)
                    pause();
    }
}

static u64 clock_samples[MAX_CPUS];
static void sample_clock(unsigned cpu, void *argument)
{
    (void)argument;
    clock_samples[cpu] = itc();
}

static void own_exceptions(unsigned cpu, void *argument)
{
    struct shared *s = argument;
    u64 wrong = register_stack_descent(60, cpu);
    wrong += EXPECT_FAULT("break 0x7777") != 0x2c00 || this_cpu()->caught.iim != 0x7777;
    u64 early = this_cpu()->timer_early, before = this_cpu()->timer_interrupts;
    delay_until(itc() + microseconds(3000));
    wrong += this_cpu()->timer_early != early || this_cpu()->timer_interrupts == before;
    if (wrong)
        __atomic_fetch_add(&s->errors, wrong, __ATOMIC_SEQ_CST);
}

void check_smp(void)
{
    static struct shared s;
    memset(&s, 0, sizeof s);
    s.pages = allocate(4 * TEST_PAGE_SIZE, TEST_PAGE_SIZE);
    CHECK("all-processors-started", cpu_count, acpi.cpu_count ? acpi.cpu_count : 1);
    run_everywhere(contend, &s);
    CHECK("fetchadd-loses-nothing", s.added, (u64)ROUNDS * cpu_count);
    CHECK("cmpxchg-loses-nothing", s.swapped, 3UL * ROUNDS * cpu_count);
    CHECK("lock-excludes", s.guarded, (u64)ROUNDS * cpu_count);
    u64 twins = 0;
    for (unsigned i = 0; i < cpu_count; i++)
        for (unsigned j = 0; j < i; j++)
            twins += s.lids[i] == s.lids[j];
    CHECK("local-ids-differ", twins, 0);
    run_everywhere(pass_messages, &s);
    CHECK("release-and-acquire", s.errors, 0);
    s.errors = 0;
    if (s.pages)
        run_everywhere(shoot_down, &s);
    CHECK("global-purges-reach-everyone", s.errors, 0);
    test_table[SHARED_PAGE] = 0;
    purge_global(test_address(SHARED_PAGE), TEST_PAGE_SHIFT);
    s.errors = 0;
    run_everywhere(own_exceptions, &s);
    CHECK("each-handles-its-own-exceptions", s.errors, 0);
    u64 start = itc();
    run_everywhere(sample_clock, NULL);
    u64 end = itc(), skewed = 0;
    for (unsigned i = 0; i < cpu_count; i++)
        skewed += (i64)(clock_samples[i] - start) < 0 || (i64)(end - clock_samples[i]) < 0;
    CHECK("clocks-agree", skewed, 0);
}

#undef SUITE
#define SUITE "disk"

#define CONCURRENT 40

/* A case of one disk: diskN-name. */
static void disk_case(const struct disk *d, const char *name, u64 got, u64 expected)
{
    char full[64];
    format(full, sizeof full, "disk%u-%s", d->instance, name);
    result(SUITE, full, got == expected, expected, got);
}
#define DISK_CHECK(name, got, expected) disk_case(d, name, (u64)(got), (u64)(expected))
#define DISK_CHECK_TRUE(name, condition) disk_case(d, name, (condition) != 0, 1)

static void check_reading(struct disk *d, u8 *buffer)
{
    const u8 *second = buffer + d->block_size;
    u8 sense[3] = {0}, past_end[16] = {0x88}, bad[10] = {0xfe}, luns[12] = {0xa0, [9] = 16};
    DISK_CHECK("read-first-block", disk_read(d, 0, 1, buffer) == NULL, 1);
    DISK_CHECK("read-again-same",
               disk_read(d, 0, 1, buffer + d->block_size) == NULL && !memcmp(buffer, second, d->block_size), 1);
    DISK_CHECK("read-last-block", disk_read(d, d->blocks - 1, 1, buffer) == NULL, 1);
    for (unsigned i = 0; i < 8; i++)
        past_end[2 + i] = d->blocks >> (56 - 8 * i);
    past_end[13] = 1;
    DISK_CHECK_TRUE("read-past-end-fails", disk_command(d, past_end, 16, buffer, d->block_size, false, sense) != NULL);
    DISK_CHECK("read-past-end-sense", sense[0] << 16 | sense[1] << 8 | sense[2], 0x052100);
    DISK_CHECK_TRUE("unknown-command-fails", disk_command(d, bad, 10, NULL, 0, false, sense) != NULL);
    DISK_CHECK("unknown-command-sense", sense[0] << 16 | sense[1] << 8 | sense[2], 0x052000);
    memset(buffer, 0xff, 16);
    DISK_CHECK_TRUE("report-luns",
                    disk_command(d, luns, 12, buffer, 16, false, NULL) == NULL && buffer[3] >= 8 && buffer[9] == 0);
    DISK_CHECK_TRUE("flush", disk_flush(d) == NULL);
}

/* More requests than the ring has room for, read side by side and compared with one large read. */
static void check_concurrency(struct disk *d, u8 *buffer)
{
    static struct scsi_request requests[CONCURRENT];
    u8 *large = buffer + CONCURRENT * d->block_size;
    u64 wrong = 0;
    for (unsigned i = 0; i < CONCURRENT; i++) {
        struct scsi_request r = {
            .target = d->target, .lun = d->lun, .data = buffer + i * d->block_size, .length = d->block_size};
        r.cdb[0] = 0x28;
        r.cdb[5] = i;
        r.cdb[8] = 1;
        requests[i] = r;
    }
    bool finished = scsi_run(d->adapter, requests, CONCURRENT);
    for (unsigned i = 0; i < CONCURRENT; i++)
        wrong += requests[i].response || requests[i].status || requests[i].residual;
    DISK_CHECK("concurrent-requests", finished ? wrong : 99, 0);
    DISK_CHECK_TRUE("concurrent-data",
                    disk_read(d, 0, CONCURRENT, large) == NULL && !memcmp(buffer, large, CONCURRENT * d->block_size));
}

/* The last blocks are replaced and put back. */
static void check_writing(struct disk *d, u8 *buffer)
{
    u32 count = 16;
    u64 at = d->blocks - count;
    u8 *kept = buffer, *test = buffer + count * d->block_size;
    if (disk_read(d, at, count, kept)) {
        DISK_CHECK("write-keep", 0, 1);
        return;
    }
    pattern_fill(test, at, count, d->block_size, itc());
    u32 crc = crc_update(0, test, (u64)count * d->block_size);
    DISK_CHECK_TRUE("write", disk_write(d, at, count, test) == NULL);
    memset(test, 0, count * d->block_size);
    DISK_CHECK_TRUE("read-back", disk_read(d, at, count, test) == NULL);
    DISK_CHECK("written-data", crc_update(0, test, (u64)count * d->block_size), crc);
    DISK_CHECK_TRUE("put-back", disk_write(d, at, count, kept) == NULL && disk_flush(d) == NULL);
}

void check_disks(bool write)
{
    struct scsi_request r = {.target = 127, .cdb = {0x12, 0, 0, 0, 36}};
    u8 *buffer = allocate(1 << 20, 4096);
    bool occupied = false;
    CHECK_TRUE("posix-check-sum", crc_finish(crc_update(0, (const u8 *)"123456789", 9), 9) == 930766865);
    if (!adapter_count || !buffer) {
        print("no adapters: disk checks skipped\n");
        return;
    }
    r.data = buffer;
    r.length = 36;
    for (unsigned i = 0; i < disk_count; i++)
        occupied |= disks[i].present && disks[i].adapter == adapters[0] && disks[i].target == 127;
    if (!occupied && adapter_max_target(adapters[0]) >= 127) {
        CHECK_TRUE("absent-target-answers", scsi_run(adapters[0], &r, 1));
        CHECK("absent-target-response", r.response, SCSI_BAD_TARGET);
    }
    for (unsigned i = 0; i < disk_count; i++) {
        struct disk *d = &disks[i];
        if (!d->present || d->type != SCSI_DISK || !d->ready || d->blocks < 2 * CONCURRENT)
            continue;
        check_reading(d, buffer);
        check_concurrency(d, buffer);
        if (write)
            check_writing(d, buffer);
    }
    if (disk_count && adapter_uses_interrupts(adapters[0]))
        CHECK_TRUE("completion-interrupts", adapter_interrupts(adapters[0]) > 0);
}
