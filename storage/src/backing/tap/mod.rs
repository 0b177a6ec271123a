//! A cartridge as a file: a tape image in SIMH's `.tap` format, and what is written on its label.
//!
//! ```text
//!   Image ─── records and marks, one after another; nothing lies behind what was written last
//!     ├── format: the words of the file
//!     ├── map: places known, to find others by
//!     └── walk: from a place to another
//!   Label ─── barcode, capacity, write protection (cartridge)
//! ```
//!
//! Positions are [`Place`]s, which the image gives out and takes back; it has no position of its own. It knows no
//! command. After a crash the file ends with the last object that was written whole, or in the middle of the next one,
//! which then is [`Fault::Truncated`]; everything written before the last [`Image::flush`] is there in any case.

mod cartridge;
mod format;
mod map;
mod walk;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub use cartridge::{Cartridge, Label, Media};
pub use format::stored_len;
pub use walk::{Found, Halt, Why};

use self::format::{FILEMARK, SETMARK, WORD};
use self::map::Map;
use super::open::{host, lock, metadata, unlock};
use super::raw::transfer;
use super::{Access, IoError, OpenError};
use crate::identity::Identity;
use crate::segments::Segments;

/// Most bytes of a record that is written: the format's 24 bits.
pub const MAX_RECORD: u32 = 0xff_ffff;

/// Bytes that a mark occupies.
pub const MARK_LEN: u64 = WORD;

/// Records written by one system call at most, so that framing and data fit its vectors.
const BATCH: usize = 300;

/// A mark between records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// Ends a file.
    Filemark,
    /// Ends a set of files.
    Setmark,
}

/// What is recorded on a tape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Object {
    /// A block of data.
    Record {
        /// Bytes.
        len: u32,
        /// The data are marked as being in doubt.
        bad: bool,
    },
    /// A mark.
    Mark(Mark),
}

/// A place on a tape, between two objects.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Place {
    /// Objects before it, marks included.
    pub object: u64,
    /// Filemarks before it.
    pub filemarks: u64,
    /// Setmarks before it.
    pub setmarks: u64,
    /// Bytes of the file before it.
    pub offset: u64,
}

impl Place {
    /// Beginning of the tape.
    pub const BEGINNING: Place = Place { object: 0, filemarks: 0, setmarks: 0, offset: 0 };

    /// Marks of a kind before it.
    pub fn marks(&self, mark: Mark) -> u64 {
        match mark {
            Mark::Filemark => self.filemarks,
            Mark::Setmark => self.setmarks,
        }
    }

    /// The place behind an object that ends at `offset`.
    fn behind(&self, object: Object, offset: u64) -> Place {
        let is = |mark| u64::from(object == Object::Mark(mark));
        Place {
            object: self.object.saturating_add(1),
            filemarks: self.filemarks.saturating_add(is(Mark::Filemark)),
            setmarks: self.setmarks.saturating_add(is(Mark::Setmark)),
            offset,
        }
    }
}

/// Why what lies behind a place cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file ends inside an object.
    #[error("the tape image ends inside a record")]
    Truncated,
    /// What stands there is no object.
    #[error("the tape image is damaged")]
    Damaged,
    /// The record is marked as one that could not be read when the image was made.
    #[error("a record of the tape image is marked as bad")]
    Bad,
    /// The host failed.
    #[error(transparent)]
    Host(#[from] IoError),
}

/// An open tape image, locked until dropped, as [`super::RawFile`] is.
pub struct Image {
    file: File,
    path: PathBuf,
    read_only: bool,
    identity: Identity,
    len_bytes: u64,
    map: Map,
}

impl Image {
    /// Opens and locks the image at `path`: for reading only if asked to, or if its permissions let nobody write.
    ///
    /// # Errors
    /// It is not there, no regular file, or in use.
    pub fn open(path: &Path, access: Access) -> Result<Image, OpenError> {
        let found = metadata(path)?;
        if !found.is_file() {
            return Err(OpenError::NotRegular(path.to_owned()));
        }
        let read_only = access == Access::ReadOnly || found.mode() & 0o222 == 0;
        let access = if read_only { Access::ReadOnly } else { Access::ReadWrite };
        let file = File::options()
            .read(true)
            .write(!read_only)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC)
            .open(path)
            .map_err(host("open", path))?;
        lock(&file, access).map_err(|source| match source.raw_os_error() {
            Some(libc::EAGAIN | libc::EACCES) => OpenError::InUse(path.to_owned()),
            _ => host("lock", path)(source),
        })?;
        let opened = file.metadata().map_err(host("examine", path))?;
        if !opened.is_file() {
            return Err(OpenError::NotRegular(path.to_owned()));
        }
        Ok(Image {
            file,
            path: path.to_owned(),
            read_only,
            identity: Identity::of(&opened),
            len_bytes: opened.len(),
            map: Map::new(),
        })
    }

    /// Makes the image of an empty tape, readable and writable by its owner alone.
    ///
    /// # Errors
    /// There is a file of that name, or the host refuses.
    pub fn create(path: &Path) -> Result<(), OpenError> {
        let created = File::options().write(true).create_new(true).mode(0o600).open(path);
        created.map(drop).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => OpenError::Exists(path.to_owned()),
            _ => host("create", path)(source),
        })
    }

    /// The path it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which file it is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Bytes of the file.
    pub fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// Whether changes are refused.
    pub fn read_only(&self) -> bool {
        self.read_only
    }

    /// Fills `into` with the bytes of a record from `at` on, which are there.
    pub fn read(&self, found: &Found, at: u64, into: &Segments<'_>) -> Result<(), IoError> {
        transfer(found.data_at + at, into, |part, at| part.read_from(self.file.as_fd(), at, 0))
    }

    /// Writes `data` at `place` as records of `record_len` bytes each (1..=[`MAX_RECORD`]; the last may be shorter) and
    /// makes the tape end there.
    ///
    /// # Errors
    /// With the place behind the records that were written whole, where the tape ends now.
    pub fn write_records(
        &mut self,
        place: Place,
        data: &Segments<'_>,
        record_len: u32,
    ) -> Result<Place, (Place, IoError)> {
        self.cut(place).map_err(|error| (place, error))?;
        let mut at = place;
        let mut done = 0;
        while done < data.len_bytes() {
            let batch = (u64::from(record_len) * BATCH as u64).min(data.len_bytes() - done);
            at = self.write_batch(at, &data.slice(done, batch), record_len).map_err(|error| {
                // What was written of the batch is no record; if it cannot be cut off either, it reads as truncated.
                _ = self.file.set_len(at.offset);
                (at, error)
            })?;
            self.has_grown(at);
            done += batch;
        }
        Ok(at)
    }

    fn write_batch(&self, place: Place, data: &Segments<'_>, record_len: u32) -> Result<Place, IoError> {
        let lens: Vec<u32> = (0..data.len_bytes())
            .step_by(record_len as usize)
            .map(|start| (data.len_bytes() - start).min(record_len.into()) as u32)
            .collect();
        // Words and padding of all records, each record's taken from its own end of the buffer.
        let mut frames: Vec<u8> = Vec::with_capacity(lens.len() * 10);
        for len in &lens {
            frames.extend(len.to_le_bytes());
            frames.extend(std::iter::repeat_n(0, (len % 2) as usize));
            frames.extend(len.to_le_bytes());
        }
        let frames = Segments::from_slice(&mut frames);
        let (mut whole, mut frame_at, mut data_at, mut end) = (Segments::empty(), 0, 0, place);
        for len in lens {
            let behind = WORD + u64::from(len % 2);
            whole.append(frames.slice(frame_at, WORD));
            whole.append(data.slice(data_at, len.into()));
            whole.append(frames.slice(frame_at + WORD, behind));
            frame_at += WORD + behind;
            data_at += u64::from(len);
            end = end.behind(Object::Record { len, bad: false }, end.offset + stored_len(len));
        }
        transfer(place.offset, &whole, |part, at| part.write_to(self.file.as_fd(), at, 0))?;
        Ok(end)
    }

    /// Writes `count` marks at `place` and makes the tape end there.
    ///
    /// # Errors
    /// Nothing was written; the tape ends at `place`.
    pub fn write_marks(&mut self, place: Place, mark: Mark, count: u32) -> Result<Place, IoError> {
        /// Marks written by one system call.
        const AT_ONCE: u32 = 1 << 14;
        if count == 0 {
            return Ok(place);
        }
        self.cut(place)?;
        let word = match mark {
            Mark::Filemark => FILEMARK,
            Mark::Setmark => SETMARK,
        };
        let words = word.to_le_bytes().repeat(count.min(AT_ONCE) as usize);
        let mut end = place;
        let mut left = count;
        while left > 0 {
            let some = left.min(AT_ONCE);
            let bytes = &words[..some as usize * WORD as usize];
            if let Err(error) = self.file.write_all_at(bytes, end.offset) {
                _ = self.file.set_len(place.offset);
                return Err(error.into());
            }
            end = (0..some).fold(end, |at, _| at.behind(Object::Mark(mark), at.offset + WORD));
            left -= some;
        }
        self.has_grown(end);
        Ok(end)
    }

    /// Makes the tape end at `place`.
    pub fn erase(&mut self, place: Place) -> Result<(), IoError> {
        self.cut(place)
    }

    /// Waits until all that was written is on stable storage.
    pub fn flush(&self) -> Result<(), IoError> {
        if self.read_only {
            return Ok(());
        }
        Ok(self.file.sync_data()?)
    }

    fn cut(&mut self, place: Place) -> Result<(), IoError> {
        if self.read_only {
            return Err(super::IoErrorKind::ReadOnly.into());
        }
        if self.len_bytes != place.offset {
            self.file.set_len(place.offset)?;
            self.len_bytes = place.offset;
        }
        self.map.cut(place);
        Ok(())
    }

    fn has_grown(&mut self, end: Place) {
        self.len_bytes = end.offset;
        self.map.note(end);
        self.map.ends_at(end);
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // At worst the lock goes with the file.
        _ = unlock(&self.file);
    }
}

#[cfg(test)]
mod tests;
