//! MSI-X: vector table, pending bits, masking. PCI Local Bus Specification 3.0, section 6.8.2.

use std::sync::{Arc, Mutex, PoisonError};

use super::Interrupts;

/// Capability id of MSI-X.
pub const CAPABILITY_ID: u8 = 0x11;
/// Bytes of one table entry.
pub const ENTRY_SIZE: u64 = 16;

const ENABLE: u16 = 1 << 15;
const FUNCTION_MASK: u16 = 1 << 14;
const VECTOR_MASKED: u32 = 1;

struct State {
    control: u16,
    /// Per vector: address low, address high, data, vector control.
    table: Vec<[u32; 4]>,
    pending: Vec<bool>,
}

/// The MSI-X half of a function: lives beside its configuration space, which holds the capability.
pub struct Msix {
    interrupts: Arc<dyn Interrupts>,
    state: Mutex<State>,
}

impl Msix {
    /// `vectors` (1 to 2048) entries, all masked; messages go out through `interrupts`.
    pub fn new(vectors: u16, interrupts: Arc<dyn Interrupts>) -> Msix {
        Msix { interrupts, state: Mutex::new(Msix::initial(vectors as usize)) }
    }

    fn initial(vectors: usize) -> State {
        State { control: 0, table: vec![[0, 0, 0, VECTOR_MASKED]; vectors], pending: vec![false; vectors] }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Body and write mask of the capability for [`super::ConfigSpace::add_capability`], with table and pending bits
    /// at these (8-byte aligned) offsets of their BARs.
    pub fn capability(&self, table: (u8, u32), pending: (u8, u32)) -> ([u8; 10], [u8; 2]) {
        let mut body = [0; 10];
        body[0..2].copy_from_slice(&(self.vectors() - 1).to_le_bytes());
        body[2..6].copy_from_slice(&(table.1 | table.0 as u32).to_le_bytes());
        body[6..10].copy_from_slice(&(pending.1 | pending.0 as u32).to_le_bytes());
        (body, (ENABLE | FUNCTION_MASK).to_le_bytes())
    }

    /// Number of vectors.
    pub fn vectors(&self) -> u16 {
        self.state().table.len() as u16
    }

    /// Is MSI-X enabled (otherwise the function uses INTx)?
    pub fn is_enabled(&self) -> bool {
        self.state().control & ENABLE != 0
    }

    /// The message control word of the capability was written (its value after the write).
    pub fn set_control(&self, control: u16) {
        self.state().control = control & (ENABLE | FUNCTION_MASK);
        self.send_unmasked();
    }

    /// Signals `vector`: sends its message, or remembers it while masked. An unknown vector (0xffff is virtio's
    /// "none") or MSI-X disabled: nothing happens.
    pub fn notify(&self, vector: u16) {
        let message = {
            let mut state = self.state();
            if state.control & ENABLE == 0 || vector as usize >= state.table.len() {
                return;
            }
            let entry = state.table[vector as usize];
            if state.control & FUNCTION_MASK != 0 || entry[3] & VECTOR_MASKED != 0 {
                state.pending[vector as usize] = true;
                return;
            }
            entry
        };
        self.send(message);
    }

    fn send(&self, entry: [u32; 4]) {
        self.interrupts.msi((entry[1] as u64) << 32 | entry[0] as u64, entry[2]);
    }

    fn send_unmasked(&self) {
        let messages: Vec<[u32; 4]> = {
            let mut state = self.state();
            if state.control & (ENABLE | FUNCTION_MASK) != ENABLE {
                return;
            }
            let State { table, pending, .. } = &mut *state;
            table
                .iter()
                .zip(pending)
                .filter(|(entry, pending)| **pending && entry[3] & VECTOR_MASKED == 0)
                .map(|(entry, pending)| {
                    *pending = false;
                    *entry
                })
                .collect()
        };
        for message in messages {
            self.send(message);
        }
    }

    /// Reads 4 or 8 bytes of the vector table; anything else reads 0.
    pub fn table_read(&self, offset: u64, size: u8) -> u64 {
        let state = self.state();
        let word = |offset: u64| -> u64 {
            let entry = state.table.get((offset / ENTRY_SIZE) as usize);
            entry.map_or(0, |entry| entry[(offset % ENTRY_SIZE / 4) as usize] as u64)
        };
        match size {
            4 => word(offset),
            8 => word(offset) | word(offset + 4) << 32,
            _ => 0,
        }
    }

    /// Writes 4 or 8 bytes of the vector table. Unmasking a vector whose pending bit is set sends its message.
    pub fn table_write(&self, offset: u64, size: u8, value: u64) {
        let words: &[(u64, u32)] = match size {
            4 => &[(offset, value as u32)],
            8 => &[(offset, value as u32), (offset + 4, (value >> 32) as u32)],
            _ => return,
        };
        {
            let mut state = self.state();
            for &(offset, word) in words {
                if let Some(entry) = state.table.get_mut((offset / ENTRY_SIZE) as usize) {
                    entry[(offset % ENTRY_SIZE / 4) as usize] = word;
                }
            }
        }
        self.send_unmasked();
    }

    /// Reads 4 or 8 bytes of the pending bit array.
    pub fn pending_read(&self, offset: u64, size: u8) -> u64 {
        let state = self.state();
        let first = offset as usize * 8;
        let is_pending = |i: usize| state.pending.get(first + i) == Some(&true);
        (0..size as usize * 8).fold(0, |bits, i| bits | (is_pending(i) as u64) << i)
    }

    /// Back to the state after power-on.
    pub fn reset(&self) {
        let mut state = self.state();
        *state = Msix::initial(state.table.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Log(Mutex<Vec<(u64, u32)>>);

    impl Interrupts for Log {
        fn msi(&self, address: u64, data: u32) {
            self.0.lock().unwrap().push((address, data));
        }
        fn line(&self, _gsi: u32, _asserted: bool) {
            panic!("MSI-X never uses a wire");
        }
    }

    fn programmed() -> (Arc<Log>, Msix) {
        let log = Arc::new(Log::default());
        let msix = Msix::new(3, log.clone());
        msix.table_write(16, 4, 0xfee0_0010);
        msix.table_write(20, 4, 0);
        msix.table_write(24, 8, 0x4031);
        (log, msix)
    }

    #[test]
    fn enabled_unmasked_vector_sends_its_message() {
        let (log, msix) = programmed();
        msix.notify(1);
        assert!(log.0.lock().unwrap().is_empty(), "not enabled yet");
        msix.set_control(0x8000);
        msix.notify(1);
        msix.notify(0xffff);
        assert_eq!(*log.0.lock().unwrap(), [(0xfee0_0010, 0x4031)]);
    }

    #[test]
    fn masked_vector_is_pending_until_unmasked() {
        let (log, msix) = programmed();
        msix.set_control(0xc000);
        msix.notify(1);
        msix.notify(2);
        assert_eq!(msix.pending_read(0, 8), 0b110);
        msix.set_control(0x8000);
        assert_eq!(msix.pending_read(0, 8), 0b100, "vector 2 is still masked by its entry");
        assert_eq!(log.0.lock().unwrap().len(), 1);
        msix.table_write(2 * 16 + 12, 4, 0);
        assert_eq!((msix.pending_read(0, 4), log.0.lock().unwrap().len()), (0, 2));
    }

    #[test]
    fn capability_names_table_and_pending_bits() {
        let (_, msix) = programmed();
        let (body, writable) = msix.capability((1, 0x2000), (1, 0x3000));
        assert_eq!(body, [2, 0, 1, 0x20, 0, 0, 1, 0x30, 0, 0]);
        assert_eq!(writable, [0, 0xc0]);
    }
}
