//! The back-ends of one running guest.

use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipc::figures::DeviceFigures;

use super::launch::{by_adapter, serve_adapter};
use crate::avio_link::Served;
use crate::db::GuestConfig;

/// Clones are the same back-ends.
#[derive(Clone)]
pub(super) struct Adapters {
    /// What the guest was started with.
    config: Arc<GuestConfig>,
    served: Arc<Mutex<Vec<Served>>>,
}

impl Adapters {
    pub(super) fn new(config: GuestConfig, served: Vec<Served>) -> Adapters {
        Adapters { config: Arc::new(config), served: Arc::new(Mutex::new(served)) }
    }

    fn served(&self) -> MutexGuard<'_, Vec<Served>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, served: Served) {
        self.served().push(served);
    }

    /// What all devices did so far, by bus, slot and target.
    pub(super) fn figures(&self) -> Vec<DeviceFigures> {
        self.served().iter().flat_map(Served::figures).collect()
    }

    /// Ends all of them.
    pub(super) fn end(&self) {
        let served = std::mem::take(&mut *self.served());
        served.into_iter().for_each(Served::end);
    }

    /// Serves an adapter again that the guest has lost. `None` when it has it, since what it said was overtaken, or when
    /// that is not possible now.
    pub(super) fn again(&self, (bus, slot): (u8, u8)) -> Option<UnixStream> {
        let lost = {
            let mut served = self.served();
            let index =
                served.iter().position(|served| served.location() == (bus, slot) && served.is_over())?;
            served.swap_remove(index)
        };
        tracing::warn!(guest = self.config.name, bus, slot, "an adapter was lost and is served again");
        lost.end();
        let all = by_adapter(&self.config.devices);
        match serve_adapter(&self.config, (bus, slot), all.get(&(bus, slot))?) {
            Ok((stream, served)) => {
                self.add(served);
                Some(stream)
            }
            Err(reason) => {
                tracing::error!(guest = self.config.name, bus, slot, reason, "an adapter is lost");
                None
            }
        }
    }
}
