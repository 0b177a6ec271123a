//! The one place where a guest's configured devices become AVIO back-ends.

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipc::figures::DeviceFigures;
use storage::attached::Denial;
use storage::scsi::reservation::Power;
use storage::scsi::{Initiator, Reset};
use storage::shared::OpenDisks;
use storage::statement::{StorageStatement, StorageType};
use storage::unit::{self, Claim, Unit};

use crate::avio::{Adapter, AdapterHandle, RamPolicy, Targets};
use crate::db::{GuestConfig, OsVersion};
use crate::hardware::Hardware;

/// Time for I/O under way to end once the guest is gone.
const END_LIMIT: Duration = Duration::from_secs(60);

/// Disks that guests have open; one for the process, as the locks on their stores are.
static DISKS: OpenDisks = OpenDisks::new();

/// From now on guests may have the storage of this device together, or may not.
pub(crate) fn set_shared(device: &StorageStatement, is_shared: bool) {
    DISKS.set_shared(device, is_shared);
}

/// What stores are opened with, besides their statements.
#[derive(Clone, Debug)]
pub(crate) struct Supply {
    /// Where reservations are kept that outlive a guest's run.
    pub(crate) reservations: PathBuf,
    /// Where units keep what a guest expects of them under the next VSP.
    pub(crate) units: PathBuf,
    /// Attached devices.
    pub(crate) hardware: Hardware,
}

/// For whom stores are opened.
#[derive(Clone, Copy)]
pub(crate) struct Owner<'a> {
    /// The guest.
    pub(crate) config: &'a GuestConfig,
    /// What there is.
    pub(crate) supply: &'a Supply,
    /// Whether the guest has known its devices all along: a VSP comes back to it.
    pub(crate) is_running: bool,
    /// Devices that this VSP has open for it.
    pub(crate) open: &'a [(StorageStatement, Unit)],
}

impl Owner<'_> {
    /// Opens the store of a device. What the guest has not seen before begins with a power-on.
    ///
    /// # Errors
    /// What is wrong, for the operator.
    pub(crate) fn open(&self, statement: &StorageStatement) -> Result<Unit, String> {
        if let Some((_, unit)) = self.open.iter().find(|(open, _)| open == statement) {
            return Ok(unit.clone());
        }
        let power = if self.is_running { Power::Kept } else { Power::Lost };
        let initiator = Initiator(self.config.uuid);
        let Supply { reservations, units, .. } = self.supply;
        let claim = Claim { initiator, keep_in: Some(reservations), state_in: Some(units), power };
        let unit = match statement.storage() {
            StorageType::AttachPath => {
                let guest = (initiator, self.config.name.as_str());
                Unit::Attached(self.supply.hardware.port(statement, guest, denial(self.config))?)
            }
            _ => unit::open_among(&DISKS, statement, claim).map_err(|e| e.to_string())?,
        };
        if !self.is_running {
            unit.target().reset(Reset::PowerOn);
        }
        Ok(unit)
    }
}

/// How a guest's system is told that an attached device is in use elsewhere (hpvm.md 7.6).
fn denial(config: &GuestConfig) -> Denial {
    match (config.os_type.as_str(), config.os_version) {
        ("HPUX", OsVersion::V2) => Denial::NoDevice,
        _ => Denial::Busy,
    }
}

/// A back-end at work; dropping it ends it.
pub(crate) struct Served {
    name: String,
    location: (u8, u8),
    handle: Arc<AdapterHandle>,
    units: BTreeMap<u8, Unit>,
}

impl Served {
    /// What its devices did so far, by target.
    pub(crate) fn figures(&self) -> impl Iterator<Item = DeviceFigures> {
        let (bus, slot) = self.location;
        let statistics = self.handle.targets().statistics().into_iter();
        statistics.map(move |(target, counted)| DeviceFigures {
            bus,
            slot,
            target,
            reads: counted.reads,
            read_bytes: counted.read_bytes,
            writes: counted.writes,
            written_bytes: counted.written_bytes,
            flushes: counted.flushes,
            discards: counted.discards,
            errors: counted.errors,
            refused: counted.refused,
            latency: self.handle.latencies().of(target),
        })
    }

    /// Bus and slot of the adapter.
    pub(crate) fn location(&self) -> (u8, u8) {
        self.location
    }

    /// The device with this target number.
    pub(crate) fn unit(&self, target: u8) -> Option<&Unit> {
        self.units.get(&target)
    }

    /// Adds a device, where there is none, and tells the guest.
    pub(crate) fn add(&mut self, target: u8, unit: Unit) {
        match self.handle.add_target(target, unit.target()) {
            Ok(()) => _ = self.units.insert(target, unit),
            Err(error) => tracing::error!(adapter = self.name, %error, "a device was not added"),
        }
    }

    /// Removes a device and tells the guest. Its store is free as soon as requests that have just come have ended.
    pub(crate) fn remove(&mut self, target: u8) {
        self.units.remove(&target);
        self.handle.remove_target(target);
    }

    /// What the guest is told through.
    pub(crate) fn handle(&self) -> &Arc<AdapterHandle> {
        &self.handle
    }

    /// Has the guest hung up?
    pub(crate) fn is_over(&self) -> bool {
        self.handle.is_over()
    }

    /// Ends the back-end and waits until its stores are free.
    pub(crate) fn end(self) {
        self.handle.stop();
        self.handle.recall();
        self.stop();
    }

    /// The same, but the guest goes on under the next VSP: units remember what it expects of them.
    pub(crate) fn leave(self) {
        self.stop();
        self.units.values().for_each(|unit| unit.target().leave());
    }

    /// The same, but its devices are to be served anew: they are given back by target.
    pub(crate) fn end_for_another(mut self) -> BTreeMap<u8, Unit> {
        self.stop();
        std::mem::take(&mut self.units)
    }

    /// Waits until nothing is executed any more.
    fn stop(&self) {
        self.handle.stop();
        if !self.handle.wait(END_LIMIT) {
            tracing::error!(adapter = self.name, "I/O does not end; its stores stay in use");
        }
    }
}

/// Opens the stores of one adapter's devices and serves them on `stream`.
///
/// # Errors
/// One line for the operator.
pub(crate) fn serve(
    owner: Owner<'_>,
    (bus, slot): (u8, u8),
    request_queues: u16,
    stream: UnixStream,
    devices: &[(u8, &StorageStatement)],
) -> Result<Served, String> {
    let name = format!("{} {bus},{slot}", owner.config.name);
    let (targets, mut units) = (Arc::new(Targets::new()), BTreeMap::new());
    for (number, statement) in devices {
        let failed =
            |text: String| format!("Unable to use device {statement}: {}.", text.trim_end_matches('.'));
        let unit = owner.open(statement).map_err(failed)?;
        targets.insert(*number, unit.target()).map_err(|e| failed(e.to_string()))?;
        units.insert(*number, unit);
    }
    let adapter = Adapter { name: name.clone(), targets, request_queues, ram: RamPolicy::SealedOnly };
    let handle = adapter.serve(stream).map_err(|e| format!("Cannot serve adapter {bus},{slot}: {e}."))?;
    Ok(Served { name, location: (bus, slot), handle: Arc::new(handle), units })
}
