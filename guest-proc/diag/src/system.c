/* machinfo, crash, reboot, shutdown and the banner. */
#include "diag.h"

#define MEGABYTE (1UL << 20)

void banner(void)
{
    char brand[128];
    struct efi_time now;
    processor_brand(brand, sizeof brand);
    print("%u x %s, %lu MHz, ITC %lu MHz\n", cpu_count, brand, processor_frequency / 1000000, itc_frequency / 1000000);
    print("Memory %lu MB; SAL %x.%x, EFI %u.%u \"%s\"\n", memory_total() / MEGABYTE, firmware.sal_revision >> 8,
          firmware.sal_revision & 0xff, firmware.efi_major, firmware.efi_minor / 10, firmware.vendor);
    print("Console: %s\n", console_description());
    for (unsigned i = 0; i < disk_count; i++) {
        struct disk *d = &disks[i];
        const struct pci_function *f = adapter_function(d->adapter);
        print("disk%u at 0/%u/%u/%u.0x%x.0x%x: %s %s", d->instance, f->bus, f->device, f->function, d->target, d->lun,
              d->vendor, d->product);
        if (d->ready)
            print(", %lu MB", d->blocks * d->block_size / MEGABYTE);
        print("\n");
    }
    if (!disk_count)
        print("No disks (%u AVIO storage adapters)\n", adapter_count);
    if (efi_get_time(&now) == 0)
        print("%04u-%02u-%02u %02u:%02u:%02u UTC\n", now.year, now.month, now.day, now.hour, now.minute, now.second);
}

int command_machinfo(int argc, char **argv)
{
    (void)argc, (void)argv;
    char brand[128];
    processor_brand(brand, sizeof brand);
    u64 version = cpuid(3), total = memory_total();
    print("CPU info:\n  %u %s processor%s (%lu.%02lu GHz)\n", cpu_count, brand, cpu_count == 1 ? "" : "s",
          processor_frequency / 1000000000, processor_frequency / 10000000 % 100);
    print("          %lu MHz bus, CPU family 0x%lx, model %lu, revision %lu\n", bus_frequency / 1000000,
          version >> 24 & 0xff, version >> 16 & 0xff, version >> 8 & 0xff);
    print("          ITC %lu MHz, %lu-bit virtual addresses, features 0x%lx\n", itc_frequency / 1000000,
          implemented_va_msb() + 1, cpuid(4));
    if (acpi.cpus_ignored)
        print("          %u more processors are not used\n", acpi.cpus_ignored);
    print("\nMemory: %lu MB (%lu.%02lu GB), %lu MB free\n", total / MEGABYTE, total >> 30,
          (total & 0x3fffffff) * 100 >> 30, memory_free() / MEGABYTE);
    print("\nFirmware info:\n   EFI revision:  %u.%02u, %s (%s)\n   SAL revision:  %x.%02x\n", firmware.efi_major,
          firmware.efi_minor, firmware.vendor, firmware.efi_virtual ? "virtual mode" : "physical mode",
          firmware.sal_revision >> 8, firmware.sal_revision & 0xff);
    print("   SAL product:   %s %s\n", firmware.oem, firmware.product);
    struct firmware_result pal_version = pal(PAL_VERSION, 0, 0, 0);
    if (pal_version.status == 0)
        print("   PAL version:   A %lx.%02lx, B %lx.%02lx\n", pal_version.v1 >> 40 & 0xff, pal_version.v1 >> 32 & 0xff,
              pal_version.v1 >> 8 & 0xff, pal_version.v1 & 0xff);
    print("   Console:       %s\n   I/O SAPICs:    %u, PCI functions: %u\n", console_description(), acpi.io_sapic_count,
          pci_count);
    print("\nProcessors:\n    CPU  ID/EID  VHPT faults  DTLB misses  ITLB misses  timer  IPIs  faults\n");
    for (unsigned i = 0; i < cpu_count; i++) {
        const struct cpu *c = &cpus[i];
        print("    %3u  %2lu/%-4lu  %11lu  %11lu  %11lu  %5lu  %4lu  %6lu\n", i, c->lid >> 8, c->lid & 0xff,
              c->vhpt_faults, c->dtlb_misses, c->itlb_misses, c->timer_interrupts, c->call_interrupts, c->faults);
    }
    return 0;
}

int command_reboot(int argc, char **argv)
{
    (void)argc, (void)argv;
    print("rebooting\n");
    efi_reset_warm();
    print("reboot: the firmware came back\n");
    return 1;
}

int command_shutdown(int argc, char **argv)
{
    (void)argc, (void)argv;
    print("shutting down\n");
    power_off();
}

/* --- crash ------------------------------------------------------------------------------------------------------ */

#define STACK_FIRST_PAGE 64 /* the page below it stays unmapped */
#define STACK_PAGES 4

static volatile u64 depth;

static __attribute__((noinline)) u64 consume(u64 level)
{
    volatile u64 hole[256];
    hole[level % 256] = level;
    depth = level;
    u64 below = consume(level + 1);
    return below + hole[level % 256];
}

static void overflow(void) { print("%lu\n", consume(0)); }

/* Deep recursion on a small stack in the test region, over an unmapped page. */
static int crash_stack(void)
{
    u8 *memory = allocate(STACK_PAGES * TEST_PAGE_SIZE, TEST_PAGE_SIZE);
    if (!memory)
        return 1;
    for (u64 i = 0; i < STACK_PAGES; i++)
        test_table[STACK_FIRST_PAGE + i] = physical_address(memory + i * TEST_PAGE_SIZE) | PTE_KERNEL;
    for (u64 i = 0; i < STACK_PAGES; i++)
        purge_local(test_address(STACK_FIRST_PAGE + i), TEST_PAGE_SHIFT);
    call_on_stack(overflow, test_address(STACK_FIRST_PAGE + STACK_PAGES) - 16);
    return 0;
}

/* All processors branch to themselves with interrupts masked: the machine cannot go on. */
static void stand_still(unsigned cpu, void *argument)
{
    (void)cpu, (void)argument;
    asm volatile("rsm psr.i ;; 0: br.sptk 0b ;;");
}

int command_crash(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "null";
    if (!strcmp(kind, "null")) {
        print("reading address 0\n");
        return (int)*(volatile u64 *)0;
    }
    if (!strcmp(kind, "illegal")) {
        print("executing an illegal instruction\n");
        illegal_instruction();
        return 1;
    }
    if (!strcmp(kind, "stack")) {
        print("overflowing a stack\n");
        return crash_stack();
    }
    if (!strcmp(kind, "loop")) {
        print("looping with interrupts masked; only the host ends this\n");
        run_everywhere(stand_still, NULL);
    }
    print("crash: %s is none of null, illegal, stack, loop\n", kind);
    return 2;
}
