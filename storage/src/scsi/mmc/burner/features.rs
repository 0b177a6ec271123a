//! What a burner can do, with the disc that is in it: GET CONFIGURATION (MMC-6 clause 5.3).

use super::super::features::{Feature, configuration};
use super::super::{Moved, Stop, Task};
use super::{BurnerPort, SECTOR};
use crate::disc::{Kind, Status};

/// Profiles (MMC-6 table 93) of the discs it takes, as they are when blank.
const PROFILES: [(u16, Kind); 7] = [
    (0x0009, Kind::CdR),
    (0x000a, Kind::CdRw),
    (0x0011, Kind::DvdMinusR),
    (0x0013, Kind::DvdMinusRw),
    (0x0014, Kind::DvdMinusRw),
    (0x001a, Kind::DvdPlusRw),
    (0x001b, Kind::DvdPlusR),
];

/// Profile of a disc. DVD-RW has two: for restricted overwriting and for sequential recording.
pub(super) fn profile(kind: Kind, status: Status) -> u16 {
    const RESTRICTED_OVERWRITE: u16 = 0x0013;
    let is_usual = |(profile, own): &&(u16, Kind)| *own == kind && *profile != RESTRICTED_OVERWRITE;
    match (kind, status) {
        (Kind::DvdMinusRw, Status::Formatted) => RESTRICTED_OVERWRITE,
        _ => PROFILES.iter().find(is_usual).map_or(0, |(profile, _)| *profile),
    }
}

/// The features by ascending code; `last` is the last sector of the disc.
fn features(disc: Option<(Kind, Status)>, last: u32, serial: &[u8]) -> Vec<Feature> {
    let current_profile = disc.map_or(0, |(kind, status)| profile(kind, status));
    let profiles: Vec<u8> = PROFILES
        .iter()
        .flat_map(|(profile, _)| {
            let [high, low] = profile.to_be_bytes();
            [high, low, u8::from(*profile == current_profile), 0]
        })
        .collect();
    let is = |wanted: &[Kind]| disc.is_some_and(|(kind, _)| wanted.contains(&kind));
    let is_cd = is(&[Kind::CdR, Kind::CdRw]);
    let formatted = disc.is_some_and(|(_, status)| status == Status::Formatted);
    let sequential = is(&[Kind::CdR, Kind::CdRw, Kind::DvdMinusR, Kind::DvdMinusRw]) && !formatted;
    let sector = (SECTOR as u32).to_be_bytes();
    let of_disc = Feature::of_disc;
    let persistent = Feature::persistent;
    let random_writable = [&last.to_be_bytes()[..], &sector, &[0, 16, 0, 0]].concat();
    vec![
        // Profile List.
        persistent(0x0000, 0, &profiles),
        // Core: SCSI family; INQ2.
        persistent(0x0001, 2, &[0, 0, 0, 1, 0x02, 0, 0, 0]),
        // Morphing: events are polled.
        persistent(0x0002, 1, &[0, 0, 0, 0]),
        // Removable Medium: a tray that ejects, loads and locks.
        persistent(0x0003, 1, &[0x39, 0, 0, 0]),
        // Random Readable: sectors, 16 of them together.
        of_disc(0x0010, 0, disc.is_some(), &[sector[0], sector[1], sector[2], sector[3], 0, 16, 0, 0]),
        // CD Read.
        of_disc(0x001e, 2, is_cd, &[0, 0, 0, 0]),
        // DVD Read: DVD-R, too.
        of_disc(0x001f, 1, disc.is_some() && !is_cd, &[0x01, 0, 0x01, 0]),
        // Random Writable.
        of_disc(0x0020, 1, formatted, &random_writable),
        // Incremental Streaming Writable: data types 8 and 10; BUF; one link size, 16.
        of_disc(0x0021, 3, sequential, &[0x05, 0x00, 0x01, 1, 16, 0, 0, 0]),
        // Formattable.
        of_disc(0x0023, 0, is(&[Kind::DvdMinusRw, Kind::DvdPlusRw]), &[0, 0, 0, 0]),
        // Restricted Overwrite.
        of_disc(0x0026, 0, formatted && is(&[Kind::DvdMinusRw]), &[]),
        // DVD+RW: writes.
        of_disc(0x002a, 0, is(&[Kind::DvdPlusRw]), &[0x01, 0, 0, 0]),
        // DVD+R: writes.
        of_disc(0x002b, 0, is(&[Kind::DvdPlusR]), &[0x01, 0, 0, 0]),
        // CD Track at Once: BUF, test write, CD-RW; data types 8 and 10.
        of_disc(0x002d, 2, is_cd, &[0x46, 0, 0x05, 0x00]),
        // CD Mastering: BUF, session at once, test write, CD-RW; most bytes of a cue sheet.
        of_disc(0x002e, 2, is_cd, &[0x66, 0, 0x10, 0x00]),
        // DVD-R/-RW Write: BUF, test write, DVD-RW.
        of_disc(0x002f, 2, is(&[Kind::DvdMinusR, Kind::DvdMinusRw]), &[0x46, 0, 0, 0]),
        // CD-RW Media Write Support: of all speeds.
        of_disc(0x0037, 0, is(&[Kind::CdRw]), &[0, 0xff, 0, 0]),
        // Power Management.
        persistent(0x0100, 0, &[]),
        // Real Time Streaming: READ BUFFER CAPACITY, SET CD SPEED, write speeds by GET PERFORMANCE, SET STREAMING.
        of_disc(0x0107, 4, disc.is_some(), &[0x1b, 0, 0, 0]),
        // Drive Serial Number.
        persistent(0x0108, 0, serial),
    ]
}

impl BurnerPort {
    /// GET CONFIGURATION (MMC-6 clause 6.5).
    pub(super) fn get_configuration(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let disc = self.with_disc(|disc| (disc.kind(), disc.status(), disc.capacity())).ok();
        let serial = super::super::super::vpd::serial_number(self.burner.id);
        let last = disc.map_or(0, |(_, _, capacity)| capacity - 1);
        let disc = disc.map(|(kind, status, _)| (kind, status));
        let current = disc.map_or(0, |(kind, status)| profile(kind, status));
        configuration(task, current, &features(disc, last, &serial))
    }
}
