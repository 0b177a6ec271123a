/* The console: a 16550 UART found through the HCDP table, else SPCR, else a console= word of the command line, else
   port 0x3f8. Output is polled, sixteen bytes at a time; input is by interrupt where one arrives, so that waiting costs
   nothing, and polled by a slow timer where none does. */
#include "diag.h"

enum { DATA = 0, IER = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5 };
enum { IER_RECEIVE = 1, IER_TRANSMIT = 2, LSR_DATA = 1, LSR_THRE = 0x20 };
#define INPUT_SIZE 1024
#define POLL_MICROSECONDS 20000

static struct {
    struct acpi_address registers;
    const char *source;
    u32 gsi;
    bool has_gsi, level, active_low, interrupt_driven, present;
    unsigned fifo_room;
    volatile u64 interrupts;
    u64 idle_interrupts;
    volatile u32 head, tail;
    volatile bool break_seen;
    u8 input[INPUT_SIZE];
} uart;
static lock console_lock;
static struct cpu *volatile console_owner;

static u64 register_address(unsigned offset)
{
    u64 at = uart.registers.address + offset;
    return uart.registers.space ? port_address(at) : at;
}
static u8 get_register(unsigned offset) { return load1(register_address(offset)); }
static void set_register(unsigned offset, u8 value) { store1(register_address(offset), value); }

/* HCDP/PCDP: UART records of 48 bytes from offset 40. */
static bool find_hcdp(void)
{
    u64 table = efi_table(GUID_HCDP);
    if (!table)
        return false;
    const u8 *t = cached(table);
    if (memcmp(t, "HCDP", 4))
        return false;
    u32 length, uarts;
    memcpy(&length, t + 4, 4);
    memcpy(&uarts, t + 36, 4);
    for (u32 i = 0; i < uarts && 40 + (i + 1) * 48 <= length; i++) {
        const u8 *record = t + 40 + i * 48;
        if (record[0] != 0)
            continue;
        uart.registers = read_generic_address(record + 16);
        memcpy(&uart.gsi, record + 32, 4);
        uart.has_gsi = uart.gsi != 0;
        uart.level = !(record[41] & 1);
        uart.active_low = record[41] & 2;
        uart.source = "HCDP";
        return uart.registers.address != 0;
    }
    return false;
}

static bool find_spcr(void)
{
    u64 table = acpi_table("SPCR");
    if (!table)
        return false;
    const u8 *t = cached(table);
    uart.registers = read_generic_address(t + 40);
    uart.has_gsi = t[52] & 0x0c;
    memcpy(&uart.gsi, t + 54, 4);
    uart.source = "SPCR";
    return uart.registers.address != 0;
}

static bool find_command_line(const char *text)
{
    for (; *text; text++) {
        if (strncmp(text, "console=uart", 12))
            continue;
        text = strchr(text, ',');
        if (!text)
            return false;
        bool port = !strncmp(text, ",io,", 4);
        text = strchr(text + 1, ',');
        if (!text)
            return false;
        char number[24];
        size_t n = 0;
        for (text++; *text && *text != ',' && *text != ' ' && n < sizeof number - 1; text++)
            number[n++] = *text;
        number[n] = 0;
        uart.registers.space = port;
        uart.source = "command line";
        return parse_number(number, &uart.registers.address);
    }
    return false;
}

void console_init(const char *command_line)
{
    if (!find_hcdp() && !find_spcr() && !find_command_line(command_line)) {
        if (!io_port_base)
            return;
        uart.registers = (struct acpi_address){1, 0x3f8};
        uart.source = "default";
    }
    uart.present = true;
    set_register(IER, 0);
    set_register(LCR, 0x83);
    set_register(DATA, 1); /* 115200 */
    set_register(IER, 0);
    set_register(LCR, 0x03);
    set_register(FCR, 0x07);
    set_register(MCR, 0x0b); /* DTR, RTS, OUT2 */
}

/* Input by interrupt, if enabling the transmitter's interrupt shows that one arrives. */
void console_interrupts(void)
{
    if (!uart.present || !uart.has_gsi || !gsi_enable(uart.gsi, VECTOR_UART, uart.level, uart.active_low))
        return;
    u64 deadline = itc() + microseconds(5000);
    set_register(IER, IER_TRANSMIT);
    while (!uart.interrupts && itc() < deadline)
        pause();
    if (!uart.interrupts) {
        set_register(IER, 0);
        gsi_disable(uart.gsi);
        return;
    }
    uart.interrupt_driven = true;
    set_register(IER, IER_RECEIVE);
}

const char *console_description(void)
{
    static char text[96];
    format(text, sizeof text, "16550 at %s 0x%lx (%s), %s", uart.registers.space ? "port" : "memory",
           uart.registers.address, uart.source, uart.interrupt_driven ? "interrupt driven" : "polled");
    return text;
}

static void take_input(void)
{
    for (unsigned limit = 64; limit && (get_register(LSR) & LSR_DATA); limit--) {
        u8 byte = get_register(DATA);
        if (byte == 3) { /* and what was typed before it is not wanted any more */
            uart.break_seen = true;
            uart.tail = uart.head;
        }
        u32 next = (uart.head + 1) % INPUT_SIZE;
        if (next == uart.tail)
            continue;
        uart.input[uart.head] = byte;
        uart.head = next;
    }
}

void uart_interrupt(void)
{
    bool pending = false;
    uart.interrupts++;
    for (unsigned limit = 64; limit; limit--) {
        u8 cause = get_register(IIR);
        if (cause & 1)
            break;
        pending = true;
        switch (cause & 0x0e) {
        case 0x02: set_register(IER, get_register(IER) & ~IER_TRANSMIT); break;
        case 0x04:
        case 0x0c: take_input(); break;
        case 0x06: get_register(LSR); break;
        default: get_register(6); break;
        }
    }
    /* A line with the wrong polarity would never rest. */
    uart.idle_interrupts = pending ? 0 : uart.idle_interrupts + 1;
    if (uart.idle_interrupts > 1000) {
        gsi_disable(uart.gsi);
        uart.interrupt_driven = false;
    }
    gsi_end(uart.gsi, VECTOR_UART);
}

/* A UART that never empties must not hang the machine: give each byte a tenth of a second. */
static void put_byte(u8 byte)
{
    if (!uart.fifo_room) {
        u64 start = itc();
        while (!(get_register(LSR) & LSR_THRE) && (!itc_frequency || itc() - start < itc_frequency / 10))
            pause();
        uart.fifo_room = 16;
    }
    set_register(DATA, byte);
    uart.fifo_room--;
}

void console_write(const char *text, size_t length)
{
    if (!uart.present)
        return;
    u64 saved = interrupts_off();
    lock_take(&console_lock);
    console_owner = this_cpu();
    uart.fifo_room = 0;
    for (; length; length--, text++) {
        if (*text == '\n')
            put_byte('\r');
        put_byte(*text);
    }
    console_owner = NULL;
    lock_give(&console_lock);
    interrupts_restore(saved);
}

void console_release(void)
{
    if (console_owner != this_cpu())
        return;
    console_owner = NULL;
    lock_give(&console_lock);
}

void print(const char *text, ...)
{
    char line[512];
    va_list list;
    va_start(list, text);
    size_t length = format_list(line, sizeof line, text, list);
    va_end(list);
    console_write(line, length < sizeof line ? length : sizeof line - 1);
}

int console_read(void)
{
    u64 saved = interrupts_off();
    if (uart.present && !uart.interrupt_driven)
        take_input();
    int c = -1;
    if (uart.tail != uart.head) {
        c = uart.input[uart.tail];
        uart.tail = (uart.tail + 1) % INPUT_SIZE;
    }
    interrupts_restore(saved);
    return c;
}

int console_wait(void)
{
    for (;;) {
        u64 saved = interrupts_off();
        int c = console_read();
        if (c < 0 && !power_button_pressed() && !virtio_take_event()) {
            if (!uart.interrupt_driven)
                timer_arm(itc() + microseconds(POLL_MICROSECONDS));
            halt_until_interrupt();
        }
        interrupts_restore(saved);
        if (c >= 0)
            return c;
        if (power_button_pressed()) {
            print("\npower button pressed\n");
            power_off();
        }
    }
}

bool interrupted(void)
{
    if (uart.present && !uart.interrupt_driven) {
        u64 saved = interrupts_off();
        take_input();
        interrupts_restore(saved);
    }
    return uart.break_seen || power_button_pressed();
}

/* Input typed ahead stays, except the Ctrl-C that has done its work. */
void clear_interrupted(void)
{
    u64 saved = interrupts_off();
    uart.break_seen = false;
    if (uart.tail != uart.head && uart.input[uart.tail] == 3)
        uart.tail = (uart.tail + 1) % INPUT_SIZE;
    interrupts_restore(saved);
}
