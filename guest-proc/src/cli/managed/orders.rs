//! Doing what the VSP says; and when it has gone, waiting for the next one.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use ipc::connection::Receiver;
use ipc::guest::{GuestEnd, VspToGuest};
use ipc::{Access, Connection, Peer, Role};
use nix::sys::socket::{Backlog, listen};
use tracing::{info, warn};

use super::outbox::Outbox;
use crate::avio::AvioAdapter;
use crate::control::Outcome;
use crate::machine::Machine;

/// VSPs that may wait to be heard; there is only ever one.
const BACKLOG: i32 = 4;
/// Time a VSP has for its first message.
const ATTACH_DEADLINE: Duration = Duration::from_secs(30);
/// Time between attempts to listen when the host refuses.
const RETRY: Duration = Duration::from_secs(1);

/// Makes a listener of the bound socket that came from the VSP.
///
/// # Errors
/// When it is no such socket.
pub(super) fn listener(socket: OwnedFd) -> io::Result<UnixListener> {
    // Listening is left to us because a peer is told who listened, not who bound.
    listen(&socket, Backlog::new(BACKLOG)?)?;
    Ok(UnixListener::from(socket))
}

/// Everything that orders are about.
pub(super) struct Orders {
    pub(super) machine: Arc<Machine>,
    /// By bus and slot, in the order of the VSP's start message.
    pub(super) adapters: Vec<((u8, u8), Arc<AvioAdapter>)>,
    pub(super) listener: UnixListener,
    pub(super) outbox: Outbox,
}

impl Orders {
    /// Obeys one VSP after the other for as long as the process lives.
    pub(super) fn obey(&self, mut receiver: Receiver<VspToGuest>) -> ! {
        loop {
            let end = self.obey_one(&mut receiver);
            self.outbox.disconnect();
            warn!(error = %end, "the VSP has gone; waiting for the next one");
            receiver = self.next();
            info!("a VSP has taken over");
        }
    }

    fn obey_one(&self, receiver: &mut Receiver<VspToGuest>) -> ipc::Error {
        loop {
            let (order, streams) = match receiver.receive_with() {
                Ok(received) => received,
                Err(error) => return error,
            };
            match order {
                VspToGuest::ConsoleInput(bytes) => _ = self.machine.uart.receive(&bytes),
                VspToGuest::PowerButton => self.machine.power.press_power_button(),
                VspToGuest::Init => self.machine.press_init_switch(),
                VspToGuest::Reset => self.machine.control.end(Outcome::Reset),
                VspToGuest::Stop => self.machine.control.end(Outcome::Stopped),
                VspToGuest::Adapter { bus, slot } => {
                    let adapters = self.adapters.iter().filter(|(location, _)| *location == (bus, slot));
                    adapters.zip(streams).for_each(|((_, adapter), stream)| adapter.reconnect(stream.into()));
                }
                VspToGuest::Start(_) | VspToGuest::Attach { .. } => warn!("the VSP began twice"),
            }
        }
    }

    fn next(&self) -> Receiver<VspToGuest> {
        loop {
            let (stream, _) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) => {
                    warn!(%error, "cannot be reached by a VSP");
                    thread::sleep(RETRY);
                    continue;
                }
            };
            match self.attach(stream) {
                Ok(receiver) => return receiver,
                Err(error) => warn!(error = format_args!("{error:#}"), "this is no VSP for us"),
            }
        }
    }

    fn attach(&self, stream: UnixStream) -> anyhow::Result<Receiver<VspToGuest>> {
        Access::owner().check(Peer::of(&stream)?)?;
        let connection: GuestEnd = Connection::open(stream, Role::Guest, Role::Vsp)?;
        let (sender, mut receiver) = connection.split();
        receiver.set_deadline(Some(ATTACH_DEADLINE))?;
        let (message, streams) = receiver.receive_with().context("nothing follows its greeting")?;
        receiver.set_deadline(None)?;
        let VspToGuest::Attach { console_from } = message else { bail!("its first message is not Attach") };
        if streams.len() != self.adapters.len() {
            bail!("it has {} streams for {} adapters", streams.len(), self.adapters.len());
        }
        self.outbox.connect(sender, console_from);
        for ((_, adapter), stream) in self.adapters.iter().zip(streams) {
            adapter.reconnect(stream.into());
        }
        Ok(receiver)
    }
}
