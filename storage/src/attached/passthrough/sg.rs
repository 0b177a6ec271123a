//! The SCSI generic driver's `SG_IO` and `SG_SCSI_RESET` (<scsi/sg.h>).

#![allow(unsafe_code, reason = "ioctl takes pointers")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

use crate::attached::Medium;
use crate::scsi::{FOREIGN_SENSE_LEN, Foreign, Undelivered};
use crate::segments::Segments;

/// Most vectors the driver takes at once.
const MAX_VECTORS: usize = 1024;

/// `struct sg_io_hdr`, version 3.
#[repr(C)]
struct Header {
    interface_id: libc::c_int,
    dxfer_direction: libc::c_int,
    cmd_len: u8,
    mx_sb_len: u8,
    iovec_count: u16,
    dxfer_len: u32,
    dxferp: *mut libc::c_void,
    cmdp: *const u8,
    sbp: *mut u8,
    timeout: u32,
    flags: u32,
    pack_id: libc::c_int,
    usr_ptr: *mut libc::c_void,
    status: u8,
    masked_status: u8,
    msg_status: u8,
    sb_len_wr: u8,
    host_status: u16,
    driver_status: u16,
    resid: libc::c_int,
    duration: u32,
    info: u32,
}

const INTERFACE_ID: libc::c_int = b'S' as libc::c_int;
const DXFER_NONE: libc::c_int = -1;
const DXFER_TO_DEVICE: libc::c_int = -2;
const DXFER_FROM_DEVICE: libc::c_int = -3;
const RESET_DEVICE: libc::c_int = 1;

mod request {
    use super::Header;

    nix::ioctl_readwrite_bad!(sg_io, 0x2285, Header);
    nix::ioctl_read_bad!(sg_scsi_reset, 0x2284, libc::c_int);
}

/// Sends a command to the device and waits for what comes of it. Data goes in one direction: to the device if `data_out`
/// has any.
pub(super) fn execute(
    device: &File,
    cdb: &[u8],
    data_out: &Segments<'_>,
    data_in: &Segments<'_>,
    limit: Duration,
) -> Result<Foreign, Undelivered> {
    let (direction, data) = match (data_out.len_bytes(), data_in.len_bytes()) {
        (0, 0) => (DXFER_NONE, data_in),
        (0, _) => (DXFER_FROM_DEVICE, data_in),
        (_, _) => (DXFER_TO_DEVICE, data_out),
    };
    let mut vectors = data.slice(0, u64::MAX).into_vectors();
    // More pieces than the driver takes are gathered.
    let mut gathered = Vec::new();
    if vectors.len() > MAX_VECTORS {
        gathered = vec![0; usize::try_from(data.len_bytes()).map_err(|_| Undelivered::Transport)?];
        if direction == DXFER_TO_DEVICE {
            data.read(0, &mut gathered);
        }
        vectors = vec![libc::iovec { iov_base: gathered.as_mut_ptr().cast(), iov_len: gathered.len() }];
    }
    let mut sense = [0; FOREIGN_SENSE_LEN];
    let dxfer_len = u32::try_from(data.len_bytes()).map_err(|_| Undelivered::Transport)?;
    let mut header = Header {
        interface_id: INTERFACE_ID,
        dxfer_direction: direction,
        cmd_len: u8::try_from(cdb.len()).map_err(|_| Undelivered::Transport)?,
        mx_sb_len: FOREIGN_SENSE_LEN as u8,
        iovec_count: vectors.len() as u16,
        dxfer_len,
        dxferp: vectors.as_mut_ptr().cast(),
        cmdp: cdb.as_ptr(),
        sbp: sense.as_mut_ptr(),
        timeout: u32::try_from(limit.as_millis()).unwrap_or(u32::MAX),
        flags: 0,
        pack_id: 0,
        usr_ptr: std::ptr::null_mut(),
        status: 0,
        masked_status: 0,
        msg_status: 0,
        sb_len_wr: 0,
        host_status: 0,
        driver_status: 0,
        resid: 0,
        duration: 0,
        info: 0,
    };
    // SAFETY: all pointers are to memory that outlives the call, which waits for the command's end: the CDB and the
    // sense buffer with their lengths, and vectors of memory that the caller's segments vouch for (or our own).
    let sent = unsafe { request::sg_io(device.as_raw_fd(), &raw mut header) };
    if let Err(errno) = sent {
        tracing::debug!(%errno, opcode = cdb.first(), "SG_IO");
        return Err(match errno {
            nix::errno::Errno::ENODEV | nix::errno::Errno::ENXIO => Undelivered::NoDevice,
            nix::errno::Errno::EBUSY | nix::errno::Errno::EAGAIN => Undelivered::Busy,
            _ => Undelivered::Transport,
        });
    }
    delivered(header.host_status)?;
    let left = u32::try_from(header.resid).unwrap_or(0).min(dxfer_len);
    let moved = u64::from(dxfer_len - left);
    if direction == DXFER_FROM_DEVICE && !gathered.is_empty() {
        data.write(0, &gathered[..moved as usize]);
    }
    let (data_out, data_in) = match direction {
        DXFER_TO_DEVICE => (moved, 0),
        DXFER_FROM_DEVICE => (0, moved),
        _ => (0, 0),
    };
    let sense = sense[..usize::from(header.sb_len_wr).min(FOREIGN_SENSE_LEN)].to_vec();
    Ok(Foreign { status: header.status, sense, data_out, data_in })
}

/// What the host's adapter driver says of the way (`DID_…` of <scsi/scsi_status.h>).
fn delivered(host_status: u16) -> Result<(), Undelivered> {
    match host_status {
        // DID_OK, and DID_PASSTHROUGH.
        0x00 | 0x0a => Ok(()),
        // DID_NO_CONNECT, DID_BAD_TARGET.
        0x01 | 0x04 => Err(Undelivered::NoDevice),
        // DID_BUS_BUSY, DID_REQUEUE, DID_TRANSPORT_DISRUPTED.
        0x02 | 0x0d | 0x0e => Err(Undelivered::Busy),
        // DID_TIME_OUT, DID_ABORT.
        0x03 | 0x05 => Err(Undelivered::TimedOut),
        // DID_RESET.
        0x08 => Err(Undelivered::Reset),
        _ => Err(Undelivered::Transport),
    }
}

/// Resets the logical unit; whether the host could.
pub(super) fn reset(device: &File) -> io::Result<()> {
    let mut what = RESET_DEVICE;
    // SAFETY: the pointer is to a live int.
    unsafe { request::sg_scsi_reset(device.as_raw_fd(), &raw mut what) }?;
    Ok(())
}

/// Size of the disc in a drive.
pub(super) fn medium(device: &File) -> Option<Medium> {
    const READ_CAPACITY: [u8; 10] = [0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut data = [0; 8];
    let segments = Segments::from_slice(&mut data);
    let limit = Duration::from_secs(30);
    let answer = execute(device, &READ_CAPACITY, &Segments::empty(), &segments, limit).ok()?;
    drop(segments);
    if answer.status != 0 || answer.data_in < 8 {
        return None;
    }
    let word = |at: usize| u32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]);
    let (last, block_len) = (word(0), word(4));
    Some(Medium { len_bytes: (u64::from(last) + 1) * u64::from(block_len), block_len })
}

#[test]
fn what_is_no_scsi_device_delivers_nothing() {
    let file = tempfile::tempfile().unwrap();
    let nothing = Segments::empty();
    let answer = execute(&file, &[0; 6], &nothing, &nothing, Duration::from_secs(1));
    assert_eq!(answer, Err(Undelivered::Transport));
    assert_eq!(reset(&file).unwrap_err().raw_os_error(), Some(libc::ENOTTY));
    // The size on which the kernel insists.
    assert_eq!(size_of::<Header>(), 88);
}

#[test]
fn the_hosts_word_on_the_way_becomes_an_outcome() {
    let outcomes = [0, 1, 2, 3, 4, 5, 6, 7, 8].map(delivered);
    use Undelivered::{Busy, NoDevice, Reset, TimedOut, Transport};
    let expected = [
        None,
        Some(NoDevice),
        Some(Busy),
        Some(TimedOut),
        Some(NoDevice),
        Some(TimedOut),
        Some(Transport),
        Some(Transport),
        Some(Reset),
    ];
    assert_eq!(outcomes.map(Result::err), expected);
}
