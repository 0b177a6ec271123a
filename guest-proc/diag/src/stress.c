/* Load on every processor that verifies itself: memory, atomics across processors, floating point, deep register
   stacks, page moves with global purges, timer interrupts and IPIs in the middle of everything, and on request a disk.
 */
#include "diag.h"

#define BUFFER_SIZE (256UL << 10)
#define BLOCK 512
#define PRIVATE_PAGE(cpu) (2048 + 4 * (u64)(cpu))
#define SHARED_PAGE 2040
#define ATOMIC_ROUNDS 200
#define RARE_INTERVAL 4 /* rounds from one global purge to the next: each waits for every processor */
#define DISK_PART (64UL << 10)
#define CACHE_LINE __attribute__((aligned(128)))

enum { MEMORY, ATOMIC, FLOATING, STACK, PURGE, SHARED, DISK, KINDS };
static const char *const kind_names[KINDS] = {"memory", "atomic", "float", "stack", "purge", "shared", "disk"};

static struct {
    u64 deadline;
    struct disk *disk;
    u64 fp_expected;
    u64 added CACHE_LINE, swapped CACHE_LINE;
    lock guard CACHE_LINE;
    u64 guarded[2];
    lock purge CACHE_LINE;
    volatile u64 generation CACHE_LINE; /* odd while the shared page is being moved */
    u8 *pages;
    volatile bool stop;
    struct worker {
        u8 *buffer, *page;
        u64 counts[KINDS], errors[KINDS], random, atomics;
        const char *disk_error;
    } CACHE_LINE workers[MAX_CPUS];
} stress;

static u64 fp_work(void)
{
    volatile double seed = 1.0;
    double x = seed, sum = 0;
    for (int i = 1; i < 400; i++) {
        x = x * 1.0000001 + 1.0 / (double)i;
        sum += x * x - sum * 0.25;
    }
    u64 word;
    memcpy(&word, &sum, 8);
    return word;
}

static bool work_memory(struct worker *w, unsigned cpu)
{
    u64 seed = random_next(&w->random), blocks = BUFFER_SIZE / BLOCK;
    pattern_fill(w->buffer, cpu << 20, blocks, BLOCK, seed);
    return pattern_check(w->buffer, cpu << 20, blocks, BLOCK, seed) < 0;
}

/* The lock is taken rarely: where processors outnumber the host's, each contended hand-over may cost a time slice. */
static bool work_atomic(struct worker *w)
{
    for (unsigned i = 0; i < ATOMIC_ROUNDS; i++) {
        __atomic_fetch_add(&stress.added, 1, __ATOMIC_SEQ_CST);
        u64 old = __atomic_load_n(&stress.swapped, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(&stress.swapped, &old, old + 7, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
            pause();
    }
    w->atomics += ATOMIC_ROUNDS;
    lock_take(&stress.guard);
    bool same = stress.guarded[0] == stress.guarded[1];
    stress.guarded[0]++;
    barrier();
    stress.guarded[1]++;
    lock_give(&stress.guard);
    return same;
}

/* Moves a page of its own between two frames; the purge is global, so the others' TLBs are shaken too. */
static bool work_purge(struct worker *w, unsigned cpu)
{
    u64 page = PRIVATE_PAGE(cpu), value = random_next(&w->random);
    u8 *frame = w->page + (value & 1) * TEST_PAGE_SIZE;
    *(volatile u64 *)(frame + 64) = value;
    test_table[page] = physical_address(frame) | PTE_KERNEL;
    memory_fence();
    u64 saved = interrupts_off();
    lock_take(&stress.purge);
    purge_global(test_address(page), TEST_PAGE_SHIFT);
    lock_give(&stress.purge);
    interrupts_restore(saved);
    return *(volatile u64 *)(test_address(page) + 64) == value;
}

/* The shared page: processor 0 moves it now and then; a reader that saw no move must see the current content. */
static bool work_shared(unsigned cpu)
{
    if (cpu == 0) {
        u64 next = stress.generation + 2;
        u8 *frame = stress.pages + next % 8 / 2 * TEST_PAGE_SIZE;
        __atomic_store_n(&stress.generation, next - 1, __ATOMIC_SEQ_CST);
        memory_fence();
        *(volatile u64 *)frame = next;
        test_table[SHARED_PAGE] = physical_address(frame) | PTE_KERNEL;
        memory_fence();
        u64 saved = interrupts_off();
        lock_take(&stress.purge);
        purge_global(test_address(SHARED_PAGE), TEST_PAGE_SHIFT);
        lock_give(&stress.purge);
        interrupts_restore(saved);
        __atomic_store_n(&stress.generation, next, __ATOMIC_SEQ_CST);
    }
    for (unsigned i = 0; i < 50; i++) {
        u64 before = __atomic_load_n(&stress.generation, __ATOMIC_ACQUIRE);
        if (before & 1)
            continue;
        u64 value = *(volatile u64 *)test_address(SHARED_PAGE);
        memory_fence();
        if (__atomic_load_n(&stress.generation, __ATOMIC_ACQUIRE) == before && value != before)
            return false;
    }
    return true;
}

/* A part of the disk for each processor, written, flushed now and then, read and compared. */
static bool work_disk(struct worker *w, unsigned cpu)
{
    struct disk *d = stress.disk;
    u32 count = DISK_PART / d->block_size;
    u64 share = d->blocks / cpu_count, random = random_next(&w->random);
    if (share < count)
        return true;
    u64 at = cpu * share + random % (share - count + 1), seed = random >> 7;
    pattern_fill(w->buffer, at, count, d->block_size, seed);
    w->disk_error = disk_write(d, at, count, w->buffer);
    if (!w->disk_error && random % 16 == 0)
        w->disk_error = disk_flush(d);
    memset(w->buffer, 0, DISK_PART);
    if (!w->disk_error)
        w->disk_error = disk_read(d, at, count, w->buffer);
    return !w->disk_error && pattern_check(w->buffer, at, count, d->block_size, seed) < 0;
}

static void worker(unsigned cpu, void *argument)
{
    (void)argument;
    struct worker *w = &stress.workers[cpu];
    while (!stress.stop && (i64)(itc() - stress.deadline) < 0) {
        for (unsigned kind = 0; kind < KINDS && !stress.stop; kind++) {
            bool good = true, rare = kind == PURGE || kind == SHARED;
            if ((kind == DISK && !stress.disk) || (rare && w->counts[MEMORY] % RARE_INTERVAL != 1))
                continue;
            timer_arm(itc() + microseconds(100 + (random_next(&w->random) & 1023)));
            switch (kind) {
            case MEMORY: good = work_memory(w, cpu); break;
            case ATOMIC: good = work_atomic(w); break;
            case FLOATING: good = fp_work() == stress.fp_expected; break;
            case STACK: good = register_stack_descent(20 + (w->counts[STACK] & 127), w->random) == 0; break;
            case PURGE: good = work_purge(w, cpu); break;
            case SHARED: good = work_shared(cpu); break;
            case DISK: good = work_disk(w, cpu); break;
            }
            w->counts[kind]++;
            w->errors[kind] += !good;
        }
        send_interrupt(random_next(&w->random) % cpu_count, VECTOR_CALL);
        if (cpu == 0 && interrupted())
            stress.stop = true;
    }
    timer_disarm();
}

static bool prepare(void)
{
    memset(&stress, 0, sizeof stress);
    stress.pages = allocate(4 * TEST_PAGE_SIZE, TEST_PAGE_SIZE);
    if (!stress.pages)
        return false;
    for (unsigned i = 0; i < cpu_count; i++) {
        struct worker *w = &stress.workers[i];
        w->buffer = allocate(BUFFER_SIZE, 4096);
        w->page = allocate(2 * TEST_PAGE_SIZE, TEST_PAGE_SIZE);
        w->random = 0x9e3779b97f4a7c15UL * (i + 1) ^ itc();
        if (!w->random)
            w->random = 1;
        if (!w->buffer || !w->page)
            return false;
        test_table[PRIVATE_PAGE(i)] = physical_address(w->page) | PTE_KERNEL;
    }
    test_table[SHARED_PAGE] = physical_address(stress.pages) | PTE_KERNEL;
    memory_fence();
    stress.fp_expected = fp_work();
    return true;
}

static void clean_up(void)
{
    for (unsigned i = 0; i < cpu_count; i++) {
        test_table[PRIVATE_PAGE(i)] = 0;
        purge_global(test_address(PRIVATE_PAGE(i)), TEST_PAGE_SHIFT);
    }
    test_table[SHARED_PAGE] = 0;
    purge_global(test_address(SHARED_PAGE), TEST_PAGE_SHIFT);
}

int command_stress(int argc, char **argv)
{
    u64 seconds = 10;
    if (argc < 2 || argc > 3 || !parse_number(argv[1], &seconds)) {
        print("usage: stress SECONDS [DISK]   (the disk's contents are overwritten)\n");
        return 2;
    }
    if (!prepare()) {
        print("stress: not enough memory\n");
        return 1;
    }
    if (argc == 3) {
        stress.disk = find_disk(argv[2]);
        if (!stress.disk || !stress.disk->ready) {
            print("stress: %s: No such device or address\n", argv[2]);
            return 1;
        }
        print("stress: overwriting %s\n", argv[2]);
    } else if (disk_count)
        print("stress: no disk named, none is touched\n");
    u64 faults = 0, total = 0, errors = 0, atomics = 0;
    for (unsigned i = 0; i < cpu_count; i++)
        faults -= cpus[i].faults;
    u64 start = itc();
    stress.deadline = start + seconds * itc_frequency;
    run_everywhere(worker, NULL);
    u64 elapsed = itc() - start;
    clean_up();
    print("cpu");
    for (unsigned kind = 0; kind < KINDS; kind++)
        print(" %9s", kind_names[kind]);
    print("   errors\n");
    for (unsigned i = 0; i < cpu_count; i++) {
        struct worker *w = &stress.workers[i];
        u64 wrong = 0;
        print("%3u", i);
        for (unsigned kind = 0; kind < KINDS; kind++) {
            print(" %9lu", w->counts[kind]);
            total += w->counts[kind];
            wrong += w->errors[kind];
        }
        print(" %8lu\n", wrong);
        for (unsigned kind = 0; kind < KINDS; kind++)
            if (w->errors[kind])
                print("    %lu wrong in %s%s%s\n", w->errors[kind], kind_names[kind],
                      kind == DISK && w->disk_error ? ": " : "", kind == DISK && w->disk_error ? w->disk_error : "");
        errors += wrong;
        atomics += w->atomics;
        faults += cpus[i].faults;
    }
    if (stress.added != atomics || stress.swapped != 7 * atomics || stress.guarded[0] * ATOMIC_ROUNDS != atomics) {
        print("    atomics lost updates: %lu, %lu, %lu of %lu\n", stress.added, stress.swapped / 7,
              stress.guarded[0] * ATOMIC_ROUNDS, atomics);
        errors++;
    }
    errors += faults;
    print("stress: %s, %lu rounds on %u processors in %lu s, %lu errors\n", errors ? "FAIL" : "PASS", total, cpu_count,
          elapsed / itc_frequency, errors);
    return errors ? 1 : 0;
}
