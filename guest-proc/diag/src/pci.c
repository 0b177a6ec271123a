/* PCI functions, found and configured through SAL (SAL specification 9.2). */
#include "diag.h"

#define PCI_BUSES 8 /* the machine's root buses; buses behind bridges follow from the bridges */
#define CLASS_BRIDGE 0x0604
enum { HEADER_TYPE = 0x0e, SECONDARY_BUS = 0x19, STATUS = 0x06, CAPABILITIES = 0x34, FIRST_BAR = 0x10 };

struct pci_function pci_functions[MAX_PCI_FUNCTIONS];
unsigned pci_count;
static u8 bus_seen[256];

static u64 address_of(const struct pci_function *f, unsigned offset)
{
    return (u64)f->bus << 16 | (u64)f->device << 11 | (u64)f->function << 8 | offset;
}

u32 pci_read(const struct pci_function *f, unsigned offset, unsigned size)
{
    struct firmware_result r = sal(SAL_PCI_CONFIG_READ, address_of(f, offset), size, 0, 0, 0, 0, 0);
    return r.status == 0 ? (u32)r.v0 : 0xffffffff;
}

void pci_write(const struct pci_function *f, unsigned offset, unsigned size, u32 value)
{
    sal(SAL_PCI_CONFIG_WRITE, address_of(f, offset), size, value, 0, 0, 0, 0);
}

u64 pci_bar(const struct pci_function *f, unsigned bar)
{
    u32 low = pci_read(f, FIRST_BAR + 4 * bar, 4);
    if (low & 1)
        return port_address(low & ~3u);
    u64 address = low & ~15u;
    if ((low & 6) == 4)
        address |= (u64)pci_read(f, FIRST_BAR + 4 * bar + 4, 4) << 32;
    return address;
}

unsigned pci_capability(const struct pci_function *f, u8 id, unsigned from)
{
    if (!(pci_read(f, STATUS, 2) & 0x10))
        return 0;
    unsigned at = pci_read(f, from ? from + 1 : CAPABILITIES, 1) & 0xfc;
    for (unsigned limit = 48; at && limit; limit--) {
        if (pci_read(f, at, 1) == id)
            return at;
        at = pci_read(f, at + 1, 1) & 0xfc;
    }
    return 0;
}

static void scan_bus(u8 bus);

static bool scan_function(u8 bus, u8 device, u8 function)
{
    struct pci_function f = {.bus = bus, .device = device, .function = function};
    u32 id = pci_read(&f, 0, 4);
    if (id == 0xffffffff || id == 0)
        return false;
    f.vendor = id & 0xffff;
    f.id = id >> 16;
    u32 class = pci_read(&f, 8, 4);
    f.revision = class & 0xff;
    f.class = class >> 8;
    if (pci_count < MAX_PCI_FUNCTIONS)
        pci_functions[pci_count++] = f;
    if (f.class >> 8 == CLASS_BRIDGE)
        scan_bus(pci_read(&f, SECONDARY_BUS, 1));
    return true;
}

static void scan_bus(u8 bus)
{
    if (bus_seen[bus]++)
        return;
    for (u8 device = 0; device < 32; device++) {
        struct pci_function f = {.bus = bus, .device = device};
        if (!scan_function(bus, device, 0) || !(pci_read(&f, HEADER_TYPE, 1) & 0x80))
            continue;
        for (u8 function = 1; function < 8; function++)
            scan_function(bus, device, function);
    }
}

void pci_scan(void)
{
    memset(bus_seen, 0, sizeof bus_seen);
    pci_count = 0;
    for (unsigned bus = 0; bus < PCI_BUSES; bus++)
        scan_bus(bus);
}
