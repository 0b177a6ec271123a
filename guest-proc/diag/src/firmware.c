/* EFI runtime services, SAL and PAL. Everything is called in virtual mode through region 7, except the one physical
   call that tells EFI so. */
#include "diag.h"

const u8 GUID_ACPI_20[16] = {0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11,
                             0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81};
const u8 GUID_HCDP[16] = {0x8d, 0x93, 0x51, 0xf9, 0x0b, 0x62, 0xef, 0x42,
                          0x82, 0x79, 0xa8, 0x4b, 0x79, 0x61, 0x78, 0x98};
static const u8 GUID_SAL[16] = {0x32, 0x2d, 0x9d, 0xeb, 0x88, 0x2d, 0xd3, 0x11,
                                0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d};

enum { RUNTIME_GET_TIME = 0x18, RUNTIME_SET_VIRTUAL_ADDRESS_MAP = 0x38, RUNTIME_RESET_SYSTEM = 0x68 };
#define EFI_MEMORY_RUNTIME (1UL << 63)

struct firmware_info firmware;
u64 itc_frequency, processor_frequency, bus_frequency, io_port_base;
u64 pal_entry, sal_entry, sal_gp;
static u64 pal_code, pal_code_size;
static const u8 *system_table, *runtime_table;
static lock sal_lock;

static u64 read8(const void *at)
{
    u64 value;
    memcpy(&value, at, 8);
    return value;
}

u64 efi_table(const u8 guid[16])
{
    if (!system_table)
        return 0;
    u64 count = read8(system_table + 0x68);
    const u8 *entry = cached(REGION_OFFSET(read8(system_table + 0x70)));
    for (u64 i = 0; i < count && i < 64; i++, entry += 24)
        if (!memcmp(entry, guid, 16))
            return REGION_OFFSET(read8(entry + 16));
    return 0;
}

/* Entries of the SAL system table have sizes by type. */
static void read_sal_table(const u8 *table)
{
    static const u8 sizes[6] = {48, 32, 16, 32, 16, 16};
    u16 entries;
    memcpy(&firmware.sal_revision, table + 8, 2);
    memcpy(&entries, table + 10, 2);
    memcpy(firmware.oem, table + 24, 32);
    memcpy(firmware.product, table + 56, 32);
    const u8 *entry = table + 96;
    for (; entries && entry[0] < 6; entries--, entry += sizes[entry[0]]) {
        if (entry[0] == 0) {
            pal_entry = read8(entry + 8) | REGION(7);
            sal_entry = read8(entry + 16) | REGION(7);
            sal_gp = read8(entry + 24) | REGION(7);
        }
        if (entry[0] == 5 && entry[1] == 0)
            firmware.wakeup_vector = read8(entry + 8) & 0xff;
    }
}

static bool note_descriptor(struct efi_memory_descriptor *d, void *context)
{
    (void)context;
    if (d->type == EFI_IO_PORTS && !io_port_base)
        io_port_base = d->physical;
    if (d->type == EFI_PAL_CODE && !pal_code_size) {
        pal_code = d->physical;
        pal_code_size = d->pages << 12;
    }
    if (d->attribute & EFI_MEMORY_RUNTIME)
        d->virtual = d->physical | (d->attribute & EFI_ATTRIBUTE_WB ? REGION(7) : REGION(6));
    return true;
}

static u64 runtime_service(unsigned offset) { return read8(runtime_table + offset); }

/* Virtual once EFI has been told of it; before that (or if it refused) physical, and pointers must be physical too. */
static i64 runtime_call(unsigned offset, u64 a1, u64 a2, u64 a3, u64 a4)
{
    const u8 *descriptor = cached(REGION_OFFSET(runtime_service(offset)));
    const u64 arguments[8] = {a1, a2, a3, a4};
    u64 entry = read8(descriptor), gp = read8(descriptor + 8);
    return firmware.efi_virtual ? firmware_call(entry, gp, arguments).status
                                : firmware_call_physical(entry, gp, arguments).status;
}

static void set_virtual_address_map(void)
{
    firmware.efi_virtual = runtime_call(RUNTIME_SET_VIRTUAL_ADDRESS_MAP, boot.efi_memmap_size, boot.efi_memdesc_size,
                                        boot.efi_memdesc_version, boot.efi_memmap) == 0;
}

/* The architecture wants PAL's code under an instruction translation register for virtual calls. */
void pal_map_code(void)
{
    if (!pal_code_size)
        return;
    u64 page = 1UL << IDENTITY_PAGE_SHIFT, base = pal_code & ~(page - 1);
    u64 saved = interrupts_off();
    asm volatile("ptr.i %0, %1 ;; srlz.i ;;\n\trsm psr.ic ;; srlz.i ;;\n\tmov cr.ifa = %0\n\tmov cr.itir = %1 ;;\n\t"
                 "itr.i itr[%2] = %3 ;;\n\tsrlz.i ;;\n\tssm psr.ic ;; srlz.i ;;"
                 :
                 : "r"(REGION(7) | base), "r"((u64)IDENTITY_PAGE_SHIFT << 2), "r"(1UL), "r"(base | PTE_KERNEL)
                 : "memory");
    interrupts_restore(saved);
}

static void read_frequencies(void)
{
    struct firmware_result base = sal(SAL_FREQ_BASE, 0, 0, 0, 0, 0, 0, 0);
    struct firmware_result ratios = pal(PAL_FREQ_RATIOS, 0, 0, 0);
    u64 hertz = base.status == 0 ? base.v0 : 100000000;
    u64 itc_ratio = ratios.status == 0 ? ratios.v2 : 1UL << 32 | 1;
    u64 cpu_ratio = ratios.status == 0 ? ratios.v0 : itc_ratio;
    u64 bus_ratio = ratios.status == 0 ? ratios.v1 : 1UL << 32 | 1;
#define SCALE(ratio) (((ratio) & 0xffffffff) ? hertz * ((ratio) >> 32) / ((ratio) & 0xffffffff) : hertz)
    itc_frequency = SCALE(itc_ratio);
    processor_frequency = SCALE(cpu_ratio);
    bus_frequency = SCALE(bus_ratio);
}

void firmware_init(void)
{
    system_table = cached(REGION_OFFSET(boot.efi_systab));
    runtime_table = cached(REGION_OFFSET(read8(system_table + 0x58)));
    u32 revision;
    memcpy(&revision, system_table + 8, 4);
    firmware.efi_major = revision >> 16;
    firmware.efi_minor = revision & 0xffff;
    u64 vendor = read8(system_table + 0x18);
    if (vendor) {
        const u16 *wide = cached(REGION_OFFSET(vendor));
        for (unsigned i = 0; i < sizeof firmware.vendor - 1 && wide[i]; i++)
            firmware.vendor[i] = wide[i] < 127 ? wide[i] : '?';
    }
    firmware.wakeup_vector = 0xff;
    u64 sal_table = efi_table(GUID_SAL);
    if (sal_table)
        read_sal_table(cached(sal_table));
    memory_map_walk(note_descriptor, NULL);
    pal_map_code();
    set_virtual_address_map();
    read_frequencies();
}

struct firmware_result pal(u64 index, u64 a1, u64 a2, u64 a3)
{
    if (!pal_entry)
        return (struct firmware_result){-1, 0, 0, 0};
    return pal_static(pal_entry, index, a1, a2, a3);
}

struct firmware_result pal_stacked(u64 index, u64 a1, u64 a2, u64 a3)
{
    const u64 arguments[8] = {index, a1, a2, a3};
    if (!pal_entry)
        return (struct firmware_result){-1, 0, 0, 0};
    u64 saved = interrupts_off();
    struct firmware_result r = firmware_call(pal_entry, 0, arguments);
    interrupts_restore(saved);
    return r;
}

struct firmware_result sal(u64 index, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6, u64 a7)
{
    const u64 arguments[8] = {index, a1, a2, a3, a4, a5, a6, a7};
    if (!sal_entry)
        return (struct firmware_result){-1, 0, 0, 0};
    u64 saved = interrupts_off();
    lock_take(&sal_lock);
    struct firmware_result r = firmware_call(sal_entry, sal_gp, arguments);
    lock_give(&sal_lock);
    interrupts_restore(saved);
    return r;
}

i64 efi_get_time(struct efi_time *time)
{
    return runtime_call(RUNTIME_GET_TIME, firmware.efi_virtual ? (u64)time : physical_address(time), 0, 0, 0);
}
void efi_reset_warm(void) { runtime_call(RUNTIME_RESET_SYSTEM, 1, 0, 0, 0); }

void processor_brand(char *text, size_t size)
{
    static char brand[128] __attribute__((aligned(16)));
    memset(brand, 0, sizeof brand);
    if (pal_stacked(PAL_BRAND_INFO, 0, (u64)brand, 0).status == 0 && brand[0])
        format(text, size, "%s", brand);
    else
        format(text, size, "Itanium processor family 0x%lx", cpuid(3) >> 24 & 0xff);
}
