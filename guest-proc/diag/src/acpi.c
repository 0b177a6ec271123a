/* ACPI without an interpreter: the MADT's processors and I/O SAPICs, the FADT's fixed registers, and the \_S5_ package
   read straight out of the DSDT's bytes. */
#include "diag.h"

enum { PM1_STATUS_WAKE = 1 << 15, PM1_STATUS_BUTTON = 1 << 8, PM1_ENABLE_BUTTON = 1 << 8 };
enum { PM1_CONTROL_SLEEP_ENABLE = 1 << 13, PM1_CONTROL_TYPE_SHIFT = 10 };

struct acpi_info acpi;
static u64 xsdt, fadt;
static u8 s5_type;
static u16 sci_gsi;
static struct acpi_address pm1_event, pm1_control;
static unsigned pm1_event_length;
static volatile bool button;

static u64 field(const u8 *at, unsigned size)
{
    u64 value = 0;
    memcpy(&value, at, size);
    return value;
}

struct acpi_address read_generic_address(const u8 *gas) { return (struct acpi_address){gas[0], field(gas + 4, 8)}; }

static u64 register_at(struct acpi_address a, unsigned offset)
{
    return a.space == 1 ? port_address(a.address + offset) : a.address + offset;
}
static u16 read_register(struct acpi_address a, unsigned offset) { return load2(register_at(a, offset)); }
static void write_register(struct acpi_address a, unsigned offset, u16 value)
{
    store2(register_at(a, offset), value);
    asm volatile("mf.a" : : : "memory");
}

u64 acpi_table(const char signature[4])
{
    if (!xsdt)
        return 0;
    const u8 *table = cached(xsdt);
    u64 length = field(table + 4, 4);
    for (u64 at = 36; at + 8 <= length; at += 8) {
        u64 entry = field(table + at, 8);
        if (entry && !memcmp(cached(entry), signature, 4))
            return entry;
    }
    return 0;
}

/* A FADT block: the extended address if it has one, else the port number. */
static struct acpi_address fadt_block(const u8 *table, unsigned port_offset, unsigned gas_offset)
{
    u64 length = field(table + 4, 4);
    if (length >= gas_offset + 12u) {
        struct acpi_address a = read_generic_address(table + gas_offset);
        if (a.address)
            return a;
    }
    return (struct acpi_address){1, field(table + port_offset, 4)};
}

/* AML: Name (\_S5_, Package {SLP_TYPa, …}) is 08 [5c] "_S5_" 12 PkgLength NumElements element; small integers are
   ZeroOp 00, OneOp 01 or BytePrefix 0a nn (ACPI 20.2). */
static void find_s5(const u8 *dsdt)
{
    u64 length = field(dsdt + 4, 4);
    for (u64 at = 36; at + 12 < length; at++) {
        if (memcmp(dsdt + at, "_S5_", 4) || dsdt[at + 4] != 0x12)
            continue;
        const u8 *package = dsdt + at + 5;
        package += (package[0] >> 6) + 1; /* PkgLength */
        package++;                        /* NumElements */
        s5_type = package[0] == 0x0a ? package[1] : package[0];
        acpi.s5_known = s5_type <= 7;
        return;
    }
}

static void read_fadt(void)
{
    fadt = acpi_table("FACP");
    if (!fadt)
        return;
    const u8 *t = cached(fadt);
    sci_gsi = field(t + 46, 2);
    pm1_event = fadt_block(t, 56, 148);
    pm1_control = fadt_block(t, 64, 172);
    pm1_event_length = t[88];
    u64 dsdt = field(t + 4, 4) >= 148 ? field(t + 140, 8) : 0;
    if (!dsdt)
        dsdt = field(t + 40, 4);
    if (dsdt)
        find_s5(cached(dsdt));
}

static void add_io_sapic(const u8 *entry)
{
    if (acpi.io_sapic_count == MAX_IO_SAPICS)
        return;
    struct io_sapic *s = &acpi.io_sapics[acpi.io_sapic_count++];
    s->gsi_base = field(entry + 4, 4);
    s->address = field(entry + 8, 8);
    store4(s->address, 1); /* version register */
    s->pins = (load4(s->address + 0x10) >> 16 & 0xff) + 1;
}

static void add_processor(const u8 *entry)
{
    if (!(field(entry + 8, 4) & 1))
        return;
    if (acpi.cpu_count == MAX_CPUS)
        acpi.cpus_ignored++;
    else
        acpi.cpu_ids[acpi.cpu_count++] = entry[3] << 8 | entry[4];
}

static void read_madt(void)
{
    u64 madt = acpi_table("APIC");
    if (!madt)
        return;
    const u8 *t = cached(madt);
    u64 length = field(t + 4, 4);
    acpi.interrupt_block = field(t + 36, 4);
    for (u64 at = 44; at + 2 <= length && t[at + 1] >= 2; at += t[at + 1])
        switch (t[at]) {
        case 5: acpi.interrupt_block = field(t + at + 4, 8); break;
        case 6: add_io_sapic(t + at); break;
        case 7: add_processor(t + at); break;
        }
}

void acpi_init(void)
{
    acpi.interrupt_block = 0xfee00000;
    u64 rsdp = efi_table(GUID_ACPI_20);
    if (!rsdp || memcmp(cached(rsdp), "RSD PTR ", 8))
        return;
    xsdt = REGION_OFFSET(field((u8 *)cached(rsdp) + 24, 8));
    read_madt();
    read_fadt();
}

void acpi_enable_power_button(void)
{
    if (!pm1_event.address || pm1_event_length < 4 || !sci_gsi)
        return;
    if (!gsi_enable(sci_gsi, VECTOR_SCI, true, true))
        return;
    write_register(pm1_event, 0, PM1_STATUS_BUTTON);
    write_register(pm1_event, pm1_event_length / 2, PM1_ENABLE_BUTTON);
}

void sci_interrupt(void)
{
    if (read_register(pm1_event, 0) & PM1_STATUS_BUTTON) {
        button = true;
        write_register(pm1_event, 0, PM1_STATUS_BUTTON);
    }
    gsi_end(sci_gsi, VECTOR_SCI);
}

bool power_button_pressed(void) { return button; }

void acpi_power_off(void)
{
    if (!pm1_control.address)
        return;
    if (!acpi.s5_known)
        print("ACPI: no \\_S5_ package, trying sleep type 0\n");
    u16 sleep = (u16)(s5_type << PM1_CONTROL_TYPE_SHIFT);
    if (pm1_event.address)
        write_register(pm1_event, 0, PM1_STATUS_WAKE);
    write_register(pm1_control, 0, sleep);
    write_register(pm1_control, 0, sleep | PM1_CONTROL_SLEEP_ENABLE);
}
