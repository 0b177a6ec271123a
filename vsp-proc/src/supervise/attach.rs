//! Coming back to a guest process that a former VSP started.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, OwnedFd};

use ipc::connection::{Receiver, Sender};
use ipc::guest::{GuestToVsp, VspEnd, VspToGuest};
use ipc::{Error, Peer, Role};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use storage::statement::Address;

use super::adapters::Adapters;
use super::launch::Places;
use crate::console::Console;

/// Milliseconds between attempts.
const RETRY: u16 = 200;

/// A guest process whose VSP was killed.
pub(super) struct Stray<'a> {
    pub(super) pid: u32,
    pub(super) pidfd: &'a OwnedFd,
    /// Its name.
    pub(super) guest: &'a str,
    pub(super) places: &'a Places,
    /// Devices of whose last change the guest may not know.
    pub(super) untold: &'a BTreeSet<Address>,
}

impl Stray<'_> {
    /// Connects, serves its adapters again and tells it so. A process that does not answer
    /// and a store that cannot be opened are tried again for as long as the process lives: its I/O waits, and how long it
    /// may is for others to say.
    ///
    /// # Errors
    /// [`Error::Closed`] when the process has ended; others when it answers with nonsense.
    pub(super) fn attach(
        &self,
        console: &Console,
        adapters: &Adapters,
    ) -> ipc::Result<(Sender<VspToGuest>, Receiver<GuestToVsp>)> {
        let mut streams = Vec::new();
        for location in adapters.locations() {
            streams.push(self.insist("its stores cannot be opened", || adapters.serve(*location))?);
        }
        self.untold.iter().for_each(|address| adapters.tell_again(*address));
        let (mut sender, receiver) =
            self.insist("it cannot be reached", || self.connect().map_err(|e| e.to_string()))?.split();
        let console_from = console.position();
        let borrowed: Vec<_> = streams.iter().map(AsFd::as_fd).collect();
        sender.send_with(&VspToGuest::Attach { console_from }, &borrowed)?;
        tracing::info!(guest = self.guest, pid = self.pid, console_from, "guest process taken over");
        Ok((sender, receiver))
    }

    fn connect(&self) -> ipc::Result<VspEnd> {
        let stream = ipc::listener::connect(&self.places.socket)?;
        let peer = Peer::of(&stream)?;
        // Whoever else listens there, it is not our guest.
        if i64::from(peer.pid) != i64::from(self.pid) {
            return Err(Error::Denied { uid: peer.uid });
        }
        VspEnd::open(stream, Role::Vsp, Role::Guest)
    }

    fn insist<T>(&self, what: &str, mut attempt: impl FnMut() -> Result<T, String>) -> ipc::Result<T> {
        let mut told = false;
        loop {
            match attempt() {
                Ok(done) => return Ok(done),
                Err(reason) if !told => {
                    tracing::warn!(guest = self.guest, reason, "{what}; trying again");
                    told = true;
                }
                Err(_) => {}
            }
            if is_gone(self.pidfd, RETRY.into()) {
                return Err(Error::Closed);
            }
        }
    }
}

/// Waits for the end of a process, at most for `limit`; whether it has ended.
fn is_gone(pidfd: &OwnedFd, limit: PollTimeout) -> bool {
    let mut polled = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
    poll(&mut polled, limit).is_ok_and(|ready| ready > 0)
}
