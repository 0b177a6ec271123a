//! The one place where a guest's configured devices become AVIO back-ends.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use ipc::figures::DeviceFigures;
use storage::identity::unit_id;
use storage::scsi::Initiator;
use storage::shared::OpenDisks;
use storage::statement::StorageStatement;
use storage::unit::{self, Claim};

use crate::avio::{Adapter, AdapterHandle, RamPolicy, Targets};

/// Time for I/O under way to end once the guest is gone.
const END_LIMIT: Duration = Duration::from_secs(60);

/// Disks that guests have open; one for the process, as the locks on their stores are.
static DISKS: OpenDisks = OpenDisks::new();

/// From now on guests may have the storage of this device together, or may not.
pub(crate) fn set_shared(device: &StorageStatement, is_shared: bool) {
    DISKS.set_shared(device, is_shared);
}

/// A back-end at work; dropping it ends it.
pub(crate) struct Served {
    name: String,
    location: (u8, u8),
    handle: AdapterHandle,
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

    /// Has the guest hung up?
    pub(crate) fn is_over(&self) -> bool {
        self.handle.is_over()
    }

    /// Ends the back-end and waits until its stores are free.
    pub(crate) fn end(self) {
        self.handle.stop();
        if !self.handle.wait(END_LIMIT) {
            tracing::error!(
                adapter = self.name,
                "I/O of a guest that is gone does not end; its stores stay in use"
            );
        }
    }
}

/// Opens the stores of one adapter's devices and serves them on `stream`.
///
/// # Errors
/// One line for the operator.
pub(crate) fn serve(
    guest: &str,
    (bus, slot): (u8, u8),
    request_queues: u16,
    stream: UnixStream,
    devices: &[(u8, &StorageStatement)],
) -> Result<Served, String> {
    let name = format!("{guest} {bus},{slot}");
    let targets = Arc::new(Targets::new());
    let claim = Claim { initiator: Initiator(unit_id(guest)), keep_in: None };
    for (number, statement) in devices {
        let failed =
            |text: String| format!("Unable to use device {statement}: {}.", text.trim_end_matches('.'));
        let unit = unit::open_among(&DISKS, statement, claim).map_err(|e| failed(e.to_string()))?;
        targets.insert(*number, unit.target()).map_err(|e| failed(e.to_string()))?;
    }
    let adapter = Adapter { name: name.clone(), targets, request_queues, ram: RamPolicy::SealedOnly };
    let handle = adapter.serve(stream).map_err(|e| format!("Cannot serve adapter {bus},{slot}: {e}."))?;
    Ok(Served { name, location: (bus, slot), handle })
}
