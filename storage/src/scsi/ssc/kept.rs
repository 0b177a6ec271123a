//! The state of a drive in a file, so that the death of the VSP is none of the guests' business.
//!
//! The file has two slots that are written in turn, each with a heading that tells the newer and the whole one:
//!
//! ```text
//!   kittson tape drive 1 <sequence number> <bytes of the text> <FNV-1a of the text>
//!   cartridge /tapes/A00001L5.tap
//!   label <capacity> <write-protected> <barcode>
//!   place <objects> <filemarks> <setmarks> <offset> <threaded>
//!   medium <block length> <header>
//!   page 16 00000000…
//!   prevented <initiator>
//!   nexus <initiator>
//!   attention <initiator> <sense>
//!   done <initiator> <queue> <number> completed <data out> [<sense>] | conflict | read <place>
//!   registration <initiator> <key>        reservation <initiator> <type>
//!   reserved <initiator>                  generation <number>                  keep
//! ```
//!
//! It is written without waiting for the host's disk: what it guards against is a killed process, not a loss of power,
//! which no guest survives.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::mode::Settings;
use super::{Done, Initiator, Inner, Outcome, Place, Sense};
use crate::backing::tap::{Cartridge, Label};
use crate::scsi::reservation;

/// First words of a slot; the number is the version of the format.
const HEADING: &str = "kittson tape drive 1";
/// Bytes of a slot.
const SLOT: usize = 64 << 10;

/// Why the state of a drive cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("Unable to open '{}': {source}.", path.display())]
pub struct StateError {
    /// The file.
    pub path: PathBuf,
    /// What the host said.
    pub source: io::Error,
}

/// What was kept.
#[derive(Default)]
pub(super) struct State {
    /// The cartridge, its position, and whether it is threaded.
    pub(super) slot: Option<(Cartridge, Place, bool)>,
    pub(super) settings: Settings,
    pub(super) prevented: BTreeSet<Initiator>,
    pub(super) done: BTreeMap<Initiator, Vec<Done>>,
    pub(super) reservations: reservation::State,
    /// Unit attentions pending, of each initiator there was.
    nexuses: BTreeMap<Initiator, Vec<Sense>>,
}

/// The file.
pub(super) struct Keeper {
    file: File,
    sequence: u64,
    /// What stands there, without the commands.
    text: String,
    /// Initiators of the predecessor who have not come yet.
    nexuses: BTreeMap<Initiator, Vec<Sense>>,
    has_failed: bool,
}

impl Keeper {
    /// Opens the file, or makes it, and gives what it says.
    pub(super) fn open(path: &Path) -> Result<(Keeper, Option<State>), StateError> {
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
            if let Some((sequence, text)) = whole_slot(&bytes[..len])
                && newest.as_ref().is_none_or(|(other, _)| *other < sequence)
            {
                newest = Some((sequence, text));
            }
        }
        let (sequence, text) = newest.unwrap_or_default();
        let state = (!text.is_empty()).then(|| parse(&text));
        let nexuses = state.as_ref().map(|state| state.nexuses.clone()).unwrap_or_default();
        Ok((Keeper { file, sequence, text: String::new(), nexuses, has_failed: false }, state))
    }

    /// What an initiator of the predecessor was to be told; `None` for a new one.
    pub(super) fn take_nexus(&mut self, initiator: Initiator) -> Option<Vec<Sense>> {
        self.nexuses.remove(&initiator)
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

    /// Writes the state and the commands that were carried out last.
    pub(super) fn save(&mut self, text: String, done: &str, drive: Uuid) {
        let mut whole = format!("{text}{done}");
        for (initiator, pending) in &self.nexuses {
            print_nexus(&mut whole, *initiator, pending);
        }
        let sequence = self.sequence + 1;
        let slot = format!("{HEADING} {sequence} {} {:016x}\n{whole}", whole.len(), hash(&whole));
        let written = match slot.len() {
            0..=SLOT => self.file.write_all_at(slot.as_bytes(), sequence % 2 * SLOT as u64),
            _ => Err(io::ErrorKind::FileTooLarge.into()),
        };
        match written {
            Ok(()) => (self.sequence, self.text, self.has_failed) = (sequence, text, false),
            // The drive works on; only a VSP that is killed now is noticed.
            Err(error) => {
                if !std::mem::replace(&mut self.has_failed, true) {
                    tracing::error!(%drive, %error, "state of a tape drive cannot be kept");
                }
            }
        }
    }
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
fn whole_slot(bytes: &[u8]) -> Option<(u64, String)> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let heading = std::str::from_utf8(&bytes[..end]).ok()?;
    let words: Vec<&str> = heading.strip_prefix(HEADING)?.split_whitespace().collect();
    let [sequence, len, check] = words[..] else { return None };
    let len: usize = len.parse().ok()?;
    let text = std::str::from_utf8(bytes.get(end + 1..)?.get(..len)?).ok()?;
    let is_whole = u64::from_str_radix(check, 16).ok()? == hash(text);
    is_whole.then(|| Some((sequence.parse().ok()?, text.to_owned())))?
}

/// FNV-1a, 64 bits.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The state as text.
pub(super) fn print(
    inner: &Inner,
    nexuses: &[(Initiator, Vec<Sense>)],
    reservations: &reservation::State,
) -> String {
    let mut text = String::new();
    let mut line = |line: std::fmt::Arguments<'_>| {
        // Writing to a string does not fail.
        _ = writeln!(text, "{line}");
    };
    if let Some(loaded) = &inner.slot {
        line(format_args!("cartridge {}", escaped(&loaded.cartridge.path)));
        let Label { barcode, capacity, write_protected, .. } = &loaded.cartridge.label;
        line(format_args!("label {capacity} {} {barcode}", u8::from(*write_protected)));
        line(format_args!("place {} {}", words(loaded.place), u8::from(loaded.threaded)));
    }
    line(format_args!("medium {} {}", inner.settings.block_len, inner.settings.header));
    for (code, content) in &inner.settings.pages {
        let hex: String = content.iter().map(|byte| format!("{byte:02x}")).collect();
        line(format_args!("page {code} {hex}"));
    }
    for initiator in &inner.prevented {
        line(format_args!("prevented {}", initiator.0));
    }
    for (initiator, key) in &reservations.registrations {
        line(format_args!("registration {} {key:016x}", initiator.0));
    }
    if let Some((holder, kind)) = reservations.held {
        line(format_args!("reservation {} {}", holder.0, kind as u8));
    }
    if let Some(holder) = reservations.legacy {
        line(format_args!("reserved {}", holder.0));
    }
    line(format_args!("generation {}", reservations.generation));
    if reservations.keep {
        line(format_args!("keep"));
    }
    for (initiator, pending) in nexuses {
        print_nexus(&mut text, *initiator, pending);
    }
    text
}

/// The commands that were carried out last, as text.
pub(super) fn print_done(done: &BTreeMap<Initiator, Vec<Done>>) -> String {
    let mut text = String::new();
    for (initiator, done) in done {
        for Done { queue, number, outcome } in done {
            let outcome = match outcome {
                Outcome::Completed { sense: None, data_out } => format!("completed {data_out}"),
                Outcome::Completed { sense: Some(sense), data_out } => {
                    format!("completed {data_out} {}", sense.to_words())
                }
                Outcome::Conflict => "conflict".to_owned(),
                Outcome::Read(place) => format!("read {}", words(*place)),
            };
            // As above.
            _ = writeln!(text, "done {} {queue} {number} {outcome}", initiator.0);
        }
    }
    text
}

fn print_nexus(text: &mut String, initiator: Initiator, pending: &[Sense]) {
    // As above.
    _ = writeln!(text, "nexus {}", initiator.0);
    for sense in pending {
        _ = writeln!(text, "attention {} {}", initiator.0, sense.to_words());
    }
}

fn words(place: Place) -> String {
    format!("{} {} {} {}", place.object, place.filemarks, place.setmarks, place.offset)
}

/// A path as one line of UTF-8.
fn escaped(path: &Path) -> String {
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

fn unescaped(text: &str) -> Option<PathBuf> {
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

/// The state that a text tells. Lines that are not understood are reported and left out: the text is whole, so another
/// version wrote them.
fn parse(text: &str) -> State {
    let mut state = State::default();
    for line in text.lines() {
        if parse_line(&mut state, line).is_none() {
            tracing::warn!(line, "state of a tape drive is not understood");
        }
    }
    state
}

fn parse_line(state: &mut State, line: &str) -> Option<()> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let words: Vec<&str> = rest.split(' ').collect();
    let initiator = || words.first().and_then(|word| Uuid::parse_str(word).ok()).map(Initiator);
    match (word, &words[..]) {
        ("cartridge", _) => {
            let cartridge = Cartridge { path: unescaped(rest)?, label: Label::new("", None, false) };
            state.slot = Some((cartridge, Place::BEGINNING, false));
        }
        ("label", [capacity, protected, barcode]) => {
            let (cartridge, ..) = state.slot.as_mut()?;
            cartridge.label = Label::new(barcode, Some(capacity.parse().ok()?), *protected == "1");
        }
        ("place", [place @ .., threaded]) => {
            let slot = state.slot.as_mut()?;
            (slot.1, slot.2) = (parse_place(place)?, *threaded == "1");
        }
        ("medium", [block_len, header]) => {
            let block_len: u32 = block_len.parse().ok()?;
            state.settings.select_medium(header.parse().ok()?, Some(block_len & 0xff_ffff));
        }
        ("page", [code, hex]) => {
            let code = code.parse().ok()?;
            let content: Option<Vec<u8>> =
                (0..hex.len() / 2).map(|i| u8::from_str_radix(hex.get(2 * i..2 * i + 2)?, 16).ok()).collect();
            let content = content.filter(|content| Settings::is_page(code, content.len()))?;
            state.settings.pages.insert(code, content);
        }
        ("prevented", [_]) => _ = state.prevented.insert(initiator()?),
        ("nexus", [_]) => _ = state.nexuses.entry(initiator()?).or_default(),
        ("attention", [_, sense @ ..]) => {
            state.nexuses.entry(initiator()?).or_default().push(Sense::from_words(sense)?);
        }
        ("done", [_, queue, number, outcome @ ..]) => {
            let outcome = match outcome {
                ["completed", data_out] => {
                    Outcome::Completed { sense: None, data_out: data_out.parse().ok()? }
                }
                ["completed", data_out, sense @ ..] => Outcome::Completed {
                    sense: Some(Sense::from_words(sense)?),
                    data_out: data_out.parse().ok()?,
                },
                ["conflict"] => Outcome::Conflict,
                ["read", place @ ..] => Outcome::Read(parse_place(place)?),
                _ => return None,
            };
            let done = Done { queue: queue.parse().ok()?, number: number.parse().ok()?, outcome };
            state.done.entry(initiator()?).or_default().push(done);
        }
        ("registration", [_, key]) => {
            let key = u64::from_str_radix(key, 16).ok()?;
            state.reservations.registrations.insert(initiator()?, key);
        }
        ("reservation", [_, kind]) => {
            state.reservations.held = Some((initiator()?, reservation::Kind::from_code(kind.parse().ok()?)?));
        }
        ("reserved", [_]) => state.reservations.legacy = Some(initiator()?),
        ("generation", [number]) => state.reservations.generation = number.parse().ok()?,
        ("keep", _) => state.reservations.keep = true,
        _ => return None,
    }
    Some(())
}

fn parse_place(words: &[&str]) -> Option<Place> {
    let [object, filemarks, setmarks, offset] = words else { return None };
    Some(Place {
        object: object.parse().ok()?,
        filemarks: filemarks.parse().ok()?,
        setmarks: setmarks.parse().ok()?,
        offset: offset.parse().ok()?,
    })
}
