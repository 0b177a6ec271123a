/* Boot order, command table and the two ways of running commands: the shell and run= of the command line. */
#include "diag.h"

void boot_main(unsigned cpu, u64 boot_parameters);
static int command_help(int argc, char **argv);
static int command_rescan(int argc, char **argv);

static const struct command commands[] = {
    {"help", "", "this list", command_help},
    {"ioscan", "[-fknuN] [-C CLASS] [-m lun]", "hardware, after scanning the adapters (-k: without)", command_ioscan},
    {"diskinfo", "[-b] DISK", "what a disk says about itself", command_diskinfo},
    {"mt", "[-f TAPE] OPERATION [COUNT]", "position, mark, reserve a tape, or tell its state", command_mt},
    {"mc", "[-p CHANGER] [-r DSI] [-s S1 -d D1]", "tell what is in a media changer, or move it", command_mc},
    {"dd", "if=X of=Y [bs=N] [count=N] [skip=N] [seek=N]",
     "copy; X, Y: disk, tape, /dev/zero, /dev/random, /dev/null, mem:ADDR", command_dd},
    {"cksum", "X [bs=N] [count=N] [skip=N]", "POSIX check sum of a disk, or of mem:ADDR with count=", command_cksum},
    {"pattern", "write|verify DISK [count=N] [seek=N] [seed=N]", "numbered blocks (write destroys data)",
     command_pattern},
    {"rescan", "", "look for storage again", command_rescan},
    {"bench", "[int|branch|call|fp|mem|atomic|tlb|all]", "speed of the processor", command_bench},
    {"stress", "SECONDS [DISK]", "verifying load on every processor (a named disk is overwritten)", command_stress},
    {"selfcheck", "[SUITE] [write]",
     "check the machine (write: also the last blocks of each disk, put back afterwards)", command_selfcheck},
    {"machinfo", "", "processors, memory, firmware", command_machinfo},
    {"crash", "[null|illegal|stack|loop]", "fault on purpose (loop is final)", command_crash},
    {"reboot", "", "warm reset through EFI", command_reboot},
    {"shutdown", "", "power off through ACPI", command_shutdown},
};

u64 cases_passed, cases_failed;
static struct context shell_context;

#define MAX_ARGUMENTS 24

static int command_help(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (unsigned i = 0; i < LENGTH(commands); i++)
        print("%s %s\n        %s\n", commands[i].name, commands[i].arguments, commands[i].help);
    print("Commands may be joined with ';'. Ctrl-C ends one. Numbers take 0x and the suffixes b (512) k m g.\n"
          "Batch: the boot argument run=COMMAND+ARGUMENT;... runs commands and powers off.\n");
    return 0;
}

static int command_rescan(int argc, char **argv)
{
    (void)argc, (void)argv;
    scsi_scan();
    unsigned present = 0;
    for (unsigned i = 0; i < disk_count; i++)
        present += disks[i].present;
    print("%u devices on %u adapters\n", present, adapter_count);
    return 0;
}

bool option_value(int argc, char **argv, const char *key, const char **value)
{
    size_t length = strlen(key);
    for (int i = 1; i < argc; i++)
        if (!strncmp(argv[i], key, length) && argv[i][length] == '=') {
            *value = argv[i] + length + 1;
            return true;
        }
    return false;
}

/* False when it is there and is not a number; untouched when it is not there. */
bool option_number(int argc, char **argv, const char *key, u64 *value)
{
    const char *text;
    return !option_value(argc, argv, key, &text) || parse_number(text, value);
}

static int split(char *text, char **words)
{
    int count = 0;
    while (count < MAX_ARGUMENTS) {
        while (*text == ' ' || *text == '\t')
            text++;
        if (!*text)
            break;
        words[count++] = text;
        while (*text && *text != ' ' && *text != '\t')
            text++;
        if (*text)
            *text++ = 0;
    }
    return count;
}

static const struct command *find_command(const char *name)
{
    for (unsigned i = 0; i < LENGTH(commands); i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

/* One command; a fault in it comes back here and is its failure. */
static int run_command(char *text)
{
    char *words[MAX_ARGUMENTS];
    int count = split(text, words);
    if (!count)
        return 0;
    const struct command *command = find_command(words[0]);
    if (!command) {
        print("%s: not found (help lists the commands)\n", words[0]);
        return 127;
    }
    u64 mark = heap_mark();
    this_cpu()->recovery = &shell_context;
    int status;
    clear_interrupted();
    if (context_save(&shell_context) == 0) {
        status = command->run(count, words);
    } else {
        print("*** command ended by the fault above\n");
        status = 139;
    }
    interrupts_on();
    this_cpu()->recovery = NULL;
    this_cpu()->resume_at = 0;
    heap_release(mark);
    return status;
}

/* Commands separated by ';', until one fails. */
int run_command_line(char *text)
{
    int status = 0;
    while (text && !status && !power_button_pressed()) {
        char *next = strchr(text, ';');
        if (next)
            *next++ = 0;
        status = run_command(text);
        text = next;
    }
    return status;
}

void shell(void)
{
    static char line[256];
    for (;;) {
        clear_interrupted();
        if (read_line("diag# ", line, sizeof line))
            run_command_line(line);
        if (power_button_pressed())
            power_off();
    }
}

void result(const char *suite, const char *name, bool passed, u64 expected, u64 got)
{
    if (passed) {
        cases_passed++;
        print("KITTSON suite=%s case=%s status=PASS\n", suite, name);
    } else {
        cases_failed++;
        print("KITTSON suite=%s case=%s status=FAIL expected=0x%lx got=0x%lx\n", suite, name, expected, got);
    }
}

void batch(char *text)
{
    for (char *c = text; *c; c++)
        if (*c == '+')
            *c = ' ';
    while (text) {
        char name[24] = "";
        char *next = strchr(text, ';');
        if (next)
            *next++ = 0;
        while (*text == ' ')
            text++;
        for (size_t i = 0; i < sizeof name - 1 && text[i] && text[i] != ' '; i++)
            name[i] = text[i];
        if (*name) {
            int status = run_command(text);
            result("run", name, status == 0, 0, status);
        }
        text = next;
    }
    print("DONE passed=%lu failed=%lu\n", cases_passed, cases_failed);
    power_off();
}

void power_off(void)
{
    acpi_power_off();
    u64 deadline = itc() + itc_frequency;
    while ((i64)(itc() - deadline) < 0)
        pause();
    print("power-off had no effect; halted\n");
    for (;;)
        halt_until_interrupt();
}

/* The value of run= on the boot command line, or NULL. */
static char *batch_commands(void)
{
    static char text[2048];
    const char *line = boot.command_line ? cached(boot.command_line) : "";
    for (const char *at = line; *at; at++) {
        if (strncmp(at, "run=", 4) || (at != line && at[-1] != ' '))
            continue;
        size_t n = 0;
        for (at += 4; *at && *at != ' ' && n < sizeof text - 1; at++)
            text[n++] = *at;
        text[n] = 0;
        return text;
    }
    return NULL;
}

void boot_main(unsigned cpu, u64 boot_parameters)
{
    this_cpu()->number = cpu;
    this_cpu()->online = 1;
    memcpy(&boot, cached(boot_parameters), sizeof boot);
    memory_init();
    firmware_init();
    acpi_init();
    interrupts_init();
    test_region_init(0);
    console_init(boot.command_line ? cached(boot.command_line) : "");
    interrupts_on();
    console_interrupts();
    acpi_enable_power_button();
    print("\n\nKittson diagnostic guest %s\n", DIAG_VERSION);
    smp_start();
    pci_scan();
    virtio_init();
    scsi_scan();
    banner();
    char *commands = batch_commands();
    if (commands)
        batch(commands);
    print("Type help for the commands.\n");
    shell();
}
