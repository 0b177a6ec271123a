//! Being told when files in a directory grow or appear.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

/// Directories that are watched.
pub(super) struct Watch(OwnedFd);

/// Names a watched directory; ascending, never used again.
pub(super) type WatchId = i32;

/// What happened.
pub(super) enum Change {
    /// Something in this directory.
    In(WatchId),
    /// More than the kernel remembers.
    Anywhere,
}

impl Watch {
    pub(super) fn new() -> io::Result<Watch> {
        Ok(Watch(inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?))
    }

    pub(super) fn add(&self, directory: &Path) -> io::Result<WatchId> {
        let flags = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::ONLYDIR;
        Ok(inotify::add_watch(&self.0, directory, flags)?)
    }

    pub(super) fn remove(&self, id: WatchId) {
        // Fails when the directory is gone, and its watch with it.
        let _ = inotify::remove_watch(&self.0, id);
    }

    /// What happened since the last call.
    pub(super) fn take(&self) -> Vec<Change> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(self.0.as_fd(), &mut buffer);
        let mut changes = Vec::new();
        // Ends with "would block".
        while let Ok(event) = reader.next() {
            match event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                true => changes.push(Change::Anywhere),
                false => changes.push(Change::In(event.wd())),
            }
        }
        changes
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
