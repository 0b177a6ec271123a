/* Checks of translation: the VHPT walker and the handlers behind it, probe, purges, page attributes. */
#include "diag.h"

#define SUITE "vhpt"

#define FIRST_PAGE 128
#define PAGES 512
#define FAR_STEP (TEST_PAGES / 8) /* one page of each VHPT page */

static void map_to(u64 page, const void *memory, u64 flags)
{
    test_table[page] = physical_address(memory) | flags;
    memory_fence();
    purge_local(test_address(page), TEST_PAGE_SHIFT);
}

static u64 probe(u64 address, u64 level, bool write)
{
    u64 result;
    if (write)
        asm volatile("probe.w %0 = %1, %2" : "=r"(result) : "r"(address), "r"(level) : "memory");
    else
        asm volatile("probe.r %0 = %1, %2" : "=r"(result) : "r"(address), "r"(level) : "memory");
    return result;
}

static void purge_everything(void) { asm volatile("ptc.e %0 ;; srlz.i ;;" : : "r"(0L) : "memory"); }

static void check_walker(u8 *memory)
{
    struct cpu *me = this_cpu();
    u64 wrong = 0, hash;
    for (u64 i = 0; i < PAGES; i++)
        map_to(FIRST_PAGE + i, memory + i % 16 * TEST_PAGE_SIZE, PTE_KERNEL);
    for (u64 i = 0; i < PAGES; i++)
        *(volatile u64 *)(test_address(FIRST_PAGE + i) + i / 16 * 8) = i;
    for (u64 i = 0; i < PAGES; i++)
        wrong += *(u64 *)(memory + i % 16 * TEST_PAGE_SIZE + i / 16 * 8) != i;
    CHECK("aliases-reach-memory", wrong, 0);
    asm volatile("thash %0 = %1" : "=r"(hash) : "r"(test_address(FIRST_PAGE + 5) + 123));
    CHECK("thash", hash, vhpt_address(FIRST_PAGE + 5));
    CHECK("tpa", translate(test_address(FIRST_PAGE + 3) + 0x321),
          physical_address(memory + 3 * TEST_PAGE_SIZE) + 0x321);
    /* With an empty TLB each new page of the table costs one VHPT fault, or one nested miss. */
    u64 saved = interrupts_off();
    purge_everything();
    u64 before = me->vhpt_faults + me->dtlb_misses;
    for (u64 i = 1; i < 4; i++) {
        test_table[i * FAR_STEP] = physical_address(memory) | PTE_KERNEL;
        memory_fence();
        purge_local(test_address(i * FAR_STEP), TEST_PAGE_SHIFT);
        wrong += *(volatile u64 *)test_address(i * FAR_STEP) != *(volatile u64 *)memory;
    }
    barrier();
    u64 faults = me->vhpt_faults + me->dtlb_misses - before;
    for (u64 i = 1; i < 4; i++) {
        test_table[i * FAR_STEP] = 0;
        purge_local(test_address(i * FAR_STEP), TEST_PAGE_SHIFT);
    }
    interrupts_restore(saved);
    CHECK("table-pages-fault-in", faults >= 3, 1);
    CHECK("data-after-table-fault", wrong, 0);
    CHECK("outside-table-vector", EXPECT_FAULT("ld8 r3 = [%1]", "r"(test_address(TEST_PAGES) + 64)), 0);
    CHECK("outside-table-iha", me->caught.iha, vhpt_address(TEST_PAGES));
}

static void check_probe(u8 *memory)
{
    u64 kernel = test_address(FIRST_PAGE), user = test_address(FIRST_PAGE + 1),
        user_read = test_address(FIRST_PAGE + 2);
    map_to(FIRST_PAGE + 1, memory, PTE_KERNEL | PTE_PL3);
    map_to(FIRST_PAGE + 2, memory, PTE_P | PTE_A | PTE_D | PTE_PL3 | PTE_AR_R);
    CHECK("probe-kernel-at-0", probe(kernel, 0, true), 1);
    CHECK("probe-kernel-at-3", probe(kernel, 3, false), 0);
    CHECK("probe-user-at-3", probe(user, 3, true), 1);
    CHECK("probe-read-only-write", probe(user_read, 3, true), 0);
    CHECK("probe-read-only-read", probe(user_read, 3, false), 1);
    CHECK("probe.fault", EXPECT_FAULT("probe.w.fault %1, 3", "r"(user_read)), 0x5300);
    CHECK("probe.fault-isr-non-access", this_cpu()->caught.isr >> ISR_NA_BIT & 1 ? this_cpu()->caught.isr & 15 : 99, 5);
}

static void check_purges(u8 *memory)
{
    volatile u64 *page = (volatile u64 *)test_address(FIRST_PAGE + 9);
    u8 *first = memory, *second = memory + TEST_PAGE_SIZE;
    *(u64 *)first = 0x1111;
    *(u64 *)second = 0x2222;
    map_to(FIRST_PAGE + 9, first, PTE_KERNEL);
    CHECK("before-remap", *page, 0x1111);
    map_to(FIRST_PAGE + 9, second, PTE_KERNEL);
    CHECK("ptc.l-shows-remap", *page, 0x2222);
    test_table[FIRST_PAGE + 9] = physical_address(first) | PTE_KERNEL;
    memory_fence();
    purge_global((u64)page, TEST_PAGE_SHIFT);
    CHECK("ptc.ga-shows-remap", *page, 0x1111);
    test_table[FIRST_PAGE + 9] = physical_address(second) | PTE_KERNEL;
    memory_fence();
    purge_local((u64)page & ~0xffffffUL, 24);
    CHECK("large-purge-shows-remap", *page, 0x2222);
    test_table[FIRST_PAGE + 9] = physical_address(first) | PTE_KERNEL;
    memory_fence();
    u64 saved = interrupts_off();
    purge_everything();
    u64 seen = *page;
    interrupts_restore(saved);
    CHECK("ptc.e-shows-remap", seen, 0x1111);
}

/* Translation registers of several sizes in region 2, each at its own place; slot 4 is ours. */
static void check_page_sizes(u8 *memory)
{
    static const u8 shifts[] = {12, 13, 14, 16, 18, 20, 22};
    u64 wrong = 0, base = physical_address(memory) & ~((1UL << 22) - 1);
    for (unsigned i = 0; i < LENGTH(shifts); i++) {
        u64 address = REGION(2) | (u64)(i + 1) << 28, shift = shifts[i], inside = (1UL << shift) - 64;
        u64 saved = interrupts_off();
        asm volatile("rsm psr.ic ;; srlz.i ;; mov cr.ifa = %0 ; mov cr.itir = %1 ;; itr.d dtr[%2] = %3 ;; srlz.d ;; "
                     "ssm psr.ic ;; srlz.i ;;"
                     :
                     : "r"(address), "r"(shift << 2), "r"(4L), "r"(base | PTE_KERNEL)
                     : "memory");
        wrong += translate(address + inside) != base + inside;
        asm volatile("ptr.d %0, %1 ;; srlz.d ;;" : : "r"(address), "r"(shift << 2) : "memory");
        interrupts_restore(saved);
        wrong += EXPECT_FAULT("ld8 r3 = [%1]", "r"(address + inside)) != 0x1000;
    }
    CHECK("translation-registers-of-all-sizes", wrong, 0);
}

static void check_code(u8 *memory)
{
    struct {
        u64 entry, gp;
    } descriptor = {test_address(FIRST_PAGE + 20) + 0x40, 0};
    u64 (*function)(void) = (u64(*)(void)) & descriptor;
    memcpy(memory + 0x40, patch_template, 32);
    flush_code(memory + 0x40);
    map_to(FIRST_PAGE + 20, memory, PTE_P | PTE_A | PTE_AR_RX | PTE_ED);
    CHECK("code-in-test-region", function(), 0x11);
    memcpy(memory + TEST_PAGE_SIZE + 0x40, patch_template + 32, patch_template_end - patch_template - 32);
    flush_code(memory + TEST_PAGE_SIZE + 0x40);
    map_to(FIRST_PAGE + 20, memory + TEST_PAGE_SIZE, PTE_P | PTE_A | PTE_AR_RX | PTE_ED);
    CHECK("code-remapped", function(), 0x2222);
    /* The same physical page changed through another address. */
    memcpy(memory + TEST_PAGE_SIZE + 0x40, patch_template, 32);
    flush_code(memory + TEST_PAGE_SIZE + 0x40);
    CHECK("code-changed-through-alias", function(), 0x11);
}

void check_vhpt(void)
{
    u8 *memory = allocate(16 * TEST_PAGE_SIZE, TEST_PAGE_SIZE);
    if (!memory) {
        CHECK("memory", 0, 1);
        return;
    }
    check_walker(memory);
    check_probe(memory);
    check_purges(memory);
    check_page_sizes(memory);
    check_code(memory);
    for (u64 i = 0; i < PAGES; i++) {
        test_table[FIRST_PAGE + i] = 0;
        purge_local(test_address(FIRST_PAGE + i), TEST_PAGE_SHIFT);
    }
}
