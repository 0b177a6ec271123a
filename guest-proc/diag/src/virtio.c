/* virtio-scsi over modern virtio-pci (virtio 1.2, sections 2.7, 4.1 and 5.6): one control queue, one event queue, and
   request queues shared by the processors. A request takes one slot of its queue from submission to completion; the
   slots' commands and responses live beside the rings. */
#include "diag.h"

#define VIRTIO_VENDOR 0x1af4
#define VIRTIO_SCSI_MODERN 0x1048
#define VIRTIO_SCSI_TRANSITIONAL 0x1004
#define FEATURE_VERSION_1 32
#define FEATURE_HOTPLUG 1
#define FEATURE_CHANGE 2
#define NO_VECTOR 0xffff

enum { CAP_VENDOR = 9, CAP_MSIX = 0x11 };
enum { CFG_COMMON = 1, CFG_NOTIFY = 2, CFG_ISR = 3, CFG_DEVICE = 4 };
enum { STATUS_ACKNOWLEDGE = 1, STATUS_DRIVER = 2, STATUS_DRIVER_OK = 4, STATUS_FEATURES_OK = 8, STATUS_FAILED = 128 };
enum { /* common configuration */
       DEVICE_FEATURE_SELECT = 0,
       DEVICE_FEATURE = 4,
       DRIVER_FEATURE_SELECT = 8,
       DRIVER_FEATURE = 12,
       CONFIG_VECTOR = 16,
       NUM_QUEUES = 18,
       DEVICE_STATUS = 20,
       QUEUE_SELECT = 22,
       QUEUE_SIZE = 24,
       QUEUE_VECTOR = 26,
       QUEUE_ENABLE = 28,
       QUEUE_NOTIFY_OFF = 30,
       QUEUE_DESC = 32,
       QUEUE_DRIVER = 40,
       QUEUE_DEVICE = 48
};
enum { DESC_NEXT = 1, DESC_WRITE = 2 };
enum { QUEUE_CONTROL, QUEUE_EVENT, QUEUE_REQUEST };

#define RING_SIZE 128 /* descriptors of a queue, at most */
#define DESCRIPTORS_PER_REQUEST 3
#define EVENT_BUFFERS 8

struct descriptor {
    u64 address;
    u32 length;
    u16 flags, next;
};
struct available {
    u16 flags, index, ring[RING_SIZE];
};
struct used {
    u16 flags, index;
    struct {
        u32 id, length;
    } ring[RING_SIZE];
};

struct command_header { /* virtio_scsi_req_cmd, without the variable parts */
    u8 lun[8];
    u8 tag[8];
    u8 task_attribute, priority, crn, cdb[32];
};
struct response_header {
    u32 sense_length, residual;
    u16 status_qualifier;
    u8 status, response, sense[96];
};
_Static_assert(sizeof(struct command_header) == 51, "request header");
_Static_assert(sizeof(struct response_header) == 108, "response header");

struct slot {
    struct command_header command;
    u8 pad[13];
    struct response_header response;
    u8 pad2[20];
    struct scsi_request *request; /* NULL: free, or given up */
    bool busy;
};

struct queue {
    lock lock;
    u16 size, index;
    u16 available_next, used_seen;
    u64 notify;
    struct descriptor *descriptors;
    volatile struct available *available;
    volatile struct used *used;
    struct slot *slots;
    unsigned slot_count;
    unsigned cpu; /* whose interrupt it raises */
    bool has_vector;
};

struct adapter {
    const struct pci_function *function;
    struct pci_function copy;
    u64 common, notify, device;
    u32 notify_multiplier;
    u64 msix_table;
    unsigned msix_entries;
    u16 max_target;
    u32 max_sectors;
    unsigned queue_count;
    struct queue events, requests[MAX_CPUS];
    u8 (*event_buffers)[16];
    volatile u64 interrupts;
};

struct adapter *adapters[MAX_ADAPTERS];
unsigned adapter_count;
static volatile bool event_pending;

const struct pci_function *adapter_function(const struct adapter *a) { return &a->copy; }
u64 adapter_interrupts(const struct adapter *a) { return a->interrupts; }
bool adapter_uses_interrupts(const struct adapter *a) { return a->requests[0].has_vector; }
unsigned adapter_queues(const struct adapter *a) { return a->queue_count; }
unsigned adapter_max_target(const struct adapter *a) { return a->max_target; }
u32 adapter_max_transfer(const struct adapter *a)
{
    u64 bytes = (u64)a->max_sectors * 512;
    return bytes == 0 || bytes > 1 << 20 ? 1 << 20 : bytes;
}

/* --- bringing an adapter up ------------------------------------------------------------------------------------- */

static bool find_structures(struct adapter *a)
{
    const struct pci_function *f = &a->copy;
    for (unsigned at = pci_capability(f, CAP_VENDOR, 0); at; at = pci_capability(f, CAP_VENDOR, at)) {
        u64 address = pci_bar(f, pci_read(f, at + 4, 1)) + pci_read(f, at + 8, 4);
        switch (pci_read(f, at + 3, 1)) {
        case CFG_COMMON:
            if (!a->common)
                a->common = address;
            break;
        case CFG_NOTIFY:
            if (!a->notify) {
                a->notify = address;
                a->notify_multiplier = pci_read(f, at + 16, 4);
            }
            break;
        case CFG_DEVICE:
            if (!a->device)
                a->device = address;
            break;
        }
    }
    return a->common && a->notify && a->device;
}

/* Entry 0 serves configuration, control and events, on the boot processor; entry 1 + n serves request queue n, on
   processor n. */
static void enable_msix(struct adapter *a)
{
    const struct pci_function *f = &a->copy;
    unsigned at = pci_capability(f, CAP_MSIX, 0);
    if (!at)
        return;
    u32 control = pci_read(f, at + 2, 2), table = pci_read(f, at + 4, 4);
    a->msix_entries = (control & 0x7ff) + 1;
    a->msix_table = pci_bar(f, table & 7) + (table & ~7u);
    for (unsigned i = 0; i < a->msix_entries; i++)
        store4(a->msix_table + 16 * i + 12, 1);
    pci_write(f, at + 2, 2, control | 0x8000);
}

static bool set_vector(struct adapter *a, unsigned entry, unsigned cpu, unsigned register_offset)
{
    if (entry >= a->msix_entries)
        return false;
    u64 at = a->msix_table + 16 * entry, address = msi_address(cpu);
    store4(at, (u32)address);
    store4(at + 4, address >> 32);
    store4(at + 8, VECTOR_VIRTIO + entry);
    store4(at + 12, 0);
    store2(a->common + register_offset, entry);
    return load2(a->common + register_offset) == entry;
}

static bool start_queue(struct adapter *a, struct queue *q, unsigned index, unsigned entry, unsigned cpu)
{
    store2(a->common + QUEUE_SELECT, index);
    u16 size = load2(a->common + QUEUE_SIZE);
    if (size == 0)
        return false;
    if (size > RING_SIZE) {
        size = RING_SIZE;
        store2(a->common + QUEUE_SIZE, size);
    }
    q->size = size;
    q->index = index;
    q->cpu = cpu;
    q->slot_count = size / DESCRIPTORS_PER_REQUEST;
    q->descriptors = allocate(size * sizeof(struct descriptor), 64);
    q->available = allocate(sizeof(struct available), 64);
    q->used = allocate(sizeof(struct used), 64);
    q->slots = allocate((q->slot_count + 1) * sizeof(struct slot), 64);
    if (!q->descriptors || !q->available || !q->used || !q->slots || (index >= QUEUE_REQUEST && !q->slot_count))
        return false;
    q->has_vector = set_vector(a, entry, cpu, QUEUE_VECTOR);
    if (!q->has_vector)
        store2(a->common + QUEUE_VECTOR, NO_VECTOR);
    q->notify = a->notify + (u64)load2(a->common + QUEUE_NOTIFY_OFF) * a->notify_multiplier;
    const u64 parts[3] = {physical_address(q->descriptors), physical_address((void *)q->available),
                          physical_address((void *)q->used)};
    for (unsigned i = 0; i < 3; i++) {
        store4(a->common + QUEUE_DESC + 8 * i, (u32)parts[i]);
        store4(a->common + QUEUE_DESC + 8 * i + 4, parts[i] >> 32);
    }
    store2(a->common + QUEUE_ENABLE, 1);
    return true;
}

static bool negotiate(struct adapter *a)
{
    store1(a->common + DEVICE_STATUS, 0);
    for (u64 start = itc(); load1(a->common + DEVICE_STATUS) && itc() - start < itc_frequency;)
        pause();
    store1(a->common + DEVICE_STATUS, STATUS_ACKNOWLEDGE);
    store1(a->common + DEVICE_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    u64 offered = 0, wanted = 1UL << FEATURE_VERSION_1 | 1UL << FEATURE_HOTPLUG | 1UL << FEATURE_CHANGE;
    for (u32 half = 0; half < 2; half++) {
        store4(a->common + DEVICE_FEATURE_SELECT, half);
        offered |= (u64)load4(a->common + DEVICE_FEATURE) << (32 * half);
    }
    for (u32 half = 0; half < 2; half++) {
        store4(a->common + DRIVER_FEATURE_SELECT, half);
        store4(a->common + DRIVER_FEATURE, (u32)((offered & wanted) >> (32 * half)));
    }
    store1(a->common + DEVICE_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
    return (offered >> FEATURE_VERSION_1 & 1) && (load1(a->common + DEVICE_STATUS) & STATUS_FEATURES_OK);
}

static void notify(struct queue *q)
{
    memory_fence();
    store2(q->notify, q->index);
}

static void offer(struct queue *q, u16 head)
{
    q->available->ring[q->available_next % q->size] = head;
    memory_fence();
    q->available->index = ++q->available_next;
}

static void post_event_buffers(struct adapter *a)
{
    struct queue *q = &a->events;
    a->event_buffers = allocate(EVENT_BUFFERS * 16, 64);
    for (u16 i = 0; i < EVENT_BUFFERS && i < q->size; i++) {
        q->descriptors[i] = (struct descriptor){physical_address(a->event_buffers[i]), 16, DESC_WRITE, 0};
        offer(q, i);
    }
    notify(q);
}

static const char *start_adapter(struct adapter *a)
{
    const struct pci_function *f = &a->copy;
    pci_write(f, 4, 2, pci_read(f, 4, 2) | 0x0406); /* memory, bus master, no INTx */
    if (!find_structures(a))
        return "virtio structures missing";
    if (!negotiate(a))
        return "features refused";
    enable_msix(a);
    a->max_sectors = load4(a->device + 8);
    a->max_target = load2(a->device + 30);
    store4(a->device + 20, 96); /* sense size */
    store4(a->device + 24, 32); /* cdb size */
    unsigned offered = load4(a->device);
    a->queue_count = offered < cpu_count ? offered : cpu_count;
    set_vector(a, 0, 0, CONFIG_VECTOR);
    struct queue control = {0};
    if (!start_queue(a, &control, QUEUE_CONTROL, 0, 0) || !start_queue(a, &a->events, QUEUE_EVENT, 0, 0))
        return "no control or event queue";
    for (unsigned i = 0; i < a->queue_count; i++)
        if (!start_queue(a, &a->requests[i], QUEUE_REQUEST + i, 1 + i, i))
            a->queue_count = i;
    if (!a->queue_count)
        return "no request queue";
    store1(a->common + DEVICE_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
    post_event_buffers(a);
    return NULL;
}

void virtio_init(void)
{
    for (unsigned i = 0; i < pci_count && adapter_count < MAX_ADAPTERS; i++) {
        const struct pci_function *f = &pci_functions[i];
        if (f->vendor != VIRTIO_VENDOR || (f->id != VIRTIO_SCSI_MODERN && f->id != VIRTIO_SCSI_TRANSITIONAL))
            continue;
        struct adapter *a = allocate(sizeof *a, 64);
        if (!a)
            return;
        a->copy = *f;
        const char *error = start_adapter(a);
        if (error) {
            print("adapter 0/%u/%u/%u: %s\n", f->bus, f->device, f->function, error);
            if (a->common)
                store1(a->common + DEVICE_STATUS, STATUS_FAILED);
            continue;
        }
        adapters[adapter_count++] = a;
    }
}

/* --- requests --------------------------------------------------------------------------------------------------- */

static void fill_slot(struct queue *q, unsigned index, struct scsi_request *r)
{
    struct slot *s = &q->slots[index];
    memset(&s->command, 0, sizeof s->command);
    memset(&s->response, 0, sizeof s->response);
    s->response.response = 0xff;
    s->command.lun[0] = 1;
    s->command.lun[1] = r->target;
    s->command.lun[2] = 0x40 | r->lun >> 8;
    s->command.lun[3] = r->lun;
    u64 tag = (u64)r;
    memcpy(s->command.tag, &tag, 8);
    memcpy(s->command.cdb, r->cdb, sizeof r->cdb);
    s->request = r;
    s->busy = true;

    u16 first = index * DESCRIPTORS_PER_REQUEST;
    struct descriptor *d = &q->descriptors[first];
    struct descriptor command = {physical_address(&s->command), sizeof s->command, DESC_NEXT, first + 1};
    struct descriptor response = {physical_address(&s->response), sizeof s->response, DESC_WRITE, 0};
    struct descriptor data = {r->length ? physical_address(r->data) : 0, r->length, DESC_NEXT, first + 2};
    d[0] = command;
    if (!r->length) {
        d[1] = response;
    } else if (r->write) {
        d[1] = data;
        d[2] = response;
    } else {
        response.flags |= DESC_NEXT;
        response.next = first + 2;
        data.flags = DESC_WRITE;
        d[1] = response;
        d[2] = data;
    }
    offer(q, first);
}

/* Takes what the device has finished; the queue's lock is held. */
static void harvest(struct queue *q)
{
    while (q->used_seen != q->used->index) {
        memory_fence();
        unsigned index = q->used->ring[q->used_seen++ % q->size].id / DESCRIPTORS_PER_REQUEST;
        if (index >= q->slot_count || !q->slots[index].busy)
            continue;
        struct slot *s = &q->slots[index];
        struct scsi_request *r = s->request;
        s->busy = false;
        s->request = NULL;
        if (!r)
            continue;
        r->response = s->response.response;
        r->status = s->response.status;
        r->residual = s->response.residual;
        r->sense_length = s->response.sense_length < sizeof r->sense ? s->response.sense_length : sizeof r->sense;
        memcpy(r->sense, s->response.sense, r->sense_length);
        memory_fence();
        r->done = true;
    }
}

static void queue_enter(struct queue *q, u64 *saved)
{
    *saved = interrupts_off();
    lock_take(&q->lock);
}

static void queue_leave(struct queue *q, u64 saved)
{
    lock_give(&q->lock);
    interrupts_restore(saved);
}

/* Submits from `next` on while there are free slots; returns how many are submitted in all. */
static unsigned submit(struct queue *q, struct scsi_request *requests, unsigned next, unsigned count)
{
    u64 saved;
    unsigned before = next;
    queue_enter(q, &saved);
    harvest(q);
    for (unsigned i = 0; i < q->slot_count && next < count; i++)
        if (!q->slots[i].busy)
            fill_slot(q, i, &requests[next++]);
    if (next != before)
        notify(q);
    queue_leave(q, saved);
    return next;
}

static void forget(struct queue *q, struct scsi_request *requests, unsigned count)
{
    u64 saved;
    queue_enter(q, &saved);
    for (unsigned i = 0; i < q->slot_count; i++)
        if (q->slots[i].request >= requests && q->slots[i].request < requests + count)
            q->slots[i].request = NULL;
    queue_leave(q, saved);
}

/* One turn of waiting: sleeps if the queue's interrupt comes to this processor, else only looks. */
static void wait_turn(struct queue *q, struct scsi_request *r)
{
    u64 saved;
    queue_enter(q, &saved);
    harvest(q);
    lock_give(&q->lock);
    if (!r->done && q->has_vector && q->cpu == this_cpu()->number)
        halt_until_interrupt();
    else
        pause();
    interrupts_restore(saved);
}

bool scsi_run(struct adapter *a, struct scsi_request *requests, unsigned count)
{
    unsigned me = this_cpu()->number, submitted = 0;
    struct queue *q = &a->requests[me % a->queue_count];
    u64 started = itc(), complain = started + 10 * itc_frequency;
    for (unsigned i = 0; i < count; i++) {
        requests[i].done = false;
        requests[i].response = 0xff;
    }
    for (unsigned finished = 0; finished < count;) {
        if (submitted < count)
            submitted = submit(q, requests, submitted, count);
        if (submitted > finished)
            wait_turn(q, &requests[finished]);
        while (finished < submitted && requests[finished].done)
            finished++;
        u64 now = itc();
        if (finished < count && (i64)(now - complain) > 0) {
            const struct pci_function *f = &a->copy;
            print("adapter 0/%u/%u/%u: no answer for %lu s (Ctrl-C gives up)\n", f->bus, f->device, f->function,
                  (now - started) / itc_frequency);
            complain = now + 30 * itc_frequency;
        }
        if (finished < count && now - started > 2 * itc_frequency && interrupted()) {
            forget(q, requests, count);
            heap_pin();
            return false;
        }
    }
    return true;
}

/* --- interrupts ------------------------------------------------------------------------------------------------- */

static void take_events(struct adapter *a)
{
    struct queue *q = &a->events;
    while (q->used && q->used_seen != q->used->index) {
        memory_fence();
        u32 id = q->used->ring[q->used_seen++ % q->size].id;
        event_pending = true;
        if (id < EVENT_BUFFERS) {
            offer(q, id);
            notify(q);
        }
    }
}

/* Completions are taken by whoever waits; the interrupt ends its sleep. */
void virtio_interrupt(unsigned which)
{
    for (unsigned i = 0; i < adapter_count; i++) {
        adapters[i]->interrupts++;
        if (which == 0)
            take_events(adapters[i]);
    }
}

bool virtio_take_event(void)
{
    if (!event_pending)
        return false;
    event_pending = false;
    print("\nstorage configuration has changed; ioscan shows it\n");
    return true;
}
