//! Recordable discs: an image file, and beside it a small one that says what kind of disc it is and what is recorded.
//!
//! ```text
//!   backup.iso          sector n at byte 2048 n: what others mount
//!   backup.iso.disc     kind, capacity, sessions and tracks
//!
//!   session 1               gap   session 2
//!   ├ track 1 ┬ track 2 ┤ ┄┄┄┄┄┄ ├ track 3 ┄┄► next writable address
//! ```
//!
//! A disc is recorded from its beginning to its end, or, formatted, in any order. Nothing is told to be recorded before
//! it is in the image; what [`Disc::sync`] was called for survives the host, everything else a killed process. What is
//! planned, or only simulated, is in [`volatile`]. SCSI is not known here (see [`crate::scsi::Burner`]).

mod record;
mod sessions;
mod volatile;
mod writing;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use self::record::{Record, Session, Track};
use crate::backing::{Access, IoError, lock, unlock};
use crate::segments::Segments;

pub use record::{Damage, Kind};

/// Bytes of a sector.
pub const SECTOR: u64 = 2048;

/// Why a disc cannot be made or opened. The text is the operator's.
#[derive(Debug, thiserror::Error)]
pub enum DiscError {
    /// There is something with that name.
    #[error("File '{}' already exists.", .0.display())]
    Exists(PathBuf),
    /// The image or what describes it is not there.
    #[error("There is no recordable disc '{}'.", .0.display())]
    Missing(PathBuf),
    /// Somebody has it open.
    #[error("Disc '{}' is in use.", .0.display())]
    InUse(PathBuf),
    /// Its description cannot be understood, or contradicts itself.
    #[error("'{}' is damaged: {damage}", path.display())]
    Damaged {
        /// The description.
        path: PathBuf,
        /// What is wrong with it.
        damage: Damage,
    },
    /// Smaller than a disc can be, or larger.
    #[error("A disc has 1 to 2147483647 sectors of 2048 bytes.")]
    Size,
    /// The host refused.
    #[error("Unable to {attempt} '{}': {source}.", path.display())]
    Host {
        /// What was attempted, as a verb.
        attempt: &'static str,
        /// The file.
        path: PathBuf,
        /// What the host said.
        source: io::Error,
    },
}

/// Why nothing is recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not the next writable address of a track, or outside of what is formatted.
    #[error("this sector cannot be written now")]
    Address,
    /// The track, or the disc, has not so much room.
    #[error("no room is left")]
    Full,
    /// The disc is finalised.
    #[error("the disc is finalised")]
    Finalised,
    /// The disc is not of the kind, or not in the state, for this.
    #[error("not on this disc")]
    Unsuitable,
    /// The host failed.
    #[error(transparent)]
    Host(#[from] IoError),
}

impl From<io::Error> for RecordError {
    fn from(error: io::Error) -> RecordError {
        RecordError::Host(error.into())
    }
}

/// What a disc as a whole is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Nothing is recorded.
    Blank,
    /// More can be recorded behind what there is.
    Appendable,
    /// Nothing more can be recorded.
    Finalised,
    /// Formatted: sectors are written in any order.
    Formatted,
}

/// What a track is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrackState {
    /// Recorded and closed.
    Closed,
    /// Being recorded, or reserved to be.
    Open,
    /// Where recording would go on: nothing yet.
    Invisible,
}

/// A track as it is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TrackView {
    /// From 1, through all sessions.
    pub number: u8,
    /// From 1.
    pub session: u8,
    /// First sector.
    pub first: u32,
    /// Sectors that belong to it, recorded or not.
    pub len: u32,
    /// Sectors recorded.
    pub recorded: u32,
    /// Its length was given before.
    pub reserved: bool,
    /// What it is.
    pub state: TrackState,
}

impl TrackView {
    /// The sector to be written next, if there is one.
    pub fn next_writable(&self) -> Option<u32> {
        (self.state != TrackState::Closed && self.recorded < self.len).then_some(self.first + self.recorded)
    }
}

/// A session recorded at once, with all its tracks known before (session at once).
#[derive(Clone, PartialEq, Eq, Debug)]
struct Plan {
    /// First sector and length of each track.
    tracks: Vec<(u32, u32)>,
    /// The sector to be written next; before the first track there is a pre-gap.
    next: i64,
    /// Whether another session may follow.
    appendable: bool,
}

impl Plan {
    fn first(&self) -> i64 {
        self.tracks.first().map_or(0, |(first, _)| i64::from(*first))
    }

    /// The sector after the last.
    fn end(&self) -> i64 {
        self.tracks.last().map_or(0, |(first, len)| i64::from(*first) + i64::from(*len))
    }
}

/// Sectors of the pre-gap that is written before the first track of a session recorded at once.
const PRE_GAP: i64 = 150;

/// An open disc. Others find it in use.
pub struct Disc {
    path: PathBuf,
    description: PathBuf,
    image: File,
    record: Record,
    /// What the description says. Of the track that was recorded last the image tells the rest.
    described: Record,
    plan: Option<Plan>,
    /// What is recorded in truth, while `record` is only what would be.
    real: Option<Record>,
}

impl Disc {
    /// Makes a blank disc: the image `path`, empty, and its description.
    ///
    /// # Errors
    /// One of the files exists, the size is impossible, or the host refuses.
    pub fn create(path: &Path, kind: Kind, capacity: Option<u32>) -> Result<Disc, DiscError> {
        let record = Record::blank(kind, capacity.unwrap_or(kind.usual_capacity()));
        record.check().map_err(|_| DiscError::Size)?;
        let description = description_of(path);
        if description.try_exists().map_err(host("examine", &description))? {
            return Err(DiscError::Exists(description));
        }
        let made = File::options().read(true).write(true).create_new(true).open(path);
        let image = made.map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => DiscError::Exists(path.to_owned()),
            _ => host("create", path)(source),
        })?;
        lock_image(&image, path)?;
        record.save(&description).map_err(host("write", &description))?;
        Ok(Disc::of((path.to_owned(), description), image, record))
    }

    fn of((path, description): (PathBuf, PathBuf), image: File, record: Record) -> Disc {
        Disc { path, description, image, described: record.clone(), record, plan: None, real: None }
    }

    /// Opens the disc with the image `path`.
    ///
    /// # Errors
    /// There is none, it is in use, or its description is not understood.
    pub fn open(path: &Path) -> Result<Disc, DiscError> {
        let description = description_of(path);
        let missing = |attempt, path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| match source.kind() {
                io::ErrorKind::NotFound => DiscError::Missing(path),
                _ => DiscError::Host { attempt, path, source },
            }
        };
        let image = File::options().read(true).write(true).open(path).map_err(missing("open", path))?;
        lock_image(&image, path)?;
        let text = std::fs::read_to_string(&description).map_err(missing("read", &description))?;
        let record = Record::parse(&text)
            .map_err(|damage| DiscError::Damaged { path: description.clone(), damage })?;
        let mut disc = Disc::of((path.to_owned(), description), image, record);
        // What a process that died had put into the image behind what it had described is recorded, too.
        let sectors = disc.sectors_in_image().map_err(host("examine", path))?;
        disc.record = disc.record.with_image(sectors);
        Ok(disc)
    }

    fn sectors_in_image(&self) -> io::Result<u32> {
        Ok(u32::try_from(self.image.metadata()?.len() / SECTOR).unwrap_or(u32::MAX))
    }

    /// The image.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What kind of disc it is.
    pub fn kind(&self) -> Kind {
        self.record.kind
    }

    /// Sectors that could be recorded on it if it were blank.
    pub fn capacity(&self) -> u32 {
        self.record.capacity
    }

    /// What it is as a whole.
    pub fn status(&self) -> Status {
        match (&self.record.formatted, self.record.finalised, self.record.sessions.is_empty()) {
            (Some(_), _, _) => Status::Formatted,
            (None, true, _) => Status::Finalised,
            (None, false, true) => Status::Blank,
            (None, false, false) => Status::Appendable,
        }
    }

    /// Number of sessions, and whether the last of them is closed.
    pub fn sessions(&self) -> (u8, bool) {
        let sessions = &self.record.sessions;
        (sessions.len() as u8, sessions.last().is_none_or(|session| session.closed))
    }

    /// The tracks in their order; the invisible one, where there is one, last. A formatted disc is one track.
    pub fn tracks(&self) -> Vec<TrackView> {
        if let Some(len) = self.record.formatted {
            let state = TrackState::Closed;
            return vec![TrackView {
                number: 1,
                session: 1,
                first: 0,
                len,
                recorded: len,
                reserved: false,
                state,
            }];
        }
        let mut views = Vec::new();
        let open_end = self.record.capacity;
        for (session, number) in self.record.sessions.iter().zip(1..) {
            for track in &session.tracks {
                // One without a given length has what is left.
                let is_last = session.tracks.last() == Some(track);
                let end = match (track.closed, track.reserved) {
                    (false, None) if is_last => open_end,
                    _ => track.end(),
                };
                views.push(TrackView {
                    number: views.len() as u8 + 1,
                    session: number,
                    first: track.first,
                    len: end - track.first,
                    recorded: track.recorded,
                    reserved: track.reserved.is_some(),
                    state: if track.closed { TrackState::Closed } else { TrackState::Open },
                });
            }
        }
        views.extend(self.invisible(views.len()));
        views
    }

    /// The track that would come next.
    fn invisible(&self, before: usize) -> Option<TrackView> {
        let session = self.record.sessions.last();
        let is_taken = session
            .filter(|session| !session.closed)
            .and_then(|session| session.tracks.last())
            .is_some_and(|track| !track.closed && track.reserved.is_none());
        let first = self.record.next_start();
        if is_taken || self.record.finalised || first >= self.record.capacity || before >= 99 {
            return None;
        }
        let new_session = session.is_none_or(|session| session.closed);
        Some(TrackView {
            number: before as u8 + 1,
            session: self.record.sessions.len() as u8 + u8::from(new_session),
            first,
            len: self.record.capacity - first,
            recorded: 0,
            reserved: false,
            state: TrackState::Invisible,
        })
    }

    /// Sectors from the beginning up to the last that can be read.
    pub fn readable(&self) -> u32 {
        let record = self.real.as_ref().unwrap_or(&self.record);
        let tracks = || record.sessions.iter().flat_map(|session| &session.tracks);
        let recorded = tracks().filter(|track| track.recorded > 0).map(Track::next).max();
        record.formatted.or(recorded).unwrap_or(0)
    }

    /// Reads whole sectors. What was never recorded in between is zeros.
    ///
    /// # Errors
    /// Beyond what is readable ([`RecordError::Address`]), or the host fails.
    pub fn read(&self, sector: u32, into: &Segments<'_>) -> Result<(), RecordError> {
        let end = u64::from(sector) * SECTOR + into.len_bytes();
        if end > u64::from(self.readable()) * SECTOR {
            return Err(RecordError::Address);
        }
        let (start, len) = (u64::from(sector) * SECTOR, into.len_bytes());
        let mut done = 0;
        while done < len {
            match into.slice(done, len - done).read_from(self.image.as_fd(), start + done, 0) {
                Ok(0) => {
                    // The image ends here.
                    let zeros = vec![0; SECTOR as usize];
                    while done < len {
                        done += into.write(done, &zeros[..zeros.len().min((len - done) as usize)]) as u64;
                    }
                }
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn open_tracks(&mut self) -> impl Iterator<Item = &mut Track> {
        let tracks = self.record.open_session().map(|session| session.tracks.iter_mut());
        tracks.into_iter().flatten().filter(|track| !track.closed)
    }

    /// A new track at the end, and a new session for it if need be.
    fn begin_track(&mut self, first: u32, reserved: Option<u32>) -> Result<(), RecordError> {
        let mut next = self.record.clone();
        if next.open_session().is_none() {
            next.sessions.push(Session::default());
        }
        if let Some(session) = next.open_session() {
            session.tracks.push(Track { first, recorded: 0, reserved, closed: false });
        }
        next.check().map_err(|_| RecordError::Full)?;
        // Nothing that lies in the image from before the disc was blanked may be taken for recorded.
        self.cut(self.readable())?;
        self.commit(next)
    }

    /// The image ends after so many sectors.
    fn cut(&self, sectors: u32) -> Result<(), RecordError> {
        match self.is_simulating() {
            true => Ok(()),
            false => Ok(self.image.set_len(u64::from(sectors) * SECTOR)?),
        }
    }

    /// Makes `next` the state, on stable storage.
    fn commit(&mut self, next: Record) -> Result<(), RecordError> {
        if !self.is_simulating() {
            next.save(&self.description)?;
            self.described = next.clone();
        }
        self.record = next;
        Ok(())
    }

    /// Writes the state down if the next process would not find it in the image.
    fn describe(&mut self) -> Result<(), RecordError> {
        let is_told =
            self.is_simulating() || self.described.with_image(self.sectors_in_image()?) == self.record;
        if is_told { Ok(()) } else { self.commit(self.record.clone()) }
    }

    fn sync_image(&self) -> Result<(), RecordError> {
        match self.is_simulating() {
            true => Ok(()),
            false => Ok(self.image.sync_data()?),
        }
    }

    /// Everything that was recorded is on stable storage when this returns. A session recorded at once that is complete is
    /// closed.
    pub fn sync(&mut self) -> Result<(), RecordError> {
        self.sync_image()?;
        match self.plan.clone() {
            Some(plan) if plan.next == plan.end() => {
                self.plan = None;
                self.close_session(plan.appendable)
            }
            _ => self.commit(self.record.clone()),
        }
    }
}

impl Drop for Disc {
    fn drop(&mut self) {
        let _ = unlock(&self.image);
    }
}

/// A closed track is as long as what is recorded of it.
fn close(track: &mut Track) {
    track.closed = true;
    track.reserved = None;
}

fn description_of(image: &Path) -> PathBuf {
    let mut name = image.as_os_str().to_owned();
    name.push(".disc");
    name.into()
}

fn lock_image(image: &File, path: &Path) -> Result<(), DiscError> {
    lock(image, Access::ReadWrite).map_err(|source| match source.raw_os_error() {
        Some(libc::EAGAIN | libc::EACCES) => DiscError::InUse(path.to_owned()),
        _ => host("lock", path)(source),
    })
}

fn host(attempt: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DiscError {
    let path = path.to_owned();
    move |source| DiscError::Host { attempt, path, source }
}

#[cfg(test)]
mod tests;
