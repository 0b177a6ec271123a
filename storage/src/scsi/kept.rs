//! The state of a unit in a file, so that the death of the VSP is none of the guests' business.
//!
//! The file has two slots that are written in turn, each with a heading that tells the newer and the whole one:
//!
//! ```text
//!   kittson tape drive 1 <sequence number> <bytes of the text> <FNV-1a of the text>
//!   …                             the unit's own lines, and of each initiator:
//!   nexus <initiator>
//!   attention <initiator> <sense>
//! ```
//!
//! It is written without waiting for the host's disk: what it guards against is a killed process, not a loss of power,
//! which no guest survives.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::reservation::Power;
use super::{Initiator, Sense};

/// Bytes of a slot.
const SLOT: usize = 64 << 10;

/// Why the state of a unit cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("Unable to open '{}': {source}.", path.display())]
pub struct StateError {
    /// The file.
    pub path: PathBuf,
    /// What the host said.
    pub source: io::Error,
}

/// Unit attentions pending, of each initiator there is.
pub(super) type Pending = BTreeMap<Initiator, Vec<Sense>>;

/// The file.
pub(super) struct Keeper {
    file: File,
    /// First words of a slot; the number at the end is the version of the format.
    heading: &'static str,
    sequence: u64,
    /// What stands there, without what is written beside it.
    text: String,
    /// Initiators of the predecessor who have not come yet.
    absent: Pending,
    has_failed: bool,
}

impl Keeper {
    /// Opens the file, or makes it, and gives the text it has.
    pub(super) fn open(path: &Path, heading: &'static str) -> Result<(Keeper, Option<String>), StateError> {
        let failed = |source| StateError { path: path.to_owned(), source };
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        let mut newest: Option<(u64, String)> = None;
        for slot in 0..2 {
            let mut bytes = vec![0; SLOT];
            let len = read_up_to(&file, &mut bytes, slot * SLOT as u64).map_err(failed)?;
            if let Some((sequence, text)) = whole_slot(&bytes[..len], heading)
                && newest.as_ref().is_none_or(|(other, _)| *other < sequence)
            {
                newest = Some((sequence, text));
            }
        }
        let (sequence, text) = newest.unwrap_or_default();
        let text = (!text.is_empty()).then_some(text);
        let keeper = Keeper {
            file,
            heading,
            sequence,
            text: String::new(),
            absent: Pending::new(),
            has_failed: false,
        };
        Ok((keeper, text))
    }

    /// The same for a unit whose power was lost or kept: what the file says of a time before is gone.
    pub(super) fn open_after(
        path: &Path,
        heading: &'static str,
        power: Power,
    ) -> Result<(Keeper, Option<String>), StateError> {
        if power == Power::Lost {
            match fs::remove_file(path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(StateError { path: path.to_owned(), source });
                }
                _ => {}
            }
        }
        Keeper::open(path, heading)
    }

    /// These initiators were there and are expected to come again.
    pub(super) fn expect(&mut self, absent: Pending) {
        self.absent = absent;
    }

    /// What an initiator of the predecessor was to be told; `None` for a new one.
    pub(super) fn take_nexus(&mut self, initiator: Initiator) -> Option<Vec<Sense>> {
        self.absent.remove(&initiator)
    }

    /// Where the newest slot begins.
    #[cfg(test)]
    pub(super) fn newest_slot(&self) -> u64 {
        self.sequence % 2 * SLOT as u64
    }

    /// Whether `text` is not what stands there.
    pub(super) fn is_news(&self, text: &str) -> bool {
        self.text != text || self.has_failed
    }

    /// Writes the state of the unit, and `beside` it what alone is no news.
    pub(super) fn save(&mut self, text: String, beside: &str, unit: Uuid) {
        let mut whole = format!("{text}{beside}");
        for (initiator, pending) in &self.absent {
            print_nexus(&mut whole, *initiator, pending);
        }
        let sequence = self.sequence + 1;
        let slot =
            format!("{} {sequence} {} {:016x}\n{whole}", self.heading, whole.len(), hash(whole.as_bytes()));
        let written = match slot.len() {
            0..=SLOT => self.file.write_all_at(slot.as_bytes(), sequence % 2 * SLOT as u64),
            _ => Err(io::ErrorKind::FileTooLarge.into()),
        };
        match written {
            Ok(()) => (self.sequence, self.text, self.has_failed) = (sequence, text, false),
            // The unit works on; only a VSP that is killed now is noticed.
            Err(error) => {
                if !std::mem::replace(&mut self.has_failed, true) {
                    tracing::error!(%unit, %error, "state of a unit cannot be kept");
                }
            }
        }
    }
}

/// A file in which all texts have another word for one that is as long.
#[cfg(test)]
pub(super) fn rewrite(bytes: &[u8], word: &str, other: &str) -> Vec<u8> {
    assert_eq!(word.len(), other.len());
    let mut bytes = bytes.to_vec();
    for slot in bytes.chunks_mut(SLOT) {
        let Some(end) = slot.iter().position(|byte| *byte == b'\n') else { continue };
        let heading = String::from_utf8(slot[..end].to_vec()).unwrap();
        let words: Vec<&str> = heading.rsplitn(3, ' ').collect();
        let [_, len, before] = words[..] else { panic!("{heading}") };
        let text = &mut slot[end + 1..][..len.parse().unwrap()];
        let moved = String::from_utf8(text.to_vec()).unwrap().replace(word, other);
        text.copy_from_slice(moved.as_bytes());
        let heading = format!("{before} {len} {:016x}", hash(moved.as_bytes()));
        slot[..end].copy_from_slice(heading.as_bytes());
    }
    bytes
}

fn read_up_to(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut len = 0;
    while len < bytes.len() {
        match file.read_at(&mut bytes[len..], offset + len as u64) {
            Ok(0) => break,
            Ok(some) => len += some,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

/// Sequence number and text, of a slot that was written whole.
fn whole_slot(bytes: &[u8], heading: &str) -> Option<(u64, String)> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let first = std::str::from_utf8(&bytes[..end]).ok()?;
    let words: Vec<&str> = first.strip_prefix(heading)?.split_whitespace().collect();
    let [sequence, len, check] = words[..] else { return None };
    let len: usize = len.parse().ok()?;
    let text = std::str::from_utf8(bytes.get(end + 1..)?.get(..len)?).ok()?;
    let is_whole = u64::from_str_radix(check, 16).ok()? == hash(text.as_bytes());
    is_whole.then(|| Some((sequence.parse().ok()?, text.to_owned())))?
}

/// FNV-1a, 64 bits.
pub(super) fn hash<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Appends a line of a state.
pub(super) fn print_line(text: &mut String, line: fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    _ = writeln!(text, "{line}");
}

/// Appends an initiator with what it is to be told.
pub(super) fn print_nexus(text: &mut String, initiator: Initiator, pending: &[Sense]) {
    print_line(text, format_args!("nexus {}", initiator.0));
    for sense in pending {
        print_line(text, format_args!("attention {} {}", initiator.0, sense.to_words()));
    }
}

/// Reads the lines of a text, of which `parse_own` understands those that are not of initiators alone. A line that nobody
/// understands is reported and left out: the text is whole, so another version wrote it.
pub(super) fn parse(text: &str, mut parse_own: impl FnMut(&str, &[&str]) -> Option<()>) -> Pending {
    let mut nexuses = Pending::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let understood = match &words[..] {
            ["nexus", whose] => parse_initiator(whose).map(|whose| _ = nexuses.entry(whose).or_default()),
            ["attention", whose, sense @ ..] => parse_initiator(whose)
                .zip(Sense::from_words(sense))
                .map(|(whose, sense)| nexuses.entry(whose).or_default().push(sense)),
            [word, rest @ ..] => parse_own(word, rest),
            [] => None,
        };
        if understood.is_none() {
            tracing::warn!(line, "state of a unit is not understood");
        }
    }
    nexuses
}

/// A path as one line of UTF-8.
pub(super) fn escaped(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let is_plain = |byte: u8| (0x20..0x7f).contains(&byte) && byte != b'%';
    path.as_os_str().as_bytes().iter().fold(String::new(), |mut text, byte| {
        match is_plain(*byte) {
            true => text.push(char::from(*byte)),
            false => text += &format!("%{byte:02x}"),
        }
        text
    })
}

/// The path it says.
pub(super) fn unescaped(text: &str) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((plain, coded)) = rest.split_once('%') {
        bytes.extend(plain.bytes());
        bytes.push(u8::from_str_radix(coded.get(..2)?, 16).ok()?);
        rest = &coded[2..];
    }
    bytes.extend(rest.bytes());
    Some(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
}

/// An initiator as a word.
pub(super) fn parse_initiator(word: &str) -> Option<Initiator> {
    Uuid::parse_str(word).ok().map(Initiator)
}
