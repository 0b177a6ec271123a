//! The guest `demo` of a new state directory: the built-in diagnostic program and a disk for it.

use storage::backing::RawFile;
use storage::statement::StorageStatement;

use crate::db::{BUILTIN_PREFIX, GuestConfig, GuestDb};
use crate::root::StateRoot;
use crate::supervise::launch::Image;

/// Name of the guest.
const NAME: &str = "demo";
/// Name of the built-in kernel it boots.
const IMAGE: &str = "diag";
/// Size of its disk in bytes.
const DISK: u64 = 64 << 20;

/// Makes the guest if its kernel is there. A VSP without it is as good, so failures are logged only.
pub(crate) fn create(root: &StateRoot, db: &mut GuestDb, images: &[Image]) {
    if !db.is_empty() || !images.iter().any(|image| image.name == IMAGE) {
        return;
    }
    match try_create(root, db) {
        Ok(()) => tracing::info!(guest = NAME, "demonstration guest created"),
        Err(reason) => tracing::warn!(guest = NAME, reason, "no demonstration guest"),
    }
}

fn try_create(root: &StateRoot, db: &mut GuestDb) -> Result<(), String> {
    let disk = root.disks().join("demo.img");
    if !disk.exists() {
        RawFile::create(&disk, DISK).map_err(|e| e.to_string())?;
    }
    let statement = format!("disk:avio_stor:0,0,0:file:{}", disk.display());
    let mut config = GuestConfig::new(NAME.into(), 1);
    config.label = "Diagnostic program on a 64 MB disk".into();
    config.kernel = format!("{BUILTIN_PREFIX}{IMAGE}");
    config.memory_bytes = 256 << 20;
    config.start = ipc::message::StartAttribute::Manual;
    config.devices = vec![statement.parse::<StorageStatement>().map_err(|e| e.to_string())?];
    db.put(config).map_err(|e| e.to_string())
}
