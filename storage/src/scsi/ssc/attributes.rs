//! READ ATTRIBUTE: what the medium auxiliary memory of a cartridge would say (SPC-4 clauses 6.26 and 7.4).

use super::{Inner, Moved, Sense, Stop, TapePort, Task};

/// FORMAT of an attribute's value; all are read-only.
const BINARY: u8 = 0x80;
const ASCII: u8 = 0x81;
const TEXT: u8 = 0x82;

impl TapePort {
    /// ATTRIBUTE VALUES, from the first asked for on.
    pub(super) fn read_attributes(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let content = self.attributes(task)?.into_iter().flat_map(|(id, format, value)| {
            let [id_high, id_low] = id.to_be_bytes();
            let [high, low] = (value.len() as u16).to_be_bytes();
            [&[id_high, id_low, format, high, low], &value[..]].concat()
        });
        answer(task, content.collect())
    }

    /// ATTRIBUTE LIST.
    pub(super) fn list_attributes(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        answer(task, self.attributes(task)?.into_iter().flat_map(|(id, ..)| id.to_be_bytes()).collect())
    }

    /// LOGICAL VOLUME LIST and PARTITION LIST: there is one, 0.
    pub(super) fn list_only(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        task.reply(&[0, 2, 0, 1], task.cdb.be32(10) as usize)
    }

    fn attributes(&self, task: &Task<'_>) -> Result<Vec<(u16, u8, Vec<u8>)>, Sense> {
        let first = task.cdb.be16(8);
        for byte in [5, 7] {
            if task.cdb.byte(byte as usize) != 0 {
                return Err(Sense::cdb_field(byte, 7));
            }
        }
        let mut all = attributes(&mut self.inner())?;
        all.retain(|(id, ..)| *id >= first);
        if all.is_empty() { Err(Sense::cdb_field(8, 7)) } else { Ok(all) }
    }
}

fn answer(task: &Task<'_>, content: Vec<u8>) -> Result<Moved, Stop> {
    let len = (content.len() as u32).to_be_bytes();
    task.reply(&[&len[..], &content].concat(), task.cdb.be32(10) as usize)
}

/// All attributes, by identifier (SPC-4 tables 377 to 381).
fn attributes(inner: &mut Inner) -> Result<Vec<(u16, u8, Vec<u8>)>, Sense> {
    let flags = inner.alerts.flags();
    let loaded = inner.loaded()?;
    let label = &loaded.cartridge.label;
    let megabytes = |bytes: u64| (bytes >> 20).to_be_bytes().to_vec();
    let padded = |text: &str, len: usize| format!("{text:len$}").into_bytes();
    let left = label.capacity.saturating_sub(loaded.image.len_bytes());
    Ok(vec![
        (0x0000, BINARY, megabytes(left)),
        (0x0001, BINARY, megabytes(label.capacity)),
        (0x0002, BINARY, flags.to_be_bytes().to_vec()),
        (0x0005, ASCII, padded("LTO-CVE", 8)),
        (0x0006, BINARY, vec![label.media.density]),
        (0x0400, ASCII, padded("KITTSON", 8)),
        (0x0401, ASCII, padded(&label.barcode, 32)),
        // A data medium.
        (0x0408, BINARY, vec![0]),
        (0x0806, TEXT, padded(&label.barcode, 32)),
    ])
}
