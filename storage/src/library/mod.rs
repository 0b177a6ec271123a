//! Virtual tape libraries: a directory with one file per cartridge, and a file that says where each cartridge is.
//!
//! ```text
//!   DIR/library.toml    what the library has, and in which place each cartridge is
//!   DIR/KIT001.tap      cartridge KIT001: a tape image; its name is the barcode
//!   DIR/KIT002.tap      …
//! ```
//!
//! A move changes `library.toml` and nothing else, and that file is replaced as one: whenever a process dies, every
//! cartridge is in exactly one place. An image in the directory that the file does not name is a cartridge outside of
//! the library, on the shelf.
//!
//! SCSI is not known here (see [`crate::scsi::Changer`]), nor what is in an image.

mod contents;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use uuid::Uuid;

use self::contents::Contents;
use crate::durable;

pub use contents::{Barcode, Cartridge, Damage, Place};

/// Most drives of a library.
pub const MAXIMUM_DRIVES: u16 = 64;
/// Most import/export elements.
pub const MAXIMUM_PORTS: u16 = 128;
/// Most storage slots.
pub const MAXIMUM_SLOTS: u16 = 10_000;

/// Name of the file that says what is where.
const FILE: &str = "library.toml";

/// Why a library cannot be made, opened or changed. The text is the operator's.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The directory has no library.
    #[error("There is no tape library in '{}'.", .0.display())]
    Missing(PathBuf),
    /// The directory has one already.
    #[error("There is a tape library in '{}' already.", .0.display())]
    Exists(PathBuf),
    /// Somebody else has it open.
    #[error("Tape library '{}' is in use.", .0.display())]
    InUse(PathBuf),
    /// The file cannot be understood, or contradicts itself.
    #[error("'{}' is damaged: {damage}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        damage: Damage,
    },
    /// More than a library can have, or too little to be one.
    #[error(
        "A tape library has 1 to {MAXIMUM_DRIVES} drives, 1 to {MAXIMUM_SLOTS} slots, at most {MAXIMUM_PORTS} \
         import/export elements, and at most one cartridge a slot."
    )]
    Size,
    /// Not a name for a cartridge.
    #[error("'{0}' is not a barcode: 1 to 32 capital letters, digits, '-' or '_'.")]
    Barcode(String),
    /// A cartridge of that name is in the library.
    #[error("Cartridge {0} is in the library already.")]
    Doubled(Barcode),
    /// No cartridge of that name is in an import/export element.
    #[error("Cartridge {0} is not in an import/export element.")]
    NotInPort(Barcode),
    /// No cartridge of that name is in the library.
    #[error("Cartridge {0} is not in the library.")]
    NotInside(Barcode),
    /// It cannot be moved to where it is wanted.
    #[error("Cartridge {barcode} cannot be moved: {reason}.")]
    Unmovable {
        /// Which.
        barcode: Barcode,
        /// What is in the way.
        reason: String,
    },
    /// All import/export elements have cartridges in them.
    #[error("No import/export element is free.")]
    PortsFull,
    /// A guest has locked the import/export elements.
    #[error("The guest has locked the import/export elements.")]
    Locked,
    /// The host refused.
    #[error("Unable to {attempt} '{}': {source}.", path.display())]
    Host {
        /// What was attempted, as a verb.
        attempt: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the host said.
        source: io::Error,
    },
}

/// Why a cartridge cannot be moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MoveError {
    /// There is nothing to move.
    #[error("{0} is empty")]
    Empty(Place),
    /// There is no room.
    #[error("{0} is full")]
    Full(Place),
    /// The library has no such place.
    #[error("there is no {0}")]
    Nowhere(Place),
}

/// A library as it will be after a move.
pub struct Prepared(Contents);

/// What a new library has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Drives.
    pub drives: u16,
    /// Storage slots.
    pub slots: u16,
    /// Import/export elements.
    pub ports: u16,
    /// Cartridges, from slot 1 on, with barcodes `KIT001` and so on.
    pub cartridges: u16,
    /// Bytes that go on each.
    pub capacity: u64,
}

/// An open library. Others find it in use.
pub struct Library {
    directory: PathBuf,
    contents: Contents,
    _lock: Lock,
}

/// An open directory, locked.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // By hand, for a process that is just being started may have inherited the open directory.
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}

impl Library {
    /// Makes a library in `directory`, which is made too if it is not there.
    ///
    /// # Errors
    /// The plan is impossible, there is a library already, or the host refuses.
    pub fn create(directory: &Path, plan: &Plan) -> Result<Library, LibraryError> {
        let contents = Contents::new(plan).ok_or(LibraryError::Size)?;
        std::fs::create_dir_all(directory).map_err(host("create", directory))?;
        let lock = lock(directory)?;
        let file = directory.join(FILE);
        if file.try_exists().map_err(host("examine", &file))? {
            return Err(LibraryError::Exists(directory.to_owned()));
        }
        for cartridge in contents.cartridges() {
            make_image(directory, &cartridge.barcode)?;
        }
        contents.save(&file).map_err(host("write", &file))?;
        Ok(Library { directory: directory.to_owned(), contents, _lock: lock })
    }

    /// Opens the library in `directory`.
    ///
    /// # Errors
    /// There is none, it is in use, or what is written of it is not understood.
    pub fn open(directory: &Path) -> Result<Library, LibraryError> {
        let lock = lock(directory)?;
        let file = directory.join(FILE);
        let text = std::fs::read_to_string(&file).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => LibraryError::Missing(directory.to_owned()),
            _ => host("read", &file)(source),
        })?;
        let contents =
            Contents::parse(&text).map_err(|damage| LibraryError::Damaged { path: file, damage })?;
        Ok(Library { directory: directory.to_owned(), contents, _lock: lock })
    }

    /// Where it is.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Its vendor (T10 vendor identification), product and serial number.
    pub fn names(&self) -> (&str, &str, Uuid) {
        self.contents.names()
    }

    /// Serial numbers of the drives, from drive 1 on.
    pub fn drives(&self) -> impl ExactSizeIterator<Item = Uuid> {
        self.contents.drives()
    }

    /// Number of places of a kind: storage slots, import/export elements, drives.
    pub fn sizes(&self) -> (u16, u16, u16) {
        self.contents.sizes()
    }

    /// The inventory, in the order of the file.
    pub fn cartridges(&self) -> impl Iterator<Item = &Cartridge> {
        self.contents.cartridges()
    }

    /// What is in a place.
    pub fn at(&self, place: Place) -> Option<&Cartridge> {
        self.contents.at(place)
    }

    /// The image of a cartridge.
    pub fn image(&self, barcode: &Barcode) -> PathBuf {
        self.directory.join(barcode.image())
    }

    /// Works out what it would be to move cartridges, all at once: they are lifted before the first is put down.
    ///
    /// # Errors
    /// A place is empty, full, or not there.
    pub fn prepare(&self, moves: &[(Place, Place)]) -> Result<Prepared, MoveError> {
        let mut next = self.contents.clone();
        next.relocate(moves)?;
        Ok(Prepared(next))
    }

    /// Carries out the moves that were worked out last. On stable storage when this returns.
    ///
    /// # Errors
    /// What the host says; nothing has moved then.
    pub fn carry_out(&mut self, prepared: Prepared) -> io::Result<()> {
        self.commit(prepared.0)
    }

    /// Where a cartridge is.
    ///
    /// # Errors
    /// It is not in the library.
    pub fn place_of(&self, barcode: &Barcode) -> Result<Place, LibraryError> {
        let is_it = |cartridge: &&Cartridge| cartridge.barcode == *barcode;
        let found = self.cartridges().find(is_it).map(|cartridge| cartridge.place);
        found.ok_or_else(|| LibraryError::NotInside(barcode.clone()))
    }

    /// Puts a cartridge from the shelf into the first free import/export element. Where there is no image with its name
    /// a blank one is made.
    ///
    /// # Errors
    /// It is in the library already, there is no room, or the host refuses.
    pub fn import(&mut self, barcode: Barcode, capacity: u64) -> Result<Place, LibraryError> {
        let mut next = self.contents.clone();
        let place = next.import(barcode.clone(), capacity)?;
        make_image(&self.directory, &barcode)?;
        self.commit(next).map_err(host("write", &self.directory.join(FILE)))?;
        Ok(place)
    }

    /// Takes a cartridge out of an import/export element and puts it on the shelf. Tells the path of its image.
    ///
    /// # Errors
    /// It is not in an import/export element, or the host refuses.
    pub fn export(&mut self, barcode: &Barcode) -> Result<PathBuf, LibraryError> {
        let mut next = self.contents.clone();
        next.export(barcode)?;
        self.commit(next).map_err(host("write", &self.directory.join(FILE)))?;
        Ok(self.image(barcode))
    }

    fn commit(&mut self, next: Contents) -> io::Result<()> {
        next.save(&self.directory.join(FILE))?;
        self.contents = next;
        Ok(())
    }
}

/// An image that is there stays as it is.
fn make_image(directory: &Path, barcode: &Barcode) -> Result<(), LibraryError> {
    let path = directory.join(barcode.image());
    let made = File::options().read(true).append(true).create(true).open(&path);
    made.and_then(|file| file.sync_all())
        .and_then(|()| durable::sync_directory_of(&path))
        .map_err(host("create", &path))
}

fn lock(directory: &Path) -> Result<Lock, LibraryError> {
    let open = File::open(directory).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => LibraryError::Missing(directory.to_owned()),
        _ => host("open", directory)(source),
    })?;
    match rustix::fs::flock(&open, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Lock(open)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(LibraryError::InUse(directory.to_owned())),
        Err(error) => Err(host("lock", directory)(error.into())),
    }
}

fn host(attempt: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LibraryError {
    let path = path.to_owned();
    move |source| LibraryError::Host { attempt, path, source }
}

#[cfg(test)]
mod tests;
