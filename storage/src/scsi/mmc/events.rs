//! What has happened to the disc, for who polls: GET EVENT STATUS NOTIFICATION (MMC-6 clause 6.6).

use std::sync::atomic::{AtomicU8, Ordering};

use super::super::command::{Moved, Stop, Task};
use super::super::sense::Sense;
use super::tray::{DiscState, Happened};

/// Event codes of the media class (MMC-6 table 292).
const NO_CHANGE: u8 = 0;
const EJECT_REQUEST: u8 = 1;
const NEW_MEDIA: u8 = 2;
const MEDIA_REMOVAL: u8 = 3;

/// The last event of the media class that was not asked for yet.
#[derive(Default)]
pub(super) struct Events(AtomicU8);

impl Events {
    pub(super) fn happened(&self, happened: Happened) {
        let event = match happened {
            Happened::Arrived => NEW_MEDIA,
            Happened::Left => MEDIA_REMOVAL,
        };
        self.0.store(event, Ordering::Release);
    }

    /// The operator wants the disc.
    pub(super) fn eject_requested(&self) {
        self.0.store(EJECT_REQUEST, Ordering::Release);
    }

    /// Its code, which stays.
    pub(super) fn pending(&self) -> u8 {
        self.0.load(Ordering::Acquire)
    }

    /// As it was under the VSP before.
    pub(super) fn restore(&self, event: u8) {
        self.0.store(event.min(MEDIA_REMOVAL), Ordering::Release);
    }

    fn take(&self) -> u8 {
        self.0.swap(NO_CHANGE, Ordering::AcqRel)
    }

    /// GET EVENT STATUS NOTIFICATION, polled; the media class alone.
    pub(super) fn report(&self, task: &Task<'_>, state: DiscState) -> Result<Moved, Stop> {
        const MEDIA_CLASS: u8 = 4;
        const NO_EVENT_AVAILABLE: u8 = 0x80;
        const DOOR_OPEN: u8 = 0x01;
        const MEDIA_PRESENT: u8 = 0x02;
        let (polled, wanted) = (task.cdb.bit(1, 0), task.cdb.byte(4));
        let allocation_len = usize::from(task.cdb.be16(7));
        if !polled {
            // Notification by commands that wait is of old; nobody asks for it.
            return Err(Sense::cdb_field(1, 0).into());
        }
        if wanted & 1 << MEDIA_CLASS == 0 {
            return task.reply(&[0, 2, NO_EVENT_AVAILABLE, 1 << MEDIA_CLASS], allocation_len);
        }
        // An event that does not fit stays for the next time.
        let event = if allocation_len > 4 { self.take() } else { NO_CHANGE };
        let status = match state {
            DiscState::Present => MEDIA_PRESENT,
            DiscState::Absent => 0,
            DiscState::TrayOpen => DOOR_OPEN,
        };
        task.reply(&[0, 6, MEDIA_CLASS, 1 << MEDIA_CLASS, event, status, 0, 0], allocation_len)
    }
}
