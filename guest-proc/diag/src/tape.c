/* Tapes as HP-UX programs use them: opening reserves the drive, closing gives it back; mt. */
#include "diag.h"

enum {
    OP_TEST_UNIT_READY = 0x00,
    OP_REWIND = 0x01,
    OP_READ_6 = 0x08,
    OP_WRITE_6 = 0x0a,
    OP_WRITE_FILEMARKS = 0x10,
    OP_SPACE = 0x11,
    OP_MODE_SELECT = 0x15,
    OP_RESERVE = 0x16,
    OP_RELEASE = 0x17,
    OP_MODE_SENSE = 0x1a,
    OP_LOAD_UNLOAD = 0x1b,
    OP_READ_POSITION = 0x34
};
enum { KEY_NOT_READY = 2, KEY_ILLEGAL_REQUEST = 5, KEY_BLANK_CHECK = 8 };
enum { FILEMARK = 0x80, END_OF_MEDIUM = 0x40, WRONG_LENGTH = 0x20 };
enum { SPACE_BLOCKS = 0, SPACE_FILEMARKS = 1, SPACE_END_OF_DATA = 3, SPACE_SETMARKS = 4 };

/* Bits of mt_gstat (mtio.h of HP-UX). */
enum {
    GMT_EOF = 0x80000000,
    GMT_BOT = 0x40000000,
    GMT_EOT = 0x20000000,
    GMT_EOD = 0x08000000,
    GMT_WR_PROT = 0x04000000,
    GMT_ONLINE = 0x01000000,
    GMT_COMPRESSION = 0x00100000,
    GMT_IM_REP_EN = 0x00010000
};

/* What a drive was told by `mt res`, and what the last command left, by instance of the device. */
static struct {
    bool reserved;
    u32 flags;
} states[MAX_DISKS];

static void put24(u8 *at, u32 value)
{
    at[0] = value >> 16;
    at[1] = value >> 8;
    at[2] = value;
}

/* One command: what went wrong, or NULL. Marks, ends and lengths that a tape tells by sense data are in `flags`. */
static const char *run(struct tape *t, const u8 *cdb, unsigned length, void *data, u32 size, bool write, u32 *moved)
{
    struct scsi_request r = {.data = data, .length = size, .write = write};
    memcpy(r.cdb, cdb, length);
    const char *error = scsi_command(t->disk, &r);
    t->key = 0;
    t->flags = 0;
    if (moved)
        *moved = size - (r.residual < size ? r.residual : size);
    if (error && r.sense_length > 2 && (r.sense[0] & 0x7e) == 0x70) {
        t->key = r.sense[2] & 15;
        t->flags = r.sense[2] & (FILEMARK | END_OF_MEDIUM | WRONG_LENGTH);
        if (t->key == 0 && t->flags)
            error = NULL;
    }
    return error;
}

static const char *command6(struct tape *t, u8 operation, u8 flags, u32 count)
{
    u8 cdb[6] = {operation, flags};
    put24(cdb + 2, count);
    return run(t, cdb, 6, NULL, 0, false, NULL);
}

static const char *set_variable_blocks(struct tape *t)
{
    u8 list[12] = {0, 0, 0x10, 8}; /* header: buffered; descriptor: density as it is, block length 0 */
    const u8 cdb[6] = {OP_MODE_SELECT, 0x10, 0, 0, sizeof list};
    return run(t, cdb, 6, list, sizeof list, true, NULL);
}

/* A drive without a medium can be opened: it may be asked what it is. */
const char *tape_open(struct tape *t, const char *name)
{
    *t = (struct tape){0};
    t->disk = find_tape(name, &t->rewinds);
    if (!t->disk)
        return "No such device or address";
    const u8 ready[6] = {OP_TEST_UNIT_READY}, reserve[6] = {OP_RESERVE};
    const char *error = run(t, ready, 6, NULL, 0, false, NULL);
    if (error && t->key != KEY_NOT_READY)
        return error;
    t->loaded = !error;
    error = run(t, reserve, 6, NULL, 0, false, NULL);
    return t->key == KEY_ILLEGAL_REQUEST ? NULL : error;
}

const char *tape_close(struct tape *t)
{
    const char *error = NULL;
    const u8 release[6] = {OP_RELEASE};
    if (t->wrote)
        error = command6(t, OP_WRITE_FILEMARKS, 0, 1);
    if (t->rewinds && t->loaded && !error)
        error = command6(t, OP_REWIND, 0, 0);
    if (!states[t->disk->instance].reserved)
        run(t, release, 6, NULL, 0, false, NULL);
    return error;
}

const char *tape_read(struct tape *t, void *data, u32 size, u64 *length)
{
    u8 cdb[6] = {OP_READ_6};
    u32 moved;
    *length = 0;
    if (!t->variable) {
        const char *error = set_variable_blocks(t);
        if (error)
            return error;
        t->variable = true;
    }
    put24(cdb + 2, size);
    const char *error = run(t, cdb, 6, data, size, false, &moved);
    states[t->disk->instance].flags = t->flags & FILEMARK ? GMT_EOF : 0;
    if (t->key == KEY_BLANK_CHECK) {
        states[t->disk->instance].flags = GMT_EOD;
        return NULL;
    }
    if (error || t->flags & FILEMARK)
        return error;
    if (t->flags & WRONG_LENGTH && moved == size)
        return "Invalid argument (the record is longer than bs)";
    *length = moved;
    return NULL;
}

const char *tape_write(struct tape *t, void *data, u32 size)
{
    u8 cdb[6] = {OP_WRITE_6};
    if (!t->variable) {
        const char *error = set_variable_blocks(t);
        if (error)
            return error;
        t->variable = true;
    }
    put24(cdb + 2, size);
    const char *error = run(t, cdb, 6, data, size, true, NULL);
    states[t->disk->instance].flags = t->flags & END_OF_MEDIUM ? GMT_EOT : 0;
    t->wrote |= !error;
    return error;
}

/* --- mt ---------------------------------------------------------------------------------------------------------- */

static const struct operation {
    const char *name;
    u8 opcode, flags;
    bool counts, backwards;
} operations[] = {
    {"eof", OP_WRITE_FILEMARKS, 0, true, false},
    {"weof", OP_WRITE_FILEMARKS, 0, true, false},
    {"smk", OP_WRITE_FILEMARKS, 2, true, false}, /* WSMK */
    {"fsf", OP_SPACE, SPACE_FILEMARKS, true, false},
    {"bsf", OP_SPACE, SPACE_FILEMARKS, true, true},
    {"fsr", OP_SPACE, SPACE_BLOCKS, true, false},
    {"bsr", OP_SPACE, SPACE_BLOCKS, true, true},
    {"fss", OP_SPACE, SPACE_SETMARKS, true, false},
    {"bss", OP_SPACE, SPACE_SETMARKS, true, true},
    {"eod", OP_SPACE, SPACE_END_OF_DATA, false, false},
    {"rew", OP_REWIND, 0, false, false},
    {"offl", OP_LOAD_UNLOAD, 0, false, false},
};

static const char *print_status(struct tape *t)
{
    u8 mode[4 + 8 + 16] = {0}, position[32] = {0};
    const u8 sense[6] = {OP_MODE_SENSE, 0, 0x0f, 0, sizeof mode}, long_form[10] = {OP_READ_POSITION, 6};
    u32 flags = states[t->disk->instance].flags;
    print("Drive:  %s %s\nFormat:\n", t->disk->vendor, t->disk->product);
    const char *error = run(t, sense, 6, mode, sizeof mode, false, NULL);
    if (error)
        return error;
    flags |= mode[2] & 0x80 ? GMT_WR_PROT : 0;
    flags |= mode[2] & 0x70 ? GMT_IM_REP_EN : 0;
    flags |= mode[12] == 0x0f && mode[14] & 0x80 ? GMT_COMPRESSION : 0;
    if (t->loaded) {
        flags |= GMT_ONLINE;
        error = run(t, long_form, 10, position, sizeof position, false, NULL);
        if (error)
            return error;
        flags |= position[0] & 0x80 ? GMT_BOT : 0;
    }
    static const struct {
        u32 bit;
        const char *word;
    } words[] = {{GMT_EOF, "EOF"},         {GMT_BOT, "BOT"},       {GMT_EOT, "EOT"},
                 {GMT_EOD, "EOD"},         {GMT_WR_PROT, "WR_PROT"}, {GMT_ONLINE, "online"},
                 {GMT_COMPRESSION, "compression"}, {GMT_IM_REP_EN, "immediate-report-mode"}};
    print("Status: [%x]", flags);
    for (unsigned i = 0; i < LENGTH(words); i++)
        if (flags & words[i].bit)
            print(" %s", words[i].word);
    print("\nFile:   %lu\nBlock:  %lu\n", big_endian(position + 16, 8), big_endian(position + 8, 8));
    return NULL;
}

static const char *perform(struct tape *t, const char *name, u64 count)
{
    struct operation o = {0};
    if (!strcmp(name, "status"))
        return print_status(t);
    if (!strcmp(name, "res") || !strcmp(name, "rel")) {
        /* Opening has reserved the drive; closing releases it unless it is to stay so. */
        states[t->disk->instance].reserved = !strcmp(name, "res");
        return NULL;
    }
    for (unsigned i = 0; i < LENGTH(operations); i++)
        if (!strcmp(operations[i].name, name))
            o = operations[i];
    u32 number = o.counts ? o.backwards ? -(u32)count : (u32)count : 0;
    const char *error = command6(t, o.opcode, o.flags, number);
    states[t->disk->instance].flags = t->key == KEY_BLANK_CHECK               ? GMT_EOD
                                      : t->flags & END_OF_MEDIUM && !o.backwards ? GMT_EOT
                                      : t->flags & FILEMARK                      ? GMT_EOF
                                                                                 : 0;
    if (o.opcode == OP_LOAD_UNLOAD)
        t->loaded = false;
    return error;
}

static bool is_operation(const char *name)
{
    if (!strcmp(name, "status") || !strcmp(name, "res") || !strcmp(name, "rel"))
        return true;
    for (unsigned i = 0; i < LENGTH(operations); i++)
        if (!strcmp(operations[i].name, name))
            return true;
    return false;
}

int command_mt(int argc, char **argv)
{
    const char *name = "tape";
    int at = 1;
    u64 count = 1;
    if (argc > 2 && (!strcmp(argv[1], "-f") || !strcmp(argv[1], "-t"))) {
        name = argv[2];
        at = 3;
    }
    if (argc <= at || argc > at + 2 || !is_operation(argv[at]) ||
        (argc == at + 2 && (!parse_number(argv[at + 1], &count) || count > 0x7fffff))) {
        print("usage: mt [-f tapename] eof|smk|fsf|bsf|fsr|bsr|fss|bss|eod|rew|offl|status|res|rel [count]\n");
        return 2;
    }
    struct tape t;
    const char *error = tape_open(&t, name);
    if (!error) {
        error = perform(&t, argv[at], count);
        const char *closing = tape_close(&t);
        error = error ? error : closing;
    }
    if (!error)
        return 0;
    print("%s: %s\n", name, error);
    return 1;
}
