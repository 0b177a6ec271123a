//! What is written on a cartridge: barcode, capacity, write protection.
//!
//! The image stays as other programs know it, so this stands beside it: `A00001L5.cartridge` for `A00001L5.tap`, a text
//! of lines that may all be left out, as may the file.
//!
//! ```text
//!   barcode A00001L5     1 to 32 letters, digits, '-', '_', '.'; otherwise the name of the image
//!   capacity 4G          otherwise that of the medium which the barcode's last two characters tell, or of LTO-5
//!   write-protected      otherwise the tape can be written if its file has a write permission
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::backing::OpenError;
use crate::backing::open::host;
use crate::size;

/// Most characters of a barcode (SMC-3 volume identifiers).
const BARCODE_LEN: usize = 32;
/// Extension of the file with the label.
const EXTENSION: &str = "cartridge";
/// Least capacity in bytes that can be asked for.
const MINIMUM: u64 = 64 << 10;

/// A kind of medium.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Media {
    /// Media identifier at the end of a barcode.
    pub identifier: &'static str,
    /// Name of the recording format.
    pub name: &'static str,
    /// DENSITY CODE.
    pub density: u8,
    /// Bits per millimetre of a track.
    pub bits_per_mm: u32,
    /// Tracks.
    pub tracks: u16,
    /// Capacity in bytes.
    pub capacity: u64,
}

const fn lto(
    identifier: &'static str,
    name: &'static str,
    density: u8,
    bits: u32,
    tracks: u16,
    gb: u64,
) -> Media {
    Media { identifier, name, density, bits_per_mm: bits, tracks, capacity: gb * 1_000_000_000 }
}

impl Media {
    /// All kinds, LTO-1 to LTO-9 (Ultrium format specifications), by density code.
    #[rustfmt::skip] // One kind a line.
    pub const ALL: [Media; 9] = [
        lto("L1", "U-18", 0x40, 4880, 384, 100),
        lto("L2", "U-28", 0x42, 7398, 512, 200),
        lto("L3", "U-316", 0x44, 9638, 704, 400),
        lto("L4", "U-416", 0x46, 12725, 896, 800),
        lto("L5", "U-516", 0x58, 15142, 1280, 1500),
        lto("L6", "U-616", 0x5a, 15142, 2176, 2500),
        lto("L7", "U-732", 0x5c, 19107, 3584, 6000),
        lto("L8", "U-832", 0x5e, 20668, 6656, 12_000),
        lto("L9", "U-932", 0x60, 21000, 8960, 18_000),
    ];
    /// Where a barcode says nothing: LTO-5.
    pub const DEFAULT: Media = Media::ALL[4];

    fn of(barcode: &str) -> Media {
        Media::ALL.into_iter().find(|media| barcode.ends_with(media.identifier)).unwrap_or(Media::DEFAULT)
    }
}

/// The label of a cartridge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// Barcode; empty if it has none.
    pub barcode: String,
    /// Kind of medium.
    pub media: Media,
    /// Bytes of the image up to which records are written.
    pub capacity: u64,
    /// Whether it refuses changes, whatever the permissions of the image.
    pub write_protected: bool,
}

/// A cartridge: where its image is, and its label.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cartridge {
    /// The image.
    pub path: PathBuf,
    /// Its label.
    pub label: Label,
}

impl Cartridge {
    /// The cartridge whose image is at `path`. The image is not looked at.
    ///
    /// # Errors
    /// Its label cannot be read, or says what it may not.
    pub fn at(path: &Path) -> Result<Cartridge, OpenError> {
        let file = path.with_extension(EXTENSION);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(host("read", &file)(source)),
        };
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let label = Label::parse(&text, stem).map_err(|line| OpenError::Label { path: file, line })?;
        Ok(Cartridge { path: path.to_owned(), label })
    }

    /// Bytes of the image from which on writing warns that the end comes near.
    pub fn early_warning(&self) -> u64 {
        const MOST: u64 = 64 << 20;
        self.label.capacity - (self.label.capacity / 32).min(MOST)
    }
}

impl Label {
    /// A label; without a capacity, that of the medium.
    pub fn new(barcode: &str, capacity: Option<u64>, write_protected: bool) -> Label {
        let media = Media::of(barcode);
        Label {
            barcode: barcode.to_owned(),
            media,
            capacity: capacity.unwrap_or(media.capacity),
            write_protected,
        }
    }

    /// Reads a label; `Err` is the number of the line that is not understood, from 1.
    fn parse(text: &str, stem: &str) -> Result<Label, usize> {
        let mut barcode = if is_barcode(stem) { stem.to_owned() } else { String::new() };
        let (mut capacity, mut write_protected) = (None, false);
        for (line, number) in text.lines().zip(1..) {
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                [] => {}
                ["barcode", given] if is_barcode(given) => barcode = given.to_owned(),
                ["capacity", given] => {
                    let bytes = size::parse(given, 1).ok().filter(|bytes| *bytes >= MINIMUM);
                    capacity = Some(bytes.ok_or(number)?);
                }
                ["write-protected"] => write_protected = true,
                _ => return Err(number),
            }
        }
        Ok(Label::new(&barcode, capacity, write_protected))
    }
}

fn is_barcode(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=BARCODE_LEN).contains(&text.len()) && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_is_made_of_the_name_and_of_what_stands_beside() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let plain = Cartridge::at(&at("A00001L3.tap")).unwrap().label;
        assert_eq!((plain.barcode.as_str(), plain.media.density), ("A00001L3", 0x44));
        assert_eq!((plain.capacity, plain.write_protected), (400_000_000_000, false));
        fs::write(at("own tape.cartridge"), "capacity 4G\n\nbarcode HP0007\nwrite-protected\n").unwrap();
        let own = Cartridge::at(&at("own tape.tap")).unwrap().label;
        assert_eq!((own.barcode.as_str(), own.capacity), ("HP0007", 4 << 30));
        assert_eq!((own.media, own.write_protected), (Media::DEFAULT, true));
        assert_eq!(Cartridge::at(&at("no barcode.tap")).unwrap().label.barcode, "");
    }

    #[test]
    fn lines_not_understood_are_told() {
        for (text, line) in [
            ("capacity\n", 1),
            ("\ncapacity 4X", 2),
            ("capacity 63K", 1),
            ("barcode a b", 1),
            ("barcode A/B", 1),
            ("write-protected\nfriendly", 2),
        ] {
            assert_eq!(Label::parse(text, "x"), Err(line), "{text}");
        }
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("x.cartridge"), "capacity 1").unwrap();
        let refusal = Cartridge::at(&directory.path().join("x.tap")).unwrap_err().to_string();
        assert!(refusal.contains("x.cartridge' (line 1)"), "{refusal}");
    }
}
