//! The state of a drive in a file, so that the death of the VSP is none of the guests' business.
//!
//! What each line says ([`super::super::kept`] has the frame, and the lines of initiators):
//!
//! ```text
//!   cartridge /tapes/A00001L5.tap
//!   label <capacity> <write-protected> <barcode>
//!   place <objects> <filemarks> <setmarks> <offset> <threaded>
//!   medium <block length> <header>
//!   page 16 00000000…
//!   prevented <initiator>
//!   done <initiator> <queue> <number> completed <data out> [<sense>] | conflict | read <place>
//!   registration <initiator> <key>        reservation <initiator> <type>
//!   reserved <initiator>                  generation <number>                  keep
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::mode::Settings;
use super::{Done, Initiator, Inner, Outcome, Place, Sense};
use crate::backing::tap::{Cartridge, Label};
use crate::scsi::kept::{self, Pending, escaped, parse_initiator, print_line, unescaped};
use crate::scsi::reservation;

/// First words of the file.
pub(super) const HEADING: &str = "kittson tape drive 1";

/// What was kept.
#[derive(Default)]
pub(super) struct State {
    /// The cartridge, its position, and whether it is threaded.
    pub(super) slot: Option<(Cartridge, Place, bool)>,
    pub(super) settings: Settings,
    pub(super) prevented: BTreeSet<Initiator>,
    pub(super) done: BTreeMap<Initiator, Vec<Done>>,
    pub(super) reservations: reservation::State,
    pub(super) nexuses: Pending,
}

/// The state as text.
pub(super) fn print(
    inner: &Inner,
    nexuses: &[(Initiator, Vec<Sense>)],
    reservations: &reservation::State,
) -> String {
    let mut text = String::new();
    let mut line = |line: std::fmt::Arguments<'_>| print_line(&mut text, line);
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
        kept::print_nexus(&mut text, *initiator, pending);
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
            print_line(&mut text, format_args!("done {} {queue} {number} {outcome}", initiator.0));
        }
    }
    text
}

fn words(place: Place) -> String {
    format!("{} {} {} {}", place.object, place.filemarks, place.setmarks, place.offset)
}

/// The state that a text tells.
pub(super) fn parse(text: &str) -> State {
    let mut state = State::default();
    let nexuses = kept::parse(text, |word, words| parse_line(&mut state, word, words));
    State { nexuses, ..state }
}

fn parse_line(state: &mut State, word: &str, words: &[&str]) -> Option<()> {
    let initiator = || words.first().and_then(|word| parse_initiator(word));
    match (word, words) {
        ("cartridge", _) => {
            let cartridge =
                Cartridge { path: unescaped(&words.join(" "))?, label: Label::new("", None, false) };
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
