/* Memory and text routines. */
#include "diag.h"

void *memcpy(void *to, const void *from, size_t length)
{
    u8 *t = to;
    const u8 *f = from;
    if ((((u64)t | (u64)f) & 7) == 0)
        for (; length >= 8; length -= 8, t += 8, f += 8)
            *(u64 *)t = *(const u64 *)f;
    while (length--)
        *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t length)
{
    u8 *t = to;
    const u8 *f = from;
    if (t <= f)
        return memcpy(to, from, length);
    while (length--)
        t[length] = f[length];
    return to;
}

void *memset(void *to, int byte, size_t length)
{
    u8 *t = to;
    u64 word = (u8)byte * 0x0101010101010101UL;
    for (; length && ((u64)t & 7); length--)
        *t++ = byte;
    for (; length >= 8; length -= 8, t += 8)
        *(u64 *)t = word;
    while (length--)
        *t++ = byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t length)
{
    const u8 *x = a, *y = b;
    for (; length; length--, x++, y++)
        if (*x != *y)
            return *x < *y ? -1 : 1;
    return 0;
}

size_t strlen(const char *text)
{
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t length)
{
    for (; length; length--, a++, b++) {
        if (*a != *b)
            return (u8)*a - (u8)*b;
        if (!*a)
            break;
    }
    return 0;
}

char *strchr(const char *text, int c)
{
    for (;; text++) {
        if (*text == (char)c)
            return (char *)text;
        if (!*text)
            return NULL;
    }
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

bool parse_number(const char *text, u64 *value)
{
    u64 base = 10, number = 0;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        base = 16, text += 2;
    if (digit_value(*text) >= (int)base)
        return false;
    for (; digit_value(*text) < (int)base; text++) {
        u64 digit = digit_value(*text);
        if (number > (~0UL - digit) / base)
            return false;
        number = number * base + digit;
    }
    unsigned shift = 0;
    switch (*text) {
    case 'b': shift = 9; break;
    case 'k':
    case 'K': shift = 10; break;
    case 'm':
    case 'M': shift = 20; break;
    case 'g':
    case 'G': shift = 30; break;
    case 0: break;
    default: return false;
    }
    if (*text && text[1])
        return false;
    if (shift && number >> (64 - shift))
        return false;
    *value = number << shift;
    return true;
}

struct sink {
    char *buffer;
    size_t size, length;
};

static void put(struct sink *s, char c)
{
    if (s->length + 1 < s->size)
        s->buffer[s->length] = c;
    s->length++;
}

static void put_padded(struct sink *s, const char *text, size_t length, unsigned width, bool left, char fill)
{
    size_t padding = width > length ? width - length : 0;
    if (!left)
        while (padding) {
            put(s, fill);
            padding--;
        }
    for (size_t i = 0; i < length; i++)
        put(s, text[i]);
    while (padding--)
        put(s, ' ');
}

size_t format_list(char *buffer, size_t size, const char *text, va_list list)
{
    struct sink s = {buffer, size, 0};
    for (; *text; text++) {
        if (*text != '%') {
            put(&s, *text);
            continue;
        }
        bool left = false, is_long = false, negative = false;
        char fill = ' ', digits[24];
        unsigned width = 0;
        text++;
        for (;; text++)
            if (*text == '-')
                left = true;
            else if (*text == '0')
                fill = '0';
            else
                break;
        if (*text == '*') {
            width = va_arg(list, int);
            text++;
        }
        for (; *text >= '0' && *text <= '9'; text++)
            width = width * 10 + (*text - '0');
        for (; *text == 'l' || *text == 'z'; text++)
            is_long = true;
        u64 value, base = *text == 'x' || *text == 'X' ? 16 : 10;
        switch (*text) {
        case 'c':
            digits[0] = va_arg(list, int);
            put_padded(&s, digits, 1, width, left, ' ');
            continue;
        case 's': {
            const char *string = va_arg(list, const char *);
            put_padded(&s, string, strlen(string), width, left, ' ');
            continue;
        }
        case 'd': {
            i64 number = is_long ? va_arg(list, i64) : va_arg(list, int);
            negative = number < 0;
            value = negative ? -(u64)number : (u64)number;
            break;
        }
        case 'u':
        case 'x':
        case 'X': value = is_long ? va_arg(list, u64) : va_arg(list, unsigned); break;
        case 'p':
            value = va_arg(list, u64);
            base = 16;
            break;
        default: put(&s, *text); continue;
        }
        unsigned at = sizeof digits;
        do {
            digits[--at] = (*text == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[value % base];
            value /= base;
        } while (value);
        if (negative && fill == ' ')
            digits[--at] = '-';
        else if (negative)
            put(&s, '-');
        put_padded(&s, digits + at, sizeof digits - at, width, left, left ? ' ' : fill);
    }
    if (size)
        buffer[s.length < size ? s.length : size - 1] = 0;
    return s.length;
}

size_t format(char *buffer, size_t size, const char *text, ...)
{
    va_list list;
    va_start(list, text);
    size_t length = format_list(buffer, size, text, list);
    va_end(list);
    return length;
}
