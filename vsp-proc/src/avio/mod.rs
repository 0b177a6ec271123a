//! AVIO storage adapters: virtio-scsi host devices whose rings lie in a guest's RAM, served over vhost-user.
//!
//! ```text
//!   front-end ──socket──► protocol ── starts, stops ──► ring ◄──kick── driver
//!                            │                           │
//!                         memory, inflight             chain
//!                                                        ▼
//!           engine (worker, pool, uring) ──► request, control ──► targets ──► storage
//! ```
//!
//! One [`Adapter`] serves one connection. Whatever a guest puts into its RAM, or a front-end into a message, ends at
//! worst in that adapter standing still; nothing of it can fail, block or stop another.

mod chain;
mod cli;
mod control;
mod engine;
mod event;
mod inflight;
mod latency;
mod memory;
mod poller;
mod pool;
mod protocol;
mod request;
mod ring;
mod targets;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod uring;
mod virtio_scsi;
mod worker;

pub use cli::{AvioArgs, run};
pub use latency::Latencies;
pub use memory::{RamError, RamPolicy};
pub use targets::{TargetError, Targets};

use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use storage::scsi::Target;
use vhost::vhost_user::{BackendReqHandler, Error};

use self::control::is_for;
use self::engine::{Engine, Io};
use self::protocol::Protocol;
use self::virtio_scsi::Event;

/// A storage adapter to be served.
pub struct Adapter {
    /// Who it belongs to, for logs: guest, bus and slot.
    pub name: String,
    /// What the guest finds behind it.
    pub targets: Arc<Targets>,
    /// Request queues the guest is told to use: one for each vCPU.
    pub request_queues: u16,
    /// Which memory is taken from the front-end.
    pub ram: RamPolicy,
}

/// An adapter being served. Dropping it stops the adapter, without waiting for it.
pub struct AdapterHandle {
    engine: Arc<Engine>,
    latencies: Arc<Latencies>,
    connection: UnixStream,
}

impl Adapter {
    /// Serves the front-end at the other end of `connection` until that is closed.
    pub fn serve(self, connection: UnixStream) -> io::Result<AdapterHandle> {
        self.serve_by(connection, Io::preferred())
    }

    fn serve_by(self, connection: UnixStream, io: Io) -> io::Result<AdapterHandle> {
        let engine = Engine::new(self.name, self.targets, io)?;
        let latencies = Arc::new(Latencies::new());
        let handle = AdapterHandle {
            engine: Arc::clone(&engine),
            latencies: Arc::clone(&latencies),
            connection: connection.try_clone()?,
        };
        let closing = connection.try_clone()?;
        let protocol = Protocol::new(Arc::clone(&engine), self.ram, self.request_queues, latencies);
        engine.spawn("control", move |engine| {
            let protocol = Arc::new(Mutex::new(protocol));
            let mut server = BackendReqHandler::from_stream(connection, Arc::clone(&protocol));
            let end = loop {
                match server.handle_request() {
                    Ok(()) | Err(Error::SocketRetry(_)) => {}
                    // Refused by us, and the front-end has been told so if it cares to know.
                    Err(
                        refusal @ (Error::InvalidParam
                        | Error::InvalidOperation(_)
                        | Error::ReqHandlerError(_)),
                    ) => {
                        tracing::debug!(%refusal, "request of front-end refused");
                    }
                    Err(error) => break error,
                }
            };
            match end {
                Error::Disconnected => tracing::debug!("front-end is gone"),
                error => tracing::warn!(%error, "connection to front-end ended"),
            }
            protocol.lock().unwrap_or_else(PoisonError::into_inner).stop_all();
            engine.stop_workers();
            // The handle keeps the socket open; the front-end shall see its end all the same.
            _ = closing.shutdown(Shutdown::Both);
        })?;
        Ok(handle)
    }
}

impl AdapterHandle {
    /// Adds a target and tells the guest.
    pub fn add_target(&self, number: u8, target: Arc<dyn Target>) -> Result<(), TargetError> {
        self.engine.targets.insert(number, target)?;
        self.engine.post(Event::arrived(number));
        Ok(())
    }

    /// Removes a target and tells the guest. Commands it is executing keep it alive until they end.
    pub fn remove_target(&self, number: u8) -> Option<Arc<dyn Target>> {
        let target = self.engine.targets.remove(number)?;
        self.engine.post(Event::removed(number));
        Some(target)
    }

    /// Asks the host whether the storage of a target was resized, and tells the guest of each that was; returns them.
    pub fn announce_resized(&self) -> Vec<u8> {
        let resized = self.engine.targets.notice_resizes();
        for (number, sense) in &resized {
            self.engine.post_change(Event::changed(*number, sense.code()));
        }
        resized.into_iter().map(|(number, _)| number).collect()
    }

    /// Tells the guest once more of the last change of a target, or that there is none any more.
    pub fn tell_again(&self, number: u8) {
        match self.engine.targets.get(number) {
            Some(target) => {
                target.tell_again();
                self.engine.post(Event::arrived(number));
            }
            None => self.engine.post(Event::removed(number)),
        }
    }

    /// Whether the guest has not been told all of a target yet.
    pub fn has_news(&self, number: u8) -> bool {
        self.engine.events.are_waiting()
            || self.engine.targets.get(number).is_some_and(|target| target.has_news())
    }

    /// Whether a request of a target is being executed.
    pub fn is_busy(&self, number: u8) -> bool {
        self.engine.request_rings().iter().any(|ring| ring.holds(&|tag| is_for(tag, number)))
    }

    /// What the guest finds behind the adapter; also where its counters are.
    pub fn targets(&self) -> &Arc<Targets> {
        &self.engine.targets
    }

    /// How long requests take.
    pub fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    /// Whether the guest's driver broke the rules of a ring, so that it is no longer served.
    pub fn is_broken(&self) -> bool {
        self.engine.rings().iter().any(|ring| ring.is_broken())
    }

    /// Whether the connection has ended, from whichever side.
    pub fn is_over(&self) -> bool {
        let mut polled = [PollFd::new(&self.connection, PollFlags::RDHUP)];
        let polling = rustix::event::poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
        polling.is_ok_and(|ready| ready > 0)
    }

    /// Has requests come back that devices of the host are executing, when they have not done so after some seconds.
    pub fn recall(&self) {
        control::recall(&self.engine.request_rings(), &self.engine.targets);
    }

    /// Closes the connection. Requests being executed are finished and returned first; see [`AdapterHandle::wait`].
    pub fn stop(&self) {
        // It may be closed already.
        _ = self.connection.shutdown(Shutdown::Both);
    }

    /// Waits for the adapter to end, at most as long as `limit`: whether it did. Its stores are free then.
    pub fn wait(&self, limit: Duration) -> bool {
        self.engine.wait(limit)
    }
}

impl Drop for AdapterHandle {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests;
