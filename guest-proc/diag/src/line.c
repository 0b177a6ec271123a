/* Line editing: backspace, Ctrl-U (kill), Ctrl-W (word), Ctrl-L (redraw), Ctrl-C (abandon), history with the arrow keys
   or Ctrl-P and Ctrl-N. */
#include "diag.h"

#define LINE_SIZE 256
#define HISTORY 16

static char history[HISTORY][LINE_SIZE];
static unsigned history_count;

struct editor {
    const char *prompt;
    char *line;
    size_t size, length;
    unsigned back; /* lines back in history, 0 = the new line */
    char draft[LINE_SIZE];
};

static const char *remembered(unsigned back) { return history[(history_count - back) % HISTORY]; }

static void redraw(struct editor *e)
{
    print("\r\033[K%s", e->prompt);
    console_write(e->line, e->length);
}

static void erase(struct editor *e, size_t count)
{
    while (count-- && e->length) {
        e->length--;
        print("\b \b");
    }
}

static void erase_word(struct editor *e)
{
    while (e->length && e->line[e->length - 1] == ' ')
        erase(e, 1);
    while (e->length && e->line[e->length - 1] != ' ')
        erase(e, 1);
}

static void recall(struct editor *e, int step)
{
    unsigned oldest = history_count < HISTORY ? history_count : HISTORY;
    if ((step > 0 && e->back >= oldest) || (step < 0 && e->back == 0))
        return;
    if (e->back == 0) {
        memcpy(e->draft, e->line, e->length);
        e->draft[e->length] = 0;
    }
    e->back += step;
    const char *text = e->back ? remembered(e->back) : e->draft;
    e->length = strlen(text);
    if (e->length > e->size - 1)
        e->length = e->size - 1;
    memcpy(e->line, text, e->length);
    redraw(e);
}

/* The rest of an escape sequence: ESC [ or ESC O, parameters, a final letter. */
static int escape_sequence(void)
{
    int c = console_wait();
    if (c != '[' && c != 'O')
        return 0;
    do
        c = console_wait();
    while ((c >= '0' && c <= '9') || c == ';');
    return c;
}

static void remember(const char *line)
{
    if (!*line || (history_count && !strcmp(remembered(1), line)))
        return;
    char *slot = history[history_count++ % HISTORY];
    size_t length = strlen(line);
    if (length > LINE_SIZE - 1)
        length = LINE_SIZE - 1;
    memcpy(slot, line, length);
    slot[length] = 0;
}

bool read_line(const char *prompt, char *line, size_t size)
{
    struct editor e = {.prompt = prompt, .line = line, .size = size < LINE_SIZE ? size : LINE_SIZE};
    print("%s", prompt);
    for (;;) {
        int c = console_wait();
        switch (c) {
        case '\r':
        case '\n':
            print("\n");
            line[e.length] = 0;
            remember(line);
            return true;
        case 3: /* Ctrl-C */ print("^C\n"); return false;
        case 8:
        case 127: erase(&e, 1); break;
        case 21: /* Ctrl-U */ erase(&e, e.length); break;
        case 23: /* Ctrl-W */ erase_word(&e); break;
        case 12: /* Ctrl-L */
            print("\033[H\033[2J");
            redraw(&e);
            break;
        case 16: recall(&e, 1); break;
        case 14: recall(&e, -1); break;
        case 27:
            c = escape_sequence();
            if (c == 'A' || c == 'B')
                recall(&e, c == 'A' ? 1 : -1);
            break;
        default:
            if (c >= ' ' && c < 127 && e.length < e.size - 1) {
                line[e.length++] = c;
                char echo = c;
                console_write(&echo, 1);
            }
        }
    }
}
