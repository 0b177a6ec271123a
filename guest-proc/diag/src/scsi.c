/* SCSI devices behind the adapters: finding, naming, reading and writing them. */
#include "diag.h"

enum {
    OP_TEST_UNIT_READY = 0x00,
    OP_INQUIRY = 0x12,
    OP_READ_CAPACITY_10 = 0x25,
    OP_READ_10 = 0x28,
    OP_WRITE_10 = 0x2a,
    OP_SYNCHRONIZE_CACHE_10 = 0x35,
    OP_READ_16 = 0x88,
    OP_WRITE_16 = 0x8a,
    OP_SERVICE_ACTION_IN_16 = 0x9e,
    OP_REPORT_LUNS = 0xa0,
    READ_CAPACITY_16 = 0x10
};
enum { STATUS_GOOD = 0, STATUS_CHECK_CONDITION = 2, STATUS_BUSY = 8, STATUS_RESERVATION_CONFLICT = 0x18 };
enum { KEY_UNIT_ATTENTION = 6 };
#define MAX_LUNS 16
#define ATTEMPTS 4

struct disk disks[MAX_DISKS];
unsigned disk_count;

u64 big_endian(const u8 *at, unsigned bytes)
{
    u64 value = 0;
    while (bytes--)
        value = value << 8 | *at++;
    return value;
}

static void put_big_endian(u8 *at, unsigned bytes, u64 value)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = value >> (8 * (bytes - 1 - i));
}

static void sense_triple(const struct scsi_request *r, u8 sense[3])
{
    sense[0] = r->sense_length > 2 ? r->sense[2] & 15 : 0;
    sense[1] = r->sense_length > 12 ? r->sense[12] : 0;
    sense[2] = r->sense_length > 13 ? r->sense[13] : 0;
    if (r->sense_length > 3 && (r->sense[0] & 0x7e) == 0x72) { /* descriptor format */
        sense[0] = r->sense[1] & 15;
        sense[1] = r->sense[2];
        sense[2] = r->sense[3];
    }
}

static const char *describe(const struct scsi_request *r)
{
    static char text[MAX_CPUS][80];
    char *buffer = text[this_cpu()->number];
    u8 sense[3];
    if (r->response == SCSI_BAD_TARGET)
        return "No such device or address";
    if (r->response != SCSI_OK) {
        format(buffer, sizeof text[0], "I/O error (transport response %u)", r->response);
        return buffer;
    }
    if (r->status == STATUS_GOOD)
        return NULL;
    if (r->status == STATUS_RESERVATION_CONFLICT || r->status == STATUS_BUSY)
        return "Device busy";
    sense_triple(r, sense);
    if (r->status == STATUS_CHECK_CONDITION)
        format(buffer, sizeof text[0], "I/O error (sense key %x, code %02x/%02x)", sense[0], sense[1], sense[2]);
    else
        format(buffer, sizeof text[0], "I/O error (SCSI status %02x)", r->status);
    return buffer;
}

/* A unit attention tells news and spends the command: try again. */
static bool worth_repeating(const struct scsi_request *r)
{
    u8 sense[3];
    sense_triple(r, sense);
    return r->response == SCSI_OK && r->status == STATUS_CHECK_CONDITION && sense[0] == KEY_UNIT_ATTENTION;
}

static const char *run_one(struct adapter *adapter, struct scsi_request *r)
{
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        if (!scsi_run(adapter, r, 1))
            return "Interrupted system call";
        if (!worth_repeating(r))
            break;
    }
    return describe(r);
}

const char *disk_command(struct disk *disk, const u8 *cdb, unsigned cdb_length, void *data, u32 length, bool write,
                         u8 sense[3])
{
    struct scsi_request r = {.target = disk->target, .lun = disk->lun, .data = data, .length = length, .write = write};
    memcpy(r.cdb, cdb, cdb_length);
    const char *error = run_one(disk->adapter, &r);
    if (sense)
        sense_triple(&r, sense);
    return error;
}

const char *scsi_command(struct disk *disk, struct scsi_request *r)
{
    r->target = disk->target;
    r->lun = disk->lun;
    return run_one(disk->adapter, r);
}

/* --- discovery --------------------------------------------------------------------------------------------------- */

/* A text field of fixed width, without the blanks at its end. */
static void copy_text(char *to, const u8 *from, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        to[i] = from[i] >= ' ' && from[i] < 127 ? from[i] : ' ';
    to[width] = 0;
    while (width && to[width - 1] == ' ')
        to[--width] = 0;
}

static void read_serial(struct disk *d, u8 *buffer)
{
    const u8 cdb[6] = {OP_INQUIRY, 1, 0x80, 0, 0xff, 0};
    if (disk_command(d, cdb, 6, buffer, 0xff, false, NULL))
        return;
    unsigned length = buffer[3] < sizeof d->serial - 1 ? buffer[3] : sizeof d->serial - 1;
    copy_text(d->serial, buffer + 4, length);
}

static void read_capacity(struct disk *d, u8 *buffer)
{
    const u8 long_form[16] = {OP_SERVICE_ACTION_IN_16, READ_CAPACITY_16, [13] = 32};
    const u8 short_form[10] = {OP_READ_CAPACITY_10};
    d->ready = false;
    if (!disk_command(d, long_form, 16, buffer, 32, false, NULL)) {
        d->blocks = big_endian(buffer, 8) + 1;
        d->block_size = big_endian(buffer + 8, 4);
    } else if (!disk_command(d, short_form, 10, buffer, 8, false, NULL)) {
        d->blocks = big_endian(buffer, 4) + 1;
        d->block_size = big_endian(buffer + 4, 4);
    } else
        return;
    d->ready = d->block_size >= 512 && d->block_size <= 4096;
}

/* A device keeps its instance number as long as the machine is up. */
static void add_disk(struct adapter *adapter, unsigned adapter_instance, u8 target, u16 lun, u8 *inquiry, u8 *scratch)
{
    u8 type = inquiry[0] & 0x1f;
    if (inquiry[0] >> 5 || type == 0x1f)
        return;
    unsigned instance = 0;
    while (instance < disk_count &&
           (disks[instance].adapter != adapter || disks[instance].target != target || disks[instance].lun != lun))
        instance++;
    if (instance == MAX_DISKS)
        return;
    if (instance == disk_count)
        disk_count++;
    struct disk *d = &disks[instance];
    *d = (struct disk){.adapter = adapter,
                       .adapter_instance = adapter_instance,
                       .instance = instance,
                       .target = target,
                       .lun = lun,
                       .type = type,
                       .present = true};
    d->removable = inquiry[1] >> 7;
    copy_text(d->vendor, inquiry + 8, 8);
    copy_text(d->product, inquiry + 16, 16);
    copy_text(d->revision, inquiry + 32, 4);
    read_serial(d, scratch);
    if (type == SCSI_DISK || type == SCSI_CD)
        read_capacity(d, scratch);
}

static void scan_luns(struct adapter *adapter, unsigned instance, u8 target, u8 *inquiry, u8 *scratch)
{
    struct scsi_request r = {.target = target, .data = scratch, .length = 8 + 8 * MAX_LUNS};
    r.cdb[0] = OP_REPORT_LUNS;
    put_big_endian(r.cdb + 6, 4, r.length);
    memset(scratch, 0, r.length);
    u64 bytes = run_one(adapter, &r) ? 0 : big_endian(scratch, 4);
    u16 luns[MAX_LUNS];
    unsigned count = 0;
    for (u64 at = 0; at + 8 <= bytes && count < MAX_LUNS; at += 8)
        luns[count++] = big_endian(scratch + 8 + at, 2) & 0x3fff;
    if (!count)
        luns[count++] = 0;
    for (unsigned i = 0; i < count; i++) {
        struct scsi_request q = {.target = target, .lun = luns[i], .data = inquiry, .length = 96};
        q.cdb[0] = OP_INQUIRY;
        q.cdb[4] = 96;
        if (luns[i] == 0 || !run_one(adapter, &q))
            add_disk(adapter, instance, target, luns[i], inquiry, scratch);
    }
}

/* INQUIRY goes to all targets side by side, so that an empty adapter costs a few ring turns, not one per target. */
static void scan_adapter(struct adapter *adapter, unsigned instance)
{
    unsigned targets = adapter_max_target(adapter) < 127 ? adapter_max_target(adapter) + 1u : 128;
    struct scsi_request *requests = allocate(targets * sizeof *requests, 64);
    u8 *answers = allocate(targets * 96, 64), *scratch = allocate(4096, 4096);
    if (!requests || !answers || !scratch)
        return;
    for (unsigned t = 0; t < targets; t++) {
        requests[t].target = t;
        requests[t].cdb[0] = OP_INQUIRY;
        requests[t].cdb[4] = 96;
        requests[t].data = answers + 96 * t;
        requests[t].length = 96;
    }
    if (!scsi_run(adapter, requests, targets))
        return;
    for (unsigned t = 0; t < targets; t++) {
        if (worth_repeating(&requests[t]))
            run_one(adapter, &requests[t]);
        if (!describe(&requests[t]))
            scan_luns(adapter, instance, t, answers + 96 * t, scratch);
    }
}

void scsi_scan(void)
{
    for (unsigned i = 0; i < disk_count; i++)
        disks[i].present = disks[i].ready = false;
    for (unsigned i = 0; i < adapter_count; i++) {
        u64 mark = heap_mark();
        scan_adapter(adapters[i], i);
        heap_release(mark);
    }
}

/* --- names ------------------------------------------------------------------------------------------------------- */

const char *device_kind(u8 type)
{
    switch (type) {
    case SCSI_DISK:
    case SCSI_CD: return "disk";
    case SCSI_TAPE: return "tape";
    case SCSI_CHANGER: return "autoch";
    default: return "ctl";
    }
}

static bool prefixed(const char **name, const char *prefix)
{
    size_t length = strlen(prefix);
    if (strncmp(*name, prefix, length))
        return false;
    *name += length;
    return true;
}

static bool decimal(const char **text, u64 *value)
{
    if (**text < '0' || **text > '9')
        return false;
    for (*value = 0; **text >= '0' && **text <= '9'; (*text)++)
        *value = *value * 10 + (**text - '0');
    return true;
}

/* A device that is there: diskN, /dev/disk/diskN, /dev/rdisk/diskN, or the legacy cXtYdZ with target 16 * Z + Y. */
struct disk *find_disk(const char *name)
{
    u64 c, t, d, n;
    bool legacy = prefixed(&name, "/dev/rdsk/") || prefixed(&name, "/dev/dsk/");
    if (!legacy && !prefixed(&name, "/dev/rdisk/"))
        prefixed(&name, "/dev/disk/");
    if (prefixed(&name, "disk") && decimal(&name, &n) && !*name)
        return n < disk_count && disks[n].present ? &disks[n] : NULL;
    if (prefixed(&name, "c") && decimal(&name, &c) && prefixed(&name, "t") && decimal(&name, &t) &&
        prefixed(&name, "d") && decimal(&name, &d) && !*name)
        for (unsigned i = 0; i < disk_count; i++)
            if (disks[i].present && disks[i].adapter_instance == c && disks[i].target % 16u == t &&
                disks[i].target / 16u == d)
                return &disks[i];
    return NULL;
}

/* A tape: tapeN_BEST with n (no rewind) and b behind it, as /dev/rtape/… too; the legacy /dev/rmt/cXtYdZBEST…; or the
 * first one, as "tape". */
struct disk *find_tape(const char *name, bool *rewinds)
{
    u64 c = 0, t = 0, d = 0, n = 0;
    bool legacy = prefixed(&name, "/dev/rmt/"), first = !legacy && !strcmp(name, "tape");
    *rewinds = !first;
    if (legacy) {
        if (!prefixed(&name, "c") || !decimal(&name, &c) || !prefixed(&name, "t") || !decimal(&name, &t) ||
            !prefixed(&name, "d") || !decimal(&name, &d) || !prefixed(&name, "BEST"))
            return NULL;
    } else if (!first) {
        prefixed(&name, "/dev/rtape/");
        if (!prefixed(&name, "tape") || !decimal(&name, &n) || (*name && !prefixed(&name, "_BEST")))
            return NULL;
    }
    if (!first && prefixed(&name, "n"))
        *rewinds = false;
    if (!first)
        prefixed(&name, "b");
    if (!first && *name)
        return NULL;
    for (unsigned i = 0; i < disk_count; i++) {
        struct disk *tape = &disks[i];
        bool named = first    ? true
                     : legacy ? tape->adapter_instance == c && tape->target % 16u == t && tape->target / 16u == d
                              : tape->instance == n;
        if (named && tape->present && tape->type == SCSI_TAPE)
            return tape;
    }
    return NULL;
}

/* A changer: autochN, also with /dev/rchgr/ before it; the first one for NULL. */
struct disk *find_changer(const char *name)
{
    u64 n = 0;
    if (name) {
        prefixed(&name, "/dev/rchgr/");
        if (!prefixed(&name, "autoch") || !decimal(&name, &n) || *name)
            return NULL;
    }
    for (unsigned i = 0; i < disk_count; i++)
        if (disks[i].present && disks[i].type == SCSI_CHANGER && (!name || disks[i].instance == n))
            return &disks[i];
    return NULL;
}

/* --- blocks ------------------------------------------------------------------------------------------------------ */

static const char *transfer(struct disk *d, u64 block, u32 count, void *data, bool write)
{
    u32 most = adapter_max_transfer(d->adapter) / d->block_size;
    while (count) {
        u32 part = count < most ? count : most;
        struct scsi_request r = {
            .target = d->target, .lun = d->lun, .data = data, .length = part * d->block_size, .write = write};
        if (block + part <= 0xffffffff && part <= 0xffff) {
            r.cdb[0] = write ? OP_WRITE_10 : OP_READ_10;
            put_big_endian(r.cdb + 2, 4, block);
            put_big_endian(r.cdb + 7, 2, part);
        } else {
            r.cdb[0] = write ? OP_WRITE_16 : OP_READ_16;
            put_big_endian(r.cdb + 2, 8, block);
            put_big_endian(r.cdb + 10, 4, part);
        }
        const char *error = run_one(d->adapter, &r);
        if (error)
            return error;
        if (r.residual)
            return "I/O error (short transfer)";
        block += part;
        count -= part;
        data = (u8 *)data + (u64)part * d->block_size;
    }
    return NULL;
}

const char *disk_read(struct disk *d, u64 block, u32 count, void *data)
{
    return transfer(d, block, count, data, false);
}

const char *disk_write(struct disk *d, u64 block, u32 count, const void *data)
{
    return transfer(d, block, count, (void *)data, true);
}

const char *disk_flush(struct disk *d)
{
    const u8 cdb[10] = {OP_SYNCHRONIZE_CACHE_10};
    return disk_command(d, cdb, 10, NULL, 0, false, NULL);
}
