//! What is known of a recordable disc beside its image, as text:
//!
//! ```toml
//! format = 1
//! kind = "DVD+R"               # or CD-R, CD-RW, DVD-R, DVD-RW, DVD+RW
//! capacity = 2295104           # sectors of 2048 bytes
//! finalised = false
//! formatted = 2295104          # DVD+RW, DVD-RW: sectors that can be written in any order
//!
//! [[session]]
//! closed = true
//!
//! [[session.track]]
//! first = 0                    # sector
//! recorded = 1500              # sectors
//! reserved = 2000              # sectors, of tracks whose length is given
//! closed = true
//! ```

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::durable;

/// Version of the format.
const FORMAT: u32 = 1;

/// Kinds of recordable discs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Kind {
    /// CD-R
    #[serde(rename = "CD-R")]
    CdR,
    /// CD-RW
    #[serde(rename = "CD-RW")]
    CdRw,
    /// DVD-R
    #[serde(rename = "DVD-R")]
    DvdMinusR,
    /// DVD-RW
    #[serde(rename = "DVD-RW")]
    DvdMinusRw,
    /// DVD+R
    #[serde(rename = "DVD+R")]
    DvdPlusR,
    /// DVD+RW
    #[serde(rename = "DVD+RW")]
    DvdPlusRw,
}

impl Kind {
    const ALL: [(Kind, &'static str); 6] = [
        (Kind::CdR, "CD-R"),
        (Kind::CdRw, "CD-RW"),
        (Kind::DvdMinusR, "DVD-R"),
        (Kind::DvdMinusRw, "DVD-RW"),
        (Kind::DvdPlusR, "DVD+R"),
        (Kind::DvdPlusRw, "DVD+RW"),
    ];

    /// Sectors of an ordinary disc: of 80 minutes, or of 4.7 GB.
    pub fn usual_capacity(self) -> u32 {
        match self {
            Kind::CdR | Kind::CdRw => 359_847,
            Kind::DvdMinusR | Kind::DvdMinusRw => 2_298_496,
            Kind::DvdPlusR | Kind::DvdPlusRw => 2_295_104,
        }
    }

    /// A CD, not a DVD.
    pub fn is_cd(self) -> bool {
        matches!(self, Kind::CdR | Kind::CdRw)
    }

    /// What is recorded can be erased, or written over.
    pub fn is_rewritable(self) -> bool {
        matches!(self, Kind::CdRw | Kind::DvdMinusRw | Kind::DvdPlusRw)
    }

    /// It can be formatted for writing in any order.
    pub fn is_formattable(self) -> bool {
        matches!(self, Kind::DvdMinusRw | Kind::DvdPlusRw)
    }

    /// Sectors recorded together: a track begins at a multiple.
    pub(super) fn grain(self) -> u32 {
        if self.is_cd() { 1 } else { 16 }
    }

    /// Sectors between two tracks of a session: the second pre-gap of CDs (MMC-6 clause 4.2.3.7).
    pub(super) fn track_gap(self) -> u32 {
        if self.is_cd() { 150 } else { 0 }
    }

    /// Sectors between the first session and the second, and between two later ones. Of CDs: lead-out, lead-in and
    /// pre-gap (MMC-6 clause 4.2.3.6); of DVDs as much as borders, or closure and intro, take at least.
    pub(super) fn session_gap(self, is_first: bool) -> u32 {
        match (self.is_cd(), is_first) {
            (true, true) => 6750 + 4500 + 150,
            (true, false) => 2250 + 4500 + 150,
            (false, _) => 2048,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Kind::ALL.iter().find(|(kind, _)| kind == self).map_or("", |(_, name)| name))
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        let known = Kind::ALL.iter().find(|(_, name)| *name == text);
        known.map(|(kind, _)| *kind).ok_or_else(|| {
            format!("'{text}' is not a kind of disc: CD-R, CD-RW, DVD-R, DVD-RW, DVD+R or DVD+RW")
        })
    }
}

/// What is wrong with the text.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// Not TOML, or not with what is expected in it.
    #[error("{0}")]
    Text(#[from] toml::de::Error),
    /// Of another version.
    #[error("format {0} is not known; this is format {FORMAT}.")]
    Format(u32),
    /// Tracks that overlap, or lie beyond the end of the disc.
    #[error("track {0} does not fit where it is said to be.")]
    Misplaced(usize),
    /// A disc without room, or without what its kind must have.
    #[error("no such disc can be.")]
    Impossible,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Track {
    pub(super) first: u32,
    pub(super) recorded: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reserved: Option<u32>,
    pub(super) closed: bool,
}

impl Track {
    /// The sector after what is recorded.
    pub(super) fn next(&self) -> u32 {
        self.first + self.recorded
    }

    /// The sector after what belongs to it.
    pub(super) fn end(&self) -> u32 {
        self.first + self.reserved.unwrap_or(0).max(self.recorded)
    }
}

#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Session {
    pub(super) closed: bool,
    #[serde(rename = "track", default)]
    pub(super) tracks: Vec<Track>,
}

/// All of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    format: u32,
    pub(super) kind: Kind,
    pub(super) capacity: u32,
    #[serde(default)]
    pub(super) finalised: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) formatted: Option<u32>,
    #[serde(rename = "session", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) sessions: Vec<Session>,
}

impl Record {
    pub(super) fn blank(kind: Kind, capacity: u32) -> Record {
        Record { format: FORMAT, kind, capacity, finalised: false, formatted: None, sessions: Vec::new() }
    }

    pub(super) fn parse(text: &str) -> Result<Record, Damage> {
        let record: Record = toml::from_str(text)?;
        record.check()?;
        Ok(record)
    }

    /// So that nothing later has to doubt a number.
    pub(super) fn check(&self) -> Result<(), Damage> {
        /// As many as a CD has; DVDs have fewer.
        const MOST_TRACKS: usize = 99;
        if self.format != FORMAT {
            return Err(Damage::Format(self.format));
        }
        let too_long = |sectors: u32| sectors > self.capacity;
        let only_last_is_open = self.sessions.iter().rev().skip(1).all(|session| session.closed);
        let tracks = || self.sessions.iter().flat_map(|session| &session.tracks);
        let is_possible = self.capacity > 0
            && i32::try_from(self.capacity).is_ok()
            && only_last_is_open
            && tracks().count() <= MOST_TRACKS
            && self.sessions.iter().all(|session| !session.tracks.is_empty())
            && self.formatted.is_none_or(|sectors| self.kind.is_formattable() && !too_long(sectors))
            && (self.formatted.is_none() || self.sessions.is_empty());
        if !is_possible {
            return Err(Damage::Impossible);
        }
        let mut end = 0;
        for (track, number) in tracks().zip(1..) {
            let len = track.reserved.unwrap_or(0).max(track.recorded);
            let next = track.first.checked_add(len).filter(|next| !too_long(*next));
            if track.first < end || track.reserved.is_some_and(|reserved| track.recorded > reserved) {
                return Err(Damage::Misplaced(number));
            }
            end = next.ok_or(Damage::Misplaced(number))?;
        }
        Ok(())
    }

    /// The text.
    pub(super) fn print(&self) -> io::Result<String> {
        toml::to_string(self).map_err(io::Error::other)
    }

    pub(super) fn save(&self, path: &Path) -> io::Result<()> {
        durable::replace(path, self.print()?.as_bytes())
    }

    /// As it is when the image has so many sectors. They lie there in the order in which they are recorded: the image ends in
    /// the track that was recorded last.
    pub(super) fn with_image(&self, sectors: u32) -> Record {
        let mut record = self.clone();
        let tracks = record.open_session().into_iter().flat_map(|session| &mut session.tracks);
        if let Some(track) = tracks.filter(|track| !track.closed && track.first < sectors).last() {
            let end = track.reserved.map_or(self.capacity, |len| track.first + len);
            track.recorded = track.recorded.max(sectors.min(end) - track.first);
        }
        record
    }

    /// The session that is being recorded.
    pub(super) fn open_session(&mut self) -> Option<&mut Session> {
        self.sessions.last_mut().filter(|session| !session.closed)
    }

    /// The sector where the next track will begin.
    pub(super) fn next_start(&self) -> u32 {
        let Some(session) = self.sessions.last() else { return 0 };
        let end = session.tracks.last().map_or(0, Track::end);
        let gap = match session.closed {
            true => self.kind.session_gap(self.sessions.len() == 1),
            false => self.kind.track_gap(),
        };
        let grain = self.kind.grain();
        end.saturating_add(gap).div_ceil(grain).saturating_mul(grain)
    }
}
