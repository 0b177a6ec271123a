/* Test data and check sums. */
#include "diag.h"

/* xorshift64*: small, fast, and the same everywhere. */
u64 random_next(u64 *state)
{
    u64 x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1dUL;
}

/* Every block depends on its address and the seed only, so a misplaced block is as visible as a damaged one. */
static u64 block_state(u64 block, u64 seed) { return (block + 1) * 0x9e3779b97f4a7c15UL ^ seed << 1 ^ 0x5555; }

void pattern_fill(void *data, u64 first_block, u32 count, u32 block_size, u64 seed)
{
    u64 *word = data;
    for (u64 block = first_block; block < first_block + count; block++) {
        u64 state = block_state(block, seed);
        *word++ = block;
        for (u32 i = 8; i < block_size; i += 8)
            *word++ = random_next(&state);
    }
}

i64 pattern_check(const void *data, u64 first_block, u32 count, u32 block_size, u64 seed)
{
    const u64 *word = data;
    for (u64 block = first_block; block < first_block + count; block++) {
        u64 state = block_state(block, seed);
        for (u32 i = 0; i < block_size; i += 8, word++)
            if (*word != (i ? random_next(&state) : block))
                return (const u8 *)word - (const u8 *)data;
    }
    return -1;
}

/* POSIX cksum: CRC-32, polynomial 04c11db7, most significant bit first, the length appended. Eight tables take eight
   bytes at a step. */
static u32 table[8][256];

static void make_table(void)
{
    for (u32 i = 0; i < 256; i++) {
        u32 crc = i << 24;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7 : 0);
        table[0][i] = crc;
    }
    for (unsigned t = 1; t < 8; t++)
        for (u32 i = 0; i < 256; i++)
            table[t][i] = table[t - 1][i] << 8 ^ table[0][table[t - 1][i] >> 24];
}

u32 crc_update(u32 crc, const u8 *p, u64 length)
{
    if (!table[0][1])
        make_table();
    for (; length >= 8; length -= 8, p += 8)
        crc = table[7][p[0] ^ crc >> 24] ^ table[6][p[1] ^ (crc >> 16 & 0xff)] ^ table[5][p[2] ^ (crc >> 8 & 0xff)] ^
              table[4][p[3] ^ (crc & 0xff)] ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
    while (length--)
        crc = crc << 8 ^ table[0][crc >> 24 ^ *p++];
    return crc;
}

u32 crc_finish(u32 crc, u64 length)
{
    for (; length; length >>= 8)
        crc = crc << 8 ^ table[0][crc >> 24 ^ (length & 0xff)];
    return ~crc;
}
