//! RAM with rings and requests in it, as a driver lays them out.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use rustix::fs::{MemfdFlags, SealFlags};
use vm_memory::{Bytes, FileOffset, GuestAddress, GuestMemoryMmap};

/// RAM from address 0 on.
pub const LOW_RAM: u64 = 64 << 20;
/// Start of a second range.
pub const HIGH_RAM_AT: u64 = 4 << 30;
/// Length of the second range.
pub const HIGH_RAM: u64 = 16 << 20;

/// Descriptor flag: another one follows.
pub const NEXT: u16 = 1;
/// Descriptor flag: for the device to write.
pub const WRITE: u16 = 2;
/// Descriptor flag: a table of descriptors.
pub const INDIRECT: u16 = 4;

/// Bytes of a request before its data.
const REQUEST_LEN: u32 = 51;
/// Bytes of a response before its data.
const RESPONSE_LEN: u32 = 108;
/// Where requests, responses and data lie, one place for each head descriptor.
const REQUESTS_AT: u64 = 0x20_0000;
const CONTROL_AT: u64 = 0x1f_0000;
const DATA_AT: u64 = 0x40_0000;
/// Bytes of data a request can have here.
pub const DATA_LEN: u32 = 128 << 10;

/// RAM in a memory file with seals.
pub fn ram(seals: SealFlags) -> GuestMemoryMmap {
    let file = File::from(rustix::fs::memfd_create("guest-ram", MemfdFlags::ALLOW_SEALING).expect("memfd"));
    file.set_len(LOW_RAM + HIGH_RAM).expect("size");
    rustix::fs::fcntl_add_seals(&file, seals).expect("seals");
    let file = Arc::new(file);
    let ranges = [(0, LOW_RAM, 0), (HIGH_RAM_AT, HIGH_RAM, LOW_RAM)].map(|(at, len, offset)| {
        (GuestAddress(at), len as usize, Some(FileOffset::from_arc(Arc::clone(&file), offset)))
    });
    GuestMemoryMmap::from_ranges_with_files(ranges).expect("RAM")
}

/// RAM as a front-end should share it.
pub fn sealed_ram() -> GuestMemoryMmap {
    ram(SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)
}

/// One virtqueue from the driver's side.
pub struct DriverQueue {
    /// Its number in the device.
    pub index: u16,
    /// Descriptors.
    pub size: u16,
    /// Entries ever made available.
    pub available: u16,
    /// Entries of the used ring seen.
    pub seen: u16,
    start: u64,
}

impl DriverQueue {
    /// Address of the descriptor table.
    pub fn descriptors(&self) -> u64 {
        self.start
    }

    /// Address of the available ring.
    pub fn available_ring(&self) -> u64 {
        self.start + 0x8000
    }

    /// Address of the used ring.
    pub fn used_ring(&self) -> u64 {
        self.start + 0xa000
    }
}

/// What came back for a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Virtio response code.
    pub response: u8,
    /// SCSI status.
    pub status: u8,
    /// Key, code and qualifier, if there is sense data.
    pub sense: Option<(u8, u8, u8)>,
    /// Bytes not transferred.
    pub residual: u32,
    /// Bytes the used ring says were written.
    pub written: u32,
    /// Data-in, all of the buffer.
    pub data: Vec<u8>,
}

/// A descriptor: address, length, flags, next.
pub type Descriptor = (u64, u32, u16, u16);

/// The rings and requests of a driver in guest RAM.
pub struct Rings {
    /// The guest's RAM.
    pub ram: GuestMemoryMmap,
    /// Control, event and request queues.
    pub queues: Vec<DriverQueue>,
    /// Where all of it begins.
    start: u64,
}

impl Rings {
    /// `queues` empty queues of `size` in the 32 MiB of `ram` from `start` on.
    pub fn new(ram: GuestMemoryMmap, start: u64, queues: u16, size: u16) -> Rings {
        let queue = |index| DriverQueue {
            index,
            size,
            available: 0,
            seen: 0,
            start: start + 0x1_0000 * (u64::from(index) + 1),
        };
        Rings { ram, queues: (0..queues).map(queue).collect(), start }
    }

    /// Writes a descriptor into the table at `table`.
    pub fn put_descriptor(&self, table: u64, index: u16, (address, len, flags, next): Descriptor) {
        let mut raw = [0; 16];
        raw[..8].copy_from_slice(&address.to_le_bytes());
        raw[8..12].copy_from_slice(&len.to_le_bytes());
        raw[12..14].copy_from_slice(&flags.to_le_bytes());
        raw[14..].copy_from_slice(&next.to_le_bytes());
        self.write(table + u64::from(index) * 16, &raw);
    }

    /// Writes bytes into RAM.
    pub fn write(&self, at: u64, bytes: &[u8]) {
        self.ram.write_slice(bytes, GuestAddress(at)).expect("RAM");
    }

    /// Reads bytes from RAM.
    pub fn read(&self, at: u64, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.ram.read_slice(&mut bytes, GuestAddress(at)).expect("RAM");
        bytes
    }

    /// Puts a head into the available ring. Whether the device wants to be kicked for it.
    pub fn enter(&mut self, queue: usize, head: u16) -> bool {
        let queue = &mut self.queues[queue];
        let entry = queue.available_ring() + 4 + 2 * u64::from(queue.available % queue.size);
        let before = queue.available;
        queue.available = before.wrapping_add(1);
        let index = GuestAddress(queue.available_ring() + 2);
        self.ram.store(head.to_le(), GuestAddress(entry), Ordering::Relaxed).expect("RAM");
        self.ram.store(queue.available.to_le(), index, Ordering::Release).expect("RAM");
        fence(Ordering::SeqCst);
        // avail_event: the index at which it wants to hear of more.
        let wanted = GuestAddress(queue.used_ring() + 4 + 8 * u64::from(queue.size));
        u16::from_le(self.ram.load(wanted, Ordering::Relaxed).expect("RAM")) == before
    }

    /// The next entry of the used ring, if there is one: head and length.
    pub fn used(&mut self, queue: usize) -> Option<(u16, u32)> {
        let queue = &mut self.queues[queue];
        let index =
            self.ram.load::<u16>(GuestAddress(queue.used_ring() + 2), Ordering::Acquire).expect("RAM");
        if u16::from_le(index) == queue.seen {
            return None;
        }
        let entry = queue.used_ring() + 4 + 8 * u64::from(queue.seen % queue.size);
        queue.seen = queue.seen.wrapping_add(1);
        let [a, b, _, _, e, f, g, h] = self.ram.read_obj::<[u8; 8]>(GuestAddress(entry)).expect("RAM");
        // Ask for an interrupt with the next one (used_event).
        let event = GuestAddress(queue.available_ring() + 4 + 2 * u64::from(queue.size));
        self.ram.store(queue.seen.to_le(), event, Ordering::Relaxed).expect("RAM");
        fence(Ordering::SeqCst);
        Some((u16::from_le_bytes([a, b]), u32::from_le_bytes([e, f, g, h])))
    }

    /// Writes a request into the place of `head` and its chain into the table: request, data out, response, data in.
    pub fn put_request(&self, queue: usize, head: u16, lun: [u8; 8], cdb: &[u8], out: &[u8], room: u32) {
        self.write(self.data_at(head), out);
        self.put_request_for(queue, head, lun, cdb, out.len() as u32, room);
    }

    /// The same with `out` bytes of data that are in their place already.
    pub fn put_request_for(&self, queue: usize, head: u16, lun: [u8; 8], cdb: &[u8], out: u32, room: u32) {
        let request = self.request_at(head);
        let data = self.data_at(head);
        let mut header = [0; REQUEST_LEN as usize];
        header[..8].copy_from_slice(&lun);
        header[8..16].copy_from_slice(&self.id_of(head).to_le_bytes());
        header[19..19 + cdb.len()].copy_from_slice(cdb);
        self.write(request, &header);
        self.write(request + 0x100, &[0xee; RESPONSE_LEN as usize]);
        let mut parts = vec![(request, REQUEST_LEN, 0)];
        if out > 0 {
            parts.push((data, out, 0));
        }
        parts.push((request + 0x100, RESPONSE_LEN, WRITE));
        if room > 0 {
            parts.push((data, room, WRITE));
        }
        // The chain lies in an indirect table, so that each head is one descriptor.
        let table = request + 0x200;
        let last = parts.len() - 1;
        for (i, (address, len, flags)) in parts.into_iter().enumerate() {
            let more = if i < last { NEXT } else { 0 };
            self.put_descriptor(table, i as u16, (address, len, flags | more, i as u16 + 1));
        }
        let len = (last as u32 + 1) * 16;
        self.put_descriptor(self.queues[queue].descriptors(), head, (table, len, INDIRECT, 0));
    }

    /// Writes a request as a virtio *block* device would take it: header, data, status byte. For comparisons with other
    /// back-ends; `kind` is 0 to read and 1 to write (virtio 1.2 clause 5.2.6).
    pub fn put_block_request(&self, queue: usize, head: u16, kind: u32, sector: u64, len: u32) {
        let request = self.request_at(head);
        self.write(request, &[&kind.to_le_bytes()[..], &[0; 4], &sector.to_le_bytes()].concat());
        let table = request + 0x200;
        let data_flags = if kind == 0 { WRITE } else { 0 };
        self.put_descriptor(table, 0, (request, 16, NEXT, 1));
        self.put_descriptor(table, 1, (self.data_at(head), len, NEXT | data_flags, 2));
        self.put_descriptor(table, 2, (request + 0x100, 1, WRITE, 0));
        self.put_descriptor(self.queues[queue].descriptors(), head, (table, 48, INDIRECT, 0));
    }

    /// Writes a control request with room for an answer of `room` bytes, as chain 0 of the control queue.
    pub fn put_control(&self, request: &[u8], room: u32) {
        let at = self.start + CONTROL_AT;
        self.write(at, request);
        let table = self.queues[0].descriptors();
        self.put_descriptor(table, 0, (at, request.len() as u32, NEXT, 1));
        self.put_descriptor(table, 1, (at + 0x100, room, WRITE, 0));
    }

    /// The first `len` bytes of the answer to the last control request.
    pub fn control_answer(&self, len: u32) -> Vec<u8> {
        self.read(self.start + CONTROL_AT + 0x100, len as usize)
    }

    /// The identifier given to the request with this head.
    pub fn id_of(&self, head: u16) -> u64 {
        0xabcd_0000 + u64::from(head)
    }

    /// Where the request with this head lies.
    pub fn request_at(&self, head: u16) -> u64 {
        self.start + REQUESTS_AT + u64::from(head) * 0x400
    }

    /// Where the data of the request with this head lie.
    pub fn data_at(&self, head: u16) -> u64 {
        self.start + DATA_AT + u64::from(head) * u64::from(DATA_LEN)
    }

    /// What the device wrote for the request with this head.
    pub fn answer(&self, head: u16, written: u32, room: u32) -> Answer {
        let response = self.read(self.request_at(head) + 0x100, RESPONSE_LEN as usize);
        let word = |at: usize| {
            u32::from_le_bytes([response[at], response[at + 1], response[at + 2], response[at + 3]])
        };
        let sense = &response[12..];
        Answer {
            response: response[11],
            status: response[10],
            sense: (word(0) >= 14).then(|| (sense[2], sense[12], sense[13])),
            residual: word(4),
            written,
            data: self.read(self.data_at(head), room as usize),
        }
    }

    /// As after a reset of the guest: rings empty and zeroed.
    pub fn forget(&mut self) {
        for queue in &mut self.queues {
            (queue.available, queue.seen) = (0, 0);
        }
        for queue in &self.queues {
            self.write(queue.descriptors(), &vec![0; 0x1_0000]);
        }
    }
}
