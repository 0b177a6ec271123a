//! What is reserved at a unit, as a small file of text, so that the process that serves the unit can be replaced:
//!
//! ```text
//!   kittson reservations 3
//!   power-loss survived           or lost: whether APTPL was asked for
//!   generation 3
//!   registration 0f0c…-… 00000000deadbeef
//!   reservation 0f0c…-… 5
//!   unit 0f0c…-… 0                by RESERVE, which no loss of power survives, nor does what follows
//!   done 0f0c…-… <queue> <number> changes carried out last, and whom they were told to
//!   news 77ab…-… <sense>
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::{Done, Initiator, Kind, Power, State};
use crate::durable;
use crate::scsi::Sense;

/// First line; the number is the version of the format.
const HEADING: &str = "kittson reservations 3";
/// That of the version before, which had no memory of changes.
const HEADING_2: &str = "kittson reservations 2";

/// Why kept reservations are not to be had. To go on without them would let in who was kept out.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The host refused.
    #[error("Unable to read '{}': {source}.", path.display())]
    Host {
        /// The file.
        path: PathBuf,
        /// What the host said.
        source: io::Error,
    },
    /// Not what we write.
    #[error("'{}' is damaged or of another version (line {line}).", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Number of the first line not understood, from 1.
        line: usize,
    },
}

/// Reads the file; nothing reserved when there is none, or when what it says was lost with the power.
pub(super) fn load(path: &Path, power: Power) -> Result<State, KeptError> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(State::default()),
        Err(source) => Err(KeptError::Host { path: path.to_owned(), source }),
        Ok(text) => {
            let state = parse(&text).map_err(|line| KeptError::Damaged { path: path.to_owned(), line })?;
            Ok(match power {
                Power::Kept => state,
                Power::Lost if state.keep => {
                    State { legacy: None, generation: 0, done: Default::default(), ..state }
                }
                Power::Lost => State::default(),
            })
        }
    }
}

fn parse(text: &str) -> Result<State, usize> {
    let mut state = State::default();
    let mut lines = text.lines().zip(1..);
    if !lines.next().is_some_and(|(line, _)| [HEADING, HEADING_2].contains(&line)) {
        return Err(1);
    }
    let mut last = None;
    for (line, number) in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["power-loss", "survived"] => state.keep = true,
            ["power-loss", "lost"] => state.keep = false,
            ["generation", value] => state.generation = value.parse().map_err(|_| number)?,
            ["done", initiator, queue, request] => {
                let initiator = parse_initiator(initiator).ok_or(number)?;
                let (queue, request) = (queue.parse().ok(), request.parse().ok());
                let done =
                    Done { queue: queue.ok_or(number)?, number: request.ok_or(number)?, news: Vec::new() };
                state.done.entry(initiator).or_default().push(done);
                last = Some(initiator);
            }
            ["news", initiator, ref sense @ ..] => {
                let initiator = parse_initiator(initiator).ok_or(number)?;
                let sense = Sense::from_words(sense).ok_or(number)?;
                let done = last.and_then(|last| state.done.get_mut(&last)?.last_mut()).ok_or(number)?;
                done.news.push((initiator, sense));
            }
            [word, initiator, value] => {
                let initiator = parse_initiator(initiator).ok_or(number)?;
                match word {
                    "registration" => {
                        let key = u64::from_str_radix(value, 16).map_err(|_| number)?;
                        state.registrations.insert(initiator, key);
                    }
                    "reservation" if state.registrations.contains_key(&initiator) => {
                        let kind = value.parse().ok().and_then(Kind::from_code).ok_or(number)?;
                        state.held = Some((initiator, kind));
                    }
                    "unit" if value == "0" => state.legacy = Some(initiator),
                    _ => return Err(number),
                }
            }
            _ => return Err(number),
        }
    }
    Ok(state)
}

fn parse_initiator(word: &str) -> Option<Initiator> {
    Uuid::parse_str(word).ok().map(Initiator)
}

/// Removes the file, if there is one.
pub(super) fn remove(path: &Path) {
    if path.exists()
        && let Err(error) = durable::remove(path)
    {
        tracing::error!(path = %path.display(), %error, "reservations cannot be forgotten");
    }
}

/// Replaces the file, or removes it when there is nothing to be said; on stable storage when this returns.
pub(super) fn save(path: &Path, state: &State) -> io::Result<()> {
    match state.is_worth_keeping() {
        true => durable::replace(path, print(state).as_bytes()),
        false => durable::remove(path),
    }
}

fn print(state: &State) -> String {
    let fate = if state.keep { "survived" } else { "lost" };
    let mut text = format!("{HEADING}\npower-loss {fate}\ngeneration {}\n", state.generation);
    for (initiator, key) in &state.registrations {
        text += &format!("registration {} {key:016x}\n", initiator.0);
    }
    if let Some((holder, kind)) = state.held {
        text += &format!("reservation {} {}\n", holder.0, kind as u8);
    }
    if let Some(holder) = state.legacy {
        text += &format!("unit {} 0\n", holder.0);
    }
    for (initiator, done) in &state.done {
        for Done { queue, number, news } in done {
            text += &format!("done {} {queue} {number}\n", initiator.0);
            for (whom, sense) in news {
                text += &format!("news {} {}\n", whom.0, sense.to_words());
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_files_are_refused_by_line() {
        let uuid = "00000000-0000-0000-0000-000000000001";
        let cases = [
            (String::new(), 1),
            ("kittson reservations 1\n".to_owned(), 1),
            (format!("{HEADING}\nregistration {uuid}\n"), 2),
            (format!("{HEADING}\npower-loss perhaps\n"), 2),
            (format!("{HEADING}\nunit {uuid} 1\n"), 2),
            (format!("{HEADING}\ndone {uuid} 1\n"), 2),
            (format!("{HEADING}\ndone {uuid} 1 x\n"), 2),
            (format!("{HEADING}\nnews {uuid} 6 42 3 0 -\n"), 2),
            (format!("{HEADING}\ndone {uuid} 1 7\nnews {uuid} 6 42\n"), 3),
            (format!("{HEADING}\nregistration {uuid} xyz\n"), 2),
            (format!("{HEADING}\nregistration nobody 1\n"), 2),
            (format!("{HEADING}\nreservation {uuid} 5\n"), 2),
            (format!("{HEADING}\nregistration {uuid} 1\nreservation {uuid} 2\n"), 3),
            (format!("{HEADING}\nregistration {uuid} 1\n\n"), 3),
        ];
        for (text, line) in cases {
            assert_eq!(parse(&text), Err(line), "{text}");
        }
    }
}
