//! The one place where a guest's configured devices become AVIO back-ends.

use std::os::unix::net::UnixStream;

use storage::statement::StorageStatement;

/// A back-end at work; dropping it ends it and frees its stores.
pub(crate) struct Served;

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
    let _ = (guest, bus, slot, request_queues, stream, devices);
    Err("AVIO storage is not wired yet.".into())
}
