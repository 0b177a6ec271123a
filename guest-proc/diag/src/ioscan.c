/* ioscan and diskinfo, in the form HP-UX gives them. */
#include "diag.h"

#define MAX_ROWS (MAX_CPUS + MAX_PCI_FUNCTIONS + MAX_DISKS)

struct row {
    const char *class, *driver, *state, *type;
    unsigned instance;
    char path[40], description[40];
    const struct disk *disk;
};

static struct row rows[MAX_ROWS];
static unsigned row_count;

struct options {
    bool full, names, agile, no_scan, map_lun;
    const char *class, *device;
};

static struct row *add_row(const char *class, const char *driver, const char *state, const char *type,
                           unsigned instance)
{
    if (row_count == MAX_ROWS)
        return NULL;
    struct row *r = &rows[row_count++];
    *r = (struct row){.class = class, .driver = driver, .state = state, .type = type, .instance = instance};
    return r;
}

static void function_path(const struct pci_function *f, char *text, size_t size)
{
    format(text, size, "0/%u/%u/%u", f->bus, f->device, f->function);
}

static const char *driver_of(u8 type, bool agile)
{
    switch (type) {
    case SCSI_TAPE: return agile ? "estape" : "stape";
    case SCSI_CHANGER: return agile ? "eschgr" : "schgr";
    case SCSI_DISK:
    case SCSI_CD: return agile ? "esdisk" : "sdisk";
    default: return agile ? "esctl" : "sctl";
    }
}

static void add_disk_row(const struct disk *d, bool agile)
{
    struct row *r = add_row(device_kind(d->type), driver_of(d->type, agile), d->present ? "CLAIMED" : "NO_HW", "DEVICE",
                            d->instance);
    if (!r)
        return;
    r->disk = d;
    format(r->description, sizeof r->description, "%-8s%s", d->vendor, d->product);
    const struct pci_function *f = adapter_function(d->adapter);
    if (agile)
        format(r->path, sizeof r->path, "64000/0xfa00/0x%x", d->instance);
    else
        format(r->path, sizeof r->path, "0/%u/%u/%u.%u.%u", f->bus, f->device, f->function, d->target % 16u,
               d->target / 16u);
}

static const struct {
    u16 class;
    const char *name, *description;
} pci_classes[] = {
    {0x0100, "ext_bus", "SCSI controller"}, {0x0106, "ext_bus", "SATA controller"},
    {0x0200, "lan", "Ethernet controller"}, {0x0300, "graphics", "VGA controller"},
    {0x0600, "ba", "PCI host bridge"},      {0x0604, "ba", "PCI-PCI bridge"},
    {0x0700, "tty", "Serial controller"},   {0x0c03, "usbhcd", "USB controller"},
};

static void add_function_row(const struct pci_function *f)
{
    const char *class = "unknown", *description = "PCI function";
    for (unsigned i = 0; i < LENGTH(pci_classes); i++)
        if (pci_classes[i].class == f->class >> 8) {
            class = pci_classes[i].name;
            description = pci_classes[i].description;
        }
    struct row *r = add_row(class, "", "UNCLAIMED", "UNKNOWN", 0);
    if (!r)
        return;
    function_path(f, r->path, sizeof r->path);
    format(r->description, sizeof r->description, "%s (%04x:%04x)", description, f->vendor, f->id);
}

static int adapter_of(const struct pci_function *f)
{
    for (unsigned i = 0; i < adapter_count; i++) {
        const struct pci_function *a = adapter_function(adapters[i]);
        if (a->bus == f->bus && a->device == f->device && a->function == f->function)
            return i;
    }
    return -1;
}

static void collect(const struct options *o)
{
    row_count = 0;
    struct row *r = add_row("root", "root", "CLAIMED", "BUS_NEXUS", 0);
    r->path[0] = 0;
    for (unsigned i = 0; i < pci_count; i++) {
        int instance = adapter_of(&pci_functions[i]);
        if (instance < 0) {
            add_function_row(&pci_functions[i]);
            continue;
        }
        r = add_row("ext_bus", "gvsd", "CLAIMED", "INTERFACE", instance);
        function_path(&pci_functions[i], r->path, sizeof r->path);
        format(r->description, sizeof r->description, "HPVM AVIO Stor Adapter");
        for (unsigned d = 0; d < disk_count && !o->agile; d++)
            if (disks[d].adapter == adapters[instance])
                add_disk_row(&disks[d], false);
    }
    for (unsigned i = 0; i < cpu_count; i++) {
        r = add_row("processor", "processor", "CLAIMED", "PROCESSOR", i);
        format(r->path, sizeof r->path, "%u", 120 + i);
        format(r->description, sizeof r->description, "Processor");
    }
    for (unsigned d = 0; d < disk_count && o->agile; d++)
        add_disk_row(&disks[d], true);
}

static bool selected(const struct options *o, const struct row *r)
{
    if (o->device && (!r->disk || r->disk != find_disk(o->device)))
        return false;
    return !o->class || !strcmp(o->class, r->class);
}

static void print_names(const struct disk *d, bool agile)
{
    unsigned n = d->instance, c = d->adapter_instance, t = d->target % 16u, l = d->target / 16u;
    const char *blanks = "                      ";
    if (d->type == SCSI_TAPE && !agile)
        print("%s/dev/rmt/c%ut%ud%uBEST  /dev/rmt/c%ut%ud%uBESTn  /dev/rmt/c%ut%ud%uBESTb  /dev/rmt/c%ut%ud%uBESTnb\n",
              blanks, c, t, l, c, t, l, c, t, l, c, t, l);
    else if (d->type == SCSI_TAPE)
        print("%s/dev/rtape/tape%u_BEST  /dev/rtape/tape%u_BESTn  /dev/rtape/tape%u_BESTb  /dev/rtape/tape%u_BESTnb\n",
              blanks, n, n, n, n);
    else if (d->type == SCSI_CHANGER)
        print("%s/dev/rchgr/autoch%u\n", blanks, n);
    else if (agile)
        print("%s/dev/disk/disk%u   /dev/rdisk/disk%u\n", blanks, n, n);
    else
        print("%s/dev/dsk/c%ut%ud%u   /dev/rdsk/c%ut%ud%u\n", blanks, c, t, l, c, t, l);
}

static void print_rule(size_t length)
{
    while (length--)
        print("=");
    print("\n");
}

static void print_full(const struct options *o)
{
    size_t class = 8, path = 8, driver = 6;
    bool any = false;
    for (unsigned i = 0; i < row_count; i++) {
        const struct row *r = &rows[i];
        if (!selected(o, r))
            continue;
        any = true;
        class = strlen(r->class) > class ? strlen(r->class) : class;
        path = strlen(r->path) > path ? strlen(r->path) : path;
        driver = strlen(r->driver) > driver ? strlen(r->driver) : driver;
    }
    if (!any)
        return;
    char heading[160];
    size_t length = format(heading, sizeof heading, "%-*s  I  %-*s  %-*s  S/W State   H/W Type     %sDescription",
                           (int)class, "Class", (int)path, o->map_lun ? "Lun H/W Path" : "H/W Path", (int)driver,
                           "Driver", o->map_lun ? "Health  " : "");
    print("%s\n", heading);
    print_rule(length);
    for (unsigned i = 0; i < row_count; i++) {
        const struct row *r = &rows[i];
        if (!selected(o, r) || (o->map_lun && !r->disk))
            continue;
        print("%-*s%3u  %-*s  %-*s  %-12s%-13s%s%s\n", (int)class, r->class, r->instance, (int)path, r->path,
              (int)driver, r->driver, r->state, r->type,
              !o->map_lun        ? ""
              : r->disk->present ? "online  "
                                 : "offline ",
              r->description);
        if (o->map_lun) {
            const struct pci_function *f = adapter_function(r->disk->adapter);
            print("             0/%u/%u/%u.0x%x.0x%x\n", f->bus, f->device, f->function, r->disk->target, r->disk->lun);
        }
        if ((o->names || o->map_lun) && r->disk)
            print_names(r->disk, o->agile);
    }
}

static void print_short(const struct options *o)
{
    size_t path = 8, class = 8;
    for (unsigned i = 0; i < row_count; i++) {
        path = strlen(rows[i].path) > path ? strlen(rows[i].path) : path;
        class = strlen(rows[i].class) > class ? strlen(rows[i].class) : class;
    }
    char heading[128];
    size_t length =
        format(heading, sizeof heading, "%-*s  %-*s  Description", (int)path, "H/W Path", (int)class, "Class");
    print("%s\n", heading);
    print_rule(length);
    for (unsigned i = 0; i < row_count; i++) {
        if (!selected(o, &rows[i]))
            continue;
        print("%-*s  %-*s  %s\n", (int)path, rows[i].path, (int)class, rows[i].class, rows[i].description);
        if (o->names && rows[i].disk)
            print_names(rows[i].disk, o->agile);
    }
}

static bool parse_options(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            o->device = argv[i];
            continue;
        }
        for (const char *c = argv[i] + 1; *c; c++)
            switch (*c) {
            case 'f': o->full = true; break;
            case 'n': o->names = true; break;
            case 'N': o->agile = true; break;
            case 'k': o->no_scan = true; break;
            case 'u': break;
            case 'C':
                if (++i >= argc)
                    return false;
                o->class = argv[i];
                c = "C";
                break;
            case 'm':
                if (++i >= argc || strcmp(argv[i], "lun"))
                    return false;
                o->map_lun = o->full = o->agile = true;
                c = "m";
                break;
            default: return false;
            }
    }
    return true;
}

int command_ioscan(int argc, char **argv)
{
    struct options o = {0};
    if (!parse_options(&o, argc, argv)) {
        print("usage: ioscan [-f] [-k] [-n] [-u] [-N] [-C class] [-m lun] [device]\n");
        return 2;
    }
    if (!o.no_scan)
        scsi_scan();
    if (o.device && !find_disk(o.device)) {
        print("ioscan: %s: No such device or address\n", o.device);
        return 1;
    }
    collect(&o);
    if (o.full)
        print_full(&o);
    else
        print_short(&o);
    return 0;
}

static const char *scsi_type(u8 type)
{
    switch (type) {
    case SCSI_DISK: return "direct access";
    case SCSI_TAPE: return "sequential access";
    case SCSI_CD: return "CD-ROM";
    case SCSI_CHANGER: return "medium changer";
    default: return "unknown";
    }
}

int command_diskinfo(int argc, char **argv)
{
    bool size_only = argc > 2 && !strcmp(argv[1], "-b");
    if (argc != (size_only ? 3 : 2)) {
        print("usage: diskinfo [-b] character_devicefile\n");
        return 2;
    }
    const char *name = argv[argc - 1];
    struct disk *d = find_disk(name);
    struct tape tape;
    const u8 test_unit_ready[6] = {0};
    bool rewinds;
    const char *error = "No such device or address";
    if (d) {
        error = disk_command(d, test_unit_ready, 6, NULL, 0, false, NULL);
    } else if ((d = find_tape(name, &rewinds))) {
        /* Asking what a drive is leaves the tape where it is. */
        error = tape_open(&tape, name);
        tape.rewinds = false;
        const char *closing = error ? NULL : tape_close(&tape);
        error = error ? error : closing;
    }
    if (error) {
        print("diskinfo: can't open %s: %s\n", name, error);
        return 1;
    }
    u64 kilobytes = d->blocks * d->block_size / 1024;
    if (size_only) {
        print("%lu\n", kilobytes);
        return 0;
    }
    print("SCSI describe of %s:\n             vendor: %-8s\n         product id: %-16s\n               type: %s\n",
          name, d->vendor, d->product, scsi_type(d->type));
    if (d->ready)
        print("               size: %lu Kbytes\n   bytes per sector: %u\n", kilobytes, d->block_size);
    return 0;
}
