/* dd, cksum and pattern: data between disks, memory and the usual pseudo-devices. */
#include "diag.h"

#define MAX_BLOCK (4UL << 20)

enum kind { DISK, TAPE, ZERO, NULL_DEVICE, RANDOM, MEMORY };

struct end {
    enum kind kind;
    struct disk *disk;
    struct tape tape;
    u64 address, seed, at; /* `at` in bytes */
    u64 size;              /* bytes, ~0 without end */
    const char *name;
};

static bool is_tape(const char *name)
{
    bool rewinds;
    return !strncmp(name, "/dev/rtape/", 11) || !strncmp(name, "/dev/rmt/", 9) || find_tape(name, &rewinds);
}

static const char *open_end(struct end *e, const char *name, u64 block)
{
    *e = (struct end){.name = name, .size = ~0UL, .seed = 1};
    if (!strcmp(name, "/dev/zero"))
        e->kind = ZERO;
    else if (!strcmp(name, "/dev/null"))
        e->kind = NULL_DEVICE;
    else if (!strcmp(name, "/dev/random"))
        e->kind = RANDOM;
    else if (!strncmp(name, "mem:", 4)) {
        e->kind = MEMORY;
        if (!parse_number(name + 4, &e->address))
            return "not an address";
    } else if (is_tape(name)) {
        e->kind = TAPE;
        return tape_open(&e->tape, name);
    } else {
        e->kind = DISK;
        e->disk = find_disk(name);
        if (!e->disk)
            return "No such device or address";
        if (!e->disk->ready)
            return "device not ready";
        if (block % e->disk->block_size)
            return "Invalid argument (bs must be a multiple of the sector size)";
        e->size = e->disk->blocks * e->disk->block_size;
    }
    return NULL;
}

/* `wanted`: bytes asked for, then what there was, which is less of a tape alone. */
static const char *read_end(struct end *e, void *data, u64 *wanted)
{
    u64 length = *wanted;
    switch (e->kind) {
    case DISK: return disk_read(e->disk, e->at / e->disk->block_size, length / e->disk->block_size, data);
    case TAPE: return tape_read(&e->tape, data, length, wanted);
    case ZERO: memset(data, 0, length); break;
    case NULL_DEVICE: break;
    case MEMORY: memcpy(data, cached(REGION_OFFSET(e->address + e->at)), length); break;
    case RANDOM:
        for (u64 i = 0; i < length; i += 8) {
            u64 word = random_next(&e->seed);
            memcpy((u8 *)data + i, &word, length - i < 8 ? length - i : 8);
        }
    }
    return NULL;
}

static const char *write_end(struct end *e, void *data, u64 length)
{
    switch (e->kind) {
    case TAPE: return tape_write(&e->tape, data, length);
    case DISK: return disk_write(e->disk, e->at / e->disk->block_size, length / e->disk->block_size, data);
    case MEMORY: memcpy(cached(REGION_OFFSET(e->address + e->at)), data, length); break;
    default: break;
    }
    return NULL;
}

/* The first error that happened is the one to be told by the caller's status. */
static const char *close_end(struct end *e, const char *error)
{
    const char *closing = e->kind == TAPE ? tape_close(&e->tape) : NULL;
    if (closing)
        print("dd: %s: %s\n", e->name, closing);
    return error ? error : closing;
}

/* A tape ends, but nobody knows where. */
static bool is_endless(const struct end *e) { return e->size == ~0UL && e->kind != TAPE; }

/* Bytes left, at most `want`. */
static u64 available(const struct end *e, u64 want)
{
    u64 left = e->at < e->size ? e->size - e->at : 0;
    return left < want ? left : want;
}

static void print_rate(u64 bytes, u64 ticks)
{
    u64 micro = ticks / (itc_frequency / 1000000 ? itc_frequency / 1000000 : 1);
    print("%lu bytes in %lu.%03lu s, %lu.%lu MB/s\n", bytes, micro / 1000000, micro / 1000 % 1000,
          micro ? bytes / micro : 0, micro ? bytes * 10 / micro % 10 : 0);
}

int command_dd(int argc, char **argv)
{
    const char *from = NULL, *to = NULL;
    u64 block = 512, count = ~0UL, skip = 0, seek = 0, seed = 1;
    option_value(argc, argv, "if", &from);
    option_value(argc, argv, "of", &to);
    if (!from || !to || !option_number(argc, argv, "bs", &block) || !option_number(argc, argv, "count", &count) ||
        !option_number(argc, argv, "skip", &skip) || !option_number(argc, argv, "seek", &seek) ||
        !option_number(argc, argv, "seed", &seed) || !block || block > MAX_BLOCK) {
        print("usage: dd if=X of=Y [bs=N] [count=N] [skip=N] [seek=N] [seed=N]   (bs up to 4m)\n");
        return 2;
    }
    struct end in, out;
    const char *error = open_end(&in, from, block);
    if (error) {
        print("dd: %s: %s\n", from, error);
        return 1;
    }
    error = open_end(&out, to, block);
    if (error) {
        close_end(&in, error);
        print("dd: %s: %s\n", to, error);
        return 1;
    }
    u8 *buffer = allocate(block, 4096);
    if (count == ~0UL && is_endless(&in) && is_endless(&out))
        error = "neither end has an end; give count=";
    else if (!buffer)
        error = "not enough memory";
    if (error) {
        close_end(&in, error);
        close_end(&out, error);
        print("dd: %s\n", error);
        return 1;
    }
    in.seed = seed ? seed : 1;
    in.at = skip * block;
    out.at = seek * block;
    u64 whole_in = 0, part_in = 0, whole_out = 0, part_out = 0, bytes = 0, started = itc();
    while (count-- && !error && !interrupted()) {
        u64 length = available(&in, block);
        if (!length)
            break;
        error = read_end(&in, buffer, &length);
        if (!error && !length)
            break;
        if (error) {
            print("dd read error: %s\n", error);
            break;
        }
        in.at += length;
        *(length == block ? &whole_in : &part_in) += 1;
        u64 room = available(&out, length);
        if (room)
            error = write_end(&out, buffer, room);
        if (!error && room < length)
            error = "No space left on device";
        if (error) {
            print("dd write error: %s\n", error);
            break;
        }
        out.at += room;
        bytes += room;
        *(length == block ? &whole_out : &part_out) += 1;
    }
    if (!error && out.kind == DISK && bytes) {
        error = disk_flush(out.disk);
        if (error)
            print("dd: flush: %s\n", error);
    }
    error = close_end(&in, error);
    error = close_end(&out, error);
    print("%lu+%lu records in\n%lu+%lu records out\n", whole_in, part_in, whole_out, part_out);
    print_rate(bytes, itc() - started);
    return error ? 1 : interrupted() ? 130 : 0;
}

int command_cksum(int argc, char **argv)
{
    u64 block = 512, count = ~0UL, skip = 0, unit = 256 << 10;
    if (argc < 2 || !option_number(argc, argv, "bs", &block) || !option_number(argc, argv, "count", &count) ||
        !option_number(argc, argv, "skip", &skip) || !block || block > MAX_BLOCK) {
        print("usage: cksum X [bs=N] [count=N] [skip=N]\n");
        return 2;
    }
    struct end e;
    const char *error = open_end(&e, argv[1], block);
    if (error) {
        print("cksum: %s: %s\n", argv[1], error);
        return 1;
    }
    u8 *buffer = allocate(unit, 4096);
    if (is_endless(&e) && count == ~0UL)
        error = "give count=";
    else if (!buffer)
        error = "not enough memory";
    u64 total = 0, left = count > ~0UL / block ? ~0UL : count * block;
    u32 crc = 0;
    e.at = skip * block;
    while (left && !error && !interrupted()) {
        u64 length = available(&e, left < unit ? left : unit);
        if (length)
            error = read_end(&e, buffer, &length);
        if (error || !length)
            break;
        crc = crc_update(crc, buffer, length);
        e.at += length;
        total += length;
        left -= length;
    }
    if (error)
        print("cksum: %s: %s\n", argv[1], error);
    error = close_end(&e, error);
    if (error || interrupted())
        return error ? 1 : 130;
    print("%u %lu %s\n", crc_finish(crc, total), total, argv[1]);
    return 0;
}

int command_pattern(int argc, char **argv)
{
    u64 count = ~0UL, seek = 0, seed = 1;
    bool write = argc > 1 && !strcmp(argv[1], "write");
    if (argc < 3 || (!write && strcmp(argv[1], "verify")) || !option_number(argc, argv, "count", &count) ||
        !option_number(argc, argv, "seek", &seek) || !option_number(argc, argv, "seed", &seed)) {
        print("usage: pattern write|verify DISK [count=SECTORS] [seek=SECTORS] [seed=N]\n");
        return 2;
    }
    struct disk *d = find_disk(argv[2]);
    if (!d || !d->ready || seek > d->blocks) {
        print("pattern: %s: No such device or address\n", argv[2]);
        return 1;
    }
    u64 end = count < d->blocks - seek ? seek + count : d->blocks, started = itc(), bytes = 0;
    u32 most = (512 << 10) / d->block_size;
    u8 *buffer = allocate(most * d->block_size, 4096);
    const char *error = buffer ? NULL : "not enough memory";
    for (u64 at = seek; at < end && !error && !interrupted();) {
        u32 part = end - at < most ? end - at : most;
        if (write) {
            pattern_fill(buffer, at, part, d->block_size, seed);
            error = disk_write(d, at, part, buffer);
        } else {
            error = disk_read(d, at, part, buffer);
            i64 wrong = error ? -1 : pattern_check(buffer, at, part, d->block_size, seed);
            if (wrong >= 0) {
                print("pattern: %s: wrong data in sector %lu at byte %lu\n", argv[2], at + wrong / d->block_size,
                      wrong % d->block_size);
                return 1;
            }
        }
        at += part;
        bytes += (u64)part * d->block_size;
    }
    if (write && !error)
        error = disk_flush(d);
    if (error) {
        print("pattern: %s: %s\n", argv[2], error);
        return 1;
    }
    print_rate(bytes, itc() - started);
    return interrupted() ? 130 : 0;
}
