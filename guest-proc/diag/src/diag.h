/* Everything the parts of the diagnostic guest know of each other, part by part. */
#ifndef DIAG_H
#define DIAG_H

#include "ia64.h"

#define DIAG_VERSION "1.0"

/* --- text.c: the few library routines GCC and we need ------------------------------------------------------- */
void *memcpy(void *to, const void *from, size_t length);
void *memmove(void *to, const void *from, size_t length);
void *memset(void *to, int byte, size_t length);
int memcmp(const void *a, const void *b, size_t length);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t length);
char *strchr(const char *text, int c);
/* Number in decimal, 0x hexadecimal or 0 octal, with a suffix k, m, g or b (512); false when it is none. */
bool parse_number(const char *text, u64 *value);
/* %c %s %d %u %x with l, a width, - and 0. Returns the length it wanted. */
size_t format(char *buffer, size_t size, const char *text, ...) __attribute__((format(printf, 3, 4)));
size_t format_list(char *buffer, size_t size, const char *text, va_list list);

/* --- console.c: the UART ------------------------------------------------------------------------------------ */
void console_init(const char *command_line);
void console_interrupts(void);
void print(const char *text, ...) __attribute__((format(printf, 1, 2)));
void console_write(const char *text, size_t length);
/* Next character, or -1. */
int console_read(void);
/* Waits without using the processor. */
int console_wait(void);
const char *console_description(void);
void uart_interrupt(void);
/* Ctrl-C was typed or the power button pressed since the last clear. */
bool interrupted(void);
void clear_interrupted(void);
/* After a fault: this processor no longer holds the console. */
void console_release(void);

/* --- line.c: line editing ----------------------------------------------------------------------------------- */
/* Reads one line with editing and history; false when it was abandoned with Ctrl-C. */
bool read_line(const char *prompt, char *line, size_t size);

/* --- memory.c ----------------------------------------------------------------------------------------------- */
struct boot_param {
    u64 command_line, efi_systab, efi_memmap, efi_memmap_size, efi_memdesc_size;
    u32 efi_memdesc_version;
    u16 columns, rows, x, y;
    u32 pad;
    u64 fpswa, initrd_start, initrd_size;
};
struct efi_memory_descriptor {
    u32 type, pad;
    u64 physical, virtual, pages, attribute;
};
enum { EFI_CONVENTIONAL = 7, EFI_IO_PORTS = 12, EFI_PAL_CODE = 13 };
#define EFI_ATTRIBUTE_WB 8UL
extern struct boot_param boot;
void memory_init(void);
/* Calls `visit` for each descriptor of the EFI map until it returns false. */
void memory_map_walk(bool (*visit)(struct efi_memory_descriptor *, void *), void *context);
u64 memory_total(void);
u64 memory_free(void);
/* Zeroed memory in region 7, or NULL; align is a power of two. */
void *allocate(u64 size, u64 align);
/* Commands give back everything they took: mark, …, release. */
u64 heap_mark(void);
void heap_release(u64 mark);
/* What is allocated now stays: a device may still write there. */
void heap_pin(void);
u64 physical_address(const void *address);

/* --- test region: region 1, 16 KiB pages through the VHPT ---------------------------------------------------- */
#define TEST_PAGE_SIZE (1UL << TEST_PAGE_SHIFT)
#define TEST_PAGES (TEST_TABLE_SIZE / 8)
extern u64 test_table[TEST_PAGES];
void test_region_init(unsigned cpu);
u64 test_address(u64 page);
u64 vhpt_address(u64 page);
u64 implemented_va_msb(void);

/* --- firmware.c: EFI, SAL, PAL ------------------------------------------------------------------------------- */
struct firmware_result {
    i64 status;
    u64 v0, v1, v2;
};
struct firmware_result pal_static(u64 entry, u64 index, u64 a1, u64 a2, u64 a3);
struct firmware_result firmware_call(u64 entry, u64 gp, const u64 arguments[8]);
struct firmware_result firmware_call_physical(u64 entry, u64 gp, const u64 arguments[8]);
enum {
    PAL_FREQ_RATIOS = 14,
    PAL_VM_SUMMARY = 8,
    PAL_RSE_INFO = 19,
    PAL_VERSION = 20,
    PAL_MC_REGISTER_MEM = 27,
    PAL_HALT_LIGHT = 29,
    PAL_BRAND_INFO = 274,
    SAL_SET_VECTORS = 0x01000000,
    SAL_PCI_CONFIG_READ = 0x01000010,
    SAL_PCI_CONFIG_WRITE = 0x01000011,
    SAL_FREQ_BASE = 0x01000012,
};
struct efi_time {
    u16 year;
    u8 month, day, hour, minute, second, pad;
    u32 nanosecond;
    u16 timezone;
    u8 daylight, pad2;
};
struct firmware_info {
    u16 sal_revision, efi_major, efi_minor;
    u64 wakeup_vector;
    char vendor[48], product[33], oem[33];
    bool efi_virtual;
};
extern struct firmware_info firmware;
extern u64 itc_frequency, processor_frequency, bus_frequency;
/* Procedures of the firmware, in region 7. */
extern u64 pal_entry, sal_entry, sal_gp;
void firmware_init(void);
void pal_map_code(void);
u64 efi_table(const u8 guid[16]);
extern const u8 GUID_ACPI_20[16], GUID_HCDP[16];
struct firmware_result pal(u64 index, u64 a1, u64 a2, u64 a3);
struct firmware_result pal_stacked(u64 index, u64 a1, u64 a2, u64 a3);
struct firmware_result sal(u64 index, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5, u64 a6, u64 a7);
i64 efi_get_time(struct efi_time *time);
void efi_reset_warm(void);
void processor_brand(char *text, size_t size);

/* --- acpi.c -------------------------------------------------------------------------------------------------- */
struct io_sapic {
    u64 address;
    u32 gsi_base, pins;
};
#define MAX_IO_SAPICS 8
struct acpi_info {
    u64 interrupt_block;
    struct io_sapic io_sapics[MAX_IO_SAPICS];
    unsigned io_sapic_count;
    u16 cpu_ids[MAX_CPUS]; /* id << 8 | eid of enabled processors */
    unsigned cpu_count, cpus_ignored;
    bool s5_known;
};
extern struct acpi_info acpi;
void acpi_init(void);
/* Physical address of a table, or 0. */
u64 acpi_table(const char signature[4]);
void acpi_enable_power_button(void);
void sci_interrupt(void);
bool power_button_pressed(void);
/* Does not return unless the machine ignores it. */
void acpi_power_off(void);
/* A register in memory or in port space: ACPI's address space identifiers 0 and 1. */
struct acpi_address {
    u8 space;
    u64 address;
};
struct acpi_address read_generic_address(const u8 *gas);

/* --- legacy port space, sparse in memory -------------------------------------------------------------------------- */
extern u64 io_port_base;
static inline u64 port_address(u64 port) { return io_port_base | (port >> 2) << 12 | (port & 0xfff); }

/* --- interrupt.c --------------------------------------------------------------------------------------------- */
/* What an interruption saves; offsets are in layout.h. */
struct frame {
    u64 vector, ipsr, iip, ifs, isr, ifa, itir, iipa, iim, iha, pr, pfs, unat, rsc, fpsr, ccv, lc, ec, bsp, zero;
    u64 b[8];
    u64 nats, pad;
    u64 r[32];
    u64 f[12];
};
void interrupts_init(void);
void interruption(struct frame *frame);
void send_interrupt(unsigned cpu, u8 vector);
/* Programs the redirection entry of a global system interrupt to the boot processor; false when there is none. */
bool gsi_enable(u32 gsi, u8 vector, bool level, bool active_low);
void gsi_disable(u32 gsi);
/* Ends a level interrupt at its IOSAPIC. */
void gsi_end(u32 gsi, u8 vector);
u64 msi_address(unsigned cpu);
/* One timer interrupt at `when` (ITC); the handler only counts it. */
void timer_arm(u64 when);
void timer_disarm(void);
/* Sleeps until an interrupt is pending; call with interrupts off after checking the condition, which is safe because a
   pending interrupt ends the halt at once. */
void halt_until_interrupt(void);
void delay_until(u64 when);
static inline u64 microseconds(u64 n) { return n * itc_frequency / 1000000; }

/* --- fault.c: reports and recovery ---------------------------------------------------------------------------- */
const char *vector_name(u64 vector);
void report(const struct frame *frame);

/* --- smp.c --------------------------------------------------------------------------------------------------- */
struct context {
    u64 words[64];
} __attribute__((aligned(16)));
int context_save(struct context *context) __attribute__((returns_twice));
void context_resume(const struct context *context) __attribute__((noreturn));
void call_on_stack(void (*function)(void), u64 stack_pointer);
void user_call(u64 entry);
void illegal_instruction(void);
extern char user_return[], illegal_return[], cpu_stacks[];

struct caught {
    u64 vector, isr, ifa, iip, ipsr, iim, itir, iha, iipa;
};
/* What one processor has of its own. The first fields are known to interruption.S. */
struct cpu {
    u64 stack_limit, stack_top, emergency_top;
    u64 vhpt_faults, dtlb_misses, itlb_misses, identity_data, identity_code;
    u64 resume_at;        /* where an expected fault continues, 0 when none is expected */
    struct caught caught; /* the last expected fault */
    u64 dirty_faults, access_faults, timer_interrupts, timer_early, call_interrupts;
    u64 number, lid;
    struct context *recovery; /* where an unexpected fault continues */
    u64 faults;
    volatile u64 online;
    void (*volatile job)(unsigned cpu, void *argument);
    void *volatile argument;
    volatile u64 job_posted, job_done;
    struct context park;
} __attribute__((aligned(1 << CPU_SHIFT)));
extern struct cpu cpus[MAX_CPUS];
extern unsigned cpu_count;
static inline struct cpu *this_cpu(void)
{
    struct cpu *cpu;
    asm volatile("mov %0 = r13" : "=r"(cpu));
    return cpu;
}
void smp_start(void);
/* Runs `job` on every processor, this one included, and waits. */
void run_everywhere(void (*job)(unsigned cpu, void *argument), void *argument);
/* The same on one other processor. */
void post_job(unsigned cpu, void (*job)(unsigned cpu, void *argument), void *argument);
bool job_finished(unsigned cpu);

typedef struct {
    volatile u32 held;
} lock;
void lock_take(lock *l);
void lock_give(lock *l);

/* --- pci.c --------------------------------------------------------------------------------------------------- */
struct pci_function {
    u8 bus, device, function;
    u16 vendor, id;
    u32 class;
    u8 revision;
};
#define MAX_PCI_FUNCTIONS 96
extern struct pci_function pci_functions[MAX_PCI_FUNCTIONS];
extern unsigned pci_count;
void pci_scan(void);
u32 pci_read(const struct pci_function *f, unsigned offset, unsigned size);
void pci_write(const struct pci_function *f, unsigned offset, unsigned size, u32 value);
u64 pci_bar(const struct pci_function *f, unsigned bar);
/* Offset of the next capability `id` after `from` (0: from the start), or 0. */
unsigned pci_capability(const struct pci_function *f, u8 id, unsigned from);

/* --- virtio.c, scsi.c ---------------------------------------------------------------------------------------- */
struct scsi_request {
    u8 target;
    u16 lun;
    u8 cdb[16];
    void *data; /* identity-mapped or image memory, physically contiguous */
    u32 length;
    bool write;
    /* Result. */
    volatile bool done;
    u8 response, status;
    u32 residual;
    u8 sense_length;
    u8 sense[96];
};
enum { SCSI_OK = 0, SCSI_BAD_TARGET = 3, SCSI_NO_DRIVER = 0x100, SCSI_ABANDONED = 0x101 };
struct adapter;
#define MAX_ADAPTERS 64
extern struct adapter *adapters[MAX_ADAPTERS];
extern unsigned adapter_count;
void virtio_init(void);
const struct pci_function *adapter_function(const struct adapter *adapter);
u64 adapter_interrupts(const struct adapter *adapter);
bool adapter_uses_interrupts(const struct adapter *adapter);
unsigned adapter_queues(const struct adapter *adapter);
unsigned adapter_max_target(const struct adapter *adapter);
u32 adapter_max_transfer(const struct adapter *adapter);
/* Runs requests side by side, as many as the ring holds; false when the wait was given up (Ctrl-C). */
bool scsi_run(struct adapter *adapter, struct scsi_request *requests, unsigned count);
void virtio_interrupt(unsigned which);
bool virtio_take_event(void);

struct disk {
    struct adapter *adapter;
    unsigned adapter_instance, instance;
    u8 target, type;
    u16 lun;
    bool present, removable, ready;
    char vendor[9], product[17], revision[5], serial[37];
    u64 blocks;
    u32 block_size;
};
#define MAX_DISKS 256
extern struct disk disks[MAX_DISKS];
extern unsigned disk_count;
enum { SCSI_DISK = 0, SCSI_TAPE = 1, SCSI_CD = 5, SCSI_CHANGER = 8 };
/* A number as SCSI has it. */
u64 big_endian(const u8 *at, unsigned bytes);
void scsi_scan(void);
struct disk *find_disk(const char *name);
const char *device_kind(u8 type);
/* Errors are texts; NULL is success. */
const char *disk_read(struct disk *disk, u64 block, u32 count, void *data);
const char *disk_write(struct disk *disk, u64 block, u32 count, const void *data);
const char *disk_flush(struct disk *disk);
/* One command as it is, target and LUN filled in; NULL, or what went wrong. */
const char *scsi_command(struct disk *disk, struct scsi_request *request);
/* One command; NULL, or what went wrong. sense (3 bytes: key, asc, ascq) may be NULL. */
const char *disk_command(struct disk *disk, const u8 *cdb, unsigned cdb_length, void *data, u32 length, bool write,
                         u8 sense[3]);

struct tape {
    struct disk *disk;
    bool rewinds, loaded, wrote, variable;
    u8 key, flags; /* of the last command's sense data */
};
struct disk *find_tape(const char *name, bool *rewinds);
const char *tape_open(struct tape *tape, const char *name);
/* One record of at most `size` bytes; length 0 is a filemark or the end of data. */
const char *tape_read(struct tape *tape, void *data, u32 size, u64 *length);
const char *tape_write(struct tape *tape, void *data, u32 size);
const char *tape_close(struct tape *tape);
struct disk *find_changer(const char *name);

/* --- commands ------------------------------------------------------------------------------------------------ */
struct command {
    const char *name, *arguments, *help;
    int (*run)(int argc, char **argv);
};
int run_command_line(char *text);
void shell(void) __attribute__((noreturn));
void batch(char *commands) __attribute__((noreturn));
void power_off(void) __attribute__((noreturn));
bool option_value(int argc, char **argv, const char *key, const char **value);
bool option_number(int argc, char **argv, const char *key, u64 *value);

int command_ioscan(int argc, char **argv);
int command_diskinfo(int argc, char **argv);
int command_mt(int argc, char **argv);
int command_mc(int argc, char **argv);
int command_dd(int argc, char **argv);
int command_cksum(int argc, char **argv);
int command_pattern(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_stress(int argc, char **argv);
int command_selfcheck(int argc, char **argv);
int command_machinfo(int argc, char **argv);
int command_crash(int argc, char **argv);
int command_reboot(int argc, char **argv);
int command_shutdown(int argc, char **argv);
void banner(void);

/* --- pattern.c ----------------------------------------------------------------------------------------------- */
u64 random_next(u64 *state);
void pattern_fill(void *data, u64 first_block, u32 count, u32 block_size, u64 seed);
/* Index of the first wrong byte, or -1. */
i64 pattern_check(const void *data, u64 first_block, u32 count, u32 block_size, u64 seed);
u32 crc_update(u32 crc, const u8 *data, u64 length);
u32 crc_finish(u32 crc, u64 length);

/* --- selfcheck*.c ----------------------------------------------------------------------------------------------- */
extern u64 cases_passed, cases_failed;
/* Prints the protocol line of one case and counts it. */
void result(const char *suite, const char *name, bool passed, u64 expected, u64 got);
#define CHECK(name, got, expected)                                                                                     \
    do {                                                                                                               \
        u64 got_ = (u64)(got), expected_ = (u64)(expected);                                                            \
        result(SUITE, name, got_ == expected_, expected_, got_);                                                       \
    } while (0)
#define CHECK_TRUE(name, condition) CHECK(name, (condition) != 0, 1)
void check_instructions(void);
void check_floating_point(void);
void check_speculation(void);
void check_register_stack(void);
void check_interruptions(void);
void check_vhpt(void);
void check_timer(void);
void check_firmware(void);
void check_smp(void);
void check_init(void);
void check_disks(bool write);

/* checks.S */
u64 register_stack_descent(u64 depth, u64 seed); /* registers that came back wrong */
u64 rotating_sum(const u64 *words, u64 count);
u64 rotating_copy(u64 *to, const u64 *from, u64 count); /* returns what ar.ec and ar.lc were at the end */
u64 while_loop_length(const u8 *text);
u64 rotating_floats(const double *values, u64 count); /* bits of the sum */
u64 high_float_registers(u64 seed);                   /* f32-f127 that came back wrong */
extern char user_break[], user_privileged[], patch_template[], patch_template_end[];
extern char step_resume[];
u64 step_once(void);

/* Runs assembly that is expected to fault; execution goes on behind it either way. r2 and r3 are its to use.
   The faulting address of the instruction itself is checked through this_cpu()->caught. */
#define EXPECT_FAULT(text, ...)                                                                                        \
    ({                                                                                                                 \
        struct cpu *me_ = this_cpu();                                                                                  \
        memset(&me_->caught, 0xff, sizeof me_->caught);                                                                \
        asm volatile("movl r2 = 1f ;; st8.rel [%0] = r2 ;; mf ;; " text " ;; 1: st8.rel [%0] = r0 ;;"                  \
                     :                                                                                                 \
                     : "r"(&me_->resume_at), ##__VA_ARGS__                                                             \
                     : "r2", "r3", "p6", "p7", "p8", "p9", "b6", "f10", "f11", "memory");                              \
        me_->caught.vector;                                                                                            \
    })

#endif
