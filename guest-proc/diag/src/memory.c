/* Physical memory: the EFI map, a heap in the largest piece of free memory, and the test region's page table. */
#include "diag.h"

struct boot_param boot;
static u64 image_base; /* physical */
static u64 heap_low, heap_next, heap_end, heap_pinned;

void memory_map_walk(bool (*visit)(struct efi_memory_descriptor *, void *), void *context)
{
    for (u64 at = 0; at + sizeof(struct efi_memory_descriptor) <= boot.efi_memmap_size; at += boot.efi_memdesc_size) {
        struct efi_memory_descriptor *d = cached(boot.efi_memmap + at);
        if (!visit(d, context) || !boot.efi_memdesc_size)
            return;
    }
}

static void consider(u64 start, u64 end)
{
    if (start < end && end - start > heap_end - heap_low) {
        heap_low = heap_next = start;
        heap_end = end;
    }
}

/* The largest conventional piece, without what the image's 16 MiB page covers. */
static bool choose_heap(struct efi_memory_descriptor *d, void *context)
{
    (void)context;
    u64 start = d->physical, end = start + (d->pages << 12), image_end = image_base + (1UL << IMAGE_PAGE_SHIFT);
    if (d->type != EFI_CONVENTIONAL || !(d->attribute & EFI_ATTRIBUTE_WB))
        return true;
    if (start < image_end && end > image_base) {
        consider(start, image_base);
        start = image_end;
    }
    consider(start, end);
    return true;
}

static bool sum_memory(struct efi_memory_descriptor *d, void *context)
{
    if (((d->type >= 1 && d->type <= 4) || d->type == EFI_CONVENTIONAL) && (d->attribute & EFI_ATTRIBUTE_WB))
        *(u64 *)context += d->pages << 12;
    return true;
}

void memory_init(void)
{
    image_base = translate(IMAGE_VA);
    memory_map_walk(choose_heap, NULL);
    heap_next = (heap_low + 0xffff) & ~0xffffUL;
}

u64 memory_total(void)
{
    u64 total = 0;
    memory_map_walk(sum_memory, &total);
    return total;
}

u64 memory_free(void) { return heap_end - heap_next; }

void *allocate(u64 size, u64 align)
{
    u64 at = (heap_next + align - 1) & ~(align - 1);
    if (at < heap_next || at > heap_end || size > heap_end - at)
        return NULL;
    heap_next = at + size;
    return memset(cached(at), 0, size);
}

u64 heap_mark(void) { return heap_next; }
void heap_release(u64 mark) { heap_next = mark > heap_pinned ? mark : heap_pinned; }
void heap_pin(void) { heap_pinned = heap_next; }

u64 physical_address(const void *address)
{
    u64 a = (u64)address;
    return a >> 61 >= 6 ? REGION_OFFSET(a) : a - IMAGE_VA + image_base;
}

/* --- test region --------------------------------------------------------------------------------------------- */

u64 test_table[TEST_PAGES] __attribute__((aligned(1 << TEST_PAGE_SHIFT)));
static u64 va_msb;

u64 implemented_va_msb(void) { return va_msb; }
u64 test_address(u64 page) { return REGION(TEST_REGION) | page << TEST_PAGE_SHIFT; }

/* The short-format VHPT is linear: it lies at the top of the region and is as large as the region needs
   (SDM volume 2, 4.1.5.3). */
static u64 vhpt_size_shift(void) { return va_msb + 1 - TEST_PAGE_SHIFT + 3; }
u64 vhpt_address(u64 page) { return REGION(TEST_REGION) | ((1UL << 61) - (1UL << vhpt_size_shift())) | page << 3; }

void test_region_init(unsigned cpu)
{
    if (cpu == 0) {
        struct firmware_result summary = pal(PAL_VM_SUMMARY, 0, 0, 0);
        va_msb = summary.status == 0 ? summary.v1 & 0xff : 50;
    }
    WRITE_REGISTER("ar.k1", vhpt_address(0));
    WRITE_REGISTER("ar.k2", physical_address(test_table));
    WRITE_REGISTER("cr.pta", ((1UL << 61) - (1UL << vhpt_size_shift())) | vhpt_size_shift() << 2 | 1);
    serialize_instruction();
}
