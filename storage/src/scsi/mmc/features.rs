//! What a drive can do: GET CONFIGURATION (MMC-6 clauses 6.5 and 5.3).

use super::super::command::{Moved, Stop, Task};
use super::super::sense::Sense;
use super::{Dvd, SECTOR};

/// Profile of DVD-ROM.
const DVD_ROM: u16 = 0x0010;

/// A feature descriptor.
pub(super) struct Feature {
    pub(super) code: u16,
    pub(super) version: u8,
    pub(super) persistent: bool,
    pub(super) current: bool,
    pub(super) data: Vec<u8>,
}

impl Feature {
    /// One that is always there.
    pub(super) fn persistent(code: u16, version: u8, data: &[u8]) -> Feature {
        Feature { code, version, persistent: true, current: true, data: data.into() }
    }

    /// One that depends on the disc.
    pub(super) fn of_disc(code: u16, version: u8, current: bool, data: &[u8]) -> Feature {
        Feature { code, version, persistent: false, current, data: data.into() }
    }

    fn bytes(&self) -> Vec<u8> {
        let flags = self.version << 2 | u8::from(self.persistent) << 1 | u8::from(self.current);
        [&self.code.to_be_bytes()[..], &[flags, self.data.len() as u8], &self.data].concat()
    }
}

fn features(has_disc: bool) -> Vec<Feature> {
    let persistent = Feature::persistent;
    let of_disc = |code, version, data: &[u8]| Feature::of_disc(code, version, has_disc, data);
    let [profile_high, profile_low] = DVD_ROM.to_be_bytes();
    let sector = (SECTOR as u32).to_be_bytes();
    vec![
        // Profile List.
        persistent(0x0000, 0, &[profile_high, profile_low, u8::from(has_disc), 0]),
        // Core: SCSI family; INQ2.
        persistent(0x0001, 2, &[0, 0, 0, 1, 0x02, 0, 0, 0]),
        // Morphing: events are polled.
        persistent(0x0002, 1, &[0, 0, 0, 0]),
        // Removable Medium: a tray that ejects, loads and locks.
        persistent(0x0003, 1, &[0x39, 0, 0, 0]),
        // Random Readable: sectors, 16 of them together.
        of_disc(0x0010, 0, &[sector[0], sector[1], sector[2], sector[3], 0, 16, 0, 0]),
        // DVD Read.
        of_disc(0x001f, 1, &[0, 0, 0, 0]),
        // Power Management.
        persistent(0x0100, 0, &[]),
    ]
}

impl Dvd {
    /// GET CONFIGURATION of a drive that reads DVDs.
    pub(super) fn get_configuration(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let has_disc = self.has_disc();
        configuration(task, if has_disc { DVD_ROM } else { 0 }, &features(has_disc))
    }
}

/// GET CONFIGURATION: all features from a number on, the current ones of them, or one.
pub(super) fn configuration(task: &Task<'_>, profile: u16, features: &[Feature]) -> Result<Moved, Stop> {
    const ALL: u8 = 0;
    const CURRENT: u8 = 1;
    const ONE: u8 = 2;
    let (kind, first) = (task.cdb.byte(1) & 0x03, task.cdb.be16(2));
    let is_wanted = |feature: &&Feature| match kind {
        ALL => feature.code >= first,
        CURRENT => feature.code >= first && feature.current,
        _ => feature.code == first,
    };
    if kind > ONE {
        return Err(Sense::cdb_field(1, 1).into());
    }
    let descriptors: Vec<u8> = features.iter().filter(is_wanted).flat_map(Feature::bytes).collect();
    let len = descriptors.len() as u32 + 4;
    let header = [&len.to_be_bytes()[..], &[0, 0], &profile.to_be_bytes()].concat();
    task.reply(&[header, descriptors].concat(), task.cdb.be16(7).into())
}
