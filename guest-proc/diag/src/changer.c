/* Media changers: mc, in the form HP-UX gives it (mc(1M)). */
#include "diag.h"

enum { OP_MOVE_MEDIUM = 0xa5, OP_READ_ELEMENT_STATUS = 0xb8 };
/* Bytes of the headers of READ ELEMENT STATUS data, of its pages and of a descriptor, as far as it is read (SMC-3). */
enum { STATUS_HEADER = 8, PAGE_HEADER = 8, DESCRIPTOR = 3 };
enum { FULL = 1 };
#define MAX_STATUS (256u << 10)
#define MAX_MOVES 2

static const struct kind {
    char letter;
    u8 code;
    const char *name;
} kinds[] = {{'M', 1, "MT"}, {'S', 2, "ST"}, {'I', 3, "IE"}, {'D', 4, "DT"}};

static const struct kind *kind_of(char letter)
{
    for (unsigned i = 0; i < LENGTH(kinds); i++)
        if (kinds[i].letter == letter)
            return &kinds[i];
    return NULL;
}

/* The elements of a kind, as the changer reports them: how many there are, and what went wrong, or NULL. */
static const char *read_elements(struct disk *changer, const struct kind *kind, u8 *data, u32 *descriptors, u32 *length)
{
    const u8 cdb[12] = {OP_READ_ELEMENT_STATUS, kind->code, 0, 0, 0xff, 0xff, 0,
                        MAX_STATUS >> 16 & 0xff, MAX_STATUS >> 8 & 0xff, MAX_STATUS & 0xff};
    memset(data, 0, STATUS_HEADER + PAGE_HEADER);
    *descriptors = *length = 0;
    const char *error = disk_command(changer, cdb, sizeof cdb, data, MAX_STATUS, false, NULL);
    if (error)
        return error;
    u32 bytes = big_endian(data + STATUS_HEADER + 5, 3), each = big_endian(data + STATUS_HEADER + 2, 2);
    if (big_endian(data + 5, 3) < PAGE_HEADER || data[STATUS_HEADER] != kind->code || each < DESCRIPTOR)
        return NULL;
    if (bytes > MAX_STATUS - STATUS_HEADER - PAGE_HEADER)
        bytes = MAX_STATUS - STATUS_HEADER - PAGE_HEADER;
    *descriptors = bytes / each;
    *length = each;
    return NULL;
}

static const u8 *descriptor(const u8 *data, u32 length, u32 index)
{
    return data + STATUS_HEADER + PAGE_HEADER + (u64)index * length;
}

static const char *print_elements(struct disk *changer, const char *letters, u8 *data)
{
    for (; *letters; letters++) {
        const struct kind *kind = kind_of(*letters);
        u32 count, length;
        const char *error = read_elements(changer, kind, data, &count, &length);
        if (error)
            return error;
        for (u32 i = 0; i < count; i++)
            print("%s_slot_%u %s\n", kind->name, i + 1, descriptor(data, length, i)[2] & FULL ? "FULL" : "EMPTY");
    }
    return NULL;
}

/* The address of an element such as S1. */
static const char *find_element(struct disk *changer, const char *name, u8 *data, u16 *address)
{
    u64 number;
    u32 count, length;
    parse_number(name + 1, &number);
    const char *error = read_elements(changer, kind_of(*name), data, &count, &length);
    if (!error && (!number || number > count))
        return "No such element";
    if (!error)
        *address = big_endian(descriptor(data, length, number - 1), 2);
    return error;
}

static const char *move(struct disk *changer, const char *from, const char *to, u8 *data)
{
    u16 source, destination;
    const char *error = find_element(changer, from, data, &source);
    if (!error)
        error = find_element(changer, to, data, &destination);
    if (error)
        return error;
    const u8 cdb[12] = {OP_MOVE_MEDIUM, 0, 0, 0, source >> 8, source & 0xff, destination >> 8, destination & 0xff};
    return disk_command(changer, cdb, sizeof cdb, NULL, 0, false, NULL);
}

static bool is_element(const char *name)
{
    u64 number;
    return kind_of(*name) && parse_number(name + 1, &number);
}

static bool are_kinds(const char *letters)
{
    if (!*letters)
        return false;
    while (*letters && kind_of(*letters))
        letters++;
    return !*letters;
}

int command_mc(int argc, char **argv)
{
    const char *name = NULL, *show = NULL, *from[MAX_MOVES], *to[MAX_MOVES];
    unsigned sources = 0, destinations = 0;
    bool good = argc > 1;
    for (int i = 1; good && i < argc; i++) {
        good = argv[i][0] == '-' && argv[i][1];
        if (!good)
            break;
        const char option = argv[i][1], *value = argv[i][2] ? argv[i] + 2 : ++i < argc ? argv[i] : "";
        switch (option) {
        case 'p': name = value; break;
        case 'r': show = value; good = are_kinds(value); break;
        case 's':
            good = sources < MAX_MOVES && is_element(value);
            if (good)
                from[sources++] = value;
            break;
        case 'd':
            good = destinations < MAX_MOVES && is_element(value);
            if (good)
                to[destinations++] = value;
            break;
        default: good = false;
        }
    }
    if (!good || sources != destinations || (!sources && !show)) {
        print("usage: mc [-p device] [-r element_types] [-s element -d element]...   (elements D1, S1, I1; at most 2 moves)\n");
        return 2;
    }
    struct disk *changer = find_changer(name);
    u8 *data = allocate(MAX_STATUS, 4096);
    const char *error = !changer ? "No such device or address" : !data ? "not enough memory" : NULL;
    for (unsigned i = 0; i < sources && !error; i++)
        error = move(changer, from[i], to[i], data);
    if (!error && show)
        error = print_elements(changer, show, data);
    if (!error)
        return 0;
    print("mc: %s: %s\n", name ? name : "changer", error);
    return 1;
}
