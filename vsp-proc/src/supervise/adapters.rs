//! The back-ends of one running guest, and what happens to the devices behind them while it runs.

use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipc::figures::DeviceFigures;
use storage::backing::BlockStore;
use storage::scsi::{Drive, Dvd};
use storage::statement::{Address, StorageStatement};
use storage::unit::{self, Unit};

use super::launch::{Behind, by_adapter};
use crate::avio_link::{Owner, Served, Supply};
use crate::db::GuestConfig;

/// Clones are the same back-ends.
#[derive(Clone)]
pub(super) struct Adapters {
    supply: Arc<Supply>,
    /// Bus and slot of each adapter the guest's machine has, ascending, also of those that have lost their last device.
    locations: Arc<[(u8, u8)]>,
    state: Arc<Mutex<State>>,
}

struct State {
    /// What the guest has now.
    config: GuestConfig,
    served: Vec<Served>,
    /// The VSP ends and the guest does not: nothing is served any more.
    is_left: bool,
}

/// One change of a running guest's devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The device goes.
    Remove(Address),
    /// A device comes, to a place without one.
    Add(StorageStatement),
    /// The drive gets this disc, or none.
    Disc(StorageStatement),
}

impl Step {
    /// The place of the device.
    pub(crate) fn address(&self) -> Option<Address> {
        match self {
            Step::Remove(address) => Some(*address),
            Step::Add(statement) | Step::Disc(statement) => statement.placement().address(),
        }
    }
}

/// Changes of which everything that can fail has been done.
#[derive(Default)]
pub(crate) struct Prepared {
    removed: Vec<Address>,
    added: Vec<(Address, Unit)>,
    discs: Vec<Exchange>,
}

/// Another disc, or none, for a drive.
struct Exchange {
    dvd: Arc<Dvd>,
    disc: Option<Arc<dyn BlockStore>>,
    /// What the drive is by that.
    drive: Drive,
}

/// Why a step cannot be taken, for the operator, and the step's place in the list.
pub(crate) type Obstacle = (usize, String);

impl State {
    fn served(&self, address: Address) -> Option<&Served> {
        self.served.iter().find(|served| served.location() == address.adapter())
    }

    fn served_mut(&mut self, address: Address) -> Option<&mut Served> {
        self.served.iter_mut().find(|served| served.location() == address.adapter())
    }

    fn statement(&self, address: Address) -> Option<&StorageStatement> {
        self.config.devices.iter().find(|device| device.placement() == address.into())
    }
}

impl Adapters {
    /// `locations` are those of all adapters the guest's machine has.
    pub(super) fn new(
        config: GuestConfig,
        supply: Supply,
        locations: Vec<(u8, u8)>,
        served: Vec<Served>,
    ) -> Adapters {
        let state = Arc::new(Mutex::new(State { config, served, is_left: false }));
        Adapters { supply: supply.into(), locations: locations.into(), state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bus and slot of each, ascending.
    pub(super) fn locations(&self) -> &[(u8, u8)] {
        &self.locations
    }

    /// Opens the stores of an adapter and serves them to whoever has the stream, now that the guest runs.
    ///
    /// # Errors
    /// One line for the operator.
    pub(super) fn serve(&self, location: (u8, u8)) -> Result<UnixStream, String> {
        self.serve_with(location, &[])
    }

    /// The same; `open` are devices that are open already.
    fn serve_with(
        &self,
        location: (u8, u8),
        open: &[(StorageStatement, Unit)],
    ) -> Result<UnixStream, String> {
        loop {
            let config = self.state().config.clone();
            let devices = by_adapter(&config.devices).remove(&location).unwrap_or_default();
            let behind = Behind { config: &config, supply: &self.supply, is_running: true, open };
            let (stream, served) = behind.serve(location, &devices)?;
            let mut state = self.state();
            if state.is_left {
                drop(state);
                served.leave();
                return Err("The VSP ends.".into());
            }
            // Changed meanwhile: once more, as it is now.
            if state.config == config {
                state.served.push(served);
                return Ok(stream);
            }
        }
    }

    /// What all devices did so far, by bus, slot and target.
    pub(super) fn figures(&self) -> Vec<DeviceFigures> {
        self.state().served.iter().flat_map(Served::figures).collect()
    }

    /// Ends all of them.
    pub(super) fn end(&self) {
        let served = std::mem::take(&mut self.state().served);
        served.into_iter().for_each(Served::end);
    }

    /// Ends all of them, but the guest goes on under the next VSP.
    pub(super) fn leave(&self) {
        let served = {
            let mut state = self.state();
            state.is_left = true;
            std::mem::take(&mut state.served)
        };
        // All of them first, so that they end together.
        served.iter().for_each(|served| served.handle().stop());
        served.into_iter().for_each(Served::leave);
    }

    /// Serves an adapter again that the guest has lost; its devices stay what they are to it. `None` when it has it, since what it said was overtaken, or when
    /// that is not possible now.
    pub(super) fn again(&self, (bus, slot): (u8, u8)) -> Option<UnixStream> {
        let (lost, config) = {
            let mut state = self.state();
            let is_lost = |served: &Served| served.location() == (bus, slot) && served.is_over();
            let index = state.served.iter().position(is_lost)?;
            (state.served.swap_remove(index), state.config.clone())
        };
        let guest = &config.name;
        tracing::warn!(guest, bus, slot, "an adapter was lost and is served again");
        let mut units = lost.end_for_another();
        let devices = by_adapter(&config.devices).remove(&(bus, slot)).unwrap_or_default();
        let open: Vec<_> = devices
            .into_iter()
            .filter_map(|(target, device)| Some((device.clone(), units.remove(&target)?)))
            .collect();
        match self.serve_with((bus, slot), &open) {
            Ok(stream) => Some(stream),
            Err(reason) => {
                tracing::error!(guest, bus, slot, reason, "an adapter is lost");
                None
            }
        }
    }

    /// Does everything about these changes that can fail; nothing has changed for the guest then. `is_active` says of
    /// which devices it is known that I/O is going on.
    ///
    /// # Errors
    /// The first obstacle; nothing is left over.
    pub(super) fn prepare(
        &self,
        steps: &[Step],
        is_active: impl Fn(Address) -> bool,
    ) -> Result<Prepared, Obstacle> {
        let state = self.state();
        let mut prepared = Prepared::default();
        // First what is given up, so that nothing is opened in vain.
        for (number, step) in steps.iter().enumerate() {
            if let Step::Remove(address) = *step {
                state.check_removable(address, &is_active).map_err(|text| (number, text))?;
                prepared.removed.push(address);
            }
        }
        for (number, step) in steps.iter().enumerate() {
            let failed = |text: String| (number, text);
            match step {
                Step::Remove(_) => {}
                Step::Add(statement) => {
                    let added = self.open(&state, statement, &prepared.removed).map_err(failed)?;
                    prepared.added.push(added);
                }
                Step::Disc(statement) => prepared.discs.extend(state.open_disc(statement).map_err(failed)?),
            }
        }
        Ok(prepared)
    }

    /// The device of a statement; one that only moves to another place stays what it is.
    fn open(
        &self,
        state: &State,
        statement: &StorageStatement,
        removed: &[Address],
    ) -> Result<(Address, Unit), String> {
        let address = statement.placement().address().ok_or("The device has no full address.")?;
        state.served(address).ok_or_else(|| not_served(address))?;
        let is_same = |other: &StorageStatement| {
            (other.device(), other.storage(), other.location())
                == (statement.device(), statement.storage(), statement.location())
        };
        let moved = removed.iter().find(|from| state.statement(**from).is_some_and(is_same));
        if let Some(unit) = moved.and_then(|from| state.served(*from)?.unit(from.target())) {
            return Ok((address, unit.clone()));
        }
        let owner = Owner { config: &state.config, supply: &self.supply, is_running: false, open: &[] };
        Ok((address, owner.open(statement)?))
    }

    /// Carries prepared changes out and tells the guest. `config` is what it has afterwards.
    pub(super) fn apply(&self, prepared: Prepared, config: GuestConfig) {
        let mut state = self.state();
        for address in prepared.removed {
            if let Some(served) = state.served_mut(address) {
                served.remove(address.target());
            }
        }
        for (address, unit) in prepared.added {
            if let Some(served) = state.served_mut(address) {
                served.add(address.target(), unit);
            }
        }
        for Exchange { dvd, disc, drive } in prepared.discs {
            dvd.change(disc, drive);
        }
        state.config = config;
    }

    /// Tells the guest once more of the last change of a device.
    pub(super) fn tell_again(&self, address: Address) {
        if let Some(served) = self.state().served(address) {
            served.handle().tell_again(address.target());
        }
    }

    /// Whether the guest has been told all of a device.
    pub(super) fn has_told(&self, address: Address) -> bool {
        self.state().served(address).is_some_and(|served| !served.handle().has_news(address.target()))
    }

    /// Asks the host whether stores were resized, and tells the guest of each that was.
    pub(super) fn announce_resized(&self) {
        // Whatever the host takes its time for is waited for without the lock.
        let handles: Vec<_> = self.state().served.iter().map(|served| Arc::clone(served.handle())).collect();
        for handle in handles {
            handle.announce_resized();
        }
    }
}

impl State {
    /// Who uses a device keeps it: I/O is going on, or the guest has said that it needs it (hpvm.md 6.8).
    fn check_removable(&self, address: Address, is_active: impl Fn(Address) -> bool) -> Result<(), String> {
        let served = self.served(address).ok_or_else(|| not_served(address))?;
        let unit = served.unit(address.target()).ok_or("Guest has no such device.")?;
        if is_active(address) || served.handle().is_busy(address.target()) || unit.target().is_held() {
            let word = self.statement(address).map_or("", |device| device.device().word());
            return Err(format!("Device {word}:avio_stor:{address} is in use by the guest."));
        }
        Ok(())
    }

    /// A drive, and the disc it is to have; nothing if the disc is in it already and cannot be opened a second time.
    fn open_disc(&self, statement: &StorageStatement) -> Result<Option<Exchange>, String> {
        let address = statement.placement().address().ok_or("The device has no full address.")?;
        let served = self.served(address).ok_or_else(|| not_served(address))?;
        let Some(Unit::Dvd(dvd)) = served.unit(address.target()) else {
            return Err("Guest has no such device.".into());
        };
        let is_same_drive = self.statement(address) == Some(statement)
            && statement.storage() == storage::statement::StorageType::Disk;
        if is_same_drive {
            return Ok(None);
        }
        dvd.ask_for_disc().map_err(|_| format!("Device dvd:avio_stor:{address} is locked by the guest."))?;
        let (disc, drive) = unit::open_disc(statement).map_err(|e| e.to_string())?;
        Ok(Some(Exchange { dvd: Arc::clone(dvd), disc, drive }))
    }
}

fn not_served(address: Address) -> String {
    format!("Adapter {},{} is being connected to the guest again. Try later.", address.bus(), address.slot())
}

#[cfg(test)]
mod tests;
