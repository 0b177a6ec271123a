//! REPORT DENSITY SUPPORT (SSC-3 clause 7.13).

use super::{Moved, Sense, Stop, TapePort, Task};
use crate::backing::tap::Media;

impl TapePort {
    /// With MEDIA the density of the cartridge, otherwise all that there are. Medium types are not told.
    pub(super) fn report_density(&self, task: &Task<'_>) -> Result<Moved, Stop> {
        let (of_medium, types) = (task.cdb.bit(1, 0), task.cdb.bit(1, 1));
        if types {
            return Err(Sense::cdb_field(1, 1).into());
        }
        let mut inner = self.inner();
        let present = inner.loaded().map(|loaded| {
            let label = &loaded.cartridge.label;
            Media { capacity: label.capacity, ..label.media }
        });
        let descriptors: Vec<u8> = match present {
            Ok(media) if of_medium => descriptor(&media, media.density),
            Err(sense) if of_medium => return Err(sense.into()),
            present => {
                let default = present.map_or(Media::DEFAULT.density, |media| media.density);
                Media::ALL.iter().flat_map(|media| descriptor(media, default)).collect()
            }
        };
        let [high, low] = (descriptors.len() as u16 + 2).to_be_bytes();
        task.reply(&[&[high, low, 0, 0], &descriptors[..]].concat(), task.cdb.be16(7).into())
    }
}

/// Density support data block descriptor (table 118).
fn descriptor(media: &Media, default: u8) -> Vec<u8> {
    const WRITABLE: u8 = 0x80;
    const DEFAULT: u8 = 0x20;
    /// Tenths of a millimetre.
    const WIDTH: u16 = 127;
    let padded = |text: &str, len: usize| format!("{text:len$}").into_bytes();
    let megabytes = u32::try_from(media.capacity / 1_000_000).unwrap_or(u32::MAX);
    let flags = WRITABLE | if media.density == default { DEFAULT } else { 0 };
    [
        &[media.density, media.density, flags, 0, 0][..],
        &media.bits_per_mm.to_be_bytes()[1..],
        &WIDTH.to_be_bytes(),
        &media.tracks.to_be_bytes(),
        &megabytes.to_be_bytes(),
        &padded("LTO-CVE", 8),
        &padded(media.name, 8),
        &padded("Ultrium format", 20),
    ]
    .concat()
}
