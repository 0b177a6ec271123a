//! The one place where a guest's configured devices become AVIO back-ends.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use storage::backing::{Access, RawFile};
use storage::identity::unit_id;
use storage::scsi::{Disk, Product};
use storage::statement::{DeviceType, StorageStatement, StorageType};

use crate::avio::{Adapter, AdapterHandle, RamPolicy, Targets};

/// How long requests in progress may take to end before a back-end is left to end by itself.
const END: Duration = Duration::from_secs(5);

/// A back-end at work; dropping it ends it and frees its stores.
pub(crate) struct Served {
    name: String,
    adapter: AdapterHandle,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.adapter.stop();
        if !self.adapter.wait(END) {
            tracing::warn!(adapter = self.name, "requests do not end; their backing stores stay in use");
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
    request_queues: u32,
    stream: UnixStream,
    devices: &[(u8, &StorageStatement)],
) -> Result<Served, String> {
    let targets = Targets::new();
    for (target, statement) in devices {
        targets.insert(*target, Arc::new(disk(statement)?)).map_err(|error| error.to_string())?;
    }
    let name = format!("{guest} {bus},{slot}");
    let adapter = Adapter {
        name: name.clone(),
        targets: Arc::new(targets),
        request_queues: u16::try_from(request_queues).unwrap_or(u16::MAX),
        ram: RamPolicy::SealedOnly,
    };
    let adapter =
        adapter.serve(stream).map_err(|error| format!("Unable to serve adapter {bus},{slot}: {error}."))?;
    Ok(Served { name, adapter })
}

fn disk(statement: &StorageStatement) -> Result<Disk, String> {
    let (device, storage) = (statement.device(), statement.storage());
    if (device, storage) != (DeviceType::Disk, StorageType::File) {
        return Err(format!("Device type '{device}' on storage type '{storage}' is not supported yet."));
    }
    let location = statement.location();
    let store = RawFile::open(Path::new(location), Access::ReadWrite).map_err(|error| error.to_string())?;
    Ok(Disk::new(Arc::new(store), Product::FileDisk, unit_id(location)))
}
