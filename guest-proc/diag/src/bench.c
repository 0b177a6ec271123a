/* Speed of the processor, timed by the interval time counter. Each kernel prints its time and a checksum that is the
   same on every machine. */
#include "diag.h"

#define MEMORY_WORDS (1UL << 17) /* 1 MiB */
#define TLB_PAGES 256
#define TLB_FIRST_PAGE 1024

static u64 integer_kernel(void)
{
    u64 state = 88172645463325252UL, sum = 0;
    for (unsigned i = 0; i < 4000000; i++) {
        sum += random_next(&state) >> (i & 31);
        sum ^= sum << 7 | i;
    }
    return sum;
}

static u64 branch_kernel(void)
{
    u64 steps = 0;
    for (u64 n = 1; n < 60000; n++)
        for (u64 x = n; x > 1; steps++)
            x = x & 1 ? 3 * x + 1 : x >> 1;
    return steps;
}

static __attribute__((noinline)) u64 fibonacci(u64 n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
static u64 call_kernel(void) { return fibonacci(27); }

static u64 fp_kernel(void)
{
    static double a[32][32], b[32][32], c[32][32];
    for (i64 i = 0; i < 32; i++)
        for (i64 j = 0; j < 32; j++) {
            a[i][j] = (double)(i + j) * 0.125;
            b[i][j] = (double)(i - j) * 0.25;
            c[i][j] = 0;
        }
    for (unsigned round = 0; round < 30; round++)
        for (unsigned i = 0; i < 32; i++)
            for (unsigned j = 0; j < 32; j++) {
                double sum = c[i][j] * 0.5;
                for (unsigned k = 0; k < 32; k++)
                    sum += a[i][k] * b[k][j];
                c[i][j] = sum;
            }
    u64 sum = 0, word;
    for (unsigned i = 0; i < 32; i++)
        for (unsigned j = 0; j < 32; j++) {
            memcpy(&word, &c[i][j], 8);
            sum = (sum << 1 | sum >> 63) ^ word;
        }
    return sum;
}

static u64 memory_kernel(void)
{
    u64 *words = allocate(MEMORY_WORDS * 8, 4096), sum = 0;
    if (!words)
        return 0;
    for (unsigned round = 0; round < 8; round++) {
        for (u64 i = 0; i < MEMORY_WORDS; i++)
            words[i] += i ^ round;
        memmove(words + MEMORY_WORDS / 2, words, MEMORY_WORDS * 4);
        for (u64 i = 0; i < MEMORY_WORDS; i += 3)
            sum = sum * 31 + words[i];
    }
    return sum;
}

static u64 atomic_kernel(void)
{
    static u64 counter;
    counter = 0;
    for (unsigned i = 0; i < 500000; i++) {
        __atomic_fetch_add(&counter, 1, __ATOMIC_ACQUIRE);
        u64 expected = counter;
        __atomic_compare_exchange_n(&counter, &expected, expected + 2, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
    }
    return counter;
}

static u64 tlb_kernel(void)
{
    u8 *memory = allocate(TEST_PAGE_SIZE, TEST_PAGE_SIZE);
    u64 sum = 0;
    if (!memory)
        return 0;
    for (u64 i = 0; i < TLB_PAGES; i++)
        test_table[TLB_FIRST_PAGE + i] = physical_address(memory) | PTE_KERNEL;
    memory_fence();
    for (unsigned round = 0; round < 40; round++)
        for (u64 i = 0; i < TLB_PAGES; i++) {
            u64 address = test_address(TLB_FIRST_PAGE + i);
            purge_local(address, TEST_PAGE_SHIFT);
            sum += *(volatile u64 *)(address + 8 * i) += i;
        }
    for (u64 i = 0; i < TLB_PAGES; i++) {
        test_table[TLB_FIRST_PAGE + i] = 0;
        purge_local(test_address(TLB_FIRST_PAGE + i), TEST_PAGE_SHIFT);
    }
    return sum;
}

static const struct {
    const char *name;
    u64 (*run)(void);
} kernels[] = {
    {"int", integer_kernel}, {"branch", branch_kernel}, {"call", call_kernel}, {"fp", fp_kernel},
    {"mem", memory_kernel},  {"atomic", atomic_kernel}, {"tlb", tlb_kernel},
};

int command_bench(int argc, char **argv)
{
    const char *only = argc > 1 && strcmp(argv[1], "all") ? argv[1] : NULL;
    bool found = false;
    for (unsigned i = 0; i < LENGTH(kernels) && !interrupted(); i++) {
        if (only && strcmp(only, kernels[i].name))
            continue;
        found = true;
        u64 mark = heap_mark(), start = itc(), sum = kernels[i].run();
        u64 micro = (itc() - start) / (itc_frequency / 1000000 ? itc_frequency / 1000000 : 1);
        heap_release(mark);
        print("bench %-7s %3lu.%06lu s  %016lx\n", kernels[i].name, micro / 1000000, micro % 1000000, sum);
    }
    if (!found)
        print("bench: no kernel %s\n", only);
    return !found;
}
